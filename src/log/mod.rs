//! The log: the host's callback, the host's log file, and the log file named in the environment.

mod file;

use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use ::log::{Level, LevelFilter, Log, Metadata, Record};

use self::file::LogFile;
use crate::process::gate::FirstUse;
use crate::process::lock::{lock, wait};
use crate::state;

/// The host's callback for a log line. It may be called from any thread.
pub type Function = Arc<dyn Fn(Level, &str) + Send + Sync>;

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside the host's log callback.
pub fn is_in_callback() -> bool {
    IN_CALLBACK.get()
}

/// Converts an `LP_LOG_...` number to a level of the log crate; None for any other number.
pub fn level(number: i32) -> Option<LevelFilter> {
    let number = usize::try_from(number).ok()?;
    LevelFilter::iter().nth(number)
}

/// Sends the log to `function`, which replaces the previous callback. Returns once no thread is inside
/// the old callback.
pub fn to_callback(function: Option<Function>, level: LevelFilter) {
    let new = function
        .filter(|_| level != LevelFilter::Off)
        .map(|function| Arc::new(Callback::new(function, level)));
    let old = state::current()
        .sinks
        .change(|targets| std::mem::replace(&mut targets.callback, new));
    if let Some(old) = old {
        old.wait_until_idle();
    }
}

/// Writes the log to the file at `path`, which replaces the previous file; without a path, to no file.
/// Returns false if the file cannot be written; then the previous file stays in use.
pub fn to_file(path: Option<&str>, level: LevelFilter, max_bytes: u32) -> bool {
    let file = match path.filter(|_| level != LevelFilter::Off) {
        Some(path) => match LogFile::open(Path::new(path), level, max_bytes) {
            Ok(file) => Some(Arc::new(file)),
            Err(_) => return false,
        },
        None => None,
    };
    state::current().sinks.change(|targets| targets.file = file);
    true
}

/// The host's callback, and the number of threads inside it.
struct Callback {
    function: Function,
    level: LevelFilter,
    running: Mutex<u32>,
    idle: Condvar,
}

impl Callback {
    fn new(function: Function, level: LevelFilter) -> Callback {
        Callback {
            function,
            level,
            running: Mutex::new(0),
            idle: Condvar::new(),
        }
    }

    /// Calls the callback, which [`Targets::callback_for`] has counted as running.
    fn call(&self, level: Level, message: &str) {
        let outer = IN_CALLBACK.replace(true);
        (self.function)(level, message);
        IN_CALLBACK.set(outer);
        *lock(&self.running) -= 1;
        self.idle.notify_all();
    }

    fn wait_until_idle(&self) {
        let mut running = lock(&self.running);
        while *running > 0 {
            running = wait(&self.idle, running);
        }
    }
}

/// The targets of a process's log. Never locked while code of the host runs.
#[derive(Default)]
pub struct Sinks(Mutex<Targets>);

#[derive(Default)]
struct Targets {
    callback: Option<Arc<Callback>>,
    file: Option<Arc<LogFile>>,
    environment_file: Option<Arc<LogFile>>,
}

impl Sinks {
    /// Called at the first call in a process. Opens the log file named in the environment.
    pub fn from_environment() -> Sinks {
        static LOGGER: FirstUse = FirstUse::new();
        // Fails only in a Rust program that has a logger already.
        LOGGER.made(|| drop(::log::set_logger(&Logger)));
        let targets = Targets {
            environment_file: LogFile::from_environment().map(Arc::new),
            ..Targets::default()
        };
        targets.set_max_level();
        Sinks(Mutex::new(targets))
    }

    /// Returns the same targets with new locks, for a forked child. If another thread of the parent was
    /// changing the targets during the fork, they are lost.
    pub fn for_child(&self) -> Sinks {
        let targets = self.0.try_lock().map(|targets| targets.for_child());
        Sinks(Mutex::new(targets.unwrap_or_default()))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Targets) -> T) -> T {
        let mut targets = lock(&self.0);
        let changed = change(&mut targets);
        targets.set_max_level();
        changed
    }
}

impl Targets {
    fn for_child(&self) -> Targets {
        let file = |file: &Arc<LogFile>| Arc::new(file.for_child());
        let callback =
            |old: &Arc<Callback>| Arc::new(Callback::new(Arc::clone(&old.function), old.level));
        Targets {
            callback: self.callback.as_ref().map(callback),
            file: self.file.as_ref().map(file),
            environment_file: self.environment_file.as_ref().map(file),
        }
    }

    fn set_max_level(&self) {
        let files = [&self.file, &self.environment_file];
        let levels = files.into_iter().flatten().map(|file| file.level);
        let callback = self.callback.iter().map(|callback| callback.level);
        ::log::set_max_level(levels.chain(callback).max().unwrap_or(LevelFilter::Off));
    }

    /// Returns the callback if it wants lines of this level, and counts it as running. A callback is
    /// not called from within itself.
    fn callback_for(&self, level: Level) -> Option<Arc<Callback>> {
        let callback = self
            .callback
            .as_ref()
            .filter(|callback| level <= callback.level && !is_in_callback())?;
        *lock(&callback.running) += 1;
        Some(Arc::clone(callback))
    }
}

struct Logger;

impl Log for Logger {
    /// Excludes ureq and rustls, whose log lines may contain secrets.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("lifepay")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = record.level();
        let (callback, files) = {
            let targets = lock(&state::current().sinks.0);
            let files = [&targets.file, &targets.environment_file];
            (targets.callback_for(level), files.map(Clone::clone))
        };
        // One line, even if a server's text contains line breaks.
        let message = record.args().to_string().replace(char::is_control, " ");
        for file in files
            .into_iter()
            .flatten()
            .filter(|file| level <= file.level)
        {
            file.write(level, &message);
        }
        if let Some(callback) = callback {
            callback.call(level, &message);
        }
    }

    fn flush(&self) {}
}
