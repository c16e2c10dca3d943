//! Replays of a request, and the journal in formats that other programs read.

use lifepay_sandbox::{Options, Sandbox};
use serde_json::{json, Value};

use crate::wire::{ask, journal, order, shift, switch, Client};
use crate::LONG;

fn get(sandbox: &Sandbox, path: &str) -> Value {
    let mut client = Client::to(sandbox);
    client.send_to("localhost", &format!("GET /sandbox/{path}"), &[], b"");
    client.receive().unwrap().unwrap().json()
}

#[test]
fn a_replayed_request_is_unchanged_and_gets_the_same_uuid() {
    for tls in [false, true] {
        let sandbox = Sandbox::start(Options {
            tls,
            ..Options::default()
        });
        let sandbox = sandbox.unwrap();
        // With TLS on, plain http is refused. Such a request can be replayed all the same.
        let mut client = Client::to(&sandbox);
        let headers = ["Content-Type: application/json", "X-Till: 7"];
        let body = r#"{ "ext_id": "a", "apikey": "key-of-a-test-42", "login": "79031234567" }"#;
        let first = "POST /cloud-print/create-session?shop=7";
        client.send(first, &headers, body.as_bytes());
        client.receive().unwrap().unwrap();
        let reply = order(&sandbox, "replay", &json!({"number": 1}));
        assert_eq!((reply.status, reply.json()), (200, json!({})));
        assert!(sandbox.wait_for_answers(2, LONG));
        let requests = sandbox.requests();
        assert_eq!(requests[1].body, body.as_bytes());
        assert_eq!(requests[1].path, requests[0].path);
        assert_eq!(requests[1].header("x-till"), Some("7"));
        assert_eq!(requests[1].header("x-sandbox-replay"), Some("1"));
        assert_eq!(sandbox.documents().len(), 1);
        if !tls {
            assert_eq!(requests[0].answered, requests[1].answered);
        }
        // A replay can be replayed, and has one replay header.
        order(&sandbox, "replay", &json!({"number": 2}));
        assert!(sandbox.wait_for_answers(3, LONG));
        let replays = sandbox.requests()[2].headers.clone();
        let replays = replays
            .iter()
            .filter(|(name, _)| name == "x-sandbox-replay");
        assert_eq!(replays.count(), 1);
    }
}

#[test]
fn a_request_that_cannot_be_replayed_is_reported() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    ask(&sandbox, &shift(json!({"ext_id": "a"})));
    let page = |sandbox: &Sandbox, body: &Value| {
        let port = sandbox
            .page_url()
            .trim_end_matches('/')
            .rsplit_once(':')
            .unwrap()
            .1
            .to_owned();
        let mut client = Client::connect(port.parse().unwrap());
        let json = ["Content-Type: application/json"];
        client.send_to(
            "localhost",
            "POST /sandbox/replay",
            &json,
            body.to_string().as_bytes(),
        );
        client.receive().unwrap().unwrap()
    };
    switch(&sandbox, "answer", json!({"answer": "refused"}));
    let reply = page(&sandbox, &json!({"number": 1}));
    assert_eq!(reply.status, 409);
    let error = reply.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("никто не слушает"), "{error}");
}

