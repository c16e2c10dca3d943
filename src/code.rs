//! The numbers that cross the ABI, and their texts.
//!
//! Zero and positive codes are LifePay's own `code`, negative ones are ours.
//! Numbers are explicit, only ever added, and never given a second meaning.

use std::ffi::CStr;

use crate::report::LP_OUTCOME_NOT_SENT;

/// ------------------------------------------------------------------------------------------------
/// Codes: what a call returns, and lp_result.code
/// ------------------------------------------------------------------------------------------------
///
/// 0 and positive numbers are LifePay's own, known or not: it has answered, do not repeat the
/// request as it is. Negative numbers are the library's.
///
/// LifePay took the document. That is not yet an open shift: the report that the
/// cash register prints, or LifePay's personal account, shows whether it opened.
pub const LP_OK: i32 = 0;
/// LifePay: «Ошибка данных». `errors` says which field and why. Correct it, then send again.
pub const LP_DATA_ERROR: i32 = 400;
/// LifePay: «Внутренняя ошибка сервера». LifePay asks to turn to its support for the cause.
pub const LP_SERVER_ERROR: i32 = 500;
/// LifePay: «Неверный формат данных».
pub const LP_FORMAT_ERROR: i32 = 6000;
/// LifePay: «Не удалось найти пользователя по login».
pub const LP_LOGIN_UNKNOWN: i32 = 6009;
/// LifePay: «Не удалось найти пользователя по login и apikey».
pub const LP_CREDENTIALS_UNKNOWN: i32 = 6010;
/// LifePay: «Облачная фискализация запрещена».
pub const LP_FISCALIZATION_FORBIDDEN: i32 = 6080;
/// LifePay: «Доступ запрещен».
pub const LP_ACCESS_DENIED: i32 = 6095;

/// The request is in the outbox and has no outcome yet.
pub const LP_PENDING: i32 = -1;
/// The call or its settings are wrong; `errors` names each field. This call has sent nothing.
/// Correct it.
pub const LP_ERR_ARGUMENT: i32 = -2;
/// No connection, or it broke. Repeat with the same ext_id.
pub const LP_ERR_NETWORK: i32 = -3;
/// A time limit ran out. Repeat with the same ext_id.
pub const LP_ERR_TIMEOUT: i32 = -4;
/// No trusted TLS connection; nothing was sent over it. `message` says what is wrong with the
/// certificate. Mend that (often this machine's date), then repeat with the same ext_id.
pub const LP_ERR_TLS: i32 = -5;
/// An HTTP status other than 200, see `http_status`. Repeat with the same ext_id.
pub const LP_ERR_HTTP: i32 = -6;
/// Something answered that is not LifePay: a captive portal, a broken proxy, half an answer.
/// Repeat with the same ext_id.
pub const LP_ERR_REPLY: i32 = -7;
/// on_progress or lp_outbox_cancel has stopped the request. `outcome` says whether LifePay may have
/// it. If the shift is still needed, repeat with the same ext_id.
pub const LP_ERR_CANCELLED: i32 = -8;
/// The outbox's file cannot be used; `message` says what to do.
pub const LP_ERR_OUTBOX: i32 = -9;
/// There is no such entry in the outbox.
pub const LP_ERR_NOT_FOUND: i32 = -10;
/// A defect of this library was caught. Please report it, with the log. Repeat with the same ext_id.
pub const LP_ERR_INTERNAL: i32 = -11;
/// The outbox is closed.
pub const LP_ERR_CLOSED: i32 = -12;
/// The request waited in the outbox longer than it may, and is not repeated. If the shift is still
/// needed and `outcome` is LP_OUTCOME_NOT_SENT, a new request with any ext_id is safe. Otherwise
/// LifePay may have it: submit it again with the same ext_id only.
pub const LP_ERR_EXPIRED: i32 = -13;

/// What is known of one code.
struct Entry {
    code: i32,
    name: Text,
    /// What happened, for a cashier. LifePay's codes: the page's own wording.
    text: Text,
    /// What to do about it, safe for every outcome.
    advice: &'static str,
    /// What to do about it in its place if no byte of the request has left this machine.
    advice_if_not_sent: &'static str,
}

