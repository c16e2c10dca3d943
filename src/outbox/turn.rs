//! The turns of the sending threads. In its turn, a thread writes back the entry that it has sent and
//! takes the next one, in one commit.
//!
//! A commit takes as long as the disk needs for a sync. The turns of other threads wait meanwhile, and
//! the next thread that gets the file makes all of them in one commit.

use std::sync::{Arc, Mutex};

use super::queue::{Sent, Taken};
use super::store::Store;
use super::worker::Worker;
use crate::failure::Failure;
use crate::process::lock::lock;

/// The turn of one thread.
struct Turn {
    sent: Option<Arc<Sent>>,
    wants_next: bool,
    /// The entry that the thread was given, once its turn is made.
    made: Mutex<Option<Option<Taken>>>,
}

/// The turns that are not made yet.
#[derive(Default)]
pub struct Turns(Mutex<Vec<Arc<Turn>>>);

/// Writes back `sent`, if it is given, and takes the next entry, if one is wanted and due.
///
/// # Errors
///
/// The errors of [`Store::turn`]. On an error, nothing was changed.
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

/// Makes `turn` and all waiting turns, unless another thread has made it already. The caller has locked
/// the store, so no other thread makes it meanwhile.
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
        // Another turn may be the cause: the other turns are put back, and this one is made alone.
        lock(&waiting.0).extend(all.drain(1..));
    }
    if all.len() == 1 {
        make_all(store, &all)?;
    }
    let made = lock(&turn.made).take();
    Ok(made.unwrap_or_default())
}

/// Makes all turns, or none.
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
