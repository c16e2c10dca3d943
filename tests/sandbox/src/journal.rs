//! The journal: every request as it came, and what became of it.

use std::fmt;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::mask::Mask;

/// A request as it was received.
#[derive(Clone)]
pub struct Request {
    /// 1 for the first request of this sandbox.
    pub number: usize,
    /// 1 for the first connection of this sandbox; requests that share a number came over one
    /// connection.
    pub connection: usize,
    /// As received, for example "POST".
    pub method: String,
    /// As received, with the query if there was one.
    pub path: String,
    /// In the order of receipt; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte; empty if it was too large.
    pub body: Vec<u8>,
    /// The body as JSON, if it is JSON. Here the apikey stands in the clear: tests check it.
    pub json: Option<Value>,
    /// The body's ext_id, unless it has none or an empty one.
    pub ext_id: Option<String>,
    /// The fields in which the body differs from what came before with the same ext_id. The
    /// apikey does not count: a repeat may carry a corrected one.
    pub differs_in: Vec<String>,
    /// When the body was complete.
    pub received_at: Instant,
    /// None while the answer is being prepared.
    pub answered: Option<Answered>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// LifePay's JSON, with HTTP 200.
    Code {
        /// LifePay's `code`.
        code: i32,
        /// The document's uuid, if there was one in the answer.
        uuid: Option<String>,
    },
    /// Something else than LifePay's JSON, with this HTTP status, which may be 200.
    Http(u16),
    /// The connection was closed without an answer.
    Closed,
    /// The connection was reset without an answer.
    Reset,
    /// The client left before its answer was ready.
    Abandoned,
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answered::Code { code, uuid: None } => write!(f, "code {code}"),
            Answered::Code {
                code,
                uuid: Some(uuid),
            } => write!(f, "code {code}, uuid {uuid}"),
            Answered::Http(status) => write!(f, "HTTP {status}, not LifePay's JSON"),
            Answered::Closed => f.write_str("nothing: connection closed"),
            Answered::Reset => f.write_str("nothing: connection reset"),
            Answered::Abandoned => f.write_str("nothing: the client left"),
        }
    }
}

impl Request {
    /// The value of a header, whatever the case of its name; the first one if there are more.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A field of the body, if it is a JSON object that has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.json.as_ref()?.get(name)
    }

    /// The path without the query, which could hold anything.
    pub(crate) fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// The body for people to read: the apikey masked, and only its size if it is not JSON,
    /// since then there is no telling what in it is the apikey.
    pub(crate) fn shown_body(&self) -> String {
        match &self.json {
            Some(json) => Mask::of(self).json(json).to_string(),
            None => format!("{} bytes, not JSON", self.body.len()),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask = Mask::of(self);
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name, mask.header(name, value)))
            .collect();
        f.debug_struct("Request")
            .field("number", &self.number)
            .field("connection", &self.connection)
            .field("method", &self.method)
            .field("path", &mask.text(self.bare_path()))
            .field("headers", &headers)
            .field("body", &format_args!("{}", self.shown_body()))
            .field("differs_in", &self.differs_in)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Entries {
    requests: Vec<Request>,
    connections: usize,
    portal_visits: usize,
}

/// All that happened. Blocking, but never for long: nothing is awaited under its lock.
#[derive(Default)]
pub(crate) struct Journal {
    entries: Mutex<Entries>,
    changed: Condvar,
}

impl Journal {
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.entries.lock().unwrap().requests.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.entries.lock().unwrap().connections
    }

    pub(crate) fn portal_visits(&self) -> usize {
        self.entries.lock().unwrap().portal_visits
    }

    pub(crate) fn portal_visited(&self) {
        self.entries.lock().unwrap().portal_visits += 1;
    }

    /// The number of the new connection.
    pub(crate) fn connected(&self) -> usize {
        let mut entries = self.entries.lock().unwrap();
        entries.connections += 1;
        entries.connections
    }

    /// Records a request and gives it its number.
    pub(crate) fn received(&self, request: &mut Request) {
        let mut entries = self.entries.lock().unwrap();
        request.number = entries.requests.len() + 1;
        entries.requests.push(request.clone());
        self.changed.notify_all();
    }

    pub(crate) fn answered(&self, number: usize, answered: Answered) {
        let mut entries = self.entries.lock().unwrap();
        entries.requests[number - 1].answered = Some(answered);
        self.changed.notify_all();
    }

    pub(crate) fn wait_until(
        &self,
        limit: Duration,
        condition: impl Fn(&[Request]) -> bool,
    ) -> bool {
        let entries = self.entries.lock().unwrap();
        let (_entries, waited) = self
            .changed
            .wait_timeout_while(entries, limit, |entries| !condition(&entries.requests))
            .unwrap();
        !waited.timed_out()
    }
}
