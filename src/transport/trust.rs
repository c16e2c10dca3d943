//! Whom TLS trusts: the roots, loaded into rustls.
//!
//! Nothing here asks a system service at the time of a handshake: such a service may fetch
//! certificates or revocation lists from the network, outside of any time limit of ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use once_cell::race::OnceBox;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::verify;
use crate::crypto;
use crate::error::Failure;
use crate::panic;
use crate::process::PerProcess;

/// How many files are kept as they were read.
const MOST_CA_FILES: usize = 8;

/// Which roots are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Roots {
    /// Mozilla's, compiled in, and the system's: tills have stale certificates, and antivirus
    /// programs that inspect TLS put their own into the system's store.
    Both,
    Bundled,
    System,
}

/// A PEM file of further roots, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CaFile {
    path: PathBuf,
    stamp: Stamp,
    certificates: Arc<Vec<CertificateDer<'static>>>,
}

/// What changes when a file is written to, or another one takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Device, inode and time of the last change, with its nanoseconds: `cp -p` sets the time above
    /// to that of the original.
    #[cfg(unix)]
    system: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Result<Stamp, String> {
        let found = fs::metadata(path).map_err(|error| format!("файл не открывается: {error}"))?;
        if !found.is_file() {
            return Err("это не файл".to_owned());
        }
        Ok(Stamp {
            modified: found.modified().ok(),
            length: found.len(),
            #[cfg(unix)]
            system: {
                use std::os::unix::fs::MetadataExt;
                let changed = (found.ctime(), found.ctime_nsec());
                (found.dev(), found.ino(), changed.0, changed.1)
            },
        })
    }
}

impl CaFile {
    /// Reads the file, unless it is as it was when it was last read.
    ///
    /// # Errors
    ///
    /// Why it cannot be used.
    pub fn read(path: &Path) -> Result<CaFile, String> {
        static READ: PerProcess<Mutex<Vec<CaFile>>> = PerProcess::new();
        let stamp = Stamp::of(path)?;
        let known = READ.get(|_| Mutex::default());
        let known = || known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = known()
            .iter()
            .find(|file| file.path == path && file.stamp == stamp)
        {
            return Ok(file.clone());
        }
        let certificates = Arc::new(certificates(path)?);
        let file = CaFile {
            path: path.to_owned(),
            stamp,
            certificates,
        };
        let mut known = known();
        known.retain(|known| known.path != path);
        known.truncate(MOST_CA_FILES - 1);
        known.insert(0, file.clone());
        Ok(file)
    }

    /// Reads it again if it has changed. What can no longer be read stays as it was.
    pub fn renew(&mut self) {
        if let Ok(file) = CaFile::read(&self.path) {
            *self = file;
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = fs::read(path).map_err(|error| format!("файл не открывается: {error}"))?;
    // Notepad begins a file with a byte order mark, which hides the first certificate.
    let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&pem);
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("не читается как PEM: {error}"))?;
    if certificates.is_empty() {
        return Err("в файле нет ни одного сертификата PEM".to_owned());
    }
    let (usable, _) = RootCertStore::empty().add_parsable_certificates(certificates.clone());
    if usable == 0 {
        return Err("ни один сертификат в файле не пригоден".to_owned());
    }
    Ok(certificates)
}

/// A client's TLS settings with these roots: TLS 1.2 and 1.3, certificates always verified.
///
/// # Errors
///
/// [`Failure::Tls`] if there is no root at all.
pub fn client_config(roots: Roots, ca_file: Option<&CaFile>) -> Result<Arc<ClientConfig>, Failure> {
    let mut store = RootCertStore::empty();
    if roots != Roots::System {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if roots == Roots::System {
        add_systems(&mut store);
    }
    if let Some(file) = ca_file {
        store.add_parsable_certificates(file.certificates.iter().cloned());
    }
    if store.is_empty() {
        return Err(Failure::tls(
            "В системе не найдено ни одного корневого сертификата.",
            "no root certificates",
        ));
    }
    let internal = |error: &dyn std::error::Error| Failure::Internal(error.to_string());
    let config = ClientConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| internal(&error))?;
    let verifier = Verifier::new(store, roots == Roots::Both).map_err(|error| internal(&error))?;
    // rustls calls every verifier dangerous that is not its own; this one decides nothing itself.
    let config = config
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(Arc::new(config.with_no_client_auth()))
}

fn add_systems(store: &mut RootCertStore) {
    // On Windows it panics at a certificate that the system cannot tell about.
    let Ok(system) = panic::catch(rustls_native_certs::load_native_certs) else {
        log::warn!("the system's certificates cannot be read");
        return;
    };
    for error in &system.errors {
        log::warn!("the system's certificates: {error}");
    }
    let (added, ignored) = store.add_parsable_certificates(system.certs);
    log::debug!("the system's certificates: {added} taken, {ignored} unusable");
}

/// webpki's judgement by some roots, and where they do not do, by the system's too if they count.
#[derive(Debug)]
struct Verifier {
    first: Arc<WebPkiServerVerifier>,
    systems: Option<SystemsLast>,
}

/// Some roots and the system's, which are read only when the others do not do: reading them takes
/// four times as long as all the rest of a process's first call.
#[derive(Debug)]
struct SystemsLast {
    roots: RootCertStore,
    /// With the system's roots too. Two threads may make it at once: making it is logged, which
    /// calls the host, and nobody waits for that under a lock.
    all: OnceBox<Arc<WebPkiServerVerifier>>,
}

impl SystemsLast {
    fn all(&self) -> Result<&WebPkiServerVerifier, VerifierBuilderError> {
        let make = || {
            let mut roots = self.roots.clone();
            add_systems(&mut roots);
            webpki(roots).map(Box::new)
        };
        self.all.get_or_try_init(make).map(|all| &**all)
    }
}

fn webpki(roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>, VerifierBuilderError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto::provider()).build()
}

impl Verifier {
    fn new(roots: RootCertStore, with_systems: bool) -> Result<Verifier, VerifierBuilderError> {
        let systems = with_systems.then(|| SystemsLast {
            roots: roots.clone(),
            all: OnceBox::new(),
        });
        Ok(Verifier {
            first: webpki(roots)?,
            systems,
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let verified = verify(&self.first);
        // Whatever the reason: the verdict, and its wording, is that of all roots together.
        let verified = verified.or_else(|why| match self.systems.as_ref().map(SystemsLast::all) {
            None => Err(why),
            Some(Ok(all)) => verify(all),
            Some(Err(error)) => Err(rustls::Error::General(error.to_string())),
        });
        verified.map_err(|why| verify::refused(why, end_entity))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.first
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.first
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.first.supported_verify_schemes()
    }
}
