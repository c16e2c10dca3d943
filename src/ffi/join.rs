//! Waits for the end of a thread, with a limit.

#[cfg(target_os = "linux")]
use std::os::unix::thread::JoinHandleExt;
use std::thread::JoinHandle;
use std::time::Duration;
#[cfg(target_os = "linux")]
use std::time::Instant;

#[cfg(target_os = "linux")]
use crate::process::gate::pause;

/// Waits until a thread that has done its work has exited, up to `limit`. The exit may take long, or
/// need a lock that the caller holds: if a callback of the host has set thread-specific data, their
/// destructors run then.
#[cfg(target_os = "linux")]
pub fn join_for(handle: JoinHandle<()>, limit: Duration) {
    let started = Instant::now();
    let thread = handle.into_pthread_t();
    // SAFETY: the thread is neither joined nor detached yet, because this was its only handle.
    while unsafe { libc::pthread_tryjoin_np(thread, std::ptr::null_mut()) } == libc::EBUSY {
        if started.elapsed() >= limit {
            // SAFETY: as above.
            unsafe { libc::pthread_detach(thread) };
            return;
        }
        pause();
    }
}

/// The same without the limit, which only Linux has.
#[cfg(all(unix, not(target_os = "linux")))]
pub fn join_for(handle: JoinHandle<()>, _: Duration) {
    let _ = handle.join();
}

/// Does not wait: a thread needs the loader lock to exit, and a caller in DllMain holds it.
#[cfg(windows)]
pub fn join_for(_: JoinHandle<()>, _: Duration) {}
