//! The appearance of the sandbox's page in a real browser, and its accessibility.

#![cfg(target_os = "linux")]

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::browser::Browser;
use crate::open_page::{bad_day, newest, open_newest, page, raw, until_rows, APIKEY, TAB};
use crate::support::tools;

const PICTURE: &str = "tests/sandbox/page.png";

const ENTER: &str = "\u{e007}";

/// Returns the background colour of the row of a table that contains a text.
fn colour(browser: &Browser, table: &str, text: &str) -> String {
    let colour = browser.run(
        "const rows = Array.from(document.querySelectorAll(arguments[0] + ' > tr')); \
         const row = rows.find(row => row.innerText.includes(arguments[1])); \
         return getComputedStyle(row.firstChild).backgroundColor",
        json!([table, text]),
    );
    colour.as_str().expect("a colour").to_owned()
}

#[test]
fn a_second_document_and_a_changed_body_are_red() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    bad_day(&sandbox, &browser);
    until_rows(&browser, 7);
    let plain = colour(&browser, "#ext-ids", "2026-11-23-1");
    for (table, text) in [
        ("#ext-ids", "смена-8"),
        ("#ext-ids", "2026-11-24-1"),
        (
            "#feed",
            "двойная печать: первый документ под ext_id смена-7",
        ),
        ("#feed", "запрос изменён под тем же ext_id: cashier_name"),
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
    assert_eq!(
        totals,
        "4 документа двойная печать: 1 изменённых запросов: 1"
    );
}

#[test]
fn a_red_row_stays_red_under_the_mouse() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    bad_day(&sandbox, &browser);
    until_rows(&browser, 7);
    browser.hover("#feed tr.bad .ext-id");
    browser.until("document.querySelector('#feed tr.bad').matches(':hover')");
    let red = browser.run(
        "return getComputedStyle(document.querySelector('#feed tr.bad > td')).backgroundColor",
        json!([]),
    );
    assert_eq!(red, "rgb(255, 224, 224)");
    browser.hover("#feed tr.entry:not(.bad) .ext-id");
    browser.until("document.querySelector('#feed tr.entry:not(.bad)').matches(':hover')");
    let other = browser.run(
        "return getComputedStyle(document.querySelector('#feed tr:hover > td')).backgroundColor",
        json!([]),
    );
    assert_eq!(other, "rgb(238, 242, 246)");
}

#[test]
fn content_of_a_request_is_text_and_never_html() {
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
    assert_eq!(browser.console_messages(), json!([]));
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
    // Each press moves the focus to the next element. The names come from ids, data and texts.
    let mut seen = Vec::new();
    for _ in 0..120 {
        browser.press(TAB);
        let focus = browser.run(
            "const e = document.activeElement, d = e.dataset; \
             const shown = getComputedStyle(e).outlineStyle !== 'none'; \
             const name = d.answer || d.certificate || d.status || e.id || e.innerText || e.value; \
             return [e.tagName.toLowerCase() + ' ' + name, shown]",
            json!([]),
        );
        let name = focus[0].as_str().unwrap().to_owned();
        if name.starts_with("body") || seen.contains(&name) {
            break;
        }
        assert_eq!(focus[1], true, "the focus on {name} is not visible");
        seen.push(name);
    }
    for name in [
        "a К запросам",
        "input always",
        "input count",
        "input probability",
        "button usual",
        "button refused",
        "button reset",
        "button lost",
        "button swallowed",
        "input swallowed-seconds",
        "button http_503",
        "button html",
        "button redirect",
        "button paused",
        "button slow",
        "input seconds",
        "button http",
        "input status",
        "input retry-after",
        "input made",
        "button code",
        "input code",
        "input message",
        "select field",
        "input text",
        "summary Ответ испорчен (документ создан)",
        "input latency-seconds",
        "input latency-jitter",
        "input latency-on",
        "button valid",
        "button expired",
        "button wrong_name",
        "button off",
        "button processed",
        "button waiting",
        "button error",
        "input notify-seconds",
        "select notify-then",
        "input notify-then-seconds",
        "button reset-switches",
        "button pause",
        "button reset-journal",
        "input search",
        "input only-faults",
        "a JSON",
        "a HAR",
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
    // The button disappears, and the focus moves to an element that stays.
    browser.run("document.querySelector('#back').focus()", json!([]));
    browser.press(ENTER);
    browser.until("document.activeElement.dataset.answer === 'usual'");
}

/// Sends a request without TLS, which is refused but shown.
fn raw_plain(sandbox: &Sandbox) {
    let url = format!("{}cloud-print/create-session", sandbox.page_url());
    let config = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let sent = agent.post(&url).content_type("application/json").send("{}");
    assert_eq!(sent.expect("an answer").status(), 400);
}

/// Returns the lowest contrast with the background, and where it occurs: of texts, of borders of
/// controls and boxes, and of the focus mark.
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
    const contrast = (one, other) => {
        const pair = [light(one), light(other)];
        return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    };
    const least = {text: [99, ''], edge: [99, ''], focus: [99, '']};
    const note = (kind, value, name) => { if (value < least[kind][0]) least[kind] = [value, name]; };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || !element.getClientRects().length) continue;
        note('text', contrast(getComputedStyle(element).color, behind(element)), walker.currentNode.textContent);
    }
    const focus = getComputedStyle(document.documentElement).getPropertyValue('--focus');
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = focus;
    const bounded = 'button, input, select, fieldset, .journal section, .switches, .with-settings, .detail pre';
    for (const element of document.querySelectorAll(bounded)) {
        const style = getComputedStyle(element);
        if (!element.getClientRects().length) continue;
        const back = behind(element.parentElement);
        if (element.matches('button, input, select')) {
            note('focus', contrast(getComputedStyle(probe).color, back), element.id || element.innerText);
        }
        const drawn = style.borderTopWidth !== '0px' && channels(style.borderTopColor)[3] !== 0;
        // The browser draws radio buttons and checkboxes itself.
        if (!drawn || ['radio', 'checkbox'].includes(element.type)) continue;
        note('edge', contrast(style.borderTopColor, back), element.id || element.className || element.innerText);
    }
    probe.remove();
    return least;";

