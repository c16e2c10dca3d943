//! A submit, a retry or a cancellation of a request that is pending, is being sent or has just
//! finished.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use lifepay::ffi as code;
use lifepay::ffi::lp_config;

use crate::support::books::{Books, Reply};
use crate::support::call::with_result;
use crate::support::constants::{
    ENTRY_PENDING, ENTRY_SENDING, FOREVER, HOUR_MS, NOT_SENT, UNKNOWN,
};
use crate::support::outbox::{fresh, Host};
use crate::support::tools::{compile_c, have, Link};
use crate::support::wait::until;
use crate::support::{library, Call, Outbox, Server};

/// How long "at once" may take on a busy machine.
const SOON: Duration = Duration::from_millis(1500);
const PENDING: (i32, i32) = (0, code::LP_PENDING);
const UNAVAILABLE: Reply = Reply::Http("503 Service Unavailable");

fn call<'a>(books: &Books, pause_ms: u32) -> Call<'a> {
    Call::to(&books.url())
        .repeat(0, &[pause_ms])
        .limits(5000, 20_000)
}

fn program() -> Option<PathBuf> {
    have("gcc").then(|| compile_c("outbox_host", Link::Shared))
}

/// Submits "mine". Returns the call's return value and the result's code.
fn submit(outbox: &Outbox, books: &Books, expires_after_ms: u32) -> (i32, i32) {
    let call = call(books, HOUR_MS).ext_id("mine");
    let (returned, answer) = outbox.submit(call.with(|c| c.expires_after_ms = expires_after_ms));
    (returned, answer.code)
}

fn refused_first(first: Reply) -> Books {
    Books::open(move |_, before| match before {
        0 => (Duration::ZERO, first),
        _ => (Duration::ZERO, Reply::Accept),
    })
}

/// A server that answers the first request with `first` as soon as the gate is open, and accepts
/// all others.
fn held_first(gate: &Arc<RwLock<()>>, first: Reply) -> Books {
    let gate = Arc::clone(gate);
    Books::open(move |_, before| {
        if before > 0 {
            return (Duration::ZERO, Reply::Accept);
        }
        drop(gate.read());
        (Duration::ZERO, first)
    })
}

fn until_refused(outbox: &Outbox) {
    until("the first attempt has failed", || {
        let entry = outbox.entry("mine").expect("it was submitted");
        (entry.http_status, entry.flags) == (503, 1)
    });
}

/// Submits "mine" and waits until its first attempt has failed. Then submits it again with this
/// expiry, which the first attempt may exceed on a busy machine.
fn refused_and_expiring(outbox: &Outbox, books: &Books, expires_after_ms: u32) {
    assert_eq!(submit(outbox, books, FOREVER), PENDING);
    until_refused(outbox);
    assert_eq!(submit(outbox, books, expires_after_ms), PENDING);
}

fn until_it_should_have_expired(outbox: &Outbox) {
    let expires_at = outbox.entry("mine").unwrap().expires_at;
    until("its expiry has passed", || {
        chrono::Utc::now().timestamp_millis() > expires_at
    });
}

#[track_caller]
fn sent_again_soon(books: &Books, since: Instant) {
    until("it is sent again", || books.of("mine").len() == 2);
    let waited = books.of("mine")[1].began - since;
    assert!(waited < SOON, "sent again after {waited:?}");
}

#[test]
fn a_request_that_expired_while_no_program_ran_is_sent_when_it_is_submitted_again() {
    // The submit and the thread that ends expired entries start at the same time. Their order must
    // not matter.
    for round in 0..6 {
        let path = fresh(&format!("wishes-expired-{round}"));
        let books = refused_first(UNAVAILABLE);
        let outbox = Outbox::open(&path, call(&books, HOUR_MS));
        refused_and_expiring(&outbox, &books, 500);
        let expires_at = outbox.entry("mine").unwrap().expires_at;
        outbox.close();
        until("its expiry has passed", || {
            chrono::Utc::now().timestamp_millis() > expires_at
        });
        let outbox = Outbox::open(&path, call(&books, HOUR_MS));
        assert_eq!(submit(&outbox, &books, FOREVER), PENDING);
        assert_eq!(outbox.entry("mine").unwrap().expires_at, 0);
        assert_eq!(outbox.wait("mine", 10_000).code, 0, "round {round}");
    }
}

