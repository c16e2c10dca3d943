//! A keep-alive server that does as little as possible, so that the benchmarks measure its clients.
//!
//! `lifepay-bench-server FOLDER` listens on two ports of loopback, with TLS and without, writes
//! `ca.pem` into the folder, prints both ports, and serves until its standard input ends.
//!
//! Below `/cloud-print/` it requires exactly the bytes of `request.json`, so that all programs send
//! the same. Below `/outbox/` it accepts any body. `POST /hold` holds back all answers from then
//! on; `POST /release` sends them.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::{env, fs, thread};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::PrivatePkcs8KeyDer;

/// The request of every program, without trailing white space.
const REQUEST: &str = include_str!("../../request.json");
const ACCEPTED: &str =
    r#"{"code":0,"message":"","data":{"uuid":"dabe3833-43ff-5e5c-a45e-9cff664503fd"}}"#;
const OTHER_BYTES: &str = r#"{"code":400,"message":"other bytes than request.json"}"#;

/// Whether answers are held back.
#[derive(Default)]
struct Gate {
    is_shut: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn shut(&self, shut: bool) {
        *self.is_shut.lock().unwrap_or_else(PoisonError::into_inner) = shut;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let is_shut = self.is_shut.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_while(is_shut, |is_shut| *is_shut));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = env::args_os()
        .nth(1)
        .ok_or("usage: lifepay-bench-server FOLDER")?;
    let config = Arc::new(tls(Path::new(&folder))?);
    let gate = Arc::new(Gate::default());

    let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let encrypted = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!(
        "{} {}",
        plain.local_addr()?.port(),
        encrypted.local_addr()?.port()
    );

    let gate_of_plain = Arc::clone(&gate);
    thread::spawn(move || {
        accept(&plain, move |stream| {
            let gate = Arc::clone(&gate_of_plain);
            thread::spawn(move || serve(stream, &gate));
        });
    });
    thread::spawn(move || {
        accept(&encrypted, move |stream| {
            let gate = Arc::clone(&gate);
            let Ok(connection) = ServerConnection::new(Arc::clone(&config)) else {
                return;
            };
            thread::spawn(move || serve(StreamOwned::new(connection, stream), &gate));
        });
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn accept(listener: &TcpListener, serve: impl Fn(TcpStream)) {
    for stream in listener.incoming().flatten() {
        if stream.set_nodelay(true).is_ok() {
            serve(stream);
        }
    }
}

/// Makes a certificate for loopback. The root that signed it is written to `ca.pem`.
fn tls(folder: &Path) -> Result<ServerConfig, Box<dyn std::error::Error>> {
    let mut root = CertificateParams::new([])?;
    root.distinguished_name
        .push(DnType::CommonName, "lifepay benches");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
    fs::write(folder.join("ca.pem"), root.pem())?;
    let key = KeyPair::generate()?;
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &root)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())?;
    Ok(config)
}

/// Answers the requests of a connection until it ends.
fn serve(mut stream: impl Read + Write, gate: &Gate) {
    let mut received = Vec::with_capacity(16 * 1024);
    let mut buffer = [0; 16 * 1024];
    loop {
        let Some((head, length)) = request(&received) else {
            match stream.read(&mut buffer) {
                Ok(bytes) if bytes > 0 => received.extend_from_slice(&buffer[..bytes]),
                _ => return,
            }
            continue;
        };
        let answer = answer(&received[..head], &received[head..head + length], gate);
        if stream.write_all(answer.as_bytes()).is_err() || stream.flush().is_err() {
            return;
        }
        received.drain(..head + length);
    }
}

/// Returns the lengths of head and body of the request at the beginning of `received`, once it is
/// complete.
fn request(received: &[u8]) -> Option<(usize, usize)> {
    let head = received.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let length = received[..head]
        .split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok()?.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse().ok())
        .unwrap_or(0);
    (received.len() >= head + length).then_some((head, length))
}

fn answer(head: &[u8], body: &[u8], gate: &Gate) -> String {
    let is_for = |path: &[u8]| {
        head.strip_prefix(b"POST ")
            .is_some_and(|h| h.starts_with(path))
    };
    let text = if is_for(b"/hold ") {
        gate.shut(true);
        "{}"
    } else if is_for(b"/release ") {
        gate.shut(false);
        "{}"
    } else if is_for(b"/outbox/") || body == REQUEST.trim_end().as_bytes() {
        gate.pass();
        ACCEPTED
    } else {
        OTHER_BYTES
    };
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
}
