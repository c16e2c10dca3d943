//! Which files this process has open with SQLite, and its parents had when they forked.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::Connection;

use crate::failure::{self, Failure};
use crate::process::gate::{unforked, FirstUse};
use crate::process::lock::lock;
use crate::state;

/// A file that SQLite may have open in this process, until it is dropped.
///
/// SQLite's locks are kept by process: a child that opened such a file of its parent's would undo
/// them, and wait for what a thread of the parent's held.
pub struct Claim(PathBuf);

/// The claims of a process.
#[derive(Default)]
pub struct Claims {
    /// Changed while no fork is under way.
    own: Mutex<Vec<PathBuf>>,
    inherited: Vec<PathBuf>,
}

impl Claims {
    /// In a forked child, which has none of its own yet.
    pub fn for_child(&self) -> Claims {
        let mut inherited = self.inherited.clone();
        // Not locked: changed while no fork is under way.
        if let Ok(own) = self.own.try_lock() {
            inherited.extend(own.iter().cloned());
        }
        Claims {
            own: Mutex::default(),
            inherited,
        }
    }
}

impl Claim {
    /// Before SQLite opens the file, which is named by its real path.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`] in a forked child that must not open it.
    pub fn on(path: &Path) -> Result<Claim, Failure> {
        static SQLITE: FirstUse = FirstUse::new();
        // SQLite initialises itself, and the cache of its statements a seed, under locks of their own.
        let initialise = || drop(Connection::open_in_memory());
        // Found before the gate is shut: finding it may need the gate.
        let claims = &state::current().claims;
        let claimed = SQLITE.made(initialise).then(|| {
            unforked(|| {
                let is_free = !claims.inherited.iter().any(|known| known == path);
                is_free.then(|| lock(&claims.own).push(path.to_owned()))
            })
        });
        let cause = match claimed.flatten() {
            Some(Some(())) => return Ok(Claim(path.to_owned())),
            Some(None) => failure::Outbox::OpenInParent,
            None => failure::Outbox::ForkedMidway,
        };
        Err(Failure::outbox(cause, path.display()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let claims = &state::current().claims;
        unforked(|| {
            let mut own = lock(&claims.own);
            if let Some(place) = own.iter().position(|path| *path == self.0) {
                own.swap_remove(place);
            }
        });
    }
}
