//! Reads from the file through a separate connection, so that a read waits neither for a commit nor for
//! its sync. A read sees only what is on disk, because a commit becomes visible after its sync.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::entry::Entry;
use super::failure::failed;
use super::row::{entries_where, find, WAITING};
use crate::failure::Failure;

pub struct Reader {
    connection: Connection,
    base_url: String,
}

impl Reader {
    /// Opens a file that a store has opened.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`].
    pub fn open(path: &Path, base_url: &str) -> Result<Reader, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        // SQLite must not wait for a busy file. `while_busy` waits, without holding a lock.
        connection.busy_timeout(Duration::ZERO).map_err(failed)?;
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .map_err(failed)?;
        Ok(Reader {
            connection,
            base_url: base_url.to_owned(),
        })
    }

    pub fn find(&self, ext_id: &str) -> Result<Option<Entry>, Failure> {
        find(&self.connection, ext_id).map_err(failed)
    }

    pub fn entries(&self) -> Result<Vec<Entry>, Failure> {
        entries_where(&self.connection, "ORDER BY id", []).map_err(failed)
    }

    pub fn pending(&self) -> Result<u32, Failure> {
        let sql = format!("SELECT count(*) FROM request WHERE {WAITING}");
        self.connection
            .query_row(&sql, [&self.base_url], |row| row.get(0))
            .map_err(failed)
    }
}
