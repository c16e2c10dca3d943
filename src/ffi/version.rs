//! The version of the library.

use std::ffi::{c_char, CStr};

use super::guard::guard_anywhere;

/// Version of this header, to compare with lp_version_number.
pub const LP_VERSION_MAJOR: u32 = 0;
/// See LP_VERSION_MAJOR.
pub const LP_VERSION_MINOR: u32 = 1;
/// See LP_VERSION_MAJOR.
pub const LP_VERSION_PATCH: u32 = 0;

const TEXT: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a version has no NUL"),
    };

/// Returns the library's version, such as "0.1.0".
///
/// The string is static, never NULL. Do not free it.
#[no_mangle]
pub extern "C" fn lp_version() -> *const c_char {
    guard_anywhere(TEXT.as_ptr(), || TEXT.as_ptr())
}

/// Returns the library's version as a number, major * 10000 + minor * 100 + patch: 100 is 0.1.0.
#[no_mangle]
pub extern "C" fn lp_version_number() -> u32 {
    guard_anywhere(0, || {
        LP_VERSION_MAJOR * 10_000 + LP_VERSION_MINOR * 100 + LP_VERSION_PATCH
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_the_text_and_the_package_agree() {
        let text = format!("{LP_VERSION_MAJOR}.{LP_VERSION_MINOR}.{LP_VERSION_PATCH}");
        assert_eq!(TEXT.to_str(), Ok(text.as_str()));
    }
}
