//! Who sends what is pending in the file: one thread that looks when something is due, and as many
//! that send as are needed.
//!
//! Of all processes that have the file open, the one that holds the [`Lock`] is the sender; when it
//! dies, however it dies, the next one takes over. What is due is read from the file each time; only
//! the attempts under way are known here.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::board::Board;
use super::claim::Claim;
use super::database::{BUSY, BUSY_PAUSE};
use super::failure::is_busy;
use super::lock::Lock;
use super::queue::Taken;
use super::store::Store;
use super::{sender, Terms};
use crate::error::Failure;
use crate::panic;
use crate::thread::spawn_quiet;

/// How often the file is looked at for what other processes have written, and the lock tried for.
const LOOK: Duration = Duration::from_millis(250);
/// The shortest wait of the planning thread.
const TURN: Duration = Duration::from_millis(10);
/// How long closing waits for attempts to end; they ask five times a second whether to go on.
const CLOSE_LIMIT: Duration = Duration::from_millis(900);
/// How often finished entries are looked through for those that are too old.
const PRUNE: Duration = Duration::from_secs(3600);
/// How long a thread that sends stays when there is nothing to send.
const IDLE: Duration = Duration::from_secs(10);
/// How long the last look at the clock, at a close, waits for a busy file.
const LAST_LOOK: Duration = Duration::from_millis(500);
/// How long to wait until a file is tried again that could not be read or written.
const FILE_PAUSE: Duration = Duration::from_secs(1);
/// How long a failure that lasts is not logged again.
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
    store: Mutex<Option<Store>>,
    board: Mutex<Board>,
    /// An entry has changed, or the threads have ended.
    changed: Condvar,
    /// Something may be due: for the planning thread.
    wished: Condvar,
    /// Something is due: for the threads that send.
    due: Condvar,
    /// Held locked by the sender until its last thread has ended: what it was at may be in the air
    /// until then.
    lock: Mutex<Option<Lock>>,
    logged: Mutex<Option<Logged>>,
    closing: AtomicBool,
    /// Last of the fields, dropped when the file is closed.
    claim: Mutex<Option<Claim>>,
}

impl Worker {
    /// `claim` is the first argument, dropped after the others where this fails.
    pub fn start(
        claim: Claim,
        path: &Path,
        store: Store,
        terms: Terms,
    ) -> Result<Arc<Worker>, Failure> {
        let lock = Lock::open(path, &terms.route.base_url)?;
        let worker = Arc::new(Worker {
            terms,
            path: path.to_owned(),
            store: Mutex::new(Some(store)),
            board: Mutex::default(),
            changed: Condvar::new(),
            wished: Condvar::new(),
            due: Condvar::new(),
            lock: Mutex::new(Some(lock)),
            logged: Mutex::default(),
            closing: AtomicBool::new(false),
            claim: Mutex::new(Some(claim)),
        });
        worker.spawn("lifepay-outbox", |worker| worker.plan())?;
        Ok(worker)
    }

    /// Does something with the file.
    ///
    /// # Errors
    ///
    /// [`Failure::Closed`] when it is closed already, and what `work` says.
    pub fn store<T>(
        &self,
        mut work: impl FnMut(&mut Store) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        loop {
            let done = {
                let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
                work(store.as_mut().ok_or(Failure::Closed)?)
            };
            match done {
                // Waited for without the lock: those who only read need not.
                Err(failure) if is_busy(&failure) && started.elapsed() < BUSY => {
                    if self.is_closing() {
                        return Err(failure);
                    }
                    std::thread::sleep(BUSY_PAUSE);
                }
                done => return done,
            }
        }
    }

