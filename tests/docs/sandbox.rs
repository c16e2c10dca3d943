//! The sandbox's documentation is correct in both languages.

use std::collections::BTreeSet;
use std::process::Command;

use lifepay_sandbox::{magic, Options, Sandbox};
use serde_json::{json, Value};

use crate::support::tools;

const FILES: [&str; 2] = ["tests/sandbox/README.md", "tests/sandbox/README.ru.md"];

fn read(file: &str) -> String {
    std::fs::read_to_string(tools::root().join(file)).expect(file)
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().proxy(None);
    config.http_status_as_error(false).build().into()
}

/// Posts JSON to a path below /sandbox/, or to one that a till uses. Returns the status and JSON.
fn post(sandbox: &Sandbox, path: &str, body: &str) -> (u16, Value) {
    let url = sandbox.page_url() + path;
    let request = agent().post(&url).content_type("application/json");
    let mut reply = request.send(body).unwrap();
    let text = reply.body_mut().read_to_string().unwrap();
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    (reply.status().as_u16(), json)
}

#[test]
fn the_tables_of_magic_values_are_the_sandboxes() {
    let [english, russian] = FILES.map(read);
    for row in magic::rows() {
        let line = format!("| `{}` | `{}` | {} |", row.field, row.value, row.effect);
        assert!(english.contains(&line), "missing: {line}");
        let field = match row.field {
            "login" => "логин",
            _ => "серийный номер",
        };
        let line = format!("| {field} | `{}` | {} |", row.value, row.effect_ru);
        assert!(russian.contains(&line), "missing: {line}");
    }
}

#[test]
fn the_switches_are_as_the_tables_say() {
    let sandbox = Sandbox::start(Options {
        tls: true,
        ..Options::default()
    });
    let sandbox = sandbox.unwrap();
    let rows = FILES.map(|file| {
        let text = read(file);
        let rows = text.lines().filter_map(|line| {
            let (path, rest) = line.strip_prefix("| `/sandbox/")?.split_once("` | `")?;
            Some((path.to_owned(), rest.split_once("` |")?.0.to_owned()))
        });
        rows.collect::<Vec<_>>()
    });
    assert_eq!(rows[0], rows[1]);
    assert_eq!(rows[0].len(), 28);
    for (path, order) in &rows[0] {
        let (status, reply) = post(&sandbox, &format!("sandbox/{path}"), order);
        assert_eq!(status, 200, "{path} {order}: {reply}");
        let order: Value = serde_json::from_str(order).unwrap();
        let switches = &reply["switches"];
        if let Some(steps) = order.as_array() {
            let (first, then) = match &path[..] {
                "answer" => (&switches["answer"]["answer"], &switches["then"]),
                _ => (&switches["notify"]["status"], &switches["notify"]["then"]),
            };
            assert_eq!(first, &steps[0], "{reply}");
            assert_eq!(
                then.as_array().map(Vec::len),
                Some(steps.len() - 1),
                "{reply}"
            );
            continue;
        }
        // A switch has the position that was requested; null if none was.
        for (name, value) in order.as_object().unwrap() {
            let position = match path.contains('?') {
                true => &switches["rules"][0]["answer"][name],
                false => &switches[&path[..]][name],
            };
            let is_same =
                position == value || value.is_number() && position.as_f64() == value.as_f64();
            assert!(is_same, "{path} {order}: {reply}");
        }
    }
}

#[test]
fn a_scenario_is_read_from_its_file() {
    for file in FILES {
        let text = read(file);
        let scenario = text
            .lines()
            .find(|line| line.starts_with("    {\"answer\""));
        let path = tools::scratch("scenario").join("scenario.json");
        std::fs::write(&path, scenario.expect("a scenario")).unwrap();
        let sandbox = Sandbox::start(Options {
            scenario: Some(path),
            ..Options::default()
        });
        let (_, reply) = post(&sandbox.unwrap(), "sandbox/reset", "{}");
        assert_eq!(reply["switches"]["answer"]["answer"], "http_503");
        assert_eq!(reply["switches"]["latency"]["seconds"], 0.3);
    }
}

const SHIFT: &str = r#"{"apikey": "key", "login": "79031234567", "ext_id": "shift-1"}"#;

