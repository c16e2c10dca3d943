//! What is known of an ext_id on a path: its requests, and whether their bodies were the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::asked::{Asked, Key};

/// What came under one key, and what it made.
#[derive(Clone, Serialize)]
pub(crate) struct Line {
    /// For people.
    path: String,
    /// For people; null if there is none.
    ext_id: Option<String>,
    login: Option<String>,
    pub(crate) requests: usize,
    pub(crate) documents: usize,
    /// How many requests came with another body than the ones before.
    pub(crate) changed: usize,
    /// In which fields.
    pub(crate) changed_in: BTreeSet<String>,
    /// Of the last document.
    pub(crate) uuid: Option<String>,
    /// A document of the same content was made before for the same printer, under this ext_id, and the till
    /// has not heard of it: this one is a second one. "" stands for no ext_id.
    pub(crate) second_after: Option<String>,
    /// The numbers of the first and of the last request.
    first: usize,
    last: usize,
    pub(crate) version: u64,
    /// Its place in the order in which lines were added.
    #[serde(skip)]
    pub(crate) serial: usize,
    /// The body that made the document; while there is none, the last one. Of each field the hash.
    #[serde(skip)]
    fields: BTreeMap<String, u64>,
    /// The last answer was LifePay's, and a rejection.
    #[serde(skip)]
    pub(crate) rejected: bool,
    /// While its document was not heard of, another one of the same content was made: under this key, by
    /// this request.
    #[serde(skip)]
    pub(crate) next: Option<(Key, usize)>,
}

/// How a request compares with what came before with its path and ext_id.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) differs_in: Vec<String>,
    /// It may differ: what came before was rejected.
    pub(crate) corrected: bool,
}

impl Seen {
    /// Whether this is a fault: only a request that was rejected may come again with another body.
    pub(crate) fn is_changed(&self) -> bool {
        !self.differs_in.is_empty() && !self.corrected
    }
}

impl Line {
    /// Begins with the first request.
    pub(crate) fn of(asked: &Asked, version: u64) -> Line {
        Line {
            path: asked.mask.path(&asked.path),
            ext_id: asked.shown_ext_id(),
            login: asked.login.clone(),
            requests: 1,
            documents: 0,
            changed: 0,
            changed_in: BTreeSet::new(),
            uuid: None,
            second_after: None,
            first: asked.number,
            last: asked.number,
            version,
            serial: 0,
            fields: asked.fields.clone(),
            rejected: false,
            next: None,
        }
    }

    /// Counts a further request.
    pub(crate) fn seen(&mut self, asked: &Asked) -> Seen {
        let fields = &asked.fields;
        self.requests += 1;
        self.last = asked.number;
        let names: BTreeSet<_> = self.fields.keys().chain(fields.keys()).cloned().collect();
        let differs = |name: &String| self.fields.get(name) != fields.get(name);
        let differs_in: Vec<_> = names.into_iter().filter(differs).collect();
        let seen = Seen {
            differs_in,
            corrected: self.documents == 0 && self.rejected,
        };
        if seen.is_changed() {
            self.changed += 1;
            let shown = seen.differs_in.iter().map(|name| asked.mask.name(name));
            self.changed_in.extend(shown);
        }
        if self.documents == 0 {
            // Nothing depends on the earlier body: a rejected request may be sent corrected.
            self.fields = fields.clone();
        }
        seen
    }
}
