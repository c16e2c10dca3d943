//! `lp_entry`: one request of an outbox, for display at a till.

use std::ffi::{c_char, c_void, CString};
use std::ptr;

use super::argument::to_c;
use super::guard::call_host;
use crate::calls::outboxes::Listed;

/// The entry is pending. If this flag is clear, the entry is finished.
pub const LP_ENTRY_PENDING: u32 = 1;
/// An attempt is under way.
pub const LP_ENTRY_SENDING: u32 = 2;
/// The entry belongs to another base_url than the one this outbox was opened with; this outbox does
/// not send it.
pub const LP_ENTRY_FOREIGN: u32 = 4;

/// A request in an outbox. Valid only during the callback, with everything it points to. Times are
/// Unix times in milliseconds.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lp_entry {
    /// sizeof(lp_entry) in the library; fields unknown to your header may follow.
    pub struct_size: u32,
    /// LP_PENDING, or how the entry finished: LP_OK, a code of LifePay's, LP_ERR_CANCELLED or
    /// LP_ERR_EXPIRED.
    pub code: i32,
    /// Whether LifePay may have the request: LP_OUTCOME_..., over all attempts, including those
    /// before a restart.
    pub outcome: i32,
    /// LP_ENTRY_..., combined with |.
    pub flags: u32,
    /// Number of attempts started.
    pub attempts: u32,
    /// HTTP status of the last attempt; 0: no answer arrived.
    pub http_status: i32,
    /// When the entry was submitted.
    pub submitted_at: i64,
    /// When the next attempt is due; 0: none is. The pause is measured on a clock that does not
    /// jump.
    pub next_attempt_at: i64,
    /// When the entry finished: answered, cancelled or expired; 0: it is pending.
    pub answered_at: i64,
    /// Deadline for retries; 0: none.
    pub expires_at: i64,
    /// The request's ext_id.
    pub ext_id: *const c_char,
    /// The request's login.
    pub login: *const c_char,
    /// The request's target_serial; NULL if it has none.
    pub target_serial: *const c_char,
    /// The base_url that the entry belongs to.
    pub base_url: *const c_char,
    /// LifePay's uuid of the document; NULL if there is none.
    pub uuid: *const c_char,
    /// The state of the entry, in Russian, for a person at the till.
    pub message: *const c_char,
    /// The document's path below base_url, /cloud-print/create-session for the opening of a shift.
    /// NULL: a kind of document that only a later version of the library knows, and which waits for
    /// that version.
    pub path: *const c_char,
}

/// The callback of `lp_outbox_each`. The header writes it by hand, with LP_CALL.
pub type lp_entry_fn =
    Option<unsafe extern "C" fn(entry: *const lp_entry, user_data: *mut c_void) -> i32>;

/// Passes an entry to the host's callback. Returns true if the host wants the next one.
pub fn show(
    entry: &Listed,
    callback: unsafe extern "C" fn(*const lp_entry, *mut c_void) -> i32,
    user_data: *mut c_void,
) -> bool {
    let optional = |text: &Option<String>| text.as_deref().map(to_c);
    let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    let (ext_id, login) = (to_c(&entry.ext_id), to_c(&entry.login));
    let (base_url, message) = (to_c(&entry.base_url), to_c(&entry.message));
    let (target_serial, uuid) = (optional(&entry.target_serial), optional(&entry.uuid));
    let path = optional(&entry.path);
    let flag = |is_set: bool, flag: u32| if is_set { flag } else { 0 };
    let shown = lp_entry {
        struct_size: size_of::<lp_entry>() as u32,
        code: entry.code.number(),
        outcome: entry.outcome as i32,
        flags: flag(entry.pending, LP_ENTRY_PENDING)
            | flag(entry.sending, LP_ENTRY_SENDING)
            | flag(entry.foreign, LP_ENTRY_FOREIGN),
        attempts: entry.attempts,
        http_status: entry.http_status.into(),
        submitted_at: entry.submitted_at,
        next_attempt_at: entry.next_attempt_at,
        answered_at: entry.answered_at,
        expires_at: entry.expires_at,
        ext_id: ext_id.as_ptr(),
        login: login.as_ptr(),
        target_serial: pointer(&target_serial),
        base_url: base_url.as_ptr(),
        uuid: pointer(&uuid),
        message: message.as_ptr(),
        path: pointer(&path),
    };
    // SAFETY: the header requires a function of this type that does not throw. The entry and its
    // strings outlive the call, and `user_data` is passed unchanged.
    call_host(|| unsafe { callback(&shown, user_data) }) == 0
}
