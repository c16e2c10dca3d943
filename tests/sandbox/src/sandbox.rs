//! The handle on a running sandbox.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use crate::addresses;
use crate::answer::Fields;
use crate::connections::Connections;
use crate::console::{self, second_document};
use crate::document::{Document, Documents, Verdict};
use crate::entry::{Chosen, Entry};
use crate::event::Events;
use crate::gate::{Gate, Listeners, Orders};
use crate::journal::{Journal, Request};
use crate::listen::listen;
use crate::magic::Effect;
use crate::mask::{Apikeys, Mask};
use crate::recent::Recent;
use crate::scenario;
use crate::server;
use crate::switch::Switches;
use crate::tls::Authority;

/// The options of a sandbox.
#[derive(Clone, Debug)]
pub struct Options {
    /// Default: 0, a free port.
    pub port: u16,
    /// Default: 127.0.0.1.
    pub listen: IpAddr,
    /// The delay of the slow printer (target_serial …408). Default: 60 s.
    pub slow: Duration,
    /// The seconds in the Retry-After of HTTP 429 (target_serial …429). Default: 5.
    pub retry_after: u32,
    /// Whether documents send notifications to their callback_url. Default: off, because LifePay
    /// has not published the format of its notifications, and no till should depend on the
    /// sandbox's.
    pub notify: bool,
    /// Whether each request is printed to stdout. Default: off.
    pub print: bool,
    /// Whether requests are rejected for doubtful properties that LifePay's page does not mention:
    /// a Content-Type other than application/json. Default: off; they are only shown.
    pub strict: bool,
    /// The seed of the random numbers for `probability` and `jitter`. With the same seed, the same
    /// requests get the same answers. Default: none; each run differs.
    pub seed: Option<u64>,
    /// A file of orders that set the initial state, to which a reset returns. The README describes
    /// its format. Default: none.
    pub scenario: Option<PathBuf>,
    /// The time limit for an idle connection, and for the arrival of the head and of the body of a
    /// request. Default: 30 s.
    pub idle: Duration,
    /// HTTPS, with certificates of an authority that is made for this run. The page is also
    /// available over plain http. Default: off.
    pub tls: bool,
    /// With TLS: a folder in which the authority is kept between runs, as ca.pem and ca.key. The
    /// authority is created if it does not exist. Default: none.
    pub ca_dir: Option<PathBuf>,
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
            strict: false,
            seed: None,
            scenario: None,
            idle: Duration::from_secs(30),
            tls: false,
            ca_dir: None,
        }
    }
}

/// The maximum number of one-time faults that are recorded as done.
const FAULTS: usize = 100_000;

/// The state that the handlers share.
pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) address: SocketAddr,
    pub(crate) journal: Journal,
    pub(crate) documents: Mutex<Documents>,
    pub(crate) events: Events,
    pub(crate) switches: Switches,
    pub(crate) gate: Gate,
    pub(crate) connections: Arc<Connections>,
    /// Only with TLS.
    pub(crate) authority: Option<Authority>,
    /// Identifies this run of the sandbox.
    pub(crate) run: String,
    once: Mutex<Recent<(Effect, u64), ()>>,
    apikeys: Mutex<Apikeys>,
}

impl State {
    fn new(options: Options, address: SocketAddr) -> io::Result<(State, Orders)> {
        let authority = match &options.ca_dir {
            _ if !options.tls => None,
            Some(folder) => Some(Authority::kept(folder)?),
            None => Some(Authority::new()?),
        };
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let (gate, orders) = Gate::new(address);
        let mut switches = Switches::new(options.notify, options.seed);
        if let Some(file) = &options.scenario {
            scenario::begin(&mut switches, file, options.tls)
                .map_err(|text| io::Error::new(io::ErrorKind::InvalidInput, text))?;
        }
        let state = State {
            address,
            gate,
            connections: Arc::default(),
            journal: Journal::default(),
            documents: Mutex::default(),
            events: Events::default(),
            switches,
            authority,
            run: format!("{:x}", since_1970.unwrap_or_default().as_nanos()),
            options,
            once: Mutex::new(Recent::new(FAULTS)),
            apikeys: Mutex::default(),
        };
        Ok((state, orders))
    }

    /// Returns the first of [`State::urls`].
    pub(crate) fn url(&self) -> String {
        self.urls().swap_remove(0)
    }

    /// Returns the URLs that a till can use as base_url: first from this machine, then from others.
    pub(crate) fn urls(&self) -> Vec<String> {
        let scheme = if self.options.tls { "https" } else { "http" };
        let addresses = addresses::reachable(self.address).into_iter();
        addresses
            .map(|address| format!("{scheme}://{address}"))
            .collect()
    }

    /// Removes all requests and documents, but keeps the apikeys to mask.
    pub(crate) fn clear(&self) {
        *self.documents.lock().unwrap() = Documents::default();
        *self.once.lock().unwrap() = Recent::new(FAULTS);
        self.events.clear();
        self.journal.clear();
    }

    /// Records the findings of the strict check.
    pub(crate) fn found(&self, request: &Request, faults: &Fields) {
        let mask = self.mask(request);
        let find = |entry: &mut Entry| entry.find(faults, &mask);
        self.journal.note(request.id, find);
    }

    /// Records the switch or the magic value that selected the answer.
    pub(crate) fn chosen(&self, request: &Request, chosen: Chosen) {
        let choose = |entry: &mut Entry| entry.chosen_by = Some(chosen);
        self.journal.note(request.id, choose);
    }

