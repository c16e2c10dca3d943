//! The host of `tests/onec`, which does with the 1C component what 1C does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::tools;

/// The cases of `tests/onec/host.cpp`, which are run alone and under valgrind.
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

/// The host, compiled once; nothing if this machine cannot.
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

/// An empty folder of this case's own.
pub fn folder(name: &str) -> PathBuf {
    let folder = tools::scratch("onec").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
