//! `lp_config`: the settings of a call.

use std::ffi::{c_char, c_void};

use super::argument;
use super::constants::{LP_ERR_ARGUMENT, LP_ERR_INTERNAL, LP_OK};
use super::guard::guard_anywhere;
use super::layout::{self, Sized32};
use super::progress::lp_progress_fn;
use crate::calls::settings::Settings;
use crate::delivery::schedule::MOST_PAUSES;
use crate::fault::{Fault, Wrong};
use crate::protocol::request::Fields;
use crate::transport::route::Connection;

/// A request and the settings for sending it. Initialise it with lp_config_init.
///
/// 0, NULL and "" mean "not given" in every field. Strings are UTF-8 and NUL-terminated; they are
/// copied before the call returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lp_config {
    /// sizeof(lp_config) in your program, set by lp_config_init.
    pub struct_size: u32,
    /// 0: a fiscal document. 1: test mode; nothing is fiscalised, and LifePay returns no uuid
    /// (published for the shift and the Z report; for other documents see their pages).
    pub test: i32,
    /// Required. The company's API key in LifePay. It never appears in a log line, a message or a
    /// reply.
    pub apikey: *const c_char,
    /// Required. Login of the company's or the shop's administrator in LifePay, usually a phone
    /// number 7xxxxxxxxxx. If it is a shop's with its own printer, the document goes to that
    /// printer.
    pub login: *const c_char,
    /// Optional. The cashier's name.
    pub cashier_name: *const c_char,
    /// Optional. The cashier's INN (taxpayer number).
    pub cashier_inn: *const c_char,
    /// Serial number of the fiscal printer. Optional for a shift: LifePay then picks one of the
    /// active printers. For other documents see their pages.
    pub target_serial: *const c_char,
    /// Optional, at most 50 characters. Your own identifier of this request. LifePay opens no
    /// second shift for the same ext_id, so a retry with it is safe: store it before you send, and
    /// retry with the same one. If it is not given, the library generates a UUID and returns it in
    /// lp_result.ext_id; a retry is safe as long as you keep it. See lp_ext_id_new, and lp_send for
    /// other documents.
    pub ext_id: *const c_char,
    /// Optional, at most 255 characters. URL to which LifePay reports the document's status.
    pub callback_url: *const c_char,
    /// Optional. A string that LifePay sends back to callback_url.
    pub callback_data: *const c_char,
    /// Optional, instead of callback_data: the text of a JSON object or array, sent unchanged.
    pub callback_data_json: *const c_char,
    /// Default: https://sapi.life-pay.ru. Plain http is accepted for this machine only (127.0.0.1,
    /// ::1, localhost), for the sandbox, because the apikey must not be sent unencrypted.
    pub base_url: *const c_char,
    /// http://user:password@host:port or https://...; percent-encode special characters. Default:
    /// the environment (HTTPS_PROXY, ALL_PROXY, HTTP_PROXY, NO_PROXY) and, on Windows, the system's
    /// static setting; neither applies to a base_url on this machine. "none": no proxy. SOCKS
    /// proxies and proxies found by a script (PAC) are not supported. If the environment names a
    /// SOCKS proxy, the call fails with LP_ERR_ARGUMENT: set this field then. Later attempts read
    /// the default again, at most once a second.
    pub proxy: *const c_char,
    /// Path of a PEM file with root certificates to trust in addition to those of trust. A change
    /// of the file takes effect within a second.
    pub ca_file: *const c_char,
    /// Root certificates to trust: LP_TRUST_.... Verification cannot be turned off.
    pub trust: i32,
    /// Time limit of one attempt for resolving the host name, connecting, proxy and TLS, in
    /// milliseconds. Default: 10000.
    pub connect_timeout_ms: u32,
    /// Time limit of one attempt as a whole, in milliseconds. Default: 30000.
    pub timeout_ms: u32,
    /// lp_open_shift and lp_send only. 0: one attempt. Otherwise the library retries until LifePay
    /// answers or this many milliseconds have passed: an attempt is cut off at this limit, and if
    /// the next attempt would start after it, the call returns at once. LP_FOREVER: no limit.
    pub retry_for_ms: u32,
    /// Pauses between attempts in milliseconds: an array of retry_delay_count elements, copied
    /// before the call returns; the last one repeats. Default: LifePay's schedule of 1, 3 and 5
    /// minutes, then every 10 minutes. A pause under 100 ms counts as 100 ms. If the server's
    /// Retry-After is longer (up to a day), it is used instead.
    pub retry_delays_ms: *const u32,
    /// Called on your thread after each failed attempt and otherwise about five times a second. A
    /// non-zero return value stops the call within a second with LP_ERR_CANCELLED. The callback may
    /// call every function except on the lp_result of this call. It must not throw, longjmp or end
    /// the thread. Not used by an outbox.
    pub on_progress: lp_progress_fn,
    /// Passed to on_progress unchanged.
    pub user_data: *mut c_void,
    /// Number of elements in retry_delays_ms, at most 1000.
    pub retry_delay_count: u32,
    /// Outbox only. Milliseconds after which a request is not retried any more. Default: 12 hours.
    /// LP_FOREVER: never.
    pub expires_after_ms: u32,
    /// Outbox only. Number of requests sent in parallel. Default: 4.
    pub concurrency: u32,
    /// Outbox only. Days for which finished entries are kept. Default: 30.
    pub keep_days: u32,
    /// Required by lp_send, optional for lp_outbox_submit, where a request without it opens a
    /// shift. The document's path below base_url, such as /cloud-print/create-z-report: at most 255
    /// characters, one / at the beginning, then Latin letters, digits and -._~!$&'()*+,;=:@/
    /// without two dots in a row. lp_open_shift refuses path and document_json with
    /// LP_ERR_ARGUMENT.
    pub path: *const c_char,
    /// Optional, for lp_send and lp_outbox_submit. The document's own fields: the text of a JSON
    /// object, whose members are sent unchanged after those fields above that are given. It must
    /// not contain apikey, login, a field that is given above, or the same member twice.
    pub document_json: *const c_char,
}

