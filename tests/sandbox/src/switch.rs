//! Switches: what is answered from now on, whatever the request says.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::answer::{fault, message, Fields};

/// The longest that the slow switch may take, in seconds.
const SLOWEST: f64 = 3600.0;
/// The most characters of a text that is to be answered.
const LONGEST: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Name {
    /// What the request asks for, magic values included.
    #[serde(rename = "usual")]
    Usual,
    /// No connection can be made.
    #[serde(rename = "refused")]
    Refused,
    /// The connection is reset.
    #[serde(rename = "reset")]
    Reset,
    #[serde(rename = "http_503")]
    Unavailable,
    /// The document is made at once, the answer comes late.
    #[serde(rename = "slow")]
    Slow,
    /// The document is made, the connection is closed.
    #[serde(rename = "lost")]
    Lost,
    /// HTTP 200 with a page.
    #[serde(rename = "html")]
    Html,
    #[serde(rename = "redirect")]
    Redirect,
    /// LifePay's JSON with a code, a message and a field's error.
    #[serde(rename = "code")]
    Code,
}

impl Name {
    /// As in JSON.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Name::Usual => "usual",
            Name::Refused => "refused",
            Name::Reset => "reset",
            Name::Unavailable => "http_503",
            Name::Slow => "slow",
            Name::Lost => "lost",
            Name::Html => "html",
            Name::Redirect => "redirect",
            Name::Code => "code",
        }
    }
}

/// What is answered, as it is asked for and as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answering {
    pub(crate) answer: Name,
    /// With slow: until the answer. With refused: until connections can be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<f64>,
    /// These four only with code. Without a message it is the page's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// For how many requests; null: until it is switched back.
    #[serde(default)]
    count: Option<u32>,
}

impl Answering {
    pub(crate) fn usual() -> Answering {
        Answering {
            answer: Name::Usual,
            seconds: None,
            code: None,
            message: None,
            field: None,
            text: None,
            count: None,
        }
    }

    /// What is wrong with it.
    fn fault(&self) -> Option<String> {
        let texts = [&self.message, &self.field, &self.text];
        let is_code = self.answer == Name::Code;
        let too_long = |text: &&&Option<String>| {
            let length = text.as_ref().map_or(0, |text| text.chars().count());
            length > LONGEST
        };
        Some(match self.answer {
            Name::Slow if !self.seconds.is_some_and(|s| (0.0..=SLOWEST).contains(&s)) => {
                format!("seconds: от 0 до {SLOWEST}")
            }
            Name::Code if self.code.is_none_or(|code| code < 1) => {
                "code: целое число от 1; для кода 0 есть usual".to_owned()
            }
            Name::Refused if !self.seconds.is_none_or(|s| (0.0..=SLOWEST).contains(&s)) => {
                format!("seconds: от 0 до {SLOWEST}")
            }
            Name::Refused if self.count.is_some() => {
                "count: не для refused, ведь отказанные соединения песочница не видит".to_owned()
            }
            _ if self.seconds.is_some() && !matches!(self.answer, Name::Slow | Name::Refused) => {
                "seconds: только для slow и refused".to_owned()
            }
            _ if !is_code && (self.code.is_some() || texts.iter().any(|text| text.is_some())) => {
                "code, message, field, text: только для code".to_owned()
            }
            _ if self.field.is_some() != self.text.is_some() => {
                "field и text: вместе или никак".to_owned()
            }
            _ if texts.iter().any(|text| too_long(&text)) => {
                format!("message, field, text: максимум {LONGEST} символов")
            }
            Name::Usual if self.count.is_some() => "count: не для usual".to_owned(),
            _ if self.count == Some(0) => "count: целое число от 1".to_owned(),
            _ => return None,
        })
    }

    /// The rejection of a code.
    pub(crate) fn rejection(&self) -> (i32, String, Fields) {
        let code = self.code.unwrap_or(500);
        let text = self.message.clone().unwrap_or_else(|| message(code));
        let fields = match (&self.field, &self.text) {
            (Some(field), Some(text)) => fault(field, text),
            _ => Fields::new(),
        };
        (code, text, fields)
    }
}

