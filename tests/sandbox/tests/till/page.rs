//! The sandbox's page in a real browser: requests arrive while a C program runs, and the switches
//! change its answers.

#![cfg(target_os = "linux")]

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::open_page::{newest, open_shift, page, raw, until_rows, APIKEY, LOGIN};
use crate::support::{respond, tools, Server};

#[test]
fn requests_arrive_while_a_c_program_runs() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.run("window.notReloaded = true", json!([]));
    for number in 1..=4_usize {
        let arguments = format!(
            "{LOGIN} --ext-id shift-{number} --cashier-name Иванова --target-serial 00106304012797"
        );
        let output = open_shift(&sandbox, &arguments);
        assert_eq!(output.status, Some(0), "{}", output.text);
        until_rows(&browser, number);
        let (_, row) = newest(&browser);
        let shift = format!("shift-{number}");
        for part in [
            &shift[..],
            "79031234567",
            "00106304012797",
            "Иванова",
            "принят",
        ] {
            assert!(row.contains(part), "{part} is not in {row}");
        }
    }
    // A retry makes no second document, and the page shows 2 requests and 1 document.
    open_shift(
        &sandbox,
        &format!("{LOGIN} --ext-id shift-4 --cashier-name Иванова --target-serial 00106304012797"),
    );
    browser.until(
        "document.querySelector('#ext-ids tr').innerText.replace(/\\s+/g, ' ') \
         .startsWith('/cloud-print/create-session shift-4 79031234567 2 1')",
    );
    assert_eq!(browser.run("return window.notReloaded", json!([])), true);
    let page = browser.run("return document.documentElement.outerHTML", json!([]));
    assert!(!page.as_str().unwrap().contains("key-of"));
    assert_eq!(browser.console_messages(), json!([]));
}

#[test]
fn each_switch_changes_what_the_c_program_gets() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.enter("#seconds", "20");
    browser.enter("#code", "400");
    browser.enter("#message", "Смена уже открыта");
    browser.run(
        "document.querySelector('#field').value = 'target_serial'",
        json!([]),
    );
    browser.enter("#text", "Принтер занят.");
    for (position, (answer, now, status, parts, row)) in [
        (
            "reset",
            "обрыв связи",
            4,
            ["LP_ERR_NETWORK", ""],
            "соединение сброшено",
        ),
        (
            "http_503",
            "HTTP 503",
            4,
            ["LP_ERR_HTTP", "http_status: 503"],
            "HTTP 503",
        ),
        (
            "lost",
            "ответ потерян",
            4,
            ["LP_ERR_NETWORK", ""],
            "ответ потерян",
        ),
        (
            "html",
            "HTML с HTTP 200",
            4,
            ["LP_ERR_REPLY", ""],
            "HTTP 200, не LifePay",
        ),
        (
            "redirect",
            "редирект",
            4,
            ["LP_ERR_HTTP", "http_status: 302"],
            "HTTP 302",
        ),
        (
            "slow",
            "медленно, через 20 с",
            4,
            ["LP_ERR_TIMEOUT", ""],
            "касса не дождалась",
        ),
        (
            "code",
            "код 400 «Смена уже открыта», target_serial: Принтер занят.",
            1,
            ["LP_DATA_ERROR", "field: target_serial: Принтер занят."],
            "Смена уже открыта",
        ),
        ("usual", "как обычно", 0, ["uuid: ", ""], "принят"),
    ]
    .into_iter()
    .enumerate()
    {
        browser.click(&format!("[data-answer={answer}]"));
        browser.until(&format!(
            "document.getElementById('now-text').textContent === '{now}'"
        ));
        let pressed = "document.querySelectorAll('#answers [aria-pressed=true]')";
        let pressed = browser.run(
            &format!("return Array.from({pressed}).map(button => button.dataset.answer)"),
            json!([]),
        );
        assert_eq!(pressed, json!([answer]));
        let arguments = format!("{LOGIN} --ext-id {answer} --timeout-ms 2500");
        let output = open_shift(&sandbox, &arguments);
        assert_eq!(output.status, Some(status), "{answer}: {}", output.text);
        for part in parts {
            assert!(output.text.contains(part), "{answer}: {}", output.text);
        }
        until_rows(&browser, position + 1);
        let (_, newest) = newest(&browser);
        assert!(newest.contains(row), "{answer}: {newest}");
    }
    let documents: Vec<_> = sandbox.documents();
    let documents: Vec<_> = documents.iter().map(|d| d.ext_id.as_deref()).collect();
    assert_eq!(documents, [Some("lost"), Some("slow"), Some("usual")]);
    assert_eq!(browser.console_messages(), json!([]));
}

