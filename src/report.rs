//! What came of a call: the content of an `lp_result`.

use serde::{Deserialize, Serialize};

use crate::code;
use crate::error::{join_sentences, Failure, FieldError};
use crate::secret::Secret;

/// How many errors a result has at most; `message` says how many more there are.
pub(crate) const MOST_ERRORS: usize = 100;
/// Characters of an error's field and of its message.
pub(crate) const LONGEST_TEXT: usize = 1000;
/// Characters of a result's message.
const LONGEST_MESSAGE: usize = 2000;
/// Characters of one error in that message, which has room for one at least.
const LONGEST_IN_MESSAGE: usize = 500;
/// The end of a text of LifePay's that was cut short.
pub(crate) const GOES_ON: &str = "…, полностью: reply";

/// ------------------------------------------------------------------------------------------------
/// Outcomes: lp_result.outcome
/// ------------------------------------------------------------------------------------------------
///
/// What the code cannot say. A cashier who opens the shift by hand must know it.
///
/// No byte of the request left this machine in any attempt.
pub const LP_OUTCOME_NOT_SENT: i32 = 1;
/// LifePay may have the request. Repeat it with this ext_id only: then there will be no second document.
pub const LP_OUTCOME_UNKNOWN: i32 = 2;
/// LifePay has answered.
pub const LP_OUTCOME_ANSWERED: i32 = 3;

/// See `lp_result` for what each field means; the JSON form has the same names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
// A report that was stored by an earlier version lacks what later ones have added.
#[serde(default)]
pub struct Report {
    pub code: i32,
    pub outcome: i32,
    pub http_status: i32,
    pub attempts: u32,
    pub retry_after_ms: u32,
    pub uuid: Option<String>,
    pub ext_id: Option<String>,
    pub message: String,
    pub detail: Option<String>,
    pub reply: Option<String>,
    pub errors: Vec<FieldError>,
}

impl Default for Report {
    fn default() -> Self {
        Report::failed(code::LP_PENDING)
    }
}

impl Report {
    /// A request that has no outcome yet.
    pub fn of(ext_id: &str) -> Report {
        Report {
            ext_id: Some(ext_id.to_owned()),
            message: code::text_str(code::LP_PENDING).to_owned(),
            ..Report::failed(code::LP_PENDING)
        }
    }

    /// The arguments are wrong, and nothing was sent.
    pub fn refused(faults: Vec<FieldError>) -> Report {
        let mut report = Report::failed(code::LP_ERR_ARGUMENT);
        report.fail(&Failure::Argument(faults));
        report
    }

    /// A call that has done its work and has nothing more to tell.
    pub fn done() -> Report {
        Report {
            outcome: 0,
            ..Report::failed(code::LP_OK)
        }
    }

    /// A call that could not do its work. What LifePay may have of earlier ones is not known.
    pub fn failure(failure: &Failure) -> Report {
        let mut report = Report::failed(failure.code());
        if !matches!(failure, Failure::Argument(_)) {
            report.outcome = LP_OUTCOME_UNKNOWN;
        }
        report.fail(failure);
        report
    }

    /// A panic was caught. How far the call had come is not known.
    pub fn broken(what: &str) -> Report {
        let mut report = Report::failed(code::LP_ERR_INTERNAL);
        report.outcome = LP_OUTCOME_UNKNOWN;
        report.fail(&Failure::Internal(what.to_owned()));
        report
    }

    fn failed(code: i32) -> Report {
        Report {
            code,
            outcome: LP_OUTCOME_NOT_SENT,
            http_status: 0,
            attempts: 0,
            retry_after_ms: 0,
            uuid: None,
            ext_id: None,
            message: String::new(),
            detail: None,
            reply: None,
            errors: Vec::new(),
        }
    }

    /// LifePay took the document.
    pub fn accept(&mut self, uuid: Option<String>) {
        self.code = code::LP_OK;
        self.outcome = LP_OUTCOME_ANSWERED;
        self.uuid = uuid;
        self.message = code::text_str(code::LP_OK).to_owned();
        self.detail = None;
    }

