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

/// ------------------------------------------------------------------------------------------------
/// The outbox
/// ------------------------------------------------------------------------------------------------
///
/// An open outbox. A number, looked up and never dereferenced, and never given twice: after
/// lp_outbox_close, and in a forked child, every call with it answers LP_ERR_CLOSED. A child cannot
/// open the files that its parent had open, or was opening or closing, when it forked: fork first, or
/// start a new program. It can open others.
pub struct lp_outbox(());

/// Opens a file of requests, makes it if there is none, and begins to send what waits in it.
///
/// The outbox is for programs that must not lose a request to a crash or a power cut, and for those
/// that must not block: requests are on disk before their first byte is sent, repeated in the
/// background by the timetable until LifePay has answered, and their outcomes kept.
///
/// path: in UTF-8, borrowed for the call, on a local disk; network paths are refused. Beside it
/// stand files of the same name with -wal, -shm and -sender-... at the end: they belong to it.
/// config: borrowed for the call. Taken from it are apikey (required; it is not stored), login (for
/// requests that have none), base_url, proxy, trust, ca_file, the time limits of an attempt,
/// retry_delays_ms, concurrency and keep_days. *outbox: set to the outbox, or NULL; close it with
/// lp_outbox_close. result: yours, initialised.
///
/// Several processes may have the same file open: each request is sent by one of them at a time, and
/// when that one dies another takes over within a second. They should have the same apikey, and the
/// same version of this library: a kind of document that only a later one knows waits as long as an
/// earlier one is the sender. Within a process, use one copy of this library, and do not open the file
/// with a SQLite of your own: the locks of both are the process's.
///
/// Returns the same as result->code: LP_OK, LP_ERR_ARGUMENT, LP_ERR_INTERNAL, or LP_ERR_OUTBOX:
/// result->message says what to do; the file is left as it was. No network is used by the call
/// itself. result->ext_id stays NULL.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_open(
    path: *const c_char,
    config: *const lp_config,
    outbox: *mut *mut lp_outbox,
    result: *mut lp_result,
) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the header demands what `Place` does.
        let place = unsafe { Place::new(outbox) };
        let open = || {
            // SAFETY: the header demands what `config::read` and `text` do.
            let (input, path) = unsafe { (config::read(config), argument::text(path, "path")) };
            let input = input.map_err(|fault| outboxes::refuse_opening(vec![fault]))?;
            outboxes::open(path, input.settings, input.faults)
        };
        // SAFETY: the header demands what `guard_result` does.
        unsafe { guard_result(result, || place.fill(open).unwrap_or_else(|report| *report)) }
    })
}

/// Where a host wants the outbox that it opens.
pub struct Place(Option<Out<*mut lp_outbox>>);

impl Place {
    /// Nothing is there yet.
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

/// Puts a request on disk; it is sent in the background. Does not wait for the network.
///
/// Without path and document_json the request opens a shift, as with lp_open_shift. With path it is
/// the document that path names, as with lp_send, and needs an ext_id, since an outbox repeats: that
/// is safe if LifePay's page on the document says that a second request with the same ext_id makes no
/// second document.
///
/// config: borrowed for the call. Taken from it are the fields of the request and expires_after_ms:
/// by the wall clock, so that yesterday's shift does not open tonight; if that clock jumps while a
/// program has the file open, the time that has really passed counts. login and apikey not given:
/// those of lp_outbox_open; another apikey or base_url than there is an argument error, the other
/// settings of the connection are not looked at. Without ext_id one is made for a shift and returned.
///
/// If an entry with this ext_id is pending or accepted, no second one is made and result describes
/// that entry. A pending one will be sent, under the new expires_after_ms; a cancellation that has not
/// taken effect yet is withdrawn. With different fields it is an argument error. An entry that was
/// rejected or cancelled or has expired is replaced and sent again. An ext_id belongs to one path: with
/// another one it is an argument error, whatever became of the entry, until it is forgotten.
///
/// Returns LP_OK: the request is on disk, and result->code is LP_PENDING, or the outcome if the entry
/// has one. Otherwise the same as result->code: LP_ERR_ARGUMENT, LP_ERR_CLOSED, LP_ERR_INTERNAL, or
/// LP_ERR_OUTBOX: the request may or may not be on disk after a restart; submit it again with the same
/// ext_id. On Unix the call also fails with LP_ERR_OUTBOX if the file was deleted or replaced while it
/// is open: close the outbox and open it again.
///
/// After a failure result->ext_id is the one that was given, or the one that was made, and
/// result->outcome is LP_OUTCOME_NOT_SENT only if it is certain that no request with this ext_id was or
/// will be sent.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_submit(
    outbox: *mut lp_outbox,
    config: *const lp_config,
    result: *mut lp_result,
) -> i32 {
    // SAFETY: the header demands what `done` and `config::read` do.
    unsafe {
        done(result, || match config::read(config) {
            Ok(input) => outboxes::submit(outbox as usize, input.settings, input.faults),
            Err(fault) => Err(outboxes::refuse_submission(outbox as usize, vec![fault])),
        })
    }
}

