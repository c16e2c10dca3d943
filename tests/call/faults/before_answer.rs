//! The rows in which no part of an answer is read: lookup, connection, proxy, TLS, sending.

use super::table::{anything, Means, Place, Table};
use super::told::{accepted, network, timeout, tls, Takes};
use super::FAULTS;
use crate::support::constants::{NOT_SENT, UNKNOWN};
use crate::support::fault_server::{Hears, Step};

pub fn resolving(table: &mut Table) {
    let mut add =
        |fault, how, brings, told| table.add("resolve", fault, how, Place::Name(brings), told);
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
        Place::Refused(Means::Http),
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

/// The proxy's answer to CONNECT.
pub fn proxied(table: &mut Table) {
    let place = Place::Refused(Means::Proxy);
    table.add(
        "proxy",
        "refused",
        "nothing listens",
        place,
        network(NOT_SENT),
    );
    for fault in &FAULTS[1..] {
        let (how, steps) = anything(fault);
        let told = match *fault {
            "silence" | "a byte a second" => timeout(Takes::Connect),
            // An interim answer is no answer; any 2xx says that the tunnel stands, and then nothing comes.
            "1xx" | "204" => timeout(Takes::Connect),
            // Connected, says the proxy with 200; then it is no TLS.
            "wrong length" | "chunked nonsense" | "HTML with 200" | "gzip not asked for"
            | "body of 1 GiB" => tls(),
            _ => network(NOT_SENT),
        };
        table.add(
            "proxy",
            fault,
            how,
            Place::Strikes(Means::Proxy, Hears::Request, steps),
            told,
        );
    }
}

/// In the place of the server's part of the handshake.
pub fn before_tls(table: &mut Table) {
    for fault in &FAULTS[1..] {
        let (how, steps) = anything(fault);
        let told = match *fault {
            "silence" => timeout(Takes::Connect),
            _ => tls(),
        };
        let place = Place::Strikes(Means::BeforeTls, Hears::Something, steps);
        table.add("tls", fault, how, place, told);
    }
}

/// While the request is still being sent: no more than its beginning is read.
pub fn sending(table: &mut Table) {
    for fault in &FAULTS[1..] {
        let (how, steps) = match *fault {
            "a byte a second" => ("a byte of it is read each second", vec![Step::Sip]),
            other => anything(other),
        };
        let told = match *fault {
            "reset" | "half a reply" | "HTTP/1.0" => network(UNKNOWN),
            _ => timeout(Takes::Whole),
        };
        // Some of it is read: without that a reset could come before the first byte of it.
        let place = Place::Strikes(Means::Http, Hears::Something, steps);
        table.add("send", fault, how, place, told);
    }
}
