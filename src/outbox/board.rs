//! What of an outbox is planned and what is under way, in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::JoinHandle;
use std::time::Instant;

/// What is planned and what is under way.
#[derive(Default)]
pub struct Board {
    /// Counts changes of entries, for those who wait for one.
    pub changes: u64,
    /// Counts plans: what was read from the file before one was made is older than it.
    pub plans: u64,
    pub planned: BTreeMap<i64, Planned>,
    /// The same by time.
    pub due: BTreeSet<(Instant, i64)>,
    pub sending: BTreeSet<i64>,
    pub cancelled: BTreeSet<i64>,
    /// What the host asked for while it was being sent: then the file is looked into once more.
    pub woken: BTreeSet<i64>,
    /// What the file said of them could not be taken in while they were being sent.
    pub passed_over: BTreeSet<i64>,
    pub look_again: bool,
    pub threads: usize,
    /// The last thread has ended, and the file is closed.
    pub has_let_go: bool,
    /// To be joined at the close.
    pub handles: Vec<JoinHandle<()>>,
    pub idle: usize,
    pub is_sender: bool,
}

/// When an entry is due, and what the file said when that was planned.
pub struct Planned {
    pub due: Instant,
    pub next_attempt_at: i64,
    pub number: u64,
}

impl Board {
    pub fn plan(&mut self, id: i64, due: Instant, next_attempt_at: i64) {
        self.drop_plan(id);
        self.due.insert((due, id));
        self.plans += 1;
        let number = self.plans;
        self.planned.insert(
            id,
            Planned {
                due,
                next_attempt_at,
                number,
            },
        );
    }

    /// Whether the file is to be looked into once more.
    pub fn must_look_again(&mut self) -> bool {
        std::mem::take(&mut self.look_again)
    }

    pub fn drop_plan(&mut self, id: i64) {
        if let Some(planned) = self.planned.remove(&id) {
            self.due.remove(&(planned.due, id));
        }
    }

    /// Takes out the entry that has been due for the longest time.
    pub fn next_due(&mut self) -> Option<i64> {
        let (due, id) = *self.due.first()?;
        if due > Instant::now() {
            return None;
        }
        self.drop_plan(id);
        Some(id)
    }
}
