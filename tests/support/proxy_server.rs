//! An HTTP proxy on loopback that supports CONNECT.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;

use super::server::{read_request, Server};
use super::tls_server;

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// The proxy's reaction to a CONNECT.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Connects to the requested port, on this machine regardless of the host.
    Tunnel,
    /// The same, after this answer.
    TunnelAfter(&'static str),
    /// Answers with this, and closes.
    Answer(&'static str),
    /// Sends nothing, and keeps the connection.
    Silence,
    /// Closes without an answer.
    HangUp,
}

pub struct ProxyServer {
    server: Server,
    heads: Arc<Mutex<Vec<String>>>,
    scheme: &'static str,
}

impl ProxyServer {
    pub fn start(manner: Manner) -> ProxyServer {
        ProxyServer::of("http", manner, Some)
    }

    /// A proxy that clients connect to over TLS.
    pub fn over_tls(config: Arc<ServerConfig>) -> ProxyServer {
        ProxyServer::of("https", Manner::Tunnel, move |stream| {
            tls_server::accept(stream, &config)
        })
    }

    fn of<S: Read + Write>(
        scheme: &'static str,
        manner: Manner,
        accept: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> ProxyServer {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let server = Server::start(move |stream, _| {
            let socket = stream.try_clone().expect("a second handle");
            let Some(mut client) = accept(stream) else {
                return;
            };
            let Some(head) = read_request(&mut client) else {
                return;
            };
            seen.lock().unwrap().push(head.clone());
            let _ = match manner {
                Manner::Tunnel => tunnel(&head, ESTABLISHED, &mut client, &socket),
                Manner::TunnelAfter(answer) => tunnel(&head, answer, &mut client, &socket),
                Manner::Answer(answer) => client.write_all(answer.as_bytes()),
                Manner::Silence => client.read(&mut [0]).map(drop),
                Manner::HangUp => Ok(()),
            };
            let _ = socket.shutdown(std::net::Shutdown::Both);
        });
        ProxyServer {
            server,
            heads,
            scheme,
        }
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address())
    }

    /// Returns the URL with these credentials before the host.
    pub fn url_for(&self, credentials: &str) -> String {
        format!("{}://{credentials}@{}", self.scheme, self.address())
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// Returns the heads that it received.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn tunnel(
    head: &str,
    answer: &str,
    client: &mut (impl Read + Write),
    socket: &TcpStream,
) -> io::Result<()> {
    let port = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split_once(' '))
        .and_then(|(target, _)| target.rsplit_once(':'))
        .and_then(|(_, port)| port.parse::<u16>().ok())
        .ok_or(ErrorKind::InvalidData)?;
    let mut target = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(answer.as_bytes())?;
    // One thread for both directions, because a TLS connection cannot be split.
    for side in [socket, &target] {
        side.set_read_timeout(Some(Duration::from_millis(2)))?;
    }
    loop {
        if !pass(client, &mut target)? || !pass(&mut target, client)? {
            return Ok(());
        }
    }
}

/// Forwards the available bytes. Returns false at the end of the input.
fn pass(from: &mut impl Read, to: &mut impl Write) -> io::Result<bool> {
    let mut bytes = [0; 16 * 1024];
    match from.read(&mut bytes) {
        Ok(0) => Ok(false),
        Ok(read) => to
            .write_all(&bytes[..read])
            .and_then(|()| to.flush())
            .map(|()| true),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(true)
        }
        Err(error) => Err(error),
    }
}
