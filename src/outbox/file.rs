//! The outbox's file in the file system: its location, its permissions, and syncing.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outbox};

/// Creates the file if it does not exist, readable by its owner only. On Windows it gets the folder's
/// permissions, because several accounts may use one till.
///
/// # Errors
///
/// [`Failure::Outbox`] if an outbox cannot be at this path.
pub fn prepare(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::outbox(Outbox::IsFolder, path.display()));
    }
    // A symbolic link may point to another disk.
    let target = fs::canonicalize(path).or_else(|_| fs::canonicalize(folder(path)));
    if is_on_network(target.as_deref().unwrap_or(path)) {
        return Err(Failure::outbox(Outbox::OnNetworkDisk, path.display()));
    }
    // SQLite treats a file of one byte as an empty file.
    if fs::metadata(path).is_ok_and(|found| (1..100).contains(&found.len())) {
        return Err(Failure::outbox(Outbox::Damaged, path.display()));
    }
    create(path)
}

/// Returns the absolute path, because the host may change its working directory. On Unix, symbolic
/// links are resolved.
///
/// # Errors
///
/// [`Failure::Outbox`].
pub fn real(path: &Path) -> Result<PathBuf, Failure> {
    // On Windows, `canonicalize` returns a form of path that not every program understands.
    let real = if cfg!(windows) {
        std::path::absolute(path)
    } else {
        fs::canonicalize(path)
    };
    real.map_err(|error| failed(path, &error))
}

/// Creates a file with the permissions of an outbox's files, unless it exists.
///
/// # Errors
///
/// [`Failure::Outbox`].
pub fn create(path: &Path) -> Result<(), Failure> {
    match new_file().open(path) {
        Ok(_) => {
            sync_folder(path);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Returns device and inode, which distinguish the file from earlier and later files at its path.
#[cfg(unix)]
pub fn identity(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}

/// Windows neither deletes nor replaces a file that SQLite has open.
#[cfg(not(unix))]
pub fn identity(_: &Path) -> io::Result<(u64, u64)> {
    Ok((0, 0))
}

/// Syncs a file to disk, including what other processes have written to it.
///
/// # Errors
///
/// [`Failure::Outbox`].
pub fn sync(path: &Path) -> Result<(), Failure> {
    let synced = OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.sync_all());
    match synced {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Syncs the file's folder, so that a new file's name is on disk and a removed file's name is gone.
/// Where a folder cannot be synced, SQLite requests it when it writes its log.
pub fn sync_folder(path: &Path) {
    if let Ok(folder) = fs::File::open(folder(path)) {
        let _ = folder.sync_all();
    }
}

fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Converts a system error into a failure of the outbox.
fn failed(path: &Path, error: &io::Error) -> Failure {
    let cause = match error.kind() {
        io::ErrorKind::NotFound => Outbox::NoFolder,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Outbox::FolderReadOnly
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Outbox::DiskFull,
        _ => Outbox::Unopenable,
    };
    Failure::outbox(cause, format!("{}: {error}", path.display()))
}

#[cfg(target_os = "linux")]
fn is_on_network(path: &Path) -> bool {
    use nix::sys::statfs::statfs;
    // NFS, SMB, SMB2, CIFS, AFS, Ceph, 9P: from the kernel's list of magic numbers.
    const NETWORKS: [i64; 7] = [
        0x6969,
        0x517b,
        0xfe53_4d42,
        0xff53_4d42,
        0x5346_414f,
        0x00c3_6400,
        0x0102_1997,
    ];
    statfs(path).is_ok_and(|found| {
        // The type's width differs between platforms; the numbers have 32 bits.
        #[allow(clippy::unnecessary_cast)]
        let kind = found.filesystem_type().0 as i64 & 0xffff_ffff;
        NETWORKS.contains(&kind)
    })
}

/// Recognizes `\\server\share`. Only the system knows whether a drive letter is a share.
#[cfg(windows)]
fn is_on_network(path: &Path) -> bool {
    use std::path::{Component, Prefix};
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let first = absolute.components().next();
    matches!(first, Some(Component::Prefix(prefix))
        if matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)))
}

#[cfg(not(any(target_os = "linux", windows)))]
fn is_on_network(_: &Path) -> bool {
    false
}
