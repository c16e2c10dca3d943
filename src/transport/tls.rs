//! TLS over any other transport, with rustls.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use ureq::http::Uri;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};
use ureq::Error;

use super::tcp::BUFFER;
use super::verifier::SelfSigned;
use crate::failure::{Failure, Tls};

/// A TLS connection whose handshake is complete: the server's certificate is trusted.
///
/// Output is buffered until the library waits for an answer, so that head and body of a request are one
/// record, not two.
#[derive(Debug)]
pub struct TlsTransport {
    stream: StreamOwned<ClientConnection, Adapter>,
    buffers: LazyBuffers,
    unsent: Vec<u8>,
}

/// ureq's adapter, which lacks only `Debug`.
struct Adapter(TransportAdapter);

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.get_ref().fmt(f)
    }
}

impl Read for Adapter {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Adapter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TlsTransport {
    /// Does the handshake with `server` over `transport`.
    ///
    /// # Errors
    ///
    /// [`Failure::Tls`] if the server is not trusted; otherwise the error of `transport`.
    pub fn connect(
        details: &ConnectionDetails,
        server: &Uri,
        transport: Box<dyn Transport>,
        config: Arc<ClientConfig>,
    ) -> Result<TlsTransport, Error> {
        let host = server.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::from(Failure::tls(Tls::UnusableName, error)))?;
        let mut connection = ClientConnection::new(config, name)
            .map_err(|error| io::Error::from(failure(&error)))?;
        let mut adapter = Adapter(TransportAdapter::new(
            transport,
            details.current_time.clone(),
        ));
        while connection.is_handshaking() {
            connection
                .complete_io(&mut adapter)
                .map_err(handshake_failed)?;
        }
        let stream = StreamOwned::new(connection, adapter);
        Ok(TlsTransport {
            stream,
            buffers: LazyBuffers::new(BUFFER, BUFFER),
            unsent: Vec::new(),
        })
    }

    fn encrypt_unsent(&mut self) -> io::Result<()> {
        if !self.unsent.is_empty() {
            self.stream.write_all(&self.unsent)?;
            self.unsent.clear();
        }
        Ok(())
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        self.unsent
            .extend_from_slice(&self.buffers.output()[..amount]);
        if self.unsent.len() >= BUFFER {
            self.encrypt_unsent()?;
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        self.encrypt_unsent()?;
        let input = self.buffers.input_append_buf();
        let bytes = self.stream.read(input)?;
        self.buffers.input_appended(bytes);
        Ok(bytes > 0)
    }

    /// Also processes buffered input: data that the server sent after its answer, such as its close,
    /// may have arrived with the answer.
    fn is_open(&mut self) -> bool {
        let state = self.stream.conn.process_new_packets();
        let is_closed = state.map_or(true, |state| state.peer_has_closed());
        let transport = self.stream.sock.0.get_mut();
        !is_closed && transport.buffers().input().is_empty() && transport.is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

/// Converts an error of the handshake, before a byte of the request was sent. After the handshake,
/// rustls's errors count as a broken connection, and LifePay may have the request.
///
/// A connection that ends during the handshake is a TLS failure too: the server does not speak TLS, or
/// a firewall blocks it.
fn handshake_failed(error: io::Error) -> io::Error {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    if let Some(reason) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return failure(reason).into();
    }
    match error.kind() {
        UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe => {
            Failure::tls(Tls::Interrupted, error).into()
        }
        _ => error,
    }
}

/// Converts an error of rustls into a failure.
fn failure(error: &rustls::Error) -> Failure {
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage, PeerIncompatible};
    let cause = match error {
        InvalidCertificate(reason) => unverified(reason),
        // A server with only older versions sends this alert, or chooses such a version.
        AlertReceived(AlertDescription::ProtocolVersion)
        | PeerIncompatible(
            rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13
            | rustls::PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => Tls::OldVersion,
        InvalidMessage(_) => Tls::OtherProtocol,
        _ => Tls::NothingInCommon,
    };
    Failure::tls(cause, error)
}

fn unverified(reason: &CertificateError) -> Tls {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Tls::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Tls::NotValidYet
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Tls::WrongName
        }
        CertificateError::UnknownIssuer => Tls::UnknownIssuer,
        CertificateError::Revoked => Tls::Revoked,
        // A reinstalled antivirus program has a new root with the old name.
        CertificateError::BadSignature => Tls::BadSignature,
        CertificateError::Other(other) if other.0.is::<SelfSigned>() => Tls::SelfSigned,
        CertificateError::Other(other) => match other.0.downcast_ref() {
            // `openssl req -x509` makes such a certificate.
            Some(webpki::Error::CaUsedAsEndEntity) => Tls::AuthorityAsServer,
            _ => Tls::Unverified,
        },
        _ => Tls::Unverified,
    }
}
