//! Waiting for what another thread will do.

use std::time::{Duration, Instant};

/// Waits until `holds`; fails the test with `what` if it takes too long.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "in vain: {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}
