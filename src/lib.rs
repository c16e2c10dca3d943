//! Opens a cash-register shift through LifePay's cloud fiscalisation.
//!
//! This crate is a C library: its interface is `include/lifepay.h`, generated from the
//! documentation comments of [`ffi`]. The way of the data:
//!
//! ```text
//! lp_config ──read──▶ Shift ──validate──▶ body ──send──▶ HTTP ──parse──▶ Answer ──write──▶ lp_result
//!   (ffi)            (shift)              (shift)    (transport)         (answer)            (ffi)
//! ```
//!
//! One direction, no back and forth. Around the sending stands `delivery`, which repeats it until
//! LifePay has answered; around that the `outbox`, which makes it survive a crash. Neither knows C.
//! `ffi` knows C, `onec` what 1C demands of a C++ object, and nothing else does: raw pointers and
//! `unsafe` live in these two only.
//!
//! | module | its noun |
//! | --- | --- |
//! | `shift` | the request: its fields, what LifePay's page demands of them, its JSON |
//! | `answer` | LifePay's answer: accepted, or rejected with code, message and field errors |
//! | [`code`] | the numbers that cross the ABI, and their texts |
//! | `error` | what can go wrong on our side |
//! | `report` | what came of a call: the content of an `lp_result` |
//! | `settings` | everything a host can set for a call, checked as a whole |
//! | `delivery` | attempts until LifePay has answered |
//! | `timetable` | when to try again, and for how long |
//! | `progress` | what the host is told while it waits, and its wish to stop |
//! | `outbox` | the requests that must survive a crash: the file, and who sends what waits in it |
//! | `transport` | one HTTP exchange: connections and their reuse, trust, name resolution |
//! | `crypto` | the cryptography that TLS and random numbers come from |
//! | `secret` | the apikey, which is shown nowhere |
//! | `log_file` | a log in a file |
//! | `panic` | panics are caught, and told to the log |
//! | `thread` | threads that do not disturb the host |
//! | `process` | state that a forked child does not inherit |
//! | [`ffi`] | the C interface |
//! | `onec` | the component for 1C |

#![deny(unsafe_code)]

// The first five in this order: it is that of their constants in the header.
pub mod code;

mod report;

mod transport;

mod progress;

pub mod ffi;

mod answer;
mod crypto;
mod delivery;
mod error;
/// cbindgen:ignore
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod log_file;
/// cbindgen:ignore
mod onec;
mod outbox;
mod panic;
mod process;
#[cfg(test)]
mod properties;
mod secret;
mod settings;
mod shift;
mod thread;
mod timetable;
