//! Events other than requests: sent notifications and failed TLS handshakes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::Value;

use crate::changes::Changes;
use crate::entry::{milliseconds, utc};
use crate::notify::Notifications;
use crate::switch::Certificate;

/// The maximum number of events that are kept.
const KEPT: usize = 1000;

#[derive(Clone, Serialize)]
pub(crate) struct Event {
    /// 1 for the first event of this sandbox. A reset of the journal does not restart the count.
    #[serde(skip)]
    id: usize,
    number: usize,
    version: u64,
    #[serde(serialize_with = "utc")]
    time: SystemTime,
    #[serde(flatten)]
    pub(crate) kind: EventKind,
}

/// The event's data, all masked.
#[derive(Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum EventKind {
    Notification {
        /// The number of the request that made the document.
        request: usize,
        url: String,
        /// In the wording of LifePay's page.
        status: &'static str,
        /// The JSON of the field "data".
        data: Value,
        http_status: Option<u16>,
        error: Option<String>,
        #[serde(serialize_with = "milliseconds", rename = "took_ms")]
        took: Option<Duration>,
        /// For sending the notification again.
        #[serde(skip)]
        notifications: Arc<Notifications>,
    },
    Handshake {
        connection: usize,
        /// The name that the client requested.
        server_name: Option<String>,
        certificate: Certificate,
        error: String,
    },
}

#[derive(Default)]
struct Kept {
    events: VecDeque<Event>,
    numbered: usize,
    cleared_at: usize,
}

#[derive(Default)]
pub(crate) struct Events {
    kept: Mutex<Kept>,
}

impl Events {
    /// Adds an event and returns its id.
    pub(crate) fn add(&self, changes: &Changes, kind: EventKind) -> usize {
        let mut kept = self.kept.lock().unwrap();
        kept.numbered += 1;
        let event = Event {
            id: kept.numbered,
            number: kept.numbered - kept.cleared_at,
            version: changes.next(),
            time: SystemTime::now(),
            kind,
        };
        kept.events.push_back(event);
        if kept.events.len() > KEPT {
            kept.events.pop_front();
        }
        kept.numbered
    }

    /// Changes an event, if it is kept.
    pub(crate) fn note(&self, changes: &Changes, id: usize, note: impl FnOnce(&mut EventKind)) {
        let mut kept = self.kept.lock().unwrap();
        let mut events = kept.events.iter_mut();
        if let Some(event) = events.find(|event| event.id == id) {
            note(&mut event.kind);
            event.version = changes.next();
        }
    }

    /// Returns the data for sending a notification again. None if the event is not a notification,
    /// or is not kept.
    pub(crate) fn notification(&self, number: usize) -> Option<(Arc<Notifications>, &'static str)> {
        let kept = self.kept.lock().unwrap();
        let mut events = kept.events.iter();
        match &events.find(|event| event.number == number)?.kind {
            EventKind::Notification {
                notifications,
                status,
                ..
            } => Some((Arc::clone(notifications), *status)),
            EventKind::Handshake { .. } => None,
        }
    }

    /// Returns the events that have changed since a version, the oldest first.
    pub(crate) fn since(&self, version: u64) -> Vec<Event> {
        let kept = self.kept.lock().unwrap();
        let changed = kept.events.iter().filter(|event| event.version > version);
        changed.cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut kept = self.kept.lock().unwrap();
        kept.events.clear();
        kept.cleared_at = kept.numbered;
    }
}
