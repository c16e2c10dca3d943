//! A call of `lp_open_shift`: what goes over the wire, what comes back, and how it fails.
//!
//! The tests run side by side in one process. What needs a process to itself, for its environment, its
//! log, its connections or its memory, starts one with [`support::child`].

mod ca_file;
mod connections;
mod documents;
mod faults;
mod http;
mod large_answers;
mod outcome;
mod properties;
mod proxy;
mod proxy_environment;
mod repeats;
mod resolve;
mod secrets;
mod time_limits;
mod tls;
mod wire;

#[path = "../support/mod.rs"]
mod support;

/// The child process of [`support::child::send`].
#[test]
fn child() {
    support::child::answer();
}
