//! The files that this process has open with SQLite, and those its parents had open when they forked.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::Connection;

use crate::failure::{self, Failure};
use crate::process::gate::{unforked, FirstUse};
use crate::process::lock::lock;
use crate::state;

/// A file that SQLite may have open in this process, until the claim is dropped.
///
/// SQLite keeps its locks per process. If a forked child opened such a file of its parent, it would
/// undo the locks, and wait for locks that a thread of the parent held.
pub struct Claim(PathBuf);

/// The claims of a process.
#[derive(Default)]
pub struct Claims {
    /// Changed only while no fork is in progress.
    own: Mutex<Vec<PathBuf>>,
    inherited: Vec<PathBuf>,
}

impl Claims {
    /// Returns the claims of a forked child, which has no files of its own yet.
    pub fn for_child(&self) -> Claims {
        let mut inherited = self.inherited.clone();
        // Never locked here, because it is changed only while no fork is in progress.
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
    /// Claims the file at `path`, which must be its real path, before SQLite opens it.
    ///
    /// # Errors
    ///
    /// [`Failure::Outbox`] in a forked child that must not open the file.
    pub fn on(path: &Path) -> Result<Claim, Failure> {
        static SQLITE: FirstUse = FirstUse::new();
        // The first use initialises SQLite, and a seed of the statement cache, under their own locks.
        let initialise = || drop(Connection::open_in_memory());
        // Looked up before the gate is shut, because the lookup may need the gate.
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
