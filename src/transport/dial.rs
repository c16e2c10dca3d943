//! Makes a connection: proxy, TCP, TLS.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use rustls::ClientConfig;
use ureq::http::Uri;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::{ConnectionDetails, Connector, Transport};
use ureq::{Error, Proxy, ProxyProtocol};

use super::exchange_state::ExchangeState;
use super::interim::WithoutInterim;
use super::roots::{CaFile, Roots};
use super::tcp::TcpTransport;
use super::tls::TlsTransport;
use super::tunnel;
use super::verifier;
use crate::failure::{Failure, Network};
use crate::fault::{Fault, Wrong, WrongBaseUrl};
use crate::process::lock::lock;

/// ureq's connector, for all agents with the same settings.
#[derive(Clone)]
pub struct Dial {
    roots: Roots,
    ca_file: Option<CaFile>,
    /// Made at its first use, because loading the roots is slow.
    config: Arc<Mutex<Option<Arc<ClientConfig>>>>,
}

impl Dial {
    pub fn new(roots: Roots, ca_file: Option<CaFile>) -> Dial {
        Dial {
            roots,
            ca_file,
            config: Arc::default(),
        }
    }

    /// Returns the TLS settings. They are not made under the lock, because making them is logged and
    /// the log calls the host; at worst they are made twice.
    fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = &*self.kept_config() {
            return Ok(Arc::clone(config));
        }
        let made = verifier::client_config(self.roots, self.ca_file.as_ref());
        let made = made.map_err(|failure| Error::Io(failure.into()))?;
        Ok(Arc::clone(self.kept_config().get_or_insert(made)))
    }

    fn kept_config(&self) -> MutexGuard<'_, Option<Arc<ClientConfig>>> {
        lock(&self.config)
    }

    fn encrypt(
        &self,
        details: &ConnectionDetails,
        server: &Uri,
        transport: Box<dyn Transport>,
        config: Arc<ClientConfig>,
    ) -> Result<Box<dyn Transport>, Error> {
        match TlsTransport::connect(details, server, transport, config) {
            Ok(transport) => Ok(Box::new(transport)),
            Err(error) => {
                // The next attempt reads the system's roots again: the missing one may have been
                // installed.
                *self.kept_config() = None;
                Err(error)
            }
        }
    }

    fn through(
        &self,
        proxy: &Proxy,
        details: &ConnectionDetails,
    ) -> Result<Box<dyn Transport>, Error> {
        let resolver = details.resolver;
        let addresses = resolver.resolve(proxy.uri(), details.config, details.timeout)?;
        let mut transport: Box<dyn Transport> =
            Box::new(TcpTransport::connect(&addresses, Network::ProxyRefused)?);
        if proxy.protocol() == ProxyProtocol::Https {
            transport = self.encrypt(details, proxy.uri(), transport, self.config()?)?;
        }
        tunnel::open(details, proxy, transport)
    }
}

impl Connector for Dial {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let _dialling = ExchangeState::current()?.dial();
        let config = details.needs_tls().then(|| self.config()).transpose()?;
        let proxy = details.config.proxy();
        let mut transport = match proxy.filter(|proxy| !proxy.is_no_proxy(details.uri)) {
            Some(proxy) => self.through(proxy, details)?,
            None => {
                if config.is_none() {
                    require_loopback(&details.addrs)?;
                }
                Box::new(TcpTransport::connect(
                    &details.addrs,
                    Network::ServerRefused,
                )?)
            }
        };
        if let Some(config) = config {
            transport = self.encrypt(details, details.uri, transport, config)?;
        }
        Ok(Some(Box::new(WithoutInterim::new(transport))))
    }
}

/// Fails unless all addresses are loopback. A name such as localhost may resolve to another machine,
/// and the apikey must not be sent unencrypted.
fn require_loopback(addresses: &ResolvedSocketAddrs) -> Result<(), Error> {
    match addresses.iter().find(|address| !address.ip().is_loopback()) {
        None => Ok(()),
        Some(address) => {
            let wrong = Wrong::BaseUrl(WrongBaseUrl::ClearTo(address.ip()));
            let failure = Failure::from(Fault::new("base_url", wrong));
            Err(Error::Io(failure.into()))
        }
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial")
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}
