//! Who of all processes sends: the one that holds the lock.
//!
//! The lock is SQLite's on a file of its own, held by a transaction that never writes: it belongs
//! to the process, so that a forked child does not keep it, the system releases it when the process
//! dies, and two outboxes of one process have it in turn as well.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::failure::failed;
use super::file;
use crate::failure::Failure;

/// Dropping it releases the lock.
pub struct Lock(Connection);

impl Lock {
    /// Opens the lock of those who send an outbox's requests to this base URL: who sends to one
    /// may not hold up another.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`] when the file cannot be made, or the disk cannot lock: an outbox whose
    /// entries nobody ever sends would be the worst of all.
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

    /// Takes the lock; false if another holds it.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`].
    pub fn take(&self) -> Result<bool, Failure> {
        if !self.0.is_autocommit() {
            // Taken before, by one who could then not read the outbox.
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
