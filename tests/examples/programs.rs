//! The examples, built and run with their Makefile, as a new user would.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use lifepay_sandbox::{Options, Sandbox};
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;

use crate::support::makefile::{self, clean};
use crate::support::tools::{have, root, run, scratch, valgrind};
use crate::support::{by_name, wait, Server};

const APIKEY: &str = "s3cr3t-apikey";

/// The folder in which these tests build. Not the user's, which is left unchanged.
fn build() -> PathBuf {
    scratch("examples")
}

/// Builds the examples, once. None if a tool for it is missing.
fn built() -> Option<()> {
    static BUILT: OnceLock<Option<()>> = OnceLock::new();
    *BUILT.get_or_init(|| {
        let tools = ["make", "cc", "c++"].map(have);
        tools.iter().all(|found| *found).then(|| {
            run(&mut make("all"));
        })
    })
}

fn make(target: &str) -> Command {
    makefile::make(&build(), target)
}

/// Returns the command of an example with an apikey, a login and `arguments`, which are separated
/// by single spaces. Later options override earlier ones.
pub(crate) fn example(name: &str, base_url: &str, arguments: &str) -> Command {
    let mut command = clean(build().join(name));
    command
        .args(["--base-url", base_url, "--login", "79031234567"])
        .args(arguments.split(' ').filter(|_| !arguments.is_empty()))
        .env("LIFEPAY_APIKEY", APIKEY);
    command
}

/// Starts a sandbox for the examples. None if they cannot be built.
pub(crate) fn sandbox() -> Option<Sandbox> {
    built().map(|()| Sandbox::start(Options::default()).expect("a free port"))
}

/// Returns the text after `before` in the first line that contains it.
fn after<'a>(printed: &'a str, before: &str) -> &'a str {
    let line = printed.lines().find_map(|line| line.split_once(before));
    let (_, rest) = line.unwrap_or_else(|| panic!("{before:?} is not in {printed}"));
    rest
}

pub(crate) fn assert_has(printed: &str, part: &str) {
    assert!(printed.contains(part), "{part:?} is not in {printed}");
}

/// Asserts that the printed uuid is that of the sandbox's only document.
pub(crate) fn assert_uuid(printed: &str, sandbox: &Sandbox) {
    let documents = sandbox.documents().into_iter();
    let uuids: Vec<_> = documents.map(|document| document.uuid).collect();
    assert_eq!(uuids, [after(printed, "uuid: ")]);
}

/// Asserts that the sandbox that printed this does not run any more.
fn assert_stopped(printed: &str) {
    let address = after(printed, "listening on http://");
    assert!(TcpStream::connect(address).is_err(), "{address} still runs");
}

/// The exit status and the output of a program.
pub(crate) struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub(crate) fn end(command: &mut Command) -> Ended {
    Running::start(command).end()
}

/// A running program. It has its own process group, as a shell's job does. Its output goes to
/// files, because a pipe would stay open until the last of its children ends.
struct Running {
    child: Child,
    printed: [PathBuf; 2],
}

impl Running {
    fn start(command: &mut Command) -> Running {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let printed = ["stdout", "stderr"].map(|name| build().join(format!("{name}-{number}")));
        let [stdout, stderr] = printed.each_ref().map(|path| File::create(path).unwrap());
        let child = command.process_group(0).stdout(stdout).stderr(stderr);
        Running {
            child: child.spawn().expect("it was built"),
            printed,
        }
    }