// SAFETY: repr(C), begins with struct_size, and zero is a valid number, pointer and callback.
unsafe impl Sized32 for lp_config {
    const FIRST_SIZE: u32 = if cfg!(target_pointer_width = "64") {
        160
    } else {
        100
    };
}

/// Sets a config to zeros and its struct_size. Call it first: lp_config_init(&config, sizeof
/// config).
///
/// - config: yours, size bytes. Nothing in it has to be released.
///
/// Returns LP_OK, or LP_ERR_ARGUMENT if config is NULL or size is not that of an lp_config. Allowed
/// in a log callback.
#[no_mangle]
pub unsafe extern "C" fn lp_config_init(config: *mut lp_config, size: u32) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the caller guarantees that `config` is NULL or has `size` writable bytes.
        if unsafe { layout::init(&layout::zeroed(), config, size) } {
            LP_OK
        } else {
            LP_ERR_ARGUMENT
        }
    })
}

/// The settings of the host, and the faults of those that could not be read.
pub struct Input {
    pub settings: Settings,
    pub faults: Vec<Fault>,
    pub on_progress: lp_progress_fn,
    pub user_data: *mut c_void,
}

/// Copies everything out of the host's struct.
///
/// # Errors
///
/// The reason why the struct cannot be read.
///
/// # Safety
///
/// `config` is NULL or points to a struct of the size it states. Its texts meet the requirements of
/// [`argument::text`], and its `retry_delays_ms` is NULL or has `retry_delay_count` elements.
pub unsafe fn read(config: *const lp_config) -> Result<Input, Fault> {
    if config.is_null() {
        return Err(Fault::new("config", Wrong::Null));
    }
    // SAFETY: not NULL, and at least as large as version 1's.
    let size = unsafe { layout::stated_size(config) };
    let size = size.ok_or_else(|| Fault::new("struct_size", Wrong::NotAnLpConfig))?;
    // SAFETY: the struct has the size it states.
    if unsafe { layout::has_unknown(config, size) } {
        return Err(Fault::new("struct_size", Wrong::UnknownFieldsGiven));
    }
    // SAFETY: as above.
    let config = unsafe { layout::copy_in(config, size) };
    let mut faults = Vec::new();
    let mut text = |pointer, field| {
        // SAFETY: the caller guarantees this for every text in the struct.
        let text = unsafe { argument::text(pointer, field) };
        text.unwrap_or_else(|fault| {
            faults.push(fault);
            None
        })
    };
    let fields = Fields {
        apikey: text(config.apikey, "apikey"),
        login: text(config.login, "login"),
        test: config.test,
        cashier_name: text(config.cashier_name, "cashier_name"),
        cashier_inn: text(config.cashier_inn, "cashier_inn"),
        target_serial: text(config.target_serial, "target_serial"),
        ext_id: text(config.ext_id, "ext_id"),
        callback_url: text(config.callback_url, "callback_url"),
        callback_data: text(config.callback_data, "callback_data"),
        callback_data_json: text(config.callback_data_json, "callback_data_json"),
        path: text(config.path, "path"),
        document_json: text(config.document_json, "document_json"),
    };
    let connection = Connection {
        base_url: text(config.base_url, "base_url"),
        proxy: text(config.proxy, "proxy"),
        trust: config.trust,
        ca_file: text(config.ca_file, "ca_file"),
        connect_timeout_ms: config.connect_timeout_ms,
        timeout_ms: config.timeout_ms,
    };
    // SAFETY: the caller guarantees this for the array.
    let delays = unsafe { delays(&config) };
    let retry_delays_ms = delays.unwrap_or_else(|fault| {
        faults.push(fault);
        Vec::new()
    });
    Ok(Input {
        settings: Settings {
            fields,
            connection,
            retry_for_ms: config.retry_for_ms,
            retry_delays_ms,
            expires_after_ms: config.expires_after_ms,
            concurrency: config.concurrency,
            keep_days: config.keep_days,
        },
        faults,
        on_progress: config.on_progress,
        user_data: config.user_data,
    })
}

/// Copies the pauses.
///
/// # Safety
///
/// `retry_delays_ms` is NULL or points to `retry_delay_count` numbers.
unsafe fn delays(config: &lp_config) -> Result<Vec<u32>, Fault> {
    let count = config.retry_delay_count as usize;
    if count == 0 {
        return Ok(Vec::new());
    }
    if config.retry_delays_ms.is_null() {
        return Err(Fault::new("retry_delays_ms", Wrong::DelaysMissing));
    }
    if count > MOST_PAUSES {
        // The array is not read, because such a count is garbage.
        let most = MOST_PAUSES;
        return Err(Fault::new(
            "retry_delays_ms",
            Wrong::TooMany { count, most },
        ));
    }
    // SAFETY: the array has `count` elements; it may be packed.
    let element = |place| unsafe { config.retry_delays_ms.add(place).read_unaligned() };
    Ok((0..count).map(element).collect())
}
