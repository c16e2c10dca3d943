//! What is answered from now on, as it is ordered and as it is shown.

use serde::Serialize;

use crate::answer::{fault, message, Fields};
use crate::order::Order;

/// The longest that the slow switch may take, in seconds.
const SLOWEST: f64 = 3600.0;
const ONLY_CODE: &str = "code, message, field, text: только для code";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Name {
    /// What the request asks for, magic values included.
    #[serde(rename = "usual")]
    Usual,
    /// No connection can be made.
    #[serde(rename = "refused")]
    Refused,
    /// The connection is reset.
    #[serde(rename = "reset")]
    Reset,
    #[serde(rename = "http_503")]
    Unavailable,
    /// The document is made at once, the answer comes late.
    #[serde(rename = "slow")]
    Slow,
    /// The document is made, the connection is closed.
    #[serde(rename = "lost")]
    Lost,
    /// HTTP 200 with a page.
    #[serde(rename = "html")]
    Html,
    #[serde(rename = "redirect")]
    Redirect,
    /// LifePay's JSON with a code, a message and a field's error.
    #[serde(rename = "code")]
    Code,
}

/// As in JSON.
const NAMES: [(&str, Name); 9] = [
    ("usual", Name::Usual),
    ("refused", Name::Refused),
    ("reset", Name::Reset),
    ("http_503", Name::Unavailable),
    ("slow", Name::Slow),
    ("lost", Name::Lost),
    ("html", Name::Html),
    ("redirect", Name::Redirect),
    ("code", Name::Code),
];

impl Name {
    /// As in JSON.
    pub(crate) fn text(self) -> &'static str {
        let named = NAMES.iter().find(|(_, name)| *name == self);
        named.map_or("", |(text, _)| text)
    }
}

/// What is answered, as it is asked for and as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Answering {
    pub(crate) answer: Name,
    /// With slow: until the answer. With refused: until connections can be made again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<f64>,
    /// These four only with code. Without a message it is the page's.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// For how many requests; null: until it is switched back.
    pub(crate) count: Option<u32>,
}

impl Answering {
    pub(crate) fn usual() -> Answering {
        Answering {
            answer: Name::Usual,
            seconds: None,
            code: None,
            message: None,
            field: None,
            text: None,
            count: None,
        }
    }

    /// # Errors
    /// What is wrong with the order.
    pub(crate) fn read(order: Order) -> Result<Answering, String> {
        let answering = Answering::fields(order)?;
        let has_count = answering.count.is_some();
        let fault = match answering.answer {
            Name::Refused if has_count => Some(
                "count: не для refused, ведь отказанные соединения песочница не видит".to_owned(),
            ),
            Name::Usual if has_count => Some("count: не для usual".to_owned()),
            _ => answering.fault(),
        };
        fault.map_or(Ok(answering), Err)
    }

    /// One of several in an order. Each is for one request if it does not say for how many; the last one
    /// stays.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read_step(order: Order, is_last: bool) -> Result<Answering, String> {
        let mut answering = Answering::fields(order)?;
        if answering.answer == Name::Refused {
            return Err("refused: только отдельно, не среди других ответов".to_owned());
        }
        if !is_last {
            answering.count = answering.count.or(Some(1));
        }
        answering.fault().map_or(Ok(answering), Err)
    }

    fn fields(mut order: Order) -> Result<Answering, String> {
        let words: Vec<_> = NAMES.iter().map(|(word, _)| *word).collect();
        let answer = order.choice("answer", &NAMES)?;
        let answering = Answering {
            answer: answer
                .ok_or_else(|| format!("answer: не задано; есть {}", words.join(", ")))?,
            seconds: order.number("seconds", 0.0..=SLOWEST)?,
            code: order.whole("code", 1..=i32::MAX)?,
            message: order.text("message")?,
            field: order.text("field")?,
            text: order.text("text")?,
            count: order.whole("count", 1..=u32::MAX)?,
        };
        order.end()?;
        Ok(answering)
    }

    /// What does not go together.
    fn fault(&self) -> Option<String> {
        let texts = [&self.message, &self.field, &self.text];
        let has_code = self.code.is_some() || texts.iter().any(|text| text.is_some());
        Some(match self.answer {
            Name::Slow if self.seconds.is_none() => {
                format!(
                    "seconds: для slow укажите, через сколько секунд ответить, от 0 до {SLOWEST}"
                )
            }
            Name::Code if self.code.is_none() => {
                "code: укажите код, целое число от 1; для кода 0 есть usual".to_owned()
            }
            Name::Slow | Name::Refused if has_code => ONLY_CODE.to_owned(),
            Name::Slow | Name::Refused => return None,
            _ if self.seconds.is_some() => "seconds: только для slow и refused".to_owned(),
            Name::Code if self.field.is_some() != self.text.is_some() => {
                "field и text: укажите оба или ни одного".to_owned()
            }
            Name::Code => return None,
            _ if has_code => ONLY_CODE.to_owned(),
            _ => return None,
        })
    }

    /// The rejection of a code.
    pub(crate) fn rejection(&self) -> (i32, String, Fields) {
        let code = self.code.unwrap_or(500);
        let text = self.message.clone().unwrap_or_else(|| message(code));
        let fields = match (&self.field, &self.text) {
            (Some(field), Some(text)) => fault(field, text),
            _ => Fields::new(),
        };
        (code, text, fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Answering, String> {
        Order::new(text.as_bytes()).and_then(Answering::read)
    }

    #[test]
    fn a_wrong_order_is_refused() {
        for (text, named) in [
            (r#"{"answer":"slow"}"#, "seconds"),
            (r#"{"answer":"slow","seconds":-1}"#, "seconds"),
            (r#"{"answer":"slow","seconds":4000}"#, "seconds"),
            (r#"{"answer":"html","seconds":1}"#, "seconds"),
            (r#"{"answer":"code"}"#, "code"),
            (r#"{"answer":"code","code":0}"#, "code"),
            (r#"{"answer":"reset","code":400}"#, "code"),
            (r#"{"answer":"code","code":400,"field":"login"}"#, "text"),
            (r#"{"answer":"reset","count":0}"#, "count"),
            (r#"{"answer":"refused","count":1}"#, "count"),
            (r#"{"answer":"refused","seconds":4000}"#, "seconds"),
            (r#"{"answer":"usual","count":1}"#, "count"),
            (r#"{"answer":"usual","seconds":1}"#, "seconds"),
            (r#"{"answer":"slow","seconds":1,"code":1}"#, "code"),
            (r#"{"answer":"html","count":1.5}"#, "count"),
            (r#"{"answer":"html","count":"1"}"#, "count"),
            (r#"{"answer":"html","answer":"html"}"#, "дважды"),
            (r#"["html"]"#, "объект JSON"),
            (r#"{}"#, "answer"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn null_and_an_empty_text_are_as_if_not_given() {
        for text in [
            r#"{"answer":"usual","count":null,"seconds":null,"message":""}"#,
            r#"{"answer":"html","field":"","text":"","code":null}"#,
            r#"{"answer":"code","code":400.0,"message":"","count":2.0}"#,
        ] {
            let answering = read(text).unwrap();
            assert_eq!(answering.message, None, "{text}");
        }
    }

    #[test]
    fn the_names_are_those_of_the_json() {
        for (text, name) in NAMES {
            assert_eq!(serde_json::to_value(name).unwrap(), name.text());
            assert_eq!(name.text(), text);
        }
    }
}
