//! A log in a file, for tills whose program takes no callback or cannot be changed.

use std::cell::Cell;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use log::{Level, LevelFilter};

/// The size at which a file is rotated unless the host says otherwise, bytes.
pub(crate) const DEFAULT_MAX_BYTES: u32 = 10 * 1024 * 1024;

/// A file that lines are added to. When it is full it is renamed to `….old`, in the place of the
/// one before: so a log takes twice its limit at most.
///
/// The file is opened for each line: it may be moved or deleted at any time, by another process
/// that writes to it too or by the person who reads it.
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
    /// What the system says when the file cannot be written to.
    pub fn open(path: &Path, level: LevelFilter, max_bytes: u32) -> io::Result<LogFile> {
        let max_bytes = if max_bytes == 0 {
            DEFAULT_MAX_BYTES
        } else {
            max_bytes
        };
        let file = LogFile {
            path: path.to_owned(),
            level,
            max_bytes: u64::from(max_bytes),
            writing: Mutex::new(()),
        };
        file.append(b"")?;
        Ok(file)
    }

    /// The file that LIFEPAY_LOG names: `PATH` or `LEVEL,PATH`, where LEVEL is a name or a number
    /// of `LP_LOG_...` and INFO if not given.
    pub fn from_environment() -> Option<LogFile> {
        let setting = std::env::var("LIFEPAY_LOG").ok()?;
        let (level, path) = parse_setting(&setting)?;
        LogFile::open(Path::new(path), level, 0).ok()
    }

    /// The same file for a forked child, whose parent's threads may be writing at this moment.
    pub fn for_child(&self) -> LogFile {
        let path = self.path.clone();
        LogFile {
            path,
            level: self.level,
            max_bytes: self.max_bytes,
            writing: Mutex::new(()),
        }
    }

    /// Adds a line, with the time, the version and the process. A log that cannot be written must
    /// not disturb the till: errors are passed over.
    pub fn write(&self, level: Level, message: &str) {
        let now = now();
        let message = message.replace(['\r', '\n'], " ");
        let version = env!("CARGO_PKG_VERSION");
        let process = std::process::id();
        let line = format!("{now} lifepay {version} [{process}] {level} {message}\n");
        let _ = self.append(line.as_bytes());
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let full = fs::metadata(&self.path)
            .is_ok_and(|file| file.is_file() && file.len() + line.len() as u64 > self.max_bytes);
        if full {
            let mut old = self.path.clone().into_os_string();
            old.push(".old");
            // Should it fail, the file grows on: better than to lose what is in it.
            let _ = fs::rename(&self.path, old);
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        // One write: lines of several processes do not mix.
        options.open(&self.path)?.write_all(line)
    }
}

/// The local time with its offset from UTC.
fn now() -> String {
    const FORMAT: &str = "%Y-%m-%d %H:%M:%S%.3f %:z";
    struct Ending;
    impl Drop for Ending {
        fn drop(&mut self) {}
    }
    thread_local! {
        static BEGUN: Cell<bool> = const { Cell::new(false) };
        static LIVING: Ending = const { Ending };
    }
    // chrono keeps the time zone in a thread-local, and panics once that is destroyed; a host may
    // call while its thread ends. Ours is made after chrono's, and so destroyed before it.
    if BEGUN.get() && LIVING.try_with(|_| ()).is_err() {
        return chrono::Utc::now().format(FORMAT).to_string();
    }
    let now = chrono::Local::now().format(FORMAT).to_string();
    BEGUN.set(true);
    let _ = LIVING.try_with(|_| ());
    now
}

fn parse_setting(setting: &str) -> Option<(LevelFilter, &str)> {
    let (level, path) = match setting.split_once(',') {
        Some((level, path)) => match parse_level(level.trim()) {
            Some(level) => (level, path.trim()),
            // The comma is the path's.
            None => (LevelFilter::Info, setting.trim()),
        },
        None => (LevelFilter::Info, setting.trim()),
    };
    (!path.is_empty()).then_some((level, path))
}

fn parse_level(level: &str) -> Option<LevelFilter> {
    match level.parse::<i32>() {
        Ok(number) => level_filter(number),
        Err(_) => level.parse().ok(),
    }
}

/// `LP_LOG_...` as the log crate has it.
pub fn level_filter(level: i32) -> Option<LevelFilter> {
    [
        LevelFilter::Off,
        LevelFilter::Error,
        LevelFilter::Warn,
        LevelFilter::Info,
        LevelFilter::Debug,
        LevelFilter::Trace,
    ]
    .get(usize::try_from(level).ok()?)
    .copied()
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
            parse_setting("5,a.log"),
            Some((LevelFilter::Trace, "a.log"))
        );
        assert_eq!(
            parse_setting("/tmp/a,b.log"),
            Some((LevelFilter::Info, "/tmp/a,b.log"))
        );
        assert_eq!(parse_setting(""), None);
    }

    #[test]
    fn levels_outside_the_constants_are_none() {
        assert_eq!(level_filter(-1), None);
        assert_eq!(level_filter(6), None);
        assert_eq!(level_filter(0), Some(LevelFilter::Off));
    }
}
