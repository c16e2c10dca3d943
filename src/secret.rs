//! Texts that must be shown nowhere: the apikey.

use std::fmt;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// A text that neither `Debug` nor any log line, message or kept reply shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    /// The text itself, for the one place that needs it: the request's body.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is too long to stand in another text by chance.
    pub fn is_long(&self) -> bool {
        self.0.len() >= 8
    }

    /// `text` with every occurrence of the secret masked, also as JSON writes it: a server may
    /// well send back what it was sent.
    pub fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        self.mask_in_place(&mut masked);
        masked
    }

    /// The same; a text without the secret, as nearly all are, is left as it is.
    pub fn mask_in_place(&self, text: &mut String) {
        if self.0.is_empty() {
            return;
        }
        let mut replace = |spelling: &str| {
            if text.contains(spelling) {
                *text = text.replace(spelling, MASK);
            }
        };
        replace(&self.0);
        if !self.is_same_in_json() {
            self.json_spellings()
                .for_each(|spelling| replace(&spelling));
        }
    }

    /// Whether every JSON encoder writes it as it is.
    fn is_same_in_json(&self) -> bool {
        self.0
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'/'))
    }

    /// The same for a text that was cut off: its end may be the beginning of the secret.
    pub fn mask_cut(&self, text: &str) -> String {
        let masked = self.mask(text);
        let beginnings = (1..self.0.len()).rev().filter_map(|end| self.0.get(..end));
        for beginning in beginnings {
            if let Some(rest) = masked.strip_suffix(beginning) {
                return format!("{rest}{MASK}");
            }
        }
        masked
    }

    /// How JSON encoders write the secret where that differs from the secret: raw UTF-8, ASCII
    /// only, and PHP's, which also escapes the slash.
    fn json_spellings(&self) -> impl Iterator<Item = String> + '_ {
        let utf8 = serde_json::to_string(&self.0).unwrap_or_default();
        let utf8 = utf8.trim_matches('"').to_owned();
        let mut ascii = String::with_capacity(utf8.len());
        for unit in utf8.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => ascii.push(char::from(byte)),
                _ => ascii.push_str(&format!("\\u{unit:04x}")),
            }
        }
        let php = ascii.replace('/', "\\/");
        [utf8.replace('/', "\\/"), utf8, ascii, php]
            .into_iter()
            .filter(|spelling| *spelling != self.0 && !spelling.is_empty())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_does_not_show_it() {
        assert_eq!(format!("{:?}", Secret::new("k3y".into())), "***");
    }

    #[test]
    fn it_is_masked_as_it_is_and_as_json_writes_it() {
        let secret = Secret::new("a/b\"ключ".into());
        for echo in [
            r#"a/b"ключ"#,
            r#"a/b\"ключ"#,
            r#"a\/b\"ключ"#,
            r#"a\/b\"\u043a\u043b\u044e\u0447"#,
            r#"a/b\"\u043a\u043b\u044e\u0447"#,
        ] {
            assert_eq!(secret.mask(&format!("<{echo}>")), "<***>", "{echo}");
        }
    }

    #[test]
    fn the_beginning_of_a_secret_at_the_end_of_a_cut_text_is_masked() {
        let secret = Secret::new("s3cr3t".into());
        assert_eq!(secret.mask_cut("key s3cr3t and s3cr"), "key *** and ***");
        assert_eq!(secret.mask_cut("no key"), "no key");
    }

    #[test]
    fn no_secret_masks_nothing() {
        assert_eq!(Secret::default().mask("text"), "text");
    }
}
