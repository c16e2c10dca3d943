//! The file of requests: a SQLite database.
//!
//! Write-ahead log with `synchronous = FULL`: a commit is on the disk when it returns, at the cost
//! of one sync of the log. Every method is one transaction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{
    params, Connection, OptionalExtension, Params, Row, ToSql, Transaction, TransactionBehavior,
};

use super::clock::{millis, Clock};
use super::entry::{Entry, State};
use super::failure::{failed, is_busy, DAMAGED};
use super::{file, taken, Submission};
use crate::error::{Failure, Refusal};
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
";

/// What is due next, and what has expired, is found here without a look at the rows. Files of before
/// have an index that knows only the latter.
const INDEX: &str = "
    DROP INDEX IF EXISTS request_by_state;
    CREATE INDEX IF NOT EXISTS request_by_due
        ON request (state, base_url, operation, next_attempt_at, expires_at);
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

/// The file. It is the only plan: what is due is asked of it whenever something may be sent, so that
/// no memory of ours can contradict what a host or another process has written.
pub struct Store {
    connection: Connection,
    /// The write-ahead log.
    log: PathBuf,
    /// Entries of other base URLs are not sent.
    base_url: String,
    /// Whether this store sends: then it alone takes entries, and moves their times with the clock.
    is_sender: bool,
    /// When the file was opened.
    opened: Clock,
    /// The last look at the clock.
    looked: Clock,
    /// What is being sent by this process; true: the attempt is to be broken off.
    in_flight: BTreeMap<i64, Arc<AtomicBool>>,
}

/// An entry to make an attempt for.
pub struct Taken {
    pub entry: Entry,
    /// The attempt is to be broken off.
    pub is_cancelled: Arc<AtomicBool>,
}

