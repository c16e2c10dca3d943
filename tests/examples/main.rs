//! The examples of `examples-c`, as their Makefile builds them.
//!
//! A separate test program, because the Makefile has cargo build the library, and tests that load
//! it from the same folder must not run meanwhile.

mod documents;
mod outbox;
mod programs;

#[path = "../support/mod.rs"]
mod support;
