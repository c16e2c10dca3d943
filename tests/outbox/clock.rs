//! Jumps of the wall clock, and restarts during a pause between attempts.
//!
//! Each test starts its own hosts, whose clocks are moved by tests/c/outbox_clock.c.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use lifepay::ffi::{LP_ERR_EXPIRED, LP_ERR_NOT_FOUND, LP_OK, LP_PENDING};

use crate::support::books::{uuid_of, Books, Exchange, Reply};
use crate::support::constants::{ENTRY_PENDING, HOUR_MS};
use crate::support::outbox::{compile_preload, fresh, Host};
use crate::support::tools::{compile_c, have, Link};
use crate::support::wait::until;

pub(crate) const HOUR: i64 = 3600;
pub(crate) const YEAR: i64 = 365 * 24 * HOUR;
pub(crate) const UNAVAILABLE: Reply = Reply::Http("503 Service Unavailable");
/// How late an attempt may start on a busy machine.
const LATE: Duration = Duration::from_secs(2);

/// An outbox file, and the clocks of the hosts that open it.
pub(crate) struct Till {
    program: PathBuf,
    preload: PathBuf,
    path: PathBuf,
    url: String,
}

impl Till {
    pub fn new(name: &str, url: &str) -> Option<Till> {
        have("gcc").then(|| Till {
            program: compile_c("outbox_host", Link::Shared),
            preload: compile_preload("outbox_clock"),
            path: fresh(name),
            url: url.to_owned(),
        })
    }

    pub fn clock(&self) -> PathBuf {
        self.path.with_file_name("clock")
    }

    /// Sets how many seconds the wall clock is ahead of the real time.
    pub fn set_clock(&self, seconds: i64) {
        self.set_clocks(seconds, 0);
    }

    /// Sets all clocks `seconds` ahead, as if that time had passed since the test began.
    pub fn time_passes(&self, seconds: i64) {
        self.set_clocks(seconds, seconds);
    }

    pub fn set_clocks(&self, wall: i64, monotonic: i64) {
        // Renamed into place, so that a host never reads a partly written file.
        let half = self.path.with_file_name("half");
        std::fs::write(&half, format!("{wall} {monotonic}")).unwrap();
        std::fs::rename(half, self.clock()).unwrap();
    }

    pub fn open(&self, pause_ms: u32) -> Host {
        self.open_for(&self.url, pause_ms)
    }

    pub fn open_for(&self, url: &str, pause_ms: u32) -> Host {
        let mut command = Command::new(&self.program);
        command
            .env("LD_PRELOAD", &self.preload)
            .env("LIFEPAY_TEST_CLOCK", self.clock());
        let mut host = Host::start(&mut command);
        host.open_outbox(&self.path, url, 8, pause_ms);
        host
    }
}

/// A server that refuses the first `refusals` requests of each ext_id with 503, and accepts the
/// others.
pub(crate) fn refusing(refusals: usize) -> Books {
    Books::open(move |_, before| match before < refusals {
        true => (Duration::ZERO, UNAVAILABLE),
        false => (Duration::ZERO, Reply::Accept),
    })
}

/// Returns an entry's number of attempts, and when the next one is due by the hosts' wall clock, in
/// seconds after the real time. None if the entry is finished, is being sent or has no attempt yet.
pub(crate) fn entry(host: &mut Host, ext_id: &str) -> Option<(usize, i64)> {
    entry_with(ENTRY_PENDING, host, ext_id)
}

/// Does the same for an entry with exactly these flags.
pub(crate) fn entry_with(wanted: u32, host: &mut Host, ext_id: &str) -> Option<(usize, i64)> {
    let answer = host.ask(&format!("entry {ext_id}"));
    let words: Vec<i64> = answer
        .split(' ')
        .skip(2)
        .map(|word| word.parse().expect("a number"))
        .collect();
    let [code, flags, attempts, next_attempt_at] = words[..] else {
        panic!("{answer}");
    };
    let ahead = (next_attempt_at - chrono::Utc::now().timestamp_millis()) / 1000;
    let is_waiting = code == i64::from(LP_PENDING) && flags == i64::from(wanted) && attempts > 0;
    is_waiting.then_some((attempts as usize, ahead))
}

