//! The sandbox's page in a real browser, beside a C program that opens shifts.

#![cfg(target_os = "linux")]

mod support;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;
use support::browser::{have_browser, Browser};
use support::{respond, tools, Server};

const APIKEY: &str = "key-of-a-test-42";
const PICTURE: &str = "tests/sandbox/page.png";

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// What the example has said.
struct Said {
    status: Option<i32>,
    text: String,
}

/// examples-c/open_shift.c, run against a sandbox.
fn open_shift(sandbox: &Sandbox, arguments: &str) -> Said {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let source = std::fs::read_to_string(tools::root().join("examples-c/open_shift.c"));
        tools::compile_c_source("page_open_shift", &source.expect("the example"))
    });
    let output = Command::new(program)
        .args(["--base-url", &sandbox.url(), "--proxy", "none"])
        .args(arguments.split_whitespace())
        .env("LIFEPAY_APIKEY", APIKEY)
        .output()
        .expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    Said {
        status: output.status.code(),
        text: String::from_utf8(text).expect("UTF-8"),
    }
}

const LOGIN: &str = "--login 79031234567";

/// The sandbox and its page, if there are a browser and a compiler.
fn page(options: Options) -> Option<(Sandbox, Browser)> {
    if !have_browser() || !tools::have("gcc") {
        return None;
    }
    let sandbox = Sandbox::start(options).expect("a sandbox");
    let browser = Browser::open(&sandbox.page_url());
    browser.until("document.getElementById('live').textContent === 'На связи'");
    Some((sandbox, browser))
}

/// How many rows there are, and the newest one's text.
fn newest(browser: &Browser) -> (u64, String) {
    let row = browser.run(
        "const rows = document.querySelectorAll('#feed tr.entry'); \
         return [rows.length, rows.length ? rows[0].innerText : '']",
        json!([]),
    );
    (
        row[0].as_u64().unwrap(),
        row[1].as_str().unwrap().to_owned(),
    )
}

fn until_rows(browser: &Browser, count: usize) {
    browser.until(&format!(
        "document.querySelectorAll('#feed tr.entry').length === {count} \
         && !document.querySelector('#feed .pill.pending')"
    ));
}

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
        let said = open_shift(&sandbox, &arguments);
        assert_eq!(said.status, Some(0), "{}", said.text);
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
    // A repeat makes no second document, and the page counts it so.
    open_shift(
        &sandbox,
        &format!("{LOGIN} --ext-id shift-4 --cashier-name Иванова --target-serial 00106304012797"),
    );
    browser.until(
        "document.querySelector('#shifts tr').innerText.replace(/\\s+/g, ' ') \
         .startsWith('shift-4 79031234567 2 1')",
    );
    assert_eq!(browser.run("return window.notReloaded", json!([])), true);
    let page = browser.run("return document.documentElement.outerHTML", json!([]));
    assert!(!page.as_str().unwrap().contains("key-of"));
    assert_eq!(browser.complaints(), json!([]));
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
            "нет сети",
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
        let arguments = format!("{LOGIN} --ext-id {answer} --timeout-ms 1500");
        let said = open_shift(&sandbox, &arguments);
        assert_eq!(said.status, Some(status), "{answer}: {}", said.text);
        for part in parts {
            assert!(said.text.contains(part), "{answer}: {}", said.text);
        }
        until_rows(&browser, position + 1);
        let (_, newest) = newest(&browser);
        assert!(newest.contains(row), "{answer}: {newest}");
    }
    let documents: Vec<_> = sandbox.documents();
    let documents: Vec<_> = documents.iter().map(|d| d.ext_id.as_deref()).collect();
    assert_eq!(documents, [Some("lost"), Some("slow"), Some("usual")]);
    assert_eq!(browser.complaints(), json!([]));
}

#[test]
fn a_switch_for_the_next_requests_goes_back_by_itself_and_a_click_brings_it_back() {
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
    browser.until("document.getElementById('fault').textContent.includes('code: целое число')");
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
        let said = open_shift(&sandbox, &arguments);
        assert_eq!(said.status, Some(3), "{}", said.text);
        assert!(said.text.contains("LP_ERR_TLS"), "{}", said.text);
        until_rows(&browser, position + 1);
        let (_, row) = newest(&browser);
        assert!(row.contains("касса отказалась"), "{row}");
    }
    browser.click("#back");
    browser.until("document.getElementById('now-text').textContent === 'как обычно'");
    let said = open_shift(&sandbox, &arguments);
    assert_eq!(said.status, Some(0), "{}", said.text);
    until_rows(&browser, 3);
    // An untrusted one, too, is seen.
    let said = open_shift(&sandbox, LOGIN);
    assert!(said.text.contains("LP_ERR_TLS"), "{}", said.text);
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
        let said = open_shift(&sandbox, &arguments);
        assert_eq!(said.status, Some(0), "{}", said.text);
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

