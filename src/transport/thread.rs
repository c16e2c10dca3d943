//! Threads that do not disturb the host.

use std::io;
use std::thread::Builder;

/// Starts a thread that blocks all signals: they are the host's, and its handlers run on the
/// host's threads.
///
/// # Errors
///
/// The system's, when it can start no more threads.
pub fn spawn_quiet(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = Builder::new().name(name.to_owned());
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
        spawned.map(drop)
    }
    #[cfg(not(unix))]
    builder.spawn(work).map(drop)
}
