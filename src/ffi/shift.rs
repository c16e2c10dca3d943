//! `lp_open_shift`: opens a shift.

use super::config::lp_config;
use super::result::lp_result;
use super::send::call;
use crate::calls;

/// Opens a shift and waits for LifePay's answer.
///
/// - config: the request and its settings, copied before the call returns.
/// - result: yours, initialised. What it held before is released after config has been copied, so
///   config.ext_id may point to result.ext_id. Release it with lp_result_free.
///
/// Returns the value of result->code:
///
/// - LP_OK: LifePay accepted the document. The shift may not be open yet.
/// - positive: LifePay's own code. LifePay answered; do not retry the request unchanged.
/// - negative: LP_ERR_.... result->outcome says whether LifePay may have the request. Retry with
///   the same ext_id after result->retry_after_ms, or set config->retry_for_ms.
///
/// If result is NULL or was not initialised, nothing is sent, result is not written and the call
/// returns LP_ERR_ARGUMENT. In a log callback nothing is sent either, and result->code is
/// LP_ERR_ARGUMENT.
///
/// Blocks until LifePay answers, a time limit or retry_for_ms expires, or on_progress stops the
/// call. May be called from any thread.
#[no_mangle]
pub unsafe extern "C" fn lp_open_shift(config: *const lp_config, result: *mut lp_result) -> i32 {
    // SAFETY: the header states the requirements of `call`.
    unsafe { call(calls::open_shift, config, result) }
}