/// Waits for the outcome of an entry, at most timeout_ms milliseconds; 0 just looks, LP_FOREVER has
/// no limit.
///
/// ext_id: in UTF-8, borrowed for the call. result: yours, initialised.
///
/// Returns the same as result->code: the outcome, or LP_PENDING if there is none yet. LP_ERR_NOT_FOUND
/// (no such entry), LP_ERR_CLOSED (also if the outbox is closed during the wait), LP_ERR_ARGUMENT,
/// LP_ERR_OUTBOX and LP_ERR_INTERNAL mean that this call failed; they are not the entry's outcome.
/// result->ext_id is the one that was given, also after a failure.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_wait(
    outbox: *mut lp_outbox,
    ext_id: *const c_char,
    timeout_ms: u32,
    result: *mut lp_result,
) -> i32 {
    // SAFETY: the header demands what `guard_result` and `text` do.
    unsafe {
        guard_result(result, || {
            let ext_id = argument::text(ext_id, "ext_id");
            outboxes::wait(outbox as usize, ext_id, Ok(timeout_ms))
        })
    }
}

/// Shows every entry to a callback, in the order in which they were first submitted: a snapshot of
/// the moment of the call. Non-zero from the callback ends it. The callback may call everything; it
/// must not throw, longjmp or end the thread. user_data is handed to it as it is.
///
/// Returns LP_OK, LP_ERR_ARGUMENT if callback is NULL, LP_ERR_OUTBOX, LP_ERR_CLOSED.
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

/// Sends a waiting entry at once, without waiting for the timetable, and reopens a rejected one: a
/// mistyped apikey must not ruin a queue.
///
/// ext_id: in UTF-8, borrowed for the call. NULL or "": all that wait or were rejected and have not
/// expired.
///
/// The request takes effect also during an attempt: if that one fails, the next follows at once.
///
/// Returns LP_OK, LP_ERR_NOT_FOUND, LP_ERR_ARGUMENT for an entry that was accepted or cancelled, has
/// expired or belongs to another base_url, LP_ERR_OUTBOX, LP_ERR_CLOSED. To see which, and to show it
/// to a cashier, call lp_outbox_wait with timeout_ms 0: result describes the entry.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_retry_now(outbox: *mut lp_outbox, ext_id: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the header demands what `text` does.
        let ext_id = unsafe { argument::text(ext_id, "ext_id") };
        code(outboxes::retry_now(outbox as usize, ext_id))
    })
}

/// Stops the repeats of an entry. An attempt under way is broken off within a second; if its answer
/// comes all the same, it wins.
///
/// ext_id: in UTF-8, borrowed for the call. result: yours, initialised; it tells the entry, and
/// result->outcome whether LifePay may have the request.
///
/// Returns LP_OK: the entry is finished, and result->code is LP_ERR_CANCELLED or the outcome that it
/// had or that has won. (It is LP_PENDING if its sender, in another process or with a full disk, has
/// not let go of it within three seconds, or if it was submitted again meanwhile.) Otherwise the same as result->code: LP_ERR_ARGUMENT,
/// LP_ERR_NOT_FOUND, LP_ERR_OUTBOX, LP_ERR_CLOSED, LP_ERR_INTERNAL. result->ext_id is the one that was
/// given, also after a failure.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_cancel(
    outbox: *mut lp_outbox,
    ext_id: *const c_char,
    result: *mut lp_result,
) -> i32 {
    // SAFETY: the header demands what `done` and `text` do.
    unsafe {
        done(result, || {
            outboxes::cancel(outbox as usize, argument::text(ext_id, "ext_id"))
        })
    }
}

/// Removes a finished entry. Finished entries are removed by themselves after keep_days.
///
/// ext_id: in UTF-8, borrowed for the call.
///
/// Returns LP_OK, LP_ERR_NOT_FOUND, LP_ERR_ARGUMENT for a pending entry (cancel it first) and for a
/// missing ext_id, LP_ERR_OUTBOX, LP_ERR_CLOSED. lp_outbox_wait with timeout_ms 0 describes the entry.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_forget(outbox: *mut lp_outbox, ext_id: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the header demands what `text` does.
        let ext_id = unsafe { argument::text(ext_id, "ext_id") };
        code(outboxes::forget(outbox as usize, ext_id))
    })
}

/// How many entries wait that this outbox sends. *count is set to that, or to 0.
///
/// Returns LP_OK, LP_ERR_ARGUMENT if count is NULL, LP_ERR_OUTBOX, LP_ERR_CLOSED.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_pending(outbox: *mut lp_outbox, count: *mut u32) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the header demands what `Out` does.
        let Some(count) = (unsafe { Out::new(count) }) else {
            return LP_ERR_ARGUMENT;
        };
        count.set(0);
        guard(|| code(outboxes::pending(outbox as usize).map(|number| count.set(number))))
    })
}

/// Closes an outbox: what waits stays in the file and goes on when it is opened again. Attempts under
/// way are broken off, and those who wait in lp_outbox_wait wake with LP_ERR_CLOSED. Returns within
/// a second. A process that ends without it loses nothing.
///
/// On Windows it may be called from DllMain: it does not wait for threads to end, for which they need
/// the loader lock. If DllMain is called because the process is ending, the system has already ended
/// all other threads: this and most other calls do nothing then and return LP_ERR_CLOSED.
///
/// Returns LP_OK, or LP_ERR_CLOSED if it is closed already, NULL or no outbox.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_close(outbox: *mut lp_outbox) -> i32 {
    guard(|| code(outboxes::close(outbox as usize)))
}

/// Runs a call that returns LP_OK if it has done its work, whatever the code of the entry that it has
/// written into `result`.
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
