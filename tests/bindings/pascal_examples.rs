//! The examples in Pascal, and the programs in its README and in the unit.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use lifepay_sandbox::{Options, Sandbox};

use super::pascal::Z_REPORT;
use crate::support::pascal::{compile, example, fresh, unit_file, MODES};
use crate::support::server::{path_and_body, recorder, ACCEPTED};
use crate::support::{respond, tools, Server};

fn open_shift(program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LIFEPAY_APIKEY", "s3cr3t-apikey")
        .env_remove("LIFEPAY_LOG")
        .env("LC_ALL", "C.UTF-8");
    command.output().expect("it was compiled")
}

#[test]
fn the_example_opens_a_shift_and_tells_what_came_of_it() {
    if !tools::have("fpc") {
        return;
    }
    for mode in MODES {
        let sandbox = Sandbox::start(Options::default()).unwrap();
        let url = sandbox.url();
        let program = compile(
            &example("OpenShift"),
            &format!("example-{mode}"),
            mode,
            &["-gl"],
        );
        let ends = |status: i32, arguments: &[&str]| {
            let output = open_shift(&program, arguments);
            assert_eq!(output.status.code(), Some(status), "{output:?}");
            let text = [output.stdout, output.stderr].concat();
            String::from_utf8(text).expect("UTF-8")
        };
        let common = ["--base-url", &url, "--ext-id", "shift-1", "--login"];
        let with = |more: &[&'static str]| [&common[..], more].concat();

        let name = ["79031234567", "--cashier-name", "Иванова"];
        let printed = ends(0, &with(&name));
        let document = &sandbox.documents()[0];
        assert!(printed.contains(&format!("uuid: {}\n", document.uuid)));
        assert!(printed.contains("ext_id: shift-1\n"), "{printed}");
        let sent = sandbox.requests()[0].json.clone().unwrap();
        assert_eq!(sent["cashier_name"], "Иванова");

        let printed = ends(0, &with(&["79031234567", "--test"]));
        assert!(printed.contains("uuid: (none: test mode)"), "{printed}");
        let printed = ends(1, &with(&["70000000400"]));
        assert!(printed.contains("LP_DATA_ERROR (400)"), "{printed}");
        assert!(printed.contains("field: "), "{printed}");
        ends(2, &with(&[""]));
        ends(2, &["--unknown", "1"]);
        ends(2, &["--timeout-ms", "-1"]);
        ends(2, &["--login"]);
        let nobody = ["--base-url", "http://127.0.0.1:1", "--login", "79031234567"];
        let printed = ends(3, &nobody);
        assert!(printed.contains("nothing was sent"), "{printed}");
        let lost = ["79031234567", "--target-serial", "00000000000504"];
        let printed = ends(4, &[&with(&lost)[..], &["--ext-id", "shift-2"]].concat());
        assert!(printed.contains("unknown"), "{printed}");
        let printed = ends(3, &["--library", "none.so", "--login", "79031234567"]);
        assert!(printed.contains("none.so не найдена"), "{printed}");
        assert!(ends(0, &["--help"]).contains("Usage"));
    }
}

#[test]
fn the_example_closes_a_shift_and_tells_what_came_of_it() {
    if !tools::have("fpc") {
        return;
    }
    for mode in MODES {
        let name = format!("example-close-{mode}");
        let program = compile(&example("CloseShift"), &name, mode, &["-gl"]);
        let ends = |status: i32, arguments: &[&str]| {
            let output = open_shift(&program, arguments);
            assert_eq!(output.status.code(), Some(status), "{output:?}");
            let text = [output.stdout, output.stderr].concat();
            String::from_utf8(text).expect("UTF-8")
        };
        let (taker, taken) = recorder();
        let printed = ends(0, &["79031234567", "Иванова", "0010", &taker.url()]);
        let uuid = printed.lines().next().unwrap().strip_prefix("uuid: ");
        assert!(
            ACCEPTED.contains(&format!("\"{}\"", uuid.unwrap())),
            "{printed}"
        );
        let body = r#"{"apikey":"s3cr3t-apikey","login":"79031234567","cashier_name":"Иванова","target_serial":"0010"}"#;
        assert_eq!(path_and_body(&taken.recv().unwrap()), (Z_REPORT, body));

        let refusal = r#"{"code":6080,"message":"","data":{}}"#;
        let refuses = Server::always(respond("200 OK", refusal));
        let printed = ends(1, &["79031234567", "", "", &refuses.url()]);
        assert!(printed.contains("(6080)"), "{printed}");
        assert!(!printed.contains("personal account first"), "{printed}");
        ends(2, &[]);
        ends(2, &["", "", "", &taker.url()]);
        ends(3, &["79031234567", "", "", "http://127.0.0.1:1"]);
        let portal = Server::always(respond("200 OK", "<html>"));
        let printed = ends(4, &["79031234567", "", "", &portal.url()]);
        assert!(printed.contains("personal account first"), "{printed}");
    }
}

#[test]
fn the_outbox_example_loses_nothing_when_it_is_killed() {
    if !tools::have("fpc") {
        return;
    }
    let program = compile(&example("OutboxTill"), "example-outbox", "delphi", &["-gl"]);
    // It takes the request and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let file = program.with_file_name("shifts.db");
    let till = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command
            .arg(&file)
            .args(["79031234567", "shift-1", &url])
            .args(arguments)
            .env("LIFEPAY_APIKEY", "s3cr3t-apikey")
            .env_remove("LIFEPAY_LOG")
            .env("LC_ALL", "C.UTF-8");
        command
    };
    let mut killed = till(&[]).stdout(Stdio::null()).spawn().unwrap();
    let (mut request, _) = silent.accept().unwrap();
    request.read_exact(&mut [0; 16]).unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    drop((request, silent));

    let options = Options {
        port,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).unwrap();
    let output = tools::run(&mut till(&["30"]));
    let printed = String::from_utf8(output.stdout).unwrap();
    let documents = sandbox.documents();
    assert_eq!(documents.len(), 1, "{printed}");
    assert!(printed.starts_with("entry: shift-1 of "), "{printed}");
    assert!(
        printed.contains(&format!("uuid: {}\n", documents[0].uuid)),
        "{printed}"
    );
    assert!(printed.ends_with("pending: 0\n"), "{printed}");

    let output = Command::new(&program).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let output = till(&[]).env("LIFEPAY_APIKEY", "").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn the_readmes_and_the_units_smallest_programs_open_a_shift() {
    if !tools::have("fpc") {
        return;
    }
    let readme = fs::read_to_string(tools::root().join("README.md")).unwrap();
    let program = &tools::blocks(&readme, "pascal")[0];
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let source = fresh("readme-source").join("Till.dpr");
    let told = |program: &str| {
        fs::write(
            &source,
            program.replace("http://127.0.0.1:8080", &sandbox.url()),
        )
        .unwrap();
        let program = compile(&source, "readme", "delphi", &[]);
        let output = tools::run(Command::new(program).env("LC_ALL", "C.UTF-8"));
        String::from_utf8(output.stdout).unwrap()
    };
    let printed = told(program);
    let expected = format!("accepted: {}\n", sandbox.documents()[0].uuid);
    assert_eq!(printed, expected);

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
    assert_eq!(told(&format!("{head}{example}\nend.\n")), expected);
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
    let (taker, taken) = recorder();
    let mut program =
        String::from("program Till;\nuses cthreads, LifePay;\nvar Shift: TLifePay;\n");
    program += "begin\n  Shift := TLifePay.Create('key', '79031234567');\n";
    program += "  Shift.ExtId := 'of-the-shift';\n";
    program += &format!("  Shift.BaseUrl := '{}';\n", taker.url());
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
    assert_eq!(path_and_body(&taken.recv().unwrap()), (Z_REPORT, body));
}
