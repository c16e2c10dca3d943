//! `lp_set_log` and `lp_log_to_file`: the targets of the log.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use ::log::Level;

use super::argument::{self, to_c};
use super::constants::{LP_ERR_ARGUMENT, LP_OK};
use super::guard::{call_host, guard};
use crate::log;

/// No log.
pub const LP_LOG_OFF: i32 = 0;
/// LifePay rejected a request, or the library caught a defect of its own.
pub const LP_LOG_ERROR: i32 = 1;
/// Failed attempts, and calls with wrong arguments.
pub const LP_LOG_WARN: i32 = 2;
/// Successful attempts.
pub const LP_LOG_INFO: i32 = 3;
/// Decisions that the library makes on the way.
pub const LP_LOG_DEBUG: i32 = 4;
/// Bodies sent and received, with the apikey masked.
pub const LP_LOG_TRACE: i32 = 5;

/// `callback` of `lp_set_log`. The header writes it by hand, with LP_CALL.
pub type lp_log_fn =
    Option<unsafe extern "C" fn(level: i32, message: *const c_char, user_data: *mut c_void)>;

/// Sets the log callback, replacing the previous one. Returns once no thread is inside the previous
/// callback.
///
/// It waits for a running callback without a time limit: do not hold a lock that the callback
/// takes.
///
/// - callback: called with one line in UTF-8, valid only during the callback. NULL: no callback. It
///   may be called from any thread, and by several at once. It must not throw, longjmp or end the
///   thread. It may call lp_version, lp_version_number, lp_code_..., lp_config_init, lp_ext_id_new,
///   lp_string_free, and lp_result_init and lp_result_free except on the result of a running call.
///   Every other function does nothing there, returns LP_ERR_ARGUMENT and fills its result with it;
///   *outbox and *answer are set to NULL, *count to 0.
/// - user_data: passed to the callback unchanged.
/// - level: the most verbose level to report, LP_LOG_....
///
/// Returns LP_OK, or LP_ERR_ARGUMENT if level is not one of LP_LOG_....
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
        // An integer, so that the closure is Send. The host allows its pointer on any thread.
        let user_data = user_data as usize;
        let callback = callback.map(|function| -> log::Function {
            Arc::new(move |level: Level, message: &str| {
                let message = to_c(message);
                let user_data = user_data as *mut c_void;
                // SAFETY: the header requires a function of this type that does not throw and that is
                // valid until lp_set_log has replaced it, which waits for this call. `message`
                // outlives the call.
                call_host(|| unsafe { function(level as i32, message.as_ptr(), user_data) });
            })
        });
        log::to_callback(callback, level);
        LP_OK
    })
}

/// Writes the log to a file, for programs that cannot use a callback. Replaces the previous file.
///
/// - path: UTF-8, copied before the call returns. NULL or "": no file.
/// - level: the most verbose level to report, LP_LOG_....
/// - max_bytes: the size at which the file is renamed to path + ".old", replacing the previous one,
///   and a new file is started. 0: 10 MiB. If another program prevents the renaming, the file grows
///   until it can be renamed. On Windows path + ".rotating" exists during the renaming.
///
/// A line has the local time with its offset, the library's version, the process and the level; for
/// an attempt also ext_id, number, HTTP status, code and milliseconds. The apikey is in no line.
///
/// If a till's program cannot be changed, set the environment variable LIFEPAY_LOG to PATH or
/// LEVEL,PATH, where LEVEL is error, warn, info (the default), debug or trace. The library reads it
/// at its first call and logs there in addition; a file that cannot be written is silently ignored.
///
/// Returns LP_OK, or LP_ERR_ARGUMENT if level is not one of LP_LOG_... or the file cannot be
/// written; then the previous file stays in use.
#[no_mangle]
pub unsafe extern "C" fn lp_log_to_file(path: *const c_char, level: i32, max_bytes: u32) -> i32 {
    guard(|| {
        // SAFETY: the header states the requirements of `text`.
        let path = unsafe { argument::text(path, "path") };
        match (path, log::level(level)) {
            (Ok(path), Some(level)) if log::to_file(path.as_deref(), level, max_bytes) => LP_OK,
            _ => LP_ERR_ARGUMENT,
        }
    })
}
