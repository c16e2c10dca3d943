//! An order to the sandbox. Reads the fields of its JSON one by one, and reports faults in Russian.
//! A field that is null or "" counts as absent.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use crate::control::refusal;
use crate::pairs::Pairs;
use crate::sandbox::State;
use crate::unreadable;

/// The maximum size of an order in bytes.
const LARGEST: usize = 64 * 1024;
/// The maximum number of characters of a wrong value that are quoted.
const QUOTED: usize = 100;
/// The maximum number of characters of a text.
const LONGEST: usize = 1000;
/// The maximum number of steps in an order.
const MOST_STEPS: usize = 1000;

pub(crate) struct Order {
    /// The fields that have not been read yet.
    fields: Vec<(String, Value)>,
    /// The names that were read.
    known: Vec<&'static str>,
}

impl Order {
    /// # Errors
    /// The fault in the body.
    pub(crate) fn new(body: &[u8]) -> Result<Order, String> {
        let pairs: Option<Pairs> = serde_json::from_slice(body).ok();
        let pairs = pairs.ok_or_else(|| unreadable::body(body, None))?;
        Order::of(&pairs)
    }

    /// # Errors
    /// A doubled field.
    pub(crate) fn of(pairs: &Pairs) -> Result<Order, String> {
        if let Some(name) = pairs.doubled() {
            return Err(format!("{name}: поле указано дважды"));
        }
        let given = |(_, value): &&(String, Value)| !value.is_null() && *value != "";
        Ok(Order {
            fields: pairs.fields().iter().filter(given).cloned().collect(),
            known: Vec::new(),
        })
    }

    /// Makes an order with this field only.
    fn of_name(field: &str, name: &str) -> Order {
        Order {
            fields: vec![(field.to_owned(), name.into())],
            known: Vec::new(),
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        let position = self.fields.iter().position(|(known, _)| known == name)?;
        Some(self.fields.remove(position).1)
    }

    /// Reads a field whose value must be one of the given words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        all: &[(&str, T)],
    ) -> Result<Option<T>, String> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let found = all.iter().find(|(word, _)| value == *word);
        if let Some((_, found)) = found {
            return Ok(Some(*found));
        }
        let words: Vec<_> = all.iter().map(|(word, _)| *word).collect();
        let given: String = value.to_string().chars().take(QUOTED).collect();
        let words = words.join(", ");
        Err(format!("{name}: нет значения {given}; есть {words}"))
    }

    pub(crate) fn number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<f64>, String> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let number = value.as_f64().filter(|number| range.contains(number));
        let wanted = || {
            format!(
                "{name}: нужно число от {} до {}",
                range.start(),
                range.end()
            )
        };
        number.map(Some).ok_or_else(wanted)
    }

    /// Reads a whole number. 2.0 counts as 2, because JSON has only one type of numbers.
    pub(crate) fn whole<T>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
    ) -> Result<Option<T>, String>
    where
        T: TryFrom<i64> + Copy + std::fmt::Display + PartialOrd,
    {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let float = value.as_f64().filter(|float| float.fract() == 0.0);
        let whole = value.as_i64().or_else(|| float.map(|float| float as i64));
        let whole = whole.and_then(|whole| T::try_from(whole).ok());
        let wanted = || {
            format!(
                "{name}: нужно целое число от {} до {}",
                range.start(),
                range.end()
            )
        };
        let whole = whole.filter(|whole| range.contains(whole));
        whole.map(Some).ok_or_else(wanted)
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(format!("{name}: нужно true или false")),
        }
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= LONGEST => Ok(Some(text)),
            Some(_) => Err(format!(
                "{name}: нужна строка не длиннее {LONGEST} символов"
            )),
        }
    }

    /// Checks that every field was read.
    ///
    /// # Errors
    /// A field that was not read.
    pub(crate) fn end(self) -> Result<(), String> {
        match self.fields.first() {
            None => Ok(()),
            Some((name, _)) => {
                let known = self.known.join(", ");
                let name: String = name.chars().take(QUOTED).collect();
                Err(format!("{name}: нет такого поля; есть {known}"))
            }
        }
    }
}

