//! A raw socket server that sends the bytes of a test unchanged.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// Accepts connections, and passes each, with its number from 0, to a function on a separate
/// thread. When dropped, stops accepting and closes the connections. They are not closed when the
/// function returns; for that, it must call shutdown.
pub struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Server {
    pub fn start(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let accepted = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let open = Arc::new(Mutex::new(Vec::new()));
        let serve = Arc::new(serve);
        let server = Server {
            address,
            accepted: accepted.clone(),
            stop: stop.clone(),
            open: open.clone(),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.expect("accept");
                let number = accepted.fetch_add(1, Ordering::SeqCst);
                open.lock()
                    .unwrap()
                    .push(stream.try_clone().expect("a second handle"));
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(stream, number));
            }
        });
        server
    }

    /// Answers every request on every connection with the same bytes.
    pub fn always(answer: impl Into<Vec<u8>>) -> Server {
        let answer = answer.into();
        Server::start(move |mut stream, _| {
            while read_request(&mut stream).is_some() {
                if stream.write_all(&answer).is_err() {
                    return;
                }
            }
        })
    }

    /// Returns a port on which nothing will ever listen, because it stays reserved.
    pub fn nowhere() -> String {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        socket.bind(&any.into()).expect("a free port");
        let address = socket.local_addr().expect("an address").as_socket();
        std::mem::forget(socket);
        format!("http://{}", address.expect("of the internet"))
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of connections.
    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Reads the head and the body of the next request. Returns None at the end of the connection.
pub fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).expect("a head in ASCII");
    let length: usize = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(str::to_owned)
        })
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).expect("a body in UTF-8"))
}

/// Returns an HTTP answer with a Content-Length.
pub fn respond(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The successful answer on LifePay's page.
pub const ACCEPTED: &str =
    r#"{"code":0,"message":"","data":{"uuid":"dabe3833-43ff-5e5c-a45e-9cff664503fd"}}"#;

/// Returns a server that accepts every document with any path, and the requests that it receives.
pub fn recorder() -> (Server, Receiver<String>) {
    let (sender, requests) = channel();
    let sender = Mutex::new(sender);
    let server = Server::start(move |mut stream: TcpStream, _| {
        while let Some(request) = read_request(&mut stream) {
            let _ = sender.lock().unwrap().send(request);
            let _ = stream.write_all(&respond("200 OK", ACCEPTED));
        }
    });
    (server, requests)
}

/// Returns the first line of a request, without the version, and its body.
pub fn path_and_body(request: &str) -> (&str, &str) {
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let (first, _) = head.split_once(" HTTP/1.1\r\n").expect("its first line");
    (first.strip_prefix("POST ").expect("a POST"), body)
}
