//! What came of a call: the content of an `lp_result`. The outbox's file keeps it as JSON.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use crate::code::{Code, Outcome};
use crate::failure::Failure;
use crate::fault::Fault;
use crate::messages;

/// How many errors a result has at most.
pub(crate) const MOST_ERRORS: usize = 100;
/// Characters of an error's field and of its message.
pub(crate) const LONGEST_TEXT: usize = 1000;

/// One field and what is wrong with it: LifePay's errors and ours have the same form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

impl FieldError {
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        FieldError {
            field: field.to_owned(),
            message: message.into(),
        }
    }
}

/// See `lp_result` for what each field means; the JSON form has the same names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
// A report that was stored by an earlier version lacks what later ones have added.
#[serde(default)]
pub struct Report {
    pub code: Code,
    pub outcome: Outcome,
    /// 0: no answer came.
    #[serde(deserialize_with = "status")]
    pub http_status: u16,
    pub attempts: u32,
    pub retry_after_ms: u32,
    pub uuid: Option<String>,
    pub ext_id: Option<String>,
    pub message: Cow<'static, str>,
    pub detail: Option<String>,
    pub reply: Option<String>,
    pub errors: Vec<FieldError>,
}

impl Default for Report {
    fn default() -> Self {
        Report {
            code: Code::Pending,
            outcome: Outcome::NotSent,
            http_status: 0,
            attempts: 0,
            retry_after_ms: 0,
            uuid: None,
            ext_id: None,
            message: Cow::Borrowed(""),
            detail: None,
            reply: None,
            errors: Vec::new(),
        }
    }
}

impl Report {
    /// A request that has no outcome yet.
    pub fn pending(ext_id: Option<&str>) -> Report {
        Report {
            ext_id: ext_id.map(str::to_owned),
            message: messages::text(Code::Pending).utf8().into(),
            ..Report::default()
        }
    }

    /// The arguments are wrong, and nothing was sent.
    pub fn refused(faults: Vec<Fault>) -> Report {
        Report::failure(&faults.into())
    }

    /// A call that has done its work and has nothing more to tell.
    pub fn done() -> Report {
        Report {
            code: Code::Accepted,
            outcome: Outcome::None,
            ..Report::default()
        }
    }

    /// A call that could not do its work. What LifePay may have of earlier ones is not known, except
    /// that wrong arguments send nothing.
    pub fn failure(failure: &Failure) -> Report {
        let outcome = match failure {
            Failure::Argument(_) => Outcome::NotSent,
            _ => Outcome::Unknown,
        };
        Report::failure_of(None, outcome, failure)
    }

    /// A call about a request that could not do its work.
    pub fn failure_of(ext_id: Option<String>, outcome: Outcome, failure: &Failure) -> Report {
        let mut report = Report {
            ext_id,
            outcome,
            ..Report::default()
        };
        report.fail(failure);
        report
    }

    /// LifePay took the document.
    pub fn accept(&mut self, uuid: Option<String>) {
        self.code = Code::Accepted;
        self.outcome = Outcome::Answered;
        self.uuid = uuid;
        self.message = messages::text(Code::Accepted).utf8().into();
        self.detail = None;
    }

    /// LifePay refused it: its own words first, which are masked already, then what to do. There are
    /// `more` errors than are listed.
    pub fn reject(&mut self, code: i32, words: &str, errors: Vec<FieldError>, more: usize) {
        self.code = Code::Rejected(code);
        self.outcome = Outcome::Answered;
        self.message = messages::rejection(code, words, &errors, more).into();
        self.errors = errors;
        self.detail = None;
    }

    /// No answer of LifePay's; `outcome` stays as it is, and the advice in `message` follows it.
    pub fn fail(&mut self, failure: &Failure) {
        self.code = Code::Failed(failure.kind());
        self.message = messages::failure(failure, self.outcome, self.ext_id.is_some()).into();
        self.detail = Some(failure.to_string());
        if let Failure::Argument(_) = failure {
            self.errors = field_errors(failure);
        }
    }

    /// It waits for its next attempt, `retry_after_ms` from now; `last` is why the one before failed.
    pub fn wait(&mut self, last: &Failure, retry_after_ms: u32) {
        self.code = Code::Pending;
        self.message = messages::pending(last).into();
        self.detail = Some(last.to_string());
        self.retry_after_ms = retry_after_ms;
        self.errors = field_errors(last);
    }

    /// It waits again although LifePay has refused it. What LifePay said stays readable in `detail`.
    pub fn reopen(&mut self) {
        self.detail = Some(format!("before: {}", self.message));
        self.code = Code::Pending;
        // The answer to an earlier attempt may have been lost.
        self.outcome = Outcome::Unknown;
        self.message = messages::text(Code::Pending).utf8().into();
        self.errors.clear();
    }
}

/// The errors of wrong arguments, as a result shows them.
fn field_errors(failure: &Failure) -> Vec<FieldError> {
    let Failure::Argument(faults) = failure else {
        return Vec::new();
    };
    let shown = |text: String| cut_short(text, LONGEST_TEXT, "…");
    let errors = faults.iter().take(MOST_ERRORS).map(messages::field_error);
    errors
        .map(|error| FieldError {
            field: shown(error.field),
            message: shown(error.message),
        })
        .collect()
}

/// A number that is no status is read as 0: the rest of the report is worth keeping.
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let number = i64::deserialize(deserializer)?;
    Ok(u16::try_from(number).unwrap_or(0))
}

/// The first characters of a text, at most `most`.
pub fn beginning(text: &str, most: usize) -> &str {
    let end = text.char_indices().nth(most);
    end.map_or(text, |(end, _)| &text[..end])
}

/// A text of more than `most` characters becomes as much of it as there is room for before `end`.
pub fn cut_short(mut text: String, most: usize, end: &str) -> String {
    if beginning(&text, most).len() < text.len() {
        let kept = beginning(&text, most - end.chars().count()).len();
        text.truncate(kept);
        text.push_str(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_tells_lifepays_words_the_fields_and_what_to_do() {
        let mut report = Report::pending(Some("1"));
        let errors = vec![FieldError::new("target_serial", "Принтер не найден.")];
        report.reject(400, "Ошибка данных.", errors, 0);
        assert_eq!(
            report.message,
            "Ошибка данных. target_serial: Принтер не найден. Исправьте данные и отправьте запрос снова."
        );
    }

    #[test]
    fn a_rejection_without_words_has_the_pages() {
        let mut report = Report::pending(Some("1"));
        report.reject(500, "", Vec::new(), 0);
        let text = messages::text(Code::Rejected(500));
        assert_eq!(report.message, text.utf8());
    }

    #[test]
    fn the_stored_form_has_numbers_and_is_read_again() {
        let report = Report::failure(&Failure::Expired);
        let json = serde_json::to_string(&report).unwrap();
        assert!(
            json.starts_with(r#"{"code":-13,"outcome":2,"http_status":0,"#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
        let odd: Report = serde_json::from_str(r#"{"http_status":-1,"uuid":"u"}"#).unwrap();
        assert_eq!((odd.http_status, odd.uuid.as_deref()), (0, Some("u")));
        // One of a version that knew less.
        let old: Report = serde_json::from_str(r#"{"code":-1,"outcome":1}"#).unwrap();
        assert_eq!(old, Report::default());
    }
}
