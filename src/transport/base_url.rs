//! Where requests go: LifePay's server, or one on this machine.

use std::net::IpAddr;

use ureq::http::uri::InvalidUri;
use ureq::http::Uri;

use crate::fault::WrongBaseUrl;

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
    pub fn parse(given: &str) -> Result<BaseUrl, WrongBaseUrl> {
        let uri: Uri = given
            .parse()
            .map_err(|error: InvalidUri| WrongBaseUrl::NotAUrl(error.to_string()))?;
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or(WrongBaseUrl::NoHost)?;
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(WrongBaseUrl::Credentials);
        }
        if !has_good_port(&uri) {
            return Err(WrongBaseUrl::Port);
        }
        if uri.query().is_some() || given.contains('#') {
            return Err(WrongBaseUrl::QueryOrFragment);
        }
        let on_this_machine = is_loopback(host);
        let clear = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err(WrongBaseUrl::NotHttps),
        };
        if clear && !on_this_machine {
            return Err(WrongBaseUrl::Clear);
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
}
