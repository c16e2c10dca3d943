//! The request to open a shift: its fields, what LifePay's page demands of them, its JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::crypto;
use crate::error::FieldError;
use crate::secret::Secret;

/// Where the request goes, below the base URL.
pub(crate) const PATH: &str = "/cloud-print/create-session";

/// What the outbox calls this kind of request.
pub(crate) const OPERATION: &str = "create-session";

/// The page: at most 50 characters.
const EXT_ID_MAX: usize = 50;
/// The page: at most 255 characters.
const CALLBACK_URL_MAX: usize = 255;

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
#[derive(Debug)]
pub struct Shift {
    pub apikey: Secret,
    pub login: String,
    pub test: bool,
    pub cashier_name: Option<String>,
    pub cashier_inn: Option<String>,
    pub target_serial: Option<String>,
    pub ext_id: String,
    pub callback_url: Option<String>,
    pub callback_data: Option<CallbackData>,
}

/// The page: "Строка | Объект | Массив".
#[derive(Debug)]
pub enum CallbackData {
    Text(String),
    /// An object or array, sent as its text stands.
    Json(Box<RawValue>),
}

impl Fields {
    /// Checks what the page demands, all of it, and adds what is wrong to `faults`. What the page
    /// leaves open, such as the form of login or INN, is LifePay's to judge.
    ///
    /// `make_ext_id` is asked if none was given.
    pub fn check(
        self,
        faults: &mut Vec<FieldError>,
        make_ext_id: impl FnOnce() -> String,
    ) -> Option<Shift> {
        let before = faults.len();
        for (field, value) in [("apikey", &self.apikey), ("login", &self.login)] {
            // What could not be read has its own fault already.
            if value.is_none() && !faults.iter().any(|fault| fault.field == field) {
                faults.push(FieldError::new(field, "обязательное поле не задано"));
            }
        }
        if !matches!(self.test, 0 | 1) {
            faults.push(FieldError::new(
                "test",
                format!("{}, а допустимы 0 и 1", self.test),
            ));
        }
        check_length(faults, "ext_id", &self.ext_id, EXT_ID_MAX);
        check_length(faults, "callback_url", &self.callback_url, CALLBACK_URL_MAX);
        let callback_data = match (self.callback_data, self.callback_data_json) {
            (Some(_), Some(_)) => {
                faults.push(FieldError::new(
                    "callback_data_json",
                    "задано вместе с callback_data, а допустимо только одно из двух",
                ));
                None
            }
            (Some(text), None) => Some(CallbackData::Text(text)),
            (None, Some(json)) => match container(json) {
                Ok(json) => Some(CallbackData::Json(json)),
                Err(message) => {
                    faults.push(FieldError::new("callback_data_json", message));
                    None
                }
            },
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

/// The page counts characters, not bytes: a Cyrillic letter is one.
fn check_length(faults: &mut Vec<FieldError>, field: &str, value: &Option<String>, most: usize) {
    let length = value.as_deref().map_or(0, |text| text.chars().count());
    if length > most {
        faults.push(FieldError::new(
            field,
            format!("{length} символов, а допустимо не более {most}"),
        ));
    }
}

/// `text` as a JSON object or array, or why it is none.
fn container(text: String) -> Result<Box<RawValue>, String> {
    let json = RawValue::from_string(text).map_err(|error| {
        format!(
            "не JSON: строка {}, столбец {}",
            error.line(),
            error.column()
        )
    })?;
    if json.get().starts_with(['{', '[']) {
        Ok(json)
    } else {
        Err("должен быть объект или массив JSON; для строки есть callback_data".to_owned())
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

/// The fields in the page's order but for the apikey, which stands before them: those that were
/// given and no others.
#[derive(Serialize)]
struct Request<'a> {
    login: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cashier_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cashier_inn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_serial: Option<&'a str>,
    ext_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_data: Option<RequestData<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RequestData<'a> {
    Text(&'a str),
    Json(&'a RawValue),
}

impl Shift {
    /// The JSON of the request without its apikey: what may be stored.
    ///
    /// # Errors
    ///
    /// None that a `Shift` can cause; the encoder's signature has one.
    pub fn request(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Request {
            login: &self.login,
            test: self.test.then_some(1),
            cashier_name: self.cashier_name.as_deref(),
            cashier_inn: self.cashier_inn.as_deref(),
            target_serial: self.target_serial.as_deref(),
            ext_id: &self.ext_id,
            callback_url: self.callback_url.as_deref(),
            callback_data: self.callback_data.as_ref().map(|data| match data {
                CallbackData::Text(text) => RequestData::Text(text),
                CallbackData::Json(json) => RequestData::Json(json),
            }),
        })
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
#[path = "shift_tests.rs"]
mod tests;
