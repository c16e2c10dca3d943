//! Free Pascal, the unit, and programs that use it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{library, tools};

/// The string types: octets, as in Delphi 7, or UTF-16, as in Delphi 2009 and newer.
pub const MODES: [&str; 2] = ["delphi", "delphiunicode"];
/// Warnings are errors.
pub const STRICT: [&str; 4] = ["-l-", "-v0", "-vew", "-Sew"];
/// Notes and hints are errors too.
pub const STRICTEST: [&str; 4] = ["-l-", "-v0", "-vewnh", "-Sewnh"];
/// Free Pascal's own library uses octets in either mode, so string conversions are not mistakes.
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

/// Returns an empty folder with this name.
pub fn fresh(name: &str) -> PathBuf {
    let folder = tools::scratch("pascal").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Returns a compiler that finds the unit and the tests.
pub fn compiler(command: impl AsRef<OsStr>, mode: &str, out: &Path) -> Command {
    let mut compiler = compiler_alone(command, mode, out);
    for folder in ["bindings/delphi", "tests/pascal"] {
        compiler.arg(format!("-Fu{}", tools::root().join(folder).display()));
    }
    compiler
}

/// Returns a compiler that searches only its output folder.
pub fn compiler_alone(command: impl AsRef<OsStr>, mode: &str, out: &Path) -> Command {
    let mut compiler = Command::new(command);
    compiler
        .arg(format!("-M{mode}"))
        .arg(format!("-FE{}", out.display()));
    compiler
}

/// Compiles a program into a separate folder, with the library beside it.
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

/// Returns the unit without comments and with white space collapsed.
pub fn unit_code() -> String {
    let unit = fs::read_to_string(unit_file()).unwrap();
    let (_, unit) = unit.split_once("*)").unwrap();
    let lines = unit
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the folder with the compilers for Windows, and builds them if necessary. None if the
/// machine lacks their sources.
pub fn cross_compilers() -> Option<PathBuf> {
    let version = Command::new("fpc").arg("-iV").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let sources = format!("/usr/share/fpcsrc/{}", version.unwrap_or_default());
    if !tools::have("fpc") || !tools::have_folder(&sources) {
        return None;
    }
    let folder = tools::scratch("pascal-windows");
    let script = tools::root().join("packaging/windows/fpc-units.sh");
    tools::run(Command::new(script).arg(&folder));
    Some(folder)
}
