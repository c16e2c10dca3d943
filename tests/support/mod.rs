//! What the tests share: the built library through dlopen, as a host has it, and servers.

// Each test program uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod call;
pub mod library;
pub mod server;
pub mod tools;

pub use call::{Answer, Call};
pub use library::library;
pub use server::{read_request, respond, Server};
