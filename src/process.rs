//! State that a forked child does not inherit.
//!
//! A fork copies the memory and one thread only: a lock that another thread held stays locked for
//! ever in the child, and a connection would be shared by two processes. So what this library
//! keeps between calls stands in rooms, one for each process, found without a lock: a child walks
//! past those of its ancestors and adds its own.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;

thread_local! {
    /// This process, while a call of the host's is under way on this thread; zero: it is asked for.
    static KNOWN: Cell<u32> = const { Cell::new(0) };
}

/// This process's number.
pub fn id() -> u32 {
    match KNOWN.get() {
        0 => std::process::id(),
        known => known,
    }
}

/// Runs `call`, in which this thread does not fork: the system is asked for the process once.
pub fn without_fork<T>(call: impl FnOnce() -> T) -> T {
    let outer = KNOWN.replace(std::process::id());
    let done = call();
    KNOWN.set(outer);
    done
}

/// Runs `callback`, which may fork, in the middle of such a call: in a child it goes on as the child's.
pub fn with_fork<T>(callback: impl FnOnce() -> T) -> T {
    let outer = KNOWN.replace(0);
    let done = callback();
    KNOWN.set(if outer == 0 { 0 } else { std::process::id() });
    done
}

/// How long a fork waits for the gate and for what else it needs, and a call for the gate. Nothing keeps
/// it for that long, but a thread that a signal handler which forks has interrupted.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The process that has shut the gate; 0: it is open. No fork comes while it is shut, see `ffi::fork`.
/// In a child it is shut for ever if the fork could not wait for it.
static GATE: AtomicU32 = AtomicU32::new(0);

/// False if it cannot be had.
pub fn shut_gate() -> bool {
    let process = id();
    let started = Instant::now();
    loop {
        match GATE.compare_exchange(0, process, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(holder) if holder != process || started.elapsed() > PATIENCE => return false,
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

/// A `T` for each process.
pub struct PerProcess<T> {
    first: OnceBox<Room<T>>,
}

struct Room<T> {
    process: u32,
    content: T,
    next: OnceBox<Room<T>>,
}

impl<T> PerProcess<T> {
    pub const fn new() -> Self {
        PerProcess {
            first: OnceBox::new(),
        }
    }

    /// This process's `T`. `make` is called at its first use, with the parent's if there is one;
    /// it must not wait for a lock of the parent's.
    pub fn get(&self, make: impl Fn(Option<&T>) -> T) -> &T {
        let process = id();
        let mut parent = None;
        let mut place = &self.first;
        loop {
            let room = place.get_or_init(|| {
                Box::new(Room {
                    process,
                    content: make(parent),
                    next: OnceBox::new(),
                })
            });
            if room.process == process {
                return &room.content;
            }
            parent = Some(&room.content);
            place = &room.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_finds_its_own_room_again() {
        static STATE: PerProcess<u32> = PerProcess::new();
        assert_eq!(*STATE.get(|parent| parent.copied().unwrap_or(1)), 1);
        assert_eq!(*STATE.get(|_| 2), 1);
    }
}
