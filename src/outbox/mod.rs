//! Requests that survive a crash: on disk before their first byte is sent, repeated in the
//! background until LifePay has answered, their outcomes kept.
//!
//! [`Outbox`] is what a host holds. Behind it stand the [`store`], which is the file, and the
//! [`worker`], which sends. The outbox knows no C.
//!
//! A request goes this way, each arrow a commit that is on disk before the next step:
//!
//! ```text
//! submit ──▶ waiting ──▶ sending ──▶ accepted | rejected | cancelled | expired
//!               ▲           │
//!               └───────────┘ no answer: it waits for the schedule
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

/// How often a wait looks whether another process has brought the outcome.
const LOOK: Duration = Duration::from_millis(100);
/// How long a cancellation waits for the attempt under way to end.
const CANCEL_LIMIT: Duration = Duration::from_secs(3);

/// What an outbox is opened with.
pub struct Terms {
    pub apikey: Secret,
    /// For requests that have none of their own.
    pub login: Option<String>,
    pub route: Route,
    pub schedule: Schedule,
    /// Requests at once.
    pub concurrency: usize,
    /// For how long finished entries are kept.
    pub keep: Duration,
}

/// A request to submit, which has an ext_id: `None` never expires.
pub struct Submission {
    pub request: Request,
    pub expires_after: Option<Duration>,
}

/// A file of requests and those who send them. Dropping it does not stop them: [`Outbox::close`]
/// does.
pub struct Outbox {
    path: PathBuf,
    worker: Arc<Worker>,
}

impl Outbox {
    /// Opens the file, makes it if there is none, and begins to send what waits in it.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`] when the file cannot be used; it is left as it was.
    pub fn open(path: &Path, terms: Terms) -> Result<Outbox, Failure> {
        file::prepare(path)?;
        let path = file::real(path)?;
        let claim = Claim::on(&path)?;
        let store = Store::open(&path, terms.route.base_url())?;
        let reader = Reader::open(&path, terms.route.base_url())?;
        // Both have opened the same file.
        store.database.check_path()?;
        let worker = Worker::start(claim, &path, store, reader, terms)?;
        Ok(Outbox { path, worker })
    }

    /// What it was opened with.
    pub fn terms(&self) -> &Terms {
        &self.worker.terms
    }

    /// Puts a request on disk. If its ext_id is there already and pending or accepted, that entry is
    /// the answer, and a pending one will be sent, under the new expiry; a rejected, cancelled or
    /// expired one is replaced.
    ///
    /// # Errors
    ///
    /// [`Failure::Argument`] for an ext_id that is there with different fields, [`Failure::Outbox`] if
    /// it could not be written.
    pub fn submit(&self, submission: &Submission) -> Result<Report, Failure> {
        self.worker.if_open()?;
        let report = self.worker.store(|store| store.submit(submission))?;
        self.worker.may_be_due();
        Ok(report)
    }

    /// Whether it is certain that no request with this ext_id was or will be sent, after a submit that
    /// has failed so. `is_new`: the ext_id was made for it.
    pub fn is_unsent(&self, ext_id: &str, is_new: bool, failure: &Failure) -> bool {
        if failure.is_gone() {
            // Whoever has put another file there may have sent it.
            return is_new;
        }
        !failure.may_be_on_disk()
            && match self.worker.read(|reader| reader.find(ext_id)) {
                Ok(None) => true,
                Ok(Some(there)) => !there.is_waiting() && there.report.outcome == Outcome::NotSent,
                Err(_) => false,
            }
    }

    /// The outcome of an entry, or what is known so far when `limit` is over. The message says so if
    /// the entry cannot be sent: because it is of another base URL, or rejected and expired.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`] if there is none, [`Failure::Closed`] when the outbox is closed
    /// meanwhile.
    pub fn wait(&self, ext_id: &str, limit: Duration) -> Result<Report, Failure> {
        let entry = self.wait_while(ext_id, limit, Entry::is_waiting)?;
        let refusal = if entry.state.may_be_sent() && self.is_foreign(&entry) {
            Some(Refusal::OfAnotherBaseUrl)
        } else if entry.state == State::Rejected && entry.is_over(clock::wall()) {
            // Its times do not follow the clock.
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

    /// Waits while `goes_on` holds for an entry.
    fn wait_while(
        &self,
        ext_id: &str,
        limit: Duration,
        goes_on: impl Fn(&Entry) -> bool,
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
            if !goes_on(&entry) || left.is_zero() {
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

    /// Whether an entry is of another base URL than this outbox was opened with: then it is never
    /// sent by it.
    pub fn is_foreign(&self, entry: &Entry) -> bool {
        entry.base_url != self.worker.terms.route.base_url()
    }

    /// How many entries wait that this outbox sends.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`].
    pub fn pending(&self) -> Result<u32, Failure> {
        self.worker.if_open()?;
        self.worker.read(|reader| reader.pending())
    }

    /// Sends a waiting or rejected entry at once; all of them if no ext_id is given.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`], [`Failure::Refused`] for an entry that may not be sent.
    pub fn retry_now(&self, ext_id: Option<&str>) -> Result<(), Failure> {
        self.worker.if_open()?;
        self.worker.store(|store| match ext_id {
            Some(ext_id) => store.retry_now(ext_id),
            None => store.retry_all_now(),
        })?;
        self.worker.may_be_due();
        Ok(())
    }

    /// Stops the repeats of an entry and tells what became of it. An answer under way wins.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`].
    pub fn cancel(&self, ext_id: &str) -> Result<Report, Failure> {
        self.worker.if_open()?;
        let mut entry = self.worker.store(|store| store.cancel(ext_id, false))?;
        if entry.sending && self.is_foreign(&entry) {
            // Of those who send to its server there may be none any more, and no other is to come.
            let lock = Lock::open(&self.path, &entry.base_url)?;
            if lock.take()? {
                entry = self.worker.store(|store| store.cancel(ext_id, true))?;
            }
        }
        self.worker.changed();
        if !entry.is_waiting() {
            return Ok(entry.report);
        }
        // It is being sent at this moment, here or by another process. Or it has been submitted again.
        let is_ending = |entry: &Entry| entry.is_waiting() && entry.cancelling;
        let entry = self.wait_while(ext_id, CANCEL_LIMIT, is_ending)?;
        Ok(entry.report)
    }

    /// Removes a finished entry.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`]; [`Failure::Refused`] for one that is pending.
    pub fn forget(&self, ext_id: &str) -> Result<(), Failure> {
        self.worker.if_open()?;
        self.worker.store(|store| store.forget(ext_id))
    }

    /// Stops sending and wakes those who wait. Returns within a second, whatever is under way.
    pub fn close(&self) {
        self.worker.close();
    }
}
