//! A request as far as documents are concerned.

use std::collections::hash_map::DefaultHasher;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde_json::{Map, Value};

use crate::mask::Mask;

pub(crate) struct Asked<'a> {
    pub(crate) number: usize,
    pub(crate) version: u64,
    pub(crate) path: &'a str,
    pub(crate) ext_id: Option<&'a str>,
    pub(crate) body: &'a Map<String, Value>,
    pub(crate) mask: Mask,
}

/// What tells one document from another: path and ext_id or, without one, path and body.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    ExtId { path: String, ext_id: String },
    Content(u64),
}

impl Key {
    pub(crate) fn new(path: &str, ext_id: &str) -> Key {
        Key::ExtId {
            path: path.to_owned(),
            ext_id: ext_id.to_owned(),
        }
    }
}

impl Asked<'_> {
    pub(crate) fn shown(&self, field: &str) -> Option<String> {
        let value = self.body.get(field)?.as_str()?;
        Some(self.mask.text(value)).filter(|value| !value.is_empty())
    }

    pub(crate) fn key(&self) -> Key {
        match self.ext_id {
            Some(ext_id) => Key::new(self.path, ext_id),
            None => Key::Content(self.content()),
        }
    }

    /// What is to be printed, whatever its ext_id: path and body. The apikey does not count: a repeat may carry a
    /// corrected one.
    pub(crate) fn content(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.path.hash(&mut hasher);
        for (name, value) in self.body {
            if name != "apikey" && name != "ext_id" {
                (name, value.to_string()).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// Of each field the hash.
    pub(crate) fn fields(&self) -> BTreeMap<String, u64> {
        let fields = self.body.iter().filter(|(name, _)| *name != "apikey");
        fields
            .map(|(name, value)| {
                let mut hasher = DefaultHasher::new();
                value.to_string().hash(&mut hasher);
                (name.clone(), hasher.finish())
            })
            .collect()
    }
}
