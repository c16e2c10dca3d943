//! A body that is not a JSON object, for display: text is shown as text, other bytes as `\xNN`. The
//! value after the name apikey is masked in any form, and so are the known keys.

use crate::mask::{is_secret, masked, Mask};

/// The maximum number of characters of a body that are shown.
const SHOWN: usize = 64 * 1024;
/// The maximum number of bytes of a compressed body that are shown. It is small because anyone
/// could decompress more and find the apikey.
const SHOWN_COMPRESSED: usize = 16;
/// The first bytes of gzip and zstd.
const COMPRESSED: [&[u8]; 2] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];
/// The maximum number of characters between the name apikey and its value: quotes, colons, the
/// separators of a form.
const BETWEEN: usize = 12;

pub(crate) fn shown(body: &[u8], encoding: Option<&str>, mask: &Mask) -> String {
    let is_compressed = COMPRESSED.iter().any(|mark| body.starts_with(mark))
        || matches!(
            encoding,
            Some("gzip" | "deflate" | "br" | "zstd" | "compress")
        ) && std::str::from_utf8(body).is_err();
    let text = if is_compressed {
        escaped(&body[..body.len().min(SHOWN_COMPRESSED)])
    } else {
        // Masked before it is cut, because the cut could fall within a key.
        mask.text(&without_apikeys(&text(body)))
    };
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => cut_short(&text[..cut], body),
        None if is_compressed => cut_short(&text, body),
        None => text,
    }
}

fn cut_short(text: &str, body: &[u8]) -> String {
    format!("{text}… (всего {} байт)", body.len())
}

/// Converts a body to text. UTF-16 is decoded, because an apikey would not be found in escaped
/// bytes.
fn text(body: &[u8]) -> String {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let pairs = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        String::from_utf16_lossy(&pairs.collect::<Vec<_>>())
    };
    match body {
        // UTF-32: the zero bytes are dropped.
        [0xff, 0xfe, 0, 0, rest @ ..] | [0, 0, 0xfe, 0xff, rest @ ..] => escaped(
            &rest
                .iter()
                .copied()
                .filter(|byte| *byte != 0)
                .collect::<Vec<_>>(),
        ),
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [b'{' | b'[', 0, ..] => units(body, u16::from_le_bytes),
        [0, b'{' | b'[', ..] => units(body, u16::from_be_bytes),
        _ => escaped(body),
    }
}

fn escaped(body: &[u8]) -> String {
    let mut text = String::with_capacity(body.len());
    for chunk in body.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\r' | '\t' => text.push(c),
                '\u{feff}' => text.push_str("\\xEF\\xBB\\xBF"),
                c if c.is_control() => text.push_str(&format!("\\x{:02X}", u32::from(c))),
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

/// Masks the value after each apikey, in every spelling of the name, and the same value elsewhere.
fn without_apikeys(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut secrets = Vec::new();
    let mut done = 0;
    for end in ends_of_names(text) {
        // This name is part of the previous value.
        if end < done {
            continue;
        }
        let after = &text[end..];
        let is_between =
            |(position, c): &(usize, char)| *position < BETWEEN && !c.is_alphanumeric();
        let between: usize = after
            .char_indices()
            .take_while(is_between)
            .map(|(_, c)| c.len_utf8())
            .sum();
        let start = end + between;
        let is_end =
            |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '&' | ',' | ';' | '<' | '}');
        let length = text[start..].find(is_end).unwrap_or(text.len() - start);
        let value = &text[start..start + length];
        shown += &text[done..start];
        if !value.is_empty() {
            shown += &masked(value);
        }
        if is_secret(value) {
            secrets.push(value);
        }
        done = start + length;
    }
    shown += &text[done..];
    Mask::with(&secrets).text(&shown)
}

/// Returns the end of each name apikey, api_key or api-key. Its letters may be escaped.
fn ends_of_names(text: &str) -> Vec<usize> {
    let letters = letters(text);
    let is = |at: usize, word: &str| {
        let found = letters.get(at..at + word.len());
        found.is_some_and(|found| {
            let mut pairs = found.iter().zip(word.chars());
            pairs.all(|((letter, _), wanted)| letter.eq_ignore_ascii_case(&wanted))
        })
    };
    let starts = (0..letters.len()).filter(|at| is(*at, "api"));
    let keys = starts.map(|at| {
        let has_mark = matches!(letters.get(at + 3), Some(('_' | '-', _)));
        at + 3 + usize::from(has_mark)
    });
    keys.filter(|key| is(*key, "key"))
        .map(|key| letters[key + 2].1)
        .collect()
}

