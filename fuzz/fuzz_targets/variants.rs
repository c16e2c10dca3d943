//! Fuzzes 1C's values.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lifepay::fuzz::variants(data));
