//! The apikey, and how it is masked in texts.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use base64::prelude::{Engine, BASE64_STANDARD_NO_PAD};
use memchr::memmem::Finder;

use crate::process::lock::lock;
use crate::recent::Recent;
use crate::state;

/// The text that replaces a secret.
const MASK: &str = "***";
/// The ASCII characters that JSON encoders write as `\u` escapes: none, Go's, PHP's with JSON_HEX_...,
/// Gson's, .NET's.
const AS_NUMBERS: [&str; 5] = ["", "<>&", "<>&'\"", "<>&'=", "<>&'\"+`"];
/// For how many secrets the spellings are kept.
const MOST_KNOWN: usize = 8;

/// A string that is redacted in `Debug` output, logs, messages and stored replies.
#[derive(Clone, Default)]
pub struct Secret {
    text: String,
    /// Made at its first use.
    spellings: OnceLock<Arc<Spellings>>,
}

/// The spellings of a secret.
pub struct Spellings {
    /// The JSON string that is sent.
    json: String,
    /// The spellings to search for: the secret itself, then other encodings if they differ, the longest
    /// first, because one may be part of another.
    all: Vec<Spelling>,
}

struct Spelling {
    text: String,
    finder: Finder<'static>,
}

/// The spellings that a process used recently: making them costs more than a search.
pub type Known = Mutex<Recent<Arc<Spellings>, MOST_KNOWN>>;

impl Secret {
    pub fn new(text: String) -> Self {
        Secret {
            text,
            spellings: OnceLock::new(),
        }
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Returns the secret as a JSON string, for the request's body only.
    pub fn json(&self) -> &str {
        &self.spellings().json
    }

    /// Whether the secret is too long to occur in another text by chance.
    pub fn is_long(&self) -> bool {
        self.text.len() >= 8
    }

    /// Returns `text` with every occurrence of the secret masked, including its encodings in JSON,
    /// HTML, URLs and base64: a server may echo the request.
    pub fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        self.mask_in_place(&mut masked);
        masked
    }

    /// The same in place. A text without the secret, the usual case, is left unchanged.
    pub fn mask_in_place(&self, text: &mut String) {
        if self.text.is_empty() {
            return;
        }
        for spelling in &self.spellings().all {
            if spelling.finder.find(text.as_bytes()).is_some() {
                *text = text.replace(&spelling.text, MASK);
            }
        }
    }

    /// The same for a text that was cut off, whose end may be the beginning of the secret.
    pub fn mask_cut(&self, text: &str) -> String {
        let masked = self.mask(text);
        let spellings = self.spellings().all.iter();
        let longest = spellings.filter_map(|Spelling { text: spelling, .. }| {
            let ends = (1..spelling.len().min(masked.len() + 1)).rev();
            let mut beginnings = ends.filter_map(|end| spelling.get(..end));
            beginnings.find_map(|beginning| Some(masked.strip_suffix(beginning)?.len()))
        });
        match longest.min() {
            Some(rest) => format!("{}{MASK}", &masked[..rest]),
            None => masked,
        }
    }

    fn spellings(&self) -> &Spellings {
        self.spellings.get_or_init(|| {
            let known = &state::current().secrets;
            let is_it = |known: &Arc<Spellings>| known.all[0].text == self.text;
            if let Some(spellings) = lock(known).find(is_it) {
                return spellings;
            }
            let spellings = Arc::new(Spellings::of(self));
            lock(known).add(Arc::clone(&spellings));
            spellings
        })
    }

    fn others_spellings(&self) -> Vec<String> {
        let secret = self.text.as_str();
        let mut spellings = base64(secret);
        if !self.is_plain() {
            let json: Vec<String> = self.json_spellings().collect();
            let escape = |json: &String| json.replace('\\', "\\\\").replace('"', "\\\"");
            spellings.extend(json.iter().map(escape));
            spellings.extend(json);
            let in_url = percent(secret, false);
            spellings.extend([in_url.replace("%20", "+"), in_url, percent(secret, true)]);
            let apostrophes = ["&#39;", "&#039;", "&#x27;", "&apos;", "'"];
            spellings.extend(apostrophes.map(|apostrophe| html(secret, apostrophe)));
            spellings.retain(|spelling| spelling != secret && !spelling.is_empty());
        }
        spellings.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        spellings
    }

    /// Whether JSON, HTML and URLs contain the secret unencoded.
    fn is_plain(&self) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        self.text.bytes().all(is_plain)
    }

    /// Returns the JSON encodings that differ from the secret: raw UTF-8 or ASCII only, with hex
    /// digits of either case, and with PHP's escaped slash.
    fn json_spellings(&self) -> impl Iterator<Item = String> + '_ {
        let forms = AS_NUMBERS
            .into_iter()
            .flat_map(|as_numbers| [(as_numbers, false), (as_numbers, true)]);
        let spelt = forms.flat_map(|(as_numbers, only_ascii)| {
            let is_number = move |char: char| {
                as_numbers.contains(char) || (only_ascii && !matches!(char, ' '..='~'))
            };
            [false, true].map(|upper| json(&self.text, is_number, upper))
        });
        spelt
            .flat_map(|json| [json.replace('/', "\\/"), json])
            .filter(|spelling| *spelling != self.text && !spelling.is_empty())
    }
}

