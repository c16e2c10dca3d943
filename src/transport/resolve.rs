//! Name resolution within the time limit, and the shared DNS cache.
//!
//! The system's lookup cannot be interrupted, so it runs on a separate thread. At most one such thread
//! exists per host name: if a lookup hangs, the next call waits for the same lookup.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::Error;

use super::base_url::port;
use super::exchange_state::ExchangeState;
use crate::failure::{Failure, Network};
use crate::process::lock::{lock, wait_for};
use crate::process::thread::spawn_quiet;

/// How long addresses are used without another lookup.
const FRESH: Duration = Duration::from_secs(60);
/// The most addresses that ureq accepts.
const MOST_ADDRESSES: usize = 16;
/// How long a call waits for a lookup if it has older addresses; less if the attempt has less time.
const LONGEST_LOOKUP: Duration = Duration::from_secs(3);

/// The shared DNS cache.
#[derive(Clone, Default)]
pub struct Names {
    known: Arc<(Mutex<BTreeMap<String, Name>>, Condvar)>,
}

#[derive(Default)]
struct Name {
    addresses: Vec<IpAddr>,
    found_at: Option<Instant>,
    /// When the lookup that is running was started.
    looking: Option<Instant>,
    /// Why the last lookup failed.
    failed: Option<String>,
}

impl Name {
    fn is_fresh(&self) -> bool {
        self.found_at.is_some_and(|at| at.elapsed() < FRESH)
    }
}

impl Names {
    /// Passes the addresses of `host` to `add`: at least one, unless it fails.
    fn find(&self, host: &str, add: impl FnMut(IpAddr)) -> Result<(), Error> {
        let exchange = ExchangeState::current()?;
        let (known, changed) = &*self.known;
        let mut names = lock(known);
        if let Some(name) = names.get(host).filter(|name| name.is_fresh()) {
            name.addresses.iter().copied().for_each(add);
            return Ok(());
        }
        let name = names.entry(host.to_owned()).or_default();
        let began = match name.looking {
            Some(began) => began,
            None => {
                self.look_up(host)?;
                name.failed = None;
                *name.looking.insert(Instant::now())
            }
        };
        let longest = LONGEST_LOOKUP.min(exchange.left()? / 2);
        loop {
            let name = names.entry(host.to_owned()).or_default();
            let waits = name.looking.is_some() && began.elapsed() < longest;
            if name.is_fresh() || (!name.addresses.is_empty() && !waits) {
                name.addresses.iter().copied().for_each(add);
                return Ok(());
            }
            if name.looking.is_none() {
                let why = name.failed.clone().unwrap_or_default();
                let failure = Failure::network(Network::NameNotFound, format!("{host}: {why}"));
                return Err(Error::Io(failure.into()));
            }
            // slice() calls the host, so the lock is released: on_progress may call the library.
            drop(names);
            let slice = exchange.slice()?;
            names = lock(known);
            if names.get(host).is_some_and(|name| name.looking.is_some()) {
                names = wait_for(changed, names, slice);
            }
        }
    }

    fn look_up(&self, host: &str) -> Result<(), Error> {
        let known = Arc::clone(&self.known);
        let host = host.to_owned();
        spawn_quiet("lifepay-resolve", move || {
            let found = (host.as_str(), 0).to_socket_addrs();
            let (known, changed) = &*known;
            let mut names = lock(known);
            let name = names.entry(host).or_default();
            name.looking = None;
            match found {
                Ok(found) => {
                    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
                    addresses.dedup();
                    if addresses.is_empty() {
                        name.failed = Some("no addresses".to_owned());
                    } else {
                        name.addresses = addresses;
                        name.found_at = Some(Instant::now());
                    }
                }
                Err(error) => name.failed = Some(error.to_string()),
            }
            changed.notify_all();
        })?;
        Ok(())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut found = self.empty();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if let Ok(address) = authority.parse() {
            found.push(address);
            return Ok(found);
        }
        let host = uri.host().ok_or_else(|| Error::BadUri(uri.to_string()))?;
        let port = port(uri);
        let literal = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        let mut add = |address| {
            if found.len() < MOST_ADDRESSES {
                found.push(SocketAddr::new(address, port));
            }
        };
        match literal {
            Ok(address) => add(address),
            Err(_) => self.find(host, add)?,
        }
        Ok(found)
    }
}
