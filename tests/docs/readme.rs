//! The README is correct.

use std::process::Command;

use lifepay_sandbox::{Options, Sandbox};

use crate::support::{library, tools};

fn readme() -> String {
    std::fs::read_to_string(tools::root().join("README.md")).expect("the README")
}

/// Returns the first block of code in a language.
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
fn the_table_of_codes_has_every_code_by_its_name() {
    let readme = readme();
    let codes = tools::constants().into_iter().filter_map(|(name, value)| {
        let value = i32::try_from(value).ok()?;
        // Only for codes does the library return the constant's name.
        // SAFETY: lp_code_name returns a static string.
        let known = unsafe { std::ffi::CStr::from_ptr((library().code_name)(value)) };
        (known.to_str() == Ok(&name[..])).then_some((name, value))
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
    let settings = std::fs::read_to_string(tools::root().join("docs/settings.md")).unwrap();
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
