//! The time limits, and cancellation in every phase.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lifepay::ffi as code;

use crate::support::constants::{
    ANSWERED, NOT_SENT, PHASE_CONNECT, PHASE_EXCHANGE, PHASE_FAILED, UNKNOWN,
};
use crate::support::server::ACCEPTED;
use crate::support::{read_request, respond, Answer, Call, Server};

/// A server's behaviour, and the phase that a call to it reaches.
struct Phase {
    name: &'static str,
    start: fn() -> Peer,
    /// The phase that on_progress reports.
    phase: i32,
    /// Whether LifePay may have the request.
    outcome: i32,
    /// The size of callback_data in bytes.
    data: usize,
}

/// The peer of a call, which must live as long as the call.
struct Peer {
    base_url: String,
    _kept: Box<dyn std::any::Any>,
}

const PHASES: [Phase; 6] = [
    Phase {
        name: "the system does not accept the connection",
        start: unaccepting,
        phase: PHASE_CONNECT,
        outcome: NOT_SENT,
        data: 0,
    },
    Phase {
        name: "the server does not answer the ClientHello",
        start: || Peer::of("https", Server::start(swallow)),
        phase: PHASE_CONNECT,
        outcome: NOT_SENT,
        data: 0,
    },
    Phase {
        name: "the server does not read",
        start: || Peer::of("http", Server::start(ignore)),
        phase: PHASE_EXCHANGE,
        outcome: UNKNOWN,
        data: 8 * 1024 * 1024,
    },
    Phase {
        name: "the server sends nothing",
        start: || Peer::of("http", Server::start(swallow)),
        phase: PHASE_EXCHANGE,
        outcome: UNKNOWN,
        data: 0,
    },
    Phase {
        name: "the head trickles",
        start: || {
            Peer::of(
                "http",
                trickling(b"", b"HTTP/1.1 200 OK\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaa"),
            )
        },
        phase: PHASE_EXCHANGE,
        outcome: UNKNOWN,
        data: 0,
    },
    Phase {
        name: "the body trickles",
        start: || {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
            Peer::of(
                "http",
                trickling(
                    head,
                    b"{\"code\":0,\"message\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                ),
            )
        },
        phase: PHASE_EXCHANGE,
        outcome: UNKNOWN,
        data: 0,
    },
];

impl Peer {
    fn of(scheme: &str, server: Server) -> Peer {
        Peer {
            base_url: format!("{scheme}://{}", server.address()),
            _kept: Box::new(server),
        }
    }
}

/// Reads all input and sends nothing.
fn swallow(mut stream: TcpStream, _: usize) {
    while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
}

/// Does nothing. The connection stays open, because `Server` holds it until it is dropped.
fn ignore(_: TcpStream, _: usize) {}

/// Sends `first` at once, then `rest` at a byte every 100 ms.
fn trickling(first: &'static [u8], rest: &'static [u8]) -> Server {
    Server::start(move |mut stream, _| {
        if read_request(&mut stream).is_none() || stream.write_all(first).is_err() {
            return;
        }
        for byte in rest {
            std::thread::sleep(Duration::from_millis(100));
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
    })
}

/// A port whose listen queue is full, so that the system drops connection requests.
fn unaccepting() -> Peer {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        waiting.push(stream);
        assert!(waiting.len() < 100, "the listen queue does not fill up");
    }
    Peer {
        base_url: format!("http://{address}"),
        _kept: Box::new((socket, waiting)),
    }
}

fn call<'a>(phase: &Phase, peer: &Peer) -> Call<'a> {
    let call = Call::to(&peer.base_url);
    match phase.data {
        0 => call,
        bytes => call.text(|c| &mut c.callback_data, &"x".repeat(bytes)),
    }
}

/// Asserts that the call ended at `limit` or soon after it.
#[track_caller]
fn took(answer: &Answer, limit: u64) {
    took_with_preparation(answer, limit, Duration::ZERO);
}

/// Does the same for a call that takes `preparation` before its limits begin.
#[track_caller]
fn took_with_preparation(answer: &Answer, limit: u64, preparation: Duration) {
    let range = range(limit, preparation);
    assert!(
        range.contains(&answer.took),
        "not {limit} ms: {answer:?}; preparation: {preparation:?}"
    );
}

/// Returns how long a call that ends at its limit may take.
fn range(limit: u64, preparation: Duration) -> RangeInclusive<Duration> {
    let limit = Duration::from_millis(limit);
    limit - Duration::from_millis(50)..=limit + Duration::from_millis(400) + preparation
}

/// Returns a lock if the phase's data keep a processor busy: two such calls would delay each other.
fn turn(phase: &Phase) -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    let take = || TURN.lock().unwrap_or_else(PoisonError::into_inner);
    (phase.data > 0).then(take)
}

