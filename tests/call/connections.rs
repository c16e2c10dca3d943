//! Connections: they are kept, replaced when they are stale, and limited in number.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use lifepay::ffi as code;

use crate::support::constants::{ANSWERED, UNKNOWN};
use crate::support::server::ACCEPTED;
use crate::support::tls_server::{accept as accept_tls, pem_file, Authority};
use crate::support::wait::until;
use crate::support::{child, read_request, respond, Answer, Call, Server};

/// A server's reaction to a request.
pub(crate) enum Then {
    Answer(Vec<u8>),
    /// Answers, waits at the barrier, sends the other bytes, and waits at the barrier again.
    AnswerAndMore(Vec<u8>, Arc<Barrier>, Vec<u8>),
    /// Closes after these bytes, which may be none.
    Close(Vec<u8>),
    /// Takes this long and closes without an answer.
    CloseAfter(Duration),
    /// Closes so that the client gets an error instead of the end of the stream.
    Reset,
}

pub(crate) fn accept() -> Then {
    Then::Answer(respond("200 OK", ACCEPTED))
}

/// A server that alone holds its sockets, so that dropping one closes the connection.
pub(crate) struct Script {
    pub url: String,
    seen: Arc<Mutex<Vec<(usize, String)>>>,
    open: Arc<AtomicUsize>,
}

impl Script {
    /// `then` gets the numbers of a connection and of a request on it, both counted from 0.
    pub fn new(then: impl Fn(usize, usize) -> Then + Send + Sync + 'static) -> Script {
        Script::with(usize::MAX, then)
    }

    /// Stops listening after `most` connections.
    pub fn with(
        most: usize,
        then: impl Fn(usize, usize) -> Then + Send + Sync + 'static,
    ) -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let open = Arc::new(AtomicUsize::new(0));
        let script = Script {
            url,
            seen: Arc::clone(&seen),
            open: Arc::clone(&open),
        };
        let then = Arc::new(then);
        std::thread::spawn(move || {
            for number in 0..most {
                let Ok((stream, _)) = listener.accept() else {
                    return;
                };
                if number + 1 == most {
                    // The port refuses connections before the last one is served.
                    drop(listener);
                    return serve(stream, number, &*then, &seen, &open);
                }
                let (then, seen, open) = (then.clone(), seen.clone(), open.clone());
                std::thread::spawn(move || serve(stream, number, &*then, &seen, &open));
            }
        });
        script
    }

    pub fn send(&self, ext_id: &str) -> Answer {
        Call::to(&self.url).ext_id(ext_id).send()
    }

    /// Returns the connection and the ext_id of each request.
    pub fn seen(&self) -> Vec<(usize, String)> {
        let seen = self.seen.lock().unwrap();
        let ext_id = |request: &str| {
            let (_, rest) = request.split_once(r#""ext_id":""#).expect("an ext_id");
            rest.split_once('"').expect("its end").0.to_owned()
        };
        seen.iter().map(|(n, text)| (*n, ext_id(text))).collect()
    }

    pub fn request(&self, index: usize) -> String {
        self.seen.lock().unwrap()[index].1.clone()
    }

    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    pub fn wait_until_closed(&self) {
        until("all connections are closed", || self.open() == 0);
    }
}

fn serve(
    mut stream: TcpStream,
    number: usize,
    then: &(dyn Fn(usize, usize) -> Then + Send + Sync),
    seen: &Mutex<Vec<(usize, String)>>,
    open: &AtomicUsize,
) {
    open.fetch_add(1, Ordering::SeqCst);
    let mut index = 0;
    while let Some(request) = read_request(&mut stream) {
        seen.lock().unwrap().push((number, request));
        match then(number, index) {
            Then::Answer(answer) => {
                let _ = stream.write_all(&answer);
            }
            Then::AnswerAndMore(answer, barrier, more) => {
                let _ = stream.write_all(&answer);
                barrier.wait();
                let _ = stream.write_all(&more);
                barrier.wait();
            }
            Then::Close(answer) => {
                let _ = stream.write_all(&answer);
                let _ = stream.shutdown(Shutdown::Both);
                break;
            }
            Then::CloseAfter(time) => {
                std::thread::sleep(time);
                let _ = stream.shutdown(Shutdown::Both);
                break;
            }
            Then::Reset => {
                let at_once = Some(Duration::ZERO);
                let _ = socket2::SockRef::from(&stream).set_linger(at_once);
                break;
            }
        }
        index += 1;
    }
    drop(stream);
    open.fetch_sub(1, Ordering::SeqCst);
}

pub(crate) fn pairs(expected: &[(usize, &str)]) -> Vec<(usize, String)> {
    let owned = |(number, ext_id): &(usize, &str)| (*number, (*ext_id).to_owned());
    expected.iter().map(owned).collect()
}

