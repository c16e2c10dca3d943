//! All sentences for a person at the till, in Russian. Enums select them: no code of this library
//! compares sentences.

mod code;
mod failure;
mod fault;
mod misuse;

pub use self::code::{advice, text};
pub use self::failure::{failure, pending, with_refusal};
pub use self::fault::wrong;
pub use self::misuse::misuse;

use std::ffi::CStr;

use crate::code::{Code, Outcome};
use crate::fault::Fault;
use crate::report::{cut_short, FieldError};

/// The end of a shortened text of LifePay's.
pub(crate) const GOES_ON: &str = "…, полностью: reply";
/// The most characters of a message.
const LONGEST: usize = 2000;
/// The most characters of one error in a message, so that at least one error fits.
const LONGEST_ERROR: usize = 500;

/// Converts a fault to an error of a result.
pub fn field_error(fault: &Fault) -> FieldError {
    FieldError::new(&fault.field, wrong(&fault.wrong))
}

/// Returns the text about a rejected request: LifePay's own words, then what to do. `more` is the
/// number of errors that are not in `errors`.
pub fn rejection(code: i32, words: &str, errors: &[FieldError], more: usize) -> String {
    let code = Code::Rejected(code);
    let words = match words.trim().is_empty() {
        true => text(code).utf8(),
        false => words,
    };
    // The text of code 500 contains the advice.
    let advice =
        Some(advice(code, Outcome::Answered, true)).filter(|advice| !words.contains(advice));
    let errors = errors.iter().map(|error| match error.field.as_str() {
        "" => error.message.clone(),
        field => format!("{field}: {}", error.message),
    });
    let errors = errors.map(|error| cut_short(error, LONGEST_ERROR, GOES_ON));
    as_many_as_fit(errors.collect(), more, |listed, more| {
        let more = match more {
            0 => String::new(),
            count => format!("Ещё ошибок: {count}, полностью: reply."),
        };
        let listed = listed.iter().map(String::as_str);
        let all: Vec<&str> = [words].into_iter().chain(listed).collect();
        join(&[&join(&all), &more, advice.unwrap_or_default()])
    })
}

/// Returns a message with as many of these errors as fit. `with` makes the message from them and the
/// number of the others, which is at least `more`.
fn as_many_as_fit(
    mut errors: Vec<String>,
    more: usize,
    with: impl Fn(&[String], usize) -> String,
) -> String {
    let all = errors.len() + more;
    loop {
        let message = with(&errors, all - errors.len());
        if message.chars().count() <= LONGEST || errors.pop().is_none() {
            return message;
        }
    }
}

/// Returns a name of a code, which is always UTF-8.
pub fn utf8(text: &'static CStr) -> &'static str {
    text.to_str().unwrap_or_default()
}

/// Joins the sentences that are not empty, and adds the full stop that LifePay's texts often lack.
fn join(sentences: &[&str]) -> String {
    let mut text = String::new();
    for sentence in sentences
        .iter()
        .map(|sentence| sentence.trim())
        .filter(|sentence| !sentence.is_empty())
    {
        if !text.is_empty() {
            let ended = text.ends_with(['.', '!', '?', ':', '…']);
            text.push_str(if ended { " " } else { ". " });
        }
        text.push_str(sentence);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_joined_with_a_full_stop_where_there_is_none() {
        assert_eq!(join(&["Нет", "", " Да. ", "Так"]), "Нет. Да. Так");
    }
}