/// Returns how long a call with a phase's data takes without an exchange: unoptimised code is slow
/// at copying and checking megabytes.
fn preparation(phase: &Phase) -> Duration {
    let nowhere = Peer {
        base_url: Server::nowhere(),
        _kept: Box::new(()),
    };
    let answer = call(phase, &nowhere).send();
    assert_eq!(answer.code, code::LP_ERR_NETWORK, "{answer:?}");
    answer.took
}

/// Returns the answer of a call that must end in time. Other work on the machine may delay it, so
/// it is sent up to six times. A delay that the library causes occurs every time.
#[track_caller]
fn in_time(limit: u64, preparation: impl Fn() -> Duration, send: impl Fn() -> Answer) -> Answer {
    for _ in 1..6 {
        let answer = send();
        if range(limit, preparation()).contains(&answer.took) {
            return answer;
        }
    }
    let answer = send();
    took_with_preparation(&answer, limit, preparation());
    answer
}

#[test]
fn the_overall_limit_holds_in_every_phase() {
    for phase in &PHASES {
        let _turn = turn(phase);
        let peer = (phase.start)();
        let send = || call(phase, &peer).limits(20_000, 700).send();
        let answer = in_time(700, || preparation(phase), send);
        let result = (answer.code, answer.outcome);
        assert_eq!(
            result,
            (code::LP_ERR_TIMEOUT, phase.outcome),
            "{}: {answer:?}",
            phase.name
        );
        assert!(answer.message.contains("0.7"), "{answer:?}");
        assert!(answer.detail.unwrap().contains("700 ms"));
    }
}

#[test]
fn the_connect_limit_holds_until_the_connection_is_made() {
    for phase in PHASES.iter().filter(|phase| phase.phase == PHASE_CONNECT) {
        let _turn = turn(phase);
        let peer = (phase.start)();
        let answer = call(phase, &peer).limits(500, 20_000).send();
        let result = (answer.code, answer.outcome, answer.http_status);
        assert_eq!(
            result,
            (code::LP_ERR_TIMEOUT, NOT_SENT, 0),
            "{}: {answer:?}",
            phase.name
        );
        took(&answer, 500);
    }
}

#[test]
fn the_connect_limit_does_not_bound_the_answer() {
    for phase in PHASES.iter().filter(|phase| phase.phase == PHASE_EXCHANGE) {
        let _turn = turn(phase);
        let peer = (phase.start)();
        let send = || call(phase, &peer).limits(300, 1000).send();
        let answer = in_time(1000, || preparation(phase), send);
        assert_eq!(
            answer.code,
            code::LP_ERR_TIMEOUT,
            "{}: {answer:?}",
            phase.name
        );
    }
    let late = Server::start(|mut stream, _| {
        if read_request(&mut stream).is_some() {
            std::thread::sleep(Duration::from_millis(600));
            let _ = stream.write_all(&respond("200 OK", ACCEPTED));
        }
    });
    let answer = Call::to(&late.url()).limits(300, 20_000).send();
    assert_eq!((answer.code, answer.outcome), (0, ANSWERED), "{answer:?}");
    assert!(answer.took >= Duration::from_millis(600));
}

