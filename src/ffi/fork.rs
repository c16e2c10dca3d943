//! Delays a fork until no other thread holds a lock that the child would need.
//!
//! A child has only one thread, so a lock that another thread of the parent held stays locked in the
//! child for ever. For the library's own locks see [`gate`]. Handlers of pthread_atfork hold the gate,
//! and SQLite's mutexes that all its connections share, while the process forks. The C library does the
//! same with the mutexes of its heap.
//!
//! vfork, posix_spawn and a bare clone run no handlers. After the first two, the child only starts a
//! program. If a process is cloned while the gate is shut, the calls of the child fail.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rusqlite::ffi;

use crate::process::gate::{self, LONGEST_WAIT};

/// The only mutexes that connections to different files share.
const MUTEXES: [i32; 6] = [
    ffi::SQLITE_MUTEX_STATIC_MAIN,
    ffi::SQLITE_MUTEX_STATIC_MEM,
    ffi::SQLITE_MUTEX_STATIC_PRNG,
    ffi::SQLITE_MUTEX_STATIC_LRU,
    ffi::SQLITE_MUTEX_STATIC_PMEM,
    ffi::SQLITE_MUTEX_STATIC_VFS1,
];

thread_local! {
    /// The number of forks in progress on this thread, since handlers may be nested.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static HELD: Cell<Held> = const { Cell::new(Held::Nothing) };
}

#[derive(Clone, Copy, PartialEq)]
enum Held {
    Nothing,
    Gate,
    All,
}

/// Registers the handlers. Called by each export, because no code of the library runs when it is
/// loaded.
pub fn watch() {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    // Two threads may both register. Neither waits for the other, because a child could then wait for
    // ever.
    if !WATCHED.load(Ordering::Acquire) {
        let refused = register();
        if refused != 0 {
            let error = std::io::Error::from_raw_os_error(refused);
            ::log::error!("no handlers for forks: {error}");
        }
        WATCHED.store(true, Ordering::Release);
    }
}

/// The same as pthread_atfork, which glibc's shared library contains only since version 2.34.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn register() -> libc::c_int {
    type Handler = unsafe extern "C" fn();
    extern "C" {
        fn __register_atfork(
            prepare: Handler,
            parent: Handler,
            child: Handler,
            library: *mut libc::c_void,
        ) -> libc::c_int;
    }
    // SAFETY: the library stays mapped, so the handlers need not be unregistered.
    unsafe { __register_atfork(prepare, parent, child, std::ptr::null_mut()) }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn register() -> libc::c_int {
    // SAFETY: the library stays mapped.
    unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) }
}

unsafe extern "C" fn prepare() {
    if DEPTH.replace(DEPTH.get() + 1) == 0 {
        HELD.set(if !gate::shut_gate() {
            Held::Nothing
        } else if lock_sqlite() {
            Held::All
        } else {
            Held::Gate
        });
    }
}

unsafe extern "C" fn parent() {
    if DEPTH.replace(DEPTH.get().saturating_sub(1)) == 1 {
        let held = HELD.replace(Held::Nothing);
        if held == Held::All {
            unlock_sqlite(MUTEXES.len());
        }
        if held != Held::Nothing {
            gate::open_gate();
        }
    }
}

/// If not everything was locked, the gate stays shut, and work that needs the gate fails in this child.
unsafe extern "C" fn child() {
    let is_outermost = DEPTH.replace(DEPTH.get().saturating_sub(1)) == 1;
    if is_outermost && HELD.replace(Held::Nothing) == Held::All {
        unlock_sqlite(MUTEXES.len());
        gate::open_gate();
    }
}

/// Locks all mutexes or none, because SQLite does not document their order.
fn lock_sqlite() -> bool {
    let started = Instant::now();
    loop {
        // SAFETY: a static mutex, which exists even before SQLite is initialised.
        let lock = |id| unsafe { ffi::sqlite3_mutex_try(ffi::sqlite3_mutex_alloc(id)) };
        match MUTEXES.iter().position(|&id| lock(id) != ffi::SQLITE_OK) {
            None => return true,
            Some(locked) => unlock_sqlite(locked),
        }
        // Only this thread itself can hold one for long, if a signal handler forks.
        if started.elapsed() > LONGEST_WAIT {
            return false;
        }
        gate::pause();
    }
}

fn unlock_sqlite(first: usize) {
    for &id in &MUTEXES[..first] {
        // SAFETY: a static mutex, which this thread has locked.
        unsafe { ffi::sqlite3_mutex_leave(ffi::sqlite3_mutex_alloc(id)) }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use nix::sys::wait::{waitpid, WaitStatus};
    use nix::unistd::Pid;

    use crate::process::gate::unforked;

    /// The raw clone runs no handlers, unlike a fork of the C library.
    #[test]
    fn a_child_cloned_while_the_gate_was_closed_gets_an_error() {
        let ended = unforked(|| {
            // SAFETY: the child only checks the gate and exits.
            let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
            if child == 0 {
                let is_refused = unforked(|| ()).is_none();
                // SAFETY: as above.
                unsafe { libc::_exit((!is_refused).into()) }
            }
            waitpid(Pid::from_raw(child.try_into().expect("a number")), None)
        });
        assert!(
            matches!(ended, Some(Ok(WaitStatus::Exited(_, 0)))),
            "{ended:?}"
        );
        assert_eq!(unforked(|| 7), Some(7));
    }
}
