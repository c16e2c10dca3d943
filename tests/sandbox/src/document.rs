//! Documents and their uuids.
//!
//! Path and ext_id identify a document, regardless of the sender: the page about opening a shift
//! speaks of a repeated ext_id "in the system". It does not say whether two companies or two kinds
//! of documents may use the same one. So never use one ext_id for two documents.
//!
//! A second document is one with the same content for the same printer, made after a first one that
//! the till does not know of: no request for the first one was answered with its uuid. If the till
//! later retries with the ext_id of the first one and receives its uuid, the other document
//! belonged to another till and no longer counts as a second one.

use std::collections::VecDeque;
use std::time::SystemTime;

use serde::Serialize;
use uuid::Uuid;

use crate::asked::{Asked, Key};
use crate::journal::Answered;
use crate::line::{Line, Seen};
use crate::lines::Lines;
use crate::recent::Recent;

/// The maximum number of documents and of ext_ids that are stored. LifePay has not published its
/// limit.
const REMEMBERED: usize = 100_000;

/// A document that LifePay would have sent to a fiscal printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// A version 5 UUID of path and ext_id, so that it is the same after a restart.
    pub uuid: String,
    /// The path of the request that made it, without the query.
    pub path: String,
    /// The ext_id of the request that made it.
    pub ext_id: Option<String>,
    /// The number of requests with its path and ext_id so far, including requests that did not
    /// reach LifePay, such as one that was answered with HTTP 503. 1 for a document without ext_id.
    pub requests: usize,
}

/// The last document with the same content, regardless of its ext_id.
struct Last {
    key: Key,
    /// The id of the request that made it.
    request: usize,
    /// For display.
    ext_id: String,
    /// Whether a request for it has ended.
    ended: bool,
    /// Whether a client received its uuid.
    uuid_received: bool,
}

/// The document of a request.
pub(crate) struct Taken {
    pub(crate) document: Document,
    pub(crate) new: bool,
    pub(crate) second_after: Option<String>,
}

/// The verdict that a document is a second one after this ext_id, or no longer is. The document is
/// identified by the id of the request that made it.
pub(crate) struct Verdict {
    pub(crate) request: usize,
    pub(crate) second_after: Option<String>,
}

/// The totals of all ext_ids.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Totals {
    documents: usize,
    /// The number of second documents.
    second: usize,
    /// The number of requests with a changed body.
    changed: usize,
}

pub(crate) struct Documents {
    made: VecDeque<Document>,
    totals: Totals,
    lines: Lines,
    prints: Recent<u64, Last>,
}

impl Default for Documents {
    fn default() -> Documents {
        Documents {
            made: VecDeque::new(),
            totals: Totals::default(),
            lines: Lines::new(REMEMBERED),
            prints: Recent::new(REMEMBERED),
        }
    }
}

impl Documents {
    pub(crate) fn all(&self) -> Vec<Document> {
        let mut all: Vec<_> = self.made.iter().cloned().collect();
        for document in &mut all {
            if let Some(ext_id) = &document.ext_id {
                let line = self.lines.get(&Key::new(&document.path, ext_id));
                document.requests = line.map_or(document.requests, |line| line.requests);
            }
        }
        all
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals.clone()
    }

    /// Returns the lines that have changed since a version, the last change first.
    pub(crate) fn lines(&self, since: u64) -> impl Iterator<Item = &Line> {
        self.lines.since(since)
    }

    /// Counts a request and compares it with earlier ones with its key.
    pub(crate) fn seen(&mut self, asked: &Asked, version: u64) -> Seen {
        let key = &asked.key;
        let seen = self.lines.change(key, version, |line| line.seen(asked));
        let Some(seen) = seen else {
            self.lines.add(key.clone(), Line::of(asked, version));
            return Seen::default();
        };
        self.totals.changed += usize::from(seen.is_changed());
        seen
    }

