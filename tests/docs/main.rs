//! Checks the documentation: the READMEs, the list of crates, and the version.

mod delphi;
mod links;
mod readme;
mod readme_ru;
mod sandbox;
mod supply_chain;
mod version;

#[path = "../support/mod.rs"]
mod support;
