//! Retries: the schedule, its limits, Retry-After, progress and cancellation.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lifepay::ffi as code;

use crate::support::constants::{
    FOREVER, PHASE_CONNECT, PHASE_EXCHANGE, PHASE_FAILED, PHASE_PAUSE,
};
use crate::support::server::ACCEPTED;
use crate::support::{read_request, respond, Call, Server};

/// Answers `failures` requests with `failure`, then accepts.
fn fails(failures: usize, failure: Vec<u8>) -> Server {
    let seen = AtomicUsize::new(0);
    Server::start(move |mut stream: TcpStream, _| {
        while read_request(&mut stream).is_some() {
            let answer = if seen.fetch_add(1, Ordering::SeqCst) < failures {
                failure.clone()
            } else {
                respond("200 OK", ACCEPTED)
            };
            let _ = stream.write_all(&answer);
        }
    })
}

fn unavailable() -> Vec<u8> {
    respond("503 Service Unavailable", "")
}

#[test]
fn without_repetition_there_is_one_attempt() {
    let answer = Call::to(&fails(1, unavailable()).url()).send();
    assert_eq!(
        (answer.code, answer.attempts),
        (code::LP_ERR_HTTP, 1),
        "{answer:?}"
    );
}

#[test]
fn attempts_are_made_until_lifepay_has_answered() {
    let server = fails(3, unavailable());
    let answer = Call::to(&server.url()).repeat(FOREVER, &[100, 200]).send();
    assert_eq!((answer.code, answer.attempts), (0, 4), "{answer:?}");
    assert_eq!((answer.http_status, answer.outcome), (200, 3));
    // Pauses of 100, 200 and 200 ms.
    assert!((500..1500).contains(&answer.took.as_millis()), "{answer:?}");
}

#[test]
fn every_failure_without_an_answer_is_retried() {
    let html = respond("200 OK", "<html>");
    let redirect =
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
            .to_vec();
    let nonsense = b"nonsense\r\n\r\n".to_vec();
    for failure in [unavailable(), html, redirect, nonsense] {
        let server = fails(1, failure);
        let answer = Call::to(&server.url()).repeat(5000, &[100]).send();
        assert_eq!((answer.code, answer.attempts), (0, 2), "{answer:?}");
    }
}

#[test]
fn the_overall_limit_ends_a_call_without_a_useless_pause() {
    let server = fails(usize::MAX, unavailable());
    let answer = Call::to(&server.url())
        .repeat(10_000, &[300, 60_000])
        .send();
    assert_eq!(
        (answer.code, answer.attempts),
        (code::LP_ERR_HTTP, 2),
        "{answer:?}"
    );
    assert!((300..5000).contains(&answer.took.as_millis()), "{answer:?}");
    assert_eq!(answer.retry_after_ms, 60_000);
}

#[test]
fn no_attempt_continues_past_the_overall_limit() {
    let server = Server::start(|mut stream, _| {
        read_request(&mut stream);
        read_request(&mut stream);
    });
    let answer = Call::to(&server.url())
        .limits(60_000, 60_000)
        .repeat(700, &[100])
        .send();
    assert_eq!(answer.code, code::LP_ERR_TIMEOUT);
    assert!((650..2000).contains(&answer.took.as_millis()), "{answer:?}");
}

#[test]
fn the_published_schedule_is_the_default() {
    let server = fails(usize::MAX, unavailable());
    let mut next = None;
    let answer = Call::to(&server.url())
        .repeat(FOREVER, &[])
        .on_progress(|progress| {
            if progress.phase == PHASE_FAILED {
                next = Some(progress.next_attempt_ms);
            }
            i32::from(progress.phase == PHASE_PAUSE)
        })
        .send();
    assert_eq!((answer.code, answer.attempts), (code::LP_ERR_CANCELLED, 1));
    assert_eq!(next, Some(60_000));
}

#[test]
fn the_result_has_the_next_pause() {
    let server = fails(usize::MAX, unavailable());
    let answer = Call::to(&server.url()).repeat(3000, &[100, 7000]).send();
    assert_eq!(
        (answer.attempts, answer.retry_after_ms),
        (2, 7000),
        "{answer:?}"
    );
}

