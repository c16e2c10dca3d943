//! A gate that is shut during work that a forked child could never finish.
//!
//! A forked child has one thread. If another thread of the parent held a lock or was initialising
//! something, that stays so in the child. The library's own data are recreated in each process, see
//! [`state`]; the gate is for the data of other crates.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::state;

/// How long a fork waits for the gate and for its other locks, and a call for the gate. The gate is
/// held that long only by a thread that was interrupted by a signal handler which forks.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The id of the process that has shut the gate; 0 = open. While it is shut, the process does not fork,
/// see `ffi::fork`. If a fork could not wait for the gate, it stays shut in the child for ever.
static GATE: AtomicU32 = AtomicU32::new(0);

/// Shuts the gate. Returns false if it cannot be shut.
pub fn shut_gate() -> bool {
    let process = state::process_id();
    let started = Instant::now();
    loop {
        match GATE.compare_exchange(0, process, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(holder) if holder != process || started.elapsed() > LONGEST_WAIT => return false,
            Err(_) => pause(),
        }
    }
}

pub fn open_gate() {
    GATE.store(0, Ordering::Release);
}

/// Waits for a moment, so that another thread can run.
pub fn pause() {
    std::thread::sleep(Duration::from_micros(50));
}

/// Runs `work` while this process does not fork. `work` must call neither this function nor the host.
/// Returns None in a child whose parent forked in the middle of such work, because its state is lost.
pub fn unforked<T>(work: impl FnOnce() -> T) -> Option<T> {
    struct Shut;
    impl Drop for Shut {
        fn drop(&mut self) {
            open_gate();
        }
    }
    shut_gate().then(|| {
        let _shut = Shut;
        work()
    })
}

/// The first use of another crate, which initialises it under a lock that blocks other threads.
pub struct FirstUse(AtomicBool);

impl FirstUse {
    pub const fn new() -> Self {
        FirstUse(AtomicBool::new(false))
    }

    /// Runs `first_use`, unless that was done, while this process does not fork. Returns false if the
    /// crate cannot be used: see [`unforked`].
    pub fn made(&self, first_use: impl FnOnce()) -> bool {
        let make = || {
            if !self.0.load(Ordering::Relaxed) {
                first_use();
                self.0.store(true, Ordering::Release);
            }
        };
        self.0.load(Ordering::Acquire) || unforked(make).is_some()
    }
}
