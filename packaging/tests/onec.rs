//! The archive for 1C, and the component on Windows in the host of `tests/onec`.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use lifepay_sandbox::{Options, Sandbox};

use crate::archive::{archives, files, unpack, windows, VERSION};
use crate::support::onec::{compile, folder, CASES};
use crate::support::tools;
use crate::wine::Machine;

#[test]
fn in_windows_the_component_is_the_same() {
    for machine in Machine::that_run() {
        // The C++ library supports threads only with this thread model.
        let compiler = machine.tool("g++-posix");
        if !tools::have(&compiler) {
            continue;
        }
        let name = format!("onec-host-{}.exe", machine.name());
        let host = compile(Command::new(&compiler), &name, &["-static"]);
        let folder = folder(&format!("windows-{}", machine.name()));
        let library = machine.folder().expect("it is built").join("lifepay.dll");
        let in_windows = |path: &Path| format!("Z:{}", path.display());
        for case in CASES {
            let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
            let files = folder.join(case);
            std::fs::create_dir(&files).expect("a folder");
            let mut wine = machine.command(&host);
            wine.arg(in_windows(&library)).arg(case);
            let output = tools::run(wine.arg(sandbox.url()).arg(in_windows(&files)));
            assert!(output.stdout.is_empty(), "{case}: {output:?}");
        }
    }
}

/// Unpacks the archive for 1C.
fn archive(name: &str) -> Option<std::path::PathBuf> {
    let archive = archives()?.join(format!("lifepay-{VERSION}-1c.zip"));
    Some(unpack(&archive, name))
}

#[test]
fn the_component_for_1c_is_in_its_archive_for_all_platforms() {
    let Some(outer) = archive("1c") else { return };
    let folder = unpack(&outer.join("LifePay.zip"), "1c-component");
    let names: Vec<String> = files(&folder).into_keys().collect();
    assert_eq!(names.len(), 7, "{names:?}");
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.XML")).expect("a manifest");
    for (os, arch) in [
        ("Windows", "i386"),
        ("Windows", "x86_64"),
        ("Linux", "i386"),
        ("Linux", "x86_64"),
        ("Linux", "ARM64"),
    ] {
        let listed = |line: &str| {
            let attributes = [format!(r#"os="{os}""#), format!(r#"arch="{arch}""#)];
            attributes.iter().all(|attribute| line.contains(attribute))
        };
        assert!(manifest.lines().any(listed), "{os} {arch}: {manifest}");
    }
    for name in names {
        let is_library = !name.to_uppercase().ends_with(".XML");
        assert!(
            !is_library || (manifest.contains(&name) && name.contains(&VERSION.replace('.', "_"))),
            "{name}"
        );
    }
}

#[test]
fn the_sandbox_is_in_the_archive_for_1c_beside_the_component() {
    let (Some(folder), Some(windows)) = (archive("1c-sandbox"), windows("1c-windows")) else {
        return;
    };
    let read = |path: std::path::PathBuf| std::fs::read(path).expect("a file");
    let program = read(folder.join("lifepay-sandbox.exe"));
    assert!(program == read(windows.join("x86/lifepay-sandbox.exe")));
    let mut linux = Command::new("sh");
    // Python's shutil does not restore permissions, as unzip does.
    linux.args(["-c", "chmod +x \"$0\" && \"$0\" --version"]);
    let output = tools::run(linux.arg(folder.join("linux/lifepay-sandbox")));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(stdout, format!("lifepay-sandbox {VERSION}\n"));

    // The reference names the archive's programs, and the files that it links to are there.
    let reference = folder.join("bindings/onec/README.md");
    let text = std::fs::read_to_string(reference).expect("the reference");
    for name in [
        "LifePay.zip",
        "lifepay-sandbox.exe",
        "linux/lifepay-sandbox",
    ] {
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
    for name in [
        "README.ru.md",
        "docs/settings.ru.md",
        "bindings/onec/Example.bsl",
        "THIRD-PARTY-LICENSES.txt",
    ] {
        assert!(folder.join(name).is_file(), "{name}");
    }
}
