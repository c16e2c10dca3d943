//! LifePay's answer: accepted, or rejected with a code, a message and field errors.
//!
//! The server is PHP, so the reading is tolerant: an empty `data` may be an object, an array, null
//! or absent, numbers may come as strings, a byte order mark may stand first. Numbers are taken
//! from their text; nothing is ever computed in floating point.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::error::FieldError;

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// How deep field errors may be nested; what lies deeper is kept as its text.
const DEEPEST: usize = 8;

/// What LifePay said, whatever it was: it has answered, and an answer is not repeated.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Code 0. In test mode LifePay gives no uuid.
    Accepted {
        uuid: Option<String>,
        message: String,
    },
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
        let object: Object =
            serde_json::from_str(body).map_err(|error| format!("not a JSON object: {error}"))?;
        let code = object.get("code").ok_or("the JSON has no code")?;
        let code = integer(code)
            .filter(|code| *code >= 0)
            .ok_or_else(|| format!("the JSON's code is {}", shorten(code.get())))?;
        let message = object
            .get("message")
            .and_then(|value| text(value))
            .unwrap_or_default();
        let data = object.get("data").copied();
        Ok(if code == 0 {
            let fields: Object = data
                .and_then(|data| serde_json::from_str(data.get()).ok())
                .unwrap_or_default();
            let uuid = fields.get("uuid").and_then(|value| text(value));
            Answer::Accepted {
                uuid: uuid.filter(|uuid| !uuid.is_empty()),
                message,
            }
        } else {
            let mut errors = Vec::new();
            if let Some(data) = data {
                collect(&mut errors, "", data, 0);
            }
            Answer::Rejected {
                code,
                message,
                errors,
            }
        })
    }
}

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
