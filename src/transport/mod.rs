//! One HTTP exchange with LifePay, or why there was none.
//!
//! ureq speaks HTTP; below it stand a connector and a resolver of our own, because an attempt has
//! a time limit that covers everything, name resolution and TLS included, and can be cancelled in
//! each phase. See [`attempt`] for how the limit reaches them.

pub mod attempt;
mod dial;
mod head;
mod interim;
mod proxy;
mod resolve;
pub mod route;
mod sliced;
mod tcp;
mod tls;
pub mod trust;
mod tunnel;
mod verify;

use std::io::{self, Read};
use std::rc::Rc;
use std::string::FromUtf8Error;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use ureq::config::Config;
use ureq::http::header::{HeaderMap, HeaderValue, ACCEPT, CONTENT_TYPE, DATE, RETRY_AFTER};
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Agent, Body};

use self::attempt::Attempt;
use self::dial::Dial;
use self::resolve::Names;
use self::route::{Peer, Route};
use crate::error::Failure;
use crate::process::{FirstUse, PerProcess};

/// The User-Agent of every request.
const USER_AGENT: &str = concat!("lifepay/", env!("CARGO_PKG_VERSION"));
/// The largest answer that is read, bytes.
const LARGEST_ANSWER: u64 = 1024 * 1024;
/// Room for LifePay's answers, bytes.
const USUAL_ANSWER: usize = 1024;
/// How much of a larger one is kept for a support request, bytes.
const KEPT_OF_LARGE_ANSWER: usize = 4096;
/// How many sets of connection settings are kept with their connections.
const MOST_AGENTS: usize = 8;
/// How many idle connections an agent keeps.
const MOST_IDLE: usize = 32;
/// A Retry-After beyond this is taken for this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// An HTTP answer, LifePay's or not.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// What is no UTF-8 in it is replaced.
    pub body: String,
    /// What Retry-After asks for.
    pub retry_after: Option<Duration>,
    /// Why the body is not whole, if it is not.
    pub cut: Option<Failure>,
}

/// Sends `body` to `path` below the route's base URL, as `attempt`.
///
/// # Errors
///
/// Why no HTTP answer came. A status other than 200 is an answer.
pub fn post(
    route: &Route,
    path: &str,
    body: &str,
    attempt: &Rc<Attempt>,
) -> Result<Reply, Failure> {
    static UREQ: FirstUse = FirstUse::new();
    if !UREQ.made(use_ureq) {
        let why = "forked in the middle of the parent's first request".to_owned();
        return Err(Failure::Internal(why));
    }
    let agent = agent(&route.peer()?);
    let url = [&route.base_url, path].concat();
    attempt.run(|| loop {
        match exchange(&agent, &url, body) {
            Err(failure) if attempt.replaces_pooled(&failure) => {
                log::debug!("a kept connection was closed by the server, a new one is made");
            }
            done => return done,
        }
    })
}

/// ureq makes a constant at its first request, before it looks for the server's address.
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

fn exchange(agent: &Agent, url: &str, body: &str) -> Result<Reply, Failure> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    let mut response = agent
        .post(url)
        .header(CONTENT_TYPE, JSON)
        .header(ACCEPT, JSON)
        .send(body)
        .map_err(failure)?;
    let (mut body, cut) = read(response.body_mut());
    if cut.is_some() {
        end_at_character(&mut body);
    }
    let replaced = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
    Ok(Reply {
        status: response.status().as_u16(),
        retry_after: retry_after(response.headers()),
        body: String::from_utf8(body).unwrap_or_else(replaced),
        cut,
    })
}

