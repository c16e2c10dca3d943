//! The worker: sends pending entries. One planning thread checks when entries are due; sending threads
//! are started as needed.
//!
//! Of all processes that have the file open, the one that holds the [`Lock`] is the sender. When it
//! dies, in whatever way, the next one takes over. Due entries are read from the file each time; only
//! the running attempts are known here.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::claim::Claim;
use super::database::{while_busy, BUSY};
use super::lock::Lock;
use super::reader::Reader;
use super::store::Store;
use super::threads::Threads;
use super::turn::{self, Turns};
use super::{sender, Terms};
use crate::failure::{self, Failure};
use crate::ffi::join_for;
use crate::process::lock::{lock, wait_for};
use crate::process::panic;
use crate::process::thread::spawn_quiet;

/// How often the file is checked for changes by other processes, and the lock is tried.
const LOOK: Duration = Duration::from_millis(250);
/// The shortest wait of the planning thread.
const TURN: Duration = Duration::from_millis(10);
/// How long a close waits for attempts to end. They check five times a second whether to stop.
const CLOSE_LIMIT: Duration = Duration::from_millis(900);
/// How often finished entries that are too old are removed.
const PRUNE: Duration = Duration::from_secs(3600);
/// How long a sending thread stays when there is nothing to send.
const IDLE: Duration = Duration::from_secs(10);
/// How long the last look at the clock, during a close, waits for a busy file.
const LAST_LOOK: Duration = Duration::from_millis(500);
/// The pause before a file that could not be read or written is tried again.
const FILE_PAUSE: Duration = Duration::from_secs(1);
/// The longest interval between two log lines about the same lasting failure.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The failure that was logged last.
struct Logged {
    text: String,
    first: Instant,
    last: Instant,
}

pub struct Worker {
    pub terms: Terms,
    path: PathBuf,
    /// Dropped before the store, because the store must close the file last.
    reader: Mutex<Option<Reader>>,
    store: Mutex<Option<Store>>,
    pub turns: Turns,
    threads: Mutex<Threads>,
    /// Signalled when an entry has changed, or the threads have ended.
    change: Condvar,
    /// Wakes the planning thread: something may be due.
    woken: Condvar,
    /// Wakes the sending threads: something is due.
    due: Condvar,
    /// The sender holds it until its last thread has ended, because an attempt may be running until
    /// then.
    sender_lock: Mutex<Option<Lock>>,
    logged: Mutex<Option<Logged>>,
    closing: AtomicBool,
    /// The last field, so that it is dropped after the file is closed.
    claim: Mutex<Option<Claim>>,
}

impl Worker {
    /// `claim` is the first argument, so that it is dropped after the others if this fails.
    pub fn start(
        claim: Claim,
        path: &Path,
        store: Store,
        reader: Reader,
        terms: Terms,
    ) -> Result<Arc<Worker>, Failure> {
        let lock = Lock::open(path, terms.route.base_url())?;
        let worker = Arc::new(Worker {
            terms,
            path: path.to_owned(),
            reader: Mutex::new(Some(reader)),
            store: Mutex::new(Some(store)),
            turns: Turns::default(),
            threads: Mutex::default(),
            change: Condvar::new(),
            woken: Condvar::new(),
            due: Condvar::new(),
            sender_lock: Mutex::new(Some(lock)),
            logged: Mutex::default(),
            closing: AtomicBool::new(false),
            claim: Mutex::new(Some(claim)),
        });
        worker.spawn("lifepay-outbox", |worker| worker.plan())?;
        Ok(worker)
    }

    /// Runs `work` on the store, and retries it while another process keeps the file busy.
    ///
    /// # Errors
    ///
    /// [`Failure::Closed`] if the outbox is closed, and the errors of `work`.
    pub fn store<T>(
        &self,
        mut work: impl FnMut(&mut Store) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // The store is locked for each try, not across them.
        self.unless_busy(|| work(lock(&self.store).as_mut().ok_or(Failure::Closed)?))
    }

    /// Runs `work` on the reader, which does not wait for changes of the file. Retries as
    /// [`Worker::store`] does.
    ///
    /// # Errors
    ///
    /// The errors of [`Worker::store`].
    pub fn read<T>(
        &self,
        mut work: impl FnMut(&Reader) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.unless_busy(|| work(lock(&self.reader).as_ref().ok_or(Failure::Closed)?))
    }

    fn unless_busy<T>(&self, once: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        let done = while_busy(BUSY, || !self.is_closing(), once);
        // If the outbox were not closing, the file would have been tried again.
        done.map_err(|failure| match failure.is_busy() && self.is_closing() {
            true => Failure::Closed,
            false => failure,
        })
    }

    /// Closes the file and releases the lock. No thread uses them any more.
    fn release(&self) {
        let reader = lock(&self.reader).take();
        drop(reader);
        // Not in the condition below, where the guard would live until the end of the block.
        let store = lock(&self.store).take();
        if let Some(mut store) = store {
            // The next process cannot see a clock jump since the last look, so it is followed here.
            self.logged(|| while_busy(LAST_LOOK, || true, || store.now()));
        }
        let sender_lock = self.sender_lock().take();
        drop(sender_lock);
        let claim = lock(&self.claim).take();
        drop(claim);
    }

