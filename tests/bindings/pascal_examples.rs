//! The Pascal examples, and the programs in the README and in the unit.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use lifepay_sandbox::{Options, Sandbox};

use super::examples;
use super::pascal::Z_REPORT;
use crate::support::pascal::{compile, example, fresh, unit_file, MODES};
use crate::support::server::{path_and_body, recorder, ACCEPTED};
use crate::support::tools;

fn exits_with(program: &Path, status: i32, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LIFEPAY_APIKEY", "s3cr3t-apikey")
        .env_remove("LIFEPAY_LOG")
        .env("LC_ALL", "C.UTF-8");
    let output = command.output().expect("it was compiled");
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8")
}

#[test]
fn the_example_opens_a_shift_and_prints_the_result() {
    if !tools::have("fpc") {
        return;
    }
    for mode in MODES {
        let program = compile(
            &example("OpenShift"),
            &format!("example-{mode}"),
            mode,
            &["-gl"],
        );
        let exits_with = |status: i32, arguments: &[&str]| exits_with(&program, status, arguments);
        examples::opens_a_shift(&exits_with);
        let printed = exits_with(3, &["--library", "none.so", "--login", "79031234567"]);
        assert!(printed.contains("none.so не найдена"), "{printed}");
    }
}

#[test]
fn the_example_closes_a_shift_and_prints_the_result() {
    if !tools::have("fpc") {
        return;
    }
    for mode in MODES {
        let name = format!("example-close-{mode}");
        let program = compile(&example("CloseShift"), &name, mode, &["-gl"]);
        examples::closes_a_shift(&|status, arguments| exits_with(&program, status, arguments));
    }
}

#[test]
fn the_outbox_example_loses_nothing_when_it_is_killed() {
    if !tools::have("fpc") {
        return;
    }
    let program = compile(&example("OutboxTill"), "example-outbox", "delphi", &["-gl"]);
    let file = program.with_file_name("shifts.db");
    examples::loses_nothing_when_it_is_killed(&file, || Command::new(&program));
}

#[test]
fn the_units_smallest_program_opens_a_shift() {
    if !tools::have("fpc") {
        return;
    }
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let source = fresh("readme-source").join("Till.dpr");
    let unit = fs::read_to_string(unit_file()).unwrap();
    let (_, example) = unit.split_once(" *\n *     Shift := ").unwrap();
    let (example, _) = example.split_once(" *\n").unwrap();
    let example = example.replace("\n *     ", "\n").replace(
        "      try\n",
        "      Shift.BaseUrl := 'http://127.0.0.1:8080';\n      try\n",
    );
    let example = example.replacen(
        "  try\n    WriteLn",
        "  Shift.BaseUrl := 'http://127.0.0.1:8080';\n  try\n    WriteLn",
        1,
    );
    let head = "program Till;\nuses cthreads, LifePay;\nvar Shift: TLifePay;\nbegin\nShift := ";
    let program = format!("{head}{example}\nend.\n");
    fs::write(
        &source,
        program.replace("http://127.0.0.1:8080", &sandbox.url()),
    )
    .unwrap();
    let program = compile(&source, "readme", "delphi", &[]);
    let output = tools::run(Command::new(program).env("LC_ALL", "C.UTF-8"));
    let expected = format!("accepted: {}\n", sandbox.documents()[0].uuid);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn the_units_z_report_is_sent() {
    if !tools::have("fpc") {
        return;
    }
    let unit = fs::read_to_string(unit_file()).unwrap();
    let (_, rest) = unit
        .split_once("as every other document is:\n *\n")
        .unwrap();
    let (example, _) = rest.split_once("\n *\n").unwrap();
    let (server, received) = recorder();
    let mut program =
        String::from("program Till;\nuses cthreads, LifePay;\nvar Shift: TLifePay;\n");
    program += "begin\n  Shift := TLifePay.Create('key', '79031234567');\n";
    program += "  Shift.ExtId := 'of-the-shift';\n";
    program += &format!("  Shift.BaseUrl := '{}';\n", server.url());
    program += &format!("\n{example}").replace("\n *    ", "\n");
    program += "\n  Shift.Free;\nend.\n";
    let source = fresh("z-report-source").join("Till.dpr");
    fs::write(&source, program).unwrap();
    let output = tools::run(&mut Command::new(compile(
        &source,
        "z-report",
        "delphi",
        &[],
    )));
    let printed = String::from_utf8(output.stdout).unwrap();
    let uuid = printed
        .trim_end()
        .strip_prefix("accepted: ")
        .expect("a uuid");
    assert!(ACCEPTED.contains(&format!("\"{uuid}\"")), "{printed}");
    let body = r#"{"apikey":"key","login":"79031234567"}"#;
    assert_eq!(path_and_body(&received.recv().unwrap()), (Z_REPORT, body));
}
