//! The random operations, and checks that their results are possible.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lifepay::ffi::{LP_ERR_ARGUMENT, LP_ERR_NOT_FOUND, LP_OK, LP_PENDING};

use super::life::{note_for_all, Expiry, Life, Trigger};
use super::server;
use super::target::Target;
use super::{now, Round, EXT_IDS, HALF_A_DAY, LATE};
use crate::support::till::Dice;

impl Round {
    pub(super) fn any_target(&self, dice: &mut Dice) -> &Target {
        &self.targets[dice.below(2) as usize]
    }

    /// Runs one random operation after the other, as a thread of a till does.
    pub(super) fn work(&self, mut dice: Dice) {
        while !self.is_over.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(dice.below(40)));
            // The gate is poisoned if another thread has failed.
            let Ok(_pass) = self.gate.read() else { return };
            match dice.below(100) {
                0 => self.jump(&mut dice),
                1..4 => self.reopen(&mut dice),
                4..6 => self.retry_all(&mut dice),
                _ => {
                    let number = dice.below(EXT_IDS as u64) as usize;
                    // Another thread may be using this ext_id.
                    if let Ok(mut life) = self.lives[number].try_lock() {
                        match dice.below(100) {
                            0..40 => self.submit(&mut life, &mut dice),
                            40..52 => self.cancel(&mut life, &mut dice),
                            52..72 => self.retry(&mut life, &mut dice),
                            72..82 => self.forget(&mut life, &mut dice),
                            _ => drop(self.look(&mut life, &mut dice)),
                        }
                    }
                }
            }
        }
    }

    pub(super) fn jump(&self, dice: &mut Dice) {
        const DAY: i64 = 24 * 3600;
        let Some(clock) = &self.clock else { return };
        let ahead = [0, 3600, -3600, 10 * DAY, -10 * DAY][dice.below(5) as usize];
        let half = clock.with_extension(format!("{:?}", std::thread::current().id()));
        std::fs::write(&half, ahead.to_string()).unwrap();
        // Counted before and after the jump: if the count has not changed during an operation, no
        // jump happened meanwhile.
        self.jumps.fetch_add(1, Ordering::SeqCst);
        std::fs::rename(half, clock).unwrap();
        self.jumps.fetch_add(1, Ordering::SeqCst);
        note_for_all(format!("jump to {ahead} s"));
    }

    pub(super) fn reopen(&self, dice: &mut Dice) {
        let Ok(_alone) = self.reopening.try_lock() else {
            return;
        };
        let from = Instant::now();
        let which = dice.below(2) as usize;
        note_for_all(format!("reopen {which}"));
        assert_eq!(self.targets[which].ask("reopen").0, LP_OK);
        note_for_all(format!("reopened {which}"));
        *self.reopened.lock().unwrap() = Instant::now();
        // Aborted attempts are repeated, perhaps by the other outbox.
        self.record_trigger(None, from);
    }

    pub(super) fn record_trigger(&self, life: Option<&mut Life>, from: Instant) {
        // An attempt that was started before may reach the server a little later.
        let to = Instant::now() + Duration::from_millis(300);
        match life {
            Some(life) => life.triggers.push(Trigger { from, to }),
            None => self.triggers.lock().unwrap().push(Trigger { from, to }),
        }
    }

    pub(super) fn retry_all(&self, dice: &mut Dice) {
        let from = Instant::now();
        assert_eq!(self.any_target(dice).ask("retry").0, LP_OK);
        note_for_all("retry".to_owned());
        // The retry may take effect after the attempt in progress.
        self.record_trigger(None, from);
    }

    pub(super) fn submit(&self, life: &mut Life, dice: &mut Dice) {
        let expires_after_ms = match dice.below(4) {
            0 => 100 + dice.below(1400) as u32,
            1 => 0,
            _ => u32::MAX,
        };
        let was_sent = life.was_sent(&self.server);
        let jumps = self.jumps.load(Ordering::SeqCst);
        let (from, from_at) = (Instant::now(), now());
        let line = format!(
            "submit {} {} {expires_after_ms}",
            life.ext_id, life.generation
        );
        let (returned, code, outcome) = self.any_target(dice).ask(&line);
        life.note(format!("{line}: {returned} {code} {outcome}"));
        if returned != LP_OK {
            life.fail(&self.server, "a submit was refused");
        }
        if code == LP_PENDING {
            let after_ms = if expires_after_ms == 0 {
                HALF_A_DAY
            } else {
                expires_after_ms
            };
            let after = Duration::from_millis(u64::from(after_ms));
            let expiry = Expiry {
                earliest: from + after,
                latest: Instant::now() + after,
                earliest_at: from_at + i64::from(after_ms),
                latest_at: now() + i64::from(after_ms),
                jumps,
            };
            // An accepted entry stays accepted.
            if life.outcome != Some(LP_OK) {
                life.submitted((after_ms != u32::MAX).then_some(expiry));
            }
            self.record_trigger(Some(life), from);
        }
        life.observe(&self.server, code, outcome, was_sent);
    }

    pub(super) fn cancel(&self, life: &mut Life, dice: &mut Dice) {
        let was_sent = life.was_sent(&self.server);
        let line = format!("cancel {}", life.ext_id);
        let (returned, code, outcome) = self.any_target(dice).ask(&line);
        life.note(format!("{line}: {returned} {code} {outcome}"));
        if (returned == LP_OK) != life.is_submitted
            || ![LP_OK, LP_ERR_NOT_FOUND].contains(&returned)
        {
            life.fail(&self.server, "an impossible result of a cancel");
        }
        life.is_cancelled = life.is_submitted;
        life.observe(&self.server, code, outcome, was_sent);
    }

    pub(super) fn look(&self, life: &mut Life, dice: &mut Dice) -> i32 {
        let was_sent = life.was_sent(&self.server);
        let (_, code, outcome) = self.any_target(dice).ask(&format!("look {}", life.ext_id));
        life.note(format!("look: {code} {outcome}"));
        life.observe(&self.server, code, outcome, was_sent);
        code
    }

    pub(super) fn forget(&self, life: &mut Life, dice: &mut Dice) {
        let line = format!("forget {}", life.ext_id);
        let (returned, ..) = self.any_target(dice).ask(&line);
        life.note(format!("{line}: {returned}"));
        let may_be_finished = self.may_be_finished(life);
        let is_legal = match returned {
            LP_OK => life.is_submitted && may_be_finished,
            LP_ERR_NOT_FOUND => !life.is_submitted,
            LP_ERR_ARGUMENT => life.is_submitted && !life.is_final(),
            _ => false,
        };
        if !is_legal {
            life.fail(&self.server, "an impossible result of a forget");
        }
        life.check_end(&self.server);
        if returned == LP_OK {
            life.forgotten();
        }
    }

    pub(super) fn may_be_finished(&self, life: &Life) -> bool {
        let codes = [server::ACCEPTED, server::REJECTED];
        let was_answered = codes
            .iter()
            .any(|code| life.was_answered(&self.server, *code));
        life.outcome.is_some() || life.is_cancelled || life.is_past() || was_answered
    }

    pub(super) fn retry(&self, life: &mut Life, dice: &mut Dice) {
        let seen = self.server.count(&life.ext_id);
        let line = format!("retry {}", life.ext_id);
        let from = Instant::now();
        let (returned, ..) = self.any_target(dice).ask(&line);
        life.note(format!("{line}: {returned}"));
        let is_legal = match returned {
            LP_OK => life.is_submitted && !life.is_final(),
            LP_ERR_NOT_FOUND => !life.is_submitted,
            LP_ERR_ARGUMENT => life.is_submitted && self.may_be_finished(life),
            _ => false,
        };
        if !is_legal {
            life.fail(&self.server, "an impossible result of a retry");
        }
        if returned == LP_OK {
            self.record_trigger(Some(life), from);
            self.check_attempt_follows(life, dice, seen, from);
        }
    }

    /// Checks that an attempt follows a retry at once, or as soon as the attempt in progress has
    /// failed.
    pub(super) fn check_attempt_follows(
        &self,
        life: &mut Life,
        dice: &mut Dice,
        seen: usize,
        asked: Instant,
    ) {
        while self.has_room && self.server.count(&life.ext_id) <= seen {
            if self.look(life, dice) != LP_PENDING {
                return;
            }
            if let Some(sendable) = self.sendable_since(life, asked) {
                if sendable.elapsed() > LATE && self.server.count(&life.ext_id) <= seen {
                    let entry = self.entry(&life.ext_id);
                    life.fail(
                        &self.server,
                        &format!("no attempt after a retry: {entry:?}"),
                    );
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns since when nothing has prevented the sending of an entry that was due at `due`. None
    /// if something prevents it now.
    pub(super) fn sendable_since(&self, life: &Life, due: Instant) -> Option<Instant> {
        let reopened = *self.reopened.lock().unwrap();
        if self.reopening.try_lock().is_err() {
            return None;
        }
        let attempts = self.server.attempts(&life.ext_id);
        let last_end = match attempts.last() {
            Some(last) => last.ended?,
            None => due,
        };
        Some(due.max(reopened).max(last_end))
    }
}
