//! The handle on a running sandbox.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::document::{Document, Documents};
use crate::journal::{Journal, Request};
use crate::magic::Does;
use crate::server;

/// How a sandbox listens and behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Default: 0, a free port.
    pub port: u16,
    /// Default: 127.0.0.1.
    pub listen: IpAddr,
    /// How long the slow printer (target_serial …408) keeps its caller waiting. Default: 60 s.
    pub slow: Duration,
    /// The seconds in the Retry-After of HTTP 429 (target_serial …429). Default: 5.
    pub retry_after: u32,
    /// Whether documents are notified to their callback_url. Default: off, since LifePay has
    /// not published the form of its notifications and nobody should come to depend on ours.
    pub notify: bool,
    /// Whether each request is printed to stdout. Default: off.
    pub print: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 0,
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            slow: Duration::from_secs(60),
            retry_after: 5,
            notify: false,
            print: false,
        }
    }
}

/// What the handlers share.
pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) address: SocketAddr,
    pub(crate) journal: Journal,
    pub(crate) documents: Mutex<Documents>,
    once: Mutex<HashSet<(Does, String)>>,
}

impl State {
    /// Whether this fault meets this request for the first time: faults that pass are
    /// remembered by ext_id, or by the body of a request that has none.
    pub(crate) fn first_time(&self, fault: Does, request: &Request) -> bool {
        let who = match &request.ext_id {
            Some(ext_id) => format!("ext_id {ext_id}"),
            None => format!("body {}", String::from_utf8_lossy(&request.body)),
        };
        self.once.lock().unwrap().insert((fault, who))
    }
}

/// A running sandbox, on a thread of its own. Dropping it stops the server and closes every
/// connection.
pub struct Sandbox {
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox, which accepts connections when this returns.
    ///
    /// # Errors
    /// The address cannot be listened on, for example because another program does.
    pub fn start(options: Options) -> io::Result<Sandbox> {
        Sandbox::start_announced(options, |_| Ok(()))
    }

    /// Starts a sandbox and calls `announce` with its address when connections can be made, but
    /// before the first request is taken, so that what it prints comes first.
    ///
    /// # Errors
    /// Those of [`Sandbox::start`], and that of `announce`.
    pub fn start_announced(
        options: Options,
        announce: impl FnOnce(SocketAddr) -> io::Result<()>,
    ) -> io::Result<Sandbox> {
        let (listen, port) = (options.listen, options.port);
        let listener = TcpListener::bind((listen, port)).map_err(|error| {
            let text = format!("cannot listen on {listen} port {port}: {error}");
            io::Error::new(error.kind(), text)
        })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        announce(address)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let state = Arc::new(State {
            options,
            address,
            journal: Journal::default(),
            documents: Mutex::default(),
            once: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("lifepay-sandbox".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = server::serve(listener, serving) => {}
                        _ = stopped => {}
                    }
                });
                // Dropping the runtime drops the connections' tasks, and with them the sockets.
            })?;
        Ok(Sandbox {
            state,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address to give to a client as its base_url, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.state.address)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.state.address.port()
    }

    /// Every request so far, in the order of receipt, unknown paths included. A request is
    /// recorded when its body has come, before it is answered.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.journal.requests()
    }

    /// The documents made so far.
    #[must_use]
    pub fn documents(&self) -> Vec<Document> {
        self.state.documents.lock().unwrap().all()
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.journal.connections()
    }

    /// How often the page was asked for to which target_serial …302 redirects: a client that
    /// follows no redirects leaves this at 0.
    #[must_use]
    pub fn portal_visits(&self) -> usize {
        self.state.journal.portal_visits()
    }

    /// Waits until `count` requests have come, answered or not; false if that took longer
    /// than `limit`.
    #[must_use]
    pub fn wait_for_requests(&self, count: usize, limit: Duration) -> bool {
        self.wait_until(limit, |requests| requests.len() >= count)
    }

    /// Waits until `count` requests are over: answered, or cut off by either side; false if
    /// that took longer than `limit`.
    #[must_use]
    pub fn wait_for_answers(&self, count: usize, limit: Duration) -> bool {
        self.wait_until(limit, |requests| {
            requests.iter().filter(|r| r.answered.is_some()).count() >= count
        })
    }

    /// Waits until the journal satisfies `condition`; false if that took longer than `limit`.
    /// The condition must not call this sandbox.
    #[must_use]
    pub fn wait_until(&self, limit: Duration, condition: impl Fn(&[Request]) -> bool) -> bool {
        self.state.journal.wait_until(limit, condition)
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Both fail only if the thread has ended already, which is what is wanted.
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
