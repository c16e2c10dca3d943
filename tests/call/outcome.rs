//! The result of a call, and whether LifePay may have the request: a test for each kind of failure.

use std::io::Write;
use std::net::{Shutdown, TcpStream};

use lifepay::ffi as code;

use crate::support::constants::{ANSWERED, NOT_SENT, UNKNOWN};
use crate::support::outbox::fresh;
use crate::support::server::ACCEPTED;
use crate::support::{read_request, respond, Answer, Call, Outbox, Server};

fn failed(answer: &Answer, code: i32, outcome: i32) {
    assert_eq!((answer.code, answer.outcome), (code, outcome), "{answer:?}");
    let is_russian = |text: &str| text.chars().any(|letter| ('а'..='я').contains(&letter));
    assert!(is_russian(&answer.message), "{answer:?}");
    assert!(
        answer
            .detail
            .as_deref()
            .is_some_and(|detail| !detail.is_empty()),
        "{answer:?}"
    );
    assert!(answer.ext_id.is_some(), "{answer:?}");
    assert_eq!(answer.uuid, None);
}

fn to(server: &Server) -> Answer {
    Call::to(&server.url()).limits(2000, 5000).send()
}

/// A server that reads the request and then calls `then`.
fn after_request(then: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Server {
    Server::start(move |mut stream, _| {
        if read_request(&mut stream).is_some() {
            then(&mut stream);
        }
    })
}

#[test]
fn accepted() {
    let answer = to(&Server::always(respond("200 OK", ACCEPTED)));
    assert_eq!((answer.code, answer.outcome), (0, ANSWERED), "{answer:?}");
    assert_eq!(
        (answer.http_status, answer.attempts, answer.retry_after_ms),
        (200, 1, 0)
    );
    assert_eq!(
        answer.uuid.as_deref(),
        Some("dabe3833-43ff-5e5c-a45e-9cff664503fd")
    );
    assert_eq!(answer.reply.as_deref(), Some(ACCEPTED));
    assert_eq!(answer.detail, None);
    assert!(answer.message.contains("принял"), "{answer:?}");
}

#[test]
fn accepted_without_a_uuid_as_in_test_mode() {
    for data in ["[]", "{}", "null", r#"{"uuid":null}"#, r#"{"uuid":""}"#] {
        let body = format!(r#"{{"code":0,"message":"","data":{data}}}"#);
        let answer = to(&Server::always(respond("200 OK", &body)));
        assert_eq!((answer.code, answer.outcome), (0, ANSWERED), "{answer:?}");
        assert_eq!(answer.uuid, None, "{body}");
    }
}

#[test]
fn rejected_is_answered_and_has_lifepays_words() {
    let body = r#"{"code":400,"message":"Ошибка данных.","data":{"target_serial":["Принтер не найден."]}}"#;
    let answer = to(&Server::always(respond("200 OK", body)));
    assert_eq!((answer.code, answer.outcome), (400, ANSWERED), "{answer:?}");
    assert_eq!(answer.retry_after_ms, 0);
    let expected = ("target_serial".to_owned(), "Принтер не найден.".to_owned());
    assert_eq!(answer.errors, [expected]);
    assert!(answer
        .message
        .starts_with("Ошибка данных. target_serial: Принтер не найден."));
}

#[test]
fn an_answer_from_lifepay_is_never_retried() {
    let body = r#"{"code":500,"message":"","data":[]}"#;
    let server = Server::always(respond("200 OK", body));
    let answer = Call::to(&server.url()).repeat(60_000, &[100]).send();
    assert_eq!((answer.code, answer.attempts), (500, 1), "{answer:?}");
}

#[test]
fn a_refused_connection_is_not_sent() {
    let answer = Call::to(&Server::nowhere()).send();
    failed(&answer, code::LP_ERR_NETWORK, NOT_SENT);
    assert_eq!((answer.http_status, answer.attempts), (0, 1));
    assert_eq!(answer.retry_after_ms, 60_000);
}

#[test]
fn a_connection_closed_after_the_request_is_unknown() {
    let answer = to(&after_request(|stream| {
        stream.shutdown(Shutdown::Both).unwrap();
    }));
    failed(&answer, code::LP_ERR_NETWORK, UNKNOWN);
}

#[test]
fn half_a_head_is_unknown() {
    let answer = to(&after_request(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le").unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
    }));
    failed(&answer, code::LP_ERR_NETWORK, UNKNOWN);
    assert_eq!(answer.http_status, 0);
}

#[test]
fn a_body_cut_off_is_not_lifepays_answer() {
    let with_length = respond("200 OK", ACCEPTED);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}",
        ACCEPTED.len(),
        &ACCEPTED[..ACCEPTED.len() / 2]
    );
    let until_close = format!("HTTP/1.0 200 OK\r\n\r\n{}", &ACCEPTED[..ACCEPTED.len() / 2]);
    let cut = with_length[..with_length.len() - 5].to_vec();
    for answer in [cut, chunked.into_bytes(), until_close.into_bytes()] {
        let server = after_request(move |stream| {
            stream.write_all(&answer).unwrap();
            stream.shutdown(Shutdown::Both).unwrap();
        });
        let answer = to(&server);
        failed(&answer, code::LP_ERR_REPLY, UNKNOWN);
        assert_eq!(answer.http_status, 200);
        assert!(answer
            .reply
            .is_some_and(|reply| ACCEPTED.starts_with(&reply)));
    }
}

