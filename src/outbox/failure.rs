//! SQLite's errors as failures of the outbox.

use rusqlite::ErrorCode;

use crate::failure::{Failure, Outbox};

/// Converts an error of SQLite into a failure of the outbox.
pub fn failed(error: rusqlite::Error) -> Failure {
    let cause = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Outbox::Damaged,
        Some(ErrorCode::DiskFull) => Outbox::DiskFull,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Outbox::ReadOnly,
        Some(ErrorCode::CannotOpen) => Outbox::CannotOpen,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Outbox::Busy,
        Some(ErrorCode::SystemIoFailure) => Outbox::Io,
        _ => Outbox::Other,
    };
    Failure::outbox(cause, error)
}
