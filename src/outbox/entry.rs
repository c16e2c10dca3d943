//! An entry: one request of the outbox and what is known about it.

use crate::code::{lifepay, Outcome};
use crate::failure::{Failure, Refusal};
use crate::report::Report;

/// The state of an entry. The numbers are stored in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting = 0,
    Accepted = 1,
    Rejected = 2,
    Cancelled = 3,
    Expired = 4,
    /// Written by a later version.
    Unknown = -1,
}

impl State {
    /// Returns None for a number that only a later version knows.
    pub fn from_number(number: i64) -> Option<State> {
        use State::{Accepted, Cancelled, Expired, Rejected, Waiting};
        [Waiting, Accepted, Rejected, Cancelled, Expired]
            .into_iter()
            .find(|state| *state as i64 == number)
    }

    /// Whether another request with the same ext_id is refused.
    pub fn holds_its_ext_id(self) -> bool {
        matches!(self, State::Waiting | State::Accepted | State::Unknown)
    }

    /// Whether the entry is pending, or can become pending again.
    pub fn may_be_sent(self) -> bool {
        matches!(self, State::Waiting | State::Rejected)
    }

    /// Returns the report for an entry whose stored report cannot be read.
    pub fn report(self, ext_id: &str) -> Report {
        let mut report = Report::pending(Some(ext_id));
        report.outcome = Outcome::Unknown;
        match self {
            State::Accepted => report.accept(None),
            State::Cancelled => report.fail(&Failure::Cancelled),
            State::Expired => report.fail(&Failure::Expired),
            State::Rejected => report.reject(lifepay::SERVER_ERROR, "", Vec::new(), 0),
            State::Waiting | State::Unknown => {}
        }
        report
    }
}

/// A row of the file. Times are Unix milliseconds; 0 = none.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: i64,
    pub base_url: String,
    pub ext_id: String,
    pub login: String,
    pub target_serial: Option<String>,
    /// The JSON of the request, without the apikey.
    pub request: String,
    pub state: State,
    /// The path below the base URL; None for a kind of request that only a later version knows.
    pub path: Option<String>,
    /// An attempt is running, or was running when the process died.
    pub sending: bool,
    /// The entry is to be cancelled when the current attempt ends.
    pub cancelling: bool,
    pub report: Report,
    pub submitted_at: i64,
    pub next_attempt_at: i64,
    pub answered_at: i64,
    pub expires_at: i64,
}

impl Entry {
    pub fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// Whether the entry has expired at `now`.
    pub fn is_over(&self, now: i64) -> bool {
        self.expires_at != 0 && self.expires_at <= now
    }

    /// Finishes the entry without an answer from LifePay.
    pub fn finish(&mut self, state: State, now: i64) {
        let failure = match state {
            State::Expired => Failure::Expired,
            _ => Failure::Cancelled,
        };
        let last = self.report.detail.take();
        self.report.fail(&failure);
        self.report.detail = last;
        self.end(state, now);
    }

    /// Finishes the entry with the outcome that its report holds.
    pub fn end(&mut self, state: State, now: i64) {
        self.report.retry_after_ms = 0;
        self.state = state;
        self.sending = false;
        self.cancelling = false;
        self.next_attempt_at = 0;
        self.answered_at = now;
    }

    /// Makes the entry due at once, and pending again if it was rejected.
    ///
    /// # Errors
    ///
    /// The reason why it must not be sent.
    pub fn retry_now(&mut self, now: i64) -> Result<(), Refusal> {
        match self.state {
            State::Accepted => return Err(Refusal::Accepted),
            State::Cancelled => return Err(Refusal::Cancelled),
            State::Expired => return Err(Refusal::Expired),
            State::Unknown => return Err(Refusal::OfLaterVersion),
            _ if self.path.is_none() => return Err(Refusal::OfLaterVersion),
            _ if self.is_over(now) => return Err(Refusal::Expired),
            State::Waiting => {}
            State::Rejected => {
                self.report.reopen();
                self.state = State::Waiting;
                self.answered_at = 0;
                self.next_attempt_at = now;
                // Clock jumps did not move the times of the rejected entry. If the clock was set back,
                // they are moved back to now; with the old times, a jump ahead would not move this
                // entry.
                let ahead = self.submitted_at.saturating_sub(now).max(0);
                if self.expires_at > self.submitted_at {
                    self.expires_at -= ahead;
                }
                self.submitted_at -= ahead;
            }
        }
        self.next_attempt_at = match self.sending {
            // `queue::put_back` recognizes the wish to retry by the changed due time.
            true => now.max(self.next_attempt_at.saturating_add(1)),
            // An entry that is already due keeps its place in the queue.
            false => now.min(self.next_attempt_at),
        };
        Ok(())
    }
}
