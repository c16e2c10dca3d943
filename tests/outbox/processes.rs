//! Several outboxes on one file, in one process and in several, and concurrent requests.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lifepay::ffi as code;

use crate::support::books::{uuid_of, Books, Reply};
use crate::support::constants::{HOUR_MS, UNKNOWN};
use crate::support::outbox::{fresh, Host, InMemory};
use crate::support::tools::{compile_c, have, Link};
use crate::support::wait::until;
use crate::support::{Call, Outbox};

/// A delay that is longer than any test, so that the answer never arrives.
const NEVER: Duration = Duration::from_secs(60);
/// The longest time that a takeover by another process may need.
const BOUND: Duration = Duration::from_secs(3);
const UNAVAILABLE: Reply = Reply::Http("503 Service Unavailable");

fn program() -> Option<PathBuf> {
    have("gcc").then(|| compile_c("outbox_host", Link::Shared))
}

/// A server that never answers the first request of each ext_id, and accepts the others.
fn stuck_at_first() -> Books {
    Books::open(|_, before| match before {
        0 => (NEVER, Reply::Drop),
        _ => (Duration::ZERO, Reply::Accept),
    })
}

#[track_caller]
fn no_overlaps(books: &Books) {
    let overlaps = books.overlaps();
    assert!(
        overlaps.is_empty(),
        "{} requests of one ext_id at once, the first of them: {:?}",
        overlaps.len(),
        overlaps[0]
    );
}

fn accepted(ext_id: &str) -> (i32, String) {
    (0, uuid_of(ext_id))
}

#[test]
fn each_request_is_sent_by_one_process_at_a_time_and_by_the_schedule() {
    const PAUSE: u32 = 200;
    let Some(program) = program() else { return };
    let path = fresh("one-at-a-time");
    // The server is slow, and refuses each request twice.
    let books = Books::open(|_, before| match before {
        0..2 => (Duration::from_millis(60), UNAVAILABLE),
        _ => (Duration::from_millis(60), Reply::Accept),
    });
    let open = || Host::open(&program, &path, &books.url(), 8, PAUSE);
    let mut hosts = [open(), open()];
    let ext_ids: Vec<String> = (0..80).map(|number| format!("shift-{number}")).collect();
    // Both processes write to the file while requests are pending or being sent.
    for (number, ext_id) in ext_ids.iter().enumerate() {
        hosts[number % 2].submit(ext_id);
    }
    for host in &mut hosts {
        for ext_id in &ext_ids {
            assert_eq!(host.wait(ext_id), accepted(ext_id));
        }
    }
    no_overlaps(&books);
    for ext_id in &ext_ids {
        let exchanges = books.of(ext_id);
        assert_eq!(exchanges.len(), 3, "{ext_id}");
        for pair in exchanges.windows(2) {
            let gap = pair[1].began - pair[0].ended.expect("it was answered");
            assert!(
                gap >= Duration::from_millis(u64::from(PAUSE) - 5),
                "{ext_id} was retried after {gap:?}"
            );
        }
    }
    assert!(books.most_at_once() > 2, "several were sent at once");
}

#[test]
fn another_process_takes_over_when_the_sender_is_killed() {
    let Some(program) = program() else { return };
    let path = fresh("taken-over");
    let books = stuck_at_first();
    let open = || Host::open(&program, &path, &books.url(), 8, HOUR_MS);
    let mut sender = open();
    let mut times = Vec::new();
    for round in 0..6 {
        let ext_ids: Vec<String> = (0..3).map(|n| format!("shift-{round}-{n}")).collect();
        for ext_id in &ext_ids {
            sender.submit(ext_id);
        }
        until("the sender sends", || {
            ext_ids.iter().all(|ext_id| books.of(ext_id).len() == 1)
        });
        let mut other = open();
        other.send(&format!("wait {} 10000", ext_ids[0]));
        // At different moments between two checks of the lock by the other process.
        std::thread::sleep(Duration::from_millis(50 * round));
        sender.kill();
        let killed = Instant::now();
        let answer = other.receive();
        let uuid = uuid_of(&ext_ids[0]);
        assert_eq!(answer, format!("wait {} 0 3 2 {uuid}", ext_ids[0]));
        for ext_id in &ext_ids {
            assert_eq!(other.wait(ext_id), accepted(ext_id));
            assert_eq!(books.of(ext_id).len(), 2);
            times.push(books.of(ext_id)[1].began - killed);
        }
        sender = other;
    }
    no_overlaps(&books);
    let longest = times.iter().max().unwrap();
    println!("taken over within {longest:?} at most, of {}", times.len());
    assert!(*longest < BOUND, "{times:?}");
}

