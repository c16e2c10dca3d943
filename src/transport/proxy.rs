//! Chooses the proxy: the host's, the environment's, the system's, or none.

use ureq::{Proxy, ProxyProtocol};

use super::base_url::{has_good_port, is_loopback, BaseUrl};
use crate::fault::{ProxySource, Wrong, WrongProxy};

/// Returns the proxy for requests to `base_url`, which is None if the base URL is invalid.
///
/// # Errors
///
/// The reason why the given setting or the system's cannot be used.
pub fn choose(given: Option<&str>, base_url: Option<&BaseUrl>) -> Result<Option<Proxy>, Wrong> {
    let proxy = match given {
        Some("none") => return Ok(None),
        Some(url) => supported(parse(url, None)?, None)?,
        // The environment's proxy is for other machines, not for this one.
        None if base_url.is_some_and(|url| url.on_this_machine) => return Ok(None),
        None => return of_system(),
    };
    if base_url.is_some_and(|url| url.clear) && !is_loopback(proxy.host()) {
        return Err(wrong(None, WrongProxy::Clear));
    }
    Ok(Some(proxy))
}

/// Returns the environment's proxy; on Windows, if there is none, the system's.
///
/// # Errors
///
/// The reason why the proxy cannot be used.
pub fn of_system() -> Result<Option<Proxy>, Wrong> {
    let proxy = environments_proxy()?;
    let checked = proxy.map(|proxy| supported(proxy, Some(ProxySource::System)));
    checked.transpose()
}

fn wrong(source: Option<ProxySource>, wrong: WrongProxy) -> Wrong {
    Wrong::Proxy { source, wrong }
}

fn supported(proxy: Proxy, source: Option<ProxySource>) -> Result<Proxy, Wrong> {
    match proxy.protocol() {
        ProxyProtocol::Http | ProxyProtocol::Https => Ok(proxy),
        other => Err(wrong(source, WrongProxy::Unsupported(other.to_string()))),
    }
}

fn parse(url: &str, source: Option<ProxySource>) -> Result<Proxy, Wrong> {
    let proxy = Proxy::new(url).ok();
    let proxy = proxy.filter(|proxy| has_good_port(proxy.uri()));
    proxy.ok_or_else(|| wrong(source, WrongProxy::NotAUrl))
}

/// Returns the environment's proxy for https, from the most specific variable; on Windows, if there is
/// none, the system's.
fn environments_proxy() -> Result<Option<Proxy>, Wrong> {
    let names = [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HTTP_PROXY",
        "http_proxy",
    ];
    let variable = |name: &&str| std::env::var(name).ok().filter(|url| !url.is_empty());
    match names.iter().find_map(|name| Some((name, variable(name)?))) {
        Some((name, url)) => {
            let proxy = parse(&url, Some(ProxySource::Variable(name)))?;
            with_exceptions(&proxy, environments_exceptions()).map(Some)
        }
        None => systems_proxy(),
    }
}

#[cfg(not(windows))]
fn systems_proxy() -> Result<Option<Proxy>, Wrong> {
    Ok(None)
}

/// Returns this user's static proxy from Windows' Internet options.
#[cfg(windows)]
fn systems_proxy() -> Result<Option<Proxy>, Wrong> {
    let path = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
    let Ok(settings) = winreg::HKCU.open_subkey(path) else {
        return Ok(None);
    };
    let text = |name| settings.get_value::<String, _>(name).unwrap_or_default();
    match settings.get_value::<u32, _>("ProxyEnable") {
        Ok(1) => read_windows_setting(&text("ProxyServer"), &text("ProxyOverride")),
        _ => Ok(None),
    }
}

