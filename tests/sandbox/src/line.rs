//! The history of an ext_id on a path: its requests, and whether their bodies were the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::asked::{Asked, Key};

/// The requests with one key, and their document.
#[derive(Clone, Serialize)]
pub(crate) struct Line {
    /// For display.
    path: String,
    /// For display; null if there is none.
    ext_id: Option<String>,
    login: Option<String>,
    pub(crate) requests: usize,
    pub(crate) documents: usize,
    /// The number of requests whose body differs from the earlier ones.
    pub(crate) changed: usize,
    /// The fields in which they differ.
    pub(crate) changed_in: BTreeSet<String>,
    /// The uuid of the last document.
    pub(crate) uuid: Option<String>,
    /// If this document is a second one: the ext_id of an earlier document with the same content,
    /// for the same printer, that the till does not know of. "" means that the earlier one has no
    /// ext_id.
    pub(crate) second_after: Option<String>,
    /// The numbers of the first and of the last request.
    first: usize,
    last: usize,
    pub(crate) version: u64,
    /// The line's position in the order in which lines were added.
    #[serde(skip)]
    pub(crate) serial: usize,
    /// The hash of each field of the body that made the document; before there is one, of the last
    /// body.
    #[serde(skip)]
    fields: BTreeMap<String, u64>,
    /// Whether the last answer was LifePay's and a rejection.
    #[serde(skip)]
    pub(crate) rejected: bool,
    /// Another document with the same content, which was made while the till did not know of this
    /// one: its key, and the id of the request that made it.
    #[serde(skip)]
    pub(crate) next: Option<(Key, usize)>,
}

/// The comparison of a request with earlier ones with its path and ext_id.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) differs_in: Vec<String>,
    /// Whether the request may differ, because the earlier one was rejected.
    pub(crate) corrected: bool,
}

impl Seen {
    /// Whether the difference is a fault: only a rejected request may be sent again with another
    /// body.
    pub(crate) fn is_changed(&self) -> bool {
        !self.differs_in.is_empty() && !self.corrected
    }
}

impl Line {
    /// Makes a line for its first request.
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
            // No document depends on the earlier body: a rejected request may be corrected and sent
            // again.
            self.fields = fields.clone();
        }
        seen
    }
}
