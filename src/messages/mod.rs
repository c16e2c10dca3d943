//! Every sentence for a person at the till, in Russian, chosen by the kind of what has happened.
//! Nothing in this library compares a sentence with another.

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

/// The end of a text of LifePay's that was cut short.
pub(crate) const GOES_ON: &str = "…, полностью: reply";
/// Characters of a message.
const LONGEST: usize = 2000;
/// Characters of one error in a message, which has room for one at least.
const LONGEST_ERROR: usize = 500;

/// A fault as a result shows it.
pub fn field_error(fault: &Fault) -> FieldError {
    FieldError::new(&fault.field, wrong(&fault.wrong))
}

/// That LifePay has refused a request: its own words first, then what to do. `more` errors are not
/// among `errors`.
pub fn rejection(code: i32, words: &str, errors: &[FieldError], more: usize) -> String {
    let code = Code::Rejected(code);
    let words = match words.trim().is_empty() {
        true => text(code).utf8(),
        false => words,
    };
    // The text of 500 has the advice in it.
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

/// A message of as many of these errors as there is room for. `with` makes it of those and of the
/// number of the others, `more` at least.
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

/// The names of codes are UTF-8.
pub fn utf8(text: &'static CStr) -> &'static str {
    text.to_str().unwrap_or_default()
}

/// The sentences that are not empty, one after the other. LifePay's own often lack the full stop.
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
