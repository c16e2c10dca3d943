//! The faults of answers, as a client receives them, byte by byte.

use std::net::Shutdown;
use std::time::{Duration, Instant};

use lifepay_sandbox::{Answered, Options, Sandbox};
use serde_json::{json, Value};

use crate::wire::{ask, journal, shift, switch, Client, Reply};
use crate::LONG;

/// Starts a sandbox and orders this answer.
fn sandbox(answer: Value) -> Sandbox {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    switch(&sandbox, "answer", answer);
    sandbox
}

fn post(sandbox: &Sandbox) -> Client {
    let mut client = Client::to(sandbox);
    client.post(&shift(json!({"ext_id": "a"})));
    client
}

fn answer(sandbox: &Sandbox) -> Reply {
    post(sandbox).receive().unwrap().expect("an answer")
}

/// Returns the value of Content-Length.
fn length_of(head: &str) -> usize {
    let (_, length) = head.split_once("content-length: ").unwrap();
    length.lines().next().unwrap().parse().unwrap()
}

/// Sends a request and returns everything that is received until the connection is closed.
fn all(sandbox: &Sandbox) -> String {
    let mut bytes = Vec::new();
    post(sandbox).read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// Asserts that one document was made and that a retry with a usual answer gets its uuid. Returns
/// the uuid.
fn assert_made(sandbox: &Sandbox) -> String {
    let uuids: Vec<_> = sandbox
        .documents()
        .iter()
        .map(|one| one.uuid.clone())
        .collect();
    switch(sandbox, "answer", json!({"answer": "usual"}));
    assert_eq!(uuids, [ask(sandbox, &shift(json!({"ext_id": "a"}))).uuid()]);
    uuids[0].clone()
}

#[test]
fn any_http_status_can_be_answered_with_a_document_or_without() {
    for status in [200, 299, 404, 418, 502, 599] {
        let sandbox = sandbox(json!({"answer": "http", "status": status}));
        let reply = answer(&sandbox);
        assert_eq!(reply.status, status);
        assert!(reply.body.contains(&status.to_string()), "{}", reply.body);
        assert_eq!(reply.header("retry-after"), None);
        assert!(sandbox.documents().is_empty());
        assert_eq!(sandbox.requests()[0].answered, Some(Answered::Http(status)));
    }
    let order = json!({"answer": "http", "status": 504, "retry_after": 7, "document": true});
    let sandbox = sandbox(order);
    let reply = answer(&sandbox);
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (504, Some("7"))
    );
    assert_made(&sandbox);
}

