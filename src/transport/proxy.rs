//! The proxy on the way to LifePay: the host's, the environment's, the system's, or none.

use ureq::{Proxy, ProxyProtocol};

use super::route::{has_good_port, is_loopback, BaseUrl};

/// The proxy on the way to `base_url`, which is nothing if it cannot be used itself.
///
/// # Errors
///
/// Why the setting, given or the system's, cannot be used.
pub fn choose(given: Option<&str>, base_url: Option<&BaseUrl>) -> Result<Option<Proxy>, String> {
    let (proxy, whose) = match given {
        Some("none") => return Ok(None),
        Some(url) => (Some(parse_proxy(url)?), ""),
        // The environment's proxy is meant for the way out, which is not taken to this machine.
        None if base_url.is_some_and(|url| url.on_this_machine) => (None, ""),
        None => (environments_proxy()?, " (он задан в системе)"),
    };
    let Some(proxy) = proxy else { return Ok(None) };
    if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return Err(format!(
            "прокси вида {}{whose} не поддерживается: нужен http или https, либо none",
            proxy.protocol()
        ));
    }
    if base_url.is_some_and(|url| url.clear) && !is_loopback(proxy.host()) {
        let why = "с base_url вида http прокси допустим только на этом компьютере: ключ не должен идти открыто";
        return Err(why.to_owned());
    }
    Ok(Some(proxy))
}

fn parse_proxy(url: &str) -> Result<Proxy, String> {
    let proxy = Proxy::new(url)
        .ok()
        .filter(|proxy| has_good_port(proxy.uri()));
    let wanted = "не URL прокси: нужен вид http://имя:пароль@сервер:порт или none";
    proxy.ok_or_else(|| wanted.to_owned())
}

/// The environment's proxy for https, the most specific first; on Windows otherwise the system's.
fn environments_proxy() -> Result<Option<Proxy>, String> {
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
            let proxy = parse_proxy(&url).map_err(|why| format!("{name}: {why}"))?;
            with_exceptions(&proxy).map(Some)
        }
        None => Ok(Proxy::try_from_env()),
    }
}

/// The proxy with the exceptions of NO_PROXY. ureq's own reading of it neither strips blanks nor
/// takes a domain for its subdomains, as curl and others do.
fn with_exceptions(proxy: &Proxy) -> Result<Proxy, String> {
    let list = ["NO_PROXY", "no_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let mut builder = Proxy::builder(proxy.protocol())
        .host(proxy.host())
        .port(proxy.port());
    if let Some(username) = proxy.username() {
        builder = builder.username(username);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    for exception in list.iter().flat_map(|list| list.split(',')).map(str::trim) {
        if !exception.is_empty() {
            builder = builder.no_proxy(exception);
            if !exception.starts_with(['*', '.']) {
                builder = builder.no_proxy(&format!(".{exception}"));
            }
        }
    }
    builder.build().map_err(|error| error.to_string())
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
    fn a_clear_request_passes_only_a_proxy_on_this_machine() {
        for url in ["http://127.0.0.1:1", "HTTP://127.0.0.1:1"] {
            let url = BaseUrl::parse(url).unwrap();
            assert!(choose(Some("http://10.0.0.1:3128"), Some(&url)).is_err());
            assert!(choose(Some("http://127.0.0.1:3128"), Some(&url)).is_ok());
        }
    }
}
