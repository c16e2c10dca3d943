//! The archive from which 1C installs the component.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::onec::{folder, host};
use crate::support::{library, tools};

fn make_zip(archive: &Path, libraries: &[&Path]) -> std::process::Output {
    let script = tools::root().join("bindings/onec/make-zip.py");
    let mut python = Command::new("python3");
    python.arg(script).arg(archive).args(libraries);
    python.output().expect("python3 can be run")
}

/// Writes a file that has the header of a DLL for `machine`.
fn dll(folder: &Path, name: &str, machine: u16) -> PathBuf {
    let mut content = vec![0; 64];
    content[..2].copy_from_slice(b"MZ");
    content[60] = 64;
    content.extend(b"PE\0\0");
    content.extend(machine.to_le_bytes());
    content.extend(b"GetClassObject");
    let path = folder.join(name);
    std::fs::write(&path, content).expect("the file can be written");
    path
}

/// Writes a file that has the header of an ELF library for `machine`.
fn elf(folder: &Path, name: &str, machine: u16) -> PathBuf {
    let mut content = b"\x7fELF".to_vec();
    content.resize(18, 0);
    content.extend(machine.to_le_bytes());
    content.extend(b"GetClassObject");
    let path = folder.join(name);
    std::fs::write(&path, content).expect("the file can be written");
    path
}

/// Returns the names in an archive.
fn names_in(archive: &Path) -> BTreeSet<String> {
    let program = "import sys, zipfile; a = zipfile.ZipFile(sys.argv[1]); \
        assert a.testzip() is None; print(*a.namelist(), sep='\\n')";
    python(program, archive)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Runs a Python program on an archive and returns its output.
fn python(program: &str, archive: &Path) -> String {
    let mut python = Command::new("python3");
    let output = tools::run(python.args(["-c", program]).arg(archive));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Parses an XML file in an archive. Returns the components below its element `root`, each as the
/// values of these attributes.
fn components(archive: &Path, file: &str, root: &str, attributes: &[&str]) -> BTreeSet<String> {
    let program = format!(
        "import sys, zipfile, xml.etree.ElementTree as E
root = E.fromstring(zipfile.ZipFile(sys.argv[1]).read('{file}').strip())
space, _, name = root.tag.rpartition('}}')
assert root.tag == '{root}', root.tag
for found in root.findall((space and space + '}}') + 'component'):
    print(*(found.attrib[name] for name in {attributes:?}))"
    );
    python(&program, archive)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_archive_holds_the_libraries_that_were_given_and_says_so() {
    if !tools::have("python3") {
        return;
    }
    let folder = folder("zip");
    let (win32, win64) = (dll(&folder, "a.dll", 0x014c), dll(&folder, "b.dll", 0x8664));
    let (linux32, arm64) = (elf(&folder, "a.so", 3), elf(&folder, "b.so", 183));
    let linux = library::path();
    let archive = folder.join("LifePay.zip");
    let libraries: [&Path; 5] = [&win64, &arm64, &linux, &win32, &linux32];
    let output = make_zip(&archive, &libraries);
    assert!(output.status.success(), "{output:?}");
    let version = env!("CARGO_PKG_VERSION");
    let path = |rest: &str| format!("LifePay_{}_{rest}", version.replace('.', "_"));
    let expected = [
        "MANIFEST.XML".to_owned(),
        "INFO.XML".to_owned(),
        path("Windows_i386.dll"),
        path("Windows_x86_64.dll"),
        path("Linux_i386.so"),
        path("Linux_x86_64.so"),
        path("Linux_ARM64.so"),
    ];
    assert_eq!(names_in(&archive), BTreeSet::from(expected));
    let manifest = "{http://v8.1c.ru/8.2/addin/bundle}bundle";
    let attributes = ["os", "arch", "type", "path"];
    let expected = [
        format!("Windows i386 native {}", path("Windows_i386.dll")),
        format!("Windows x86_64 native {}", path("Windows_x86_64.dll")),
        format!("Linux i386 native {}", path("Linux_i386.so")),
        format!("Linux x86_64 native {}", path("Linux_x86_64.so")),
        format!("Linux ARM64 native {}", path("Linux_ARM64.so")),
    ];
    let listed = components(&archive, "MANIFEST.XML", manifest, &attributes);
    assert_eq!(listed, BTreeSet::from(expected));
    let about = components(&archive, "INFO.XML", "drivers", &["progid", "version"]);
    assert_eq!(about, BTreeSet::from([format!("AddIn.LifePay {version}")]));

    // The same files make the same archive.
    let again = folder.join("again.zip");
    assert!(make_zip(&again, &libraries).status.success());
    assert!(std::fs::read(&archive).unwrap() == std::fs::read(&again).unwrap());
}

#[test]
fn the_library_from_the_archive_is_a_component() {
    let Some(host) = host().filter(|_| tools::have("python3")) else {
        return;
    };
    let folder = folder("unzipped");
    let archive = folder.join("LifePay.zip");
    assert!(make_zip(&archive, &[&library::path()]).status.success());
    let program = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
    let mut python = Command::new("python3");
    tools::run(python.args(["-c", program]).arg(&archive).arg(&folder));
    let names = names_in(&archive);
    let name = names
        .iter()
        .find(|name| name.ends_with(".so"))
        .expect("a library");
    let mut host = Command::new(host);
    host.arg(folder.join(name))
        .arg("exports")
        .arg("http://127.0.0.1:1")
        .arg(&folder);
    tools::run(&mut host);
}

#[test]
fn a_file_that_is_not_a_component_is_not_packed() {
    if !tools::have("python3") {
        return;
    }
    let folder = folder("no-zip");
    let arm = dll(&folder, "arm.dll", 0xaa64);
    let one = dll(&folder, "one.dll", 0x8664);
    let other = dll(&folder, "other.dll", 0x8664);
    let text = folder.join("text.so");
    std::fs::write(&text, "no library").unwrap();
    let arm32 = elf(&folder, "arm32.so", 40);
    let plain = folder.join("plain.so");
    let elf = std::fs::read(library::path()).unwrap();
    std::fs::write(&plain, &elf[..64]).unwrap();
    let archive = folder.join("LifePay.zip");
    for libraries in [
        vec![&arm],
        vec![&arm32],
        vec![&one, &other],
        vec![&text],
        vec![&plain],
        vec![],
    ] {
        let libraries: Vec<&Path> = libraries.into_iter().map(PathBuf::as_path).collect();
        let output = make_zip(&archive, &libraries);
        assert!(
            !output.status.success() && !output.stderr.is_empty(),
            "{libraries:?}"
        );
        assert!(!archive.exists(), "{libraries:?}");
    }
}
