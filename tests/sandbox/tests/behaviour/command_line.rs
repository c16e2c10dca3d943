//! The command line: help, errors, and --open.

use std::net::TcpListener;

use crate::program::run;

/// Runs the program and returns its stderr. Asserts its exit code and that stdout is empty.
fn error(arguments: &[&str], code: i32) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_bad_argument_is_exit_code_2_and_a_sentence_on_stderr() {
    assert_eq!(
        error(&["--port", "eighty"], 2),
        "lifepay-sandbox: --port: \"eighty\" не подходит, нужно: порт от 0 до 65535\n"
    );
}

#[test]
fn a_busy_port_is_exit_code_1_and_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let stderr = error(&["--port", &port.to_string()], 1);
    for part in [
        &format!("lifepay-sandbox: порт {port} занят другой программой."),
        &format!("http://127.0.0.1:{port}/ откроется её страница"),
        "закройте ту программу",
        "--port 0 ",
    ] {
        assert!(stderr.contains(part), "{part} is not in {stderr}");
    }
}

#[test]
fn an_address_of_another_machine_is_exit_code_1_and_says_what_to_do() {
    // This address is reserved for documentation, so no machine has it.
    let stderr = error(&["--port", "0", "--listen", "192.0.2.1"], 1);
    assert!(
        stderr.contains("192.0.2.1 у этого компьютера нет"),
        "{stderr}"
    );
    assert!(stderr.contains("--listen 0.0.0.0"), "{stderr}");
}

#[test]
fn help_and_version_are_printed() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    for row in lifepay_sandbox::magic::rows() {
        assert!(help.contains(row.value), "{row:?}");
    }
    assert!(help.contains("«listening on http://"), "{help}");
    let version = String::from_utf8(run(&["--version"]).stdout).unwrap();
    assert_eq!(
        version,
        concat!("lifepay-sandbox ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[cfg(target_os = "linux")]
mod open {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use crate::program::{Program, PROGRAM};
    use crate::LONG;

    /// Creates a folder that contains only an xdg-open with this script.
    fn desktop(name: &str, xdg_open: &str) -> PathBuf {
        let name = format!("lifepay-sandbox-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let script = folder.join("xdg-open");
        fs::write(&script, format!("#!/bin/sh\n{xdg_open}\n")).unwrap();
        fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    fn start(path: &PathBuf, arguments: &[&str]) -> Program {
        let mut command = Command::new(PROGRAM);
        command.env("PATH", path);
        Program::start_as(command, arguments)
    }

    #[test]
    fn the_page_is_opened_in_the_browser() {
        let folder = desktop(
            "browser",
            "echo \"$# $1\" >\"$0.new\"\n/bin/mv \"$0.new\" \"$0.told\"",
        );
        let program = start(&folder, &["--open"]);
        let record = folder.join("xdg-open.told");
        let started = Instant::now();
        while !record.exists() {
            assert!(started.elapsed() < LONG, "no browser was opened");
            std::thread::sleep(Duration::from_millis(10));
        }
        let url = format!("1 http://127.0.0.1:{}/\n", program.port);
        assert_eq!(fs::read_to_string(record).unwrap(), url);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn without_the_option_no_browser_is_opened() {
        let folder = desktop("no-browser", "echo >\"$0.told\"");
        let mut program = start(&folder, &[]);
        // By the time a request is answered, a browser would have been opened.
        crate::wire::Client::connect(program.port).ask(&crate::wire::shift(serde_json::json!({})));
        program.printed_until("answered");
        assert!(!folder.join("xdg-open.told").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_address_is_printed_if_no_browser_can_be_opened() {
        let failing = desktop("failing-browser", "exit 3");
        let none = failing.join("none");
        for path in [&failing, &none] {
            let mut program = start(path, &["--open"]);
            let printed = program.printed_until("браузер не открылся");
            let url = format!(
                "откройте страницу сами: http://127.0.0.1:{}/\n",
                program.port
            );
            assert!(printed.ends_with(&url), "{printed}");
            crate::wire::Client::connect(program.port)
                .ask(&crate::wire::shift(serde_json::json!({})))
                .uuid();
        }
        fs::remove_dir_all(failing).unwrap();
    }
}
