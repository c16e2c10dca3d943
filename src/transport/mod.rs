//! One HTTP exchange with LifePay, or the reason why there was none.
//!
//! ureq speaks HTTP. The library gives it a connector and a resolver, because an attempt has one time
//! limit for all phases, including name resolution and TLS, and can be cancelled in each of them. See
//! [`exchange_state`] for how the limit reaches them.

mod base_url;
mod dial;
mod exchange_state;
mod head;
mod interim;
mod pool;
mod proxy;
mod resolve;
mod roots;
pub mod route;
mod sliced;
mod tcp;
mod tls;
mod tunnel;
mod verifier;

#[cfg(test)]
pub use self::base_url::{is_loopback, BaseUrl};
pub(crate) use self::exchange_state::SLICE;
pub use self::pool::Pool;
pub use self::roots::Roots;

use std::io::{self, Read};
use std::time::{Duration, SystemTime};

use ureq::config::Config;
use ureq::http::header::{HeaderMap, DATE, RETRY_AFTER};
use ureq::http::{Request, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Agent, Body};

use self::exchange_state::ExchangeState;
use self::route::{Limits, Route};
use crate::failure::{self, Failure, Network, Stage};
use crate::process::gate::FirstUse;

/// The User-Agent of every request.
const USER_AGENT: &str = concat!("lifepay/", env!("CARGO_PKG_VERSION"));
/// The largest answer that is read, bytes.
const LARGEST_ANSWER: u64 = 1024 * 1024;
/// The initial buffer for an answer, bytes: enough for LifePay's.
const USUAL_ANSWER: usize = 1024;
/// How much of a larger answer is kept for a support request, bytes.
const KEPT_OF_LARGE_ANSWER: usize = 4096;
/// A longer Retry-After is reduced to this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The result of an exchange.
pub struct Exchange {
    /// A byte of the request has left this machine, or may have.
    pub request_left: bool,
    /// The request was sent a second time, because a kept connection was closed.
    pub resent: bool,
    pub took: Duration,
    /// The answer, or the reason why none came. A status other than 200 is an answer too.
    pub reply: Result<Reply, Failure>,
}

/// An HTTP answer, LifePay's or not.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Invalid UTF-8 in it is replaced.
    pub body: String,
    /// The pause that Retry-After asks for.
    pub retry_after: Option<Duration>,
    /// The error that cut the body short, if any.
    pub cut: Option<Failure>,
}

/// A request to post.
pub struct Post<'a> {
    /// Below the route's base URL.
    pub path: &'a str,
    pub body: &'a [u8],
    /// The request may go over a kept connection, and be sent again if that turns out to be closed.
    /// Otherwise a new connection is made.
    pub may_be_resent: bool,
}

/// Sends a request and waits for the answer. `go_on` is called about five times a second; false
/// cancels.
pub fn post(
    route: &Route,
    post: &Post,
    limits: Limits,
    go_on: impl Fn(Stage) -> bool + 'static,
) -> Exchange {
    let exchange_state = ExchangeState::new(limits, post.may_be_resent, go_on);
    let reply = exchange_state.run(|| exchange(route, post, &exchange_state));
    Exchange {
        request_left: exchange_state.request_left(),
        resent: exchange_state.resent(),
        took: exchange_state.elapsed(),
        reply,
    }
}

fn exchange(route: &Route, post: &Post, exchange_state: &ExchangeState) -> Result<Reply, Failure> {
    static UREQ: FirstUse = FirstUse::new();
    if !UREQ.made(use_ureq) {
        let why = "forked in the middle of the parent's first request".to_owned();
        return Err(Failure::Internal(why));
    }
    let key = route.pool_key()?;
    let head = route.head(post.path, post.body.len())?;
    let reply = pool::with_agent(route.server(), &key, |agent| loop {
        match send(agent, &head, post.body) {
            Err(failure) if exchange_state.replaces_kept(&failure) => {
                log::debug!("a kept connection was closed by the server, a new one is made");
            }
            done => return done,
        }
    });
    if let (Err(Failure::Tls { .. }), Some(file)) = (&reply, &key.ca_file) {
        file.doubt();
    }
    reply
}

/// Makes ureq initialise a global constant, which it does at its first request, before it resolves the
/// server's name.
fn use_ureq() {
    #[derive(Debug)]
    struct Nowhere;
    impl Resolver for Nowhere {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            Err(ureq::Error::HostNotFound)
        }
    }
    let config = Agent::config_builder().proxy(None).build();
    let _ = Agent::with_parts(config, (), Nowhere)
        .get("http://nowhere")
        .call();
}

