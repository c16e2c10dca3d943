//! The rows in which the request has arrived: faults in the first byte, the headers and the body.

use super::expected::{accepted, http, network, reply, timeout, Expected, Takes};
use super::table::{head, write, Table, GIB, GZIP, HTML};
use super::FAULTS;
use crate::support::constants::UNKNOWN;
use crate::support::fault_server::Step;
use crate::support::respond;
use crate::support::server::ACCEPTED;

/// Faults in the status line or before it.
pub fn first_byte(table: &mut Table) {
    let phase = "first byte";
    let mut add = |fault: &'static str, how: &str, steps: &[Step], expected: fn() -> Expected| {
        table.exchange(phase, fault, how, steps, expected);
    };
    for fault in &FAULTS[1..] {
        match *fault {
            "reset" => add(fault, "RST", &[Step::Reset], || network(UNKNOWN)),
            "silence" => add(fault, "nothing is sent", &[Step::Silence], || {
                timeout(Takes::Whole)
            }),
            "a byte a second" => {
                let slow = [
                    Step::Trickle(b"HTTP/1.1 200 OK\r\n".to_vec()),
                    Step::Silence,
                ];
                add(fault, "the status line", &slow, || timeout(Takes::Whole));
            }
            "half a reply" => {
                add(fault, "closed at once", &[Step::Close], || network(UNKNOWN));
                let within = [write("HTTP/1.1 2"), Step::Close];
                add(fault, "closed within the status line", &within, || {
                    network(UNKNOWN)
                });
            }
            "HTTP/1.0" => {
                let old = format!("HTTP/1.0 200 OK\r\n\r\n{ACCEPTED}");
                add(
                    fault,
                    "200, then closed",
                    &[write(old), Step::Close],
                    accepted,
                );
                let oldest = [write(ACCEPTED), Step::Close];
                add(fault, "0.9: no status line at all", &oldest, reply);
            }
            "1xx" => {
                let steps = [
                    head("100 Continue", &[], ""),
                    Step::Write(respond("200 OK", ACCEPTED)),
                ];
                add(fault, "100, then 200", &steps, accepted);
                let steps = [head("101 Switching Protocols", &[], ""), Step::Silence];
                add(fault, "101, then nothing", &steps, || http(101));
                let steps = [head("100 Continue", &[], ""), Step::Silence];
                add(fault, "100, then nothing", &steps, || timeout(Takes::Whole));
            }
            "204" => add(fault, "no headers", &[head("204 X", &[], "")], || http(204)),
            "3xx" => {
                let steps = [head("302 X", &["Content-Length: 0"], "")];
                add(fault, "302 without Location", &steps, || http(302));
            }
            "4xx" => {
                let steps = [head("400 X", &["Content-Length: 0"], "")];
                add(fault, "400", &steps, || http(400));
            }
            "5xx" => {
                let steps = [head("500 X", &["Content-Length: 0"], "")];
                add(fault, "500", &steps, || http(500));
                let steps = [head("599 X", &["Content-Length: 0"], "")];
                add(fault, "599", &steps, || http(599));
                let steps = [head("999 X", &["Content-Length: 0"], "")];
                add(fault, "999, which is no status", &steps, || http(999));
            }
            "HTML with 200" => {
                add(
                    fault,
                    "no status line before it",
                    &[write(HTML), Step::Close],
                    reply,
                );
            }
            "gzip not asked for" => {
                add(
                    fault,
                    "no status line before it",
                    &[write(GZIP), Step::Close],
                    reply,
                );
            }
            "headers of 1 MiB" => {
                let steps = [
                    write("HTTP/1.1 200 "),
                    Step::Flood(&[b'a'; 4096], 1 << 20),
                    write("\r\n\r\n"),
                    Step::Silence,
                ];
                add(fault, "a reason phrase", &steps, reply);
            }
            "body of 1 GiB" => {
                let steps = [Step::Flood(&[b'a'; 4096], GIB), Step::Silence];
                add(fault, "no line end", &steps, reply);
            }
            _ => {}
        }
    }
}

