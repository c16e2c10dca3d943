//! Documents and their uuids.
//!
//! Path and ext_id name a document, whoever sends it: the page on opening a shift speaks of a repeated
//! ext_id "in the system" and does not say whether two companies may use the same one, nor whether two
//! kinds of documents may. So never use one ext_id for two documents.

use std::collections::VecDeque;
use std::time::SystemTime;

use serde::Serialize;
use uuid::Uuid;

use crate::asked::{Asked, Key};
use crate::journal::Answered;
use crate::line::{Line, Seen};
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

/// The last document of a body, whatever its ext_id.
struct Last {
    uuid: String,
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
    lines: Recent<Key, Line>,
    contents: Recent<u64, Last>,
}

impl Default for Documents {
    fn default() -> Documents {
        Documents {
            made: VecDeque::new(),
            totals: Totals::default(),
            lines: Recent::new(REMEMBERED),
            contents: Recent::new(REMEMBERED),
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

    /// What has come, by path and ext_id, the newest first.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.values().rev()
    }

    /// Counts a request.
    pub(crate) fn seen(&mut self, asked: &Asked) -> Seen {
        let key = asked.key();
        let Some(known) = self.lines.get_mut(&key) else {
            self.lines.insert(key, Line::of(asked));
            return Seen::default();
        };
        let seen = known.seen(asked);
        self.totals.changed += usize::from(seen.is_changed());
        seen
    }

    /// The document of this request, which is made unless its path and ext_id have one.
    pub(crate) fn take(&mut self, asked: &Asked) -> Taken {
        let next = self.totals.documents;
        let line = self.lines.get_mut(&asked.key());
        let requests = match (&line, asked.ext_id) {
            (Some(line), Some(_)) => line.requests,
            _ => 1,
        };
        let known = line.as_ref().is_some_and(|line| line.documents > 0) && asked.ext_id.is_some();
        let uuid = match asked.ext_id {
            Some(ext_id) => of_ext_id(asked.path, ext_id),
            None => of_moment(asked.path, next),
        };
        let document = Document {
            uuid: uuid.to_string(),
            path: asked.path.to_owned(),
            ext_id: asked.ext_id.map(str::to_owned),
            requests,
        };
        if known {
            return Taken {
                document,
                new: false,
                second_after: None,
            };
        }
        let ext_id = asked.shown("ext_id").unwrap_or_default();
        let last = Last {
            uuid: document.uuid.clone(),
            ext_id,
            ended: false,
            told: false,
        };
        let before = self.contents.get(&asked.content());
        let second_after = before.filter(|before| before.ended && !before.told);
        let second_after = second_after.map(|before| before.ext_id.clone());
        self.contents.insert(asked.content(), last);
        if let Some(line) = line {
            line.documents += 1;
            line.uuid = Some(document.uuid.clone());
            line.second_after = second_after.clone().or(line.second_after.take());
            line.version = asked.version;
        }
        self.totals.documents += 1;
        self.totals.second += usize::from(second_after.is_some());
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

    /// Notes what became of a request.
    pub(crate) fn ended(&mut self, asked: &Asked, answered: &Answered) {
        let Some(line) = self.lines.get_mut(&asked.key()) else {
            return;
        };
        line.rejected = matches!(answered, Answered::Code { code, .. } if *code != 0);
        let last = self.contents.get_mut(&asked.content());
        if let Some(last) = last.filter(|last| Some(&last.uuid) == line.uuid.as_ref()) {
            last.ended = true;
            last.told |= matches!(answered, Answered::Code { code: 0, .. });
        }
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
mod tests {
    use super::*;
    use crate::mask::Mask;
    use crate::published::CREATE_SESSION;
    use serde_json::{json, Value};

    fn asked<'a>(ext_id: Option<&'a str>, body: &'a Value) -> Asked<'a> {
        Asked {
            path: CREATE_SESSION,
            ext_id,
            body: body.as_object().unwrap(),
            number: 1,
            version: 1,
            mask: Mask::default(),
        }
    }

    #[test]
    fn the_uuid_of_an_ext_id_is_version_5_and_never_changes() {
        let uuid = of_ext_id(CREATE_SESSION, "00106304012797-2026-11-24-1");
        assert_eq!(uuid.get_version_num(), 5);
        // Written down so that another version of the sandbox gives the same.
        assert_eq!(uuid.to_string(), "e09d2c31-cc28-547a-bf5f-ce87d6d069c7");
    }

    #[test]
    fn an_ext_id_on_another_path_is_another_document() {
        let mut documents = Documents::default();
        let (first, second) = (json!({"amount": 1}), json!({"amount": 2}));
        let shift = asked(Some("a"), &first);
        let cash = Asked {
            path: "/cloud-print/cash-in",
            ..asked(Some("a"), &second)
        };
        let mut uuids = Vec::new();
        for request in [&shift, &cash] {
            assert!(documents.seen(request).differs_in.is_empty());
            let taken = documents.take(request);
            assert!(taken.new);
            assert_eq!(taken.document.path, request.path);
            uuids.push(taken.document.uuid);
        }
        assert_ne!(uuids[0], uuids[1]);
        documents.seen(&cash);
        assert_eq!(documents.count(shift.path, "a"), (1, 1));
        assert_eq!(documents.count(cash.path, "a"), (2, 1));
        let requests: Vec<_> = documents.all().iter().map(|made| made.requests).collect();
        assert_eq!(requests, [1, 2]);
    }

    #[test]
    fn the_same_body_on_another_path_is_not_a_second_document() {
        let mut documents = Documents::default();
        let body = json!({"login": "1"});
        let shift = asked(None, &body);
        let report = Asked {
            path: "/cloud-print/create-x-report",
            ..asked(None, &body)
        };
        documents.seen(&shift);
        documents.take(&shift);
        documents.ended(&shift, &Answered::Closed);
        documents.seen(&report);
        assert!(documents.take(&report).second_after.is_none());
        assert_eq!(documents.lines().count(), 2);
    }

    #[test]
    fn requests_without_ext_id_make_a_document_each() {
        let mut documents = Documents::default();
        let body = json!({});
        let request = asked(None, &body);
        documents.seen(&request);
        let first = documents.take(&request).document.uuid;
        documents.seen(&request);
        let second = documents.take(&request);
        assert!(second.new);
        let uuid = second.document.uuid;
        assert_ne!(first, uuid);
        assert_eq!(uuid.as_bytes()[14], b'5', "{uuid}");
        let line = documents.lines().next().unwrap();
        assert_eq!((line.requests, line.documents), (2, 2));
    }

    #[test]
    fn the_document_of_an_ext_id_counts_the_requests_before_and_after_it() {
        let mut documents = Documents::default();
        let body = json!({});
        let request = asked(Some("a"), &body);
        documents.seen(&request);
        documents.seen(&request);
        assert_eq!(documents.count(CREATE_SESSION, "a"), (2, 0));
        assert!(documents.take(&request).new);
        documents.seen(&request);
        assert!(!documents.take(&request).new);
        assert_eq!(documents.count(CREATE_SESSION, "a"), (3, 1));
        assert_eq!(documents.all()[0].requests, 3);
    }

    #[test]
    fn a_different_body_is_noticed_and_a_different_apikey_is_not() {
        let mut documents = Documents::default();
        let first = json!({"apikey": "one", "ext_id": "a", "cashier_name": "Иванова"});
        let other_key = json!({"apikey": "two", "ext_id": "a", "cashier_name": "Иванова"});
        let other = json!({"apikey": "two", "ext_id": "a", "test": 1});
        let ext_id = Some("a");
        assert!(documents.seen(&asked(ext_id, &first)).differs_in.is_empty());
        documents.take(&asked(ext_id, &first));
        assert!(documents
            .seen(&asked(ext_id, &other_key))
            .differs_in
            .is_empty());
        let seen = documents.seen(&asked(ext_id, &other));
        assert_eq!(seen.differs_in, ["cashier_name", "test"]);
        assert!(!seen.corrected);
        let line = documents.lines().next().unwrap();
        assert_eq!((line.changed, line.changed_in.len()), (1, 2));
    }

    #[test]
    fn a_corrected_request_is_not_compared_with_the_rejected_one_for_ever() {
        let mut documents = Documents::default();
        let (first, second) = (json!({"login": "1"}), json!({"login": "2"}));
        let ext_id = Some("a");
        let rejected = Answered::Code {
            code: 6009,
            uuid: None,
        };
        documents.seen(&asked(ext_id, &first));
        documents.ended(&asked(ext_id, &first), &rejected);
        let seen = documents.seen(&asked(ext_id, &second));
        assert_eq!(seen.differs_in, ["login"]);
        assert!(seen.corrected);
        let seen = documents.seen(&asked(ext_id, &second));
        assert!(seen.differs_in.is_empty());
        assert_eq!(documents.lines().next().unwrap().changed, 0);
    }

    #[test]
    fn a_request_that_changes_before_it_was_answered_is_not_a_corrected_one() {
        let mut documents = Documents::default();
        let (first, second) = (json!({"login": "1"}), json!({"login": "2"}));
        documents.seen(&asked(Some("a"), &first));
        documents.ended(&asked(Some("a"), &first), &Answered::Http(503));
        assert!(!documents.seen(&asked(Some("a"), &second)).corrected);
        assert_eq!(documents.lines().next().unwrap().changed, 1);
    }

    #[test]
    fn a_repeat_under_a_new_ext_id_is_a_second_document_if_the_first_was_not_heard_of() {
        for told in [true, false] {
            let mut documents = Documents::default();
            let first = json!({"login": "1", "ext_id": "a", "apikey": "one"});
            let second = json!({"login": "1", "ext_id": "b", "apikey": "two"});
            let (first, second) = (asked(Some("a"), &first), asked(Some("b"), &second));
            documents.seen(&first);
            let uuid = documents.take(&first).document.uuid;
            let answered = Answered::Code {
                code: 0,
                uuid: Some(uuid),
            };
            documents.ended(&first, if told { &answered } else { &Answered::Closed });
            documents.seen(&second);
            let taken = documents.take(&second);
            assert!(taken.new);
            assert_eq!(taken.second_after.is_none(), told);
            let line = documents.lines().next().unwrap();
            assert_eq!(line.second_after.is_none(), told);
        }
    }
}
