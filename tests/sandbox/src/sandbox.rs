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
use crate::magic::Does;
use crate::mask::{Apikeys, Mask};
use crate::recent::Recent;
use crate::scenario;
use crate::server;
use crate::switch::Switches;
use crate::tls::Authority;

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
    /// Whether requests are refused for what LifePay's page does not say, but is doubtful: a Content-Type
    /// other than application/json. Default: off, it is only shown.
    pub strict: bool,
    /// Of the chance behind `probability` and `jitter`: with the same one the same requests meet the same.
    /// Default: none, other ones each time.
    pub seed: Option<u64>,
    /// A file of orders with which it starts, and to which a reset returns; the README has its form.
    /// Default: none.
    pub scenario: Option<PathBuf>,
    /// How long a connection may be idle, and how long the head and the body of a request may take to
    /// come. Default: 30 s.
    pub idle: Duration,
    /// HTTPS, with certificates of an authority that is made for this run. The page is there
    /// over plain http all the same. Default: off.
    pub tls: bool,
    /// With TLS: a folder where the authority is kept between runs, as ca.pem and ca.key. It is made
    /// there if there is none. Default: none.
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

/// How many faults that pass are remembered as having come.
const FAULTS: usize = 100_000;

/// What the handlers share.
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
    /// Tells one run from another.
    pub(crate) run: String,
    once: Mutex<Recent<(Does, u64), ()>>,
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

    /// The first of [`State::urls`].
    pub(crate) fn url(&self) -> String {
        self.urls().swap_remove(0)
    }

    /// What can be given to a till as its base_url, on this machine first, then on others.
    pub(crate) fn urls(&self) -> Vec<String> {
        let scheme = if self.options.tls { "https" } else { "http" };
        let addresses = addresses::reachable(self.address).into_iter();
        addresses
            .map(|address| format!("{scheme}://{address}"))
            .collect()
    }

    /// Forgets all requests and documents, but no apikey.
    pub(crate) fn clear(&self) {
        *self.documents.lock().unwrap() = Documents::default();
        *self.once.lock().unwrap() = Recent::new(FAULTS);
        self.events.clear();
        self.journal.clear();
    }

    /// Notes what the strict check has found.
    pub(crate) fn found(&self, request: &Request, faults: &Fields) {
        let mask = self.mask(request);
        let find = |entry: &mut Entry| entry.find(faults, &mask);
        self.journal.note(request.id, find);
    }

    /// Notes what has chosen the answer.
    pub(crate) fn chosen(&self, request: &Request, chosen: Chosen) {
        let choose = |entry: &mut Entry| entry.chosen_by = Some(chosen);
        self.journal.note(request.id, choose);
    }

    /// Notes what has become of a document that was made before.
    pub(crate) fn judged(&self, verdict: Verdict) {
        let number = self.journal.look(verdict.request, |entry| entry.number);
        if let (true, Some(number)) = (self.options.print, number) {
            let text = match &verdict.second_after {
                Some(before) => format!("warning: #{number} made a {}", second_document(before)),
                None => format!("#{number} made no second document: the first one was heard of"),
            };
            console::print(&(console::plain(&text) + "\n"));
        }
        self.journal.note(verdict.request, |entry| {
            if let Some(document) = &mut entry.document {
                document.second_after = verdict.second_after;
            }
        });
    }

    /// Whether this fault meets this request for the first time: faults that pass are
    /// remembered by path and ext_id, or by path and body if there is no ext_id.
    pub(crate) fn first_time(&self, fault: Does, request: &Request) -> bool {
        let mut who = DefaultHasher::new();
        request.bare_path().hash(&mut who);
        match &request.ext_id {
            Some(ext_id) => (true, ext_id).hash(&mut who),
            None => (false, &request.body).hash(&mut who),
        }
        self.once.lock().unwrap().insert((fault, who.finish()), ())
    }

    /// The mask for what is shown of a request: its own apikey and those seen before.
    pub(crate) fn mask(&self, request: &Request) -> Mask {
        self.apikeys.lock().unwrap().seen(request)
    }
}

/// What is to be told of a sandbox that has been started.
#[derive(Debug)]
pub struct Listening {
    /// Where it listens.
    pub address: SocketAddr,
    /// As [`Sandbox::url`].
    pub url: String,
    /// The same for tills on other machines, if it listens on all addresses.
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
    /// The address cannot be listened on, for example because another program does; or there is something
    /// wrong with the scenario.
    pub fn start(options: Options) -> io::Result<Sandbox> {
        Sandbox::start_announced(options, |_| Ok(()))
    }

    /// Starts a sandbox and calls `announce` when connections can be made, but
    /// before the first request is taken, so that what it prints comes first.
    ///
    /// # Errors
    /// Those of [`Sandbox::start`], and that of `announce`.
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

    /// The address to give to a client as its base_url, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.state.url()
    }

    /// The address of the page, for a browser. It is plain http also with TLS, and has another port
    /// while the sandbox refuses connections.
    #[must_use]
    pub fn page_url(&self) -> String {
        page_url(self.state.gate.page())
    }

    /// The certificate that a client has to trust, in PEM; None without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<String> {
        self.state.authority.as_ref().map(Authority::pem)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.state.address.port()
    }

    /// The last 1000 requests, in the order of receipt, unknown paths included. A request is
    /// recorded when its body has come, before it is answered. Fewer are kept if their bodies
    /// come to more than 32 MiB.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.journal.requests()
    }

    /// The documents made so far, the last 100,000 of them.
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
        self.state.journal.wait_for_requests(count, limit)
    }

    /// Waits until `count` requests are over: answered, or cut off by either side; false if
    /// that took longer than `limit`.
    #[must_use]
    pub fn wait_for_answers(&self, count: usize, limit: Duration) -> bool {
        self.state.journal.wait_for_answers(count, limit)
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