pub fn headers(table: &mut Table) {
    let phase = "headers";
    let begun = || write("HTTP/1.1 200 OK\r\nContent-Type: app");
    let length = format!("Content-Length: {}", ACCEPTED.len());
    let mut add = |fault: &'static str, how: &str, steps: &[Step], expected: fn() -> Expected| {
        table.exchange(phase, fault, how, steps, expected);
    };
    add("reset", "RST", &[begun(), Step::Reset], || network(UNKNOWN));
    add("silence", "nothing more", &[begun(), Step::Silence], || {
        timeout(Takes::Whole)
    });
    add(
        "a byte a second",
        "a header",
        &[begun(), Step::Trickle(b"lication/json\r\n".to_vec())],
        || timeout(Takes::Whole),
    );
    add(
        "half a reply",
        "closed within a header",
        &[begun(), Step::Close],
        || network(UNKNOWN),
    );
    for wrong in ["-1", "many", "99999999999999999999999"] {
        let wrong = format!("Content-Length: {wrong}");
        let steps = [head("200 OK", &[&wrong], ACCEPTED), Step::Close];
        add("wrong length", &wrong, &steps, reply);
    }
    let two = [
        head("200 OK", &["Content-Length: 3", &length], ACCEPTED),
        Step::Close,
    ];
    add("wrong length", "two that differ", &two, reply);
    let unknown = [
        head("200 OK", &["Transfer-Encoding: banana"], ACCEPTED),
        Step::Close,
    ];
    add(
        "chunked nonsense",
        "Transfer-Encoding: banana",
        &unknown,
        accepted,
    );
    let steps = [
        head("200 OK", &["Transfer-Encoding: chunked", &length], ""),
        write(format!("{:x}\r\n{ACCEPTED}\r\n0\r\n\r\n", ACCEPTED.len())),
    ];
    add("chunked nonsense", "chunked and a length", &steps, accepted);
    let old = format!("HTTP/1.0 200 OK\n{length}\n\n{ACCEPTED}");
    add("HTTP/1.0", "bare line feeds", &[write(old)], accepted);
    let early = [
        head("103 Early Hints", &["Link: </a>; rel=preload"], ""),
        Step::Write(respond("200 OK", ACCEPTED)),
    ];
    add("1xx", "103 with headers, then 200", &early, accepted);
    let steps = [head("204 X", &["Content-Length: 5"], "")];
    add("204", "a length, no body", &steps, || http(204));
    let steps = [head("301 X", &["Location: ::", "Content-Length: 0"], "")];
    add("3xx", "301 to nonsense", &steps, || http(301));
    let steps = [head(
        "429 X",
        &["Retry-After: 120", "Content-Length: 0"],
        "",
    )];
    add("4xx", "429 with Retry-After", &steps, || {
        http(429).pause(120_000)
    });
    let date = [
        "Date: Wed, 21 Oct 2015 07:28:00 GMT",
        "Retry-After: Wed, 21 Oct 2015 07:33:00 GMT",
        "Content-Length: 0",
    ];
    let steps = [head("503 X", &date, "")];
    add("5xx", "503 until a date", &steps, || {
        http(503).pause(300_000)
    });
    let steps = [head(
        "503 X",
        &["Retry-After: soon", "Content-Length: 0"],
        "",
    )];
    add("5xx", "503 with nonsense", &steps, || http(503));
    let html = [head(
        "200 OK",
        &["Content-Type: text/html", &length],
        ACCEPTED,
    )];
    add("HTML with 200", "declared, but it is JSON", &html, accepted);
    let gzip = [head(
        "200 OK",
        &["Content-Encoding: gzip", &length],
        ACCEPTED,
    )];
    add(
        "gzip not asked for",
        "declared, but it is JSON",
        &gzip,
        accepted,
    );
    let one = [
        write("HTTP/1.1 200 OK\r\nX-Large: "),
        Step::Flood(&[b'a'; 4096], 1 << 20),
        write("\r\nContent-Length: 0\r\n\r\n"),
        Step::Silence,
    ];
    add("headers of 1 MiB", "one", &one, reply);
    let many = [
        write("HTTP/1.1 200 OK\r\n"),
        Step::Flood(b"X-Small: aaaaaaaaaaaaaaaaaaaaaaa\r\n", 1 << 20),
        write("Content-Length: 0\r\n\r\n"),
        Step::Silence,
    ];
    add("headers of 1 MiB", "many", &many, reply);
    let endless = [
        write("HTTP/1.1 200 OK\r\n"),
        Step::Flood(b"X-Small: aaaaaaaaaaaaaaaaaaaaaaa\r\n", GIB),
        Step::Silence,
    ];
    add("body of 1 GiB", "of headers", &endless, reply);
}

