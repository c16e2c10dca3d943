//! `lp_send`: every document except the opening of a shift.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

use lifepay::ffi as code;

use crate::support::constants::{ANSWERED, NOT_SENT, UNKNOWN};
use crate::support::server::ACCEPTED;
use crate::support::{library, read_request, respond, Answer, Call, Server};

const Z_REPORT: &str = "/cloud-print/create-z-report";

/// A server that records its requests, with the numbers of their connections, and answers as a test
/// specifies.
struct Recorder {
    server: Server,
    seen: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Recorder {
    /// `answer` gets the numbers of a connection and of a request on it, both counted from 0. It
    /// returns the bytes to send, or None to close the connection.
    fn new(answer: impl Fn(usize, usize) -> Option<Vec<u8>> + Send + Sync + 'static) -> Recorder {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&seen);
        let server = Server::start(move |mut stream: TcpStream, connection| {
            let mut number = 0;
            while let Some(request) = read_request(&mut stream) {
                recorded.lock().unwrap().push((connection, request));
                match answer(connection, number) {
                    Some(bytes) => drop(stream.write_all(&bytes)),
                    None => drop(stream.shutdown(Shutdown::Both)),
                }
                number += 1;
            }
        });
        Recorder { server, seen }
    }

    fn accepting() -> Recorder {
        Recorder::new(|_, _| Some(respond("200 OK", ACCEPTED)))
    }

    fn call<'a>(&self) -> Call<'a> {
        Call::to(&self.server.url()).limits(2000, 2000)
    }

    fn requests(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(_, request)| request.clone()).collect()
    }

    fn connections(&self) -> Vec<usize> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(connection, _)| *connection).collect()
    }
}

fn refused(answer: &Answer, fields: &[&str]) {
    assert_eq!(
        (answer.code, answer.outcome),
        (code::LP_ERR_ARGUMENT, NOT_SENT),
        "{answer:?}"
    );
    assert_eq!(answer.fields(), fields, "{answer:?}");
}

#[test]
fn a_document_is_sent_to_its_path_with_its_members_unchanged() {
    let recorder = Recorder::accepting();
    let document =
        "\u{feff} { \"purchase\": {\"products\":[{\"price\":1.50, \"quantity\":1e0}]},\r\n\t\
                    \"\\u0441умма\":10000000000000000000.10 , \"n\":null,\"d\":[1.8e400] } \n";
    let answer = recorder
        .call()
        .document("/cloud-print-ffd1_2/create-receipt", document)
        .ext_id("receipt-1")
        .target_serial("00106304012797")
        .text(|c| &mut c.cashier_name, "Аня")
        .text(|c| &mut c.callback_data_json, "[1, 2]")
        .with(|c| c.test = 1)
        .send();
    assert_eq!(
        (answer.code, answer.outcome, answer.attempts),
        (0, ANSWERED, 1),
        "{answer:?}"
    );
    assert_eq!(answer.ext_id.as_deref(), Some("receipt-1"));
    assert!(answer.uuid.is_some());
    let request = recorder.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /cloud-print-ffd1_2/create-receipt HTTP/1.1\r\n"),
        "{head}"
    );
    assert_eq!(
        body,
        concat!(
            r#"{"apikey":"s3cr3t-apikey","login":"79031234567","test":1,"cashier_name":"Аня","#,
            r#""target_serial":"00106304012797","ext_id":"receipt-1","callback_data":[1, 2],"#,
            r#""purchase": {"products":[{"price":1.50, "quantity":1e0}]},"#,
            "\r\n\t",
            r#""\u0441умма":10000000000000000000.10 , "n":null,"d":[1.8e400]}"#,
        )
    );
}

#[test]
fn a_document_without_members_of_its_own_has_the_fields() {
    let recorder = Recorder::accepting();
    for document in ["", "{}", " { } "] {
        let answer = recorder.call().document(Z_REPORT, document).send();
        assert_eq!(answer.code, 0, "{answer:?}");
        let request = recorder.requests().pop().unwrap();
        let body = r#"{"apikey":"s3cr3t-apikey","login":"79031234567"}"#;
        assert!(request.ends_with(&format!("\r\n\r\n{body}")), "{request}");
    }
}

