//! The shared library's symbols and dynamic section, as the linker and the loader use them.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::{library, tools};

/// The functions that 1C requires in a Native API component. No header declares them.
const ONE_C: [&str; 5] = [
    "DestroyObject",
    "GetAttachType",
    "GetClassNames",
    "GetClassObject",
    "SetPlatformCapabilities",
];

fn listed_names() -> BTreeSet<String> {
    tools::symbols().into_iter().map(|(name, _)| name).collect()
}

/// Returns the functions that the header declares: every `lp_…(` outside comments.
fn declared_names() -> BTreeSet<String> {
    let header = std::fs::read_to_string(tools::root().join("include/lifepay.h")).unwrap();
    let mut code = String::new();
    for part in header.split("/*") {
        code.push_str(part.split_once("*/").map_or(part, |(_, code)| code));
    }
    let words = code.split(|c: char| !(c.is_ascii_alphanumeric() || "_(".contains(c)));
    words
        .filter_map(|word| {
            let (name, _) = word.split_once('(')?;
            name.starts_with("lp_").then(|| name.to_owned())
        })
        .collect()
}

fn read_elf(tool: &str, arguments: &[&str]) -> Option<String> {
    if !tools::have(tool) {
        return None;
    }
    let output = tools::run(Command::new(tool).args(arguments).arg(library::path()));
    Some(String::from_utf8(output.stdout).expect("ASCII"))
}

#[test]
fn the_library_exports_exactly_what_is_listed() {
    if let Some(table) = read_elf("nm", &["-D", "--defined-only", "--format=posix"]) {
        let exported: BTreeSet<String> = table
            .lines()
            .filter_map(|line| line.split_once(' ').map(|(name, _)| name.to_owned()))
            .collect();
        assert_eq!(exported, listed_names());
    }
}

#[test]
fn the_header_declares_exactly_what_is_listed() {
    let mut listed = listed_names();
    for name in ONE_C {
        assert!(listed.remove(name), "1C requires {name}");
    }
    assert_eq!(declared_names(), listed);
}

#[test]
fn the_list_is_sorted_and_of_versions_up_to_this_one() {
    let number = |version: &str| -> Vec<u32> {
        let parts: Vec<u32> = version
            .split('.')
            .map(|part| part.parse().unwrap())
            .collect();
        assert_eq!(parts.len(), 3, "{version}");
        parts
    };
    let names: Vec<String> = tools::symbols().into_iter().map(|(name, _)| name).collect();
    assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
    for (name, version) in tools::symbols() {
        assert!(
            number(&version) <= number(env!("CARGO_PKG_VERSION")),
            "{name}"
        );
    }
}

#[test]
fn programs_look_for_the_version_of_the_interface() {
    if let Some(table) = read_elf("readelf", &["-d", "-W"]) {
        assert!(
            table.contains("Library soname: [liblifepay.so.0]"),
            "{table}"
        );
    }
}

#[test]
fn the_library_is_never_unmapped() {
    if let Some(table) = read_elf("readelf", &["-d", "-W"]) {
        let flags = table.lines().find(|line| line.contains("(FLAGS_1)"));
        assert!(
            flags.is_some_and(|flags| flags.contains("NODELETE")),
            "{table}"
        );
    }
}

#[test]
fn the_library_needs_nothing_that_a_till_may_lack() {
    if let Some(table) = read_elf("readelf", &["-d", "-W"]) {
        let needed = table.lines().filter(|line| line.contains("(NEEDED)"));
        for line in needed {
            let system_libraries = [
                "libc.so",
                "libgcc_s.so",
                "libm.so",
                "libdl.so",
                "libpthread.so",
                "librt.so",
                "ld-linux",
            ];
            assert!(
                system_libraries.iter().any(|name| line.contains(name)),
                "{line}"
            );
        }
    }
}
