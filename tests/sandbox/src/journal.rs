//! The journal: every request as received, and its result.

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use axum::http::header::CONTENT_ENCODING;
use serde::Serialize;
use serde_json::Value;

use crate::asked::Asked;
use crate::changes::Changes;
use crate::entry::Entry;
use crate::mask::Mask;
use crate::pairs::Pairs;
use crate::raw_body;

/// A request as it was received.
#[derive(Clone)]
pub struct Request {
    /// 1 for the first request of this sandbox. A reset of the journal does not restart the count.
    pub(crate) id: usize,
    /// 1 for the first request of this sandbox, and again after a reset of the journal.
    pub number: usize,
    /// 1 for the first connection of this sandbox; requests that share a number came over one
    /// connection.
    pub connection: usize,
    /// The client's address.
    pub client: IpAddr,
    /// As received, for example "POST".
    pub method: String,
    /// As received, with the query if there was one. If the client sent a whole URL: its path.
    pub path: String,
    /// In the order of receipt; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte; empty if it was too large.
    pub body: Vec<u8>,
    /// The length of the body as it was sent.
    pub(crate) length: usize,
    /// The body as JSON, if it is JSON. The apikey in it is not masked, because tests check it.
    pub json: Option<Value>,
    /// The body as JSON, with its fields in the order of receipt.
    pub(crate) pairs: Option<Arc<Pairs>>,
    /// The properties that matter for documents, if the request is for one.
    pub(crate) asked: Option<Arc<Asked>>,
    /// The body's ext_id, unless it has none or an empty one.
    pub ext_id: Option<String>,
    /// The fields in which the body differs from earlier requests with the same path and ext_id.
    /// The apikey does not count, because a retry may have a corrected one.
    pub differs_in: Vec<String>,
    /// When the body was complete.
    pub received_at: Instant,
    /// None while the answer is being prepared.
    pub answered: Option<Answered>,
}

/// The result of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// LifePay's JSON, with HTTP 200.
    Code {
        /// LifePay's `code`.
        code: i32,
        /// The document's uuid, if there was one in the answer.
        uuid: Option<String>,
    },
    /// An answer other than LifePay's JSON, with this HTTP status, which may be 200.
    Http(u16),
    /// LifePay's answer with HTTP 200, malformed so that no client can read it.
    Malformed,
    /// The connection was closed without an answer.
    Closed,
    /// The connection was reset without an answer.
    Reset,
    /// The client disconnected before its answer was ready.
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
            Answered::Malformed => f.write_str("a malformed answer"),
            Answered::Closed => f.write_str("nothing: connection closed"),
            Answered::Reset => f.write_str("nothing: connection reset"),
            Answered::Abandoned => f.write_str("nothing: the client left"),
        }
    }
}

impl Request {
    /// Returns the value of a header; the first one if there are several. The case of the name is
    /// ignored.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns a field of the body, if the body is a JSON object with that field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.json.as_ref()?.get(name)
    }

    /// Returns the path without the query, which could contain anything.
    pub(crate) fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Returns the body for display, with the apikey masked.
    pub(crate) fn shown_body(&self, mask: &Mask) -> String {
        match &self.json {
            Some(json) if json.is_object() => mask.json(json).to_string(),
            _ => self.raw_body(mask),
        }
    }

    fn raw_body(&self, mask: &Mask) -> String {
        raw_body::shown(&self.body, self.header(CONTENT_ENCODING.as_str()), mask)
    }

    /// Returns a body that is not a JSON object, for display, with the apikey masked.
    pub(crate) fn broken_body(&self, mask: &Mask) -> Option<String> {
        let is_broken = self.pairs.is_none() && !self.body.is_empty();
        is_broken.then(|| self.raw_body(mask))
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
            .field("path", &mask.path(self.bare_path()))
            .field("headers", &headers)
            .field("body", &format_args!("{}", self.shown_body(&mask)))
            .field("differs_in", &self.differs_in)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}

/// The maximum number of requests that are kept. Older ones are only counted.
const KEPT: usize = 1000;
/// The maximum total size of the bodies that are kept.
const KEPT_BYTES: usize = 32 * 1024 * 1024;

#[derive(Default)]
struct Entries {
    /// The requests as received, and as shown, in the same order.
    requests: VecDeque<Request>,
    shown: VecDeque<Entry>,
    /// The number of requests since the start.
    numbered: usize,
    /// The last id when the journal was cleared, and the version at which that happened.
    cleared_at: usize,
    cleared: u64,
    /// The number of requests since the journal was cleared, including those no longer kept.
    received: usize,
    ended: usize,
    bytes: usize,
    connections: usize,
    portal_visits: usize,
}

impl Entries {
    /// Returns None if the request is no longer kept.
    fn position(&self, id: usize) -> Option<usize> {
        let first = self.requests.front()?.id;
        let position = id.checked_sub(first)?;
        (position < self.requests.len()).then_some(position)
    }

    fn forget_the_oldest(&mut self) {
        while self.requests.len() > KEPT || (self.bytes > KEPT_BYTES && self.requests.len() > 1) {
            let oldest = self.requests.pop_front();
            self.shown.pop_front();
            self.bytes -= oldest.map_or(0, |oldest| oldest.body.len());
        }
    }
}

