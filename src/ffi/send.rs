//! `lp_send`: sends every document except the opening of a shift.

use super::config::{self, lp_config};
use super::guard::guard_result;
use super::progress;
use super::result::lp_result;
use crate::calls;

/// Sends any other document of LifePay's cloud print, such as a Z report or a receipt, and waits
/// for the answer.
///
/// config->path is required and selects the document; config->document_json holds its own fields.
/// LifePay's page about the document describes them; the library does not check them. The request
/// consists of those fields of config that are given (apikey, login, test, cashier_name,
/// cashier_inn, target_serial, ext_id, callback_url, callback_data), followed by the members of
/// document_json.
///
/// The library generates no ext_id here. That a second request with the same ext_id makes no second
/// document is published for the opening of a shift only; look up on LifePay's page whether it
/// holds for this document. If it does, set ext_id, and retries are as safe as for a shift. If it
/// does not, leave ext_id out: then nothing is sent twice, retry_for_ms and lp_outbox_submit fail
/// with LP_ERR_ARGUMENT, and after LP_OUTCOME_UNKNOWN you must check whether the document was made
/// before you send again. Never use one ext_id for two documents.
///
/// - config, result: as for lp_open_shift.
///
/// Returns the value of result->code, as lp_open_shift does. The library reads code, message,
/// errors and uuid from LifePay's answer; everything else is in result->reply. Blocks like
/// lp_open_shift.
#[no_mangle]
pub unsafe extern "C" fn lp_send(config: *const lp_config, result: *mut lp_result) -> i32 {
    // SAFETY: the header states the requirements of `call`.
    unsafe { call(calls::send, config, result) }
}

/// Makes a call with the settings in a struct, and writes its result.
///
/// # Safety
///
/// `config` meets the requirements of [`config::read`], `result` those of [`guard_result`].
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
