//! What SQLite's errors mean to the person at the till.

use rusqlite::ErrorCode;

use crate::error::Failure;

pub(crate) const DAMAGED: &str =
    "Файл повреждён. Сохраните его копию, укажите другой путь и сверьте смены в личном кабинете LifePay.";

const IO_FAILED: &str = "Сбой чтения или записи: проверьте диск.";

/// Whether a change that has failed so may be there all the same, after a restart: its sync failed.
pub fn may_be_there(failure: &Failure) -> bool {
    matches!(failure, Failure::Outbox { what, .. } if *what == IO_FAILED)
}

pub(crate) const GONE: &str =
    "Файл очереди удалён или заменён другой программой: закройте очередь и откройте её снова.";

/// Whether the file is not the one at its path any more.
pub fn is_gone(failure: &Failure) -> bool {
    matches!(failure, Failure::Outbox { what, .. } if *what == GONE)
}

const IN_USE: &str = "Файл занят другой программой.";

/// Whether another process is at the file at this moment.
pub fn is_busy(failure: &Failure) -> bool {
    matches!(failure, Failure::Outbox { what, .. } if *what == IN_USE)
}

/// An error of SQLite as one of the outbox, with what to do about it.
pub fn failed(error: rusqlite::Error) -> Failure {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => DAMAGED,
        Some(ErrorCode::DiskFull) => "На диске нет места, освободите его.",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "Нет прав на запись в файл или его папку."
        }
        Some(ErrorCode::CannotOpen) => "Файл не открывается: проверьте путь и права на папку.",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => IN_USE,
        Some(ErrorCode::SystemIoFailure) => IO_FAILED,
        _ => "",
    };
    Failure::outbox(what, error)
}
