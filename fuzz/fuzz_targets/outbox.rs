//! Fuzzes the outbox's file.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

/// The folder of the files. In memory if possible, because every entry is synced to disk.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = parent.join(format!("lifepay-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| lifepay::fuzz::outbox(data, &FOLDER));
