//! The journal: every request as it came, and what became of it.

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
    /// 1 for the first one of this sandbox, whatever is forgotten.
    pub(crate) id: usize,
    /// 1 for the first request of this sandbox, and again after a reset of the journal.
    pub number: usize,
    /// 1 for the first connection of this sandbox; requests that share a number came over one
    /// connection.
    pub connection: usize,
    /// The address that it came from.
    pub client: IpAddr,
    /// As received, for example "POST".
    pub method: String,
    /// As received, with the query if there was one; of a whole URL its path.
    pub path: String,
    /// In the order of receipt; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte; empty if it was too large.
    pub body: Vec<u8>,
    /// The body as JSON, if it is JSON. Here the apikey stands in the clear: tests check it.
    pub json: Option<Value>,
    /// Likewise, in the order of receipt.
    pub(crate) pairs: Option<Arc<Pairs>>,
    /// As documents see it, if it is for one.
    pub(crate) asked: Option<Arc<Asked>>,
    /// The body's ext_id, unless it has none or an empty one.
    pub ext_id: Option<String>,
    /// The fields in which the body differs from what came before with the same path and ext_id.
    /// The apikey does not count: a repeat may carry a corrected one.
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
    /// LifePay's answer with HTTP 200, but so that no client can read it.
    Malformed,
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
            Answered::Malformed => f.write_str("a malformed answer"),
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

    /// The body for people to read, the apikey masked.
    pub(crate) fn shown_body(&self, mask: &Mask) -> String {
        match &self.json {
            Some(json) if json.is_object() => mask.json(json).to_string(),
            _ => self.raw_body(mask),
        }
    }

    fn raw_body(&self, mask: &Mask) -> String {
        raw_body::shown(&self.body, self.header(CONTENT_ENCODING.as_str()), mask)
    }

    /// The body if it is no JSON object, for people to read, the apikey masked.
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

/// How many requests are kept in full; the ones before are only counted.
const KEPT: usize = 1000;
/// And how many bytes of their bodies, at most.
const KEPT_BYTES: usize = 32 * 1024 * 1024;

#[derive(Default)]
struct Entries {
    /// As they came, and what is shown of them: side by side.
    requests: VecDeque<Request>,
    shown: VecDeque<Entry>,
    /// Since the start.
    numbered: usize,
    /// The last id when the journal was cleared, and the version of that.
    cleared_at: usize,
    cleared: u64,
    /// Since the journal was cleared, those included that are not kept any more.
    received: usize,
    ended: usize,
    bytes: usize,
    connections: usize,
    portal_visits: usize,
}

impl Entries {
    /// None if it is not kept any more.
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

/// How many requests there were since the journal was cleared.
#[derive(Serialize)]
pub(crate) struct Counts {
    pub(crate) received: usize,
    pub(crate) ended: usize,
    pub(crate) kept: usize,
    /// The version at which the journal was cleared: what is older is gone.
    pub(crate) cleared: u64,
}

/// All that happened. Blocking, but never for long: nothing is awaited under its lock.
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

    /// The version at which it was cleared last.
    pub(crate) fn cleared(&self) -> u64 {
        self.entries.lock().unwrap().cleared
    }

    /// The request of this number, if it is kept.
    pub(crate) fn request(&self, number: usize) -> Option<Request> {
        let entries = self.entries.lock().unwrap();
        let mut requests = entries.requests.iter();
        requests.find(|request| request.number == number).cloned()
    }

    /// The number of the new connection.
    pub(crate) fn connected(&self) -> usize {
        let mut entries = self.entries.lock().unwrap();
        entries.connections += 1;
        entries.connections
    }

    /// The id and the number of the next request, for whoever must know them before it is recorded.
    pub(crate) fn number(&self) -> (usize, usize) {
        let mut entries = self.entries.lock().unwrap();
        entries.numbered += 1;
        (entries.numbered, entries.numbered - entries.cleared_at)
    }

    /// Records a request, which has its number.
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

    /// Changes what is shown of a request, if it is kept.
    pub(crate) fn note(&self, id: usize, note: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries.lock().unwrap();
        if let Some(position) = entries.position(id) {
            let entry = &mut entries.shown[position];
            note(entry);
            entry.version = self.changes.next();
        }
    }

    /// What is shown of those that are kept and have ended.
    pub(crate) fn ended(&self, is_it: impl Fn(&Request) -> bool) -> Vec<Entry> {
        let entries = self.entries.lock().unwrap();
        let both = entries.requests.iter().zip(&entries.shown);
        let found = both.filter(|(request, entry)| entry.took.is_some() && is_it(request));
        found.map(|(_, entry)| entry.clone()).collect()
    }

    /// What is shown of a request, if it is kept.
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

    /// What has changed since a version, the oldest first, and how many there are.
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

    /// Forgets all requests. The next one is number 1 again.
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
