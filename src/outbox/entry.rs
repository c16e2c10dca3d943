//! One request of the outbox, and what is known of it.

use std::time::{Duration, SystemTime};

use crate::code;
use crate::error::Failure;
use crate::report::{Report, LP_OUTCOME_UNKNOWN};

/// What an entry has come to. The numbers are the file's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting = 0,
    Accepted = 1,
    Rejected = 2,
    Cancelled = 3,
    Expired = 4,
    /// Of a later version.
    Unknown = -1,
}

impl State {
    /// Nothing for a number that only a later version knows.
    pub fn from_number(number: i64) -> Option<State> {
        use State::{Accepted, Cancelled, Expired, Rejected, Waiting};
        [Waiting, Accepted, Rejected, Cancelled, Expired]
            .into_iter()
            .find(|state| *state as i64 == number)
    }

    /// What can be told of an entry whose report cannot be read.
    pub fn report(self, ext_id: &str) -> Report {
        let mut report = Report::of(ext_id);
        report.outcome = LP_OUTCOME_UNKNOWN;
        match self {
            State::Accepted => report.accept(None),
            State::Cancelled => report.fail(&Failure::Cancelled),
            State::Expired => report.fail(&Failure::Expired),
            State::Rejected => report.reject(code::LP_SERVER_ERROR, "", Vec::new()),
            State::Waiting | State::Unknown => {}
        }
        report
    }
}

/// A row of the file. Times are Unix milliseconds, 0: none.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: i64,
    pub base_url: String,
    pub ext_id: String,
    pub login: String,
    pub target_serial: Option<String>,
    /// The JSON that is sent, without its apikey.
    pub request: String,
    pub state: State,
    /// It is a kind of request that this version knows.
    pub is_known: bool,
    /// An attempt is being made, or was when the process died.
    pub sending: bool,
    /// It is to be cancelled when the attempt under way ends.
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

    /// Ends it without an answer of LifePay's.
    pub fn finish(&mut self, state: State) {
        let failure = match state {
            State::Expired => Failure::Expired,
            _ => Failure::Cancelled,
        };
        let last = self.report.detail.take();
        self.report.fail(&failure);
        self.report.detail = last;
        self.report.retry_after_ms = 0;
        self.state = state;
        self.sending = false;
        self.cancelling = false;
        self.next_attempt_at = 0;
        self.answered_at = now();
    }

    /// Makes it wait for an attempt at once; false if its time is over.
    pub fn reopen(&mut self) -> bool {
        let now = now();
        if self.expires_at != 0 && self.expires_at <= now {
            return false;
        }
        if self.state == State::Rejected {
            // Another ask is open again, and what LifePay has said before is in the detail.
            self.report.detail = Some(format!("before: {}", self.report.message));
            self.report.code = code::LP_PENDING;
            // An earlier attempt's answer may have been lost.
            self.report.outcome = LP_OUTCOME_UNKNOWN;
            self.report.message = code::text_str(code::LP_PENDING).to_owned();
            self.report.errors.clear();
            self.state = State::Waiting;
            self.answered_at = 0;
        }
        self.next_attempt_at = now;
        true
    }
}

/// Unix milliseconds of now.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, millis)
}

/// A time span in the file's unit; what is beyond all clocks is as long as can be.
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