    fn sender_lock(&self) -> MutexGuard<'_, Option<Lock>> {
        lock(&self.sender_lock)
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        lock(&self.threads)
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub fn if_open(&self) -> Result<(), Failure> {
        if self.is_closing() {
            Err(Failure::Closed)
        } else {
            Ok(())
        }
    }

    /// Wakes the threads and waiting calls: an entry may have become due.
    pub fn may_be_due(&self) {
        let mut threads = self.threads();
        threads.wakes += 1;
        threads.changes += 1;
        self.change.notify_all();
        // If all threads are sending, the first that finishes takes the entry. A thread that read the
        // file for it would delay the next submit.
        if threads.sending < self.terms.concurrency {
            self.woken.notify_one();
            self.due.notify_one();
        }
    }

    /// Wakes waiting calls: an entry has changed.
    pub fn changed(&self) {
        self.threads().changes += 1;
        self.change.notify_all();
    }

    /// Returns a count that increases with every change of an entry.
    pub fn changes(&self) -> u64 {
        self.threads().changes
    }

    /// Waits until an entry has changed since `seen`, up to `limit`.
    pub fn wait_for_change(&self, seen: u64, limit: Duration) {
        let threads = self.threads();
        if threads.changes == seen && !self.is_closing() {
            drop(wait_for(&self.change, threads, limit));
        }
    }

