//! Shared by the drivers of the C programs: servers whose answers identify the request, and
//! functions that run a program.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use socket2::SockRef;

use super::{read_request, respond, Server};

/// Logins that select the answer; the same as in `check.h`.
const REJECTED_LOGIN: &str = "70000000400";
const FORBIDDEN_LOGIN: &str = "70000006080";

const REJECTED: &str = r#"{"code":400,"message":"Ошибка данных","data":{"cashier_inn":["ИНН неверен"],"target_serial":["Принтер не найден"]}}"#;
const FORBIDDEN: &str = r#"{"code":6080,"message":"Облачная фискализация запрещена","data":[]}"#;
/// An answer with numbers that floating point cannot represent.
const HUGE: &str = r#"{"code":0,"sum":1.8e308,"message":"","data":{"uuid":"huge","sum":-1.8e308,"rest":[1e-400,4.9e-324,123456789012345678901234567890]}}"#;

/// The requests that a server has received, in order: the number of the connection, and the body.
#[derive(Clone, Default)]
pub struct Received(Arc<Mutex<Vec<(usize, Value)>>>);

impl Received {
    /// Returns the number of the connection and the ext_id of each request.
    pub fn requests(&self) -> Vec<(usize, String)> {
        let received = self.0.lock().unwrap();
        let ext_id = |body: &Value| body["ext_id"].as_str().unwrap_or_default().to_owned();
        received
            .iter()
            .map(|(connection, body)| (*connection, ext_id(body)))
            .collect()
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn add(&self, connection: usize, body: Value) {
        self.0.lock().unwrap().push((connection, body));
    }
}

/// Accepts every request, with its ext_id as the document's uuid, so that a program recognizes its
/// own answer. Exceptions are the logins above and some ext_ids, see [`answer_to`]. The first
/// request with the ext_id `busy-once` is answered with 503.
pub fn echo_server() -> (Server, Received) {
    let received = Received::default();
    let seen = received.clone();
    let server = Server::start(move |mut stream, connection| {
        while let Some(request) = read_request(&mut stream) {
            let body = body_of(&request);
            let is_repeat = seen
                .requests()
                .iter()
                .any(|(_, ext_id)| *ext_id == body["ext_id"]);
            let answer = if body["ext_id"] == "busy-once" && !is_repeat {
                respond("503 Service Unavailable", "")
            } else {
                respond("200 OK", &answer_to(&body))
            };
            seen.add(connection, body);
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    });
    (server, received)
}

/// Accepts every request as [`echo_server`] does, but starts its answer after `before`, and pauses
/// for `between` after each byte.
pub fn slow_server(before: Duration, between: Duration) -> (Server, Received) {
    let received = Received::default();
    let seen = received.clone();
    let server = Server::start(move |mut stream, connection| {
        while let Some(request) = read_request(&mut stream) {
            let body = body_of(&request);
            let answer = respond("200 OK", &answer_to(&body));
            seen.add(connection, body);
            std::thread::sleep(before);
            for byte in answer {
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
                std::thread::sleep(between);
            }
        }
    });
    (server, received)
}

/// Reads requests and never answers.
pub fn silent_server() -> Server {
    Server::start(|mut stream, _| while read_request(&mut stream).is_some() {})
}

/// Returns the URL of a server that resets every connection as soon as its first byte has arrived.
/// For every second connection it first shuts down its own direction. Then the client gets EPIPE,
/// with SIGPIPE, instead of ECONNRESET.
pub fn resetting_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("accept");
            let _ = stream.read(&mut [0]);
            if number % 2 == 1 {
                let _ = stream.shutdown(Shutdown::Write);
            }
            // With a linger time of zero, closing resets the connection.
            let reset = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            reset.expect("a socket that can be reset");
        }
    });
    format!("http://{address}")
}

/// Returns the JSON of a request.
pub fn body_of(request: &str) -> Value {
    let (_, body) = request.split_once("\r\n\r\n").expect("a head and a body");
    serde_json::from_str(body).expect("a body in JSON")
}

/// Returns LifePay's answer to a request.
pub fn answer_to(body: &Value) -> String {
    match body["ext_id"].as_str() {
        Some("huge") => return HUGE.to_owned(),
        Some("huge-code") => return r#"{"code":1.8e308}"#.to_owned(),
        _ => {}
    }
    match body["login"].as_str() {
        Some(REJECTED_LOGIN) => REJECTED.to_owned(),
        Some(FORBIDDEN_LOGIN) => FORBIDDEN.to_owned(),
        _ if body["test"] == 1 => r#"{"code":0,"message":"","data":[]}"#.to_owned(),
        _ => {
            let ext_id = &body["ext_id"];
            format!(r#"{{"code":0,"message":"","data":{{"uuid":{ext_id}}}}}"#)
        }
    }
}

/// Runs a C program to its end. The library must print nothing, regardless of the environment.
pub fn run_program(program: &Path, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "1")
        .env_remove("LIFEPAY_LOG")
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    silent(program, &output);
}

/// Asserts that a program succeeded and printed nothing.
pub fn silent(program: &Path, output: &Output) {
    let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    let [stdout, stderr] = texts;
    assert!(
        output.status.success() && stdout.is_empty() && stderr.is_empty(),
        "{}: {}\n{stdout}\n{stderr}",
        program.display(),
        output.status,
    );
}
