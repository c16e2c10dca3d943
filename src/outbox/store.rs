//! The file of requests: a SQLite database.
//!
//! Write-ahead log with `synchronous = FULL`: a commit is on the disk when it returns, at the cost
//! of one sync of the log. Every method is one transaction.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{
    params, Connection, OptionalExtension, Params, Row, ToSql, Transaction, TransactionBehavior,
};

use super::entry::{millis, now, Entry, State};
use super::failure::{failed, is_busy, DAMAGED};
use super::{file, taken, Submission};
use crate::error::{Failure, FieldError};
use crate::report::{Report, LP_OUTCOME_NOT_SENT, LP_OUTCOME_UNKNOWN};
use crate::shift;
use crate::timetable::Timetable;

/// "LPob": tells our files from other databases.
const APPLICATION: i64 = 0x4c50_6f62;
/// The format's version, of which all 1.x of the library keep the first digit group.
const FORMAT: i64 = 100;
/// How long a busy file is waited for.
pub(crate) const BUSY: Duration = Duration::from_secs(5);
/// How long to wait before a busy file is tried again.
pub(crate) const BUSY_PAUSE: Duration = Duration::from_millis(20);

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
    CREATE INDEX request_by_state ON request (state, base_url, operation, expires_at);
";

/// No id is used twice, lest the outcome of a removed entry be written to another: the highest that
/// was there stays here when it is removed. AUTOINCREMENT would write such a table at every submit.
const HIGHEST: &str = "
    CREATE TABLE IF NOT EXISTS highest (id INTEGER NOT NULL);
    INSERT INTO highest SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM highest);
";

const COLUMNS: &str = "id, base_url, ext_id, login, target_serial, request, state, sending,
    cancelling, report, submitted_at, next_attempt_at, answered_at, expires_at, operation";

/// The next id is after all that are there, and that were.
const INSERT: &str = "
    INSERT INTO request (id, operation, base_url, ext_id, login, target_serial, request, state,
        report, submitted_at, next_attempt_at, expires_at)
    VALUES (1 + max((SELECT ifnull(max(id), 0) FROM request), (SELECT id FROM highest)),
        ?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?8, ?9)";

const REPLACE: &str = "
    UPDATE request SET operation = ?1, base_url = ?2, login = ?4, target_serial = ?5, request = ?6,
        state = 0, sending = 0, cancelling = 0, attempts = 0, retry_after_ms = 0, report = ?7,
        submitted_at = ?8, next_attempt_at = ?8, answered_at = 0, expires_at = ?9
    WHERE ext_id = ?3";

/// What waits for this base URL, and is a kind of request that this version knows.
const WAITING: &str = "state = 0 AND base_url = ?1 AND operation = 'create-session'";

pub struct Store {
    connection: Connection,
    /// The write-ahead log's file.
    log: PathBuf,
    seen_version: i64,
}

/// What [`Store::submit`] has found or made.
pub struct Submitted {
    pub id: i64,
    pub report: Report,
    pub is_new: bool,
}

/// A waiting entry as the worker plans it.
pub struct Plan {
    pub id: i64,
    pub next_attempt_at: i64,
    pub attempts: u32,
    /// The pause that was begun, milliseconds: a Retry-After may be longer than the timetable's.
    pub asked_ms: u32,
    pub cancelling: bool,
}

