//! The rows: the fault, its phase, and the expected result.

use super::told::Told;
use super::{after_request, before_answer, FAULTS, PHASES};
use crate::support::fault_server::{Hears, Step};
use crate::support::respond;
use crate::support::server::ACCEPTED;

pub const GIB: u64 = 1 << 30;
/// A request for which the buffers on the way have no room, bytes.
pub const SENT: usize = 4 * 1024 * 1024;

/// Where a fault strikes.
#[derive(Clone)]
pub enum Place {
    /// What the look-up of a name brings; after a second, if there are two.
    Name(&'static [&'static str]),
    Refused(Means),
    Full,
    Strikes(Means, Hears, Vec<Step>),
}

/// By what the call goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Means {
    Http,
    /// The fault is inside TLS.
    Https,
    Proxy,
    /// The fault is in the place of TLS.
    BeforeTls,
}

pub struct Row {
    pub phase: &'static str,
    pub fault: &'static str,
    /// What is done in more words.
    pub how: String,
    pub place: Place,
    pub told: Told,
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
        told: Told,
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
            told,
        });
    }

    /// After the request, over HTTP and over TLS.
    pub fn exchange(
        &mut self,
        phase: &'static str,
        fault: &'static str,
        how: &str,
        steps: &[Step],
        told: impl Fn() -> Told,
    ) {
        for (means, by) in [(Means::Http, "http"), (Means::Https, "https")] {
            let place = Place::Strikes(means, Hears::Request, steps.to_vec());
            self.add(phase, fault, &format!("{how}, {by}"), place, told());
        }
    }
}

pub fn write(text: impl AsRef<[u8]>) -> Step {
    Step::Write(text.as_ref().to_vec())
}

/// A head with these lines, and what follows it.
pub fn head(status: &str, lines: &[&str], body: &str) -> Step {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    write(format!("HTTP/1.1 {status}\r\n{lines}\r\n{body}"))
}

pub const HTML: &str = "<html><body>Войдите в сеть</body></html>";
/// `gzip` of the page's success, as Python's gzip module makes it.
pub const GZIP: &[u8] = include_bytes!("accepted.json.gz");

/// What comes in place of a reply, whatever is waited for: the fault of each name, and how.
pub fn anything(fault: &str) -> (&'static str, Vec<Step>) {
    let length = format!("Content-Length: {}", ACCEPTED.len());
    match fault {
        "reset" => ("RST", vec![Step::Reset]),
        "silence" => ("nothing comes", vec![Step::Silence]),
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
