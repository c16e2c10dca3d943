//! The answers that a switch can select, as read from an order and as shown.

use serde::Serialize;

use crate::order::Order;

/// The longest delay of a request or an answer that an order may set, in seconds.
pub(crate) const SLOWEST: f64 = 3600.0;
/// The largest error of Content-Length, in bytes.
const MAX_LENGTH_ERROR: i32 = 1000;
/// The default error of Content-Length, in bytes.
const DEFAULT_LENGTH_ERROR: i32 = 10;
/// The default pause between two bytes, in seconds.
const DEFAULT_DRIP_PAUSE: f64 = 1.0;

/// Declares the answers with their names in JSON.
macro_rules! answers {
    ($($(#[$attribute:meta])* $variant:ident $({ $($field:tt)* })? = $name:literal,)+) => {
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "answer")]
        pub(crate) enum AnswerKind {
            $($(#[$attribute])* #[serde(rename = $name)] $variant $({ $($field)* })?,)+
        }

        const NAMES: &[&str] = &[$($name),+];

        impl AnswerKind {
            /// Returns the name in JSON.
            pub(crate) fn name(&self) -> &'static str {
                match self {
                    $(AnswerKind::$variant { .. } => $name,)+
                }
            }
        }
    };
}

answers! {
    /// The usual answer, which magic values may change.
    Usual = "usual",
    /// Connections are refused, for this many seconds.
    Refused {
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
    } = "refused",
    /// The connection is reset.
    Reset = "reset",
    /// There is no document and no answer. The connection is closed after this many seconds.
    Swallowed {
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
    } = "swallowed",
    /// The request waits until another answer is ordered.
    Paused = "paused",
    Unavailable = "http_503",
    /// An HTML page with this HTTP status.
    Http {
        status: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
        /// Whether LifePay has made the document all the same.
        document: bool,
    } = "http",
    /// The document is made at once, and the answer comes late.
    Slow { seconds: f64 } = "slow",
    /// The document is made, and the connection is closed.
    Lost = "lost",
    /// HTTP 200 with an HTML page.
    Html = "html",
    Redirect = "redirect",
    /// LifePay's JSON with a code, a message and a field's error.
    Code {
        code: i32,
        /// Default: the text of LifePay's page.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    } = "code",
    // With the following answers the document is made, but the answer is malformed.
    NoUuid = "no_uuid",
    /// The code is a string.
    TextCode = "text_code",
    /// The JSON follows a PHP warning.
    PhpWarning = "php_warning",
    BrokenJson = "broken_json",
    /// No body.
    Empty = "empty",
    /// The connection is closed in the middle of the body.
    Cut = "cut",
    /// Content-Length exceeds the body by this many bytes.
    WrongLength { bytes: i32 } = "wrong_length",
    /// The body is sent byte by byte, with a pause between two bytes.
    Dripping { seconds: f64 } = "dripping",
}

impl AnswerKind {
    fn read(order: &mut Order) -> Result<AnswerKind, String> {
        let all: Vec<_> = NAMES.iter().map(|name| (*name, *name)).collect();
        let name = order.choice("answer", &all)?;
        let name = name.ok_or_else(|| format!("answer: не задано; есть {}", NAMES.join(", ")))?;
        let kind = match name {
            "refused" => AnswerKind::Refused {
                seconds: seconds(order)?,
            },
            "reset" => AnswerKind::Reset,
            "swallowed" => AnswerKind::Swallowed {
                seconds: seconds(order)?,
            },
            "paused" => AnswerKind::Paused,
            "http_503" => AnswerKind::Unavailable,
            "http" => AnswerKind::Http {
                status: order
                    .whole("status", 200..=599)?
                    .ok_or("status: укажите код HTTP, от 200 до 599")?,
                retry_after: order.whole("retry_after", 0..=u32::MAX)?,
                document: order.flag("document")?.unwrap_or(false),
            },
            "slow" => AnswerKind::Slow {
                seconds: seconds(order)?.ok_or_else(|| {
                    format!("seconds: для slow укажите, через сколько секунд ответить, от 0 до {SLOWEST}")
                })?,
            },
            "lost" => AnswerKind::Lost,
            "html" => AnswerKind::Html,
            "redirect" => AnswerKind::Redirect,
            "code" => AnswerKind::read_code(order)?,
            "no_uuid" => AnswerKind::NoUuid,
            "text_code" => AnswerKind::TextCode,
            "php_warning" => AnswerKind::PhpWarning,
            "broken_json" => AnswerKind::BrokenJson,
            "empty" => AnswerKind::Empty,
            "cut" => AnswerKind::Cut,
            "wrong_length" => AnswerKind::WrongLength {
                bytes: match order.whole("bytes", -MAX_LENGTH_ERROR..=MAX_LENGTH_ERROR)? {
                    Some(0) => return Err("bytes: 0 — это верная длина".to_owned()),
                    bytes => bytes.unwrap_or(DEFAULT_LENGTH_ERROR),
                },
            },
            "dripping" => AnswerKind::Dripping {
                seconds: seconds(order)?.unwrap_or(DEFAULT_DRIP_PAUSE),
            },
            _ => AnswerKind::Usual,
        };
        Ok(kind)
    }

    fn read_code(order: &mut Order) -> Result<AnswerKind, String> {
        let code = order.whole("code", 1..=i32::MAX)?;
        let message = order.text("message")?;
        let (field, text) = (order.text("field")?, order.text("text")?);
        if field.is_some() != text.is_some() {
            return Err("field и text: укажите оба или ни одного".to_owned());
        }
        Ok(AnswerKind::Code {
            code: code.ok_or("code: укажите код, целое число от 1; для кода 0 есть usual")?,
            message,
            field,
            text,
        })
    }

    /// Whether the answer can apply to some of the requests only. The sandbox does not see refused
    /// requests, and paused requests wait until another order arrives.
    fn is_for_some(&self) -> bool {
        !matches!(
            self,
            AnswerKind::Usual | AnswerKind::Refused { .. } | AnswerKind::Paused
        )
    }
}

fn seconds(order: &mut Order) -> Result<Option<f64>, String> {
    order.number("seconds", 0.0..=SLOWEST)
}

/// An answer with its probability and count, as ordered and as shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Answering {
    #[serde(flatten)]
    pub(crate) kind: AnswerKind,
    /// The probability that a request gets this answer. Other requests are answered as usual, and
    /// are not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probability: Option<f64>,
    /// The number of requests that get this answer; null: until the switch is changed.
    pub(crate) count: Option<u32>,
}

impl Answering {
    pub(crate) fn usual() -> Answering {
        Answering {
            kind: AnswerKind::Usual,
            probability: None,
            count: None,
        }
    }

    /// # Errors
    /// The fault in the order.
    pub(crate) fn read(order: Order) -> Result<Answering, String> {
        let answering = Answering::fields(order)?;
        if answering.count.is_some() && !answering.kind.is_for_some() {
            return Err(format!("count: не для {}", answering.kind.name()));
        }
        Ok(answering)
    }

    /// Reads one of several answers in an order. By default each is for one request, and the last
    /// one stays.
    ///
    /// # Errors
    /// The fault in the step.
    pub(crate) fn read_step(order: Order, is_last: bool) -> Result<Answering, String> {
        let mut answering = Answering::fields(order)?;
        if let AnswerKind::Refused { .. } | AnswerKind::Paused = answering.kind {
            let name = answering.kind.name();
            return Err(format!("{name}: только отдельно, не среди других ответов"));
        }
        if !is_last {
            answering.count = answering.count.or(Some(1));
        }
        Ok(answering)
    }

    fn fields(mut order: Order) -> Result<Answering, String> {
        let kind = AnswerKind::read(&mut order)?;
        let answering = Answering {
            probability: order.number("probability", 0.0..=1.0)?,
            count: order.whole("count", 1..=u32::MAX)?,
            kind,
        };
        let name = answering.kind.name();
        if answering.probability.is_some() && !answering.kind.is_for_some() {
            return Err(format!("probability: не для {name}"));
        }
        let unknown = |text| format!("{text} (для ответа {name})");
        order.end().map_err(unknown)?;
        Ok(answering)
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
            (
                r#"{"answer":"html","seconds":1}"#,
                "seconds: нет такого поля",
            ),
            (r#"{"answer":"code"}"#, "code"),
            (r#"{"answer":"code","code":0}"#, "code"),
            (r#"{"answer":"reset","code":400}"#, "для ответа reset"),
            (r#"{"answer":"code","code":400,"field":"login"}"#, "text"),
            (r#"{"answer":"reset","count":0}"#, "count"),
            (r#"{"answer":"refused","count":1}"#, "count"),
            (r#"{"answer":"refused","seconds":4000}"#, "seconds"),
            (r#"{"answer":"paused","count":1}"#, "count"),
            (r#"{"answer":"usual","count":1}"#, "count"),
            (r#"{"answer":"usual","seconds":1}"#, "seconds"),
            (r#"{"answer":"usual","probability":0.5}"#, "probability"),
            (r#"{"answer":"lost","probability":1.5}"#, "probability"),
            (r#"{"answer":"slow","seconds":1,"code":1}"#, "code"),
            (r#"{"answer":"http"}"#, "status"),
            (r#"{"answer":"http","status":199}"#, "status"),
            (r#"{"answer":"http","status":500,"document":1}"#, "document"),
            (r#"{"answer":"wrong_length","bytes":0}"#, "bytes"),
            (r#"{"answer":"wrong_length","bytes":-1001}"#, "bytes"),
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
    fn null_and_an_empty_text_mean_not_given() {
        for text in [
            r#"{"answer":"usual","count":null,"seconds":null,"message":""}"#,
            r#"{"answer":"html","field":"","text":"","code":null}"#,
        ] {
            assert_eq!(read(text).unwrap().count, None, "{text}");
        }
        let text = r#"{"answer":"code","code":400.0,"message":"","count":2.0}"#;
        let code = AnswerKind::Code {
            code: 400,
            message: None,
            field: None,
            text: None,
        };
        assert_eq!(read(text).unwrap().kind, code);
    }

    #[test]
    fn every_name_is_read_and_shown() {
        for name in NAMES {
            let text = format!(r#"{{"answer":"{name}"}}"#);
            let text = match *name {
                "slow" => r#"{"answer":"slow","seconds":1}"#,
                "http" => r#"{"answer":"http","status":502,"retry_after":1}"#,
                "code" => r#"{"answer":"code","code":1}"#,
                _ => &text,
            };
            let answering = read(text).unwrap();
            assert_eq!(answering.kind.name(), *name);
            let shown = serde_json::to_value(&answering).unwrap();
            assert_eq!(shown["answer"], *name);
            assert_eq!(read(&shown.to_string()).unwrap(), answering);
        }
    }
}