#[test]
fn a_switch_for_the_next_requests_turns_off_by_itself_and_a_click_restores_it() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.enter("#count", "2");
    browser.click("[data-answer=http_503]");
    for left in ["(ещё 2 запроса)", "(ещё 1 запрос)"] {
        browser.until(&format!(
            "document.getElementById('now-count').textContent === '{left}'"
        ));
        assert_eq!(open_shift(&sandbox, LOGIN).status, Some(4));
    }
    browser.until("document.getElementById('now-text').textContent === 'как обычно'");
    assert_eq!(open_shift(&sandbox, LOGIN).status, Some(0));

    browser.click("[name=duration][value=always]");
    browser.click("[data-answer=http_503]");
    browser.until("document.getElementById('now-count').textContent === '(до отмены)'");
    assert_eq!(open_shift(&sandbox, LOGIN).status, Some(4));
    browser.click("#back");
    browser.until("document.getElementById('now-text').textContent === 'как обычно'");
    assert_eq!(open_shift(&sandbox, LOGIN).status, Some(0));

    browser.click("[data-status=error]");
    browser.until("document.querySelector('[data-status=error][aria-pressed=true]')");
    browser.click("#reset-switches");
    browser.until("document.querySelector('[data-status=off][aria-pressed=true]')");
    browser.click("#reset-journal");
    until_rows(&browser, 0);
    assert!(sandbox.documents().is_empty());

    browser.enter("#code", "0");
    browser.click("[data-answer=code]");
    browser
        .until("document.getElementById('fault').textContent.includes('code: нужно целое число')");
}