#[test]
fn an_answer_that_is_not_http_is_not_lifepays() {
    for nonsense in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
    ] {
        let answer = to(&Server::always(nonsense));
        failed(&answer, code::LP_ERR_REPLY, UNKNOWN);
    }
}

#[test]
fn a_200_without_lifepays_json_is_reported_as_a_bad_reply() {
    for body in [
        "<html><body>Войдите в сеть</body></html>",
        "",
        "[]",
        "{}",
        r#"{"code":-1}"#,
        r#"{"code":2147483648}"#,
        r#"{"code":null}"#,
        r#"{"data":{"uuid":"1"}}"#,
    ] {
        let answer = to(&Server::always(respond("200 OK", body)));
        failed(&answer, code::LP_ERR_REPLY, UNKNOWN);
        assert_eq!(answer.http_status, 200);
        assert_eq!(answer.reply.as_deref().unwrap_or_default(), body);
        assert_eq!(answer.retry_after_ms, 60_000);
    }
}

#[test]
fn a_body_of_one_mebibyte_is_read_and_a_larger_one_is_not() {
    let padded = |length: usize| {
        let body = r#"{"code":0,"message":""}"#;
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    let answer = to(&Server::always(respond("200 OK", &padded(1024 * 1024))));
    assert_eq!(answer.code, 0, "{}", answer.message);
    let answer = to(&Server::always(respond("200 OK", &padded(1024 * 1024 + 1))));
    failed(&answer, code::LP_ERR_REPLY, UNKNOWN);
    assert!(answer.reply.is_some_and(|reply| reply.len() <= 4096));
}

#[test]
fn an_http_status_other_than_200_is_reported() {
    for status in [
        201, 204, 301, 302, 400, 401, 403, 404, 407, 429, 500, 502, 503, 504, 599,
    ] {
        let answer = to(&Server::always(respond(&format!("{status} X"), "")));
        failed(&answer, code::LP_ERR_HTTP, UNKNOWN);
        assert_eq!(answer.http_status, status);
        assert!(answer.message.contains(&status.to_string()), "{answer:?}");
        assert_eq!(answer.retry_after_ms, 60_000);
    }
}

#[test]
fn lifepays_json_with_another_status_is_not_its_answer() {
    let answer = to(&Server::always(respond("502 Bad Gateway", ACCEPTED)));
    failed(&answer, code::LP_ERR_HTTP, UNKNOWN);
    assert_eq!(answer.reply.as_deref(), Some(ACCEPTED));
}

#[test]
fn a_time_limit_after_the_request_is_unknown() {
    let server = after_request(|stream| {
        // Waits until the client disconnects.
        read_request(stream);
    });
    let answer = Call::to(&server.url()).limits(1000, 300).send();
    failed(&answer, code::LP_ERR_TIMEOUT, UNKNOWN);
}

#[test]
fn a_time_limit_within_a_body_keeps_the_status() {
    let server = after_request(|stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
            .unwrap();
        read_request(stream);
    });
    let answer = Call::to(&server.url()).limits(1000, 300).send();
    failed(&answer, code::LP_ERR_TIMEOUT, UNKNOWN);
    assert_eq!(
        (answer.http_status, answer.reply.as_deref()),
        (200, Some("{"))
    );
}

