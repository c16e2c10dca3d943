//! `lp_result`: the result of a call, and the ownership of its strings.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::hash::{BuildHasher, RandomState};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use once_cell::race::OnceNonZeroUsize;

use super::argument;
use super::constants::{LP_ERR_ARGUMENT, LP_ERR_INTERNAL, LP_OK};
use super::guard::guard_anywhere;
use super::layout::{self, Sized32};
use crate::code::Outcome;
use crate::fault::{Fault, Wrong};
use crate::log::is_in_callback;
use crate::process::lock::lock;
use crate::report::Report;
use crate::state;

/// A field of the request and the reason why it is wrong. LifePay's field errors and the library's
/// own argument errors have the same form.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lp_field_error {
    /// Name of the field, nested names joined by dots; "" if LifePay named none.
    pub field: *const c_char,
    /// The reason, in Russian.
    pub message: *const c_char,
}

/// The result of a call. Initialise it with lp_result_init, release it with lp_result_free.
///
/// The library owns everything a result points to. It stays valid until the next call with this
/// result or lp_result_free.
///
/// Judge a call by its return value: a result that was not initialised is not written, so its code
/// may be 0 although the call returned LP_ERR_ARGUMENT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lp_result {
    /// sizeof(lp_result) in your program, set by lp_result_init.
    pub struct_size: u32,
    /// The call's return value: LP_OK, a code of LifePay's (positive) or LP_ERR_... (negative).
    /// LP_ERR_ARGUMENT before the first call and after lp_result_free.
    pub code: i32,
    /// Whether LifePay may have the request, over all attempts: LP_OUTCOME_.... Show it to anyone
    /// who is about to open the shift by hand. 0: the call says nothing about a request, as
    /// lp_outbox_open.
    pub outcome: i32,
    /// HTTP status of the last attempt; 0: no answer arrived.
    pub http_status: i32,
    /// Number of attempts. If the server closes a kept connection without an answer, the library
    /// sends the request again over a new connection within the same attempt. Requests without an
    /// ext_id never use a kept connection.
    pub attempts: u32,
    /// If a retry makes sense and is safe: milliseconds to wait before it, which is the schedule's
    /// next pause or the server's Retry-After, whichever is longer. Otherwise 0.
    pub retry_after_ms: u32,
    /// Private: identifies the strings that this result owns. Do not modify.
    pub owner: u64,
    /// LifePay's uuid of the document. NULL in test mode, if the answer has none, or if code is not
    /// LP_OK.
    pub uuid: *const c_char,
    /// The ext_id of the request, given or generated. NULL only if the arguments were wrong or
    /// lp_send was given none.
    pub ext_id: *const c_char,
    /// What happened and what to do, in Russian, for a person at the till or on the phone. At most
    /// 2000 characters.
    pub message: *const c_char,
    /// The technical reason, as the system or the TLS library words it, for the log. May be NULL.
    pub detail: *const c_char,
    /// The body that was received, for a support request. The apikey is masked; NUL and invalid
    /// UTF-8 are replaced by U+FFFD. Of a body over 1 MiB these are the first 4096 bytes; an outbox
    /// keeps at most 16 KiB. NULL if there was none.
    pub reply: *const c_char,
    /// error_count elements, at most 100, with texts of at most 1000 characters each; NULL if there
    /// are none. message lists as many as fit and says how many more there are; reply has
    /// everything LifePay sent.
    pub errors: *const lp_field_error,
    /// Number of elements in errors.
    pub error_count: u32,
    /// Always 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, and zero is a valid number and pointer.
unsafe impl Sized32 for lp_result {
    const FIRST_SIZE: u32 = if cfg!(target_pointer_width = "64") {
        88
    } else {
        64
    };
}

/// Initialises a result for its first call: lp_result_init(&result, sizeof result).
///
/// Sets struct_size to size, code to LP_ERR_ARGUMENT, so that a result that no call has written
/// does not look like LP_OK, and everything else to 0 or NULL. It releases nothing; see
/// lp_result_free.
///
/// - result: yours, size bytes.
///
/// Returns LP_OK, or LP_ERR_ARGUMENT if result is NULL or size is not that of an lp_result. Allowed
/// in a log callback.
#[no_mangle]
pub unsafe extern "C" fn lp_result_init(result: *mut lp_result, size: u32) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the caller guarantees that `result` is NULL or has `size` writable bytes.
        if unsafe { layout::init(&fresh(), result, size) } {
            LP_OK
        } else {
            LP_ERR_ARGUMENT
        }
    })
}

/// Releases everything a result owns and initialises it as lp_result_init does. It can be used
/// again at once.
///
/// - result: yours. Its strings and errors become invalid.
///
/// Freeing twice, freeing a copy, NULL, or a result that was never initialised is harmless. Allowed
/// in a log callback, except for the result of a call that is running.
#[no_mangle]
pub unsafe extern "C" fn lp_result_free(result: *mut lp_result) {
    guard_anywhere((), || {
        // SAFETY: the caller guarantees that `result` is NULL or a struct of the size it states.
        if let Some(out) = unsafe { ResultOut::find(result) } {
            out.release();
        }
    });
}

/// Returns a result that no call has written. It must not look like success.
fn fresh() -> lp_result {
    lp_result {
        code: LP_ERR_ARGUMENT,
        ..layout::zeroed()
    }
}

/// The host's result, which can be written to.
pub struct ResultOut {
    result: *mut lp_result,
    size: u32,
}

