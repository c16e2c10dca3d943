//! One attempt: the time it may take, whom it asks while it waits, and what it has done so far.
//!
//! ureq hands neither a deadline nor a way to cancel down to a connector; pooled connections
//! moreover outlive the call that made them. So the attempt under way stands in a thread-local,
//! and every place that waits asks it for the next slice of time.

use std::cell::{Cell, RefCell};
use std::io;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::error::Failure;

/// The longest wait without asking `go_on`: five times a second.
pub(crate) const SLICE: Duration = Duration::from_millis(200);

/// What an attempt is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Name resolution, connect, proxy and TLS.
    Connecting,
    /// The request is sent and its answer awaited.
    Exchanging,
}

/// The limits of one attempt.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the connection to stand, TLS included.
    pub connect: Duration,
    /// For all of it.
    pub whole: Duration,
}

pub struct Attempt {
    started: Instant,
    limits: Limits,
    /// Asked about five times a second; false cancels.
    go_on: Box<dyn Fn(Stage) -> bool>,
    stage: Cell<Stage>,
    /// When the connection that is being made was begun.
    connect_began: Cell<Instant>,
    /// A connector is at work: what is written then is no request.
    dialling: Cell<bool>,
    fresh_only: Cell<bool>,
    /// A pooled connection was found to be open, and is used unless one is dialled.
    took_kept: Cell<bool>,
    dialled: Cell<bool>,
    request_left: Cell<bool>,
    /// It left over a connection that was replaced.
    lost: Cell<bool>,
    answer_began: Cell<bool>,
}

thread_local! {
    /// The attempts under way on this thread; more than one if on_progress opens a shift itself.
    /// Without a destructor: a host may call while its thread ends, after those have run.
    static UNDER_WAY: ManuallyDrop<RefCell<Vec<Rc<Attempt>>>> =
        const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

impl Attempt {
    pub fn new(limits: Limits, go_on: impl Fn(Stage) -> bool + 'static) -> Rc<Attempt> {
        let now = Instant::now();
        Rc::new(Attempt {
            started: now,
            limits,
            go_on: Box::new(go_on),
            stage: Cell::new(Stage::Connecting),
            connect_began: Cell::new(now),
            dialling: Cell::new(false),
            fresh_only: Cell::new(false),
            took_kept: Cell::new(false),
            dialled: Cell::new(false),
            request_left: Cell::new(false),
            lost: Cell::new(false),
            answer_began: Cell::new(false),
        })
    }

    /// Runs `work` as this attempt's.
    pub fn run<T>(self: &Rc<Self>, work: impl FnOnce() -> T) -> T {
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                UNDER_WAY.with(|attempts| {
                    let mut attempts = attempts.borrow_mut();
                    attempts.pop();
                    if attempts.is_empty() {
                        // Nothing is left behind that a destructor would have to free.
                        *attempts = Vec::new();
                    }
                });
            }
        }
        UNDER_WAY.with(|attempts| attempts.borrow_mut().push(Rc::clone(self)));
        let _leave = Leave;
        work()
    }

    /// The attempt that this thread is at.
    ///
    /// # Errors
    ///
    /// Outside of [`Attempt::run`], which no connector is ever called.
    pub fn current() -> io::Result<Rc<Attempt>> {
        UNDER_WAY
            .with(|attempts| attempts.borrow().last().cloned())
            .ok_or_else(|| Failure::Internal("no attempt under way".into()).into())
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// How long to wait now before asking again.
    ///
    /// # Errors
    ///
    /// [`Failure::Timeout`] when the time is over, [`Failure::Cancelled`] when the host wants no
    /// more, both inside an [`io::Error`].
    pub fn slice(&self) -> io::Result<Duration> {
        let left = self.left()?;
        if !(self.go_on)(self.stage.get()) {
            return Err(Failure::Cancelled.into());
        }
        Ok(left.min(SLICE))
    }

    /// The time until the limit in force, never zero.
    ///
    /// # Errors
    ///
    /// [`Failure::Timeout`] when it is over.
    pub fn left(&self) -> io::Result<Duration> {
        let whole = (
            self.limits.whole.saturating_sub(self.elapsed()),
            self.limits.whole,
        );
        let ((left, limit), during, what) = match self.stage.get() {
            Stage::Connecting => {
                let limit = self.limits.connect;
                let left = limit.saturating_sub(self.connect_began.get().elapsed());
                let tighter = (left, limit).min(whole);
                (tighter, "connecting", "соединение не установлено")
            }
            Stage::Exchanging => (whole, "the exchange", "ответ не получен"),
        };
        if left.is_zero() {
            let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
            return Err(Failure::Timeout {
                during,
                what,
                limit_ms,
            }
            .into());
        }
        Ok(left)
    }

    /// A connector is at work until what is returned is dropped.
    pub fn dial(self: &Rc<Self>) -> Dialling {
        self.dialled.set(true);
        self.dialling.set(true);
        Dialling(Rc::clone(self))
    }

    /// Bytes are about to be handed to a connection: the request's, unless a connector is at work.
    pub fn writes(&self) {
        if !self.dialling.get() {
            self.stage.set(Stage::Exchanging);
        }
    }

    /// Bytes have been taken by the system to be sent.
    pub fn wrote(&self) {
        if !self.dialling.get() {
            self.request_left.set(true);
        }
    }

    /// Bytes of an answer have come in.
    pub fn received(&self) {
        self.answer_began.set(true);
    }

    /// Whether a byte of the request may have left this machine.
    pub fn request_left(&self) -> bool {
        self.request_left.get()
    }

    /// Whether the request was sent again, over a second connection: the first was closed.
    pub fn resent(&self) -> bool {
        self.lost.get() && self.stage.get() == Stage::Exchanging
    }

    /// Whether pooled connections are to be passed over: not its own any more, once it has one.
    pub fn passes_over_kept(&self) -> bool {
        self.fresh_only.get() && !self.dialled.get()
    }

    /// A pooled connection is taken out of the pool.
    pub fn takes_kept(&self) {
        self.took_kept.set(true);
    }

    /// Whether what failed was a pooled connection that the server had closed meanwhile: then the
    /// attempt is to go on over a new one, and the pooled ones are passed over from now on.
    pub fn replaces_pooled(&self, failure: &Failure) -> bool {
        // It may have failed before a byte was written. Taken at most once: a second failure is that of
        // the new connection, also if it comes before that is dialled.
        let stale = matches!(failure, Failure::Network { .. })
            && self.took_kept.take()
            && !self.dialled.get()
            && !self.answer_began.get();
        if stale {
            self.fresh_only.set(true);
            self.lost.set(self.request_left.get());
            self.stage.set(Stage::Connecting);
            self.connect_began.set(Instant::now());
        }
        stale
    }
}

