//! The binary interface as libabigail sees it, compared with the committed description of 0.1.0.
//!
//! The compared library consists of empty functions, compiled from the header. `layout`, `symbols`
//! and `header` test that the header matches the real library.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::header::BLESS;
use crate::support::tools;

fn description() -> PathBuf {
    tools::root().join("include/lifepay.abi")
}

/// Compiles a library of empty functions with the types of `header`, a header for FFI parsers.
fn compile(name: &str, header: &str) -> PathBuf {
    let mut source = format!("#include <stdint.h>\n{header}\n");
    let is_function = |text: &&str| text.contains('(') && !text.starts_with("typedef");
    for declaration in header.split(';').map(str::trim).filter(is_function) {
        let returned = if declaration.starts_with("void ") {
            ""
        } else {
            "return 0;"
        };
        source += &format!("{declaration} {{ {returned} }}\n");
    }
    let folder = tools::scratch("abi-description");
    let (file, library) = (format!("{name}.c"), format!("{name}.so"));
    std::fs::write(folder.join(&file), source).expect("the source can be written");
    // Compiled by its bare name, so that the description does not contain the folder.
    let mut gcc = Command::new("gcc");
    gcc.args(["-g", "-shared", "-fPIC", "-o", &library, &file]);
    tools::run(gcc.current_dir(&folder));
    folder.join(library)
}

fn header() -> String {
    std::fs::read_to_string(tools::root().join("include/lifepay.ffi.h")).expect("the header")
}

/// Compares the library with the description; added functions are ignored.
fn differences(library: &Path) -> Output {
    let mut abidiff = Command::new("abidiff");
    abidiff.args(["--no-added-syms", "--no-show-locs"]);
    abidiff.arg(description()).arg(library);
    abidiff.output().expect("abidiff can be run")
}

fn has_tools() -> bool {
    ["gcc", "abidw", "abidiff"].into_iter().all(tools::have)
}

#[test]
fn the_interface_is_still_that_of_the_description() {
    if !has_tools() {
        return;
    }
    let library = compile("lifepay", &header());
    if std::env::var_os(BLESS).is_some() {
        let mut abidw = Command::new("abidw");
        abidw.args([
            "--no-corpus-path",
            "--no-comp-dir-path",
            "--no-show-locs",
            "--out-file",
        ]);
        tools::run(abidw.arg(description()).arg(&library));
    }
    let output = differences(&library);
    assert!(
        output.status.success(),
        "{}\nIf the only changes are fields added at the end of structs: {BLESS}=1 cargo test --test abi description",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn a_changed_field_and_a_missing_function_are_found() {
    if !has_tools() {
        return;
    }
    for (name, from, to) in [
        ("field", "    int32_t trust;", "    int64_t trust;"),
        (
            "order",
            "    uint32_t attempts;\n    uint32_t retry_after_ms;",
            "    uint32_t retry_after_ms;\n    uint32_t attempts;",
        ),
        (
            "function",
            "int32_t lp_outbox_close(",
            "int32_t lp_outbox_shut(",
        ),
        (
            "parameter",
            "uint32_t timeout_ms,\n",
            "uint64_t timeout_ms,\n",
        ),
    ] {
        let changed = header().replace(from, to);
        assert_ne!(changed, header(), "{name}");
        assert!(
            !differences(&compile(name, &changed)).status.success(),
            "{name}"
        );
    }
}
