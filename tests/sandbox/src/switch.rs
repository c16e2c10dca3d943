//! Switches: they select the following answers, regardless of the request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::Duration;

use fastrand::Rng;
use serde::Serialize;

use crate::answering::Answering;
use crate::filter::Filter;
use crate::journal::Request;
use crate::latency::Latency;
use crate::notifying::{Notifying, Status};
use crate::order::Order;
use crate::sequence::Sequence;

/// The certificate that --tls presents.
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
    /// The number of connections; null: until the switch is changed.
    count: Option<u32>,
}

impl Certifying {
    /// # Errors
    /// The fault in the order.
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

/// The answers to selected requests.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Rule {
    filter: Filter,
    #[serde(flatten)]
    answers: Sequence,
}

/// The positions of all switches, as shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Positions {
    #[serde(flatten)]
    pub(crate) answers: Sequence,
    /// Answers to selected requests. They take precedence, and the first matching rule applies.
    rules: Vec<Rule>,
    pub(crate) latency: Latency,
    certificate: Certifying,
    pub(crate) notify: Notifying,
}

pub(crate) struct Switches {
    at_start: Positions,
    now: Mutex<Positions>,
    /// None: each run has different random numbers.
    seed: Option<u64>,
    chance: Mutex<Rng>,
    /// Changes with every order about answers.
    turn: AtomicU64,
}

impl Switches {
    pub(crate) fn new(notify: bool, seed: Option<u64>) -> Switches {
        let status = if notify {
            Status::Processed
        } else {
            Status::Off
        };
        let at_start = Positions {
            answers: Sequence::usual(),
            rules: Vec::new(),
            latency: Latency::default(),
            certificate: Certifying {
                certificate: Certificate::Valid,
                count: None,
            },
            notify: Notifying::at_once(status),
        };
        Switches {
            now: Mutex::new(at_start.clone()),
            at_start,
            seed,
            chance: Mutex::new(chance(seed)),
            turn: AtomicU64::default(),
        }
    }

    pub(crate) fn now(&self) -> Positions {
        self.now.lock().unwrap().clone()
    }

    /// Returns the number of the order that selected the current answer.
    pub(crate) fn turn(&self) -> u64 {
        self.turn.load(Ordering::SeqCst)
    }

    pub(crate) fn reset(&self) {
        self.turn.fetch_add(1, Ordering::SeqCst);
        *self.now.lock().unwrap() = self.at_start.clone();
        *self.chance.lock().unwrap() = chance(self.seed);
    }

    /// Makes the current positions those to which a reset returns.
    pub(crate) fn begin_as_now(&mut self) {
        self.at_start = self.now();
    }

    /// Sets the answers to all requests, or to the requests that a query selects.
    ///
    /// # Errors
    /// The fault in the query.
    pub(crate) fn order(&self, query: &str, answers: Sequence) -> Result<(), String> {
        match Filter::read(query)? {
            None => self.set_answers(answers),
            Some(_) if answers.is_refused() => {
                let text =
                    "refused: только для всех, ведь отказанные соединения песочница не видит";
                return Err(text.to_owned());
            }
            Some(filter) => self.set_rule(filter, answers),
        }
        Ok(())
    }

    pub(crate) fn set_answers(&self, answers: Sequence) {
        self.turn.fetch_add(1, Ordering::SeqCst);
        self.now.lock().unwrap().answers = answers;
    }

    /// Sets the answers to selected requests. "usual" removes the rule: these requests are then
    /// answered like all others.
    fn set_rule(&self, filter: Filter, answers: Sequence) {
        let rules = &mut self.now.lock().unwrap().rules;
        rules.retain(|rule| rule.filter != filter);
        if !answers.is_usual() {
            rules.insert(0, Rule { filter, answers });
        }
    }

    pub(crate) fn set_latency(&self, latency: Latency) {
        self.now.lock().unwrap().latency = latency;
    }

    /// Returns the delay of the next answer.
    pub(crate) fn delay(&self) -> Duration {
        let latency = self.now.lock().unwrap().latency;
        latency.delay(self.chance.lock().unwrap().f64())
    }

    pub(crate) fn set_certificate(&self, certificate: Certifying) {
        self.now.lock().unwrap().certificate = certificate;
    }

    pub(crate) fn set_notify(&self, notify: Notifying) {
        self.now.lock().unwrap().notify = notify;
    }

    /// Returns the answer to a request and counts the request.
    pub(crate) fn take_answer(&self, request: &Request) -> Answering {
        let now = &mut *self.now.lock().unwrap();
        let mut rules = now.rules.iter_mut();
        let rule = rules.find(|rule| rule.filter.matches(request));
        let answers = rule.map_or(&mut now.answers, |rule| &mut rule.answers);
        let taken = answers.take(|probability| self.chance.lock().unwrap().f64() < probability);
        now.rules.retain(|rule| !rule.answers.is_usual());
        taken
    }

    /// Returns the certificate for the next connection and counts the connection.
    pub(crate) fn take_certificate(&self) -> Certificate {
        let mut now = self.now.lock().unwrap();
        let taken = now.certificate.certificate;
        if is_last(&mut now.certificate.count) {
            now.certificate.certificate = Certificate::Valid;
        }
        taken
    }
}

fn chance(seed: Option<u64>) -> Rng {
    seed.map_or_else(Rng::new, Rng::with_seed)
}

/// Decrements the count, which becomes None at the last one. Returns whether this was the last one.
pub(crate) fn is_last(count: &mut Option<u32>) -> bool {
    *count = match *count {
        None => return false,
        Some(count) => count.checked_sub(1).filter(|left| *left > 0),
    };
    count.is_none()
}
