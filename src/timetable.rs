//! When to try again, and for how long.

use std::time::Duration;

use crate::error::FieldError;
use crate::transport::attempt::Limits;

/// Milliseconds without a limit: `retry_for_ms` and `expires_after_ms`.
pub const LP_FOREVER: u32 = u32::MAX;

/// The page: "1 минута, 3 минуты, 5 минут, далее – один раз в 10 минут".
const PAGES_TIMETABLE_MS: [u32; 4] = [60_000, 180_000, 300_000, 600_000];
/// The shortest pause, milliseconds: repeating without one would flood LifePay.
const SHORTEST_PAUSE_MS: u32 = 100;
/// How many pauses a timetable may have.
pub(crate) const MOST_PAUSES: usize = 1000;

/// The pauses between attempts, the last one repeating.
#[derive(Debug, Clone)]
pub struct Timetable(Vec<Duration>);

impl Timetable {
    /// The host's pauses, or the page's if it gave none.
    pub fn check(given: &[u32], faults: &mut Vec<FieldError>) -> Timetable {
        if given.len() > MOST_PAUSES {
            let message = format!("{} пауз, а допустимо не более {MOST_PAUSES}", given.len());
            faults.push(FieldError::new("retry_delays_ms", message));
        }
        let pauses = if given.is_empty() {
            &PAGES_TIMETABLE_MS
        } else {
            given
        };
        let duration = |ms: &u32| Duration::from_millis(u64::from(*ms.max(&SHORTEST_PAUSE_MS)));
        Timetable(pauses.iter().map(duration).collect())
    }

    /// The pause after attempt `attempt`, counted from 1.
    pub fn pause_after(&self, attempt: u32) -> Duration {
        let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0[place.min(self.0.len() - 1)]
    }
}

/// For how long attempts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    OneAttempt,
    /// For this time in all.
    For(Duration),
    Forever,
}

impl Patience {
    pub fn from_ms(ms: u32) -> Patience {
        match ms {
            0 => Patience::OneAttempt,
            LP_FOREVER => Patience::Forever,
            ms => Patience::For(Duration::from_millis(u64::from(ms))),
        }
    }

    /// The limits of an attempt that begins `elapsed` after the first one's start: none goes on
    /// past the limit of the whole.
    pub fn limits(self, limits: Limits, elapsed: Duration) -> Limits {
        match self {
            Patience::For(whole) => {
                let left = whole.saturating_sub(elapsed);
                Limits {
                    connect: limits.connect.min(left),
                    whole: limits.whole.min(left),
                }
            }
            _ => limits,
        }
    }

    /// Whether another attempt may begin after `pause`.
    pub fn allows(self, elapsed: Duration, pause: Duration) -> bool {
        match self {
            Patience::OneAttempt => false,
            Patience::For(whole) => elapsed + pause < whole,
            Patience::Forever => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timetable(given: &[u32]) -> Timetable {
        Timetable::check(given, &mut Vec::new())
    }

    #[test]
    fn the_pages_timetable_is_the_default() {
        let timetable = timetable(&[]);
        let minutes: Vec<u64> = (1..=6)
            .map(|n| timetable.pause_after(n).as_secs() / 60)
            .collect();
        assert_eq!(minutes, [1, 3, 5, 10, 10, 10]);
        assert_eq!(timetable.pause_after(u32::MAX), Duration::from_secs(600));
    }

    #[test]
    fn a_pause_is_never_shorter_than_the_shortest() {
        assert_eq!(
            timetable(&[0, 7]).pause_after(1),
            Duration::from_millis(100)
        );
    }

    #[test]
    fn an_absurd_timetable_is_refused() {
        let mut faults = Vec::new();
        Timetable::check(&[1; MOST_PAUSES], &mut faults);
        assert!(faults.is_empty());
        Timetable::check(&[1; MOST_PAUSES + 1], &mut faults);
        assert_eq!(faults[0].field, "retry_delays_ms");
    }

    #[test]
    fn no_attempt_begins_or_goes_on_past_the_limit_of_the_whole() {
        let second = Duration::from_secs(1);
        let patience = Patience::from_ms(10_000);
        assert!(patience.allows(second, second));
        assert!(!patience.allows(9 * second, second));
        let limits = Limits {
            connect: 5 * second,
            whole: 30 * second,
        };
        let limits = patience.limits(limits, 8 * second);
        assert_eq!((limits.connect, limits.whole), (2 * second, 2 * second));
    }

    #[test]
    fn zero_is_one_attempt_and_forever_has_no_end() {
        assert!(!Patience::from_ms(0).allows(Duration::ZERO, Duration::ZERO));
        assert!(Patience::from_ms(LP_FOREVER).allows(Duration::MAX / 2, Duration::ZERO));
    }
}
