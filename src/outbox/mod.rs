//! Requests that survive a crash. They are on disk before the first byte is sent, are retried in the
//! background until LifePay answers, and their outcomes are kept.
//!
//! A host holds an [`Outbox`]. It consists of the [`store`], which is the file, and the [`worker`],
//! which sends. Nothing here depends on the C interface.
//!
//! A request goes through these states. Each arrow is a commit that is on disk before the next step:
//!
//! ```text
//! submit ──▶ waiting ──▶ sending ──▶ accepted | rejected | cancelled | expired
//!               ▲           │
//!               └───────────┘ no answer: the schedule sets the next attempt
//! ```

mod claim;
mod clock;
mod database;
mod entry;
mod failure;
mod file;
mod lock;
#[cfg(any(test, fuzzing))]
#[path = "../testing/outbox.rs"]
pub(crate) mod probe;
mod queue;
mod reader;
mod row;
mod sender;
mod store;
mod threads;
mod turn;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::claim::Claim;
pub use self::claim::Claims;
pub use self::entry::Entry;
use self::entry::State;
use self::lock::Lock;
use self::reader::Reader;
use self::store::Store;
use self::worker::Worker;
use crate::code::Outcome;
use crate::delivery::schedule::Schedule;
use crate::failure::{Failure, Refusal};
use crate::messages;
use crate::protocol::request::Request;
use crate::report::Report;
use crate::secret::Secret;
use crate::transport::route::Route;

/// How often a wait checks whether another process has stored the outcome.
const LOOK: Duration = Duration::from_millis(100);
/// How long a cancellation waits for the current attempt to end.
const CANCEL_LIMIT: Duration = Duration::from_secs(3);

/// The settings of an outbox.
pub struct Terms {
    pub apikey: Secret,
    /// The login of requests that do not set one.
    pub login: Option<String>,
    pub route: Route,
    pub schedule: Schedule,
    /// The most attempts at the same time.
    pub concurrency: usize,
    /// How long finished entries are kept.
    pub keep: Duration,
}

/// A request to submit. It must have an ext_id. If `expires_after` is `None`, it never expires.
pub struct Submission {
    pub request: Request,
    pub expires_after: Option<Duration>,
}

/// A file of requests and the threads that send them. Dropping it does not stop the threads;
/// [`Outbox::close`] does.
pub struct Outbox {
    path: PathBuf,
    worker: Arc<Worker>,
}

impl Outbox {
    /// Opens the file, creates it if it does not exist, and starts to send its pending entries.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`] if the file cannot be used; it is left unchanged.
    pub fn open(path: &Path, terms: Terms) -> Result<Outbox, Failure> {
        file::prepare(path)?;
        let path = file::real(path)?;
        let claim = Claim::on(&path)?;
        let store = Store::open(&path, terms.route.base_url())?;
        let reader = Reader::open(&path, terms.route.base_url())?;
        // The store and the reader must have opened the same file.
        store.database.check_path()?;
        let worker = Worker::start(claim, &path, store, reader, terms)?;
        Ok(Outbox { path, worker })
    }

    /// The settings that this outbox was opened with.
    pub fn terms(&self) -> &Terms {
        &self.worker.terms
    }

    /// Writes a request to disk. If an entry with its ext_id is pending or accepted, nothing is
    /// submitted and the report describes that entry. A pending entry gets the new expiry, and a
    /// cancellation that has not taken effect is withdrawn. A rejected, cancelled or expired entry is
    /// replaced.
    ///
    /// # Errors
    ///
    /// [`Failure::Argument`] if the entry with this ext_id has different fields, [`Failure::Outbox`] if
    /// the request could not be written.
    pub fn submit(&self, submission: &Submission) -> Result<Report, Failure> {
        self.worker.if_open()?;
        let report = self.worker.store(|store| store.submit(submission))?;
        self.worker.may_be_due();
        Ok(report)
    }

    /// Whether it is certain that no request with this ext_id was or will be sent, after a submit that
    /// failed with `failure`. `is_new`: the library generated the ext_id for this submit.
    pub fn is_unsent(&self, ext_id: &str, is_new: bool, failure: &Failure) -> bool {
        if failure.is_gone() {
            // Another process may have sent this ext_id from the file that is now at the path.
            return is_new;
        }
        !failure.may_be_on_disk()
            && match self.worker.read(|reader| reader.find(ext_id)) {
                Ok(None) => true,
                Ok(Some(there)) => !there.is_waiting() && there.report.outcome == Outcome::NotSent,
                Err(_) => false,
            }
    }

