//! Properties of the C interface for any settings of a host and any bytes of a server: a call
//! returns one of the header's codes, sends exactly the given fields or nothing, and the next call
//! works.

use std::io::Write;
use std::net::Shutdown;
use std::sync::{Arc, Mutex};

use lifepay::ffi as code;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{json, Value};

use crate::support::constants::{ANSWERED, NOT_SENT, UNKNOWN};
use crate::support::server::ACCEPTED;
use crate::support::{read_request, respond, Answer, Call, Server};

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        // A failing case is printed and should then get its own test.
        failure_persistence: None,
        ..Config::default()
    })
}

/// A string from a host: mostly UTF-8.
fn any_string() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => Just(Vec::new()),
        6 => "[^\0]{1,60}".prop_map(String::into_bytes),
        1 => vec(1..=u8::MAX, 1..20),
    ]
}

#[test]
fn any_config_is_sent_unchanged_or_refused_by_its_fields() {
    let bodies = Arc::new(Mutex::new(Vec::<String>::new()));
    let seen = Arc::clone(&bodies);
    let server = Server::start(move |mut stream, _| {
        while let Some(request) = read_request(&mut stream) {
            let (_, body) = request.split_once("\r\n\r\n").expect("a body");
            seen.lock().unwrap().push(body.to_owned());
            let _ = stream.write_all(&respond("200 OK", ACCEPTED));
        }
    });
    let numbers = (
        -1..3_i32,
        -1..4_i32,
        any::<u32>(),
        any::<u32>(),
        0..1002_u32,
    );
    let strategy = (vec(any_string(), 7), numbers);
    let tested = runner(300).run(&strategy, |(strings, numbers)| {
        let (test, trust, expires_after_ms, keep_days, pauses) = numbers;
        let delays = vec![5_u32; pauses as usize];
        let call = Call::to(&server.url())
            .bytes(|c| &mut c.apikey, &strings[0])
            .bytes(|c| &mut c.login, &strings[1])
            .bytes(|c| &mut c.cashier_name, &strings[2])
            .bytes(|c| &mut c.target_serial, &strings[3])
            .bytes(|c| &mut c.ext_id, &strings[4])
            .bytes(|c| &mut c.callback_url, &strings[5])
            .bytes(|c| &mut c.callback_data, &strings[6])
            .with(|c| {
                (c.test, c.trust) = (test, trust);
                (c.expires_after_ms, c.keep_days) = (expires_after_ms, keep_days);
                (c.retry_delays_ms, c.retry_delay_count) = (delays.as_ptr(), pauses);
            });
        let answer = call.send();

        let texts: Option<Vec<String>> = strings
            .iter()
            .map(|bytes| String::from_utf8(bytes.clone()).ok())
            .collect();
        let fits = |text: &str, most| text.chars().count() <= most;
        let good = texts.as_ref().is_some_and(|texts| {
            !texts[0].is_empty()
                && !texts[1].is_empty()
                && fits(&texts[4], 50)
                && fits(&texts[5], 255)
        }) && matches!(test, 0 | 1)
            && matches!(trust, 0..=2)
            && pauses <= 1000;
        let sent = std::mem::take(&mut *bodies.lock().unwrap());
        if !good {
            prop_assert_eq!(
                (answer.code, answer.outcome),
                (code::LP_ERR_ARGUMENT, NOT_SENT)
            );
            prop_assert!(!answer.errors.is_empty() && sent.is_empty());
            return Ok(());
        }
        prop_assert_eq!((answer.code, answer.outcome), (code::LP_OK, ANSWERED));
        let texts = texts.unwrap();
        let names = [
            "apikey",
            "login",
            "cashier_name",
            "target_serial",
            "ext_id",
            "callback_url",
            "callback_data",
        ];
        let mut wanted = json!({});
        for (name, text) in names
            .iter()
            .zip(&texts)
            .filter(|(_, text)| !text.is_empty())
        {
            wanted[*name] = json!(text);
        }
        if test == 1 {
            wanted["test"] = json!(1);
        }
        wanted["ext_id"] = json!(answer.ext_id);
        prop_assert_eq!(sent.len(), 1);
        prop_assert_eq!(serde_json::from_str::<Value>(&sent[0]).unwrap(), wanted);
        Ok(())
    });
    tested.unwrap_or_else(|error| panic!("{error}"));
}

/// The bytes of a reply: nearly a valid answer, or random bytes.
fn any_reply() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![Just("200".to_owned()), "[0-9]{3}", ".{0,6}"];
    let version = prop_oneof![4 => Just("HTTP/1.1"), 1 => Just("HTTP/1.0"), 1 => Just("HTTP/2")];
    let header = prop_oneof![
        Just("Content-Length: 5".to_owned()),
        "Content-Length: [0-9-]{0,20}",
        "Transfer-Encoding: (chunked|gzip, chunked|[a-z]{0,9})",
        "Retry-After: [0-9]{0,12}",
        "Content-Encoding: (gzip|br)",
        "[A-Za-z-]{1,10}: [ -~]{0,20}",
        ".{0,20}",
    ];
    let body = prop_oneof![
        Just(ACCEPTED.to_owned()),
        "[0-9a-f]{1,3}\r\n.{0,30}\r\n0\r\n\r\n",
        "\\{\"code\":[0-9]{1,11},\"message\":.{0,10}\\}",
        ".{0,60}",
    ];
    prop_oneof![
        8 => (version, status, vec(header, 0..4), body).prop_map(|(version, status, headers, body)| {
            let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
            format!("{version} {status} X\r\n{headers}\r\n{body}").into_bytes()
        }),
        2 => vec(any::<u8>(), 0..200),
    ]
}

fn is_sound(answer: &Answer) -> Result<(), TestCaseError> {
    let known = [code::LP_ERR_NETWORK, code::LP_ERR_HTTP, code::LP_ERR_REPLY];
    if answer.code >= 0 {
        prop_assert_eq!((answer.outcome, answer.http_status), (ANSWERED, 200));
    } else {
        prop_assert!(known.contains(&answer.code), "{:?}", answer);
        prop_assert_eq!(answer.outcome, UNKNOWN);
        prop_assert!(
            answer.retry_after_ms >= 60_000 && answer.detail.is_some(),
            "{:?}",
            answer
        );
    }
    prop_assert!(!answer.message.is_empty() && answer.attempts == 1);
    prop_assert!(answer.code == 0 || answer.uuid.is_none());
    Ok(())
}

#[test]
fn any_reply_has_a_code_and_does_not_affect_the_next_call() {
    let reply = Arc::new(Mutex::new(Vec::new()));
    let server_reply = Arc::clone(&reply);
    let server = Server::start(move |mut stream, _| {
        if read_request(&mut stream).is_some() {
            let reply = server_reply.lock().unwrap().clone();
            let _ = stream.write_all(&reply);
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
    let call = || Call::to(&server.url()).limits(5000, 5000).send();
    let tested = runner(400).run(&any_reply(), |bytes| {
        *reply.lock().unwrap() = bytes;
        is_sound(&call())?;
        *reply.lock().unwrap() = respond("200 OK", ACCEPTED);
        prop_assert_eq!(call().code, 0);
        Ok(())
    });
    tested.unwrap_or_else(|error| panic!("{error}"));
}