#[test]
fn a_request_that_its_sender_has_yet_to_end_as_expired_is_sent_when_it_is_submitted_again() {
    let Some(program) = program() else { return };
    let path = fresh("wishes-not-yet-expired");
    let books = refused_first(UNAVAILABLE);
    let sender = Host::open(&program, &path, &books.url(), 8, HOUR_MS);
    sender.until_it_sends();
    let outbox = Outbox::open(&path, call(&books, HOUR_MS));
    refused_and_expiring(&outbox, &books, 1500);
    sender.freeze();
    until_it_should_have_expired(&outbox);
    assert_eq!(submit(&outbox, &books, FOREVER), PENDING);
    sender.thaw();
    assert_eq!(outbox.entry("mine").unwrap().expires_at, 0);
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
}

#[test]
fn a_submit_withdraws_a_cancellation_that_has_not_taken_effect() {
    let Some(program) = program() else { return };
    let path = fresh("wishes-withdrawn");
    let gate = Arc::new(RwLock::new(()));
    let books = held_first(&gate, UNAVAILABLE);
    let closed = gate.write();
    let sender = Host::open(&program, &path, &books.url(), 8, 100);
    sender.until_it_sends();
    let outbox = Outbox::open(&path, call(&books, 100));
    assert_eq!(submit(&outbox, &books, FOREVER), PENDING);
    until("it is being sent", || books.of("mine").len() == 1);
    sender.freeze();
    let (returned, answer) = outbox.cancel("mine");
    assert_eq!((returned, answer.code), PENDING, "its sender is frozen");
    assert_eq!(submit(&outbox, &books, HOUR_MS), PENDING);
    let left = outbox.entry("mine").unwrap().expires_at - chrono::Utc::now().timestamp_millis();
    assert!((3_500_000..=3_600_000).contains(&left), "{left}");
    sender.thaw();
    drop(closed);
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
}

#[test]
fn a_request_is_sent_at_once_when_it_is_submitted_again_after_a_cancellation() {
    let books = refused_first(Reply::Http("503 X\r\nRetry-After: 60"));
    let outbox = Outbox::open(&fresh("wishes-cancelled"), call(&books, 10_000));
    submit(&outbox, &books, FOREVER);
    until_refused(&outbox);
    assert_eq!(outbox.cancel("mine").1.code, code::LP_ERR_CANCELLED);
    let submitted = Instant::now();
    assert_eq!(submit(&outbox, &books, FOREVER), PENDING);
    sent_again_soon(&books, submitted);
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
}

#[test]
fn a_request_is_sent_at_once_when_it_is_submitted_again_after_its_expiry() {
    let books = refused_first(Reply::Http("503 X\r\nRetry-After: 60"));
    let outbox = Outbox::open(&fresh("wishes-expiry"), call(&books, 10_000));
    refused_and_expiring(&outbox, &books, 700);
    assert_eq!(outbox.wait("mine", 10_000).code, code::LP_ERR_EXPIRED);
    let submitted = Instant::now();
    assert_eq!(submit(&outbox, &books, FOREVER), PENDING);
    sent_again_soon(&books, submitted);
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
}

/// Calls `ask`, which requests a retry, during an attempt that then fails. The retry must follow at
/// once.
fn retried_after_the_attempt(name: &str, ask: impl FnOnce(&Outbox, &Books)) {
    let gate = Arc::new(RwLock::new(()));
    let books = held_first(&gate, UNAVAILABLE);
    let closed = gate.write();
    let outbox = Outbox::open(&fresh(name), call(&books, HOUR_MS));
    assert_eq!(submit(&outbox, &books, FOREVER), PENDING);
    until("it is being sent", || books.of("mine").len() == 1);
    ask(&outbox, &books);
    assert_eq!(books.of("mine").len(), 1);
    let failed = Instant::now();
    drop(closed);
    sent_again_soon(&books, failed);
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
}

#[test]
fn a_retry_during_an_attempt_follows_when_that_has_failed() {
    retried_after_the_attempt("wishes-retry", |outbox, _| {
        assert_eq!(outbox.retry_now(Some("mine")), 0);
    });
}

#[test]
fn a_retry_of_all_during_an_attempt_follows_when_that_has_failed() {
    retried_after_the_attempt("wishes-retry-all", |outbox, _| {
        assert_eq!(outbox.retry_now(None), 0);
    });
}

