//! The C interface: one file per noun of the header.
//!
//! Raw pointers do not leave this module. Every export runs inside `guard`, reads its arguments into
//! Rust values, and calls the rest of the crate.
//!
//! The documentation of the exports becomes the header. It therefore states the requirements for a
//! pointer in C's terms: NULL, or valid for the stated time.

#![allow(unsafe_code, non_camel_case_types)]
// The header has neither rustdoc's sections nor its links.
#![allow(clippy::missing_safety_doc, rustdoc::bare_urls)]

// In the order of the header's sections.
mod constants;

mod config;

mod result;

mod progress;

mod shift;

mod send;

mod ext_id;

mod json;

mod entry;

mod outbox;

mod code;

mod log;

mod version;

mod argument;
#[cfg(all(unix, not(miri)))]
mod fork;
mod fpu;
pub(crate) mod guard;
mod join;
mod layout;
mod mark;
mod pin;
mod shutdown;

#[cfg(any(test, fuzzing))]
#[path = "../testing/config.rs"]
pub(crate) mod testing;

pub use self::code::{lp_code_name, lp_code_text};
pub use self::config::{lp_config, lp_config_init};
pub use self::constants::*;
pub use self::entry::{
    lp_entry, lp_entry_fn, LP_ENTRY_FOREIGN, LP_ENTRY_PENDING, LP_ENTRY_SENDING,
};
pub use self::ext_id::lp_ext_id_new;
pub use self::json::{
    lp_open_shift_json, lp_outbox_cancel_json, lp_outbox_list_json, lp_outbox_open_json,
    lp_outbox_submit_json, lp_outbox_wait_json, lp_send_json, lp_string_free,
};
pub use self::log::{
    lp_log_fn, lp_log_to_file, lp_set_log, LP_LOG_DEBUG, LP_LOG_ERROR, LP_LOG_INFO, LP_LOG_OFF,
    LP_LOG_TRACE, LP_LOG_WARN,
};
pub use self::outbox::{
    lp_outbox, lp_outbox_cancel, lp_outbox_close, lp_outbox_each, lp_outbox_forget, lp_outbox_open,
    lp_outbox_pending, lp_outbox_retry_now, lp_outbox_submit, lp_outbox_wait,
};
pub use self::progress::{lp_progress, lp_progress_fn};
pub use self::result::{lp_field_error, lp_result, lp_result_free, lp_result_init};
pub use self::send::lp_send;
pub use self::shift::lp_open_shift;
pub use self::version::{
    lp_version, lp_version_number, LP_VERSION_MAJOR, LP_VERSION_MINOR, LP_VERSION_PATCH,
};

pub(crate) use self::join::join_for;
pub(crate) use self::mark::process_mark;

/// The objects that hosts hold, so that the library finds what it must release.
#[derive(Default)]
pub struct Handed {
    results: result::Results,
    answers: json::Answers,
}
