//! The shared library that cargo has built, loaded as a host loads it.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;

use lifepay::ffi::{lp_config, lp_entry_fn, lp_log_fn, lp_outbox, lp_result};

/// The functions of the library, with the names of the header.
pub struct Library {
    pub config_init: unsafe extern "C" fn(*mut lp_config, u32) -> i32,
    pub result_init: unsafe extern "C" fn(*mut lp_result, u32) -> i32,
    pub result_free: unsafe extern "C" fn(*mut lp_result),
    pub open_shift: unsafe extern "C" fn(*const lp_config, *mut lp_result) -> i32,
    pub open_shift_json: unsafe extern "C" fn(*const c_char, *mut *mut c_char) -> i32,
    pub send: unsafe extern "C" fn(*const lp_config, *mut lp_result) -> i32,
    pub send_json: unsafe extern "C" fn(*const c_char, *mut *mut c_char) -> i32,
    pub string_free: unsafe extern "C" fn(*mut c_char),
    pub ext_id_new: unsafe extern "C" fn(*mut c_char, u32) -> i32,
    pub outbox_open: unsafe extern "C" fn(
        *const c_char,
        *const lp_config,
        *mut *mut lp_outbox,
        *mut lp_result,
    ) -> i32,
    pub outbox_submit:
        unsafe extern "C" fn(*mut lp_outbox, *const lp_config, *mut lp_result) -> i32,
    pub outbox_wait:
        unsafe extern "C" fn(*mut lp_outbox, *const c_char, u32, *mut lp_result) -> i32,
    pub outbox_each: unsafe extern "C" fn(*mut lp_outbox, lp_entry_fn, *mut c_void) -> i32,
    pub outbox_open_json: unsafe extern "C" fn(
        *const c_char,
        *const c_char,
        *mut *mut lp_outbox,
        *mut *mut c_char,
    ) -> i32,
    pub outbox_submit_json:
        unsafe extern "C" fn(*mut lp_outbox, *const c_char, *mut *mut c_char) -> i32,
    pub outbox_wait_json:
        unsafe extern "C" fn(*mut lp_outbox, *const c_char, u32, *mut *mut c_char) -> i32,
    pub outbox_cancel_json:
        unsafe extern "C" fn(*mut lp_outbox, *const c_char, *mut *mut c_char) -> i32,
    pub outbox_list_json: unsafe extern "C" fn(*mut lp_outbox, *mut *mut c_char) -> i32,
    pub outbox_retry_now: unsafe extern "C" fn(*mut lp_outbox, *const c_char) -> i32,
    pub outbox_cancel: unsafe extern "C" fn(*mut lp_outbox, *const c_char, *mut lp_result) -> i32,
    pub outbox_forget: unsafe extern "C" fn(*mut lp_outbox, *const c_char) -> i32,
    pub outbox_pending: unsafe extern "C" fn(*mut lp_outbox, *mut u32) -> i32,
    pub outbox_close: unsafe extern "C" fn(*mut lp_outbox) -> i32,
    pub code_name: unsafe extern "C" fn(i32) -> *const c_char,
    pub code_text: unsafe extern "C" fn(i32) -> *const c_char,
    pub set_log: unsafe extern "C" fn(lp_log_fn, *mut c_void, i32) -> i32,
    pub log_to_file: unsafe extern "C" fn(*const c_char, i32, u32) -> i32,
    pub version: unsafe extern "C" fn() -> *const c_char,
    pub version_number: unsafe extern "C" fn() -> u32,
}

/// Returns the folder of the library that cargo has built for this test.
pub fn folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.parent().expect("a test is in a folder").to_owned()
}

/// Returns the path of the shared library.
pub fn path() -> PathBuf {
    folder().join(format!(
        "{}lifepay{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    ))
}

pub fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        // SAFETY: no code runs when the library is loaded. The types are those of the header;
        // another test compares them.
        unsafe {
            let file = libloading::Library::new(path()).expect("the library can be opened");
            let library = Library {
                config_init: *file.get(b"lp_config_init").unwrap(),
                result_init: *file.get(b"lp_result_init").unwrap(),
                result_free: *file.get(b"lp_result_free").unwrap(),
                open_shift: *file.get(b"lp_open_shift").unwrap(),
                open_shift_json: *file.get(b"lp_open_shift_json").unwrap(),
                send: *file.get(b"lp_send").unwrap(),
                send_json: *file.get(b"lp_send_json").unwrap(),
                string_free: *file.get(b"lp_string_free").unwrap(),
                ext_id_new: *file.get(b"lp_ext_id_new").unwrap(),
                outbox_open: *file.get(b"lp_outbox_open").unwrap(),
                outbox_submit: *file.get(b"lp_outbox_submit").unwrap(),
                outbox_wait: *file.get(b"lp_outbox_wait").unwrap(),
                outbox_each: *file.get(b"lp_outbox_each").unwrap(),
                outbox_open_json: *file.get(b"lp_outbox_open_json").unwrap(),
                outbox_submit_json: *file.get(b"lp_outbox_submit_json").unwrap(),
                outbox_wait_json: *file.get(b"lp_outbox_wait_json").unwrap(),
                outbox_cancel_json: *file.get(b"lp_outbox_cancel_json").unwrap(),
                outbox_list_json: *file.get(b"lp_outbox_list_json").unwrap(),
                outbox_retry_now: *file.get(b"lp_outbox_retry_now").unwrap(),
                outbox_cancel: *file.get(b"lp_outbox_cancel").unwrap(),
                outbox_forget: *file.get(b"lp_outbox_forget").unwrap(),
                outbox_pending: *file.get(b"lp_outbox_pending").unwrap(),
                outbox_close: *file.get(b"lp_outbox_close").unwrap(),
                code_name: *file.get(b"lp_code_name").unwrap(),
                code_text: *file.get(b"lp_code_text").unwrap(),
                set_log: *file.get(b"lp_set_log").unwrap(),
                log_to_file: *file.get(b"lp_log_to_file").unwrap(),
                version: *file.get(b"lp_version").unwrap(),
                version_number: *file.get(b"lp_version_number").unwrap(),
            };
            std::mem::forget(file);
            library
        }
    })
}