impl Entry {
    const fn if_not_sent(self, advice: &'static str) -> Entry {
        Entry {
            advice_if_not_sent: advice,
            ..self
        }
    }
}

/// A text for C and for Rust; that it is UTF-8 is seen when it is compiled.
struct Text {
    c: &'static CStr,
    str: &'static str,
}

const fn entry(code: i32, name: &'static CStr, text: &'static CStr, advice: &'static str) -> Entry {
    Entry {
        code,
        name: both(name),
        text: both(text),
        advice,
        advice_if_not_sent: advice,
    }
}

const fn both(text: &'static CStr) -> Text {
    match text.to_str() {
        Ok(str) => Text { c: text, str },
        Err(_) => panic!("not UTF-8"),
    }
}

const REPEAT: &str = "Повторите запрос с тем же ext_id.";
const CORRECT: &str = "Исправьте данные и отправьте запрос снова.";
const ASK_LIFEPAY: &str = "Проверьте настройки в личном кабинете LifePay.";

#[rustfmt::skip]
const TABLE: &[Entry] = &[
    entry(LP_OK, c"LP_OK",
        c"LifePay принял запрос. Открыта ли смена, покажет отчёт, напечатанный кассой, или личный кабинет LifePay.", ""),
    entry(LP_DATA_ERROR, c"LP_DATA_ERROR", c"Ошибка данных.", CORRECT),
    entry(LP_SERVER_ERROR, c"LP_SERVER_ERROR",
        c"Внутренняя ошибка сервера. Обратитесь в техподдержку LifePay, чтобы уточнить причину ошибки.",
        "Обратитесь в техподдержку LifePay, чтобы уточнить причину ошибки."),
    entry(LP_FORMAT_ERROR, c"LP_FORMAT_ERROR", c"Неверный формат данных.", CORRECT),
    entry(LP_LOGIN_UNKNOWN, c"LP_LOGIN_UNKNOWN", c"Не удалось найти пользователя по login.",
        "Проверьте login в настройках кассовой программы."),
    entry(LP_CREDENTIALS_UNKNOWN, c"LP_CREDENTIALS_UNKNOWN", c"Не удалось найти пользователя по login и apikey.",
        "Проверьте login и apikey в настройках кассовой программы."),
    entry(LP_FISCALIZATION_FORBIDDEN, c"LP_FISCALIZATION_FORBIDDEN", c"Облачная фискализация запрещена.", ASK_LIFEPAY),
    entry(LP_ACCESS_DENIED, c"LP_ACCESS_DENIED", c"Доступ запрещен.", ASK_LIFEPAY),
    entry(LP_PENDING, c"LP_PENDING", c"Запрос сохранён и ждёт ответа LifePay.", ""),
    entry(LP_ERR_ARGUMENT, c"LP_ERR_ARGUMENT", c"Неверные параметры, сейчас ничего не отправлено.", CORRECT),
    entry(LP_ERR_NETWORK, c"LP_ERR_NETWORK", c"Нет связи с LifePay.", REPEAT),
    entry(LP_ERR_TIMEOUT, c"LP_ERR_TIMEOUT", c"LifePay не ответил вовремя.", REPEAT),
    entry(LP_ERR_TLS, c"LP_ERR_TLS", c"Не удалось установить защищённое соединение с LifePay.",
        "Устраните причину и повторите запрос с тем же ext_id."),
    entry(LP_ERR_HTTP, c"LP_ERR_HTTP", c"Сервер временно не обработал запрос.", REPEAT),
    entry(LP_ERR_REPLY, c"LP_ERR_REPLY", c"Получен ответ не от LifePay: возможно, вмешался прокси или портал сети.", REPEAT),
    entry(LP_ERR_CANCELLED, c"LP_ERR_CANCELLED", c"Отправка прервана программой.",
        "Если смена ещё нужна, повторите запрос с тем же ext_id."),
    entry(LP_ERR_OUTBOX, c"LP_ERR_OUTBOX", c"Не удалось использовать файл неотправленных запросов.", ""),
    entry(LP_ERR_NOT_FOUND, c"LP_ERR_NOT_FOUND", c"Запрос с таким ext_id не найден.", ""),
    entry(LP_ERR_INTERNAL, c"LP_ERR_INTERNAL", c"Внутренняя ошибка библиотеки lifepay.",
        "Сообщите её разработчикам и повторите запрос с тем же ext_id."),
    entry(LP_ERR_CLOSED, c"LP_ERR_CLOSED", c"Очередь запросов закрыта.", ""),
    entry(LP_ERR_EXPIRED, c"LP_ERR_EXPIRED", c"Срок запроса истёк, он больше не повторяется.",
        "LifePay мог его получить: посмотрите в личном кабинете LifePay. Если смена ещё нужна, отправьте запрос снова, но только с тем же ext_id: тогда второго документа не будет.")
        .if_not_sent("Он не был отправлен. Если смена ещё нужна, отправьте новый запрос."),
];

