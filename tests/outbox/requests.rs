//! The life of a request in an outbox, through the public interface.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lifepay::ffi as code;
use lifepay_sandbox::{Options, Sandbox};

use crate::support::constants::{ANSWERED, ENTRY_FOREIGN, ENTRY_PENDING, NOT_SENT, UNKNOWN};
use crate::support::outbox::fresh;
use crate::support::server::ACCEPTED;
use crate::support::wait::until;
use crate::support::{read_request, respond, Call, Outbox, Server};

const UUID: &str = "dabe3833-43ff-5e5c-a45e-9cff664503fd";

/// Settings with pauses of 100 ms and short time limits.
fn quick<'a>(url: &str) -> Call<'a> {
    Call::to(url).repeat(0, &[100]).limits(2000, 2000)
}

/// Settings with an hour between attempts.
fn patient<'a>(url: &str) -> Call<'a> {
    Call::to(url).repeat(0, &[3_600_000]).limits(2000, 2000)
}

/// Starts a server that answers request n, from 0, with `answer(n)`. Also returns the counter of
/// requests.
fn answering(
    answer: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static,
) -> (Server, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let server = Server::start(move |mut stream: TcpStream, _| {
        while read_request(&mut stream).is_some() {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(&answer(number));
        }
    });
    (server, seen)
}

