//! The outbox's file as a database: opens it, checks it and creates its tables.
//!
//! It uses a write-ahead log with `synchronous = FULL`: a commit is on disk when it returns, and
//! costs one sync of the log.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::failure::failed;
use super::file;
use crate::failure::{Failure, Outbox};

/// "LPob", the `application_id` that distinguishes an outbox from other databases.
const APPLICATION: i64 = 0x4c50_6f62;
/// The version of the file format. All 1.x versions of the library keep its hundreds.
const FORMAT: i64 = 100;
/// How long a call waits for a busy file.
pub(crate) const BUSY: Duration = Duration::from_secs(5);
/// The pause before a busy file is tried again.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// The capacity of the statement cache: more than the library has statements.
const STATEMENTS: usize = 32;

const SCHEMA: &str = "
    CREATE TABLE request (
        id INTEGER PRIMARY KEY,
        operation TEXT NOT NULL,
        base_url TEXT NOT NULL,
        ext_id TEXT NOT NULL UNIQUE,
        login TEXT NOT NULL,
        target_serial TEXT,
        request TEXT NOT NULL,
        state INTEGER NOT NULL,
        sending INTEGER NOT NULL DEFAULT 0,
        cancelling INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        retry_after_ms INTEGER NOT NULL DEFAULT 0,
        report TEXT NOT NULL,
        submitted_at INTEGER NOT NULL,
        next_attempt_at INTEGER NOT NULL,
        answered_at INTEGER NOT NULL DEFAULT 0,
        expires_at INTEGER NOT NULL DEFAULT 0
    );
";

/// Finds due and expired entries without reading the rows. Files of earlier versions have indexes that
/// cover only expired entries, or only shifts.
const INDEX: &str = "
    DROP INDEX IF EXISTS request_by_state;
    DROP INDEX IF EXISTS request_by_due;
    CREATE INDEX IF NOT EXISTS request_by_time
        ON request (state, base_url, next_attempt_at, expires_at, operation);
";

/// The sum of all clock jumps by which the times of pending entries were moved, in milliseconds. All
/// processes share the wall clock, so the file has one sum.
const CLOCK: &str = "
    CREATE TABLE IF NOT EXISTS clock (moved INTEGER NOT NULL);
    INSERT INTO clock SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM clock);
";

/// The highest id so far, kept when an entry is removed. No id is used twice, so that a late outcome
/// cannot be written to a different entry. AUTOINCREMENT would write such a table at every submit.
const HIGHEST: &str = "
    CREATE TABLE IF NOT EXISTS highest (id INTEGER NOT NULL);
    INSERT INTO highest SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM highest);
";

pub struct Database {
    pub connection: Connection,
    path: PathBuf,
    /// The file's identity when it was opened; None if the system did not report it.
    identity: Option<(u64, u64)>,
    /// The path of the write-ahead log.
    log: PathBuf,
}

impl Database {
    /// Opens the file, and creates the tables if it is empty.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`] if the file is not a database, not an outbox, damaged, of a later version or
    /// not writable.
    pub fn open(path: &Path) -> Result<Database, Failure> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        // Checked before SQLite creates an empty log.
        let has_log = std::fs::metadata(&log).is_ok_and(|log| log.len() > 0);
        let connection = Connection::open(path).map_err(failed)?;
        let identity = file::identity(path).ok();
        if connection.is_readonly("main").map_err(failed)? {
            return Err(Failure::outbox(Outbox::ReadOnly, path.display()));
        }
        // A refused file is left unchanged, and so is its log.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)
            .map_err(failed)?;
        // SQLite must not wait for a busy file. `while_busy` waits, without holding a lock.
        connection.busy_timeout(Duration::ZERO).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let mut database = Database {
            connection,
            path: path.to_owned(),
            identity,
            log,
        };
        while_busy(BUSY, || true, || database.check().map_err(failed))??;
        database.sync_log()?;
        database
            .connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
            .map_err(failed)?;
        Ok(database)
    }

    /// Checks the file first: a refused file is left unchanged, and another program's file must not be
    /// written to. Then creates what is missing. The write-ahead log is last, because it changes the
    /// file even if a later step fails.
    fn check(&mut self) -> rusqlite::Result<Result<(), Failure>> {
        self.connection.pragma_update(None, "synchronous", "full")?;
        if let Err(refusal) = self.look()? {
            return Ok(Err(refusal));
        }
        self.make()?;
        self.connection
            .pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        // If a power cut restored the rollback journal, it would undo what the log holds.
        file::sync_folder(&self.log);
        // This transaction opens the log, which not every disk supports.
        self.begin()?.commit()?;
        let mode: String = self
            .connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        if mode != "wal" {
            let detail = format!("journal_mode {mode}");
            return Ok(Err(Failure::outbox(Outbox::UnfitDisk, detail)));
        }
        Ok(Ok(()))
    }

    /// Checks ownership and integrity in one transaction, because another process may be creating the
    /// file.
    fn look(&mut self) -> rusqlite::Result<Result<(), Failure>> {
        let look = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Deferred)?;
        let number = |name| look.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let application = number("application_id")?;
        let format = number("user_version")?;
        let is_empty = application == 0 && has_no_tables(&look)?;
        if !is_empty && application != APPLICATION {
            let detail = "another application's database";
            return Ok(Err(Failure::outbox(Outbox::ForeignFile, detail)));
        }
        if !is_empty && format / 100 != FORMAT / 100 {
            let detail = format!("format {format}");
            return Ok(Err(Failure::outbox(Outbox::OfLaterVersion, detail)));
        }
        let found: String = look.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if found != "ok" {
            return Ok(Err(Failure::outbox(Outbox::Damaged, found)));
        }
        look.commit()?;
        Ok(Ok(()))
    }

    /// Creates the tables that are missing.
    fn make(&mut self) -> rusqlite::Result<()> {
        let change = self.begin()?;
        if has_no_tables(&change)? {
            change.execute_batch(SCHEMA)?;
            change.pragma_update(None, "application_id", APPLICATION)?;
            change.pragma_update(None, "user_version", FORMAT)?;
        }
        change.execute_batch(HIGHEST)?;
        change.execute_batch(INDEX)?;
        change.execute_batch(CLOCK)?;
        change.commit()
    }

    /// Checks whether the file is still the one at its path. If not, anything written to it is lost.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`].
    pub fn check_path(&self) -> Result<(), Failure> {
        let is_gone = match file::identity(&self.path) {
            Ok(found) => self.identity.is_some_and(|opened| opened != found),
            // Other errors say nothing about the file.
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        match is_gone {
            true => Err(Failure::outbox(Outbox::Gone, self.path.display())),
            false => Ok(()),
        }
    }

    /// Syncs the log to disk. If a process died between the write of a commit and its sync, every
    /// reader sees that commit, but a power cut would undo it.
    pub fn sync_log(&self) -> Result<(), Failure> {
        file::sync(&self.log)
    }

    pub fn begin(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
    }
}

/// Runs `work`, and tries again for up to `limit` while another process keeps the file busy and
/// `keeps_waiting` returns true.
pub fn while_busy<T>(
    limit: Duration,
    keeps_waiting: impl Fn() -> bool,
    mut work: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let started = Instant::now();
    loop {
        match work() {
            Err(failure) if failure.is_busy() && started.elapsed() < limit && keeps_waiting() => {
                std::thread::sleep(BUSY_PAUSE);
            }
            done => return done,
        }
    }
}

fn has_no_tables(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })
}