#[test]
fn a_kept_connection_has_the_limits_of_each_call() {
    let server = Server::start(|mut stream, _| {
        while let Some(request) = read_request(&mut stream) {
            if request.contains("slow") {
                return;
            }
            let _ = stream.write_all(&respond("200 OK", ACCEPTED));
        }
    });
    let first = Call::to(&server.url()).limits(5000, 20_000).send();
    assert_eq!(first.code, 0, "{first:?}");
    let slow = Call::to(&server.url())
        .ext_id("slow")
        .limits(5000, 400)
        .send();
    assert_eq!(
        (slow.code, slow.outcome),
        (code::LP_ERR_TIMEOUT, UNKNOWN),
        "{slow:?}"
    );
    took(&slow, 400);
    assert_eq!(server.connections(), 1);
    // An answer that still arrives over it must not be taken for that of another request.
    let next = Call::to(&server.url())
        .ext_id("next")
        .limits(5000, 5000)
        .send();
    assert_eq!(next.code, 0, "{next:?}");
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_call_is_cancelled_within_a_second_in_every_phase() {
    for phase in &PHASES {
        let _turn = turn(phase);
        let peer = (phase.start)();
        let (mut phases, mut stopped) = (Vec::new(), None);
        let answer = call(phase, &peer)
            .limits(20_000, 20_000)
            .on_progress(|progress| {
                phases.push(progress.phase);
                let enough = phases.len() == 3;
                if enough {
                    stopped = Some(Instant::now());
                }
                i32::from(enough)
            })
            .send();
        let since = stopped.expect("on_progress stopped the call").elapsed();
        let result = (answer.code, answer.outcome, answer.attempts);
        assert_eq!(
            result,
            (code::LP_ERR_CANCELLED, phase.outcome, 1),
            "{}: {answer:?}",
            phase.name
        );
        assert!(since < Duration::from_secs(1), "{}: {since:?}", phase.name);
        // on_progress is not called again once it has stopped the call.
        assert_eq!(phases, [phase.phase; 3], "{}", phase.name);
        assert_eq!(answer.retry_after_ms, 0);
    }
}

#[test]
fn on_progress_is_called_about_five_times_a_second() {
    for phase in &PHASES {
        let _turn = turn(phase);
        let peer = (phase.start)();
        let (mut phases, mut elapsed) = (Vec::new(), Vec::new());
        let answer = call(phase, &peer)
            .limits(2000, 2000)
            .on_progress(|progress| {
                phases.push(progress.phase);
                elapsed.push(progress.elapsed_ms);
                assert_eq!((progress.attempts, progress.next_attempt_ms), (1, 0));
                0
            })
            .send();
        assert_eq!(
            answer.code,
            code::LP_ERR_TIMEOUT,
            "{}: {answer:?}",
            phase.name
        );
        // The last phase reports the failed attempt.
        assert_eq!(phases.pop(), Some(PHASE_FAILED), "{}", phase.name);
        let calls = phases.len();
        // Ten, or fewer on a busy machine.
        assert!((4..=13).contains(&calls), "{}: {calls} calls", phase.name);
        assert_eq!(phases, vec![phase.phase; calls], "{}", phase.name);
        assert!(elapsed.is_sorted(), "{elapsed:?}");
        assert!(elapsed[0] <= 1000, "{elapsed:?}");
    }
}

#[test]
fn a_slow_on_progress_does_not_stretch_the_limit() {
    let silent = Server::start(swallow);
    let send = || {
        Call::to(&silent.url())
            .limits(20_000, 1000)
            .on_progress(|_| {
                std::thread::sleep(Duration::from_millis(150));
                0
            })
            .send()
    };
    // The last call of on_progress is made after the limit.
    let answer = in_time(1100, || Duration::ZERO, send);
    assert_eq!(answer.code, code::LP_ERR_TIMEOUT, "{answer:?}");
}

#[test]
fn on_progress_may_open_a_shift_itself() {
    let quick = Server::always(respond("200 OK", ACCEPTED));
    let late = Server::start(|mut stream, _| {
        if read_request(&mut stream).is_some() {
            std::thread::sleep(Duration::from_millis(700));
            let _ = stream.write_all(&respond("200 OK", ACCEPTED));
        }
    });
    let mut inner = Vec::new();
    let answer = Call::to(&late.url())
        .on_progress(|_| {
            inner.push(Call::to(&quick.url()).send().code);
            0
        })
        .send();
    assert_eq!((answer.code, answer.outcome), (0, ANSWERED), "{answer:?}");
    assert!(
        !inner.is_empty() && inner.iter().all(|code| *code == 0),
        "{inner:?}"
    );
    assert_eq!(late.connections(), 1);
}
