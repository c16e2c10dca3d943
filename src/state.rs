//! The data that the library keeps between calls: one state for each process.
//!
//! A fork copies the memory but only one thread. A lock that another thread held stays locked for ever
//! in the child, and two processes would share a connection. A forked child therefore skips the states
//! of its ancestors, without a lock, and adds its own.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use once_cell::race::OnceBox;

use crate::log::Sinks;
use crate::outbox::Claims;
use crate::{calls, ffi, onec, secret, transport};

/// The state of one process.
pub struct State {
    process: u32,
    pub sinks: Sinks,
    pub transport: transport::Pool,
    pub claims: Claims,
    pub outboxes: calls::outboxes::Open,
    pub ffi: ffi::Handed,
    pub onec: onec::Objects,
    pub secrets: secret::Known,
    child: OnceBox<State>,
}

impl State {
    /// `parent` is the state of the process that forked this one. This does not wait for its locks.
    fn new(process: u32, parent: Option<&State>) -> State {
        State {
            process,
            sinks: parent.map_or_else(Sinks::from_environment, |parent| parent.sinks.for_child()),
            transport: transport::Pool::default(),
            claims: parent.map_or_else(Claims::default, |parent| parent.claims.for_child()),
            outboxes: calls::outboxes::Open::default(),
            ffi: ffi::Handed::default(),
            onec: onec::Objects::default(),
            secrets: secret::Known::default(),
            child: OnceBox::new(),
        }
    }
}

thread_local! {
    /// The state of this process, during a call of the host on this thread.
    static FOUND: Cell<Option<&'static State>> = const { Cell::new(None) };
}

/// Returns the state of this process.
pub fn current() -> &'static State {
    FOUND.get().unwrap_or_else(find)
}

/// Returns the id of this process.
pub fn process_id() -> u32 {
    FOUND
        .get()
        .map_or_else(std::process::id, |state| state.process)
}

fn find() -> &'static State {
    static FIRST: OnceBox<State> = OnceBox::new();
    let process = own_id();
    let mut parent = None;
    let mut place = &FIRST;
    loop {
        let state = place.get_or_init(|| Box::new(State::new(process, parent)));
        if state.process == process {
            return state;
        }
        parent = Some(state);
        place = &state.child;
    }
}

/// Returns the id of this process. Each process asks the system once.
fn own_id() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let mark = ffi::process_mark();
    if mark.is_ours() {
        return LAST.load(Ordering::Relaxed);
    }
    let process = std::process::id();
    LAST.store(process, Ordering::Relaxed);
    mark.make_ours();
    process
}

/// Runs `call`, during which this thread does not fork, so that the state is looked up only once.
pub fn within<T>(call: impl FnOnce() -> T) -> T {
    let outer = FOUND.replace(Some(current()));
    let done = call();
    FOUND.set(outer);
    done
}

/// Runs `callback`, which may fork, inside such a call. In a child the call continues with the child's
/// state.
pub fn outside<T>(callback: impl FnOnce() -> T) -> T {
    let outer = FOUND.replace(None);
    let done = callback();
    FOUND.set(outer.map(|_| find()));
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_finds_its_own_state() {
        let state = current();
        within(|| assert!(std::ptr::eq(state, current())));
        assert_eq!(process_id(), std::process::id());
    }
}
