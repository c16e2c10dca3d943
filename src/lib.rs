//! Opens a cash-register shift through LifePay's cloud fiscalisation.
//!
//! This crate is a C library: its interface is `include/lifepay.h`, generated from the
//! documentation comments of [`ffi`]. The way of the data:
//!
//! ```text
//! lp_config ──read──▶ Settings ──check──▶ Shift ──send──▶ HTTP ──parse──▶ Answer ──▶ Report ──write──▶ lp_result
//!   (ffi)             (calls)          (protocol)     (transport)     (protocol)              (ffi)
//! ```
//!
//! One direction, no back and forth. Two thin doors lead in and out: `ffi` for C and `onec` for 1C.
//! Raw pointers and `unsafe` live in these two only. Both offer the same `calls`, which know neither.
//! Around an exchange stands `delivery`, which repeats it until LifePay has answered; around that the
//! `outbox`, which makes it survive a crash.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`ffi`] | the C interface: pointers become values, and numbers have their names |
//! | `onec` | the component for 1C: variants become values |
//! | `calls` | the calls, the open outboxes, the table of settings, JSON |
//! | `outbox` | requests that survive a crash: the file, and the threads that send what waits in it |
//! | `delivery` | attempts until LifePay has answered: schedule, retry limit, progress |
//! | `protocol` | LifePay's request and answer |
//! | `transport` | one HTTP exchange: connections and their reuse, trust, name resolution |
//! | `report` | what came of a call: the content of an `lp_result` |
//! | `code` | what a call comes to, and whether LifePay may have the request |
//! | `failure`, `fault` | what can go wrong, and what can be wrong with a field |
//! | `messages` | all of these in words, in Russian |
//! | `log` | the log: a callback, files |
//! | `secret` | the apikey, which is shown nowhere |
//! | `crypto` | the cryptography that TLS and random numbers come from |
//! | `recent` | a few values, of which the one not used for the longest time makes room |
//! | `state` | what is kept between calls, once for each process |
//! | `process` | the host process: threads, forks, panics |
//! | `testing` | what only the tests and the fuzz programs use |

#![deny(unsafe_code)]
// A host's output is not the library's.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod ffi;

mod calls;
mod code;
mod crypto;
mod delivery;
mod failure;
mod fault;
/// cbindgen:ignore
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[path = "testing/mod.rs"]
pub mod fuzz;
mod log;
mod messages;
/// cbindgen:ignore
mod onec;
mod outbox;
mod process;
mod protocol;
mod recent;
mod report;
mod secret;
mod state;
mod transport;
