//! The schedule of retries.

use std::borrow::Cow;
use std::time::Duration;

use crate::fault::{Fault, Wrong};

/// LifePay's page: "1 минута, 3 минуты, 5 минут, далее – один раз в 10 минут".
const PAGES_SCHEDULE_MS: [u32; 4] = [60_000, 180_000, 300_000, 600_000];
/// The shortest pause, milliseconds. Retries without a pause would flood LifePay.
const SHORTEST_PAUSE_MS: u32 = 100;
/// How many pauses a schedule may have.
pub(crate) const MOST_PAUSES: usize = 1000;

/// The pauses between attempts, milliseconds. The last one repeats.
#[derive(Debug, Clone)]
pub struct Schedule(Cow<'static, [u32]>);

impl Schedule {
    /// Checks the host's pauses. If there are none, the page's are used.
    pub fn check(given: Vec<u32>, faults: &mut Vec<Fault>) -> Schedule {
        if given.len() > MOST_PAUSES {
            let (count, most) = (given.len(), MOST_PAUSES);
            faults.push(Fault::new(
                "retry_delays_ms",
                Wrong::TooMany { count, most },
            ));
        }
        Schedule(match given.is_empty() {
            true => Cow::Borrowed(&PAGES_SCHEDULE_MS),
            false => Cow::Owned(given),
        })
    }

    /// Returns the pause after attempt `attempt`, counted from 1.
    pub fn pause_after(&self, attempt: u32) -> Duration {
        let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let pause = self.0[place.min(self.0.len() - 1)];
        Duration::from_millis(pause.max(SHORTEST_PAUSE_MS).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &[u32]) -> Schedule {
        Schedule::check(given.to_vec(), &mut Vec::new())
    }

    #[test]
    fn the_pages_schedule_is_the_default() {
        let schedule = of(&[]);
        let minutes: Vec<u64> = (1..=6)
            .map(|n| schedule.pause_after(n).as_secs() / 60)
            .collect();
        assert_eq!(minutes, [1, 3, 5, 10, 10, 10]);
        assert_eq!(schedule.pause_after(u32::MAX), Duration::from_secs(600));
    }

    #[test]
    fn a_pause_is_never_shorter_than_the_shortest() {
        assert_eq!(of(&[0, 7]).pause_after(1), Duration::from_millis(100));
    }

    #[test]
    fn an_absurd_schedule_is_refused() {
        let mut faults = Vec::new();
        Schedule::check(vec![1; MOST_PAUSES], &mut faults);
        assert!(faults.is_empty());
        Schedule::check(vec![1; MOST_PAUSES + 1], &mut faults);
        assert_eq!(faults[0].field, "retry_delays_ms");
    }
}
