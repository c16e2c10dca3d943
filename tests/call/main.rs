//! A call of `lp_open_shift`: the request, the answer, and the failures.
//!
//! The tests run in parallel in one process. A test that needs a separate process, for its
//! environment, its log, its connections or its memory, starts one with [`support::child`].

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