impl ResultOut {
    /// Returns None for NULL, and for a struct with an impossible `struct_size`.
    ///
    /// # Safety
    ///
    /// `result` is NULL or points to a struct of the size it states, for as long as this lives.
    pub unsafe fn find(result: *mut lp_result) -> Option<ResultOut> {
        // SAFETY: the caller guarantees it.
        let size = unsafe { layout::stated_size(result) }?;
        Some(ResultOut { result, size })
    }

    /// The same as [`ResultOut::find`], for a call that is not allowed in a log callback. There,
    /// returns None and writes the refusal to the result.
    ///
    /// # Safety
    ///
    /// As [`ResultOut::find`].
    pub unsafe fn for_call(result: *mut lp_result) -> Option<ResultOut> {
        // SAFETY: the caller guarantees the requirements of `find`.
        let out = unsafe { ResultOut::find(result) }?;
        if !is_in_callback() {
            return Some(out);
        }
        let fault = Fault::new("", Wrong::InLogCallback);
        out.write(&Report {
            // This call did not check whether an earlier one has sent the request.
            outcome: Outcome::None,
            ..Report::refused(vec![fault])
        });
        None
    }

    /// Releases the old contents of the host's result and writes `report` to it. Returns its code.
    pub fn write(self, report: &Report) -> i32 {
        let (mut result, strings) = Strings::of(report);
        result.owner = next_owner();
        let held = {
            let mut table = table();
            let held = table.remove(&self.owner());
            table.insert(result.owner, strings);
            held
        };
        // The old strings are freed without the lock.
        drop(held);
        self.put(&result);
        report.code.number()
    }

    fn release(&self) {
        let held = table().remove(&self.owner());
        drop(held);
        self.put(&fresh());
    }

    fn owner(&self) -> u64 {
        // SAFETY: the host's struct has `size` readable bytes.
        unsafe { layout::copy_in(self.result, self.size) }.owner
    }

    fn put(&self, result: &lp_result) {
        // SAFETY: the host's struct has `size` writable bytes.
        unsafe { layout::copy_out(result, self.result, self.size) };
    }
}

/// The strings and errors that one result points to.
struct Strings {
    /// The texts one after the other, each followed by a NUL.
    _texts: Vec<u8>,
    _errors: Vec<lp_field_error>,
}

// SAFETY: the errors point into the texts. That heap block does not move when the value is sent to
// another thread, and is not changed. Nothing else is bound to a thread.
unsafe impl Send for Strings {}

impl Strings {
    /// Returns the struct for the host, and the strings and errors that its pointers refer to.
    fn of(report: &Report) -> (lp_result, Strings) {
        let optional = [&report.uuid, &report.ext_id, &report.detail, &report.reply];
        let optional = optional.map(Option::as_deref);
        let errors = report.errors.iter();
        let errors = errors.flat_map(|error| [error.field.as_str(), &error.message]);
        let all = optional.into_iter().flatten().chain([&*report.message]);
        let length = |text: &str| text.len() + 1;
        let room = all.chain(errors.clone()).map(length).sum();
        let mut texts = Vec::with_capacity(room);
        let mut put = |text: &str| argument::put_c(text, &mut texts);
        let [uuid, ext_id, detail, reply] = optional.map(|text| text.map(&mut put));
        let message = put(&report.message);
        let errors: Vec<usize> = errors.map(put).collect();
        // `texts` is complete, so its heap block does not move any more.
        let at = |place: usize| texts[place..].as_ptr().cast();
        let optional_at = |place: Option<usize>| place.map_or(ptr::null(), at);
        let error = |pair: &[usize]| lp_field_error {
            field: at(pair[0]),
            message: at(pair[1]),
        };
        let errors: Vec<_> = errors.chunks_exact(2).map(error).collect();
        let result = lp_result {
            struct_size: 0,
            code: report.code.number(),
            outcome: report.outcome as i32,
            http_status: report.http_status.into(),
            attempts: report.attempts,
            retry_after_ms: report.retry_after_ms,
            owner: 0,
            uuid: optional_at(uuid),
            ext_id: optional_at(ext_id),
            message: at(message),
            detail: optional_at(detail),
            reply: optional_at(reply),
            errors: if errors.is_empty() {
                ptr::null()
            } else {
                errors.as_ptr()
            },
            error_count: u32::try_from(errors.len()).unwrap_or(u32::MAX),
            reserved: 0,
        };
        let strings = Strings {
            _texts: texts,
            _errors: errors,
        };
        (result, strings)
    }
}

/// The strings of all results of a process, by owner. A forked child starts with none: inherited
/// strings stay readable and are never freed.
#[derive(Default)]
pub struct Results(Mutex<BTreeMap<u64, Strings>>);

fn table() -> MutexGuard<'static, BTreeMap<u64, Strings>> {
    lock(&state::current().ffi.results.0)
}

/// Returns a number that no other result has, in this process or its parent. The numbers count up from
/// a random start, so that garbage is unlikely to match one.
fn next_owner() -> u64 {
    static START: OnceNonZeroUsize = OnceNonZeroUsize::new();
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let start = START.get_or_init(|| {
        let random = RandomState::new().hash_one(state::process_id());
        std::num::NonZeroUsize::new(random as usize).unwrap_or(std::num::NonZeroUsize::MIN)
    });
    let start = (start.get() as u64) << 20;
    start
        .wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))
        .max(1)
}
