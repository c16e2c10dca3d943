//! Which files this process has open with SQLite, and its parents had when they forked.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::error::Failure;
use crate::process::{unforked, FirstUse, PerProcess};

/// A file that SQLite may have open in this process, until it is dropped.
///
/// SQLite's locks are kept by process: a child that opened such a file of its parent's would undo
/// them, and wait for what a thread of the parent's held.
pub struct Claim(PathBuf);

#[derive(Default)]
struct Claims {
    /// Changed while no fork is under way.
    own: Mutex<Vec<PathBuf>>,
    inherited: Vec<PathBuf>,
}

impl Claims {
    fn own(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn claims() -> &'static Claims {
    static CLAIMS: PerProcess<Claims> = PerProcess::new();
    CLAIMS.get(|parent| {
        let mut claims = Claims::default();
        if let Some(parent) = parent {
            claims.inherited.clone_from(&parent.inherited);
            if let Ok(own) = parent.own.try_lock() {
                claims.inherited.extend(own.iter().cloned());
            }
        }
        claims
    })
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
        let claimed = SQLITE.made(initialise).then(|| {
            unforked(|| {
                let claims = claims();
                let is_free = !claims.inherited.iter().any(|known| known == path);
                is_free.then(|| claims.own().push(path.to_owned()))
            })
        });
        let what = match claimed.flatten() {
            Some(Some(())) => return Ok(Claim(path.to_owned())),
            Some(None) => "Файл открыт процессом-родителем: откройте его после fork в одном процессе или в новой программе.",
            None => "Процесс создан (fork) посреди работы с очередью: откройте её в новой программе.",
        };
        Err(Failure::outbox(what, path.display()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        unforked(|| {
            let mut own = claims().own();
            if let Some(place) = own.iter().position(|path| *path == self.0) {
                own.swap_remove(place);
            }
        });
    }
}
