//! The request to open a shift: its fields, what LifePay's page demands of them, its JSON.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::crypto;
use crate::fault::{is_named, Fault, Wrong};
use crate::secret::Secret;

/// Where the request goes, below the base URL.
pub(crate) const PATH: &str = "/cloud-print/create-session";

/// What the outbox calls this kind of request.
pub(crate) const OPERATION: &str = "create-session";

/// The page: at most 50 characters.
pub(crate) const EXT_ID_MAX: usize = 50;
/// The page: at most 255 characters.
pub(crate) const CALLBACK_URL_MAX: usize = 255;

/// The fields of the page, as the host gave them; `None` is "not given".
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
}

/// A request that keeps to the page. It always has an ext_id: without one a repeat would print a
/// second document.
///
/// Its JSON has the fields in the page's order: those that were given and no others. The apikey is
/// put before them when it is sent, and is stored nowhere.
#[derive(Debug, Serialize)]
pub struct Shift {
    #[serde(skip)]
    pub apikey: Secret,
    pub login: String,
    #[serde(skip_serializing_if = "is_fiscal", serialize_with = "one")]
    pub test: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cashier_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cashier_inn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_serial: Option<String>,
    pub ext_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_data: Option<CallbackData>,
}

/// The page: "Строка | Объект | Массив".
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum CallbackData {
    Text(String),
    /// An object or array, sent as its text stands.
    Json(Box<RawValue>),
}

// serde hands a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_fiscal(test: &bool) -> bool {
    !test
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn one<S: Serializer>(_: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(1)
}

impl Fields {
    /// Checks what the page demands, all of it, and adds what is wrong to `faults`. What the page
    /// leaves open, such as the form of login or INN, is LifePay's to judge.
    ///
    /// `make_ext_id` is asked if none was given.
    pub fn check(
        self,
        faults: &mut Vec<Fault>,
        make_ext_id: impl FnOnce() -> String,
    ) -> Option<Shift> {
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
        Some(Shift {
            apikey: Secret::new(self.apikey?),
            login: self.login?,
            test: self.test == 1,
            cashier_name: self.cashier_name,
            cashier_inn: self.cashier_inn,
            target_serial: self.target_serial,
            ext_id: self.ext_id.unwrap_or_else(make_ext_id),
            callback_url: self.callback_url,
            callback_data,
        })
    }
}

/// What could not be read has its own fault already.
pub fn require(field: &'static str, value: &Option<String>, faults: &mut Vec<Fault>) {
    if value.is_none() && !is_named(faults, field) {
        faults.push(Fault::new(field, Wrong::Required));
    }
}

/// The page counts characters, not bytes: a Cyrillic letter is one.
fn check_length(field: &'static str, value: &Option<String>, most: usize, faults: &mut Vec<Fault>) {
    let length = value.as_deref().map_or(0, |text| text.chars().count());
    if length > most {
        faults.push(Fault::new(field, Wrong::TooLong { length, most }));
    }
}

/// `text` as a JSON object or array, or why it is none.
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

/// A new ext_id: a random UUID, 36 characters.
pub fn new_ext_id() -> String {
    let mut bytes = [0; 16];
    if crypto::provider().secure_random.fill(&mut bytes).is_err() {
        // The system's random numbers do not fail on any system this runs on. An ext_id that is
        // not unique would make LifePay take two shifts for one: better none at all.
        panic!("the system gives no random numbers");
    }
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .hyphenated()
        .to_string()
}

impl Shift {
    /// The JSON of the request without its apikey: what may be stored.
    ///
    /// # Errors
    ///
    /// None that a `Shift` can cause; the encoder's signature has one.
    pub fn request(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// The fields in which two stored requests differ.
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
    let differs = |field: &&str| text(one.get(*field)) != text(other.get(*field));
    FIELDS.into_iter().filter(|field| differs(field)).collect()
}

/// The JSON that is sent, in UTF-8: a stored request with the apikey before its fields.
///
/// # Errors
///
/// As [`Shift::request`].
pub fn body(request: &str, apikey: &Secret) -> Result<String, serde_json::Error> {
    let apikey = serde_json::to_string(apikey.reveal())?;
    let fields = request.strip_prefix('{').unwrap_or(request);
    Ok(["{\"apikey\":", &apikey, ",", fields].concat())
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
