//! A config with arbitrary contents: any numbers, and strings of any bytes.

use std::ffi::{c_char, CString};

use super::config::{lp_config, read};
use super::layout;
use crate::calls::settings::Settings;
use crate::fault::Fault;

/// Returns a string as a host passes it.
#[cfg(test)]
pub fn text(string: &std::ffi::CStr) -> Result<Option<String>, Fault> {
    // SAFETY: the pointer is a C string.
    unsafe { super::argument::text(string.as_ptr(), "text") }
}

/// Passes the settings that could be read to `check`.
pub fn config(data: &[u8], check: impl FnOnce(Settings, Vec<Fault>)) {
    let (numbers, texts) = data.split_at(data.len().min(40));
    let mut next = numbers.chunks_exact(4).map(|four| {
        let four = <[u8; 4]>::try_from(four).expect("four bytes");
        u32::from_le_bytes(four)
    });
    let mut number = || next.next().unwrap_or_default();
    let strings: Vec<CString> = texts
        .split(|byte| *byte == 0)
        .map(|text| CString::new(text).expect("no NUL"))
        .collect();
    let mut strings = strings.iter().map(|text| text.as_ptr());
    let mut text = || strings.next().unwrap_or(std::ptr::null::<c_char>());

    let whole = u32::try_from(size_of::<lp_config>()).expect("a small struct");
    let mut config: lp_config = layout::zeroed();
    // Half of the structs state their true size. The others may state a size that no struct has.
    config.struct_size = match number() {
        size if size % 2 == 0 => whole,
        size => size % (whole + 1),
    };
    config.test = number() as i32 % 3;
    config.trust = number() as i32 % 5;
    config.connect_timeout_ms = number();
    config.timeout_ms = number();
    config.retry_for_ms = number();
    config.expires_after_ms = number();
    config.concurrency = number();
    config.keep_days = number();
    let delays: Vec<u32> = (0..number() % 8).map(|_| number()).collect();
    config.retry_delays_ms = delays.as_ptr();
    config.retry_delay_count = u32::try_from(delays.len()).expect("few");
    config.apikey = text();
    config.login = text();
    config.ext_id = text();
    config.base_url = text();
    config.proxy = text();
    config.callback_data_json = text();
    config.callback_data = text();
    config.callback_url = text();
    config.cashier_name = text();
    config.cashier_inn = text();
    config.target_serial = text();
    config.path = text();
    config.document_json = text();
    // SAFETY: the stated size is at most the struct's; its strings and numbers outlive the call.
    if let Ok(input) = unsafe { read(&config) } {
        check(input.settings, input.faults);
    }
}
