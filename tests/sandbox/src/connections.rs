//! The open connections. Their number is limited, so that idle connections cannot lock out the
//! page: at the limit, a new connection replaces the one that has been idle longest.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::malformed::Raw;

/// The maximum number of connections. Busy connections may exceed it.
pub(crate) const MOST: usize = 500;

pub(crate) enum End {
    Close,
    Reset,
    /// Writes raw bytes, calls the function, and closes the connection.
    Write(Raw, Box<dyn FnOnce() + Send>),
}

/// The connection of a request. Handlers get it as an extension.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) number: usize,
    /// The client's address.
    pub(crate) client: IpAddr,
    /// Whether it is encrypted.
    pub(crate) secure: bool,
    used: Arc<Mutex<Use>>,
    end: mpsc::UnboundedSender<End>,
}

struct Use {
    handlers: usize,
    since: Instant,
}

/// The connection is not idle while this value exists.
pub(crate) struct Busy(Arc<Mutex<Use>>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut used = self.0.lock().unwrap();
        used.handlers -= 1;
        used.since = Instant::now();
    }
}

impl Connection {
    pub(crate) fn secured(self, secure: bool) -> Connection {
        Connection { secure, ..self }
    }

    pub(crate) fn busy(&self) -> Busy {
        self.used.lock().unwrap().handlers += 1;
        Busy(Arc::clone(&self.used))
    }

    /// Closes the connection without an answer; never returns.
    pub(crate) async fn close<T>(&self) -> T {
        self.cut(End::Close).await
    }

    /// Resets the connection; never returns.
    pub(crate) async fn reset<T>(&self) -> T {
        self.cut(End::Reset).await
    }

    /// Writes a raw answer that bypasses the HTTP server, calls `written` unless the client
    /// disconnects first, and closes the connection; never returns.
    pub(crate) async fn write<T>(&self, raw: Raw, written: impl FnOnce() + Send + 'static) -> T {
        self.cut(End::Write(raw, Box::new(written))).await
    }

    async fn cut<T>(&self, end: End) -> T {
        // The receiving task also runs this future. It drops the future when it receives `end`.
        let _ = self.end.send(end);
        pending().await
    }

    fn idle_since(&self) -> Option<Instant> {
        let used = self.used.lock().unwrap();
        (used.handlers == 0).then_some(used.since)
    }
}

#[derive(Default)]
pub(crate) struct Connections {
    open: Mutex<BTreeMap<usize, Connection>>,
}

/// Registers an open connection until it is dropped.
pub(crate) struct Open {
    pub(crate) connection: Connection,
    /// Receives the way in which the connection is to end.
    pub(crate) ended: mpsc::UnboundedReceiver<End>,
    connections: Arc<Connections>,
}

impl Connections {
    pub(crate) fn open(self: &Arc<Self>, number: usize, client: IpAddr) -> Open {
        let (end, ended) = mpsc::unbounded_channel();
        let connection = Connection {
            number,
            client,
            secure: false,
            used: Arc::new(Mutex::new(Use {
                handlers: 0,
                since: Instant::now(),
            })),
            end,
        };
        let mut open = self.open.lock().unwrap();
        open.insert(number, connection.clone());
        Open {
            connection,
            ended,
            connections: Arc::clone(self),
        }
    }

    pub(crate) fn are_too_many(&self) -> bool {
        self.open.lock().unwrap().len() > MOST
    }

    /// Waits until the connections that are idle now have ended.
    pub(crate) async fn wait_for_idle_to_end(&self) {
        let started = Instant::now();
        let is_idle = |open: &Connection| open.idle_since().is_some_and(|since| since < started);
        // Ending a connection takes far less than this.
        while started.elapsed() < Duration::from_secs(1) {
            if !self.open.lock().unwrap().values().any(is_idle) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends the connection that has been idle longest, if one is idle.
    pub(crate) fn end_longest_idle(&self) {
        let mut open = self.open.lock().unwrap();
        let idle = open.values().filter_map(|connection| {
            let since = connection.idle_since()?;
            Some((since, connection.number))
        });
        let longest = idle.min().and_then(|(_, number)| open.remove(&number));
        if let Some(connection) = longest {
            let _ = connection.end.send(End::Close);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap();
        open.remove(&self.connection.number);
    }
}
