//! Where requests go: LifePay's server, or one on this machine.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use ureq::http::uri::InvalidUri;
use ureq::http::Uri;

use crate::failure::Failure;
use crate::fault::WrongBaseUrl;
use crate::process::lock::lock;
use crate::recent::Recent;
use crate::state;

/// How many base URLs are kept as they were parsed.
const MOST_KNOWN: usize = 8;

/// Where requests may go.
#[derive(Debug)]
pub struct BaseUrl {
    /// Without a slash at its end.
    pub text: String,
    /// Plain http: then it is on this machine.
    pub clear: bool,
    pub on_this_machine: bool,
    /// The last path below it, with the whole.
    last: Mutex<Option<(String, Uri)>>,
}

/// Those that a process was given lately, each with what it was given as.
pub type Known = Mutex<Recent<(String, Arc<BaseUrl>), MOST_KNOWN>>;

impl BaseUrl {
    /// The same as [`BaseUrl::parse`], which is not done again for what was given lately.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn find(given: &str) -> Result<Arc<BaseUrl>, WrongBaseUrl> {
        let known = &state::current().transport.base_urls;
        if let Some((_, url)) = lock(known).find(|(text, _)| text == given) {
            return Ok(url);
        }
        let url = Arc::new(BaseUrl::parse(given)?);
        lock(known).add((given.to_owned(), Arc::clone(&url)));
        Ok(url)
    }

    /// The URL of a path below it.
    ///
    /// # Errors
    ///
    /// [`Failure::Internal`], which no path brings that was checked.
    pub fn below(&self, path: &str) -> Result<Uri, Failure> {
        let mut last = lock(&self.last);
        if let Some((_, uri)) = last.as_ref().filter(|(known, _)| known == path) {
            return Ok(uri.clone());
        }
        let parsed = [&self.text, path].concat().parse();
        let uri: Uri = parsed.map_err(|error: InvalidUri| Failure::Internal(error.to_string()))?;
        *last = Some((path.to_owned(), uri.clone()));
        Ok(uri)
    }

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
            last: Mutex::default(),
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