#[test]
fn answers_one_after_another_are_shown_in_their_order() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let order = "return fetch('/sandbox/answer', {method: 'POST', body: arguments[0], \
                 headers: {'Content-Type': 'application/json'}}).then((reply) => reply.status)";
    let steps = r#"["usual", {"answer": "http_503", "count": 2}, "html"]"#;
    assert_eq!(browser.run(order, json!([steps])), 200);
    let shown = |text: &str, count: &str| {
        let is = |name: &str, text: &str| {
            format!("document.getElementById('{name}').textContent === '{text}'")
        };
        let both = [is("now-text", text), is("now-count", count)];
        browser.until(&both.join(" && "));
        open_shift(&sandbox, LOGIN).status
    };
    let usual = "как обычно; затем HTTP 503 ×2, HTML с HTTP 200";
    assert_eq!(shown(usual, "(ещё 1 запрос)"), Some(0));
    let fails = "HTTP 503; затем HTML с HTTP 200";
    assert_eq!(shown(fails, "(ещё 2 запроса)"), Some(4));
    assert_eq!(shown(fails, "(ещё 1 запрос)"), Some(4));
    assert_eq!(shown("HTML с HTTP 200", "(до отмены)"), Some(4));

    let order = order.replace("answer'", "answer?ext_id=a'");
    assert_eq!(browser.run(&order, json!([r#"{"answer": "lost"}"#])), 200);
    let some = "HTML с HTTP 200; для ext_id a: ответ потерян";
    assert_eq!(shown(some, "(до отмены)"), Some(4));
    browser.click("#back");
    assert_eq!(shown("как обычно", ""), Some(0));
}

#[test]
fn no_network_refuses_connections_and_the_page_goes_to_a_port_of_its_own_and_back() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.click("[data-answer=refused]");
    let live = "document.getElementById('live').textContent === 'На связи'";
    let now = "document.getElementById('now-text').textContent";
    browser.until(&format!(
        "location.port !== '{}' && {now} === 'нет сети' && {live}",
        sandbox.port()
    ));
    let output = open_shift(&sandbox, LOGIN);
    assert_eq!(output.status, Some(3), "{}", output.text);
    assert!(output.text.contains("nothing was sent"), "{}", output.text);
    assert!(sandbox.requests().is_empty());
    browser.click("#back");
    browser.until(&format!(
        "location.port === '{}' && {now} === 'как обычно' && {live}",
        sandbox.port()
    ));
    assert_eq!(open_shift(&sandbox, LOGIN).status, Some(0));
    until_rows(&browser, 1);
}

#[test]
fn listening_on_all_addresses_shows_those_that_a_till_can_use() {
    let Some((sandbox, browser)) = page(Options {
        listen: std::net::Ipv4Addr::UNSPECIFIED.into(),
        ..Options::default()
    }) else {
        return;
    };
    let shown = browser.run(
        "return document.querySelector('.address').innerText",
        json!([]),
    );
    let local = format!("base_url http://127.0.0.1:{}", sandbox.port());
    assert!(shown.as_str().unwrap().starts_with(&local), "{shown}");
    assert!(!shown.as_str().unwrap().contains("0.0.0.0"), "{shown}");
}

#[test]
fn certificates_are_switched_while_the_page_stays() {
    let Some((sandbox, browser)) = page(Options {
        tls: true,
        ..Options::default()
    }) else {
        return;
    };
    let ca_file = tools::scratch("page").join("ca.pem");
    std::fs::write(&ca_file, sandbox.ca_pem().expect("a certificate")).expect("a file");
    let arguments = format!("{LOGIN} --ca-file {}", ca_file.display());
    for (position, certificate) in ["expired", "wrong_name"].into_iter().enumerate() {
        browser.click(&format!("[data-certificate={certificate}]"));
        browser.until("document.getElementById('now-text').textContent.startsWith('сертификат')");
        let output = open_shift(&sandbox, &arguments);
        assert_eq!(output.status, Some(3), "{}", output.text);
        assert!(output.text.contains("LP_ERR_TLS"), "{}", output.text);
        until_rows(&browser, position + 1);
        let (_, row) = newest(&browser);
        assert!(row.contains("касса отказалась"), "{row}");
        assert!(row.contains("TLS не установлен"), "{row}");
    }
    browser.click("#back");
    browser.until("document.getElementById('now-text').textContent === 'как обычно'");
    let output = open_shift(&sandbox, &arguments);
    assert_eq!(output.status, Some(0), "{}", output.text);
    until_rows(&browser, 3);
    // A handshake that fails because the certificate is not trusted is shown too.
    let output = open_shift(&sandbox, LOGIN);
    assert!(output.text.contains("LP_ERR_TLS"), "{}", output.text);
    until_rows(&browser, 4);
}

#[test]
fn notifications_are_switched_and_what_is_sent_is_shown() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let till = Server::always(respond("200 OK", ""));
    let shift = |ext_id: &str| {
        let url = format!("{}/{APIKEY}", till.url());
        let arguments =
            format!("{LOGIN} --ext-id {ext_id} --callback-url {url} --callback-data касса-1");
        let output = open_shift(&sandbox, &arguments);
        assert_eq!(output.status, Some(0), "{}", output.text);
    };
    shift("silent");
    until_rows(&browser, 1);
    for (position, (status, words)) in [
        ("processed", "обработан"),
        ("waiting", "ожидает повтора"),
        ("error", "ошибка"),
    ]
    .into_iter()
    .enumerate()
    {
        browser.click(&format!("[data-status={status}]"));
        browser.until(&format!(
            "document.querySelector('[data-status={status}][aria-pressed=true]')"
        ));
        shift(status);
        until_rows(&browser, 2 * position + 3);
        let feed = browser.run(
            "return document.querySelector('#feed').innerText",
            json!([]),
        );
        let text = format!("Уведомление «{words}» к запросу {}", position + 2);
        assert!(feed.as_str().unwrap().contains(&text), "{feed}");
    }
    browser.click("#feed tr.beside button");
    let detail = "document.querySelector('#feed .detail:not([hidden])')";
    browser.until(detail);
    let detail = browser.run(&format!("return {detail}.innerText"), json!([]));
    let detail = detail.as_str().unwrap();
    for part in ["\"status\": \"ошибка\"", "касса-1", "HTTP 200", "/***42"] {
        assert!(detail.contains(part), "{part} is not in {detail}");
    }
    assert!(!detail.contains("key-of"), "{detail}");
}

#[test]
fn a_request_opens_to_its_details() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let serial = "--target-serial 00106304012797";
    open_shift(
        &sandbox,
        &format!("{LOGIN} {serial} --ext-id a --cashier-name Петров"),
    );
    open_shift(
        &sandbox,
        &format!("{LOGIN} {serial} --ext-id a --cashier-name Ильина"),
    );
    until_rows(&browser, 2);
    browser.click("#feed tr.entry button");
    browser.until("document.querySelector('#feed .detail:not([hidden])')");
    let detail = browser.run(
        "return document.querySelector('#feed .detail:not([hidden])').innerText",
        json!([]),
    );
    let detail = detail.as_str().unwrap().to_owned();
    for part in [
        "\"apikey\": \"***42\"",
        "\"cashier_name\": \"Ильина\"",
        "HTTP 200",
        "\"code\": 0",
        "прежний документ",
        "Запрос изменён под тем же ext_id",
        "Петров",
        "Строгая проверка: замечаний нет",
        "сервер вернет uuid первого документа",
    ] {
        assert!(detail.contains(part), "{part} is not in {detail}");
    }
    assert!(!detail.contains("key-of"), "{detail}");

    // The check reports faults, which the library would not send, field by field.
    raw(
        &sandbox,
        r#"{"apikey":"key-of-a-test-42","cashier":"Ильина","test":2}"#,
    );
    until_rows(&browser, 3);
    // The open row has kept its place, so the new one is above the visible part.
    browser.click("#unseen");
    browser.click("#feed tr.entry button");
    let check = "document.querySelector('#feed .detail:not([hidden])').innerText";
    browser.until(&format!("{check}.includes('3 замечания')"));
    let detail = browser.run(&format!("return {check}"), json!([]));
    for part in [
        "На странице LifePay такого поля нет.",
        "Обязательное поле.",
        "0 или 1",
        "Может принимать значения 0, 1",
    ] {
        assert!(detail.as_str().unwrap().contains(part), "{part}: {detail}");
    }
    browser.click("#feed tr.entry button");
    browser.until("document.querySelectorAll('#feed .detail:not([hidden])').length === 1");
}

