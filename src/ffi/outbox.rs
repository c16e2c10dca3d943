//! `lp_outbox`: requests that survive a crash.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::config::{self, lp_config};
use super::entry::{self, lp_entry_fn};
use super::guard::{guard, guard_anywhere};
use super::result::{lp_result, Slot};
use super::text;
use crate::code::{LP_ERR_ARGUMENT, LP_OK};
use crate::error::{Failure, FieldError};
use crate::outbox::Outbox;
use crate::panic::catch;
use crate::process::PerProcess;
use crate::report::{Report, LP_OUTCOME_NOT_SENT, LP_OUTCOME_UNKNOWN};
use crate::settings::Settings;
use crate::shift;
use crate::timetable::LP_FOREVER;

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
/// when that one dies another takes over within a second. They should have the same apikey. Within a
/// process, use one copy of this library, and do not open the file with a SQLite of your own: the
/// locks of both are the process's.
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
    guard_anywhere(|| {
        let set = |handle| {
            if !outbox.is_null() {
                // SAFETY: not NULL, and writable as the caller vouches for; it may be packed.
                unsafe { outbox.write_unaligned(handle) }
            }
        };
        set(std::ptr::null_mut());
        // SAFETY: as the caller vouches for.
        let Some(slot) = (unsafe { Slot::for_call(result) }) else {
            return LP_ERR_ARGUMENT;
        };
        if outbox.is_null() {
            return slot.write(&Report::refused(vec![FieldError::new("outbox", "NULL")]));
        }
        // SAFETY: as the caller vouches for.
        let opened = tried(|| unsafe { open(path, config) });
        let report = match opened {
            Ok(opened) => {
                set(keep(opened) as *mut lp_outbox);
                Report::done()
            }
            Err(failure) => Report::failure(&failure),
        };
        slot.write(&report)
    })
}

/// Puts a request on disk; it is sent in the background. Does not wait for the network.
///
/// config: borrowed for the call. Taken from it are the fields of the request and expires_after_ms:
/// by the wall clock, so that yesterday's shift does not open tonight; if that clock jumps while a
/// program has the file open, the time that has really passed counts. login and apikey not given:
/// those of lp_outbox_open; another apikey or base_url than there is an argument error, the other
/// settings of the connection are not looked at. Without ext_id one is made and returned.
///
/// If an entry with this ext_id is pending or accepted, no second one is made and result describes
/// that entry. A pending one will be sent, under the new expires_after_ms; a cancellation that has not
/// taken effect yet is withdrawn. With different fields it is an argument error. An entry that was
/// rejected or cancelled or has expired is replaced and sent again.
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
    guard_anywhere(|| {
        // SAFETY: as the caller vouches for.
        let Some(slot) = (unsafe { Slot::for_call(result) }) else {
            return LP_ERR_ARGUMENT;
        };
        // SAFETY: as the caller vouches for.
        let given = unsafe { config::read(config) };
        let submitted = match given {
            Ok(given) => submit(outbox as usize, given.settings, given.faults),
            Err(fault) => {
                let failure = find(outbox).err();
                let failure = failure.unwrap_or_else(|| Failure::Argument(vec![fault]));
                Err(Box::new(Report {
                    // The ext_id was not read.
                    outcome: LP_OUTCOME_UNKNOWN,
                    ..Report::failure(&failure)
                }))
            }
        };
        match submitted {
            Ok(report) => {
                slot.write(&report);
                LP_OK
            }
            Err(report) => slot.write(&report),
        }
    })
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
    guard_anywhere(|| {
        // SAFETY: as the caller vouches for.
        let Some(slot) = (unsafe { Slot::for_call(result) }) else {
            return LP_ERR_ARGUMENT;
        };
        let limit = match timeout_ms {
            LP_FOREVER => Duration::MAX,
            ms => Duration::from_millis(u64::from(ms)),
        };
        // SAFETY: as the caller vouches for.
        let asked = unsafe { required(ext_id) };
        let waited = tried(|| find(outbox)?.wait(asked.as_deref().map_err(Failure::clone)?, limit));
        slot.write(&waited.unwrap_or_else(|failure| Report {
            ext_id: asked.ok(),
            ..Report::failure(&failure)
        }))
    })
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
        code_of(|| {
            let outbox = find(outbox)?;
            for entry in outbox.entries()? {
                if !entry::show(&entry, outbox.is_foreign(&entry), callback, user_data) {
                    break;
                }
            }
            Ok(())
        })
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
        code_of(|| {
            let outbox = find(outbox)?;
            // SAFETY: as the caller vouches for.
            let ext_id = unsafe { optional(ext_id) }?;
            outbox.retry_now(ext_id.as_deref())
        })
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
    guard_anywhere(|| {
        // SAFETY: as the caller vouches for.
        let Some(slot) = (unsafe { Slot::for_call(result) }) else {
            return LP_ERR_ARGUMENT;
        };
        // SAFETY: as the caller vouches for.
        let asked = unsafe { required(ext_id) };
        let cancelled = tried(|| find(outbox)?.cancel(asked.as_deref().map_err(Failure::clone)?));
        match cancelled {
            Ok(report) => {
                slot.write(&report);
                LP_OK
            }
            Err(failure) => slot.write(&Report {
                ext_id: asked.ok(),
                outcome: LP_OUTCOME_UNKNOWN,
                ..Report::failure(&failure)
            }),
        }
    })
}