#[test]
fn a_retry_by_another_process_during_an_attempt_follows_when_that_has_failed() {
    let Some(program) = program() else { return };
    for (name, which) in [("wishes-other", "mine"), ("wishes-other-all", "-")] {
        let path = fresh(name);
        retried_after_the_attempt(name, |_, books| {
            let mut other = Host::open(&program, &path, &books.url(), 8, HOUR_MS);
            assert_eq!(other.ask(&format!("retry {which}")), "retry 0");
        });
    }
}

#[test]
fn a_submit_by_another_process_during_an_attempt_renews_the_expiry() {
    let Some(program) = program() else { return };
    let path = fresh("wishes-renewed");
    let gate = Arc::new(RwLock::new(()));
    let books = held_first(&gate, UNAVAILABLE);
    let closed = gate.write();
    let outbox = Outbox::open(&path, call(&books, HOUR_MS));
    let mut sender = Host::open(&program, &path, &books.url(), 8, 100);
    outbox.close();
    let mut other = Host::open(&program, &path, &books.url(), 8, 100);
    assert_eq!(sender.ask("submit mine 1000"), "submit mine 0 -1");
    until("it is being sent", || books.of("mine").len() == 1);
    let again = format!("submit mine {FOREVER}");
    assert_eq!(other.ask(&again), "submit mine 0 -1");
    let outbox = Outbox::open(&path, call(&books, 100));
    let submitted_at = outbox.entry("mine").unwrap().submitted_at;
    assert_eq!(outbox.entry("mine").unwrap().expires_at, 0);
    until("its first expiry has passed", || {
        chrono::Utc::now().timestamp_millis() > submitted_at + 1100
    });
    drop(closed);
    assert_eq!(sender.wait("mine").0, 0);
    assert_eq!(other.wait("mine").0, 0);
}

#[test]
fn an_entry_that_expires_during_an_attempt_is_pending_until_that_ends() {
    let gate = Arc::new(RwLock::new(()));
    let books = held_first(&gate, UNAVAILABLE);
    let closed = gate.write();
    let outbox = Outbox::open(&fresh("wishes-over"), call(&books, HOUR_MS));
    assert_eq!(submit(&outbox, &books, FOREVER), PENDING);
    until("it is being sent", || books.of("mine").len() == 1);
    assert_eq!(submit(&outbox, &books, 1500), PENDING);
    until_it_should_have_expired(&outbox);
    let status = || {
        let flags = outbox.entry("mine").unwrap().flags;
        (outbox.wait("mine", 0).code, flags, outbox.pending())
    };
    // Longer than the sender's interval between checks for expired entries.
    let limit = Instant::now() + Duration::from_millis(600);
    while Instant::now() < limit {
        assert_eq!(
            status(),
            (code::LP_PENDING, ENTRY_PENDING | ENTRY_SENDING, 1)
        );
    }
    drop(closed);
    outbox.wait("mine", 10_000);
    assert_eq!(status(), (code::LP_ERR_EXPIRED, 0, 0));
}

/// A server that never answers, so that LifePay may have every request.
fn silent() -> Books {
    Books::open(|_, _| (Duration::from_secs(60), Reply::Drop))
}

#[test]
fn a_failed_submit_of_a_request_that_was_sent_does_not_report_it_as_not_sent() {
    let books = silent();
    let outbox = Outbox::open(&fresh("wishes-outcome"), call(&books, HOUR_MS));
    assert_eq!(submit(&outbox, &books, FOREVER), PENDING);
    until("it is being sent", || books.of("mine").len() == 1);
    let mine = || call(&books, HOUR_MS).ext_id("mine");
    let long = "x".repeat(256);
    for wrong in [
        mine().target_serial("another"),
        mine().text(|c| &mut c.callback_url, &long),
        mine().text(|c| &mut c.apikey, "another"),
    ] {
        let (returned, answer) = outbox.submit(wrong);
        assert_eq!(returned, code::LP_ERR_ARGUMENT, "{answer:?}");
        assert_eq!(answer.ext_id.as_deref(), Some("mine"), "{answer:?}");
        assert_eq!(answer.outcome, UNKNOWN, "{answer:?}");
    }
    let new = call(&books, HOUR_MS).ext_id("new");
    let (returned, answer) = outbox.submit(new.text(|c| &mut c.callback_url, &long));
    assert_eq!(
        (returned, answer.outcome),
        (code::LP_ERR_ARGUMENT, NOT_SENT),
        "{answer:?}"
    );

    assert_eq!(outbox.close(), 0);
    let (returned, answer) = outbox.submit(mine());
    assert_eq!(returned, code::LP_ERR_CLOSED);
    assert_eq!(answer.ext_id.as_deref(), Some("mine"), "{answer:?}");
    assert_eq!(answer.outcome, UNKNOWN, "{answer:?}");
}