    /// Lets go of the file and of the lock: nobody uses them any more.
    fn let_go(&self) {
        let store = self
            .store
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(store) = store {
            self.logged(|| watch_clock_once_more(store));
        }
        let lock = self.lock().take();
        drop(lock);
        let claim = self
            .claim
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(claim);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Lock>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// An entry may have become due.
    pub fn wish(&self) {
        let mut board = self.board();
        board.wishes += 1;
        board.changes += 1;
        self.changed.notify_all();
        // While all are sending, whoever is done first takes it: nobody is to look into the file for
        // it, as that would hold up the next submit.
        if board.sending < self.terms.concurrency {
            self.wished.notify_one();
            self.due.notify_one();
        }
    }

    /// An entry has changed.
    pub fn tell(&self) {
        self.board().changes += 1;
        self.changed.notify_all();
    }

    /// A count that changes with every entry.
    pub fn changes(&self) -> u64 {
        self.board().changes
    }

    /// Waits until something has changed since `seen`, or for `limit`.
    pub fn wait_for_change(&self, seen: u64, limit: Duration) {
        let board = self.board();
        if board.changes == seen && !self.is_closing() {
            drop(self.changed.wait_timeout(board, limit));
        }
    }

    /// Logs a failure of the file; while it lasts, at intervals that double up to a minute.
    pub fn log(&self, failure: &Failure) {
        let text = failure.to_string();
        let now = Instant::now();
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
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
        // The log calls the host: never under a lock.
        drop(logged);
        log::error!("outbox: {failure}");
    }

    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let started = Instant::now();
        let mut board = self.board();
        self.changed.notify_all();
        self.wished.notify_all();
        self.due.notify_all();
        while !board.has_let_go {
            let left = CLOSE_LIMIT.saturating_sub(started.elapsed());
            if left.is_zero() {
                // What is still under way ends by itself, and holds the file until then.
                return;
            }
            let waited = self.changed.wait_timeout(board, left);
            board = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        // They have done their work and are on their way out.
        let handles = std::mem::take(&mut board.handles);
        drop(board);
        // On Windows a thread needs the loader lock to end, which a caller in DllMain holds.
        #[cfg(not(windows))]
        for handle in handles {
            let _ = handle.join();
        }
        #[cfg(windows)]
        drop(handles);
    }

    fn spawn(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce(&Arc<Worker>) + Send + 'static,
    ) -> Result<(), Failure> {
        /// Counts the thread out, also after a panic.
        struct Leave(Arc<Worker>);
        impl Drop for Leave {
            fn drop(&mut self) {
                let is_last = {
                    let mut board = self.0.board();
                    board.threads -= 1;
                    board.threads == 0
                };
                if is_last {
                    // Without the board: the disk may take its time, and a close must not.
                    self.0.let_go();
                    self.0.board().has_let_go = true;
                }
                self.0.changed.notify_all();
            }
        }
        self.board().threads += 1;
        let leave = Leave(Arc::clone(self));
        let handle = spawn_quiet(name, move || work(&leave.0))
            .map_err(|error| Failure::outbox("Система не дала запустить поток.", error))?;
        let mut board = self.board();
        board.handles.retain(|handle| !handle.is_finished());
        board.handles.push(handle);
        Ok(())
    }

    /// The planning thread.
    fn plan(self: &Arc<Self>) {
        let mut looked: Option<Instant> = None;
        let mut pruned: Option<Instant> = None;
        while !self.is_closing() {
            let seen = self.board().wishes;
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
            let board = self.board();
            if board.wishes == seen && !self.is_closing() {
                drop(self.wished.wait_timeout(board, wait.clamp(TURN, LOOK)));
            }
        }
    }

    /// Does something that may fail, which is then logged.
    fn logged<T>(&self, work: impl FnOnce() -> Result<T, Failure>) -> Option<T> {
        let done = panic::catch(work).unwrap_or_else(|panic| Err(Failure::Internal(panic)));
        done.map_err(|failure| self.log(&failure)).ok()
    }

    /// Becomes the sender if nobody is, and heeds what time and other processes have brought.
    fn look(&self) -> Result<(), Failure> {
        self.store(|store| store.watch_clock())?;
        if !self.store(|store| Ok(store.is_sender()))? {
            let is_free = match &*self.lock() {
                Some(lock) => lock.take()?,
                None => false,
            };
            if is_free {
                self.store(|store| store.begin_sending(&self.terms.timetable))?;
            }
        }
        if self.store(|store| Ok(store.is_sender()))? {
            if self.store(|store| store.expire(&self.terms.route.base_url))? > 0 {
                self.tell();
            }
            self.store(|store| store.heed_cancellations())?;
        }
        Ok(())
    }

    /// Ends what has waited too long for another base URL, unless somebody sends to that: who does,
    /// ends it.
    fn expire_foreign(&self) -> Result<(), Failure> {
        for base_url in self.store(|store| store.expired_foreign())? {
            let lock = Lock::open(&self.path, &base_url)?;
            if lock.take()? && self.store(|store| store.expire(&base_url))? > 0 {
                self.tell();
            }
        }
        Ok(())
    }

    /// Returns when to look again.
    fn start_what_is_due(self: &Arc<Self>) -> Result<Duration, Failure> {
        let free = self.terms.concurrency.saturating_sub(self.board().sending);
        if free == 0 || !self.store(|store| Ok(store.is_sender()))? {
            return Ok(LOOK);
        }
        let (due, next) = self.store(|store| store.due(free))?;
        let missing = {
            let mut board = self.board();
            let room = self.terms.concurrency - (board.idle + board.sending);
            let missing = due.saturating_sub(board.idle).min(room);
            board.idle += missing;
            missing
        };
        if due > 0 {
            self.due.notify_all();
        }
        for started in 0..missing {
            if let Err(failure) = self.spawn("lifepay-sender", |worker| worker.send()) {
                self.board().idle -= missing - started;
                return Err(failure);
            }
        }
        // What is due is taken by a thread that sends; it is given the time to.
        Ok(match due {
            0 => next.unwrap_or(LOOK),
            _ => TURN,
        })
    }

    /// A sending thread: sends what is due until there has been nothing for a while. It counts as
    /// idle whenever it is not sending, from the moment it was started.
    fn send(self: &Arc<Self>) {
        let mut last = Instant::now();
        let mut has_sent = false;
        while !self.is_closing() {
            let seen = self.board().wishes;
            match self.logged(|| self.store(|store| store.take())) {
                Some(Some(taken)) => {
                    self.attempt(taken);
                    last = Instant::now();
                    has_sent = true;
                }
                Some(None) if std::mem::take(&mut has_sent) => {
                    // What was put back is due later: the planning thread is to know when.
                    self.board().wishes += 1;
                    self.wished.notify_one();
                }
                Some(None) => {
                    let board = self.board();
                    let left = IDLE.saturating_sub(last.elapsed());
                    if left.is_zero() {
                        break;
                    }
                    if board.wishes == seen && !self.is_closing() {
                        drop(self.due.wait_timeout(board, left));
                    }
                }
                // Not on disk, so not sent.
                None => drop(self.pause()),
            }
        }
        self.board().idle -= 1;
    }

    /// Makes one attempt, which counts as such whatever comes of it.
    fn attempt(self: &Arc<Self>, taken: Taken) {
        {
            let mut board = self.board();
            board.idle -= 1;
            board.sending += 1;
        }
        self.logged(|| {
            sender::send(self, taken);
            Ok(())
        });
        let mut board = self.board();
        board.sending -= 1;
        board.idle += 1;
        board.changes += 1;
        self.changed.notify_all();
    }

    /// Waits until a file that could not be used is tried again. False: the outbox is closed.
    pub fn pause(&self) -> bool {
        let started = Instant::now();
        while !self.is_closing() && started.elapsed() < FILE_PAUSE {
            std::thread::sleep(Duration::from_millis(50));
        }
        !self.is_closing()
    }
}

/// A jump since the last look is not seen by the next program, unless this one follows it.
fn watch_clock_once_more(mut store: Store) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        match store.watch_clock() {
            Err(failure) if is_busy(&failure) && started.elapsed() < LAST_LOOK => {
                std::thread::sleep(BUSY_PAUSE);
            }
            done => return done,
        }
    }
}