const UNKNOWN_LIFEPAY: Entry = entry(
    i32::MAX,
    c"UNKNOWN",
    c"LifePay отклонил запрос с кодом, которого нет в его описании.",
    "Обратитесь в техподдержку LifePay.",
);
const UNKNOWN_OURS: Entry = entry(
    i32::MIN,
    c"UNKNOWN",
    c"Неизвестная ошибка: код новее этой библиотеки.",
    "",
);

fn find(code: i32) -> &'static Entry {
    TABLE
        .iter()
        .find(|entry| entry.code == code)
        .unwrap_or(if code > 0 {
            &UNKNOWN_LIFEPAY
        } else {
            &UNKNOWN_OURS
        })
}

/// "LP_ERR_TIMEOUT" for -4, "UNKNOWN" for a number that has no name.
pub fn name(code: i32) -> &'static CStr {
    find(code).name.c
}

/// A sentence for a cashier, for every code, known or not.
pub fn text(code: i32) -> &'static CStr {
    find(code).text.c
}

/// What to do about the code of a request with this outcome; empty where there is nothing to do.
pub fn advice(code: i32, outcome: i32) -> &'static str {
    let entry = find(code);
    match outcome {
        LP_OUTCOME_NOT_SENT => entry.advice_if_not_sent,
        _ => entry.advice,
    }
}

/// The name as a `str`, for log lines.
pub fn name_str(code: i32) -> &'static str {
    find(code).name.str
}

/// The text as a `str`, for messages.
pub fn text_str(code: i32) -> &'static str {
    find(code).text.str
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::LP_OUTCOME_UNKNOWN;

    #[test]
    fn every_code_stands_once_and_has_a_text() {
        for (place, entry) in TABLE.iter().enumerate() {
            assert!(TABLE[..place].iter().all(|other| other.code != entry.code));
            assert!(!entry.text.str.is_empty());
        }
    }

    #[test]
    fn an_unknown_code_has_a_text_too() {
        assert_eq!(name_str(7777), "UNKNOWN");
        assert!(text_str(7777).contains("LifePay"));
        assert!(!text_str(-999).is_empty());
    }

    /// With a new ext_id, what LifePay may have would be followed by a second document.
    #[test]
    fn a_new_request_is_advised_only_where_nothing_was_sent() {
        for entry in TABLE {
            for advice in [entry.text.str, entry.advice] {
                assert!(!advice.contains("новый запрос"), "{}", entry.name.str);
            }
        }
        assert!(advice(LP_ERR_EXPIRED, LP_OUTCOME_NOT_SENT).contains("новый запрос"));
        assert!(advice(LP_ERR_EXPIRED, LP_OUTCOME_UNKNOWN).contains("с тем же ext_id"));
    }

    #[test]
    fn the_name_is_the_constant() {
        assert_eq!(name_str(LP_ERR_TIMEOUT), "LP_ERR_TIMEOUT");
        assert_eq!(name_str(LP_CREDENTIALS_UNKNOWN), "LP_CREDENTIALS_UNKNOWN");
    }
}
