//! `lp_code_name` and `lp_code_text`: the codes in words.

use std::ffi::c_char;

use super::guard::guard_anywhere;
use crate::code::Code;
use crate::messages;

/// ------------------------------------------------------------------------------------------------
/// Codes in words
/// ------------------------------------------------------------------------------------------------
///
/// The name of a code for logs, such as "LP_ERR_TIMEOUT"; "UNKNOWN" for one that has none.
///
/// Returns a static string in ASCII. Never NULL; do not free it.
#[no_mangle]
pub extern "C" fn lp_code_name(code: i32) -> *const c_char {
    guard_anywhere(c"".as_ptr(), || Code::from(code).name().as_ptr())
}

/// A code as a Russian sentence for a cashier. LifePay's codes have the page's own wording. Codes
/// that are not known have a text too.
///
/// Returns a static string in UTF-8. Never NULL; do not free it.
#[no_mangle]
pub extern "C" fn lp_code_text(code: i32) -> *const c_char {
    guard_anywhere(c"".as_ptr(), || {
        messages::text(Code::from(code)).c().as_ptr()
    })
}
