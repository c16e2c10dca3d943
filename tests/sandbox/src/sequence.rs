//! What is answered, one after another: a JSON array of orders, or of their names, or one order alone.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::answering::Answering;
use crate::control::refusal;
use crate::order::{body, Order};
use crate::pairs::Pairs;
use crate::sandbox::State;

/// The most steps.
const LONGEST: usize = 1000;

#[derive(Debug)]
pub(crate) struct Sequence {
    pub(crate) first: Answering,
    pub(crate) then: VecDeque<Answering>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Name(String),
    Order(Pairs),
}

impl Sequence {
    /// # Errors
    /// What is wrong with the body.
    pub(crate) fn new(body: &[u8]) -> Result<Sequence, String> {
        let is_array = body.trim_ascii_start().first() == Some(&b'[');
        if !is_array {
            let first = Order::new(body).and_then(Answering::read)?;
            let then = VecDeque::new();
            return Ok(Sequence { first, then });
        }
        let steps: Vec<Step> = serde_json::from_slice(body)
            .map_err(|_| "порядок ответов: нужен массив из имён и объектов JSON".to_owned())?;
        if steps.is_empty() || steps.len() > LONGEST {
            return Err(format!("порядок ответов: от 1 до {LONGEST} шагов"));
        }
        let last = steps.len();
        let mut read = VecDeque::new();
        for (number, step) in (1..).zip(steps) {
            let order = match step {
                Step::Name(name) => Ok(Order::named(&name)),
                Step::Order(pairs) => Order::of(&pairs),
            };
            let step = order.and_then(|order| Answering::read_step(order, number == last));
            read.push_back(step.map_err(|text| format!("шаг {number}: {text}"))?);
        }
        let first = read.pop_front().unwrap_or_else(Answering::usual);
        Ok(Sequence { first, then: read })
    }
}

impl FromRequest<Arc<State>> for Sequence {
    type Rejection = Response;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Sequence, Response> {
        let body = body(request, state).await?;
        Sequence::new(&body).map_err(|text| refusal(StatusCode::BAD_REQUEST, &text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answering::Name;

    #[test]
    fn a_step_is_for_one_request_but_the_last_one() {
        let body = br#"["http_503", {"answer":"lost","count":2}, {"answer":"usual"}, "html"]"#;
        let sequence = Sequence::new(body).unwrap();
        let all = [sequence.first].into_iter().chain(sequence.then);
        let steps: Vec<_> = all.map(|step| (step.answer, step.count)).collect();
        let expected = [
            (Name::Unavailable, Some(1)),
            (Name::Lost, Some(2)),
            (Name::Usual, Some(1)),
            (Name::Html, None),
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn what_is_wrong_with_a_step_is_told_with_its_number() {
        for (body, said) in [
            (r#"[]"#, "от 1 до 1000 шагов"),
            (r#"[1]"#, "массив из имён и объектов"),
            (
                r#"["html", "fast"]"#,
                "шаг 2: answer: нет значения \"fast\"",
            ),
            (r#"["slow"]"#, "шаг 1: seconds"),
            (
                r#"[{"answer":"html","answer":"html"}]"#,
                "шаг 1: answer: поле указано дважды",
            ),
            (r#"["refused"]"#, "шаг 1: refused"),
        ] {
            let error = Sequence::new(body.as_bytes()).unwrap_err();
            assert!(error.contains(said), "{body}: {error}");
        }
    }
}