/// The colour behind the row of a table that contains a text.
fn colour(browser: &Browser, table: &str, text: &str) -> String {
    let colour = browser.run(
        "const rows = Array.from(document.querySelectorAll(arguments[0] + ' > tr')); \
         const row = rows.find(row => row.innerText.includes(arguments[1])); \
         return getComputedStyle(row.firstChild).backgroundColor",
        json!([table, text]),
    );
    colour.as_str().expect("a colour").to_owned()
}

/// A day with everything that can go wrong, for the eye.
fn bad_day(sandbox: &Sandbox, browser: &Browser) {
    let serial = "--target-serial 00106304012797";
    let shift = |ext_id: &str, cashier: &str| {
        let arguments = format!("{LOGIN} {serial} --cashier-name {cashier} --ext-id {ext_id}");
        open_shift(sandbox, &arguments)
    };
    shift("00106304012797-2026-11-23-1", "Иванова");
    shift("00106304012797-2026-11-24-1", "Петров");
    open_shift(sandbox, &format!("{LOGIN} --test --ext-id проверка-1"));
    browser.enter("#count", "1");
    browser.click("[data-answer=lost]");
    browser.until("document.getElementById('now-text').textContent === 'ответ потерян'");
    shift("смена-7", "Сидорова");
    // The till has made a new ext_id for its repeat.
    shift("смена-8", "Сидорова");
    shift("00106304012797-2026-11-24-1", "Ильина");
    open_shift(sandbox, "--login 70000006095 --ext-id смена-9");
}

#[test]
fn a_second_document_and_a_changed_body_are_red() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    bad_day(&sandbox, &browser);
    until_rows(&browser, 7);
    let plain = colour(&browser, "#shifts", "2026-11-23-1");
    for (table, text) in [
        ("#shifts", "смена-8"),
        ("#shifts", "2026-11-24-1"),
        ("#feed", "Второй документ: первый был под ext_id смена-7"),
        ("#feed", "Тело изменилось: cashier_name"),
    ] {
        let colour = colour(&browser, table, text);
        assert_ne!(colour, plain);
        assert_eq!(colour, "rgb(255, 224, 224)", "{text}");
    }
    for text in ["проверка-1", "смена-7", "смена-9"] {
        assert_eq!(
            colour(&browser, "#feed", &format!("{text}\t")),
            colour(&browser, "#feed", "2026-11-23-1")
        );
    }
    let totals = browser.run(
        "return document.getElementById('totals').innerText",
        json!([]),
    );
    assert_eq!(totals, "4 документа вторых документов: 1 изменённых тел: 1");
}

#[test]
fn a_request_opens_to_all_that_is_known_of_it() {
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
        "Тело изменилось под тем же ext_id",
        "Петров",
        "Строгая проверка: замечаний нет",
        "сервер вернет uuid первого документа",
    ] {
        assert!(detail.contains(part), "{part} is not in {detail}");
    }
    assert!(!detail.contains("key-of"), "{detail}");

    // What no library sends: the check says it field by field.
    raw(
        &sandbox,
        r#"{"apikey":"key-of-a-test-42","cashier":"Ильина","test":2}"#,
    );
    until_rows(&browser, 3);
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

/// A request that the library would not send.
fn raw(sandbox: &Sandbox, body: &str) {
    let url = format!("{}/cloud-print/create-session", sandbox.url());
    let config = ureq::Agent::config_builder().proxy(None);
    let agent: ureq::Agent = config.build().into();
    let sent = agent.post(&url).content_type("application/json").send(body);
    assert_eq!(sent.expect("an answer").status(), 200);
}

#[test]
fn what_a_request_contains_is_text_and_never_html() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let html = "<img src=x onerror='window.evil = 1'><script>window.evil = 1</script>";
    let body = json!({
        "apikey": APIKEY, "login": html, "ext_id": &html[..40], "cashier_name": html,
        "target_serial": html, html: 1,
    });
    raw(&sandbox, &body.to_string());
    until_rows(&browser, 1);
    browser.click("#feed tr.entry button");
    browser.until("document.querySelector('#feed .detail:not([hidden]) pre')");
    let (_, row) = newest(&browser);
    assert!(row.contains(html), "{row}");
    let found = browser.run(
        "return [window.evil, document.querySelectorAll('img, main script').length]",
        json!([]),
    );
    assert_eq!(found, json!([null, 0]));
    assert_eq!(browser.complaints(), json!([]));
}

