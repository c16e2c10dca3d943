//! `lp_progress`: what a host is told while it waits.

use std::ffi::c_void;

use super::guard::call_host;
use crate::delivery::progress::{OnProgress, Progress};

/// ------------------------------------------------------------------------------------------------
/// Progress: lp_progress
/// ------------------------------------------------------------------------------------------------
///
/// What on_progress is told. Valid during the callback only.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lp_progress {
    /// sizeof this struct in the library; fields beyond what your header knows may follow.
    pub struct_size: u32,
    /// What the call is at: LP_PHASE_....
    pub phase: i32,
    /// How many attempts have been begun.
    pub attempts: u32,
    /// Why the last attempt failed: LP_ERR_.... LP_PENDING before one has.
    pub code: i32,
    /// HTTP status of the last failed attempt; 0: none came.
    pub http_status: i32,
    /// Milliseconds since the call began.
    pub elapsed_ms: u32,
    /// Milliseconds until the next attempt, in LP_PHASE_FAILED and LP_PHASE_PAUSE. 0 in
    /// LP_PHASE_FAILED: it was the last one.
    pub next_attempt_ms: u32,
}

/// `on_progress` of `lp_config`. The header writes it by hand, with LP_CALL.
pub type lp_progress_fn =
    Option<unsafe extern "C" fn(progress: *const lp_progress, user_data: *mut c_void) -> i32>;

/// The host's callback as the delivery knows it.
pub fn callback(function: lp_progress_fn, user_data: *mut c_void) -> Option<OnProgress> {
    let function = function?;
    Some(Box::new(move |progress| {
        let told = to_c(progress);
        // SAFETY: the header demands a function of this type that does not throw; `told` outlives
        // the call, and `user_data` is handed back as it was given.
        call_host(|| unsafe { function(&told, user_data) }) == 0
    }))
}

fn to_c(progress: &Progress) -> lp_progress {
    let millis =
        |duration: std::time::Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    lp_progress {
        struct_size: size_of::<lp_progress>() as u32,
        phase: progress.phase as i32,
        attempts: progress.attempts,
        code: progress.code.number(),
        http_status: progress.http_status.into(),
        elapsed_ms: millis(progress.elapsed),
        next_attempt_ms: millis(progress.next_attempt),
    }
}