#[test]
fn a_failed_submit_of_a_request_that_will_be_sent_does_not_report_it_as_not_sent() {
    // Nothing listens on this port.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mine = || Call::to(&url).repeat(0, &[HOUR_MS]).ext_id("mine");
    let outbox = Outbox::open(&fresh("wishes-unsent"), mine());
    assert_eq!(outbox.submit(mine()).1.code, code::LP_PENDING);
    until("an attempt has failed", || {
        let entry = outbox.entry("mine").unwrap();
        entry.attempts == 1 && entry.flags & ENTRY_SENDING == 0
    });
    let outcome_of_a_wrong_submit = || {
        let (returned, answer) = outbox.submit(mine().with(|c| c.test = 7));
        assert_eq!(returned, code::LP_ERR_ARGUMENT, "{answer:?}");
        answer.outcome
    };
    assert_eq!(outbox.entry("mine").unwrap().outcome, NOT_SENT);
    assert_eq!(outcome_of_a_wrong_submit(), UNKNOWN);
    assert_eq!(outbox.cancel("mine").1.outcome, NOT_SENT);
    assert_eq!(outcome_of_a_wrong_submit(), NOT_SENT);
}

#[test]
fn a_submit_whose_ext_id_cannot_be_read_does_not_report_it_as_not_sent() {
    let books = silent();
    let outbox = Outbox::open(&fresh("wishes-unread"), call(&books, HOUR_MS));
    let refused = |config: *const lp_config, field: &str| {
        // SAFETY: NULL or a config that outlives the call.
        let (returned, answer) = with_result(|result| unsafe {
            (library().outbox_submit)(outbox.handle, config, result)
        });
        assert_eq!(returned, code::LP_ERR_ARGUMENT, "{answer:?}");
        assert_eq!(answer.fields(), [field]);
        assert_eq!((answer.outcome, answer.ext_id), (UNKNOWN, None));
    };
    refused(std::ptr::null(), "config");
    let mine = || call(&books, HOUR_MS).ext_id("mine");
    refused(&mine().with(|c| c.struct_size = 7).config, "struct_size");
    let cp1251 = call(&books, HOUR_MS).bytes(|c| &mut c.ext_id, b"\xf1\xec\xe5\xed\xe0");
    refused(&cp1251.config, "ext_id");
}

#[test]
fn a_refused_retry_or_forget_leaves_the_entry_as_it_is() {
    let books = Books::open(|ext_id, _| match ext_id {
        "accepted" => (Duration::ZERO, Reply::Accept),
        _ => (Duration::ZERO, UNAVAILABLE),
    });
    let outbox = Outbox::open(&fresh("wishes-refused"), call(&books, HOUR_MS));
    let submit = |ext_id: &str, expires_after_ms: u32| {
        let call = call(&books, HOUR_MS).ext_id(ext_id);
        let (returned, _) = outbox.submit(call.with(|c| c.expires_after_ms = expires_after_ms));
        assert_eq!(returned, 0);
    };
    submit("accepted", FOREVER);
    assert_eq!(outbox.wait("accepted", 10_000).code, 0);
    submit("cancelled", FOREVER);
    outbox.cancel("cancelled");
    submit("expired", 300);
    assert_eq!(outbox.wait("expired", 10_000).code, code::LP_ERR_EXPIRED);
    submit("pending", FOREVER);
    until("the attempt has failed", || {
        outbox.wait("pending", 0).http_status == 503 && outbox.entry("pending").unwrap().flags == 1
    });
    for (ext_id, outcome) in [
        ("accepted", 0),
        ("cancelled", code::LP_ERR_CANCELLED),
        ("expired", code::LP_ERR_EXPIRED),
        ("pending", code::LP_PENDING),
    ] {
        let before = outbox.entry(ext_id);
        let refused = match ext_id {
            "pending" => outbox.forget(ext_id),
            _ => outbox.retry_now(Some(ext_id)),
        };
        assert_eq!(refused, code::LP_ERR_ARGUMENT, "{ext_id}");
        assert_eq!(outbox.wait(ext_id, 0).code, outcome, "{ext_id}");
        assert_eq!(outbox.entry(ext_id), before);
    }
}

