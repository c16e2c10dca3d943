//! `lp_open_shift`: the call for which this library exists.

use super::config::lp_config;
use super::result::lp_result;
use super::send::call;
use crate::calls;

/// ------------------------------------------------------------------------------------------------
/// Opening a shift
/// ------------------------------------------------------------------------------------------------
///
/// Opens a shift: checks config, sends the request, and says what came of it.
///
/// config: borrowed for the call, with all it points to. result: yours, initialised; release what it
/// holds with lp_result_free.
///
/// Returns the same as result->code:
/// - LP_OK: LifePay took the document. That is not yet an open shift.
/// - positive: LifePay's own code. It has answered; do not repeat the request as it is.
/// - negative: LP_ERR_.... See result->outcome for whether LifePay may have the request, and repeat
///   with the same ext_id after result->retry_after_ms, or let config->retry_for_ms do it.
///
/// Blocks until LifePay has answered, the time limits or retry_for_ms are over, or on_progress
/// stops it. Releases what result held, after config has been copied: config.ext_id may point to
/// result.ext_id.
///
/// If result is NULL or was not initialised with lp_result_init, nothing is sent, result is not
/// written, and the call returns LP_ERR_ARGUMENT. In a log callback nothing is sent either; result->code
/// and the return value are LP_ERR_ARGUMENT.
#[no_mangle]
pub unsafe extern "C" fn lp_open_shift(config: *const lp_config, result: *mut lp_result) -> i32 {
    // SAFETY: the header demands what `call` does.
    unsafe { call(calls::open_shift, config, result) }
}
