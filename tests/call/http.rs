//! HTTP: the form of a request, and the data that may arrive before an answer or instead of it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::Mutex;

use lifepay::ffi as code;

use super::connections::{accept, accepted, pairs, unknown, Script, Then};
use crate::support::constants::NOT_SENT;
use crate::support::server::ACCEPTED;
use crate::support::{read_request, respond, Call, Server};

#[test]
fn head_and_body_leave_in_one_piece() {
    let (sender, pieces) = std::sync::mpsc::channel();
    let sender = Mutex::new(sender);
    let server = Server::start(move |mut stream, _| {
        let mut piece = vec![0; 64 * 1024];
        let read = stream.read(&mut piece).expect("a request");
        piece.truncate(read);
        sender.lock().unwrap().send(piece).unwrap();
        let _ = stream.write_all(&respond("200 OK", ACCEPTED));
        let _ = stream.shutdown(Shutdown::Both);
    });
    let data = "x".repeat(3000);
    // Two pieces may be read as one by chance, but not always.
    for _ in 0..10 {
        accepted(
            &Call::to(&server.url())
                .text(|c| &mut c.callback_data, &data)
                .send(),
        );
        let piece = pieces.recv().unwrap();
        let tail = format!("{data}\"}}");
        assert!(piece.ends_with(tail.as_bytes()), "{} bytes", piece.len());
        assert!(piece.starts_with(b"POST "));
    }
    assert_eq!(server.connections(), 10);
}

#[test]
fn the_user_agent_is_the_librarys_name_and_version() {
    let server = Script::new(|_, _| accept());
    accepted(&server.send("1"));
    let request = server.request(0).to_lowercase();
    let agents: Vec<&str> = request
        .lines()
        .filter_map(|line| line.strip_prefix("user-agent: "))
        .collect();
    assert_eq!(agents, [format!("lifepay/{}", env!("CARGO_PKG_VERSION"))]);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Script::new(|_, _| accept());
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/cloud-print/create-session", elsewhere.url);
        let server = Script::new(move |_, _| {
            let head = format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n");
            Then::Answer(format!("{head}Content-Length: 0\r\n\r\n").into_bytes())
        });
        let answer = server.send("1");
        unknown(&answer, code::LP_ERR_HTTP);
        assert_eq!(answer.http_status, status);
        assert_eq!(server.seen().len(), 1);
    }
    assert_eq!(elsewhere.seen(), []);
}

#[test]
fn interim_answers_are_skipped() {
    for before in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n",
    ] {
        let server = Script::new(move |_, _| {
            Then::Answer([before.as_bytes(), &respond("200 OK", ACCEPTED)].concat())
        });
        let answer = server.send(before.split(' ').nth(1).unwrap());
        accepted(&answer);
        assert_eq!(answer.http_status, 200, "{before}");
    }
}

#[test]
fn an_answer_without_content_is_no_answer_of_lifepays_and_keeps_the_connection() {
    let server = Script::new(|_, index| match index {
        0 => Then::Answer(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        _ => accept(),
    });
    let answer = server.send("1");
    unknown(&answer, code::LP_ERR_HTTP);
    assert_eq!((answer.http_status, answer.reply), (204, None));
    accepted(&server.send("1"));
    assert_eq!(server.seen(), pairs(&[(0, "1"), (0, "1")]));
}

#[test]
fn a_base_url_may_be_of_ip_version_6() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        return eprintln!("skipped: this machine has no IPv6");
    };
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut stream).unwrap();
        stream.write_all(&respond("200 OK", ACCEPTED)).unwrap();
        request
    });
    accepted(&Call::to(&url).send());
    let host = url.replace("http://", "\r\nhost: ");
    assert!(server.join().unwrap().contains(&format!("{host}\r\n")));
}

#[test]
fn a_base_url_that_cannot_be_used_is_an_argument_error() {
    let mut not_refused = Vec::new();
    for base_url in [
        "sapi.life-pay.ru",
        "ftp://127.0.0.1",
        "http://192.0.2.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "http://127.0.0.1@192.0.2.1",
        "https://user:word@127.0.0.1",
        "https://",
        "https://:443",
        "https://[::1",
        "https://127.0.0.1:99999",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "https://127.0.0.1/?a=b",
        "https://127.0.0.1/#a",
        "https://127.0.0.1/a b",
        "https://имя.рф:port",
    ] {
        let answer = Call::to(base_url).limits(500, 500).send();
        let refused =
            (answer.code, answer.outcome, answer.attempts) == (code::LP_ERR_ARGUMENT, NOT_SENT, 0);
        if !refused || answer.fields() != ["base_url"] {
            not_refused.push((base_url, answer.code));
        }
    }
    assert_eq!(not_refused, []);
}
