//! Helpers for tests of the sandbox's page in a real browser, with a C program that opens shifts.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::browser::{have_browser, Browser};
use crate::support::tools;

pub const APIKEY: &str = "key-of-a-test-42";
/// The Tab key in WebDriver.
pub const TAB: &str = "\u{e004}";
pub const LOGIN: &str = "--login 79031234567";

/// The exit status of the example, and its output on stdout and stderr.
pub struct ProgramOutput {
    pub status: Option<i32>,
    pub text: String,
}

/// Runs examples-c/open_shift.c against a sandbox.
pub fn open_shift(sandbox: &Sandbox, arguments: &str) -> ProgramOutput {
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
        .expect("the example runs");
    let text = [output.stdout, output.stderr].concat();
    ProgramOutput {
        status: output.status.code(),
        text: String::from_utf8(text).expect("UTF-8"),
    }
}

/// Starts a sandbox and opens its page. Returns None without a browser or a C compiler.
pub fn page(options: Options) -> Option<(Sandbox, Browser)> {
    if !have_browser() || !tools::have("gcc") {
        return None;
    }
    let sandbox = Sandbox::start(options).expect("a sandbox");
    let browser = Browser::open(&sandbox.page_url());
    browser.until("document.getElementById('live').textContent === 'На связи'");
    Some((sandbox, browser))
}

/// Waits until an element has this text.
pub fn until_text(browser: &Browser, name: &str, text: &str) {
    browser.until(&format!(
        "document.getElementById('{name}').textContent === '{text}'"
    ));
}

/// Waits until the page shows this text as the current state of the switches.
pub fn until_now(browser: &Browser, text: &str) {
    until_text(browser, "now-text", text);
}

/// Returns the number of rows, and the text of the newest one.
pub fn newest(browser: &Browser) -> (u64, String) {
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

pub fn until_rows(browser: &Browser, count: usize) {
    browser.until(&format!(
        "document.querySelectorAll('#feed tr.entry').length === {count} \
         && !document.querySelector('#feed .pill.pending')"
    ));
}

/// Opens the details of the newest row.
pub fn open_newest(browser: &Browser) {
    browser.click("#feed tr.entry button");
    browser.until("!document.querySelector('#feed .detail').hidden");
}

/// Posts a body that the library would not send.
pub fn raw(sandbox: &Sandbox, body: &str) {
    raw_to(sandbox, "/cloud-print/create-session", body);
}

/// Posts such a body to another path.
pub fn raw_to(sandbox: &Sandbox, path: &str, body: &str) {
    let url = format!("{}{path}", sandbox.url());
    let config = ureq::Agent::config_builder().proxy(None);
    let agent: ureq::Agent = config.build().into();
    let sent = agent.post(&url).content_type("application/json").send(body);
    assert_eq!(sent.expect("an answer").status(), 200);
}

/// Sends requests of every kind that the page marks, for tests of its appearance.
pub fn bad_day(sandbox: &Sandbox, browser: &Browser) {
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
    // The till retries with a new ext_id.
    shift("смена-8", "Сидорова");
    shift("00106304012797-2026-11-24-1", "Ильина");
    open_shift(sandbox, "--login 70000006095 --ext-id смена-9");
}
