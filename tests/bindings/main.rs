//! The library from other languages: C++, C#, Pascal, Python and 1C. Each is skipped if its tools are
//! missing.

mod cpp;
mod csharp;
mod csharp_library;
mod examples;
mod ffi;
mod onec;
mod onec_archive;
mod pascal;
mod pascal_examples;
mod pascal_header;
mod pascal_windows;
mod python;
mod python_wheel;

#[path = "../support/mod.rs"]
mod support;
