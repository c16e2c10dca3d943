//! The Makefile of the examples.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::tools::root;

/// Returns the command that makes `target` in the folder `build`, with cargo's build of these tests
/// and with warnings as errors.
pub fn make(build: &Path, target: impl AsRef<OsStr>) -> Command {
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let profile = ["release", "debug"][usize::from(cfg!(debug_assertions))];
    let mut command = clean("make");
    command.arg("-C").arg(root().join("examples-c"));
    command.arg(target).arg(format!("PROFILE={profile}"));
    command.arg(format!("BUILD={}", build.display()));
    command.arg("WARNINGS=-Wall -Wextra -Wpedantic -Werror");
    command.env("CARGO_TARGET_DIR", target_dir);
    command
}

/// Environment variables that could change the results, and those of cargo: its paths to another
/// liblifepay.so.0, and its variables about this package, which would make cargo rebuild ring each
/// time.
#[rustfmt::skip]
const DISTURBING: [&str; 10] = [
    "CFLAGS", "CPPFLAGS", "CXXFLAGS", "LDFLAGS", "MAKEFLAGS", "LIFEPAY_",
    "LD_LIBRARY_PATH", "OUT_DIR", "CARGO_PKG_", "CARGO_MANIFEST_",
];

/// Returns a command with a clean environment and no input.
pub fn clean(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if DISTURBING.iter().any(|start| name.starts_with(start)) {
            command.env_remove(&variable);
        }
    }
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}