/// Asserts that the message leaves a retry to the host. A request that was stopped on purpose must
/// not be retried unconditionally.
#[track_caller]
fn leaves_it_to_the_host(answer: &Answer) {
    let advice = "Если документ ещё нужен, повторите запрос с тем же ext_id.";
    assert!(answer.message.ends_with(advice), "{answer:?}");
}

#[test]
fn cancelled_after_the_request_is_unknown() {
    let server = after_request(|stream| {
        read_request(stream);
    });
    let answer = Call::to(&server.url()).on_progress(|_| 1).send();
    failed(&answer, code::LP_ERR_CANCELLED, UNKNOWN);
    assert_eq!(answer.retry_after_ms, 0);
    assert_eq!(answer.detail.as_deref(), Some("cancelled"));
    leaves_it_to_the_host(&answer);
}

#[test]
fn a_call_cancelled_within_an_answer_does_not_report_its_status() {
    for status in ["200 OK", "503 X"] {
        let server = after_request(move |stream| {
            let part = format!("HTTP/1.1 {status}\r\nContent-Length: 1000\r\n\r\n{{\"code\"");
            let _ = stream.write_all(part.as_bytes());
        });
        let mut asked = 0;
        let call = Call::to(&server.url()).on_progress(|_| {
            asked += 1;
            i32::from(asked == 3)
        });
        let answer = call.send();
        failed(&answer, code::LP_ERR_CANCELLED, UNKNOWN);
        assert_eq!((answer.attempts, answer.retry_after_ms), (1, 0));
    }
}

#[test]
fn cancelled_before_the_connection_is_not_sent() {
    let answer = Call::to(&Server::nowhere())
        .repeat(60_000, &[60_000])
        .on_progress(|_| 1)
        .send();
    failed(&answer, code::LP_ERR_CANCELLED, NOT_SENT);
    let before = "cancelled by on_progress; before: connect to ";
    let detail = answer.detail.as_deref().unwrap();
    assert!(detail.starts_with(before), "{answer:?}");
    leaves_it_to_the_host(&answer);
}

#[test]
fn one_attempt_that_may_have_arrived_makes_the_whole_call_unknown() {
    // The first attempt gets no answer. After it, nothing listens any more.
    let (server, address) = {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        (server, address)
    };
    let once = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        read_request(&mut stream);
    });
    // The limit allows no third attempt, and cuts the second off long after it was refused.
    let answer = Call::to(&format!("http://{address}"))
        .repeat(10_000, &[100, 10_000])
        .send();
    once.join().unwrap();
    failed(&answer, code::LP_ERR_NETWORK, UNKNOWN);
    assert_eq!(answer.attempts, 2);
    assert_eq!(answer.http_status, 0);
}

#[test]
fn wrong_arguments_are_not_sent() {
    let answer = Call::to("ftp://example").send();
    assert_eq!(
        (answer.code, answer.outcome),
        (code::LP_ERR_ARGUMENT, NOT_SENT)
    );
    assert_eq!((answer.attempts, answer.retry_after_ms), (0, 0));
}