impl Store {
    /// Opens the file and makes the table if it is empty.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`]: not a database, not ours, damaged, of a later version, not writable.
    pub fn open(path: &Path) -> Result<Store, Failure> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        // Looked at before SQLite makes an empty one.
        let has_log = std::fs::metadata(&log).is_ok_and(|log| log.len() > 0);
        let connection = Connection::open(path).map_err(failed)?;
        if connection.is_readonly("main").map_err(failed)? {
            let what = "Нет прав на запись в файл или его папку.";
            return Err(Failure::outbox(what, path.display()));
        }
        // What is refused is left as it was, with its log.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)
            .map_err(failed)?;
        // A busy file is waited for by whoever holds no lock of ours meanwhile.
        connection.busy_timeout(Duration::ZERO).map_err(failed)?;
        let mut store = Store {
            log,
            connection,
            seen_version: 0,
        };
        let started = Instant::now();
        loop {
            match store.check().map_err(failed) {
                Err(failure) if is_busy(&failure) && started.elapsed() < BUSY => {
                    std::thread::sleep(BUSY_PAUSE);
                }
                checked => break checked??,
            }
        }
        store.sync_log()?;
        store
            .connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
            .map_err(failed)?;
        Ok(store)
    }

    /// Looks first, since what is refused is left as it was, and another program's file must not be
    /// written to; then makes what is missing, and the write-ahead log last: that changes the file
    /// whatever comes of the rest.
    fn check(&mut self) -> rusqlite::Result<Result<(), Failure>> {
        self.connection.pragma_update(None, "synchronous", "full")?;
        if let Err(refusal) = self.look()? {
            return Ok(Err(refusal));
        }
        self.make()?;
        self.connection
            .pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        // A rollback journal that a power cut brought back would undo what the log holds.
        file::sync_folder(&self.log);
        // Only now the log is opened, for which not every disk is fit.
        self.begin()?.commit()?;
        let mode: String = self
            .connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        if mode != "wal" {
            let what = "Диск не подходит для очереди, укажите путь на другом.";
            return Ok(Err(Failure::outbox(what, format!("journal_mode {mode}"))));
        }
        Ok(Ok(()))
    }

    /// Whose the file is and whether it is whole, all of it at one moment: another process may be
    /// making it.
    fn look(&mut self) -> rusqlite::Result<Result<(), Failure>> {
        let look = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Deferred)?;
        let number = |name| look.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let application = number("application_id")?;
        let format = number("user_version")?;
        let is_empty = application == 0 && has_no_tables(&look)?;
        if !is_empty && application != APPLICATION {
            let what = "Это файл другой программы, укажите другой путь.";
            return Ok(Err(Failure::outbox(what, "another application's database")));
        }
        if !is_empty && format / 100 != FORMAT / 100 {
            let what = "Файл создан более новой версией библиотеки, обновите её.";
            return Ok(Err(Failure::outbox(what, format!("format {format}"))));
        }
        let found: String = look.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if found != "ok" {
            return Ok(Err(Failure::outbox(DAMAGED, found)));
        }
        look.commit()?;
        Ok(Ok(()))
    }

    /// The tables, unless they are there.
    fn make(&mut self) -> rusqlite::Result<()> {
        let change = self.begin()?;
        if has_no_tables(&change)? {
            change.execute_batch(SCHEMA)?;
            change.pragma_update(None, "application_id", APPLICATION)?;
            change.pragma_update(None, "user_version", FORMAT)?;
        }
        change.execute_batch(HIGHEST)?;
        change.commit()
    }

    /// Puts the log on the disk. A process that died between the write of a commit and its sync has
    /// left what every reader sees and a power cut would take away.
    fn sync_log(&self) -> Result<(), Failure> {
        file::sync(&self.log)
    }

    fn begin(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
    }

    pub fn submit(
        &mut self,
        submission: &Submission,
        base_url: &str,
    ) -> Result<Submitted, Failure> {
        let shift = &submission.shift;
        let request = shift
            .request()
            .map_err(|error| Failure::Internal(error.to_string()))?;
        let now = now();
        let expires_at = submission
            .expires_after
            .map_or(0, |after| now.saturating_add(millis(after)));
        let mut report = Report::of(&shift.ext_id);
        let change = self.begin().map_err(failed)?;
        let existing = find(&change, &shift.ext_id).map_err(failed)?;
        if let Some(entry) = &existing {
            if matches!(
                entry.state,
                State::Waiting | State::Accepted | State::Unknown
            ) {
                let differs = differing(entry, &request, base_url);
                if !differs.is_empty() {
                    return Err(taken(&shift.ext_id, &differs));
                }
                return Ok(Submitted {
                    id: entry.id,
                    report: entry.report.clone(),
                    is_new: false,
                });
            }
            // LifePay may have what was sent before, whatever comes now.
            if entry.report.outcome != LP_OUTCOME_NOT_SENT {
                report.outcome = LP_OUTCOME_UNKNOWN;
            }
        }
        let sql = if existing.is_some() { REPLACE } else { INSERT };
        change
            .prepare_cached(sql)
            .and_then(|mut write| {
                write.execute(params![
                    shift::OPERATION,
                    base_url,
                    shift.ext_id,
                    shift.login,
                    shift.target_serial,
                    request,
                    to_text(&report),
                    now,
                    expires_at
                ])
            })
            .map_err(failed)?;
        let id = existing.map_or_else(|| change.last_insert_rowid(), |entry| entry.id);
        change.commit().map_err(failed)?;
        Ok(Submitted {
            id,
            report,
            is_new: true,
        })
    }

    pub fn find(&mut self, ext_id: &str) -> Result<Option<Entry>, Failure> {
        find(&self.connection, ext_id).map_err(failed)
    }

    pub fn entries(&mut self) -> Result<Vec<Entry>, Failure> {
        let sql = format!("SELECT {COLUMNS} FROM request ORDER BY id");
        let mut query = self.connection.prepare_cached(&sql).map_err(failed)?;
        let rows = query.query_map([], entry).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    pub fn pending(&mut self, base_url: &str) -> Result<u32, Failure> {
        let sql = format!("SELECT count(*) FROM request WHERE {WAITING}");
        self.connection
            .query_row(&sql, [base_url], |row| row.get(0))
            .map_err(failed)
    }

    /// The waiting entries of a base URL.
    pub fn plans(&mut self, base_url: &str) -> Result<Vec<Plan>, Failure> {
        let sql = format!(
            "SELECT id, next_attempt_at, attempts, retry_after_ms, cancelling
             FROM request WHERE {WAITING}"
        );
        let mut query = self.connection.prepare_cached(&sql).map_err(failed)?;
        let plan = |row: &Row| {
            Ok(Plan {
                id: row.get(0)?,
                next_attempt_at: row.get(1)?,
                attempts: row.get(2)?,
                asked_ms: row.get(3)?,
                cancelling: row.get(4)?,
            })
        };
        let rows = query.query_map([base_url], plan).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// Whether another process has written since this was last asked.
    pub fn has_changed(&mut self) -> Result<bool, Failure> {
        let version = self
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut query| query.query_row([], |row| row.get(0)))
            .map_err(failed)?;
        let before = std::mem::replace(&mut self.seen_version, version);
        Ok(before != version)
    }

    /// A new sender begins. What one that died was at may have been sent, and is sent anew; a due
    /// time that is farther away than the timetable's, since the clock has jumped, is brought back.
    pub fn sender_begins(&mut self, base_url: &str, timetable: &Timetable) -> Result<(), Failure> {
        self.sync_log()?;
        let now = now();
        let change = self.begin().map_err(failed)?;
        let sql = format!("WHERE {WAITING} AND (sending = 1 OR next_attempt_at > ?2)");
        for mut entry in entries_where(&change, &sql, params![base_url, now]).map_err(failed)? {
            let asked = Duration::from_millis(u64::from(entry.report.retry_after_ms));
            let pause = timetable.pause_after(entry.report.attempts).max(asked);
            let latest = now.saturating_add(millis(pause));
            if entry.sending {
                entry.sending = false;
                entry.next_attempt_at = now;
            } else if entry.next_attempt_at > latest {
                entry.next_attempt_at = latest;
            } else {
                continue;
            }
            save(&change, &entry).map_err(failed)?;
        }
        change.commit().map_err(failed)
    }

    /// Takes an entry to send it, and counts the attempt: on disk before its first byte is sent.
    /// Nothing if it does not wait any more, or is over.
    pub fn take(&mut self, id: i64, base_url: &str) -> Result<Option<Entry>, Failure> {
        let change = self.begin().map_err(failed)?;
        let Some(mut entry) = find_id(&change, id).map_err(failed)? else {
            return Ok(None);
        };
        // It may have been submitted anew, for another server.
        if entry.state != State::Waiting || entry.base_url != base_url || !entry.is_known {
            return Ok(None);
        }
        if entry.cancelling {
            entry.finish(State::Cancelled);
        } else if entry.expires_at != 0 && entry.expires_at <= now() {
            entry.finish(State::Expired);
        } else {
            entry.sending = true;
            entry.report.attempts = entry.report.attempts.saturating_add(1);
        }
        let taken = entry.sending.then(|| entry.clone());
        if let Some(entry) = &taken {
            // Should the process die now, LifePay may have it.
            let mut on_disk = entry.clone();
            on_disk.report.outcome = LP_OUTCOME_UNKNOWN;
            save(&change, &on_disk).map_err(failed)?;
        } else {
            save(&change, &entry).map_err(failed)?;
        }
        change.commit().map_err(failed)?;
        Ok(taken)
    }

    /// Puts back an entry that was taken, with what has come of it.
    pub fn put_back(&mut self, entry: &Entry) -> Result<Entry, Failure> {
        let mut entry = entry.clone();
        entry.sending = false;
        let change = self.begin().map_err(failed)?;
        // The wish to cancel may have come meanwhile, from anywhere.
        let there = find_id(&change, entry.id).map_err(failed)?;
        let cancelling = there.is_some_and(|there| there.cancelling);
        if entry.state == State::Waiting {
            if cancelling {
                entry.finish(State::Cancelled);
            } else if entry.expires_at != 0 && entry.expires_at <= now() {
                entry.finish(State::Expired);
            }
        }
        save(&change, &entry).map_err(failed)?;
        change.commit().map_err(failed)?;
        Ok(entry)
    }

    /// Ends what has waited too long. Returns how many there were.
    pub fn expire(&mut self, base_url: &str) -> Result<usize, Failure> {
        let sql =
            format!("WHERE {WAITING} AND sending = 0 AND expires_at > 0 AND expires_at <= ?2");
        let now = now();
        let any = format!("SELECT 1 FROM request {sql} LIMIT 1");
        let any = self
            .connection
            .prepare_cached(&any)
            .and_then(|mut query| query.query_row(params![base_url, now], |_| Ok(())))
            .optional();
        if any.map_err(failed)?.is_none() {
            return Ok(0);
        }
        let change = self.begin().map_err(failed)?;
        let entries = entries_where(&change, &sql, params![base_url, now]).map_err(failed)?;
        for mut entry in entries.iter().cloned() {
            entry.finish(State::Expired);
            save(&change, &entry).map_err(failed)?;
        }
        change.commit().map_err(failed)?;
        Ok(entries.len())
    }

    /// Removes what was finished longer ago than `keep`. What was submitted after an entry that is not
    /// that old only seems old, because the clock was wrong: it stays.
    pub fn prune(&mut self, keep: Duration) -> Result<(), Failure> {
        let now = now();
        let before = now.saturating_sub(millis(keep));
        let change = self.begin().map_err(failed)?;
        let sql = "SELECT ifnull(min(id), ?3) FROM request
            WHERE submitted_at BETWEEN ?1 AND ?2 OR answered_at BETWEEN ?1 AND ?2";
        let first_kept: i64 = change
            .query_row(sql, [before, now, i64::MAX], |row| row.get(0))
            .map_err(failed)?;
        let which = "state IN (1, 2, 3, 4) AND answered_at > 0 AND answered_at < ?1 AND id < ?2";
        remove(change, which, params![before, first_kept]).map_err(failed)
    }

    pub fn retry_now(&mut self, ext_id: &str, base_url: &str) -> Result<i64, Failure> {
        let change = self.begin().map_err(failed)?;
        let found = find(&change, ext_id).map_err(failed)?;
        let mut entry = found.ok_or(Failure::NotFound)?;
        let refuse = |message: &str| Err(Failure::argument("ext_id", message));
        if entry.base_url != base_url {
            return refuse("запрос принадлежит другому base_url");
        }
        if !matches!(entry.state, State::Waiting | State::Rejected) || !entry.is_known {
            return refuse("запрос завершён; отправьте его снова через lp_outbox_submit");
        }
        if !entry.reopen() {
            return refuse("срок запроса истёк; отправьте новый");
        }
        save(&change, &entry).map_err(failed)?;
        change.commit().map_err(failed)?;
        Ok(entry.id)
    }

    pub fn retry_all_now(&mut self, base_url: &str) -> Result<Vec<i64>, Failure> {
        let change = self.begin().map_err(failed)?;
        let mut due = Vec::new();
        let sql = "WHERE state IN (0, 2) AND base_url = ?1 AND sending = 0
            AND operation = 'create-session'";
        for mut entry in entries_where(&change, sql, params![base_url]).map_err(failed)? {
            if entry.reopen() {
                save(&change, &entry).map_err(failed)?;
                due.push(entry.id);
            }
        }
        change.commit().map_err(failed)?;
        Ok(due)
    }

    /// Ends an entry that waits; one that is being sent is marked, so that its sender ends it, unless
    /// it is known that it has none.
    pub fn cancel(&mut self, ext_id: &str, has_no_sender: bool) -> Result<Entry, Failure> {
        let change = self.begin().map_err(failed)?;
        let found = find(&change, ext_id).map_err(failed)?;
        let mut entry = found.ok_or(Failure::NotFound)?;
        if entry.state == State::Waiting {
            if entry.sending && !has_no_sender {
                entry.cancelling = true;
            } else {
                entry.finish(State::Cancelled);
            }
            save(&change, &entry).map_err(failed)?;
        }
        change.commit().map_err(failed)?;
        Ok(entry)
    }

    pub fn forget(&mut self, ext_id: &str) -> Result<(), Failure> {
        let change = self.begin().map_err(failed)?;
        let found = find(&change, ext_id).map_err(failed)?;
        let entry = found.ok_or(Failure::NotFound)?;
        if entry.state == State::Waiting {
            let message = "запрос ещё ждёт ответа; сначала lp_outbox_cancel";
            return Err(Failure::Argument(vec![FieldError::new("ext_id", message)]));
        }
        remove(change, "id = ?1", params![entry.id]).map_err(failed)
    }
}

