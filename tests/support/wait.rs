//! Waits for an effect of another thread or process.

use std::time::{Duration, Instant};

/// Waits until `holds` returns true. Fails the test with `what` if that takes too long.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "timed out waiting for: {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}
