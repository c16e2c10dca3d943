//! A TLS server on loopback, and certificates made for it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::{
    ProtocolVersion, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::server::{read_request, respond, Server, ACCEPTED};
use super::tools::scratch;
use super::wait::until;

/// A certification authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate and its key.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn parameters(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).expect("names for a certificate")
}

impl Authority {
    /// An authority with a unique name.
    pub fn new() -> Authority {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::SeqCst);
        Authority::named(&format!("Authority {number}"))
    }

    pub fn named(name: &str) -> Authority {
        let mut parameters = parameters(&[]);
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(parameters, key).expect("a root certificate"))
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn der(&self) -> &[u8] {
        self.0.der()
    }

    /// Issues a certificate for names and IP addresses.
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.issue_valid(names, 2020, 4000)
    }

    /// Issues a certificate that is valid from 1 January of year `from` to 1 January of year `to`.
    pub fn issue_valid(&self, names: &[&str], from: i32, to: i32) -> Identity {
        let mut parameters = parameters(names);
        parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.0).expect("a certificate");
        Identity::of(certificate.der().clone(), &key)
    }
}

impl Identity {
    fn of(certificate: CertificateDer<'static>, key: &KeyPair) -> Identity {
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Identity { certificate, key }
    }

    /// Returns a self-signed certificate and its PEM. `authority`: whether it states that it may
    /// sign others, like the certificates of `openssl req -x509`.
    pub fn self_signed(names: &[&str], authority: bool) -> (Identity, String) {
        let mut parameters = parameters(names);
        if authority {
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        (
            Identity::of(certificate.der().clone(), &key),
            certificate.pem(),
        )
    }

    /// Returns a server's settings with these versions of TLS.
    pub fn config(self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate], self.key)
            .expect("a certificate and its key");
        Arc::new(config)
    }
}

/// Writes a PEM file for this test, and returns its path.
pub fn pem_file(name: &str, content: impl AsRef<[u8]>) -> String {
    let path = scratch("pem").join(format!("{name}.pem"));
    std::fs::write(&path, content).expect("a file can be written");
    text(&path)
}

pub fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// A server's observations of its clients.
#[derive(Default)]
struct Seen {
    handshakes: AtomicUsize,
    /// The number of encrypted bytes received.
    bytes: AtomicUsize,
    ended: AtomicUsize,
    requests: Mutex<Vec<String>>,
    versions: Mutex<Vec<ProtocolVersion>>,
}

/// A server that accepts every request over a TLS connection.
pub struct TlsServer {
    server: Server,
    seen: Arc<Seen>,
}

impl TlsServer {
    pub fn start(identity: Identity) -> TlsServer {
        TlsServer::speaking(identity, rustls::ALL_VERSIONS)
    }

    pub fn speaking(
        identity: Identity,
        versions: &[&'static SupportedProtocolVersion],
    ) -> TlsServer {
        let config = identity.config(versions);
        let seen = Arc::new(Seen::default());
        let of_server = Arc::clone(&seen);
        let server = Server::start(move |stream, _| {
            serve(stream, &config, &seen);
            seen.ended.fetch_add(1, Ordering::SeqCst);
        });
        TlsServer {
            server,
            seen: of_server,
        }
    }

    /// Returns the URL with an IP address.
    pub fn url(&self) -> String {
        self.url_of("127.0.0.1")
    }

    pub fn url_of(&self, host: &str) -> String {
        format!("https://{host}:{}", self.server.address().port())
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    pub fn handshakes(&self) -> usize {
        self.seen.handshakes.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// Returns the version of each handshake.
    pub fn versions(&self) -> Vec<ProtocolVersion> {
        self.seen.versions.lock().unwrap().clone()
    }

    /// Waits until `connections` connections have ended, and returns the number of bytes received
    /// over them.
    pub fn bytes_after(&self, connections: usize) -> usize {
        until("the connections have ended", || {
            self.seen.ended.load(Ordering::SeqCst) == connections
        });
        self.seen.bytes.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, config: &Arc<ServerConfig>, seen: &Seen) {
    let Some(tls) = accept(stream, config) else {
        return;
    };
    seen.handshakes.fetch_add(1, Ordering::SeqCst);
    let version = tls.conn.protocol_version().expect("a handshake is done");
    seen.versions.lock().unwrap().push(version);
    let mut counted = Counted(tls, seen);
    while let Some(request) = read_request(&mut counted) {
        seen.requests.lock().unwrap().push(request);
        let answered = counted.0.write_all(&respond("200 OK", ACCEPTED));
        if answered.is_err() {
            return;
        }
    }
}

/// Returns the server's side of a TLS connection, if the handshake succeeds.
pub fn accept(
    mut stream: TcpStream,
    config: &Arc<ServerConfig>,
) -> Option<StreamOwned<ServerConnection, TcpStream>> {
    let mut connection = ServerConnection::new(Arc::clone(config)).expect("settings of a server");
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).ok()?;
    }
    Some(StreamOwned::new(connection, stream))
}

struct Counted<'a>(StreamOwned<ServerConnection, TcpStream>, &'a Seen);

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.0.read(buffer)?;
        self.1.bytes.fetch_add(bytes, Ordering::SeqCst);
        Ok(bytes)
    }
}
