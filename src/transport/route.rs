//! The way to LifePay as the host has set it: base URL, proxy, trust, time limits.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::Uri;
use ureq::Proxy;

use super::attempt::Limits;
use super::proxy;
use super::trust::{CaFile, Roots};
use crate::error::{Failure, FieldError};

/// Where requests go unless `base_url` says otherwise.
pub(crate) const DEFAULT_BASE_URL: &str = "https://sapi.life-pay.ru";
/// Milliseconds, of one attempt.
pub(crate) const DEFAULT_CONNECT_TIMEOUT_MS: u32 = 10_000;
/// Milliseconds, of one attempt.
pub(crate) const DEFAULT_TIMEOUT_MS: u32 = 30_000;
/// For how long the system's proxy setting is taken without reading it again.
const FRESH: Duration = Duration::from_secs(1);

/// ------------------------------------------------------------------------------------------------
/// Trust: lp_config.trust
/// ------------------------------------------------------------------------------------------------
///
/// Mozilla's roots, compiled in, and the system's, together.
pub const LP_TRUST_DEFAULT: i32 = 0;
/// Mozilla's roots only.
pub const LP_TRUST_BUNDLED: i32 = 1;
/// The system's roots only.
pub const LP_TRUST_SYSTEM: i32 = 2;

/// The connection settings as the host gave them; `None` and 0 are "not given".
#[derive(Default)]
pub struct Connection {
    pub base_url: Option<String>,
    pub proxy: Option<String>,
    pub trust: i32,
    pub ca_file: Option<String>,
    pub connect_timeout_ms: u32,
    pub timeout_ms: u32,
}

/// Connection settings that can be used.
#[derive(Debug)]
pub struct Route {
    /// Without a slash at its end.
    pub base_url: String,
    pub limits: Limits,
    /// The proxy is the system's, which may change.
    systems_proxy: bool,
    known: Mutex<Known>,
}

/// What was read at the last look.
#[derive(Debug)]
struct Known {
    peer: Peer,
    /// When the proxy was last read.
    looked_at: Instant,
    used: bool,
}

/// What must be equal for connections to be shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Peer {
    pub roots: Roots,
    pub ca_file: Option<CaFile>,
    pub proxy: Option<Proxy>,
}

impl Route {
    /// The settings for an attempt. The first one has them as they were checked. Later ones have the
    /// ca_file and the system's proxy as they are by then: both may be corrected while a call
    /// repeats, or while an outbox is open.
    ///
    /// # Errors
    ///
    /// [`Failure::Network`] if the system's proxy cannot be used. The next attempt reads it again.
    pub fn peer(&self) -> Result<Peer, Failure> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *known;
        let fresh = known.looked_at.elapsed() < FRESH;
        if std::mem::replace(&mut known.used, true) || !fresh {
            if let Some(file) = &mut known.peer.ca_file {
                file.renew();
            }
        }
        if self.systems_proxy && !fresh {
            known.peer.proxy = proxy::of_system().map_err(|why| {
                let what = "Прокси, который задан в системе, не годится: исправьте его или задайте настройку proxy.";
                Failure::network(what, why)
            })?;
            known.looked_at = Instant::now();
        }
        Ok(known.peer.clone())
    }
}

