//! Fuzzes a host's settings, as JSON and as a struct.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lifepay::fuzz::config(data));
