//! The C interface itself: the header, the layout of its structs, the exports, and the functions
//! called from C and with JSON.

mod c_interface;
mod chapters;
mod description;
mod exports;
mod header;
mod json;
mod layout;
mod symbols;

#[path = "../support/mod.rs"]
mod support;