fn has_no_tables(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })
}

/// Removes the entries for which `which` is true, of these values, and ends the change.
fn remove(change: Transaction, which: &str, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
    let highest = format!(
        "UPDATE highest SET id = max(id, (SELECT max(id) FROM request))
         WHERE EXISTS (SELECT 1 FROM request WHERE {which})"
    );
    change.execute(&highest, values)?;
    change.execute(&format!("DELETE FROM request WHERE {which}"), values)?;
    change.commit()
}

/// Which fields of an entry are not those of a request, by their names on the page.
fn differing(entry: &Entry, request: &str, base_url: &str) -> Vec<&'static str> {
    let mut fields = Vec::new();
    if !entry.is_known {
        fields.push("operation");
    }
    if entry.base_url != base_url {
        fields.push("base_url");
    }
    if entry.request != request {
        fields.extend(shift::differing_fields(&entry.request, request));
    }
    fields
}

fn find(connection: &Connection, ext_id: &str) -> rusqlite::Result<Option<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM request WHERE ext_id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([ext_id], entry)
        .optional()
}

fn find_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM request WHERE id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([id], entry)
        .optional()
}

fn entries_where(
    connection: &Connection,
    sql: &str,
    values: impl Params,
) -> rusqlite::Result<Vec<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM request {sql}");
    let mut query = connection.prepare_cached(&sql)?;
    let rows = query.query_map(values, entry)?;
    rows.collect()
}

