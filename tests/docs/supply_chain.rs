//! The dependencies: few crates, each with a reason in the README, their licences printed with every
//! release, and the findings of cargo-deny.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::support::tools::{self, root, run};

/// The platforms whose crates are checked. Windows on x86 has the same crates as on x64.
const PLATFORMS: [(&str, &str); 2] = [
    ("Linux", "x86_64-unknown-linux-gnu"),
    ("Windows", "x86_64-pc-windows-gnu"),
];

/// Returns the crates that the library is linked from, with their versions. Excludes the library
/// itself and crates that run only while it is built.
fn crates(platform: &str, depth: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(root())
        .args(["tree", "--locked", "-p", "lifepay", "--prefix", "none"]);
    cargo.args([
        "-e",
        "normal,no-proc-macro",
        "--target",
        platform,
        "--depth",
        depth,
    ]);
    let printed = String::from_utf8(run(&mut cargo).stdout).expect("UTF-8");
    let name = |line: &str| {
        let mut words = line.split_whitespace();
        Some(format!(
            "{} {}",
            words.next()?,
            words.next()?.trim_start_matches('v')
        ))
    };
    let names = printed.lines().filter_map(name);
    names.filter(|name| !name.starts_with("lifepay ")).collect()
}

fn section() -> String {
    let readme = std::fs::read_to_string(root().join("packaging/README.md")).expect("the README");
    let (_, rest) = readme
        .split_once("\n## What is inside\n")
        .expect("a section");
    rest.split("\n## ").next().unwrap().to_owned()
}

#[test]
fn the_readme_gives_the_reason_of_each_direct_dependency_and_no_other() {
    let rows = section();
    let rows = rows.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut listed = BTreeSet::new();
    for row in rows {
        let (names, reason) = row.split_once('|').expect("a row");
        assert!(reason.trim().trim_end_matches('|').len() > 10, "{row}");
        listed.extend(
            names
                .split('`')
                .map(str::trim)
                .filter(|name| name.starts_with(|letter: char| letter.is_ascii_lowercase()))
                .map(str::to_owned),
        );
    }
    let named = |name: String| name.split(' ').next().unwrap().to_owned();
    let direct: BTreeSet<String> = PLATFORMS
        .iter()
        .flat_map(|(_, platform)| crates(platform, "1"))
        .map(named)
        .collect();
    assert_eq!(listed, direct);
}

#[test]
fn the_readme_counts_the_crates() {
    let section = section();
    for (system, platform) in PLATFORMS {
        let count = crates(platform, "99").len();
        let words = format!("{count} on {system}");
        assert!(section.contains(&words), "no \"{words}\" in {section}");
        assert!(count < 60, "{count} crates are not few");
    }
}

/// A compiler that is older than a crate's rust-version refuses to build it, so the library's own
/// rust-version must not be lower.
#[test]
fn no_crate_needs_a_newer_compiler_than_rust_version_says() {
    let number = |version: &str| -> Vec<u32> {
        let parts = version.split('.').take(2);
        parts.map(|part| part.parse().unwrap()).collect()
    };
    let ours = env!("CARGO_PKG_RUST_VERSION");
    for (_, platform) in PLATFORMS {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(root())
            .args(["metadata", "--locked", "--format-version=1"])
            .args(["--filter-platform", platform]);
        let metadata: Value = serde_json::from_slice(&run(&mut cargo).stdout).expect("JSON");
        let packages = metadata["packages"].as_array().expect("packages");
        assert!(packages.len() > 100, "{}", packages.len());
        for package in packages {
            if let Some(needed) = package["rust_version"].as_str() {
                let name = &package["name"];
                assert!(number(needed) <= number(ours), "{name} needs {needed}");
            }
        }
    }
    for file in ["README.md", "README.ru.md"] {
        let readme = std::fs::read_to_string(root().join(file)).expect("a README");
        assert!(
            readme.contains(ours),
            "{file} does not name Rust {ours} or later"
        );
    }
}

#[test]
fn the_licences_of_all_crates_are_printed_with_a_release() {
    if !tools::have("python3") {
        return;
    }
    let mut archive = Command::new("python3");
    archive
        .arg(root().join("packaging/archive"))
        .arg("--licences");
    let printed = String::from_utf8(run(&mut archive).stdout).expect("UTF-8");
    for (_, platform) in PLATFORMS {
        for one in crates(platform, "99") {
            let title = format!("\n{one} (");
            assert!(printed.contains(&title), "{one} is missing");
        }
    }
    for words in [
        "Permission is hereby granted, free of charge",
        "Redistribution and use in source and binary forms",
        "Community Data License Agreement",
        "SQLite (public domain)",
        // Only the sandbox, which the archives contain too, uses this crate.
        "\ntokio 1",
    ] {
        assert!(printed.contains(words), "{words}");
    }
}

/// Licences, duplicates and sources are checked without a network. Advisories are checked only if
/// their database has been downloaded.
#[test]
fn cargo_deny_finds_nothing() {
    if !tools::have("cargo-deny") {
        return;
    }
    let check = |checks: &[&str]| {
        let mut deny = Command::new("cargo-deny");
        deny.current_dir(root())
            .args(["--offline", "check"])
            .args(checks);
        run(&mut deny);
    };
    check(&["bans", "licenses", "sources"]);
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home =
        home.or_else(|| Some(std::path::Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    let is_filled = |folder: std::path::PathBuf| {
        std::fs::read_dir(folder).is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| entry.path().join("crates").is_dir()))
        })
    };
    if home.is_some_and(|home| is_filled(home.join("advisory-dbs"))) {
        check(&["advisories"]);
    } else {
        eprintln!("skipped: the database of advisories is not on this machine");
    }
}