/// Reads what there is of the body, and says why that is not all.
fn read(body: &mut Body) -> (Vec<u8>, Option<Failure>) {
    let mut bytes = Vec::with_capacity(USUAL_ANSWER);
    // One byte more than allowed tells that there are too many.
    let read = body
        .as_reader()
        .take(LARGEST_ANSWER + 1)
        .read_to_end(&mut bytes);
    let cut = match read {
        Ok(read) if read as u64 > LARGEST_ANSWER => {
            bytes.truncate(KEPT_OF_LARGE_ANSWER);
            Some(Failure::reply(
                "Ответ слишком велик.",
                "the answer is larger than 1 MiB",
            ))
        }
        Ok(_) => None,
        Err(error) => Some(match io_failure(error) {
            Failure::Network { detail, .. } => Failure::reply("Ответ оборвался.", detail),
            other => other,
        }),
    };
    (bytes, cut)
}

/// Drops the part of a character at which the bytes were cut: what stands in its place would hide that
/// the end is the beginning of the apikey, which is masked.
fn end_at_character(bytes: &mut Vec<u8>) {
    let end = bytes.utf8_chunks().last().map(|chunk| chunk.invalid());
    // Without a length, the error is that the input has ended.
    let is_part = |end: &[u8]| std::str::from_utf8(end).is_err_and(|e| e.error_len().is_none());
    let part = end.filter(|end| is_part(end)).map_or(0, <[u8]>::len);
    bytes.truncate(bytes.len() - part);
}

/// Retry-After is a number of seconds or a date; a date is measured by the server's own clock if
/// it gives it, since tills' clocks go wrong.
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

/// The agents of this process, the last used last, and the names they share.
#[derive(Default)]
struct Agents {
    kept: Mutex<Vec<(Peer, Agent)>>,
    names: Names,
}

/// The agent for `peer`, with its connections of before.
fn agent(peer: &Peer) -> Agent {
    static AGENTS: PerProcess<Agents> = PerProcess::new();
    let agents = AGENTS.get(|_| Agents::default());
    let mut kept = agents.kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = kept.iter().position(|(known, _)| known == peer) {
        let entry = kept.remove(place);
        let agent = entry.1.clone();
        kept.push(entry);
        return agent;
    }
    let agent = new_agent(peer, agents.names.clone());
    if kept.len() >= MOST_AGENTS {
        kept.remove(0);
    }
    kept.push((peer.clone(), agent.clone()));
    agent
}

fn new_agent(peer: &Peer, names: Names) -> Agent {
    // No time limits of ureq's: with one it would start a thread at every call.
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(USER_AGENT)
        .proxy(peer.proxy.clone())
        .input_buffer_size(tcp::BUFFER)
        .output_buffer_size(tcp::BUFFER)
        // Less than the buffer: a larger head must not be taken for a connection that has ended.
        .max_response_header_size(tcp::BUFFER - 1)
        .max_idle_connections(MOST_IDLE)
        .max_idle_connections_per_host(MOST_IDLE)
        .timeout_await_100(None)
        .build();
    Agent::with_parts(config, Dial::new(peer.roots, peer.ca_file.clone()), names)
}

/// What ureq's error means to the host.
fn failure(error: ureq::Error) -> Failure {
    match error {
        ureq::Error::Io(error) => io_failure(error),
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => {
            Failure::reply("Ответ не является ответом HTTP.", error)
        }
        _ => Failure::network("", error),
    }
}

fn io_failure(error: io::Error) -> Failure {
    let inner = error.get_ref();
    if let Some(failure) = inner.and_then(|inner| inner.downcast_ref::<Failure>()) {
        return failure.clone();
    }
    if let Some(ureq::Error::Protocol(_)) = inner.and_then(|inner| inner.downcast_ref()) {
        return Failure::reply("Ответ не является ответом HTTP.", error);
    }
    Failure::network("Соединение оборвалось.", error)
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
    fn a_retry_after_that_makes_no_sense_is_none() {
        for nonsense in ["-1", "soon", "", "1.5", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(asked(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(
            asked(&[("retry-after", "99999999999")]),
            Some(LONGEST_RETRY_AFTER)
        );
    }
}
