//! A request as far as documents are concerned.

use std::collections::hash_map::DefaultHasher;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::mask::Mask;

/// Fields that do not tell one document from another: who asks, who is named on it, who is told of it.
/// test is among them, since documents are made without it or with 0 only.
const BESIDE: [&str; 7] = [
    "apikey",
    "ext_id",
    "test",
    "cashier_name",
    "cashier_inn",
    "callback_url",
    "callback_data",
];

pub(crate) struct Asked<'a> {
    pub(crate) id: usize,
    pub(crate) number: usize,
    pub(crate) version: u64,
    /// Where it came from.
    pub(crate) client: IpAddr,
    pub(crate) path: &'a str,
    pub(crate) ext_id: Option<&'a str>,
    pub(crate) body: &'a Map<String, Value>,
    pub(crate) mask: Mask,
}

/// What requests are counted by: path and ext_id or, without one, path and body.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    ExtId { path: String, ext_id: String },
    Body(u64),
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
            None => Key::Body(self.hash(|name| name != "apikey" && name != "ext_id")),
        }
    }

    /// What is to be printed and on which printer, whatever its ext_id. The printer is that of
    /// target_serial, whoever the login is. Without one it is the login's, and then tills at two addresses
    /// are taken to have two printers.
    pub(crate) fn print(&self) -> u64 {
        let serial = self.body.get("target_serial");
        let is_given = serial
            .and_then(Value::as_str)
            .is_some_and(|serial| !serial.is_empty());
        let printer = (!is_given).then_some(self.client);
        let content = self.hash(|name| !(BESIDE.contains(&name) || is_given && name == "login"));
        let mut hasher = DefaultHasher::new();
        (printer, content).hash(&mut hasher);
        hasher.finish()
    }

    /// Of the path and of the fields that count.
    fn hash(&self, counts: impl Fn(&str) -> bool) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.path.hash(&mut hasher);
        for (name, value) in self.body.iter().filter(|(name, _)| counts(name)) {
            (name, value.to_string()).hash(&mut hasher);
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
