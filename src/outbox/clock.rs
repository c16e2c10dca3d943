//! The clock for due times and expiry: the wall clock, watched for jumps.
//!
//! A till's clock jumps: without a battery it starts at the factory date, until the network corrects
//! it. The wall clock is therefore compared with a clock that only runs forward. After a jump, the
//! times of pending entries are moved by the same amount, so that a jump neither delays, hastens nor
//! expires a request. Every process that has the file open watches the clock. The file records which
//! jumps were followed.

use std::time::{Duration, SystemTime};

use rusqlite::Connection;

/// A smaller difference between the clocks, in milliseconds, counts as an adjustment.
const JUMP: i64 = 1000;

/// A reading of the clocks, and of the file's record of jumps.
pub struct Look {
    clock: Clock,
    /// By how much the times in the file had been moved in total, before the clock was read.
    moved: i64,
}

impl Look {
    pub fn at(connection: &Connection) -> rusqlite::Result<Look> {
        // The clock is read after `moved`. If another process follows a jump in between, this look
        // shows an unfollowed jump, and `moved` is read again before it is followed. In the other
        // order, `moved` would include a jump that the clock reading does not show.
        let moved = connection
            .prepare_cached("SELECT moved FROM clock")?
            .query_row([], |row| row.get(0))?;
        let clock = Clock::read();
        Ok(Look { clock, moved })
    }

    /// Unix milliseconds.
    pub fn wall(&self) -> i64 {
        self.clock.wall
    }

    /// Returns by how much the clock has jumped between this look and `now`, minus the jumps that other
    /// processes have followed; 0 if it has not jumped.
    pub fn jump(&self, now: &Look) -> i64 {
        match self.clock.jump(&now.clock) {
            // A jump that another process has followed since then happened before this look.
            0 => 0,
            jump => large(jump.saturating_sub(now.moved.saturating_sub(self.moved))),
        }
    }

    /// Whether, between both looks, the clock has not jumped and the times in the file were not moved.
    pub fn is_of_the_same_clock(&self, now: &Look) -> bool {
        now.moved == self.moved && self.jump(now) == 0
    }

    /// Moves the times of pending entries by a jump since the last look.
    pub fn follow(&mut self, file: &Connection, last: &Look, jump: i64) -> rusqlite::Result<()> {
        // Entries whose submit time already follows the new clock are not moved: either a process that
        // started since the last look submitted them, or they are older and the clock was wrong. The
        // due time of an entry that is being sent stays: a changed one means a wish to retry.
        let sql = "UPDATE request SET submitted_at = submitted_at + ?1,
                expires_at = iif(expires_at = 0, 0, expires_at + ?1),
                next_attempt_at = iif(sending = 1, next_attempt_at, next_attempt_at + ?1)
             WHERE state = 0 AND submitted_at <= ?2 AND submitted_at NOT BETWEEN ?3 AND ?4";
        let now = self.wall();
        let before_jump = now.saturating_sub(jump);
        let last_look = now.saturating_sub(last.clock.time_until(&self.clock));
        file.execute(sql, [jump, before_jump, last_look, now])?;
        self.moved = self.moved.saturating_add(jump);
        file.execute("UPDATE clock SET moved = ?1", [self.moved])?;
        Ok(())
    }
}

/// Both clocks at one moment.
#[derive(Clone, Copy)]
struct Clock {
    /// Unix milliseconds.
    wall: i64,
    /// Milliseconds of a clock that does not jump, from an arbitrary start. Time asleep counts.
    steady: i64,
}

impl Clock {
    fn read() -> Clock {
        loop {
            let before = steady();
            let (wall, steady) = (wall(), steady());
            // If the thread was suspended between both readings, they would look like a jump.
            if steady - before < JUMP / 2 {
                return Clock { wall, steady };
            }
        }
    }

    /// Returns the time between this reading and `now`, in milliseconds.
    fn time_until(&self, now: &Clock) -> i64 {
        now.steady - self.steady
    }

    /// Returns by how much the wall clock has jumped between this reading and `now`; 0 if it has not.
    fn jump(&self, now: &Clock) -> i64 {
        let expected = self.wall.saturating_add(self.time_until(now));
        large(now.wall.saturating_sub(expected))
    }
}

/// Returns the difference, or 0 if it counts as an adjustment.
fn large(difference: i64) -> i64 {
    match difference.saturating_abs() < JUMP {
        true => 0,
        false => difference,
    }
}

/// Converts a time span to milliseconds; one that is too long becomes `i64::MAX`.
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Returns the wall clock's time in Unix milliseconds, without a check for jumps.
pub fn wall() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, millis)
}

/// On Linux, `Instant` stops while the machine sleeps; this clock does not.
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

    fn look(wall: i64, steady: i64, moved: i64) -> Look {
        let clock = Clock { wall, steady };
        Look { clock, moved }
    }

    #[test]
    fn a_jump_is_the_difference_between_the_two_clocks() {
        let before = look(1_000_000, 500, 0);
        assert_eq!(before.jump(&look(1_060_000, 60_500, 0)), 0);
        assert_eq!(before.jump(&look(1_060_999, 60_500, 0)), 0);
        assert_eq!(before.jump(&look(4_660_000, 60_500, 0)), 3_600_000);
        assert_eq!(before.jump(&look(60_000, 60_500, 0)), -1_000_000);
    }

    #[test]
    fn a_jump_is_followed_by_one_process_only() {
        let before = look(1_000_000, 500, -70_000);
        let after = |moved: i64| look(4_660_000, 60_500, moved - 70_000);
        assert_eq!(before.jump(&after(3_600_000)), 0);
        assert_eq!(before.jump(&after(3_599_001)), 0);
        assert_eq!(before.jump(&after(1_600_000)), 2_000_000);
    }

    #[test]
    fn a_jump_before_the_first_look_is_not_undone_when_another_process_follows_it() {
        let before = look(1_000_000, 500, 0);
        assert_eq!(before.jump(&look(1_060_000, 60_500, 3_600_000)), 0);
    }
}
