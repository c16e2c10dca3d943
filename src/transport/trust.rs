//! Whom TLS trusts: the roots, loaded into rustls.
//!
//! Nothing here asks a system service at the time of a handshake: such a service may fetch
//! certificates or revocation lists from the network, outside of any time limit of ours.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::{ring, CryptoProvider};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::CertificateDer;

use crate::error::Failure;

/// Which roots are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Roots {
    /// Mozilla's, compiled in, and the system's: tills have stale certificates, and antivirus
    /// programs that inspect TLS put their own into the system's store.
    Both,
    Bundled,
    System,
}

/// A PEM file of further roots, as it was when it was looked at: when it changes, so does this.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CaFile {
    path: PathBuf,
    modified: Option<SystemTime>,
    length: u64,
}

impl CaFile {
    /// # Errors
    ///
    /// What the system says when the file cannot be looked at.
    pub fn look_at(path: &Path) -> io::Result<CaFile> {
        let found = std::fs::metadata(path)?;
        if !found.is_file() {
            return Err(io::Error::other("not a file"));
        }
        Ok(CaFile {
            path: path.to_owned(),
            modified: found.modified().ok(),
            length: found.len(),
        })
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Failure> {
        let unusable = |why: String| Failure::argument("ca_file", why);
        let pem = std::fs::read(&self.path)
            .map_err(|error| unusable(format!("файл не открывается: {error}")))?;
        // Notepad begins a file with a byte order mark, which hides the first certificate.
        let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&pem);
        let certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(format!("не читается как PEM: {error}")))?;
        if certificates.is_empty() {
            return Err(unusable("в файле нет ни одного сертификата PEM".to_owned()));
        }
        Ok(certificates)
    }
}

/// The cryptography, one for the process.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: once_cell::race::OnceBox<Arc<CryptoProvider>> =
        once_cell::race::OnceBox::new();
    PROVIDER
        .get_or_init(|| Box::new(Arc::new(ring::default_provider())))
        .clone()
}

/// A client's TLS settings with these roots: TLS 1.2 and 1.3, certificates always verified.
///
/// # Errors
///
/// [`Failure::Argument`] for a `ca_file` that cannot be used, [`Failure::Tls`] if there is no root
/// at all.
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
        let (added, _) = store.add_parsable_certificates(file.certificates()?);
        if added == 0 {
            return Err(Failure::argument(
                "ca_file",
                "ни один сертификат в файле не пригоден",
            ));
        }
    }
    if store.is_empty() {
        return Err(Failure::tls(
            "В системе не найдено ни одного корневого сертификата.",
            "no root certificates",
        ));
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Internal(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
