//! The answers to invalid requests.

use lifepay_sandbox::{Options, Sandbox, CREATE_SESSION};
use serde_json::{json, Value};

use crate::wire::{ask, journal, shift, Client, Reply};

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

fn send(sandbox: &Sandbox, first: &str, headers: &[&str], body: &[u8]) -> Reply {
    let mut client = Client::to(sandbox);
    client.send(first, headers, body);
    client.receive().unwrap().unwrap()
}

fn named(reply: &Reply) -> Vec<String> {
    let data = reply.json()["data"].clone();
    data.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_field_of_the_wrong_form_is_code_6000_and_named() {
    let sandbox = sandbox();
    for (field, value) in [
        ("cashier", json!("Иванова")),
        ("ext_ID", json!("1")),
        ("apikey", json!(12345678)),
        ("login", json!(79031234567_u64)),
        ("login", Value::Null),
        ("cashier_name", json!(["Иванова"])),
        ("cashier_inn", json!(770123456789_u64)),
        ("target_serial", json!(106304012797_u64)),
        ("ext_id", json!(1)),
        ("callback_url", json!({})),
        ("test", json!("1")),
        ("test", json!(true)),
        ("test", json!(2)),
        ("test", json!(-1)),
        ("test", json!(1.0)),
        ("test", Value::Null),
        ("callback_data", json!(1)),
        ("callback_data", json!(false)),
        ("callback_data", Value::Null),
    ] {
        let reply = ask(&sandbox, &shift(json!({field: value})));
        assert_eq!(reply.code(), 6000, "{field} {value}");
        assert_eq!(reply.json()["message"], "Неверный формат данных");
        assert_eq!(named(&reply), [field], "{value}");
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn every_documented_field_is_taken() {
    let sandbox = sandbox();
    for callback_data in [json!("text"), json!({"a": [1, null]}), json!([])] {
        let reply = ask(
            &sandbox,
            &shift(json!({
                "test": 0,
                "cashier_name": "Иванова",
                "cashier_inn": "770123456789",
                "target_serial": "00106304012797",
                "ext_id": "e".repeat(50),
                "callback_url": format!("http://shop.test/{}", "u".repeat(238)),
                "callback_data": callback_data,
            })),
        );
        assert_eq!(reply.code(), 0, "{}", reply.body);
    }
}

#[test]
fn missing_and_too_long_values_are_code_400_all_at_once() {
    let sandbox = sandbox();
    let reply = ask(
        &sandbox,
        &json!({"login": "", "ext_id": "e".repeat(51), "callback_url": "u".repeat(256)}),
    );
    assert_eq!(reply.code(), 400);
    assert_eq!(
        reply.json(),
        json!({"code": 400, "message": "Ошибка данных.", "data": {
            "apikey": ["Обязательное поле."],
            "login": ["Обязательное поле."],
            "ext_id": ["Максимум 50 символов."],
            "callback_url": ["Максимум 255 символов."],
        }})
    );
}

#[test]
fn limits_count_characters_and_not_bytes() {
    let sandbox = sandbox();
    for (length, code) in [(50, 0), (51, 400)] {
        let body = shift(json!({"ext_id": "я".repeat(length)}));
        assert_eq!(ask(&sandbox, &body).code(), code, "{length}");
    }
}

#[test]
fn faults_of_form_are_reported_before_faults_of_value() {
    let reply = ask(&sandbox(), &json!({"cashier": 1, "test": 2}));
    assert_eq!(reply.code(), 6000);
    assert_eq!(named(&reply), ["cashier", "test"]);
}

#[test]
fn magic_values_do_not_hide_a_fault() {
    for magic in [
        json!({"login": "70000006009"}),
        json!({"target_serial": "00503"}),
    ] {
        let mut body = shift(magic);
        body["cashier"] = json!("Иванова");
        assert_eq!(named(&ask(&sandbox(), &body)), ["cashier"]);
    }
}

#[test]
fn a_body_that_is_not_a_json_object_is_code_6000() {
    let sandbox = sandbox();
    let cp1251 = b"{\"apikey\":\"a\",\"login\":\"\xc8\xe2\"}".as_slice();
    for body in [
        b"".as_slice(),
        b"apikey=a&login=b",
        b"[]",
        b"null",
        b"{\"apikey\":\"a\",\"login\":\"b\"",
        b"{\"apikey\":\"a\",\"login\":\"b\"} {}",
        b"{\"apikey\":\"a\",\"login\":\"b\",}",
        b"{\"apikey\":\"a\",\"login\":\"\\ud800\"}",
        b"\xef\xbb\xbf{\"apikey\":\"a\",\"login\":\"b\"}",
        cp1251,
    ] {
        let post = format!("POST {CREATE_SESSION}");
        let reply = send(&sandbox, &post, &["Content-Type: application/json"], body);
        let text = String::from_utf8_lossy(body);
        assert_eq!(reply.code(), 6000, "{text}");
        assert_eq!(named(&reply), ["body"], "{text}");
    }
}

#[test]
fn a_body_that_is_not_a_json_object_is_described_in_russian() {
    let sandbox = sandbox();
    let post = format!("POST {CREATE_SESSION}");
    for (headers, body, text) in [
        (
            &[][..],
            &b"\xef\xbb\xbf{\"apikey\":\"a\",\"login\":\"b\"}"[..],
            "BOM",
        ),
        (&[], b"{\"apikey\":\"a\",\"login\":\"\xc8\xe2\"}", "CP1251"),
        (
            &["Content-Encoding: gzip"],
            b"\x1f\x8b\x08\0\0\0\0\0",
            "gzip",
        ),
        (&[], b"{\"apikey\":\"a\",}", "строке 1, позиция 15"),
        (&[], b"apikey=a&login=b", "форму"),
    ] {
        let reply = send(&sandbox, &post, headers, body);
        assert_eq!(reply.code(), 6000);
        let error = reply.json()["data"]["body"][0].as_str().unwrap().to_owned();
        assert!(error.contains(text), "{text}: {error}");
    }
}

#[test]
fn a_doubled_field_is_code_6000_and_named() {
    let body = b"{\"apikey\":\"a\",\"login\":\"b\",\"login\":\"c\"}";
    let post = format!("POST {CREATE_SESSION}");
    let reply = send(&sandbox(), &post, &["Content-Type: application/json"], body);
    assert_eq!(reply.code(), 6000);
    assert_eq!(named(&reply), ["login"]);
}

#[test]
fn lifepays_own_example_is_taken_and_its_content_type_is_a_finding() {
    let sandbox = sandbox();
    let body = shift(json!({"test": 0, "target_serial": "00106304012797"})).to_string();
    let post = format!("POST {CREATE_SESSION}");
    for headers in [
        &["Content-Type: application/x-www-form-urlencoded"][..],
        &[],
        &["Content-Type: application/json; charset=windows-1251"],
    ] {
        send(&sandbox, &post, headers, body.as_bytes()).uuid();
        let journal = journal(&sandbox);
        let shown = journal["requests"].as_array().unwrap().last().unwrap();
        let findings = shown["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{shown}");
        assert_eq!(findings[0]["field"], "Content-Type");
    }
    // The answer names only the faulty body; the findings name the Content-Type too.
    let reply = send(&sandbox, &post, &[], b"apikey=a&login=b");
    assert_eq!(
        (reply.code(), named(&reply)),
        (6000, vec!["body".to_owned()])
    );
    let journal = journal(&sandbox);
    let findings = journal["requests"][3]["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{findings:?}");
}

#[test]
fn with_strict_the_content_type_must_be_json_in_utf_8() {
    let sandbox = Sandbox::start(Options {
        strict: true,
        ..Options::default()
    })
    .unwrap();
    let body = shift(json!({})).to_string();
    let send = |headers: &[&str]| {
        let post = format!("POST {CREATE_SESSION}");
        send(&sandbox, &post, headers, body.as_bytes())
    };
    for taken in [
        "Content-Type: application/json",
        "Content-Type: application/json; charset=utf-8",
        "content-type: Application/JSON;charset=\"UTF-8\"",
    ] {
        assert_eq!(send(&[taken]).code(), 0, "{taken}");
    }
    for refused in [
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: text/plain",
        "Content-Type: application/json-patch",
        "Content-Type: application/json; charset=windows-1251",
        "X-No-Content-Type: application/json",
    ] {
        let reply = send(&[refused]);
        assert_eq!(reply.code(), 6000, "{refused}");
        assert_eq!(named(&reply), ["Content-Type"], "{refused}");
    }
}

#[test]
fn a_wrong_method_is_code_6000_since_repeating_it_would_not_help() {
    let sandbox = sandbox();
    let body = shift(json!({})).to_string();
    for method in ["GET", "PUT", "PATCH"] {
        let first = format!("{method} {CREATE_SESSION}");
        let headers = ["Content-Type: application/json"];
        let reply = send(&sandbox, &first, &headers, body.as_bytes());
        assert_eq!(reply.code(), 6000);
        assert_eq!(named(&reply), ["method"]);
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn a_path_outside_of_lifepays_folders_is_http_404() {
    let sandbox = sandbox();
    for path in [
        "/",
        "/create-session",
        "/cloud-print",
        "/cloud-print/",
        "/cloud-print-ffd1_2",
        "/cloud-print-ffd1_2/",
        "/cloud-printer/create-session",
        "/v1/cloud-print/create-session",
    ] {
        let headers = ["Content-Type: application/json"];
        let body = shift(json!({})).to_string();
        let reply = send(&sandbox, &format!("POST {path}"), &headers, body.as_bytes());
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.json()["code"], 6000, "{path}");
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn a_body_of_more_than_a_mebibyte_is_code_6000() {
    let sandbox = sandbox();
    let shortest = shift(json!({"callback_data": ""})).to_string().len();
    for (length, code) in [(1_048_576, 0), (1_048_577, 6000), (9_000_000, 6000)] {
        let filler = "d".repeat(length - shortest);
        let reply = ask(&sandbox, &shift(json!({"callback_data": filler})));
        assert_eq!(reply.code(), code, "{length}");
        if code != 0 {
            assert_eq!(named(&reply), ["body"]);
        }
    }
}