#[test]
fn a_body_can_be_wrong_where_the_document_is_made() {
    // Every sandbox gives this ext_id the same uuid.
    let uuid = answer(&sandbox(json!({"answer": "usual"}))).uuid();
    let usual = format!(r#"{{"code":0,"message":"","data":{{"uuid":"{uuid}"}}}}"#);
    let broken = format!("{},}}", usual.trim_end_matches('}'));
    let as_text = usual.replacen(":0,", r#":"0","#, 1);
    for (name, body) in [
        ("empty", ""),
        ("broken_json", &broken),
        ("text_code", &as_text),
        ("no_uuid", r#"{"code":0,"message":"","data":[]}"#),
    ] {
        let sandbox = sandbox(json!({"answer": name}));
        let reply = answer(&sandbox);
        assert_eq!((reply.status, &reply.body[..]), (200, body), "{name}");
        let json = Some("application/json; charset=UTF-8");
        assert_eq!(reply.header("content-type"), json, "{name}");
        let is_json = serde_json::from_str::<Value>(&reply.body).is_ok();
        assert_eq!(is_json, ["text_code", "no_uuid"].contains(&name));
        assert_eq!(assert_made(&sandbox), uuid, "{name}");
        let chosen = journal(&sandbox)["requests"][0]["chosen_by"].clone();
        assert_eq!(chosen, json!({ "switch": name }));
    }
    let sandbox = sandbox(json!({"answer": "php_warning"}));
    let reply = answer(&sandbox);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=UTF-8")
    );
    let (warning, json) = reply.body.split_once("<br />\n{").unwrap();
    assert!(warning.contains("<b>Warning</b>:"), "{warning}");
    assert_eq!(format!("{{{json}"), usual);
    assert_made(&sandbox);
}

#[test]
fn a_rejection_is_malformed_in_the_same_way_and_makes_no_document() {
    let sandbox = sandbox(json!({"answer": "text_code"}));
    let reply = ask(&sandbox, &json!({"apikey": "key-of-a-test-42"}));
    assert_eq!(reply.json()["code"], "400");
    assert!(reply.json()["data"]["login"].is_array(), "{}", reply.body);
    assert!(sandbox.documents().is_empty());
}

#[test]
fn a_body_that_is_cut_ends_in_the_middle_with_the_connection() {
    let sandbox = sandbox(json!({"answer": "cut"}));
    let text = all(&sandbox);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = length_of(head);
    assert_eq!(body.len(), length / 2);
    assert!(body.starts_with(r#"{"code":0,"#), "{body}");
    assert_eq!(sandbox.requests()[0].answered, Some(Answered::Malformed));
    let shown = &journal(&sandbox)["requests"][0];
    assert_eq!(shown["answer"]["text"], body);
    assert_eq!(
        shown["answer"]["header"],
        json!(["content-length", length.to_string()])
    );
    assert_eq!(shown["answered"], json!({"kind": "malformed"}));
    assert_made(&sandbox);
}

#[test]
fn content_length_can_be_too_small_and_too_large() {
    for bytes in [-1000, -5, 12] {
        let sandbox = sandbox(json!({"answer": "wrong_length", "bytes": bytes}));
        let mut client = post(&sandbox);
        let mut text = String::new();
        while !text.ends_with("\"}}") {
            let mut read = [0; 1];
            assert_eq!(client.read(&mut read), 1, "{text}");
            text.push(char::from(read[0]));
        }
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = i32::try_from(length_of(head)).unwrap();
        let body = i32::try_from(body.len()).unwrap();
        assert_eq!(length, (body + bytes).max(0));
        // If the body is too short, the connection stays open while the client waits for the rest.
        client.limit(Duration::from_millis(100));
        assert_eq!(client.is_closed(), bytes < 0);
        client.limit(LONG);
        client.shut(Shutdown::Write);
        assert!(client.is_closed());
        assert_made(&sandbox);
    }
}

#[test]
fn an_answer_can_drip_and_a_client_that_disconnects_is_noticed() {
    let sandbox = sandbox(json!({"answer": "dripping", "seconds": 0.002}));
    let started = Instant::now();
    let reply = answer(&sandbox);
    let pauses = u32::try_from(reply.body.len()).unwrap();
    assert!(started.elapsed() >= Duration::from_millis(2) * (pauses - 1));
    let uuid = reply.uuid();
    assert!(sandbox.wait_for_answers(1, LONG));
    let accepted = Answered::Code {
        code: 0,
        uuid: Some(uuid),
    };
    assert_eq!(sandbox.requests()[0].answered, Some(accepted));
    assert_eq!(
        journal(&sandbox)["requests"][0]["answer"]["json"],
        reply.json()
    );

    switch(&sandbox, "answer", json!({"answer": "dripping"}));
    let mut client = post(&sandbox);
    let mut some = [0; 20];
    client.read(&mut some);
    drop(client);
    assert!(sandbox.wait_for_answers(2, LONG));
    assert_eq!(sandbox.requests()[1].answered, Some(Answered::Abandoned));
}

#[test]
fn a_request_can_be_swallowed() {
    let sandbox = sandbox(json!({"answer": "swallowed", "seconds": 0.05}));
    assert!(post(&sandbox).receive().unwrap().is_none());
    assert_eq!(sandbox.requests()[0].answered, Some(Answered::Closed));
    switch(&sandbox, "answer", json!({"answer": "swallowed"}));
    let mut client = post(&sandbox);
    client.limit(Duration::from_millis(200));
    assert!(!client.is_closed());
    drop(client);
    assert!(sandbox.wait_for_answers(2, LONG));
    assert_eq!(sandbox.requests()[1].answered, Some(Answered::Abandoned));
    assert!(sandbox.documents().is_empty());
}

#[test]
fn a_paused_request_is_answered_by_the_next_order() {
    let sandbox = sandbox(json!({"answer": "paused"}));
    let mut waiting = post(&sandbox);
    assert!(sandbox.wait_for_requests(1, LONG));
    waiting.limit(Duration::from_millis(200));
    assert!(!waiting.is_closed());
    assert!(sandbox.documents().is_empty());
    assert_eq!(
        journal(&sandbox)["requests"][0]["chosen_by"],
        json!({"switch": "paused"})
    );
    waiting.limit(LONG);
    switch(
        &sandbox,
        "answer",
        json!({"answer": "http_503", "count": 1}),
    );
    assert_eq!(waiting.receive().unwrap().unwrap().status, 503);
    // The paused request has used up the count.
    ask(&sandbox, &shift(json!({"ext_id": "a"}))).uuid();

    let rule = "answer?login=79031234567";
    switch(&sandbox, rule, json!({"answer": "paused"}));
    let mut waiting = post(&sandbox);
    assert!(sandbox.wait_for_requests(3, LONG));
    switch(&sandbox, rule, json!({"answer": "usual"}));
    waiting.receive().unwrap().unwrap().uuid();
}

#[test]
fn a_probable_fault_meets_the_same_requests_whenever_the_seed_is_the_same() {
    let run = |seed| {
        let sandbox = Sandbox::start(Options {
            seed,
            ..Options::default()
        });
        let sandbox = sandbox.unwrap();
        let order = json!({"answer": "http_503", "probability": 0.5, "count": 20});
        let round = || -> Vec<u16> {
            let switches = switch(&sandbox, "answer", order.clone());
            assert_eq!(switches["answer"], order);
            (0..60).map(|_| answer(&sandbox).status).collect()
        };
        let first = round();
        switch(&sandbox, "reset", json!({}));
        (first, round())
    };
    let (first, again) = run(Some(7));
    // A reset restarts the random numbers.
    assert_eq!(first, again);
    assert_eq!(first, run(Some(7)).0);
    assert_ne!(first, run(Some(8)).0);
    let faults = first.iter().filter(|status| **status == 503).count();
    assert_eq!(faults, 20, "{first:?}");
    assert!(first[..20].contains(&200), "{first:?}");
    // Without a seed the runs differ; they agree by chance in one of 2^40 cases.
    let (first, again) = run(None);
    assert_ne!(first, again);
}

#[test]
fn every_answer_is_delayed_by_the_latency() {
    let sandbox = sandbox(json!({"answer": "http_503", "count": 1}));
    let switches = switch(&sandbox, "latency", json!({"seconds": 0.2, "jitter": 0.1}));
    assert_eq!(switches["latency"], json!({"seconds": 0.2, "jitter": 0.1}));
    for status in [503, 200, 200] {
        let started = Instant::now();
        assert_eq!(answer(&sandbox).status, status);
        assert!(started.elapsed() >= Duration::from_millis(100));
    }
    // The document is made at once.
    let mut client = post(&sandbox);
    while sandbox.documents()[0].requests < 4 {
        std::thread::sleep(Duration::from_millis(1));
    }
    client.limit(Duration::from_millis(10));
    assert!(!client.is_closed());
    let switches = switch(&sandbox, "latency", json!({"seconds": 0}));
    assert_eq!(switches["latency"], json!({"seconds": 0.0, "jitter": 0.0}));
}

#[test]
fn a_till_that_gets_no_uuid_and_makes_another_document_is_red_and_a_lenient_one_is_not() {
    for (name, second) in [("cut", true), ("no_uuid", true), ("text_code", false)] {
        let sandbox = sandbox(json!({"answer": name, "count": 1}));
        if name == "cut" {
            all(&sandbox);
        } else {
            answer(&sandbox);
        }
        assert!(sandbox.wait_for_answers(1, LONG));
        ask(&sandbox, &shift(json!({"ext_id": "b"}))).uuid();
        let totals = journal(&sandbox)["totals"].clone();
        assert_eq!(totals["second"], i32::from(second), "{name}");
    }
}
