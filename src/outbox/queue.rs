//! The sender's operations on the file: it takes due entries, writes them back, and finishes expired
//! ones.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{params, Connection, OptionalExtension, Transaction};

use super::clock::millis;
use super::entry::{Entry, State};
use super::failure::failed;
use super::row::{entries_where, find_id, save, KNOWN, WAITING};
use super::store::Store;
use crate::code::Outcome;
use crate::delivery::schedule::Schedule;
use crate::failure::Failure;

/// An entry to make an attempt for.
pub struct Taken {
    pub entry: Entry,
    /// The attempt is to be aborted.
    pub is_cancelled: Arc<AtomicBool>,
}

/// An entry whose attempt is over, with its new state and report.
pub struct Sent {
    pub entry: Entry,
    /// The pause before the next attempt, if the entry is still pending; None: it stays due.
    pub pause: Option<Duration>,
}

impl Store {
    /// Makes this store the sender. Entries that a dead sender was sending may have been sent; they
    /// become due at once. A due time that is later than the schedule allows, because the clock was
    /// changed while there was no sender, is moved to the schedule's.
    pub fn begin_sending(&mut self, schedule: &Schedule) -> Result<(), Failure> {
        self.database.sync_log()?;
        let base_url = self.base_url.clone();
        self.change(|change, now| {
            let sql = format!("WHERE {WAITING} AND (sending = 1 OR next_attempt_at > ?2)");
            for mut entry in entries_where(change, &sql, params![base_url, now]).map_err(failed)? {
                let asked = Duration::from_millis(u64::from(entry.report.retry_after_ms));
                let pause = schedule.pause_after(entry.report.attempts).max(asked);
                let latest = now.saturating_add(millis(pause));
                if entry.sending {
                    entry.sending = false;
                    entry.next_attempt_at = entry.next_attempt_at.min(now);
                } else if entry.next_attempt_at > latest {
                    entry.next_attempt_at = latest;
                } else {
                    continue;
                }
                save(change, &entry).map_err(failed)?;
            }
            Ok(())
        })?;
        self.is_sender = true;
        Ok(())
    }

    pub fn is_sender(&self) -> bool {
        self.is_sender
    }

    /// Returns how many entries are due, up to `most`, and the time until the next one is due.
    pub fn due(&mut self, most: usize) -> Result<(usize, Option<Duration>), Failure> {
        let now = self.now()?;
        let mut due = 0;
        let next = self
            .first_where(i64::MAX, |next_attempt_at| {
                due += usize::from(next_attempt_at <= now);
                next_attempt_at > now || due == most
            })
            .map_err(failed)?;
        let left = |at: i64| u64::try_from(at.saturating_sub(now)).unwrap_or(0);
        Ok((due, next.map(|at| Duration::from_millis(left(at)))))
    }

    /// Returns the due time of the first entry that is due by `limit`, is not being sent, and for which
    /// `is_it` returns true.
    fn first_where(
        &self,
        limit: i64,
        mut is_it: impl FnMut(i64) -> bool,
    ) -> rusqlite::Result<Option<i64>> {
        let (connection, base_url) = (&self.database.connection, &self.base_url);
        let is_it = |id, at| !self.in_flight.contains_key(&id) && is_it(at);
        Ok(first_due(connection, base_url, limit, is_it)?.map(|(_, at)| at))
    }

    /// Writes back `sent`, and takes up to `wanted` due entries, the longest due first. This is one
    /// commit: it is on disk before an outcome is reported and before the first byte of a taken entry
    /// is sent. Cancelled and expired entries are finished here.
    pub fn turn(&mut self, sent: &[&Sent], wanted: usize) -> Result<Vec<Taken>, Failure> {
        if sent.is_empty() {
            // Usually nothing is due, and that needs no transaction.
            let now = self.now()?;
            let due = self.first_where(now, |_| true).map_err(failed)?;
            if wanted == 0 || due.is_none() {
                return Ok(Vec::new());
            }
        }
        let base_url = self.base_url.clone();
        let mut seen: BTreeSet<i64> = self.in_flight.keys().copied().collect();
        for sent in sent {
            seen.remove(&sent.entry.id);
        }
        let entries = self.change(|change, now| {
            for sent in sent {
                put_back(change, sent, now).map_err(failed)?;
            }
            let mut entries = Vec::new();
            while entries.len() < wanted {
                let due = first_due(change, &base_url, now, |id, _| !seen.contains(&id));
                let Some((id, _)) = due.map_err(failed)? else {
                    break;
                };
                seen.insert(id);
                entries.extend(take(change, id, now).map_err(failed)?);
            }
            Ok(entries)
        })?;
        for sent in sent {
            self.in_flight.remove(&sent.entry.id);
        }
        let taken = entries.into_iter().map(|entry| {
            let is_cancelled = Arc::default();
            self.in_flight.insert(entry.id, Arc::clone(&is_cancelled));
            Taken {
                entry,
                is_cancelled,
            }
        });
        Ok(taken.collect())
    }

