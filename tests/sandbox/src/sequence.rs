//! A sequence of answers: a JSON array of orders or of names of answers, or a single order.

use std::collections::VecDeque;

use serde::Serialize;

use crate::answering::{AnswerKind, Answering};
use crate::order::{read_steps, FromBody, Orders};
use crate::switch::is_last;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Sequence {
    pub(crate) answer: Answering,
    /// The answers after that.
    then: VecDeque<Answering>,
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
        matches!(self.answer.kind, AnswerKind::Refused { .. })
    }

    /// Returns the answer to the next request and counts the request. `occurs` returns whether an
    /// event with the given probability occurs.
    pub(crate) fn take(&mut self, occurs: impl FnOnce(f64) -> bool) -> Answering {
        if self
            .answer
            .probability
            .is_some_and(|probability| !occurs(probability))
        {
            return Answering::usual();
        }
        let taken = self.answer.clone();
        if is_last(&mut self.answer.count) {
            self.answer = self.then.pop_front().unwrap_or_else(Answering::usual);
        }
        taken
    }

    /// # Errors
    /// The fault in the body.
    pub(crate) fn new(body: &[u8]) -> Result<Sequence, String> {
        let mut steps: VecDeque<_> = match Orders::new(body, "answer")? {
            Orders::One(order) => VecDeque::from([Answering::read(order)?]),
            Orders::Several(orders) => read_steps(orders, Answering::read_step)?.into(),
        };
        let answer = steps.pop_front().unwrap_or_else(Answering::usual);
        Ok(Sequence {
            answer,
            then: steps,
        })
    }
}

impl FromBody for Sequence {
    fn from_body(body: &[u8]) -> Result<Sequence, String> {
        Sequence::new(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_but_the_last_is_for_one_request() {
        let body = br#"["http_503", {"answer":"lost","count":2}, {"answer":"usual"}, "html"]"#;
        let sequence = Sequence::new(body).unwrap();
        let all = [sequence.answer].into_iter().chain(sequence.then);
        let steps: Vec<_> = all.map(|step| (step.kind, step.count)).collect();
        let expected = [
            (AnswerKind::Unavailable, Some(1)),
            (AnswerKind::Lost, Some(2)),
            (AnswerKind::Usual, Some(1)),
            (AnswerKind::Html, None),
        ];
        assert_eq!(steps, expected);
    }

    fn taken(body: &str, requests: usize) -> (Vec<AnswerKind>, Sequence) {
        let mut sequence = Sequence::new(body.as_bytes()).unwrap();
        let taken = (0..requests)
            .map(|_| sequence.take(|_| true).kind)
            .collect();
        (taken, sequence)
    }

    #[test]
    fn an_answer_counts_its_requests_and_turns_off() {
        let (names, left) = taken(r#"{"answer":"reset","count":2}"#, 3);
        assert_eq!(
            names,
            [AnswerKind::Reset, AnswerKind::Reset, AnswerKind::Usual]
        );
        assert!(left.is_usual());
        let (names, left) = taken(r#"{"answer":"html"}"#, 3);
        assert_eq!(
            names,
            [AnswerKind::Html, AnswerKind::Html, AnswerKind::Html]
        );
        assert!(!left.is_usual());
    }

    #[test]
    fn several_answers_follow_one_another() {
        let body =
            r#"["http_503", {"answer":"lost","count":2}, "usual", {"answer":"html","count":1}]"#;
        let (names, left) = taken(body, 6);
        let expected = [
            AnswerKind::Unavailable,
            AnswerKind::Lost,
            AnswerKind::Lost,
            AnswerKind::Usual,
            AnswerKind::Html,
            AnswerKind::Usual,
        ];
        assert_eq!(names, expected);
        assert!(left.is_usual());
        let (names, left) = taken(r#"["lost", "html"]"#, 3);
        assert_eq!(
            names,
            [AnswerKind::Lost, AnswerKind::Html, AnswerKind::Html]
        );
        assert!(!left.is_usual());
    }

    #[test]
    fn a_request_that_an_answer_does_not_apply_to_is_not_counted() {
        let body = br#"{"answer":"lost","probability":0.5,"count":1}"#;
        let mut sequence = Sequence::new(body).unwrap();
        let mut take = |occurs| {
            sequence
                .take(|probability| occurs && probability == 0.5)
                .kind
        };
        let taken = [take(false), take(false), take(true), take(true)];
        assert_eq!(
            taken,
            [
                AnswerKind::Usual,
                AnswerKind::Usual,
                AnswerKind::Lost,
                AnswerKind::Usual
            ]
        );
    }

    #[test]
    fn errors_of_a_step_are_reported_with_its_number() {
        for (body, part) in [
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
            (r#"["usual", "paused"]"#, "шаг 2: paused"),
        ] {
            let error = Sequence::new(body.as_bytes()).unwrap_err();
            assert!(error.contains(part), "{body}: {error}");
        }
    }
}
