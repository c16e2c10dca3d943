//! `lifepay.hpp` from C++: compiled with every compiler and standard that it promises, run against the
//! sandbox, and compared with `lifepay.h`.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::sync::OnceLock;

use lifepay_sandbox::{Options, Sandbox};

use crate::support::server::{path_and_body, recorder, ACCEPTED};
use crate::support::{library, read_request, tools, Server};

const COMPILERS: [&str; 2] = ["g++", "clang++"];
const SOURCES: [&str; 5] = [
    "main.cpp",
    "shift.cpp",
    "document.cpp",
    "outbox.cpp",
    "log.cpp",
];
const WARNINGS: [&str; 7] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Wold-style-cast",
    "-Werror",
];
const SANITIZERS: [&str; 2] = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
];

fn compiler(name: &str, standard: &str) -> Command {
    let mut command = Command::new(name);
    command
        .arg(format!("-std={standard}"))
        .args(WARNINGS)
        .arg("-I")
        .arg(tools::root().join("include"));
    command
}

/// Writes the test program: one file that includes its sources, so that the standard headers are
/// compiled once instead of five times.
fn test_program() -> PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let write = || {
        let folder = tools::root().join("tests/cpp");
        let include = |name| format!("#include \"{}\"\n", folder.join(name).display());
        source("all", &SOURCES.map(include).concat())
    };
    FILE.get_or_init(write).clone()
}

/// Writes a file of this name with this text.
fn source(name: &str, text: &str) -> PathBuf {
    let file = tools::scratch("cpp").join(format!("{name}.cpp"));
    std::fs::write(&file, text).expect("the file can be written");
    file
}

/// Compiles a program, linked with the shared library.
fn program(mut compiler: Command, name: &str, sources: &[PathBuf]) -> PathBuf {
    let libraries = library::folder();
    // The program looks for the library by its SONAME.
    let _ = std::os::unix::fs::symlink("liblifepay.so", libraries.join("liblifepay.so.0"));
    let program = tools::scratch("cpp").join(name);
    compiler
        .args(["-g", "-pthread"])
        .args(sources)
        .arg("-o")
        .arg(&program)
        .arg(format!("-L{}", libraries.display()))
        .arg("-llifepay")
        .arg(format!("-Wl,-rpath,{}", libraries.display()));
    tools::run(&mut compiler);
    program
}

/// Runs the test program, which must print nothing, against its own sandbox.
fn passes(program: &Path) {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let silent = Server::start(|mut stream, _| while read_request(&mut stream).is_some() {});
    let (server, received) = recorder();
    let folder = program.with_extension("files");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let output = tools::run(
        Command::new(program)
            .args([sandbox.url(), silent.url(), server.url()])
            .arg(&folder)
            .env_remove("LIFEPAY_LOG")
            .env("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0"),
    );
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    assert_every_field_arrived(&sandbox);
    assert_the_documents_arrived(&received);
}

/// Checks the request that `every_field_arrives` in shift.cpp sends.
fn assert_every_field_arrived(sandbox: &Sandbox) {
    let requests = sandbox.requests();
    let request = requests
        .iter()
        .find(|request| request.ext_id.as_deref() == Some("cpp-every-field"))
        .expect("the request has arrived");
    let expected = serde_json::json!({
        "test": 0,
        "apikey": "s3cr3t-apikey",
        "login": "79031234567",
        "cashier_name": "Иванова",
        "cashier_inn": "500100732259",
        "target_serial": "00106304012797",
        "ext_id": "cpp-every-field",
        "callback_url": "https://example.com/callback",
        "callback_data": {"till": 1},
    });
    let mut json = request.json.clone().expect("JSON");
    // The library may send 0 or omit it.
    json["test"] = 0.into();
    assert_eq!(json, expected);
}

