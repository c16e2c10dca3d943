//! Threads that do not disturb the host.

use std::io;
use std::thread::{Builder, JoinHandle};

#[cfg(unix)]
use nix::sys::signal::{pthread_sigmask, SigSet, SigmaskHow, Signal};

use super::panic;
use crate::state;

/// Starts a thread that blocks signals, so that the host's handlers run on the host's threads. Signals
/// that report a fault are not blocked. A panic in the thread is logged.
///
/// # Errors
///
/// The system's error if it cannot start another thread.
pub fn spawn_quiet(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let builder = Builder::new().name(name.to_owned());
    let work = || state::within(|| drop(panic::catch(work)));
    #[cfg(unix)]
    {
        use SigmaskHow::{SIG_BLOCK, SIG_SETMASK};
        let work = || {
            unblock_faults();
            work();
        };
        // `Signal` does not include real-time signals. If a host blocks one of them, or SIGPWR or
        // SIGXCPU, on its own thread, to wait for it, the new thread inherits the block.
        let blocked: SigSet = Signal::iterator()
            .filter(|signal| !is_needed_on_every_thread(*signal))
            .collect();
        // A new thread inherits the mask, so the signals are blocked from its first instruction.
        let mut before = SigSet::empty();
        pthread_sigmask(SIG_BLOCK, Some(&blocked), Some(&mut before))?;
        let spawned = builder.spawn(work);
        pthread_sigmask(SIG_SETMASK, Some(&before), None)?;
        spawned
    }
    #[cfg(not(unix))]
    builder.spawn(work)
}

/// Callbacks run on these threads. .NET and Mono use signals to turn a fault into an exception and to
/// stop a thread for garbage collection. If the signal of a fault is blocked, the process ends.
#[cfg(unix)]
fn is_needed_on_every_thread(signal: Signal) -> bool {
    #[cfg(target_os = "linux")]
    if signal == Signal::SIGPWR {
        return true;
    }
    signal == Signal::SIGXCPU || FAULTS.contains(&signal)
}

/// The signals that the system sends to the thread that caused a fault. If such a signal is blocked,
/// the process ends, even if it has a handler.
#[cfg(unix)]
const FAULTS: [Signal; 6] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGSYS,
];

/// Unblocks the signals on the new thread. On the host's thread, this would deliver a signal that is
/// pending there.
#[cfg(unix)]
fn unblock_faults() {
    let faults: SigSet = FAULTS.into_iter().collect();
    // Cannot fail for a set of existing signals.
    let _ = pthread_sigmask(SigmaskHow::SIG_UNBLOCK, Some(&faults), None);
}
