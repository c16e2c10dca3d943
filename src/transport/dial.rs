//! How a connection comes to stand: proxy, TCP, TLS.

use std::fmt;
use std::sync::Arc;

use once_cell::sync::OnceCell;
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
    config: OnceCell<Arc<ClientConfig>>,
    tunnel: ConnectProxyConnector,
}

impl Dial {
    pub fn new(roots: Roots, ca_file: Option<CaFile>) -> Dial {
        Dial {
            roots,
            ca_file,
            config: OnceCell::new(),
            tunnel: ConnectProxyConnector::default(),
        }
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        let make = || trust::client_config(self.roots, self.ca_file.as_ref());
        self.config.get_or_try_init(make).cloned()
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
        // Before a packet is sent: a ca_file that cannot be read is told as such.
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
            Some(config) => Box::new(TlsTransport::connect(details, transport, config)?),
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
