//! `lp_set_log` and `lp_log_to_file`: where the log goes.

use std::ffi::{c_char, c_void};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use ::log::{Level, LevelFilter, Log, Metadata, Record};

use super::guard::{call_host_to_log, guard, is_in_log_callback};
use super::text;
use crate::code::{LP_ERR_ARGUMENT, LP_OK};
use crate::log_file::LogFile;
use crate::process::{FirstUse, PerProcess};

/// ------------------------------------------------------------------------------------------------
/// Log levels: lp_set_log, lp_log_to_file
/// ------------------------------------------------------------------------------------------------
///
/// No log.
pub const LP_LOG_OFF: i32 = 0;
/// LifePay has refused a request, or a defect of this library was caught.
pub const LP_LOG_ERROR: i32 = 1;
/// Attempts that have failed, and calls with wrong arguments.
pub const LP_LOG_WARN: i32 = 2;
/// Attempts that have succeeded.
pub const LP_LOG_INFO: i32 = 3;
/// What the library decides on the way.
pub const LP_LOG_DEBUG: i32 = 4;
/// Bodies sent and received, the apikey masked.
pub const LP_LOG_TRACE: i32 = 5;

/// `callback` of `lp_set_log`. The header writes it by hand, with LP_CALL.
pub type lp_log_fn =
    Option<unsafe extern "C" fn(level: i32, message: *const c_char, user_data: *mut c_void)>;

/// ------------------------------------------------------------------------------------------------
/// The log
/// ------------------------------------------------------------------------------------------------
///
/// Hands the log to a callback of yours, in place of the one before. It returns when the old
/// callback runs nowhere any more.
///
/// It waits without a limit for a callback that is running: do not hold a lock that the callback takes.
///
/// callback may be NULL: no callback. level is LP_LOG_...: what is told, that and all below.
/// message is one line in UTF-8, borrowed for the callback; user_data is handed on as it is.
/// The callback may be called from any thread, several at once. It must not throw, longjmp or end the
/// thread. It may call lp_version, lp_version_number, lp_code_..., lp_config_init, lp_ext_id_new,
/// lp_string_free, and lp_result_init and lp_result_free except for the result of a call that is
/// running. Every other function does nothing there and returns LP_ERR_ARGUMENT, with which it also
/// fills its result; *outbox and *answer are set to NULL, *count to 0.
///
/// Returns LP_OK, or LP_ERR_ARGUMENT if level is none.
#[no_mangle]
pub unsafe extern "C" fn lp_set_log(
    callback: lp_log_fn,
    user_data: *mut c_void,
    level: i32,
) -> i32 {
    guard(|| {
        let Some(level) = level_filter(level) else {
            return LP_ERR_ARGUMENT;
        };
        let new = callback
            .filter(|_| level != LevelFilter::Off)
            .map(|function| Arc::new(Callback::new(function, user_data as usize, level)));
        let old = {
            let mut sinks = sinks();
            let old = std::mem::replace(&mut sinks.callback, new);
            sinks.set_max_level();
            old
        };
        if let Some(old) = old {
            old.wait_until_idle();
        }
        LP_OK
    })
}

/// Writes the log to a file, for hosts that cannot take callbacks; in place of the file before.
///
/// path: in UTF-8, borrowed for the call; NULL or "": no file. level: LP_LOG_.... max_bytes: the
/// size at which the file is renamed to path + ".old", in the place of the one before, and begun
/// anew; 0: 10 MiB. If another program prevents that, the file grows until it can be renamed. On
/// Windows path + ".rotating" exists while it is renamed. A line has the local time with its offset, version, process and level, and for
/// an attempt ext_id, number, HTTP status, code and milliseconds. The apikey is in none.
///
/// For tills whose program cannot be changed the environment variable LIFEPAY_LOG does the same,
/// besides what the program sets: PATH, or LEVEL,PATH, where LEVEL is error, warn, info (the
/// default), debug or trace. It is read at the first call of the library; a file that cannot be
/// written is passed over in silence.
///
/// Returns LP_OK, or LP_ERR_ARGUMENT if level is none or the file cannot be written; then the file
/// before stays in use.
#[no_mangle]
pub unsafe extern "C" fn lp_log_to_file(path: *const c_char, level: i32, max_bytes: u32) -> i32 {
    guard(|| {
        let mut faults = Vec::new();
        // SAFETY: as the caller vouches for.
        let path = unsafe { text::read(path, "path", &mut faults) };
        if !faults.is_empty() {
            return LP_ERR_ARGUMENT;
        }
        to_file(path, level, max_bytes)
    })
}

