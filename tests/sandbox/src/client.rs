//! The sandbox's own requests: notifications and replays.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    ring, verify_tls12_signature, verify_tls13_signature, WebPkiSupportedAlgorithms,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_rustls::TlsConnector;

/// The time limit for a connection and for an answer.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// A connection over which a request can be sent.
pub(crate) struct Client {
    sender: SendRequest<Body>,
    host: HeaderValue,
}

/// The server that a URL names.
struct Target {
    secure: bool,
    /// Without the brackets of an IPv6 address.
    name: String,
    port: u16,
    /// The host and port, as in the URL.
    host: HeaderValue,
}

impl Target {
    fn of(url: &Uri) -> Option<Target> {
        let (secure, port) = match url.scheme_str()? {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return None,
        };
        let host = url.host()?;
        let port = url.port_u16().unwrap_or(port);
        Some(Target {
            secure,
            name: host.trim_matches(['[', ']']).to_owned(),
            port,
            host: format!("{host}:{port}").parse().ok()?,
        })
    }
}

impl Client {
    /// # Errors
    /// The reason why there is no connection, for display.
    pub(crate) async fn connect(url: &Uri) -> Result<Client, String> {
        let target =
            Target::of(url).ok_or("это не адрес: нужен http://узел:порт/путь или https://")?;
        match tokio::time::timeout(LIMIT, Client::connected(target)).await {
            Ok(client) => client,
            Err(_) => Err(format!("нет соединения за {} с", LIMIT.as_secs())),
        }
    }

    async fn connected(target: Target) -> Result<Client, String> {
        let stream = TcpStream::connect((&target.name[..], target.port)).await;
        let stream = stream.map_err(|error| unreachable(&error))?;
        let sender = if target.secure {
            begin(secured(stream, &target.name).await?).await
        } else {
            begin(stream).await
        };
        let host = target.host;
        Ok(Client {
            sender: sender.map_err(unanswered)?,
            host,
        })
    }

    /// Sends a request. Its URI must be a path without scheme and host.
    ///
    /// # Errors
    /// The reason why there is no answer, for display.
    pub(crate) async fn send(
        mut self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, String> {
        request.headers_mut().insert(HOST, self.host);
        self.sender.send_request(request).await.map_err(unanswered)
    }
}

async fn begin(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> hyper::Result<SendRequest<Body>> {
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // The task ends when the sender is dropped. Its errors are also reported by the sender.
    tokio::spawn(connection);
    Ok(sender)
}

async fn secured(
    stream: TcpStream,
    name: &str,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = AnyCertificate(provider.signature_verification_algorithms);
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .expect("ring supports these versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let name = match name.parse::<IpAddr>() {
        Ok(address) => ServerName::from(address),
        Err(_) => {
            ServerName::try_from(name.to_owned()).map_err(|_| "имя узла неверно".to_owned())?
        }
    };
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    stream.map_err(|error| format!("TLS не установлен ({error})"))
}

/// Accepts every certificate: a till under test usually has a self-signed one, and the sandbox
/// sends no third party's secrets.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// Returns the reason why there is no connection, with the system's own text.
fn unreachable(error: &io::Error) -> String {
    let text = match error.kind() {
        ErrorKind::ConnectionRefused => "соединение не принято: там никто не слушает этот порт",
        ErrorKind::ConnectionReset => "соединение сброшено",
        ErrorKind::TimedOut => "соединение не установлено вовремя",
        _ => "соединиться не удалось: проверьте узел и порт",
    };
    format!("{text} ({error})")
}

fn unanswered(error: hyper::Error) -> String {
    let text = if error.is_parse() {
        "ответ — не HTTP"
    } else {
        "соединение закрыто без ответа"
    };
    format!("{text} ({error})")
}
