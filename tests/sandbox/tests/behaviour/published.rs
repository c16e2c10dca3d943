//! Documents other than the opening of a shift: each is checked as far as published.

use lifepay_sandbox::{Options, Sandbox, CREATE_SESSION};
use serde_json::{json, Value};

use crate::wire::{ask_for, journal, shift as request, Client};

pub const Z_REPORT: &str = "/cloud-print/create-z-report";
pub const X_REPORT: &str = "/cloud-print/create-x-report";
pub const CASH_IN: &str = "/cloud-print/cash-in";
pub const CASH_OUT: &str = "/cloud-print/cash-out";
pub const RECEIPT: &str = "/cloud-print/create-receipt";
pub const RECEIPT_OF_FFD_1_2: &str = "/cloud-print-ffd1_2/create-receipt";
pub const CORRECTION: &str = "/cloud-print/create-receipt-correction";
pub const NON_FISCAL: &str = "/cloud-print/create-non-fiscal-receipt";
pub const UNKNOWN: &str = "/cloud-print/create/something-new";

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

/// Returns each path with the minimal fields that are accepted, besides apikey and login.
pub fn minimal_fields() -> Vec<(&'static str, Value)> {
    let cash = json!({"amount": 100, "target_serial": "00106304012797"});
    vec![
        (CREATE_SESSION, json!({})),
        (Z_REPORT, json!({})),
        (X_REPORT, json!({})),
        (CASH_IN, cash.clone()),
        (CASH_OUT, cash),
        (RECEIPT, json!({"purchase": {"products": []}})),
        (RECEIPT_OF_FFD_1_2, json!({})),
        (CORRECTION, json!({})),
        (NON_FISCAL, json!({"purchase": "text"})),
        (UNKNOWN, json!({})),
    ]
}