fn rejected(code: i32) -> Vec<u8> {
    respond(
        "200 OK",
        &format!(r#"{{"code":{code},"message":"нет","data":[]}}"#),
    )
}

#[test]
fn a_request_is_sent_and_its_outcome_kept() {
    let path = fresh("sent");
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let before = chrono::Utc::now().timestamp_millis();
    let outbox = Outbox::open(&path, quick(&sandbox.url()));
    let (returned, submitted) = outbox.submit(
        quick(&sandbox.url())
            .ext_id("mine")
            .target_serial("00106304012797"),
    );
    assert_eq!(returned, 0, "{submitted:?}");
    assert_eq!(submitted.ext_id.as_deref(), Some("mine"));
    let answer = outbox.wait("mine", 10_000);
    assert_eq!(
        (answer.code, answer.outcome, answer.attempts),
        (0, ANSWERED, 1),
        "{answer:?}"
    );
    assert_eq!(answer.uuid, Some(sandbox.documents()[0].uuid.clone()));
    assert!(answer.reply.is_some());
    outbox.close();

    // A host that crashed after the answer also gets the outcome.
    let outbox = Outbox::open(&path, quick(&sandbox.url()));
    assert_eq!(outbox.wait("mine", 0).uuid, answer.uuid);
    let entry = outbox.entry("mine").unwrap();
    let after = chrono::Utc::now().timestamp_millis();
    assert_eq!((entry.code, entry.flags, entry.next_attempt_at), (0, 0, 0));
    assert_eq!(entry.login, crate::support::call::LOGIN);
    assert_eq!(entry.target_serial.as_deref(), Some("00106304012797"));
    assert!((before..=after).contains(&entry.submitted_at));
    assert!((entry.submitted_at..=after).contains(&entry.answered_at));
    assert_eq!(entry.expires_at, entry.submitted_at + 12 * 3600 * 1000);
    assert_eq!(sandbox.requests().len(), 1);
}

#[test]
fn a_call_is_retried_by_the_schedule_until_lifepay_has_answered() {
    let (server, seen) = answering(|number| match number {
        0..3 => respond("503 X", ""),
        _ => respond("200 OK", ACCEPTED),
    });
    let outbox = Outbox::open(&fresh("repeated"), quick(&server.url()));
    outbox.submit(quick(&server.url()).ext_id("mine"));
    let answer = outbox.wait("mine", 10_000);
    assert_eq!((answer.code, answer.attempts), (0, 4), "{answer:?}");
    assert_eq!(seen.load(Ordering::SeqCst), 4);
}

#[test]
fn a_pending_entry_has_its_last_failure_and_its_next_attempt() {
    let outbox = Outbox::open(&fresh("waits"), patient(&Server::nowhere()));
    outbox.submit(
        Call::to("https://sapi.life-pay.ru")
            .with(|c| c.base_url = std::ptr::null())
            .ext_id("mine"),
    );
    until("an attempt", || {
        outbox.entry("mine").unwrap().attempts == 1
            && outbox.entry("mine").unwrap().next_attempt_at > 0
    });
    until("no attempt is in progress", || {
        outbox.entry("mine").unwrap().flags == ENTRY_PENDING
    });
    let entry = outbox.entry("mine").unwrap();
    assert_eq!(
        (entry.code, entry.outcome),
        (code::LP_PENDING, NOT_SENT),
        "{entry:?}"
    );
    let now = chrono::Utc::now().timestamp_millis();
    assert!(
        (now + 3_500_000..now + 3_600_001).contains(&entry.next_attempt_at),
        "{entry:?}"
    );
    let answer = outbox.wait("mine", 0);
    assert_eq!(answer.code, code::LP_PENDING);
    assert!(answer.message.contains("Нет связи"), "{answer:?}");
    assert!((3_500_000..=3_600_000).contains(&answer.retry_after_ms));
    assert_eq!(outbox.pending(), 1);
}

#[test]
fn a_submitted_ext_id_is_not_submitted_again() {
    let (server, seen) = answering(|_| respond("200 OK", ACCEPTED));
    let url = server.url();
    let outbox = Outbox::open(&fresh("again"), quick(&url));
    outbox.submit(quick(&url).ext_id("mine"));
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
    let (returned, again) = outbox.submit(quick(&url).ext_id("mine"));
    assert_eq!(
        (returned, again.code, again.uuid.as_deref()),
        (0, 0, Some(UUID))
    );
    let (returned, other) = outbox.submit(quick(&url).ext_id("mine").target_serial("1"));
    assert_eq!(
        (returned, other.code),
        (code::LP_ERR_ARGUMENT, code::LP_ERR_ARGUMENT)
    );
    assert_eq!(other.fields(), ["ext_id"]);
    assert!(other.message.contains("target_serial"), "{other:?}");
    // The message must not make a cashier open the shift twice.
    assert!(other.message.contains("уже принял"), "{other:?}");
    assert!(!other.message.contains("для новой смены"), "{other:?}");
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[test]
fn a_rejected_request_may_be_corrected_and_submitted_again() {
    let (server, _) = answering(|number| match number {
        0 => rejected(400),
        _ => respond("200 OK", ACCEPTED),
    });
    let url = server.url();
    let outbox = Outbox::open(&fresh("corrected"), quick(&url));
    outbox.submit(quick(&url).ext_id("mine").target_serial("wrong"));
    assert_eq!(outbox.wait("mine", 10_000).code, 400);
    let (returned, again) = outbox.submit(quick(&url).ext_id("mine").target_serial("right"));
    assert_eq!((returned, again.code), (0, code::LP_PENDING));
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
    assert_eq!(
        outbox.entry("mine").unwrap().target_serial.as_deref(),
        Some("right")
    );
}

#[test]
fn a_mistyped_apikey_does_not_ruin_a_queue() {
    let path = fresh("mistyped");
    let server = Server::start(|mut stream, _| {
        while let Some(request) = read_request(&mut stream) {
            let answer = match request.contains("\"right\"") {
                true => respond("200 OK", ACCEPTED),
                false => rejected(6010),
            };
            let _ = stream.write_all(&answer);
        }
    });
    let url = server.url();
    let with = |apikey: &str| quick(&url).text(|c| &mut c.apikey, apikey);
    let outbox = Outbox::open(&path, with("wrong"));
    for ext_id in ["one", "two", "three"] {
        outbox.submit(
            quick(&url)
                .with(|c| c.apikey = std::ptr::null())
                .ext_id(ext_id),
        );
        assert_eq!(outbox.wait(ext_id, 10_000).code, 6010);
    }
    outbox.close();
    let outbox = Outbox::open(&path, with("right"));
    assert_eq!(outbox.retry_now(Some("one")), 0);
    assert_eq!(outbox.wait("one", 10_000).code, 0);
    assert_eq!(outbox.wait("two", 0).code, 6010);
    assert_eq!(outbox.retry_now(None), 0);
    for ext_id in ["two", "three"] {
        assert_eq!(outbox.wait(ext_id, 10_000).code, 0);
    }
    assert_eq!(
        outbox.retry_now(Some("one")),
        code::LP_ERR_ARGUMENT,
        "it was accepted"
    );
    assert_eq!(outbox.retry_now(Some("none")), code::LP_ERR_NOT_FOUND);
}

#[test]
fn a_rejected_request_that_is_sent_again_is_pending_and_keeps_what_lifepay_said() {
    let answers = Arc::new(AtomicUsize::new(0));
    let allowed = Arc::clone(&answers);
    let (server, seen) = answering(move |number| {
        until("an answer is allowed", || {
            allowed.load(Ordering::SeqCst) > number
        });
        rejected(6010)
    });
    answers.store(1, Ordering::SeqCst);
    let outbox = Outbox::open(
        &fresh("reopened"),
        patient(&server.url()).limits(20_000, 20_000),
    );
    outbox.submit(patient(&server.url()).ext_id("mine"));
    let refused = outbox.wait("mine", 10_000);
    assert_eq!((refused.code, refused.outcome), (6010, ANSWERED));
    assert_eq!(outbox.retry_now(Some("mine")), 0);
    until("the second request", || seen.load(Ordering::SeqCst) == 2);
    let answer = outbox.wait("mine", 0);
    assert_eq!(
        (answer.code, answer.outcome),
        (code::LP_PENDING, UNKNOWN),
        "{answer:?}"
    );
    assert!(
        answer.errors.is_empty() && !answer.message.contains("нет"),
        "{answer:?}"
    );
    assert!(answer.detail.unwrap_or_default().contains("before: нет"));
    answers.store(2, Ordering::SeqCst);
    assert_eq!(outbox.wait("mine", 10_000).code, 6010);
}

#[test]
fn retry_now_does_not_wait_for_the_schedule() {
    let (server, seen) = answering(|number| match number {
        0 => respond("503 X", ""),
        _ => respond("200 OK", ACCEPTED),
    });
    let outbox = Outbox::open(&fresh("now"), patient(&server.url()));
    outbox.submit(patient(&server.url()).ext_id("mine"));
    until("the first attempt", || {
        outbox.wait("mine", 0).http_status == 503
    });
    assert_eq!(outbox.retry_now(None), 0);
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[test]
fn an_expired_request_is_not_repeated() {
    let (server, seen) = answering(|_| respond("503 X", ""));
    let url = server.url();
    let outbox = Outbox::open(&fresh("expired"), patient(&url));
    outbox.submit(
        patient(&url)
            .ext_id("mine")
            .with(|c| c.expires_after_ms = 700),
    );
    let answer = outbox.wait("mine", 10_000);
    assert_eq!(
        (answer.code, answer.outcome),
        (code::LP_ERR_EXPIRED, UNKNOWN),
        "{answer:?}"
    );
    assert_eq!(outbox.retry_now(Some("mine")), code::LP_ERR_ARGUMENT);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    // But it may be submitted again.
    let (returned, again) = outbox.submit(
        patient(&url)
            .ext_id("mine")
            .with(|c| c.expires_after_ms = u32::MAX),
    );
    assert_eq!(
        (returned, again.code, again.outcome),
        (0, code::LP_PENDING, UNKNOWN)
    );
    assert_eq!(outbox.entry("mine").unwrap().expires_at, 0);
}

#[test]
fn an_entry_is_cancelled_between_attempts_and_its_outcome_reported() {
    let outbox = Outbox::open(&fresh("cancelled"), patient(&Server::nowhere()));
    outbox.submit(
        Call::to("x")
            .with(|c| c.base_url = std::ptr::null())
            .ext_id("mine"),
    );
    until("an attempt", || outbox.wait("mine", 0).retry_after_ms > 0);
    let (returned, answer) = outbox.cancel("mine");
    assert_eq!(returned, 0);
    assert_eq!(
        (answer.code, answer.outcome),
        (code::LP_ERR_CANCELLED, NOT_SENT),
        "{answer:?}"
    );
    assert_eq!(outbox.pending(), 0);
    assert_eq!(
        outbox.cancel("mine").1.code,
        code::LP_ERR_CANCELLED,
        "again"
    );
    assert_eq!(outbox.cancel("none").0, code::LP_ERR_NOT_FOUND);
}

#[test]
fn a_running_attempt_is_aborted_by_a_cancellation() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let server = Server::start(move |mut stream, _| {
        read_request(&mut stream);
        count.fetch_add(1, Ordering::SeqCst);
        read_request(&mut stream);
    });
    let outbox = Outbox::open(
        &fresh("broken-off"),
        patient(&server.url()).limits(30_000, 30_000),
    );
    outbox.submit(patient(&server.url()).ext_id("mine"));
    until("the request", || seen.load(Ordering::SeqCst) == 1);
    let started = Instant::now();
    let (returned, answer) = outbox.cancel("mine");
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(
        (returned, answer.code, answer.outcome),
        (0, code::LP_ERR_CANCELLED, UNKNOWN)
    );
    assert_eq!(answer.detail.as_deref(), Some("cancelled"));
    let advice = "Если документ ещё нужен, повторите запрос с тем же ext_id.";
    assert!(answer.message.ends_with(advice), "{answer:?}");
}

#[test]
fn an_entry_of_another_base_url_is_listed_and_never_sent() {
    let path = fresh("foreign");
    let (server, seen) = answering(|_| respond("200 OK", ACCEPTED));
    let nowhere = Server::nowhere();
    let outbox = Outbox::open(&path, patient(&nowhere));
    outbox.submit(patient(&nowhere).ext_id("mine"));
    outbox.close();
    let outbox = Outbox::open(&path, quick(&server.url()));
    outbox.submit(quick(&server.url()).ext_id("other"));
    assert_eq!(outbox.wait("other", 10_000).code, 0);
    let entry = outbox.entry("mine").unwrap();
    assert_eq!(
        (entry.flags, entry.base_url),
        (ENTRY_PENDING | ENTRY_FOREIGN, nowhere)
    );
    assert_eq!(outbox.pending(), 0);
    assert_eq!(outbox.retry_now(Some("mine")), code::LP_ERR_ARGUMENT);
    let (_, answer) = outbox.submit(quick(&server.url()).ext_id("mine"));
    assert_eq!(answer.fields(), ["ext_id"]);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[test]
fn a_failed_wait_or_cancellation_names_the_ext_id_that_was_asked_for() {
    let outbox = Outbox::open(&fresh("asked-for"), patient(&Server::nowhere()));
    for failure in [code::LP_ERR_NOT_FOUND, code::LP_ERR_CLOSED] {
        for answer in [outbox.wait("mine", 0), outbox.cancel("mine").1] {
            assert_eq!((answer.code, answer.outcome), (failure, UNKNOWN));
            assert_eq!(answer.ext_id.as_deref(), Some("mine"), "{answer:?}");
        }
        outbox.close();
    }
}

#[test]
fn a_finished_entry_is_forgotten_and_a_waiting_one_is_not() {
    let (server, _) = answering(|_| respond("200 OK", ACCEPTED));
    let outbox = Outbox::open(&fresh("forgotten"), quick(&server.url()));
    outbox.submit(quick(&server.url()).ext_id("mine"));
    outbox.wait("mine", 10_000);
    assert_eq!(outbox.forget("mine"), 0);
    assert_eq!(outbox.forget("mine"), code::LP_ERR_NOT_FOUND);
    assert_eq!(outbox.wait("mine", 0).code, code::LP_ERR_NOT_FOUND);
    let stuck = Outbox::open(&fresh("not-forgotten"), patient(&Server::nowhere()));
    stuck.submit(
        Call::to("x")
            .with(|c| c.base_url = std::ptr::null())
            .ext_id("mine"),
    );
    assert_eq!(stuck.forget("mine"), code::LP_ERR_ARGUMENT);
}

#[test]
fn an_accepted_request_is_not_sent_again_after_its_expiry() {
    let (server, seen) = answering(|_| respond("200 OK", ACCEPTED));
    let outbox = Outbox::open(&fresh("accepted-and-over"), quick(&server.url()));
    let submit = || {
        let call = quick(&server.url()).ext_id("mine");
        outbox.submit(call.with(|c| c.expires_after_ms = 500))
    };
    submit();
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
    let entry = outbox.entry("mine").unwrap();
    let is_over = || chrono::Utc::now().timestamp_millis() > entry.expires_at;
    until("its expiry has passed", is_over);
    let (returned, answer) = submit();
    assert_eq!((returned, answer.code), (0, 0), "{answer:?}");
    assert_eq!(outbox.entry("mine").unwrap(), entry);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[test]
fn wrong_settings_are_reported_together() {
    let path = fresh("wrong");
    let answer = Outbox::try_open(
        &path,
        Call::to("http://example.com")
            .text(|c| &mut c.apikey, "")
            .with(|c| {
                c.concurrency = 1001;
                c.trust = 7;
            }),
    )
    .err()
    .unwrap();
    assert_eq!(answer.code, code::LP_ERR_ARGUMENT);
    assert_eq!(
        answer.fields(),
        ["apikey", "base_url", "trust", "concurrency"]
    );
    assert!(!path.exists());

    let nowhere = Server::nowhere();
    let outbox = Outbox::open(&path, patient(&nowhere));
    let (returned, answer) = outbox.submit(
        Call::to("https://example.com")
            .text(|c| &mut c.apikey, "another")
            .ext_id(&"x".repeat(51)),
    );
    assert_eq!(returned, code::LP_ERR_ARGUMENT);
    assert_eq!(answer.fields(), ["apikey", "base_url", "ext_id"]);
    assert!(outbox.entries().is_empty());
}

#[test]
fn the_login_of_the_opening_serves_requests_without_one() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let outbox = Outbox::open(&fresh("login"), quick(&sandbox.url()).login("70000000001"));
    outbox.submit(
        quick(&sandbox.url())
            .with(|c| c.login = std::ptr::null())
            .ext_id("one"),
    );
    outbox.submit(quick(&sandbox.url()).login("70000000002").ext_id("two"));
    assert_eq!(outbox.wait("two", 10_000).code, 2);
    assert_eq!(outbox.wait("one", 10_000).code, 1);
}
