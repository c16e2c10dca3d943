//! A gate that is shut while something is done that a forked child could never finish.
//!
//! A child has one thread: a lock that another one held, and what it was initialising, stay as they
//! were. What the library keeps itself is made for each process, see [`state`]; the gate is for what
//! other crates keep.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::state;

/// How long a fork waits for the gate and for what else it needs, and a call for the gate. Nothing keeps
/// it for that long, but a thread that a signal handler which forks has interrupted.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The process that has shut the gate; 0: it is open. No fork comes while it is shut, see `ffi::fork`.
/// In a child it is shut for ever if the fork could not wait for it.
static GATE: AtomicU32 = AtomicU32::new(0);

/// False if it cannot be had.
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

/// Waits for a moment in which another thread may get on.
pub fn pause() {
    std::thread::sleep(Duration::from_micros(50));
}

/// Runs `work`, which calls neither this nor the host, while this process does not fork. Nothing comes
/// back in a child whose parent was in the middle of something of this kind: its state is lost.
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

/// What another crate initialises at its first use, with a lock that makes all others wait.
pub struct FirstUse(AtomicBool);

impl FirstUse {
    pub const fn new() -> Self {
        FirstUse(AtomicBool::new(false))
    }

    /// Uses it, unless that was done; not while this process forks. False if it cannot be used: see
    /// [`unforked`].
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