/// Waits until this many attempts have ended. Returns when the next one is due, as [`entry`] does.
pub(crate) fn refused(host: &mut Host, ext_id: &str, attempts: usize) -> i64 {
    let mut due = None;
    until("an attempt has ended", || {
        due = entry(host, ext_id).filter(|(made, _)| *made >= attempts);
        due.is_some()
    });
    due.unwrap().1
}

/// Waits until at least this many attempts have ended. Returns how many have ended.
fn refused_attempts(host: &mut Host, ext_id: &str, attempts: usize) -> usize {
    refused(host, ext_id, attempts);
    entry(host, ext_id).map_or(attempts, |(made, _)| made)
}

/// Returns the times between the starts of consecutive attempts.
fn gaps(exchanges: &[Exchange]) -> Vec<Duration> {
    let pairs = exchanges.windows(2);
    pairs.map(|pair| pair[1].began - pair[0].began).collect()
}

#[track_caller]
fn check_schedule(gaps: &[Duration], pause: Duration) {
    let earliest = pause - Duration::from_millis(5);
    for gap in gaps {
        assert!((earliest..pause + LATE).contains(gap), "{gaps:?}");
    }
}

#[test]
fn a_wall_clock_that_jumps_neither_stalls_nor_hurries_repeats() {
    const ATTEMPTS: usize = 12;
    let books = refusing(ATTEMPTS - 1);
    let Some(till) = Till::new("jumping", &books.url()) else {
        return;
    };
    // When another outbox writes to the file, the sender reads its due times again.
    let elsewhere = refusing(0);
    let mut other = Host::open(&till.program, &till.path, &elsewhere.url(), 1, 100);
    let mut host = till.open(300);
    host.submit("mine");
    let mut due_times = Vec::new();
    for attempt in 1..ATTEMPTS {
        until("an attempt", || books.of("mine").len() >= attempt);
        due_times.push(refused(&mut host, "mine", attempt));
        till.set_clock([YEAR, -YEAR, 0][attempt % 3]);
        other.submit(&format!("other-{attempt}"));
    }
    assert_eq!(host.wait("mine"), (0, uuid_of("mine")));
    assert_eq!(books.of("mine").len(), ATTEMPTS);
    check_schedule(&gaps(&books.of("mine")), Duration::from_millis(300));
    // The host's clock really jumped.
    assert!(due_times.iter().any(|due| *due > YEAR / 2), "{due_times:?}");
    assert!(
        due_times.iter().any(|due| *due < -YEAR / 2),
        "{due_times:?}"
    );
}

#[test]
fn a_due_time_far_in_the_future_is_corrected_to_the_schedule_by_a_restart() {
    let books = refusing(3);
    let Some(till) = Till::new("far", &books.url()) else {
        return;
    };
    till.set_clock(YEAR);
    let mut host = till.open(1000);
    host.submit("mine");
    assert!(refused(&mut host, "mine", 1) > YEAR / 2);
    host.kill();
    till.set_clock(0);
    let opened = Instant::now();
    let mut host = till.open(1000);
    assert_eq!(host.wait("mine"), (0, uuid_of("mine")));
    let exchanges = books.of("mine");
    let second = exchanges[1].began - opened;
    assert!(second < Duration::from_secs(1) + LATE, "{second:?}");
    assert_eq!(exchanges.len(), 4);
    check_schedule(&gaps(&exchanges[1..]), Duration::from_secs(1));
}

#[test]
fn an_entry_that_was_rescheduled_shows_its_new_time() {
    let books = refusing(1);
    let Some(till) = Till::new("far-told", &books.url()) else {
        return;
    };
    till.set_clock(YEAR);
    let mut host = till.open(HOUR_MS);
    host.submit("mine");
    assert!(refused(&mut host, "mine", 1) > YEAR / 2);
    host.kill();
    till.set_clock(0);
    let mut host = till.open(HOUR_MS);
    // A till shows when the next attempt is due: within the hour, and not in a year.
    until("the due time is within the schedule", || {
        entry(&mut host, "mine").is_some_and(|(_, due)| (0..=HOUR).contains(&due))
    });
    assert_eq!(books.of("mine").len(), 1);
}

