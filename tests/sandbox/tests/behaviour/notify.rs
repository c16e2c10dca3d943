//! Notifications to callback_url.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use lifepay_sandbox::{Options, Sandbox};
use serde_json::{json, Value};

use crate::wire::{ask, ask_for, journal, order as order_to, shift, switch};

fn sandbox(notify: bool) -> Sandbox {
    Sandbox::start(Options {
        notify,
        ..Options::default()
    })
    .unwrap()
}

/// The till's side of a notification: answers one and returns its head and its JSON.
fn take_one(listener: &TcpListener) -> (String, Value) {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(crate::LONG)).unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    stream.get_mut().write_all(answer).unwrap();
    let form: Vec<_> = form_urlencoded::parse(&body).into_owned().collect();
    assert_eq!(form.len(), 1);
    assert_eq!(form[0].0, "data");
    (head, serde_json::from_str(&form[0].1).unwrap())
}

#[test]
fn a_new_document_is_notified_of_once() {
    let sandbox = sandbox(true);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?shop=7", listener.local_addr().unwrap());
    let body = |ext_id: &str| {
        shift(json!({
            "ext_id": ext_id, "callback_url": url, "callback_data": {"касса": [1, "a/b"]},
        }))
    };
    let uuid = ask(&sandbox, &body("a")).uuid();
    let (head, data) = take_one(&listener);
    assert!(head.starts_with("POST /hook?shop=7 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded\r\n"));
    assert_eq!(
        data,
        json!({
            "uuid": uuid, "ext_id": "a", "status": "обработан",
            "callback_data": {"касса": [1, "a/b"]},
        })
    );

    // A retry makes no document and sends no notification: the next notification is for the next
    // document.
    ask(&sandbox, &body("a"));
    ask(&sandbox, &body("b"));
    assert_eq!(take_one(&listener).1["ext_id"], "b");
    assert_eq!(sandbox.documents().len(), 2);
}

#[test]
fn every_document_is_notified_of_in_the_same_form() {
    let sandbox = sandbox(true);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let body = shift(json!({"callback_url": url, "ext_id": "a"}));
    let uuid = ask_for(&sandbox, "/cloud-print/create-z-report", &body).uuid();
    assert_eq!(
        take_one(&listener).1,
        json!({"uuid": uuid, "ext_id": "a", "status": "обработан"})
    );
}

#[test]
fn no_notification_is_sent_in_test_mode_or_for_a_rejection() {
    let sandbox = sandbox(true);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    ask(&sandbox, &shift(json!({"callback_url": url, "test": 1})));
    ask(
        &sandbox,
        &shift(json!({"callback_url": url, "login": "70000006095"})),
    );
    ask(
        &sandbox,
        &shift(json!({"callback_url": url, "ext_id": "last"})),
    );
    assert_eq!(take_one(&listener).1["ext_id"], "last");
}

#[test]
fn notifications_are_off_by_default() {
    assert!(!Options::default().notify);
    let silent = sandbox(false);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    ask(
        &silent,
        &shift(json!({"callback_url": url, "ext_id": "silent"})),
    )
    .uuid();
    // Now that it has stopped, every notification comes from the other sandbox.
    drop(silent);
    let notifying = sandbox(true);
    ask(
        &notifying,
        &shift(json!({"callback_url": url, "ext_id": "notified"})),
    )
    .uuid();
    assert_eq!(take_one(&listener).1["ext_id"], "notified");
}

#[test]
fn the_switch_chooses_the_status_and_what_is_sent_is_shown() {
    let sandbox = sandbox(false);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/key-of-a-test-42", listener.local_addr().unwrap());
    for (position, (status, words)) in [
        ("processed", "обработан"),
        ("waiting", "ожидает повтора"),
        ("error", "ошибка"),
    ]
    .into_iter()
    .enumerate()
    {
        switch(&sandbox, "notify", json!({ "status": status }));
        let body = shift(json!({"callback_url": url, "ext_id": status, "callback_data": "till 1"}));
        ask(&sandbox, &body).uuid();
        let (_, data) = take_one(&listener);
        assert_eq!(data["status"], words);
        let event = loop {
            let event = journal(&sandbox)["events"][position].clone();
            if !event["http_status"].is_null() {
                break event;
            }
        };
        assert_eq!(event["kind"], "notification");
        assert_eq!(event["request"], position + 1);
        assert_eq!(event["status"], words);
        assert_eq!(event["data"], data);
        assert_eq!(event["http_status"], 200);
        assert!(event["url"].as_str().unwrap().ends_with("/***42"));
    }
    switch(&sandbox, "notify", json!({"status": "off"}));
    ask(
        &sandbox,
        &shift(json!({"callback_url": url, "ext_id": "off"})),
    );
    assert_eq!(journal(&sandbox)["events"].as_array().unwrap().len(), 3);
}