#[track_caller]
pub(crate) fn accepted(answer: &Answer) {
    assert_eq!(
        (answer.code, answer.outcome, answer.attempts),
        (0, ANSWERED, 1),
        "{answer:?}"
    );
}

#[track_caller]
pub(crate) fn unknown(answer: &Answer, code: i32) {
    assert_eq!(
        (answer.code, answer.outcome, answer.attempts),
        (code, UNKNOWN, 1),
        "{answer:?}"
    );
}

#[test]
fn calls_share_a_connection() {
    let server = Script::new(|_, _| accept());
    for ext_id in ["1", "2", "3"] {
        accepted(&server.send(ext_id));
    }
    assert_eq!(server.seen(), pairs(&[(0, "1"), (0, "2"), (0, "3")]));
}

#[test]
fn calls_to_many_servers_in_turn_keep_a_connection_to_each() {
    // In a separate process: the connections of other tests count, too.
    if child::again(
        module_path!(),
        "calls_to_many_servers_in_turn_keep_a_connection_to_each",
        &[],
    ) {
        return;
    }
    let servers = [(); 20].map(|()| Script::new(|_, _| accept()));
    for ext_id in ["1", "2", "3"] {
        for server in &servers {
            accepted(&server.send(ext_id));
        }
    }
    for server in &servers {
        assert_eq!(server.seen(), pairs(&[(0, "1"), (0, "2"), (0, "3")]));
    }
}

#[test]
fn a_connection_that_was_closed_after_the_answer_is_replaced() {
    let server = Script::new(|_, _| Then::Close(respond("200 OK", ACCEPTED)));
    accepted(&server.send("1"));
    server.wait_until_closed();
    accepted(&server.send("2"));
    assert_eq!(server.seen(), pairs(&[(0, "1"), (1, "2")]));
}

/// The server's timeout for idle connections ends while the request is on its way.
#[test]
fn a_kept_connection_that_is_closed_when_the_request_arrives_is_replaced_in_the_attempt() {
    for reset in [false, true] {
        let server = Script::new(move |number, index| match (number, index) {
            (0, 1) if reset => Then::Reset,
            (0, 1) => Then::Close(Vec::new()),
            _ => accept(),
        });
        accepted(&server.send("1"));
        accepted(&server.send("2"));
        assert_eq!(server.seen(), pairs(&[(0, "1"), (0, "2"), (1, "2")]));
        assert_eq!(server.request(1), server.request(2), "the same bytes");
    }
}

#[test]
fn a_kept_connection_that_is_closed_after_the_connect_limit_is_replaced_in_the_attempt() {
    let server = Script::new(|number, index| match (number, index) {
        (0, 1) => Then::CloseAfter(Duration::from_millis(700)),
        _ => accept(),
    });
    let call = |ext_id| Call::to(&server.url).ext_id(ext_id).limits(500, 10_000);
    accepted(&call("1").send());
    accepted(&call("2").send());
    assert_eq!(server.seen(), pairs(&[(0, "1"), (0, "2"), (1, "2")]));
    // The overall limit covers both connections.
    let server = Script::new(|number, index| match (number, index) {
        (0, 1) => Then::CloseAfter(Duration::from_millis(500)),
        (1, _) => Then::CloseAfter(Duration::from_secs(2)),
        _ => accept(),
    });
    accepted(&server.send("1"));
    let answer = Call::to(&server.url).ext_id("2").limits(5000, 1000).send();
    unknown(&answer, code::LP_ERR_TIMEOUT);
    assert!(answer.took < Duration::from_millis(1400), "{answer:?}");
}

/// TLS ends a connection with a message, close_notify, which is not part of an answer.
#[test]
fn a_kept_tls_connection_that_is_closed_when_the_request_arrives_is_replaced_in_the_attempt() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let authority = Authority::new();
        let config = authority.issue(&["127.0.0.1"]).config(&[version]);
        let server = Server::start(move |stream, number| {
            let socket = stream.try_clone().expect("a second handle");
            let Some(mut tls) = accept_tls(stream, &config) else {
                return;
            };
            let mut index = 0;
            while read_request(&mut tls).is_some() {
                if (number, index) == (0, 1) {
                    tls.conn.send_close_notify();
                    let _ = tls.flush();
                    let _ = socket.shutdown(Shutdown::Both);
                    return;
                }
                let _ = tls.write_all(&respond("200 OK", ACCEPTED));
                index += 1;
            }
        });
        let url = server.url().replace("http:", "https:");
        let ca_file = pem_file(&format!("closed-{:?}", version.version), authority.pem());
        for _ in 0..2 {
            let call = Call::to(&url).text(|c| &mut c.ca_file, &ca_file);
            accepted(&call.send());
        }
        assert_eq!(server.connections(), 2);
    }
}

