//! HTTPS with certificates that are created on demand. An authority, either made for one run or
//! kept in a folder, signs a certificate for each connection with the name and the address that the
//! client requests, so that it matches every name of the machine.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::rustls::{self, AlertDescription, Error, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_rustls::LazyConfigAcceptor;

use crate::switch::Certificate;

const LIMIT: Duration = Duration::from_secs(10);
/// The maximum number of certificates in memory, which limits a client that keeps requesting new
/// names.
const REMEMBERED: usize = 64;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Browsers and some libraries refuse certificates that are valid for longer.
const VALID: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The validity of a kept authority, which is installed on tills once.
const VALID_KEPT: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The name of a kept authority.
const KEPT: &str = "lifepay-sandbox, kept";

type Wanted = (Certificate, IpAddr, Option<String>);

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate.
    pem: String,
    made: Mutex<HashMap<Wanted, Arc<ServerConfig>>>,
}

/// A failed handshake.
pub(crate) struct Failed {
    pub(crate) server_name: Option<String>,
    pub(crate) error: String,
}

/// Returns the reason why a handshake failed, and what to do.
fn reason(error: &io::Error) -> &'static str {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(Error::AlertReceived(AlertDescription::UnknownCA)) => {
            "касса не доверяет сертификату: укажите ей ca.pem этого запуска"
        }
        // The authority has the same name but another key.
        Some(Error::AlertReceived(AlertDescription::DecryptError)) => {
            "у кассы ca.pem прошлого запуска: укажите ей ca.pem этого запуска"
        }
        Some(Error::AlertReceived(AlertDescription::CertificateExpired)) => {
            "касса считает сертификат просроченным: если это не переключатель, проверьте её часы"
        }
        Some(Error::AlertReceived(
            AlertDescription::BadCertificate | AlertDescription::CertificateUnknown,
        )) => "касса отклонила сертификат: проверьте, что ей указан ca.pem этого запуска и верное имя сервера",
        Some(Error::AlertReceived(_)) => "касса прервала рукопожатие",
        Some(Error::PeerIncompatible(_)) => "касса не знает нужного TLS: 1.2 или новее",
        Some(Error::InvalidMessage(_) | Error::InappropriateMessage { .. }) => "это не TLS",
        Some(_) => "рукопожатие не удалось",
        None => "касса закрыла соединение посреди рукопожатия: так отклоняют сертификат без объяснений",
    }
}

impl Authority {
    /// Makes an authority for this run only.
    pub(crate) fn new() -> io::Result<Authority> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        Authority::signed(parameters("lifepay-sandbox, made for one run", VALID), key)
    }

    /// Returns the authority that is kept in a folder, as ca.pem and ca.key. Creates it if it does
    /// not exist.
    ///
    /// # Errors
    /// The folder or the files in it cannot be used.
    pub(crate) fn kept(folder: &Path) -> io::Result<Authority> {
        let (certificate, key) = (folder.join("ca.pem"), folder.join("ca.key"));
        if !certificate.exists() && !key.exists() {
            fs::create_dir_all(folder).map_err(|error| at(folder, error))?;
            let pair = KeyPair::generate().map_err(io::Error::other)?;
            write_secret(&key, &pair.serialize_pem()).map_err(|error| at(&key, error))?;
            let made = Authority::signed(parameters(KEPT, VALID_KEPT), pair)?;
            fs::write(&certificate, &made.pem).map_err(|error| at(&certificate, error))?;
            return Ok(made);
        }
        read(&certificate, &key).map_err(|error| {
            let text = format!("удостоверяющий центр не читается ({error}): удалите ca.pem и ca.key, песочница сделает новые");
            at(folder, io::Error::other(text))
        })
    }

    fn signed(parameters: CertificateParams, key: KeyPair) -> io::Result<Authority> {
        let certificate = parameters.self_signed(&key).map_err(io::Error::other)?;
        Ok(Authority {
            issuer: Issuer::new(parameters, key),
            pem: certificate.pem(),
            made: Mutex::default(),
        })
    }

    /// Returns the authority's certificate, which a client has to trust.
    pub(crate) fn pem(&self) -> String {
        self.pem.clone()
    }

    /// Performs the server's side of a handshake with this certificate.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        certificate: Certificate,
    ) -> Result<TlsStream<TcpStream>, Failed> {
        let mut server_name = None;
        let handshake = self.handshake(stream, certificate, &mut server_name);
        let error = match tokio::time::timeout(LIMIT, handshake).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => format!("{} ({error})", reason(&error)),
            Err(_) => format!("рукопожатие не закончилось за {} с", LIMIT.as_secs()),
        };
        Err(Failed { server_name, error })
    }

    async fn handshake(
        &self,
        stream: TcpStream,
        certificate: Certificate,
        server_name: &mut Option<String>,
    ) -> io::Result<TlsStream<TcpStream>> {
        let address = stream.local_addr()?.ip();
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        *server_name = start.client_hello().server_name().map(str::to_owned);
        let config = self.config((certificate, address, server_name.clone()))?;
        start.into_stream(config).await
    }

    fn config(&self, wanted: Wanted) -> io::Result<Arc<ServerConfig>> {
        let mut made = self.made.lock().unwrap();
        if let Some(config) = made.get(&wanted) {
            return Ok(Arc::clone(config));
        }
        if made.len() >= REMEMBERED {
            made.clear();
        }
        let config = Arc::new(self.make(&wanted).map_err(io::Error::other)?);
        made.insert(wanted, Arc::clone(&config));
        Ok(config)
    }

    fn make(
        &self,
        (certificate, address, name): &Wanted,
    ) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
        let mut names = match certificate {
            Certificate::WrongName => vec!["another-server.invalid".to_owned()],
            _ => vec!["localhost".to_owned(), address.to_canonical().to_string()],
        };
        if *certificate != Certificate::WrongName {
            names.extend(name.clone().filter(|name| name != "localhost"));
        }
        let mut parameters = CertificateParams::new(names)?;
        let now = SystemTime::now();
        let (from, to) = match certificate {
            Certificate::Expired => (now - 3 * DAY, now - 2 * DAY),
            _ => (now - DAY, now + VALID),
        };
        parameters.not_before = from.into();
        parameters.not_after = to.into();
        let key = KeyPair::generate()?;
        let signed = parameters.signed_by(&key, &self.issuer)?;
        Ok(server_config(signed.der().clone(), &key)?)
    }
}

fn parameters(name: &str, valid: Duration) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let now = SystemTime::now();
    parameters.not_before = (now - DAY).into();
    parameters.not_after = (now + valid).into();
    parameters
}

fn read(
    certificate: &Path,
    key: &Path,
) -> Result<Authority, Box<dyn std::error::Error + Send + Sync>> {
    let pem = fs::read_to_string(certificate)?;
    let key = KeyPair::from_pem(&fs::read_to_string(key)?)?;
    let der = CertificateDer::from_pem_slice(pem.as_bytes())?;
    // Certificates that it signs name KEPT as their issuer.
    if !der.windows(KEPT.len()).any(|text| text == KEPT.as_bytes()) {
        return Err("ca.pem сделан не песочницей".into());
    }
    // This fails if the key does not belong to the certificate.
    server_config(der, &key)?;
    Ok(Authority {
        issuer: Issuer::new(parameters(KEPT, VALID_KEPT), key),
        pem,
        made: Mutex::default(),
    })
}

fn server_config(
    certificate: CertificateDer<'static>,
    key: &KeyPair,
) -> Result<ServerConfig, Error> {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
}

fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Writes a file that only its owner may read, if the system supports that.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