#[test]
fn killing_a_process_that_does_not_send_changes_nothing() {
    let Some(program) = program() else { return };
    let path = fresh("idle-killed");
    let books = Books::open(|_, _| (Duration::from_millis(500), Reply::Accept));
    let mut sender = Host::open(&program, &path, &books.url(), 8, 100);
    sender.submit("first");
    until("it is sent", || books.of("first").len() == 1);
    let mut other = Host::open(&program, &path, &books.url(), 8, 100);
    other.submit("second");
    other.kill();
    for ext_id in ["first", "second"] {
        assert_eq!(sender.wait(ext_id), accepted(ext_id));
        assert_eq!(books.of(ext_id).len(), 1);
    }
}

#[test]
fn calls_of_the_process_that_does_not_send_take_effect() {
    let Some(program) = program() else { return };
    let path = fresh("asks-for");
    let books = Books::open(|ext_id, before| match (ext_id, before) {
        ("stuck", _) => (NEVER, Reply::Drop),
        ("waiting", _) | ("retried", 0) => (Duration::ZERO, UNAVAILABLE),
        _ => (Duration::ZERO, Reply::Accept),
    });
    let mut sender = Host::open(&program, &path, &books.url(), 8, HOUR_MS);
    // A request that is being sent shows that this process is the sender.
    sender.submit("stuck");
    until("it is sent", || books.of("stuck").len() == 1);
    let mut other = Host::open(&program, &path, &books.url(), 8, HOUR_MS);

    let asked = Instant::now();
    other.submit("submitted");
    assert_eq!(other.wait("submitted"), accepted("submitted"));
    assert_eq!(sender.wait("submitted"), accepted("submitted"));
    assert!(asked.elapsed() < Duration::from_secs(1));

    other.submit("retried");
    let refused = |host: &mut Host, ext_id: &str| {
        let waits = format!("wait {ext_id} -1 2 1 -");
        until("the attempt has failed", || {
            let entry = host.ask(&format!("entry {ext_id}"));
            host.ask(&format!("wait {ext_id} 0")) == waits && entry.contains(" -1 1 1 ")
        });
    };
    refused(&mut other, "retried");
    let asked = Instant::now();
    assert_eq!(other.ask("retry retried"), "retry 0");
    assert_eq!(other.wait("retried"), accepted("retried"));
    assert!(asked.elapsed() < Duration::from_secs(1));

    let cancelled = code::LP_ERR_CANCELLED;
    other.submit("waiting");
    refused(&mut other, "waiting");
    let expected = format!("cancel waiting 0 {cancelled} {UNKNOWN}");
    assert_eq!(other.ask("cancel waiting"), expected);
    assert_eq!(sender.wait("waiting").0, cancelled);
    assert_eq!(other.ask("retry -"), "retry 0");

    let asked = Instant::now();
    let expected = format!("cancel stuck 0 {cancelled} {UNKNOWN}");
    assert_eq!(other.ask("cancel stuck"), expected);
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert_eq!(sender.wait("stuck").0, cancelled);
    until("the server notices", || {
        books.of("stuck")[0].ended.is_some()
    });
    assert!(books.of("stuck")[0].aborted);
    let requests = ["stuck", "submitted", "retried", "waiting"].map(|name| books.of(name).len());
    assert_eq!(requests, [1, 1, 2, 1]);
}