/// lp_outbox_retry_now refuses such an entry. The documentation refers to lp_outbox_wait for the
/// reason.
#[test]
fn an_entry_of_another_base_url_says_so_while_it_could_be_sent() {
    let path = fresh("wishes-elsewhere");
    let books = Books::open(|ext_id, _| match ext_id {
        "rejected" => (Duration::ZERO, Reply::Reject(400)),
        "accepted" => (Duration::ZERO, Reply::Accept),
        _ => (Duration::ZERO, UNAVAILABLE),
    });
    let outbox = Outbox::open(&path, call(&books, HOUR_MS));
    for ext_id in ["rejected", "accepted", "mine", "cancelled"] {
        assert_eq!(outbox.submit(call(&books, HOUR_MS).ext_id(ext_id)).0, 0);
    }
    assert_eq!(outbox.cancel("cancelled").0, 0);
    assert_eq!(outbox.wait("accepted", 10_000).code, 0);
    assert!(outbox.wait("rejected", 10_000).code > 0);
    until_refused(&outbox);
    let says_so = |outbox: &Outbox, ext_id: &str| {
        let sentence =
            "Запрос поставлен в очередь для другого base_url, эта очередь его не отправляет.";
        let message = outbox.wait(ext_id, 0).message;
        assert_eq!(message.contains(sentence), message.ends_with(sentence));
        message.ends_with(sentence)
    };
    assert!(!says_so(&outbox, "mine") && !says_so(&outbox, "rejected"));
    outbox.close();
    let outbox = Outbox::open(&path, Call::to(&Server::nowhere()));
    for (ext_id, expected) in [
        ("mine", true),
        ("rejected", true),
        ("accepted", false),
        ("cancelled", false),
    ] {
        assert_eq!(says_so(&outbox, ext_id), expected, "{ext_id}");
    }
}

#[test]
fn a_rejected_and_expired_entry_says_why_it_is_not_retried() {
    const SENTENCE: &str =
        "Срок запроса истёк. Если он ещё нужен, поставьте его в очередь снова с тем же ext_id.";
    let books = refused_first(Reply::Reject(400));
    let outbox = Outbox::open(&fresh("wishes-rejected"), call(&books, HOUR_MS));
    assert_eq!(submit(&outbox, &books, 2000), PENDING);
    let rejected = outbox.wait("mine", 10_000);
    assert_eq!(rejected.code, 400, "{rejected:?}");
    until_it_should_have_expired(&outbox);
    let entry = outbox.entry("mine").unwrap();
    assert_eq!(outbox.retry_now(Some("mine")), code::LP_ERR_ARGUMENT);
    let expired = outbox.wait("mine", 0);
    assert_eq!(expired.code, 400, "{expired:?}");
    assert!(expired.message.starts_with("нет"), "{expired:?}");
    assert!(expired.message.ends_with(SENTENCE), "{expired:?}");
    // The stored message is unchanged.
    assert!(!rejected.message.contains(SENTENCE), "{rejected:?}");
    assert_eq!(entry.message, rejected.message);
    assert_eq!(outbox.entry("mine"), Some(entry));
}

#[test]
fn an_entry_of_another_base_url_expires_too() {
    let path = fresh("wishes-foreign");
    let books = Books::open(|_, _| (Duration::ZERO, UNAVAILABLE));
    let outbox = Outbox::open(&path, call(&books, HOUR_MS));
    refused_and_expiring(&outbox, &books, 1000);
    outbox.close();
    let outbox = Outbox::open(&path, Call::to(&Server::nowhere()));
    let answer = outbox.wait("mine", 5000);
    assert_eq!(
        (answer.code, answer.outcome),
        (code::LP_ERR_EXPIRED, UNKNOWN),
        "{answer:?}"
    );
    assert_eq!(books.of("mine").len(), 1);
}