#[test]
fn no_ext_id_is_generated_and_nothing_is_retried_without_one() {
    let recorder = Recorder::new(|_, _| Some(respond("503 X", "")));
    let answer = recorder.call().document(Z_REPORT, "").send();
    assert_eq!(
        (answer.code, answer.outcome, answer.attempts),
        (code::LP_ERR_HTTP, UNKNOWN, 1),
        "{answer:?}"
    );
    assert_eq!((answer.ext_id, answer.retry_after_ms), (None, 0));
    assert!(!answer.message.contains("ext_id"), "{}", answer.message);
    assert!(answer.message.contains("личном кабинете"));
    assert!(!recorder.requests()[0].contains("ext_id"));

    // If nothing was sent, a retry is safe.
    let answer = Call::to(&Server::nowhere()).document(Z_REPORT, "").send();
    assert_eq!(
        (answer.code, answer.outcome),
        (code::LP_ERR_NETWORK, NOT_SENT),
        "{answer:?}"
    );
    assert!(answer.retry_after_ms > 0);
    assert!(answer.message.contains("Повторите запрос."), "{answer:?}");

    for retry_for in [1, code::LP_FOREVER] {
        let call = recorder.call().document(Z_REPORT, "");
        let answer = call.repeat(retry_for, &[100]).send();
        refused(&answer, &["ext_id"]);
        assert!(answer.message.contains("повторять"), "{answer:?}");
    }
    assert_eq!(recorder.requests().len(), 1);
}

#[test]
fn a_document_with_an_ext_id_is_retried_like_a_shift() {
    let recorder = Recorder::new(|connection, number| match connection + number {
        0 => Some(respond("503 X", "")),
        _ => Some(respond("200 OK", ACCEPTED)),
    });
    let call = recorder.call().document(Z_REPORT, "{\"a\":1}").ext_id("z");
    let answer = call.repeat(5000, &[100]).send();
    assert_eq!((answer.code, answer.attempts), (0, 2), "{answer:?}");
    let requests = recorder.requests();
    assert_eq!(requests[0], requests[1]);
}

/// A server that closes a kept connection without an answer may have printed the document, and
/// LifePay cannot recognise a request without an ext_id.
#[test]
fn a_request_without_ext_id_is_not_resent_over_a_second_connection() {
    let recorder = Recorder::new(|_, number| match number {
        0 => Some(respond("200 OK", ACCEPTED)),
        _ => None,
    });
    let warm = || assert_eq!(recorder.call().ext_id("shift").send().code, 0);
    warm();
    let answer = recorder.call().document(Z_REPORT, "").send();
    assert_eq!((answer.code, answer.attempts), (0, 1), "{answer:?}");
    assert_eq!(recorder.connections(), [0, 1], "a new connection");

    // With an ext_id, a kept connection is used, and replaced.
    let answer = recorder.call().document(Z_REPORT, "").ext_id("z").send();
    assert_eq!((answer.code, answer.attempts), (0, 1), "{answer:?}");
    let connections = recorder.connections();
    assert_eq!(connections.len(), 4, "{connections:?}");
    assert_ne!(connections[2], connections[3]);
}

#[test]
fn an_answer_is_read_as_a_shifts_is() {
    let body = r#"{"code":400,"message":"Ошибка данных.","data":{"purchase":["Нет товаров."]}}"#;
    let server = Server::always(respond("200 OK", body));
    let answer = Call::to(&server.url()).document(Z_REPORT, "").send();
    assert_eq!((answer.code, answer.outcome), (400, ANSWERED), "{answer:?}");
    assert_eq!(
        answer.errors,
        [("purchase".to_owned(), "Нет товаров.".to_owned())]
    );
    let body = r#"{"code":0,"message":"","data":{"uuid":"u","fiscal":[1]}}"#;
    let server = Server::always(respond("200 OK", body));
    let answer = Call::to(&server.url()).document(Z_REPORT, "").send();
    assert_eq!(answer.uuid.as_deref(), Some("u"));
    assert_eq!(answer.reply.as_deref(), Some(body));
    assert!(!answer.message.contains("смен"), "{}", answer.message);
}

