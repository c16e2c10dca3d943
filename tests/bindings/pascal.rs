//! `LifePay.pas` with Free Pascal: with both string types, loading the library or linked with it,
//! run against the sandbox.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::Receiver;

use lifepay_sandbox::{Options, Sandbox};

use crate::support::pascal::{compile, compiler, fresh, test_program, unit_file, MODES, STRICTEST};
use crate::support::server::{path_and_body, recorder};
use crate::support::{library, read_request, tools, Server};

pub(crate) const Z_REPORT: &str = "/cloud-print/create-z-report";
/// Without a locale, Free Pascal assumes that the system's code page is ASCII.
const LOCALES: [&str; 2] = ["C", "C.UTF-8"];

/// Returns flags that link a program with the library, which it loads otherwise.
pub(crate) fn linked() -> Vec<String> {
    let folder = library::folder();
    let _ = std::os::unix::fs::symlink("liblifepay.so", folder.join("liblifepay.so.0"));
    vec![
        "-dLIFEPAY_STATIC".into(),
        format!("-Fl{}", folder.display()),
        "-k-rpath".into(),
        format!("-k{}", folder.display()),
    ]
}

/// Runs the test program against its own sandbox. It must print nothing and free all its memory.
fn passes(runner: Option<Command>, program: &Path, mode: &str, locale: &str) {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let silent = Server::start(|mut stream, _| while read_request(&mut stream).is_some() {});
    let (server, received) = recorder();
    let folder = program.parent().unwrap();
    let files = folder.join("files");
    let _ = fs::remove_dir_all(&files);
    fs::create_dir_all(&files).unwrap();
    let heap = folder.join("heap");
    let _ = fs::remove_file(&heap);
    let under_valgrind = runner.is_some();
    let mut command = match runner {
        Some(mut runner) => {
            runner.arg(program);
            runner
        }
        None => Command::new(program),
    };
    let output = tools::run(
        command
            .args([sandbox.url(), silent.url(), server.url()])
            .arg(&files)
            .env("LC_ALL", locale)
            .env_remove("LIFEPAY_LOG")
            .env("HEAPTRC", format!("log={}", heap.display())),
    );
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
    if !under_valgrind {
        let heap = fs::read_to_string(heap).expect("the heap's report");
        assert!(heap.contains("\n0 unfreed memory blocks"), "{heap}");
    }
    assert_everything_arrived(&sandbox, mode);
    assert_the_documents_arrived(&received);
}

/// Checks the requests that the test program sends.
fn assert_everything_arrived(sandbox: &Sandbox, mode: &str) {
    let requests = sandbox.requests();
    let json = |ext_id: &str| {
        let request = requests
            .iter()
            .find(|request| request.ext_id.as_deref() == Some(ext_id))
            .unwrap_or_else(|| panic!("{ext_id} has not arrived"));
        let mut json = request.json.clone().expect("JSON");
        // The library may send 0 or omit it.
        json["test"] = 0.into();
        json
    };
    let expected = serde_json::json!({
        "test": 0,
        "apikey": "s3cr3t-apikey",
        "login": "79031234567",
        "cashier_name": "Ivanova",
        "cashier_inn": "500100732259",
        "target_serial": "00106304012797",
        "ext_id": "pascal-every-field",
        "callback_url": "https://example.com/callback",
        "callback_data": {"till": 1},
    });
    assert_eq!(json("pascal-every-field"), expected);
    assert_eq!(json("pascal-callback-data")["callback_data"], "till 1");
    let encodings: &[&str] = match mode {
        "delphi" => &["pascal-cp1251", "pascal-utf8"],
        _ => &["pascal-utf16"],
    };
    for ext_id in encodings {
        assert_eq!(json(ext_id)["cashier_name"], "Иванова", "{ext_id}");
    }
    let is_test = |json: &serde_json::Value| json["test"] == 1 || json["test"] == true;
    assert!(requests
        .iter()
        .any(|request| request.json.as_ref().is_some_and(is_test)));
}

