//! Threads that do not disturb the host.

use std::io;
use std::thread::{Builder, JoinHandle};

#[cfg(unix)]
use nix::sys::signal::{pthread_sigmask, SigSet, SigmaskHow, Signal};

use super::panic;
use crate::state;

/// Starts a thread that blocks the signals a host handles, whose handlers run on its own threads, and
/// none that tells of a fault. A panic in it goes to the log.
///
/// # Errors
///
/// The system's, when it can start no more threads.
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
        // Real-time signals are in no `Signal`. A host that blocks one of these, or SIGPWR or SIGXCPU,
        // on its own thread, to wait for it, finds it blocked here too.
        let blocked: SigSet = Signal::iterator()
            .filter(|signal| !is_needed_on_every_thread(*signal))
            .collect();
        // A new thread inherits the mask, so it is blocked before it runs its first instruction.
        let mut before = SigSet::empty();
        pthread_sigmask(SIG_BLOCK, Some(&blocked), Some(&mut before))?;
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
fn is_needed_on_every_thread(signal: Signal) -> bool {
    #[cfg(target_os = "linux")]
    if signal == Signal::SIGPWR {
        return true;
    }
    signal == Signal::SIGXCPU || FAULTS.contains(&signal)
}

/// What the system sends to the thread that has caused it: if it is blocked, the process ends,
/// whatever its handler is.
#[cfg(unix)]
const FAULTS: [Signal; 6] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGSYS,
];

/// On the new thread: on the host's, one that waits there would be let through.
#[cfg(unix)]
fn unblock_faults() {
    let faults: SigSet = FAULTS.into_iter().collect();
    // Fails for no set of signals that exist.
    let _ = pthread_sigmask(SigmaskHow::SIG_UNBLOCK, Some(&faults), None);
}
