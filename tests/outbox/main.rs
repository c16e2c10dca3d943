//! The outbox: what it keeps on the disk, what it sends and when, over crashes, clocks and processes.
//!
//! The tests run side by side in one process. What needs a process to itself, for its clock, its umask,
//! its mounts or its memory, starts one with [`support::child`] or as a C program.

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
