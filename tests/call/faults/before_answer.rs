//! The rows in which no part of an answer is read: lookup, connection, proxy, TLS, sending.

use super::expected::{accepted, network, timeout, tls, Takes};
use super::table::{generic_fault, Place, Table, Transport};
use super::FAULTS;
use crate::support::constants::{NOT_SENT, UNKNOWN};
use crate::support::fault_server::{Hears, Step};

pub fn resolving(table: &mut Table) {
    let mut add = |fault, how, answers, expected| {
        table.add("resolve", fault, how, Place::Name(answers), expected);
    };
    add("refused", "no such name", &["fail"], network(NOT_SENT));
    add("silence", "no end", &["hang"], timeout(Takes::Connect));
    let second = accepted().takes(Takes::Late(900));
    add(
        "a byte a second",
        "after a second",
        &["hang", "127.0.0.1"],
        second,
    );
    add(
        "half a reply",
        "a dead address before it",
        &["127.0.0.2 127.0.0.1"],
        accepted(),
    );
}

pub fn connecting(table: &mut Table) {
    let phase = "connect";
    table.add(
        phase,
        "refused",
        "nothing listens",
        Place::Refused(Transport::Http),
        network(NOT_SENT),
    );
    table.add(
        phase,
        "silence",
        "SYN is dropped",
        Place::Full,
        timeout(Takes::Connect),
    );
}

/// Faults in the proxy's answer to CONNECT.
pub fn proxied(table: &mut Table) {
    let place = Place::Refused(Transport::Proxy);
    table.add(
        "proxy",
        "refused",
        "nothing listens",
        place,
        network(NOT_SENT),
    );
    for fault in &FAULTS[1..] {
        let (how, steps) = generic_fault(fault);
        let expected = match *fault {
            "silence" | "a byte a second" => timeout(Takes::Connect),
            // 1xx is only an interim answer. Any 2xx opens the tunnel, and then nothing arrives.
            "1xx" | "204" => timeout(Takes::Connect),
            // The proxy's 200 opens the tunnel, and the bytes after it are not TLS.
            "wrong length" | "chunked nonsense" | "HTML with 200" | "gzip not asked for"
            | "body of 1 GiB" => tls(),
            _ => network(NOT_SENT),
        };
        table.add(
            "proxy",
            fault,
            how,
            Place::Connected(Transport::Proxy, Hears::Request, steps),
            expected,
        );
    }
}

/// Faults in place of the server's part of the handshake.
pub fn before_tls(table: &mut Table) {
    for fault in &FAULTS[1..] {
        let (how, steps) = generic_fault(fault);
        let expected = match *fault {
            "silence" => timeout(Takes::Connect),
            _ => tls(),
        };
        let place = Place::Connected(Transport::BeforeTls, Hears::Something, steps);
        table.add("tls", fault, how, place, expected);
    }
}

/// Faults while the request is being sent: the server reads only its beginning.
pub fn sending(table: &mut Table) {
    for fault in &FAULTS[1..] {
        let (how, steps) = match *fault {
            "a byte a second" => ("a byte of it is read each second", vec![Step::Sip]),
            other => generic_fault(other),
        };
        let expected = match *fault {
            "reset" | "half a reply" | "HTTP/1.0" => network(UNKNOWN),
            _ => timeout(Takes::Whole),
        };
        // The server reads some of it. Otherwise a reset could precede its first byte.
        let place = Place::Connected(Transport::Http, Hears::Something, steps);
        table.add("send", fault, how, place, expected);
    }
}
