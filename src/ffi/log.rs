//! `lp_set_log` and `lp_log_to_file`: where the log goes.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use ::log::Level;

use super::argument::{self, to_c};
use super::constants::{LP_ERR_ARGUMENT, LP_OK};
use super::guard::{call_host, guard};
use crate::log;

/// ------------------------------------------------------------------------------------------------
/// Log levels: lp_set_log, lp_log_to_file
/// ------------------------------------------------------------------------------------------------
///
/// No log.
pub const LP_LOG_OFF: i32 = 0;
/// LifePay has refused a request, or a defect of this library was caught.
pub const LP_LOG_ERROR: i32 = 1;
/// Attempts that have failed, and calls with wrong arguments.
pub const LP_LOG_WARN: i32 = 2;
/// Attempts that have succeeded.
pub const LP_LOG_INFO: i32 = 3;
/// What the library decides on the way.
pub const LP_LOG_DEBUG: i32 = 4;
/// Bodies sent and received, the apikey masked.
pub const LP_LOG_TRACE: i32 = 5;

/// `callback` of `lp_set_log`. The header writes it by hand, with LP_CALL.
pub type lp_log_fn =
    Option<unsafe extern "C" fn(level: i32, message: *const c_char, user_data: *mut c_void)>;

/// ------------------------------------------------------------------------------------------------
/// The log
/// ------------------------------------------------------------------------------------------------
///
/// Hands the log to a callback of yours, in place of the one before. It returns when the old
/// callback runs nowhere any more.
///
/// It waits without a limit for a callback that is running: do not hold a lock that the callback takes.
///
/// callback may be NULL: no callback. level is LP_LOG_...: what is told, that and all below.
/// message is one line in UTF-8, borrowed for the callback; user_data is handed on as it is.
/// The callback may be called from any thread, several at once. It must not throw, longjmp or end the
/// thread. It may call lp_version, lp_version_number, lp_code_..., lp_config_init, lp_ext_id_new,
/// lp_string_free, and lp_result_init and lp_result_free except for the result of a call that is
/// running. Every other function does nothing there and returns LP_ERR_ARGUMENT, with which it also
/// fills its result; *outbox and *answer are set to NULL, *count to 0.
///
/// Returns LP_OK, or LP_ERR_ARGUMENT if level is none.
#[no_mangle]
pub unsafe extern "C" fn lp_set_log(
    callback: lp_log_fn,
    user_data: *mut c_void,
    level: i32,
) -> i32 {
    guard(|| {
        let Some(level) = log::level(level) else {
            return LP_ERR_ARGUMENT;
        };
        // It is the host's business on which thread its pointer is used.
        let user_data = user_data as usize;
        let callback = callback.map(|function| -> log::Function {
            Arc::new(move |level: Level, message: &str| {
                let message = to_c(message);
                let user_data = user_data as *mut c_void;
                // SAFETY: the header demands a function of this type that does not throw, valid until
                // lp_set_log has returned; that waits for this call. `message` outlives it.
                call_host(|| unsafe { function(level as i32, message.as_ptr(), user_data) });
            })
        });
        log::to_callback(callback, level);
        LP_OK
    })
}

/// Writes the log to a file, for hosts that cannot take callbacks; in place of the file before.
///
/// path: in UTF-8, borrowed for the call; NULL or "": no file. level: LP_LOG_.... max_bytes: the
/// size at which the file is renamed to path + ".old", in the place of the one before, and begun
/// anew; 0: 10 MiB. If another program prevents that, the file grows until it can be renamed. On
/// Windows path + ".rotating" exists while it is renamed. A line has the local time with its offset, version, process and level, and for
/// an attempt ext_id, number, HTTP status, code and milliseconds. The apikey is in none.
///
/// For tills whose program cannot be changed the environment variable LIFEPAY_LOG does the same,
/// besides what the program sets: PATH, or LEVEL,PATH, where LEVEL is error, warn, info (the
/// default), debug or trace. It is read at the first call of the library; a file that cannot be
/// written is passed over in silence.
///
/// Returns LP_OK, or LP_ERR_ARGUMENT if level is none or the file cannot be written; then the file
/// before stays in use.
#[no_mangle]
pub unsafe extern "C" fn lp_log_to_file(path: *const c_char, level: i32, max_bytes: u32) -> i32 {
    guard(|| {
        // SAFETY: the header demands what `text` does.
        let path = unsafe { argument::text(path, "path") };
        match (path, log::level(level)) {
            (Ok(path), Some(level)) if log::to_file(path.as_deref(), level, max_bytes) => LP_OK,
            _ => LP_ERR_ARGUMENT,
        }
    })
}
