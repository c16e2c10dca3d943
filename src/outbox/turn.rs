//! The turns of threads that send: what is sent is put back and the next entry taken, in one commit.
//!
//! A commit takes as long as the disk needs for a sync. What other threads want meanwhile waits, and
//! whoever has the file next does all of that at once.

use std::sync::{Arc, Mutex};

use super::queue::{Sent, Taken};
use super::store::Store;
use super::worker::Worker;
use crate::failure::Failure;
use crate::process::lock::lock;

/// What one thread waits for.
struct Turn {
    sent: Option<Arc<Sent>>,
    wants_next: bool,
    /// What it has been given, once its turn was made.
    made: Mutex<Option<Option<Taken>>>,
}

/// Those that are not made yet.
#[derive(Default)]
pub struct Turns(Mutex<Vec<Arc<Turn>>>);

/// Puts back `sent`, if there is something, and takes the next entry, if one is wanted and due.
///
/// # Errors
///
/// As [`Store::turn`]: then nothing of it was done.
pub fn take(
    worker: &Worker,
    sent: Option<Arc<Sent>>,
    wants_next: bool,
) -> Result<Option<Taken>, Failure> {
    let turn = Arc::new(Turn {
        sent,
        wants_next,
        made: Mutex::default(),
    });
    lock(&worker.turns.0).push(Arc::clone(&turn));
    worker.store(|store| make(store, &turn, &worker.turns))
}

/// Makes `turn`, unless another thread has, and those that wait with it. From here on no other thread
/// makes it.
fn make(store: &mut Store, turn: &Arc<Turn>, waiting: &Turns) -> Result<Option<Taken>, Failure> {
    if let Some(made) = lock(&turn.made).take() {
        return Ok(made);
    }
    let mut all = vec![Arc::clone(turn)];
    {
        let mut waiting = lock(&waiting.0);
        waiting.retain(|other| !Arc::ptr_eq(other, turn));
        all.append(&mut waiting);
    }
    if all.len() > 1 && make_all(store, &all).is_err() {
        // Perhaps for what another one wants, which is its own affair.
        lock(&waiting.0).extend(all.drain(1..));
    }
    if all.len() == 1 {
        make_all(store, &all)?;
    }
    let made = lock(&turn.made).take();
    Ok(made.unwrap_or_default())
}

/// Makes all of them, or none.
fn make_all(store: &mut Store, turns: &[Arc<Turn>]) -> Result<(), Failure> {
    let sent = turns.iter().filter_map(|turn| turn.sent.as_deref());
    let sent: Vec<&Sent> = sent.collect();
    let wanted = turns.iter().filter(|turn| turn.wants_next).count();
    let mut taken = store.turn(&sent, wanted)?.into_iter();
    for turn in turns {
        let next = if turn.wants_next { taken.next() } else { None };
        *lock(&turn.made) = Some(next);
    }
    Ok(())
}
