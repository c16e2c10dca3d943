//! The outbox: its file, its attempts and their times, across crashes, clock jumps and processes.
//!
//! The tests run in parallel in one process. A test that needs a separate process, for its clock,
//! its umask, its mounts or its memory, starts one with [`support::child`] or as a C program.

mod clock;
mod close;
mod crash;
mod disk;
mod documents;
mod file;
mod full_disk;
mod host;
mod json;
mod jumps;
mod order;
mod processes;
mod random;
mod requests;
mod turns;
mod wishes;

#[path = "../support/mod.rs"]
mod support;