    /// Records and prints a verdict about a document that was made earlier.
    pub(crate) fn judged(&self, verdict: Verdict) {
        let number = self.journal.look(verdict.request, |entry| entry.number);
        if let (true, Some(number)) = (self.options.print, number) {
            let text = match &verdict.second_after {
                Some(before) => format!("warning: #{number} made a {}", second_document(before)),
                None => format!(
                    "#{number} made no second document after all: the till now knows the first one"
                ),
            };
            console::print(&(console::plain(&text) + "\n"));
        }
        self.journal.note(verdict.request, |entry| {
            if let Some(document) = &mut entry.document {
                document.second_after = verdict.second_after;
            }
        });
    }

    /// Returns true if this one-time fault has not occurred for this request yet, and records it as
    /// occurred. Requests are identified by path and ext_id, or by path and body without an ext_id.
    pub(crate) fn first_time(&self, fault: Effect, request: &Request) -> bool {
        let mut hasher = DefaultHasher::new();
        request.bare_path().hash(&mut hasher);
        match &request.ext_id {
            Some(ext_id) => (true, ext_id).hash(&mut hasher),
            None => (false, &request.body).hash(&mut hasher),
        }
        self.once
            .lock()
            .unwrap()
            .insert((fault, hasher.finish()), ())
    }

    /// Returns the mask for displaying a request: for its own apikey and those seen before.
    pub(crate) fn mask(&self, request: &Request) -> Mask {
        self.apikeys.lock().unwrap().seen(request)
    }
}

/// The addresses and the certificate of a started sandbox, for its announcement.
#[derive(Debug)]
pub struct Listening {
    /// The address that it listens on.
    pub address: SocketAddr,
    /// As [`Sandbox::url`].
    pub url: String,
    /// The URLs for tills on other machines, if it listens on all addresses.
    pub other_urls: Vec<String>,
    /// As [`Sandbox::ca_pem`].
    pub ca_pem: Option<String>,
}

impl Listening {
    /// As [`Sandbox::page_url`].
    #[must_use]
    pub fn page_url(&self) -> String {
        page_url(self.address)
    }
}

pub(crate) fn page_url(address: SocketAddr) -> String {
    format!("http://{}/", addresses::reachable(address)[0])
}

/// A running sandbox, on a separate thread. Dropping it stops the server and closes every
/// connection.
pub struct Sandbox {
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox. It accepts connections as soon as this returns.
    ///
    /// # Errors
    /// The sandbox cannot listen on the address, for example because another program does, or the
    /// scenario is faulty.
    pub fn start(options: Options) -> io::Result<Sandbox> {
        Sandbox::start_announced(options, |_| Ok(()))
    }

    /// Starts a sandbox. Calls `announce` when connections can be made but before the first request
    /// is read, so that its output comes first.
    ///
    /// # Errors
    /// The errors of [`Sandbox::start`], and the error of `announce`.
    pub fn start_announced(
        options: Options,
        announce: impl FnOnce(&Listening) -> io::Result<()>,
    ) -> io::Result<Sandbox> {
        let listener = listen(options.listen, options.port)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (state, orders) = State::new(options, address)?;
        let state = Arc::new(state);
        announce(&Listening {
            address,
            url: state.url(),
            other_urls: state.urls().split_off(1),
            ca_pem: state.authority.as_ref().map(Authority::pem),
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("lifepay-sandbox".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let listeners = Listeners::new(listener, orders);
                    tokio::select! {
                        () = server::serve(listeners, serving) => {}
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

    /// Returns the URL that a client uses as base_url, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.state.url()
    }

    /// Returns the URL of the page, for a browser. It is plain http even with TLS, and has another
    /// port while the sandbox refuses connections.
    #[must_use]
    pub fn page_url(&self) -> String {
        page_url(self.state.gate.page())
    }

    /// Returns the certificate that a client has to trust, in PEM; None without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<String> {
        self.state.authority.as_ref().map(Authority::pem)
    }

    /// Returns the port that the sandbox listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.state.address.port()
    }

    /// Returns the last 1000 requests in the order of receipt, including those with unknown paths.
    /// A request is recorded when its body is complete, before it is answered. Fewer are kept if
    /// their bodies exceed 32 MiB in total.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.journal.requests()
    }

    /// Returns the documents made so far, at most the last 100,000.
    #[must_use]
    pub fn documents(&self) -> Vec<Document> {
        self.state.documents.lock().unwrap().all()
    }

    /// Returns the number of connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.journal.connections()
    }

    /// Returns the number of requests for the page to which target_serial …302 redirects; 0 if the
    /// client follows no redirects.
    #[must_use]
    pub fn portal_visits(&self) -> usize {
        self.state.journal.portal_visits()
    }

    /// Waits until `count` requests have arrived, answered or not. Returns false if that took
    /// longer than `limit`.
    #[must_use]
    pub fn wait_for_requests(&self, count: usize, limit: Duration) -> bool {
        self.state.journal.wait_for_requests(count, limit)
    }

    /// Waits until `count` requests have ended: answered, or cut off by either side. Returns false
    /// if that took longer than `limit`.
    #[must_use]
    pub fn wait_for_answers(&self, count: usize, limit: Duration) -> bool {
        self.state.journal.wait_for_answers(count, limit)
    }

    /// Waits until the journal satisfies `condition`. Returns false if that took longer than
    /// `limit`. `condition` must not call this sandbox.
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
        // Errors are ignored: both fail only if the thread has already ended.
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