    /// Logs a failure of the file. While it lasts, it is logged at intervals that double up to a
    /// minute.
    fn log(&self, failure: &Failure) {
        let text = failure.to_string();
        let now = Instant::now();
        let mut logged = lock(&self.logged);
        let known = logged.as_ref().filter(|logged| logged.text == text);
        let first = known.map_or(now, |logged| logged.first);
        let is_too_soon = known.is_some_and(|logged| {
            let interval = (logged.last - logged.first + FILE_PAUSE).min(LONGEST_SILENCE);
            now - logged.last < interval
        });
        if is_too_soon {
            return;
        }
        let last = now;
        *logged = Some(Logged { text, first, last });
        // The log calls the host, so no lock may be held.
        drop(logged);
        log::error!("outbox: {failure}");
    }

    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let started = Instant::now();
        let mut threads = self.threads();
        self.change.notify_all();
        self.woken.notify_all();
        self.due.notify_all();
        while !threads.has_released {
            let left = CLOSE_LIMIT.saturating_sub(started.elapsed());
            if left.is_zero() {
                // Attempts that are still running end later, and keep the file open until then.
                return;
            }
            threads = wait_for(&self.change, threads, left);
        }
        // The threads have done their work and are about to exit.
        let handles = std::mem::take(&mut threads.handles);
        drop(threads);
        for handle in handles {
            join_for(handle, CLOSE_LIMIT.saturating_sub(started.elapsed()));
        }
    }

    fn spawn(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce(&Arc<Worker>) + Send + 'static,
    ) -> Result<(), Failure> {
        /// Decrements the count of threads, also after a panic.
        struct Leave(Arc<Worker>);
        impl Drop for Leave {
            fn drop(&mut self) {
                let is_last = {
                    let mut threads = self.0.threads();
                    threads.count -= 1;
                    threads.count == 0
                };
                if is_last {
                    // Without the lock of the threads: the disk may be slow, but a close must not be.
                    self.0.release();
                    self.0.threads().has_released = true;
                }
                self.0.change.notify_all();
            }
        }
        self.threads().count += 1;
        let leave = Leave(Arc::clone(self));
        let handle = spawn_quiet(name, move || work(&leave.0))
            .map_err(|error| Failure::outbox(failure::Outbox::NoThread, error))?;
        let mut threads = self.threads();
        threads.handles.retain(|handle| !handle.is_finished());
        threads.handles.push(handle);
        Ok(())
    }

    /// The planning thread.
    fn plan(self: &Arc<Self>) {
        let mut looked: Option<Instant> = None;
        let mut pruned: Option<Instant> = None;
        while !self.is_closing() {
            let seen = self.threads().wakes;
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                looked = Some(Instant::now());
                self.logged(|| self.look());
                self.logged(|| self.expire_foreign());
            }
            if pruned.is_none_or(|at| at.elapsed() > PRUNE) {
                pruned = Some(Instant::now());
                self.logged(|| self.store(|store| store.prune(self.terms.keep)));
            }
            let wait = self.logged(|| self.start_what_is_due()).unwrap_or(LOOK);
            let threads = self.threads();
            if threads.wakes == seen && !self.is_closing() {
                drop(wait_for(&self.woken, threads, wait.clamp(TURN, LOOK)));
            }
        }
    }

    /// Runs `work`. A failure is logged.
    fn logged<T>(&self, work: impl FnOnce() -> Result<T, Failure>) -> Option<T> {
        let done = panic::catch(work).unwrap_or_else(|panic| Err(Failure::Internal(panic)));
        done.map_err(|failure| self.log(&failure)).ok()
    }

    /// Follows clock jumps, and becomes the sender if there is none. As the sender, finishes expired
    /// entries and aborts attempts that another process wants cancelled.
    fn look(&self) -> Result<(), Failure> {
        self.store(|store| store.now())?;
        if !self.store(|store| Ok(store.is_sender()))? {
            let is_free = match &*self.sender_lock() {
                Some(lock) => lock.take()?,
                None => false,
            };
            if is_free {
                self.store(|store| store.begin_sending(&self.terms.schedule))?;
            }
        }
        if self.store(|store| Ok(store.is_sender()))? {
            if self.store(|store| store.expire(self.terms.route.base_url()))? > 0 {
                self.changed();
            }
            self.store(|store| store.apply_cancellations())?;
        }
        Ok(())
    }

    /// Finishes the expired entries of other base URLs. If another process sends to such a base URL,
    /// that process finishes them.
    fn expire_foreign(&self) -> Result<(), Failure> {
        for base_url in self.store(|store| store.expired_foreign())? {
            let lock = Lock::open(&self.path, &base_url)?;
            if lock.take()? && self.store(|store| store.expire(&base_url))? > 0 {
                self.changed();
            }
        }
        Ok(())
    }

    /// Wakes or starts sending threads for due entries. Returns the time until the next look.
    fn start_what_is_due(self: &Arc<Self>) -> Result<Duration, Failure> {
        let free = self
            .terms
            .concurrency
            .saturating_sub(self.threads().sending);
        if free == 0 || !self.store(|store| Ok(store.is_sender()))? {
            return Ok(LOOK);
        }
        let (due, next) = self.store(|store| store.due(free))?;
        let missing = {
            let mut threads = self.threads();
            let room = self.terms.concurrency - (threads.idle + threads.sending);
            let missing = due.saturating_sub(threads.idle).min(room);
            threads.idle += missing;
            missing
        };
        if due > 0 {
            self.due.notify_all();
        }
        for started in 0..missing {
            if let Err(failure) = self.spawn("lifepay-sender", |worker| worker.send()) {
                self.threads().idle -= missing - started;
                return Err(failure);
            }
        }
        // The pause gives the sending threads time to take the due entries.
        Ok(match due {
            0 => next.unwrap_or(LOOK),
            _ => TURN,
        })
    }

    /// A sending thread: sends due entries until there have been none for a while. It counts as idle
    /// whenever it is not sending, from the moment it was started.
    fn send(self: &Arc<Self>) {
        let mut last = Instant::now();
        let mut sent = None;
        let mut has_failed = false;
        while sent.is_some() || !self.is_closing() {
            let seen = self.threads().wakes;
            // A nearly full disk may have room for this result, but not for taking another entry too.
            let goes_alone = has_failed && sent.is_some();
            let wants_next = !goes_alone && !self.is_closing();
            let next = self.logged(|| turn::take(self, sent.clone(), wants_next));
            has_failed = next.is_none();
            match next {
                // Not on disk, so the next entry is not sent, and the result is not reported.
                None => {
                    if !self.pause() {
                        break;
                    }
                }
                Some(next) => {
                    let has_sent = sent.take().is_some();
                    if has_sent {
                        self.ends_attempt();
                    }
                    if let Some(taken) = next {
                        self.begins_attempt();
                        sent = Some(Arc::new(sender::send(self, taken)));
                        last = Instant::now();
                    } else if has_sent {
                        // The entry that was written back is due later; the planning thread must learn
                        // when.
                        self.threads().wakes += 1;
                        self.woken.notify_one();
                    } else if !self.wait_for_due(seen, last) {
                        break;
                    }
                }
            }
        }
        if sent.is_some() {
            self.ends_attempt();
        }
        self.threads().idle -= 1;
    }

    fn begins_attempt(&self) {
        let mut threads = self.threads();
        threads.idle -= 1;
        threads.sending += 1;
    }

    fn ends_attempt(&self) {
        let mut threads = self.threads();
        threads.sending -= 1;
        threads.idle += 1;
        threads.changes += 1;
        self.change.notify_all();
    }

    /// Waits until something may be due. Returns false if nothing has been due for [`IDLE`].
    fn wait_for_due(&self, seen: u64, last: Instant) -> bool {
        let threads = self.threads();
        let left = IDLE.saturating_sub(last.elapsed());
        if left.is_zero() {
            return false;
        }
        if threads.wakes == seen && !self.is_closing() {
            drop(wait_for(&self.due, threads, left));
        }
        true
    }

    /// Pauses before a file that could not be used is tried again. Returns false if the outbox is
    /// closed.
    fn pause(&self) -> bool {
        let started = Instant::now();
        while !self.is_closing() && started.elapsed() < FILE_PAUSE {
            std::thread::sleep(Duration::from_millis(50));
        }
        !self.is_closing()
    }
}
