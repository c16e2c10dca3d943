//! The programs of bindings/README.md, each by the interpreter of its language.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::support::{library, tools};

/// The first program in a language.
fn program(language: &str) -> String {
    let readme = fs::read_to_string(tools::root().join("bindings/README.md")).unwrap();
    tools::blocks(&readme, language).swap_remove(0)
}

/// A folder with the program, what it reads, and the library under the name of the packages.
fn folder(language: &str) -> PathBuf {
    let folder = tools::scratch("ffi").join(language);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("program"), program(language)).unwrap();
    let header = tools::root().join("include/lifepay.ffi.h");
    fs::copy(header, folder.join("lifepay.ffi.h")).unwrap();
    std::os::unix::fs::symlink(library::path(), folder.join("liblifepay.so.0")).unwrap();
    folder
}

/// What the program prints with this login.
fn printed(language: &str, interpreter: &str, login: &str, base_url: &str) -> String {
    let folder = folder(language);
    let settings = json!({
        "apikey": "key", "login": login, "base_url": base_url, "proxy": "none",
    });
    let settings = serde_json::to_string_pretty(&settings).unwrap();
    fs::write(folder.join("lifepay.json"), settings).unwrap();
    let mut command = Command::new(interpreter);
    command
        .arg("program")
        .current_dir(&folder)
        .env("LD_LIBRARY_PATH", &folder)
        .env("LC_ALL", "C.UTF-8");
    String::from_utf8(tools::run(&mut command).stdout).expect("UTF-8")
}

/// The program opens a shift in both ways, and tells why one is refused.
fn does_what_it_says(language: &str, interpreter: &str) {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let printed = |login| printed(language, interpreter, login, &sandbox.url());
    let calls = ["open_shift", "outbox_open", "outbox_submit", "outbox_wait"];

    let told = printed("79031234567");
    let [first, second] = ["shift-1", "shift-2"].map(|ext_id| {
        let documents = sandbox.documents();
        let mine = documents
            .iter()
            .find(|document| document.ext_id.as_deref() == Some(ext_id));
        mine.unwrap_or_else(|| panic!("no {ext_id}: {told}"))
            .uuid
            .clone()
    });
    let lines: Vec<&str> = told.lines().collect();
    for ((line, call), said) in lines
        .iter()
        .zip(calls)
        .zip([&*first, "done", "done", &*second])
    {
        assert!(line.starts_with(&format!("lp_{call}")), "{told}");
        assert!(line.ends_with(&format!(": {said}")), "{told}");
    }
    assert_eq!(lines.len(), calls.len(), "{told}");

    let told = printed("70000006009");
    let refused = told.lines().filter(|line| line.contains(": 6009 ")).count();
    assert_eq!(refused, 2, "{told}");
    assert!(told.contains("Проверьте login"), "{told}");
}

#[test]
fn php_takes_the_header_and_opens_a_shift() {
    if tools::have("php") {
        does_what_it_says("php", "php");
    }
}

#[test]
fn luajit_takes_the_header_and_opens_a_shift() {
    if tools::have("luajit") {
        does_what_it_says("lua", "luajit");
    }
}

#[test]
fn ruby_opens_a_shift() {
    if tools::have("ruby") {
        does_what_it_says("ruby", "ruby");
    }
}

#[test]
fn cffi_takes_the_header_and_opens_a_shift() {
    if tools::have("python3") && tools::have_python_module("cffi") {
        does_what_it_says("python", "python3");
    }
}
