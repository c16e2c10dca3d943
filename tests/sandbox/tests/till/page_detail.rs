//! The details of a request on the page: long bodies, and a command that repeats the request.

#![cfg(target_os = "linux")]

use std::process::Command;

use lifepay_sandbox::Options;
use serde_json::{json, Value};

use crate::browser::Browser;
use crate::open_page::{open_newest, page, raw, raw_to, until_rows, APIKEY};
use crate::support::tools;

const DETAIL: &str = "document.querySelector('#feed .detail:not([hidden])')";

fn text(browser: &Browser, selector: &str) -> String {
    let text = browser.run(
        "return document.querySelector(arguments[0]).textContent",
        json!([selector]),
    );
    text.as_str().expect("a text").to_owned()
}

#[test]
fn a_long_body_is_cut_until_it_is_asked_for_and_nothing_in_a_detail_scrolls() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let long = "Ы".repeat(9000);
    let body = json!({"apikey": APIKEY, "login": "79031234567", "more": long, "end": "last"});
    raw_to(&sandbox, "/cloud-print/create-receipt", &body.to_string());
    until_rows(&browser, 1);
    open_newest(&browser);
    let sent = text(&browser, ".detail .sent");
    assert!(sent.chars().count() < 4100 && sent.ends_with('…'), "{sent}");
    assert!(text(&browser, ".detail .more").starts_with("показать всё: "));
    browser.click(".detail .sent + .more");
    browser.until("document.querySelector('.detail .sent').textContent.includes('last')");
    browser.until("!document.querySelector('.detail .sent + .more')");
    let scrolling = browser.run(
        "return Array.from(document.querySelectorAll('.detail *')).filter(e => \
         ['auto', 'scroll'].includes(getComputedStyle(e).overflowY)).length",
        json!([]),
    );
    assert_eq!(scrolling, 0);
}

#[test]
fn unchecked_fields_are_not_shown_as_correct() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let verdict = |name: &str| {
        let verdict = browser.run(
            "const rows = Array.from(arguments[0].querySelectorAll('tbody tr')); \
             return rows.find(row => row.children[0].innerText === arguments[1]).children[1].innerText",
            json!([element(&browser), name]),
        );
        verdict.as_str().expect("a text").to_owned()
    };
    let body =
        json!({"apikey": APIKEY, "login": "79031234567", "purchase": {"products": []}, "x": 1});
    for (position, (path, purchase)) in [
        ("/cloud-print/create-receipt", "верно"),
        ("/cloud-print/create-non-fiscal-receipt", "не проверено"),
        ("/cloud-print/some/other", "не проверено"),
    ]
    .into_iter()
    .enumerate()
    {
        raw_to(&sandbox, path, &body.to_string());
        until_rows(&browser, position + 1);
        open_newest(&browser);
        assert_eq!(verdict("login"), "верно");
        assert_eq!(verdict("purchase"), purchase, "{path}");
        assert_eq!(verdict("x"), "не проверено");
        browser.click("#feed tr.entry button");
        browser.until(&format!("!{DETAIL}"));
    }
    raw(&sandbox, "[1]");
    until_rows(&browser, 4);
    open_newest(&browser);
    assert_eq!(verdict("login"), "не проверено");
    assert_eq!(browser.console_messages(), json!([]));
}

/// Returns the element with the open details.
fn element(browser: &Browser) -> Value {
    browser.run(&format!("return {DETAIL}"), json!([]))
}

