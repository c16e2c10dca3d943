//! A thread's current exchange: its time limit, its cancellation and its progress.
//!
//! ureq passes neither a deadline nor a cancellation to a connector, and a pooled connection outlives
//! the call that made it. The current exchange is therefore kept in a thread-local, and all code that
//! waits asks it for the next slice of time.

use std::cell::Cell;
use std::io;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::route::Limits;
use crate::failure::{Failure, Stage};
use crate::state;

/// The longest wait between two calls of `go_on`.
pub(crate) const SLICE: Duration = Duration::from_millis(200);

/// An exchange, with any type of `go_on`.
pub type ExchangeState = ExchangeStateOf<dyn Fn(Stage) -> bool>;

/// An exchange and its `go_on` in one allocation.
pub struct ExchangeStateOf<GoOn: ?Sized> {
    /// The process that began the exchange and continues it. A child that is forked in a callback must
    /// leave it alone.
    process: u32,
    started: Instant,
    limits: Limits,
    stage: Cell<Stage>,
    /// When the current connect began.
    connect_began: Cell<Instant>,
    /// A connector is running: the bytes that it writes are not the request.
    dialling: Cell<bool>,
    fresh_only: Cell<bool>,
    /// A kept connection was taken.
    took_kept: Cell<bool>,
    dialled: Cell<bool>,
    request_left: Cell<bool>,
    /// The request was sent over a connection that was then replaced.
    lost: Cell<bool>,
    answer_began: Cell<bool>,
    /// Called about five times a second; false cancels.
    go_on: GoOn,
}

thread_local! {
    /// This thread's current exchange. It has no destructor, because a host may call the library while
    /// its thread exits, after the destructors have run.
    static CURRENT: ManuallyDrop<Cell<Option<Rc<ExchangeState>>>> =
        const { ManuallyDrop::new(Cell::new(None)) };
}

impl ExchangeState {
    /// `uses_kept`: the request may go over a kept connection, and again over a new one if that was
    /// closed.
    pub fn new(
        limits: Limits,
        uses_kept: bool,
        go_on: impl Fn(Stage) -> bool + 'static,
    ) -> Rc<ExchangeState> {
        let now = Instant::now();
        Rc::new(ExchangeStateOf {
            process: state::process_id(),
            started: now,
            limits,
            stage: Cell::new(Stage::Connecting),
            connect_began: Cell::new(now),
            dialling: Cell::new(false),
            fresh_only: Cell::new(!uses_kept),
            took_kept: Cell::new(false),
            dialled: Cell::new(false),
            request_left: Cell::new(false),
            lost: Cell::new(false),
            answer_began: Cell::new(false),
            go_on,
        })
    }

    /// Runs `work` with this exchange as the current one. Exchanges may be nested, because on_progress
    /// may open a shift itself.
    pub fn run<T>(self: &Rc<Self>, work: impl FnOnce() -> T) -> T {
        /// Restores the outer exchange, so that nothing is left for a destructor to free.
        struct Outer(Option<Rc<ExchangeState>>);
        impl Drop for Outer {
            fn drop(&mut self) {
                CURRENT.with(|current| current.set(self.0.take()));
            }
        }
        let _outer = Outer(CURRENT.with(|current| current.replace(Some(Rc::clone(self)))));
        work()
    }

