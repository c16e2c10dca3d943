//! The connection settings of the host: base URL, proxy, trust, time limits.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ureq::http::Request;

use super::base_url::BaseUrl;
use super::pool::PoolKey;
use super::proxy;
use super::roots::{CaFile, Roots};
use crate::failure::{Failure, Network};
use crate::fault::{Fault, Wrong};
use crate::messages;
use crate::process::lock::lock;

/// The server that is used if `base_url` is not given.
pub(crate) const DEFAULT_BASE_URL: &str = "https://sapi.life-pay.ru";
/// Milliseconds, of one attempt.
pub(crate) const DEFAULT_CONNECT_TIMEOUT_MS: u32 = 10_000;
/// Milliseconds, of one attempt.
pub(crate) const DEFAULT_TIMEOUT_MS: u32 = 30_000;
/// How long the system's proxy setting is used without reading it again.
const FRESH: Duration = Duration::from_secs(1);

/// The time limits of one attempt.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For making the connection, including TLS.
    pub connect: Duration,
    /// For the whole attempt.
    pub whole: Duration,
}

/// The connection settings as the host gave them; `None` and 0 mean "not given".
#[derive(Default)]
pub struct Connection {
    pub base_url: Option<String>,
    pub proxy: Option<String>,
    pub trust: i32,
    pub ca_file: Option<String>,
    pub connect_timeout_ms: u32,
    pub timeout_ms: u32,
}

/// Connection settings that were checked.
#[derive(Debug)]
pub struct Route {
    url: Arc<BaseUrl>,
    pub limits: Limits,
    /// The proxy setting is the system's, which may change.
    systems_proxy: bool,
    known: Mutex<Known>,
}

/// The settings as they were last read.
#[derive(Debug)]
struct Known {
    pool_key: PoolKey,
    /// When the proxy was last read.
    looked_at: Instant,
    used: bool,
}

impl Route {
    /// Without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.url.text
    }

    pub fn server(&self) -> &Arc<BaseUrl> {
        &self.url
    }

    /// Returns the head of a request with a body of `length` bytes to a path below the base URL.
    ///
    /// # Errors
    ///
    /// See [`BaseUrl::head`].
    pub fn head(&self, path: &str, length: usize) -> Result<Arc<Request<()>>, Failure> {
        self.url.head(path, length)
    }

    /// Returns the settings for an attempt. The first attempt uses them as they were checked. Later
    /// attempts use the current ca_file and the current system proxy: both may be corrected while a
    /// call retries or while an outbox is open.
    ///
    /// # Errors
    ///
    /// [`Failure::Network`] if the system's proxy cannot be used. The next attempt reads it again.
    pub fn pool_key(&self) -> Result<PoolKey, Failure> {
        let mut known = lock(&self.known);
        let known = &mut *known;
        let fresh = known.looked_at.elapsed() < FRESH;
        if std::mem::replace(&mut known.used, true) || !fresh {
            if let Some(file) = &mut known.pool_key.ca_file {
                file.renew();
            }
        }
        if self.systems_proxy && !fresh {
            known.pool_key.proxy = proxy::of_system().map_err(|wrong| {
                Failure::network(Network::ProxySetting, messages::wrong(&wrong))
            })?;
            known.looked_at = Instant::now();
        }
        Ok(known.pool_key.clone())
    }
}

impl Connection {
    /// Checks all settings and adds the faults to `faults`.
    pub fn check(self, faults: &mut Vec<Fault>) -> Option<Route> {
        let before = faults.len();
        let given = self.base_url.as_deref().unwrap_or(DEFAULT_BASE_URL);
        let url = BaseUrl::find(given)
            .map_err(|wrong| faults.push(Fault::new("base_url", Wrong::BaseUrl(wrong))))
            .ok();
        let looked_at = Instant::now();
        let proxy = proxy::choose(self.proxy.as_deref(), url.as_deref())
            .map_err(|wrong| faults.push(Fault::new("proxy", wrong)))
            .ok();
        let roots = Roots::from_number(self.trust)
            .ok_or_else(|| faults.push(Fault::new("trust", Wrong::UnknownTrust(self.trust))))
            .ok();
        let ca_file = self.ca_file.and_then(|path| {
            CaFile::read(Path::new(&path))
                .map_err(|wrong| faults.push(Fault::new("ca_file", Wrong::CaFile(wrong))))
                .ok()
        });
        if faults.len() > before {
            return None;
        }
        let url = url?;
        Some(Route {
            systems_proxy: self.proxy.is_none() && !url.on_this_machine,
            url,
            limits: Limits {
                connect: millis_or(self.connect_timeout_ms, DEFAULT_CONNECT_TIMEOUT_MS),
                whole: millis_or(self.timeout_ms, DEFAULT_TIMEOUT_MS),
            },
            known: Mutex::new(Known {
                pool_key: PoolKey {
                    roots: roots?,
                    ca_file,
                    proxy: proxy?,
                },
                looked_at,
                used: false,
            }),
        })
    }
}

fn millis_or(given: u32, default: u32) -> Duration {
    Duration::from_millis(u64::from(if given == 0 { default } else { given }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(connection: Connection) -> Vec<String> {
        let mut faults = Vec::new();
        let route = connection.check(&mut faults);
        assert_eq!(route.is_some(), faults.is_empty());
        faults
            .into_iter()
            .map(|fault| fault.field.into_owned())
            .collect()
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let names = faults(Connection {
            base_url: Some("http://example.com".into()),
            proxy: Some("socks5://x".into()),
            trust: 3,
            ca_file: Some("/nowhere/at/all.pem".into()),
            ..Connection::default()
        });
        assert_eq!(names, ["base_url", "proxy", "trust", "ca_file"]);
    }

    #[test]
    fn zero_and_nothing_mean_the_defaults() {
        let connection = Connection {
            proxy: Some("none".into()),
            ..Connection::default()
        };
        let route = connection.check(&mut Vec::new()).unwrap();
        assert_eq!(route.base_url(), DEFAULT_BASE_URL);
        assert_eq!(route.limits.connect, Duration::from_secs(10));
        assert_eq!(route.limits.whole, Duration::from_secs(30));
        assert_eq!(route.pool_key().unwrap().roots, Roots::Both);
    }
}
