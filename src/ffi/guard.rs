//! Panic and FPU guard for every exported function.

use super::constants::{LP_ERR_ARGUMENT, LP_ERR_CLOSED, LP_ERR_INTERNAL};
use super::fpu::{self, Masked};
use super::result::{lp_result, ResultOut};
use super::{pin, shutdown};
use crate::failure::Failure;
use crate::log::is_in_callback;
use crate::process::panic::catch;
use crate::report::Report;
use crate::state;

/// Runs the body of an export that returns a code. Refuses it in a log callback and while the process
/// exits.
pub fn guard(body: impl FnOnce() -> i32) -> i32 {
    if is_in_callback() {
        return LP_ERR_ARGUMENT;
    }
    if shutdown::is_under_way() {
        return LP_ERR_CLOSED;
    }
    guard_anywhere(LP_ERR_INTERNAL, body)
}

/// The same for an export that returns another type. Returns `otherwise` if the call is refused or
/// panics.
pub fn guard_or<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    if is_in_callback() || shutdown::is_under_way() {
        return otherwise;
    }
    guard_anywhere(otherwise, body)
}

/// Runs the body of an export that a log callback may call, or that writes a result even if it is
/// refused; also while the process exits. The body takes no lock that is held during logging. Returns
/// `broken` if the body panics.
pub fn guard_anywhere<T>(broken: T, body: impl FnOnce() -> T) -> T {
    let _masked = Masked::enter();
    #[cfg(all(unix, not(miri)))]
    super::fork::watch();
    let body = || {
        // At each call, not at load, because no code of the library runs in DllMain.
        if !shutdown::is_under_way() {
            pin::pin();
        }
        body()
    };
    catch(|| state::within(body)).unwrap_or(broken)
}

/// Runs the body of an export that fills `result`. A panic or a refusal is written to it too, because
/// the host reads the result, not only the returned code.
///
/// # Safety
///
/// As [`ResultOut::find`].
pub unsafe fn guard_result(result: *mut lp_result, body: impl FnOnce() -> Report) -> i32 {
    guard_anywhere(LP_ERR_INTERNAL, || {
        // SAFETY: the caller guarantees that `result` is NULL or a struct of the size it states.
        let Some(out) = (unsafe { ResultOut::for_call(result) }) else {
            return LP_ERR_ARGUMENT;
        };
        let report = catch(body);
        out.write(&report.unwrap_or_else(|panic| Report::failure(&Failure::Internal(panic))))
    })
}

/// Runs a callback of the host, in the host's floating-point environment.
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
            // SAFETY: the child only reads its process id and exits.
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
