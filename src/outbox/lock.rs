//! The sender lock: of all processes, the one that holds it is the sender.
//!
//! It is SQLite's lock on a separate file, held by a transaction that never writes. It belongs to the
//! process: a forked child does not inherit it, and the system releases it when the process dies. It
//! also excludes a second outbox in the same process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::failure::failed;
use super::file;
use crate::failure::Failure;

/// Dropping it releases the lock.
pub struct Lock(Connection);

impl Lock {
    /// Opens the lock for sending an outbox's requests to this base URL. Each base URL has its own
    /// lock, so that the sender to one does not block the sender to another.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`] if the file cannot be created or the disk does not support locks. Without
    /// the error, the outbox would open but never send an entry.
    pub fn open(outbox: &Path, base_url: &str) -> Result<Lock, Failure> {
        let path = path(outbox, base_url);
        file::create(&path)?;
        let connection = Connection::open(&path).map_err(failed)?;
        connection.busy_timeout(Duration::ZERO).map_err(failed)?;
        let lock = Lock(connection);
        if lock.take()? {
            lock.0.execute_batch("ROLLBACK").map_err(failed)?;
        }
        Ok(lock)
    }

    /// Takes the lock. Returns false if another process or outbox holds it.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`].
    pub fn take(&self) -> Result<bool, Failure> {
        if !self.0.is_autocommit() {
            // The lock was taken before, but then the outbox could not be read.
            return Ok(true);
        }
        match self.0.execute_batch("BEGIN EXCLUSIVE") {
            Ok(()) => Ok(true),
            Err(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Ok(false),
                _ => Err(failed(error)),
            },
        }
    }
}

fn path(outbox: &Path, base_url: &str) -> PathBuf {
    // FNV-1a: the name must be the same in every version of the library.
    let hash = base_url
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let mut lock = outbox.as_os_str().to_owned();
    lock.push(format!("-sender-{:08x}", hash >> 32));
    PathBuf::from(lock)
}
