//! Who sends what waits in the file: one thread that plans, and as many that send as are needed.
//!
//! Of all processes that have the file open, the one that holds the [`Lock`] is the sender; when it
//! dies, however it dies, the next one takes over. Pauses are measured on the monotonic clock: a till's clock that jumps neither
//! stalls a request nor repeats it early.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::board::{Board, Planned};
use super::claim::Claim;
use super::entry::now;
use super::failure::is_busy;
use super::lock::Lock;
use super::store::{Plan, Store, BUSY, BUSY_PAUSE};
use super::{sender, Terms};
use crate::error::Failure;
use crate::panic;
use crate::thread::spawn_quiet;

/// How often the file is looked at for what other processes have written, and the lock tried for.
const LOOK: Duration = Duration::from_millis(250);
/// The shortest wait of the planning thread.
const TURN: Duration = Duration::from_millis(5);
/// How long closing waits for attempts to end; they ask five times a second whether to go on.
const CLOSE_LIMIT: Duration = Duration::from_millis(900);
/// How often finished entries are looked through for those that are too old.
const PRUNE: Duration = Duration::from_secs(3600);
/// How long a thread that sends stays when there is nothing to send.
const IDLE: Duration = Duration::from_secs(10);

pub struct Worker {
    pub terms: Terms,
    store: Mutex<Option<Store>>,
    board: Mutex<Board>,
    /// The board has changed.
    changed: Condvar,
    /// Held locked by the sender until its last thread has ended: what it was at may be in the air
    /// until then.
    lock: Mutex<Option<Lock>>,
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
            lock: Mutex::new(Some(lock)),
            terms,
            store: Mutex::new(Some(store)),
            board: Mutex::default(),
            changed: Condvar::new(),
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
        drop(store);
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

    /// An entry was submitted. Should the sender have seen it in the file already, it has its plan.
    pub fn submitted(&self, id: i64) {
        if !self.board().planned.contains_key(&id) {
            self.wake(id);
        }
    }

    /// An entry is to be sent now.
    pub fn wake(&self, id: i64) {
        let mut board = self.board();
        if board.sending.contains(&id) {
            // Its sender may be about to let go of it.
            board.woken.insert(id);
        } else if board.is_sender {
            board.plan(id, Instant::now(), now());
        } else {
            // The sender may be about to begin, with what the file said before.
            board.look_again = true;
        }
        board.changes += 1;
        // While all are sending, whoever is done first takes it: nobody is to look into the file for
        // it, as that would hold up the next submit.
        if board.sending.len() < self.terms.concurrency {
            self.changed.notify_all();
        }
    }

    /// An entry was cancelled; if it is being sent here, that ends.
    pub fn cancelled(&self, id: i64) {
        let mut board = self.board();
        if board.sending.contains(&id) {
            board.cancelled.insert(id);
        }
        // Its plan stays: it may be that of a request that was submitted anew.
        board.changes += 1;
        self.changed.notify_all();
    }

    pub fn is_cancelled(&self, id: i64) -> bool {
        self.board().cancelled.contains(&id)
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

    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let started = Instant::now();
        let mut board = self.board();
        self.changed.notify_all();
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
        let mut pruned = None;
        while !self.is_closing() {
            let looked =
                panic::catch(|| self.look()).unwrap_or_else(|panic| Err(Failure::Internal(panic)));
            if let Err(failure) = &looked {
                log::error!("outbox: {failure}");
            }
            if pruned.is_none_or(|at: Instant| at.elapsed() > PRUNE) {
                pruned = Some(Instant::now());
                if let Err(failure) = self.store(|store| store.prune(self.terms.keep)) {
                    log::warn!("outbox: {failure}");
                }
            }
            let board = self.board();
            let is_full = board.sending.len() >= self.terms.concurrency;
            let wait = match board.due.first() {
                Some((due, _)) if !is_full && looked.is_ok() => {
                    // What is due is taken by a thread that sends; it is given the time to.
                    due.saturating_duration_since(Instant::now())
                        .clamp(TURN, LOOK)
                }
                _ => LOOK,
            };
            if !self.is_closing() {
                drop(self.changed.wait_timeout(board, wait));
            }
        }
    }

    /// Becomes the sender if nobody is, takes in what has changed, and starts what is due.
    fn look(self: &Arc<Self>) -> Result<(), Failure> {
        let base_url = &self.terms.route.base_url;
        if !self.board().is_sender {
            let is_free = match &*self.lock() {
                Some(lock) => lock.take()?,
                None => false,
            };
            if !is_free {
                // Those who wait look into the file by themselves.
                return Ok(());
            }
            let timetable = &self.terms.timetable;
            self.store(|store| store.sender_begins(base_url, timetable))?;
            self.store(|store| store.has_changed())?;
            let plans = self.store(|store| store.plans(base_url))?;
            let mut board = self.board();
            board.is_sender = true;
            let before = board.plans;
            self.take_in(&mut board, plans, before, true);
        } else {
            let has_changed = self.store(|store| store.has_changed())?;
            let (again, before) = {
                let mut board = self.board();
                (board.must_look_again(), board.plans)
            };
            if has_changed || again {
                let plans = self.store(|store| store.plans(base_url))?;
                self.take_in(&mut self.board(), plans, before, has_changed);
            }
        }
        if self.store(|store| store.expire(base_url))? > 0 {
            self.tell();
        }
        self.start_what_is_due()
    }

