//! The rows: the fault, its phase, and the expected result.

use super::expected::Expected;
use super::{after_request, before_answer, FAULTS, PHASES};
use crate::support::fault_server::{Hears, Step};
use crate::support::respond;
use crate::support::server::ACCEPTED;

pub const GIB: u64 = 1 << 30;
/// The size of callback_data in bytes that makes a request exceed all buffers on the way.
pub const SENT: usize = 4 * 1024 * 1024;

/// Where a fault occurs.
#[derive(Clone)]
pub enum Place {
    /// In the lookup of a name, which has this answer. A second answer replaces it after a second.
    Name(&'static [&'static str]),
    /// At a port that refuses connections.
    Refused(Transport),
    /// At a port whose listen queue is full.
    Full,
    /// At a server, which performs these steps once it has read this part of the input.
    Connected(Transport, Hears, Vec<Step>),
}

/// How the call reaches LifePay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    Http,
    /// The fault is inside TLS.
    Https,
    Proxy,
    /// The fault takes the place of TLS.
    BeforeTls,
}

pub struct Row {
    pub phase: &'static str,
    pub fault: &'static str,
    /// A more precise description of the fault.
    pub how: String,
    pub place: Place,
    pub expected: Expected,
}

#[derive(Default)]
pub struct Table(pub Vec<Row>);

impl Table {
    pub fn add(
        &mut self,
        phase: &'static str,
        fault: &'static str,
        how: &str,
        place: Place,
        expected: Expected,
    ) {
        assert!(
            PHASES.contains(&phase) && FAULTS.contains(&fault),
            "{phase} {fault}"
        );
        self.0.push(Row {
            phase,
            fault,
            how: how.to_owned(),
            place,
            expected,
        });
    }

    /// Adds two rows for a fault after the request: over HTTP and over TLS.
    pub fn exchange(
        &mut self,
        phase: &'static str,
        fault: &'static str,
        how: &str,
        steps: &[Step],
        expected: impl Fn() -> Expected,
    ) {
        for (transport, scheme) in [(Transport::Http, "http"), (Transport::Https, "https")] {
            let place = Place::Connected(transport, Hears::Request, steps.to_vec());
            self.add(phase, fault, &format!("{how}, {scheme}"), place, expected());
        }
    }
}

pub fn write(text: impl AsRef<[u8]>) -> Step {
    Step::Write(text.as_ref().to_vec())
}

/// Writes a response head with these lines, and `body` after it.
pub fn head(status: &str, lines: &[&str], body: &str) -> Step {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    write(format!("HTTP/1.1 {status}\r\n{lines}\r\n{body}"))
}

pub const HTML: &str = "<html><body>Войдите в сеть</body></html>";
/// `ACCEPTED`, compressed with Python's gzip module.
pub const GZIP: &[u8] = include_bytes!("accepted.json.gz");

/// Returns the description and the steps of a fault that can replace any reply.
pub fn generic_fault(fault: &str) -> (&'static str, Vec<Step>) {
    let length = format!("Content-Length: {}", ACCEPTED.len());
    match fault {
        "reset" => ("RST", vec![Step::Reset]),
        "silence" => ("nothing is sent", vec![Step::Silence]),
        "a byte a second" => (
            "HTTP/1.1 200 OK, slowly",
            vec![Step::Trickle(respond("200 OK", ACCEPTED))],
        ),
        "half a reply" => (
            "closed within the status line",
            vec![write("HTTP/1.1 2"), Step::Close],
        ),
        "wrong length" => (
            "Content-Length: -1",
            vec![
                head("200 OK", &["Content-Length: -1"], ACCEPTED),
                Step::Silence,
            ],
        ),
        "chunked nonsense" => (
            "a chunk of length zz",
            vec![
                head("200 OK", &["Transfer-Encoding: chunked"], "zz\r\n"),
                Step::Silence,
            ],
        ),
        "HTTP/1.0" => (
            "HTTP/1.0 502, then closed",
            vec![write("HTTP/1.0 502 Bad Gateway\r\n\r\n"), Step::Close],
        ),
        "1xx" => (
            "100 Continue, then nothing",
            vec![head("100 Continue", &[], ""), Step::Silence],
        ),
        "204" => (
            "204 No Content",
            vec![head("204 No Content", &[], ""), Step::Silence],
        ),
        "3xx" => (
            "302 to a portal",
            vec![
                head(
                    "302 Found",
                    &["Location: http://192.0.2.1/", "Content-Length: 0"],
                    "",
                ),
                Step::Silence,
            ],
        ),
        "4xx" => (
            "403",
            vec![
                head("403 Forbidden", &["Content-Length: 0"], ""),
                Step::Silence,
            ],
        ),
        "5xx" => (
            "503 with Retry-After",
            vec![
                head(
                    "503 Service Unavailable",
                    &["Retry-After: 90", "Content-Length: 0"],
                    "",
                ),
                Step::Silence,
            ],
        ),
        "HTML with 200" => (
            "a portal's page",
            vec![Step::Write(respond("200 OK", HTML)), Step::Silence],
        ),
        "gzip not asked for" => (
            "Content-Encoding: gzip",
            vec![
                head("200 OK", &["Content-Encoding: gzip", &length], ""),
                write(GZIP),
                Step::Silence,
            ],
        ),
        "headers of 1 MiB" => (
            "one header",
            vec![
                write("HTTP/1.1 200 OK\r\nX-Large: "),
                Step::Flood(&[b'a'; 4096], 1 << 20),
                write("\r\nContent-Length: 0\r\n\r\n"),
                Step::Silence,
            ],
        ),
        "body of 1 GiB" => (
            "with its length",
            vec![
                head("200 OK", &["Content-Length: 1073741824"], ""),
                Step::Flood(&[b' '; 4096], GIB),
                Step::Silence,
            ],
        ),
        other => unreachable!("{other}"),
    }
}

pub fn rows() -> Vec<Row> {
    let mut table = Table::default();
    before_answer::resolving(&mut table);
    before_answer::connecting(&mut table);
    before_answer::proxied(&mut table);
    before_answer::before_tls(&mut table);
    before_answer::sending(&mut table);
    after_request::first_byte(&mut table);
    after_request::headers(&mut table);
    after_request::bodies(&mut table);
    table.0
}
