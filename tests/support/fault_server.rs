//! A server that fails as a test specifies, byte for byte, until the test ends the fault.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::{Domain, SockRef, Socket, Type};

use super::server::{read_request, respond};
use super::tls_server;

/// The input that the server reads before the fault begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hears {
    Nothing,
    /// The first bytes, such as a ClientHello.
    Something,
    /// A head, and the body it announces.
    Request,
}

/// A step of the fault.
#[derive(Clone)]
pub enum Step {
    Write(Vec<u8>),
    /// A byte a second.
    Trickle(Vec<u8>),
    /// The same bytes repeatedly, until this many bytes have been written.
    Flood(&'static [u8], u64),
    /// Reads a byte a second.
    Sip,
    /// Nothing, until the client leaves.
    Silence,
    Close,
    Reset,
}

/// The protocol of the server without the fault.
#[derive(Clone)]
pub enum Speaks {
    Http,
    Https(Arc<ServerConfig>),
    /// A proxy that connects every client to this server's own HTTPS.
    Proxy(Arc<ServerConfig>),
}

/// The fault and when it begins.
#[derive(Clone)]
pub struct Fault {
    pub hears: Hears,
    pub steps: Vec<Step>,
    /// The fault begins inside TLS; otherwise on the plain connection.
    pub inside_tls: bool,
}

struct Shared {
    fault: Fault,
    speaks: Speaks,
    recovered: AtomicBool,
    stop: AtomicBool,
    written: AtomicU64,
}

/// The uuid in the answers after the end of the fault. No other answer has it.
pub const RECOVERED: &str = "0e37df36-f698-11e6-8dd4-cb9ced3df976";

/// A server on this machine, or a port that refuses connections until the end of the fault.
pub struct FaultServer {
    socket: Socket,
    address: SocketAddr,
    shared: Arc<Shared>,
}

trait Wire: Read + Write {
    fn socket(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }
}

impl FaultServer {
    /// A port on which nothing listens yet.
    pub fn refusing(speaks: Speaks) -> FaultServer {
        FaultServer::new(speaks, Hears::Nothing, Vec::new(), false)
    }

    /// A port whose queue is full, so that the system drops connection requests. Returns the
    /// connections that fill it too.
    pub fn unaccepting(speaks: Speaks) -> (FaultServer, Vec<TcpStream>) {
        let server = FaultServer::refusing(speaks);
        server.socket.listen(0).expect("listen");
        let mut waiting = Vec::new();
        let patience = Duration::from_millis(100);
        while let Ok(stream) = TcpStream::connect_timeout(&server.address, patience) {
            waiting.push(stream);
            assert!(waiting.len() < 100, "this system's queue has no end");
        }
        (server, waiting)
    }

    pub fn start(speaks: Speaks, fault: Fault) -> FaultServer {
        let server = FaultServer::new(speaks, fault.hears, fault.steps, fault.inside_tls);
        server.open();
        server
    }

    fn new(speaks: Speaks, hears: Hears, steps: Vec<Step>, inside_tls: bool) -> FaultServer {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        // Small, so that a request soon fills it.
        socket.set_recv_buffer_size(4096).expect("a buffer");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("a free port");
        let address = socket.local_addr().expect("an address");
        FaultServer {
            socket,
            address: address.as_socket().expect("an IP address"),
            shared: Arc::new(Shared {
                fault: Fault {
                    hears,
                    steps,
                    inside_tls,
                },
                speaks,
                recovered: AtomicBool::new(false),
                stop: AtomicBool::new(false),
                written: AtomicU64::new(0),
            }),
        }
    }

    /// Begins to accept connections.
    fn open(&self) {
        self.socket.listen(64).expect("listen");
        let listener: TcpListener = self.socket.try_clone().expect("a second handle").into();
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
    }

    /// Ends the fault.
    pub fn recover(&self) {
        let opened = !self.shared.fault.steps.is_empty();
        self.shared.recovered.store(true, Ordering::SeqCst);
        if !opened {
            self.open();
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many bytes of the fault the system has accepted.
    pub fn written(&self) -> u64 {
        self.shared.written.load(Ordering::SeqCst)
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_millis(100));
    }
}

impl Shared {
    fn recovered(&self) -> bool {
        self.recovered.load(Ordering::SeqCst)
    }

    fn is_over(&self) -> bool {
        self.recovered() || self.stop.load(Ordering::SeqCst)
    }

    fn serve(&self, mut stream: TcpStream) {
        // A reset would discard the bytes that Nagle's algorithm holds back.
        let _ = stream.set_nodelay(true);
        if !self.recovered() && !self.fault.inside_tls {
            if self.fail(&mut stream).is_none() {
                return;
            }
            if let Speaks::Http = self.speaks {
                self.answer(&mut stream);
            }
            return;
        }
        match &self.speaks {
            Speaks::Http => self.answer(&mut stream),
            Speaks::Https(config) => self.encrypted(stream, config),
            Speaks::Proxy(config) => {
                let connected = b"HTTP/1.1 200 Connection established\r\n\r\n";
                if read_request(&mut stream).is_some() && stream.write_all(connected).is_ok() {
                    self.encrypted(stream, config);
                }
            }
        }
    }

    fn encrypted(&self, stream: TcpStream, config: &Arc<ServerConfig>) {
        let Some(mut stream) = tls_server::accept(stream, config) else {
            return;
        };
        if self.recovered() || self.fail(&mut stream).is_some() {
            self.answer(&mut stream);
        }
    }

    fn answer(&self, stream: &mut impl Wire) {
        let body = format!(r#"{{"code":0,"message":"","data":{{"uuid":"{RECOVERED}"}}}}"#);
        while read_request(stream).is_some() {
            if !self.recovered() || stream.write_all(&respond("200 OK", &body)).is_err() {
                return;
            }
        }
    }

    /// Returns None if the connection has ended.
    fn fail(&self, stream: &mut impl Wire) -> Option<()> {
        match self.fault.hears {
            Hears::Nothing => {}
            Hears::Something => {
                if stream.read(&mut [0; 4096]).ok()? == 0 {
                    return None;
                }
            }
            Hears::Request => {
                read_request(stream)?;
            }
        }
        for step in &self.fault.steps {
            match step {
                Step::Write(bytes) => self.write(stream, bytes)?,
                Step::Trickle(bytes) => {
                    for byte in bytes {
                        self.write(stream, &[*byte])?;
                        std::thread::sleep(Duration::from_secs(1));
                    }
                }
                Step::Flood(bytes, most) => {
                    let end = self.written.load(Ordering::SeqCst) + most;
                    while self.written.load(Ordering::SeqCst) < end {
                        self.write(stream, bytes)?;
                    }
                }
                Step::Sip => {
                    while stream.read(&mut [0]).ok()? > 0 && !self.is_over() {
                        std::thread::sleep(Duration::from_secs(1));
                    }
                    return None;
                }
                Step::Silence => {
                    // Unread input fills the buffer and blocks the sender.
                    while self.fault.hears != Hears::Request && !self.is_over() {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    while stream.read(&mut [0; 4096]).ok()? > 0 {}
                    return None;
                }
                Step::Close => return None,
                Step::Reset => {
                    let at_once = Some(Duration::ZERO);
                    let _ = SockRef::from(stream.socket()).set_linger(at_once);
                    return None;
                }
            }
        }
        Some(())
    }

    fn write(&self, stream: &mut impl Wire, bytes: &[u8]) -> Option<()> {
        stream.write_all(bytes).and_then(|()| stream.flush()).ok()?;
        self.written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        Some(())
    }
}
