//! The 1C component: a test host that uses it as 1C does, and the documentation for its users.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use lifepay_sandbox::{Options, Sandbox};
use serde_json::{json, Value};

use crate::support::onec::{compile, folder, host, CASES};
use crate::support::server::{path_and_body, recorder};
use crate::support::{library, tools};

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).expect("the sandbox starts")
}

/// The case that sends documents other than the opening of a shift. It needs its own server.
const DOCUMENT: &str = "document";

/// Runs a case and returns its stdout. Its stderr must be empty.
fn run(mut command: Command, case: &str, folder: &Path, base_url: &str) -> String {
    command.arg(library::path()).arg(case).arg(base_url);
    command.arg(folder).env_remove("LIFEPAY_LOG");
    let output = tools::run(&mut command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.is_empty(), "{case}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a case, which must print nothing, for the test `test`.
fn run_alone(host: &Path, case: &str, test: &str) -> (Sandbox, PathBuf) {
    let (sandbox, folder) = (sandbox(), folder(&format!("{case}-{test}")));
    let printed = run(Command::new(host), case, &folder, &sandbox.url());
    assert_eq!(printed, "", "{case}");
    (sandbox, folder)
}

/// Returns the component's members: kind, Russian name, English name, access or parameter count.
fn members(host: &Path) -> Vec<[String; 4]> {
    let printed = run(
        Command::new(host),
        "names",
        Path::new("."),
        &sandbox().url(),
    );
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let lines = printed.lines().map(words);
    lines
        .map(|words| words.try_into().expect("four words"))
        .collect()
}

fn bindings(file: &str) -> String {
    let path = tools::root().join("bindings/onec").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_host_that_acts_like_1c_passes() {
    let Some(host) = host() else { return };
    for case in CASES {
        run_alone(host, case, "alone");
    }
}

#[test]
fn the_component_makes_no_memory_error_and_no_leak() {
    let Some(host) = host().filter(|_| tools::have("valgrind")) else {
        return;
    };
    for case in CASES {
        let mut valgrind = tools::valgrind();
        valgrind.arg(host);
        let folder = folder(&format!("{case}-valgrind"));
        assert_eq!(run(valgrind, case, &folder, &sandbox().url()), "", "{case}");
    }
    let mut valgrind = tools::valgrind();
    valgrind.arg(host);
    let (server, _) = recorder();
    let folder = folder("document-valgrind");
    assert_eq!(run(valgrind, DOCUMENT, &folder, &server.url()), "");
}

#[test]
fn another_compiler_lays_out_the_same_objects() {
    if tools::have("clang++") {
        let host = compile(Command::new("clang++"), "onec-host-clang", &["-O2", "-ldl"]);
        for case in ["exports", "life", "members", "properties", "numbers"] {
            let folder = folder(&format!("{case}-clang"));
            run(Command::new(&host), case, &folder, &sandbox().url());
        }
    }
}

#[test]
fn the_properties_are_sent() {
    let Some(host) = host() else { return };
    let (sandbox, _) = run_alone(host, "shift", "sent");
    let requests = sandbox.requests();
    let first = requests[0].json.clone().expect("JSON");
    assert_eq!(
        first,
        json!({
            "apikey": "s3cr3t-apikey",
            "login": "79031234567",
            "cashier_name": "Иванова Ёлка",
            "cashier_inn": "123456789047",
            "target_serial": "00106304012797",
            "ext_id": "смена-1",
            "callback_url": "https://example.org/lifepay",
            "callback_data": "касса 3",
        })
    );
    assert_eq!(
        requests[0].body, requests[1].body,
        "a procedure sends the same"
    );
    let sent = |ext_id: &str| -> Vec<Value> {
        let of = requests
            .iter()
            .filter(|r| r.ext_id.as_deref() == Some(ext_id));
        of.map(|request| request.json.clone().expect("JSON"))
            .collect()
    };
    assert_eq!(sent("смена-2")[0]["callback_data"], json!({"касса": 3}));
    assert_eq!(sent("смена-4").len(), 2, "one attempt and its retry");
    let in_test_mode = requests
        .iter()
        .filter(|r| r.json.as_ref().unwrap()["test"] == 1);
    assert_eq!(in_test_mode.count(), 3);
}

#[test]
fn other_documents_are_sent_as_the_parameters_and_properties_say() {
    let Some(host) = host() else { return };
    let (server, received) = recorder();
    let folder = folder("document-sent");
    let printed = run(Command::new(host), DOCUMENT, &folder, &server.url());
    assert_eq!(printed, "");
    let body = |rest: &str| format!(r#"{{"apikey":"s3cr3t-apikey","login":"79031234567"{rest}}}"#);
    let of_till = |before: &str, after: &str| {
        let fields = r#""cashier_name":"Иванова","target_serial":"00106304012797""#;
        body(&format!(",{before}{fields}{after}"))
    };
    let expected = [
        of_till("", ""),
        of_till(
            r#""test":1,"#,
            r#","ext_id":"документ-1","n":1.50,  "ё": [ ]"#,
        ),
        of_till(r#""test":1,"#, r#","ext_id":"документ-1""#),
        body(r#","n":1.50"#),
        of_till("", r#","ext_id":"документ-2","n":2"#),
    ];
    let requests: Vec<String> = received.try_iter().collect();
    assert_eq!(requests.len(), expected.len(), "{requests:?}");
    for (request, body) in requests.iter().zip(&expected) {
        let path = "/cloud-print/create-z-report";
        assert_eq!(path_and_body(request), (path, body.as_str()));
    }
}

#[test]
fn the_log_has_what_was_sent_but_no_apikey() {
    let Some(host) = host() else { return };
    let (_, folder) = run_alone(host, "words", "log");
    let log = std::fs::read_to_string(folder.join("1c.log")).expect("a log");
    assert!(log.contains("ext_id=logged"), "{log}");
    assert!(!log.contains("s3cr3t"), "{log}");
}

#[test]
fn the_documentation_names_every_member_and_no_other() {
    let Some(host) = host() else { return };
    let text = bindings("README.md");
    let row = |line: &str| -> Option<[String; 3]> {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let code = |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned());
        let [_, russian, english, third, ..] = cells[..] else {
            return None;
        };
        Some([code(russian)?, code(english)?, third.to_owned()])
    };
    let documented: Vec<[String; 3]> = text.lines().filter_map(row).collect();
    let in_words = |word: String| match word.as_str() {
        "r" => "чтение".to_owned(),
        "w" => "запись".to_owned(),
        "rw" => "чтение и запись".to_owned(),
        _ => word,
    };
    let actual: Vec<[String; 3]> = members(host)
        .into_iter()
        .map(|[_, russian, english, last]| [russian, english, in_words(last)])
        .collect();
    assert_eq!(documented, actual);
}

/// Returns the fields of a struct in the header.
fn fields(name: &str) -> Vec<String> {
    let header = std::fs::read_to_string(tools::root().join("include/lifepay.h")).unwrap();
    let (_, rest) = header
        .split_once(&format!("typedef struct {name} {{"))
        .unwrap();
    let (body, _) = rest.split_once(&format!("}} {name};")).unwrap();
    let declared = body.lines().filter_map(|line| line.strip_suffix(';'));
    let name = |line: &str| line.rsplit([' ', '*']).next().unwrap().to_owned();
    declared.map(name).collect()
}

#[test]
fn every_field_of_the_header_has_a_property() {
    let Some(host) = host() else { return };
    let properties: BTreeSet<String> = members(host)
        .into_iter()
        .map(|[_, _, english, _]| english.to_lowercase())
        .collect();
    // Fields that 1C cannot use.
    let not_in_1c = [
        "struct_size",
        "on_progress",
        "user_data",
        "owner",
        "reserved",
    ];
    let counts = ["retry_delay_count", "error_count"];
    // Some have a clearer name in 1C.
    let property_name = |field: &str| match field {
        "test" => "testmode".to_owned(),
        "code" => "errorcode".to_owned(),
        "message" => "errordescription".to_owned(),
        "errors" => "fielderrors".to_owned(),
        other => other.replace('_', ""),
    };
    let mut found = 0;
    for field in [fields("lp_config"), fields("lp_result")].concat() {
        if !not_in_1c.contains(&&*field) && !counts.contains(&&*field) {
            assert!(properties.contains(&property_name(&field)), "{field}");
            found += 1;
        }
    }
    assert!(found > 25, "{found}");
}

#[test]
fn the_list_of_the_outbox_has_every_field_of_an_entry() {
    let Some(host) = host() else { return };
    let (_, folder) = run_alone(host, "outbox", "list");
    let list = std::fs::read_to_string(folder.join("list.json")).expect("a list");
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let entry = list[0].as_object().expect("an entry");
    let actual: BTreeSet<&str> = entry.keys().map(String::as_str).collect();
    let fields = fields("lp_entry");
    let mut expected: BTreeSet<&str> = fields.iter().map(String::as_str).collect();
    expected.remove("struct_size");
    expected.remove("flags");
    expected.extend(["pending", "sending", "foreign"]);
    assert_eq!(actual, expected);
}

/// Counts the arguments of a call. `call` is the text after its opening parenthesis.
fn arguments(call: &str) -> usize {
    let (mut depth, mut commas, mut given) = (1, 0, false);
    for letter in call.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 1 => commas += 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        given |= !letter.is_whitespace();
    }
    commas + usize::from(given)
}

#[test]
fn the_samples_use_members_as_they_are() {
    let Some(host) = host() else { return };
    let members = members(host);
    let find = |name: &str| {
        let found = members
            .iter()
            .find(|[_, russian, english, _]| [russian, english].contains(&&name.to_owned()));
        found.map(|[kind, _, _, last]| (kind.as_str(), last.as_str()))
    };
    let sample = bindings("Example.bsl");
    let blocks = |file: &str| tools::blocks(&bindings(file), "bsl");
    let reference = blocks("README.md");
    assert!(reference.len() >= 10, "{reference:?}");
    let samples = [vec![sample], reference].concat();
    for sample in samples {
        for (place, _) in sample.match_indices("Касса.") {
            let rest = &sample[place + "Касса.".len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric());
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            let (kind, last) = find(name).unwrap_or_else(|| panic!("no {name}: {sample}"));
            let before = sample[..place].rsplit('\n').next().unwrap_or_default();
            let begins_line = before.trim().is_empty();
            if let Some(call) = after.strip_prefix('(') {
                assert_eq!(kind, "method", "{name}: {sample}");
                let most: usize = last.parse().expect("a number");
                assert!(arguments(call) <= most, "{name}: {sample}");
            } else {
                assert_eq!(kind, "property", "{name}: {sample}");
                let is_set = begins_line && after.starts_with(" = ");
                assert!(
                    last.contains(if is_set { 'w' } else { 'r' }),
                    "{name}: {sample}"
                );
            }
        }
    }
    // In prose, a method may be named without its parentheses.
    for file in [
        "README.md",
        "../../README.ru.md",
        "../../docs/settings.ru.md",
    ] {
        let text = bindings(file);
        for rest in text.split("Касса.").skip(1) {
            let name = rest.split(|c: char| !c.is_alphanumeric()).next();
            let name = name.unwrap_or_default();
            assert!(find(name).is_some(), "{file}: {name}");
        }
    }
}

#[test]
fn the_russian_table_of_settings_has_every_property_that_can_be_set() {
    let Some(host) = host() else { return };
    let settings = bindings("../../docs/settings.ru.md");
    for [kind, russian, _, access] in members(host) {
        if kind == "property" && access.contains('w') {
            assert!(settings.contains(&format!("`{russian}`")), "{russian}");
        }
    }
}