/// Returns a body with the minimal fields and these fields.
pub fn with(minimal: &Value, fields: Value) -> Value {
    let mut body = request(minimal.clone());
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn apikey_and_login_are_checked_on_every_path() {
    let sandbox = sandbox();
    for (path, minimal) in minimal_fields() {
        for (field, value, code, text) in [
            ("apikey", json!(""), 400, "Обязательное поле."),
            ("login", json!(""), 400, "Обязательное поле."),
            ("apikey", json!(1), 6000, "Должно быть строкой."),
            ("login", Value::Null, 6000, "Должно быть строкой."),
        ] {
            let body = with(&minimal, json!({field: value}));
            let reply = ask_for(&sandbox, path, &body);
            assert_eq!(reply.code(), code, "{path} {body}");
            assert_eq!(reply.json()["data"], json!({field: [text]}), "{path}");
        }
        let mut body = request(minimal);
        body.as_object_mut().unwrap().remove("login");
        let data = json!({"login": ["Обязательное поле."]});
        assert_eq!(ask_for(&sandbox, path, &body).json()["data"], data);
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn a_published_field_of_the_wrong_type_is_code_6000_and_named() {
    let sandbox = sandbox();
    let minimal = minimal_fields();
    for (field, wrong, paths) in [
        (
            "test",
            json!("1"),
            &[Z_REPORT, X_REPORT, CASH_IN, CASH_OUT, RECEIPT, NON_FISCAL][..],
        ),
        ("test", json!(2), &[Z_REPORT, RECEIPT]),
        ("cashier_name", json!(1), &[Z_REPORT]),
        ("cashier_inn", json!(770_123_456_789_u64), &[Z_REPORT]),
        (
            "target_serial",
            json!(1),
            &[Z_REPORT, X_REPORT, CASH_IN, CASH_OUT],
        ),
        ("ext_id", json!(1), &[X_REPORT, CASH_IN, CASH_OUT]),
        ("amount", json!({}), &[CASH_IN, CASH_OUT]),
        ("amount", json!(true), &[CASH_IN, CASH_OUT]),
        ("purchase", json!([]), &[RECEIPT]),
        ("purchase", json!("text"), &[RECEIPT]),
    ] {
        for path in paths {
            let (_, minimal) = minimal.iter().find(|(known, _)| known == path).unwrap();
            let body = with(minimal, json!({field: wrong}));
            let reply = ask_for(&sandbox, path, &body);
            assert_eq!(reply.code(), 6000, "{path} {body}");
            let data = reply.json()["data"].clone();
            let named: Vec<_> = data.as_object().unwrap().keys().collect();
            assert_eq!(named, [field], "{path} {body}");
        }
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn a_field_that_is_published_as_required_is_demanded() {
    let sandbox = sandbox();
    let missing = json!(["Обязательное поле."]);
    let cash = json!({"amount": missing, "target_serial": missing});
    for (path, body, data) in [
        (CASH_IN, json!({}), cash.clone()),
        (CASH_OUT, json!({"amount": "", "target_serial": ""}), cash),
        (RECEIPT, json!({}), json!({"purchase": missing})),
        (
            RECEIPT,
            json!({"purchase": {}}),
            json!({"purchase": ["Должно содержать products."]}),
        ),
        (NON_FISCAL, json!({}), json!({"purchase": missing})),
        (
            NON_FISCAL,
            json!({"purchase": null}),
            json!({"purchase": missing}),
        ),
    ] {
        let reply = ask_for(&sandbox, path, &request(body));
        assert_eq!(reply.code(), 400, "{path}");
        assert_eq!(reply.json()["data"], data, "{path}");
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn unpublished_fields_are_accepted_unchecked() {
    let sandbox = sandbox();
    for (path, minimal) in minimal_fields() {
        if path == CREATE_SESSION {
            continue;
        }
        // The limits of ext_id and callback_url are published for opening a shift only.
        let body = json!({
            "ext_id": "e".repeat(51), "callback_url": "u".repeat(256), "callback_data": 1,
            "customer_email": ["a"], "mode": 1, "type": {}, "card_amount": "#",
        });
        ask_for(&sandbox, path, &with(&minimal, body)).uuid();
    }
    for (path, body) in [
        (CASH_IN, json!({"amount": "1.50", "target_serial": "1"})),
        (
            RECEIPT,
            json!({"purchase": {"products": 1}, "ext_id": 1, "target_serial": 1}),
        ),
        (RECEIPT_OF_FFD_1_2, json!({"purchase": 1, "test": "1"})),
        (CORRECTION, json!({"doc_date": 1, "test": "1"})),
        (UNKNOWN, json!({"test": "1", "ext_id": {}, "amount": []})),
    ] {
        ask_for(&sandbox, path, &request(body)).uuid();
    }
    assert!(journal(&sandbox)["requests"]
        .as_array()
        .unwrap()
        .iter()
        .all(|shown| shown["findings"] == json!([])));
}

#[test]
fn the_form_of_a_request_is_checked_on_every_path() {
    let sandbox = Sandbox::start(Options {
        strict: true,
        ..Options::default()
    })
    .unwrap();
    let json = ["Content-Type: application/json"];
    let doubled = br#"{"apikey":"a","login":"b","login":"c"}"#.as_slice();
    for path in [Z_REPORT, UNKNOWN] {
        for (method, headers, body, named) in [
            ("GET", &json[..], b"{}".as_slice(), "method"),
            ("POST", &[], b"{}", "Content-Type"),
            ("POST", &json, b"[]", "body"),
            ("POST", &json, doubled, "login"),
        ] {
            let mut client = Client::to(&sandbox);
            client.send(&format!("{method} {path}"), headers, body);
            let reply = client.receive().unwrap().unwrap();
            assert_eq!(reply.code(), 6000, "{path} {named}");
            assert!(reply.json()["data"][named].is_array(), "{path} {named}");
        }
    }
}

#[test]
fn the_journal_shows_each_path_and_how_far_it_was_checked() {
    let sandbox = sandbox();
    for (path, minimal) in minimal_fields() {
        ask_for(&sandbox, path, &request(minimal));
    }
    ask_for(&sandbox, "/elsewhere", &request(json!({})));
    let journal = journal(&sandbox);
    let requests = journal["requests"].as_array().unwrap().iter();
    let shown: Vec<_> = requests
        .map(|shown| (shown["path"].as_str().unwrap(), shown["checked"].clone()))
        .collect();
    let part = || json!("part_of_page");
    let credentials = || json!("credentials");
    assert_eq!(
        shown,
        [
            (CREATE_SESSION, json!("whole_page")),
            (Z_REPORT, part()),
            (X_REPORT, part()),
            (CASH_IN, part()),
            (CASH_OUT, part()),
            (RECEIPT, part()),
            (RECEIPT_OF_FFD_1_2, credentials()),
            (CORRECTION, credentials()),
            (NON_FISCAL, part()),
            (UNKNOWN, credentials()),
            ("/elsewhere", Value::Null),
        ]
    );
    let published = journal["published"].as_array().unwrap();
    let cash = published.iter().find(|part| part["path"] == CASH_IN);
    let fields = cash.unwrap()["fields"].as_array().unwrap();
    let amount = fields.iter().find(|field| field["name"] == "amount");
    let amount = amount.unwrap();
    assert_eq!(
        (&amount["type"], &amount["required"], &amount["page"]),
        (&json!("Число | Строка"), &json!(true), &Value::Null)
    );
}