/// Which certificate --tls shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Certificate {
    Valid,
    Expired,
    WrongName,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certifying {
    pub(crate) certificate: Certificate,
    /// For how many connections; null: until it is switched back.
    #[serde(default)]
    count: Option<u32>,
}

/// What callback_url is told of a new document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notifying {
    pub(crate) status: Status,
}

/// All switches, as they are shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Positions {
    pub(crate) answer: Answering,
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

    /// # Errors
    /// What is wrong with it; then nothing has changed.
    pub(crate) fn set_answer(&self, answer: Answering) -> Result<(), String> {
        if let Some(fault) = answer.fault() {
            return Err(fault);
        }
        self.turn.fetch_add(1, Ordering::SeqCst);
        self.now.lock().unwrap().answer = answer;
        Ok(())
    }

    /// # Errors
    /// What is wrong with it; then nothing has changed.
    pub(crate) fn set_certificate(&self, certificate: Certifying) -> Result<(), String> {
        if certificate.count == Some(0) {
            return Err("count: целое число от 1".to_owned());
        }
        self.now.lock().unwrap().certificate = certificate;
        Ok(())
    }

    pub(crate) fn set_notify(&self, notify: Notifying) {
        self.now.lock().unwrap().notify = notify;
    }

    /// What the next request is answered with; counts it.
    pub(crate) fn take_answer(&self) -> Answering {
        let mut now = self.now.lock().unwrap();
        let taken = now.answer.clone();
        if is_last(&mut now.answer.count) {
            now.answer = Answering::usual();
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

    fn answering(text: &str) -> Answering {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_switch_counts_its_requests_and_goes_back() {
        let switches = Switches::new(false);
        let reset = answering(r#"{"answer":"reset","count":2}"#);
        switches.set_answer(reset).unwrap();
        let taken: Vec<_> = (0..3).map(|_| switches.take_answer().answer).collect();
        assert_eq!(taken, [Name::Reset, Name::Reset, Name::Usual]);
        assert_eq!(switches.now(), switches.at_start);
    }

    #[test]
    fn a_switch_without_a_count_stays_until_it_is_reset() {
        let switches = Switches::new(true);
        switches
            .set_answer(answering(r#"{"answer":"html"}"#))
            .unwrap();
        for _ in 0..3 {
            assert_eq!(switches.take_answer().answer, Name::Html);
        }
        switches.reset();
        assert_eq!(switches.take_answer().answer, Name::Usual);
        assert_eq!(switches.now().notify.status, Status::Processed);
    }

    #[test]
    fn a_wrong_switch_is_refused_and_changes_nothing() {
        let switches = Switches::new(false);
        for (text, named) in [
            (r#"{"answer":"slow"}"#, "seconds"),
            (r#"{"answer":"slow","seconds":-1}"#, "seconds"),
            (r#"{"answer":"slow","seconds":4000}"#, "seconds"),
            (r#"{"answer":"html","seconds":1}"#, "seconds"),
            (r#"{"answer":"code"}"#, "code"),
            (r#"{"answer":"code","code":0}"#, "code"),
            (r#"{"answer":"reset","code":400}"#, "code"),
            (r#"{"answer":"code","code":400,"field":"login"}"#, "text"),
            (r#"{"answer":"reset","count":0}"#, "count"),
            (r#"{"answer":"refused","count":1}"#, "count"),
            (r#"{"answer":"refused","seconds":4000}"#, "seconds"),
            (r#"{"answer":"usual","count":1}"#, "count"),
        ] {
            let error = switches.set_answer(answering(text)).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
            assert_eq!(switches.now(), switches.at_start, "{text}");
        }
    }

    #[test]
    fn the_names_are_those_of_the_json() {
        for name in [
            Name::Usual,
            Name::Refused,
            Name::Reset,
            Name::Unavailable,
            Name::Slow,
            Name::Lost,
            Name::Html,
            Name::Redirect,
            Name::Code,
        ] {
            assert_eq!(serde_json::to_value(name).unwrap(), name.text());
        }
    }
}
