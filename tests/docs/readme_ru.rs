//! The Russian documentation is correct, and its programs in C compile and run. Programs in other
//! languages are in the READMEs of the bindings, which delphi.rs here, tests/bindings/onec.rs and
//! tests/addin1c check.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use lifepay_sandbox::{Options, Sandbox};

use crate::support::{library, tools};

/// The address to which the programs send.
const SANDBOX: &str = "http://127.0.0.1:8080";

fn read(file: &str) -> String {
    fs::read_to_string(tools::root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn readme() -> String {
    read("README.ru.md")
}

/// Compiles a program in C, runs it in an empty folder and returns what it prints.
fn printed(name: &str, program: &str) -> String {
    let mut command = Command::new(tools::compile_c_source(name, program));
    let folder = tools::scratch(name);
    fs::remove_dir_all(&folder).expect("it can be removed");
    command.current_dir(tools::scratch(name));
    command.env_remove("LIFEPAY_LOG");
    String::from_utf8(tools::run(&mut command).stdout).expect("UTF-8")
}

#[test]
fn the_smallest_program_opens_a_shift() {
    if !tools::have("gcc") {
        return;
    }
    let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
    let program = tools::blocks(&readme(), "c").swap_remove(0);
    assert!(program.contains(SANDBOX));
    let printed = printed("readme-ru", &program.replace(SANDBOX, &sandbox.url()));
    assert_eq!(
        printed,
        format!("accepted: {}\n", sandbox.documents()[0].uuid)
    );
}

#[test]
fn the_smallest_program_is_that_of_the_english_readme() {
    let code = |readme: &str| -> Vec<String> {
        let program = tools::blocks(readme, "c").swap_remove(0);
        let lines = program
            .lines()
            .map(|line| line.split("/*").next().unwrap_or_default());
        lines.map(|line| line.trim_end().to_owned()).collect()
    };
    assert_eq!(code(&readme()), code(&read("README.md")));
}

#[test]
fn the_fragments_send_from_the_outbox_close_the_shift_and_log() {
    if !tools::have("gcc") {
        return;
    }
    let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
    let blocks = tools::blocks(&readme(), "c");
    let [_, outbox, z_report] = &blocks[..] else {
        panic!("{blocks:?}");
    };
    let log = tools::blocks(&read("docs/settings.ru.md"), "c").swap_remove(0);
    let path = "C:\\\\Till\\\\lifepay.log";
    assert!(log.contains(path), "{log}");
    let program = format!(
        "#include <stdio.h>
         #include \"lifepay.h\"
         int main(void)
         {{
             lp_config config;
             lp_result result;
             const char *ext_id = \"shift-1\";
             int32_t code;
             lp_config_init(&config, sizeof config);
             lp_result_init(&result, sizeof result);
             config.apikey = \"key\";
             config.login = \"79031234567\";
             config.ext_id = ext_id;
             config.base_url = \"{}\";
             {}
             {outbox}
             {z_report}
             printf(\"%d\\n\", (int)code);
             lp_result_free(&result);
             return 0;
         }}",
        sandbox.url(),
        log.replace(path, "readme-ru.log"),
    );
    assert_eq!(printed("readme-ru-fragments", &program), "0\n");
    let paths: Vec<String> = sandbox
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(
        paths,
        [
            "/cloud-print/create-session",
            "/cloud-print/create-z-report"
        ]
    );
}

#[test]
fn the_table_of_settings_has_every_property_of_the_unit() {
    let (settings, unit) = (
        read("docs/settings.ru.md"),
        read("bindings/delphi/LifePay.pas"),
    );
    let (_, class) = unit.split_once("TLifePay = class").expect("the class");
    let (class, _) = class.split_once("  end;").expect("its end");
    let names = class
        .lines()
        .filter_map(|line| line.trim().strip_prefix("property ")?.split(':').next());
    // These are not settings, and are documented elsewhere.
    let names: Vec<_> = names
        .filter(|name| !["Last", "OnProgress"].contains(name))
        .collect();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        assert!(settings.contains(&format!("`{name}`")), "missing: {name}");
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
        let is_outcome = name.starts_with("LP_OUTCOME_");
        (is_outcome || known.to_str() == Ok(&name[..])).then_some((name, value))
    });
    let codes: Vec<_> = codes.collect();
    assert!(codes.len() >= 24, "{codes:?}");
    for (name, value) in codes {
        let row = format!("| {value} | `{name}` |");
        assert!(readme.contains(&row), "missing: {row}");
    }
}
