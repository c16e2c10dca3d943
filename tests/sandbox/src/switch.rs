//! Switches: what is answered from now on, whatever the request says.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

use serde::Serialize;

use crate::answering::Answering;
use crate::order::Order;
use crate::sequence::Sequence;

/// Which certificate --tls shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Certificate {
    Valid,
    Expired,
    WrongName,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Certifying {
    pub(crate) certificate: Certificate,
    /// For how many connections; null: until it is switched back.
    count: Option<u32>,
}

impl Certifying {
    /// # Errors
    /// What is wrong with the order.
    pub(crate) fn read(mut order: Order) -> Result<Certifying, String> {
        let all = [
            ("valid", Certificate::Valid),
            ("expired", Certificate::Expired),
            ("wrong_name", Certificate::WrongName),
        ];
        let certificate = order.choice("certificate", &all)?;
        let count = order.whole("count", 1..=u32::MAX)?;
        order.end()?;
        match certificate {
            None => Err("certificate: не задано; есть valid, expired, wrong_name".to_owned()),
            Some(Certificate::Valid) if count.is_some() => Err("count: не для valid".to_owned()),
            Some(certificate) => Ok(Certifying { certificate, count }),
        }
    }
}

/// What callback_url is told of a new document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Nothing.
    Off,
    Processed,
    Waiting,
    Error,
}

impl Status {
    /// In the page's words.
    pub(crate) fn words(self) -> Option<&'static str> {
        match self {
            Status::Off => None,
            Status::Processed => Some("обработан"),
            Status::Waiting => Some("ожидает повтора"),
            Status::Error => Some("ошибка"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Notifying {
    pub(crate) status: Status,
}

impl Notifying {
    /// # Errors
    /// What is wrong with the order.
    pub(crate) fn read(mut order: Order) -> Result<Notifying, String> {
        let all = [
            ("off", Status::Off),
            ("processed", Status::Processed),
            ("waiting", Status::Waiting),
            ("error", Status::Error),
        ];
        let status = order.choice("status", &all)?;
        order.end()?;
        let status = status.ok_or("status: не задано; есть off, processed, waiting, error")?;
        Ok(Notifying { status })
    }
}

/// All switches, as they are shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Positions {
    pub(crate) answer: Answering,
    /// What is answered after that.
    then: VecDeque<Answering>,
    certificate: Certifying,
    pub(crate) notify: Notifying,
}

pub(crate) struct Switches {
    at_start: Positions,
    now: Mutex<Positions>,
    /// Changes whenever somebody says what is answered.
    turn: AtomicU64,
}

impl Switches {
    pub(crate) fn new(notify: bool) -> Switches {
        let status = if notify {
            Status::Processed
        } else {
            Status::Off
        };
        let at_start = Positions {
            answer: Answering::usual(),
            then: VecDeque::new(),
            certificate: Certifying {
                certificate: Certificate::Valid,
                count: None,
            },
            notify: Notifying { status },
        };
        Switches {
            now: Mutex::new(at_start.clone()),
            at_start,
            turn: AtomicU64::default(),
        }
    }

    pub(crate) fn now(&self) -> Positions {
        self.now.lock().unwrap().clone()
    }

    /// Which order it was that chose the answer.
    pub(crate) fn turn(&self) -> u64 {
        self.turn.load(Ordering::SeqCst)
    }

    pub(crate) fn reset(&self) {
        self.turn.fetch_add(1, Ordering::SeqCst);
        *self.now.lock().unwrap() = self.at_start.clone();
    }

    pub(crate) fn set_answers(&self, answers: Sequence) {
        self.turn.fetch_add(1, Ordering::SeqCst);
        let mut now = self.now.lock().unwrap();
        (now.answer, now.then) = (answers.first, answers.then);
    }

    pub(crate) fn answer_as_usual(&self) {
        self.set_answers(Sequence {
            first: Answering::usual(),
            then: VecDeque::new(),
        });
    }

    pub(crate) fn set_certificate(&self, certificate: Certifying) {
        self.now.lock().unwrap().certificate = certificate;
    }

    pub(crate) fn set_notify(&self, notify: Notifying) {
        self.now.lock().unwrap().notify = notify;
    }

    /// What the next request is answered with; counts it.
    pub(crate) fn take_answer(&self) -> Answering {
        let mut now = self.now.lock().unwrap();
        let taken = now.answer.clone();
        if is_last(&mut now.answer.count) {
            now.answer = now.then.pop_front().unwrap_or_else(Answering::usual);
        }
        taken
    }

    /// What the next connection is shown; counts it.
    pub(crate) fn take_certificate(&self) -> Certificate {
        let mut now = self.now.lock().unwrap();
        let taken = now.certificate.certificate;
        if is_last(&mut now.certificate.count) {
            now.certificate.certificate = Certificate::Valid;
        }
        taken
    }
}

/// Counts one. At the last one the count is gone.
fn is_last(count: &mut Option<u32>) -> bool {
    *count = match *count {
        None => return false,
        Some(count) => count.checked_sub(1).filter(|left| *left > 0),
    };
    count.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answering::Name;

    fn answers(text: &str) -> Sequence {
        Sequence::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_switch_counts_its_requests_and_goes_back() {
        let switches = Switches::new(false);
        switches.set_answers(answers(r#"{"answer":"reset","count":2}"#));
        let taken: Vec<_> = (0..3).map(|_| switches.take_answer().answer).collect();
        assert_eq!(taken, [Name::Reset, Name::Reset, Name::Usual]);
        assert_eq!(switches.now(), switches.at_start);
    }

    #[test]
    fn answers_follow_one_another() {
        let switches = Switches::new(false);
        let text =
            r#"["http_503", {"answer":"lost","count":2}, "usual", {"answer":"html","count":1}]"#;
        switches.set_answers(answers(text));
        let taken: Vec<_> = (0..6).map(|_| switches.take_answer().answer).collect();
        let expected = [
            Name::Unavailable,
            Name::Lost,
            Name::Lost,
            Name::Usual,
            Name::Html,
            Name::Usual,
        ];
        assert_eq!(taken, expected);
        assert_eq!(switches.now(), switches.at_start);
        // An order replaces what was still to come.
        switches.set_answers(answers(text));
        switches.answer_as_usual();
        assert_eq!(switches.now(), switches.at_start);
    }

    #[test]
    fn a_switch_without_a_count_stays_until_it_is_reset() {
        let switches = Switches::new(true);
        switches.set_answers(answers(r#"{"answer":"html"}"#));
        for _ in 0..3 {
            assert_eq!(switches.take_answer().answer, Name::Html);
        }
        switches.reset();
        assert_eq!(switches.take_answer().answer, Name::Usual);
        assert_eq!(switches.now().notify.status, Status::Processed);
    }
}
