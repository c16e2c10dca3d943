//! The result of a call: the contents of an `lp_result`. The outbox's file stores it as JSON.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use crate::code::{Code, Outcome};
use crate::failure::Failure;
use crate::fault::Fault;
use crate::messages;

/// The most errors of a result.
pub(crate) const MOST_ERRORS: usize = 100;
/// The most characters of an error's field, and of its message.
pub(crate) const LONGEST_TEXT: usize = 1000;

/// A field and what is wrong with it. LifePay's errors and the library's have the same form.
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

/// The result of a call. `lp_result` documents the fields. The JSON form has the same names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
// A report that an earlier version stored lacks the fields that were added later.
#[serde(default)]
pub struct Report {
    pub code: Code,
    pub outcome: Outcome,
    /// 0 = no answer came.
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
    /// The report of a request without an outcome.
    pub fn pending(ext_id: Option<&str>) -> Report {
        Report {
            ext_id: ext_id.map(str::to_owned),
            message: messages::text(Code::Pending).utf8().into(),
            ..Report::default()
        }
    }

    /// The report of a call with wrong arguments, which sent nothing.
    pub fn refused(faults: Vec<Fault>) -> Report {
        Report::failure(&faults.into())
    }

    /// The report of a successful call without a request.
    pub fn done() -> Report {
        Report {
            code: Code::Accepted,
            outcome: Outcome::None,
            ..Report::default()
        }
    }

    /// The report of a failed call. Wrong arguments send nothing; otherwise it is not known whether
    /// LifePay has a request of an earlier call.
    pub fn failure(failure: &Failure) -> Report {
        let outcome = match failure {
            Failure::Argument(_) => Outcome::NotSent,
            _ => Outcome::Unknown,
        };
        Report::failure_of(None, outcome, failure)
    }

    /// The report of a failed call about a request.
    pub fn failure_of(ext_id: Option<String>, outcome: Outcome, failure: &Failure) -> Report {
        let mut report = Report {
            ext_id,
            outcome,
            ..Report::default()
        };
        report.fail(failure);
        report
    }

    /// Records that LifePay accepted the document.
    pub fn accept(&mut self, uuid: Option<String>) {
        self.code = Code::Accepted;
        self.outcome = Outcome::Answered;
        self.uuid = uuid;
        self.message = messages::text(Code::Accepted).utf8().into();
        self.detail = None;
    }

    /// Records that LifePay rejected the request. The message has LifePay's words, which are already
    /// masked, then what to do. `more` is the number of errors that are not in `errors`.
    pub fn reject(&mut self, code: i32, words: &str, errors: Vec<FieldError>, more: usize) {
        self.code = Code::Rejected(code);
        self.outcome = Outcome::Answered;
        self.message = messages::rejection(code, words, &errors, more).into();
        self.errors = errors;
        self.detail = None;
    }

    /// Records a failure. `outcome` is left unchanged, and the advice in `message` depends on it.
    pub fn fail(&mut self, failure: &Failure) {
        self.code = Code::Failed(failure.kind());
        self.message = messages::failure(failure, self.outcome, self.ext_id.is_some()).into();
        self.detail = Some(failure.to_string());
        if let Failure::Argument(_) = failure {
            self.errors = field_errors(failure);
        }
    }

    /// Records that the request is pending, with its next attempt in `retry_after_ms`. `last` is the
    /// failure of the last attempt.
    pub fn wait(&mut self, last: &Failure, retry_after_ms: u32) {
        self.code = Code::Pending;
        self.message = messages::pending(last).into();
        self.detail = Some(last.to_string());
        self.retry_after_ms = retry_after_ms;
        self.errors = field_errors(last);
    }

    /// Makes a rejected request pending again. `detail` keeps LifePay's message.
    pub fn reopen(&mut self) {
        self.detail = Some(format!("before: {}", self.message));
        self.code = Code::Pending;
        // The answer to an earlier attempt may have been lost.
        self.outcome = Outcome::Unknown;
        self.message = messages::text(Code::Pending).utf8().into();
        self.errors.clear();
    }
}

/// Returns the errors of wrong arguments for a result.
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

/// Reads a status. An invalid number becomes 0, so that the rest of the report is kept.
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let number = i64::deserialize(deserializer)?;
    Ok(u16::try_from(number).unwrap_or(0))
}

/// Returns the first characters of a text, at most `most`.
pub fn beginning(text: &str, most: usize) -> &str {
    let end = text.char_indices().nth(most);
    end.map_or(text, |(end, _)| &text[..end])
}

/// Shortens a text of more than `most` characters, so that it fits together with `end`.
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
    fn a_rejection_has_lifepays_message_the_fields_and_what_to_do() {
        let mut report = Report::pending(Some("1"));
        let errors = vec![FieldError::new("target_serial", "Принтер не найден.")];
        report.reject(400, "Ошибка данных.", errors, 0);
        assert_eq!(
            report.message,
            "Ошибка данных. target_serial: Принтер не найден. Исправьте данные и отправьте запрос снова."
        );
    }

    #[test]
    fn a_rejection_without_a_message_has_the_published_one() {
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
        // A report of a version with fewer fields.
        let old: Report = serde_json::from_str(r#"{"code":-1,"outcome":1}"#).unwrap();
        assert_eq!(old, Report::default());
    }
}
