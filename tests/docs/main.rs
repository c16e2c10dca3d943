//! What the documentation says: the READMEs, the examples, and the list of crates.

mod examples;
mod examples_outbox;
mod readme;
mod readme_ru;
mod supply_chain;

#[path = "../support/mod.rs"]
mod support;