#[test]
fn a_process_that_closes_hands_over_what_it_was_sending() {
    let Some(program) = program() else { return };
    let path = fresh("handed-over");
    let books = stuck_at_first();
    let open = || Host::open(&program, &path, &books.url(), 8, HOUR_MS);
    let mut sender = open();
    // The close aborts an attempt at the end of a time slice, and the other process checks the lock
    // at intervals. The offset between the two differs from round to round, to show that the other
    // process never checks too early.
    for round in 0..10 {
        let ext_id = format!("shift-{round}");
        sender.submit(&ext_id);
        until("the sender sends", || books.of(&ext_id).len() == 1);
        std::thread::sleep(Duration::from_millis(20 * round));
        let mut other = open();
        std::thread::sleep(Duration::from_millis(230));
        let asked = Instant::now();
        assert_eq!(sender.ask("close"), "close 0");
        assert!(asked.elapsed() < Duration::from_secs(1));
        assert_eq!(other.wait(&ext_id), accepted(&ext_id));
        assert!(asked.elapsed() < BOUND);
        sender = other;
    }
    no_overlaps(&books);
}

#[test]
fn a_forked_child_of_the_sender_does_not_keep_others_from_taking_over() {
    let Some(program) = program() else { return };
    let path = fresh("forked");
    let books = stuck_at_first();
    let open = || Host::open(&program, &path, &books.url(), 8, HOUR_MS);
    let mut sender = open();
    sender.submit("mine");
    until("the sender sends", || books.of("mine").len() == 1);
    let mut other = open();
    let forked = sender.ask("fork");
    let child: i32 = forked.strip_prefix("fork ").unwrap().parse().unwrap();
    sender.kill();
    let answer = other.ask(&format!("wait mine {}", BOUND.as_millis()));
    // SAFETY: the arguments are numbers. The host forked this process, which ends in no other way.
    unsafe { libc::kill(child, libc::SIGKILL) };
    assert_eq!(answer, format!("wait mine 0 3 2 {}", uuid_of("mine")));
}

/// Settings with long time limits, so that no attempt ends by itself.
fn call<'a>(url: &str, pause_ms: u32) -> Call<'a> {
    Call::to(url).repeat(0, &[pause_ms]).limits(5000, 20_000)
}

fn open(path: &Path, books: &Books, pause_ms: u32) -> Outbox {
    Outbox::open(path, call(&books.url(), pause_ms))
}

#[test]
fn two_outboxes_of_one_process_send_each_request_once() {
    let path = fresh("one-process");
    let books = Books::open(|_, _| (Duration::from_millis(30), Reply::Accept));
    let outboxes = [open(&path, &books, HOUR_MS), open(&path, &books, HOUR_MS)];
    let ext_ids: Vec<String> = (0..40).map(|number| format!("shift-{number}")).collect();
    for (number, ext_id) in ext_ids.iter().enumerate() {
        let call = call(&books.url(), HOUR_MS).ext_id(ext_id);
        assert_eq!(outboxes[number % 2].submit(call).0, 0);
    }
    for outbox in &outboxes {
        for ext_id in &ext_ids {
            let answer = outbox.wait(ext_id, 10_000);
            assert_eq!((answer.code, answer.attempts), (0, 1), "{answer:?}");
            assert_eq!(answer.uuid, Some(uuid_of(ext_id)));
        }
    }
    assert_eq!(books.exchanges().len(), ext_ids.len());
}

