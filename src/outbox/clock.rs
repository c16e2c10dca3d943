//! The time by which entries are due and expire: the wall clock, watched for jumps.
//!
//! A till's clock jumps: without a battery it starts at the factory's date, until the network
//! corrects it. The wall clock is therefore compared with a clock that only ever runs forward, and the
//! times of pending entries are moved along with a jump (`Store::now`), so that it neither delays,
//! hurries nor expires a request.

use std::time::{Duration, SystemTime};

/// A smaller difference between the clocks is taken for an adjustment, milliseconds.
pub(super) const JUMP: i64 = 1000;

/// Both clocks at one moment.
#[derive(Clone, Copy)]
pub struct Clock {
    /// Unix milliseconds.
    pub wall: i64,
    /// Milliseconds of a clock that does not jump, from any beginning; time asleep counts.
    steady: i64,
}

impl Clock {
    pub fn read() -> Clock {
        loop {
            let before = steady();
            let (wall, steady) = (wall(), steady());
            // A thread that was held up in between would see a jump.
            if steady - before < JUMP / 2 {
                return Clock { wall, steady };
            }
        }
    }

    /// The wall clock as it would be now, had it run evenly since this reading.
    pub fn expected(&self, now: &Clock) -> i64 {
        self.wall.saturating_add(now.steady - self.steady)
    }

    /// By how much the wall clock has jumped between this reading and `now`; 0 if it has not.
    pub fn jump(&self, now: &Clock) -> i64 {
        let jump = now.wall.saturating_sub(self.expected(now));
        if jump.abs() < JUMP {
            0
        } else {
            jump
        }
    }
}

/// A time span in the file's unit; one that no clock can hold is cut to what fits.
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn wall() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, millis)
}

/// `Instant` stands still while a Linux machine sleeps, this clock does not.
#[cfg(target_os = "linux")]
fn steady() -> i64 {
    use nix::time::{clock_gettime, ClockId};
    let now =
        clock_gettime(ClockId::CLOCK_BOOTTIME).or_else(|_| clock_gettime(ClockId::CLOCK_MONOTONIC));
    now.map_or(0, |now| millis(Duration::from(now)))
}

#[cfg(not(target_os = "linux"))]
fn steady() -> i64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    millis(START.get_or_init(Instant::now).elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(wall: i64, steady: i64) -> Clock {
        Clock { wall, steady }
    }

    #[test]
    fn a_jump_is_what_the_steady_clock_does_not_explain() {
        let before = clock(1_000_000, 500);
        assert_eq!(before.jump(&clock(1_060_000, 60_500)), 0);
        assert_eq!(before.jump(&clock(1_060_999, 60_500)), 0);
        assert_eq!(before.jump(&clock(4_660_000, 60_500)), 3_600_000);
        assert_eq!(before.jump(&clock(60_000, 60_500)), -1_000_000);
    }
}