/// One order, or several one after another.
pub(crate) enum Orders {
    One(Order),
    Several(Vec<Order>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Name(String),
    Order(Pairs),
}

impl Orders {
    /// Reads one order or an array of them. A step of the array is an object or, if it needs no
    /// other field, the value of `field` alone.
    ///
    /// # Errors
    /// The fault in the body.
    pub(crate) fn new(body: &[u8], field: &str) -> Result<Orders, String> {
        if body.trim_ascii_start().first() != Some(&b'[') {
            return Order::new(body).map(Orders::One);
        }
        let steps: Vec<Step> = serde_json::from_slice(body)
            .map_err(|_| "нужен объект JSON или массив из имён и объектов JSON".to_owned())?;
        if steps.is_empty() || steps.len() > MOST_STEPS {
            return Err(format!("в массиве должно быть от 1 до {MOST_STEPS} шагов"));
        }
        let order = |step| match step {
            Step::Name(name) => Ok(Order::of_name(field, &name)),
            Step::Order(pairs) => Order::of(&pairs),
        };
        read_steps(steps, |step, _| order(step)).map(Orders::Several)
    }
}

/// Calls `read` for each step, with true for the last one.
///
/// # Errors
/// The fault in a step, with its number.
pub(crate) fn read_steps<S, T>(
    steps: Vec<S>,
    read: impl Fn(S, bool) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let last = steps.len();
    let numbered = (1..).zip(steps);
    let read = numbered.map(|(number, step)| {
        let read = read(step, number == last);
        read.map_err(|text| format!("шаг {number}: {text}"))
    });
    read.collect()
}

/// A type that can be read from the body of an order.
pub(crate) trait FromBody: Sized {
    /// # Errors
    /// The fault in the body.
    fn from_body(body: &[u8]) -> Result<Self, String>;
}

impl FromBody for Order {
    fn from_body(body: &[u8]) -> Result<Order, String> {
        Order::new(body)
    }
}

/// A handler's argument that is read from the body of the request.
pub(crate) struct Ordered<T>(pub(crate) T);

impl<T: FromBody> FromRequest<Arc<State>> for Ordered<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Ordered<T>, Response> {
        let body = body(request, state).await?;
        let read = T::from_body(&body).map(Ordered);
        read.map_err(|text| refusal(StatusCode::BAD_REQUEST, &text))
    }
}

/// Returns the body of a request whose Content-Type is JSON.
///
/// # Errors
/// The answer that refuses the request.
async fn body(request: Request, state: &State) -> Result<Bytes, Response> {
    if !is_json(request.headers()) {
        let text = "Content-Type: должен быть application/json";
        return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let body = axum::body::to_bytes(request.into_body(), LARGEST);
    match tokio::time::timeout(state.options.idle, body).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => {
            let text = format!("тело больше {LARGEST} байт или пришло не целиком");
            Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, &text))
        }
        Err(_) => {
            let text = "тело не пришло целиком: проверьте Content-Length";
            Err(refusal(StatusCode::REQUEST_TIMEOUT, text))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()?.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(text: &str) -> Order {
        Order::new(text.as_bytes()).map_err(|_| text).unwrap()
    }

    #[test]
    fn null_and_an_empty_text_mean_not_given_and_a_whole_float_is_an_integer() {
        let mut order = order(r#"{"a":null,"b":"","c":2.0,"d":"x"}"#);
        assert_eq!(order.whole::<u32>("a", 1..=9), Ok(None));
        assert_eq!(order.text("b"), Ok(None));
        assert_eq!(order.whole::<u32>("c", 1..=9), Ok(Some(2)));
        assert_eq!(order.choice("d", &[("x", 1)]), Ok(Some(1)));
        assert_eq!(order.end(), Ok(()));
    }

    #[test]
    fn errors_are_described_in_russian() {
        let wrong = |body: &str| Order::new(body.as_bytes()).err().unwrap();
        assert!(wrong("").contains("пустое"));
        assert!(wrong("[]").contains("объект JSON"));
        assert!(wrong(r#"{"a":1,"a":1}"#).contains("a: поле указано дважды"));
        let mut order = order(r#"{"a":1.5,"b":"z","c":"1","d":1,"e":1}"#);
        let a = order.whole::<u32>("a", 1..=9).unwrap_err();
        assert_eq!(a, "a: нужно целое число от 1 до 9");
        let b = order.choice("b", &[("x", 1), ("y", 2)]).unwrap_err();
        assert_eq!(b, "b: нет значения \"z\"; есть x, y");
        let c = order.number("c", 0.0..=3600.0).unwrap_err();
        assert_eq!(c, "c: нужно число от 0 до 3600");
        assert!(order.text("d").unwrap_err().contains("d: нужна строка"));
        let e = order.end().unwrap_err();
        assert_eq!(e, "e: нет такого поля; есть a, b, c, d");
    }
}
