//! A request to LifePay: its fields, their checks, its JSON.
//!
//! The fields of a shift are those of LifePay's page about it. Of every other document, the library
//! knows only the path: its members are supplied by the host and sent unchanged.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::object::Object;
use crate::crypto;
use crate::fault::{is_named, Fault, Wrong};
use crate::report::cut_short;
use crate::secret::Secret;

/// The path of the request that opens a shift, below the base URL.
pub(crate) const SHIFT_PATH: &str = "/cloud-print/create-session";

/// LifePay's page: at most 50 characters.
pub(crate) const EXT_ID_MAX: usize = 50;
/// LifePay's page: at most 255 characters.
pub(crate) const CALLBACK_URL_MAX: usize = 255;
/// The library's own limit. LifePay's paths are far shorter.
pub(crate) const PATH_MAX: usize = 255;
/// JSON's whitespace.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
/// The initial size of the buffer for a request without members, bytes.
const USUAL_SIZE: usize = 512;
/// The most characters of a member's name in an error.
const LONGEST_NAME: usize = 200;

/// The fields of a request, as the host gave them; `None` means "not given".
#[derive(Default)]
pub struct Fields {
    pub apikey: Option<String>,
    pub login: Option<String>,
    pub test: i32,
    pub cashier_name: Option<String>,
    pub cashier_inn: Option<String>,
    pub target_serial: Option<String>,
    pub ext_id: Option<String>,
    pub callback_url: Option<String>,
    pub callback_data: Option<String>,
    /// The text of a JSON object or array.
    pub callback_data_json: Option<String>,
    pub path: Option<String>,
    /// The text of a JSON object: the document's own members.
    pub document_json: Option<String>,
}

/// A request that was checked. A request that opens a shift always has an ext_id: without one, a retry
/// would print a second document.
///
/// Its JSON has the given fields in the order of LifePay's page, then the document's members. The
/// apikey is added in front when the request is sent, and is never stored.
#[derive(Debug, Serialize)]
pub struct Request {
    #[serde(skip)]
    pub apikey: Secret,
    /// Below the base URL.
    #[serde(skip)]
    pub path: Cow<'static, str>,
    pub login: String,
    #[serde(skip_serializing_if = "is_fiscal", serialize_with = "one")]
    pub test: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cashier_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cashier_inn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ext_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_data: Option<CallbackData>,
    /// The document's own members, unchanged, without the braces around them.
    #[serde(skip)]
    pub members: String,
}

/// LifePay's page: "Строка | Объект | Массив".
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum CallbackData {
    Text(String),
    /// An object or array, whose text is sent unchanged.
    Json(Box<RawValue>),
}

// serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_fiscal(test: &bool) -> bool {
    !test
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn one<S: Serializer>(_: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(1)
}

impl Fields {
    /// Whether the fields describe another document than a shift.
    pub fn are_of_document(&self) -> bool {
        self.path.is_some() || self.document_json.is_some()
    }

    /// Returns the request that opens a shift. Checks everything that LifePay's page requires and adds
    /// the faults to `faults`. What the page leaves open, such as the form of login or INN, is not
    /// checked.
    ///
    /// If no ext_id was given, `make_ext_id` generates one.
    pub fn shift(
        self,
        faults: &mut Vec<Fault>,
        make_ext_id: impl FnOnce() -> String,
    ) -> Option<Request> {
        let before = faults.len();
        for (field, value) in [("path", &self.path), ("document_json", &self.document_json)] {
            if value.is_some() {
                faults.push(Fault::new(field, Wrong::NotForShift));
            }
        }
        let mut request = self.check(SHIFT_PATH.into(), faults)?;
        request.ext_id.get_or_insert_with(make_ext_id);
        (faults.len() == before).then_some(request)
    }

    /// Returns the request for the document at `path`. `is_repeated`: an ext_id is required, by which
    /// LifePay recognizes a retry. None is generated, because the library does not know whether LifePay
    /// evaluates the ext_id of this document.
    pub fn document(mut self, is_repeated: bool, faults: &mut Vec<Fault>) -> Option<Request> {
        let before = faults.len();
        require("path", &self.path, faults);
        check_length("path", &self.path, PATH_MAX, faults);
        if self.path.as_deref().is_some_and(|path| !is_path(path)) {
            faults.push(Fault::new("path", Wrong::NotAPath));
        }
        if is_repeated && self.ext_id.is_none() && !is_named(faults, "ext_id") {
            faults.push(Fault::new("ext_id", Wrong::NeededForRepeats));
        }
        let document = self.document_json.take();
        let members = document.map(|document| self.members(&document, faults));
        let path = self.path.take().unwrap_or_default();
        let mut request = self.check(path.into(), faults)?;
        request.members = members.unwrap_or_default();
        (faults.len() == before).then_some(request)
    }

