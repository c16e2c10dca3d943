//! The wall around every export.

use std::any::Any;
use std::cell::Cell;
use std::ffi::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe, PanicHookInfo};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::fpu::{self, Masked};
use super::log;
use crate::code;

/// What an export answers when it cannot do its work.
pub trait Answer {
    /// After a panic.
    fn broken() -> Self;
    /// To a call from a log callback, which may make no such call.
    fn refused() -> Self;
}

impl Answer for i32 {
    fn broken() -> Self {
        code::LP_ERR_INTERNAL
    }

    fn refused() -> Self {
        code::LP_ERR_ARGUMENT
    }
}

impl Answer for u32 {
    fn broken() -> Self {
        0
    }

    fn refused() -> Self {
        0
    }
}

impl Answer for () {
    fn broken() -> Self {}

    fn refused() -> Self {}
}

impl Answer for *const c_char {
    fn broken() -> Self {
        ptr::null()
    }

    fn refused() -> Self {
        ptr::null()
    }
}

thread_local! {
    /// How many exports this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static IN_LOG_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs the body of an export: no panic leaves it, and no floating-point trap is sprung in it.
/// From a log callback it is refused.
pub fn guard<T: Answer>(body: impl FnOnce() -> T) -> T {
    if IN_LOG_CALLBACK.get() {
        return T::refused();
    }
    guard_anywhere(body)
}

/// [`guard`] for the exports that a log callback may call.
pub fn guard_anywhere<T: Answer>(body: impl FnOnce() -> T) -> T {
    let _masked = Masked::enter();
    catch(body).unwrap_or_else(|_| T::broken())
}

/// Runs `body`; a panic in it goes to the log, and its text is the error.
pub fn catch<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let _leave = Leave;
    catch_unwind(AssertUnwindSafe(|| {
        prepare();
        body()
    }))
    .map_err(|panic| text_of(&*panic).to_owned())
}

/// Runs a callback of the host's.
pub fn call_host<T>(callback: impl FnOnce() -> T) -> T {
    fpu::outward(callback)
}

/// Runs a log callback of the host's: what it calls is refused, see [`guard`].
pub fn call_host_to_log(callback: impl FnOnce()) {
    let outer = IN_LOG_CALLBACK.replace(true);
    call_host(callback);
    IN_LOG_CALLBACK.set(outer);
}

/// Makes ready, at the first call, what stands for the life of the process. Not at load: nothing
/// of ours runs in DllMain.
fn prepare() {
    static READY: AtomicBool = AtomicBool::new(false);
    if !READY.swap(true, Ordering::SeqCst) {
        log::install();
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if is_ours() {
                tell_log(info);
            } else {
                previous(info);
            }
        }));
    }
    log::refresh();
}

/// Whether the panic is in our code: on the host's thread inside an export, or on a thread of ours.
fn is_ours() -> bool {
    let thread = std::thread::current();
    DEPTH.get() > 0
        || thread
            .name()
            .is_some_and(|name| name.starts_with("lifepay-"))
}

/// A library writes nothing to the host's stderr.
fn tell_log(info: &PanicHookInfo) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    ::log::error!("panic at {place}: {}", text_of(info.payload()));
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_internal_error() {
        assert_eq!(guard::<i32>(|| panic!("on purpose")), code::LP_ERR_INTERNAL);
        assert_eq!(
            catch(|| -> () { panic!("on {}", "purpose") }),
            Err("on purpose".to_owned())
        );
    }

    #[test]
    fn after_a_panic_the_next_call_works() {
        guard::<()>(|| panic!("on purpose"));
        assert_eq!(guard(|| 7), 7);
        assert_eq!(DEPTH.get(), 0);
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