    /// LifePay refused it: its own words first, which are masked already, then what to do. There are
    /// `more` errors than are listed.
    pub fn reject(&mut self, code: i32, message: &str, errors: Vec<FieldError>, more: usize) {
        self.code = code;
        self.outcome = LP_OUTCOME_ANSWERED;
        let message = if message.trim().is_empty() {
            code::text_str(code)
        } else {
            message
        };
        // The text of 500 has the advice in it.
        let advice =
            Some(code::advice(code, self.outcome)).filter(|advice| !message.contains(advice));
        let advice = advice.unwrap_or_default();
        let with = |errors: &[String], more: usize| {
            let more = match more {
                0 => String::new(),
                more => format!("Ещё ошибок: {more}, полностью: reply."),
            };
            let errors = errors.iter().map(String::as_str);
            let all: Vec<&str> = [message].into_iter().chain(errors).collect();
            join_sentences(&[&join_sentences(&all), &more, advice])
        };
        let all = errors.iter().map(|error| match error.field.as_str() {
            "" => error.message.clone(),
            field => format!("{field}: {}", error.message),
        });
        let mut sentences: Vec<String> = all
            .map(|sentence| cut_short(sentence, LONGEST_IN_MESSAGE, GOES_ON))
            .collect();
        self.message = with(&sentences, more);
        while self.message.chars().count() > LONGEST_MESSAGE && sentences.pop().is_some() {
            self.message = with(&sentences, more + errors.len() - sentences.len());
        }
        self.errors = errors;
        self.detail = None;
    }

    /// No answer of LifePay's; `outcome` stays as it is, and the advice in `message` follows it.
    pub fn fail(&mut self, failure: &Failure) {
        self.code = failure.code();
        self.message = cut_short(failure.message(self.outcome), LONGEST_MESSAGE, "…");
        self.detail = Some(failure.to_string());
        if let Failure::Argument(errors) = failure {
            let shown = |text: &String| cut_short(text.clone(), LONGEST_TEXT, "…");
            let errors = errors.iter().take(MOST_ERRORS);
            self.errors = errors
                .map(|error| FieldError::new(&shown(&error.field), shown(&error.message)))
                .collect();
        }
    }

    /// Adds a sentence, for which a long message is cut.
    pub fn end_message_with(&mut self, sentence: &str) {
        let room = LONGEST_MESSAGE - sentence.chars().count() - 2;
        let message = cut_short(std::mem::take(&mut self.message), room, GOES_ON);
        self.message = join_sentences(&[&message, sentence]);
    }

    /// Masks the secret wherever a text from outside may have brought it in. LifePay's words are
    /// masked where they are read; `message` and `errors` otherwise hold our own.
    pub fn mask(&mut self, secret: &Secret) {
        let texts = [self.detail.as_mut(), self.reply.as_mut()];
        // A uuid must not be spoilt by a key that is a letter or two, as tests have.
        let uuid = self.uuid.as_mut().filter(|_| secret.is_long());
        for text in texts.into_iter().flatten().chain(uuid) {
            secret.mask_in_place(text);
        }
    }
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
        let mut report = Report::of("1");
        let errors = vec![FieldError::new("target_serial", "Принтер не найден.")];
        report.reject(400, "Ошибка данных.", errors, 0);
        assert_eq!(
            report.message,
            "Ошибка данных. target_serial: Принтер не найден. Исправьте данные и отправьте запрос снова."
        );
    }

    #[test]
    fn a_rejection_without_words_has_the_pages() {
        let mut report = Report::of("1");
        report.reject(500, "", Vec::new(), 0);
        assert_eq!(report.message, code::text_str(500));
    }

    #[test]
    fn a_uuid_is_masked_only_if_the_secret_cannot_be_in_it_by_chance() {
        for (secret, shown) in [("dabe3833", "***-43ff"), ("d", "dabe3833-43ff")] {
            let mut report = Report::of("1");
            report.accept(Some("dabe3833-43ff".into()));
            report.mask(&Secret::new(secret.into()));
            assert_eq!(report.uuid.as_deref(), Some(shown));
        }
    }

    #[test]
    fn the_secret_is_masked_in_every_text_that_came_from_outside() {
        let mut report = Report::of("1");
        report.detail = Some("k3y".into());
        report.reply = Some("k3y".into());
        report.mask(&Secret::new("k3y".into()));
        assert!(!format!("{report:?}").contains("k3y"));
    }
}
