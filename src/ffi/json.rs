//! `lp_open_shift_json` and `lp_send_json`: the same calls for languages that have no structs.

use std::collections::BTreeMap;
use std::ffi::{c_char, CString};
use std::ptr;
use std::sync::Mutex;

use super::argument::{self, to_c, Out};
use super::constants::{LP_ERR_ARGUMENT, LP_ERR_INTERNAL};
use super::guard::{guard, guard_anywhere};
use crate::calls::{self, json};
use crate::process::lock::lock;
use crate::state;

/// ------------------------------------------------------------------------------------------------
/// JSON in place of structs
/// ------------------------------------------------------------------------------------------------
///
/// lp_open_shift for languages that have no structs, and for settings kept in a file.
///
/// request: in UTF-8, borrowed for the call. It is a JSON object. Its keys are the fields of
/// lp_config, except struct_size, on_progress, user_data and retry_delay_count: strings and numbers
/// as there, retry_delays_ms an array of numbers, callback_data also an object or array. null means
/// "not given"; an unknown key is an argument error.
///
/// *answer is set to a JSON object with every field of lp_result but struct_size, owner and
/// reserved: null where the struct has NULL, errors an array of {"field", "message"}. It must be
/// released with lp_string_free. It is set to NULL only where the call is not allowed (in a log
/// callback) and where a defect of the library was caught on the way back (LP_ERR_INTERNAL).
///
/// There is no on_progress here: a call with retry_for_ms cannot be stopped before it ends.
///
/// Returns the same code as lp_open_shift. If answer is NULL, nothing is sent and LP_ERR_ARGUMENT
/// returned.
#[no_mangle]
pub unsafe extern "C" fn lp_open_shift_json(
    request: *const c_char,
    answer: *mut *mut c_char,
) -> i32 {
    // SAFETY: the header demands what `call` does.
    unsafe { call(calls::open_shift, request, answer) }
}

/// lp_send for the same: as lp_open_shift_json, with the keys path and document_json, which may be
/// the text of an object or an object.
#[no_mangle]
pub unsafe extern "C" fn lp_send_json(request: *const c_char, answer: *mut *mut c_char) -> i32 {
    // SAFETY: the header demands what `call` does.
    unsafe { call(calls::send, request, answer) }
}

/// Makes a call as JSON says, and hands the answer out.
///
/// # Safety
///
/// `request` is as [`argument::text`] demands, `answer` as [`Out::new`] does.
unsafe fn call(send: calls::SendFn, request: *const c_char, answer: *mut *mut c_char) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the caller guarantees it.
        let Some(answer) = (unsafe { Out::new(answer) }) else {
            return LP_ERR_ARGUMENT;
        };
        answer.set(ptr::null_mut());
        guard(|| {
            // SAFETY: the caller guarantees it.
            let report = json::call(send, unsafe { argument::text(request, "request") });
            answer.set(keep(to_c(&json::of_report(&report))));
            report.code.number()
        })
    })
}

/// Releases a string that lp_open_shift_json or lp_send_json has returned.
///
/// NULL, and a pointer that is no such string or was freed already, is harmless, as long as the
/// library has not returned a new string at the same address since.
#[no_mangle]
pub unsafe extern "C" fn lp_string_free(string: *mut c_char) {
    guard_anywhere((), || {
        lock(&state::current().ffi.answers.0).remove(&(string as usize));
    });
}

/// The strings of a process that were handed out, by address.
#[derive(Default)]
pub struct Answers(Mutex<BTreeMap<usize, CString>>);

fn keep(text: CString) -> *mut c_char {
    let pointer = text.as_ptr().cast_mut();
    lock(&state::current().ffi.answers.0).insert(pointer as usize, text);
    pointer
}
