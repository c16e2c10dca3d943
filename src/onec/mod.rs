//! The component for 1C: the library as an add-in of the Native API technology.
//!
//! 1C loads the shared library, asks [`exports`] for an object of the class LifePay, and uses it as a
//! C++ object. The object therefore begins with four pointers to tables of functions, which are laid
//! out by hand ([`vtable`]). Values are passed as 1C's `tVariant` ([`variant`]), texts as UTF-16, and
//! memory that 1C keeps is allocated by 1C ([`host`]). Two tables list the members, [`property`] and
//! [`method`]. The methods use the same calls as the C interface.
//!
//! | file | its noun |
//! | --- | --- |
//! | `exports` | the five functions that 1C imports |
//! | `vtable` | the tables of functions through which 1C calls an object |
//! | `interface` | the functions in those tables |
//! | `component` | the object: its lifetime, its settings, the report of its last call |
//! | `property` | the settings and the results: names, types, places |
//! | `method` | the methods: names, parameters |
//! | `dispatch` | a call from 1C: checks the arguments, writes the answer |
//! | `shift` | the methods that send a request, and those about codes, the log, identifiers |
//! | `outbox` | the methods of the outbox |
//! | `variant` | 1C's `tVariant` |
//! | `host` | 1C's memory manager and error reporting |
//! | `text` | UTF-16, and case-insensitive names |

#![allow(unsafe_code)]
// 1C's names.
#![allow(non_snake_case)]

mod component;
mod dispatch;
mod exports;
mod host;
mod interface;
mod method;
mod outbox;
mod property;
mod shift;
#[cfg(any(test, fuzzing))]
#[path = "../testing/variants.rs"]
pub(crate) mod testing;
mod text;
mod variant;
mod vtable;

/// The name of the only class: `Новый("AddIn.<name given at loading>.LifePay")`.
const CLASS: &str = "LifePay";

/// Runs the body of a function that 1C calls, with the guard of the C interface. Returns `otherwise` if
/// the call is refused or panics.
fn guard<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    crate::ffi::guard::guard_or(otherwise, body)
}

/// The component's data between calls.
#[derive(Default)]
pub struct Objects {
    living: component::Living,
}
