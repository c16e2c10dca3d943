//! Access to the switches and the journal.

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::wire::{order, Client, Reply};

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

fn send(sandbox: &Sandbox, host: &str, first: &str, headers: &[&str], body: &str) -> Reply {
    let mut client = Client::to(sandbox);
    client.send_to(host, first, headers, body.as_bytes());
    client.receive().unwrap().unwrap()
}

const JSON: &str = "Content-Type: application/json";

#[test]
fn a_foreign_page_can_neither_work_the_switches_nor_read_the_journal() {
    let sandbox = sandbox();
    let host = format!("127.0.0.1:{}", sandbox.port());
    let own = format!("Origin: http://{host}");
    let html = r#"{"answer":"html"}"#;
    for (host, headers, status) in [
        // Requests that a form or a simple fetch of a foreign page can send.
        (&host[..], &["Content-Type: text/plain"][..], 415),
        (
            &host,
            &["Content-Type: application/x-www-form-urlencoded"],
            415,
        ),
        (&host, &[], 415),
        (&host, &[JSON, "Origin: http://evil.example"], 403),
        (&host, &[JSON, "Origin: null"], 403),
        (&host, &[JSON, "Origin: http://127.0.0.1:1"], 403),
        // A domain name that resolves to this address.
        ("evil.example", &[JSON, "Origin: http://evil.example"], 403),
        ("evil.example", &[JSON], 403),
    ] {
        let reply = send(&sandbox, host, "POST /sandbox/answer", headers, html);
        assert_eq!(reply.status, status, "{host} {headers:?}");
        assert!(reply.json()["error"].is_string());
    }
    for path in ["/", "/sandbox/journal.json", "/sandbox/events"] {
        let reply = send(&sandbox, "evil.example", &format!("GET {path}"), &[], "");
        assert_eq!(reply.status, 403, "{path}");
    }
    let preflight = send(&sandbox, &host, "OPTIONS /sandbox/answer", &[], "");
    assert_eq!(preflight.status, 405);
    assert_eq!(preflight.header("access-control-allow-origin"), None);

    // A link on another site may open the page.
    let link = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"];
    assert_eq!(send(&sandbox, &host, "GET /", &link, "").status, 200);

    let journal = send(&sandbox, &host, "GET /sandbox/journal.json", &[], "");
    assert_eq!(journal.json()["switches"]["answer"]["answer"], "usual");
    let reply = send(&sandbox, &host, "POST /sandbox/answer", &[JSON, &own], html);
    assert_eq!(reply.status, 200);
}

#[test]
fn the_page_runs_nothing_but_its_own_script_and_sits_in_no_frame() {
    let page = send(&sandbox(), "localhost", "GET /", &[], "");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=UTF-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'; script-src 'self'"));
    assert!(policy.contains("frame-ancestors 'none'"));
    assert!(!page.body.contains("://"), "the page loads from elsewhere");
}

#[test]
fn a_wrong_order_is_named_and_changes_nothing() {
    let sandbox = sandbox();
    for (path, body, status, named) in [
        ("answer", json!({"answer": "fast"}), 400, "fast"),
        (
            "answer",
            json!({"answer": "html", "times": 1}),
            400,
            "times",
        ),
        ("answer", json!({"answer": "slow"}), 400, "seconds"),
        ("answer", json!({}), 400, "answer"),
        ("answer", json!([]), 400, "шагов"),
        ("notify", json!({"status": "done"}), 400, "done"),
        (
            "certificate",
            json!({"certificate": "expired"}),
            400,
            "--tls",
        ),
        ("reset", json!({"what": "me"}), 400, "me"),
        ("reset", json!([]), 400, "объект JSON"),
        ("answer", json!(["html", 1]), 400, "объектов JSON"),
        ("answer?serial=1", json!(["html"]), 400, "serial: по этому"),
        ("answer?login=", json!(["html"]), 400, "login: не задано"),
        (
            "answer?login=1",
            json!({"answer": "refused"}),
            400,
            "только для всех",
        ),
        ("answer", json!(["html", "fast"]), 400, "шаг 2: answer"),
        ("notify", json!(["error", 1]), 400, "объектов JSON"),
        ("notify", json!(["error", "off"]), 400, "шаг 2: off"),
        ("latency", json!({"jitter": 1}), 400, "seconds"),
        ("replay", json!({}), 400, "number"),
        ("replay", json!({"number": 7}), 404, "запроса 7"),
        ("resend", json!({"number": 7}), 404, "уведомления 7"),
        (
            "answer",
            json!({"answer": "html", "count": 1.5}),
            400,
            "count: нужно целое число",
        ),
        (
            "answer",
            json!({"answer": "html", "count": "1"}),
            400,
            "count: нужно целое число",
        ),
        ("notify", json!({"status": 1}), 400, "есть off, processed"),
        ("switch", json!({}), 404, "адреса"),
    ] {
        let reply = order(&sandbox, path, &body);
        assert_eq!(reply.status, status, "{path} {body}");
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(named), "{path} {body}: {error}");
        for english in ["expected", "unknown", "invalid", "missing", "line "] {
            assert!(!error.contains(english), "{path} {body}: {error}");
        }
    }
    for (body, named) in [
        ("", "пустое"),
        ("{\"answer\"", "обрывается"),
        ("{answer: html}", "строке 1, позиция 2"),
        ("{\"answer\":\"html\",\"answer\":\"lost\"}", "дважды"),
    ] {
        let reply = send(&sandbox, "localhost", "POST /sandbox/answer", &[JSON], body);
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(reply.status, 400, "{body}");
        assert!(error.contains(named), "{body}: {error}");
    }
    let large = " ".repeat(100_000);
    let reply = send(
        &sandbox,
        "localhost",
        "POST /sandbox/answer",
        &[JSON],
        &large,
    );
    assert_eq!(reply.status, 413);
    assert!(reply.json()["error"]
        .as_str()
        .unwrap()
        .contains("тело больше"));
    let reply = send(&sandbox, "localhost", "GET /sandbox/answer", &[], "");
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    // An absent field may be null.
    let usual = json!({"answer": "usual", "count": null, "seconds": null, "message": ""});
    assert_eq!(order(&sandbox, "answer", &usual).status, 200);
    let reply = order(&sandbox, "reset", &json!({}));
    assert_eq!(
        reply.json()["switches"],
        json!({
            "answer": {"answer": "usual", "count": null},
            "then": [],
            "rules": [],
            "latency": {"seconds": 0.0, "jitter": 0.0},
            "certificate": {"certificate": "valid", "count": null},
            "notify": {"status": "off", "seconds": 0.0, "then": []},
        })
    );
}