    /// Waits for the outcome of an entry, up to `limit`, and returns the entry's report. If the entry
    /// cannot be sent, because it belongs to another base URL or is rejected and expired, the report's
    /// message says so.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`] if there is no such entry, [`Failure::Closed`] if the outbox is closed
    /// meanwhile.
    pub fn wait(&self, ext_id: &str, limit: Duration) -> Result<Report, Failure> {
        let entry = self.wait_while(ext_id, limit, Entry::is_waiting)?;
        let refusal = if entry.state.may_be_sent() && self.is_foreign(&entry) {
            Some(Refusal::OfAnotherBaseUrl)
        } else if entry.state == State::Rejected && entry.is_over(clock::wall()) {
            // A clock jump does not move the times of a rejected entry.
            Some(Refusal::Expired)
        } else {
            None
        };
        let mut report = entry.report;
        if let Some(refusal) = refusal {
            report.message = messages::with_refusal(report.message.into(), refusal).into();
        }
        Ok(report)
    }

    /// Waits while `keeps_waiting` returns true for the entry, up to `limit`, and returns the entry.
    fn wait_while(
        &self,
        ext_id: &str,
        limit: Duration,
        keeps_waiting: impl Fn(&Entry) -> bool,
    ) -> Result<Entry, Failure> {
        let started = Instant::now();
        loop {
            self.worker.if_open()?;
            let seen = self.worker.changes();
            let entry = self
                .worker
                .read(|reader| reader.find(ext_id))?
                .ok_or(Failure::NotFound)?;
            let left = limit.saturating_sub(started.elapsed());
            if !keeps_waiting(&entry) || left.is_zero() {
                return Ok(entry);
            }
            self.worker.wait_for_change(seen, left.min(LOOK));
        }
    }

    /// All entries, in the order in which they were first submitted.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`].
    pub fn entries(&self) -> Result<Vec<Entry>, Failure> {
        self.worker.if_open()?;
        self.worker.read(|reader| reader.entries())
    }

    /// Whether an entry belongs to another base URL than this outbox. This outbox never sends such an
    /// entry.
    pub fn is_foreign(&self, entry: &Entry) -> bool {
        entry.base_url != self.worker.terms.route.base_url()
    }

    /// Returns the number of pending entries that this outbox sends.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`].
    pub fn pending(&self) -> Result<u32, Failure> {
        self.worker.if_open()?;
        self.worker.read(|reader| reader.pending())
    }

    /// Makes a pending or rejected entry due at once; without an ext_id, all of them.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`], or [`Failure::Refused`] if the entry must not be sent.
    pub fn retry_now(&self, ext_id: Option<&str>) -> Result<(), Failure> {
        self.worker.if_open()?;
        self.worker.store(|store| match ext_id {
            Some(ext_id) => store.retry_now(ext_id),
            None => store.retry_all_now(),
        })?;
        self.worker.may_be_due();
        Ok(())
    }

    /// Stops the retries of an entry and returns its report. If LifePay answers the current attempt
    /// first, that answer is the outcome.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`].
    pub fn cancel(&self, ext_id: &str) -> Result<Report, Failure> {
        self.worker.if_open()?;
        let mut entry = self.worker.store(|store| store.cancel(ext_id, false))?;
        if entry.sending && self.is_foreign(&entry) {
            // The process that was sending this entry may have died. While this process holds the
            // lock of the base URL, no other process sends to it.
            let lock = Lock::open(&self.path, &entry.base_url)?;
            if lock.take()? {
                entry = self.worker.store(|store| store.cancel(ext_id, true))?;
            }
        }
        self.worker.changed();
        if !entry.is_waiting() {
            return Ok(entry.report);
        }
        // This process or another one is sending the entry now, or the entry was submitted again.
        let is_ending = |entry: &Entry| entry.is_waiting() && entry.cancelling;
        let entry = self.wait_while(ext_id, CANCEL_LIMIT, is_ending)?;
        Ok(entry.report)
    }

    /// Removes a finished entry.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`], or [`Failure::Refused`] if the entry is pending.
    pub fn forget(&self, ext_id: &str) -> Result<(), Failure> {
        self.worker.if_open()?;
        self.worker.store(|store| store.forget(ext_id))
    }

    /// Stops sending and wakes waiting calls. Returns within a second, even if an attempt is still
    /// running.
    pub fn close(&self) {
        self.worker.close();
    }
}