#[test]
fn the_curl_command_sends_an_equal_body() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let nasty = "\"\\$`!%&|<>^'\n\t\u{7f}Ы😀 $(x) %PATH% a\\\"b \\";
    let body = json!({
        "apikey": "***", "login": "79031234567", "cashier_name": nasty, "callback_data": {
            nasty: [1, -2.5, true, null, {}, [], "", "plain (a) {b} ~#?*"],
        },
    });
    raw(&sandbox, &body.to_string());
    until_rows(&browser, 1);
    open_newest(&browser);
    let command = text(&browser, ".detail .curl");
    assert!(command.is_ascii(), "{command}");
    let begin = "curl -H \"Content-Type: application/json\" -d \"{";
    assert!(command.starts_with(begin), "{command}");
    for special in ["$", "`", "!", "%", "&", "|", "<", ">", "^", "'"] {
        assert!(!command.contains(special), "{special} is in {command}");
    }
    assert!(text(&browser, ".detail").contains("впишите свой apikey"));
    if tools::have("curl") {
        let output = Command::new("sh")
            .args(["-c", &command])
            .env("no_proxy", "*")
            .output()
            .expect("sh runs");
        assert!(output.status.success(), "{output:?}");
        let requests = sandbox.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[1].json, Some(body));
        assert_eq!(requests[1].path, requests[0].path);
        assert_eq!(requests[1].method, "POST");
        assert_eq!(requests[1].header("content-type"), Some("application/json"));
    }
    // There is no command if the body is not a JSON object.
    raw(&sandbox, "[1]");
    browser.until("document.querySelector('#feed .entry').innerText.includes('6000')");
    let open = "document.querySelectorAll(arguments[0]).forEach(button => button.click())";
    browser.run(open, json!(["[data-key=r1] button"]));
    browser.until(&format!("!{DETAIL}"));
    browser.run(open, json!(["#feed tr:first-child button"]));
    browser.until(DETAIL);
    let commands = browser.run(
        "return document.querySelectorAll('.curl').length",
        json!([]),
    );
    assert_eq!(commands, 0);
}

#[test]
fn the_curl_command_is_copied_with_and_without_the_browsers_clipboard() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.allow(&["clipboardReadWrite", "clipboardSanitizedWrite"]);
    raw(&sandbox, &json!({"apikey": APIKEY}).to_string());
    for script in [
        "",
        "Object.defineProperty(navigator, 'clipboard', {value: undefined})",
    ] {
        browser.reload_with(script);
        until_rows(&browser, 1);
        open_newest(&browser);
        browser.run(
            "document.addEventListener('copy', () => { window.copied = getSelection().toString() \
             || document.activeElement.value; })",
            json!([]),
        );
        let copying = "Array.from(document.querySelectorAll('.detail button')) \
                       .find(button => button.innerText === 'Копировать')";
        browser.run(
            &format!("const button = {copying}; button.id = 'copying'; button.scrollIntoView()"),
            json!([]),
        );
        browser.click("#copying");
        browser.until(&format!("{DETAIL}.innerText.includes('Скопировано.')"));
        let copied = if script.is_empty() {
            browser.run("return navigator.clipboard.readText()", json!([]))
        } else {
            browser.run("return window.copied", json!([]))
        };
        assert_eq!(copied.as_str(), Some(&*text(&browser, ".detail .curl")));
    }
}

#[test]
fn a_body_that_is_not_an_object_is_shown_masked_and_as_text() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let broken = format!("{{\"apikey\": \"{APIKEY}\", \"ext_id\": \"a\",\n<b>bold</b>");
    raw(&sandbox, &broken);
    until_rows(&browser, 1);
    open_newest(&browser);
    let sent = text(&browser, ".detail pre.sent");
    assert!(
        sent.contains("\"ext_id\": \"a\"") && sent.contains("<b>bold</b>"),
        "{sent}"
    );
    assert!(!text(&browser, ".detail").contains(APIKEY));
    let found = browser.run(
        "return document.querySelectorAll('main pre b').length",
        json!([]),
    );
    assert_eq!(found, 0);
}

#[test]
fn a_request_is_sent_again_unchanged() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    raw(
        &sandbox,
        &json!({"apikey": APIKEY, "login": "79031234567", "ext_id": "a"}).to_string(),
    );
    until_rows(&browser, 1);
    open_newest(&browser);
    browser.click(".detail .again button");
    browser.until("document.querySelector('.detail .outcome').textContent === 'Отправлено.'");
    until_rows(&browser, 2);
    let requests = sandbox.requests();
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(requests[0].path, requests[1].path);
    assert_eq!(sandbox.documents().len(), 1);
    // A request that is not in the journal cannot be replayed.
    browser.run(
        "document.querySelector('[data-key=r1] button').click()",
        json!([]),
    );
    let forgotten = "return fetch('/sandbox/replay', {method: 'POST', body: '{\"number\": 99}', \
                     headers: {'Content-Type': 'application/json'}}).then(reply => reply.ok)";
    assert_eq!(browser.run(forgotten, json!([])), false);
}
