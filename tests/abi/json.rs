//! The JSON functions, for languages without structs.

use std::ffi::{c_char, CString};

use serde_json::{json, Value};

use crate::support::call::with_string;
use crate::support::server::{recorder, ACCEPTED};
use crate::support::{library, respond, Server};

/// Opens a shift, and returns the function's return value and its answer.
fn open(request: &Value) -> (i32, Value) {
    open_text(&request.to_string())
}

fn open_text(request: &str) -> (i32, Value) {
    call(library().open_shift_json, request)
}

fn call(
    function: unsafe extern "C" fn(*const c_char, *mut *mut c_char) -> i32,
    request: &str,
) -> (i32, Value) {
    let request = CString::new(request).unwrap();
    // SAFETY: the request ends in NUL.
    let (code, text) = with_string(|answer| unsafe { function(request.as_ptr(), answer) });
    (code, serde_json::from_str(&text).expect("JSON"))
}

fn request(server: &Server) -> Value {
    json!({"apikey": "k", "login": "l", "ext_id": "mine", "base_url": server.url(), "proxy": "none"})
}

#[test]
fn the_answer_has_every_field_of_the_result() {
    let server = Server::always(respond("200 OK", ACCEPTED));
    let (code, answer) = open(&request(&server));
    assert_eq!(code, 0);
    let message = answer["message"].as_str().unwrap().to_owned();
    assert_eq!(
        answer,
        json!({
            "code": 0, "outcome": 3, "http_status": 200, "attempts": 1, "retry_after_ms": 0,
            "uuid": "dabe3833-43ff-5e5c-a45e-9cff664503fd", "ext_id": "mine", "message": message,
            "detail": null, "reply": ACCEPTED, "errors": [], "error_count": 0
        })
    );
}

#[test]
fn every_key_is_in_effect() {
    let (server, requests) = recorder();
    let mut all = request(&server);
    let more = json!({
        "test": 1, "cashier_name": "Аня", "cashier_inn": "1", "target_serial": "2",
        "callback_url": "http://x", "callback_data": {"a": [1]}, "callback_data_json": null,
        "ca_file": "", "trust": 2, "connect_timeout_ms": 1000, "timeout_ms": 2000,
        "retry_for_ms": 3000, "retry_delays_ms": [100], "expires_after_ms": 1, "concurrency": 1,
        "keep_days": 1
    });
    all.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    assert_eq!(open(&all).0, 0);
    let sent = requests.recv().unwrap();
    let body: Value = serde_json::from_str(sent.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(
        body,
        json!({
            "apikey": "k", "login": "l", "test": 1, "cashier_name": "Аня", "cashier_inn": "1",
            "target_serial": "2", "ext_id": "mine", "callback_url": "http://x",
            "callback_data": {"a": [1]}
        })
    );
}

#[test]
fn a_document_given_as_a_string_or_an_object_is_sent_unchanged() {
    let (server, requests) = recorder();
    let url = server.url();
    for document in [r#"{"sum": 1.50}"#, r#""{\"sum\": 1.50}""#] {
        let request = format!(
            r#"{{"apikey":"k","login":"l","base_url":"{url}","proxy":"none",
                "path":"/cloud-print/create-z-report","document_json":{document}}}"#
        );
        let (code, answer) = call(library().send_json, &request);
        assert_eq!((code, &answer["ext_id"]), (0, &Value::Null), "{answer}");
        let sent = requests.recv().unwrap();
        assert!(sent.starts_with("POST /cloud-print/create-z-report HTTP/1.1"));
        assert!(
            sent.ends_with(r#"{"apikey":"k","login":"l","sum": 1.50}"#),
            "{sent}"
        );
        // lp_open_shift_json refuses a document.
        let (code, answer) = open_text(&request);
        assert_eq!((code, &answer["error_count"]), (-2, &json!(2)), "{answer}");
    }
    let (code, answer) = call(library().send_json, r#"{"document_json":[1],"logn":1}"#);
    assert_eq!(code, -2);
    let errors = answer["errors"].as_array().unwrap().iter();
    let fields: Vec<&str> = errors
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["logn", "path", "document_json", "apikey", "login"]);
}

#[test]
fn repetition_and_limits_are_in_effect() {
    let unavailable = Server::always(respond("503 X", ""));
    let urls = [(unavailable.url(), -6, 2), (Server::nowhere(), -3, 1)];
    for (base_url, expected, outcome) in urls {
        let mut failing = request(&unavailable);
        failing["retry_for_ms"] = json!(450);
        failing["retry_delays_ms"] = json!([100, 5000]);
        failing["base_url"] = json!(base_url);
        let (code, answer) = open(&failing);
        assert_eq!((code, &answer["outcome"]), (expected, &json!(outcome)));
        assert_eq!(
            (&answer["attempts"], &answer["retry_after_ms"]),
            (&json!(2), &json!(5000))
        );
    }

    let server = Server::start(|mut stream, _| {
        crate::support::read_request(&mut stream);
        crate::support::read_request(&mut stream);
    });
    let mut slow = request(&server);
    slow["timeout_ms"] = json!(200);
    assert_eq!(open(&slow).0, -4);
}

#[test]
fn a_rejection_has_its_field_errors() {
    let body = r#"{"code":400,"message":"Ошибка данных.","data":{"target_serial":["Принтер не найден."]}}"#;
    let (code, answer) = open(&request(&Server::always(respond("200 OK", body))));
    assert_eq!(code, 400);
    let expected = json!([{"field": "target_serial", "message": "Принтер не найден."}]);
    assert_eq!(answer["errors"], expected);
    assert_eq!(answer["error_count"], 1);
}

#[test]
fn unknown_keys_wrong_types_and_missing_fields_are_reported_together() {
    let (code, answer) = open(&json!({"apikey": 5, "logn": "x", "test": "1", "proxy": "none"}));
    assert_eq!(code, -2);
    let fields: Vec<&str> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["apikey", "logn", "test", "login"]);
    assert_eq!(answer["ext_id"], Value::Null);
}

#[test]
fn a_text_that_is_not_a_json_object_is_an_argument_error() {
    for text in ["", "[]", "{", "null", "{\"apikey\":\"k\"} x"] {
        let (code, answer) = open_text(text);
        assert_eq!(code, -2, "{text}");
        assert_eq!(answer["errors"][0]["field"], "request", "{text}");
    }
}

#[test]
fn a_request_that_was_encoded_twice_shows_its_apikey_nowhere() {
    let request = CString::new(r#""{\"apikey\":\"s3cr3t-apikey\"}""#).unwrap();
    // SAFETY: the request ends in NUL.
    let open = |answer| unsafe { (library().open_shift_json)(request.as_ptr(), answer) };
    let (code, text) = with_string(open);
    assert_eq!(code, -2);
    assert!(!text.contains("s3cr3t"), "{text}");
}
