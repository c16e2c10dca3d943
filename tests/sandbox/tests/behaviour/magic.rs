//! Each magic value, as seen by a client.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use lifepay_sandbox::{Answered, Options, Sandbox};
use serde_json::json;

use crate::wire::{ask, shift, Client};
use crate::LONG;

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

#[test]
fn a_login_answers_with_the_code_that_it_ends_in() {
    let sandbox = sandbox();
    for (login, code, message) in [
        (
            "70000006009",
            6009,
            "Не удалось найти пользователя по login",
        ),
        (
            "70000006010",
            6010,
            "Не удалось найти пользователя по login и apikey",
        ),
        ("70000006080", 6080, "Облачная фискализация запрещена"),
        ("70000006095", 6095, "Доступ запрещен"),
        ("70000006000", 6000, "Неверный формат данных"),
        ("70000000500", 500, "Внутренняя ошибка сервера"),
        ("70000007777", 7777, "Ошибка 7777"),
        ("70000000001", 1, "Ошибка 1"),
    ] {
        let reply = ask(&sandbox, &shift(json!({"login": login, "ext_id": login})));
        assert_eq!(reply.code(), code, "{login}");
        assert_eq!(reply.json()["message"], message, "{login}");
        assert_eq!(reply.json()["data"], json!([]), "{login}");
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn login_0400_and_serial_404_answer_as_the_pages_example() {
    let sandbox = sandbox();
    for fields in [
        json!({"login": "70000000400"}),
        json!({"target_serial": "00000000000404"}),
        json!({"target_serial": "0404"}),
        json!({"target_serial": "0404", "test": 1}),
    ] {
        let reply = ask(&sandbox, &shift(fields));
        assert_eq!(
            reply.json(),
            json!({"code": 400, "message": "Ошибка данных.", "data": {
                "target_serial": ["Принтер не найден."],
            }})
        );
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn login_0000_is_a_login_like_any_other() {
    let reply = ask(&sandbox(), &shift(json!({"login": "70000000000"})));
    assert_eq!(reply.uuid().len(), 36);
}

#[test]
fn serial_503_fails_once_for_each_ext_id() {
    let sandbox = sandbox();
    for ext_id in ["a", "b"] {
        let body = shift(json!({"target_serial": "00000000000503", "ext_id": ext_id}));
        let reply = ask(&sandbox, &body);
        assert_eq!(reply.status, 503);
        assert_eq!(
            reply.header("content-type"),
            Some("text/html; charset=UTF-8")
        );
        let uuid = ask(&sandbox, &body).uuid();
        assert_eq!(ask(&sandbox, &body).uuid(), uuid);
    }
    let requests: Vec<_> = sandbox.documents().iter().map(|d| d.requests).collect();
    assert_eq!(requests, [3, 3]);
}

#[test]
fn serial_503_without_ext_id_fails_once_for_each_body() {
    let sandbox = sandbox();
    for name in ["Иванова", "Петров"] {
        let body = shift(json!({"target_serial": "0503", "cashier_name": name}));
        assert_eq!(ask(&sandbox, &body).status, 503);
        assert_eq!(ask(&sandbox, &body).status, 200);
    }
}

#[test]
fn serial_503_also_fails_in_test_mode() {
    let sandbox = sandbox();
    let body = shift(json!({"target_serial": "0503", "test": 1}));
    assert_eq!(ask(&sandbox, &body).status, 503);
    assert_eq!(ask(&sandbox, &body).json()["data"], json!([]));
}

#[test]
fn serial_504_takes_the_document_and_closes_the_connection() {
    let sandbox = sandbox();
    let body = shift(json!({"target_serial": "00000000000504", "ext_id": "a"}));
    let mut client = Client::to(&sandbox);
    client.post(&body);
    assert!(client.receive().unwrap().is_none());
    assert_eq!(sandbox.documents().len(), 1);
    assert_eq!(sandbox.requests()[0].answered, Some(Answered::Closed));

    assert_eq!(ask(&sandbox, &body).uuid(), sandbox.documents()[0].uuid);
    assert_eq!(sandbox.documents().len(), 1);
}

#[test]
fn serial_504_without_ext_id_makes_the_second_document_that_ext_id_prevents() {
    let sandbox = sandbox();
    let body = shift(json!({"target_serial": "0504"}));
    let mut client = Client::to(&sandbox);
    client.post(&body);
    assert!(client.receive().unwrap().is_none());
    ask(&sandbox, &body).uuid();
    assert_eq!(sandbox.documents().len(), 2);
}

#[test]
fn serial_499_resets_the_connection_every_time() {
    let sandbox = sandbox();
    for _ in 0..2 {
        let mut client = Client::to(&sandbox);
        client.post(&shift(json!({"target_serial": "0499", "ext_id": "a"})));
        let Err(error) = client.receive() else {
            panic!("the connection was not reset");
        };
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert!(sandbox.documents().is_empty());
    assert_eq!(sandbox.requests()[1].answered, Some(Answered::Reset));
}

#[test]
fn serial_408_answers_late() {
    let slow = Duration::from_millis(300);
    let sandbox = Sandbox::start(Options {
        slow,
        ..Options::default()
    })
    .unwrap();
    let started = Instant::now();
    let reply = ask(&sandbox, &shift(json!({"target_serial": "0408"})));
    assert_eq!(reply.uuid(), sandbox.documents()[0].uuid);
    assert!(started.elapsed() >= slow);
}

#[test]
fn serial_408_takes_the_document_of_a_client_that_does_not_wait() {
    let sandbox = sandbox();
    let mut client = Client::to(&sandbox);
    client.post(&shift(json!({"target_serial": "0408", "ext_id": "a"})));
    assert!(sandbox.wait_for_requests(1, LONG));
    drop(client);
    assert!(sandbox.wait_for_answers(1, LONG));
    assert_eq!(sandbox.requests()[0].answered, Some(Answered::Abandoned));
    assert_eq!(sandbox.documents().len(), 1);
}

#[test]
fn serial_200_is_a_page_of_html() {
    let sandbox = sandbox();
    for _ in 0..2 {
        let reply = ask(
            &sandbox,
            &shift(json!({"target_serial": "0200", "ext_id": "a"})),
        );
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.header("content-type"),
            Some("text/html; charset=UTF-8")
        );
        assert!(reply.body.starts_with("<!DOCTYPE html>"), "{}", reply.body);
    }
    assert!(sandbox.documents().is_empty());
    assert_eq!(sandbox.requests()[0].answered, Some(Answered::Http(200)));
}

#[test]
fn serial_302_redirects_to_a_portal_that_counts_its_visits() {
    let sandbox = sandbox();
    let mut client = Client::to(&sandbox);
    let reply = client.ask(&shift(json!({"target_serial": "0302"})));
    assert_eq!(reply.status, 302);
    assert_eq!(reply.header("location"), Some("http://till.test/portal"));
    assert_eq!(sandbox.portal_visits(), 0);

    client.send("GET /portal", &[], b"");
    let reply = client.receive().unwrap().unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=UTF-8")
    );
    assert_eq!(sandbox.portal_visits(), 1);
    assert!(sandbox.documents().is_empty());
}

#[test]
fn serial_429_asks_to_wait_once() {
    let sandbox = Sandbox::start(Options {
        retry_after: 17,
        ..Options::default()
    })
    .unwrap();
    let body = shift(json!({"target_serial": "0429", "ext_id": "a"}));
    let reply = ask(&sandbox, &body);
    assert_eq!(reply.status, 429);
    assert_eq!(reply.header("retry-after"), Some("17"));
    ask(&sandbox, &body).uuid();
}

#[test]
fn login_and_serial_work_together() {
    let sandbox = sandbox();
    let body = shift(json!({"login": "70000006010", "target_serial": "0503", "ext_id": "a"}));
    assert_eq!(ask(&sandbox, &body).status, 503);
    assert_eq!(ask(&sandbox, &body).code(), 6010);
}
