//! What is answered, one after another: a JSON array of orders, or of their names, or one order alone.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::answering::{Answering, Name};
use crate::control::refusal;
use crate::order::{body, Order};
use crate::pairs::Pairs;
use crate::sandbox::State;
use crate::switch::is_last;

/// The most steps.
const LONGEST: usize = 1000;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Sequence {
    pub(crate) answer: Answering,
    /// What comes after that.
    then: VecDeque<Answering>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Name(String),
    Order(Pairs),
}

impl Sequence {
    pub(crate) fn usual() -> Sequence {
        Sequence {
            answer: Answering::usual(),
            then: VecDeque::new(),
        }
    }

    pub(crate) fn is_usual(&self) -> bool {
        *self == Sequence::usual()
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.answer.answer == Name::Refused
    }

    /// What the next request is answered with; counts it.
    pub(crate) fn take(&mut self) -> Answering {
        let taken = self.answer.clone();
        if is_last(&mut self.answer.count) {
            self.answer = self.then.pop_front().unwrap_or_else(Answering::usual);
        }
        taken
    }

    /// # Errors
    /// What is wrong with the body.
    pub(crate) fn new(body: &[u8]) -> Result<Sequence, String> {
        let is_array = body.trim_ascii_start().first() == Some(&b'[');
        if !is_array {
            let answer = Order::new(body).and_then(Answering::read)?;
            let then = VecDeque::new();
            return Ok(Sequence { answer, then });
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
        let answer = read.pop_front().unwrap_or_else(Answering::usual);
        Ok(Sequence { answer, then: read })
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

    #[test]
    fn a_step_is_for_one_request_but_the_last_one() {
        let body = br#"["http_503", {"answer":"lost","count":2}, {"answer":"usual"}, "html"]"#;
        let sequence = Sequence::new(body).unwrap();
        let all = [sequence.answer].into_iter().chain(sequence.then);
        let steps: Vec<_> = all.map(|step| (step.answer, step.count)).collect();
        let expected = [
            (Name::Unavailable, Some(1)),
            (Name::Lost, Some(2)),
            (Name::Usual, Some(1)),
            (Name::Html, None),
        ];
        assert_eq!(steps, expected);
    }

    fn taken(body: &str, requests: usize) -> (Vec<Name>, Sequence) {
        let mut sequence = Sequence::new(body.as_bytes()).unwrap();
        let taken = (0..requests).map(|_| sequence.take().answer).collect();
        (taken, sequence)
    }

    #[test]
    fn one_answer_counts_its_requests_and_goes_back() {
        let (names, left) = taken(r#"{"answer":"reset","count":2}"#, 3);
        assert_eq!(names, [Name::Reset, Name::Reset, Name::Usual]);
        assert!(left.is_usual());
        let (names, left) = taken(r#"{"answer":"html"}"#, 3);
        assert_eq!(names, [Name::Html; 3]);
        assert!(!left.is_usual());
    }

    #[test]
    fn several_answers_follow_one_another() {
        let body =
            r#"["http_503", {"answer":"lost","count":2}, "usual", {"answer":"html","count":1}]"#;
        let (names, left) = taken(body, 6);
        let expected = [
            Name::Unavailable,
            Name::Lost,
            Name::Lost,
            Name::Usual,
            Name::Html,
            Name::Usual,
        ];
        assert_eq!(names, expected);
        assert!(left.is_usual());
        let (names, left) = taken(r#"["lost", "html"]"#, 3);
        assert_eq!(names, [Name::Lost, Name::Html, Name::Html]);
        assert!(!left.is_usual());
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
