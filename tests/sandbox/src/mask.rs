//! Keeps the apikey out of all that people read: logs end up in support requests.

use serde_json::Value;

use crate::journal::Request;

/// Headers that carry credentials by their nature.
const SECRET_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// What a key shows of itself: its last two characters, nothing if it is shorter than eight.
pub(crate) fn masked(key: &str) -> String {
    let length = key.chars().count();
    let shown = if length < 8 { 0 } else { 2 };
    let tail: String = key.chars().skip(length - shown).collect();
    format!("***{tail}")
}

/// Masks apikeys wherever they turn up.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    keys: Vec<String>,
}

impl Mask {
    /// With the apikey of this request. A misspelt one is a secret, too.
    pub(crate) fn of(request: &Request) -> Mask {
        let fields = request.json.as_ref().and_then(Value::as_object);
        let fields = fields.into_iter().flatten();
        let keys = fields.filter(|(name, _)| is_apikey(name));
        let keys = keys.filter_map(|(_, key)| key.as_str());
        Mask {
            // Shorter ones are masked in their own field only: they could be part of any word.
            keys: keys
                .filter(|key| key.len() >= 4)
                .map(str::to_owned)
                .collect(),
        }
    }

    /// With those of other requests as well.
    pub(crate) fn and(mut self, keys: impl Iterator<Item = String>) -> Mask {
        self.keys.extend(keys);
        // The longer ones first: one may begin with another.
        self.keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
        self
    }

    pub(crate) fn keys(&self) -> &[String] {
        &self.keys
    }

    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for key in &self.keys {
            if text.contains(key) {
                text = text.replace(key, &masked(key));
            }
        }
        text
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
                .map(|(name, value)| (self.text(name), self.field(name, value)))
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

/// A misspelt apikey is still a secret.
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
    fn the_key_is_masked_wherever_it_stands() {
        let mask = Mask {
            keys: vec!["secret-key-42".to_owned()],
        };
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
}