    /// Returns this thread's current exchange.
    ///
    /// # Errors
    ///
    /// An error outside of [`ExchangeState::run`], where connectors are never called.
    pub fn current() -> io::Result<Rc<ExchangeState>> {
        let current = CURRENT.with(|current| {
            let exchange = current.take();
            current.set(exchange.clone());
            exchange
        });
        current.ok_or_else(|| Failure::Internal("no exchange under way".into()).into())
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns how long the caller may wait before it calls this again.
    ///
    /// # Errors
    ///
    /// [`Failure::Timeout`] if the time is over, [`Failure::Cancelled`] if the host wants to stop or if
    /// the exchange is the parent process's, all inside an [`io::Error`].
    pub fn slice(&self) -> io::Result<Duration> {
        let left = self.left()?;
        if !(self.go_on)(self.stage.get()) || self.is_parents() {
            return Err(Failure::Cancelled.into());
        }
        Ok(left.min(SLICE))
    }

    /// Returns the time that is left until the current limit, never zero.
    ///
    /// # Errors
    ///
    /// [`Failure::Timeout`] if the time is over.
    pub fn left(&self) -> io::Result<Duration> {
        let whole = self.limits.whole;
        let whole = (whole.saturating_sub(self.elapsed()), whole);
        let stage = self.stage.get();
        let (left, limit) = match stage {
            Stage::Connecting => {
                let limit = self.limits.connect;
                let left = limit.saturating_sub(self.connect_began.get().elapsed());
                (left, limit).min(whole)
            }
            Stage::Exchanging => whole,
        };
        if left.is_zero() {
            return Err(Failure::Timeout { stage, limit }.into());
        }
        Ok(left)
    }

    /// Marks a connector as running until the returned value is dropped.
    pub fn dial(self: &Rc<Self>) -> Dialling {
        self.dialled.set(true);
        self.dialling.set(true);
        Dialling(Rc::clone(self))
    }

    /// Notes that bytes are about to be written to a connection. They are the request's, unless a
    /// connector is running.
    pub fn writes(&self) {
        if !self.dialling.get() {
            self.stage.set(Stage::Exchanging);
        }
    }

    /// Notes that the system has accepted bytes to send.
    pub fn wrote(&self) {
        if !self.dialling.get() {
            self.request_left.set(true);
        }
    }

    /// Notes that bytes of an answer have arrived.
    pub fn received(&self) {
        self.answer_began.set(true);
    }

    /// Whether a byte of the request may have left this machine.
    pub fn request_left(&self) -> bool {
        self.request_left.get() || self.is_parents()
    }

    fn is_parents(&self) -> bool {
        state::process_id() != self.process
    }

    /// Whether the request was sent again over a second connection, because the first was closed.
    pub fn resent(&self) -> bool {
        self.lost.get() && self.stage.get() == Stage::Exchanging
    }

    /// Whether pooled connections are skipped. The exchange's own new connection is not skipped.
    pub fn skips_kept(&self) -> bool {
        self.fresh_only.get() && !self.dialled.get()
    }

    /// Notes that the exchange uses a kept connection.
    pub fn takes_kept(&self) {
        self.took_kept.set(true);
    }

    /// Whether the failure came from a kept connection that the server had closed. If so, the exchange
    /// must continue over a new connection, and kept connections are skipped from now on.
    pub fn replaces_kept(&self, failure: &Failure) -> bool {
        // The connection may have failed before a byte was written. `took_kept` is taken, because a
        // second failure belongs to the new connection, even if that was not dialled yet.
        let is_stale = matches!(failure, Failure::Network { .. })
            && self.took_kept.take()
            && !self.dialled.get()
            && !self.answer_began.get();
        if is_stale {
            self.fresh_only.set(true);
            self.lost.set(self.request_left.get());
            self.stage.set(Stage::Connecting);
            self.connect_began.set(Instant::now());
        }
        is_stale
    }
}

/// See [`ExchangeState::dial`].
pub struct Dialling(Rc<ExchangeState>);

impl Drop for Dialling {
    fn drop(&mut self) {
        self.0.dialling.set(false);
    }
}

/// A failure passes through ureq and rustls inside an `io::Error`, from which it is extracted again.
impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        io::Error::other(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Network;

    fn limits(connect: u64, whole: u64) -> Limits {
        Limits {
            connect: Duration::from_millis(connect),
            whole: Duration::from_millis(whole),
        }
    }

    #[test]
    fn the_connect_limit_holds_only_until_the_request_is_written() {
        let exchange = ExchangeState::new(limits(0, 60_000), true, |_| true);
        assert!(exchange.left().is_err());
        exchange.writes();
        assert!(exchange.left().is_ok());
    }

    #[test]
    fn bytes_that_a_connector_writes_are_not_the_request() {
        let exchange = ExchangeState::new(limits(1000, 1000), true, |_| true);
        let dialling = exchange.dial();
        exchange.writes();
        exchange.wrote();
        assert!(!exchange.request_left());
        drop(dialling);
        exchange.wrote();
        assert!(exchange.request_left());
    }

    #[test]
    fn a_kept_connection_that_fails_before_a_byte_is_written_is_replaced_once() {
        let exchange = ExchangeState::new(limits(1000, 1000), true, |_| true);
        let failure = Failure::network(Network::Broken, "");
        assert!(!exchange.replaces_kept(&failure), "no connection yet");
        exchange.takes_kept();
        assert!(exchange.replaces_kept(&failure));
        assert!(exchange.skips_kept());
        assert!(!exchange.replaces_kept(&failure), "no connection yet");
        exchange.writes();
        assert!(!exchange.request_left() && !exchange.resent());
    }

    #[test]
    fn a_new_connection_is_not_replaced() {
        let exchange = ExchangeState::new(limits(1000, 1000), true, |_| true);
        exchange.takes_kept();
        drop(exchange.dial());
        assert!(!exchange.replaces_kept(&Failure::network(Network::Broken, "")));
    }

    #[test]
    fn a_request_that_must_not_be_sent_twice_skips_kept_connections() {
        let exchange = ExchangeState::new(limits(1000, 1000), false, |_| true);
        assert!(exchange.skips_kept());
        drop(exchange.dial());
        assert!(!exchange.skips_kept(), "its own");
    }

    #[test]
    fn a_nested_exchange_leaves_the_outer_one_in_its_place() {
        let outer = ExchangeState::new(limits(1, 1), true, |_| true);
        let inner = ExchangeState::new(limits(1, 1), true, |_| true);
        outer.run(|| {
            inner.run(|| assert!(Rc::ptr_eq(&inner, &ExchangeState::current().unwrap())));
            assert!(Rc::ptr_eq(&outer, &ExchangeState::current().unwrap()));
        });
        assert!(ExchangeState::current().is_err());
    }

    #[test]
    fn a_nonzero_on_progress_cancels() {
        let exchange = ExchangeState::new(limits(1000, 1000), true, |_| false);
        let error = exchange.slice().unwrap_err();
        let failure = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Failure>());
        assert!(matches!(failure, Some(Failure::Cancelled)));
    }
}
