//! The structs and constants in C match those of the library and those of version 1.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use lifepay::ffi::{lp_config, lp_entry, lp_field_error, lp_progress, lp_result};

use crate::support::tools::{self, Link};

fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// Appends the layout of a struct in the library, in the form that `layout.c` prints.
macro_rules! lines {
    ($text:ident, $type:ident: $($field:ident)*) => {
        $(
            let size = size_of_field(|value: &$type| &value.$field);
            let offset = offset_of!($type, $field);
            writeln!($text, "{}.{} {offset} {size}", stringify!($type), stringify!($field)).unwrap();
        )*
        writeln!($text, "{} {}", stringify!($type), size_of::<$type>()).unwrap();
    };
}

fn layout_of_the_library() -> String {
    let mut text = String::new();
    lines!(text, lp_config: struct_size test apikey login cashier_name cashier_inn target_serial
        ext_id callback_url callback_data callback_data_json base_url proxy ca_file trust
        connect_timeout_ms timeout_ms retry_for_ms retry_delays_ms on_progress user_data
        retry_delay_count expires_after_ms concurrency keep_days path document_json);
    lines!(text, lp_result: struct_size code outcome http_status attempts retry_after_ms owner uuid
        ext_id message detail reply errors error_count reserved);
    lines!(text, lp_progress: struct_size phase attempts code http_status elapsed_ms
        next_attempt_ms);
    lines!(text, lp_entry: struct_size code outcome flags attempts http_status submitted_at
        next_attempt_at answered_at expires_at ext_id login target_serial base_url uuid message
        path);
    lines!(text, lp_field_error: field message);
    text
}

#[test]
fn every_field_stands_in_c_where_the_library_has_it() {
    if tools::have("gcc") {
        let output = tools::run(&mut Command::new(tools::compile_c("layout", Link::Shared)));
        let printed = String::from_utf8(output.stdout).expect("ASCII");
        assert_eq!(printed, layout_of_the_library());
    }
}

#[test]
fn the_layout_holds_for_64_and_for_32_bit_programs() {
    if tools::have("gcc") {
        let mut compilers = vec![vec![]];
        if cfg!(target_arch = "x86_64") {
            // The second one aligns fields as Windows does.
            compilers.push(vec!["-m32"]);
            compilers.push(vec!["-m32", "-malign-double"]);
        }
        for flags in compilers {
            let mut compiler = Command::new("gcc");
            compiler
                .args(flags)
                .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
                .args(["-ffreestanding", "-fsyntax-only", "-I"])
                .arg(tools::root().join("include"))
                .arg(tools::root().join("tests/c/layout.c"));
            tools::run(&mut compiler);
        }
    }
}

/// The names and numbers that programs have compiled in. Add new ones; never change existing ones.
const CONSTANTS: &[(&str, i64)] = &[
    ("LP_OK", 0),
    ("LP_DATA_ERROR", 400),
    ("LP_SERVER_ERROR", 500),
    ("LP_FORMAT_ERROR", 6000),
    ("LP_LOGIN_UNKNOWN", 6009),
    ("LP_CREDENTIALS_UNKNOWN", 6010),
    ("LP_FISCALIZATION_FORBIDDEN", 6080),
    ("LP_ACCESS_DENIED", 6095),
    ("LP_PENDING", -1),
    ("LP_ERR_ARGUMENT", -2),
    ("LP_ERR_NETWORK", -3),
    ("LP_ERR_TIMEOUT", -4),
    ("LP_ERR_TLS", -5),
    ("LP_ERR_HTTP", -6),
    ("LP_ERR_REPLY", -7),
    ("LP_ERR_CANCELLED", -8),
    ("LP_ERR_OUTBOX", -9),
    ("LP_ERR_NOT_FOUND", -10),
    ("LP_ERR_INTERNAL", -11),
    ("LP_ERR_CLOSED", -12),
    ("LP_ERR_EXPIRED", -13),
    ("LP_OUTCOME_NOT_SENT", 1),
    ("LP_OUTCOME_UNKNOWN", 2),
    ("LP_OUTCOME_ANSWERED", 3),
    ("LP_TRUST_DEFAULT", 0),
    ("LP_TRUST_BUNDLED", 1),
    ("LP_TRUST_SYSTEM", 2),
    ("LP_PHASE_CONNECT", 1),
    ("LP_PHASE_EXCHANGE", 2),
    ("LP_PHASE_FAILED", 3),
    ("LP_PHASE_PAUSE", 4),
    ("LP_LOG_OFF", 0),
    ("LP_LOG_ERROR", 1),
    ("LP_LOG_WARN", 2),
    ("LP_LOG_INFO", 3),
    ("LP_LOG_DEBUG", 4),
    ("LP_LOG_TRACE", 5),
    ("LP_FOREVER", 0xFFFF_FFFF),
    ("LP_ENTRY_PENDING", 1),
    ("LP_ENTRY_SENDING", 2),
    ("LP_ENTRY_FOREIGN", 4),
];

