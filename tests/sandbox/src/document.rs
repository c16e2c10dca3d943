//! Documents and their uuids, and what is known of each ext_id.
//!
//! An ext_id alone names a document, whoever sends it: the page speaks of a repeated ext_id
//! "in the system" and does not say whether two companies may use the same one. A client that
//! is safe here is safe either way.

use std::collections::HashMap;
use std::time::SystemTime;

use serde_json::{Map, Value};
use uuid::Uuid;

/// A document that LifePay would have sent to a fiscal printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Version 5, made from the ext_id, so that it is the same after a restart.
    pub uuid: String,
    /// The ext_id of the request that made it.
    pub ext_id: Option<String>,
    /// How many requests came with its ext_id so far, those included that did not reach it,
    /// such as one that was answered with HTTP 503. 1 for a document without ext_id.
    pub requests: usize,
}

struct Known {
    requests: usize,
    /// The body that made the document; while there is none, the last one.
    body: Map<String, Value>,
    document: Option<usize>,
}

#[derive(Default)]
pub(crate) struct Documents {
    all: Vec<Document>,
    ext_ids: HashMap<String, Known>,
}

impl Documents {
    pub(crate) fn all(&self) -> Vec<Document> {
        self.all.clone()
    }

    /// Counts a request with this ext_id. Returns the fields in which it differs from what
    /// came before.
    pub(crate) fn seen(&mut self, ext_id: &str, body: &Map<String, Value>) -> Vec<String> {
        let mut body = body.clone();
        // A repeat may carry a corrected apikey, and there is no need to keep it.
        body.remove("apikey");
        let Some(known) = self.ext_ids.get_mut(ext_id) else {
            let known = Known {
                requests: 1,
                body,
                document: None,
            };
            self.ext_ids.insert(ext_id.to_owned(), known);
            return Vec::new();
        };
        known.requests += 1;
        let mut names: Vec<_> = known
            .body
            .keys()
            .chain(body.keys())
            .filter(|name| known.body.get(*name) != body.get(*name))
            .cloned()
            .collect();
        names.sort_unstable();
        names.dedup();
        match known.document {
            Some(document) => self.all[document].requests = known.requests,
            // Nothing depends on the earlier body: a rejected request may be sent corrected.
            None => known.body = body,
        }
        names
    }

    /// The document of this ext_id, which is made unless there is one; the second value tells.
    pub(crate) fn take(&mut self, ext_id: Option<&str>) -> (&Document, bool) {
        let next = self.all.len();
        let known = ext_id.and_then(|ext_id| self.ext_ids.get_mut(ext_id));
        let requests = known.as_ref().map_or(1, |known| known.requests);
        if let Some(known) = known {
            let document = *known.document.get_or_insert(next);
            if document < next {
                return (&self.all[document], false);
            }
        }
        self.all.push(Document {
            uuid: match ext_id {
                Some(ext_id) => of_ext_id(ext_id),
                None => of_moment(next),
            }
            .to_string(),
            ext_id: ext_id.map(str::to_owned),
            requests,
        });
        (&self.all[next], true)
    }

    /// How many requests came with this ext_id, and how many documents they made.
    pub(crate) fn count(&self, ext_id: &str) -> (usize, usize) {
        self.ext_ids.get(ext_id).map_or((0, 0), |known| {
            (known.requests, usize::from(known.document.is_some()))
        })
    }
}

/// The namespace of all uuids made here; LifePay's own is not published.
fn namespace(kind: &str) -> Uuid {
    let name = format!("https://sapi.life-pay.ru/cloud-print/create-session#{kind}");
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
}

fn of_ext_id(ext_id: &str) -> Uuid {
    Uuid::new_v5(&namespace("ext_id"), ext_id.as_bytes())
}

/// The clock keeps it apart from earlier runs, the counter from others of this one.
fn of_moment(counter: usize) -> Uuid {
    let name = format!("{counter} {:?}", SystemTime::now());
    Uuid::new_v5(&namespace("moment"), name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_uuid_of_an_ext_id_is_version_5_and_never_changes() {
        let uuid = of_ext_id("00106304012797-2026-11-24-1");
        assert_eq!(uuid.get_version_num(), 5);
        // Written down so that another version of the sandbox gives the same.
        assert_eq!(uuid.to_string(), "e09d2c31-cc28-547a-bf5f-ce87d6d069c7");
    }

    #[test]
    fn requests_without_ext_id_make_a_document_each() {
        let mut documents = Documents::default();
        let first = documents.take(None).0.uuid.clone();
        let (second, new) = documents.take(None);
        assert!(new);
        assert_ne!(first, second.uuid);
        assert!(second.uuid.chars().nth(14) == Some('5'), "{}", second.uuid);
    }

    #[test]
    fn the_document_of_an_ext_id_counts_the_requests_before_and_after_it() {
        let mut documents = Documents::default();
        documents.seen("a", &body(json!({})));
        documents.seen("a", &body(json!({})));
        assert_eq!(documents.count("a"), (2, 0));
        assert!(documents.take(Some("a")).1);
        documents.seen("a", &body(json!({})));
        assert!(!documents.take(Some("a")).1);
        assert_eq!(documents.count("a"), (3, 1));
        assert_eq!(documents.all()[0].requests, 3);
    }

    #[test]
    fn a_different_body_is_noticed_and_a_different_apikey_is_not() {
        let mut documents = Documents::default();
        let first = body(json!({"apikey": "one", "ext_id": "a", "cashier_name": "Иванова"}));
        let other_key = body(json!({"apikey": "two", "ext_id": "a", "cashier_name": "Иванова"}));
        let other = body(json!({"apikey": "two", "ext_id": "a", "test": 1}));
        assert!(documents.seen("a", &first).is_empty());
        documents.take(Some("a"));
        assert!(documents.seen("a", &other_key).is_empty());
        assert_eq!(documents.seen("a", &other), ["cashier_name", "test"]);
    }

    #[test]
    fn a_corrected_request_is_not_compared_with_the_rejected_one_for_ever() {
        let mut documents = Documents::default();
        documents.seen("a", &body(json!({"login": "1"})));
        assert_eq!(documents.seen("a", &body(json!({"login": "2"}))), ["login"]);
        assert!(documents.seen("a", &body(json!({"login": "2"}))).is_empty());
    }
}
