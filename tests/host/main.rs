//! The host process: the state that the library must leave unchanged, and the log, which is shared
//! by the process.
//!
//! Only the tests of the log use the library in this process, and they run one after another. All
//! other tests run programs in C and C#.

mod log;
mod process;

#[path = "../support/mod.rs"]
mod support;
