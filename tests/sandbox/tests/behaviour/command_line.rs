//! The command line: its help, its errors, and --open.

use std::net::TcpListener;

use crate::program::run;

/// What it prints to stderr when it ends with this code, and prints nothing else.
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
    let said = error(&["--port", &port.to_string()], 1);
    for part in [
        &format!("lifepay-sandbox: порт {port} занят другой программой."),
        &format!("http://127.0.0.1:{port}/ откроется её страница"),
        "закройте ту программу",
        "--port 0 ",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn an_address_of_another_machine_is_exit_code_1_and_says_what_to_do() {
    // Reserved for documentation: nobody's.
    let said = error(&["--port", "0", "--listen", "192.0.2.1"], 1);
    assert!(said.contains("192.0.2.1 у этого компьютера нет"), "{said}");
    assert!(said.contains("--listen 0.0.0.0"), "{said}");
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