/// Returns the characters of a text with the escapes of JSON, URLs and HTML decoded, each with the
/// position after it.
fn letters(text: &str) -> Vec<(char, usize)> {
    let mut letters = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (letter, length) = escape(rest).unwrap_or((first, first.len_utf8()));
        rest = &rest[length..];
        letters.push((letter, text.len() - rest.len()));
    }
    letters
}

/// Decodes the escape at the beginning of a text. Returns the character and the length of the
/// escape.
fn escape(text: &str) -> Option<(char, usize)> {
    let hex = |start: usize, length: usize| {
        let digits = text.get(start..start + length)?;
        let letter = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
        Some((letter, start + length))
    };
    match text.as_bytes() {
        [b'\\', b'u', ..] => hex(2, 4),
        [b'\\', b'x', ..] => hex(2, 2),
        [b'%', ..] => hex(1, 2),
        [b'&', b'#', ..] => {
            let (number, _) = text[2..].split_once(';')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            Some((char::from_u32(code.ok()?)?, number.len() + 3))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &[u8]) -> String {
        super::shown(body, None, &Mask::with(&["long-secret-key"]))
    }

    #[test]
    fn text_is_shown_and_other_bytes_are_escaped() {
        for (body, text) in [
            (&b"{\"a\":1"[..], "{\"a\":1"),
            ("{\"a\":\"я\"".as_bytes(), "{\"a\":\"я\""),
            (b"{\"a\":\"\xc8\xe2\"}", "{\"a\":\"\\xC8\\xE2\"}"),
            (b"\xef\xbb\xbf{}", "\\xEF\\xBB\\xBF{}"),
            (b"\xff\xfe{\0}\0", "{}"),
            (b"a\0b", "a\\x00b"),
        ] {
            assert_eq!(shown(body), text);
        }
    }

    #[test]
    fn the_apikey_is_masked_in_every_form() {
        for body in [
            "{\"apikey\":\"hush\",}",
            "{'ApiKey' : 'hush'",
            "apikey=hush&login=1",
            "login=1&api_key=hush",
            "<apikey>hush</apikey>",
            "Content-Disposition: form-data; name=\"apikey\"\r\n\r\nhush\r\n--x",
            "[{\"api-key\": \"hush\"",
            "apikey: hush",
            "key is long-secret-key",
            "{\"api\\u006bey\":\"hush\",}",
            "{\"\\x61pikey\":\"hush\"",
            "login=79&%61pikey=hush",
            "<&#97;pi&#x6B;ey>hush</apikey>",
            "{\"note\":\"hush-hush\",\"apikey\":\"hush-hush\",}",
        ] {
            let text = shown(body.as_bytes());
            assert!(text.contains("***"), "{text}");
            assert!(!text.contains("hush") && !text.contains("secret"), "{text}");
        }
        let utf_16: Vec<u8> = "{\"apikey\":\"hush\""
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(!shown(&utf_16).contains("hush"));
        let utf_32 = "{\"apikey\":\"hush\"".chars().map(u32::from);
        let utf_32: Vec<u8> = utf_32.flat_map(u32::to_le_bytes).collect();
        let utf_32 = [&b"\xff\xfe\0\0"[..], &utf_32].concat();
        assert!(!shown(&utf_32).contains('h'), "{}", shown(&utf_32));
    }

    #[test]
    fn a_body_full_of_names_is_masked_in_one_pass() {
        let text = shown("apikey=hush;".repeat(50_000).as_bytes());
        assert!(!text.contains("hush"));
    }

    #[test]
    fn only_the_beginning_of_a_compressed_body_is_shown() {
        let body = [b"\x1f\x8b\x08\0".to_vec(), vec![b'k'; 100]].concat();
        let text = shown(&body);
        assert!(text.starts_with("\\x1F\\x8B"), "{text}");
        assert!(text.ends_with("(всего 104 байт)"), "{text}");
        assert!(text.len() < 80, "{text}");
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = shown(&vec![b'x'; SHOWN + 5]);
        assert!(text.ends_with("x… (всего 65541 байт)"));
    }
}
