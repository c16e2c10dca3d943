//! Each switch, as seen by a client.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use lifepay_sandbox::{Answered, Options, Sandbox, CREATE_SESSION, PORTAL};
use serde_json::json;

use crate::wire::{ask, journal, order, shift, switch, Client};
use crate::LONG;

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

#[test]
fn reset_resets_the_connection_and_makes_no_document() {
    let sandbox = sandbox();
    switch(&sandbox, "answer", json!({"answer": "reset"}));
    for _ in 0..2 {
        let mut client = Client::to(&sandbox);
        client.post(&shift(json!({"ext_id": "a"})));
        let error = client.receive().err().expect("a reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert!(sandbox.documents().is_empty());
    // The page still works, and can switch back.
    switch(&sandbox, "answer", json!({"answer": "usual"}));
    ask(&sandbox, &shift(json!({"ext_id": "a"}))).uuid();
}

#[test]
fn refused_refuses_connections_until_the_page_says_otherwise_at_a_port_of_its_own() {
    let sandbox = sandbox();
    let mut kept = Client::to(&sandbox);
    kept.ask(&shift(json!({}))).uuid();
    for _ in 0..2 {
        let reply = order(&sandbox, "answer", &json!({"answer": "refused"}));
        let page_port = u16::try_from(reply.json()["page_port"].as_u64().unwrap()).unwrap();
        assert_ne!(page_port, sandbox.port());
        assert_eq!(sandbox.page_url(), format!("http://127.0.0.1:{page_port}/"));
        let error = TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        // The earlier connection is closed.
        assert!(kept.receive().unwrap().is_none());

        let mut page = Client::connect(page_port);
        let json = ["Content-Type: application/json"];
        let usual = br#"{"answer":"usual"}"#;
        page.send_to("localhost", "POST /sandbox/answer", &json, usual);
        let reply = page.receive().unwrap().unwrap().json();
        assert_eq!(reply["page_port"], sandbox.port());
        kept = Client::to(&sandbox);
        kept.ask(&shift(json!({}))).uuid();
    }
    assert_eq!(sandbox.requests().len(), 3);
    assert_eq!(journal(&sandbox)["page_port"], sandbox.port());
}

#[test]
fn refused_ends_after_the_given_seconds() {
    let sandbox = sandbox();
    let started = Instant::now();
    let refused = json!({"answer": "refused", "seconds": 0.3});
    switch(&sandbox, "answer", refused);
    while TcpStream::connect(("127.0.0.1", sandbox.port())).is_err() {
        assert!(started.elapsed() < LONG);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(started.elapsed() >= Duration::from_millis(300));
    ask(&sandbox, &shift(json!({}))).uuid();
    assert_eq!(journal(&sandbox)["switches"]["answer"]["answer"], "usual");
}

#[test]
fn answers_are_given_in_the_requested_order() {
    let sandbox = sandbox();
    let order = json!([
        "http_503",
        {"answer": "code", "code": 6080, "count": 2},
        "usual",
        {"answer": "html", "count": 1},
    ]);
    let switches = switch(&sandbox, "answer", order);
    assert_eq!(
        switches["answer"],
        json!({"answer": "http_503", "count": 1})
    );
    let then: Vec<_> = switches["then"].as_array().unwrap().iter().collect();
    assert_eq!(then.len(), 3, "{switches}");
    assert_eq!(then[1], &json!({"answer": "usual", "count": 1}));
    let post = || ask(&sandbox, &shift(json!({"ext_id": "a"})));
    assert_eq!(post().status, 503);
    assert_eq!(post().json()["code"], 6080);
    // Only requests for documents are counted, not requests for the journal.
    let switches = journal(&sandbox)["switches"].clone();
    assert_eq!(
        switches["answer"],
        json!({"answer": "code", "code": 6080, "count": 1})
    );
    assert_eq!(post().json()["code"], 6080);
    let uuid = post().uuid();
    let html = Some("text/html; charset=UTF-8");
    assert_eq!(post().header("content-type"), html);
    assert_eq!(post().uuid(), uuid);
    let switches = journal(&sandbox)["switches"].clone();
    assert_eq!(
        (&switches["answer"]["answer"], &switches["then"]),
        (&json!("usual"), &json!([]))
    );
}

#[test]
fn a_numeric_login_is_found_as_it_is_shown() {
    let sandbox = sandbox();
    switch(
        &sandbox,
        "answer?login=79031234567",
        json!({"answer": "http_503"}),
    );
    let reply = ask(&sandbox, &shift(json!({"login": 79031234567_u64})));
    assert_eq!(reply.status, 503);
}

#[test]
fn some_requests_are_answered_in_a_way_of_their_own() {
    let sandbox = sandbox();
    let post = |login: &str, ext_id: &str| {
        let mut client = Client::to(&sandbox);
        client.post(&shift(json!({"login": login, "ext_id": ext_id})));
        client.receive().unwrap().map(|reply| reply.status)
    };
    let rules = |switches: &serde_json::Value| switches["rules"].as_array().unwrap().len();
    switch(
        &sandbox,
        "answer?login=79030000001",
        json!(["http_503", "lost", "usual"]),
    );
    let switches = switch(
        &sandbox,
        "answer?ext_id=b%20b&path=/cloud-print/create-session",
        json!({"answer": "html", "count": 2}),
    );
    let filter = json!({"ext_id": "b b", "path": "/cloud-print/create-session"});
    assert_eq!(
        (rules(&switches), &switches["rules"][0]["filter"]),
        (2, &filter)
    );
    // Other requests are answered as before and are not counted.
    assert_eq!(post("79030000002", "x"), Some(200));
    assert_eq!(post("79030000001", "a"), Some(503));
    assert_eq!(post("79030000001", "a"), None);
    assert_eq!(
        rules(&journal(&sandbox)["switches"]),
        1,
        "a rule that answers as usual must be removed"
    );
    assert_eq!(post("79030000001", "a"), Some(200));
    // The latest rule takes precedence.
    switch(
        &sandbox,
        "answer?login=79030000003",
        json!({"answer": "http_503"}),
    );
    assert_eq!(post("79030000003", "b b"), Some(503));
    switch(
        &sandbox,
        "answer?login=79030000003",
        json!({"answer": "usual"}),
    );
    // The rule for ext_id "b b" answers two requests with a page of HTML.
    switch(&sandbox, "answer", json!({"answer": "http_503"}));
    for status in [200, 200, 503] {
        assert_eq!(post("79030000003", "b b"), Some(status));
    }
    switch(
        &sandbox,
        "answer?login=79030000001",
        json!({"answer": "html"}),
    );
    let reply = order(&sandbox, "reset", &json!({"what": "switches"}));
    assert_eq!(rules(&reply.json()["switches"]), 0);
    assert_eq!(post("79030000003", "b b"), Some(200));
}

#[test]
fn a_scenario_is_what_it_starts_with_and_what_a_reset_returns_to() {
    let file = std::env::temp_dir().join(format!("lifepay-scenario-{}.json", std::process::id()));
    let scenario = r#"{"answer": ["http_503", "usual"], "answer?login=79030000001": "html"}"#;
    std::fs::write(&file, scenario).unwrap();
    let options = Options {
        scenario: Some(file.clone()),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options.clone()).unwrap();
    let post = |login: &str| ask(&sandbox, &shift(json!({"login": login, "ext_id": "a"})));
    for _ in 0..2 {
        assert_eq!(post("79030000002").status, 503);
        assert_eq!(post("79030000002").json()["code"], 0);
        let html = Some("text/html; charset=UTF-8");
        assert_eq!(post("79030000001").header("content-type"), html);
        switch(
            &sandbox,
            "answer?login=79030000001",
            json!({"answer": "usual"}),
        );
        switch(&sandbox, "reset", json!({}));
    }
    std::fs::write(&file, r#"{"answer": "fast"}"#).unwrap();
    let error = Sandbox::start(options.clone()).err().unwrap().to_string();
    assert!(error.contains("answer: нет значения"), "{error}");
    std::fs::remove_file(&file).unwrap();
    let error = Sandbox::start(options).err().unwrap().to_string();
    assert!(error.contains("lifepay-scenario"), "{error}");
}

#[test]
fn http_503_html_and_redirect_answer_pages_and_make_no_document() {
    let sandbox = sandbox();
    for (answer, status) in [("http_503", 503), ("html", 200), ("redirect", 302)] {
        switch(&sandbox, "answer", json!({"answer": answer}));
        let reply = ask(&sandbox, &shift(json!({"ext_id": "a"})));
        assert_eq!(reply.status, status);
        assert_eq!(
            reply.header("content-type"),
            Some("text/html; charset=UTF-8")
        );
        let portal = format!("http://till.test{PORTAL}");
        let location = (status == 302).then_some(&portal[..]);
        assert_eq!(reply.header("location"), location);
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn lost_makes_the_document_and_closes_the_connection() {
    let sandbox = sandbox();
    switch(&sandbox, "answer", json!({"answer": "lost", "count": 1}));
    let mut client = Client::to(&sandbox);
    client.post(&shift(json!({"ext_id": "a"})));
    assert!(client.receive().unwrap().is_none());
    assert_eq!(sandbox.documents().len(), 1);
    let uuid = ask(&sandbox, &shift(json!({"ext_id": "a"}))).uuid();
    assert_eq!(sandbox.documents()[0].uuid, uuid);
    assert_eq!(sandbox.documents().len(), 1);
    let answered = |number: usize| sandbox.requests()[number].answered.clone();
    assert_eq!(answered(0), Some(Answered::Closed));
}

#[test]
fn slow_makes_the_document_at_once_and_answers_late() {
    let sandbox = sandbox();
    switch(
        &sandbox,
        "answer",
        json!({"answer": "slow", "seconds": 0.5}),
    );
    let started = Instant::now();
    let mut client = Client::to(&sandbox);
    client.post(&shift(json!({"ext_id": "a"})));
    assert!(sandbox.wait_for_requests(1, LONG));
    client.receive().unwrap().unwrap().uuid();
    assert!(started.elapsed() >= Duration::from_millis(500));
    assert!(journal(&sandbox)["requests"][0]["took_ms"].as_u64() >= Some(500));
}

#[test]
fn code_answers_with_the_chosen_code_message_and_field() {
    let sandbox = sandbox();
    switch(
        &sandbox,
        "answer",
        json!({
            "answer": "code", "code": 400, "message": "Смена уже открыта",
            "field": "target_serial", "text": "Принтер занят.",
        }),
    );
    let reply = ask(&sandbox, &shift(json!({})));
    assert_eq!(
        reply.json(),
        json!({"code": 400, "message": "Смена уже открыта",
            "data": {"target_serial": ["Принтер занят."]}})
    );
    switch(&sandbox, "answer", json!({"answer": "code", "code": 6095}));
    let reply = ask(&sandbox, &shift(json!({})));
    assert_eq!(
        reply.json(),
        json!({"code": 6095, "message": "Доступ запрещен", "data": []})
    );
    assert!(sandbox.documents().is_empty());
}

#[test]
fn a_count_is_shown_as_it_runs_down_and_other_paths_do_not_use_it_up() {
    let sandbox = sandbox();
    let on = switch(
        &sandbox,
        "answer",
        json!({"answer": "http_503", "count": 2}),
    );
    assert_eq!(on["answer"], json!({"answer": "http_503", "count": 2}));
    let mut client = Client::to(&sandbox);
    client.send("GET /elsewhere", &[], b"");
    client.receive().unwrap();
    let left = || journal(&sandbox)["switches"]["answer"]["count"].clone();
    assert_eq!(ask(&sandbox, &shift(json!({}))).status, 503);
    assert_eq!(left(), 1);
    assert_eq!(ask(&sandbox, &shift(json!({}))).status, 503);
    assert_eq!(left(), json!(null));
    ask(&sandbox, &shift(json!({}))).uuid();
}

#[test]
fn only_what_a_till_would_send_uses_up_a_count() {
    let sandbox = sandbox();
    let on = json!({"answer": "http_503", "count": 1});
    switch(&sandbox, "answer", on.clone());
    let body = shift(json!({"ext_id": "a"})).to_string();
    let json = "Content-Type: application/json";
    for (number, method) in ["GET", "HEAD", "OPTIONS", "PUT"].into_iter().enumerate() {
        let mut client = Client::to(&sandbox);
        client.send(
            &format!("{method} {CREATE_SESSION}"),
            &[json],
            body.as_bytes(),
        );
        assert!(sandbox.wait_for_answers(number + 1, LONG));
    }
    for sign in [
        "Origin: http://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
    ] {
        let mut client = Client::to(&sandbox);
        let first = format!("POST {CREATE_SESSION}");
        client.send_to("127.0.0.1", &first, &[json, sign], body.as_bytes());
        let reply = client.receive().unwrap().unwrap();
        assert_eq!(reply.status, 403, "{sign}");
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains("чужой страницы"), "{error}");
    }
    // A domain name that resolves to this address.
    let mut client = Client::to(&sandbox);
    let headers = [json, "Origin: http://evil.example"];
    let first = format!("POST {CREATE_SESSION}");
    client.send_to("evil.example", &first, &headers, body.as_bytes());
    assert_eq!(client.receive().unwrap().unwrap().status, 403);
    for path in ["/", "/elsewhere", PORTAL] {
        client.send_to("127.0.0.1", &format!("POST {path}"), &headers, b"");
        assert_eq!(client.receive().unwrap().unwrap().status, 403, "{path}");
    }

    assert_eq!(journal(&sandbox)["switches"]["answer"], on);
    assert_eq!(sandbox.requests().len(), 4);
    assert!(sandbox.documents().is_empty());
    assert_eq!(ask(&sandbox, &shift(json!({}))).status, 503);
}

#[test]
fn a_switch_that_is_on_overrides_magic_values_and_off_they_count_again() {
    let sandbox = sandbox();
    let magic = shift(json!({"login": "70000006009", "target_serial": "0499"}));
    let slow = json!({"answer": "slow", "seconds": 0, "count": 1});
    switch(&sandbox, "answer", slow);
    ask(&sandbox, &magic).uuid();
    let magic = shift(json!({"login": "70000006009"}));
    assert_eq!(ask(&sandbox, &magic).code(), 6009);
}

#[test]
fn reset_brings_everything_back_or_a_part_of_it() {
    let sandbox = sandbox();
    let dirty = || {
        ask(&sandbox, &shift(json!({"ext_id": "a"})));
        switch(&sandbox, "notify", json!({"status": "error"}));
        switch(&sandbox, "answer", json!({"answer": "html"}));
    };
    let state = || {
        let journal = journal(&sandbox);
        let switches = &journal["switches"];
        let is_usual = switches["answer"]["answer"] == "usual";
        let is_off = switches["notify"]["status"] == "off";
        let requests = journal["requests"].as_array().unwrap().len();
        let received = journal["counts"]["received"].as_u64().unwrap();
        (
            is_usual && is_off,
            requests,
            received,
            sandbox.documents().len(),
        )
    };
    dirty();
    switch(&sandbox, "reset", json!({"what": "switches"}));
    assert_eq!(state(), (true, 1, 1, 1));
    dirty();
    switch(&sandbox, "reset", json!({"what": "journal"}));
    assert_eq!(state(), (false, 0, 0, 0));
    switch(&sandbox, "reset", json!({}));
    assert_eq!(state(), (true, 0, 0, 0));
    dirty();
    // Numbering restarts at 1, as after a start.
    assert_eq!(sandbox.requests()[0].number, 1);
    assert_eq!(journal(&sandbox)["requests"][0]["number"], 1);
    assert!(sandbox.wait_for_answers(1, LONG));
    assert_eq!(state(), (false, 1, 1, 1));
}

#[test]
fn a_request_under_way_when_the_journal_is_cleared_is_answered_and_not_counted() {
    let sandbox = sandbox();
    switch(
        &sandbox,
        "answer",
        json!({"answer": "slow", "seconds": 0.3}),
    );
    let mut client = Client::to(&sandbox);
    client.post(&shift(json!({"ext_id": "a"})));
    assert!(sandbox.wait_for_requests(1, LONG));
    switch(&sandbox, "reset", json!({}));
    // The next request has the same number. The two must not be confused.
    let mut next = Client::to(&sandbox);
    next.ask(&shift(json!({"login": "70000006009"})));
    assert_eq!(sandbox.requests()[0].number, 1);
    client.receive().unwrap().unwrap().uuid();
    let counts = &journal(&sandbox)["counts"];
    assert_eq!(
        (&counts["received"], &counts["ended"]),
        (&json!(1), &json!(1))
    );
    let shown = &journal(&sandbox)["requests"][0];
    assert_eq!(shown["answered"]["code"], 6009);
    assert_eq!(shown["document"], json!(null));
}