/// close_notify may be among the bytes read with the answer, or among those that TLS has not read
/// yet: it reads 4,096 bytes at a time.
#[test]
fn a_kept_tls_connection_whose_end_came_with_the_answer_is_not_used_again() {
    for (version, length) in [
        (&rustls::version::TLS12, 500),
        (&rustls::version::TLS13, 500),
        (&rustls::version::TLS12, 4060),
    ] {
        let authority = Authority::new();
        let config = authority.issue(&["127.0.0.1"]).config(&[version]);
        let pad = length - respond("200 OK", ACCEPTED).len() - "Pad: \r\n".len();
        let head = format!("HTTP/1.1 200 OK\r\nPad: {}\r\n", "x".repeat(pad));
        let answer = String::from_utf8(respond("200 OK", ACCEPTED)).unwrap();
        let answer = answer.replacen("HTTP/1.1 200 OK\r\n", &head, 1);
        assert_eq!(answer.len(), length);
        let server = Server::start(move |stream, _| {
            let Some(mut tls) = accept_tls(stream, &config) else {
                return;
            };
            if read_request(&mut tls).is_some() {
                tls.conn.writer().write_all(answer.as_bytes()).unwrap();
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
            // The TCP connection stays open.
        });
        let url = server.url().replace("http:", "https:");
        let name = format!("end-{:?}-{length}", version.version);
        let ca_file = pem_file(&name, authority.pem());
        for _ in 0..3 {
            let call = Call::to(&url).text(|c| &mut c.ca_file, &ca_file);
            accepted(&call.send());
        }
        assert_eq!(server.connections(), 3);
    }
}

#[test]
fn a_new_connection_that_is_closed_without_an_answer_is_not_repeated() {
    for reset in [false, true] {
        let server = Script::new(move |_, _| match reset {
            true => Then::Reset,
            false => Then::Close(Vec::new()),
        });
        unknown(&server.send("1"), code::LP_ERR_NETWORK);
        assert_eq!(server.seen(), pairs(&[(0, "1")]));
    }
}

#[test]
fn a_connection_is_replaced_once_only() {
    let server = Script::new(|number, index| match (number, index) {
        (0, 0) => accept(),
        _ => Then::Close(Vec::new()),
    });
    accepted(&server.send("1"));
    unknown(&server.send("2"), code::LP_ERR_NETWORK);
    assert_eq!(server.seen(), pairs(&[(0, "1"), (0, "2"), (1, "2")]));
}

#[test]
fn a_kept_connection_that_broke_in_the_answer_is_not_replaced() {
    let server = Script::new(|_, index| match index {
        0 => accept(),
        _ => Then::Close(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
    });
    accepted(&server.send("1"));
    let answer = server.send("2");
    assert_eq!(answer.outcome, UNKNOWN, "{answer:?}");
    let codes = [code::LP_ERR_NETWORK, code::LP_ERR_REPLY];
    assert!(codes.contains(&answer.code), "{answer:?}");
    assert_eq!(server.seen(), pairs(&[(0, "1"), (0, "2")]));
}

#[test]
fn a_request_sent_over_a_stale_connection_stays_unknown_if_no_new_one_can_be_made() {
    let server = Script::with(1, |_, index| match index {
        0 => accept(),
        _ => Then::Close(Vec::new()),
    });
    accepted(&server.send("1"));
    unknown(&server.send("2"), code::LP_ERR_NETWORK);
    assert_eq!(server.seen(), pairs(&[(0, "1"), (0, "2")]));
}

#[test]
fn connection_close_is_honoured() {
    let body = format!("Content-Length: {}\r\n\r\n{ACCEPTED}", ACCEPTED.len());
    let server = Script::new(move |_, _| {
        Then::Answer(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{body}").into_bytes())
    });
    accepted(&server.send("1"));
    // The server leaves closing to the client.
    server.wait_until_closed();
    accepted(&server.send("2"));
    assert_eq!(server.seen(), pairs(&[(0, "1"), (1, "2")]));
}

#[test]
fn http_1_0_is_understood_with_a_length_and_without() {
    let bare = format!("HTTP/1.0 200 OK\r\n\r\n{ACCEPTED}");
    let long = String::from_utf8(respond("200 OK", ACCEPTED)).unwrap();
    for answer in [bare, long.replace("HTTP/1.1", "HTTP/1.0")] {
        let server = Script::new(move |_, _| Then::Close(answer.clone().into_bytes()));
        accepted(&server.send("1"));
        server.wait_until_closed();
        accepted(&server.send("2"));
        assert_eq!(server.seen(), pairs(&[(0, "1"), (1, "2")]));
    }
}

/// Otherwise the extra bytes would be taken for the answer to the next request.
#[test]
fn a_connection_with_bytes_after_the_answer_is_not_kept() {
    let other = r#"{"code":0,"message":"","data":{"uuid":"another-one"}}"#;
    let server = Script::new(move |_, _| {
        Then::Answer([respond("200 OK", ACCEPTED), respond("200 OK", other)].concat())
    });
    for ext_id in ["1", "2"] {
        let answer = server.send(ext_id);
        accepted(&answer);
        assert_ne!(answer.uuid.as_deref(), Some("another-one"));
        server.wait_until_closed();
    }
    assert_eq!(server.seen(), pairs(&[(0, "1"), (1, "2")]));
}

#[test]
fn a_connection_on_which_bytes_have_come_since_the_answer_is_replaced() {
    let other = r#"{"code":0,"message":"","data":{"uuid":"another-one"}}"#;
    let barrier = Arc::new(Barrier::new(2));
    let server_barrier = Arc::clone(&barrier);
    let server = Script::new(move |connection, _| match connection {
        0 => {
            let (answer, more) = (respond("200 OK", ACCEPTED), respond("200 OK", other));
            Then::AnswerAndMore(answer, Arc::clone(&server_barrier), more)
        }
        _ => accept(),
    });
    accepted(&server.send("1"));
    barrier.wait();
    barrier.wait();
    let answer = server.send("2");
    accepted(&answer);
    assert_ne!(answer.uuid.as_deref(), Some("another-one"));
    assert_eq!(server.seen(), pairs(&[(0, "1"), (1, "2")]));
}

#[test]
fn many_settings_leave_a_bounded_number_of_connections() {
    // In a separate process: the connections of other tests must be neither closed nor counted.
    if child::again(
        module_path!(),
        "many_settings_leave_a_bounded_number_of_connections",
        &[],
    ) {
        return;
    }
    let server = Script::new(|_, _| accept());
    let pem = Authority::new().pem();
    for number in 0..20 {
        let file = pem_file(&format!("settings-{number}"), &pem);
        let call = Call::to(&server.url).text(|c| &mut c.ca_file, &file);
        accepted(&call.send());
    }
    // Each call had its own connection.
    assert_eq!(server.seen().last().unwrap().0, 19);
    until("old connections are closed", || server.open() <= 10);
    assert!(server.open() > 0, "recent ones are kept");
}

/// Returns a server after that many calls at once, each over a connection of its own.
fn connected_at_once(calls: usize) -> Script {
    let all_connected = Barrier::new(calls);
    let server = Script::new(move |connection, index| {
        if connection < calls && index == 0 {
            all_connected.wait();
        }
        accept()
    });
    std::thread::scope(|scope| {
        for number in 0..calls {
            let server = &server;
            scope.spawn(move || accepted(&server.send(&number.to_string())));
        }
    });
    server
}

#[test]
fn many_calls_at_once_leave_a_bounded_number_of_connections() {
    // In a separate process: the connections of other tests must be neither closed nor counted.
    if child::again(
        module_path!(),
        "many_calls_at_once_leave_a_bounded_number_of_connections",
        &[],
    ) {
        return;
    }
    let (calls, most) = (50, 40);
    let server = connected_at_once(calls);
    assert_eq!(server.seen().len(), calls);
    until("idle connections are closed", || server.open() <= most);
}

#[test]
fn connections_that_were_idle_for_15_seconds_are_closed_by_the_next_call() {
    // In a separate process: the calls of other tests would close them.
    if child::again(
        module_path!(),
        "connections_that_were_idle_for_15_seconds_are_closed_by_the_next_call",
        &[],
    ) {
        return;
    }
    let calls = 3;
    let server = connected_at_once(calls);
    assert_eq!(server.open(), calls);
    std::thread::sleep(Duration::from_secs(16));
    accepted(&server.send("later"));
    assert_eq!(server.seen().last(), Some(&(calls, "later".to_owned())));
    until("the old connections are closed", || server.open() == 1);
}

#[test]
fn a_connection_made_in_place_of_a_closed_one_is_kept() {
    // The first connection is closed when its second request arrives.
    let server = Server::start(|mut stream, number| {
        let mut served = 0;
        while read_request(&mut stream).is_some() {
            if number == 0 && served == 1 {
                stream.shutdown(Shutdown::Both).unwrap();
                return;
            }
            served += 1;
            stream.write_all(&respond("200 OK", ACCEPTED)).unwrap();
        }
    });
    for _ in 0..4 {
        assert_eq!(Call::to(&server.url()).send().code, 0);
    }
    assert_eq!(server.connections(), 2);
}
