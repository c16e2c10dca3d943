//! The page's switches and their fields: each answer, latency, probability, notifications.

#![cfg(target_os = "linux")]

use lifepay_sandbox::{Options, Sandbox};
use serde_json::{json, Value};

use crate::browser::Browser;
use crate::open_page::{open_newest, page, raw, until_now, until_rows, until_text, APIKEY, TAB};
use crate::support::{respond, Server};

fn choose_option(browser: &Browser, selector: &str, value: &str) {
    browser.run(
        "const field = document.querySelector(arguments[0]); field.value = arguments[1]; \
         field.dispatchEvent(new Event('change', {bubbles: true}))",
        json!([selector, value]),
    );
}

/// Returns the switches from the sandbox's journal.
fn switches(sandbox: &Sandbox) -> Value {
    let url = format!("{}sandbox/journal.json", sandbox.page_url());
    let config = ureq::Agent::config_builder().proxy(None);
    let agent: ureq::Agent = config.build().into();
    let mut reply = agent.get(&url).call().expect("an answer");
    let journal = reply
        .body_mut()
        .read_to_string()
        .expect("the body of the journal");
    serde_json::from_str::<Value>(&journal).expect("JSON")["switches"].clone()
}

#[test]
fn each_answer_takes_its_own_fields() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.click("#spoilt summary");
    browser.enter("#status", "500");
    browser.enter("#retry-after", "3");
    browser.enter("#bytes", "-5");
    for (answer, now, settings) in [
        ("swallowed", "тишина", json!({})),
        (
            "http",
            "HTTP 500, Retry-After 3 с",
            json!({"status": 500, "retry_after": 3}),
        ),
        ("paused", "ответы придержаны", json!({})),
        ("no_uuid", "без uuid", json!({})),
        ("text_code", "код строкой", json!({})),
        ("php_warning", "warning PHP", json!({})),
        ("broken_json", "сломан JSON", json!({})),
        ("empty", "пустой ответ", json!({})),
        ("cut", "ответ оборван", json!({})),
        (
            "wrong_length",
            "неверная длина, на -5 байт",
            json!({"bytes": -5}),
        ),
        ("dripping", "по байту, через 1 с", json!({"seconds": 1.0})),
    ] {
        browser.click(&format!("[data-answer={answer}]"));
        until_now(&browser, now);
        let pressed = browser.run(
            "return Array.from(document.querySelectorAll('#answers [aria-pressed=true]')) \
             .map(button => button.dataset.answer)",
            json!([]),
        );
        assert_eq!(pressed, json!([answer]));
        let on = &switches(&sandbox)["answer"];
        assert_eq!(on["answer"], answer);
        for (name, value) in settings.as_object().unwrap() {
            let (found, value) = (&on[name], value);
            assert_eq!(found.as_f64(), value.as_f64(), "{answer}: {on}");
        }
    }
    browser.click("[data-answer=http]");
    until_now(&browser, "HTTP 500, Retry-After 3 с");
    // Settings can be edited while the switch is on.
    browser.click("#made");
    until_now(&browser, "HTTP 500, Retry-After 3 с, документ создан");
    browser.enter("#status", "200");
    browser.press(TAB);
    until_now(&browser, "HTTP 200, Retry-After 3 с, документ создан");
    browser.enter("#swallowed-seconds", "2");
    browser.click("[data-answer=swallowed]");
    until_now(&browser, "тишина, закрыть через 2 с");
    browser.click("#back");
    until_now(&browser, "как обычно");
    assert_eq!(browser.console_messages(), json!([]));
}

#[test]
fn held_requests_get_the_answer_that_is_chosen_next() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.click("[data-answer=paused]");
    until_now(&browser, "ответы придержаны");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            raw(
                &sandbox,
                &json!({"apikey": APIKEY, "login": "1"}).to_string(),
            );
        });
        browser.until("document.querySelector('#feed .pill.pending')");
        browser.click("[data-answer=usual]");
        until_rows(&browser, 1);
    });
    browser.until("document.querySelector('#feed .entry').innerText.includes('принят')");
}