#[test]
fn it_is_legible_in_light_and_dark_and_fits_small_screens() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    bad_day(&sandbox, &browser);
    until_rows(&browser, 7);
    browser.click("#feed tr.entry button");
    browser.click("#pause");
    browser.run(
        "for (const folded of document.querySelectorAll('details')) folded.open = true",
        json!([]),
    );
    for scheme in ["light", "dark"] {
        browser.colours(scheme);
        browser.until(&format!(
            "matchMedia('(prefers-color-scheme: {scheme})').matches"
        ));
        let least = browser.run(CONTRAST, json!([]));
        for (kind, enough) in [("text", 4.5), ("edge", 3.0), ("focus", 3.0)] {
            let found = least[kind][0].as_f64().unwrap();
            assert!((enough..90.0).contains(&found), "{scheme}, {kind}: {least}");
        }
        let name = format!("page-{scheme}.png");
        std::fs::write(tools::scratch("page").join(name), browser.picture()).expect("a file");
    }
    // A whole screen of 1024 by 768, one without the space of the browser's own bars, and narrow
    // windows.
    for (width, height) in [(1024, 768), (1024, 620), (600, 800), (390, 844)] {
        browser.size(width, height);
        browser.until(&format!("innerWidth === {width}"));
        let too_wide = browser.run(
            "return document.documentElement.scrollWidth - innerWidth",
            json!([]),
        );
        assert!(too_wide.as_i64().unwrap() <= 0, "{width}: {too_wide}");
    }
}

