//! Every magic value of the sandbox and the behaviour of ext_id, as a till sees them through the
//! library.

use std::collections::BTreeSet;
use std::time::Duration;

use lifepay::ffi as code;
use lifepay_sandbox::{magic, Options, Sandbox};

use crate::support::{Answer, Call};

fn sandbox() -> Sandbox {
    let options = Options {
        slow: Duration::from_secs(30),
        retry_after: 1,
        ..Options::default()
    };
    Sandbox::start(options).expect("the sandbox starts")
}

fn code_and_outcome(answer: &Answer) -> (i32, i32) {
    (answer.code, answer.outcome)
}

/// Sends a request with this target_serial. Every call uses the same ext_id.
fn send(sandbox: &Sandbox, serial: &str) -> Answer {
    Call::to(&sandbox.url())
        .ext_id("mine")
        .target_serial(serial)
        .limits(500, 500)
        .send()
}

#[test]
fn a_regular_request_makes_one_document_however_often_it_is_sent() {
    let sandbox = sandbox();
    let first = Call::to(&sandbox.url()).ext_id("mine").send();
    let second = Call::to(&sandbox.url()).ext_id("mine").send();
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(first.uuid, second.uuid);
    let documents = sandbox.documents();
    assert_eq!(documents.len(), 1);
    assert_eq!(
        (Some(documents[0].uuid.clone()), documents[0].requests),
        (first.uuid, 2)
    );
}

#[test]
fn without_an_ext_id_each_call_makes_a_document_of_its_own() {
    let sandbox = sandbox();
    let answers: BTreeSet<_> = (0..3)
        .map(|_| Call::to(&sandbox.url()).send().uuid)
        .collect();
    assert_eq!((answers.len(), sandbox.documents().len()), (3, 3));
}

