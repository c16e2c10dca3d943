//! Jumps of the clock with several processes, with other base URLs, and with entries whose times do
//! not follow the clock.

use std::time::Duration;

use lifepay::ffi::{LP_ERR_EXPIRED, LP_PENDING};

use super::clock::{entry, entry_with, refused, refusing, Till, HOUR, UNAVAILABLE, YEAR};
use crate::support::books::{uuid_of, Books, Reply};
use crate::support::constants::{ENTRY_FOREIGN, ENTRY_PENDING, HOUR_MS};
use crate::support::outbox::Host;
use crate::support::wait::until;

/// After a jump the sender moves the times of pending entries. It must not move those of an entry
/// that was submitted by the new clock.
#[test]
fn a_submit_by_another_process_right_after_a_jump_expires_by_the_new_clock() {
    let books = refusing(1);
    let Some(till) = Till::new("right-after", &books.url()) else {
        return;
    };
    let mut sender = till.open(2000);
    sender.until_it_sends();
    let mut other = till.open(2000);
    for (ext_id, jump) in [("back", -YEAR), ("ahead", YEAR)] {
        till.set_clock(0);
        sender.ask(&format!("submit {ext_id} {HOUR_MS}"));
        refused(&mut sender, ext_id, 1);
        sender.freeze();
        till.set_clock(jump);
        let again = format!("submit {ext_id} {HOUR_MS}");
        assert_eq!(other.ask(&again), format!("submit {ext_id} 0 {LP_PENDING}"));
        sender.thaw();
        assert_eq!(other.wait(ext_id), (0, uuid_of(ext_id)));
    }
}

#[test]
fn a_jump_that_the_sender_did_not_live_to_see_expires_nothing() {
    let books = refusing(1);
    let Some(till) = Till::new("taken-over", &books.url()) else {
        return;
    };
    till.set_clock(0);
    let mut sender = till.open(2000);
    sender.until_it_sends();
    let mut other = till.open(2000);
    sender.ask(&format!("submit mine {HOUR_MS}"));
    refused(&mut sender, "mine", 1);
    sender.freeze();
    till.set_clock(YEAR);
    // The other process has seen the jump before it becomes the sender.
    other.submit("new");
    sender.kill();
    for ext_id in ["mine", "new"] {
        assert_eq!(other.wait(ext_id), (0, uuid_of(ext_id)));
    }
}

/// Waits until the due time of "mine", which was within the hour, has followed the clock.
fn until_due_after(host: &mut Host, jump: i64) {
    until("the due time has followed the clock", || {
        entry(host, "mine").is_some_and(|(_, due)| (jump..=jump + HOUR).contains(&due))
    });
}

#[test]
fn the_second_of_two_jumps_is_followed_where_another_process_has_followed_the_first() {
    let books = refusing(usize::MAX);
    let Some(till) = Till::new("two-jumps", &books.url()) else {
        return;
    };
    till.set_clock(0);
    let mut sender = till.open(HOUR_MS);
    sender.until_it_sends();
    sender.ask(&format!("submit mine {HOUR_MS}"));
    refused(&mut sender, "mine", 1);
    sender.freeze();
    let mut other = till.open(HOUR_MS);
    till.set_clock(YEAR);
    until_due_after(&mut other, YEAR);
    other.freeze();
    till.set_clock(2 * YEAR);
    sender.thaw();
    until_due_after(&mut sender, 2 * YEAR);
    let pending = format!("wait mine {LP_PENDING} 2 1 -");
    assert_eq!(sender.ask("wait mine 1000"), pending);
}

#[test]
fn a_jump_right_before_the_close_expires_nothing() {
    // Several rounds, because the host reads the clock between the jump and the close only
    // sometimes.
    for round in 0..4 {
        let books = refusing(usize::MAX);
        let Some(till) = Till::new(&format!("before-the-close-{round}"), &books.url()) else {
            return;
        };
        till.set_clock(-YEAR);
        let mut host = till.open(HOUR_MS);
        host.ask(&format!("submit mine {HOUR_MS}"));
        refused(&mut host, "mine", 1);
        till.set_clock(0);
        assert_eq!(host.ask("close"), "close 0");
        host.finish();
        let mut host = till.open(HOUR_MS);
        let pending = format!("wait mine {LP_PENDING} 2 1 -");
        assert_eq!(host.ask("wait mine 500"), pending);
    }
}

/// Submits "mine", which LifePay rejects, moves the clock back by a year and retries: the times of
/// the finished entry did not follow the clock. Returns when the retry has been refused.
fn retried_by_another_clock(name: &str) -> Option<(Till, Host, Books)> {
    let books = Books::open(|_, before| match before {
        0 => (Duration::ZERO, Reply::Reject(6080)),
        _ => (Duration::ZERO, UNAVAILABLE),
    });
    let till = Till::new(name, &books.url())?;
    till.set_clock(0);
    let mut host = till.open(HOUR_MS);
    host.ask(&format!("submit mine {HOUR_MS}"));
    assert_eq!(host.wait("mine").0, 6080);
    till.set_clock(-YEAR);
    assert_eq!(host.ask("retry mine"), "retry 0");
    refused(&mut host, "mine", 2);
    Some((till, host, books))
}

fn is_still_pending(host: &mut Host) {
    let mut due = || entry(host, "mine").map(|(_, due)| due);
    until("the due time follows the clock", || {
        due().is_some_and(|due| due > 0)
    });
    let pending = format!("wait mine {LP_PENDING} 2 2 -");
    assert_eq!(host.ask("wait mine 500"), pending);
}

#[test]
fn a_rejected_request_that_is_sent_again_does_not_expire_when_the_clock_jumps_ahead() {
    let Some((till, mut host, _books)) = retried_by_another_clock("sent-again") else {
        return;
    };
    till.set_clock(YEAR);
    is_still_pending(&mut host);
}

#[test]
fn a_rejected_request_that_is_submitted_again_does_not_expire_when_the_clock_is_corrected() {
    let Some((till, mut host, _books)) = retried_by_another_clock("submitted-again") else {
        return;
    };
    host.ask(&format!("submit mine {HOUR_MS}"));
    till.set_clock(0);
    is_still_pending(&mut host);
}

/// Creates a file with the entry "mine", which was sent once and expires in an hour. Returns it and
/// a host that has it open with another base URL, and has seen the clock jump from `from` to `to`.
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