/// `server` is "host:port" for all protocols, or "http=host:port;https=host:port;socks=host:port".
/// `exceptions` are hosts between semicolons, with "*" for any part, and "<local>" for names without
/// a dot, which LifePay's is not.
#[cfg_attr(not(any(windows, test)), allow(dead_code))]
fn read_windows_setting(server: &str, exceptions: &str) -> Result<Option<Proxy>, Wrong> {
    let of = |protocol: &str| {
        let mut parts = server.split([';', ' ']).filter(|part| !part.is_empty());
        parts.find_map(|part| match part.split_once('=') {
            Some((of, address)) => (of.eq_ignore_ascii_case(protocol)).then_some(address),
            None => Some(part),
        })
    };
    let url = match (of("https"), of("socks")) {
        (Some(address), _) => address.to_owned(),
        (None, Some(address)) => format!("socks4://{address}"),
        (None, None) => return Ok(None),
    };
    let proxy = parse(&url, Some(ProxySource::Windows))?;
    let exceptions = exceptions.split(';').filter(|host| *host != "<local>");
    with_exceptions(&proxy, exceptions).map(Some)
}

/// Returns the exceptions in NO_PROXY. ureq neither strips blanks nor applies a domain to its
/// subdomains; curl and others do.
fn environments_exceptions() -> Vec<String> {
    let list = ["NO_PROXY", "no_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let hosts = list.iter().flat_map(|list| list.split(',')).map(str::trim);
    hosts
        .filter(|host| !host.is_empty())
        .flat_map(|host| match host.starts_with(['*', '.']) {
            true => vec![host.to_owned()],
            false => vec![host.to_owned(), format!(".{host}")],
        })
        .collect()
}

/// Returns the proxy with these hosts as exceptions.
fn with_exceptions<H: AsRef<str>>(
    proxy: &Proxy,
    hosts: impl IntoIterator<Item = H>,
) -> Result<Proxy, Wrong> {
    let mut builder = Proxy::builder(proxy.protocol())
        .host(proxy.host())
        .port(proxy.port());
    if let Some(username) = proxy.username() {
        builder = builder.username(username);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    for host in hosts {
        let host = host.as_ref().trim();
        if !host.is_empty() {
            builder = builder.no_proxy(host);
        }
    }
    builder.build().map_err(|error| {
        wrong(
            Some(ProxySource::System),
            WrongProxy::Exceptions(error.to_string()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_url_is_checked() {
        for good in [
            "none",
            "http://user:p%40ss@10.0.0.1:3128",
            "proxy.local:3128",
        ] {
            assert!(choose(Some(good), None).is_ok(), "{good}");
        }
        for bad in ["socks5://10.0.0.1:1080", "r32/?//52:**", "ftp://x"] {
            assert!(choose(Some(bad), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_windows_setting_is_one_proxy_or_one_for_each_protocol() {
        let read = |server| read_windows_setting(server, "").map(|proxy| proxy.map(described));
        fn described(proxy: Proxy) -> String {
            format!("{:?} {} {}", proxy.protocol(), proxy.host(), proxy.port())
        }
        let https = Some("Http proxy.local 3128".to_owned());
        for server in [
            "proxy.local:3128",
            "http://proxy.local:3128",
            "http=other:80;https=proxy.local:3128;ftp=other:21",
            "socks=other:1080 HTTPS=proxy.local:3128",
            "https=http://proxy.local:3128",
        ] {
            assert_eq!(read(server).as_ref(), Ok(&https), "{server}");
        }
        assert_eq!(read("http=other:80"), Ok(None));
        assert_eq!(read(""), Ok(None));
        assert!(read("https=r32/?//52:**").is_err());
        let socks = read("socks=other:1080").unwrap().unwrap();
        assert!(socks.starts_with("Socks"), "{socks}");
    }

    #[test]
    fn windows_exceptions_are_honoured() {
        let proxy = read_windows_setting("proxy:1", "<local>;*.life-pay.ru; 10.*").unwrap();
        let proxy = proxy.unwrap();
        let goes_past = |url: &str| proxy.is_no_proxy(&url.parse().unwrap());
        assert!(goes_past("https://sapi.life-pay.ru"));
        assert!(goes_past("https://10.1.2.3"));
        assert!(!goes_past("https://life-pay.com"));
    }

    #[test]
    fn a_clear_request_passes_only_a_proxy_on_this_machine() {
        for url in ["http://127.0.0.1:1", "HTTP://127.0.0.1:1"] {
            let url = BaseUrl::parse(url).unwrap();
            assert!(choose(Some("http://10.0.0.1:3128"), Some(&url)).is_err());
            assert!(choose(Some("http://127.0.0.1:3128"), Some(&url)).is_ok());
        }
    }
}
