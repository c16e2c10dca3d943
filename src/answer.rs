//! LifePay's answer: accepted, or rejected with a code, a message and field errors.
//!
//! The server is PHP, so the reading is tolerant: an empty `data` may be an object, an array, null
//! or absent, numbers may come as strings, a byte order mark may stand first. Numbers are taken
//! from their text; nothing is ever computed in floating point.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::FieldError;

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// How deep field errors may be nested; what lies deeper is kept as its text.
const DEEPEST: usize = 8;

/// What LifePay said, whatever it was: it has answered, and an answer is not repeated.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Code 0. In test mode LifePay gives no uuid.
    Accepted { uuid: Option<String> },
    /// Any other code, of the page or not.
    Rejected {
        code: i32,
        message: String,
        errors: Vec<FieldError>,
    },
}

impl Answer {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// Why the body is not LifePay's: not a JSON object, or without a `code` from 0 to 2147483647.
    pub fn parse(body: &str) -> Result<Answer, String> {
        let body = body.trim_start_matches('\u{feff}');
        let [code, message, data] = fields(body, ["code", "message", "data"])
            .map_err(|error| format!("not a JSON object: {error}"))?;
        let code = code.ok_or("the JSON has no code")?;
        let code = integer(code)
            .filter(|code| *code >= 0)
            .ok_or_else(|| format!("the JSON's code is {}", shorten(code.get())))?;
        Ok(if code == 0 {
            let [uuid] = data
                .and_then(|data| fields(data.get(), ["uuid"]).ok())
                .unwrap_or_default();
            Answer::Accepted {
                uuid: uuid.and_then(text).filter(|uuid| !uuid.is_empty()),
            }
        } else {
            let mut errors = Vec::new();
            if let Some(data) = data {
                collect(&mut errors, "", data, 0);
            }
            Answer::Rejected {
                code,
                message: message.and_then(text).unwrap_or_default(),
                errors,
            }
        })
    }
}

/// The values of these fields of an object; of a field that comes twice the last, as PHP has it.
fn fields<'a, const N: usize>(
    object: &'a str,
    names: [&str; N],
) -> serde_json::Result<[Option<&'a RawValue>; N]> {
    let mut json = serde_json::Deserializer::from_str(object);
    let values = json.deserialize_map(Fields(names))?;
    json.end()?;
    Ok(values)
}

/// serde's visitor for [`fields`].
struct Fields<'n, const N: usize>([&'n str; N]);

impl<'a, const N: usize> Visitor<'a> for Fields<'_, N> {
    type Value = [Option<&'a RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut object: M) -> Result<Self::Value, M::Error> {
        let mut values = [None; N];
        while let Some((Name(name), value)) = object.next_entry()? {
            if let Some(place) = self.0.iter().position(|wanted| *wanted == name) {
                values[place] = Some(value);
            }
        }
        Ok(values)
    }
}

/// A field's name, copied only if there are escapes in it.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// An int32, as a number or as a string that holds one.
fn integer(value: &RawValue) -> Option<i32> {
    text(value)?.trim().parse().ok()
}

/// A string's content, or the text of a number or boolean. Nothing for null and containers.
fn text(value: &RawValue) -> Option<String> {
    let raw = value.get();
    match raw.as_bytes().first()? {
        // A lone surrogate is no error to PHP; its escape is kept as it came.
        b'"' => {
            Some(serde_json::from_str(raw).unwrap_or_else(|_| raw.trim_matches('"').to_owned()))
        }
        b'{' | b'[' | b'n' => None,
        _ => Some(raw.to_owned()),
    }
}

/// Field errors come as `{"field": ["message", …]}`, also with a single message in place of the
/// list, and nested: then the fields' names are joined by dots.
fn collect(errors: &mut Vec<FieldError>, field: &str, value: &RawValue, depth: usize) {
    let raw = value.get();
    if depth < DEEPEST {
        if let Ok(object) = serde_json::from_str::<Object>(raw) {
            for (name, value) in object {
                let name = if field.is_empty() {
                    name
                } else {
                    format!("{field}.{name}")
                };
                collect(errors, &name, value, depth + 1);
            }
            return;
        }
        if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(raw) {
            for value in list {
                collect(errors, field, value, depth + 1);
            }
            return;
        }
    }
    let text = text(value).unwrap_or_else(|| raw.to_owned());
    // What PHP has for nothing.
    if !matches!(text.as_str(), "" | "null" | "false") {
        errors.push(FieldError::new(field, text));
    }
}

/// The beginning of a text that may be long.
fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
