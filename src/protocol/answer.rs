//! LifePay's answer: accepted, or rejected with a code, a message and field errors.
//!
//! The server is PHP, so the parser is tolerant: an empty `data` may be an object, an array, null or
//! absent, numbers may be strings, and there may be a byte order mark. Numbers are parsed from their
//! text, never through floating point.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::messages::GOES_ON;
use crate::report::{beginning, cut_short, FieldError, LONGEST_TEXT, MOST_ERRORS};
use crate::secret::Secret;

/// How deep field errors may be nested. Deeper values are kept as their JSON text.
const DEEPEST: usize = 8;

/// LifePay's answer. A request that was answered is not retried. The apikey is masked in all texts.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Code 0. In test mode LifePay gives no uuid.
    Accepted { uuid: Option<String> },
    /// Any other code, also one that the page does not list. The texts are masked and limited in
    /// length.
    Rejected {
        code: i32,
        message: String,
        /// At most [`MOST_ERRORS`].
        errors: Vec<FieldError>,
        /// The number of further errors.
        more: usize,
    },
}

impl Answer {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// The reason why the body is not LifePay's: it is not a JSON object, or it has no `code` from 0 to
    /// 2147483647.
    pub fn parse(body: &str, apikey: &Secret) -> Result<Answer, String> {
        let body = body.trim_start_matches('\u{feff}');
        let [code, message, data] = fields(body, ["code", "message", "data"]).map_err(|error| {
            format!("not a JSON object: {}", beginning(&error.to_string(), 200))
        })?;
        let code = code.ok_or("the JSON has no code")?;
        let code = integer(code)
            .filter(|code| *code >= 0)
            .ok_or_else(|| format!("the JSON's code is {}", beginning(code.get(), 40)))?;
        Ok(if code == 0 {
            let [uuid] = data
                .and_then(|data| fields(data.get(), ["uuid"]).ok())
                .unwrap_or_default();
            let uuid = uuid.and_then(text).filter(|uuid| !uuid.is_empty());
            let mut uuid = uuid.map(Cow::into_owned);
            // A key of one or two letters, as in tests, must not garble a uuid.
            if let Some(uuid) = uuid.as_mut().filter(|_| apikey.is_long()) {
                apikey.mask_in_place(uuid);
            }
            Answer::Accepted { uuid }
        } else {
            let mut errors = Errors {
                found: Vec::new(),
                more: 0,
                field: String::new(),
                apikey,
            };
            if let Some(data) = data {
                errors.collect(data, 0);
            }
            let message = message.and_then(text).unwrap_or_default();
            Answer::Rejected {
                code,
                message: shown(&message, apikey),
                errors: errors.found,
                more: errors.more,
            }
        })
    }
}

/// Returns the values of these fields of an object. If a field occurs twice, the last value counts, as
/// in PHP.
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
        while let Some((Text(name), value)) = object.next_entry()? {
            if let Some(place) = self.0.iter().position(|wanted| *wanted == name) {
                values[place] = Some(value);
            }
        }
        Ok(values)
    }
}

/// A string, which is copied only if it contains escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns an int32 that is given as a number or as a string.
fn integer(value: &RawValue) -> Option<i32> {
    text(value)?.trim().parse().ok()
}

/// Returns the content of a string, or the text of a number or boolean; None for null and containers.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let raw = value.get();
    match raw.as_bytes().first()? {
        b'"' => Some(match serde_json::from_str(raw) {
            Ok(Text(text)) => text,
            // PHP accepts a lone surrogate; its escape is kept unchanged.
            Err(_) => raw.trim_matches('"').into(),
        }),
        b'{' | b'[' | b'n' => None,
        _ => Some(raw.into()),
    }
}

/// The reader of field errors. They have the form `{"field": ["message", …]}`, possibly with a single
/// message instead of the list, and possibly nested: then the fields' names are joined by dots.
///
/// Each level of nesting is read in one pass, so that even a malicious body costs at most [`DEEPEST`]
/// passes.
struct Errors<'s> {
    found: Vec<FieldError>,
    more: usize,
    /// The full name of the current field, including those of the outer fields.
    field: String,
    apikey: &'s Secret,
}

impl Errors<'_> {
    fn collect(&mut self, value: &RawValue, depth: usize) {
        let raw = value.get();
        let mut json = serde_json::Deserializer::from_str(raw);
        let level = Level {
            errors: self,
            depth: depth + 1,
        };
        // This cannot fail, because the text was parsed as JSON before.
        let _ = match raw.as_bytes().first() {
            Some(b'{') if depth < DEEPEST => json.deserialize_map(level),
            Some(b'[') if depth < DEEPEST => json.deserialize_seq(level),
            _ => return self.add(value),
        };
    }

    fn add(&mut self, value: &RawValue) {
        let text = text(value).unwrap_or(value.get().into());
        // PHP's ways to write an empty value.
        if matches!(&*text, "" | "null" | "false") {
            return;
        }
        if self.found.len() == MOST_ERRORS {
            self.more += 1;
            return;
        }
        let field = shown(&self.field, self.apikey);
        let message = shown(&text, self.apikey);
        self.found.push(FieldError { field, message });
    }
}

/// serde's visitor for the elements of an object or array of [`Errors`].
struct Level<'e, 's> {
    errors: &'e mut Errors<'s>,
    depth: usize,
}

impl<'a> Visitor<'a> for Level<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("field errors")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut object: M) -> Result<(), M::Error> {
        let outer = self.errors.field.len();
        while let Some((name, value)) = object.next_entry::<&RawValue, &RawValue>()? {
            if outer > 0 {
                self.errors.field.push('.');
            }
            self.errors.field.push_str(&text(name).unwrap_or_default());
            self.errors.collect(value, self.depth);
            self.errors.field.truncate(outer);
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut list: S) -> Result<(), S::Error> {
        while let Some(value) = list.next_element()? {
            self.errors.collect(value, self.depth);
        }
        Ok(())
    }
}

/// Masks a text of LifePay's, and shortens it if it is long. A long text is cut before it is masked, so
/// that masking is not more expensive for it, and again afterwards, because a mask may be longer than
/// the apikey.
fn shown(text: &str, apikey: &Secret) -> String {
    let begin = beginning(text, LONGEST_TEXT);
    let masked = match begin.len() == text.len() {
        true => apikey.mask(text),
        false => apikey.mask_cut(begin) + GOES_ON,
    };
    cut_short(masked, LONGEST_TEXT, GOES_ON)
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
