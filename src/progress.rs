//! What the host is told while it waits, and its wish to stop.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::code;
use crate::report::Report;
use crate::transport::attempt::SLICE;

/// ------------------------------------------------------------------------------------------------
/// Phases: lp_progress.phase
/// ------------------------------------------------------------------------------------------------
///
/// Name resolution, connect, proxy and TLS.
pub const LP_PHASE_CONNECT: i32 = 1;
/// The request is sent and its answer awaited.
pub const LP_PHASE_EXCHANGE: i32 = 2;
/// An attempt has failed; `code` and `http_status` say how.
pub const LP_PHASE_FAILED: i32 = 3;
/// The pause before the next attempt.
pub const LP_PHASE_PAUSE: i32 = 4;

/// What the host is told while it waits: `lp_progress`.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub phase: i32,
    pub attempts: u32,
    /// Of the last failed attempt, [`code::LP_PENDING`] before there was one.
    pub code: i32,
    pub http_status: i32,
    pub elapsed: Duration,
    pub next_attempt: Duration,
}

/// Told about progress; false stops.
pub type OnProgress = Box<dyn FnMut(&Progress) -> bool>;

/// Tells the host how it goes, and keeps its wish to stop.
pub struct Watch {
    on_progress: Option<RefCell<OnProgress>>,
    started: Instant,
    told: Cell<Instant>,
    last: Cell<Progress>,
    stopped: Cell<bool>,
}

impl Watch {
    pub fn new(on_progress: Option<OnProgress>) -> Watch {
        let now = Instant::now();
        Watch {
            on_progress: on_progress.map(RefCell::new),
            started: now,
            told: Cell::new(now),
            last: Cell::new(Progress {
                phase: LP_PHASE_CONNECT,
                attempts: 0,
                code: code::LP_PENDING,
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
    fn tell(&self, phase: i32, next_attempt: Duration) -> bool {
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
    pub fn tick(&self, phase: i32, next_attempt: Duration) -> bool {
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
        self.tell(LP_PHASE_FAILED, next_attempt)
    }

    /// Waits for `pause`. False: the host wants no more.
    pub fn pause(&self, pause: Duration) -> bool {
        let started = Instant::now();
        loop {
            let left = pause.saturating_sub(started.elapsed());
            if left.is_zero() {
                return true;
            }
            if !self.tick(LP_PHASE_PAUSE, left) {
                return false;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}
