//! The calls with JSON instead of structs, for languages without structs.

use std::collections::BTreeMap;
use std::ffi::{c_char, CString};
use std::ptr;
use std::sync::Mutex;

use super::argument::{self, to_c, Out};
use super::constants::{LP_ERR_ARGUMENT, LP_ERR_INTERNAL, LP_OK};
use super::guard::{guard, guard_anywhere};
use super::outbox::{lp_outbox, Place};
use crate::calls::outboxes::{self, Done};
use crate::calls::{self, json};
use crate::process::lock::lock;
use crate::report::Report;
use crate::state;

/// lp_open_shift for languages without structs, and for settings kept in a file.
///
/// - request: a JSON object, copied before the call returns. Its keys are the fields of lp_config
///   except struct_size, on_progress, user_data and retry_delay_count: strings and numbers as
///   there; retry_delays_ms is an array of numbers, and callback_data may also be an object or
///   array. null means "not given". An unknown key is an argument error.
/// - answer: *answer is set to a JSON object with every field of lp_result except struct_size,
///   owner and reserved: null where the struct has NULL; errors is an array of {"field",
///   "message"}. Release it with lp_string_free. It is set to NULL only in a log callback, and if
///   the library caught a defect of its own while it wrote the answer (LP_ERR_INTERNAL).
///
/// Returns the same code as lp_open_shift. If answer is NULL, nothing is sent and the call returns
/// LP_ERR_ARGUMENT. There is no on_progress: a call with retry_for_ms cannot be stopped.
#[no_mangle]
pub unsafe extern "C" fn lp_open_shift_json(
    request: *const c_char,
    answer: *mut *mut c_char,
) -> i32 {
    // SAFETY: the header states the requirements of `call`.
    unsafe { call(calls::open_shift, request, answer) }
}

/// lp_send with JSON: as lp_open_shift_json, with the keys path and document_json, which may be an
/// object or the text of one.
#[no_mangle]
pub unsafe extern "C" fn lp_send_json(request: *const c_char, answer: *mut *mut c_char) -> i32 {
    // SAFETY: the header states the requirements of `call`.
    unsafe { call(calls::send, request, answer) }
}

/// lp_outbox_open with JSON.
///
/// - path, outbox: as for lp_outbox_open.
/// - config: a JSON object as for lp_open_shift_json, with the keys that lp_outbox_open uses.
/// - answer: *answer is set as by lp_open_shift_json; it describes a failure.
///
/// The functions with _json in their names return what their counterparts with structs return. If
/// answer is NULL, they do nothing and return LP_ERR_ARGUMENT. lp_outbox_retry_now,
/// lp_outbox_forget, lp_outbox_pending and lp_outbox_close need no structs.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_open_json(
    path: *const c_char,
    config: *const c_char,
    outbox: *mut *mut lp_outbox,
    answer: *mut *mut c_char,
) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the header states the requirements of `Place`.
        let place = unsafe { Place::new(outbox) };
        let open = || {
            // SAFETY: the header states the requirements of `text`.
            let text = |pointer, name| unsafe { argument::text(pointer, name) };
            json::open_outbox(text(path, "path"), text(config, "config"))
        };
        // SAFETY: the header states the requirements of `answered`.
        unsafe { answered(answer, || of_done(place.fill(open))) }
    })
}

/// lp_outbox_submit with JSON.
///
/// - request: as for lp_open_shift_json, with the keys that lp_outbox_submit uses.
/// - answer: *answer describes the entry, or the failure.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_submit_json(
    outbox: *mut lp_outbox,
    request: *const c_char,
    answer: *mut *mut c_char,
) -> i32 {
    // SAFETY: the header states the requirements of `answered` and `text`.
    unsafe {
        answered(answer, || {
            let request = argument::text(request, "request");
            of_done(json::submit(outbox as usize, request))
        })
    }
}