/// Checks the requests that document.cpp sends, in its order.
fn assert_the_documents_arrived(received: &Receiver<String>) {
    let path = "/cloud-print/create-z-report";
    let body = |rest: &str| format!(r#"{{"apikey":"s3cr3t-apikey","login":"79031234567"{rest}}}"#);
    let expected = [
        body(r#","cashier_name":"Иванова","target_serial":"00106304012797""#),
        body(r#","test":1,"ext_id":"cpp-document","n":1.50,  "ё": [ ]"#),
        body(r#","ext_id":"cpp-document-json","n":1.50"#),
        body(r#","ext_id":"cpp-document-outbox","n":2"#),
    ];
    let requests: Vec<String> = received.try_iter().collect();
    assert_eq!(requests.len(), expected.len(), "{requests:?}");
    for (request, body) in requests.iter().zip(&expected) {
        assert_eq!(path_and_body(request), (path, body.as_str()));
    }
}

/// Whether the compiler has the sanitizers' runtime.
fn has_sanitizers(compiler: &str) -> bool {
    let folder = tools::scratch("cpp");
    let source = folder.join("empty.cpp");
    std::fs::write(&source, "int main() {}\n").unwrap();
    let program = folder.join(format!("empty-{compiler}"));
    let mut command = Command::new(compiler);
    command.args(SANITIZERS).arg(&source).arg("-o").arg(program);
    command.output().is_ok_and(|output| output.status.success())
}

#[test]
fn programs_pass_with_every_compiler() {
    // A second file includes the header too, so its definitions must be inline.
    let second = source("second", "#include \"lifepay.hpp\"\n");
    for name in COMPILERS {
        if tools::have(name) {
            let mut compiler = compiler(name, "c++17");
            compiler.arg("-O1");
            let sources = [test_program(), second.clone()];
            passes(&program(compiler, &format!("{name}-plain"), &sources));
        }
    }
}

#[test]
fn programs_make_no_memory_error_no_leak_and_no_undefined_behaviour() {
    let present = COMPILERS.into_iter().filter(|name| tools::have(name));
    let (with, without): (Vec<_>, Vec<_>) = present.partition(|name| has_sanitizers(name));
    for compiler in without {
        eprintln!("skipped: {compiler} has no AddressSanitizer on this machine");
    }
    assert!(
        !with.is_empty() || !tools::are_required(),
        "no compiler has AddressSanitizer, and LIFEPAY_REQUIRE_TOOLS is set"
    );
    for name in with {
        let mut compiler = compiler(name, "gnu++17");
        compiler.args(SANITIZERS);
        let name = format!("{name}-sanitized");
        passes(&program(compiler, &name, &[test_program()]));
    }
}

/// The tests that run programs compile them as C++17, without and with GNU's extensions.
#[test]
fn the_header_compiles_under_newer_standards() {
    for name in COMPILERS.into_iter().filter(|name| tools::have(name)) {
        for standard in ["c++20", "c++2b"] {
            let mut compiler = compiler(name, standard);
            tools::run(compiler.arg("-fsyntax-only").arg(test_program()));
        }
    }
}

#[test]
fn the_headers_example_compiles() {
    let header = header();
    let (_, rest) = header.split_once(" *     #include <iostream>\n").unwrap();
    let (example, _) = rest.split_once(" *     c++ ").unwrap();
    let mut program = String::from("#include <iostream>\n");
    for line in example.lines() {
        program.push_str(line.trim_start_matches(" *"));
        program.push('\n');
    }
    let file = source("example", &program);
    for name in COMPILERS.into_iter().filter(|name| tools::have(name)) {
        tools::run(compiler(name, "c++17").arg("-fsyntax-only").arg(&file));
    }
}

#[test]
fn the_headers_z_report_is_sent() {
    let header = header();
    let (_, rest) = header
        .split_once("It is sent like every other document:\n *\n")
        .unwrap();
    let (example, _) = rest.split_once("\n *\n").unwrap();
    let (server, received) = recorder();
    let mut program = String::from("#include <iostream>\n#include \"lifepay.hpp\"\n");
    program += "int main()\n{\n    lifepay::Request request;\n    request.apikey = \"key\";\n";
    program += "    request.login = \"79031234567\";\n    request.ext_id = \"of-the-shift\";\n";
    program += &format!("    request.base_url = \"{}\";\n", server.url());
    program += &example.replace("\n *", "\n").replace(" *     ", "    ");
    program += "\n    std::cout << report.uuid.value();\n}\n";
    let file = source("z-report", &program);
    for name in COMPILERS.into_iter().filter(|name| tools::have(name)) {
        let compiler = compiler(name, "c++17");
        let output = tools::run(&mut Command::new(self::program(
            compiler,
            &format!("{name}-z-report"),
            std::slice::from_ref(&file),
        )));
        assert!(ACCEPTED.contains(std::str::from_utf8(&output.stdout).unwrap()));
        let request = received.recv().unwrap();
        let body = r#"{"apikey":"key","login":"79031234567"}"#;
        let path = "/cloud-print/create-z-report";
        assert_eq!(path_and_body(&request), (path, body));
    }
}

#[test]
fn the_readmes_program_opens_a_shift() {
    let readme = tools::root().join("bindings/cpp/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let text = tools::blocks(&readme, "cpp").swap_remove(0);
    let sandbox = Sandbox::start(Options::default()).unwrap();
    assert!(text.contains("http://127.0.0.1:8080"));
    let text = text.replace("http://127.0.0.1:8080", &sandbox.url());
    let file = source("readme", &text);
    for name in COMPILERS.into_iter().filter(|name| tools::have(name)) {
        let compiler = compiler(name, "c++17");
        let program = program(
            compiler,
            &format!("{name}-readme"),
            std::slice::from_ref(&file),
        );
        let output = tools::run(&mut Command::new(program));
        let expected = format!("accepted: {}\n", sandbox.documents()[0].uuid);
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
}

fn header() -> String {
    std::fs::read_to_string(tools::root().join("include/lifepay.hpp")).unwrap()
}

/// Returns the C++ header without its comments.
fn code() -> String {
    let header = header();
    let (_, code) = header.split_once("*/").unwrap();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .fold(String::new(), |code, line| code + line + "\n")
}

/// Returns the names of a struct's fields in lifepay.h.
fn fields(name: &str) -> Vec<String> {
    let header = std::fs::read_to_string(tools::root().join("include/lifepay.h")).unwrap();
    let (_, body) = header
        .split_once(&format!("typedef struct {name} {{"))
        .unwrap();
    let (body, _) = body.split_once(&format!("}} {name};")).unwrap();
    let declarations = body
        .lines()
        .filter(|line| !line.trim_start().starts_with(['*', '/']))
        .filter_map(|line| line.trim().strip_suffix(';'));
    declarations
        .map(|line| line.rsplit([' ', '*']).next().unwrap().to_owned())
        .collect()
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .any(|found| found == word)
}

#[test]
fn every_function_of_the_library_is_used() {
    let code = code();
    for name in tools::functions_for_layers() {
        assert!(has_word(&code, &name), "{name}");
    }
}

#[test]
fn every_field_of_the_structs_is_used() {
    let code = code();
    // Internal to the library, or available in another form.
    let skipped = ["struct_size", "owner", "reserved"];
    let structs = [
        ("lp_config", &["raw_.", "get()->"][..]),
        ("lp_result", &["raw_."]),
        ("lp_progress", &["raw->"]),
        ("lp_entry", &["raw."]),
        ("lp_field_error", &["raw_.errors[i]."]),
    ];
    for (name, prefixes) in structs {
        let fields = fields(name);
        assert!(fields.len() >= 2, "{name}: {fields:?}");
        for field in fields {
            let used = prefixes
                .iter()
                .any(|prefix| code.contains(&format!("{prefix}{field}")));
            assert!(used || skipped.contains(&field.as_str()), "{name}.{field}");
        }
    }
}

#[test]
fn every_constant_has_its_place_in_an_enum() {
    let code = code();
    let header = std::fs::read_to_string(tools::root().join("include/lifepay.h")).unwrap();
    let groups = [
        "LP_OUTCOME_",
        "LP_TRUST_",
        "LP_PHASE_",
        "LP_ENTRY_",
        "LP_LOG_",
    ];
    let names = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define ")?.split(' ').next());
    let names: Vec<_> = names
        .filter(|name| groups.iter().any(|group| name.starts_with(group)))
        .collect();
    assert!(names.len() >= 19, "{names:?}");
    for name in names {
        assert!(has_word(&code, name), "{name}");
    }
}