/// See [`Attempt::dial`].
pub struct Dialling(Rc<Attempt>);

impl Drop for Dialling {
    fn drop(&mut self) {
        self.0.dialling.set(false);
    }
}

/// A failure travels through ureq and rustls inside an `io::Error`, and is found there again.
impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        io::Error::other(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connect: u64, whole: u64) -> Limits {
        Limits {
            connect: Duration::from_millis(connect),
            whole: Duration::from_millis(whole),
        }
    }

    #[test]
    fn the_connect_limit_holds_only_until_the_request_is_written() {
        let attempt = Attempt::new(limits(0, 60_000), |_| true);
        assert!(attempt.left().is_err());
        attempt.writes();
        assert!(attempt.left().is_ok());
    }

    #[test]
    fn what_a_connector_writes_is_no_request() {
        let attempt = Attempt::new(limits(1000, 1000), |_| true);
        let dialling = attempt.dial();
        attempt.writes();
        attempt.wrote();
        assert!(!attempt.request_left());
        drop(dialling);
        attempt.wrote();
        assert!(attempt.request_left());
    }

    #[test]
    fn a_kept_connection_that_fails_before_a_byte_is_written_is_replaced_once() {
        let attempt = Attempt::new(limits(1000, 1000), |_| true);
        let failure = Failure::network("", "");
        assert!(!attempt.replaces_pooled(&failure), "no connection yet");
        attempt.takes_kept();
        assert!(attempt.replaces_pooled(&failure));
        assert!(attempt.passes_over_kept());
        assert!(!attempt.replaces_pooled(&failure), "no connection yet");
        attempt.writes();
        assert!(!attempt.request_left() && !attempt.resent());
    }

    #[test]
    fn a_connection_of_its_own_is_not_replaced() {
        let attempt = Attempt::new(limits(1000, 1000), |_| true);
        attempt.takes_kept();
        drop(attempt.dial());
        assert!(!attempt.replaces_pooled(&Failure::network("", "")));
    }

    #[test]
    fn a_nested_attempt_leaves_the_outer_one_in_its_place() {
        let outer = Attempt::new(limits(1, 1), |_| true);
        let inner = Attempt::new(limits(1, 1), |_| true);
        outer.run(|| {
            inner.run(|| assert!(Rc::ptr_eq(&inner, &Attempt::current().unwrap())));
            assert!(Rc::ptr_eq(&outer, &Attempt::current().unwrap()));
        });
        assert!(Attempt::current().is_err());
    }

    #[test]
    fn a_refusal_to_go_on_cancels() {
        let attempt = Attempt::new(limits(1000, 1000), |_| false);
        let error = attempt.slice().unwrap_err();
        let failure = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Failure>());
        assert!(matches!(failure, Some(Failure::Cancelled)));
    }
}
