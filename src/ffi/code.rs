//! `lp_code_name` and `lp_code_text`: names and texts of the codes.

use std::ffi::c_char;

use super::guard::guard_anywhere;
use crate::code::Code;
use crate::messages;

/// Returns the name of a code for logs, such as "LP_ERR_TIMEOUT", or "UNKNOWN" for a code without
/// one.
///
/// The string is static and ASCII, never NULL. Do not free it.
#[no_mangle]
pub extern "C" fn lp_code_name(code: i32) -> *const c_char {
    guard_anywhere(c"".as_ptr(), || Code::from(code).name().as_ptr())
}

/// Returns a Russian sentence about a code, for a cashier. LifePay's codes have the wording of
/// LifePay's page; unknown codes have a text as well.
///
/// The string is static and UTF-8, never NULL. Do not free it.
#[no_mangle]
pub extern "C" fn lp_code_text(code: i32) -> *const c_char {
    guard_anywhere(c"".as_ptr(), || {
        messages::text(Code::from(code)).c().as_ptr()
    })
}