fn send(agent: &Agent, head: &Request<()>, body: &[u8]) -> Result<Reply, Failure> {
    let request = head.clone().map(|()| body);
    let mut response = agent.run(request).map_err(from_ureq)?;
    let (mut body, cut) = read(response.body_mut());
    if cut.is_some() {
        end_at_character(&mut body);
    }
    Ok(Reply {
        status: response.status().as_u16(),
        retry_after: retry_after(response.headers()),
        body: String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        cut,
    })
}

/// Reads the body as far as it arrives. Returns it and the error that cut it short, if any.
fn read(body: &mut Body) -> (Vec<u8>, Option<Failure>) {
    let mut bytes = Vec::with_capacity(USUAL_ANSWER);
    // One byte more than allowed shows that the answer is too large.
    let read = body
        .as_reader()
        .take(LARGEST_ANSWER + 1)
        .read_to_end(&mut bytes);
    let cut = match read {
        Ok(read) if read as u64 > LARGEST_ANSWER => {
            bytes.truncate(KEPT_OF_LARGE_ANSWER);
            let detail = "the answer is larger than 1 MiB";
            Some(Failure::reply(failure::Reply::TooLarge, detail))
        }
        Ok(_) => None,
        Err(error) => Some(match from_io(error) {
            Failure::Network { detail, .. } => Failure::reply(failure::Reply::CutOff, detail),
            other => other,
        }),
    };
    (bytes, cut)
}

/// Drops an incomplete character at the end. Its replacement character would hide that the end is the
/// beginning of the apikey, which must be masked.
fn end_at_character(bytes: &mut Vec<u8>) {
    let end = bytes.utf8_chunks().last().map(|chunk| chunk.invalid());
    // If the error has no length, the input ended within a character.
    let is_part = |end: &[u8]| std::str::from_utf8(end).is_err_and(|e| e.error_len().is_none());
    let part = end.filter(|end| is_part(end)).map_or(0, <[u8]>::len);
    bytes.truncate(bytes.len() - part);
}

/// Reads Retry-After, which is a number of seconds or a date. A date is compared with the server's Date
/// header if there is one, because a till's clock may be wrong.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let date = |name| {
        let text = headers.get(name)?;
        httpdate::parse_http_date(text.to_str().ok()?).ok()
    };
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let now = date(DATE).unwrap_or_else(SystemTime::now);
            date(RETRY_AFTER)?.duration_since(now).ok()?
        }
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// Converts an error of ureq into a failure.
fn from_ureq(error: ureq::Error) -> Failure {
    match error {
        ureq::Error::Io(error) => from_io(error),
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => {
            Failure::reply(failure::Reply::NotHttp, error)
        }
        _ => Failure::network(Network::Other, error),
    }
}

fn from_io(error: io::Error) -> Failure {
    let inner = error.get_ref();
    if let Some(failure) = inner.and_then(|inner| inner.downcast_ref::<Failure>()) {
        return failure.clone();
    }
    if let Some(ureq::Error::Protocol(_)) = inner.and_then(|inner| inner.downcast_ref()) {
        return Failure::reply(failure::Reply::NotHttp, error);
    }
    Failure::network(Network::Broken, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&str, &str)]) -> Option<Duration> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = ureq::http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.insert(name, value.parse().unwrap());
        }
        retry_after(&map)
    }

    #[test]
    fn cut_bytes_end_with_a_whole_character() {
        for (cut, kept) in [
            ("ключ".as_bytes(), "ключ".as_bytes()),
            (&"ключ".as_bytes()[..7], "клю".as_bytes()),
            (b"\xff\xd0\xba\xf0\x9f\x94", b"\xff\xd0\xba"),
            (b"a\xff", b"a\xff"),
            (b"\xd0", b""),
            (b"", b""),
        ] {
            let mut bytes = cut.to_vec();
            end_at_character(&mut bytes);
            assert_eq!(bytes, kept, "{cut:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_servers_clock() {
        assert_eq!(
            asked(&[("retry-after", " 120 ")]),
            Some(Duration::from_secs(120))
        );
        let date = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        let later = ("retry-after", "Wed, 21 Oct 2015 07:30:00 GMT");
        assert_eq!(asked(&[date, later]), Some(Duration::from_secs(120)));
    }

    #[test]
    fn a_meaningless_retry_after_is_ignored() {
        for nonsense in ["-1", "soon", "", "1.5", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(asked(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(
            asked(&[("retry-after", "99999999999")]),
            Some(LONGEST_RETRY_AFTER)
        );
    }
}
