//! Headless Chromium, controlled over WebDriver.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::prelude::{Engine, BASE64_STANDARD};
use serde_json::{json, Value};

use crate::support::tools;

/// Returns whether Chromium and chromedriver are installed.
pub fn have_browser() -> bool {
    ["chromium", "chromedriver"].into_iter().all(tools::have)
}

/// Returns the path of Chromium. By itself, chromedriver looks only for Google Chrome.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut programs = std::env::split_paths(&path).map(|folder| folder.join("chromium"));
    programs.find(|program| program.exists())
}

/// Starts chromedriver and returns it with its port. It chooses a port that is free on IPv6 and then
/// exits if that port is in use on IPv4: None.
fn start_driver() -> Option<(Child, String)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver starts");
    let mut output = BufReader::new(driver.stdout.take().expect("a pipe"));
    let mut printed = String::new();
    while output.read_line(&mut printed).expect("its output") > 0 {
        if let Some((_, port)) = printed.split_once("successfully on port ") {
            let port = port.trim().trim_end_matches('.').to_owned();
            // A full pipe would block chromedriver.
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
            return Some((driver, port));
        }
    }
    let status = driver.wait().expect("its exit status");
    let port_in_use = printed.contains("port not available");
    assert!(port_in_use, "chromedriver has exited, {status}: {printed}");
    None
}

/// A browser with one page. Dropping it ends the browser.
pub struct Browser {
    driver: Child,
    agent: ureq::Agent,
    driver_url: String,
    session: String,
    profile: PathBuf,
}

impl Browser {
    /// Opens a page with a viewport of 1024 by 768.
    pub fn open(url: &str) -> Browser {
        let (driver, port) = (0..10)
            .find_map(|_| start_driver())
            .expect("a port that is free on IPv4 and IPv6");
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let number = OPENED.fetch_add(1, Ordering::SeqCst);
        let profile = format!("chromium-{}-{number}", std::process::id());
        let config = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)));
        let mut browser = Browser {
            driver,
            agent: config.build().into(),
            driver_url: format!("http://127.0.0.1:{port}"),
            session: String::new(),
            profile: tools::scratch(&profile),
        };
        let profile = format!("--user-data-dir={}", browser.profile.display());
        let arguments = [
            "--headless=new",
            // Required for root, and on small machines.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-first-run",
            "--hide-scrollbars",
            "--lang=ru",
            &profile,
        ];
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments, "binary": program()},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = browser.call("session", &capabilities);
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        browser.size(1024, 768);
        browser.command("url", &json!({ "url": url }));
        browser
    }

    fn call(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/{path}", self.driver_url);
        let answer = self
            .agent
            .post(&url)
            .content_type("application/json")
            .send(body.to_string())
            .and_then(|mut answer| answer.body_mut().read_to_string())
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let value = answer["value"].clone();
        assert!(value["error"].is_null(), "{path} {body}: {value}");
        value
    }

    fn command(&self, name: &str, body: &Value) -> Value {
        self.call(&format!("session/{}/{name}", self.session), body)
    }

    fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.command("goog/cdp/execute", &body)
    }

    /// Opens another tab and switches to it.
    pub fn tab(&self, url: &str) -> String {
        let tab = self.command("window/new", &json!({"type": "tab"}));
        let handle = tab["handle"].as_str().expect("a tab").to_owned();
        self.go_to(&handle);
        self.command("url", &json!({ "url": url }));
        handle
    }

    /// Switches to a tab.
    pub fn go_to(&self, handle: &str) {
        self.command("window", &json!({ "handle": handle }));
    }

    /// Reloads the page. The script runs before those of the page.
    pub fn reload_with(&self, script: &str) {
        let source = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source);
        self.command("refresh", &json!({}));
    }

    /// Sets the size of the viewport.
    pub fn size(&self, width: u32, height: u32) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Sets the time zone of the browser.
    pub fn time_zone(&self, name: &str) {
        let zone = json!({ "timezoneId": name });
        self.devtools("Emulation.setTimezoneOverride", zone);
    }

    /// Sets the system's colour scheme, "light" or "dark".
    pub fn colours(&self, scheme: &str) {
        self.media("prefers-color-scheme", scheme);
    }

    /// Sets a system setting that style sheets can query.
    pub fn media(&self, name: &str, value: &str) {
        let features = json!([{"name": name, "value": value}]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
    }

    /// Grants the page permissions, which a browser would otherwise request from its user.
    pub fn allow(&self, permissions: &[&str]) {
        let permissions = json!({ "permissions": permissions });
        self.devtools("Browser.grantPermissions", permissions);
    }

    /// Runs the body of a JavaScript function with these arguments and returns its result.
    pub fn run(&self, script: &str, arguments: Value) -> Value {
        self.command(
            "execute/sync",
            &json!({"script": script, "args": arguments}),
        )
    }

    /// Waits until a JavaScript expression is true.
    pub fn until(&self, script: &str) {
        let started = Instant::now();
        while self.run(&format!("return Boolean({script})"), json!([])) != true {
            let page = || self.run("return document.body.innerText", json!([]));
            let waited = started.elapsed();
            assert!(waited < Duration::from_secs(30), "{script}: {}", page());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn element(&self, selector: &str) -> Value {
        let found = json!({"using": "css selector", "value": selector});
        self.command("element", &found)
    }

    /// Moves the mouse over an element.
    pub fn hover(&self, selector: &str) {
        let over = json!({"type": "pointerMove", "origin": self.element(selector), "x": 0, "y": 0});
        let mouse = json!({"type": "pointer", "id": "mouse", "actions": [over]});
        self.command("actions", &json!({ "actions": [mouse] }));
    }

    /// Clicks an element with the mouse. The element must be visible and not covered.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        let (_, id) = element.as_object().unwrap().iter().next().unwrap();
        let name = format!("element/{}/click", id.as_str().unwrap());
        self.command(&name, &json!({}));
    }

    /// Presses keys one after another. The focused element receives them.
    pub fn press(&self, keys: &str) {
        let presses = keys.chars().flat_map(|key| {
            let key = key.to_string();
            ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key}))
        });
        let presses: Vec<_> = presses.collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": presses});
        self.command("actions", &json!({ "actions": [keyboard] }));
    }

    /// Replaces the value of a field, as if the text was typed.
    pub fn enter(&self, selector: &str, text: &str) {
        self.run(
            "const field = document.querySelector(arguments[0]); field.focus(); field.select(); \
             document.execCommand('insertText', false, arguments[1]);",
            json!([selector, text]),
        );
    }

    /// Returns a screenshot as PNG.
    pub fn picture(&self) -> Vec<u8> {
        let shot = self.devtools("Page.captureScreenshot", json!({"format": "png"}));
        let data = shot["data"].as_str().expect("a picture");
        BASE64_STANDARD.decode(data).expect("base64")
    }

    /// Returns the messages of the browser's console, such as errors of scripts and blocked
    /// resources.
    pub fn console_messages(&self) -> Value {
        self.command("se/log", &json!({"type": "browser"}))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let url = format!("{}/session/{}", self.driver_url, self.session);
            let _ = self.agent.delete(&url).call();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