#[test]
fn the_tests_in_python_wait_for_the_tills_requests() {
    if !tools::have("python3") {
        return;
    }
    // Takes the place of a till.
    let till = format!(
        "for _ in range(2):
    till = urllib.request.Request(
        SANDBOX.replace('sandbox/', 'cloud-print/create-session'),
        b'{SHIFT}',
        {{'Content-Type': 'application/json'}},
    )
    try:
        urllib.request.urlopen(till)
    except urllib.error.HTTPError as error:
        assert error.code == 503
"
    );
    for file in FILES {
        let sandbox = Sandbox::start(Options::default()).unwrap();
        let program = tools::blocks(&read(file), "python").swap_remove(0);
        let program = program
            .replace("http://127.0.0.1:8080/", &sandbox.page_url())
            .replace("...  # the till opens the shift, and retries", &till);
        assert!(program.contains(&till));
        tools::run(Command::new("python3").args(["-c", &program]));
        assert_eq!(sandbox.requests().len(), 2);
    }
}

#[test]
fn the_tests_in_c_wait_for_the_tills_requests() {
    if !tools::have("gcc") {
        return;
    }
    let till = format!(
        "sandbox(\"POST /cloud-print/create-session\", {SHIFT:?}, reply, sizeof reply);
         sandbox(\"POST /cloud-print/create-session\", {SHIFT:?}, reply, sizeof reply);"
    );
    let comment = "/* the till opens the shift, and retries */";
    for (file, name) in FILES.into_iter().zip(["sandbox-en", "sandbox-ru"]) {
        let program = tools::blocks(&read(file), "c").swap_remove(0);
        assert!(program.contains(comment));
        for (with, has_till) in [(&till[..], true), ("", false)] {
            let sandbox = Sandbox::start(Options::default()).unwrap();
            let program = program
                .replace("htons(8080)", &format!("htons({})", sandbox.port()))
                .replace("wait=2", "wait=2&for=0.5s")
                .replace(comment, with);
            let folder = format!("{name}-{has_till}");
            let program = tools::compile_c_source(&folder, &program);
            let output = Command::new(program).output().unwrap();
            assert_eq!(output.status.success(), has_till, "{file}: {output:?}");
        }
    }
}

/// Collects the keys of an object and of everything in it, except the data that a till has sent.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                found.insert(name.clone());
                if !["body", "data", "json"].contains(&&name[..]) {
                    keys(value, found);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_of_the_journal_is_described() {
    let sandbox = Sandbox::start(Options {
        notify: true,
        tls: true,
        ..Options::default()
    });
    let plain = Sandbox::start(Options {
        notify: true,
        ..Options::default()
    });
    let (secure, sandbox) = (sandbox.unwrap(), plain.unwrap());
    let orders = json!(["http_503", {"answer": "code", "code": 400, "field": "a", "text": "b"}]);
    post(&sandbox, "sandbox/answer", &orders.to_string());
    post(&sandbox, "sandbox/answer?login=1", r#"["lost", "html"]"#);
    let shift = |more: &str| SHIFT.replace("}", &format!(", {more}}}"));
    let path = "cloud-print/create-session";
    post(&sandbox, path, &shift(r#""target_serial": "0504""#));
    post(&sandbox, path, "[]");
    post(&sandbox, "sandbox/answer", r#"{"answer": "usual"}"#);
    post(
        &sandbox,
        path,
        &shift(r#""callback_url": "http://127.0.0.1:1/""#),
    );
    // Sends plain HTTP to the port for TLS.
    let answer = agent().get(secure.url().replace("https", "http")).call();
    drop(answer);
    let mut found = BTreeSet::new();
    for sandbox in [&secure, &sandbox] {
        let url = sandbox.page_url() + "sandbox/journal.json";
        let mut reply = agent().get(&url).call().unwrap();
        let text = reply.body_mut().read_to_string().unwrap();
        keys(&serde_json::from_str(&text).unwrap(), &mut found);
    }
    assert!(found.len() > 80, "{found:?}");
    for file in FILES {
        let text = read(file);
        for key in &found {
            assert!(
                text.contains(&format!("`{key}`")) || text.contains(&format!("\"{key}\":")),
                "{key} is not in {file}"
            );
        }
    }
}