#[test]
fn the_second_outbox_of_a_process_takes_over_when_the_first_is_closed() {
    let path = fresh("first-closed");
    let books = stuck_at_first();
    let first = open(&path, &books, HOUR_MS);
    first.submit(call(&books.url(), HOUR_MS).ext_id("mine"));
    until("it is sent", || books.of("mine").len() == 1);
    let second = open(&path, &books, HOUR_MS);
    let closed = Instant::now();
    first.close();
    let answer = second.wait("mine", 10_000);
    assert_eq!((answer.code, answer.attempts), (0, 2), "{answer:?}");
    assert!(closed.elapsed() < BOUND, "{:?}", closed.elapsed());
    no_overlaps(&books);
}

#[test]
fn outboxes_with_different_base_urls_on_one_file_send_each_its_own() {
    let Some(program) = program() else { return };
    let path = fresh("two-urls");
    let accepting = || {
        Books::open(|_, before| match before {
            0 => (Duration::from_millis(20), UNAVAILABLE),
            _ => (Duration::from_millis(20), Reply::Accept),
        })
    };
    let (one, two) = (accepting(), accepting());
    // Two outboxes in this process, and one in a separate process.
    let first = open(&path, &one, 100);
    let second = open(&path, &two, 100);
    let mut third = Host::open(&program, &path, &two.url(), 4, 100);
    for number in 0..10 {
        let ext_id = |url: &str| format!("{url}-{number}");
        first.submit(call(&one.url(), 100).ext_id(&ext_id("one")));
        second.submit(call(&two.url(), 100).ext_id(&ext_id("two")));
        third.submit(&ext_id("three"));
    }
    for number in 0..10 {
        let ext_id = |url: &str| format!("{url}-{number}");
        for (ext_id, books, other) in [
            (ext_id("one"), &one, &two),
            (ext_id("two"), &two, &one),
            (ext_id("three"), &two, &one),
        ] {
            // Every outbox that has the file open reports the outcome.
            assert_eq!(first.wait(&ext_id, 10_000).uuid, Some(uuid_of(&ext_id)));
            assert_eq!(second.wait(&ext_id, 0).uuid, Some(uuid_of(&ext_id)));
            assert_eq!(third.wait(&ext_id), accepted(&ext_id));
            assert_eq!((books.of(&ext_id).len(), other.of(&ext_id).len()), (2, 0));
        }
    }
}

#[test]
fn as_many_requests_run_at_once_as_were_asked_for() {
    for concurrency in [1, 3] {
        let books = Books::open(|_, _| (Duration::from_millis(80), Reply::Accept));
        let path = fresh(&format!("concurrency-{concurrency}"));
        let call = || call(&books.url(), HOUR_MS);
        let outbox = Outbox::open(&path, call().with(|c| c.concurrency = concurrency));
        let ext_ids: Vec<String> = (0..12).map(|number| format!("shift-{number}")).collect();
        for ext_id in &ext_ids {
            outbox.submit(call().ext_id(ext_id));
        }
        for ext_id in &ext_ids {
            assert_eq!(outbox.wait(ext_id, 10_000).code, 0);
        }
        assert_eq!(books.most_at_once(), concurrency as usize);
    }
}