    /// Returns the document of this request. Makes it unless its path and ext_id already have one.
    pub(crate) fn take(&mut self, asked: &Asked, version: u64) -> Taken {
        let next = self.totals.documents;
        let line = self.lines.get(&asked.key);
        let requests = match (&line, &asked.ext_id) {
            (Some(line), Some(_)) => line.requests,
            _ => 1,
        };
        let known = line.as_ref().is_some_and(|line| line.documents > 0) && asked.ext_id.is_some();
        let uuid = match &asked.ext_id {
            Some(ext_id) => of_ext_id(&asked.path, ext_id),
            None => of_moment(&asked.path, next),
        };
        let document = Document {
            uuid: uuid.to_string(),
            path: asked.path.clone(),
            ext_id: asked.ext_id.clone(),
            requests,
        };
        if known {
            return Taken {
                document,
                new: false,
                second_after: None,
            };
        }
        self.lines.change(&asked.key, version, |line| {
            line.documents += 1;
            line.uuid = Some(document.uuid.clone());
        });
        let second_after = self.compare(asked, version);
        self.totals.documents += 1;
        self.made.push_back(document.clone());
        if self.made.len() > REMEMBERED {
            self.made.pop_front();
        }
        Taken {
            document,
            new: true,
            second_after,
        }
    }

    /// Compares a new document with the previous one of the same content. Returns the ext_id of the
    /// previous one if the new one is a second document.
    fn compare(&mut self, asked: &Asked, version: u64) -> Option<String> {
        if asked.is_replay {
            return None;
        }
        let last = Last {
            key: asked.key.clone(),
            request: asked.id,
            ext_id: asked.shown_ext_id().unwrap_or_default(),
            ended: false,
            uuid_received: false,
        };
        let before = self.prints.replace(asked.print, last);
        let before = before.filter(|before| !before.uuid_received)?;
        if matches!(before.key, Key::ExtId { .. }) {
            // A retry may still return the uuid of the first document to the till.
            if let Some(line) = self.lines.get_mut(&before.key) {
                line.next = Some((asked.key.clone(), asked.id));
            }
        }
        if !before.ended {
            return None;
        }
        let ext_id = Some(before.ext_id);
        self.judge(&asked.key, ext_id.clone(), version);
        ext_id
    }

    /// Marks the document of a line as a second one, or removes the mark.
    fn judge(&mut self, key: &Key, second_after: Option<String>, version: u64) {
        let totals = &mut self.totals;
        self.lines.change(key, version, |line| {
            totals.second += usize::from(second_after.is_some());
            totals.second -= usize::from(second_after.is_none() && line.second_after.is_some());
            line.second_after = second_after;
        });
    }

    /// Records the end of a request. Returns the new verdict about another request's document, if
    /// there is one.
    pub(crate) fn ended(
        &mut self,
        asked: &Asked,
        version: u64,
        answered: &Answered,
    ) -> Option<Verdict> {
        let key = &asked.key;
        let line = self.lines.get_mut(key)?;
        line.rejected = matches!(answered, Answered::Code { code, .. } if *code != 0);
        if asked.is_replay {
            return None;
        }
        let uuid_received = matches!(
            answered,
            Answered::Code {
                code: 0,
                uuid: Some(_)
            }
        );
        if let Some(last) = self.prints.get_mut(&asked.print) {
            if last.key == *key && (asked.ext_id.is_some() || last.request == asked.id) {
                last.ended = true;
                last.uuid_received |= uuid_received;
            }
        }
        // If a client disconnects while another request makes a document, it may have sent that
        // request too.
        let (next, request) = match answered {
            _ if uuid_received => line.next.take()?,
            Answered::Abandoned => line.next.clone()?,
            _ => return None,
        };
        let second_after = (!uuid_received).then(|| asked.shown_ext_id().unwrap_or_default());
        let is_second = self.lines.get(&next)?.second_after.is_some();
        if is_second == second_after.is_some() {
            return None;
        }
        self.judge(&next, second_after.clone(), version);
        Some(Verdict {
            request,
            second_after,
        })
    }

    /// Returns the number of requests with this path and ext_id, and the number of documents they
    /// made.
    pub(crate) fn count(&self, path: &str, ext_id: &str) -> (usize, usize) {
        let line = self.lines.get(&Key::new(path, ext_id));
        line.map_or((0, 0), |line| (line.requests, line.documents))
    }
}

/// Returns the namespace of the uuids of a path. LifePay's own is not published.
fn namespace(path: &str, kind: &str) -> Uuid {
    let name = format!("https://sapi.life-pay.ru{path}#{kind}");
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
}

fn of_ext_id(path: &str, ext_id: &str) -> Uuid {
    Uuid::new_v5(&namespace(path, "ext_id"), ext_id.as_bytes())
}

/// Returns a new uuid. The clock distinguishes it from earlier runs, the counter from others of
/// this run.
fn of_moment(path: &str, counter: usize) -> Uuid {
    let name = format!("{counter} {:?}", SystemTime::now());
    Uuid::new_v5(&namespace(path, "moment"), name.as_bytes())
}

#[cfg(test)]
mod tests;
