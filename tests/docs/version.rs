//! The version is that of Cargo.toml's `[workspace.package]`. Files that have to repeat it are
//! compared with it here; everything else takes it from one of them when it is built.

use std::fs;

use crate::support::tools::root;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PARTS: [(&str, &str); 3] = [
    ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
    ("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
    ("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
];

/// The members of the workspace beside the library: folder and name.
const MEMBERS: [(&str, &str); 5] = [
    ("tests/sandbox", "lifepay-sandbox"),
    ("tests/addin1c", "lifepay-addin1c"),
    ("tests/sanitizers", "lifepay-sanitizers"),
    ("packaging/tests", "lifepay-packaging"),
    ("benches/server", "lifepay-bench"),
];

/// Returns each file that states the version, and the text that states it.
fn statements() -> Vec<(String, String)> {
    let mut list = Vec::new();
    let mut add = |file: &str, text: String| list.push((file.to_owned(), text));
    for (part, number) in PARTS {
        let name = format!("LP_VERSION_{part}");
        add("src/ffi/version.rs", format!("{name}: u32 = {number};\n"));
        add("include/lifepay.h", format!("{name} {number}\n"));
        let end = if part == "PATCH" { "" } else { "," };
        add("include/lifepay.ffi.h", format!("{name} = {number}{end}\n"));
        add("bindings/delphi/LifePay.pas", format!("{name} = {number};"));
    }
    for (attribute, version) in [
        ("AssemblyVersion", format!("{VERSION}.0")),
        ("AssemblyFileVersion", format!("{VERSION}.0")),
        ("AssemblyInformationalVersion", VERSION.to_owned()),
    ] {
        let file = "bindings/csharp/src/AssemblyInfo.cs";
        add(file, format!("{attribute}(\"{version}\")"));
    }
    let package = "bindings/python";
    add(
        &format!("{package}/lifepay/_version.py"),
        format!("__version__ = \"{VERSION}\"\n"),
    );
    add(
        &format!("{package}/pyproject.toml"),
        format!("\"lifepay-sandbox == {VERSION}\""),
    );
    // Its request must equal the library's byte for byte.
    add("benches/c/client_raw.c", format!("lifepay/{VERSION}\\r\\n"));
    add("CHANGELOG.md", format!("\n## [{VERSION}] - "));
    let locked = |name| format!("name = \"{name}\"\nversion = \"{VERSION}\"\n");
    add("Cargo.lock", locked("lifepay"));
    add("fuzz/Cargo.lock", locked("lifepay"));
    for (folder, name) in MEMBERS {
        add("Cargo.lock", locked(name));
        let manifest = format!("{folder}/Cargo.toml");
        add(&manifest, "\nversion.workspace = true\n".to_owned());
    }
    list
}

#[test]
fn every_file_that_states_the_version_states_that_of_cargo_toml() {
    let mut wrong = Vec::new();
    for (file, text) in statements() {
        let content = fs::read_to_string(root().join(&file)).unwrap_or_default();
        if !content.replace("\r\n", "\n").contains(&text) {
            wrong.push(format!("{file} has no {text:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "Cargo.toml says {VERSION}:\n{}",
        wrong.join("\n")
    );
}
