//! A builder for the settings of a call, and a copy of the call's result.

use std::ffi::{c_char, c_void, CStr, CString};
use std::time::{Duration, Instant};

use lifepay::ffi::{lp_config, lp_field_error, lp_progress, lp_result};

use super::library::library;

type Watcher<'a> = Box<dyn FnMut(&lp_progress) -> i32 + 'a>;

/// The settings of a call; `to` sets apikey, login, base_url and no proxy.
pub struct Call<'a> {
    pub config: lp_config,
    strings: Vec<CString>,
    delays: Vec<u32>,
    watcher: Option<Watcher<'a>>,
}

/// The default apikey of calls.
pub const APIKEY: &str = "s3cr3t-apikey";
/// The default login of calls.
pub const LOGIN: &str = "79031234567";

impl<'a> Call<'a> {
    pub fn to(base_url: &str) -> Call<'a> {
        // SAFETY: zero is a valid config, and its size is passed.
        let config = unsafe {
            let mut config: lp_config = std::mem::zeroed();
            assert_eq!(
                (library().config_init)(&mut config, size_of::<lp_config>() as u32),
                0
            );
            config
        };
        let call = Call {
            config,
            strings: Vec::new(),
            delays: Vec::new(),
            watcher: None,
        };
        call.text(|c| &mut c.apikey, APIKEY)
            .text(|c| &mut c.login, LOGIN)
            .text(|c| &mut c.base_url, base_url)
            .text(|c| &mut c.proxy, "none")
    }

    /// Sets a string field, for example `.text(|c| &mut c.login, "7…")`.
    pub fn text(
        self,
        field: impl FnOnce(&mut lp_config) -> &mut *const c_char,
        text: &str,
    ) -> Self {
        self.bytes(field, text.as_bytes())
    }

    pub fn bytes(
        mut self,
        field: impl FnOnce(&mut lp_config) -> &mut *const c_char,
        bytes: &[u8],
    ) -> Self {
        let string = CString::new(bytes).expect("no NUL in a test's string");
        *field(&mut self.config) = string.as_ptr();
        self.strings.push(string);
        self
    }

    pub fn login(self, login: &str) -> Self {
        self.text(|c| &mut c.login, login)
    }

    pub fn ext_id(self, ext_id: &str) -> Self {
        self.text(|c| &mut c.ext_id, ext_id)
    }

    pub fn target_serial(self, serial: &str) -> Self {
        self.text(|c| &mut c.target_serial, serial)
    }

    /// Sets any field.
    pub fn with(mut self, set: impl FnOnce(&mut lp_config)) -> Self {
        set(&mut self.config);
        self
    }

    /// Sets the time limits in milliseconds: connect, whole attempt.
    pub fn limits(self, connect: u32, whole: u32) -> Self {
        self.with(|c| {
            c.connect_timeout_ms = connect;
            c.timeout_ms = whole;
        })
    }

    /// Retries for `retry_for` milliseconds with these pauses.
    pub fn repeat(mut self, retry_for: u32, delays: &[u32]) -> Self {
        self.delays = delays.to_vec();
        self.config.retry_for_ms = retry_for;
        self.config.retry_delays_ms = self.delays.as_ptr();
        self.config.retry_delay_count = self.delays.len() as u32;
        self
    }

    /// Reports progress to `watcher`, whose non-zero return value stops the call.
    pub fn on_progress(mut self, watcher: impl FnMut(&lp_progress) -> i32 + 'a) -> Self {
        self.watcher = Some(Box::new(watcher));
        self
    }

    /// Sets the document: its path and its members.
    pub fn document(self, path: &str, members: &str) -> Self {
        self.text(|c| &mut c.path, path)
            .text(|c| &mut c.document_json, members)
    }

    /// Opens a shift, or sends the document if one is set.
    pub fn send(mut self) -> Answer {
        let call = match self.config.path.is_null() {
            true => library().open_shift,
            false => library().send,
        };
        self.send_by(call)
    }

    pub fn send_by(
        &mut self,
        call: unsafe extern "C" fn(*const lp_config, *mut lp_result) -> i32,
    ) -> Answer {
        if let Some(watcher) = &mut self.watcher {
            self.config.on_progress = Some(report_progress);
            self.config.user_data = std::ptr::from_mut(watcher).cast();
        }
        // SAFETY: the config is initialised, and everything in it outlives the call.
        let (returned, answer) = with_result(|result| unsafe { call(&self.config, result) });
        assert_eq!(returned, answer.code, "the call returns result->code");
        answer
    }
}