pub fn bodies(table: &mut Table) {
    let phase = "body";
    let (first, rest) = ACCEPTED.split_at(ACCEPTED.len() / 2);
    let length = format!("Content-Length: {}", ACCEPTED.len());
    let whole = ["Content-Type: application/json", &length];
    let chunked = ["Transfer-Encoding: chunked"];
    let begun = || head("200 OK", &whole, first);
    let mut add = |fault: &'static str, how: &str, steps: &[Step], expected: fn() -> Expected| {
        table.exchange(phase, fault, how, steps, expected);
    };
    let cut = || reply().status(200);
    add("reset", "RST", &[begun(), Step::Reset], cut);
    add("silence", "nothing more", &[begun(), Step::Silence], || {
        timeout(Takes::Whole).status(200)
    });
    let slow = [begun(), Step::Trickle(rest.as_bytes().to_vec())];
    add("a byte a second", "the rest", &slow, || {
        timeout(Takes::Whole).status(200)
    });
    add("half a reply", "closed", &[begun(), Step::Close], cut);
    let short = [
        head("200 OK", &["Content-Length: 9"], ACCEPTED),
        Step::Silence,
    ];
    add("wrong length", "shorter than the body", &short, cut);
    let long = [
        head("200 OK", &["Content-Length: 999"], ACCEPTED),
        Step::Close,
    ];
    add("wrong length", "longer than the body", &long, cut);
    let twice = [head("200 OK", &whole, &format!("{ACCEPTED}{ACCEPTED}"))];
    add("wrong length", "the answer twice", &twice, accepted);
    for (how, body) in [
        ("no number", "zz\r\n{}\r\n0\r\n\r\n".to_owned()),
        ("beyond 64 bits", "fffffffffffffffff\r\n{}\r\n".to_owned()),
        ("negative", "-1\r\n{}\r\n0\r\n\r\n".to_owned()),
        (
            "no line end",
            format!("{:x}\r\n{ACCEPTED}0\r\n\r\n", ACCEPTED.len()),
        ),
        (
            "no last chunk",
            format!("{:x}\r\n{ACCEPTED}\r\n", ACCEPTED.len()),
        ),
    ] {
        let steps = [head("200 OK", &chunked, &body), Step::Close];
        add("chunked nonsense", how, &steps, cut);
    }
    let old = format!("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n{ACCEPTED}");
    add(
        "HTTP/1.0",
        "until it is closed",
        &[write(old), Step::Close],
        accepted,
    );
    let hundred = [head("100 Continue", &[], ""), head("200 OK", &chunked, "")];
    let body = [write(format!(
        "{:x}\r\n{ACCEPTED}\r\n0\r\n\r\n",
        ACCEPTED.len()
    ))];
    add(
        "1xx",
        "100, then 200 in chunks",
        &[&hundred[..], &body].concat(),
        accepted,
    );
    let steps = [head("204 X", &whole, ACCEPTED)];
    add("204", "with LifePay's JSON", &steps, || http(204));
    let page = format!("Content-Length: {}", HTML.len());
    let steps = [head("302 X", &["Location: /login", &page], HTML)];
    add("3xx", "302 with a page", &steps, || http(302));
    let steps = [head("404 X", &["Content-Length: 999"], HTML), Step::Close];
    add("4xx", "404, closed within the page", &steps, || http(404));
    let steps = [head("502 X", &whole, ACCEPTED)];
    add("5xx", "502 with LifePay's JSON", &steps, || http(502));
    let steps = [
        head("500 X", &[], ""),
        Step::Flood(&[b' '; 4096], GIB),
        Step::Silence,
    ];
    add("5xx", "500 with 1 GiB", &steps, || http(500));
    let steps = [Step::Write(respond("200 OK", HTML))];
    add("HTML with 200", "a portal's page", &steps, cut);
    let compressed = format!("Content-Length: {}", GZIP.len());
    let steps = [
        head("200 OK", &["Content-Encoding: gzip", &compressed], ""),
        write(GZIP),
    ];
    add("gzip not asked for", "compressed", &steps, cut);
    let trailers = [
        head("200 OK", &chunked, ""),
        write(format!("{:x}\r\n{ACCEPTED}\r\n0\r\nX: ", ACCEPTED.len())),
        Step::Flood(&[b'a'; 4096], 1 << 20),
        write("\r\n\r\n"),
        Step::Silence,
    ];
    add("headers of 1 MiB", "trailers", &trailers, cut);
    let known = [
        head("200 OK", &["Content-Length: 1073741824"], ""),
        Step::Flood(&[b' '; 4096], GIB),
    ];
    add("body of 1 GiB", "with its length", &known, cut);
    let steps = [
        head("200 OK", &chunked, "40000000\r\n"),
        Step::Flood(&[b' '; 4096], GIB),
    ];
    add("body of 1 GiB", "one chunk", &steps, cut);
    let small = b"20\r\n                                \r\n";
    let steps = [head("200 OK", &chunked, ""), Step::Flood(small, GIB)];
    add("body of 1 GiB", "chunks of 32 bytes", &steps, cut);
    let steps = [head("200 OK", &[], ""), Step::Flood(&[b'{'; 4096], GIB)];
    add("body of 1 GiB", "until it is closed, all {", &steps, cut);
}
