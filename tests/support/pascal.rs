//! Free Pascal, with the unit and the programs that are compiled with it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{library, tools};

/// What a string is: octets, as in Delphi 7, or UTF-16, as in Delphi 2009 and newer.
pub const MODES: [&str; 2] = ["delphi", "delphiunicode"];
/// Warnings are errors.
pub const STRICT: [&str; 4] = ["-l-", "-v0", "-vew", "-Sew"];
/// Notes and hints too.
pub const STRICTEST: [&str; 4] = ["-l-", "-v0", "-vewnh", "-Sewnh"];
/// Free Pascal's own library has octets in either mode: that a string is converted is no mistake.
pub const CONVERSIONS: [&str; 2] = ["-vm4104", "-vm4105"];

pub fn unit_file() -> PathBuf {
    tools::root().join("bindings/delphi/LifePay.pas")
}

pub fn example(name: &str) -> PathBuf {
    tools::root().join(format!("bindings/delphi/examples/{name}.dpr"))
}

pub fn test_program(name: &str) -> PathBuf {
    tools::root().join(format!("tests/pascal/{name}.pas"))
}

/// A folder of this name, empty.
pub fn fresh(name: &str) -> PathBuf {
    let folder = tools::scratch("pascal").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

pub fn compiler(command: impl AsRef<OsStr>, mode: &str, out: &Path) -> Command {
    let mut compiler = Command::new(command);
    compiler
        .arg(format!("-M{mode}"))
        .arg(format!("-FE{}", out.display()));
    for folder in ["bindings/delphi", "tests/pascal"] {
        compiler.arg(format!("-Fu{}", tools::root().join(folder).display()));
    }
    compiler
}

/// Compiles a program into a folder of its own, with the library beside it.
pub fn compile(source: &Path, name: &str, mode: &str, flags: &[&str]) -> PathBuf {
    let out = fresh(name);
    let mut compiler = compiler("fpc", mode, &out);
    compiler.args(STRICT).args(flags);
    if mode == "delphiunicode" {
        compiler.args(CONVERSIONS);
    }
    tools::run(compiler.arg(source));
    std::os::unix::fs::symlink(library::path(), out.join("liblifepay.so.0")).expect("a link");
    out.join(source.file_stem().expect("a name"))
}
