//! Whom the library trusts, and that it sends nothing to anyone else.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;

use lifepay::code;
use lifepay::transport_trust::*;
use rustls::version::{TLS12, TLS13};
use rustls::ProtocolVersion;
use support::tls_server::{pem_file, Authority, Identity, TlsServer};
use support::{child, Answer, Call, Server};

const NOT_SENT: i32 = 1;
const ANSWERED: i32 = 3;
/// What certificates are made for unless the name matters.
const LOOPBACK: &[&str] = &["127.0.0.1", "localhost"];

/// A call that trusts the authority, too.
fn trusting<'a>(url: &str, name: &str, authority: &Authority) -> Call<'a> {
    with_roots(url, name, authority.pem())
}

/// A call that trusts what is in this PEM, too.
fn with_roots<'a>(url: &str, name: &str, pem: impl AsRef<[u8]>) -> Call<'a> {
    Call::to(url).text(|c| &mut c.ca_file, &pem_file(name, pem))
}

#[track_caller]
fn accepted(answer: &Answer) {
    assert_eq!((answer.code, answer.outcome), (0, ANSWERED), "{answer:?}");
}

/// Not trusted, told why in these words, and sent nothing.
#[track_caller]
fn refused(answer: &Answer, words: &[&str]) {
    assert_eq!(
        (answer.code, answer.outcome, answer.attempts),
        (code::LP_ERR_TLS, NOT_SENT, 1),
        "{answer:?}"
    );
    for word in words {
        assert!(answer.message.contains(word), "no {word}: {answer:?}");
    }
    assert!(
        answer.detail.as_ref().is_some_and(|d| !d.is_empty()),
        "{answer:?}"
    );
}