/// The number of requests since the journal was cleared.
#[derive(Serialize)]
pub(crate) struct Counts {
    pub(crate) received: usize,
    pub(crate) ended: usize,
    pub(crate) kept: usize,
    /// The version at which the journal was cleared. Requests from before then were removed.
    pub(crate) cleared: u64,
}

/// All requests. The lock is a blocking one; it is never held for long, because nothing is awaited
/// while it is held.
#[derive(Default)]
pub(crate) struct Journal {
    entries: Mutex<Entries>,
    changed: Condvar,
    pub(crate) changes: Changes,
}

impl Journal {
    pub(crate) fn requests(&self) -> Vec<Request> {
        let entries = self.entries.lock().unwrap();
        entries.requests.iter().cloned().collect()
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

    /// Returns the version at which the journal was last cleared.
    pub(crate) fn cleared(&self) -> u64 {
        self.entries.lock().unwrap().cleared
    }

    /// Returns the request with this number, if it is kept.
    pub(crate) fn request(&self, number: usize) -> Option<Request> {
        let entries = self.entries.lock().unwrap();
        let mut requests = entries.requests.iter();
        requests.find(|request| request.number == number).cloned()
    }

    /// Counts a new connection and returns its number.
    pub(crate) fn connected(&self) -> usize {
        let mut entries = self.entries.lock().unwrap();
        entries.connections += 1;
        entries.connections
    }

    /// Returns the id and the number of the next request, for callers that need them before it is
    /// recorded.
    pub(crate) fn number(&self) -> (usize, usize) {
        let mut entries = self.entries.lock().unwrap();
        entries.numbered += 1;
        (entries.numbered, entries.numbered - entries.cleared_at)
    }

    /// Records a request, whose number is already set.
    pub(crate) fn received(&self, request: &Request, mut entry: Entry) {
        let mut entries = self.entries.lock().unwrap();
        entry.number = request.number;
        entry.version = self.changes.next();
        entries.received += 1;
        entries.bytes += request.body.len();
        entries.requests.push_back(request.clone());
        entries.shown.push_back(entry);
        entries.forget_the_oldest();
        self.changed.notify_all();
    }

    /// Changes the shown entry of a request, if it is kept.
    pub(crate) fn note(&self, id: usize, note: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries.lock().unwrap();
        if let Some(position) = entries.position(id) {
            let entry = &mut entries.shown[position];
            note(entry);
            entry.version = self.changes.next();
        }
    }

    /// Returns the shown entries of the kept requests that have ended.
    pub(crate) fn ended(&self, matches: impl Fn(&Request) -> bool) -> Vec<Entry> {
        let entries = self.entries.lock().unwrap();
        let both = entries.requests.iter().zip(&entries.shown);
        let found = both.filter(|(request, entry)| entry.took.is_some() && matches(request));
        found.map(|(_, entry)| entry.clone()).collect()
    }

    /// Passes the shown entry of a request to `look`, if it is kept.
    pub(crate) fn look<R>(&self, id: usize, look: impl FnOnce(&Entry) -> R) -> Option<R> {
        let entries = self.entries.lock().unwrap();
        entries
            .position(id)
            .map(|position| look(&entries.shown[position]))
    }

    pub(crate) fn answered(&self, id: usize, answered: Answered) {
        let mut entries = self.entries.lock().unwrap();
        if id > entries.cleared_at {
            entries.ended += 1;
        }
        if let Some(position) = entries.position(id) {
            entries.requests[position].answered = Some(answered.clone());
            let entry = &mut entries.shown[position];
            entry.answered = Some(answered);
            entry.version = self.changes.next();
        }
        self.changed.notify_all();
    }

    /// Returns the entries that have changed since a version, the oldest first, and the counts.
    pub(crate) fn since(&self, version: u64) -> (Vec<Entry>, Counts) {
        let entries = self.entries.lock().unwrap();
        let changed = entries.shown.iter().filter(|entry| entry.version > version);
        let counts = Counts {
            received: entries.received,
            ended: entries.ended,
            kept: entries.requests.len(),
            cleared: entries.cleared,
        };
        (changed.cloned().collect(), counts)
    }

    /// Removes all requests. The next one is number 1 again.
    pub(crate) fn clear(&self) {
        let mut entries = self.entries.lock().unwrap();
        *entries = Entries {
            numbered: entries.numbered,
            cleared_at: entries.numbered,
            cleared: self.changes.next(),
            connections: entries.connections,
            portal_visits: entries.portal_visits,
            ..Entries::default()
        };
        self.changed.notify_all();
    }

    pub(crate) fn wait_for_requests(&self, count: usize, limit: Duration) -> bool {
        self.wait(limit, |entries| entries.received >= count)
    }

    pub(crate) fn wait_for_answers(&self, count: usize, limit: Duration) -> bool {
        self.wait(limit, |entries| entries.ended >= count)
    }

    pub(crate) fn wait_until(
        &self,
        limit: Duration,
        condition: impl Fn(&[Request]) -> bool,
    ) -> bool {
        self.wait(limit, |entries| {
            condition(entries.requests.make_contiguous())
        })
    }

    fn wait(&self, limit: Duration, condition: impl Fn(&mut Entries) -> bool) -> bool {
        let entries = self.entries.lock().unwrap();
        let (_entries, waited) = self
            .changed
            .wait_timeout_while(entries, limit, |entries| !condition(entries))
            .unwrap();
        !waited.timed_out()
    }
}