#[test]
fn the_librarys_documents_are_taken_by_path_and_ext_id() {
    let sandbox = sandbox();
    let send = |path: &str, members: &str| {
        let call = Call::to(&sandbox.url()).ext_id("mine");
        let call = call.target_serial("00106304012797");
        let answer = call.document(path, members).send();
        assert_eq!(answer.code, 0, "{path}: {answer:?}");
        answer.uuid.expect("a uuid")
    };
    let documents = [
        ("/cloud-print/create-z-report", "{}"),
        ("/cloud-print/cash-in", r#"{"amount": 100}"#),
        (
            "/cloud-print-ffd1_2/create-receipt",
            r#"{"purchase": {"products": [{"name": "Чай", "price": 10}]}}"#,
        ),
    ];
    let uuids: BTreeSet<_> = documents.map(|(path, body)| send(path, body)).into();
    assert_eq!(uuids.len(), 3);
    assert!(uuids.contains(&send(documents[0].0, "{}")));
    let made = sandbox.documents();
    let paths: Vec<_> = made.iter().map(|made| &made.path[..]).collect();
    assert_eq!(paths, documents.map(|(path, _)| path));
    // The sandbox names the missing fields that LifePay's page requires.
    let call = Call::to(&sandbox.url()).document("/cloud-print/cash-out", "{}");
    let answer = call.send();
    let named: Vec<_> = answer.errors.iter().map(|(field, _)| &field[..]).collect();
    assert_eq!((answer.code, named), (400, vec!["amount", "target_serial"]));
}

#[test]
fn test_mode_has_no_uuid_and_makes_no_document() {
    let sandbox = sandbox();
    let answer = Call::to(&sandbox.url()).with(|c| c.test = 1).send();
    assert_eq!((answer.code, answer.outcome, answer.uuid), (0, 3, None));
    assert!(sandbox.documents().is_empty());
    assert_eq!(sandbox.requests()[0].field("test"), Some(&1.into()));
}

#[test]
fn every_documented_code_and_one_that_is_not() {
    let sandbox = sandbox();
    for (login, expected) in [
        ("70000006009", code::LP_LOGIN_UNKNOWN),
        ("70000006010", code::LP_CREDENTIALS_UNKNOWN),
        ("70000006080", code::LP_FISCALIZATION_FORBIDDEN),
        ("70000006095", code::LP_ACCESS_DENIED),
        ("70000006000", code::LP_FORMAT_ERROR),
        ("70000000400", code::LP_DATA_ERROR),
        ("70000000500", code::LP_SERVER_ERROR),
        ("70000007777", 7777),
    ] {
        let answer = Call::to(&sandbox.url())
            .login(login)
            .repeat(5000, &[100])
            .send();
        assert_eq!(code_and_outcome(&answer), (expected, 3), "{answer:?}");
        assert_eq!(
            (answer.attempts, answer.retry_after_ms, answer.uuid),
            (1, 0, None)
        );
        assert!(!answer.message.is_empty());
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn the_pages_field_error_arrives() {
    let sandbox = sandbox();
    for call in [
        Call::to(&sandbox.url()).login("70000000400"),
        Call::to(&sandbox.url()).target_serial("00000000000404"),
    ] {
        let answer = call.send();
        assert_eq!(answer.code, 400);
        let expected = ("target_serial".to_owned(), "Принтер не найден.".to_owned());
        assert_eq!(answer.errors, [expected]);
    }
}

#[test]
fn serial_503_fails_once() {
    let sandbox = sandbox();
    let answer = send(&sandbox, "00000000000503");
    assert_eq!(
        (answer.code, answer.outcome, answer.http_status),
        (code::LP_ERR_HTTP, 2, 503)
    );
    assert_eq!(send(&sandbox, "00000000000503").code, 0);
}

#[test]
fn serial_504_loses_the_answer_and_a_repeat_finds_the_document() {
    let sandbox = sandbox();
    let answer = send(&sandbox, "00000000000504");
    assert_eq!(
        code_and_outcome(&answer),
        (code::LP_ERR_NETWORK, 2),
        "{answer:?}"
    );
    assert_eq!(sandbox.documents().len(), 1);
    let repeat = send(&sandbox, "00000000000504");
    assert_eq!(
        repeat.uuid.as_deref(),
        Some(sandbox.documents()[0].uuid.as_str())
    );
    assert_eq!(sandbox.documents().len(), 1);
}

#[test]
fn serial_499_resets_the_connection_every_time() {
    let sandbox = sandbox();
    for _ in 0..2 {
        let answer = send(&sandbox, "00000000000499");
        assert_eq!(
            code_and_outcome(&answer),
            (code::LP_ERR_NETWORK, 2),
            "{answer:?}"
        );
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn refused_sends_nothing_and_reset_may_have_sent_it() {
    for (answer, outcome) in [("reset", 2), ("refused", 1)] {
        let sandbox = sandbox();
        // The library keeps this connection, so the next request reuses one.
        assert_eq!(Call::to(&sandbox.url()).send().code, 0);
        let config = ureq::Agent::config_builder().proxy(None);
        let agent: ureq::Agent = config.build().into();
        let order = format!("{}sandbox/answer", sandbox.page_url());
        let order = agent.post(&order).content_type("application/json");
        let json = format!(r#"{{"answer":"{answer}"}}"#);
        assert_eq!(order.send(json).expect("an answer").status(), 200);
        let answer = Call::to(&sandbox.url()).send();
        let expected = (code::LP_ERR_NETWORK, outcome);
        assert_eq!(code_and_outcome(&answer), expected, "{answer:?}");
    }
}

#[test]
fn serial_408_is_too_slow() {
    let sandbox = sandbox();
    let answer = send(&sandbox, "00000000000408");
    assert_eq!(
        code_and_outcome(&answer),
        (code::LP_ERR_TIMEOUT, 2),
        "{answer:?}"
    );
}

#[test]
fn serial_200_is_a_page_of_html() {
    let sandbox = sandbox();
    let answer = send(&sandbox, "00000000000200");
    assert_eq!(
        (answer.code, answer.outcome, answer.http_status),
        (code::LP_ERR_REPLY, 2, 200)
    );
    assert!(answer.reply.unwrap().contains("<html"));
}

#[test]
fn serial_302_redirects_and_is_not_followed() {
    let sandbox = sandbox();
    let answer = send(&sandbox, "00000000000302");
    assert_eq!(
        (answer.code, answer.outcome, answer.http_status),
        (code::LP_ERR_HTTP, 2, 302)
    );
    assert_eq!(sandbox.portal_visits(), 0);
}

#[test]
fn serial_429_asks_to_wait() {
    let sandbox = sandbox();
    let answer = Call::to(&sandbox.url())
        .target_serial("00000000000429")
        .repeat(10_000, &[100])
        .send();
    assert_eq!((answer.code, answer.attempts), (0, 2), "{answer:?}");
    assert!(answer.took >= Duration::from_millis(950), "{answer:?}");
}

#[test]
fn this_file_knows_every_magic_value() {
    let source = include_str!("magic.rs");
    for row in magic::rows()
        .iter()
        .filter(|row| row.value.chars().all(|c| c.is_ascii_digit()))
    {
        assert!(
            source.contains(row.value),
            "no test for {} {}",
            row.field,
            row.value
        );
    }
}

#[test]
fn the_sandbox_finds_nothing_wrong_with_a_full_request() {
    let sandbox = sandbox();
    let answer = Call::to(&sandbox.url())
        .ext_id(&"ж".repeat(50))
        .target_serial("00106304012797")
        .text(|c| &mut c.cashier_name, "Иванова Аня")
        .text(|c| &mut c.cashier_inn, "500100732259")
        .text(|c| &mut c.callback_url, "http://127.0.0.1:9/hook")
        .text(|c| &mut c.callback_data_json, r#"{"касса":1}"#)
        .send();
    assert_eq!(answer.code, 0, "{answer:?}");
    let request = &sandbox.requests()[0];
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(
        request.field("apikey"),
        Some(&crate::support::call::APIKEY.into())
    );
}
