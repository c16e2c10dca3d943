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

/// A compiler that knows the unit and the tests.
pub fn compiler(command: impl AsRef<OsStr>, mode: &str, out: &Path) -> Command {
    let mut compiler = compiler_alone(command, mode, out);
    for folder in ["bindings/delphi", "tests/pascal"] {
        compiler.arg(format!("-Fu{}", tools::root().join(folder).display()));
    }
    compiler
}

/// A compiler that knows no folder but that to which it writes.
pub fn compiler_alone(command: impl AsRef<OsStr>, mode: &str, out: &Path) -> Command {
    let mut compiler = Command::new(command);
    compiler
        .arg(format!("-M{mode}"))
        .arg(format!("-FE{}", out.display()));
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

/// The unit without its comments, its white space squeezed.
pub fn unit_code() -> String {
    let unit = fs::read_to_string(unit_file()).unwrap();
    let (_, unit) = unit.split_once("*)").unwrap();
    let lines = unit
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The folder with the compilers for Windows, built if they are not; nothing if the machine lacks
/// what they are made of.
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
