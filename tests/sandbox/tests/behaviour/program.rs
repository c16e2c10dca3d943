//! The program: output, files, exit code.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use serde_json::json;

use crate::wire::{shift, Client};
use crate::LONG;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_lifepay-sandbox");

pub(crate) struct Program {
    child: Child,
    /// The lines of stdout. A thread reads them, so that waiting for a line has a time limit.
    lines: Receiver<String>,
    pub(crate) port: u16,
}

impl Program {
    fn start(arguments: &[&str]) -> Program {
        Program::start_as(Command::new(PROGRAM), arguments)
    }

    pub(crate) fn start_as(mut command: Command, arguments: &[&str]) -> Program {
        let mut child = command
            .args(["--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        // Created at once, so that the process is killed if anything below fails.
        let mut program = Program {
            child,
            lines,
            port: 0,
        };
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        let line = program.lines.recv_timeout(LONG).unwrap();
        let address = line.strip_prefix("listening on ").unwrap_or_default();
        let port = address.rsplit_once("://127.0.0.1:").map(|(_, port)| port);
        program.port = port.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        program
    }

    /// Waits for a line that contains `text`. Returns the output up to and including this line.
    pub(crate) fn printed_until(&mut self, text: &str) -> String {
        let mut printed = String::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(LONG) else {
                panic!("no {text} in {printed}");
            };
            printed += &format!("{line}\n");
            if line.contains(text) {
                return printed;
            }
        }
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

#[test]
fn each_request_is_printed_with_the_apikey_masked() {
    let mut program = Program::start(&[]);
    let mut client = Client::connect(program.port);
    let body = shift(json!({
        "ext_id": "00106304012797-2026-11-24-1",
        "target_serial": "0503",
        "cashier_name": "Иванова",
        "callback_url": "http://shop.test/key-of-a-test-42",
    }));
    client.ask(&body);
    let printed = program.printed_until("1 request, 0 documents");
    for part in [
        "#1 POST /cloud-print/create-session, connection 1",
        "ext_id 00106304012797-2026-11-24-1, login 79031234567, target_serial 0503, test -",
        "\"apikey\":\"***42\"",
        "http://shop.test/***42",
        "Иванова",
        "answered HTTP 503, not LifePay's JSON, ",
        " ms\n",
    ] {
        assert!(printed.contains(part), "{part} is not in {printed}");
    }
    assert!(!printed.contains("key-of"), "{printed}");

    let uuid = client.ask(&body).uuid();
    let printed = program.printed_until("2 requests, 1 document");
    assert!(
        printed.contains(&format!("answered code 0, uuid {uuid}, ")),
        "{printed}"
    );
    assert!(!printed.contains("warning"), "{printed}");

    client.ask(&shift(
        json!({"ext_id": "00106304012797-2026-11-24-1", "apikey": "short"}),
    ));
    let printed = program.printed_until("warning");
    assert!(printed.contains("\"apikey\":\"***\""), "{printed}");
    assert!(
        printed.ends_with("with a different body: callback_url, cashier_name, target_serial\n"),
        "{printed}"
    );
}

#[test]
fn the_console_says_what_the_page_says() {
    let mut command = Command::new(PROGRAM);
    command.env("TZ", "VLAT-10");
    let mut program = Program::start_as(command, &[]);
    let order = |order: &[u8]| {
        let mut client = Client::connect(program.port);
        let json = ["Content-Type: application/json"];
        client.send_to("localhost", "POST /sandbox/answer", &json, order);
        assert_eq!(client.receive().unwrap().unwrap().status, 200);
    };
    // A correction after a rejection is not a warning.
    let mut client = Client::connect(program.port);
    client.ask(&shift(json!({"ext_id": "a", "login": "70000006009"})));
    client
        .ask(&shift(json!({"ext_id": "a", "login": "79030000000"})))
        .uuid();
    let lost = shift(json!({"ext_id": "b"}));
    order(br#"{"answer":"lost","count":1}"#);
    client.post(&lost);
    assert!(client.receive().unwrap().is_none());
    let mut client = Client::connect(program.port);
    client.ask(&shift(json!({"ext_id": "c"}))).uuid();
    client.ask(&lost).uuid();
    let body = shift(json!({"ext_id": "d"})).to_string();
    client.send("POST /cloud-print/create-session", &[], body.as_bytes());
    client.receive().unwrap().unwrap().uuid();

    let printed = program.printed_until("ext_id d: ");
    for part in [
        "corrected after a rejection: login\n",
        "warning: second document, the till has not learnt of the first one with ext_id b\n",
        "#4 made no second document after all: the till now knows the first one\n",
        "Content-Type: Ожидается application/json",
    ] {
        assert!(printed.contains(part), "{part} is not in {printed}");
    }
    assert_eq!(printed.matches("warning").count(), 1, "{printed}");
    // The time is local.
    let shown: u64 = printed
        .rsplit("\n")
        .find_map(|line| line.split_once(':')?.0.parse().ok())
        .unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let hour = now.as_secs() / 3600 + 10;
    assert!([hour % 24, (hour + 23) % 24].contains(&shown), "{printed}");
}

#[test]
fn each_path_is_printed_with_its_own_counts() {
    let mut program = Program::start(&[]);
    let ext_id = json!({"ext_id": "a"});
    for (path, count) in [
        ("/cloud-print/create-session", "1 request, 1 document"),
        ("/cloud-print/create-z-report", "1 request, 1 document"),
        ("/cloud-print/create-z-report", "2 requests, 1 document"),
    ] {
        let mut client = Client::connect(program.port);
        client.post_to(path, &shift(ext_id.clone()));
        client.receive().unwrap().unwrap().uuid();
        let printed = program.printed_until("ext_id a: ");
        assert!(printed.contains(&format!(" POST {path}, ")), "{printed}");
        assert!(printed.contains(count), "{printed}");
        assert!(!printed.contains("warning"), "{printed}");
    }
}

#[test]
fn the_apikey_is_masked_where_it_does_not_belong() {
    let mut program = Program::start(&[]);
    let mut client = Client::connect(program.port);
    client.ask(&shift(
        json!({"ext_id": "key-of-a-test-42", "key-of-a-test-42": 1}),
    ));
    let printed = program.printed_until("1 request, 0 documents");
    assert!(printed.contains("ext_id ***42"), "{printed}");
    assert!(!printed.contains("key-of"), "{printed}");
}

#[test]
fn a_short_apikey_and_one_that_is_a_word_of_ours_are_masked_in_their_field_only() {
    let mut program = Program::start(&[]);
    let mut client = Client::connect(program.port);
    for apikey in ["test", "session", "connection"] {
        client.ask(&shift(
            json!({"apikey": apikey, "ext_id": "test-1", "test": 0}),
        ));
        let printed = program.printed_until("ext_id test-1: ");
        for part in [
            "POST /cloud-print/create-session, connection 1",
            "ext_id test-1, login 79031234567, target_serial -, test 0",
        ] {
            assert!(printed.contains(part), "{part} is not in {printed}");
        }
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let mut program = Program::start(&[]);
    let mut client = Client::connect(program.port);
    client.ask(&shift(json!({"ext_id": "a\u{1b}[2J"})));
    let printed = program.printed_until("1 request, 1 document");
    assert!(printed.contains("ext_id a\\u{1b}[2J, login"), "{printed}");
    assert!(!printed.contains('\u{1b}'), "{printed}");
}

#[test]
fn the_apikey_of_a_body_that_is_not_json_is_not_printed() {
    let mut program = Program::start(&[]);
    let mut client = Client::connect(program.port);
    client.send(
        "POST /cloud-print/create-session",
        &[],
        b"apikey=key-of-a-test-42",
    );
    client.receive().unwrap();
    let printed = program.printed_until("answered");
    assert!(printed.contains("body apikey=***42\n"), "{printed}");
    assert!(!printed.contains("key-of"), "{printed}");
}

#[test]
fn the_beginning_of_a_long_body_is_printed() {
    let mut program = Program::start(&[]);
    let mut client = Client::connect(program.port);
    let body = shift(json!({"ext_id": "a", "callback_data": "ж".repeat(10_000)}));
    client.ask(&body).uuid();
    let printed = program.printed_until("ext_id a: ");
    assert!(printed.chars().count() < 3000, "{printed}");
    let size = format!(
        "… ({} bytes)",
        body.to_string().replace("key-of-a-test-", "***").len()
    );
    assert!(printed.contains(&size), "{printed}");
}

#[test]
fn a_failed_notification_is_printed_and_the_document_stands() {
    // Bound and closed again, so that nothing listens there.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut program = Program::start(&["--notify"]);
    let mut client = Client::connect(program.port);
    for (url, reason) in [
        (format!("http://{closed}/key-of-a-test-42"), "failed: "),
        ("ftp://shop.test/".to_owned(), "нужен http://"),
    ] {
        client.ask(&shift(json!({"callback_url": url}))).uuid();
        let printed = program.printed_until("notification to ");
        assert!(printed.contains(reason), "{printed}");
        assert!(!printed.contains("key-of"), "{printed}");
    }
}

#[test]
fn errors_of_a_request_are_printed_by_field() {
    let mut program = Program::start(&[]);
    let mut client = Client::connect(program.port);
    client.ask(&json!({"ext_id": "a"}));
    let printed = program.printed_until("1 request, 0 documents");
    for part in [
        "answered code 400, ",
        "\n    apikey: Обязательное поле.\n",
        "\n    login: Обязательное поле.\n",
    ] {
        assert!(printed.contains(part), "{part} is not in {printed}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_cleanly_and_quiet_prints_one_line() {
    for signal in ["-TERM", "-INT"] {
        let mut program = Program::start(&["--quiet"]);
        Client::connect(program.port).ask(&shift(json!({})));
        program.signal(signal);
        let end = program.lines.recv_timeout(LONG);
        assert_eq!(end, Err(RecvTimeoutError::Disconnected), "{signal}");
        assert_eq!(program.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

/// The output does not fit in the pipe, so that the end comes before the last lines are written.
#[cfg(unix)]
#[test]
fn requests_that_were_answered_are_printed_before_a_signal_ends_it() {
    const REQUESTS: usize = 60;
    let mut child = Command::new(PROGRAM)
        .args(["--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let port = line.trim_end().rsplit_once(':').unwrap().1.parse().unwrap();
    let mut client = Client::connect(port);
    for _ in 0..REQUESTS {
        client.ask(&shift(json!({"target_serial": "x".repeat(3000)})));
    }
    let id = child.id().to_string();
    let killed = Command::new("kill").arg(id).status().unwrap();
    assert!(killed.success());
    std::thread::sleep(Duration::from_millis(100));
    let mut printed = String::new();
    stdout.read_to_string(&mut printed).unwrap();
    assert_eq!(printed.matches("\n    answered code ").count(), REQUESTS);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn with_few_file_descriptors_idle_connections_do_not_lock_out_the_page() {
    let mut shell = Command::new("sh");
    let script = "ulimit -n 64; exec \"$0\" \"$@\"";
    shell.args(["-c", script, PROGRAM]);
    let program = Program::start_as(shell, &["--quiet"]);
    let idle: Vec<_> = (0..100).map(|_| Client::connect(program.port)).collect();
    let mut page = Client::connect(program.port);
    page.send_to("localhost", "GET /", &[], b"");
    assert_eq!(page.receive().unwrap().unwrap().status, 200);
    drop(idle);
}

#[test]
fn the_port_file_holds_the_port() {
    let name = format!("lifepay-sandbox-port-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let program = Program::start(&["--port-file", path.to_str().unwrap()]);
    // The file exists before the first request is accepted.
    Client::connect(program.port).ask(&shift(json!({})));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("{}\n", program.port));
    fs::remove_file(&path).unwrap();
}

#[test]
fn the_page_and_the_certificate_to_trust_are_named() {
    let name = format!("lifepay-sandbox-ca-{}.pem", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut program = Program::start(&["--tls", "--ca-file", path.to_str().unwrap()]);
    let printed = program.printed_until("trust ");
    let page = format!("page http://127.0.0.1:{}/\n", program.port);
    assert!(printed.contains(&page), "{printed}");
    assert!(printed.contains(path.to_str().unwrap()), "{printed}");
    let pem = fs::read_to_string(&path).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    assert!(!pem.contains("PRIVATE KEY"), "{pem}");
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_handshake_that_fails_is_printed() {
    let name = format!("lifepay-sandbox-ca-{}-unused.pem", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut program = Program::start(&["--tls", "--ca-file", path.to_str().unwrap()]);
    // The first byte of a handshake, followed by other data.
    Client::connect(program.port).write(b"\x16\x03\x01\x00\x05nope!");
    let printed = program.printed_until("TLS failed: ");
    let reason = "connection 1: TLS failed: это не TLS (";
    assert!(printed.contains(reason), "{printed}");
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_port_file_that_cannot_be_written_is_exit_code_1() {
    let output = run(&["--port", "0", "--port-file", "/no/such/folder/port"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("/no/such/folder/port"), "{stderr}");
}

#[test]
fn a_reader_that_does_not_read_blocks_nothing() {
    let program = Program::start(&[]);
    let mut client = Client::connect(program.port);
    let long = "x".repeat(1000);
    // Far more output than fits in a pipe.
    for number in 0..300 {
        let ext_id = number.to_string();
        let body = shift(json!({"ext_id": ext_id, "callback_data": long}));
        client.ask(&body).uuid();
    }
}