#[test]
fn a_failed_notification_is_explained_in_russian() {
    let sandbox = sandbox(true);
    // Bound and closed again, so that nothing listens there.
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let closed = closed.unwrap();
    for (position, (url, reason)) in [
        (format!("http://{closed}/"), "никто не слушает этот порт"),
        (format!("https://{closed}/"), "никто не слушает этот порт"),
        (sandbox.url().replace("http", "https"), "TLS не установлен"),
        ("ftp://till.test/".to_owned(), "не адрес: нужен http://"),
        ("касса".to_owned(), "не адрес: нужен http://"),
    ]
    .into_iter()
    .enumerate()
    {
        ask(&sandbox, &shift(json!({"callback_url": url}))).uuid();
        let error = loop {
            let event = journal(&sandbox)["events"][position].clone();
            if let Some(error) = event["error"].as_str() {
                break error.to_owned();
            }
        };
        assert!(error.contains(reason), "{url}: {error}");
    }
}

#[test]
fn a_till_is_notified_over_https_whoever_signed_its_certificate() {
    let sandbox = sandbox(true);
    // A sandbox accepts requests for any path, so it can play the till.
    let till = Sandbox::start(Options {
        tls: true,
        ..Options::default()
    });
    let till = till.unwrap();
    let url = format!("{}/hook?shop=7", till.url());
    ask(&sandbox, &shift(json!({"callback_url": url}))).uuid();
    assert!(till.wait_for_answers(1, crate::LONG));
    let request = &till.requests()[0];
    assert_eq!(
        (&request.method[..], &request.path[..]),
        ("POST", "/hook?shop=7")
    );
    assert!(request.body.starts_with(b"data="), "{request:?}");
}

#[test]
fn states_follow_one_another_with_pauses_and_can_be_sent_again() {
    let sandbox = sandbox(false);
    let order = json!(["waiting", {"status": "processed", "seconds": 0.2}]);
    let notify = switch(&sandbox, "notify", order)["notify"].clone();
    let then = json!([{"status": "processed", "seconds": 0.2}]);
    assert_eq!(
        notify,
        json!({"status": "waiting", "seconds": 0.0, "then": then})
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    ask(
        &sandbox,
        &shift(json!({"callback_url": url, "ext_id": "a"})),
    );
    let first = take_one(&listener).1;
    let started = Instant::now();
    let second = take_one(&listener).1;
    assert!(started.elapsed() >= Duration::from_millis(150));
    assert_eq!(first["status"], "ожидает повтора");
    assert_eq!(second["status"], "обработан");
    assert_eq!(first["uuid"], second["uuid"]);

    let reply = order_to(&sandbox, "resend", &json!({"number": 1}));
    assert_eq!((reply.status, reply.json()), (200, json!({})));
    assert_eq!(take_one(&listener).1, first);
    let events = journal(&sandbox)["events"].as_array().unwrap().len();
    assert_eq!(events, 3);
}

#[test]
fn clearing_the_journal_cancels_pending_notifications() {
    let sandbox = sandbox(false);
    let late = json!({"status": "error", "seconds": 0.3});
    switch(&sandbox, "notify", late);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let body = |ext_id: &str| shift(json!({"callback_url": url, "ext_id": ext_id}));
    ask(&sandbox, &body("cleared"));
    switch(&sandbox, "reset", json!({"what": "journal"}));
    ask(&sandbox, &body("kept"));
    assert_eq!(take_one(&listener).1["ext_id"], "kept");
}
