//! The file of requests, and the host's operations on it. The sender's operations are in `queue`.
//!
//! Every method is one transaction.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{params, Transaction};

use super::clock::{millis, Look};
use super::database::Database;
use super::entry::{Entry, State};
use super::failure::failed;
use super::row::{entries_where, find, operation, remove, save, to_text, KNOWN};
use super::Submission;
use crate::code::Outcome;
use crate::failure::{Failure, Refusal};
use crate::fault::{Fault, Wrong};
use crate::protocol::request;
use crate::report::Report;

/// The new id is greater than all present and past ids.
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

/// The file. It is read whenever something may be due: a copy of the due times in memory could
/// contradict what a host or another process has written.
pub struct Store {
    pub(super) database: Database,
    /// Entries of other base URLs are not sent.
    pub(super) base_url: String,
    /// Whether this store is the sender. Only the sender takes entries.
    pub(super) is_sender: bool,
    /// The last look at the clock.
    look: Look,
    /// The entries that this process is sending; true: the attempt is to be aborted.
    pub(super) in_flight: BTreeMap<i64, Arc<AtomicBool>>,
}

impl Store {
    /// Opens the file, and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// See [`Database::open`].
    pub fn open(path: &Path, base_url: &str) -> Result<Store, Failure> {
        let database = Database::open(path)?;
        let look = Look::at(&database.connection).map_err(failed)?;
        Ok(Store {
            database,
            base_url: base_url.to_owned(),
            is_sender: false,
            look,
            in_flight: BTreeMap::new(),
        })
    }

    /// Returns the time in Unix milliseconds. If the clock has jumped, first moves the times of pending
    /// entries. Must be called several times a second.
    pub(super) fn now(&mut self) -> Result<i64, Failure> {
        let now = Look::at(&self.database.connection).map_err(failed)?;
        if self.look.jump(&now) == 0 {
            self.look = now;
        } else {
            self.follow().map_err(failed)?;
        }
        Ok(self.look.wall())
    }

    fn follow(&mut self) -> rusqlite::Result<()> {
        // Until this transaction ends, no other process follows a jump.
        let change = self.database.begin()?;
        let mut now = Look::at(&change)?;
        let jump = self.look.jump(&now);
        if jump != 0 {
            now.follow(&change, &self.look, jump)?;
            change.commit()?;
            log::info!("outbox: the clock has jumped by {} s", jump / 1000);
        }
        self.look = now;
        Ok(())
    }

