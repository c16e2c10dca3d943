//! How a connection comes to stand: proxy, TCP, TLS.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ClientConfig;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, Either, Transport,
};
use ureq::Error;

use super::attempt::Attempt;
use super::tcp::TcpTransport;
use super::tls::TlsTransport;
use super::trust::{self, CaFile, Roots};
use crate::error::Failure;

/// ureq's connector for the connections of one agent.
pub struct Dial {
    roots: Roots,
    ca_file: Option<CaFile>,
    /// Made when it is first needed: loading the roots takes a while.
    config: Mutex<Option<Arc<ClientConfig>>>,
    tunnel: ConnectProxyConnector,
}

impl Dial {
    pub fn new(roots: Roots, ca_file: Option<CaFile>) -> Dial {
        Dial {
            roots,
            ca_file,
            config: Mutex::new(None),
            tunnel: ConnectProxyConnector::default(),
        }
    }

    /// Not made under the lock, since making it is logged, which calls the host: twice at worst.
    fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        if let Some(config) = &*self.kept_config() {
            return Ok(Arc::clone(config));
        }
        let made = trust::client_config(self.roots, self.ca_file.as_ref())?;
        Ok(Arc::clone(self.kept_config().get_or_insert(made)))
    }

    fn kept_config(&self) -> MutexGuard<'_, Option<Arc<ClientConfig>>> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn encrypt(
        &self,
        details: &ConnectionDetails,
        transport: Box<dyn Transport>,
        config: Arc<ClientConfig>,
    ) -> Result<Box<dyn Transport>, Error> {
        match TlsTransport::connect(details, transport, config) {
            Ok(transport) => Ok(Box::new(transport)),
            Err(error) => {
                // The next attempt looks at the system's roots anew: the one that was missing may
                // have been installed.
                *self.kept_config() = None;
                Err(error)
            }
        }
    }
}

impl Connector for Dial {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let attempt = Attempt::current()?;
        let dialling = attempt.dial();
        let config = details.needs_tls().then(|| self.config()).transpose();
        let config = config.map_err(|failure| Error::Io(failure.into()))?;

        // With a proxy this comes back here, for the connection to the proxy.
        let transport: Box<dyn Transport> = match self.tunnel.connect(details, None::<()>)? {
            Some(Either::B(tunnel)) => tunnel,
            _ => {
                if dialling.is_outermost() && config.is_none() {
                    require_loopback(&details.addrs)?;
                }
                Box::new(TcpTransport::connect(details)?)
            }
        };
        Ok(Some(match config {
            Some(config) => self.encrypt(details, transport, config)?,
            None => transport,
        }))
    }
}

/// A name that ought to mean this machine may not: the apikey must not travel in the clear.
fn require_loopback(addresses: &ResolvedSocketAddrs) -> Result<(), Error> {
    match addresses.iter().find(|address| !address.ip().is_loopback()) {
        None => Ok(()),
        Some(address) => {
            let what = format!(
                "http допустим только к этому компьютеру, а имя ведёт к {}",
                address.ip()
            );
            Err(Error::Io(Failure::argument("base_url", what).into()))
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
