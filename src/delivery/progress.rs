//! Progress reports to the host, and the host's wish to stop.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::code::Code;
use crate::report::Report;
use crate::transport::SLICE;

/// The phase of a call. The numbers are those of the C interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Phase {
    /// Name resolution, connect, proxy and TLS.
    Connect = 1,
    /// The library sends the request and waits for the answer.
    Exchange = 2,
    /// An attempt has failed.
    Failed = 3,
    /// The pause before the next attempt.
    Pause = 4,
}

/// A progress report: `lp_progress`.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub phase: Phase,
    pub attempts: u32,
    /// The code of the last failed attempt; [`Code::Pending`] if no attempt has failed yet.
    pub code: Code,
    pub http_status: u16,
    pub elapsed: Duration,
    pub next_attempt: Duration,
}

/// Called with progress reports; false stops the call.
pub type OnProgress = Box<dyn FnMut(&Progress) -> bool>;

/// Reports progress to the host, and remembers whether it wants to stop. Clones share their state.
#[derive(Clone)]
pub struct Reporter {
    started: Instant,
    host: Option<Rc<Host>>,
}

/// A host that wants progress reports.
struct Host {
    on_progress: RefCell<OnProgress>,
    reported_at: Cell<Instant>,
    last: Cell<Progress>,
    stopped: Cell<bool>,
}

impl Reporter {
    pub fn new(on_progress: Option<OnProgress>) -> Reporter {
        let now = Instant::now();
        let host = |on_progress| {
            Rc::new(Host {
                on_progress: RefCell::new(on_progress),
                reported_at: Cell::new(now),
                last: Cell::new(Progress {
                    phase: Phase::Connect,
                    attempts: 0,
                    code: Code::Pending,
                    http_status: 0,
                    elapsed: Duration::ZERO,
                    next_attempt: Duration::ZERO,
                }),
                stopped: Cell::new(false),
            })
        };
        Reporter {
            started: now,
            host: on_progress.map(host),
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Reports to the host at once. Returns false if the host wants to stop.
    fn report(&self, phase: Phase, next_attempt: Duration) -> bool {
        let Some(host) = &self.host else {
            return true;
        };
        if !host.stopped.get() {
            let elapsed = self.started.elapsed();
            let progress = Progress {
                phase,
                elapsed,
                next_attempt,
                ..host.last.get()
            };
            host.last.set(progress);
            let go_on = (host.on_progress.borrow_mut())(&progress);
            host.reported_at.set(Instant::now());
            host.stopped.set(!go_on);
        }
        !host.stopped.get()
    }

    /// Reports to the host if it is time to. Returns false if the host wants to stop.
    pub fn tick(&self, phase: Phase, next_attempt: Duration) -> bool {
        match &self.host {
            Some(host) if host.reported_at.get().elapsed() < SLICE => !host.stopped.get(),
            _ => self.report(phase, next_attempt),
        }
    }

    pub fn attempt_begins(&self, attempts: u32) {
        self.note(|last| last.attempts = attempts);
    }

    fn note(&self, what: impl FnOnce(&mut Progress)) {
        if let Some(host) = &self.host {
            let mut last = host.last.get();
            what(&mut last);
            host.last.set(last);
        }
    }

    /// Reports a failed attempt, with the time until the next attempt; zero = no further attempt.
    /// Returns false if the host wants to stop.
    pub fn attempt_failed(&self, report: &Report, next_attempt: Duration) -> bool {
        self.note(|last| (last.code, last.http_status) = (report.code, report.http_status));
        self.report(Phase::Failed, next_attempt)
    }

    /// Waits for `pause`. Returns false if the host wants to stop.
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