    /// Returns the members of a document, unchanged. A field must not be a member too, because it is
    /// not known which of the two LifePay would use.
    fn members(&self, document: &str, faults: &mut Vec<Fault>) -> String {
        // A file that was saved by a Windows editor begins with a byte order mark.
        let text = document.trim_start_matches('\u{feff}');
        let mut add = |wrong| faults.push(Fault::new("document_json", wrong));
        let object = match serde_json::from_str::<Object>(text) {
            Ok(Object(pairs)) => pairs,
            Err(error) if error.is_data() => {
                add(Wrong::NotAnObject);
                return String::new();
            }
            Err(error) => {
                add(Wrong::NotJson {
                    line: error.line(),
                    column: error.column(),
                });
                return String::new();
            }
        };
        let apikey = Secret::new(self.apikey.clone().unwrap_or_default());
        let given = self.given();
        let mut seen = BTreeSet::new();
        for (name, _) in object {
            if let Some(ours) = ["apikey", "login"].into_iter().find(|ours| *ours == name) {
                add(Wrong::MemberOfOurs(ours));
            } else if let Some(field) = given.iter().find(|field| **field == name) {
                add(Wrong::MemberGiven(field));
            } else if seen.contains(&name) {
                let shown = cut_short(apikey.mask(&name), LONGEST_NAME, "…");
                add(Wrong::MemberTwice(shown));
            }
            seen.insert(name);
        }
        let inner = text
            .trim_matches(BLANKS)
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'));
        inner.unwrap_or_default().trim_matches(BLANKS).to_owned()
    }

    /// Returns the names in the request of the given fields, except apikey and login.
    fn given(&self) -> Vec<&'static str> {
        let fields = [
            ("test", self.test != 0),
            ("cashier_name", self.cashier_name.is_some()),
            ("cashier_inn", self.cashier_inn.is_some()),
            ("target_serial", self.target_serial.is_some()),
            ("ext_id", self.ext_id.is_some()),
            ("callback_url", self.callback_url.is_some()),
            ("callback_data", self.callback_data.is_some()),
            ("callback_data", self.callback_data_json.is_some()),
        ];
        let given = fields.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(field, _)| field).collect()
    }

    /// Checks the fields that all requests have.
    fn check(self, path: Cow<'static, str>, faults: &mut Vec<Fault>) -> Option<Request> {
        let before = faults.len();
        for (field, value) in [("apikey", &self.apikey), ("login", &self.login)] {
            require(field, value, faults);
        }
        if !matches!(self.test, 0 | 1) {
            faults.push(Fault::new("test", Wrong::NotZeroOrOne(self.test)));
        }
        check_length("ext_id", &self.ext_id, EXT_ID_MAX, faults);
        check_length("callback_url", &self.callback_url, CALLBACK_URL_MAX, faults);
        let callback_data = match (self.callback_data, self.callback_data_json) {
            (Some(_), Some(_)) => {
                let wrong = Wrong::GivenWith("callback_data");
                faults.push(Fault::new("callback_data_json", wrong));
                None
            }
            (Some(text), None) => Some(CallbackData::Text(text)),
            (None, Some(json)) => container(json)
                .map(CallbackData::Json)
                .map_err(|wrong| faults.push(Fault::new("callback_data_json", wrong)))
                .ok(),
            (None, None) => None,
        };
        if faults.len() > before {
            return None;
        }
        Some(Request {
            apikey: Secret::new(self.apikey?),
            path,
            login: self.login?,
            test: self.test == 1,
            cashier_name: self.cashier_name,
            cashier_inn: self.cashier_inn,
            target_serial: self.target_serial,
            ext_id: self.ext_id,
            callback_url: self.callback_url,
            callback_data,
            members: String::new(),
        })
    }
}

