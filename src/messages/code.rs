//! The codes in words.

use std::ffi::CStr;

use crate::code::{lifepay, Code, Kind, Outcome};

const REPEAT: &str = "Повторите запрос с тем же ext_id.";
/// For a request that LifePay would not know again.
const LOOK_FIRST: &str = "LifePay мог его получить: прежде чем повторять, посмотрите в личном кабинете LifePay, нет ли уже такого документа.";
const CORRECT: &str = "Исправьте данные и отправьте запрос снова.";
const ASK_LIFEPAY: &str = "Проверьте настройки в личном кабинете LifePay.";

/// What happened, for a cashier. LifePay's codes have the words of its page.
#[rustfmt::skip]
pub fn text(code: Code) -> &'static CStr {
    match code {
        Code::Accepted => c"LifePay принял запрос. Оформлен ли документ, покажет касса или личный кабинет LifePay.",
        Code::Rejected(lifepay::DATA_ERROR) => c"Ошибка данных.",
        Code::Rejected(lifepay::SERVER_ERROR) => c"Внутренняя ошибка сервера. Обратитесь в техподдержку LifePay, чтобы уточнить причину ошибки.",
        Code::Rejected(lifepay::FORMAT_ERROR) => c"Неверный формат данных.",
        Code::Rejected(lifepay::LOGIN_UNKNOWN) => c"Не удалось найти пользователя по login.",
        Code::Rejected(lifepay::CREDENTIALS_UNKNOWN) => c"Не удалось найти пользователя по login и apikey.",
        Code::Rejected(lifepay::FISCALIZATION_FORBIDDEN) => c"Облачная фискализация запрещена.",
        Code::Rejected(lifepay::ACCESS_DENIED) => c"Доступ запрещен.",
        Code::Rejected(_) => c"LifePay отклонил запрос с кодом, которого нет в его описании.",
        Code::Pending => c"Запрос сохранён и ждёт ответа LifePay.",
        Code::Failed(kind) => match kind {
            Kind::Argument => c"Неверные параметры, сейчас ничего не отправлено.",
            Kind::Network => c"Нет связи с LifePay.",
            Kind::Timeout => c"LifePay не ответил вовремя.",
            Kind::Tls => c"Не удалось установить защищённое соединение с LifePay.",
            Kind::Http => c"Сервер временно не обработал запрос.",
            Kind::Reply => c"Получен ответ не от LifePay: возможно, вмешался прокси или портал сети.",
            Kind::Cancelled => c"Отправка прервана программой.",
            Kind::Outbox => c"Не удалось использовать файл неотправленных запросов.",
            Kind::NotFound => c"Запрос с таким ext_id не найден.",
            Kind::Internal => c"Внутренняя ошибка библиотеки lifepay.",
            Kind::Closed => c"Очередь запросов закрыта.",
            Kind::Expired => c"Срок запроса истёк, он больше не повторяется.",
        },
        Code::Unknown(_) => c"Неизвестная ошибка: код новее этой библиотеки.",
    }
}

/// What to do about the code of a request with this outcome; empty where there is nothing to do.
/// `has_ext_id`: LifePay knows the request again.
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
            // With a new ext_id, what LifePay may have would be followed by a second document.
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
    use super::super::utf8;
    use super::*;

    #[test]
    fn a_code_that_is_not_known_has_a_text_too() {
        assert!(utf8(text(Code::Rejected(7777))).contains("LifePay"));
        assert!(!utf8(text(Code::Unknown(-999))).is_empty());
    }

    #[test]
    fn a_new_request_is_advised_only_where_nothing_was_sent() {
        let codes = (-20..=0).chain([400, 500, 6000, 6009, 6010, 6080, 6095, 7777]);
        for code in codes.map(Code::from) {
            for outcome in [Outcome::Unknown, Outcome::Answered, Outcome::None] {
                for text in [utf8(text(code)), advice(code, outcome, true)] {
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
