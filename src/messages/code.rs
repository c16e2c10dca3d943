//! Texts and advice for codes.

use std::ffi::CStr;

use crate::code::{lifepay, Code, Kind, Outcome};

const REPEAT: &str = "Повторите запрос с тем же ext_id.";
/// For a request without an ext_id, whose retry LifePay would not recognize.
const LOOK_FIRST: &str = "LifePay мог его получить: прежде чем повторять, посмотрите в личном кабинете LifePay, нет ли уже такого документа.";
const CORRECT: &str = "Исправьте данные и отправьте запрос снова.";
const ASK_LIFEPAY: &str = "Проверьте настройки в личном кабинете LifePay.";

/// A text that both C and Rust can use without a conversion.
#[derive(Clone, Copy)]
pub struct Text(&'static str);

/// Makes a [`Text`] of a literal.
macro_rules! text {
    ($text:literal) => {
        Text(concat!($text, "\0"))
    };
}

impl Text {
    pub fn utf8(self) -> &'static str {
        self.0.strip_suffix('\0').unwrap_or_default()
    }

    pub fn c(self) -> &'static CStr {
        CStr::from_bytes_with_nul(self.0.as_bytes()).unwrap_or_default()
    }
}

/// Returns a sentence about a code, for a cashier. LifePay's codes have the wording of its page.
#[rustfmt::skip]
pub fn text(code: Code) -> Text {
    match code {
        Code::Accepted => text!("LifePay принял запрос. Оформлен ли документ, покажет касса или личный кабинет LifePay."),
        Code::Rejected(lifepay::DATA_ERROR) => text!("Ошибка данных."),
        Code::Rejected(lifepay::SERVER_ERROR) => text!("Внутренняя ошибка сервера. Обратитесь в техподдержку LifePay, чтобы уточнить причину ошибки."),
        Code::Rejected(lifepay::FORMAT_ERROR) => text!("Неверный формат данных."),
        Code::Rejected(lifepay::LOGIN_UNKNOWN) => text!("Не удалось найти пользователя по login."),
        Code::Rejected(lifepay::CREDENTIALS_UNKNOWN) => text!("Не удалось найти пользователя по login и apikey."),
        Code::Rejected(lifepay::FISCALIZATION_FORBIDDEN) => text!("Облачная фискализация запрещена."),
        Code::Rejected(lifepay::ACCESS_DENIED) => text!("Доступ запрещен."),
        Code::Rejected(_) => text!("LifePay отклонил запрос с кодом, которого нет в его описании."),
        Code::Pending => text!("Запрос сохранён и ждёт ответа LifePay."),
        Code::Failed(kind) => match kind {
            Kind::Argument => text!("Неверные параметры, сейчас ничего не отправлено."),
            Kind::Network => text!("Нет связи с LifePay."),
            Kind::Timeout => text!("LifePay не ответил вовремя."),
            Kind::Tls => text!("Не удалось установить защищённое соединение с LifePay."),
            Kind::Http => text!("Сервер временно не обработал запрос."),
            Kind::Reply => text!("Получен ответ не от LifePay: возможно, вмешался прокси или портал сети."),
            Kind::Cancelled => text!("Отправка прервана программой."),
            Kind::Outbox => text!("Не удалось использовать файл неотправленных запросов."),
            Kind::NotFound => text!("Запрос с таким ext_id не найден."),
            Kind::Internal => text!("Внутренняя ошибка библиотеки lifepay."),
            Kind::Closed => text!("Очередь запросов закрыта."),
            Kind::Expired => text!("Срок запроса истёк, он больше не повторяется."),
        },
        Code::Unknown(_) => text!("Неизвестная ошибка: код новее этой библиотеки."),
    }
}

/// Returns what to do about a request with this code and outcome; empty if there is nothing to do.
/// `has_ext_id`: LifePay recognizes a retry.
#[rustfmt::skip]
pub fn advice(code: Code, outcome: Outcome, has_ext_id: bool) -> &'static str {
    let with_ext_id = |with, not_sent| match outcome {
        _ if has_ext_id => with,
        Outcome::NotSent => not_sent,
        _ => LOOK_FIRST,
    };
    match code {
        Code::Rejected(lifepay::DATA_ERROR | lifepay::FORMAT_ERROR) => CORRECT,
        Code::Rejected(lifepay::SERVER_ERROR) => "Обратитесь в техподдержку LifePay, чтобы уточнить причину ошибки.",
        Code::Rejected(lifepay::LOGIN_UNKNOWN) => "Проверьте login в настройках кассовой программы.",
        Code::Rejected(lifepay::CREDENTIALS_UNKNOWN) => "Проверьте login и apikey в настройках кассовой программы.",
        Code::Rejected(lifepay::FISCALIZATION_FORBIDDEN | lifepay::ACCESS_DENIED) => ASK_LIFEPAY,
        Code::Rejected(_) => "Обратитесь в техподдержку LifePay.",
        Code::Failed(kind) => match kind {
            Kind::Argument => CORRECT,
            Kind::Network | Kind::Timeout | Kind::Http | Kind::Reply => with_ext_id(REPEAT, "Повторите запрос."),
            Kind::Cancelled => with_ext_id("Если документ ещё нужен, повторите запрос с тем же ext_id.", "Если документ ещё нужен, отправьте запрос снова."),
            Kind::Tls => with_ext_id("Устраните причину и повторите запрос с тем же ext_id.", "Устраните причину и повторите запрос."),
            Kind::Internal => with_ext_id("Сообщите её разработчикам и повторите запрос с тем же ext_id.", "Сообщите её разработчикам."),
            // If LifePay has the request, a new ext_id would make a second document.
            Kind::Expired => match outcome {
                Outcome::NotSent => "Он не был отправлен. Если документ ещё нужен, отправьте новый запрос.",
                _ => "LifePay мог его получить: посмотрите в личном кабинете LifePay. Если документ ещё нужен, отправьте запрос снова, но только с тем же ext_id: тогда второго документа не будет.",
            },
            Kind::Outbox | Kind::NotFound | Kind::Closed => "",
        },
        Code::Accepted | Code::Pending | Code::Unknown(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_for_c_and_for_rust() {
        let text = text(Code::Pending);
        assert_eq!(text.c().to_str(), Ok(text.utf8()));
        assert!(text.utf8().ends_with("LifePay."));
    }

    #[test]
    fn an_unknown_code_has_a_text() {
        assert!(text(Code::Rejected(7777)).utf8().contains("LifePay"));
        assert!(!text(Code::Unknown(-999)).utf8().is_empty());
    }

    #[test]
    fn a_new_request_is_advised_only_where_nothing_was_sent() {
        let codes = (-20..=0).chain([400, 500, 6000, 6009, 6010, 6080, 6095, 7777]);
        for code in codes.map(Code::from) {
            for outcome in [Outcome::Unknown, Outcome::Answered, Outcome::None] {
                for text in [text(code).utf8(), advice(code, outcome, true)] {
                    assert!(!text.contains("новый запрос"), "{code:?}");
                }
            }
        }
        let expired = Code::Failed(Kind::Expired);
        let network = Code::Failed(Kind::Network);
        assert_eq!(advice(network, Outcome::Unknown, false), LOOK_FIRST);
        assert_eq!(
            advice(network, Outcome::NotSent, false),
            "Повторите запрос."
        );
        assert!(advice(expired, Outcome::NotSent, true).contains("новый запрос"));
        assert!(advice(expired, Outcome::Unknown, true).contains("с тем же ext_id"));
    }
}
