//! The conditions that must hold whenever no operation runs, and at the end of a round.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lifepay::ffi::{LP_ERR_NOT_FOUND, LP_PENDING};

use super::life::{Expiry, Life};
use super::target::{Target, PAUSES};
use super::{Round, LATE};
use crate::support::constants::{ENTRY_PENDING, ENTRY_SENDING};
use crate::support::till::Dice;
use crate::support::Entry;

impl Round {
    pub(super) fn entries(&self) -> Vec<Entry> {
        let Target::Local(local) = &self.targets[0] else {
            unreachable!()
        };
        local.outbox().entries()
    }

    pub(super) fn entry(&self, ext_id: &str) -> Option<Entry> {
        let mut entries = self.entries().into_iter();
        entries.find(|entry| entry.ext_id == ext_id)
    }

    /// Compares all entries and attempts with the model, while no operation runs.
    pub(super) fn check(&self, dice: &mut Dice) {
        let Ok(_alone) = self.gate.write() else {
            return;
        };
        if let Some(fault) = self.server.faults().first() {
            let life = self.lives.iter().map(|life| life.lock().unwrap());
            let mut of_fault = life.filter(|life| fault.ends_with(&format!(" {}", life.ext_id)));
            of_fault.next().unwrap().fail(&self.server, fault);
        }
        let triggers = self.triggers.lock().unwrap().clone();
        let before: Vec<_> = self
            .lives
            .iter()
            .map(|life| {
                let life = life.lock().unwrap();
                (self.server.count(&life.ext_id), life.was_sent(&self.server))
            })
            .collect();
        let entries = self.entries();
        let mut known = 0;
        for (life, (count, was_sent)) in self.lives.iter().zip(before) {
            let life = &mut *life.lock().unwrap();
            let entry = entries.iter().find(|entry| entry.ext_id == life.ext_id);
            let Some(entry) = entry else {
                life.observe(&self.server, LP_ERR_NOT_FOUND, 0, false);
                continue;
            };
            known += 1;
            life.observe(&self.server, entry.code, entry.outcome, was_sent);
            life.check_pauses(
                &self.server,
                Duration::from_millis(PAUSES[0].into()),
                &triggers,
            );
            if entry.flags & ENTRY_PENDING != 0 {
                self.check_pending(life, entry, count);
            }
        }
        assert_eq!(entries.len(), known, "{entries:?}");
        if dice.below(2) == 0 {
            self.check_retry_of_all(dice);
        }
    }

    pub(super) fn check_pending(&self, life: &Life, entry: &Entry, count: usize) {
        if let Some(expiry) = life
            .expiry
            .filter(|expiry| expiry.jumps == self.jumps.load(Ordering::SeqCst))
        {
            let range = expiry.earliest_at - 5..=expiry.latest_at + 5;
            if !range.contains(&entry.expires_at) {
                life.fail(
                    &self.server,
                    &format!("expires_at is not in {range:?}: {entry:?}"),
                );
            }
        }
        if life.expiry.is_none() && entry.expires_at != 0 {
            life.fail(&self.server, &format!("it must never expire: {entry:?}"));
        }
        if entry.flags & ENTRY_SENDING != 0 {
            return;
        }
        let is_overdue = |expiry: Expiry| expiry.latest + LATE < Instant::now();
        if life.expiry.is_some_and(is_overdue) {
            life.fail(&self.server, &format!("it should have expired: {entry:?}"));
        }
        let place = (entry.attempts as usize).min(PAUSES.len());
        let pause =
            Duration::from_millis(place.checked_sub(1).map_or(0, |last| PAUSES[last]).into());
        let asked = life
            .triggers
            .last()
            .map_or_else(Instant::now, |trigger| trigger.from);
        let sendable = self.sendable_since(life, asked);
        let is_due = sendable.is_some_and(|since| since.elapsed() > pause + LATE);
        if self.has_room && is_due && self.server.count(&life.ext_id) == count {
            life.fail(
                &self.server,
                &format!("it is due and is not sent: {entry:?}"),
            );
        }
    }

    /// Checks that a retry of all entries reaches each pending one.
    pub(super) fn check_retry_of_all(&self, dice: &mut Dice) {
        let mut lives: Vec<_> = self.lives.iter().map(|life| life.lock().unwrap()).collect();
        let seen: Vec<_> = lives
            .iter()
            .map(|life| self.server.count(&life.ext_id))
            .collect();
        let asked = Instant::now();
        self.retry_all(dice);
        for (life, seen) in lives.iter_mut().zip(seen) {
            if life.is_submitted && !life.is_over() {
                life.note("retry of all".to_owned());
                self.check_attempt_follows(life, dice, seen, asked);
            }
        }
    }

    /// Checks that every entry gets an outcome once the server accepts everything, and that the
    /// outcome stays the same after the outboxes are reopened.
    pub(super) fn end(&self, dice: &mut Dice) {
        self.server.accept_all();
        let patience = Instant::now() + Duration::from_millis(PAUSES[2].into()) + 4 * LATE;
        for life in &self.lives {
            let life = &mut *life.lock().unwrap();
            while self.look(life, dice) == LP_PENDING {
                if Instant::now() > patience {
                    life.fail(&self.server, "it has no outcome at the end");
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        for target in &self.targets {
            target.ask("reopen");
        }
        for life in &self.lives {
            let life = &mut *life.lock().unwrap();
            self.look(life, dice);
        }
    }
}
