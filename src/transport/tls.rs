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
use super::verify::SelfSigned;
use crate::error::Failure;

/// A TLS connection whose handshake is done: the server has shown a certificate that is trusted.
///
/// What is to be sent is gathered until an answer is awaited, so that head and body of a request
/// are one record, not two.
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
    /// [`Failure::Tls`] if the server is not trusted, what `transport` says otherwise.
    pub fn connect(
        details: &ConnectionDetails,
        server: &Uri,
        transport: Box<dyn Transport>,
        config: Arc<ClientConfig>,
    ) -> Result<TlsTransport, Error> {
        let host = server.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|error| {
            io::Error::from(Failure::tls("Имя сервера не годится для TLS.", error))
        })?;
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

    /// The server's close_notify may have come with the answer, while the TCP connection stays open.
    fn is_open(&mut self) -> bool {
        let below = self.stream.sock.0.get_mut();
        let state = self.stream.conn.process_new_packets();
        state.is_ok_and(|state| !state.peer_has_closed())
            // Bytes that TLS has not read yet are no answer to the next request either.
            && below.buffers().input().is_empty()
            && below.is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

/// What went wrong before a byte of the request was sent. Afterwards rustls's errors are a
/// connection that broke, and LifePay may have the request.
///
/// A connection that ends in the middle of the handshake is a matter of TLS too: a server that
/// does not speak it, or a firewall that does not let it pass.
fn handshake_failed(error: io::Error) -> io::Error {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    if let Some(reason) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return failure(reason).into();
    }
    match error.kind() {
        UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe => {
            Failure::tls("Сервер прервал установку защищённого соединения.", error).into()
        }
        _ => error,
    }
}

/// What rustls found wrong, for the person at the till.
fn failure(error: &rustls::Error) -> Failure {
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage, PeerIncompatible};
    let what = match error {
        InvalidCertificate(reason) => match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "Срок действия сертификата сервера истёк. Проверьте дату и время на этом компьютере."
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "Сертификат сервера ещё не действует. Проверьте дату и время на этом компьютере."
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "Сертификат выдан другому серверу: запрос перехвачен (портал сети, прокси) или неверен base_url."
            }
            CertificateError::UnknownIssuer => {
                "Сертификат сервера выдан неизвестным центром. Если соединение проверяет антивирус или прокси, укажите его корневой сертификат в ca_file."
            }
            CertificateError::Revoked => "Сертификат сервера отозван.",
            // An antivirus that was installed anew has a new root of the old name.
            CertificateError::BadSignature => {
                "Сертификат сервера подписан не тем ключом, что у корневого с этим именем: обновите ca_file."
            }
            CertificateError::Other(reason) if reason.0.is::<SelfSigned>() => {
                "Сервер сам выдал себе сертификат. Если это ваш сервер или прокси, укажите его сертификат в ca_file; если нет, запрос перехвачен."
            }
            // What `openssl req -x509` makes. rustls passes webpki's reason on as a text only.
            CertificateError::Other(reason) if format!("{reason:?}").contains("CaUsedAsEndEntity") => {
                "Сервер показывает сертификат центра вместо своего: выпустите ему отдельный сертификат (CA:FALSE), а в ca_file укажите сертификат центра."
            }
            _ => "Сертификат сервера не прошёл проверку.",
        },
        // What a server says that has only older versions, or what it chooses.
        AlertReceived(AlertDescription::ProtocolVersion)
        | PeerIncompatible(
            rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13
            | rustls::PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => {
            "Сервер предлагает только устаревший TLS, а нужен TLS 1.2 или 1.3: обновите сервер или прокси по этому адресу."
        }
        InvalidMessage(_) => "По этому адресу отвечает не TLS-сервер.",
        _ => "Сервер и программа не договорились о защите соединения: у сервера нет общих с ней шифров или версий TLS. Обновите сервер или прокси по этому адресу.",
    };
    Failure::tls(what, error)
}
