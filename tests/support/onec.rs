//! The host of `tests/onec`, which uses the 1C component as 1C does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::tools;

/// The cases of `tests/onec/host.cpp`, which run both alone and under valgrind.
pub const CASES: &[&str] = &[
    "exports",
    "life",
    "members",
    "properties",
    "mistakes",
    "numbers",
    "shift",
    "json",
    "document",
    "words",
    "outbox",
    "threads",
];

/// Returns the host, compiled once. None if this machine cannot compile it.
pub fn host() -> Option<&'static Path> {
    static HOST: OnceLock<Option<PathBuf>> = OnceLock::new();
    HOST.get_or_init(|| {
        tools::have("g++").then(|| compile(Command::new("g++"), "onec-host", &["-ldl"]))
    })
    .as_deref()
}

pub fn compile(mut compiler: Command, name: &str, flags: &[&str]) -> PathBuf {
    let sources = ["host.cpp", "objects.cpp", "calls.cpp"];
    let program = tools::scratch("onec").join(name);
    compiler
        .args(["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(["-g", "-pthread"])
        .args(sources.map(|source| tools::root().join("tests/onec").join(source)))
        .arg("-o")
        .arg(&program)
        .args(flags);
    tools::run(&mut compiler);
    program
}

/// Returns an empty folder for this case.
pub fn folder(name: &str) -> PathBuf {
    let folder = tools::scratch("onec").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
