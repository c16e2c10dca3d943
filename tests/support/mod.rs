//! Shared by the tests: the built library, loaded with dlopen as in a host, and servers.

// Each test program uses only a part of this module.
#![allow(dead_code, unused_imports)]

pub mod books;
pub mod by_name;
pub mod call;
pub mod child;
pub mod constants;
pub mod dotnet;
pub mod driver;
pub mod fault_server;
pub mod library;
pub mod makefile;
pub mod onec;
pub mod outbox;
pub mod pascal;
pub mod proxy_server;
pub mod server;
pub mod till;
pub mod tls_server;
pub mod tools;
pub mod wait;

pub use call::{Answer, Call};
pub use library::library;
pub use outbox::{Entry, Outbox};
pub use server::{read_request, respond, Server};
