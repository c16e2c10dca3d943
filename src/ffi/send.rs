//! `lp_send`: every document of LifePay's but the opening of a shift.

use super::config::{self, lp_config};
use super::guard::guard_result;
use super::progress;
use super::result::lp_result;
use crate::calls;

/// ------------------------------------------------------------------------------------------------
/// Closing the shift, receipts and the rest
/// ------------------------------------------------------------------------------------------------
///
/// Sends any other document of LifePay's cloud print: a Z report, a receipt, a correction.
///
/// config->path, which is required, says which one; config->document_json holds its own fields. What
/// they are stands on LifePay's page about the document, is not checked here, and is LifePay's to
/// judge. The request is made of the fields of config that are given (apikey, login, test, cashier_name,
/// cashier_inn, target_serial, ext_id, callback_url, callback_data), then of the document's members.
///
/// No ext_id is made. That a second request with the same ext_id makes no second document is known of
/// opening a shift only: whether it holds for this document too, look up on LifePay's page. Where it
/// does, give one, and repeats are safe as for a shift. Where it does not, give none: then nothing is
/// sent twice, retry_for_ms and lp_outbox_submit are argument errors, and after LP_OUTCOME_UNKNOWN look
/// whether the document was made before you send again. Do not use one ext_id for two documents.
///
/// config, result: as for lp_open_shift. Blocks like it.
///
/// Returns the same as result->code, as lp_open_shift does. LifePay's answer is read in the same way:
/// code, message, errors, uuid; what else it says is in result->reply.
#[no_mangle]
pub unsafe extern "C" fn lp_send(config: *const lp_config, result: *mut lp_result) -> i32 {
    // SAFETY: the header demands what `call` does.
    unsafe { call(calls::send, config, result) }
}

/// Makes a call as a struct says, and writes what came of it.
///
/// # Safety
///
/// `config` is as [`config::read`] demands, `result` as [`guard_result`] does.
pub unsafe fn call(send: calls::SendFn, config: *const lp_config, result: *mut lp_result) -> i32 {
    // SAFETY: the caller guarantees it.
    unsafe {
        guard_result(result, || match config::read(config) {
            Ok(input) => {
                let on_progress = progress::callback(input.on_progress, input.user_data);
                send(input.settings, input.faults, on_progress)
            }
            Err(fault) => calls::refuse(vec![fault]),
        })
    }
}
