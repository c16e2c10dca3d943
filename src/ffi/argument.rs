//! Arguments of the host as Rust values. Each function states the header's requirements for a pointer
//! once; the exports pass their pointers on to it.

use std::borrow::Cow;
use std::ffi::{c_char, CStr, CString};
use std::str::Utf8Error;

use memchr::memchr;

use crate::calls::outboxes::Argument;
use crate::fault::{Fault, Wrong};

/// Reads the text of the parameter or field `name`; None for NULL and "".
///
/// # Safety
///
/// `pointer` is NULL or points to bytes that end in NUL and do not change during the call.
pub unsafe fn text(pointer: *const c_char, name: &'static str) -> Argument {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the caller guarantees the rest.
    let bytes = unsafe { CStr::from_ptr(pointer) }.to_bytes();
    match utf8(bytes) {
        Ok(text) => Ok((!text.is_empty()).then(|| text.to_owned())),
        Err(error) => {
            let wrong = Wrong::NotUtf8 {
                byte: error.valid_up_to() + 1,
                looks_like_cp1251: looks_like_cp1251(bytes),
            };
            Err(Fault::new(name, wrong))
        }
    }
}

/// The same as std's function, which is slower for short ASCII texts. Nearly all arguments are such.
fn utf8(bytes: &[u8]) -> Result<&str, Utf8Error> {
    if bytes.is_ascii() {
        // SAFETY: ASCII is UTF-8.
        return Ok(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    std::str::from_utf8(bytes)
}

/// Whether all non-ASCII bytes are letters of CP1251 or the signs № « » —.
fn looks_like_cp1251(bytes: &[u8]) -> bool {
    let mut beyond = bytes.iter().filter(|byte| !byte.is_ascii());
    beyond.all(|byte| {
        matches!(
            byte,
            0xc0..=0xff | 0xa8 | 0xb8 | 0xb9 | 0xab | 0xbb | 0x96 | 0x97
        )
    })
}

/// A pointer of the host's that a value is written to.
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    /// None for NULL.
    ///
    /// # Safety
    ///
    /// `pointer` is NULL or points to room for a `T`, aligned or not, for as long as this lives.
    pub unsafe fn new(pointer: *mut T) -> Option<Out<T>> {
        (!pointer.is_null()).then_some(Out(pointer))
    }

    pub fn set(&self, value: T) {
        // SAFETY: `new` requires a pointer that can be written to.
        unsafe { self.0.write_unaligned(value) }
    }
}

/// Returns `text` as a C string. A C string cannot contain NUL, which becomes U+FFFD.
pub fn to_c(text: &str) -> CString {
    CString::new(without_nul(text).as_bytes()).unwrap_or_default()
}

/// Appends `text` to `texts` as a C string, and returns its position there.
pub fn put_c(text: &str, texts: &mut Vec<u8>) -> usize {
    let place = texts.len();
    texts.extend_from_slice(without_nul(text).as_bytes());
    texts.push(0);
    place
}

fn without_nul(text: &str) -> Cow<'_, str> {
    match memchr(0, text.as_bytes()) {
        Some(_) => text.replace('\0', "\u{fffd}").into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &CStr) -> Argument {
        // SAFETY: a CStr meets the requirements of `text`.
        unsafe { text(bytes.as_ptr(), "f") }
    }

    #[test]
    fn cp1251_is_recognised() {
        let wrong = Wrong::NotUtf8 {
            byte: 1,
            looks_like_cp1251: true,
        };
        assert_eq!(
            read(c"\xc8\xe2\xe0\xed\xee\xe2\xe0"),
            Err(Fault::new("f", wrong))
        );
    }

    #[test]
    fn other_nonsense_is_not_called_cp1251() {
        let wrong = Wrong::NotUtf8 {
            byte: 3,
            looks_like_cp1251: false,
        };
        assert_eq!(read(c"ab\x80\x81"), Err(Fault::new("f", wrong)));
    }

    #[test]
    fn an_empty_string_means_not_given() {
        assert_eq!(read(c""), Ok(None));
        assert_eq!(read(c"Иванова"), Ok(Some("Иванова".to_owned())));
    }

    #[test]
    fn a_nul_does_not_end_a_text_early() {
        assert_eq!(to_c("a\0b").to_str(), Ok("a\u{fffd}b"));
    }
}
