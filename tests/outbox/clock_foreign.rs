//! Jumps of the clock, and the entries of another base URL.

use lifepay::ffi::{LP_ERR_EXPIRED, LP_PENDING};

use super::clock::{entry_with, refused, refusing, Till, HOUR, YEAR};
use crate::support::books::Books;
use crate::support::constants::{ENTRY_FOREIGN, ENTRY_PENDING, HOUR_MS};
use crate::support::outbox::Host;
use crate::support::wait::until;

/// A file with the entry "mine", which was sent once and expires in an hour; and a host that has the
/// file open for another base URL, and has seen the clock jump from one time to another.
fn foreign_after_a_jump(name: &str, books: &Books, from: i64, to: i64) -> Option<(Till, Host)> {
    let till = Till::new(name, &books.url())?;
    till.set_clock(from);
    let mut sender = till.open(HOUR_MS);
    sender.until_it_sends();
    sender.ask(&format!("submit mine {HOUR_MS}"));
    refused(&mut sender, "mine", 1);
    sender.kill();
    let mut other = till.open_for(&refusing(0).url(), HOUR_MS);
    till.set_clock(to);
    until("the due time has followed the clock", || {
        let foreign = ENTRY_PENDING | ENTRY_FOREIGN;
        let entry = entry_with(foreign, &mut other, "mine");
        entry.is_some_and(|(_, due)| (to..=to + HOUR).contains(&due))
    });
    Some((till, other))
}

#[test]
fn an_entry_of_another_base_url_is_kept_when_the_clock_jumps_ahead() {
    let books = refusing(usize::MAX);
    let Some((till, mut other)) = foreign_after_a_jump("foreign-ahead", &books, -YEAR, 0) else {
        return;
    };
    other.kill();
    let mut sender = till.open(HOUR_MS);
    sender.until_it_sends();
    let pending = format!("wait mine {LP_PENDING} 2 1 -");
    assert_eq!(sender.ask("wait mine 1000"), pending);
}

#[test]
fn an_entry_of_another_base_url_expires_in_time_when_the_clock_jumps_back() {
    let books = refusing(usize::MAX);
    let Some((till, mut other)) = foreign_after_a_jump("foreign-back", &books, 0, -YEAR) else {
        return;
    };
    till.set_clocks(HOUR + 60 - YEAR, HOUR + 60);
    assert_eq!(other.wait("mine").0, LP_ERR_EXPIRED);
}
