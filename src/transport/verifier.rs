//! Verifies the server's certificate.
//!
//! Nothing here calls a system service during a handshake: such a service may fetch certificates or
//! revocation lists from the network, outside the time limit.

use std::sync::Arc;

use once_cell::race::OnceBox;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;

use super::roots::{CaFile, Roots};
use crate::crypto;
use crate::failure::{Failure, Tls};
use crate::process::panic;

/// Makes the TLS settings for these roots: TLS 1.2 and 1.3, certificates always verified.
///
/// # Errors
///
/// [`Failure::Tls`] if there is no root.
pub fn client_config(roots: Roots, ca_file: Option<&CaFile>) -> Result<Arc<ClientConfig>, Failure> {
    let mut store = RootCertStore::empty();
    if roots != Roots::System {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if roots == Roots::System {
        add_systems(&mut store);
    }
    if let Some(file) = ca_file {
        store.add_parsable_certificates(file.certificates().iter().cloned());
    }
    if store.is_empty() {
        return Err(Failure::tls(Tls::NoRoots, "no root certificates"));
    }
    let internal = |error: &dyn std::error::Error| Failure::Internal(error.to_string());
    let config = ClientConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| internal(&error))?;
    let verifier = Verifier::new(store, roots == Roots::Both).map_err(|error| internal(&error))?;
    // rustls calls every custom verifier dangerous. This one only combines webpki verifiers.
    let config = config
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(Arc::new(config.with_no_client_auth()))
}

fn add_systems(store: &mut RootCertStore) {
    // On Windows this panics at a certificate whose details the system cannot report.
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

/// Verifies with webpki and some roots; if that fails and the system's roots are trusted, with those
/// too.
#[derive(Debug)]
struct Verifier {
    first: Arc<WebPkiServerVerifier>,
    systems: Option<SystemsLast>,
}

/// Some roots and the system's. The system's are read only if the others do not verify the server:
/// reading them takes four times as long as the rest of a process's first call.
#[derive(Debug)]
struct SystemsLast {
    roots: RootCertStore,
    /// With the system's roots too. Two threads may make it at the same time: making it is logged, the
    /// log calls the host, and no thread may wait for the host under a lock.
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
    ) -> Result<ServerCertVerified, Error> {
        let verify = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let verified = verify(&self.first);
        // Any error leads to the second check: its result, and its wording, is based on all roots.
        let verified = verified.or_else(|why| match self.systems.as_ref().map(SystemsLast::all) {
            None => Err(why),
            Some(Ok(all)) => verify(all),
            Some(Err(error)) => Err(Error::General(error.to_string())),
        });
        verified.map_err(|why| name_self_signed(why, end_entity))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.first
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.first
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.first.supported_verify_schemes()
    }
}

/// A certificate that is signed only by its owner.
#[derive(Debug, thiserror::Error)]
#[error("self-signed certificate")]
pub struct SelfSigned;

/// webpki does not distinguish a self-signed certificate from one of an unknown issuer.
fn name_self_signed(why: Error, certificate: &CertificateDer<'_>) -> Error {
    let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
    let is_its_own = EndEntityCert::try_from(certificate)
        .is_ok_and(|certificate| certificate.issuer() == certificate.subject());
    match why == unknown && is_its_own {
        true => CertificateError::Other(OtherError(Arc::new(SelfSigned))).into(),
        false => why,
    }
}
