//! The host process: what the library must leave unchanged in it, and the log, which is one for the
//! process.
//!
//! Only the tests of the log use the library in this process, and they take turns. All others run
//! programs in C and C#.

mod log;
mod process;

#[path = "../support/mod.rs"]
mod support;
