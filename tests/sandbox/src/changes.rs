//! Versions: a number that grows with everything that the page shows.

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
    /// The version of a change that is being made. Take it under the lock of what changes: whoever
    /// has seen it then finds the change behind that lock.
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
