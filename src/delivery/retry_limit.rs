//! The limit for retries.

use std::time::Duration;

use crate::transport::route::Limits;

/// The value of `retry_for_ms` and `expires_after_ms` that means "no limit".
pub(crate) const FOREVER_MS: u32 = u32::MAX;

/// How long attempts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryLimit {
    OneAttempt,
    /// For this time in total.
    For(Duration),
    Forever,
}

impl RetryLimit {
    pub fn from_ms(ms: u32) -> RetryLimit {
        match ms {
            0 => RetryLimit::OneAttempt,
            FOREVER_MS => RetryLimit::Forever,
            ms => RetryLimit::For(Duration::from_millis(u64::from(ms))),
        }
    }

    /// Returns the time limits of an attempt that begins `elapsed()` after the first attempt began. An
    /// attempt is cut off at the retry limit.
    pub fn limits(self, limits: Limits, elapsed: impl FnOnce() -> Duration) -> Limits {
        match self {
            RetryLimit::For(whole) => {
                let left = whole.saturating_sub(elapsed());
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
            RetryLimit::OneAttempt => false,
            RetryLimit::For(whole) => elapsed + pause < whole,
            RetryLimit::Forever => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_attempt_begins_or_continues_past_the_overall_limit() {
        let second = Duration::from_secs(1);
        let limit = RetryLimit::from_ms(10_000);
        assert!(limit.allows(second, second));
        assert!(!limit.allows(9 * second, second));
        let limits = Limits {
            connect: 5 * second,
            whole: 30 * second,
        };
        let limits = limit.limits(limits, || 8 * second);
        assert_eq!((limits.connect, limits.whole), (2 * second, 2 * second));
    }

    #[test]
    fn zero_is_one_attempt_and_forever_has_no_end() {
        assert!(!RetryLimit::from_ms(0).allows(Duration::ZERO, Duration::ZERO));
        assert!(RetryLimit::from_ms(FOREVER_MS).allows(Duration::MAX / 2, Duration::ZERO));
    }
}