/// These change with every release.
const VERSION: [&str; 3] = ["LP_VERSION_MAJOR", "LP_VERSION_MINOR", "LP_VERSION_PATCH"];

fn expected() -> BTreeMap<String, i64> {
    CONSTANTS
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

/// Returns the header's `#define LP_… VALUE` with the values that a C compiler computes. They are
/// compiled only once for all tests.
fn constants_of_the_header() -> BTreeMap<String, i64> {
    static CONSTANTS: OnceLock<BTreeMap<String, i64>> = OnceLock::new();
    CONSTANTS.get_or_init(compile_constants).clone()
}

fn compile_constants() -> BTreeMap<String, i64> {
    let header = std::fs::read_to_string(tools::root().join("include/lifepay.h")).unwrap();
    let names = header.lines().filter_map(|line| {
        let (name, value) = line
            .strip_prefix("#define ")?
            .split_once(char::is_whitespace)?;
        (name.starts_with("LP_") && !value.contains("__cdecl")).then_some(name)
    });
    let mut source = String::from("#include <stdio.h>\n#include \"lifepay.h\"\nint main(void) {\n");
    for name in names {
        writeln!(source, "printf(\"{name} %lld\\n\", (long long)({name}));").unwrap();
    }
    source.push_str("return 0; }\n");
    let folder = tools::scratch("constants");
    std::fs::write(folder.join("constants.c"), source).unwrap();
    let mut compiler = Command::new("gcc");
    compiler
        .args(["-std=c99", "-I"])
        .arg(tools::root().join("include"))
        .arg(folder.join("constants.c"))
        .arg("-o")
        .arg(folder.join("constants"));
    tools::run(&mut compiler);
    let output = tools::run(&mut Command::new(folder.join("constants")));
    let printed = String::from_utf8(output.stdout).expect("ASCII");
    let pair = |line: &str| {
        let (name, value) = line.split_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    printed.lines().map(pair).collect()
}

/// Returns the sources' `pub const LP_…: TYPE = VALUE;`.
fn constants_of_the_sources() -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    collect(&tools::root().join("src"), &mut found);
    found
}

fn collect(folder: &Path, found: &mut BTreeMap<String, i64>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let Some(constant) = line.trim().strip_prefix("pub const LP_") else {
                continue;
            };
            let (name, rest) = constant.split_once(':').unwrap();
            let (_, value) = rest.trim_end_matches(';').split_once(" = ").unwrap();
            let value = match value {
                "u32::MAX" => i64::from(u32::MAX),
                value => value
                    .parse()
                    .unwrap_or_else(|_| panic!("LP_{name} is {value}")),
            };
            found.insert(format!("LP_{name}"), value);
        }
    }
}

#[test]
fn the_headers_constants_are_the_ones_that_programs_know() {
    if tools::have("gcc") {
        let mut header = constants_of_the_header();
        for name in VERSION {
            assert!(header.remove(name).is_some(), "{name}");
        }
        assert_eq!(header, expected());
    }
}

#[test]
fn the_librarys_constants_are_the_ones_that_programs_know() {
    let mut sources = constants_of_the_sources();
    sources.retain(|name, _| !VERSION.contains(&name.as_str()));
    assert_eq!(sources, expected());
    assert_eq!(i64::from(lifepay::ffi::LP_ERR_EXPIRED), -13);
}

#[test]
fn header_library_and_package_are_of_one_version() {
    if tools::have("gcc") {
        let header = constants_of_the_header();
        let text = VERSION.map(|name| header[name].to_string()).join(".");
        assert_eq!(text, env!("CARGO_PKG_VERSION"));
    }
}