/// Runs `call`, which provides a string, and returns its return value and the string.
pub fn with_string(call: impl FnOnce(*mut *mut c_char) -> i32) -> (i32, String) {
    let mut string = std::ptr::null_mut();
    let returned = call(&mut string);
    // SAFETY: the string ends in NUL, and is read before it is freed.
    unsafe {
        let text = CStr::from_ptr(string).to_str().expect("UTF-8").to_owned();
        (library().string_free)(string);
        (returned, text)
    }
}

/// Runs `call` with an initialised result, and returns its return value and a copy of the result.
pub fn with_result(call: impl FnOnce(*mut lp_result) -> i32) -> (i32, Answer) {
    // SAFETY: the result is initialised, and freed after it was copied.
    unsafe {
        let mut result: lp_result = std::mem::zeroed();
        assert_eq!(
            (library().result_init)(&mut result, size_of::<lp_result>() as u32),
            0
        );
        let started = Instant::now();
        let returned = call(&mut result);
        let answer = Answer::of(&result, started.elapsed());
        (library().result_free)(&mut result);
        (returned, answer)
    }
}

unsafe extern "C" fn report_progress(progress: *const lp_progress, user_data: *mut c_void) -> i32 {
    // SAFETY: user_data is the watcher of the current call.
    unsafe { (*user_data.cast::<Watcher>())(&*progress) }
}

/// An `lp_result`, copied.
#[derive(Debug, Clone)]
pub struct Answer {
    pub code: i32,
    pub outcome: i32,
    pub http_status: i32,
    pub attempts: u32,
    pub retry_after_ms: u32,
    pub uuid: Option<String>,
    pub ext_id: Option<String>,
    pub message: String,
    pub detail: Option<String>,
    pub reply: Option<String>,
    pub errors: Vec<(String, String)>,
    pub took: Duration,
}

impl Answer {
    /// # Safety
    ///
    /// `result` was written by a call.
    pub unsafe fn of(result: &lp_result, took: Duration) -> Answer {
        // SAFETY: the strings are valid until the result is freed.
        let text = |pointer| unsafe { text(pointer) };
        let errors = if result.errors.is_null() {
            assert_eq!(result.error_count, 0);
            &[]
        } else {
            // SAFETY: errors has error_count elements, as the header says.
            unsafe { std::slice::from_raw_parts(result.errors, result.error_count as usize) }
        };
        let pair = |error: &lp_field_error| {
            (
                text(error.field).expect("a field"),
                text(error.message).expect("a message"),
            )
        };
        Answer {
            code: result.code,
            outcome: result.outcome,
            http_status: result.http_status,
            attempts: result.attempts,
            retry_after_ms: result.retry_after_ms,
            uuid: text(result.uuid),
            ext_id: text(result.ext_id),
            message: text(result.message).expect("there is always a message"),
            detail: text(result.detail),
            reply: text(result.reply),
            errors: errors.iter().map(pair).collect(),
            took,
        }
    }

    /// Returns the names of the wrong fields.
    pub fn fields(&self) -> Vec<&str> {
        self.errors
            .iter()
            .map(|(field, _)| field.as_str())
            .collect()
    }
}

unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: not NULL, and a string from the library.
    let text = unsafe { CStr::from_ptr(pointer) };
    Some(
        text.to_str()
            .expect("the library's strings are UTF-8")
            .to_owned(),
    )
}
