//! A tunnel through an HTTP proxy, opened with CONNECT.
//!
//! ureq's tunnel refuses an answer with more than 20 headers, and reports a status only as text.

use std::io::{self, Write};

use base64::prelude::{Engine, BASE64_STANDARD};
use ureq::http::Uri;
use ureq::unversioned::transport::{ConnectionDetails, Transport, TransportAdapter};
use ureq::{Error, Proxy};

use super::base_url::port;
use super::head::Head;
use super::tcp::BUFFER;
use super::USER_AGENT;
use crate::failure::{Failure, Network};

/// Asks the proxy at the other end of `transport` to connect to the server of `details`.
///
/// # Errors
///
/// [`Failure::Network`] if the proxy refuses, [`Failure::Reply`] if it is not a proxy, and the
/// errors of `transport`.
pub fn open(
    details: &ConnectionDetails,
    proxy: &Proxy,
    transport: Box<dyn Transport>,
) -> Result<Box<dyn Transport>, Error> {
    let mut connection = TransportAdapter::new(transport, details.current_time.clone());
    connection.write_all(request(details.uri, proxy).as_bytes())?;
    connection.flush()?;
    let mut transport = connection.into_inner();
    loop {
        let head = Head::read(transport.buffers().input()).map_err(io::Error::from)?;
        if let Some(head) = head {
            transport.buffers().input_consume(head.length);
            match head.status {
                _ if head.is_interim() => {}
                200..=299 => return Ok(transport),
                status => return Err(refused(status)),
            }
        } else if transport.buffers().input().len() >= BUFFER {
            return Err(failed("the headers of its answer are over 16 KiB"));
        } else if !transport.await_input(details.timeout)? {
            return Err(failed("it closed the connection without an answer"));
        }
    }
}

fn request(target: &Uri, proxy: &Proxy) -> String {
    let host = target.host().unwrap_or_default();
    let port = port(target);
    let mut request = format!(
        "CONNECT {host}:{port} HTTP/1.1\r\n\
         Host: {host}:{port}\r\n\
         User-Agent: {USER_AGENT}\r\n\
         Proxy-Connection: Keep-Alive\r\n"
    );
    if proxy.username().is_some() || proxy.password().is_some() {
        let [name, password] = [proxy.username(), proxy.password()].map(Option::unwrap_or_default);
        let credentials = BASE64_STANDARD.encode(format!("{name}:{password}"));
        request += &format!("Proxy-Authorization: Basic {credentials}\r\n");
    }
    request + "\r\n"
}

fn refused(status: u16) -> Error {
    if status == 407 {
        let failure = Failure::network(Network::ProxyCredentials, "proxy: status 407");
        return Error::Io(failure.into());
    }
    failed(&format!("status {status}"))
}

fn failed(why: &str) -> Error {
    Error::Io(Failure::network(Network::ProxyFailed, format!("proxy: {why}")).into())
}