impl Connection {
    /// Checks all of it, and adds what is wrong to `faults`.
    pub fn check(self, faults: &mut Vec<FieldError>) -> Option<Route> {
        let before = faults.len();
        let given = self.base_url.as_deref().unwrap_or(DEFAULT_BASE_URL);
        let base_url = BaseUrl::parse(given)
            .map_err(|message| faults.push(FieldError::new("base_url", message)))
            .ok();
        let looked_at = Instant::now();
        let proxy = proxy::choose(self.proxy.as_deref(), base_url.as_ref())
            .map_err(|message| faults.push(FieldError::new("proxy", message)))
            .ok();
        let roots = match self.trust {
            LP_TRUST_DEFAULT => Roots::Both,
            LP_TRUST_BUNDLED => Roots::Bundled,
            LP_TRUST_SYSTEM => Roots::System,
            other => {
                let message = format!("{other}, а допустимы значения LP_TRUST_... от 0 до 2");
                faults.push(FieldError::new("trust", message));
                Roots::Both
            }
        };
        let ca_file = self.ca_file.and_then(|path| {
            CaFile::read(Path::new(&path))
                .map_err(|message| faults.push(FieldError::new("ca_file", message)))
                .ok()
        });
        if faults.len() > before {
            return None;
        }
        let base_url = base_url?;
        Some(Route {
            systems_proxy: self.proxy.is_none() && !base_url.on_this_machine,
            base_url: base_url.text,
            limits: Limits {
                connect: millis_or(self.connect_timeout_ms, DEFAULT_CONNECT_TIMEOUT_MS),
                whole: millis_or(self.timeout_ms, DEFAULT_TIMEOUT_MS),
            },
            known: Mutex::new(Known {
                peer: Peer {
                    roots,
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

/// Where requests may go.
#[derive(Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// Without a slash at its end.
    pub text: String,
    /// Plain http: then it is on this machine.
    pub clear: bool,
    pub on_this_machine: bool,
}

impl BaseUrl {
    pub fn parse(given: &str) -> Result<BaseUrl, String> {
        let uri: Uri = given.parse().map_err(|error| format!("не URL: {error}"))?;
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or("в URL нет имени сервера")?;
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err("имя и пароль в URL не допускаются".to_owned());
        }
        if !has_good_port(&uri) {
            return Err("порт в URL не от 1 до 65535".to_owned());
        }
        if uri.query().is_some() || given.contains('#') {
            return Err("после адреса сервера не должно быть ? и #".to_owned());
        }
        let on_this_machine = is_loopback(host);
        let clear = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err("URL должен начинаться с https://".to_owned()),
        };
        if clear && !on_this_machine {
            let why = "http допустим только к этому компьютеру (127.0.0.1, localhost): ключ не должен идти открыто; нужен https";
            return Err(why.to_owned());
        }
        let text = given.trim_end_matches('/').to_owned();
        Ok(BaseUrl {
            text,
            clear,
            on_this_machine,
        })
    }
}

pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Whether the port, if there is one, is one. A wrong one would silently become the default.
pub fn has_good_port(uri: &Uri) -> bool {
    let Some(authority) = uri.authority() else {
        return false;
    };
    match authority.port_u16() {
        Some(port) => port > 0,
        None => authority.as_str().rsplit('@').next() == Some(authority.host()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(connection: Connection) -> Vec<String> {
        let mut faults = Vec::new();
        let route = connection.check(&mut faults);
        assert_eq!(route.is_some(), faults.is_empty());
        faults.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for good in [
            "https://sapi.life-pay.ru/",
            "https://10.0.0.1:8443/prefix/",
            "http://127.0.0.1:8080",
            "http://127.9.9.9",
            "http://[::1]:80/",
            "http://LOCALHOST:1",
            "HTTP://127.0.0.1",
        ] {
            assert_eq!(
                BaseUrl::parse(good).unwrap().text,
                good.trim_end_matches('/'),
                "{good}"
            );
        }
        for bad in [
            "http://sapi.life-pay.ru",
            "http://10.0.0.1",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://user:pass@127.0.0.1",
            "https://example/?a=1",
            "https://example/#a",
            "https://example:99999",
            "https://example:0",
            "https://example:",
            "ftp://example",
            "example",
            "https://",
            "",
            "::",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
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
        assert_eq!(route.base_url, DEFAULT_BASE_URL);
        assert_eq!(route.limits.connect, Duration::from_secs(10));
        assert_eq!(route.limits.whole, Duration::from_secs(30));
        assert_eq!(route.peer().unwrap().roots, Roots::Both);
    }
}
