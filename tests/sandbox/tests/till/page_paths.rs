//! Documents other than the opening of a shift, on the page.

#![cfg(target_os = "linux")]

use lifepay_sandbox::Options;
use serde_json::{json, Value};

use crate::browser::Browser;
use crate::open_page::{newest, page, raw_to, until_rows};

fn body(fields: Value) -> String {
    let mut body = json!({"apikey": "key-of-a-test-42", "login": "79031234567"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

/// Opens the newest row, closes it again, and returns the text of its details.
fn opened(browser: &Browser) -> String {
    browser.click("#feed tr.entry button");
    let detail = "document.querySelector('#feed .detail:not([hidden])')";
    browser.until(detail);
    let text = browser.run(&format!("return {detail}.innerText"), json!([]));
    browser.click("#feed tr.entry button");
    browser.until(&format!("!{detail}"));
    text.as_str().unwrap().to_owned()
}

#[test]
fn each_request_and_each_ext_id_is_shown_with_its_path() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    for (position, path) in [
        "/cloud-print/create-session",
        "/cloud-print/create-z-report",
        "/cloud-print-ffd1_2/create-receipt",
        "/cloud-print/some/other",
    ]
    .into_iter()
    .enumerate()
    {
        raw_to(&sandbox, path, &body(json!({"ext_id": "a"})));
        until_rows(&browser, position + 1);
        let (_, row) = newest(&browser);
        assert!(row.contains(path), "{path} is not in {row}");
        let line = format!("{path} a 79031234567 1 1");
        browser.until(&format!(
            "document.querySelector('#ext-ids tr').innerText.replace(/\\s+/g, ' ').startsWith('{line}')"
        ));
        assert!(opened(&browser).contains(&format!("POST {path}")));
    }
    // The ext_id is the same, but on other paths, so no request counts as changed.
    assert_eq!(
        browser.run(
            "return document.querySelectorAll('.alarm').length",
            json!([])
        ),
        0
    );
    assert_eq!(browser.console_messages(), json!([]));
}

#[test]
fn a_changed_body_is_compared_with_the_one_of_the_same_path() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    for (position, (path, cashier)) in [
        ("/cloud-print/create-session", "Петров"),
        ("/cloud-print/create-z-report", "Иванова"),
        ("/cloud-print/create-z-report", "Ильина"),
    ]
    .into_iter()
    .enumerate()
    {
        let fields = json!({"ext_id": "a", "cashier_name": cashier});
        raw_to(&sandbox, path, &body(fields));
        until_rows(&browser, position + 1);
    }
    let detail = opened(&browser);
    assert!(
        detail.contains("Запрос изменён под тем же ext_id"),
        "{detail}"
    );
    assert!(detail.contains("Иванова"), "{detail}");
    assert!(!detail.contains("Петров"), "{detail}");
}

#[test]
fn a_document_is_checked_as_far_as_published_and_the_page_says_so() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let part = "остальные поля приняты без проверки";
    for (position, (path, fields, parts, count)) in [
        (
            "/cloud-print/cash-in",
            json!({"target_serial": "1", "amount": true, "more": 1}),
            [
                "Проверка, насколько опубликовано: 1 замечание",
                part,
                "Должно быть числом или строкой.",
            ],
            7,
        ),
        (
            "/cloud-print/create-z-report",
            json!({"more": 1}),
            [
                "Проверка, насколько опубликовано: замечаний нет",
                part,
                "Строка, обязательное.",
            ],
            7,
        ),
        (
            "/cloud-print/create-receipt-correction",
            json!({"type": 1}),
            [
                "Проверка, насколько опубликовано: замечаний нет",
                "проверены только apikey и login",
                "Строка, обязательное.",
            ],
            3,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        raw_to(&sandbox, path, &body(fields));
        until_rows(&browser, position + 1);
        let detail = opened(&browser);
        for part in parts {
            assert!(detail.contains(part), "{path}: {part} is not in {detail}");
        }
        // The texts of the page about opening a shift are not shown for other documents.
        for words in [
            "На странице LifePay",
            "открыть смену",
            "АПИ-ключ",
            "create-session",
        ] {
            assert!(!detail.contains(words), "{path}: {words} is in {detail}");
        }
        let rows = "document.querySelectorAll('#feed .detail:not([hidden]) tbody tr').length";
        browser.click("#feed tr.entry button");
        browser.until(&format!("{rows} === {count}"));
        browser.click("#feed tr.entry button");
        browser.until("!document.querySelector('#feed .detail:not([hidden])')");
    }
    assert_eq!(browser.console_messages(), json!([]));
}

#[test]
fn the_switch_for_a_code_knows_the_fields_of_every_document() {
    let Some((_sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let names = browser.run(
        "return Array.from(document.querySelectorAll('#field option')).map((o) => o.innerText)",
        json!([]),
    );
    let names = names.as_array().unwrap();
    for name in ["target_serial", "callback_data", "amount", "purchase"] {
        let count = names.iter().filter(|known| *known == name).count();
        assert_eq!(count, 1, "{name} in {names:?}");
    }
}
