//! The README says what is so.

use std::process::Command;

use lifepay_sandbox::{magic, Options, Sandbox};

use crate::support::{library, tools};

fn readme() -> String {
    std::fs::read_to_string(tools::root().join("README.md")).expect("the README")
}

/// The first block of code in a language.
fn block(readme: &str, language: &str) -> String {
    tools::blocks(readme, language).swap_remove(0)
}

#[test]
fn the_smallest_program_opens_a_shift() {
    if !tools::have("gcc") {
        return;
    }
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let program = block(&readme(), "c").replace("http://127.0.0.1:8080", &sandbox.url());
    let output = tools::run(&mut Command::new(tools::compile_c_source(
        "readme", &program,
    )));
    let uuid = &sandbox.documents()[0].uuid;
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("accepted: {uuid}\n")
    );
}

#[test]
fn the_headers_example_is_the_readmes() {
    let header = std::fs::read_to_string(tools::root().join("include/lifepay.h")).unwrap();
    let (_, rest) = header.split_once("#include <stdio.h>\n").unwrap();
    let (example, _) = rest.split_once(" *     }\n").unwrap();
    let program = block(&readme(), "c");
    let squeeze = |line: &str| {
        let line = line.trim_start_matches(" *").trim();
        line.split("//")
            .next()
            .unwrap()
            .split("/*")
            .next()
            .unwrap()
            .trim()
            .to_owned()
    };
    let program: Vec<String> = program.lines().map(squeeze).collect();
    for line in example.lines().map(squeeze) {
        assert!(program.contains(&line), "{line}");
    }
}

#[test]
fn the_table_of_magic_values_is_the_sandboxes() {
    let readme = readme();
    for row in magic::rows() {
        let line = format!("| `{}` | `{}` | {} |", row.field, row.value, row.effect);
        assert!(readme.contains(&line), "missing: {line}");
    }
}

#[test]
fn the_sandboxes_switches_are_as_the_tables_say() {
    let sandbox = Sandbox::start(Options {
        tls: true,
        ..Options::default()
    })
    .unwrap();
    let config = ureq::Agent::config_builder().proxy(None);
    let agent: ureq::Agent = config.http_status_as_error(false).build().into();
    let readmes = readme() + &std::fs::read_to_string(tools::root().join("README.ru.md")).unwrap();
    let rows = readmes.lines().filter_map(|line| {
        let (path, rest) = line.strip_prefix("| `/sandbox/")?.split_once("` | `")?;
        Some((path, rest.split_once("` |")?.0))
    });
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows.len(), 2 * 14, "{rows:?}");
    for (path, order) in rows {
        let url = format!("{}sandbox/{path}", sandbox.page_url());
        let request = agent.post(&url).content_type("application/json");
        let mut reply = request.send(order).unwrap();
        let text = reply.body_mut().read_to_string().unwrap();
        assert_eq!(reply.status(), 200, "{path} {order}: {text}");
        // The position is what was asked for, and null what was not.
        let order: serde_json::Value = serde_json::from_str(order).unwrap();
        let reply: serde_json::Value = serde_json::from_str(&text).unwrap();
        if let Some(steps) = order.as_array() {
            assert_eq!(reply["switches"]["answer"]["answer"], steps[0], "{text}");
            let then = reply["switches"]["then"].as_array();
            assert_eq!(then.map(Vec::len), Some(steps.len() - 1), "{text}");
            continue;
        }
        for (name, value) in order.as_object().unwrap() {
            let position = match path.contains('?') {
                true => &reply["switches"]["rules"][0]["answer"][name],
                false => &reply["switches"][path][name],
            };
            let is_same =
                position == value || value.is_number() && position.as_f64() == value.as_f64();
            assert!(is_same, "{path} {order}: {text}");
        }
    }
}

/// In place of a till.
const TWO_ATTEMPTS: &str = r#"
for _ in range(2):
    till = urllib.request.Request(
        SANDBOX.replace("sandbox/", "cloud-print/create-session"),
        b'{"apikey": "key", "login": "79031234567", "ext_id": "shift-1"}',
        {"Content-Type": "application/json"},
    )
    try:
        urllib.request.urlopen(till)
    except urllib.error.HTTPError as error:
        assert error.code == 503
"#;

#[test]
fn the_tests_in_python_wait_for_the_tills_requests() {
    if !tools::have("python3") {
        return;
    }
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let program = tools::blocks(&readme(), "python").swap_remove(1);
    let program = program
        .replace("http://127.0.0.1:8080/", &sandbox.page_url())
        .replace("...  # the till opens the shift, and repeats", TWO_ATTEMPTS);
    tools::run(Command::new("python3").args(["-c", &program]));
    assert_eq!(sandbox.requests().len(), 2);
}

#[test]
fn the_table_of_codes_has_every_code_by_its_name() {
    let readme = readme();
    let header = std::fs::read_to_string(tools::root().join("include/lifepay.h")).unwrap();
    let codes = header.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix("#define ")?.split_once(' ')?;
        let value: i32 = value.parse().ok()?;
        // The name that the library gives the number is the constant's for codes only.
        // SAFETY: a static string.
        let known = unsafe { std::ffi::CStr::from_ptr((library().code_name)(value)) };
        (known.to_str() == Ok(name)).then(|| (name.to_owned(), value))
    });
    let codes: Vec<_> = codes.collect();
    assert!(codes.len() >= 21, "{codes:?}");
    for (name, value) in codes {
        assert!(
            readme.contains(&format!("| {value} | `{name}` |")),
            "missing: {value} {name}"
        );
    }
}

#[test]
fn the_table_of_settings_has_every_field() {
    let readme = readme();
    let (_, settings) = readme.split_once("## Settings").unwrap();
    let header = std::fs::read_to_string(tools::root().join("include/lifepay.h")).unwrap();
    let (_, config) = header.split_once("typedef struct lp_config {").unwrap();
    let (config, _) = config.split_once("} lp_config;").unwrap();
    let fields = config
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';'));
    let fields = fields.filter_map(|line| line.rsplit([' ', '*']).next());
    for field in fields.filter(|field| *field != "struct_size") {
        assert!(settings.contains(&format!("`{field}`")), "missing: {field}");
    }
}

#[test]
fn what_the_links_name_is_there() {
    let readme = readme();
    let links = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let files: Vec<&str> = links
        .filter(|link| !link.contains("://") && !link.starts_with('#'))
        .collect();
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        assert!(tools::root().join(file).exists(), "{file}");
    }
}