    /// Runs `work` in a transaction and passes it the time. Until the transaction ends, no other
    /// process moves the times of entries, so the times in the file match the clock that was read.
    pub(super) fn change<T>(
        &mut self,
        work: impl FnOnce(&Transaction, i64) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            let change = self.database.begin().map_err(failed)?;
            let now = Look::at(&change).map_err(failed)?;
            if self.look.is_of_the_same_clock(&now) {
                let done = work(&change, now.wall())?;
                change.commit().map_err(failed)?;
                return Ok(done);
            }
            drop(change);
            // The clock has jumped since the last look, or another process has followed a jump.
            self.now()?;
        }
    }

    pub fn submit(&mut self, submission: &Submission) -> Result<Report, Failure> {
        self.database.check_path()?;
        let request = &submission.request;
        let internal = |error: serde_json::Error| Failure::Internal(error.to_string());
        let json = request.json().map_err(internal)?;
        let ext_id = request.ext_id.as_deref();
        let ext_id = ext_id.ok_or_else(|| Failure::Internal("no ext_id".to_owned()))?;
        let base_url = self.base_url.clone();
        let (report, wanted) = self.change(|change, now| {
            let expires_at = submission
                .expires_after
                .map_or(0, |after| now.saturating_add(millis(after)));
            let mut report = Report::pending(Some(ext_id));
            let existing = find(change, ext_id).map_err(failed)?;
            if let Some(entry) = &existing {
                let is_over = entry.is_waiting() && !entry.sending && entry.is_over(now);
                // An ext_id belongs to one document: LifePay may have the request of a finished entry
                // too.
                let is_other = entry.path.as_deref() != Some(&*request.path);
                if is_other || (entry.state.holds_its_ext_id() && !is_over) {
                    let differs = differing(entry, &request.path, &json, &base_url);
                    if !differs.is_empty() {
                        let wrong = Wrong::Taken {
                            ext_id: ext_id.to_owned(),
                            fields: differs,
                            is_accepted: entry.state == State::Accepted,
                        };
                        return Err(Fault::new("ext_id", wrong).into());
                    }
                    if !entry.is_waiting() {
                        return Ok((entry.report.clone(), None));
                    }
                    // submitted_at must not be ahead of the clock. If the clock was set back while no
                    // process ran, the next jump would otherwise not move this entry.
                    let sql = "UPDATE request SET expires_at = ?2, cancelling = 0,
                        submitted_at = min(submitted_at, ?3) WHERE id = ?1";
                    let wanted = change.execute(sql, [entry.id, expires_at, now]);
                    wanted.map_err(failed)?;
                    return Ok((entry.report.clone(), Some(entry.id)));
                }
                // LifePay may have an earlier request with this ext_id.
                if entry.report.outcome != Outcome::NotSent {
                    report.outcome = Outcome::Unknown;
                }
            }
            let sql = if existing.is_some() { REPLACE } else { INSERT };
            change
                .prepare_cached(sql)
                .and_then(|mut write| {
                    write.execute(params![
                        operation(&request.path),
                        base_url,
                        ext_id,
                        request.login,
                        request.target_serial,
                        json,
                        to_text(&report),
                        now,
                        expires_at
                    ])
                })
                .map_err(failed)?;
            Ok((report, None))
        })?;
        if let Some(id) = wanted {
            self.set_cancelled(id, false);
        }
        Ok(report)
    }

    /// Removes entries that were finished longer ago than `keep`. If an entry was submitted after one
    /// that is not that old, it only seems old because the clock was wrong, and is kept.
    pub fn prune(&mut self, keep: Duration) -> Result<(), Failure> {
        self.change(|change, now| prune(change, now, keep).map_err(failed))
    }

    pub fn retry_now(&mut self, ext_id: &str) -> Result<(), Failure> {
        let base_url = self.base_url.clone();
        self.change(|change, now| {
            let found = find(change, ext_id).map_err(failed)?;
            let mut entry = found.ok_or(Failure::NotFound)?;
            if entry.base_url != base_url && entry.state.may_be_sent() {
                return Err(Failure::Refused(Refusal::OfAnotherBaseUrl));
            }
            entry.retry_now(now).map_err(Failure::Refused)?;
            save(change, &entry).map_err(failed)
        })
    }

    pub fn retry_all_now(&mut self) -> Result<(), Failure> {
        let base_url = self.base_url.clone();
        self.change(|change, now| {
            let sql = format!("WHERE state IN (0, 2) AND base_url = ?1 AND {KNOWN}");
            for mut entry in entries_where(change, &sql, params![base_url]).map_err(failed)? {
                if entry.retry_now(now).is_ok() {
                    save(change, &entry).map_err(failed)?;
                }
            }
            Ok(())
        })
    }

    /// Cancels a pending entry. An entry that is being sent is only marked, and its sender cancels it,
    /// unless `has_no_sender` is set.
    pub fn cancel(&mut self, ext_id: &str, has_no_sender: bool) -> Result<Entry, Failure> {
        let entry = self.change(|change, now| {
            let found = find(change, ext_id).map_err(failed)?;
            let mut entry = found.ok_or(Failure::NotFound)?;
            if entry.is_waiting() {
                if entry.sending && !has_no_sender {
                    entry.cancelling = true;
                } else {
                    entry.finish(State::Cancelled, now);
                }
                save(change, &entry).map_err(failed)?;
            }
            Ok(entry)
        })?;
        self.set_cancelled(entry.id, true);
        Ok(entry)
    }

    pub fn forget(&mut self, ext_id: &str) -> Result<(), Failure> {
        self.change(|change, _| {
            let found = find(change, ext_id).map_err(failed)?;
            let entry = found.ok_or(Failure::NotFound)?;
            if entry.is_waiting() {
                return Err(Failure::Refused(Refusal::Pending));
            }
            remove(change, "id = ?1", params![entry.id]).map_err(failed)
        })
    }
}

fn prune(change: &Transaction, now: i64, keep: Duration) -> rusqlite::Result<()> {
    let before = now.saturating_sub(millis(keep));
    let sql = "SELECT ifnull(min(id), ?3) FROM request
        WHERE submitted_at BETWEEN ?1 AND ?2 OR answered_at BETWEEN ?1 AND ?2";
    let first_kept: i64 =
        change.query_row(sql, params![before, now, i64::MAX], |row| row.get(0))?;
    let which = "state IN (1, 2, 3, 4) AND answered_at > 0 AND answered_at < ?1 AND id < ?2";
    remove(change, which, params![before, first_kept])
}

/// Returns the fields in which an entry differs from a request, by their names on LifePay's page.
fn differing(entry: &Entry, path: &str, json: &str, base_url: &str) -> Vec<&'static str> {
    let mut fields = Vec::new();
    if entry.path.as_deref() != Some(path) {
        fields.push("path");
    }
    if entry.base_url != base_url {
        fields.push("base_url");
    }
    if entry.request != json {
        fields.extend(request::differing_fields(&entry.request, json));
    }
    fields
}
