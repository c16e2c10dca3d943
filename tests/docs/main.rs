//! What the documentation says: the READMEs, and the list of crates.

mod delphi;
mod links;
mod readme;
mod readme_ru;
mod sandbox;
mod supply_chain;

#[path = "../support/mod.rs"]
mod support;
