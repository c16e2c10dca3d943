//! The wall around every export.

use std::cell::Cell;
use std::ffi::c_char;
use std::ptr;

use super::fpu::{self, Masked};
use super::{log, pin, shutdown};
use crate::code;
use crate::panic::catch;
use crate::process::{with_fork, without_fork};

/// What an export answers when it cannot do its work.
pub trait Fallback: Sized {
    /// After a panic.
    fn broken() -> Self;
    /// To a call that is not allowed in a log callback.
    fn refused() -> Self;
    /// While the process ends: see [`shutdown`].
    fn too_late() -> Self {
        Self::refused()
    }
}

impl Fallback for i32 {
    fn broken() -> Self {
        code::LP_ERR_INTERNAL
    }

    fn refused() -> Self {
        code::LP_ERR_ARGUMENT
    }

    fn too_late() -> Self {
        code::LP_ERR_CLOSED
    }
}

impl Fallback for u32 {
    fn broken() -> Self {
        0
    }

    fn refused() -> Self {
        0
    }
}

/// For callers that know better what to answer then.
impl<T> Fallback for Option<T> {
    fn broken() -> Self {
        None
    }

    fn refused() -> Self {
        None
    }
}

impl Fallback for () {
    fn broken() -> Self {}

    fn refused() -> Self {}
}

impl Fallback for *const c_char {
    fn broken() -> Self {
        ptr::null()
    }

    fn refused() -> Self {
        ptr::null()
    }
}

thread_local! {
    static IN_LOG_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs the body of an export: no panic leaves it, and no floating-point trap is sprung in it.
/// From a log callback it is refused, and while the process ends.
pub fn guard<T: Fallback>(body: impl FnOnce() -> T) -> T {
    if is_in_log_callback() {
        return T::refused();
    }
    if shutdown::is_under_way() {
        return T::too_late();
    }
    guard_anywhere(body)
}

/// Whether this thread is inside a log callback of the host's.
pub fn is_in_log_callback() -> bool {
    IN_LOG_CALLBACK.get()
}

/// [`guard`] for the exports that a log callback may call, and for those that have something to write
/// even if they are refused, also while the process ends. They take no lock that is held while
/// something is logged.
pub fn guard_anywhere<T: Fallback>(body: impl FnOnce() -> T) -> T {
    let _masked = Masked::enter();
    #[cfg(all(unix, not(miri)))]
    super::fork::watch();
    let body = || {
        // At each call, not at load: nothing of ours runs in DllMain, and a forked child has none.
        if !shutdown::is_under_way() {
            log::refresh();
            pin::pin();
        }
        body()
    };
    without_fork(|| catch(body)).unwrap_or_else(|_| T::broken())
}

/// Runs a callback of the host's.
pub fn call_host<T>(callback: impl FnOnce() -> T) -> T {
    with_fork(|| fpu::outward(callback))
}

/// Runs a log callback of the host's: what it calls is refused, see [`guard`].
pub fn call_host_to_log(callback: impl FnOnce()) {
    let outer = IN_LOG_CALLBACK.replace(true);
    call_host(callback);
    IN_LOG_CALLBACK.set(outer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_internal_error() {
        assert_eq!(guard::<i32>(|| panic!("on purpose")), code::LP_ERR_INTERNAL);
    }

    #[cfg(all(unix, not(miri)))]
    #[test]
    fn a_child_that_a_callback_forks_knows_that_it_is_another_process() {
        use nix::sys::wait::{waitpid, WaitStatus};
        use nix::unistd::Pid;

        use crate::process;

        let ended = guard(|| {
            let parent = process::id();
            // SAFETY: the child asks for its number and ends.
            let child = call_host(|| unsafe { libc::fork() });
            if child == 0 {
                let is_taken_for_parent = process::id() == parent;
                // SAFETY: as above.
                unsafe { libc::_exit(is_taken_for_parent.into()) }
            }
            Some(waitpid(Pid::from_raw(child), None))
        });
        assert!(
            matches!(ended, Some(Ok(WaitStatus::Exited(_, 0)))),
            "{ended:?}"
        );
        assert_eq!(process::id(), std::process::id());
    }

    #[test]
    fn after_a_panic_the_next_call_works() {
        guard::<()>(|| panic!("on purpose"));
        assert_eq!(guard(|| 7), 7);
    }

    #[test]
    fn a_log_callback_is_refused_what_it_may_not_call() {
        call_host_to_log(|| {
            assert_eq!(guard(|| 7), code::LP_ERR_ARGUMENT);
            assert_eq!(guard_anywhere(|| 7), 7);
        });
        assert_eq!(guard(|| 7), 7);
    }
}
