//! Masks the apikey in everything that is displayed, because logs end up in support requests.
//!
//! The value of the field apikey is always masked. Elsewhere a key is masked only if it is long, as
//! in the library: a short one, such as "test", is part of too many words.

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

use crate::journal::Request;
use crate::published;
use crate::recent::Recent;

/// The minimum length in bytes of a key that is masked outside of its own field.
const LONG: usize = 8;
/// The maximum number of keys that are stored.
const REMEMBERED: usize = 64;

/// Headers that carry credentials.
const SECRET_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// Returns the masked form of a key: only its last two characters are visible, none if it is
/// shorter than eight.
pub(crate) fn masked(key: &str) -> String {
    let length = key.chars().count();
    let shown = if length < 8 { 0 } else { 2 };
    let tail: String = key.chars().skip(length - shown).collect();
    format!("***{tail}")
}

/// Masks apikeys wherever they occur.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    /// None if there are no keys.
    keys: Option<AhoCorasick>,
}

impl Mask {
    /// Makes a mask for the apikeys of this request, including those in fields with a misspelt
    /// name.
    pub(crate) fn of(request: &Request) -> Mask {
        Mask::with(&Mask::keys(request).collect::<Vec<_>>())
    }

    /// Returns the apikeys of a request that are masked wherever they occur.
    pub(crate) fn keys(request: &Request) -> impl Iterator<Item = String> + '_ {
        let fields = request.json.as_ref().and_then(Value::as_object);
        let fields = fields.into_iter().flatten();
        let keys = fields.filter(|(name, _)| is_apikey(name));
        let keys = keys.filter_map(|(_, key)| match key {
            Value::String(key) => Some(key.clone()),
            Value::Number(key) => Some(key.to_string()),
            _ => None,
        });
        keys.filter(|key| is_secret(key))
    }

    pub(crate) fn with(keys: &[impl AsRef<[u8]>]) -> Mask {
        // Leftmost-longest, because one key may begin with another.
        let finder = || {
            let mut builder = AhoCorasick::builder();
            let builder = builder.match_kind(MatchKind::LeftmostLongest);
            builder
                .build(keys)
                .expect("only gigabytes of keys make this fail")
        };
        Mask {
            keys: (!keys.is_empty()).then(finder),
        }
    }

    pub(crate) fn text(&self, text: &str) -> String {
        let Some(keys) = &self.keys else {
            return text.to_owned();
        };
        let mut shown = String::with_capacity(text.len());
        keys.replace_all_with(text, &mut shown, |_, key, shown| {
            shown.push_str(&masked(key));
            true
        });
        shown
    }

    /// Masks the name of a field. LifePay's own names are never masked.
    pub(crate) fn name(&self, name: &str) -> String {
        if published::is_name(name) {
            name.to_owned()
        } else {
            self.text(name)
        }
    }

    /// Masks a path without its query. LifePay's own part is never masked.
    pub(crate) fn path(&self, path: &str) -> String {
        let known = published::known_part(path);
        let (known, rest) = path.split_at(known.len());
        format!("{known}{}", self.text(rest))
    }

    pub(crate) fn header(&self, name: &str, value: &str) -> String {
        if SECRET_HEADERS.contains(&name) || is_apikey(name) {
            "***".to_owned()
        } else {
            self.text(value)
        }
    }

    pub(crate) fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (self.name(name), self.field(name, value)))
                .collect(),
            other => other.clone(),
        }
    }

    pub(crate) fn field(&self, name: &str, value: &Value) -> Value {
        match value.as_str() {
            _ if !is_apikey(name) => self.json(value),
            Some(key) => Value::String(masked(key)),
            None => Value::String("***".to_owned()),
        }
    }
}

/// The apikeys that are masked wherever they occur.
pub(crate) struct Apikeys {
    known: Recent<String, ()>,
    mask: Mask,
}

impl Default for Apikeys {
    fn default() -> Apikeys {
        Apikeys {
            known: Recent::new(REMEMBERED),
            mask: Mask::default(),
        }
    }
}

impl Apikeys {
    /// Returns the mask for a request's apikey and those seen before.
    pub(crate) fn seen(&mut self, request: &Request) -> Mask {
        let mut is_new = false;
        for key in Mask::keys(request) {
            is_new |= self.known.insert(key, ());
        }
        if is_new {
            self.mask = Mask::with(&self.known.keys().collect::<Vec<_>>());
        }
        self.mask.clone()
    }
}

/// Whether a key is masked outside of its own field. A login, which is a phone number 7xxxxxxxxxx
/// according to the page, is not, because people who try the sandbox may also use it as the apikey.
pub(crate) fn is_secret(key: &str) -> bool {
    let is_phone =
        key.len() == 11 && key.starts_with('7') && key.bytes().all(|c| c.is_ascii_digit());
    key.len() >= LONG && !is_phone
}

/// Whether a field's name is apikey, possibly misspelt. The value is a secret in either case.
fn is_apikey(name: &str) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    letters.eq_ignore_ascii_case("apikey") || letters.eq_ignore_ascii_case("xapikey")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_shows_two_characters_at_most_and_a_short_one_none() {
        for (key, shown) in [
            ("", "***"),
            ("1234567", "***"),
            ("12345678", "***78"),
            ("ключ-на-кассу", "***су"),
        ] {
            assert_eq!(masked(key), shown);
        }
    }

    #[test]
    fn the_key_is_masked_everywhere() {
        let mask = Mask::with(&["secret-key-42"]);
        let shown = mask.json(&json!({
            "apikey": "secret-key-42",
            "Api_Key": "another-one",
            "callback_url": "http://shop/?key=secret-key-42",
            "callback_data": [{"secret-key-42": "secret-key-42"}],
        }));
        assert!(!shown.to_string().contains("secret-key"), "{shown}");
        assert!(!shown.to_string().contains("another"), "{shown}");
    }

    #[test]
    fn a_key_that_is_not_a_string_is_masked_too() {
        let mask = Mask::default();
        assert_eq!(
            mask.json(&json!({"apikey": 1234567890123_u64})),
            json!({"apikey": "***"})
        );
    }

    #[test]
    fn the_longer_one_of_two_keys_is_masked() {
        let mask = Mask::with(&["secret-key", "secret-key-42"]);
        assert_eq!(
            mask.text("a secret-key-42, a secret-key"),
            "a ***42, a ***ey"
        );
    }

    #[test]
    fn lifepays_names_and_paths_are_never_masked() {
        let mask = Mask::with(&[
            "target_serial",
            "cloud-print",
            "create-session",
            "elsewhere",
        ]);
        assert_eq!(mask.name("target_serial"), "target_serial");
        assert_eq!(mask.name("target_serial_2"), "***al_2");
        assert_eq!(
            mask.path(published::CREATE_SESSION),
            published::CREATE_SESSION
        );
        assert_eq!(mask.path("/cloud-print/elsewhere"), "/cloud-print/***re");
    }

    #[test]
    fn a_short_key_and_a_phone_number_are_no_secret_elsewhere() {
        for (key, secret) in [
            ("1234567", false),
            ("12345678", true),
            ("79031234567", false),
            ("790312345678", true),
            ("89031234567", true),
        ] {
            assert_eq!(is_secret(key), secret, "{key}");
        }
    }
}