    /// Plans what the file has: what is new, what another process wants sent at once or cancelled.
    /// `before` counts the plans that were made before the file was read; `is_news`: another process
    /// has written.
    fn take_in(&self, board: &mut Board, plans: Vec<Plan>, before: u64, is_news: bool) {
        let waiting: HashSet<i64> = plans.iter().map(|plan| plan.id).collect();
        // But not what was submitted since the file was read.
        let is_gone =
            |(id, planned): &(&i64, &Planned)| !waiting.contains(id) && planned.number <= before;
        let gone: Vec<i64> = board
            .planned
            .iter()
            .filter(is_gone)
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            board.drop_plan(id);
        }
        for plan in plans {
            if board.sending.contains(&plan.id) {
                if plan.cancelling {
                    board.cancelled.insert(plan.id);
                }
                if is_news {
                    board.passed_over.insert(plan.id);
                }
                continue;
            }
            let known = board.planned.get(&plan.id);
            if known.is_some_and(|known| known.next_attempt_at == plan.next_attempt_at) {
                continue;
            }
            if known.is_some_and(|known| known.number > before) {
                // Its attempt has ended meanwhile: what was read is old.
                board.look_again = true;
                continue;
            }
            board.plan(
                plan.id,
                Instant::now() + self.pause_left(&plan),
                plan.next_attempt_at,
            );
        }
        board.changes += 1;
        self.changed.notify_all();
    }

    /// The rest of a pause that another process began, by the wall clock; that may have jumped, so
    /// it is never more than the timetable's.
    fn pause_left(&self, plan: &Plan) -> Duration {
        let left = plan.next_attempt_at.saturating_sub(now());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        let asked = Duration::from_millis(u64::from(plan.asked_ms));
        let timetable = self.terms.timetable.pause_after(plan.attempts.max(1));
        left.min(timetable.max(asked))
    }

    fn start_what_is_due(self: &Arc<Self>) -> Result<(), Failure> {
        let mut board = self.board();
        let free = self.terms.concurrency.saturating_sub(board.sending.len());
        let now = Instant::now();
        let due = board.due.iter().take(free);
        let wanted = due.take_while(|(due, _)| *due <= now).count();
        if wanted > 0 {
            self.changed.notify_all();
        }
        let missing = wanted.saturating_sub(board.idle);
        board.idle += missing;
        drop(board);
        for started in 0..missing {
            if let Err(failure) = self.spawn("lifepay-sender", |worker| worker.send()) {
                self.board().idle -= missing - started;
                return Err(failure);
            }
        }
        Ok(())
    }

    /// A sending thread: sends what is due until there has been nothing for a while. It counts as
    /// idle whenever it is not sending, from the moment it was started.
    fn send(self: &Arc<Self>) {
        let mut last = Instant::now();
        let mut board = self.board();
        while !self.is_closing() && last.elapsed() < IDLE {
            let Some(id) = board.next_due() else {
                let waited = self.changed.wait_timeout(board, LOOK);
                board = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            };
            board.idle -= 1;
            board.sending.insert(id);
            drop(board);
            // After a panic the entry is sent anew, but not at once: it may bring the same again.
            let pause = self.terms.timetable.pause_after(u32::MAX);
            let next = panic::catch(|| sender::send(self, id)).unwrap_or(Some((pause, 0)));
            last = Instant::now();
            board = self.board();
            board.idle += 1;
            board.sending.remove(&id);
            board.cancelled.remove(&id);
            // What was asked for meanwhile stands in the file, and is compared with this plan.
            let asked = board.woken.remove(&id) | board.passed_over.remove(&id);
            board.look_again |= asked;
            if let Some((pause, next_attempt_at)) = next {
                board.plan(id, last + pause, next_attempt_at);
            }
            board.changes += 1;
            self.changed.notify_all();
        }
        board.idle -= 1;
    }

    /// An entry has changed.
    fn tell(&self) {
        self.board().changes += 1;
        self.changed.notify_all();
    }

    /// Waits for a while, or until the outbox is closed. False: it is.
    pub fn pause(&self, pause: Duration) -> bool {
        let started = Instant::now();
        while !self.is_closing() && started.elapsed() < pause {
            std::thread::sleep(Duration::from_millis(50));
        }
        !self.is_closing()
    }
}
