//! Threads that do not disturb the host.

use std::io;
use std::thread::{Builder, JoinHandle};

use super::panic;
use crate::state;

/// Starts a thread that blocks the signals a host handles: its handlers run on its own threads. A
/// panic in it goes to the log.
///
/// # Errors
///
/// The system's, when it can start no more threads.
pub fn spawn_quiet(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let builder = Builder::new().name(name.to_owned());
    let work = || state::within(|| drop(panic::catch(work)));
    #[cfg(unix)]
    {
        use nix::sys::signal::SigmaskHow::{SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK};
        use nix::sys::signal::Signal::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
        use nix::sys::signal::{pthread_sigmask, SigSet, Signal};
        // Real-time signals are in no `Signal`. A host that blocks one on its own thread, to wait for
        // it, finds it blocked here too.
        let blocked: SigSet = Signal::iterator()
            .filter(|signal| !is_needed_on_every_thread(*signal))
            .collect();
        // A new thread inherits the mask, so it is blocked before it runs its first instruction.
        let mut before = SigSet::empty();
        pthread_sigmask(SIG_BLOCK, Some(&blocked), Some(&mut before))?;
        // A fault whose signal is blocked ends the process, whatever the host's own thread blocks.
        let faults = [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS];
        pthread_sigmask(SIG_UNBLOCK, Some(&faults.into_iter().collect()), None)?;
        let spawned = builder.spawn(work);
        pthread_sigmask(SIG_SETMASK, Some(&before), None)?;
        spawned
    }
    #[cfg(not(unix))]
    builder.spawn(work)
}

/// Callbacks run on these threads. .NET and Mono turn a fault in one into an exception, and stop a
/// thread for their garbage collector, with signals: a fault whose signal is blocked ends the process.
#[cfg(unix)]
fn is_needed_on_every_thread(signal: nix::sys::signal::Signal) -> bool {
    use nix::sys::signal::Signal::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU};
    #[cfg(target_os = "linux")]
    if signal == nix::sys::signal::Signal::SIGPWR {
        return true;
    }
    matches!(
        signal,
        SIGSEGV | SIGBUS | SIGFPE | SIGILL | SIGTRAP | SIGSYS | SIGXCPU
    )
}
