//! The calls with JSON in place of structs, for languages that have none.

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

/// lp_outbox_open for the same. config: a JSON object as for lp_open_shift_json, of whose keys those
/// count that lp_outbox_open takes. *answer: as there; a failure is told in it.
///
/// What else there is of the outbox needs no struct: lp_outbox_retry_now, lp_outbox_forget,
/// lp_outbox_pending, lp_outbox_close. This call and the next ones return what their twins with structs
/// do, and LP_ERR_ARGUMENT if answer is NULL: then they do nothing.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_open_json(
    path: *const c_char,
    config: *const c_char,
    outbox: *mut *mut lp_outbox,
    answer: *mut *mut c_char,
) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the header demands what `Place` does.
        let place = unsafe { Place::new(outbox) };
        let open = || {
            // SAFETY: the header demands what `text` does.
            let text = |pointer, name| unsafe { argument::text(pointer, name) };
            json::open_outbox(text(path, "path"), text(config, "config"))
        };
        // SAFETY: the header demands what `answered` does.
        unsafe { answered(answer, || of_done(place.fill(open))) }
    })
}

/// lp_outbox_submit for the same. request: as for lp_open_shift_json, with the keys that
/// lp_outbox_submit takes. *answer: the object that tells the entry, or why it is not on disk.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_submit_json(
    outbox: *mut lp_outbox,
    request: *const c_char,
    answer: *mut *mut c_char,
) -> i32 {
    // SAFETY: the header demands what `answered` and `text` do.
    unsafe {
        answered(answer, || {
            let request = argument::text(request, "request");
            of_done(json::submit(outbox as usize, request))
        })
    }
}

/// lp_outbox_wait for the same. *answer: the object that tells the entry.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_wait_json(
    outbox: *mut lp_outbox,
    ext_id: *const c_char,
    timeout_ms: u32,
    answer: *mut *mut c_char,
) -> i32 {
    // SAFETY: the header demands what `answered` and `text` do.
    unsafe {
        answered(answer, || {
            let ext_id = argument::text(ext_id, "ext_id");
            of_report(&outboxes::wait(outbox as usize, ext_id, Ok(timeout_ms)))
        })
    }
}

/// lp_outbox_cancel for the same. *answer: the object that tells the entry.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_cancel_json(
    outbox: *mut lp_outbox,
    ext_id: *const c_char,
    answer: *mut *mut c_char,
) -> i32 {
    // SAFETY: the header demands what `answered` and `text` do.
    unsafe {
        answered(answer, || {
            let ext_id = argument::text(ext_id, "ext_id");
            of_done(outboxes::cancel(outbox as usize, ext_id))
        })
    }
}

/// lp_outbox_each for the same: all entries at once, and no callback.
///
/// *answer is set to a JSON array of objects with every field of lp_entry but struct_size and flags:
/// in place of those there are pending, sending and foreign, which are true or false. If they cannot be
/// read, it is the object of a failed call.
///
/// Returns LP_OK, LP_ERR_ARGUMENT if answer is NULL, LP_ERR_OUTBOX, LP_ERR_CLOSED.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_list_json(
    outbox: *mut lp_outbox,
    answer: *mut *mut c_char,
) -> i32 {
    // SAFETY: the header demands what `answered` does.
    unsafe {
        answered(answer, || match json::list(outbox as usize) {
            Ok(entries) => (LP_OK, entries),
            Err(report) => of_report(&report),
        })
    }
}

/// Makes a call as JSON says.
///
/// # Safety
///
/// `request` is as [`argument::text`] demands, `answer` as [`answered`] does.
unsafe fn call(send: calls::SendFn, request: *const c_char, answer: *mut *mut c_char) -> i32 {
    // SAFETY: the caller guarantees it.
    unsafe {
        answered(answer, || {
            of_report(&json::call(send, argument::text(request, "request")))
        })
    }
}

/// Makes a call that returns a code and an answer, and hands that out.
///
/// # Safety
///
/// `answer` is as [`Out::new`] demands.
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

/// Of a call that returns LP_OK if it has done its work, whatever the code of the entry.
fn of_done(done: Done<Report>) -> (i32, String) {
    match done {
        Ok(report) => (LP_OK, json::of_report(&report)),
        Err(report) => of_report(&report),
    }
}

/// Releases a string that a call with _json in its name has returned.
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
