//! What can go wrong on our side, and how it is told.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::code;

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

/// Why an attempt, or the call as a whole, brought no answer of LifePay.
///
/// `Display` is the technical detail. `code` and `message` are what the host is told.
#[derive(Debug, Clone, Error)]
pub enum Failure {
    #[error("invalid arguments")]
    Argument(Vec<FieldError>),
    #[error("{detail}")]
    Network { what: &'static str, detail: String },
    #[error("time limit: {during} took longer than {limit_ms} ms")]
    Timeout {
        during: &'static str,
        what: &'static str,
        limit_ms: u64,
    },
    #[error("{detail}")]
    Tls { what: &'static str, detail: String },
    #[error("HTTP status {status}")]
    Http { status: u16 },
    #[error("{detail}")]
    Reply { what: &'static str, detail: String },
    #[error("cancelled by on_progress")]
    Cancelled,
    #[error("{detail}")]
    Outbox { what: &'static str, detail: String },
    #[error("no such entry in the outbox")]
    NotFound,
    #[error("the outbox is closed")]
    Closed,
    #[error("expired")]
    Expired,
    #[error("the entry's state does not allow it: {0:?}")]
    Refused(Refusal),
    #[error("internal error: {0}")]
    Internal(String),
}

/// Why an entry of the outbox can be neither retried nor removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Accepted,
    Cancelled,
    Expired,
    Pending,
    OfAnotherBaseUrl,
    OfLaterVersion,
}

impl Refusal {
    /// For a person at the till: what the entry's state is, and what to do.
    pub fn message(self) -> &'static str {
        match self {
            Refusal::Accepted => "LifePay уже принял этот запрос, повторять его не нужно.",
            Refusal::Cancelled => {
                "Запрос отменён. Если он ещё нужен, поставьте его в очередь снова с тем же ext_id."
            }
            Refusal::Expired => {
                "Срок запроса истёк. Если он ещё нужен, поставьте его в очередь снова с тем же ext_id."
            }
            Refusal::Pending => {
                "Запрос ещё ждёт ответа LifePay, удалить его нельзя. Сначала отмените его."
            }
            Refusal::OfAnotherBaseUrl => {
                "Запрос поставлен в очередь для другого base_url, эта очередь его не отправляет."
            }
            Refusal::OfLaterVersion => {
                "Запрос сохранён более новой версией библиотеки. Обновите её на этой кассе."
            }
        }
    }
}

impl Failure {
    pub fn network(what: &'static str, detail: impl ToString) -> Self {
        Failure::Network {
            what,
            detail: detail.to_string(),
        }
    }

    pub fn tls(what: &'static str, detail: impl ToString) -> Self {
        Failure::Tls {
            what,
            detail: detail.to_string(),
        }
    }

    pub fn reply(what: &'static str, detail: impl ToString) -> Self {
        Failure::Reply {
            what,
            detail: detail.to_string(),
        }
    }

    pub fn outbox(what: &'static str, detail: impl ToString) -> Self {
        Failure::Outbox {
            what,
            detail: detail.to_string(),
        }
    }

    pub fn argument(field: &str, message: impl Into<String>) -> Self {
        Failure::Argument(vec![FieldError::new(field, message)])
    }

    /// The number that crosses the ABI.
    pub fn code(&self) -> i32 {
        match self {
            Failure::Argument(_) | Failure::Refused(_) => code::LP_ERR_ARGUMENT,
            Failure::Network { .. } => code::LP_ERR_NETWORK,
            Failure::Timeout { .. } => code::LP_ERR_TIMEOUT,
            Failure::Tls { .. } => code::LP_ERR_TLS,
            Failure::Http { .. } => code::LP_ERR_HTTP,
            Failure::Reply { .. } => code::LP_ERR_REPLY,
            Failure::Cancelled => code::LP_ERR_CANCELLED,
            Failure::Outbox { .. } => code::LP_ERR_OUTBOX,
            Failure::NotFound => code::LP_ERR_NOT_FOUND,
            Failure::Closed => code::LP_ERR_CLOSED,
            Failure::Expired => code::LP_ERR_EXPIRED,
            Failure::Internal(_) => code::LP_ERR_INTERNAL,
        }
    }

    /// Whether the same request may succeed when it is sent again, unchanged.
    pub fn is_repeatable(&self) -> bool {
        matches!(
            self,
            Failure::Network { .. }
                | Failure::Timeout { .. }
                | Failure::Tls { .. }
                | Failure::Http { .. }
                | Failure::Reply { .. }
        )
    }

    /// For a person at the till or on the phone: what happened, and what to do about a request with
    /// this outcome.
    pub fn message(&self, outcome: i32) -> String {
        let code = self.code();
        let what = match self {
            Failure::Argument(errors) => {
                let list: Vec<String> = errors
                    .iter()
                    .map(|e| format!("{} — {}", e.field, e.message.trim_end_matches('.')))
                    .collect();
                return format!("{} {}.", code::text_str(code), list.join("; "));
            }
            Failure::Refused(refusal) => return refusal.message().to_owned(),
            Failure::Network { what, .. }
            | Failure::Tls { what, .. }
            | Failure::Reply { what, .. }
            | Failure::Outbox { what, .. } => (*what).to_owned(),
            Failure::Http { status } => describe_status(*status),
            Failure::Timeout { what, limit_ms, .. } => {
                format!("За {:.1} с {what}.", *limit_ms as f64 / 1000.0)
            }
            _ => String::new(),
        };
        join_sentences(&[code::text_str(code), &what, code::advice(code, outcome)])
    }
}

/// What an HTTP status other than 200 usually means on the way to LifePay.
fn describe_status(status: u16) -> String {
    let meaning = match status {
        300..=399 => {
            "кто-то перенаправляет запросы: портал сети требует входа или неверен base_url"
        }
        401 | 403 => "доступ не разрешён сервером или прокси",
        404 | 405 => "по этому адресу нет такого метода, проверьте base_url",
        407 => "прокси требует имя и пароль",
        429 => "сервер просит повторять реже",
        500..=599 => "сбой на стороне сервера",
        _ => "сервер ответил необычно",
    };
    format!("Код HTTP {status}: {meaning}.")
}

/// The sentences that are not empty, one after the other. LifePay's own often lack the full stop.
pub fn join_sentences(sentences: &[&str]) -> String {
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
    use crate::report::{LP_OUTCOME_NOT_SENT, LP_OUTCOME_UNKNOWN};

    #[test]
    fn an_argument_error_names_every_field() {
        let failure = Failure::Argument(vec![
            FieldError::new("apikey", "не задан"),
            FieldError::new("login", "не задан."),
        ]);
        assert_eq!(
            failure.message(LP_OUTCOME_NOT_SENT),
            "Неверные параметры, сейчас ничего не отправлено. apikey — не задан; login — не задан."
        );
    }

    #[test]
    fn sentences_are_joined_with_a_full_stop_where_there_is_none() {
        assert_eq!(join_sentences(&["Нет", "", " Да. ", "Так"]), "Нет. Да. Так");
    }

    #[test]
    fn a_failure_that_may_pass_says_to_repeat_with_the_same_ext_id() {
        for failure in [
            Failure::network("", ""),
            Failure::Timeout {
                during: "connecting",
                what: "соединение не установлено",
                limit_ms: 1500,
            },
            Failure::Http { status: 503 },
            Failure::reply("", ""),
        ] {
            assert!(failure.is_repeatable());
            for outcome in [LP_OUTCOME_NOT_SENT, LP_OUTCOME_UNKNOWN] {
                let message = failure.message(outcome);
                assert!(message.contains("с тем же ext_id"), "{message}");
            }
        }
    }
}