    /// Aborts the attempts that another process wants cancelled.
    pub fn apply_cancellations(&mut self) -> Result<(), Failure> {
        let mut query = self
            .database
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

    pub fn set_cancelled(&self, id: i64, whether: bool) {
        if let Some(is_cancelled) = self.in_flight.get(&id) {
            is_cancelled.store(whether, Ordering::SeqCst);
        }
    }

    /// Returns the other base URLs that have expired entries.
    pub fn expired_foreign(&mut self) -> Result<Vec<String>, Failure> {
        let now = self.now()?;
        let sql = format!(
            "SELECT DISTINCT base_url FROM request WHERE state = 0 AND base_url <> ?1
             AND {KNOWN} AND expires_at > 0 AND expires_at <= ?2"
        );
        let mut query = self
            .database
            .connection
            .prepare_cached(&sql)
            .map_err(failed)?;
        let rows = query
            .query_map(params![self.base_url, now], |row| row.get(0))
            .map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// Finishes the expired entries of a base URL and returns their number. The caller must hold the
    /// sender lock of that base URL.
    pub fn expire(&mut self, base_url: &str) -> Result<usize, Failure> {
        let now = self.now()?;
        let sql = format!("WHERE {WAITING} AND expires_at > 0 AND expires_at <= ?2");
        let any = format!("SELECT 1 FROM request {sql} LIMIT 1");
        let any = self
            .database
            .connection
            .prepare_cached(&any)
            .and_then(|mut query| query.query_row(params![base_url, now], |_| Ok(())))
            .optional();
        if any.map_err(failed)?.is_none() {
            return Ok(0);
        }
        let in_flight: Vec<i64> = self.in_flight.keys().copied().collect();
        self.change(|change, now| {
            let over = entries_where(change, &sql, params![base_url, now]).map_err(failed)?;
            let mut count = 0;
            for mut entry in over {
                if !in_flight.contains(&entry.id) {
                    entry.finish(State::Expired, now);
                    save(change, &entry).map_err(failed)?;
                    count += 1;
                }
            }
            Ok(count)
        })
    }
}

/// Returns the id and the due time of the first entry that is due by `limit` and for which `is_it`,
/// called with both, returns true.
fn first_due(
    connection: &Connection,
    base_url: &str,
    limit: i64,
    mut is_it: impl FnMut(i64, i64) -> bool,
) -> rusqlite::Result<Option<(i64, i64)>> {
    let sql = format!(
        "SELECT id, next_attempt_at FROM request WHERE {WAITING} AND next_attempt_at <= ?2
         ORDER BY next_attempt_at"
    );
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query(params![base_url, limit])?;
    while let Some(row) = rows.next()? {
        let (id, next_attempt_at) = (row.get(0)?, row.get(1)?);
        if is_it(id, next_attempt_at) {
            return Ok(Some((id, next_attempt_at)));
        }
    }
    Ok(None)
}

/// Counts an attempt for a due entry and returns the entry. None if it must not be sent any more.
fn take(change: &Transaction, id: i64, now: i64) -> rusqlite::Result<Option<Entry>> {
    let Some(mut entry) = find_id(change, id)?.filter(Entry::is_waiting) else {
        return Ok(None);
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
        // If the process dies now, LifePay may have the request.
        on_disk.report.outcome = Outcome::Unknown;
    }
    save(change, &on_disk)?;
    Ok(Some(entry).filter(|entry| entry.sending))
}

/// Writes the result of an attempt. The row holds the wishes of the host and of other processes that
/// arrived meanwhile.
fn put_back(change: &Transaction, sent: &Sent, now: i64) -> rusqlite::Result<()> {
    let (sent, pause) = (&sent.entry, sent.pause);
    let Some(mut entry) = find_id(change, sent.id)?.filter(Entry::is_waiting) else {
        return Ok(());
    };
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
    save(change, &entry)
}
