//! A log file, for tills whose program offers no callback or cannot be changed.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ::log::{Level, LevelFilter};
use chrono::{DateTime, SecondsFormat, TimeZone};

use crate::process::lock::lock;

/// The default size at which a file is rotated, bytes.
const DEFAULT_MAX_BYTES: u32 = 10 * 1024 * 1024;

/// A file that lines are appended to. When it is full, it is renamed to `….old`, replacing the previous
/// one, so a log takes at most twice its limit.
///
/// The file is opened for each line, because it may be moved or deleted at any time, by another process
/// that writes to it or by the person who reads it.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    pub level: LevelFilter,
    max_bytes: u64,
    writing: Mutex<()>,
}

impl LogFile {
    /// # Errors
    ///
    /// The system's error if the file cannot be written.
    pub fn open(path: &Path, level: LevelFilter, max_bytes: u32) -> io::Result<LogFile> {
        let max_bytes = if max_bytes == 0 {
            DEFAULT_MAX_BYTES
        } else {
            max_bytes
        };
        let file = LogFile {
            // The host may change its working directory, as Windows' file dialogs do.
            path: std::path::absolute(path)?,
            level,
            max_bytes: u64::from(max_bytes),
            writing: Mutex::new(()),
        };
        file.append(b"")?;
        Ok(file)
    }

    /// Opens the file in LIFEPAY_LOG, which is `PATH` or `LEVEL,PATH`. The default LEVEL is INFO.
    pub fn from_environment() -> Option<LogFile> {
        let setting = std::env::var("LIFEPAY_LOG").ok()?;
        let (level, path) = parse_setting(&setting)?;
        LogFile::open(Path::new(path), level, 0).ok()
    }

    /// Returns the same file for a forked child, because threads of the parent may be writing now.
    pub fn for_child(&self) -> LogFile {
        let path = self.path.clone();
        LogFile {
            path,
            level: self.level,
            max_bytes: self.max_bytes,
            writing: Mutex::new(()),
        }
    }

    /// Appends a line with the time, the version and the process id. Errors are ignored: a log that
    /// cannot be written must not disturb the till.
    pub fn write(&self, level: Level, message: &str) {
        let now = now();
        let version = env!("CARGO_PKG_VERSION");
        let process = crate::state::process_id();
        let line = format!("{now} lifepay {version} [{process}] {level} {message}\n");
        let _ = self.append(line.as_bytes());
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let _writing = lock(&self.writing);
        let mut file = self.open_to_append()?;
        if file.metadata()?.len() + line.len() as u64 > self.max_bytes && self.rotate(&file) {
            file = self.open_to_append()?;
        }
        // One write, so that lines of several processes do not mix.
        file.write_all(line)
    }

