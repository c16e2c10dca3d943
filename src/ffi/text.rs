//! Strings on their way in and out.

use std::ffi::{c_char, CStr, CString};

use crate::error::FieldError;

/// The string behind `pointer`, or nothing for NULL, for "" and for what is not UTF-8; the latter
/// is added to `faults`.
///
/// # Safety
///
/// `pointer` is NULL or points to bytes that end in NUL and do not change during the call.
pub unsafe fn read(
    pointer: *const c_char,
    field: &str,
    faults: &mut Vec<FieldError>,
) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: not NULL; the caller vouches for the rest.
    let bytes = unsafe { CStr::from_ptr(pointer) }.to_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) => (!text.is_empty()).then(|| text.to_owned()),
        Err(error) => {
            let guess = if looks_like_cp1251(bytes) {
                "; похоже на CP1251, переведите строку в UTF-8"
            } else {
                ""
            };
            let message = format!("не UTF-8 (байт {}){guess}", error.valid_up_to() + 1);
            faults.push(FieldError::new(field, message));
            None
        }
    }
}

/// Whether all bytes beyond ASCII are letters of CP1251, or the signs № « » —.
fn looks_like_cp1251(bytes: &[u8]) -> bool {
    let mut beyond = bytes.iter().filter(|byte| !byte.is_ascii());
    beyond.all(|byte| {
        matches!(
            byte,
            0xc0..=0xff | 0xa8 | 0xb8 | 0xb9 | 0xab | 0xbb | 0x96 | 0x97
        )
    })
}

/// `text` for C. NUL cannot stand in a C string: it becomes U+FFFD.
pub fn to_c(text: &str) -> CString {
    CString::new(text)
        .or_else(|_| CString::new(text.replace('\0', "\u{fffd}")))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(bytes: &CStr) -> (Option<String>, Vec<FieldError>) {
        let mut faults = Vec::new();
        // SAFETY: a CStr is what `read` asks for.
        let text = unsafe { read(bytes.as_ptr(), "f", &mut faults) };
        (text, faults)
    }

    #[test]
    fn cp1251_is_recognised() {
        let (text, faults) = read_bytes(c"\xc8\xe2\xe0\xed\xee\xe2\xe0");
        assert_eq!(text, None);
        assert!(faults[0].message.contains("CP1251"), "{faults:?}");
    }

    #[test]
    fn other_nonsense_is_not_called_cp1251() {
        let (_, faults) = read_bytes(c"ab\x80\x81");
        assert!(faults[0].message.contains("байт 3"), "{faults:?}");
        assert!(!faults[0].message.contains("CP1251"), "{faults:?}");
    }

    #[test]
    fn an_empty_string_is_not_given() {
        assert_eq!(read_bytes(c""), (None, Vec::new()));
        assert_eq!(read_bytes(c"Иванова").0.as_deref(), Some("Иванова"));
    }

    #[test]
    fn a_nul_does_not_end_a_text_early() {
        assert_eq!(to_c("a\0b").to_str(), Ok("a\u{fffd}b"));
    }
}
