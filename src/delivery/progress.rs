//! What the host is told while it waits, and its wish to stop.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::code::Code;
use crate::report::Report;
use crate::transport::SLICE;

/// What a call is doing. The numbers are the C interface's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Phase {
    /// Name resolution, connect, proxy and TLS.
    Connect = 1,
    /// The request is sent and its answer awaited.
    Exchange = 2,
    /// An attempt has failed.
    Failed = 3,
    /// The pause before the next attempt.
    Pause = 4,
}

/// What the host is told while it waits: `lp_progress`.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub phase: Phase,
    pub attempts: u32,
    /// Of the last failed attempt; [`Code::Pending`] before there was one.
    pub code: Code,
    pub http_status: u16,
    pub elapsed: Duration,
    pub next_attempt: Duration,
}

/// Told about progress; false stops.
pub type OnProgress = Box<dyn FnMut(&Progress) -> bool>;

/// Reports progress to the host, and remembers whether it wants to stop.
pub struct Reporter {
    on_progress: Option<RefCell<OnProgress>>,
    started: Instant,
    told: Cell<Instant>,
    last: Cell<Progress>,
    stopped: Cell<bool>,
}

impl Reporter {
    pub fn new(on_progress: Option<OnProgress>) -> Reporter {
        let now = Instant::now();
        Reporter {
            on_progress: on_progress.map(RefCell::new),
            started: now,
            told: Cell::new(now),
            last: Cell::new(Progress {
                phase: Phase::Connect,
                attempts: 0,
                code: Code::Pending,
                http_status: 0,
                elapsed: Duration::ZERO,
                next_attempt: Duration::ZERO,
            }),
            stopped: Cell::new(false),
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Tells the host at once. False: it wants no more.
    fn tell(&self, phase: Phase, next_attempt: Duration) -> bool {
        let Some(on_progress) = &self.on_progress else {
            return true;
        };
        if !self.stopped.get() {
            let elapsed = self.started.elapsed();
            let progress = Progress {
                phase,
                elapsed,
                next_attempt,
                ..self.last.get()
            };
            self.last.set(progress);
            let go_on = (on_progress.borrow_mut())(&progress);
            self.told.set(Instant::now());
            self.stopped.set(!go_on);
        }
        !self.stopped.get()
    }

    /// Tells the host if it is time to.
    pub fn tick(&self, phase: Phase, next_attempt: Duration) -> bool {
        if self.on_progress.is_none() || self.told.get().elapsed() < SLICE {
            return !self.stopped.get();
        }
        self.tell(phase, next_attempt)
    }

    pub fn attempt_begins(&self, attempts: u32) {
        self.last.set(Progress {
            attempts,
            ..self.last.get()
        });
    }

    /// Tells the host, and when the next attempt will be; zero if there is none. False: it wants no
    /// more.
    pub fn attempt_failed(&self, report: &Report, next_attempt: Duration) -> bool {
        let (code, http_status) = (report.code, report.http_status);
        self.last.set(Progress {
            code,
            http_status,
            ..self.last.get()
        });
        self.tell(Phase::Failed, next_attempt)
    }

    /// Waits for `pause`. False: the host wants no more.
    pub fn pause(&self, pause: Duration) -> bool {
        let started = Instant::now();
        loop {
            let left = pause.saturating_sub(started.elapsed());
            if left.is_zero() {
                return true;
            }
            if !self.tick(Phase::Pause, left) {
                return false;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}
