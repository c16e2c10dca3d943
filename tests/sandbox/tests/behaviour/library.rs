//! The library, as tests use it: connections, the journal, waiting, stopping.

use std::net::TcpListener;
use std::time::Duration;

use lifepay_sandbox::{Answered, Options, Sandbox, CREATE_SESSION};
use serde_json::json;

use crate::wire::{ask, journal, shift, Client};
use crate::LONG;

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

#[test]
fn many_requests_go_over_one_connection() {
    let sandbox = sandbox();
    let mut client = Client::to(&sandbox);
    for _ in 0..3 {
        client.ask(&shift(json!({}))).uuid();
    }
    assert_eq!(sandbox.connections(), 1);
    ask(&sandbox, &shift(json!({}))).uuid();
    assert_eq!(sandbox.connections(), 2);
    let numbers: Vec<_> = sandbox.requests().iter().map(|r| r.connection).collect();
    assert_eq!(numbers, [1, 1, 1, 2]);
}

#[test]
fn the_journal_has_each_request_as_it_came() {
    let sandbox = sandbox();
    let body = r#"{ "login": "79031234567", "apikey": "key-of-a-test-42", "ext_id": "a" }"#;
    let mut client = Client::to(&sandbox);
    let headers = ["Content-Type: application/json", "User-Agent: till/1.0"];
    client.send(
        &format!("POST {CREATE_SESSION}?x=1"),
        &headers,
        body.as_bytes(),
    );
    let uuid = client.receive().unwrap().unwrap().uuid();

    let request = sandbox.requests().remove(0);
    assert_eq!(request.number, 1);
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, format!("{CREATE_SESSION}?x=1"));
    assert_eq!(request.header("USER-agent"), Some("till/1.0"));
    assert_eq!(request.body, body.as_bytes());
    assert_eq!(request.field("apikey"), Some(&json!("key-of-a-test-42")));
    assert_eq!(request.ext_id.as_deref(), Some("a"));
    let uuid = Some(uuid);
    assert_eq!(request.answered, Some(Answered::Code { code: 0, uuid }));
}

#[test]
fn a_whole_url_in_the_request_line_is_its_path() {
    let sandbox = sandbox();
    let body = shift(json!({"ext_id": "a"})).to_string();
    let mut client = Client::to(&sandbox);
    let first = format!("POST http://till.test{CREATE_SESSION}?x=1");
    let headers = ["Content-Type: application/json"];
    client.send(&first, &headers, body.as_bytes());
    client.receive().unwrap().expect("an answer").uuid();
    assert_eq!(sandbox.requests()[0].path, format!("{CREATE_SESSION}?x=1"));
}

#[test]
fn a_till_with_an_http_proxy_is_served() {
    let sandbox = sandbox();
    let body = shift(json!({})).to_string();
    // The headers that curl -x sends.
    let headers = [
        "User-Agent: curl/7.88.1",
        "Accept: */*",
        "Proxy-Connection: Keep-Alive",
        "Content-Type: application/x-www-form-urlencoded",
    ];
    let mut client = Client::to(&sandbox);
    for (url, status) in [
        ("http://sapi.life-pay.ru/cloud-print/create-session", 200),
        ("http://sapi.life-pay.ru", 404),
        ("http://sapi.life-pay.ru?x=1", 404),
    ] {
        let first = format!("POST {url}");
        client.send_to("sapi.life-pay.ru", &first, &headers, body.as_bytes());
        let reply = client.receive().unwrap().expect("an answer");
        assert_eq!(reply.status, status, "{url}");
    }
    let paths: Vec<_> = sandbox.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, [CREATE_SESSION, "/", "/?x=1"]);
    client.send("CONNECT sapi.life-pay.ru:443", &[], b"");
    let reply = client.receive().unwrap().expect("an answer");
    assert!(reply.json()["data"]["path"][0]
        .as_str()
        .unwrap()
        .contains("не прокси"));
}

#[test]
fn debug_output_masks_the_apikey() {
    let sandbox = sandbox();
    let mut client = Client::to(&sandbox);
    let headers = [
        "Content-Type: application/json",
        "X-Api-Key: key-of-a-test-42",
    ];
    let body = shift(json!({"callback_url": "http://shop.test/key-of-a-test-42"}));
    let first = format!("POST {CREATE_SESSION}?apikey=key-of-a-test-42");
    client.send(&first, &headers, body.to_string().as_bytes());
    client.receive().unwrap().unwrap();
    client.send(&first, &[], b"apikey=key-of-a-test-42");
    client.receive().unwrap().unwrap();
    let debug = format!("{:?}", sandbox.requests());
    assert!(debug.contains("***42"), "{debug}");
    assert!(!debug.contains("key-of"), "{debug}");
}

