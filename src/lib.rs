//! Opens a cash-register shift through LifePay's cloud fiscalisation.
//!
//! This crate is a C library: its interface is `include/lifepay.h`, generated from the
//! documentation comments of [`ffi`]. The data flow:
//!
//! ```text
//! lp_config ──read──▶ Settings ──check──▶ Shift ──send──▶ HTTP ──parse──▶ Answer ──▶ Report ──write──▶ lp_result
//!   (ffi)             (calls)          (protocol)     (transport)     (protocol)              (ffi)
//! ```
//!
//! Data flow in one direction only. There are two thin interfaces: `ffi` for C and `onec` for 1C. Only
//! these two contain raw pointers and `unsafe`. Both offer the same `calls`, which depend on neither.
//! `delivery` retries an exchange until LifePay answers. The `outbox` uses the same attempts and makes
//! requests survive a crash.
//!
//! | module | contents |
//! | --- | --- |
//! | [`ffi`] | the C interface: converts pointers to values and numbers to enums |
//! | `onec` | the component for 1C: converts variants to values |
//! | `calls` | the calls, the open outboxes, the table of settings, JSON |
//! | `outbox` | requests that survive a crash: the file, and the threads that send pending entries |
//! | `delivery` | attempts until LifePay answers: schedule, retry limit, progress |
//! | `protocol` | LifePay's request and answer |
//! | `transport` | one HTTP exchange: connections and their reuse, trust, name resolution |
//! | `report` | the result of a call: the contents of an `lp_result` |
//! | `code` | the code of a result, and whether LifePay may have the request |
//! | `failure`, `fault` | failures of a call, and faults in its arguments |
//! | `messages` | the texts of codes, failures and faults, in Russian |
//! | `log` | the log: a callback, files |
//! | `secret` | the apikey, which is masked everywhere |
//! | `crypto` | the cryptography provider for TLS and random numbers |
//! | `recent` | a cache of a few values, which drops the least recently used |
//! | `state` | the data that each process keeps between calls |
//! | `process` | the host process: threads, forks, panics |
//! | `testing` | code that only the tests and the fuzz programs use |

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
