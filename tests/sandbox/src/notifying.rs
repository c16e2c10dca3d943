//! The notifications that new documents send to callback_url: one state, or several one after
//! another.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::answering::SLOWEST;
use crate::order::{read_steps, FromBody, Order, Orders};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// No notification.
    Off,
    Processed,
    Waiting,
    Error,
}

impl Status {
    /// Returns the state in the wording of LifePay's page.
    pub(crate) fn words(self) -> Option<&'static str> {
        match self {
            Status::Off => None,
            Status::Processed => Some("обработан"),
            Status::Waiting => Some("ожидает повтора"),
            Status::Error => Some("ошибка"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Step {
    pub(crate) status: Status,
    /// The delay after the document was made or after the previous notification.
    seconds: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Notifying {
    #[serde(flatten)]
    first: Step,
    then: VecDeque<Step>,
}

impl Step {
    pub(crate) fn pause(self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    fn read(mut order: Order) -> Result<Step, String> {
        let all = [
            ("off", Status::Off),
            ("processed", Status::Processed),
            ("waiting", Status::Waiting),
            ("error", Status::Error),
        ];
        let status = order.choice("status", &all)?;
        let status = status.ok_or("status: не задано; есть off, processed, waiting, error")?;
        let seconds = order.number("seconds", 0.0..=SLOWEST)?;
        order.end()?;
        if status == Status::Off && seconds.is_some() {
            return Err("seconds: не для off".to_owned());
        }
        Ok(Step {
            status,
            seconds: seconds.unwrap_or(0.0),
        })
    }
}

impl Notifying {
    pub(crate) fn at_once(status: Status) -> Notifying {
        let seconds = 0.0;
        Notifying {
            first: Step { status, seconds },
            then: VecDeque::new(),
        }
    }

    /// # Errors
    /// The fault in the order.
    pub(crate) fn read(body: &[u8]) -> Result<Notifying, String> {
        let orders = match Orders::new(body, "status")? {
            Orders::One(order) => {
                let first = Step::read(order)?;
                let then = VecDeque::new();
                return Ok(Notifying { first, then });
            }
            Orders::Several(orders) => orders,
        };
        let steps = read_steps(orders, |order, _| match Step::read(order)? {
            step if step.status == Status::Off => Err("off: только отдельно".to_owned()),
            step => Ok(step),
        })?;
        let mut then = VecDeque::from(steps);
        let first = then.pop_front();
        let first = first.ok_or("в массиве нет шагов")?;
        Ok(Notifying { first, then })
    }

    /// Returns the notifications in the order in which they are sent.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        [self.first].into_iter().chain(self.then.iter().copied())
    }
}

impl FromBody for Notifying {
    fn from_body(body: &[u8]) -> Result<Notifying, String> {
        Notifying::read(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_state_or_several_are_read() {
        let read = |body: &str| Notifying::read(body.as_bytes()).unwrap();
        let steps = |body| -> Vec<_> {
            let step = |step: Step| (step.status, step.seconds);
            read(body).steps().map(step).collect()
        };
        let one = steps(r#"{"status":"error","seconds":2}"#);
        assert_eq!(one, [(Status::Error, 2.0)]);
        let two = steps(r#"["waiting",{"status":"processed","seconds":5}]"#);
        assert_eq!(two, [(Status::Waiting, 0.0), (Status::Processed, 5.0)]);
    }

    #[test]
    fn a_wrong_order_is_refused() {
        for (body, named) in [
            ("{}", "status"),
            (r#"{"status":"done"}"#, "status: нет значения"),
            (r#"{"status":"off","seconds":1}"#, "seconds"),
            (r#"{"status":"error","seconds":-1}"#, "seconds"),
            (r#"["waiting","off"]"#, "шаг 2: off"),
            (
                r#"["waiting",{"status":"error","count":1}]"#,
                "шаг 2: count",
            ),
            ("[]", "шагов"),
        ] {
            let error = Notifying::read(body.as_bytes()).unwrap_err();
            assert!(error.contains(named), "{body}: {error}");
        }
    }
}
