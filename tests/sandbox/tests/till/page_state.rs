//! The state that the page shows: switches that another client has changed, a stopped sandbox, many
//! tabs.

#![cfg(target_os = "linux")]

use lifepay_sandbox::{Options, Sandbox};
use serde_json::{json, Value};

use crate::browser::Browser;
use crate::open_page::{open_shift, page, until_now, until_rows, LOGIN, TAB};

const LIVE: &str = "document.getElementById('live').textContent === 'На связи'";

/// Posts an order over HTTP, as a till's tests do.
fn order(sandbox: &Sandbox, order: &Value) {
    let url = format!("{}sandbox/answer", sandbox.page_url());
    let config = ureq::Agent::config_builder().proxy(None);
    let agent: ureq::Agent = config.build().into();
    let request = agent.post(&url).content_type("application/json");
    let reply = request.send(order.to_string()).expect("an answer");
    assert_eq!(reply.status(), 200);
}

/// Returns the values in the form.
fn form(browser: &Browser) -> Value {
    browser.run(
        "const value = (id) => document.getElementById(id).value; \
         return [value('seconds'), value('code'), value('message'), value('field'), value('text'), \
         document.getElementById('counted').checked, value('count')]",
        json!([]),
    )
}

#[test]
fn the_form_shows_the_active_switch_whoever_has_set_it() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let code = json!({
        "answer": "code", "code": 400, "message": "Смена уже открыта", "field": "target_serial",
        "text": "Принтер занят.", "count": 3,
    });
    let shown = json!([
        "10",
        "400",
        "Смена уже открыта",
        "target_serial",
        "Принтер занят.",
        true,
        "3"
    ]);
    let now = "код 400 «Смена уже открыта», target_serial: Принтер занят.";
    order(&sandbox, &code);
    until_now(&browser, now);
    assert_eq!(form(&browser), shown);
    // The same after a reload and in a second tab.
    browser.reload_with("");
    until_now(&browser, now);
    assert_eq!(form(&browser), shown);
    browser.tab(&sandbox.page_url());
    until_now(&browser, now);
    assert_eq!(form(&browser), shown);

    order(&sandbox, &json!({"answer": "slow", "seconds": 2.5}));
    until_now(&browser, "медленно, через 2.5 с");
    let form = form(&browser);
    assert_eq!((&form[0], &form[5]), (&json!("2.5"), &json!(false)));
    assert_eq!(browser.console_messages(), json!([]));
}

#[test]
fn edits_of_an_active_switch_take_effect_and_empty_seconds_are_not_0() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.click("[data-answer=slow]");
    until_now(&browser, "медленно, через 10 с");
    browser.enter("#seconds", "7");
    browser.press(TAB);
    until_now(&browser, "медленно, через 7 с");
    browser.click("[data-answer=code]");
    until_now(&browser, "код 6095");
    browser.enter("#code", "6080");
    browser.press(TAB);
    until_now(&browser, "код 6080");
    browser.enter("#message", "Нельзя");
    browser.press(TAB);
    until_now(&browser, "код 6080 «Нельзя»");
    browser.enter("#count", "2");
    browser.press(TAB);
    browser.until("document.getElementById('now-count').textContent === '(ещё 2 запроса)'");
    let output = open_shift(&sandbox, LOGIN);
    assert!(output.text.contains("Нельзя"), "{}", output.text);

    browser.click("[name=duration][value=always]");
    browser.enter("#seconds", "x");
    browser.run("document.getElementById('seconds').value = ''", json!([]));
    browser.click("[data-answer=slow]");
    let fault = "document.getElementById('fault').textContent";
    browser.until(&format!(
        "{fault}.includes('укажите, через сколько секунд')"
    ));
    until_now(&browser, "код 6080 «Нельзя»");
    browser.run("document.getElementById('count').value = ''; document.getElementById('counted').checked = true", json!([]));
    browser.click("[data-answer=html]");
    browser.until(&format!("{fault}.includes('на сколько запросов')"));
    until_now(&browser, "код 6080 «Нельзя»");
}

#[test]
fn a_long_message_leaves_the_page_usable() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let long = "Ы".repeat(1000);
    let code = json!({
        "answer": "code", "code": 400, "message": long, "field": "target_serial", "text": long,
    });
    order(&sandbox, &code);
    browser.until("document.getElementById('now-text').textContent.length > 1000");
    open_shift(&sandbox, &format!("{LOGIN} --ext-id a"));
    until_rows(&browser, 1);
    let sizes = browser.run(
        "const height = (name) => document.querySelector(name).getBoundingClientRect().height; \
         return [height('#now'), height('#feed tr.entry'), \
         document.documentElement.scrollWidth - innerWidth, \
         document.documentElement.scrollHeight - innerHeight]",
        json!([]),
    );
    let size = |position: usize| sizes[position].as_f64().unwrap();
    assert!(size(0) < 100.0, "{sizes}");
    assert!(size(1) < 130.0, "{sizes}");
    assert!(size(2) <= 0.0 && size(3) <= 0.0, "{sizes}");
    browser.click("#back");
    until_now(&browser, "как обычно");
}

#[test]
fn a_sandbox_that_has_ended_is_shown_until_it_is_back() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let port = sandbox.port();
    drop(sandbox);
    until_now(&browser, "неизвестно, песочница не отвечает");
    let class = browser.run("return document.getElementById('now').className", json!([]));
    assert_eq!(class, "now lost");
    browser.click("[data-answer=html]");
    let fault = "document.getElementById('fault').textContent";
    browser.until(&format!("{fault}.includes('не отвечает')"));
    let _sandbox = Sandbox::start(Options {
        port,
        ..Options::default()
    })
    .expect("the port is free again");
    until_now(&browser, "как обычно");
    browser.until(&format!("{LIVE} && {fault} === ''"));
    let class = browser.run("return document.getElementById('now').className", json!([]));
    assert_eq!(class, "now");
}

#[test]
fn ten_tabs_all_get_the_changes() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let tabs: Vec<_> = (0..10).map(|_| browser.tab(&sandbox.page_url())).collect();
    for number in 1..=2 {
        open_shift(&sandbox, LOGIN);
        for tab in &tabs {
            browser.go_to(tab);
            browser.until(LIVE);
            until_rows(&browser, number);
        }
    }
}