/// Removes a finished entry. Finished entries are removed by themselves after keep_days.
///
/// ext_id: in UTF-8, borrowed for the call.
///
/// Returns LP_OK, LP_ERR_NOT_FOUND, LP_ERR_ARGUMENT for a pending entry (cancel it first) and for a
/// missing ext_id, LP_ERR_OUTBOX, LP_ERR_CLOSED. lp_outbox_wait with timeout_ms 0 describes the entry.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_forget(outbox: *mut lp_outbox, ext_id: *const c_char) -> i32 {
    // SAFETY: as the caller vouches for.
    guard(|| code_of(|| find(outbox)?.forget(&unsafe { required(ext_id) }?)))
}

/// How many entries wait that this outbox sends. *count is set to that, or to 0.
///
/// Returns LP_OK, LP_ERR_ARGUMENT if count is NULL, LP_ERR_OUTBOX, LP_ERR_CLOSED.
#[no_mangle]
pub unsafe extern "C" fn lp_outbox_pending(outbox: *mut lp_outbox, count: *mut u32) -> i32 {
    guard_anywhere(|| {
        if count.is_null() {
            return LP_ERR_ARGUMENT;
        }
        // SAFETY: not NULL, and writable as the caller vouches for; it may be packed.
        let set = |number| unsafe { count.write_unaligned(number) };
        set(0);
        guard(|| code_of(|| find(outbox)?.pending().map(set)))
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
    guard(|| code_of(|| close(outbox as usize)))
}

/// # Safety
///
/// As [`config::read`] and [`text::read`].
unsafe fn open(path: *const c_char, config: *const lp_config) -> Result<Outbox, Failure> {
    // SAFETY: as the caller vouches for.
    let given = unsafe { config::read(config) };
    let mut given = given.map_err(|fault| Failure::Argument(vec![fault]))?;
    // SAFETY: as the caller vouches for.
    let path = unsafe { text::read(path, "path", &mut given.faults) };
    open_checked(path, given.settings, given.faults)
}

/// Opens with what has been read.
pub fn open_checked(
    path: Option<String>,
    settings: Settings,
    mut faults: Vec<FieldError>,
) -> Result<Outbox, Failure> {
    if path.is_none() && faults.iter().all(|fault| fault.field != "path") {
        faults.push(FieldError::new("path", "не задан"));
    }
    let terms = settings.check_outbox(faults).map_err(Failure::Argument)?;
    Outbox::open(Path::new(&path.unwrap_or_default()), terms)
}

/// Submits with what has been read.
///
/// # Errors
///
/// What the host is told: the ext_id if it gave one, and as outcome LP_OUTCOME_NOT_SENT only where
/// that is certain.
pub fn submit(
    number: usize,
    mut settings: Settings,
    faults: Vec<FieldError>,
) -> Result<Report, Box<Report>> {
    let is_unreadable = faults.iter().any(|fault| fault.field == "ext_id");
    let given = settings.fields.ext_id.clone();
    let ext_id = settings.fields.ext_id.get_or_insert_with(shift::new_ext_id);
    let ext_id = ext_id.clone();
    let outbox = find_number(number);
    let submitted = tried(|| {
        let outbox = outbox.as_ref().map_err(Failure::clone)?;
        let submission = settings.check_submission(outbox.terms(), faults);
        outbox.submit(&submission.map_err(Failure::Argument)?)
    });
    submitted.map_err(|failure| {
        let is_unsent = match &outbox {
            _ if is_unreadable => false,
            Ok(outbox) => outbox.is_unsent(&ext_id, given.is_none(), &failure),
            // A new ext_id was sent by nobody.
            Err(_) => given.is_none(),
        };
        let is_valid = !matches!(failure, Failure::Argument(_));
        Box::new(Report {
            ext_id: given.or(is_valid.then_some(ext_id)),
            outcome: match is_unsent {
                true => LP_OUTCOME_NOT_SENT,
                false => LP_OUTCOME_UNKNOWN,
            },
            ..Report::failure(&failure)
        })
    })
}

/// An ext_id that must be there.
///
/// # Safety
///
/// As [`text::read`].
unsafe fn required(ext_id: *const c_char) -> Result<String, Failure> {
    // SAFETY: as the caller vouches for.
    let ext_id = unsafe { optional(ext_id) }?;
    ext_id.ok_or_else(|| Failure::argument("ext_id", "не задан"))
}

/// # Safety
///
/// As [`text::read`].
unsafe fn optional(ext_id: *const c_char) -> Result<Option<String>, Failure> {
    let mut faults = Vec::new();
    // SAFETY: as the caller vouches for.
    let ext_id = unsafe { text::read(ext_id, "ext_id", &mut faults) };
    if faults.is_empty() {
        Ok(ext_id)
    } else {
        Err(Failure::Argument(faults))
    }
}

/// A panic is a failure like any other here.
pub fn tried<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let done = catch(work).unwrap_or_else(|panic| Err(Failure::Internal(panic)));
    if let Err(failure) = &done {
        ::log::warn!("outbox: {}", failure.message(LP_OUTCOME_UNKNOWN));
    }
    done
}

fn code_of(work: impl FnOnce() -> Result<(), Failure>) -> i32 {
    tried(work).map_or_else(|failure| failure.code(), |()| LP_OK)
}

/// The outboxes of this process by their numbers. A forked child has none: the parent goes on sending.
type Outboxes = Mutex<BTreeMap<usize, Arc<Outbox>>>;

fn open_ones() -> MutexGuard<'static, BTreeMap<usize, Arc<Outbox>>> {
    static OUTBOXES: PerProcess<Outboxes> = PerProcess::new();
    OUTBOXES
        .get(|_| Mutex::default())
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

pub fn keep(outbox: Outbox) -> usize {
    // Odd, so that it is the address of nothing that a host could have.
    static NEXT: AtomicUsize = AtomicUsize::new(0x1001);
    let number = NEXT.fetch_add(2, Ordering::Relaxed);
    open_ones().insert(number, Arc::new(outbox));
    number
}

fn find(outbox: *mut lp_outbox) -> Result<Arc<Outbox>, Failure> {
    find_number(outbox as usize)
}

/// The outbox that [`keep`] has given this number.
pub fn find_number(number: usize) -> Result<Arc<Outbox>, Failure> {
    let outbox = open_ones().get(&number).map(Arc::clone);
    outbox.ok_or(Failure::Closed)
}

/// Closes the outbox that [`keep`] has given this number.
pub fn close(number: usize) -> Result<(), Failure> {
    let closed = open_ones().remove(&number);
    closed.ok_or(Failure::Closed).map(|outbox| outbox.close())
}
