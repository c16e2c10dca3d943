//! The journal, as the page and a till's own tests read it.

use std::io::Read;
use std::net::TcpStream;

use lifepay_sandbox::{Options, Sandbox, CREATE_SESSION};
use serde_json::json;

use crate::wire::{ask, journal, journal_since, order, shift, switch, Client};
use crate::LONG;

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

#[test]
fn a_request_is_shown_with_its_fields_its_answer_and_how_long_it_took() {
    let sandbox = sandbox();
    let body = r#"{"login":"79031234567","apikey":"key-of-a-test-42","ext_id":"a","test":0,
        "cashier_name":"Иванова","target_serial":"00106304012797","cashier_inn":"770123456789"}"#;
    let mut client = Client::to(&sandbox);
    let headers = ["Content-Type: application/json", "User-Agent: till/1.0"];
    let first = format!("POST {CREATE_SESSION}?x=1");
    client.send(&first, &headers, body.as_bytes());
    let uuid = client.receive().unwrap().unwrap().uuid();

    let journal = journal(&sandbox);
    let shown = &journal["requests"][0];
    for (field, value) in [
        ("number", json!(1)),
        ("method", json!("POST")),
        ("path", json!(CREATE_SESSION)),
        ("ext_id", json!("a")),
        ("login", json!("79031234567")),
        ("target_serial", json!("00106304012797")),
        ("cashier_name", json!("Иванова")),
        ("cashier_inn", json!("770123456789")),
        ("test", json!(0)),
        ("body_bytes", json!(body.len())),
        ("findings", json!([])),
        ("differs_in", json!([])),
        ("chosen_by", json!(null)),
        ("answered", json!({"kind": "code", "code": 0, "uuid": uuid})),
        (
            "document",
            json!({"uuid": uuid, "new": true, "second_after": null}),
        ),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["body"]["apikey"], "***42");
    let answer = json!({"code": 0, "message": "", "data": {"uuid": uuid}});
    assert_eq!(shown["answer"]["json"], answer);
    assert_eq!(shown["answer"]["status"], 200);
    assert!(shown["took_ms"].is_u64(), "{shown}");
    let time = shown["time"].as_str().unwrap();
    assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
    let agent = json!(["user-agent", "till/1.0"]);
    assert!(shown["headers"].as_array().unwrap().contains(&agent));
    let counts = &journal["counts"];
    assert_eq!(
        (&counts["received"], &counts["ended"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn the_bodys_fields_are_shown_in_the_order_in_which_they_came() {
    let sandbox = sandbox();
    let body = br#"{"test":1,"login":"79031234567","apikey":"key-of-a-test-42","test":1}"#;
    let mut client = Client::to(&sandbox);
    let first = format!("POST {CREATE_SESSION}");
    client.send(&first, &["Content-Type: application/json"], body);
    client.receive().unwrap();
    let mut client = Client::to(&sandbox);
    client.send_to("localhost", "GET /sandbox/journal.json", &[], b"");
    let text = client.receive().unwrap().unwrap().body;
    let shown = r#""body":{"test":1,"login":"79031234567","apikey":"***42","test":1}"#;
    assert!(text.contains(shown), "{text}");
}

#[test]
fn the_strict_check_is_shown_field_by_field_with_the_pages_words() {
    let sandbox = sandbox();
    // The findings cover form and values, although the answer reports only one kind.
    let body = json!({"ext_id": "e".repeat(51), "test": 2, "login": 1});
    assert_eq!(ask(&sandbox, &body).code(), 6000);
    let journal = journal(&sandbox);
    let long = json!({"field": "ext_id", "texts": ["Максимум 50 символов."]});
    let findings = journal["requests"][0]["findings"].as_array().unwrap();
    let login = json!({"field": "login", "texts": ["Должно быть строкой."]});
    assert!(findings.contains(&login), "{findings:?}");
    assert_eq!(findings.len(), 4);
    assert!(findings.contains(&long), "{findings:?}");
    let words = journal["fields"].as_array().unwrap();
    for finding in findings {
        let of_field = words.iter().find(|words| words["name"] == finding["field"]);
        assert!(of_field.unwrap()["page"].as_str().unwrap().len() > 10);
    }
    let ext_id = words
        .iter()
        .find(|words| words["name"] == "ext_id")
        .unwrap();
    assert_eq!(ext_id["type"], "Строка");
    assert_eq!(ext_id["required"], false);
}

#[test]
fn a_switch_does_not_hide_what_the_strict_check_finds() {
    let sandbox = sandbox();
    switch(&sandbox, "answer", json!({"answer": "http_503"}));
    assert_eq!(ask(&sandbox, &shift(json!({"cashier": "a"}))).status, 503);
    let journal = journal(&sandbox);
    let shown = &journal["requests"][0];
    assert_eq!(shown["findings"][0]["field"], "cashier");
    assert_eq!(shown["chosen_by"], json!({"switch": "http_503"}));
}

#[test]
fn a_magic_value_is_named_as_what_chose_the_answer() {
    let sandbox = sandbox();
    ask(&sandbox, &shift(json!({"login": "70000006095"})));
    ask(&sandbox, &shift(json!({"target_serial": "0404"})));
    let journal = journal(&sandbox);
    let by = |number: usize| journal["requests"][number]["chosen_by"]["magic"].clone();
    assert_eq!(by(0), "login");
    assert_eq!(by(1), "target_serial");
}

#[test]
fn each_ext_id_has_its_requests_documents_and_changed_bodies() {
    let sandbox = sandbox();
    ask(&sandbox, &shift(json!({"ext_id": "a"})));
    ask(
        &sandbox,
        &shift(json!({"ext_id": "a", "apikey": "another-key"})),
    );
    ask(
        &sandbox,
        &shift(json!({"ext_id": "a", "cashier_name": "Б"})),
    );
    ask(
        &sandbox,
        &shift(json!({"ext_id": "b", "login": "70000006009"})),
    );
    ask(
        &sandbox,
        &shift(json!({"ext_id": "b", "login": "79030000000"})),
    );
    let journal = journal(&sandbox);
    let (b, a) = (&journal["ext_ids"][0], &journal["ext_ids"][1]);
    for (line, ext_id, requests, changed) in [(a, "a", 3, 1), (b, "b", 2, 0)] {
        assert_eq!(line["ext_id"], ext_id);
        assert_eq!(line["requests"], requests);
        assert_eq!(line["documents"], 1);
        assert_eq!(line["changed"], changed);
    }
    assert_eq!(a["changed_in"], json!(["cashier_name"]));
    // A rejected request may be corrected.
    assert_eq!(journal["requests"][4]["differs_in"], json!(["login"]));
    assert_eq!(journal["requests"][4]["corrected"], true);
    assert_eq!(
        journal["totals"],
        json!({"documents": 2, "second": 0, "changed": 1})
    );
}

#[test]
fn a_repeat_with_another_ext_id_or_none_makes_a_second_document_that_is_marked() {
    for (first, second) in [
        (json!({"ext_id": "a"}), json!({"ext_id": "b"})),
        (json!({}), json!({})),
    ] {
        let sandbox = sandbox();
        switch(&sandbox, "answer", json!({"answer": "lost", "count": 1}));
        let mut client = Client::to(&sandbox);
        client.post(&shift(first.clone()));
        assert!(client.receive().unwrap().is_none());
        ask(&sandbox, &shift(second)).uuid();
        let journal = journal(&sandbox);
        let before = first["ext_id"].as_str().unwrap_or_default();
        assert_eq!(journal["requests"][1]["document"]["second_after"], before);
        assert_eq!(journal["ext_ids"][0]["second_after"], before);
        assert_eq!(journal["totals"]["second"], 1);
    }
}

#[test]
fn a_second_document_is_unmarked_once_the_first_is_answered() {
    let sandbox = sandbox();
    switch(&sandbox, "answer", json!({"answer": "lost", "count": 1}));
    let first = shift(json!({"ext_id": "till-1"}));
    let mut client = Client::to(&sandbox);
    client.post(&first);
    assert!(client.receive().unwrap().is_none());
    // Another till with the same login.
    ask(&sandbox, &shift(json!({"ext_id": "till-2"}))).uuid();
    let shown = journal(&sandbox);
    assert_eq!(shown["requests"][1]["document"]["second_after"], "till-1");
    let version = shown["version"].as_u64().unwrap();
    ask(&sandbox, &first).uuid();
    let shown = journal_since(&sandbox, version);
    assert_eq!(shown["totals"]["second"], 0);
    let document = &shown["requests"][0]["document"];
    assert_eq!(shown["requests"][0]["ext_id"], "till-2");
    assert_eq!(document["second_after"], json!(null));
    for line in shown["ext_ids"].as_array().unwrap() {
        assert_eq!(line["second_after"], json!(null));
    }
}

#[test]
fn a_second_document_with_another_cashier_is_one() {
    let sandbox = sandbox();
    switch(&sandbox, "answer", json!({"answer": "lost", "count": 1}));
    let mut client = Client::to(&sandbox);
    client.post(&shift(json!({"ext_id": "a", "cashier_name": "Иванова"})));
    assert!(client.receive().unwrap().is_none());
    let again = json!({"ext_id": "b", "cashier_name": "Петров", "callback_data": "касса 2"});
    ask(&sandbox, &shift(again)).uuid();
    let journal = journal(&sandbox);
    assert_eq!(journal["requests"][1]["document"]["second_after"], "a");
    assert_eq!(journal["requests"][1]["client"], "127.0.0.1");
}

#[test]
fn only_the_last_thousand_requests_are_kept_and_all_are_counted() {
    let sandbox = sandbox();
    let mut client = Client::to(&sandbox);
    for number in 1..=1010 {
        client
            .ask(&shift(json!({"ext_id": number.to_string()})))
            .uuid();
    }
    let journal = journal(&sandbox);
    let shown = journal["requests"].as_array().unwrap();
    assert_eq!(shown.len(), 1000);
    assert_eq!(shown[0]["number"], 11);
    assert_eq!(shown[999]["number"], 1010);
    assert_eq!(journal["counts"]["received"], 1010);
    assert_eq!(journal["counts"]["ended"], 1010);
    assert!(sandbox.wait_for_answers(1010, LONG));
    assert_eq!(sandbox.requests().len(), 1000);
    // The ext_id of a request that is no longer kept is still known.
    client.ask(&shift(json!({"ext_id": "1"}))).uuid();
    assert_eq!(sandbox.documents().len(), 1010);
}

#[test]
fn a_changed_repeat_of_an_old_ext_id_is_among_those_that_are_shown() {
    let sandbox = sandbox();
    let mut client = Client::to(&sandbox);
    for number in 1..=1010 {
        client.ask(&shift(json!({"ext_id": number.to_string()})));
    }
    let version = journal(&sandbox)["version"].as_u64().unwrap();
    client.ask(&shift(json!({"ext_id": "1", "cashier_name": "Иванова"})));
    for shown in [journal_since(&sandbox, version), journal(&sandbox)] {
        let line = &shown["ext_ids"][0];
        assert_eq!(
            (&line["ext_id"], &line["changed"]),
            (&json!("1"), &json!(1))
        );
    }
    let shown = journal(&sandbox);
    assert_eq!(shown["ext_ids"].as_array().unwrap().len(), 1000);
}

#[test]
fn large_bodies_are_kept_up_to_a_limit() {
    let sandbox = sandbox();
    let mut client = Client::to(&sandbox);
    for _ in 0..40 {
        client.send("POST /elsewhere", &[], &[b'd'; 1_000_000]);
        client.receive().unwrap();
    }
    let kept = sandbox.requests();
    assert!((20..40).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap().number, 40);
}

#[test]
fn since_leaves_out_what_has_not_changed() {
    let sandbox = sandbox();
    ask(&sandbox, &shift(json!({"ext_id": "a"})));
    let version = journal(&sandbox)["version"].as_u64().unwrap();
    let nothing = journal_since(&sandbox, version);
    assert_eq!(nothing["requests"], json!([]));
    assert_eq!(nothing["ext_ids"], json!([]));
    ask(&sandbox, &shift(json!({"ext_id": "b"})));
    let new = journal_since(&sandbox, version);
    assert_eq!(new["requests"].as_array().unwrap().len(), 1);
    assert_eq!(new["requests"][0]["ext_id"], "b");
    assert_eq!(new["ext_ids"][0]["ext_id"], "b");
}

#[test]
fn a_change_is_reported_at_once() {
    let sandbox = sandbox();
    let mut stream = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let request = b"GET /sandbox/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    std::io::Write::write_all(&mut stream, request).unwrap();
    let mut received = String::new();
    let mut until = |text: &str| {
        let mut bytes = [0; 1024];
        while !received.contains(text) {
            let read = stream.read(&mut bytes).unwrap();
            assert_ne!(read, 0, "{received}");
            received += std::str::from_utf8(&bytes[..read]).unwrap();
        }
        assert!(received.contains("text/event-stream"), "{received}");
    };
    until("data: 0\n\n");
    order(&sandbox, "answer", &json!({"answer": "html"}));
    until("data: 1\n\n");
}

#[test]
fn requests_of_the_page_are_not_in_the_journal_and_a_clients_post_is() {
    let sandbox = sandbox();
    let mut client = Client::to(&sandbox);
    for path in [
        "/",
        "/sandbox/page.js",
        "/sandbox/dom.js",
        "/sandbox/stream.js",
        "/sandbox/page.css",
        "/sandbox/icon.svg",
        "/sandbox/journal.json",
    ] {
        client.send_to("localhost", &format!("GET {path}"), &[], b"");
        assert_eq!(client.receive().unwrap().unwrap().status, 200, "{path}");
    }
    client.send_to("localhost", "GET /sandbox/nothing", &[], b"");
    assert_eq!(client.receive().unwrap().unwrap().status, 404);
    assert!(sandbox.requests().is_empty());
    // Requests that browsers send by themselves.
    for (path, status) in [
        ("/favicon.ico", 200),
        ("/robots.txt", 404),
        ("/.well-known/appspecific/com.chrome.devtools.json", 404),
        ("/apple-touch-icon-precomposed.png", 404),
    ] {
        client.send_to("localhost", &format!("GET {path}"), &[], b"");
        assert_eq!(client.receive().unwrap().unwrap().status, status, "{path}");
    }
    let browser = ["Sec-Fetch-Dest: document", "Sec-Fetch-Site: none"];
    client.send_to("localhost", "GET /cloud-prin", &browser, b"");
    assert_eq!(client.receive().unwrap().unwrap().status, 404);
    assert!(sandbox.requests().is_empty());
    client.send_to("localhost", "POST /", &[], b"{}");
    assert_eq!(client.receive().unwrap().unwrap().status, 404);
    assert_eq!(sandbox.requests()[0].path, "/");
    let shown = journal(&sandbox);
    assert_eq!(shown["requests"][0]["findings"][0]["field"], "path");
    // A till's mistaken request is recorded.
    client.send_to("localhost", "GET /cloud-prin", &[], b"");
    client.receive().unwrap();
    assert_eq!(sandbox.requests().len(), 2);
}

#[test]
fn a_test_waits_for_the_requests_of_its_till() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let get = |query: &str| {
        let mut client = Client::to(&sandbox);
        client.send_to(
            "localhost",
            &format!("GET /sandbox/requests?{query}"),
            &[],
            b"",
        );
        let reply = client.receive().unwrap().unwrap();
        (reply.status, reply.json())
    };
    let (status, reply) = get("ext_id=mine");
    assert_eq!(
        (status, &reply["count"], &reply["requests"]),
        (200, &json!(0), &json!([]))
    );
    let (status, reply) = get("ext_id=mine&wait=1&for=0.1s");
    assert_eq!((status, &reply["count"]), (408, &json!(0)));
    assert!(
        reply["error"].as_str().unwrap().contains("нужно 1"),
        "{reply}"
    );

    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(200));
            for ext_id in ["mine", "other", "mine"] {
                ask(&sandbox, &shift(json!({"ext_id": ext_id})));
            }
        });
        let (status, reply) = get("ext_id=mine&wait=2&for=30");
        assert_eq!((status, &reply["count"]), (200, &json!(2)), "{reply}");
        for request in reply["requests"].as_array().unwrap() {
            assert_eq!(request["ext_id"], "mine");
            assert_eq!(request["answered"]["code"], 0, "{request}");
        }
    });
    let (status, reply) = get("path=/cloud-print/create-session&wait=3");
    assert_eq!((status, &reply["count"]), (200, &json!(3)));
    assert_eq!(get("serial=1").0, 400);

    switch(&sandbox, "answer", json!({"answer": "html"}));
    let mut client = Client::to(&sandbox);
    client.send_to("localhost", "GET /sandbox/switches", &[], b"");
    let reply = client.receive().unwrap().unwrap().json();
    assert_eq!(reply["switches"]["answer"]["answer"], "html");
    assert_eq!(reply["page_port"], sandbox.port());
}
