//! The latency: a delay of all answers.

use std::time::Duration;

use serde::Serialize;

use crate::answering::SLOWEST;
use crate::order::Order;

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Latency {
    seconds: f64,
    /// The largest deviation, in seconds.
    jitter: f64,
}

impl Latency {
    /// # Errors
    /// The fault in the order.
    pub(crate) fn read(mut order: Order) -> Result<Latency, String> {
        let seconds = order.number("seconds", 0.0..=SLOWEST)?;
        let seconds = seconds.ok_or("seconds: не задано; 0 — без задержки")?;
        let jitter = order.number("jitter", 0.0..=seconds)?.unwrap_or(0.0);
        order.end()?;
        Ok(Latency { seconds, jitter })
    }

    /// Returns the delay for `chance`, a random number from 0 to 1.
    pub(crate) fn delay(self, chance: f64) -> Duration {
        let seconds = self.seconds + self.jitter * (2.0 * chance - 1.0);
        Duration::from_secs_f64(seconds.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Latency, String> {
        Order::new(text.as_bytes()).and_then(Latency::read)
    }

    #[test]
    fn a_delay_lies_within_the_jitter() {
        let latency = read(r#"{"seconds":0.5,"jitter":0.25}"#).unwrap();
        let millis = [0.0, 0.5, 1.0].map(|chance| latency.delay(chance).as_millis());
        assert_eq!(millis, [250, 500, 750]);
        assert_eq!(Latency::default().delay(0.7), Duration::ZERO);
    }

    #[test]
    fn a_wrong_order_is_refused() {
        for (text, named) in [
            ("{}", "seconds"),
            (r#"{"seconds":-1}"#, "seconds"),
            (
                r#"{"seconds":1,"jitter":2}"#,
                "jitter: нужно число от 0 до 1",
            ),
            (r#"{"seconds":1,"count":2}"#, "count"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
