//! The outbox's file.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

/// In memory where there is such a place: every entry is synced.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = place.join(format!("lifepay-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| lifepay::fuzz::outbox(data, &FOLDER));