#[test]
fn a_different_body_under_the_same_ext_id_is_recorded() {
    let sandbox = sandbox();
    ask(&sandbox, &shift(json!({"ext_id": "a"})));
    ask(
        &sandbox,
        &shift(json!({"ext_id": "a", "apikey": "corrected"})),
    );
    ask(
        &sandbox,
        &shift(json!({"ext_id": "a", "cashier_name": "Иванова"})),
    );
    let differences: Vec<_> = sandbox
        .requests()
        .into_iter()
        .map(|r| r.differs_in)
        .collect();
    assert_eq!(
        differences,
        [vec![], vec![], vec!["cashier_name".to_owned()]]
    );
}

#[test]
fn waiting_ends_when_the_request_arrives_or_the_time_is_up() {
    let sandbox = sandbox();
    assert!(sandbox.wait_for_requests(0, Duration::ZERO));
    assert!(!sandbox.wait_for_requests(1, Duration::from_millis(10)));
    std::thread::scope(|scope| {
        scope.spawn(|| ask(&sandbox, &shift(json!({}))));
        assert!(sandbox.wait_for_requests(1, LONG));
    });
}

#[test]
fn an_incomplete_body_is_an_abandoned_request_without_document() {
    let sandbox = sandbox();
    let mut client = Client::to(&sandbox);
    client.write(
        format!(
            "POST {CREATE_SESSION} HTTP/1.1\r\nHost: till.test\r\n\
             Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{{\"apikey\""
        )
        .as_bytes(),
    );
    drop(client);
    assert!(sandbox.wait_for_answers(1, LONG));
    assert_eq!(sandbox.requests()[0].answered, Some(Answered::Abandoned));
    assert!(sandbox.documents().is_empty());
}

#[test]
fn a_body_that_stays_incomplete_is_reported_and_its_connection_closed() {
    let sandbox = Sandbox::start(Options {
        idle: Duration::from_millis(500),
        ..Options::default()
    })
    .unwrap();
    let mut half = Client::to(&sandbox);
    let head = format!(
        "POST {CREATE_SESSION} HTTP/1.1\r\nHost: till.test\r\n\
         Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{{\"apikey\""
    );
    half.write(head.as_bytes());
    assert!(half.receive().unwrap().is_none());
    let request = sandbox.requests().remove(0);
    assert_eq!(request.answered, Some(Answered::Closed));
    let finding = &journal(&sandbox)["requests"][0]["findings"][0];
    let text = finding["texts"][0].as_str().unwrap();
    assert!(text.contains("9 из 50 байт за 0.5 с"), "{text}");
    assert!(sandbox.documents().is_empty());
    // An idle connection and one with an incomplete head are closed too.
    let mut idle = Client::to(&sandbox);
    let mut half_head = Client::to(&sandbox);
    half_head.write(b"POST / HT");
    assert!(idle.receive().unwrap().is_none());
    assert_eq!(half_head.read(&mut [0]), 0);
}

#[test]
fn idle_connections_do_not_lock_out_others() {
    let sandbox = sandbox();
    let mut idle: Vec<_> = (0..510).map(|_| Client::to(&sandbox)).collect();
    // The connection that has been idle longest is closed.
    assert!(idle[0].receive().unwrap().is_none());
    ask(&sandbox, &shift(json!({}))).uuid();
    assert_eq!(journal(&sandbox)["counts"]["received"], 1);
    idle[509].ask(&shift(json!({}))).uuid();
}

#[test]
fn dropping_it_closes_connections_and_frees_the_port() {
    let sandbox = sandbox();
    let port = sandbox.port();
    let mut idle = Client::to(&sandbox);
    idle.ask(&shift(json!({})));
    let mut waiting = Client::to(&sandbox);
    waiting.post(&shift(json!({"target_serial": "0408"})));
    assert!(sandbox.wait_for_requests(2, LONG));
    drop(sandbox);
    assert!(idle.receive().unwrap().is_none());
    assert!(waiting.receive().unwrap().is_none());
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}

#[test]
fn listening_on_all_addresses_names_those_that_a_till_can_use() {
    let sandbox = Sandbox::start(Options {
        listen: std::net::Ipv4Addr::UNSPECIFIED.into(),
        ..Options::default()
    })
    .unwrap();
    let local = format!("http://127.0.0.1:{}", sandbox.port());
    assert_eq!(sandbox.url(), local);
    let journal = journal(&sandbox);
    assert_eq!(journal["base_url"], local);
    for other in journal["other_base_urls"].as_array().unwrap() {
        let address = other.as_str().unwrap().strip_prefix("http://").unwrap();
        assert!(!address.starts_with("0.0.0.0") && !address.starts_with("127."));
        std::net::TcpStream::connect(address).unwrap();
    }
}

#[test]
fn a_port_in_use_is_an_error() {
    let sandbox = sandbox();
    let taken = Options {
        port: sandbox.port(),
        ..Options::default()
    };
    let error = Sandbox::start(taken).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
