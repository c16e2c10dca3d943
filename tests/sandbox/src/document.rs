//! Documents and their uuids.
//!
//! Path and ext_id name a document, whoever sends it: the page on opening a shift speaks of a repeated
//! ext_id "in the system" and does not say whether two companies may use the same one, nor whether two
//! kinds of documents may. So never use one ext_id for two documents.
//!
//! A second document is one that was made for the same printer after another like it of which the till has
//! not learnt: no request for it was answered with its uuid. If the till learns of the first one later, by a
//! repeat with its ext_id, then the second one was another till's, and is none any more.

use std::collections::VecDeque;
use std::time::SystemTime;

use serde::Serialize;
use uuid::Uuid;

use crate::asked::{Asked, Key};
use crate::journal::Answered;
use crate::line::{Line, Seen};
use crate::lines::Lines;
use crate::recent::Recent;

/// How many documents and ext_ids are remembered. LifePay has not published its number.
const REMEMBERED: usize = 100_000;

/// A document that LifePay would have sent to a fiscal printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Version 5, made from path and ext_id, so that it is the same after a restart.
    pub uuid: String,
    /// The path of the request that made it, without the query.
    pub path: String,
    /// The ext_id of the request that made it.
    pub ext_id: Option<String>,
    /// How many requests came with its path and ext_id so far, those included that did not reach it,
    /// such as one that was answered with HTTP 503. 1 for a document without ext_id.
    pub requests: usize,
}

/// The last document of its content, whatever its ext_id.
struct Last {
    key: Key,
    /// The id of the request that made it.
    request: usize,
    /// For people.
    ext_id: String,
    /// A request for it has ended.
    ended: bool,
    /// And the client was told its uuid.
    told: bool,
}

/// What a request got.
pub(crate) struct Taken {
    pub(crate) document: Document,
    pub(crate) new: bool,
    pub(crate) second_after: Option<String>,
}

/// That a document, known by the id of the request that made it, is a second one after this ext_id, or is
/// none any more.
pub(crate) struct Verdict {
    pub(crate) request: usize,
    pub(crate) second_after: Option<String>,
}

/// Over all ext_ids.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Totals {
    documents: usize,
    /// Documents that are second ones.
    second: usize,
    /// Requests with a changed body.
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

    /// What has come since a version, by path and ext_id, the last change first.
    pub(crate) fn lines(&self, since: u64) -> impl Iterator<Item = &Line> {
        self.lines.since(since)
    }

    /// Counts a request.
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

    /// The document of this request, which is made unless its path and ext_id have one.
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

    /// Compares a new document with the one of the same content before it. Returns the ext_id of the latter if
    /// it makes this one a second one.
    fn compare(&mut self, asked: &Asked, version: u64) -> Option<String> {
        let last = Last {
            key: asked.key.clone(),
            request: asked.id,
            ext_id: asked.shown_ext_id().unwrap_or_default(),
            ended: false,
            told: false,
        };
        let before = self.prints.replace(asked.print, last);
        let before = before.filter(|before| !before.told)?;
        if matches!(before.key, Key::ExtId { .. }) {
            // It may be heard of yet.
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

    /// Makes the document of a line a second one, or none any more.
    fn judge(&mut self, key: &Key, second_after: Option<String>, version: u64) {
        let totals = &mut self.totals;
        self.lines.change(key, version, |line| {
            totals.second += usize::from(second_after.is_some());
            totals.second -= usize::from(second_after.is_none() && line.second_after.is_some());
            line.second_after = second_after;
        });
    }

    /// Notes what became of a request. Returns what that makes of another one's document.
    pub(crate) fn ended(
        &mut self,
        asked: &Asked,
        version: u64,
        answered: &Answered,
    ) -> Option<Verdict> {
        let key = &asked.key;
        let line = self.lines.get_mut(key)?;
        line.rejected = matches!(answered, Answered::Code { code, .. } if *code != 0);
        let told = matches!(
            answered,
            Answered::Code {
                code: 0,
                uuid: Some(_)
            }
        );
        if let Some(last) = self.prints.get_mut(&asked.print) {
            if last.key == *key && (asked.ext_id.is_some() || last.request == asked.id) {
                last.ended = true;
                last.told |= told;
            }
        }
        // Whoever leaves while another one's document is made may be the one who asks for it.
        let (next, request) = match answered {
            _ if told => line.next.take()?,
            Answered::Abandoned => line.next.clone()?,
            _ => return None,
        };
        let second_after = (!told).then(|| asked.shown_ext_id().unwrap_or_default());
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

    /// How many requests came with this path and ext_id, and how many documents they made.
    pub(crate) fn count(&self, path: &str, ext_id: &str) -> (usize, usize) {
        let line = self.lines.get(&Key::new(path, ext_id));
        line.map_or((0, 0), |line| (line.requests, line.documents))
    }
}

/// The namespace of the uuids of a path; LifePay's own is not published.
fn namespace(path: &str, kind: &str) -> Uuid {
    let name = format!("https://sapi.life-pay.ru{path}#{kind}");
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
}

fn of_ext_id(path: &str, ext_id: &str) -> Uuid {
    Uuid::new_v5(&namespace(path, "ext_id"), ext_id.as_bytes())
}

/// The clock keeps it apart from earlier runs, the counter from others of this one.
fn of_moment(path: &str, counter: usize) -> Uuid {
    let name = format!("{counter} {:?}", SystemTime::now());
    Uuid::new_v5(&namespace(path, "moment"), name.as_bytes())
}

#[cfg(test)]
mod tests;
