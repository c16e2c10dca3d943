//! Fuzzes the parsing of LifePay's answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lifepay::fuzz::answer(data));
