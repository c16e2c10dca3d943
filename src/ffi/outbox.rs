//! `lp_outbox`: requests that survive a crash.

use std::ffi::{c_char, c_void};

use super::argument::{self, Out};
use super::config::{self, lp_config};
use super::constants::{LP_ERR_ARGUMENT, LP_ERR_INTERNAL, LP_OK};
use super::entry::{self, lp_entry_fn};
use super::guard::{guard, guard_anywhere, guard_result};
use super::result::lp_result;
use crate::calls::outboxes::{self, Done};
use crate::fault::{Fault, Wrong};
use crate::report::Report;

/// An open outbox. The pointer is a number that the library looks up and never dereferences, and it
/// is never reused: after lp_outbox_close, and in a forked child, every call with it returns
/// LP_ERR_CLOSED.
///
/// A forked child cannot open a file that its parent had open, or was opening or closing, at the
/// fork: fork first, or start a new program. It can open other files.
pub struct lp_outbox(());

/// Opens a file of requests, creates it if it does not exist, and starts to send its pending
/// entries.
///
/// An outbox is for programs that must not lose a request to a crash or a power cut, or must not
/// block: requests are on disk before their first byte is sent, retried in the background until
/// LifePay answers, and their outcomes are kept.
///
/// - path: UTF-8, on a local disk; network paths are refused. Files with the same name and -wal,
///   -shm or -sender-... at the end belong to it.
/// - config: apikey (required; it is not stored), login (for requests without one), base_url,
///   proxy, trust, ca_file, the time limits of an attempt, retry_delays_ms, concurrency and
///   keep_days are used. It is copied before the call returns.
/// - outbox: *outbox is set to the outbox, or to NULL on failure. Close it with lp_outbox_close.
/// - result: yours, initialised; release it with lp_result_free. Its ext_id stays NULL.
///
/// Several processes may have the same file open: each request is sent by one of them at a time,
/// and if that process dies another takes over within a second. They should use the same apikey and
/// the same version of the library: while an earlier version sends, a kind of document that only a
/// later one knows waits. Within one process, use one copy of the library, and do not open the file
/// with your own SQLite, because the locks of both belong to the process.
///
/// Returns the value of result->code:
///
/// - LP_OK: the outbox is open. The call itself does not use the network.
/// - LP_ERR_ARGUMENT, LP_ERR_INTERNAL: as for lp_open_shift.
/// - LP_ERR_OUTBOX: the file cannot be used and is left unchanged; result->message says what to do.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_open(
    path: *const c_char,
    config: *const lp_config,
    outbox: *mut *mut lp_outbox,
    result: *mut lp_result,
) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the header states the requirements of `Place`.
        let place = unsafe { Place::new(outbox) };
        let open = || {
            // SAFETY: the header states the requirements of `config::read` and `text`.
            let (input, path) = unsafe { (config::read(config), argument::text(path, "path")) };
            let input = input.map_err(|fault| outboxes::refuse_opening(vec![fault]))?;
            outboxes::open(path, input.settings, input.faults)
        };
        // SAFETY: the header states the requirements of `guard_result`.
        unsafe { guard_result(result, || place.fill(open).unwrap_or_else(|report| *report)) }
    })
}

/// The host's pointer for the outbox that it opens.
pub struct Place(Option<Out<*mut lp_outbox>>);

impl Place {
    /// Sets the host's pointer to NULL.
    ///
    /// # Safety
    ///
    /// As [`Out::new`].
    pub unsafe fn new(outbox: *mut *mut lp_outbox) -> Place {
        // SAFETY: the caller guarantees it.
        let place = Place(unsafe { Out::new(outbox) });
        place.set(0);
        place
    }

    pub fn fill(&self, open: impl FnOnce() -> Done<usize>) -> Done<Report> {
        if self.0.is_none() {
            let fault = Fault::new("outbox", Wrong::Null);
            return Err(outboxes::refuse_opening(vec![fault]));
        }
        self.set(open()?);
        Ok(Report::done())
    }

    fn set(&self, number: usize) {
        if let Some(place) = &self.0 {
            place.set(number as *mut lp_outbox);
        }
    }
}