/// Whether `path` names exactly one place below the base URL: nothing in it is decoded, resolved or
/// read as another part of a URL.
pub fn is_path(path: &str) -> bool {
    let may_stand =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains("..")
        && path.bytes().all(may_stand)
}

/// Adds a fault if a required field is missing. A field that could not be read already has a fault.
pub fn require(field: &'static str, value: &Option<String>, faults: &mut Vec<Fault>) {
    if value.is_none() && !is_named(faults, field) {
        faults.push(Fault::new(field, Wrong::Required));
    }
}

/// LifePay's page counts characters, not bytes: a Cyrillic letter is one.
fn check_length(field: &'static str, value: &Option<String>, most: usize, faults: &mut Vec<Fault>) {
    let length = value.as_deref().map_or(0, |text| text.chars().count());
    if length > most {
        faults.push(Fault::new(field, Wrong::TooLong { length, most }));
    }
}

/// Returns `text` as a JSON object or array, or the reason why it is neither.
fn container(text: String) -> Result<Box<RawValue>, Wrong> {
    let json = RawValue::from_string(text).map_err(|error| Wrong::NotJson {
        line: error.line(),
        column: error.column(),
    })?;
    match json.get().starts_with(['{', '[']) {
        true => Ok(json),
        false => Err(Wrong::NotAContainer),
    }
}

/// Generates an ext_id: a random UUID, 36 characters.
pub fn new_ext_id() -> String {
    let mut bytes = [0; 16];
    if crypto::provider().secure_random.fill(&mut bytes).is_err() {
        // The system's random numbers do not fail on any supported system. Without them, an ext_id
        // might not be unique, and LifePay would treat two shifts as one.
        panic!("the system gives no random numbers");
    }
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .hyphenated()
        .to_string()
}

impl Request {
    /// Returns the JSON without the apikey, which may be stored.
    ///
    /// # Errors
    ///
    /// A `Request` cannot cause an error; the encoder's signature has one.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let mut json = Vec::new();
        self.write(&mut json)?;
        String::from_utf8(json).map_err(serde::ser::Error::custom)
    }

    /// Returns the JSON that is sent, in UTF-8, with the apikey before the other fields.
    ///
    /// # Errors
    ///
    /// As [`Request::json`].
    pub fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut body = Vec::with_capacity(USUAL_SIZE + self.members.len());
        begin_body(&self.apikey, &mut body);
        let brace = body.len();
        self.write(&mut body)?;
        body[brace] = b',';
        Ok(body)
    }

    fn write(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut *json, self)?;
        if !self.members.is_empty() {
            // There is always a login before the members.
            json.pop();
            json.push(b',');
            json.extend_from_slice(self.members.as_bytes());
            json.push(b'}');
        }
        Ok(())
    }
}

/// Returns the fields in which two stored requests differ; a document's members count as
/// `document_json`.
pub fn differing_fields(one: &str, other: &str) -> Vec<&'static str> {
    const FIELDS: [&str; 8] = [
        "login",
        "test",
        "cashier_name",
        "cashier_inn",
        "target_serial",
        "ext_id",
        "callback_url",
        "callback_data",
    ];
    let read = |request| serde_json::from_str::<BTreeMap<String, &RawValue>>(request);
    let (Ok(one), Ok(other)) = (read(one), read(other)) else {
        return FIELDS.to_vec();
    };
    let text = |value: Option<&&RawValue>| value.map(|value| value.get().to_owned());
    let differs = |name: &str| text(one.get(name)) != text(other.get(name));
    let mut fields: Vec<&str> = FIELDS.into_iter().filter(|field| differs(field)).collect();
    let mut own = one.keys().chain(other.keys());
    if own.any(|name| !FIELDS.contains(&name.as_str()) && differs(name)) {
        fields.push("document_json");
    }
    fields
}

/// Returns the [`Request::body`] of a request that was stored as `json`.
pub fn body_of_stored(json: &str, apikey: &Secret) -> Vec<u8> {
    let fields = json.strip_prefix('{').unwrap_or(json);
    let mut body = Vec::with_capacity(USUAL_SIZE + json.len());
    begin_body(apikey, &mut body);
    body.push(b',');
    body.extend_from_slice(fields.as_bytes());
    body
}

fn begin_body(apikey: &Secret, body: &mut Vec<u8>) {
    body.extend_from_slice(b"{\"apikey\":");
    body.extend_from_slice(apikey.json().as_bytes());
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