fn save(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let sql = "UPDATE request SET state = ?2, sending = ?3, cancelling = ?4, report = ?5,
        next_attempt_at = ?6, answered_at = ?7, attempts = ?8, retry_after_ms = ?9 WHERE id = ?1";
    connection
        .prepare_cached(sql)?
        .execute(params![
            entry.id,
            entry.state as i64,
            entry.sending,
            entry.cancelling,
            to_text(&entry.report),
            entry.next_attempt_at,
            entry.answered_at,
            entry.report.attempts,
            entry.report.retry_after_ms
        ])
        .map(drop)
}

fn entry(row: &Row) -> rusqlite::Result<Entry> {
    let ext_id: String = row.get(2)?;
    let report: String = row.get(9)?;
    let operation: String = row.get(14)?;
    // What only a later version knows is nothing that this one may send or replace.
    let state = State::from_number(row.get(6)?).unwrap_or(State::Unknown);
    Ok(Entry {
        id: row.get(0)?,
        base_url: row.get(1)?,
        login: row.get(3)?,
        target_serial: row.get(4)?,
        request: row.get(5)?,
        state,
        is_known: operation == shift::OPERATION,
        sending: row.get(7)?,
        cancelling: row.get(8)?,
        report: serde_json::from_str(&report).unwrap_or_else(|_| state.report(&ext_id)),
        submitted_at: row.get(10)?,
        next_attempt_at: row.get(11)?,
        answered_at: row.get(12)?,
        expires_at: row.get(13)?,
        ext_id,
    })
}

fn to_text(report: &Report) -> String {
    serde_json::to_string(report).unwrap_or_default()
}
