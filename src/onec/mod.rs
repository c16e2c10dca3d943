//! The component for 1C: the library as an add-in of the Native API technology.
//!
//! 1C loads the shared library, asks [`exports`] for an object of the class LifePay, and talks to
//! it as to a C++ object. So the object begins with four pointers to tables of functions that are
//! laid out here by hand ([`vtable`]); values cross as 1C's `tVariant` ([`variant`]), texts as
//! UTF-16, and memory that 1C keeps is 1C's own ([`host`]). What the members are called and what
//! they do stands in two tables, [`property`] and [`method`]; the work is done by the same calls that
//! serve C.
//!
//! | file | its noun |
//! | --- | --- |
//! | `exports` | the five functions that 1C looks for |
//! | `vtable` | the tables of functions by which 1C calls an object |
//! | `interface` | the functions in them |
//! | `component` | the object: its life, its settings, the report of its last call |
//! | `property` | the settings and the results: names, types, where they belong |
//! | `method` | the methods: names, parameters |
//! | `dispatch` | a call from 1C: arguments checked, answer written |
//! | `shift` | the methods that send a request, and those about codes, the log, identifiers |
//! | `outbox` | the methods of the outbox |
//! | `variant` | 1C's `tVariant` |
//! | `host` | 1C's side: its memory, its errors |
//! | `text` | UTF-16, and names in either letter case |

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

/// Runs the body of an entry from 1C as the C interface's are run; `otherwise` if that cannot be.
fn guard<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    crate::ffi::guard::guard_or(otherwise, body)
}

/// What the component keeps between calls.
#[derive(Default)]
pub struct Objects {
    living: component::Living,
}
