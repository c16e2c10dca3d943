//! Catches panics and writes them to the log instead of the host's stderr.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{catch_unwind, AssertUnwindSafe, PanicHookInfo};

use super::gate::FirstUse;

thread_local! {
    /// The depth of nested [`catch`] calls on this thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The place where the current panic began. It has no destructor, like all thread-locals of this
    /// library: the library may be called while its thread exits, after the destructors have run.
    static PLACE: ManuallyDrop<RefCell<String>> =
        const { ManuallyDrop::new(RefCell::new(String::new())) };
}

/// Runs `body`. A panic in it is logged, and its text is the error.
pub fn catch<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    DEPTH.set(DEPTH.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(body)).map_err(report);
    DEPTH.set(DEPTH.get() - 1);
    done
}

/// Logs a panic. Not done in the hook, where a second panic would abort the process. Not inlined,
/// because every export contains `catch`.
#[cold]
#[inline(never)]
fn report(panic: Box<dyn Any + Send>) -> String {
    let place = PLACE.with(|place| place.take());
    let text = format!("{} at {place}", text_of(&*panic));
    let _ = catch_unwind(|| log::error!("panic: {text}"));
    text
}

/// Installs a hook that keeps panics inside [`catch`] off stderr. Other panics go to the previous hook.
#[inline(never)]
fn install_hook() {
    static INSTALLED: FirstUse = FirstUse::new();
    INSTALLED.made(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if DEPTH.get() > 0 {
                remember_place(info);
            } else {
                previous(info);
            }
        }));
    });
}

fn remember_place(info: &PanicHookInfo) {
    if let Some(location) = info.location() {
        PLACE.with(|place| {
            if let Ok(mut place) = place.try_borrow_mut() {
                *place = format!("{}:{}", location.file(), location.line());
            }
        });
    }
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
    fn a_panics_text_and_place_are_the_error() {
        let text = catch(|| panic!("on {}", "purpose"))
            .map(|(): ()| ())
            .unwrap_err();
        assert!(
            text.starts_with("on purpose at src/process/panic.rs:"),
            "{text}"
        );
    }

    #[test]
    fn the_guard_works_after_a_panic() {
        let _ = catch(|| panic!("on purpose")).map(|(): ()| ());
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(DEPTH.get(), 0);
    }
}