    fn id(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("an id"))
    }

    fn wait_for_stderr(&self, text: &str) {
        // Not read_to_string, because the last character may be incomplete.
        let stderr = || fs::read(&self.printed[1]).expect("a file");
        wait::until(text, || String::from_utf8_lossy(&stderr()).contains(text));
    }

    /// Waits until it ends, which its own time limits guarantee.
    fn end(&mut self) -> Ended {
        let status = self.child.wait().expect("a child");
        let read = |path| fs::read_to_string(path).expect("UTF-8");
        let [stdout, stderr] = self.printed.each_ref().map(read);
        Ended {
            status: status.code(),
            stdout,
            stderr,
        }
    }

    /// Sends a signal to it or to its whole group, and asserts that it ends within `seconds`.
    fn interrupt(&mut self, to: Pid, signal: Signal, seconds: u64) -> Ended {
        let interrupted = Instant::now();
        kill(to, signal).expect("it runs");
        let ended = self.end();
        let took = interrupted.elapsed();
        assert!(took < Duration::from_secs(seconds), "{took:?}");
        ended
    }

    /// Cancels a call as Ctrl-C does. It must end within the second that the header promises.
    fn cancel(&mut self) -> Ended {
        let ended = self.interrupt(self.id(), Signal::SIGINT, 1);
        assert_has(&ended.stderr, "cancelled: LP_ERR_CANCELLED");
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = kill(Pid::from_raw(-self.id().as_raw()), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

#[test]
fn make_run_prints_the_sandboxs_log_and_the_uuid_and_leaves_no_sandbox() {
    let Some(()) = built() else { return };
    for name in [
        "open_shift",
        "open_shift_with_progress",
        "close_shift",
        "open_shift_cpp",
    ] {
        let ended = end(make("run").arg(format!("EXAMPLE={name}")));
        assert_eq!(ended.status, Some(0), "{}", ended.stderr);
        let uuid = after(&ended.stdout, "uuid: ");
        assert_has(&ended.stdout, &format!("answered code 0, uuid {uuid}, "));
        if name != "close_shift" {
            assert_has(&ended.stdout, ": 1 request, 1 document\n");
        }
        assert_stopped(&ended.stdout);
    }
}

#[test]
fn make_run_fails_if_the_example_does_and_leaves_no_sandbox() {
    let Some(()) = built() else { return };
    let ended = end(make("run").arg("ARGS=--login 70000006010"));
    assert_has(&ended.stdout, "answered code 6010, ");
    assert_has(&ended.stderr, "LP_CREDENTIALS_UNKNOWN (6010)");
    // make reports no more of a program's status.
    assert_has(&ended.stderr, "run] Error 1\n");
    assert_eq!(ended.status, Some(2));
    assert_stopped(&ended.stdout);
}

#[test]
fn make_run_leaves_no_sandbox_when_it_is_interrupted() {
    let Some(()) = built() else { return };
    // Ctrl-C reaches the whole process group, `kill` only make.
    for (to, signal) in [(-1, Signal::SIGINT), (1, Signal::SIGTERM)] {
        let slow = "ARGS=--target-serial 0408 --log trace";
        let mut running = Running::start(make("run").arg(slow));
        running.wait_for_stderr("log trace: ext_id=");
        let to = Pid::from_raw(to * running.id().as_raw());
        let ended = running.interrupt(to, signal, 5);
        assert_ne!(ended.status, Some(0));
        assert_stopped(&ended.stdout);
    }
}

#[test]
fn with_sandbox_ends_with_the_status_of_its_program_and_removes_its_port_file() {
    let Some(()) = built() else { return };
    for (serial, status) in [("00106304012797", 0), ("0404", 1), ("0504", 4)] {
        let port_file = build().join(format!("port-{serial}"));
        let mut command = clean(root().join("examples-c/with-sandbox.sh"));
        command.arg(build().join("lifepay-sandbox"));
        command.arg(build().join("open_shift"));
        command.args(["--login", "79031234567", "--target-serial", serial]);
        command.env("LIFEPAY_APIKEY", APIKEY);
        command.env("PORT_FILE", &port_file);
        let ended = end(&mut command);
        assert_eq!(ended.status, Some(status), "{}", ended.stderr);
        assert_stopped(&ended.stdout);
        assert!(!port_file.exists());
    }
    let mut command = clean(root().join("examples-c/with-sandbox.sh"));
    let ended = end(command.args(["false", "true"]));
    assert_eq!(ended.status, Some(1));
    assert_has(&ended.stderr, "The sandbox did not start.");
}

/// Runs an example and asserts its exit status and output. Success is reported on stdout,
/// everything else on stderr; the other stream must be empty.
pub(crate) fn assert_ends(
    name: &str,
    sandbox: &Sandbox,
    arguments: &str,
    status: i32,
    expected: &[&str],
) {
    let ended = end(&mut example(name, &sandbox.url(), arguments));
    assert_eq!(ended.status, Some(status), "{arguments} {}", ended.stderr);
    let mut printed = [ended.stdout, ended.stderr];
    printed.rotate_left(usize::from(status != 0));
    for part in expected {
        assert_has(&printed[0], part);
    }
    assert_eq!(printed[1], "", "{arguments}");
}

#[test]
#[rustfmt::skip]
fn each_example_ends_with_the_status_that_it_promises() {
    let Some(sandbox) = sandbox() else { return };
    let nowhere = Server::nowhere();
    let too_long = format!("--ext-id {}", "x".repeat(51));
    let no_server = format!("--base-url {nowhere}");
    let no_server_2_s = format!("--base-url {nowhere} --retry-delays-ms 2000,1");
    let no_proxy_server = format!("--proxy {nowhere}");
    let patient = "--target-serial 0503 --retry-for-ms forever --retry-delays-ms 100,200";
    let cases: &[(&str, i32, &[&str])] = &[
        ("", 0, &["uuid: ", "Accepted is not yet open"]),
        ("--test", 0, &["uuid: (none: test mode)\n"]),
        (patient, 0, &["uuid: "]),
        ("--login 70000006010", 1, &["LP_CREDENTIALS_UNKNOWN (6010)"]),
        ("--login 70000007777", 1, &["UNKNOWN (7777)", "outcome: LifePay has answered\n"]),
        ("--target-serial 0404", 1, &["field: target_serial: Принтер", "retry: only after a correction\n"]),
        ("--login ", 2, &["field: login: "]),
        (&too_long, 2, &["field: ext_id: ", "retry: after correcting the arguments\n"]),
        ("--base-url http://example.org", 2, &["field: base_url: "]),
        ("--ca-file /no/such/file", 2, &["field: ca_file: "]),
        ("--callback-data 1 --callback-data-json {}", 2, &["field: callback_data_json: "]),
        ("--nonsense", 2, &["unknown argument --nonsense"]),
        ("--ext-id", 2, &["--ext-id needs a value"]),
        ("--trust nobody", 2, &["--trust cannot be nobody"]),
        ("--timeout-ms -1", 2, &["--timeout-ms cannot be -1"]),
        ("--timeout-ms 4294967296", 2, &["--timeout-ms cannot be"]),
        ("--retry-delays-ms 1,,2", 2, &["--retry-delays-ms cannot be"]),
        (&no_server, 3, &["LP_ERR_NETWORK (-3)", "outcome: nothing was sent",
            "retry: in 60 s, with the same ext_id\n"]),
        (&no_server_2_s, 3, &["retry: in 2 s, with the same ext_id\n"]),
        (&no_proxy_server, 3, &["LP_ERR_NETWORK (-3)"]),
        ("--target-serial 0504", 4, &["outcome: unknown"]),
        ("--target-serial 0503", 4, &["http_status: 503\n"]),
        ("--target-serial 0200", 4, &["LP_ERR_REPLY (-7)"]),
        ("--target-serial 0408 --timeout-ms 300", 4, &["LP_ERR_TIMEOUT (-4)"]),
    ];
    for (arguments, status, expected) in cases {
        assert_ends("open_shift", &sandbox, arguments, *status, expected);
    }
    for (arguments, status, expected) in [
        ("", 0, "uuid: "),
        ("--login 70000006009", 1, "LP_LOGIN_UNKNOWN (6009)"),
        ("--login ", 2, "LP_ERR_ARGUMENT (-2)"),
        ("--nonsense", 2, "--nonsense is unknown"),
        (&no_server, 3, "attempt 1: LP_ERR_NETWORK"),
        ("--target-serial 0504", 4, "LP_ERR_NETWORK (-3)"),
    ] {
        assert_ends("open_shift_cpp", &sandbox, arguments, status, &[expected]);
    }
}

#[test]
fn open_shift_repeats_a_lost_answer_with_the_ext_id_that_it_printed() {
    let Some(sandbox) = sandbox() else { return };
    let mut lost = example("open_shift", &sandbox.url(), "--target-serial 0504");
    let ext_id = after(&end(&mut lost).stderr, "ext_id: ").to_owned();
    let ended = end(lost.args(["--ext-id", &ext_id]));
    assert_uuid(&ended.stdout, &sandbox);
    assert_eq!(sandbox.requests().len(), 2);
}

#[test]
#[rustfmt::skip]
fn open_shift_takes_every_option_and_sends_every_field() {
    let Some(sandbox) = sandbox() else { return };
    let given = [
        ("--apikey", "apikey", "another-apikey"),
        ("--login", "login", "79031234568"),
        ("--cashier-name", "cashier_name", "Иванова И. И."),
        ("--cashier-inn", "cashier_inn", "123456789012"),
        ("--target-serial", "target_serial", "00106304012797"),
        ("--ext-id", "ext_id", "00106304012797-2026-11-24-1"),
        ("--callback-url", "callback_url", "https://shop.test/lifepay"),
        ("--callback-data", "callback_data", "смена 1"),
    ];
    let others = "--test --trust bundled --proxy none --connect-timeout-ms 5000 --log trace";
    let mut command = example("open_shift", &sandbox.url(), others);
    for (option, _, value) in given {
        command.args([option, value]);
    }
    let ended = end(&mut command);
    assert_has(&ended.stderr, "log info: ");
    assert!(!ended.stderr.contains("another-apikey"), "{}", ended.stderr);
    let request = sandbox.requests().pop().expect("a request");
    for (_, field, value) in given {
        assert_eq!(request.field(field).unwrap(), value);
    }
    assert_eq!(request.field("test").unwrap(), 1);
    let json = r#"--callback-data-json {"shift":1}"#;
    run(&mut example("open_shift", &sandbox.url(), json));
    let request = sandbox.requests().pop().expect("a request");
    assert_eq!(request.field("callback_data").unwrap().to_string(), r#"{"shift":1}"#);
    assert_eq!(request.field("apikey").unwrap(), APIKEY);
}

#[test]
fn the_help_of_open_shift_has_an_option_for_every_field_that_concerns_it() {
    let Some(()) = built() else { return };
    let header = fs::read_to_string(root().join("include/lifepay.h")).unwrap();
    let (_, config) = header.split_once("typedef struct lp_config {").unwrap();
    let (config, _) = config.split_once("} lp_config;").unwrap();
    let no_option = "struct_size on_progress user_data retry_delay_count \
                     expires_after_ms concurrency keep_days path document_json";
    let fields = config.lines().filter_map(|line| line.strip_suffix(';'));
    let names = fields.filter_map(|field| field.rsplit([' ', '*']).next());
    let fields: Vec<&str> = names.filter(|name| !no_option.contains(name)).collect();
    assert!(fields.len() >= 18, "{fields:?}");
    let help = end(&mut example("open_shift", "", "--help")).stdout;
    for field in fields {
        assert_has(&help, &format!("\n  --{} ", field.replace('_', "-")));
    }
}

/// Starts `open_shift_with_progress` with pauses of seconds and a file of the test's own.
fn progress(store: &Path, base_url: &str, arguments: &str) -> Running {
    let mut command = example("open_shift_with_progress", base_url, arguments);
    Running::start(command.arg("--fast").arg("--store").arg(store))
}

/// Returns a path at which there is no file.
pub(crate) fn no_file(name: &str) -> PathBuf {
    let path = build().join(name);
    let _ = fs::remove_file(&path);
    path
}

#[test]
fn the_progress_example_counts_down_to_the_next_attempt_and_forgets_an_answered_ext_id() {
    let Some(sandbox) = sandbox() else { return };
    let store = no_file("counts-down");
    let ended = progress(&store, &sandbox.url(), "--target-serial 0503").end();
    assert_uuid(&ended.stdout, &sandbox);
    assert_has(&ended.stderr, "attempt 1: LP_ERR_HTTP, HTTP status 503\n");
    assert_has(&ended.stderr, "\rattempt 2 in 1 s ");
    let sent = sandbox.requests().pop().and_then(|request| request.ext_id);
    assert_has(&ended.stderr, &format!("ext_id: {}, new\n", sent.unwrap()));
    assert!(!store.exists());
    let ended = progress(&store, &sandbox.url(), "--login 70000006095").end();
    assert_eq!(ended.status, Some(1));
    assert!(!store.exists());
}

#[test]
fn the_progress_example_stops_in_a_pause_and_sends_the_stored_ext_id_at_the_next_start() {
    let Some(sandbox) = sandbox() else { return };
    let store = no_file("stops-in-a-pause");
    let mut running = progress(&store, &Server::nowhere(), "");
    running.wait_for_stderr("\rattempt 2 in ");
    let ended = running.cancel();
    assert_eq!(ended.status, Some(3));
    assert_has(&ended.stderr, "outcome: this run has sent nothing\n");
    let ext_id = after(&ended.stderr, "ext_id: ").trim_end_matches(", new");

    let ended = progress(&store, &sandbox.url(), "").end();
    assert_uuid(&ended.stdout, &sandbox);
    assert_has(&ended.stderr, &format!("ext_id: {ext_id}, again"));
    let sent = sandbox.requests().pop().and_then(|request| request.ext_id);
    assert_eq!(sent.as_deref(), Some(ext_id));
    assert!(!store.exists());
}

#[test]
fn the_progress_example_stops_while_it_waits_and_says_that_the_outcome_is_unknown() {
    let Some(sandbox) = sandbox() else { return };
    let store = no_file("stops-while-it-waits");
    let mut running = progress(&store, &sandbox.url(), "--target-serial 0408");
    assert!(sandbox.wait_for_requests(1, Duration::from_secs(10)));
    running.wait_for_stderr("attempt 1: waiting for LifePay's answer");
    let ended = running.cancel();
    assert_eq!(ended.status, Some(4));
    assert_has(&ended.stderr, "outcome: unknown");
    assert!(store.exists());
}

#[test]
fn the_progress_example_makes_one_document_even_if_it_is_killed() {
    let Some(sandbox) = sandbox() else { return };
    let store = no_file("is-killed");
    let mut running = progress(&store, &sandbox.url(), "--target-serial 0504");
    running.wait_for_stderr("\rattempt 2 in ");
    kill(running.id(), Signal::SIGKILL).unwrap();
    running.end();
    let ended = progress(&store, &sandbox.url(), "--target-serial 0504").end();
    assert_uuid(&ended.stdout, &sandbox);
    assert_eq!(sandbox.requests().len(), 2);
}

#[test]
fn the_progress_example_sends_nothing_if_the_stored_ext_id_is_old_or_cannot_be_read() {
    let Some(sandbox) = sandbox() else { return };
    let store = no_file("is-old");
    for stored in ["dabe3833-43ff-5e5c-a45e-9cff664503fd 1\n", "", "x"] {
        fs::write(&store, stored).unwrap();
        let ended = progress(&store, &sandbox.url(), "").end();
        assert_eq!(ended.status, Some(4), "{}", ended.stderr);
        assert_eq!(fs::read_to_string(&store).unwrap(), stored);
    }
    assert!(sandbox.requests().is_empty());
}

#[test]
fn the_examples_find_the_library_beside_themselves_and_the_static_one_has_it_inside() {
    let Some(sandbox) = sandbox().filter(|_| have("ldd")) else {
        return;
    };
    let linked = |name| end(clean("ldd").arg(build().join(name))).stdout;
    let beside = build().join("liblifepay.so.0");
    let beside = format!("liblifepay.so.0 => {} ", beside.display());
    for name in ["open_shift", "open_shift_with_progress", "open_shift_cpp"] {
        assert_has(&linked(name), &beside);
    }
    run(&mut make("static"));
    let linked = linked("open_shift_static");
    assert!(!linked.contains("lifepay.so"), "{linked}");
    let ended = end(&mut example("open_shift_static", &sandbox.url(), ""));
    assert_uuid(&ended.stdout, &sandbox);
}

#[test]
fn the_examples_leak_nothing() {
    let Some(sandbox) = sandbox().filter(|_| have("valgrind")) else {
        return;
    };
    for name in ["open_shift", "open_shift_cpp"] {
        // Not 1, with which valgrind ends if it finds something.
        for (arguments, status) in [("", 0), ("--target-serial 0504", 4)] {
            let example = example(name, &sandbox.url(), arguments);
            let mut command = valgrind();
            command.arg(example.get_program()).args(example.get_args());
            let ended = end(command.env("LIFEPAY_APIKEY", APIKEY));
            assert_eq!(ended.status, Some(status), "{name} {}", ended.stderr);
        }
    }
}

#[test]
fn the_library_that_make_builds_is_found_by_its_name() {
    if built().is_some() {
        by_name::find_it_in(&build(), "make");
    }
}
