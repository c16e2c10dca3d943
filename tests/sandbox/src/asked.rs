//! The properties of a request that matter for documents. They are computed once, because a body
//! may be large.

use std::collections::hash_map::DefaultHasher;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::mask::Mask;

/// Fields that do not distinguish one document from another: credentials, the cashier, the
/// callback. test is among them, because documents are made only without it or with 0.
const IGNORED: [&str; 7] = [
    "apikey",
    "ext_id",
    "test",
    "cashier_name",
    "cashier_inn",
    "callback_url",
    "callback_data",
];

pub(crate) struct Asked {
    /// The request's id.
    pub(crate) id: usize,
    pub(crate) number: usize,
    pub(crate) path: String,
    pub(crate) ext_id: Option<String>,
    /// Whether the sandbox replayed the request. The till does not receive the answer to a replay.
    pub(crate) is_replay: bool,
    pub(crate) key: Key,
    /// The hash of the printed content and the printer, without the ext_id.
    pub(crate) print: u64,
    /// The hash of each field except the apikey.
    pub(crate) fields: BTreeMap<String, u64>,
    pub(crate) login: Option<String>,
    pub(crate) mask: Mask,
}

/// The key by which requests are counted: path and ext_id or, without an ext_id, path and body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

impl Asked {
    /// Computes the properties of a request. The caller sets `id`, `number` and `is_replay`.
    pub(crate) fn new(path: &str, client: IpAddr, body: &Map<String, Value>, mask: Mask) -> Asked {
        let fields = body.iter().filter(|(name, _)| *name != "apikey");
        let fields = fields.map(|(name, value)| (name.clone(), hash_of(value)));
        let fields: BTreeMap<_, _> = fields.collect();
        let given = |name: &str| {
            let text = body.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let ext_id = given("ext_id");
        let key = match &ext_id {
            Some(ext_id) => Key::new(path, ext_id),
            None => Key::Body(hash(path, &fields, |name| name != "ext_id")),
        };
        // target_serial alone determines the printer. Without it the login does, and tills at two
        // addresses count as having two printers.
        let has_printer = given("target_serial").is_some();
        let content = hash(path, &fields, |name| {
            !(IGNORED.contains(&name) || has_printer && name == "login")
        });
        let mut hasher = DefaultHasher::new();
        ((!has_printer).then_some(client), content).hash(&mut hasher);
        Asked {
            id: 0,
            number: 0,
            path: path.to_owned(),
            ext_id,
            is_replay: false,
            key,
            print: hasher.finish(),
            login: given("login").map(|login| mask.text(&login)),
            fields,
            mask,
        }
    }

    /// Returns the ext_id for display.
    pub(crate) fn shown_ext_id(&self) -> Option<String> {
        let ext_id = self.ext_id.as_deref();
        ext_id.map(|ext_id| self.mask.text(ext_id))
    }
}

/// Returns the hash of the path and of the fields for which `counts` returns true.
fn hash(path: &str, fields: &BTreeMap<String, u64>, counts: impl Fn(&str) -> bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    for field in fields.iter().filter(|(name, _)| counts(name)) {
        field.hash(&mut hasher);
    }
    hasher.finish()
}

fn hash_of(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