/// What `lp_log_to_file` does with what it has read.
pub fn to_file(path: Option<String>, level: i32, max_bytes: u32) -> i32 {
    let Some(level) = level_filter(level) else {
        return LP_ERR_ARGUMENT;
    };
    let file = match path.filter(|_| level != LevelFilter::Off) {
        Some(path) => match LogFile::open(Path::new(&path), level, max_bytes) {
            Ok(file) => Some(Arc::new(file)),
            Err(_) => return LP_ERR_ARGUMENT,
        },
        None => None,
    };
    let mut sinks = sinks();
    sinks.file = file;
    sinks.set_max_level();
    LP_OK
}

/// `LP_LOG_...` as the log crate has it.
fn level_filter(level: i32) -> Option<LevelFilter> {
    let level = usize::try_from(level).ok()?;
    LevelFilter::iter().nth(level)
}

/// A callback of the host's, and on how many threads it runs.
struct Callback {
    function: unsafe extern "C" fn(i32, *const c_char, *mut c_void),
    /// A pointer of the host's, which is its business on which thread it is used.
    user_data: usize,
    level: LevelFilter,
    running: Mutex<u32>,
    idle: Condvar,
}

impl Callback {
    fn new(
        function: unsafe extern "C" fn(i32, *const c_char, *mut c_void),
        user_data: usize,
        level: LevelFilter,
    ) -> Callback {
        Callback {
            function,
            user_data,
            level,
            running: Mutex::new(0),
            idle: Condvar::new(),
        }
    }

    fn running(&self) -> MutexGuard<'_, u32> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls it. It was counted in [`Sinks::callback_for`].
    fn call(&self, level: Level, message: &str) {
        let message = text::to_c(message);
        let user_data = self.user_data as *mut c_void;
        // SAFETY: the header demands a function of this type that does not throw, valid until
        // lp_set_log has returned; that waits for this call. `message` outlives it.
        call_host_to_log(|| unsafe { (self.function)(level as i32, message.as_ptr(), user_data) });
        *self.running() -= 1;
        self.idle.notify_all();
    }

    fn wait_until_idle(&self) {
        let mut running = self.running();
        while *running > 0 {
            running = self
                .idle
                .wait(running)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Where the log goes.
#[derive(Default)]
struct Sinks {
    callback: Option<Arc<Callback>>,
    file: Option<Arc<LogFile>>,
    environment_file: Option<Arc<LogFile>>,
}

impl Sinks {
    /// At the first call of a process: the environment's.
    fn new() -> Sinks {
        static LOGGER: FirstUse = FirstUse::new();
        // Fails only where this is linked into a Rust program that has a logger already.
        LOGGER.made(|| drop(::log::set_logger(&Logger)));
        let environment_file = LogFile::from_environment().map(Arc::new);
        let sinks = Sinks {
            environment_file,
            ..Sinks::default()
        };
        sinks.set_max_level();
        sinks
    }

    /// In a forked child: the parent's, with locks of its own.
    fn for_child(&self) -> Sinks {
        let file = |file: &Arc<LogFile>| Arc::new(file.for_child());
        let callback =
            |old: &Arc<Callback>| Arc::new(Callback::new(old.function, old.user_data, old.level));
        Sinks {
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

    /// The callback, counted as running, if it wants to be told. It is not called from within itself.
    fn callback_for(&self, level: Level) -> Option<Arc<Callback>> {
        let callback = self
            .callback
            .as_ref()
            .filter(|callback| level <= callback.level && !is_in_log_callback())?;
        *callback.running() += 1;
        Some(Arc::clone(callback))
    }
}

/// This process's sinks. Never locked while something of the host's runs.
fn sinks() -> MutexGuard<'static, Sinks> {
    static SINKS: PerProcess<Mutex<Sinks>> = PerProcess::new();
    SINKS
        .get(|parent| {
            Mutex::new(match parent {
                None => Sinks::new(),
                // Locked means that another thread of the parent's was at it: then they are lost.
                Some(parent) => parent.try_lock().map(|s| s.for_child()).unwrap_or_default(),
            })
        })
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// At every call: a process that has none yet gets its sinks.
pub fn refresh() {
    drop(sinks());
}

struct Logger;

impl Log for Logger {
    /// ureq and rustls log too, and what they log may hold what must not be seen.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("lifepay")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = record.level();
        let (callback, files) = {
            let sinks = sinks();
            let files = [&sinks.file, &sinks.environment_file];
            (sinks.callback_for(level), files.map(|file| file.clone()))
        };
        // One line, whatever a server has put in it.
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