#[test]
fn the_journal_is_an_http_archive() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    ask(
        &sandbox,
        &shift(json!({"ext_id": "a", "cashier_name": "Пётр"})),
    );
    let mut client = Client::to(&sandbox);
    client.send(
        "POST /cloud-print/create-session",
        &["Content-Type: text/plain"],
        b"apikey=hush",
    );
    client.receive().unwrap();
    switch(&sandbox, "answer", json!(["redirect", "lost"]));
    ask(&sandbox, &shift(json!({"ext_id": "b"})));
    let mut client = Client::to(&sandbox);
    client.post(&shift(json!({"ext_id": "b"})));
    assert!(client.receive().unwrap().is_none());
    assert!(sandbox.wait_for_answers(4, LONG));
    let har = get(&sandbox, "journal.har");
    assert!(!har.to_string().contains("key-of"), "{har}");
    assert!(!har.to_string().contains("hush"), "{har}");
    let log = &har["log"];
    assert_eq!(log["version"], "1.2");
    assert_eq!(log["creator"]["name"], "lifepay-sandbox");
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 4);
    for entry in entries {
        // The keys that the format requires.
        for (object, keys) in [
            ("", "startedDateTime time request response cache timings"),
            ("/request", "method url httpVersion cookies headers queryString headersSize bodySize"),
            ("/response", "status statusText httpVersion cookies headers content redirectURL headersSize bodySize"),
            ("/response/content", "size mimeType"),
            ("/timings", "send wait receive"),
        ] {
            let fields = entry.pointer(object).unwrap();
            for key in keys.split(' ') {
                assert!(!fields[key].is_null(), "{object} {key}: {entry}");
            }
        }
    }
    let (first, broken, redirect, lost) = (&entries[0], &entries[1], &entries[2], &entries[3]);
    let url = format!("{}/cloud-print/create-session", sandbox.url());
    assert_eq!(first["request"]["url"], url);
    assert_eq!(first["request"]["method"], "POST");
    let data = &first["request"]["postData"];
    assert_eq!(data["mimeType"], "application/json");
    let sent: Value = serde_json::from_str(data["text"].as_str().unwrap()).unwrap();
    assert_eq!(sent["cashier_name"], "Пётр");
    assert_eq!(first["response"]["status"], 200);
    let answer = first["response"]["content"]["text"].as_str().unwrap();
    let answer: Value = serde_json::from_str(answer).unwrap();
    assert_eq!(answer["code"], 0);
    assert_eq!(broken["request"]["postData"]["text"], "apikey=***");
    assert_eq!(redirect["response"]["statusText"], "Found");
    let portal = redirect["response"]["redirectURL"].as_str().unwrap();
    assert!(portal.ends_with("/portal"), "{portal}");
    assert_eq!(lost["response"]["status"], 0);
}

#[test]
fn a_body_that_is_not_a_json_object_is_shown_with_its_apikey_masked() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    for (body, shown) in [
        (
            &br#"{"apikey":"hush","login":"79031234567",}"#[..],
            r#"{"apikey":"***","login":"79031234567",}"#,
        ),
        (
            b"{\"cashier_name\":\"\xcf\xe5\"}",
            "{\"cashier_name\":\"\\xCF\\xE5\"}",
        ),
        (b"[1]", "[1]"),
    ] {
        let mut client = Client::to(&sandbox);
        client.send("POST /cloud-print/create-session", &[], body);
        client.receive().unwrap();
        let requests = journal(&sandbox)["requests"].clone();
        let last = requests.as_array().unwrap().last().unwrap();
        assert_eq!(
            (&last["body"], &last["body_text"]),
            (&Value::Null, &json!(shown))
        );
    }
    ask(&sandbox, &shift(json!({})));
    let requests = journal(&sandbox)["requests"].clone();
    let last = requests.as_array().unwrap().last().unwrap();
    assert!(
        last["body"].is_object() && last["body_text"].is_null(),
        "{last}"
    );
}

#[test]
fn the_till_learns_nothing_from_a_replay() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    switch(&sandbox, "answer", json!({"answer": "lost", "count": 1}));
    let mut client = Client::to(&sandbox);
    client.post(&shift(json!({"ext_id": "a"})));
    // A client that disconnects earlier gets no answer.
    assert!(client.receive().unwrap().is_none());
    ask(&sandbox, &shift(json!({"ext_id": "b"}))).uuid();
    let second = || journal(&sandbox)["totals"]["second"].clone();
    assert_eq!(second(), 1);
    order(&sandbox, "replay", &json!({"number": 1}));
    assert!(sandbox.wait_for_answers(3, LONG));
    assert_eq!(second(), 1);
    // A retry by the till counts.
    ask(&sandbox, &shift(json!({"ext_id": "a"}))).uuid();
    assert_eq!(second(), 0);
}

#[test]
fn a_body_that_is_too_large_or_cut_short_is_shown_with_its_length() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let mut client = Client::to(&sandbox);
    let large = vec![b' '; 1024 * 1024 + 1];
    client.send("POST /cloud-print/create-session", &[], &large);
    client.receive().unwrap();
    let mut client = Client::to(&sandbox);
    client.write(b"POST /cloud-print/create-session HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n{\"apikey\":\"hush");
    client.shut(std::net::Shutdown::Write);
    assert!(sandbox.wait_for_answers(2, LONG));
    let requests = journal(&sandbox)["requests"].clone();
    assert_eq!(requests[0]["body_bytes"], large.len());
    assert_eq!(order(&sandbox, "replay", &json!({"number": 1})).status, 409);
    assert_eq!(requests[1]["body_text"], "{\"apikey\":\"***");
    let found = requests[1]["findings"][0]["texts"][0].as_str().unwrap();
    assert!(found.contains("15 из 900 байт"), "{found}");
}