#[test]
fn a_path_leads_below_the_base_url_and_nowhere_else() {
    let recorder = Recorder::accepting();
    let long = format!("/{}", "a".repeat(255));
    for path in [
        "cloud-print/x",
        "//other.example/x",
        "/a/../b",
        "/..",
        "/a..b",
        "/a?b=1",
        "/a#b",
        "/a b",
        "/a\tb",
        "/a\nHost: x",
        "/a\r",
        "/a\\b",
        "\\\\x",
        "/%2e%2e/x",
        "/a%2fb",
        "/печать",
        "/a\u{7f}",
        "http://other.example/",
        "@other.example",
        ":80/x",
        "/a\"b",
        "/<x>",
        "/a|b",
        "/{x}",
        "/^",
        "/`",
        long.as_str(),
    ] {
        refused(&recorder.call().document(path, "").send(), &["path"]);
    }
    let whole = format!("/{}", "a".repeat(254));
    for path in [
        "/",
        "/a",
        "/a//b",
        "/@x:1/y",
        "/a.b-c_d~e",
        "/.",
        whole.as_str(),
    ] {
        let answer = recorder.call().document(path, "").send();
        assert_eq!(answer.code, 0, "{path}: {answer:?}");
        let request = recorder.requests().pop().unwrap();
        assert!(
            request.starts_with(&format!("POST {path} HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(request.contains(&format!("host: {}\r\n", recorder.server.address())));
    }
    // The path is appended to that of the base URL.
    let below =
        |call: Call<'static>| call.text(|c| &mut c.base_url, &(recorder.server.url() + "/v1/"));
    assert_eq!(below(recorder.call().document("/x", "")).send().code, 0);
    assert!(recorder
        .requests()
        .pop()
        .unwrap()
        .starts_with("POST /v1/x HTTP/1.1\r\n"));

    refused(&recorder.call().send_by(library().send), &["path"]);
    refused(
        &recorder
            .call()
            .text(|c| &mut c.document_json, "{}")
            .send_by(library().send),
        &["path"],
    );
}

#[test]
fn a_document_that_is_not_an_object_is_refused() {
    let recorder = Recorder::accepting();
    for (document, words) in [
        ("[]", "нужен объект JSON"),
        ("1", "нужен объект JSON"),
        ("\"{}\"", "нужен объект JSON"),
        ("null", "нужен объект JSON"),
        ("{", "не JSON"),
        ("{\"a\":1,}", "не JSON"),
        ("{\"a\":01}", "не JSON"),
        ("{} {}", "не JSON"),
        ("{'a':1}", "не JSON"),
        ("{\"a\":\"\u{1}\"}", "не JSON"),
        ("{\"\\ud800\":1}", "не JSON"),
        ("nonsense", "не JSON"),
    ] {
        let answer = recorder.call().document(Z_REPORT, document).send();
        refused(&answer, &["document_json"]);
        assert!(answer.errors[0].1.contains(words), "{document}: {answer:?}");
    }
    let answer = recorder.call().document(Z_REPORT, "\n\n{\n  x").send();
    assert!(
        answer.errors[0].1.contains("строка 4, столбец 3"),
        "{answer:?}"
    );
    let cp1251 = b"{\"a\":\"\xcf\xf0\xe8\xe2\xe5\xf2\"}";
    let call = recorder.call().text(|c| &mut c.path, Z_REPORT);
    refused(
        &call.bytes(|c| &mut c.document_json, cp1251).send(),
        &["document_json"],
    );
    assert!(recorder.requests().is_empty());
}

#[test]
fn a_member_is_the_documents_or_a_field_and_stands_once() {
    let recorder = Recorder::accepting();
    let all = || {
        recorder
            .call()
            .with(|c| c.test = 1)
            .text(|c| &mut c.cashier_name, "Аня")
            .text(|c| &mut c.cashier_inn, "1")
            .target_serial("2")
            .ext_id("3")
            .text(|c| &mut c.callback_url, "https://shop.example")
            .text(|c| &mut c.callback_data, "4")
    };
    for name in [
        "apikey",
        "login",
        "test",
        "cashier_name",
        "cashier_inn",
        "target_serial",
        "ext_id",
        "callback_url",
        "callback_data",
    ] {
        let document = format!("{{\"x\":1,\"{name}\":null}}");
        let answer = all().document(Z_REPORT, &document).send();
        refused(&answer, &["document_json"]);
        assert!(answer.errors[0].1.contains(name), "{answer:?}");
    }
    // An escaped name is the same name.
    for name in ["\\u0061pikey", "l\\u006fgin"] {
        let document = format!("{{\"{name}\":1}}");
        refused(
            &recorder.call().document(Z_REPORT, &document).send(),
            &["document_json"],
        );
    }
    for document in [
        r#"{"a":1,"b":2,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"ё":1,"\u0451":1}"#,
    ] {
        let answer = recorder.call().document(Z_REPORT, document).send();
        refused(&answer, &["document_json"]);
        assert!(answer.errors[0].1.contains("дважды"), "{answer:?}");
    }
    let answer = all()
        .document(Z_REPORT, r#"{"apikey":1,"test":0,"a":1,"a":2}"#)
        .send();
    refused(&answer, &["document_json"; 3]);
    assert!(recorder.requests().is_empty());

    // A field that is not set may be a member, and the contents of members are not checked.
    let document = r#"{"test":0,"ext_id":"mine","purchase":{"apikey":1,"a":1,"a":2},"Login":1}"#;
    let answer = recorder.call().document(Z_REPORT, document).send();
    assert_eq!((answer.code, answer.ext_id), (0, None));
    assert!(recorder.requests()[0].ends_with(&document[1..]));
}

#[test]
fn a_shift_has_no_path_and_no_document() {
    let recorder = Recorder::accepting();
    let shift = |mut call: Call<'static>| call.send_by(library().open_shift);
    let answer = shift(
        recorder
            .call()
            .document("/cloud-print/create-session", "{}"),
    );
    refused(&answer, &["path", "document_json"]);
    assert!(answer.message.contains("lp_send"), "{answer:?}");
    refused(
        &shift(recorder.call().text(|c| &mut c.path, "/x")),
        &["path"],
    );
    // The fields of the request are checked as well.
    let both = recorder
        .call()
        .with(|c| c.test = 7)
        .text(|c| &mut c.path, "/x");
    refused(&shift(both), &["path", "test"]);
    assert!(recorder.requests().is_empty());
}

#[test]
fn all_errors_are_reported_together() {
    let call = Call::to("ftp://x").document("x", "[]").repeat(1, &[100]);
    let answer = call.text(|c| &mut c.apikey, "").with(|c| c.test = 2).send();
    refused(
        &answer,
        &[
            "path",
            "ext_id",
            "document_json",
            "apikey",
            "test",
            "base_url",
        ],
    );
}

/// The config of a program that was compiled before these fields existed.
#[test]
fn a_config_of_version_1_has_no_document() {
    let recorder = Recorder::accepting();
    let version_1 = |config: &mut lifepay::ffi::lp_config| {
        config.struct_size = std::mem::offset_of!(lifepay::ffi::lp_config, path) as u32;
    };
    let mut call = recorder
        .call()
        .document("/must/not/be/read", "[")
        .with(version_1);
    assert_eq!(call.send_by(library().open_shift).code, 0);
    refused(&call.send_by(library().send), &["path"]);
    assert!(recorder.requests()[0].starts_with("POST /cloud-print/create-session "));
}

#[test]
fn the_apikey_is_shown_by_no_fault_of_a_document() {
    let recorder = Recorder::accepting();
    for document in [
        r#"{"s3cr3t-apikey":1,"s3cr3t-apikey":2}"#,
        r#"{"apikey":"s3cr3t-apikey"}"#,
        r#"{"s3cr3t-apikey""#,
        r#"["s3cr3t-apikey"]"#,
    ] {
        let answer = recorder.call().document(Z_REPORT, document).send();
        refused(&answer, &["document_json"]);
        assert!(!format!("{answer:?}").contains("s3cr3t"), "{answer:?}");
    }
    // A name of any length does not fill the message.
    let long = "ы".repeat(100_000);
    let document = format!("{{\"{long}\":1,\"{long}\":1}}");
    let answer = recorder.call().document(Z_REPORT, &document).send();
    assert!(answer.errors[0].1.chars().count() < 1000);
}
