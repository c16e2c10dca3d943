//! The conditions that must hold for one ext_id, given the calls about it and the attempts that the
//! server received. All times are on the monotonic clock, which does not jump.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use lifepay::ffi::{LP_ERR_CANCELLED, LP_ERR_EXPIRED, LP_ERR_NOT_FOUND, LP_PENDING};

use super::server::{RandomServer, ACCEPTED, REJECTED};
use crate::support::constants::{ANSWERED, NOT_SENT, UNKNOWN};

/// Allows for rounding to milliseconds, and for an interruption between the readings of two clocks.
const ROUNDING: Duration = Duration::from_millis(50);

/// The events that concern every ext_id, printed when a check fails.
static EVENTS: Mutex<Vec<(Instant, String)>> = Mutex::new(Vec::new());

pub fn note_for_all(what: String) {
    EVENTS.lock().unwrap().push((Instant::now(), what));
}

/// A period in which a call may trigger an attempt before the end of its pause.
#[derive(Debug, Clone, Copy)]
pub struct Trigger {
    pub from: Instant,
    pub to: Instant,
}

/// The expiry of the last submit that returned LP_PENDING.
#[derive(Debug, Clone, Copy)]
pub struct Expiry {
    pub earliest: Instant,
    pub latest: Instant,
    /// The same by the wall clock, in Unix milliseconds.
    pub earliest_at: i64,
    pub latest_at: i64,
    /// The counter of clock jumps before the submit.
    pub jumps: u64,
}

/// The model of one ext_id.
pub struct Life {
    pub ext_id: String,
    /// How often the entry was forgotten. It is sent with each request.
    pub generation: u32,
    pub is_submitted: bool,
    /// The last outcome that was seen. All except a rejection are final until the next submit.
    pub outcome: Option<i32>,
    /// Whether a cancel has returned since the last submit that returned LP_PENDING.
    pub is_cancelled: bool,
    pub expiry: Option<Expiry>,
    pub triggers: Vec<Trigger>,
    /// How many attempts the server had received when the entry was finished.
    attempts_at_end: Option<usize>,
    history: Vec<String>,
    began: Instant,
}

impl Life {
    pub fn new(ext_id: String) -> Life {
        Life {
            ext_id,
            generation: 0,
            is_submitted: false,
            outcome: None,
            is_cancelled: false,
            expiry: None,
            triggers: Vec::new(),
            attempts_at_end: None,
            history: Vec::new(),
            began: Instant::now(),
        }
    }

    pub fn note(&mut self, what: String) {
        let is_known = |last: &String| last.ends_with(&format!(" ms {what}"));
        if !self.history.last().is_some_and(is_known) {
            let at = self.began.elapsed().as_millis();
            self.history.push(format!("{at:6} ms {what}"));
        }
    }

    #[track_caller]
    pub fn fail(&self, server: &RandomServer, why: &str) -> ! {
        let at = |time: Instant| (time - self.began).as_millis();
        let mut lines = self.history.clone();
        lines.extend(server.attempts(&self.ext_id).iter().map(|attempt| {
            let ended = attempt
                .ended
                .map_or("-".to_owned(), |end| at(end).to_string());
            let (began, generation, code) = (at(attempt.began), attempt.generation, attempt.code);
            let late = if attempt.is_late {
                " aborted before"
            } else {
                ""
            };
            format!(
                "{began:6} ms ATTEMPT until {ended}, generation {generation}, {code:?}{late} {}",
                attempt.answer
            )
        }));
        let events = EVENTS.lock().unwrap();
        let mine = events.iter().filter(|(time, _)| *time >= self.began);
        lines.extend(mine.map(|(time, what)| format!("{:6} ms ALL {what}", at(*time))));
        lines.sort();
        let now = self.began.elapsed().as_millis();
        panic!(
            "{}: {why}\n{}\n{now:6} ms now",
            self.ext_id,
            lines.join("\n")
        );
    }

    /// Whether the entry is finished and stays so unless it is submitted again.
    pub fn is_final(&self) -> bool {
        self.outcome.is_some_and(|outcome| outcome != REJECTED)
    }

