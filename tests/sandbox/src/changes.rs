//! Versions: a number that increases with every change that the page shows.

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
    /// Returns the version for a change. It must be called under the lock of the changed data, so that
    /// a reader that knows the version finds the change under that lock.
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
