//! The version of everything that the page shows: a number that increases with every change.

use tokio::sync::watch;

pub(crate) struct Changes {
    version: watch::Sender<u64>,
}

impl Default for Changes {
    fn default() -> Changes {
        Changes {
            version: watch::Sender::new(0),
        }
    }
}

impl Changes {
    /// Returns the version for a change. Must be called while the changed data is locked, so that a
    /// reader that has seen the version and then takes the lock finds the change.
    pub(crate) fn next(&self) -> u64 {
        let mut next = 0;
        self.version.send_modify(|version| {
            *version += 1;
            next = *version;
        });
        next
    }

    pub(crate) fn now(&self) -> u64 {
        *self.version.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}
