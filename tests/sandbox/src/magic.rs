//! Magic values: a login or a target_serial that selects the answer.
//!
//! This table is their only definition: the server looks values up in it, `--help` prints it, and
//! [`rows`] returns it to tests that compare the documentation with it.

use crate::answer::message;

/// One magic value, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// "login" or "target_serial".
    pub field: &'static str,
    /// The value to use; "7000000dddd" stands for every other login of that form.
    pub value: &'static str,
    /// Its effect.
    pub effect: String,
    /// The same in Russian.
    pub effect_ru: String,
}

/// The effect of a magic value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    /// LifePay's JSON with this code, and no document.
    Answer(i32),
    FailOnce,
    LoseAnswer,
    Reset,
    Slow,
    Page,
    Redirect,
    Limit,
}

struct Magic {
    value: &'static str,
    effect: Effect,
    /// Appended to the text of the code.
    note: &'static str,
    note_ru: &'static str,
}

const fn magic(
    value: &'static str,
    effect: Effect,
    note: &'static str,
    note_ru: &'static str,
) -> Magic {
    Magic {
        value,
        effect,
        note,
        note_ru,
    }
}

const LOGINS: &[Magic] = &[
    magic("70000006009", Effect::Answer(6009), "", ""),
    magic("70000006010", Effect::Answer(6010), "", ""),
    magic("70000006080", Effect::Answer(6080), "", ""),
    magic("70000006095", Effect::Answer(6095), "", ""),
    magic("70000006000", Effect::Answer(6000), "", ""),
    magic(
        "70000000400",
        Effect::Answer(400),
        " with the page's example of a field error",
        ", с примером ошибки поля со страницы LifePay",
    ),
    magic("70000000500", Effect::Answer(500), "", ""),
    magic(
        "70000007777",
        Effect::Answer(7777),
        ", a code that the page does not know",
        ", такого кода на странице LifePay нет",
    ),
];

const OTHER_LOGINS: Row = Row {
    field: "login",
    value: "7000000dddd",
    effect: String::new(),
    effect_ru: String::new(),
};

/// Any number of zeros, but at least one, may precede the three digits.
const SERIALS: &[Magic] = &[
    magic(
        "00000000000404",
        Effect::Answer(400),
        " with the page's example of a field error: the printer is not found",
        ", с примером ошибки поля со страницы LifePay: принтер не найден",
    ),
    magic(
        "00000000000503",
        Effect::FailOnce,
        "HTTP 503 for the first request of an ext_id, then success",
        "HTTP 503 на первый запрос с этим ext_id, затем запрос принят",
    ),
    magic(
        "00000000000504",
        Effect::LoseAnswer,
        "takes the document and loses the answer: closes the connection; a repeat with the same ext_id gets the uuid",
        "документ создан, но ответ потерян: соединение закрыто; повтор с тем же ext_id получит UUID",
    ),
    magic(
        "00000000000499",
        Effect::Reset,
        "resets the connection, every time, and makes no document",
        "обрыв соединения, каждый раз; документа нет",
    ),
    magic(
        "00000000000408",
        Effect::Slow,
        "takes the document at once, but answers only after --slow seconds, every time",
        "документ создан сразу, но ответ приходит лишь через --slow секунд, каждый раз",
    ),
    magic(
        "00000000000200",
        Effect::Page,
        "HTTP 200 with an HTML page, as a broken proxy sends, every time; no document",
        "HTTP 200 и страница HTML, как от сломанного прокси, каждый раз; документа нет",
    ),
    magic(
        "00000000000302",
        Effect::Redirect,
        "HTTP 302 to a page of HTML, as a captive portal does, every time; no document",
        "HTTP 302 на страницу HTML, как от портала сети, каждый раз; документа нет",
    ),
    magic(
        "00000000000429",
        Effect::Limit,
        "HTTP 429 with Retry-After for the first request of an ext_id, then success",
        "HTTP 429 с Retry-After на первый запрос с этим ext_id, затем запрос принят",
    ),
];

/// The table of magic values, in the order in which `--help` prints it.
#[must_use]
pub fn rows() -> Vec<Row> {
    let row = |field| {
        move |magic: &Magic| Row {
            field,
            value: magic.value,
            effect: match magic.effect {
                Effect::Answer(code) => format!("code {code}, «{}»{}", message(code), magic.note),
                _ => magic.note.to_owned(),
            },
            effect_ru: match magic.effect {
                Effect::Answer(code) => format!("код {code}, «{}»{}", message(code), magic.note_ru),
                _ => magic.note_ru.to_owned(),
            },
        }
    };
    let others = Row {
        effect: "code dddd; but 0000 is a login like any other".to_owned(),
        effect_ru: "код dddd; но 0000 как любой другой логин".to_owned(),
        ..OTHER_LOGINS
    };
    LOGINS
        .iter()
        .map(row("login"))
        .chain([others])
        .chain(SERIALS.iter().map(row("target_serial")))
        .collect()
}

/// Returns the code that a login selects.
pub(crate) fn of_login(login: &str) -> Option<i32> {
    let digits = login.strip_prefix("7000000")?;
    let code = number(digits, 4)?;
    // Code 0 means success, like any other login.
    (code != 0).then_some(code)
}

/// Returns the effect that a target_serial selects.
pub(crate) fn of_serial(serial: &str) -> Option<Effect> {
    let split = serial.len().checked_sub(3).filter(|zeros| *zeros > 0)?;
    let (zeros, digits) = (serial.get(..split)?, serial.get(split..)?);
    if !zeros.bytes().all(|byte| byte == b'0') {
        return None;
    }
    SERIALS
        .iter()
        .find(|magic| magic.value.ends_with(digits))
        .map(|magic| magic.effect)
}

fn number(digits: &str, length: usize) -> Option<i32> {
    let plain = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain {
        digits.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_login_in_the_table_means_what_the_table_says() {
        for magic in LOGINS {
            assert_eq!(
                of_login(magic.value).map(Effect::Answer),
                Some(magic.effect)
            );
        }
    }

    #[test]
    fn every_serial_in_the_table_means_what_the_table_says() {
        for magic in SERIALS {
            assert_eq!(of_serial(magic.value), Some(magic.effect));
            // One zero is enough.
            assert_eq!(of_serial(&magic.value[10..]), Some(magic.effect));
            assert_eq!(of_serial(&magic.value[11..]), None);
        }
    }

    #[test]
    fn ordinary_values_are_not_magic() {
        for login in [
            "79031234567",
            "70000000000",
            "7000000",
            "700000060090",
            "7000000+600",
        ] {
            assert_eq!(of_login(login), None, "{login}");
        }
        for serial in [
            "",
            "404",
            "00106304012797",
            "10000000000404",
            "00000000000000",
            "0ё40",
        ] {
            assert_eq!(of_serial(serial), None, "{serial}");
        }
    }

    #[test]
    fn the_rows_hold_every_value_once() {
        let mut values: Vec<_> = rows().into_iter().map(|row| row.value).collect();
        assert_eq!(values.len(), LOGINS.len() + 1 + SERIALS.len());
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), LOGINS.len() + 1 + SERIALS.len());
    }
}
