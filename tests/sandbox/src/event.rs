//! What happens beside requests: notifications that are sent, TLS handshakes that fail.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::Value;

use crate::changes::Changes;
use crate::entry::{milliseconds, utc};
use crate::notify::Notifications;
use crate::switch::Certificate;

/// How many are kept.
const KEPT: usize = 1000;

#[derive(Clone, Serialize)]
pub(crate) struct Event {
    /// As with requests.
    #[serde(skip)]
    id: usize,
    number: usize,
    version: u64,
    #[serde(serialize_with = "utc")]
    time: SystemTime,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// Everything masked.
#[derive(Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum What {
    Notification {
        /// The request that made the document.
        request: usize,
        url: String,
        /// In the page's words.
        status: &'static str,
        /// The JSON of the field "data".
        data: Value,
        http_status: Option<u16>,
        error: Option<String>,
        #[serde(serialize_with = "milliseconds", rename = "took_ms")]
        took: Option<Duration>,
        /// To send it again.
        #[serde(skip)]
        again: Arc<Notifications>,
    },
    Handshake {
        connection: usize,
        /// The name that the client asked for.
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
    /// The id of the new event.
    pub(crate) fn add(&self, changes: &Changes, what: What) -> usize {
        let mut kept = self.kept.lock().unwrap();
        kept.numbered += 1;
        let event = Event {
            id: kept.numbered,
            number: kept.numbered - kept.cleared_at,
            version: changes.next(),
            time: SystemTime::now(),
            what,
        };
        kept.events.push_back(event);
        if kept.events.len() > KEPT {
            kept.events.pop_front();
        }
        kept.numbered
    }

    /// Changes an event, if it is kept.
    pub(crate) fn note(&self, changes: &Changes, id: usize, note: impl FnOnce(&mut What)) {
        let mut kept = self.kept.lock().unwrap();
        let mut events = kept.events.iter_mut();
        if let Some(event) = events.find(|event| event.id == id) {
            note(&mut event.what);
            event.version = changes.next();
        }
    }

    /// What is needed to send a notification again; None: it is none, or is not kept.
    pub(crate) fn notification(&self, number: usize) -> Option<(Arc<Notifications>, &'static str)> {
        let kept = self.kept.lock().unwrap();
        let mut events = kept.events.iter();
        match &events.find(|event| event.number == number)?.what {
            What::Notification { again, status, .. } => Some((Arc::clone(again), *status)),
            What::Handshake { .. } => None,
        }
    }

    /// What has changed since a version, the oldest first.
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