/// Stores a request on disk; the outbox sends it in the background. Does not wait for the network.
///
/// A request without path and document_json opens a shift, as lp_open_shift does. A request with
/// path is that document, as for lp_send. It needs an ext_id, because an outbox retries, and that
/// is safe only if LifePay's page about the document says that a second request with the same
/// ext_id makes no second document.
///
/// - config: the fields of the request and expires_after_ms are used. If login or apikey is not
///   given, the outbox's is used; another apikey or base_url than the outbox's is an argument
///   error, and its other settings are ignored. For a shift without an ext_id one is generated.
///   config is copied before the call returns.
/// - result: yours, initialised; release it with lp_result_free.
///
/// expires_after_ms counts on the wall clock, so that yesterday's shift is not opened today. If
/// that clock jumps while a program has the file open, the time that has really passed counts.
///
/// If the outbox already has an entry with this ext_id:
///
/// - pending: the entry is sent, under the new expires_after_ms, and a cancellation that has not
///   taken effect yet is withdrawn. result describes the entry.
/// - accepted: nothing is submitted, and result describes the entry.
/// - pending or accepted, with other fields: LP_ERR_ARGUMENT.
/// - rejected, cancelled or expired: the entry is replaced and sent again.
/// - of another path: LP_ERR_ARGUMENT in every state, until the entry is forgotten.
///
/// Returns LP_OK if the request is on disk: result->code is then LP_PENDING, or the code with which
/// the entry finished. Otherwise it returns the value of result->code:
///
/// - LP_ERR_ARGUMENT, LP_ERR_CLOSED, LP_ERR_INTERNAL: the call failed.
/// - LP_ERR_OUTBOX: the request may or may not be on disk; submit it again with the same ext_id. On
///   Unix, also if the file was deleted or replaced while open: close the outbox and open it again.
///
/// After a failure result->ext_id is the given or generated one, and result->outcome is
/// LP_OUTCOME_NOT_SENT only if certainly no request with this ext_id was or will be sent.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_submit(
    outbox: *mut lp_outbox,
    config: *const lp_config,
    result: *mut lp_result,
) -> i32 {
    // SAFETY: the header states the requirements of `done` and `config::read`.
    unsafe {
        done(result, || match config::read(config) {
            Ok(input) => outboxes::submit(outbox as usize, input.settings, input.faults),
            Err(fault) => Err(outboxes::refuse_submission(outbox as usize, vec![fault])),
        })
    }
}

/// Waits until an entry is finished, and describes it.
///
/// - ext_id: UTF-8, copied before the call returns.
/// - timeout_ms: how long to wait, in milliseconds. 0 returns at once; LP_FOREVER has no limit.
/// - result: yours, initialised. Its ext_id is the given one, also after a failure.
///
/// Returns the value of result->code: the code with which the entry finished, or LP_PENDING if it
/// has not. LP_ERR_NOT_FOUND, LP_ERR_CLOSED (also if the outbox is closed during the wait),
/// LP_ERR_ARGUMENT, LP_ERR_OUTBOX and LP_ERR_INTERNAL mean that this call failed; they are not the
/// entry's outcome.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_wait(
    outbox: *mut lp_outbox,
    ext_id: *const c_char,
    timeout_ms: u32,
    result: *mut lp_result,
) -> i32 {
    // SAFETY: the header states the requirements of `guard_result` and `text`.
    unsafe {
        guard_result(result, || {
            let ext_id = argument::text(ext_id, "ext_id");
            outboxes::wait(outbox as usize, ext_id, Ok(timeout_ms))
        })
    }
}

/// Calls a callback for every entry, in the order in which the entries were first submitted. The
/// entries are a snapshot of the moment of the call.
///
/// - callback: a non-zero return value ends the iteration. It may call every function. It must not
///   throw, longjmp or end the thread.
/// - user_data: passed to the callback unchanged.
///
/// Returns LP_OK, LP_ERR_ARGUMENT if callback is NULL, LP_ERR_OUTBOX or LP_ERR_CLOSED.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_each(
    outbox: *mut lp_outbox,
    callback: lp_entry_fn,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let Some(callback) = callback else {
            return LP_ERR_ARGUMENT;
        };
        code(outboxes::list(outbox as usize).map(|entries| {
            for entry in &entries {
                if !entry::show(entry, callback, user_data) {
                    break;
                }
            }
        }))
    })
}

