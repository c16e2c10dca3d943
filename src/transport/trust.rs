//! Whom TLS trusts: the roots, loaded into rustls.
//!
//! Nothing here asks a system service at the time of a handshake: such a service may fetch
//! certificates or revocation lists from the network, outside of any time limit of ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::CertificateDer;

use crate::crypto;
use crate::error::Failure;
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

/// What changes when a file is written to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
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
    if roots != Roots::Bundled {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            log::warn!("the system's certificates: {error}");
        }
        let (added, ignored) = store.add_parsable_certificates(system.certs);
        log::debug!("the system's certificates: {added} taken, {ignored} unusable");
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
    let config = ClientConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Internal(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
