//! Where requests go: LifePay's server, or one on this machine.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use ureq::http::header::{self, HeaderValue};
use ureq::http::uri::InvalidUri;
use ureq::http::{self, Request, Uri};

use super::USER_AGENT;
use crate::failure::Failure;
use crate::fault::WrongBaseUrl;
use crate::process::lock::lock;
use crate::recent::Recent;
use crate::state;

/// How many parsed base URLs are kept.
const MOST_KNOWN: usize = 8;

/// A base URL that requests may be sent to.
#[derive(Debug)]
pub struct BaseUrl {
    given: String,
    /// Without a trailing slash.
    pub text: String,
    /// Plain http, which is allowed only on this machine.
    pub clear: bool,
    pub on_this_machine: bool,
    last: Mutex<Option<LastHead>>,
}

/// The head of the last request.
#[derive(Debug)]
struct LastHead {
    path: String,
    length: usize,
    request: Arc<Request<()>>,
}

/// The base URLs that a process was given recently.
pub type Known = Mutex<Recent<Arc<BaseUrl>, MOST_KNOWN>>;

impl BaseUrl {
    /// Returns the result of [`BaseUrl::parse`]. A recently given URL is not parsed again.
    ///
    /// # Errors
    ///
    /// The fault in the URL.
    pub fn find(given: &str) -> Result<Arc<BaseUrl>, WrongBaseUrl> {
        let known = &state::current().transport.base_urls;
        if let Some(url) = lock(known).find(|url| url.given == given) {
            return Ok(url);
        }
        let url = Arc::new(BaseUrl::parse(given)?);
        lock(known).add(Arc::clone(&url));
        Ok(url)
    }

    /// Returns the head of a request with a body of `length` bytes to a path below the base URL. The
    /// headers that ureq would add to each request are made once.
    ///
    /// # Errors
    ///
    /// [`Failure::Internal`], which cannot happen for a path that was checked.
    pub fn head(&self, path: &str, length: usize) -> Result<Arc<Request<()>>, Failure> {
        let mut last = lock(&self.last);
        let mut head = match last.take().filter(|head| head.path == path) {
            Some(head) => head,
            None => LastHead {
                path: path.to_owned(),
                length: 0,
                request: Arc::new(
                    self.new_head(path)
                        .map_err(|error| Failure::Internal(error.to_string()))?,
                ),
            },
        };
        if head.length != length {
            let headers = Arc::make_mut(&mut head.request).headers_mut();
            headers.insert(header::CONTENT_LENGTH, length.into());
            head.length = length;
        }
        Ok(Arc::clone(&last.insert(head).request))
    }

    fn new_head(&self, path: &str) -> http::Result<Request<()>> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let uri: Uri = [&self.text, path].concat().parse()?;
        let host = uri.host().unwrap_or_default();
        let host = match uri.port_u16() {
            Some(port) if port != default_port(&uri) => format!("{host}:{port}").try_into()?,
            _ => HeaderValue::from_str(host)?,
        };
        Request::post(uri)
            .header(header::HOST, host)
            .header(header::USER_AGENT, HeaderValue::from_static(USER_AGENT))
            .header(header::CONTENT_TYPE, JSON)
            .header(header::ACCEPT, JSON)
            .body(())
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
            given: given.to_owned(),
            text,
            clear,
            on_this_machine,
            last: Mutex::default(),
        })
    }
}

/// Returns the port of a URL, or the default port of its scheme.
pub fn port(uri: &Uri) -> u16 {
    uri.port_u16().unwrap_or_else(|| default_port(uri))
}

fn default_port(uri: &Uri) -> u16 {
    match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
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

/// Whether the port, if there is one, is valid. A wrong one would silently become the default.
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