/// Checks the requests that DocumentTests sends, in its order.
fn assert_the_documents_arrived(received: &Receiver<String>) {
    let body = |rest: &str| format!(r#"{{"apikey":"s3cr3t-apikey","login":"79031234567"{rest}}}"#);
    let expected = [
        body(r#","cashier_name":"Ivanova","target_serial":"00106304012797""#),
        body(r#","test":1,"ext_id":"pascal-document","n":1.50,  "a": [ ]"#),
        body(r#","test":1,"ext_id":"pascal-document""#),
        body(r#","n":1.50"#),
        body(r#","ext_id":"pascal-document-outbox","n":2"#),
    ];
    let requests: Vec<String> = received.try_iter().collect();
    assert_eq!(requests.len(), expected.len(), "{requests:?}");
    for (request, body) in requests.iter().zip(&expected) {
        assert_eq!(path_and_body(request), (Z_REPORT, body.as_str()));
    }
}

#[test]
fn the_unit_compiles_without_a_warning_a_note_or_a_hint() {
    if !tools::have("fpc") {
        return;
    }
    for mode in MODES {
        for flags in [&[][..], &["-dLIFEPAY_STATIC"], &["-Criot", "-O3"]] {
            let mut compiler = compiler("fpc", mode, &fresh("unit"));
            tools::run(compiler.args(STRICTEST).args(flags).arg(unit_file()));
        }
    }
}

#[test]
fn programs_pass_with_strings_of_octets() {
    if tools::have("fpc") {
        let program = compile(&test_program("Tests"), "octets", "delphi", &["-gh", "-gl"]);
        for locale in LOCALES {
            passes(None, &program, "delphi", locale);
        }
    }
}

#[test]
fn programs_pass_with_strings_of_utf16() {
    if tools::have("fpc") {
        let mode = "delphiunicode";
        let program = compile(&test_program("Tests"), "utf16", mode, &["-gh", "-gl"]);
        for locale in LOCALES {
            passes(None, &program, mode, locale);
        }
    }
}

#[test]
fn programs_pass_with_the_checks_that_a_project_may_set() {
    if tools::have("fpc") {
        let flags = ["-gh", "-Criot", "-Sy", "-O3"];
        let program = compile(&test_program("Tests"), "checked", "delphi", &flags);
        passes(None, &program, "delphi", "C.UTF-8");
    }
}

#[test]
fn programs_pass_when_they_are_linked_with_the_library() {
    if tools::have("fpc") {
        let linked = linked();
        let mut flags: Vec<&str> = linked.iter().map(String::as_str).collect();
        flags.push("-gh");
        let program = compile(&test_program("Tests"), "linked", "delphi", &flags);
        fs::remove_file(program.with_file_name("liblifepay.so.0")).unwrap();
        passes(None, &program, "delphi", "C.UTF-8");
    }
}

#[test]
fn programs_make_no_memory_error() {
    if tools::have("fpc") && tools::have("valgrind") {
        // With the heap of C, which valgrind can check.
        let flags = ["-Facmem", "-gv", "-dVALGRIND"];
        let program = compile(&test_program("Tests"), "valgrind", "delphi", &flags);
        passes(Some(tools::valgrind()), &program, "delphi", "C.UTF-8");
    }
}

/// Returns what Load prints about a file.
fn load_output(load: &Path, file: Option<&Path>) -> String {
    let mut command = Command::new(load);
    command.args(file).env("LC_ALL", "C.UTF-8");
    let output = tools::run(command.env_remove("LD_LIBRARY_PATH"));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.trim_end().to_owned()
}

#[test]
fn a_library_that_is_missing_or_wrong_is_a_clear_error() {
    if !tools::have("fpc") || !tools::have("gcc") {
        return;
    }
    for mode in MODES {
        let load = compile(
            &test_program("Load"),
            &format!("load-{mode}"),
            mode,
            &["-gl"],
        );
        let folder = load.parent().unwrap();
        assert_eq!(load_output(&load, None), env!("CARGO_PKG_VERSION"));
        fs::remove_file(folder.join("liblifepay.so.0")).unwrap();
        let missing = load_output(&load, None);
        assert!(
            missing.starts_with(&format!(
                "Библиотека liblifepay.so.0 не найдена. Положите 64-битную библиотеку рядом с \
                 программой, в папку {}/ (",
                folder.display()
            )),
            "{missing}"
        );
        assert_eq!(
            load_output(&load, Some(&library::path())),
            env!("CARGO_PKG_VERSION")
        );

        let none = folder.join("нет.so");
        let missing = load_output(&load, Some(&none));
        let expected = format!("Библиотека {} не найдена (", none.display());
        assert!(missing.starts_with(&expected), "{missing}");

        let other = folder.join("32-bit.so");
        fs::write(&other, [&b"\x7fELF\x01\x01\x01"[..], &[0; 100]].concat()).unwrap();
        let wrong = load_output(&load, Some(&other));
        let expected = format!(
            "Библиотека {} не загружается: она повреждена или другой разрядности. Этой программе \
             нужна 64-битная библиотека (",
            other.display()
        );
        assert!(wrong.starts_with(&expected), "{wrong}");

        let foreign = shared_object(folder, "foreign", "int lp_versions;");
        let expected = "не библиотека lifepay: в нем нет lp_version_number";
        assert_eq!(
            load_output(&load, Some(&foreign)),
            format!("Файл {} - {expected}", foreign.display())
        );

        let old = "unsigned lp_version_number(void) { return 99; }";
        let old = shared_object(folder, "old", old);
        let too_old = load_output(&load, Some(&old));
        let expected = format!(
            "Библиотека {} устарела: ее версия 0.0.99, а программе нужна 0.1.0 или новее (в ней нет \
             lp_config_init, lp_result_init, ",
            old.display()
        );
        assert!(too_old.starts_with(&expected), "{too_old}");
        assert!(!too_old.contains("lp_version_number"), "{too_old}");
    }
}

fn shared_object(folder: &Path, name: &str, source: &str) -> PathBuf {
    let file = folder.join(format!("{name}.c"));
    fs::write(&file, source).unwrap();
    let object = file.with_extension("so");
    let mut compiler = Command::new("gcc");
    compiler
        .args(["-shared", "-fPIC"])
        .arg(&file)
        .arg("-o")
        .arg(&object);
    tools::run(&mut compiler);
    object
}