#[test]
fn latency_is_switched_and_edited_and_ends_with_the_rest() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.click("#latency-on");
    until_now(&browser, "задержка 0.5 ± 0.3 с");
    browser.until("document.querySelector('#latency-on:checked')");
    browser.enter("#latency-seconds", "1.5");
    browser.press(TAB);
    until_now(&browser, "задержка 1.5 ± 0.3 с");
    let on = &switches(&sandbox)["latency"];
    assert_eq!(*on, json!({"seconds": 1.5, "jitter": 0.3}));
    browser.click("#latency-on");
    until_now(&browser, "как обычно");
    browser.click("#latency-on");
    until_now(&browser, "задержка 1.5 ± 0.3 с");
    browser.click("#back");
    until_now(&browser, "как обычно");
    browser.until("document.querySelector('#latency-on:not(:checked)')");
}

#[test]
fn an_answer_has_a_probability() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.enter("#probability", "30");
    browser.click("[data-answer=html]");
    until_now(&browser, "HTML с HTTP 200, вероятность 30 %");
    assert_eq!(switches(&sandbox)["answer"]["probability"], 0.3);
    browser.enter("#probability", "12.5");
    browser.press(TAB);
    until_now(&browser, "HTML с HTTP 200, вероятность 12.5 %");
    browser.enter("#probability", "100");
    browser.press(TAB);
    until_now(&browser, "HTML с HTTP 200");
    // Answers without a probability ignore the field.
    browser.enter("#probability", "30");
    browser.click("[data-answer=usual]");
    until_now(&browser, "как обычно");
}

#[test]
fn notifications_come_one_after_another_and_one_is_sent_again() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    choose_option(&browser, "#notify-then", "processed");
    browser.enter("#notify-then-seconds", "0.2");
    browser.click("[data-status=waiting]");
    let series = "Сейчас: ожидает повтора, затем обработан через 0.2 с.";
    until_text(&browser, "notify-now", series);
    browser.enter("#notify-seconds", "0.1");
    browser.press(TAB);
    let series = "Сейчас: ожидает повтора через 0.1 с, затем обработан через 0.2 с.";
    until_text(&browser, "notify-now", series);

    let till = Server::always(respond("200 OK", ""));
    let body = json!({"apikey": APIKEY, "login": "1", "callback_url": till.url()});
    raw(&sandbox, &body.to_string());
    until_rows(&browser, 3);
    let feed = browser.run(
        "return document.querySelector('#feed').innerText",
        json!([]),
    );
    for status in ["ожидает повтора", "обработан"] {
        assert!(
            feed.as_str().unwrap().contains(&format!("«{status}»")),
            "{feed}"
        );
    }
    open_newest(&browser);
    browser.click(".detail .again button");
    browser.until("document.querySelector('.detail .outcome').textContent === 'Отправлено.'");
    until_rows(&browser, 4);
    // A single notification.
    choose_option(&browser, "#notify-then", "");
    browser.enter("#notify-seconds", "0");
    browser.press(TAB);
    browser.until("document.getElementById('notify-now').hidden");
    assert_eq!(switches(&sandbox)["notify"]["status"], "waiting");
    assert_eq!(browser.console_messages(), json!([]));
}

#[test]
fn the_magic_values_are_listed_and_a_click_copies_one() {
    let Some((_sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.allow(&["clipboardReadWrite", "clipboardSanitizedWrite"]);
    browser.click("#magic summary");
    let listed = browser.run(
        "return Array.from(document.querySelectorAll('#magic-values button')).map(b => b.innerText)",
        json!([]),
    );
    let listed: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect();
    let known = lifepay_sandbox::magic::rows();
    let known: Vec<_> = known.iter().map(|row| row.value).collect();
    assert_eq!(listed, known);
    browser.click("#magic-values button");
    until_text(&browser, "copied", &format!("Скопировано: {}", known[0]));
    let copied = browser.run("return navigator.clipboard.readText()", json!([]));
    assert_eq!(copied, known[0]);
}
