//! One request of the outbox, and what is known of it.

use std::time::{Duration, SystemTime};

use crate::report::Report;

/// What an entry has come to. The numbers are the file's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting = 0,
    Accepted = 1,
    Rejected = 2,
    Cancelled = 3,
    Expired = 4,
}

impl State {
    /// Nothing for a number that only a later version knows.
    pub fn from_number(number: i64) -> Option<State> {
        use State::{Accepted, Cancelled, Expired, Rejected, Waiting};
        [Waiting, Accepted, Rejected, Cancelled, Expired]
            .into_iter()
            .find(|state| *state as i64 == number)
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
