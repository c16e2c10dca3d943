//! What stands around every export: no panic leaves it, and no floating-point trap is sprung in it.

use super::constants::{LP_ERR_ARGUMENT, LP_ERR_CLOSED, LP_ERR_INTERNAL};
use super::fpu::{self, Masked};
use super::result::{lp_result, ResultOut};
use super::{pin, shutdown};
use crate::failure::Failure;
use crate::log::is_in_callback;
use crate::process::panic::catch;
use crate::report::Report;
use crate::state;

/// Runs the body of an export that returns a code. In a log callback it is refused, and while the
/// process ends.
pub fn guard(body: impl FnOnce() -> i32) -> i32 {
    if is_in_callback() {
        return LP_ERR_ARGUMENT;
    }
    if shutdown::is_under_way() {
        return LP_ERR_CLOSED;
    }
    guard_anywhere(LP_ERR_INTERNAL, body)
}

/// The same for one that returns something else: `otherwise` if it is refused or panics.
pub fn guard_or<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    if is_in_callback() || shutdown::is_under_way() {
        return otherwise;
    }
    guard_anywhere(otherwise, body)
}

/// Runs the body of an export that a log callback may call, or that has something to write even if it
/// is refused; also while the process ends. It takes no lock that is held while something is logged.
/// `broken` is returned if it panics.
pub fn guard_anywhere<T>(broken: T, body: impl FnOnce() -> T) -> T {
    let _masked = Masked::enter();
    #[cfg(all(unix, not(miri)))]
    super::fork::watch();
    let body = || {
        // At each call, not at load: nothing of ours runs in DllMain.
        if !shutdown::is_under_way() {
            pin::pin();
        }
        body()
    };
    catch(|| state::within(body)).unwrap_or(broken)
}

/// Runs the body of an export that writes what came of it into `result`, also if that is a panic or a
/// refusal: the host reads the result, not only what the call returns.
///
/// # Safety
///
/// As [`ResultOut::find`].
pub unsafe fn guard_result(result: *mut lp_result, body: impl FnOnce() -> Report) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the caller guarantees it.
        let Some(out) = (unsafe { ResultOut::for_call(result) }) else {
            return LP_ERR_ARGUMENT;
        };
        let report = catch(body);
        out.write(&report.unwrap_or_else(|panic| Report::failure(&Failure::Internal(panic))))
    })
}

/// Runs a callback of the host's.
pub fn call_host<T>(callback: impl FnOnce() -> T) -> T {
    state::outside(|| fpu::outward(callback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_internal_error() {
        assert_eq!(guard(|| panic!("on purpose")), LP_ERR_INTERNAL);
    }

    #[cfg(all(unix, not(miri)))]
    #[test]
    fn a_child_that_a_callback_forks_knows_that_it_is_another_process() {
        use nix::sys::wait::{waitpid, WaitStatus};
        use nix::unistd::Pid;

        let ended = guard_anywhere(None, || {
            let parent = state::process_id();
            // SAFETY: the child asks for its number and ends.
            let child = call_host(|| unsafe { libc::fork() });
            if child == 0 {
                let is_taken_for_parent = state::process_id() == parent;
                // SAFETY: as above.
                unsafe { libc::_exit(is_taken_for_parent.into()) }
            }
            Some(waitpid(Pid::from_raw(child), None))
        });
        assert!(
            matches!(ended, Some(Ok(WaitStatus::Exited(_, 0)))),
            "{ended:?}"
        );
        assert_eq!(state::process_id(), std::process::id());
    }

    #[test]
    fn after_a_panic_the_next_call_works() {
        guard(|| panic!("on purpose"));
        assert_eq!(guard(|| 7), 7);
    }
}
