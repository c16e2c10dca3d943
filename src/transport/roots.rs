//! Trusted roots: the choice of roots, and the `ca_file`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::CertificateDer;

use crate::fault::WrongCaFile;
use crate::process::lock::lock;
use crate::state;

/// How long a file is used without a check for changes.
const FRESH: Duration = Duration::from_secs(1);

/// Which roots are trusted. The numbers are the values of `lp_config.trust`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Roots {
    /// Mozilla's, which are compiled in, and the system's. Tills have outdated system certificates, and
    /// antivirus programs that inspect TLS add a root to the system's store.
    Both = 0,
    Bundled = 1,
    System = 2,
}

impl Roots {
    pub fn from_number(number: i32) -> Option<Roots> {
        let all = [Roots::Both, Roots::Bundled, Roots::System];
        all.into_iter().find(|roots| *roots as i32 == number)
    }
}

/// A PEM file of additional roots, and its contents.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CaFile(Arc<Contents>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Contents {
    path: PathBuf,
    stamp: Stamp,
    certificates: Vec<CertificateDer<'static>>,
}

/// A file as it was when it was last checked.
#[derive(Clone)]
pub struct Looked {
    file: CaFile,
    at: Instant,
}

/// The metadata that change when a file is written to or replaced.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Device, inode, and when the inode last changed.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Result<Stamp, WrongCaFile> {
        let found = fs::metadata(path).map_err(unreadable)?;
        if !found.is_file() {
            return Err(WrongCaFile::NotAFile);
        }
        Ok(Stamp {
            modified: found.modified().ok(),
            length: found.len(),
            #[cfg(unix)]
            inode: inode(&found),
        })
    }
}

#[cfg(unix)]
fn inode(found: &fs::Metadata) -> (u64, u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino(), found.ctime(), found.ctime_nsec())
}

fn unreadable(error: std::io::Error) -> WrongCaFile {
    WrongCaFile::Unreadable(error.to_string())
}

impl CaFile {
    /// Reads the file if it has changed since it was last read. The file is checked at most once a
    /// second.
    ///
    /// # Errors
    ///
    /// The reason why the file cannot be used.
    pub fn read(path: &Path) -> Result<CaFile, WrongCaFile> {
        let files = &state::current().transport.ca_files;
        let known = lock(files).find(|looked| looked.file.is_at(path));
        let known = match known {
            Some(looked) if looked.at.elapsed() < FRESH => return Ok(looked.file),
            known => known.map(|looked| looked.file),
        };
        let at = Instant::now();
        let stamp = Stamp::of(path)?;
        let file = match known.filter(|known| known.0.stamp == stamp) {
            Some(known) => known,
            None => CaFile(Arc::new(Contents {
                path: path.to_owned(),
                stamp,
                certificates: certificates(path)?,
            })),
        };
        let mut files = lock(files);
        files.remove(|looked| looked.file.is_at(path));
        files.add(Looked {
            file: file.clone(),
            at,
        });
        Ok(file)
    }

    /// Makes the next read check the file at once. Called after a server was refused, so that a
    /// corrected file takes effect immediately.
    pub fn doubt(&self) {
        let files = &state::current().transport.ca_files;
        lock(files).remove(|looked| looked.file.is_at(&self.0.path));
    }

    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0.certificates
    }

    fn is_at(&self, path: &Path) -> bool {
        // Not compared as paths, which is slower: it compares component by component.
        self.0.path.as_os_str() == path.as_os_str()
    }

    /// Reads the file again if it has changed. If it can no longer be read, the old contents are kept.
    pub fn renew(&mut self) {
        if let Ok(file) = CaFile::read(&self.0.path) {
            *self = file;
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, WrongCaFile> {
    let pem = fs::read(path).map_err(unreadable)?;
    // Notepad writes a byte order mark, which hides the first certificate.
    let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&pem);
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| WrongCaFile::NotPem(error.to_string()))?;
    if certificates.is_empty() {
        return Err(WrongCaFile::Empty);
    }
    let (usable, _) = RootCertStore::empty().add_parsable_certificates(certificates.clone());
    match usable {
        0 => Err(WrongCaFile::Unusable),
        _ => Ok(certificates),
    }
}