#[test]
fn a_clock_that_has_jumped_ahead_during_a_restart_brings_one_attempt_and_no_flood() {
    let books = refusing(4);
    let Some(till) = Till::new("ahead", &books.url()) else {
        return;
    };
    let ext_ids: Vec<String> = (0..20).map(|number| format!("shift-{number}")).collect();
    let mut host = till.open(HOUR_MS);
    for ext_id in &ext_ids {
        host.submit(ext_id);
    }
    for ext_id in &ext_ids {
        refused(&mut host, ext_id, 1);
    }
    host.kill();
    till.set_clock(YEAR);
    let opened = Instant::now();
    let mut host = till.open(500);
    for ext_id in &ext_ids {
        assert_eq!(host.wait(ext_id), (0, uuid_of(ext_id)));
        let exchanges = books.of(ext_id);
        assert_eq!(exchanges.len(), 5);
        assert!(exchanges[1].began - opened < Duration::from_secs(1) + LATE);
        check_schedule(&gaps(&exchanges[1..]), Duration::from_millis(500));
    }
}

/// Without a battery the clock is reset by every power cut, until the network corrects it.
#[test]
fn an_outcome_with_a_wrong_date_is_not_pruned_as_old() {
    let books = refusing(0);
    let Some(till) = Till::new("battery", &books.url()) else {
        return;
    };
    till.set_clock(-YEAR);
    let mut host = till.open(HOUR_MS);
    host.submit("last-year");
    assert_eq!(host.wait("last-year").0, LP_OK);
    till.set_clock(0);
    host.submit("yesterday");
    assert_eq!(host.wait("yesterday").0, LP_OK);
    till.set_clock(-YEAR);
    host.submit("today");
    assert_eq!(host.wait("today").0, LP_OK);
    host.kill();
    till.set_clock(0);
    let mut host = till.open(HOUR_MS);
    until("the old entry is removed", || {
        host.wait("last-year").0 == LP_ERR_NOT_FOUND
    });
    for ext_id in ["yesterday", "today"] {
        assert_eq!(host.wait(ext_id), (0, uuid_of(ext_id)));
    }
}

/// Without a battery the clock starts at the factory date, until the network corrects it.
#[test]
fn a_clock_that_jumps_while_a_host_runs_neither_expires_a_request_nor_keeps_it_alive() {
    let books = refusing(usize::MAX);
    let Some(till) = Till::new("expiry", &books.url()) else {
        return;
    };
    till.set_clock(-YEAR);
    let mut host = till.open(100);
    host.ask(&format!("submit long {HOUR_MS}"));
    let attempts = refused_attempts(&mut host, "long", 1);
    till.set_clock(0);
    // The host has seen the jump once its due times follow the new clock.
    until("the due time follows the new clock", || {
        entry(&mut host, "long").is_some_and(|(_, due)| (-HOUR..HOUR).contains(&due))
    });
    refused_attempts(&mut host, "long", attempts + 3);

    // The entry is submitted between these two times.
    let before = Instant::now();
    host.ask("submit short 1500");
    let after = Instant::now();
    till.set_clock(-YEAR);
    assert_eq!(host.wait("short").0, LP_ERR_EXPIRED);
    let (longest, shortest) = (before.elapsed(), after.elapsed());
    assert!(longest > Duration::from_millis(1400), "{longest:?}");
    assert!(
        shortest < Duration::from_millis(1500) + LATE,
        "{shortest:?}"
    );
}

#[test]
fn a_request_of_yesterday_expires_when_a_clock_that_was_behind_is_corrected() {
    let books = refusing(usize::MAX);
    let Some(till) = Till::new("yesterday", &books.url()) else {
        return;
    };
    let mut host = till.open(HOUR_MS);
    host.ask(&format!("submit yesterday {HOUR_MS}"));
    refused(&mut host, "yesterday", 1);
    host.kill();
    till.set_clock(-YEAR);
    let mut host = till.open(HOUR_MS);
    let pending = format!("wait yesterday {LP_PENDING} 2 1 -");
    assert_eq!(host.ask("wait yesterday 1000"), pending);
    till.set_clock(2 * HOUR);
    assert_eq!(host.wait("yesterday").0, LP_ERR_EXPIRED);
    assert_eq!(books.of("yesterday").len(), 1);
}

