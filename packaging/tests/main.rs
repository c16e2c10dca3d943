//! Tests a release's build products: the archives, the installed library, the library for Windows.
//!
//! `cargo test -p lifepay-packaging` builds them all, which takes minutes.

mod archive;
mod double_click;
mod install;
mod linux;
mod nuget;
mod onec;
mod processors;
mod python;
mod windows;
mod wine;

#[path = "../../tests/support/mod.rs"]
mod support;
