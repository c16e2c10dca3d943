//! `lp_ext_id_new`: generates an ext_id, so that it can be stored before the request is sent.

use std::ffi::c_char;

use super::constants::{LP_ERR_ARGUMENT, LP_ERR_INTERNAL, LP_OK};
use super::guard::guard_anywhere;
use crate::protocol::request;

/// Generates an ext_id: a random UUID of 36 characters and a NUL.
///
/// Store it, then send with it: then a retry is safe even after a crash.
///
/// - buffer: yours, size bytes, at least 37.
///
/// Returns LP_OK, or LP_ERR_ARGUMENT if buffer is NULL or size is below 37; then buffer gets an
/// empty string if it has room for one. Allowed in a log callback.
#[no_mangle]
pub unsafe extern "C" fn lp_ext_id_new(buffer: *mut c_char, size: u32) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        if buffer.is_null() || size == 0 {
            return LP_ERR_ARGUMENT;
        }
        let ext_id = request::new_ext_id();
        let fits = ext_id.len() < size as usize;
        let text = if fits { ext_id.as_str() } else { "" };
        let bytes = text.as_ptr().cast::<c_char>();
        // SAFETY: the text and its NUL are no longer than `size`.
        unsafe {
            bytes.copy_to_nonoverlapping(buffer, text.len());
            buffer.add(text.len()).write(0);
        }
        if fits {
            LP_OK
        } else {
            LP_ERR_ARGUMENT
        }
    })
}
