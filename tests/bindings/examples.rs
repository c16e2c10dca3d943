//! The console examples, which behave the same in every language.

#![cfg(target_os = "linux")]

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use lifepay_sandbox::{Options, Sandbox};

use super::pascal::Z_REPORT;
use crate::support::server::{path_and_body, recorder, ACCEPTED};
use crate::support::{respond, tools, Server};

/// Runs an example with arguments and asserts its exit status. Returns its output.
pub type ExitsWith<'a> = dyn Fn(i32, &[&str]) -> String + 'a;

/// Checks OpenShift.
pub fn opens_a_shift(exits_with: &ExitsWith) {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let url = sandbox.url();
    let common = ["--base-url", &url, "--ext-id", "shift-1", "--login"];
    let with = |more: &[&'static str]| [&common[..], more].concat();

    let name = ["79031234567", "--cashier-name", "Иванова"];
    let printed = exits_with(0, &with(&name));
    let document = &sandbox.documents()[0];
    assert!(
        printed.starts_with(&format!("uuid: {}\n", document.uuid)),
        "{printed}"
    );
    assert!(printed.contains("ext_id: shift-1\n"), "{printed}");
    let sent = sandbox.requests()[0].json.clone().unwrap();
    assert_eq!(sent["cashier_name"], "Иванова");

    let printed = exits_with(0, &with(&["79031234567", "--test"]));
    assert!(printed.contains("uuid: (none: test mode)"), "{printed}");
    let printed = exits_with(1, &with(&["70000000400"]));
    assert!(printed.contains("LP_DATA_ERROR (400)"), "{printed}");
    assert!(printed.contains("field: "), "{printed}");
    exits_with(2, &with(&[""]));
    exits_with(2, &["--unknown", "1"]);
    exits_with(2, &["--timeout-ms", "-1"]);
    exits_with(2, &["--login"]);
    let no_server = ["--base-url", "http://127.0.0.1:1", "--login", "79031234567"];
    let printed = exits_with(3, &no_server);
    assert!(printed.contains("nothing was sent"), "{printed}");
    let lost = ["79031234567", "--target-serial", "00000000000504"];
    let printed = exits_with(4, &[&with(&lost)[..], &["--ext-id", "shift-2"]].concat());
    assert!(printed.contains("unknown"), "{printed}");
    assert!(exits_with(0, &["--help"]).contains("Usage"));
}

/// Checks CloseShift.
pub fn closes_a_shift(exits_with: &ExitsWith) {
    let (server, received) = recorder();
    let printed = exits_with(0, &["79031234567", "Иванова", "0010", &server.url()]);
    let uuid = printed.lines().next().unwrap().strip_prefix("uuid: ");
    assert!(
        ACCEPTED.contains(&format!("\"{}\"", uuid.unwrap())),
        "{printed}"
    );
    let body = r#"{"apikey":"s3cr3t-apikey","login":"79031234567","cashier_name":"Иванова","target_serial":"0010"}"#;
    assert_eq!(path_and_body(&received.recv().unwrap()), (Z_REPORT, body));
    let refusal = r#"{"code":6080,"message":"","data":{}}"#;
    let refuses = Server::always(respond("200 OK", refusal));
    let printed = exits_with(1, &["79031234567", "", "", &refuses.url()]);
    assert!(printed.contains("(6080)"), "{printed}");
    exits_with(2, &[]);
    exits_with(2, &["", "", "", &server.url()]);
    exits_with(3, &["79031234567", "", "", "http://127.0.0.1:1"]);
    let portal = Server::always(respond("200 OK", "<html>"));
    let printed = exits_with(4, &["79031234567", "", "", &portal.url()]);
    assert!(printed.contains("personal account first"), "{printed}");
}

/// Checks OutboxTill. `program` returns a command that runs it.
pub fn loses_nothing_when_it_is_killed(file: &Path, program: impl Fn() -> Command) {
    // This server takes the request and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let till = |arguments: &[&str]| {
        let mut command = program();
        command
            .arg(file)
            .args(["79031234567", "shift-1", &url])
            .args(arguments)
            .env("LIFEPAY_APIKEY", "s3cr3t-apikey")
            .env_remove("LIFEPAY_LOG")
            .env("LC_ALL", "C.UTF-8");
        command
    };
    // The whole process group is killed, because a runtime may run the program as its child.
    let mut till_to_kill = till(&[]);
    std::os::unix::process::CommandExt::process_group(&mut till_to_kill, 0);
    let mut killed = till_to_kill.stdout(Stdio::null()).spawn().unwrap();
    let (mut request, _) = silent.accept().unwrap();
    request.read_exact(&mut [0; 16]).unwrap();
    let group = -i32::try_from(killed.id()).expect("a process");
    // SAFETY: kill takes only numbers.
    assert_eq!(unsafe { libc::kill(group, libc::SIGKILL) }, 0);
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

    let output = program().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let output = till(&[]).env("LIFEPAY_APIKEY", "").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}