    fn open_to_append(&self) -> io::Result<File> {
        // A pipe without a reader would block the till.
        if fs::metadata(&self.path).is_ok_and(|found| !is_writable_kind(&found)) {
            return Err(io::Error::other("neither a file nor a device"));
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
    }

    /// Renames the file, unless another process has renamed it or is about to: otherwise the other
    /// process's new file would replace the full one. If the rename fails, the file keeps growing,
    /// which is better than losing its lines.
    fn rotate(&self, file: &File) -> bool {
        let Some(_alone) = self.rotate_alone(file) else {
            return false;
        };
        let length = |found: fs::Metadata| found.is_file().then_some(found.len());
        let opened = file.metadata().ok().and_then(length);
        let there = fs::metadata(&self.path).ok().and_then(length);
        if opened.is_none() || opened != there {
            return there.is_some();
        }
        fs::rename(&self.path, self.beside(".old")).is_ok()
    }

    /// Keeps other processes from rotating while the returned value or the open file exists. Returns
    /// None if another process is rotating.
    #[cfg(not(windows))]
    fn rotate_alone(&self, file: &File) -> Option<()> {
        file.try_lock().ok()
    }

    /// As above, without a lock: on Windows, writes of other processes to a locked file fail, and their
    /// lines would be lost. Also, an append-only handle cannot be locked.
    #[cfg(windows)]
    fn rotate_alone(&self, _file: &File) -> Option<File> {
        use std::os::windows::fs::OpenOptionsExt;
        const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
        OpenOptions::new()
            .create(true)
            .write(true)
            .share_mode(0)
            .custom_flags(FILE_FLAG_DELETE_ON_CLOSE)
            .open(self.beside(".rotating"))
            .ok()
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        path.into()
    }
}

#[cfg(unix)]
fn is_writable_kind(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    found.is_file() || found.file_type().is_char_device()
}

#[cfg(not(unix))]
fn is_writable_kind(found: &fs::Metadata) -> bool {
    found.is_file()
}

/// Returns the local time with its offset from UTC.
fn now() -> String {
    struct Ending;
    impl Drop for Ending {
        fn drop(&mut self) {}
    }
    thread_local! {
        static BEGUN: Cell<bool> = const { Cell::new(false) };
        static LIVING: Ending = const { Ending };
    }
    // chrono keeps the time zone in a thread-local and panics once that is destroyed. A host may call
    // while its thread exits. LIVING is created after chrono's thread-local, so it is destroyed first.
    if BEGUN.get() && LIVING.try_with(|_| ()).is_err() {
        return shown(&chrono::Utc::now());
    }
    let now = shown(&chrono::Local::now());
    BEGUN.set(true);
    let _ = LIVING.try_with(|_| ());
    now
}

/// Formats a time as 2026-11-28 16:01:34.512 +03:00.
fn shown<Zone: TimeZone>(time: &DateTime<Zone>) -> String {
    const CLOCK: usize = "16:01:34.512".len();
    // Not with a format string: chrono's parser for it adds 25 KB to the library.
    let text = time.to_rfc3339_opts(SecondsFormat::Millis, false);
    let parts = text.split_once('T');
    let parts = parts.and_then(|(date, rest)| Some((date, rest.split_at_checked(CLOCK)?)));
    match parts {
        Some((date, (clock, offset))) => format!("{date} {clock} {offset}"),
        None => text,
    }
}

fn parse_setting(setting: &str) -> Option<(LevelFilter, &str)> {
    let (level, path) = match setting.split_once(',') {
        Some((level, path)) => match level.trim().parse() {
            Ok(level) => (level, path.trim()),
            // The comma is part of the path.
            Err(_) => (LevelFilter::Info, setting.trim()),
        },
        None => (LevelFilter::Info, setting.trim()),
    };
    (!path.is_empty()).then_some((level, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_a_path_and_may_name_a_level() {
        assert_eq!(
            parse_setting("C:\\till\\a.log"),
            Some((LevelFilter::Info, "C:\\till\\a.log"))
        );
        assert_eq!(
            parse_setting("debug, /tmp/a,b.log"),
            Some((LevelFilter::Debug, "/tmp/a,b.log"))
        );
        assert_eq!(
            parse_setting("/tmp/a,b.log"),
            Some((LevelFilter::Info, "/tmp/a,b.log"))
        );
        assert_eq!(parse_setting(""), None);
    }

    #[test]
    fn a_time_is_shown_with_milliseconds_and_its_offset() {
        let text = "2026-11-28T16:01:34.512999+03:00";
        let time = DateTime::parse_from_rfc3339(text).unwrap();
        assert_eq!(shown(&time), "2026-11-28 16:01:34.512 +03:00");
        assert_eq!(shown(&time.to_utc()), "2026-11-28 13:01:34.512 +00:00");
    }

    #[test]
    fn a_file_that_another_process_has_rotated_is_not_rotated_again() {
        let folder = std::env::temp_dir().join(format!("lifepay-log-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("shared.log");
        let log = LogFile::open(&path, LevelFilter::Info, 100).unwrap();
        log.append(&[b'x'; 90]).unwrap();
        // This process has opened the file; another process then renames it and starts a new one.
        let opened = log.open_to_append().unwrap();
        fs::rename(&path, folder.join("shared.log.old")).unwrap();
        fs::write(&path, "new\n").unwrap();
        assert!(log.rotate(&opened), "the file must be reopened");
        assert_eq!(fs::read(folder.join("shared.log.old")).unwrap().len(), 90);
        assert_eq!(fs::read(&path).unwrap(), b"new\n");
        fs::remove_dir_all(&folder).unwrap();
    }
}