impl Store {
    /// Opens the file and makes the table if it is empty.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`]: not a database, not ours, damaged, of a later version, not writable.
    pub fn open(path: &Path, base_url: &str) -> Result<Store, Failure> {
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
        let now = Clock::read();
        let mut store = Store {
            connection,
            log,
            base_url: base_url.to_owned(),
            is_sender: false,
            opened: now,
            looked: now,
            in_flight: BTreeMap::new(),
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
        change.execute_batch(INDEX)?;
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

    /// The time, Unix milliseconds. After a jump of the clock, the sender first moves the times of all
    /// pending entries by as much.
    fn now(&mut self) -> Result<i64, Failure> {
        let now = Clock::read();
        let jump = self.looked.jump(&now);
        if jump != 0 && self.is_sender {
            self.move_times(jump, &now).map_err(failed)?;
            log::info!("outbox: the clock has jumped by {} s", jump / 1000);
        }
        self.looked = now;
        Ok(now.wall)
    }

    /// Moves the times of pending entries by `jump`, but for those that were submitted by the clock as
    /// it is now: by another process since the last look, or long ago, and the clock had been wrong.
    fn move_times(&mut self, jump: i64, now: &Clock) -> rusqlite::Result<()> {
        let expected = self.looked.expected(now);
        let since_look = expected.saturating_sub(self.looked.wall);
        // An attempt under way recognises a wish to retry by a changed due time.
        let sql = format!(
            "UPDATE request SET submitted_at = submitted_at + ?2,
                expires_at = iif(expires_at = 0, 0, expires_at + ?2),
                next_attempt_at = iif(sending = 1, next_attempt_at, next_attempt_at + ?2)
             WHERE {WAITING} AND submitted_at <= ?3 AND submitted_at NOT BETWEEN ?4 AND ?5"
        );
        let values = params![
            self.base_url,
            jump,
            expected,
            now.wall.saturating_sub(since_look),
            now.wall
        ];
        self.connection.execute(&sql, values).map(drop)
    }

    pub fn submit(&mut self, submission: &Submission) -> Result<Report, Failure> {
        let shift = &submission.shift;
        let request = shift
            .request()
            .map_err(|error| Failure::Internal(error.to_string()))?;
        let now = self.now()?;
        let expires_at = submission
            .expires_after
            .map_or(0, |after| now.saturating_add(millis(after)));
        let mut report = Report::of(&shift.ext_id);
        let base_url = self.base_url.clone();
        let change = self.begin().map_err(failed)?;
        let existing = find(&change, &shift.ext_id).map_err(failed)?;
        if let Some(entry) = &existing {
            let is_over = entry.is_waiting() && !entry.sending && entry.is_over(now);
            if entry.state.holds_its_ext_id() && !is_over {
                let differs = differing(entry, &request, &base_url);
                if !differs.is_empty() {
                    return Err(taken(&shift.ext_id, &differs));
                }
                let (id, report) = (entry.id, entry.report.clone());
                if entry.is_waiting() {
                    change
                        .execute(
                            "UPDATE request SET expires_at = ?2, cancelling = 0 WHERE id = ?1",
                            [id, expires_at],
                        )
                        .map_err(failed)?;
                    change.commit().map_err(failed)?;
                    self.break_off(id, false);
                }
                return Ok(report);
            }
            // LifePay may have an earlier request with this ext_id.
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
        change.commit().map_err(failed)?;
        Ok(report)
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

    pub fn pending(&mut self) -> Result<u32, Failure> {
        let sql = format!("SELECT count(*) FROM request WHERE {WAITING}");
        self.connection
            .query_row(&sql, [&self.base_url], |row| row.get(0))
            .map_err(failed)
    }

    /// This store is the sender from now on. What one that died was sending may have been sent, and is
    /// sent again at once; a due time that is farther away than the timetable's, since the clock was
    /// changed while nobody sent, is brought back.
    pub fn begin_sending(&mut self, timetable: &Timetable) -> Result<(), Failure> {
        self.sync_log()?;
        let now = self.now()?;
        let base_url = self.base_url.clone();
        let change = self.begin().map_err(failed)?;
        let sql = format!("WHERE {WAITING} AND (sending = 1 OR next_attempt_at > ?2)");
        for mut entry in entries_where(&change, &sql, params![base_url, now]).map_err(failed)? {
            let asked = Duration::from_millis(u64::from(entry.report.retry_after_ms));
            let pause = timetable.pause_after(entry.report.attempts).max(asked);
            let latest = now.saturating_add(millis(pause));
            if entry.sending {
                entry.sending = false;
                entry.next_attempt_at = entry.next_attempt_at.min(now);
            } else if entry.next_attempt_at > latest {
                entry.next_attempt_at = latest;
            } else {
                continue;
            }
            save(&change, &entry).map_err(failed)?;
        }
        change.commit().map_err(failed)?;
        self.is_sender = true;
        Ok(())
    }

    pub fn is_sender(&self) -> bool {
        self.is_sender
    }

    /// How many entries are due, up to `most`, and when the next one will be, in time from now.
    pub fn due(&mut self, most: usize) -> Result<(usize, Option<Duration>), Failure> {
        let now = self.now()?;
        let mut due = 0;
        let next = self
            .first_where(i64::MAX, |next_attempt_at| {
                due += usize::from(next_attempt_at <= now);
                next_attempt_at > now || due == most
            })
            .map_err(failed)?;
        let left = |(_, at): (i64, i64)| u64::try_from(at.saturating_sub(now)).unwrap_or(0);
        Ok((due, next.map(|next| Duration::from_millis(left(next)))))
    }

    /// Of the entries that are due by `limit` and not being sent, the first one for which `is_it`,
    /// given its due time, holds: its id and that time.
    fn first_where(
        &self,
        limit: i64,
        mut is_it: impl FnMut(i64) -> bool,
    ) -> rusqlite::Result<Option<(i64, i64)>> {
        let sql = format!(
            "SELECT id, next_attempt_at FROM request WHERE {WAITING} AND next_attempt_at <= ?2
             ORDER BY next_attempt_at"
        );
        let mut query = self.connection.prepare_cached(&sql)?;
        let mut rows = query.query(params![self.base_url, limit])?;
        while let Some(row) = rows.next()? {
            let (id, next_attempt_at) = (row.get(0)?, row.get(1)?);
            if !self.in_flight.contains_key(&id) && is_it(next_attempt_at) {
                return Ok(Some((id, next_attempt_at)));
            }
        }
        Ok(None)
    }

    /// Takes the entry that has been due for the longest time, and counts the attempt: on disk before
    /// its first byte is sent. None if nothing is due. One that is cancelled or has expired ends here.
    pub fn take(&mut self) -> Result<Option<Taken>, Failure> {
        loop {
            let now = self.now()?;
            let due = self.first_where(now, |_| true).map_err(failed)?;
            let Some((id, _)) = due else { return Ok(None) };
            let change = self.begin().map_err(failed)?;
            // Another process may have changed it since.
            let found = find_id(&change, id).map_err(failed)?;
            let Some(mut entry) =
                found.filter(|entry| entry.is_waiting() && entry.next_attempt_at <= now)
            else {
                continue;
            };
            if entry.cancelling {
                entry.finish(State::Cancelled, now);
            } else if entry.is_over(now) {
                entry.finish(State::Expired, now);
            } else {
                entry.sending = true;
                entry.report.attempts = entry.report.attempts.saturating_add(1);
            }
            let mut on_disk = entry.clone();
            if entry.sending {
                // If the process dies now, LifePay may have it.
                on_disk.report.outcome = LP_OUTCOME_UNKNOWN;
            }
            save(&change, &on_disk).map_err(failed)?;
            change.commit().map_err(failed)?;
            if entry.sending {
                let is_cancelled = Arc::default();
                self.in_flight.insert(id, Arc::clone(&is_cancelled));
                return Ok(Some(Taken {
                    entry,
                    is_cancelled,
                }));
            }
        }
    }

    /// Puts back an entry that was taken, with its new state and report. One that is still pending is
    /// due after `pause`; without one it stays due. What a host or another process has asked for
    /// meanwhile is in the row.
    pub fn put_back(&mut self, sent: &Entry, pause: Option<Duration>) -> Result<(), Failure> {
        let now = self.now()?;
        let change = self.begin().map_err(failed)?;
        let there = find_id(&change, sent.id).map_err(failed)?;
        if let Some(mut entry) = there.filter(Entry::is_waiting) {
            entry.report = sent.report.clone();
            entry.sending = false;
            let is_asked_for = entry.next_attempt_at != sent.next_attempt_at;
            if !sent.is_waiting() {
                entry.end(sent.state, now);
            } else if entry.cancelling {
                entry.finish(State::Cancelled, now);
            } else if entry.is_over(now) {
                entry.finish(State::Expired, now);
            } else if is_asked_for {
                entry.report.retry_after_ms = 0;
                entry.next_attempt_at = now;
            } else if let Some(pause) = pause {
                entry.next_attempt_at = now.saturating_add(millis(pause));
            }
            save(&change, &entry).map_err(failed)?;
        }
        change.commit().map_err(failed)?;
        self.in_flight.remove(&sent.id);
        Ok(())
    }

    /// Breaks off the attempts that another process wants cancelled.
    pub fn heed_cancellations(&mut self) -> Result<(), Failure> {
        let mut query = self
            .connection
            .prepare_cached("SELECT cancelling FROM request WHERE id = ?1")
            .map_err(failed)?;
        for (id, is_cancelled) in &self.in_flight {
            let cancelling = query.query_row([id], |row| row.get(0)).optional();
            if let Some(cancelling) = cancelling.map_err(failed)? {
                is_cancelled.store(cancelling, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    fn break_off(&self, id: i64, whether: bool) {
        if let Some(is_cancelled) = self.in_flight.get(&id) {
            is_cancelled.store(whether, Ordering::SeqCst);
        }
    }

    /// Ends what has waited too long. Returns how many there were.
    pub fn expire(&mut self) -> Result<usize, Failure> {
        let now = self.now()?;
        self.expire_at(&self.base_url.clone(), now)
    }

    /// The same for another base URL, whose sender's lock the caller holds.
    pub fn expire_foreign(&mut self, base_url: &str) -> Result<usize, Failure> {
        let now = self.foreign_now();
        self.expire_at(base_url, now)
    }

    /// The other base URLs that have entries which have waited too long.
    pub fn expired_foreign(&mut self) -> Result<Vec<String>, Failure> {
        let sql = "SELECT DISTINCT base_url FROM request WHERE state = 0 AND base_url <> ?1
            AND operation = 'create-session' AND expires_at > 0 AND expires_at <= ?2";
        let mut query = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows = query
            .query_map(params![self.base_url, self.foreign_now()], |row| row.get(0))
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// The time for entries that no sender watches: the earlier of what the wall clock says and what it
    /// would say had it not jumped since the file was opened.
    fn foreign_now(&self) -> i64 {
        let now = Clock::read();
        now.wall.min(self.opened.expected(&now))
    }

    fn expire_at(&mut self, base_url: &str, now: i64) -> Result<usize, Failure> {
        let sql = format!("WHERE {WAITING} AND expires_at > 0 AND expires_at <= ?2");
        let any = format!("SELECT 1 FROM request {sql} LIMIT 1");
        let any = self
            .connection
            .prepare_cached(&any)
            .and_then(|mut query| query.query_row(params![base_url, now], |_| Ok(())))
            .optional();
        if any.map_err(failed)?.is_none() {
            return Ok(0);
        }
        let in_flight: Vec<i64> = self.in_flight.keys().copied().collect();
        let change = self.begin().map_err(failed)?;
        let mut expired = entries_where(&change, &sql, params![base_url, now]).map_err(failed)?;
        expired.retain(|entry| !in_flight.contains(&entry.id));
        for entry in &mut expired {
            entry.finish(State::Expired, now);
            save(&change, entry).map_err(failed)?;
        }
        change.commit().map_err(failed)?;
        Ok(expired.len())
    }

    /// Removes what was finished longer ago than `keep`. What was submitted after an entry that is not
    /// that old only seems old, because the clock was wrong: it stays.
    pub fn prune(&mut self, keep: Duration) -> Result<(), Failure> {
        let now = self.now()?;
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

    pub fn retry_now(&mut self, ext_id: &str) -> Result<(), Failure> {
        let now = self.now()?;
        let base_url = self.base_url.clone();
        let change = self.begin().map_err(failed)?;
        let found = find(&change, ext_id).map_err(failed)?;
        let mut entry = found.ok_or(Failure::NotFound)?;
        if entry.base_url != base_url && entry.state.may_be_sent() {
            return Err(Failure::Refused(Refusal::OfAnotherBaseUrl));
        }
        entry.retry_now(now).map_err(Failure::Refused)?;
        save(&change, &entry).map_err(failed)?;
        change.commit().map_err(failed)
    }

    pub fn retry_all_now(&mut self) -> Result<(), Failure> {
        let now = self.now()?;
        let base_url = self.base_url.clone();
        let change = self.begin().map_err(failed)?;
        let sql = "WHERE state IN (0, 2) AND base_url = ?1 AND operation = 'create-session'";
        for mut entry in entries_where(&change, sql, params![base_url]).map_err(failed)? {
            if entry.retry_now(now).is_ok() {
                save(&change, &entry).map_err(failed)?;
            }
        }
        change.commit().map_err(failed)
    }

    /// Ends an entry that waits; one that is being sent is marked, so that its sender ends it, unless
    /// it is known that it has none.
    pub fn cancel(&mut self, ext_id: &str, has_no_sender: bool) -> Result<Entry, Failure> {
        let now = self.now()?;
        let change = self.begin().map_err(failed)?;
        let found = find(&change, ext_id).map_err(failed)?;
        let mut entry = found.ok_or(Failure::NotFound)?;
        if entry.is_waiting() {
            if entry.sending && !has_no_sender {
                entry.cancelling = true;
            } else {
                entry.finish(State::Cancelled, now);
            }
            save(&change, &entry).map_err(failed)?;
        }
        change.commit().map_err(failed)?;
        self.break_off(entry.id, true);
        Ok(entry)
    }

    pub fn forget(&mut self, ext_id: &str) -> Result<(), Failure> {
        let change = self.begin().map_err(failed)?;
        let found = find(&change, ext_id).map_err(failed)?;
        let entry = found.ok_or(Failure::NotFound)?;
        if entry.is_waiting() {
            return Err(Failure::Refused(Refusal::Pending));
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

/// A row. One whose columns hold something else than this library writes is read as well as can be:
/// it must not hold up the others.
fn entry(row: &Row) -> rusqlite::Result<Entry> {
    let number = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_i64().unwrap_or(0));
    let ext_id = text(row, 2)?;
    // What only a later version knows is nothing that this one may send or replace.
    let state = row.get_ref(6)?.as_i64().ok().and_then(State::from_number);
    let state = state.unwrap_or(State::Unknown);
    Ok(Entry {
        id: row.get(0)?,
        base_url: text(row, 1)?,
        login: text(row, 3)?,
        target_serial: Some(text(row, 4)?).filter(|serial| !serial.is_empty()),
        request: text(row, 5)?,
        state,
        is_known: text(row, 14)? == shift::OPERATION,
        sending: number(7)? != 0,
        cancelling: number(8)? != 0,
        report: serde_json::from_str(&text(row, 9)?).unwrap_or_else(|_| state.report(&ext_id)),
        submitted_at: number(10)?,
        next_attempt_at: number(11)?,
        answered_at: number(12)?,
        expires_at: number(13)?,
        ext_id,
    })
}

fn text(row: &Row, column: usize) -> rusqlite::Result<String> {
    let bytes = row.get_ref(column)?.as_bytes_or_null();
    let bytes = bytes.ok().flatten().unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn to_text(report: &Report) -> String {
    serde_json::to_string(report).unwrap_or_default()
}
