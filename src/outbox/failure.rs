//! What SQLite's errors mean to the person at the till.

use rusqlite::ErrorCode;

use crate::error::Failure;

pub(crate) const DAMAGED: &str =
    "Файл повреждён. Сохраните его копию, укажите другой путь и сверьте смены в личном кабинете LifePay.";

/// An error of SQLite as one of the outbox, with what to do about it.
pub fn failed(error: rusqlite::Error) -> Failure {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => DAMAGED,
        Some(ErrorCode::DiskFull) => "На диске нет места, освободите его.",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "Нет прав на запись в файл или его папку."
        }
        Some(ErrorCode::CannotOpen) => "Файл не открывается: проверьте путь и права на папку.",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "Файл занят другой программой."
        }
        Some(ErrorCode::SystemIoFailure) => "Сбой чтения или записи: проверьте диск.",
        _ => "",
    };
    Failure::outbox(what, error)
}