/// lp_outbox_wait with JSON. *answer describes the entry.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_wait_json(
    outbox: *mut lp_outbox,
    ext_id: *const c_char,
    timeout_ms: u32,
    answer: *mut *mut c_char,
) -> i32 {
    // SAFETY: the header states the requirements of `answered` and `text`.
    unsafe {
        answered(answer, || {
            let ext_id = argument::text(ext_id, "ext_id");
            of_report(&outboxes::wait(outbox as usize, ext_id, Ok(timeout_ms)))
        })
    }
}

/// lp_outbox_cancel with JSON. *answer describes the entry.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_cancel_json(
    outbox: *mut lp_outbox,
    ext_id: *const c_char,
    answer: *mut *mut c_char,
) -> i32 {
    // SAFETY: the header states the requirements of `answered` and `text`.
    unsafe {
        answered(answer, || {
            let ext_id = argument::text(ext_id, "ext_id");
            of_done(outboxes::cancel(outbox as usize, ext_id))
        })
    }
}

/// Returns all entries as JSON: lp_outbox_each without a callback.
///
/// - answer: *answer is set to a JSON array of objects with every field of lp_entry except
///   struct_size and flags, and with pending, sending and foreign, which are true or false. If the
///   entries cannot be read, it is the object of a failed call. Release it with lp_string_free.
///
/// Returns LP_OK, LP_ERR_ARGUMENT if answer is NULL, LP_ERR_OUTBOX or LP_ERR_CLOSED.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_list_json(
    outbox: *mut lp_outbox,
    answer: *mut *mut c_char,
) -> i32 {
    // SAFETY: the header states the requirements of `answered`.
    unsafe {
        answered(answer, || match json::list(outbox as usize) {
            Ok(entries) => (LP_OK, entries),
            Err(report) => of_report(&report),
        })
    }
}

/// Makes a call with the settings in a JSON object.
///
/// # Safety
///
/// `request` meets the requirements of [`argument::text`], `answer` those of [`answered`].
unsafe fn call(send: calls::SendFn, request: *const c_char, answer: *mut *mut c_char) -> i32 {
    // SAFETY: the caller guarantees it.
    unsafe {
        answered(answer, || {
            of_report(&json::call(send, argument::text(request, "request")))
        })
    }
}

/// Makes a call that returns a code and an answer, and passes the answer to the host.
///
/// # Safety
///
/// `answer` meets the requirements of [`Out::new`].
unsafe fn answered(answer: *mut *mut c_char, call: impl FnOnce() -> (i32, String)) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the caller guarantees it.
        let Some(answer) = (unsafe { Out::new(answer) }) else {
            return LP_ERR_ARGUMENT;
        };
        answer.set(ptr::null_mut());
        guard(|| {
            let (code, text) = call();
            answer.set(keep(to_c(&text)));
            code
        })
    })
}

fn of_report(report: &Report) -> (i32, String) {
    (report.code.number(), json::of_report(report))
}

/// Converts the result of a call that returns LP_OK on success, regardless of the entry's code.
fn of_done(done: Done<Report>) -> (i32, String) {
    match done {
        Ok(report) => (LP_OK, json::of_report(&report)),
        Err(report) => of_report(&report),
    }
}

/// Releases a string returned by a function with _json in its name.
///
/// NULL, a pointer that is no such string, and one that was freed already are harmless, as long as
/// the library has not returned a new string at the same address since. Allowed in a log callback.
#[no_mangle]
pub unsafe extern "C" fn lp_string_free(string: *mut c_char) {
    guard_anywhere((), || {
        lock(&state::current().ffi.answers.0).remove(&(string as usize));
    });
}

/// The strings of a process that the host has not released yet, by address.
#[derive(Default)]
pub struct Answers(Mutex<BTreeMap<usize, CString>>);

fn keep(text: CString) -> *mut c_char {
    let pointer = text.as_ptr().cast_mut();
    lock(&state::current().ffi.answers.0).insert(pointer as usize, text);
    pointer
}