#[test]
fn a_longer_retry_after_is_honoured_and_a_shorter_one_is_not() {
    let asks = |seconds: &str| {
        format!(
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let server = fails(1, asks("1").into_bytes());
    let answer = Call::to(&server.url()).repeat(5000, &[100]).send();
    assert_eq!((answer.code, answer.attempts), (0, 2), "{answer:?}");
    assert!((950..3000).contains(&answer.took.as_millis()), "{answer:?}");

    let server = fails(1, asks("1").into_bytes());
    let answer = Call::to(&server.url()).with(|c| c.retry_for_ms = 0).send();
    assert_eq!(answer.retry_after_ms, 60_000, "the schedule's is longer");

    let server = fails(1, asks("3600").into_bytes());
    let answer = Call::to(&server.url()).send();
    assert_eq!(answer.retry_after_ms, 3_600_000);
    assert_eq!(answer.http_status, 429);
}

#[test]
fn progress_reports_attempts_phases_and_the_last_failure() {
    let server = fails(2, unavailable());
    let mut reports = Vec::new();
    let answer = Call::to(&server.url())
        .repeat(10_000, &[500])
        .on_progress(|progress| {
            reports.push((
                progress.phase,
                progress.attempts,
                progress.code,
                progress.http_status,
            ));
            assert!(progress.struct_size >= 28);
            if progress.phase == PHASE_PAUSE {
                assert!((1..=500).contains(&progress.next_attempt_ms));
            }
            0
        })
        .send();
    assert_eq!((answer.code, answer.attempts), (0, 3), "{answer:?}");
    let failures: Vec<_> = reports
        .iter()
        .filter(|report| report.0 == PHASE_FAILED)
        .collect();
    assert_eq!(
        failures,
        [&(PHASE_FAILED, 1, -6, 503), &(PHASE_FAILED, 2, -6, 503)]
    );
    let pauses = reports
        .iter()
        .filter(|report| report.0 == PHASE_PAUSE)
        .count();
    assert!((2..=6).contains(&pauses), "{reports:?}");
}

#[test]
fn the_last_failed_attempt_is_reported() {
    let mut reports = Vec::new();
    let answer = Call::to(&fails(1, unavailable()).url())
        .on_progress(|progress| {
            reports.push((progress.phase, progress.next_attempt_ms));
            0
        })
        .send();
    assert_eq!(answer.code, code::LP_ERR_HTTP);
    assert_eq!(reports, [(PHASE_FAILED, 0)]);
}

#[test]
fn progress_is_reported_about_five_times_a_second_while_waiting() {
    let server = Server::start(|mut stream, _| {
        read_request(&mut stream);
        read_request(&mut stream);
    });
    let mut phases = BTreeSet::new();
    let mut reports = 0;
    let mut elapsed = 0;
    let answer = Call::to(&server.url())
        .limits(2000, 2000)
        .on_progress(|progress| {
            phases.insert(progress.phase);
            reports += 1;
            assert!(progress.elapsed_ms >= elapsed);
            elapsed = progress.elapsed_ms;
            assert_eq!((progress.attempts, progress.http_status), (1, 0));
            0
        })
        .send();
    assert_eq!(answer.code, code::LP_ERR_TIMEOUT);
    assert!((7..=12).contains(&reports), "{reports}");
    assert_eq!(phases, BTreeSet::from([PHASE_EXCHANGE, PHASE_FAILED]));
    assert!((1900..2500).contains(&elapsed), "{elapsed}");
}

#[test]
fn a_pause_is_cancelled_within_a_second() {
    let server = fails(1, unavailable());
    let mut asked_at = None;
    let answer = Call::to(&server.url())
        .repeat(FOREVER, &[3_600_000])
        .on_progress(|progress| {
            if progress.phase == PHASE_PAUSE && progress.elapsed_ms > 500 {
                asked_at.get_or_insert_with(Instant::now);
                return 1;
            }
            0
        })
        .send();
    assert_eq!(
        (answer.code, answer.outcome),
        (code::LP_ERR_CANCELLED, 2),
        "{answer:?}"
    );
    assert!(asked_at.expect("the pause was reported").elapsed() < Duration::from_secs(1));
    assert!(
        answer.detail.unwrap().contains("503"),
        "the reason for the failure is kept"
    );
    assert_eq!(answer.http_status, 503);
}

#[test]
fn no_attempt_begins_if_the_pause_has_lasted_past_the_limit() {
    let mut pauses = 0;
    let answer = Call::to(&Server::nowhere())
        .repeat(1000, &[300])
        .on_progress(|progress| {
            if progress.phase == PHASE_PAUSE {
                pauses += 1;
                std::thread::sleep(Duration::from_millis(1200));
            }
            0
        })
        .send();
    assert!(pauses > 0, "{answer:?}");
    // The reason for the failure is not replaced by a timeout.
    assert_eq!(
        (answer.code, answer.outcome, answer.attempts),
        (code::LP_ERR_NETWORK, 1, 1),
        "{answer:?}"
    );
}

#[test]
fn phases_before_the_connection_are_reported_as_connect() {
    // The listen queue is full, so no connection is ever accepted.
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let address: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&address.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let _filling: Vec<_> = (0..4)
        .map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(100)))
        .collect();
    let mut phases = BTreeSet::new();
    let answer = Call::to(&format!("http://{address}"))
        .limits(700, 60_000)
        .on_progress(|progress| {
            phases.insert(progress.phase);
            0
        })
        .send();
    assert_eq!(
        (answer.code, answer.outcome),
        (code::LP_ERR_TIMEOUT, 1),
        "{answer:?}"
    );
    assert!((650..2000).contains(&answer.took.as_millis()), "{answer:?}");
    assert_eq!(phases, BTreeSet::from([PHASE_CONNECT, PHASE_FAILED]));
}

#[test]
fn an_absurd_schedule_is_refused() {
    let answer = Call::to(&Server::nowhere()).with(|c| {
        c.retry_delays_ms = &7;
        c.retry_delay_count = 1001;
    });
    assert_eq!(answer.send().fields(), ["retry_delays_ms"]);
}
