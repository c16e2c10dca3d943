//! Explains why a body is not a JSON object, and how to correct it. The body is not quoted, because
//! it may contain the apikey.

use serde_json::error::Category;

use crate::pairs::Pairs;

/// The first bytes of formats other than UTF-8 text.
const MARKS: [(&[u8], &str); 8] = [
    (
        b"\xef\xbb\xbf",
        "Тело начинается с метки BOM (EF BB BF): в JSON её быть не должно, отправьте UTF-8 без BOM.",
    ),
    (
        b"\xff\xfe",
        "Тело в кодировке UTF-16: отправьте UTF-8 без BOM.",
    ),
    (
        b"\xfe\xff",
        "Тело в кодировке UTF-16: отправьте UTF-8 без BOM.",
    ),
    (b"{\0", "Тело в кодировке UTF-16: отправьте UTF-8."),
    (b"\0{", "Тело в кодировке UTF-16: отправьте UTF-8."),
    (
        b"\x1f\x8b",
        "Тело сжато (gzip): отправьте его несжатым, без Content-Encoding.",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "Тело сжато (zstd): отправьте его несжатым, без Content-Encoding.",
    ),
    (b"--", "Похоже на форму (multipart): нужен объект JSON."),
];

pub(crate) fn body(body: &[u8], encoding: Option<&str>) -> String {
    bytes(body, encoding).unwrap_or_else(|| {
        let body = String::from_utf8_lossy(body);
        match serde_json::from_str::<Pairs>(&body) {
            Err(error) => text(&body, &error),
            Ok(_) => "Нужен объект JSON.".to_owned(),
        }
    })
}

/// Explains the bytes. Returns None if they are UTF-8 text and do not begin like another format.
fn bytes(body: &[u8], encoding: Option<&str>) -> Option<String> {
    if body.is_empty() {
        return Some("Тело пустое: нужен объект JSON.".to_owned());
    }
    let mark = MARKS.iter().find(|(mark, _)| body.starts_with(mark));
    if let Some((_, text)) = mark {
        return Some((*text).to_owned());
    }
    let invalid = std::str::from_utf8(body).err()?;
    // These compressed formats do not begin with characteristic bytes.
    if let Some(encoding @ ("deflate" | "br" | "compress")) = encoding {
        return Some(format!(
            "Тело сжато ({encoding}): отправьте его несжатым, без Content-Encoding."
        ));
    }
    let guess = match code_page(body) {
        Some(page) => format!(", похоже на {page}"),
        None => String::new(),
    };
    Some(format!(
        "Не UTF-8 (байт {}){guess}: переведите текст в UTF-8.",
        invalid.valid_up_to() + 1
    ))
}

/// Guesses the code page by the bytes of Russian letters.
fn code_page(body: &[u8]) -> Option<&'static str> {
    let all = |is_letter: fn(u8) -> bool| {
        let mut high = body.iter().filter(|byte| !byte.is_ascii());
        high.all(|byte| is_letter(*byte))
    };
    // Includes quotes, dashes and №.
    let is_1251 = |byte| {
        matches!(
            byte,
            0xc0..=0xff | 0xa8 | 0xb8 | 0xab | 0xbb | 0xb9 | 0x96 | 0x97 | 0xa0
        )
    };
    let is_866 = |byte| matches!(byte, 0x80..=0xaf | 0xe0..=0xf1 | 0xfc);
    // With control characters, it is binary data.
    let is_text = !body
        .iter()
        .any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
    match (is_text, all(is_1251), all(is_866)) {
        (true, true, _) => Some("CP1251"),
        (true, false, true) => Some("CP866"),
        _ => None,
    }
}

/// Explains why a text is not JSON.
fn text(body: &str, error: &serde_json::Error) -> String {
    let first = body.trim_start().chars().next();
    let is_form = !matches!(first, Some('{' | '[' | '"')) && body.contains('=');
    if is_form {
        return "Похоже на форму (имя=значение): нужен объект JSON.".to_owned();
    }
    match error.classify() {
        Category::Data => "Нужен объект JSON: {\"имя\": значение, …}.".to_owned(),
        Category::Eof => "JSON обрывается: не хватает закрывающей скобки или кавычки.".to_owned(),
        Category::Syntax | Category::Io => format!(
            "Не JSON: ошибка в строке {}, позиция {}. Проверьте кавычки, запятые и скобки.",
            error.line(),
            error.column()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_utf_8_is_named() {
        for (body, encoding, named) in [
            (&b""[..], None, "пустое"),
            (b"\xef\xbb\xbf{}", None, "BOM"),
            (b"\xff\xfe{\0}\0", None, "UTF-16"),
            (b"{\0}\0", None, "UTF-16"),
            (b"\x1f\x8b\x08\0\0", Some("gzip"), "gzip"),
            (b"\x78\x9c\xab\x56", Some("deflate"), "deflate"),
            (b"{\"a\":\"\xc8\xe2\xe0\xed\xee\xe2\xe0\"}", None, "CP1251"),
            (b"{\"a\":\"\x88\xa2\xa0\xad\xae\xa2\xa0\"}", None, "CP866"),
            (b"{\"a\":\"\x80\xc0\"}", None, "байт 7): переведите"),
        ] {
            let text = bytes(body, encoding).unwrap();
            assert!(text.contains(named), "{named}: {text}");
        }
        assert_eq!(bytes("{\"a\":\"я\"}".as_bytes(), None), None);
    }

    #[test]
    fn a_text_that_is_not_a_json_object_is_described_and_not_quoted() {
        for (body, named) in [
            ("apikey=secret&login=1", "форму"),
            ("[]", "Нужен объект"),
            ("\"secret\"", "Нужен объект"),
            ("{\"a\":1", "обрывается"),
            ("{\"a\":secret}", "строке 1, позиция 6"),
            ("{\n\"a\":1,}", "строке 2"),
        ] {
            let text = super::body(body.as_bytes(), None);
            assert!(text.contains(named), "{body}: {text}");
            assert!(!text.contains("secret"), "{text}");
            assert!(!text.is_ascii() && !text.contains("expected"), "{text}");
        }
    }
}
