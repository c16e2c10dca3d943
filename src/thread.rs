//! Threads that do not disturb the host.

use std::io;
use std::thread::{Builder, JoinHandle};

use crate::panic;

/// Starts a thread that blocks all signals: they are the host's, and its handlers run on the
/// host's threads. A panic in it goes to the log.
///
/// # Errors
///
/// The system's, when it can start no more threads.
pub fn spawn_quiet(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let builder = Builder::new().name(name.to_owned());
    let work = || drop(panic::catch(work));
    #[cfg(unix)]
    {
        use nix::sys::signal::{pthread_sigmask, SigSet, SigmaskHow};
        // A new thread inherits the mask, so it is blocked before it runs its first instruction.
        let mut before = SigSet::empty();
        pthread_sigmask(
            SigmaskHow::SIG_SETMASK,
            Some(&SigSet::all()),
            Some(&mut before),
        )?;
        let spawned = builder.spawn(work);
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
        spawned
    }
    #[cfg(not(unix))]
    builder.spawn(work)
}
