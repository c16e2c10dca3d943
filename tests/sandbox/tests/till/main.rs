//! The sandbox as a till sees it: through the library, and in a browser while a C program opens
//! shifts.

mod browser;
mod magic;
mod open_page;
mod page;
mod page_detail;
mod page_list;
mod page_looks;
mod page_paths;
mod page_state;
mod page_switches;

/// The parts of the library's test support that are used here.
#[path = "../../../support"]
#[allow(dead_code)]
mod support {
    pub mod call;
    pub mod library;
    pub mod server;
    pub mod tools;

    pub use call::{Answer, Call};
    pub use server::{respond, Server};
}