/// Returns the text of a JSON string. Characters for which `is_number` returns true become `\u`
/// escapes.
fn json(text: &str, is_number: impl Fn(char) -> bool, upper: bool) -> String {
    let mut json = String::new();
    for char in text.chars() {
        if is_number(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                json += &match upper {
                    true => format!("\\u{unit:04X}"),
                    false => format!("\\u{unit:04x}"),
                };
            }
        } else {
            let quoted = serde_json::to_string(&char).unwrap_or_default();
            let quoted = quoted.strip_prefix('"');
            json += quoted
                .and_then(|quoted| quoted.strip_suffix('"'))
                .unwrap_or_default();
        }
    }
    json
}

impl Spellings {
    fn of(secret: &Secret) -> Spellings {
        let all = [secret.text.clone()]
            .into_iter()
            .chain(secret.others_spellings());
        let prepared = |text: String| Spelling {
            finder: Finder::new(&text).into_owned(),
            text,
        };
        Spellings {
            json: serde_json::to_string(&secret.text).unwrap_or_default(),
            all: all.map(prepared).collect(),
        }
    }
}

/// Returns the percent-encoding.
fn percent(text: &str, lower: bool) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ if lower => format!("%{byte:02x}"),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Returns the HTML encoding.
fn html(text: &str, apostrophe: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&quot;");
    let text = text.replace('<', "&lt;").replace('>', "&gt;");
    text.replace('\'', apostrophe)
}

/// Returns the base64 digits that depend on the secret alone, for each position of the secret in a
/// longer text. Returns none if there are too few digits to identify the secret.
fn base64(text: &str) -> Vec<String> {
    const FEWEST: usize = 8;
    let mut spellings = Vec::with_capacity(6);
    // Three bytes are four digits. The bytes before the secret affect the first digits, and the bytes
    // after it affect an incomplete last digit.
    for (before, foreign) in [(0, 0), (1, 2), (2, 3)] {
        let padded = [&[0; 2][..before], text.as_bytes()].concat();
        let whole = padded.len() * 8 / 6;
        if whole < foreign + FEWEST {
            continue;
        }
        let mut digits = BASE64_STANDARD_NO_PAD.encode(padded);
        digits.truncate(whole);
        digits.drain(..foreign);
        if digits.contains(['+', '/']) {
            spellings.push(digits.replace('+', "-").replace('/', "_"));
        }
        spellings.push(digits);
    }
    spellings
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
            r#"a/b\"\u043A\u043B\u044E\u0447"#,
            r#"a\/b\"\u043A\u043B\u044E\u0447"#,
            r#"a/b\\\"\\u043A\\u043B\\u044E\\u0447"#,
        ] {
            assert_eq!(secret.mask(&format!("<{echo}>")), "<***>", "{echo}");
        }
    }

    #[test]
    fn it_is_masked_as_encoders_that_escape_more_write_it() {
        let secret = Secret::new("a+b==<c>'\"é".into());
        for echo in [
            r#"a\u002Bb==\u003Cc\u003E\u0027\u0022\u00E9"#,
            r#"a+b\u003d\u003d\u003cc\u003e\u0027\"é"#,
            r#"a+b==\u003cc\u003e'\"é"#,
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
    fn it_is_masked_as_urls_html_and_base64_write_it() {
        let secret = Secret::new("a/b\"&ключ 7".into());
        for echo in [
            "a%2Fb%22%26%D0%BA%D0%BB%D1%8E%D1%87%207",
            "a%2fb%22%26%d0%ba%d0%bb%d1%8e%d1%87%207",
            "a%2Fb%22%26%D0%BA%D0%BB%D1%8E%D1%87+7",
            "a/b&quot;&amp;ключ 7",
            r#"a/b\\\"&ключ 7"#,
        ] {
            assert_eq!(secret.mask(&format!("<{echo}>")), "<***>", "{echo}");
        }
        // Python: base64.b64encode(b'x' * n + secret)
        let key = Secret::new("s3cr3t-apikey".into());
        for echo in [
            "czNjcjN0LWFwaWtleQ==",
            "eHMzY3IzdC1hcGlrZXk=",
            "eHhzM2NyM3QtYXBpa2V5",
        ] {
            let masked = key.mask(echo);
            assert!(
                masked.contains("***") && masked.len() <= 3 + 2 * 4,
                "{masked}"
            );
        }
        // base64.b64encode, base64.urlsafe_b64encode
        let key = Secret::new(">>>???>>>???".into());
        assert_eq!(key.mask("Pj4+Pz8/Pj4+Pz8/"), "***");
        assert_eq!(key.mask("Pj4-Pz8_Pj4-Pz8_"), "***");
    }

    #[test]
    fn the_beginning_of_any_spelling_at_the_end_of_a_cut_text_is_masked() {
        let secret = Secret::new("a/bcdefgh".into());
        assert_eq!(secret.mask_cut("x a%2Fbcd"), "x ***");
        assert_eq!(secret.mask_cut(r"x a\/bcd"), "x ***");
    }

    #[test]
    fn the_base64_of_a_short_secret_could_be_anything_and_is_left() {
        assert_eq!(
            Secret::new("abc".into()).mask("YWJj YWJjZGVm"),
            "YWJj YWJjZGVm"
        );
    }

    #[test]
    fn no_secret_masks_nothing() {
        assert_eq!(Secret::default().mask("text"), "text");
    }
}