#[test]
fn a_request_that_expired_while_no_host_ran_is_not_sent() {
    let books = refusing(1);
    let Some(till) = Till::new("expired-meanwhile", &books.url()) else {
        return;
    };
    let mut host = till.open(HOUR_MS);
    host.ask(&format!("submit yesterday {HOUR_MS}"));
    host.submit("today");
    refused(&mut host, "yesterday", 1);
    refused(&mut host, "today", 1);
    host.kill();
    till.set_clock(12 * HOUR);
    let mut host = till.open(HOUR_MS);
    assert_eq!(host.wait("yesterday").0, LP_ERR_EXPIRED);
    // Both were due when the host started.
    assert_eq!(host.wait("today"), (0, uuid_of("today")));
    assert_eq!(books.of("yesterday").len(), 1);
}

#[test]
fn a_pause_that_lifepay_has_asked_for_is_kept_across_a_restart() {
    let retry_after = Duration::from_secs(2);
    let books = Books::open(|_, before| match before {
        0 => (Duration::ZERO, Reply::Http("503 X\r\nRetry-After: 2")),
        _ => (Duration::ZERO, Reply::Accept),
    });
    let Some(till) = Till::new("retry-after", &books.url()) else {
        return;
    };
    let mut host = till.open(100);
    host.submit("mine");
    refused(&mut host, "mine", 1);
    host.kill();
    let mut host = till.open(100);
    assert_eq!(host.wait("mine"), (0, uuid_of("mine")));
    check_schedule(&gaps(&books.of("mine")), retry_after);
}

#[test]
fn a_request_expires_while_the_host_runs() {
    let books = refusing(usize::MAX);
    let Some(till) = Till::new("running", &books.url()) else {
        return;
    };
    let mut host = till.open(24 * HOUR_MS);
    host.ask(&format!("submit mine {}", 3 * HOUR_MS));
    refused(&mut host, "mine", 1);
    till.time_passes(3 * HOUR - 60);
    assert_eq!(
        host.ask("wait mine 1500"),
        format!("wait mine {LP_PENDING} 2 1 -")
    );
    till.time_passes(3 * HOUR + 60);
    assert_eq!(host.wait("mine").0, LP_ERR_EXPIRED);
    assert_eq!(books.of("mine").len(), 1);
}

/// Without a battery the clock starts at the factory date, until the network corrects it.
#[test]
fn a_clock_that_is_corrected_by_years_expires_nothing_that_this_run_has_submitted() {
    let books = refusing(usize::MAX);
    let Some(till) = Till::new("corrected", &books.url()) else {
        return;
    };
    till.set_clock(-20 * YEAR);
    let mut host = till.open(300);
    host.ask(&format!("submit mine {HOUR_MS}"));
    refused(&mut host, "mine", 1);
    till.set_clock(0);
    let before = books.of("mine").len();
    until("it is retried as before", || {
        books.of("mine").len() >= before + 4
    });
    check_schedule(&gaps(&books.of("mine")), Duration::from_millis(300));
    // A restart of the host does not expire it either: an hour less some seconds is left.
    let made = books.of("mine").len();
    host.kill();
    let mut host = till.open(300);
    until("it is retried", || books.of("mine").len() > made + 1);
    assert_eq!(host.ask("wait mine 0").split(' ').nth(2), Some("-1"));
    till.time_passes(HOUR + 60);
    assert_eq!(host.wait("mine").0, LP_ERR_EXPIRED);
}

#[test]
fn finished_entries_are_removed_after_keep_days_while_the_host_runs() {
    const KEEP: i64 = 30 * 24 * HOUR;
    let books = refusing(0);
    let Some(till) = Till::new("kept", &books.url()) else {
        return;
    };
    let mut host = till.open(HOUR_MS);
    for round in 1..=3 {
        let ext_id = format!("shift-{round}");
        host.submit(&ext_id);
        assert_eq!(host.wait(&ext_id).0, LP_OK);
        till.time_passes(round * (KEEP + 2 * HOUR) - 4 * HOUR);
        assert_eq!(host.wait(&ext_id).0, LP_OK, "removed two hours too early");
        till.time_passes(round * (KEEP + 2 * HOUR));
        until("it is removed", || host.wait(&ext_id).0 == LP_ERR_NOT_FOUND);
    }
}