#[test]
fn nothing_is_clipped_at_1024_by_768_and_an_ext_id_is_on_one_line() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    let ids = [
        "0d2e9c5e-6f0b-4d5c-9c3f-0a1b2c3d4e5f",
        "7fef88f7-411d-5669-b42d-bf5fc7f9b58b",
    ];
    browser.click("[data-answer=lost]");
    browser.until("document.querySelector('[data-answer=lost][aria-pressed=true]')");
    let config = ureq::Agent::config_builder().proxy(None);
    let agent: ureq::Agent = config.build().into();
    for (ext_id, cashier) in [(ids[0], "Иванова"), (ids[0], "Ким"), (ids[1], "Иванова")]
    {
        let body = json!({
            "apikey": APIKEY, "login": "79031234567", "target_serial": "00106304012797",
            "ext_id": ext_id, "cashier_name": cashier,
        });
        let request = agent.post(format!("{}/cloud-print/create-session", sandbox.url()));
        let sent = request
            .content_type("application/json")
            .send(body.to_string());
        assert!(sent.is_err(), "the answer must be lost");
    }
    until_rows(&browser, 3);
    browser.until("document.querySelectorAll('.alarm .whole').length === 2");
    for width in [1024, 390] {
        browser.size(width, 768);
        browser.until(&format!("innerWidth === {width}"));
        let found = browser.run(
            "const tables = ['#feed > .entry', '#ext-ids > tr']; \
             const cells = tables.flatMap(rows => Array.from(document.querySelectorAll(rows + ' > td'))); \
             const ids = tables.flatMap(rows => Array.from(document.querySelectorAll(rows + ' .ext-id .mono'))); \
             const cut = cells.filter(cell => Array.from(cell.children).concat(cell) \
                 .some(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')); \
             const lists = Array.from(document.querySelectorAll('.scroll')); \
             return [cut.map(cell => cell.innerText), ids.map(id => id.getClientRects().length), \
                 lists.map(list => list.scrollWidth - list.clientWidth), \
                 document.documentElement.scrollWidth - innerWidth]",
            json!([]),
        );
        assert_eq!(
            found,
            json!([[], [1, 1, 1, 1, 1, 1, 1], [0, 0], 0]),
            "{width}"
        );
    }
    // At the narrow width each row is a card, and each value has its column's name.
    let card = browser.run(
        "const cells = Array.from(document.querySelectorAll('#feed > .entry > td')).slice(0, 5); \
         return [getComputedStyle(document.querySelector('#feed > .entry')).display, \
             cells.map(cell => getComputedStyle(cell, '::before').content)]",
        json!([]),
    );
    let names = ["\"№\"", "\"время\"", "\"ext_id\"", "\"касса\"", "\"ответ\""];
    assert_eq!(card, json!(["block", names]));
}

#[test]
fn headings_have_space_above() {
    let Some((sandbox, browser)) = page(Options {
        tls: true,
        ..Options::default()
    }) else {
        return;
    };
    raw_plain(&sandbox);
    until_rows(&browser, 1);
    open_newest(&browser);
    let close = browser.run(
        "return Array.from(document.querySelectorAll('h2, h3, legend, summary')).filter(heading => { \
             const above = heading.previousElementSibling; \
             if (!above || !heading.getClientRects().length || !above.getClientRects().length) return false; \
             const distance = heading.getBoundingClientRect().top - above.getBoundingClientRect().bottom; \
             return distance < 6; \
         }).map(heading => heading.innerText)",
        json!([]),
    );
    assert_eq!(close, json!([]));
}

#[test]
fn the_page_is_readable_with_forced_colours() {
    let Some((sandbox, browser)) = page(Options::default()) else {
        return;
    };
    bad_day(&sandbox, &browser);
    until_rows(&browser, 7);
    browser.click("[data-answer=html]");
    browser.until("document.querySelector('[data-answer=html][aria-pressed=true]')");
    browser.media("forced-colors", "active");
    browser.until("matchMedia('(forced-colors: active)').matches");
    let found = browser.run(
        "const style = (selector, part) => getComputedStyle(document.querySelector(selector), part); \
         const pressed = style('[data-answer=html]'), other = style('[data-answer=reset]'); \
         return [pressed.backgroundColor !== other.backgroundColor, \
             style('[data-answer=html] b', '::before').content, \
             style('#feed .pill').borderTopWidth, style('#feed .pill').borderTopStyle, \
             style('#totals .pill.danger').borderTopWidth, \
             style('#feed tr.bad > td').borderLeftWidth, \
             style('#live', '::before').backgroundColor === style('body').color]",
        json!([]),
    );
    let expected = json!([true, "\"✓ \"", "1px", "dashed", "3px", "6px", true]);
    assert_eq!(found, expected);
    let picture = tools::scratch("page").join("page-forced.png");
    std::fs::write(picture, browser.picture()).expect("a file");
}

/// Checks the README's picture. `LIFEPAY_BLESS=1 cargo test -p lifepay-sandbox picture` recreates
/// it, and `pngquant 64 --force --ext .png tests/sandbox/page.png` makes it small.
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
    // Width and height follow the chunk name IHDR.
    assert_eq!(committed[16..24], [0, 0, 4, 0, 0, 0, 3, 0], "1024 by 768");
}
