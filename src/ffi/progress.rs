//! `lp_progress`: progress reports to the host.

use std::ffi::c_void;

use super::guard::call_host;
use crate::delivery::progress::{OnProgress, Progress};

/// The state of a call, for on_progress. Valid only during the callback.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lp_progress {
    /// sizeof(lp_progress) in the library; fields unknown to your header may follow.
    pub struct_size: u32,
    /// The current phase: LP_PHASE_....
    pub phase: i32,
    /// Number of attempts started.
    pub attempts: u32,
    /// Why the last attempt failed: LP_ERR_...; LP_PENDING if none has failed yet.
    pub code: i32,
    /// HTTP status of the last failed attempt; 0: no answer arrived.
    pub http_status: i32,
    /// Milliseconds since the start of the call.
    pub elapsed_ms: u32,
    /// Milliseconds until the next attempt, in LP_PHASE_FAILED and LP_PHASE_PAUSE. 0 in
    /// LP_PHASE_FAILED: there is no further attempt.
    pub next_attempt_ms: u32,
}

/// `on_progress` of `lp_config`. The header writes it by hand, with LP_CALL.
pub type lp_progress_fn =
    Option<unsafe extern "C" fn(progress: *const lp_progress, user_data: *mut c_void) -> i32>;

/// Returns the host's callback as a closure for `delivery`.
pub fn callback(function: lp_progress_fn, user_data: *mut c_void) -> Option<OnProgress> {
    let function = function?;
    Some(Box::new(move |progress| {
        let progress = to_c(progress);
        // SAFETY: the header requires a function of this type that does not throw. `progress` outlives
        // the call, and `user_data` is passed unchanged.
        call_host(|| unsafe { function(&progress, user_data) }) == 0
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