#[test]
fn everything_is_reached_by_the_keyboard() {
    let Some((sandbox, browser)) = page(Options {
        tls: true,
        ..Options::default()
    }) else {
        return;
    };
    raw_plain(&sandbox);
    until_rows(&browser, 1);
    // Each press goes on to the next; names are those of the elements, or of their data.
    let mut seen = Vec::new();
    for _ in 0..60 {
        browser.press(TAB);
        let focus = browser.run(
            "const e = document.activeElement, d = e.dataset; \
             const shown = getComputedStyle(e).outlineStyle !== 'none'; \
             const name = d.answer || d.certificate || d.status || e.id || e.value || e.innerText; \
             return [e.tagName.toLowerCase() + ' ' + name, shown]",
            json!([]),
        );
        let name = focus[0].as_str().unwrap().to_owned();
        if name.starts_with("body") || seen.contains(&name) {
            break;
        }
        assert_eq!(focus[1], true, "the focus is not seen on {name}");
        seen.push(name);
    }
    for name in [
        "a К запросам",
        "input always",
        "input count",
        "button usual",
        "button reset",
        "button http_503",
        "button lost",
        "button html",
        "button redirect",
        "button slow",
        "input seconds",
        "button code",
        "input code",
        "input message",
        "select field",
        "input text",
        "button valid",
        "button expired",
        "button wrong_name",
        "button off",
        "button processed",
        "button waiting",
        "button error",
        "button reset-switches",
        "button reset-journal",
        "button 1",
    ] {
        let found = seen.iter().any(|seen| seen == name);
        assert!(found, "{name} is not in {seen:?}");
    }

    browser.run(
        "document.querySelector('[data-answer=html]').focus()",
        json!([]),
    );
    browser.press(ENTER);
    browser.until("document.getElementById('now-text').textContent === 'HTML с HTTP 200'");
    browser.run("document.querySelector('#seconds').focus()", json!([]));
    browser.press(ENTER);
    browser.until("document.getElementById('now-text').textContent.startsWith('медленно')");
    browser.run("document.querySelector('#feed button').focus()", json!([]));
    browser.press(" ");
    browser.until("document.querySelector('#feed .detail:not([hidden])')");
    browser.press(ENTER);
    browser.until("!document.querySelector('#feed .detail:not([hidden])')");
    // The way back leaves the focus where one can go on.
    browser.run("document.querySelector('#back').focus()", json!([]));
    browser.press(ENTER);
    browser.until("document.activeElement.dataset.answer === 'usual'");
}

/// A request without TLS, which is refused, but shown.
fn raw_plain(sandbox: &Sandbox) {
    let url = format!("{}cloud-print/create-session", sandbox.page_url());
    let config = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let sent = agent.post(&url).content_type("application/json").send("{}");
    assert_eq!(sent.expect("an answer").status(), 400);
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
    assert_eq!(rows, 1, "what an earlier run got is gone");
}

/// The least contrast of text with what is behind it, and where.
const CONTRAST: &str = "
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => channels(colour).slice(0, 3).map((c) => c / 255)
        .map((c) => c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (channels(colour)[3] !== 0) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    let least = [99, ''];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || !element.getClientRects().length) continue;
        const pair = [light(getComputedStyle(element).color), light(behind(element))].sort();
        const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        if (contrast < least[0]) least = [contrast, walker.currentNode.textContent];
    }
    return least;";

#[test]
fn it_is_legible_in_light_and_dark_and_fits_small_screens() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    bad_day(&sandbox, &browser);
    until_rows(&browser, 7);
    browser.click("#feed tr.entry button");
    for scheme in ["light", "dark"] {
        browser.colours(scheme);
        browser.until(&format!(
            "matchMedia('(prefers-color-scheme: {scheme})').matches"
        ));
        let least = browser.run(CONTRAST, json!([]));
        assert!(least[0].as_f64().unwrap() >= 4.5, "{scheme}: {least}");
        let name = format!("page-{scheme}.png");
        std::fs::write(tools::scratch("page").join(name), browser.picture()).expect("a file");
    }
    // 1024 by 768 less what a browser's own bars take; and a narrow window.
    for (width, height) in [(1024, 768), (1024, 620), (600, 800)] {
        browser.size(width, height);
        browser.until(&format!("innerWidth === {width}"));
        let too_wide = browser.run(
            "return document.documentElement.scrollWidth - innerWidth",
            json!([]),
        );
        assert!(too_wide.as_i64().unwrap() <= 0, "{width}: {too_wide}");
    }
}

/// The README's picture. `LIFEPAY_BLESS=1 cargo test --test page` takes it anew, and
/// `pngquant 64 --force --ext .png tests/sandbox/page.png` makes it small.
#[test]
fn the_readme_shows_a_picture_of_the_page() {
    let readme = std::fs::read_to_string(tools::root().join("README.md")).expect("the README");
    assert!(readme.contains(&format!("]({PICTURE})")));
    let path = tools::root().join(PICTURE);
    if let Some((sandbox, browser)) = page(Options::default()) {
        bad_day(&sandbox, &browser);
        browser.click("[data-answer=slow]");
        until_rows(&browser, 7);
        browser.until("document.getElementById('now').className === 'now on'");
        browser.run("document.activeElement.blur()", json!([]));
        let picture = browser.picture();
        assert_eq!(&picture[1..4], b"PNG");
        if std::env::var_os("LIFEPAY_BLESS").is_some() {
            std::fs::write(&path, picture).expect("the picture");
            return;
        }
    }
    let committed = std::fs::read(&path).expect("the picture");
    assert!(committed.len() < 150_000, "{} bytes", committed.len());
    // Its width and height stand behind the word IHDR.
    assert_eq!(committed[16..24], [0, 0, 4, 0, 0, 0, 3, 0], "1024 by 768");
}