    pub fn is_over(&self) -> bool {
        self.is_final() || self.is_past()
    }

    /// Whether the entry may have expired.
    pub fn is_past(&self) -> bool {
        let past = |expiry: Expiry| Instant::now() + ROUNDING >= expiry.earliest;
        self.expiry.is_some_and(past)
    }

    pub fn was_sent(&self, server: &RandomServer) -> bool {
        let attempts = server.attempts(&self.ext_id);
        attempts.iter().any(|one| one.generation == self.generation)
    }

    pub fn was_answered(&self, server: &RandomServer, code: i32) -> bool {
        let attempts = server.attempts(&self.ext_id);
        let mut mine = attempts
            .iter()
            .filter(|one| one.generation == self.generation);
        mine.any(|one| one.code == Some(code))
    }

    /// Checks a code and an outcome that a call or an entry reported, and records them. `was_sent`:
    /// the server had received an attempt before that.
    #[track_caller]
    pub fn observe(&mut self, server: &RandomServer, code: i32, outcome: i32, was_sent: bool) {
        let is_new = !self.is_final();
        let is_legal = match code {
            LP_ERR_NOT_FOUND => !self.is_submitted,
            _ if !self.is_submitted => false,
            LP_PENDING => is_new,
            _ if !is_new => self.outcome == Some(code),
            ACCEPTED | REJECTED => self.was_answered(server, code),
            LP_ERR_CANCELLED => self.is_cancelled,
            LP_ERR_EXPIRED => self.is_past(),
            _ => false,
        };
        if !is_legal {
            self.fail(server, &format!("code {code} is impossible"));
        }
        let outcomes = match code {
            LP_ERR_NOT_FOUND => return,
            ACCEPTED | REJECTED => ANSWERED..=ANSWERED,
            _ if was_sent => UNKNOWN..=UNKNOWN,
            _ => NOT_SENT..=UNKNOWN,
        };
        if !outcomes.contains(&outcome) {
            let why = format!("outcome {outcome} with {code}, sent before: {was_sent}");
            self.fail(server, &why);
        }
        if code != LP_PENDING {
            if is_new {
                self.attempts_at_end = Some(server.count(&self.ext_id));
            }
            self.outcome = Some(code);
        }
        self.check_end(server);
    }

    /// Checks that a finished entry is not sent again.
    #[track_caller]
    pub fn check_end(&self, server: &RandomServer) {
        let count = server.count(&self.ext_id);
        if self.is_final() && self.attempts_at_end.is_some_and(|then| then < count) {
            self.fail(server, "an attempt after the entry was finished");
        }
    }

    /// Records that a submit has returned LP_PENDING.
    pub fn submitted(&mut self, expiry: Option<Expiry>) {
        self.is_submitted = true;
        self.outcome = None;
        self.is_cancelled = false;
        self.expiry = expiry;
        self.attempts_at_end = None;
    }

    pub fn forgotten(&mut self) {
        self.submitted(None);
        self.is_submitted = false;
        self.generation += 1;
    }

    /// Checks that every attempt before the end of a pause was triggered by a call.
    #[track_caller]
    pub fn check_pauses(&self, server: &RandomServer, shortest: Duration, triggers: &[Trigger]) {
        let attempts = server.attempts(&self.ext_id);
        let Some(mut started) = attempts.first().map(|first| first.began) else {
            return;
        };
        for pair in attempts.windows(2) {
            if pair[0].is_replaced {
                continue;
            }
            let began = pair[1].began;
            let from = std::mem::replace(&mut started, began);
            let Some(ended) = pair[0].ended else { continue };
            let is_triggered = |trigger: &Trigger| trigger.from <= began && trigger.to >= from;
            let pause = began.saturating_duration_since(ended);
            let mut all = self.triggers.iter().chain(triggers);
            if pause + ROUNDING < shortest && !all.any(is_triggered) {
                self.fail(server, &format!("an attempt after a pause of {pause:?}"));
            }
        }
    }
}