#[test]
fn the_time_of_a_request_is_local_everywhere() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.time_zone("Asia/Vladivostok");
    open_shift(&sandbox, LOGIN);
    until_rows(&browser, 1);
    browser.click("#feed tr.entry button");
    browser.until("document.querySelector('#feed .detail:not([hidden])')");
    let times = browser.run(
        "return [document.querySelector('#feed td.time').innerText, \
         document.querySelector('#feed .detail p').innerText]",
        json!([]),
    );
    let (row, detail) = (times[0].as_str().unwrap(), times[1].as_str().unwrap());
    assert!(detail.contains(row) && !detail.contains("UTC"), "{times}");
}

#[test]
fn the_page_comes_back_when_the_sandbox_does() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    open_shift(&sandbox, &format!("{LOGIN} --ext-id before"));
    until_rows(&browser, 1);
    let port = sandbox.port();
    drop(sandbox);
    browser.until("document.getElementById('live').textContent.startsWith('Нет связи')");
    let sandbox = Sandbox::start(Options {
        port,
        ..Options::default()
    })
    .expect("the port is free again");
    open_shift(&sandbox, &format!("{LOGIN} --ext-id after"));
    browser.until("document.getElementById('live').textContent === 'На связи'");
    browser.until("document.getElementById('feed').innerText.includes('after')");
    let (rows, _) = newest(&browser);
    assert_eq!(rows, 1, "the requests of the earlier run must be gone");
}

#[test]
fn a_browser_without_shared_workers_asks_every_second() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    browser.reload_with("delete window.SharedWorker");
    browser.until("document.getElementById('live').textContent === 'На связи'");
    assert_eq!(
        browser.run("return window.SharedWorker", json!([])),
        json!(null)
    );
    open_shift(&sandbox, &format!("{LOGIN} --ext-id a"));
    until_rows(&browser, 1);
}