#[test]
fn the_reply_is_kept_unchanged_but_for_the_masked_apikey() {
    let apikey = crate::support::call::APIKEY;
    let body =
        format!(r#"{{"code":6010,"message":"нет {apikey}","data":{{"apikey":["{apikey}"]}}}}"#);
    let answer = to(&Server::always(respond("200 OK", &body)));
    assert_eq!(answer.code, 6010);
    assert_eq!(answer.reply, Some(body.replace(apikey, "***")));
    assert!(!format!("{answer:?}").contains(apikey), "{answer:?}");
}

#[test]
fn a_reply_that_is_not_utf8_or_holds_nul_is_kept_with_marks() {
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n".to_vec();
    answer.extend_from_slice(b"<\xcf\xf0\0\xe8>!");
    let answer = to(&Server::always(answer));
    failed(&answer, code::LP_ERR_REPLY, UNKNOWN);
    assert_eq!(
        answer.reply.as_deref(),
        Some("<\u{fffd}\u{fffd}\u{fffd}\u{fffd}>!")
    );
}

#[test]
fn interim_answers_of_any_kind_are_skipped() {
    let interim = [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nServer: nginx\r\nX-Node: 1\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nX: y\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\n",
    ];
    let large = format!(
        r#"{{"code":0,"data":{{"uuid":"u","x":"{}"}}}}"#,
        "x".repeat(100_000)
    );
    for body in [ACCEPTED, &large] {
        let last = String::from_utf8(respond("200 OK", body)).unwrap();
        let mut answers: Vec<String> = interim.iter().map(|one| format!("{one}{last}")).collect();
        answers.push(format!("{}{last}", interim.concat()));
        answers.push(format!("{}{last}", interim[1].repeat(300)));
        for answer in answers {
            let server = Server::always(answer.clone());
            for _ in 0..2 {
                let got = to(&server);
                assert_eq!(
                    (got.code, got.http_status),
                    (0, 200),
                    "{answer:.200} {got:?}"
                );
                assert_eq!(got.reply.as_deref(), Some(body));
            }
            assert_eq!(server.connections(), 1, "{answer:.200}");
        }
    }
    // The same, byte by byte.
    let answer = [interim.concat().as_bytes(), &respond("200 OK", ACCEPTED)].concat();
    let server = after_request(move |stream| {
        stream.set_nodelay(true).unwrap();
        for byte in &answer {
            stream.write_all(&[*byte]).unwrap();
        }
    });
    let got = to(&server);
    assert_eq!((got.code, got.http_status), (0, 200), "{got:?}");
}

#[test]
fn an_interim_answer_alone_is_no_answer() {
    let interim = "HTTP/1.1 100 Continue\r\nServer: nginx\r\n\r\n";
    let server = after_request(move |stream| {
        stream.write_all(interim.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
    });
    failed(&to(&server), code::LP_ERR_NETWORK, UNKNOWN);
    // Nor is an endless series of them, however long it lasts.
    let server = after_request(move |stream| while stream.write_all(interim.as_bytes()).is_ok() {});
    let answer = Call::to(&server.url()).limits(2000, 1000).send();
    failed(&answer, code::LP_ERR_TIMEOUT, UNKNOWN);
    assert!(answer.took.as_millis() < 1500, "{answer:?}");
    // 101 Switching Protocols is not an interim answer.
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
    let server = after_request(move |stream| {
        stream.write_all(switch.as_bytes()).unwrap();
    });
    failed(&to(&server), code::LP_ERR_HTTP, UNKNOWN);
}

/// Returns an outbox's result for a request that expires between its attempts at `url`.
fn expired(name: &str, url: &str) -> Answer {
    let call = || Call::to(url).limits(2000, 2000).repeat(0, &[100]);
    let outbox = Outbox::open(&fresh(name), call());
    let soon = call().ext_id("mine").with(|c| c.expires_after_ms = 500);
    outbox.submit(soon);
    outbox.wait("mine", 10_000)
}

#[test]
fn an_expired_request_that_was_not_sent_may_be_followed_by_a_new_one() {
    let answer = expired("expired-unsent", &Server::nowhere());
    failed(&answer, code::LP_ERR_EXPIRED, NOT_SENT);
    assert!(answer.message.contains("новый запрос"), "{answer:?}");
}

#[test]
fn an_expired_request_that_lifepay_may_have_is_to_be_repeated_with_the_same_ext_id() {
    let server = Server::always(respond("503 X", ""));
    let answer = expired("expired-sent", &server.url());
    failed(&answer, code::LP_ERR_EXPIRED, UNKNOWN);
    let message = &answer.message;
    assert!(message.contains("с тем же ext_id"), "{answer:?}");
    assert!(message.contains("личном кабинете LifePay"), "{answer:?}");
    assert!(!message.contains("новый запрос"), "{answer:?}");
}
