//! The programs of bindings/README.md, each run by the interpreter or compiler of its language.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::support::{library, tools};

/// Returns the first program in a language.
fn program(language: &str) -> String {
    let readme = fs::read_to_string(tools::root().join("bindings/README.md")).unwrap();
    tools::blocks(&readme, language).swap_remove(0)
}

/// Makes a folder with the program, the files that it reads, and the library by the packages'
/// names.
fn folder(language: &str, file: &str) -> PathBuf {
    let folder = tools::scratch("ffi").join(language);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(file), program(language)).unwrap();
    for header in ["lifepay.h", "lifepay.ffi.h"] {
        fs::copy(
            tools::root().join("include").join(header),
            folder.join(header),
        )
        .unwrap();
    }
    for name in ["liblifepay.so.0", "liblifepay.so"] {
        std::os::unix::fs::symlink(library::path(), folder.join(name)).unwrap();
    }
    folder
}

/// Runs the program with this login and returns its output. The command's last word is its file.
fn printed(language: &str, command: &[&str], login: &str, base_url: &str) -> String {
    let folder = folder(language, command.last().unwrap());
    let settings = json!({
        "apikey": "key", "login": login, "base_url": base_url, "proxy": "none",
        "cashier_name": "Иванова",
    });
    let settings = serde_json::to_string_pretty(&settings).unwrap();
    fs::write(folder.join("lifepay.json"), settings).unwrap();
    let mut run = Command::new(command[0]);
    run.args(&command[1..])
        .current_dir(&folder)
        .env("LD_LIBRARY_PATH", &folder)
        .env("CGO_CFLAGS", "-I.")
        .env("CGO_LDFLAGS", "-L.")
        .env("GOCACHE", tools::scratch("go-cache"))
        .env("LC_ALL", "C.UTF-8");
    String::from_utf8(tools::run(&mut run).stdout).expect("UTF-8")
}

/// Asserts that the program opens shifts with a call and through the outbox, and prints why LifePay
/// refuses one.
fn does_what_it_says(language: &str, command: &[&str]) {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let printed = |login| printed(language, command, login, &sandbox.url());
    let calls = ["open_shift", "outbox_open", "outbox_submit", "outbox_wait"];

    let output = printed("79031234567");
    let [first, second] = ["shift-1", "shift-2"].map(|ext_id| {
        let documents = sandbox.documents();
        let found = documents
            .iter()
            .find(|document| document.ext_id.as_deref() == Some(ext_id));
        found
            .unwrap_or_else(|| panic!("no {ext_id}: {output}"))
            .uuid
            .clone()
    });
    let lines: Vec<&str> = output.lines().collect();
    for ((line, call), end) in lines
        .iter()
        .zip(calls)
        .zip([&*first, "done", "done", &*second])
    {
        assert!(line.starts_with(&format!("lp_{call}")), "{output}");
        assert!(line.ends_with(&format!(": {end}")), "{output}");
    }
    assert_eq!(lines.len(), calls.len(), "{output}");

    let output = printed("70000006009");
    let refused = output
        .lines()
        .filter(|line| line.contains(": 6009 "))
        .count();
    assert_eq!(refused, 2, "{output}");
    assert!(output.contains("Проверьте login"), "{output}");
}

#[test]
fn php_takes_the_header_and_opens_a_shift() {
    if tools::have("php") {
        does_what_it_says("php", &["php", "program"]);
    }
}

#[test]
fn luajit_takes_the_header_and_opens_a_shift() {
    if tools::have("luajit") {
        does_what_it_says("lua", &["luajit", "program"]);
    }
}

#[test]
fn ruby_opens_a_shift() {
    if tools::have("ruby") {
        does_what_it_says("ruby", &["ruby", "program"]);
    }
}

#[test]
fn cffi_takes_the_header_and_opens_a_shift() {
    if tools::have("python3") && tools::have_python_module("cffi") {
        does_what_it_says("python", &["python3", "program"]);
    }
}

/// After the preprocessor, lifepay.h itself gives bindings the same declarations as lifepay.ffi.h.
#[test]
fn cffi_takes_lifepay_h_after_the_preprocessor() {
    const PROGRAM: &str = r#"
import subprocess, sys, cffi

include, library, *functions = sys.argv[1:]
command = ["gcc", "-E", "-P", f"{include}/lifepay.h"]
text = subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
of_header, of_ffi = cffi.FFI(), cffi.FFI()
# Without the types of <stdint.h>, which come first and which cffi has.
of_header.cdef(text[text.index("struct lp_"):])
of_ffi.cdef(open(f"{include}/lifepay.ffi.h").read())
headers, ffis = of_header.dlopen(library), of_ffi.dlopen(library)


def described(ffi, kind):
    fields = [(name, field.offset, field.type.cname) for name, field in kind.fields]
    return ffi.sizeof(kind), fields


for struct in ["lp_config", "lp_result", "lp_progress", "lp_entry", "lp_field_error"]:
    one, other = of_header.typeof(f"struct {struct}"), of_ffi.typeof(f"struct {struct}")
    assert described(of_header, one) == described(of_ffi, other), struct
for name in functions:
    one, other = (f.typeof(getattr(l, name)).cname for f, l in [(of_header, headers), (of_ffi, ffis)])
    assert one == other, (name, one, other)
print(of_header.string(headers.lp_version()).decode())
"#;
    if tools::have("gcc") && tools::have("python3") && tools::have_python_module("cffi") {
        let mut python = Command::new("python3");
        python.args(["-c", PROGRAM]);
        python
            .arg(tools::root().join("include"))
            .arg(library::path());
        let names = tools::symbols().into_iter().map(|(name, _)| name);
        python.args(names.filter(|name| name.starts_with("lp_")));
        let printed = String::from_utf8(tools::run(&mut python).stdout).unwrap();
        assert_eq!(printed.trim(), env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn node_opens_a_shift() {
    if tools::have("node") && tools::have_node_package("koffi", &tools::scratch("ffi")) {
        does_what_it_says("js", &["node", "program.mjs"]);
    }
}

#[test]
fn java_opens_a_shift() {
    // Where Debian's libjna-java and libgoogle-gson-java put them.
    let jars = ["/usr/share/java/jna.jar", "/usr/share/java/gson.jar"];
    if tools::have("javac") && jars.into_iter().all(tools::have_file) {
        let jars = jars.join(":");
        // As on a till with Russian Windows.
        let encoding = "-Djna.encoding=windows-1251";
        let command = ["java", encoding, "-cp", &jars, "OpenShift.java"];
        does_what_it_says("java", &command);
    }
}

#[test]
fn go_takes_the_header_and_opens_a_shift() {
    if tools::have("go") {
        does_what_it_says("go", &["go", "run", "program.go"]);
    }
}