#[test]
fn a_submit_does_not_wait_for_300_requests_that_are_under_way() {
    const MANY: usize = 300;
    let books = Books::open(|_, _| (NEVER, Reply::Drop));
    let call = || call(&books.url(), HOUR_MS).limits(60_000, 60_000);
    // In memory, so that a busy disk has no effect.
    let memory = InMemory::new("three-hundred");
    let path = memory.outbox();
    let outbox = Outbox::open(&path, call().with(|c| c.concurrency = MANY as u32));
    let mut slowest = Duration::ZERO;
    for number in 0..MANY {
        let (returned, answer) = outbox.submit(call().ext_id(&format!("shift-{number}")));
        assert_eq!(returned, 0, "{answer:?}");
        slowest = slowest.max(answer.took);
    }
    until("all are under way", || books.most_at_once() == MANY);
    let (returned, answer) = outbox.submit(call().ext_id("one more"));
    assert_eq!((returned, answer.code), (0, code::LP_PENDING));
    println!(
        "the slowest submit during {MANY} starts took {slowest:?}, one after them {:?}",
        answer.took
    );
    assert!(answer.took < Duration::from_millis(500), "{answer:?}");
    // The submit shares the processors with 300 starting threads.
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    let lookup = outbox.wait("one more", 0).took;
    assert!(lookup < Duration::from_millis(500), "{lookup:?}");
    let closing = Instant::now();
    outbox.close();
    let took = closing.elapsed();
    println!("close took {took:?}");
    // One second, plus the time that 300 threads may add on a busy machine.
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

#[test]
fn a_retry_right_after_an_outcome_is_not_lost() {
    let memory = InMemory::new("right-after");
    let path = memory.outbox();
    let books = Books::open(|_, before| match before {
        0 => (Duration::ZERO, Reply::Reject(6080)),
        _ => (Duration::ZERO, Reply::Accept),
    });
    let outbox = open(&path, &books, HOUR_MS);
    let began = Instant::now();
    // When the rejection becomes readable, the sender may not have finished with the entry yet.
    let ask = &|thread: usize| {
        for number in 0.. {
            let ext_id = format!("shift-{thread}-{number}");
            let call = || call(&books.url(), HOUR_MS).ext_id(&ext_id);
            assert_eq!(outbox.submit(call()).0, 0);
            while outbox.wait(&ext_id, 0).code != 6080 {
                assert!(began.elapsed() < Duration::from_secs(30), "no rejection");
            }
            let asked = match number % 2 {
                0 => outbox.submit(call().target_serial("corrected")).0,
                _ => outbox.retry_now(Some(&ext_id)),
            };
            assert_eq!(asked, 0);
            let answer = outbox.wait(&ext_id, 10_000);
            assert_eq!(answer.code, 0, "{ext_id}: {answer:?}");
            if began.elapsed() > Duration::from_secs(4) {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|thread| scope.spawn(move || ask(thread)))
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        let lost = ended.filter(Result::is_err).count();
        outbox.close();
        assert_eq!(lost, 0, "threads with a request that was never sent");
    });
}

#[test]
fn a_new_request_is_sent_once_however_early_the_sender_sees_it() {
    let memory = InMemory::new("once");
    let path = memory.outbox();
    let refusing = Books::open(|_, _| (Duration::ZERO, UNAVAILABLE));
    let elsewhere = Books::open(|_, _| (Duration::ZERO, Reply::Accept));
    // Enough that no request waits for others.
    let call_many = call(&refusing.url(), HOUR_MS).with(|c| c.concurrency = 600);
    let outbox = Outbox::open(&path, call_many);
    let submit = |outbox: &Outbox, books: &Books, ext_id: &str| {
        let (returned, answer) = outbox.submit(call(&books.url(), HOUR_MS).ext_id(ext_id));
        assert_eq!(returned, 0, "{answer:?}");
    };
    // Another outbox writes to the file, so the sender reads it all the time, also between the
    // commit of a submit and the rest of that submit.
    let other = open(&path, &elsewhere, HOUR_MS);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (submit, outbox, other) = (&submit, &outbox, &other);
            let (refusing, elsewhere) = (&refusing, &elsewhere);
            scope.spawn(move || {
                for number in 0..100 {
                    submit(other, elsewhere, &format!("other-{thread}-{number}"));
                    submit(outbox, refusing, &format!("shift-{thread}-{number}"));
                }
            });
        }
    });
    until("each was refused", || {
        let entries = outbox.entries();
        let mut mine = entries
            .iter()
            .filter(|entry| entry.base_url == refusing.url());
        mine.all(|entry| entry.http_status == 503 && entry.flags == 1)
    });
    let most = outbox.entries().iter().map(|entry| entry.attempts).max();
    outbox.close();
    assert_eq!((most, refusing.exchanges().len()), (Some(1), 600));
}
