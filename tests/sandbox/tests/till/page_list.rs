//! The list of requests while more arrive: its scroll position, the pause, the search.

#![cfg(target_os = "linux")]

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::browser::Browser;
use crate::open_page::{open_newest, page, raw, until_rows, until_text};

fn send(sandbox: &Sandbox, ext_id: &str, cashier: &str) {
    let body = json!({
        "apikey": "key-of-a-test-42", "login": "79031234567", "ext_id": ext_id,
        "cashier_name": cashier,
    });
    raw(sandbox, &body.to_string());
}

fn send_all(sandbox: &Sandbox, numbers: std::ops::RangeInclusive<usize>) {
    for number in numbers {
        send(sandbox, &format!("shift-{number}"), "Иванова");
    }
}

/// Returns the position of the top of an element on the screen.
fn top(browser: &Browser, selector: &str) -> f64 {
    let top = browser.run(
        "return document.querySelector(arguments[0]).getBoundingClientRect().top",
        json!([selector]),
    );
    top.as_f64().expect("a number")
}

/// Sends three requests, and asserts that the element does not move on the screen.
fn assert_stays(sandbox: &Sandbox, browser: &Browser, selector: &str, from: usize) {
    let before = top(browser, selector);
    for number in from..from + 3 {
        send_all(sandbox, number..=number);
        until_rows(browser, number);
        let now = top(browser, selector);
        assert!(
            (now - before).abs() < 1.5,
            "{selector}: {before}, then {now}"
        );
    }
}

#[test]
fn new_rows_do_not_move_a_list_that_is_scrolled_down() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    send_all(&sandbox, 1..=15);
    until_rows(&browser, 15);
    for (width, from) in [(1024, 16), (390, 22)] {
        browser.size(width, 768);
        browser.until(&format!("innerWidth === {width}"));
        browser.run(
            "document.querySelector('[data-key=r8]').scrollIntoView()",
            json!([]),
        );
        assert_stays(&sandbox, &browser, "[data-key=r7]", from);
        until_text(&browser, "unseen", "Новых: 3 ↑");
        browser.click("#unseen");
        browser.until("document.getElementById('unseen').hidden");
        let newest = format!("[data-key=r{}]", from + 2);
        let place = top(&browser, &newest);
        assert!((0.0..768.0).contains(&place), "{width}: {place}");
        // At the top of the list, new rows are visible at once.
        if width == 1024 {
            send_all(&sandbox, 19..=21);
            until_rows(&browser, 21);
            assert!(top(&browser, "[data-key=r21]") <= place + 1.0);
        }
    }
    assert_eq!(browser.console_messages(), json!([]));
}

#[test]
fn new_rows_do_not_move_a_request_that_is_open() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    send_all(&sandbox, 1..=1);
    until_rows(&browser, 1);
    open_newest(&browser);
    assert_stays(&sandbox, &browser, "[data-key=r1] + .detail", 2);
    until_text(&browser, "unseen", "Новых: 3 ↑");
    // The same with short details, which leave room below the list.
    browser.click("#unseen");
    browser.run(
        "document.querySelector('[data-key=r1] button').click()",
        json!([]),
    );
    browser.run(
        "document.querySelector('[data-key=r4] button').click()",
        json!([]),
    );
    browser.run(
        "document.querySelector('[data-key=r4] + .detail > td').textContent = 'short'",
        json!([]),
    );
    assert_stays(&sandbox, &browser, "[data-key=r4] + .detail", 5);
}

#[test]
fn a_pause_holds_new_rows_back_until_it_ends() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    send_all(&sandbox, 1..=2);
    until_rows(&browser, 2);
    browser.click("#pause");
    until_text(&browser, "pause", "Продолжить");
    let before = top(&browser, "[data-key=r2]");
    send_all(&sandbox, 3..=4);
    until_text(&browser, "pause", "Продолжить: новых 2");
    until_rows(&browser, 2);
    assert!((top(&browser, "[data-key=r2]") - before).abs() < 1.5);
    browser.click("#pause");
    until_text(&browser, "pause", "Пауза");
    until_rows(&browser, 4);
    // Requests that are cleared during the pause do not come back.
    browser.click("#pause");
    send_all(&sandbox, 5..=5);
    until_text(&browser, "pause", "Продолжить: новых 1");
    browser.click("#reset-journal");
    until_text(&browser, "pause", "Продолжить");
    browser.click("#pause");
    until_text(&browser, "pause", "Пауза");
    until_rows(&browser, 0);
}

#[test]
fn a_search_stays_while_requests_come_and_says_how_many_there_are() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    send(&sandbox, "a", "Иванова");
    send(&sandbox, "b", "Петров");
    // Another cashier counts as a changed request.
    send(&sandbox, "b", "Ильина");
    raw(&sandbox, r#"{"apikey":"key-of-a-test-42","cashier":"Ким"}"#);
    until_rows(&browser, 4);
    until_text(&browser, "counts", "получено 4");
    for (text, found) in [
        ("иванова", 1),
        ("create-session", 4),
        ("ильина принят", 1),
        ("№3", 1),
        ("79031234567", 3),
        ("6000", 1),
        ("\"cashier\"", 1),
        ("Неверный формат", 1),
        ("nothing", 0),
    ] {
        browser.enter("#search", text);
        until_text(&browser, "counts", &format!("найдено {found} из 4"));
        until_rows(&browser, found);
    }
    let shown = "document.getElementById('no-requests').innerText === 'Ничего не найдено.'";
    browser.until(shown);

    browser.enter("#search", "иванова");
    send(&sandbox, "c", "Иванова");
    send(&sandbox, "d", "Петров");
    until_text(&browser, "counts", "найдено 2 из 6");
    until_rows(&browser, 2);
    browser.run("document.getElementById('search').value = 'x'", json!([]));
    browser.enter("#search", " ");
    until_text(&browser, "counts", "получено 6");
    until_rows(&browser, 6);

    browser.click("#only-faults");
    until_text(&browser, "counts", "найдено 2 из 6");
    let numbers =
        "return Array.from(document.querySelectorAll('#feed .entry')).map(row => row.dataset.key)";
    assert_eq!(browser.run(numbers, json!([])), json!(["r4", "r3"]));
    send(&sandbox, "a", "Сидорова");
    until_text(&browser, "counts", "найдено 3 из 7");
    browser.click("#only-faults");
    until_rows(&browser, 7);
    assert_eq!(browser.console_messages(), json!([]));
}

#[test]
fn the_journal_is_saved_in_two_formats() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    send(&sandbox, "a", "Иванова");
    until_rows(&browser, 1);
    let saved = browser.run(
        "const links = Array.from(document.querySelectorAll('.save a')); \
         return Promise.all(links.map(link => fetch(link.href).then(reply => reply.json()) \
             .then(json => [link.innerText, link.download, Object.keys(json).slice(0, 1)])))",
        json!([]),
    );
    let expected = json!([
        ["JSON", "journal.json", ["run"]],
        ["HAR", "journal.har", ["log"]]
    ]);
    assert_eq!(saved, expected);
}