/// Sends a pending entry at once instead of at its next scheduled attempt, and sends a rejected
/// entry again, so that a mistyped apikey does not ruin a queue.
///
/// - ext_id: UTF-8, copied before the call returns. NULL or "": all entries that are pending or
///   rejected and have not expired.
///
/// It also works during an attempt: if that attempt fails, the next one follows at once.
///
/// Returns LP_OK, LP_ERR_NOT_FOUND, LP_ERR_OUTBOX, LP_ERR_CLOSED, or LP_ERR_ARGUMENT for an entry
/// that was accepted or cancelled, has expired or belongs to another base_url. lp_outbox_wait with
/// timeout_ms 0 describes the entry, for a message to the cashier.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_retry_now(outbox: *mut lp_outbox, ext_id: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the header states the requirements of `text`.
        let ext_id = unsafe { argument::text(ext_id, "ext_id") };
        code(outboxes::retry_now(outbox as usize, ext_id))
    })
}

/// Stops the retries of an entry and describes it. An attempt under way is cut off within a second;
/// if its answer arrives first, the answer is kept.
///
/// - ext_id: UTF-8, copied before the call returns.
/// - result: yours, initialised. Its ext_id is the given one, also after a failure; its outcome
///   says whether LifePay may have the request.
///
/// Returns LP_OK if the entry is finished: result->code is then LP_ERR_CANCELLED, or the code with
/// which it finished before. It is LP_PENDING if the sender, in another process or with a full
/// disk, has not released the entry within three seconds, or if the entry was submitted again
/// meanwhile. Otherwise returns the value of result->code: LP_ERR_ARGUMENT, LP_ERR_NOT_FOUND,
/// LP_ERR_OUTBOX, LP_ERR_CLOSED or LP_ERR_INTERNAL.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_cancel(
    outbox: *mut lp_outbox,
    ext_id: *const c_char,
    result: *mut lp_result,
) -> i32 {
    // SAFETY: the header states the requirements of `done` and `text`.
    unsafe {
        done(result, || {
            outboxes::cancel(outbox as usize, argument::text(ext_id, "ext_id"))
        })
    }
}

/// Removes a finished entry. The outbox removes finished entries by itself after keep_days.
///
/// - ext_id: UTF-8, copied before the call returns.
///
/// Returns LP_OK, LP_ERR_NOT_FOUND, LP_ERR_OUTBOX, LP_ERR_CLOSED, or LP_ERR_ARGUMENT if ext_id is
/// missing or the entry is pending (cancel it first). lp_outbox_wait with timeout_ms 0 describes
/// the entry.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_forget(outbox: *mut lp_outbox, ext_id: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the header states the requirements of `text`.
        let ext_id = unsafe { argument::text(ext_id, "ext_id") };
        code(outboxes::forget(outbox as usize, ext_id))
    })
}

/// Counts the pending entries that this outbox sends.
///
/// - count: *count is set to their number, or to 0 on failure.
///
/// Returns LP_OK, LP_ERR_ARGUMENT if count is NULL, LP_ERR_OUTBOX or LP_ERR_CLOSED.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_pending(outbox: *mut lp_outbox, count: *mut u32) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the header states the requirements of `Out`.
        let Some(count) = (unsafe { Out::new(count) }) else {
            return LP_ERR_ARGUMENT;
        };
        count.set(0);
        guard(|| code(outboxes::pending(outbox as usize).map(|number| count.set(number))))
    })
}

/// Closes an outbox. Pending entries stay in the file and are sent when it is opened again; a
/// process that ends without closing loses nothing.
///
/// Attempts under way are cut off, and threads in lp_outbox_wait return LP_ERR_CLOSED. The call
/// returns within a second.
///
/// On Windows it may be called from DllMain, because it does not wait for threads to end, which
/// need the loader lock. If DllMain is called because the process ends, the system has already
/// ended all other threads: this and most other calls then do nothing and return LP_ERR_CLOSED.
///
/// Returns LP_OK, or LP_ERR_CLOSED if outbox is closed already, NULL or no outbox.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_close(outbox: *mut lp_outbox) -> i32 {
    guard(|| code(outboxes::close(outbox as usize)))
}

/// Runs a call that returns LP_OK on success, regardless of the entry's code, which is written to
/// `result`.
///
/// # Safety
///
/// As [`guard_result`].
unsafe fn done(result: *mut lp_result, call: impl FnOnce() -> Done<Report>) -> i32 {
    let mut done = None;
    // SAFETY: the caller guarantees it.
    let code = unsafe {
        guard_result(result, || match call() {
            Ok(report) => {
                done = Some(report.code.number());
                report
            }
            Err(report) => *report,
        })
    };
    match done {
        Some(written) if written == code => LP_OK,
        _ => code,
    }
}

fn code(done: Done<()>) -> i32 {
    done.map_or_else(|report| report.code.number(), |()| LP_OK)
}
