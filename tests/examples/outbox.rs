//! The outbox example: a till that is killed and restarted loses no shift.

#![cfg(target_os = "linux")]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;

use lifepay_sandbox::{Options, Sandbox};
use socket2::{Domain, Socket, Type};

use crate::support::child::Killed;
use crate::support::makefile::{clean, make};
use crate::support::tools::{have, run, scratch};
use crate::support::wait;

/// The folder in which these tests build. Not that of programs.rs, which runs at the same time.
fn build() -> PathBuf {
    scratch("examples-outbox")
}

/// Builds the example, once. None if a tool for it is missing.
fn built() -> Option<()> {
    static BUILT: OnceLock<Option<()>> = OnceLock::new();
    *BUILT.get_or_init(|| {
        let tools = ["make", "cc"].map(have);
        tools.iter().all(|found| *found).then(|| {
            run(&mut make(&build(), build().join("outbox")));
        })
    })
}

/// A till with its own file, and the port on which the sandbox listens or will listen.
struct Till {
    folder: PathBuf,
    port: u16,
}

impl Till {
    /// None if the example cannot be built.
    fn new(name: &str, port: u16) -> Option<Till> {
        built()?;
        let folder = build().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Some(Till { folder, port })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(build().join("outbox"));
        command
            .arg("--base-url")
            .arg(format!("http://127.0.0.1:{}", self.port))
            .arg("--file")
            .arg(self.folder.join("shifts.db"))
            .args(["--login", "79031234567", "--retry-delay-ms", "100"])
            .args(arguments)
            .env("LIFEPAY_APIKEY", "s3cr3t-apikey");
        command
    }

    /// Runs the example, asserts its exit status and returns its stdout.
    fn ends(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("it was built");
        let Output { stdout, stderr, .. } = &output;
        let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8_lossy(text));
        let context = format!("{arguments:?}: {stdout}{stderr}");
        assert_eq!(output.status.code(), Some(status), "{context}");
        stdout.into_owned()
    }

    /// Runs a till that has stored `ext_id` on disk and is killed before it reaches LifePay.
    fn is_killed_submitting(&self, ext_id: &str) {
        let printed = self.folder.join("printed");
        let stdout = fs::File::create(&printed).expect("a file");
        let command = &mut self.command(&["submit", ext_id]);
        let mut running = Killed(command.stdout(stdout).spawn().expect("it was built"));
        wait::until("it is on disk", || {
            String::from_utf8_lossy(&fs::read(&printed).expect("a file")).contains(ext_id)
        });
        let ended = running.0.try_wait().expect("a child");
        assert_eq!(ended, None, "it waits for the outcome");
    }
}

/// Returns a port on which nothing listens. It stays bound, and a sandbox can share it later.
fn silent_port() -> u16 {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).expect("a free port");
    let address = socket.local_addr().expect("an address").as_socket();
    std::mem::forget(socket);
    address.expect("an internet address").port()
}

fn sandbox(port: u16) -> Sandbox {
    let options = Options {
        port,
        ..Options::default()
    };
    Sandbox::start(options).expect("a free port")
}

fn assert_has(printed: &str, part: &str) {
    assert!(printed.contains(part), "{part:?} is not in {printed}");
}

/// Asserts that the printed uuid is that of the sandbox's only document.
fn assert_uuid(printed: &str, sandbox: &Sandbox) {
    let documents = sandbox.documents();
    assert_eq!(documents.len(), 1, "{printed}");
    assert_has(printed, &format!("uuid: {}", documents[0].uuid));
}

#[test]
fn submit_prints_the_uuid_and_that_the_shift_may_not_be_open_yet() {
    let sandbox = sandbox(0);
    let Some(till) = Till::new("submit", sandbox.port()) else {
        return;
    };
    let printed = till.ends(0, &["submit", "shift-1"]);
    assert_uuid(&printed, &sandbox);
    assert_has(&printed, "not yet open");
    assert_uuid(&till.ends(0, &["submit", "shift-1"]), &sandbox);
    till.ends(0, &["submit"]);
    assert_eq!(sandbox.documents().len(), 2, "an ext_id was made");
}

#[test]
fn a_rejected_shift_ends_with_1() {
    let sandbox = sandbox(0);
    let Some(till) = Till::new("rejected", sandbox.port()) else {
        return;
    };
    let printed = till.ends(1, &["--login", "70000006010", "submit", "shift-1"]);
    assert_has(&printed, "LP_CREDENTIALS_UNKNOWN");
}

#[test]
fn a_killed_till_continues_with_run() {
    let port = silent_port();
    let Some(till) = Till::new("killed", port) else {
        return;
    };
    till.is_killed_submitting("shift-1");
    let listed = till.ends(0, &["list"]);
    assert_has(&listed, "shift-1");
    assert_has(&listed, "LP_PENDING");

    let sandbox = sandbox(port);
    let printed = till.ends(0, &["run"]);
    assert_has(&printed, "shift-1");
    assert_uuid(&printed, &sandbox);
    assert_has(&till.ends(0, &["list"]), "LP_OK");
}

#[test]
fn a_cancelled_shift_can_be_forgotten_and_is_never_sent() {
    let port = silent_port();
    let Some(till) = Till::new("cancelled", port) else {
        return;
    };
    till.is_killed_submitting("shift-1");
    till.ends(2, &["forget", "shift-1"]);
    till.ends(0, &["cancel", "shift-1"]);
    assert_has(&till.ends(0, &["list"]), "LP_ERR_CANCELLED");
    till.ends(0, &["forget", "shift-1"]);
    assert_eq!(till.ends(0, &["list"]), "");
    till.ends(4, &["forget", "shift-1"]);

    let sandbox = sandbox(port);
    till.ends(0, &["run"]);
    assert_eq!(sandbox.documents().len(), 0);
}

#[test]
fn wrong_arguments_end_with_2() {
    let Some(till) = Till::new("wrong", silent_port()) else {
        return;
    };
    till.ends(2, &[]);
    till.ends(2, &["open"]);
}
