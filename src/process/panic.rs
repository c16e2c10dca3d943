//! Panics are caught, and told to the log instead of the host's stderr.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{catch_unwind, AssertUnwindSafe, PanicHookInfo};

use super::gate::FirstUse;

thread_local! {
    /// How many times this thread is inside of [`catch`].
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Where the panic under way began. Without a destructor, as all thread-locals of this library:
    /// it may be called while its thread ends, after the destructors have run.
    static PLACE: ManuallyDrop<RefCell<String>> =
        const { ManuallyDrop::new(RefCell::new(String::new())) };
}

/// Runs `body`; a panic in it goes to the log, and its text is the error.
pub fn catch<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    DEPTH.set(DEPTH.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(body)).map_err(report);
    DEPTH.set(DEPTH.get() - 1);
    done
}

/// Not in the hook, where a second panic would end the process. Out of line: `catch` stands in every
/// export.
#[cold]
#[inline(never)]
fn report(panic: Box<dyn Any + Send>) -> String {
    let place = PLACE.with(|place| place.take());
    let text = format!("{} at {place}", text_of(&*panic));
    let _ = catch_unwind(|| log::error!("panic: {text}"));
    text
}

/// A panic inside of [`catch`] writes nothing to stderr. All others are not ours.
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
    fn after_a_panic_all_is_as_before() {
        let _ = catch(|| panic!("on purpose")).map(|(): ()| ());
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(DEPTH.get(), 0);
    }
}
