//! Wrappers for the outbox's functions, and the host process of tests/c/outbox_host.c.

use std::ffi::{c_char, c_void, CStr, CString};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use lifepay::ffi::{lp_entry, lp_outbox};

use super::call::{with_result, Answer, Call};
use super::library::library;
use super::tools;

/// An open outbox, closed when dropped.
pub struct Outbox {
    pub handle: *mut lp_outbox,
}

// SAFETY: to the library the handle is a number, which every thread may use.
unsafe impl Send for Outbox {}
// SAFETY: as above.
unsafe impl Sync for Outbox {}

/// An `lp_entry`, copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub code: i32,
    pub outcome: i32,
    pub flags: u32,
    pub attempts: u32,
    pub http_status: i32,
    pub submitted_at: i64,
    pub next_attempt_at: i64,
    pub answered_at: i64,
    pub expires_at: i64,
    pub ext_id: String,
    pub login: String,
    pub target_serial: Option<String>,
    pub base_url: String,
    pub uuid: Option<String>,
    pub message: String,
    pub path: Option<String>,
}

/// Returns a path without an outbox. `name` must be unique among the tests.
pub fn fresh(name: &str) -> PathBuf {
    let folder = tools::scratch("outbox").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join("shifts.db")
}

/// A folder in memory, where a sync takes no time: races are more likely than on a disk, and a busy
/// disk has no effect. If the system has no such folder, it is on the disk. Removed when dropped.
pub struct InMemory(PathBuf);

impl InMemory {
    pub fn new(name: &str) -> InMemory {
        let folder = Path::new("/dev/shm").join(format!("lifepay-{}-{name}", std::process::id()));
        InMemory(match std::fs::create_dir(&folder) {
            Ok(()) => folder,
            Err(_) => fresh(name).parent().expect("a folder").to_owned(),
        })
    }

    /// Returns the path of an outbox in the folder.
    pub fn outbox(&self) -> PathBuf {
        self.0.join("shifts.db")
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for InMemory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Outbox {
    pub fn open(path: &Path, call: Call) -> Outbox {
        match Outbox::try_open(path, call) {
            Ok(outbox) => outbox,
            Err(answer) => panic!("{answer:?}"),
        }
    }

    // The error is an answer, which these tests check.
    #[allow(clippy::result_large_err)]
    pub fn try_open(path: &Path, call: Call) -> Result<Outbox, Answer> {
        let path = CString::new(path.to_str().expect("a path in UTF-8")).unwrap();
        let mut handle = std::ptr::null_mut();
        // SAFETY: all pointers are valid for the call.
        let (returned, answer) = with_result(|result| unsafe {
            (library().outbox_open)(path.as_ptr(), &call.config, &mut handle, result)
        });
        assert_eq!(returned, answer.code, "{answer:?}");
        assert_eq!(handle.is_null(), answer.code != 0, "{answer:?}");
        if handle.is_null() {
            Err(answer)
        } else {
            Ok(Outbox { handle })
        }
    }

    /// Returns the call's return value and its result.
    pub fn submit(&self, call: Call) -> (i32, Answer) {
        // SAFETY: the config is initialised, and everything in it outlives the call.
        with_result(|result| unsafe {
            (library().outbox_submit)(self.handle, &call.config, result)
        })
    }

    pub fn wait(&self, ext_id: &str, timeout_ms: u32) -> Answer {
        let ext_id = CString::new(ext_id).unwrap();
        // SAFETY: all pointers are valid for the call.
        let (returned, answer) = with_result(|result| unsafe {
            (library().outbox_wait)(self.handle, ext_id.as_ptr(), timeout_ms, result)
        });
        assert_eq!(returned, answer.code, "{answer:?}");
        answer
    }

    pub fn cancel(&self, ext_id: &str) -> (i32, Answer) {
        let ext_id = CString::new(ext_id).unwrap();
        // SAFETY: all pointers are valid for the call.
        with_result(|result| unsafe {
            (library().outbox_cancel)(self.handle, ext_id.as_ptr(), result)
        })
    }

    pub fn retry_now(&self, ext_id: Option<&str>) -> i32 {
        let ext_id = ext_id.map(|ext_id| CString::new(ext_id).unwrap());
        let pointer = ext_id
            .as_ref()
            .map_or(std::ptr::null(), |ext_id| ext_id.as_ptr());
        // SAFETY: NULL or a string.
        unsafe { (library().outbox_retry_now)(self.handle, pointer) }
    }

    pub fn forget(&self, ext_id: &str) -> i32 {
        let ext_id = CString::new(ext_id).unwrap();
        // SAFETY: a string.
        unsafe { (library().outbox_forget)(self.handle, ext_id.as_ptr()) }
    }

    pub fn pending(&self) -> u32 {
        let mut count = u32::MAX;
        // SAFETY: the count is valid for the call.
        let code = unsafe { (library().outbox_pending)(self.handle, &mut count) };
        assert_eq!(code, 0);
        count
    }

    pub fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let user_data = std::ptr::from_mut(&mut entries).cast();
        // SAFETY: the callback runs only during the call.
        let code = unsafe { (library().outbox_each)(self.handle, Some(collect), user_data) };
        assert_eq!(code, 0);
        entries
    }

    pub fn entry(&self, ext_id: &str) -> Option<Entry> {
        self.entries()
            .into_iter()
            .find(|entry| entry.ext_id == ext_id)
    }

    pub fn close(&self) -> i32 {
        // SAFETY: any handle may be closed at any time.
        unsafe { (library().outbox_close)(self.handle) }
    }
}

unsafe extern "C" fn collect(entry: *const lp_entry, entries: *mut c_void) -> i32 {
    // SAFETY: the header says that the entry is valid; `entries` belongs to the current call.
    unsafe {
        let entry = &*entry;
        let text = |pointer: *const c_char| {
            (!pointer.is_null()).then(|| CStr::from_ptr(pointer).to_str().unwrap().to_owned())
        };
        (*entries.cast::<Vec<Entry>>()).push(Entry {
            code: entry.code,
            outcome: entry.outcome,
            flags: entry.flags,
            attempts: entry.attempts,
            http_status: entry.http_status,
            submitted_at: entry.submitted_at,
            next_attempt_at: entry.next_attempt_at,
            answered_at: entry.answered_at,
            expires_at: entry.expires_at,
            ext_id: text(entry.ext_id).unwrap(),
            login: text(entry.login).unwrap(),
            target_serial: text(entry.target_serial),
            base_url: text(entry.base_url).unwrap(),
            uuid: text(entry.uuid),
            message: text(entry.message).unwrap(),
            path: text(entry.path),
        });
    }
    0
}

/// Compiles `tests/c/NAME.c` into a library to be preloaded.
pub fn compile_preload(name: &str) -> PathBuf {
    let library = tools::scratch("outbox").join(format!("{name}.so"));
    // Renamed into place, because a program of another test may be loading it.
    let unique = (std::process::id(), std::thread::current().id());
    let new = library.with_extension(format!("{unique:?}"));
    let flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
    let mut gcc = Command::new("gcc");
    gcc.args(flags).args(["-shared", "-fPIC", "-ldl", "-o"]);
    gcc.args([&new, &tools::root().join(format!("tests/c/{name}.c"))]);
    tools::run(&mut gcc);
    std::fs::rename(new, &library).expect("it can be renamed");
    library
}

/// tests/c/outbox_host.c: a process with an outbox that executes commands. Killed when dropped.
pub struct Host {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Host {
    /// Starts the program with `command`.
    pub fn start(command: &mut Command) -> Host {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Host {
            input: child.stdin.take(),
            child,
            lines,
        }
    }

    /// Starts the program and opens the outbox at `path`.
    pub fn open(program: &Path, path: &Path, url: &str, concurrency: u32, pause_ms: u32) -> Host {
        let mut host = Host::start(&mut Command::new(program));
        host.open_outbox(path, url, concurrency, pause_ms);
        host
    }

    pub fn open_outbox(&mut self, path: &Path, url: &str, concurrency: u32, pause_ms: u32) {
        let (path, apikey) = (path.display(), super::call::APIKEY);
        let line = format!("open {path} {url} {apikey} {concurrency} {pause_ms}");
        assert_eq!(self.ask(&line), "open 0");
    }

    pub fn send(&mut self, line: &str) {
        let input = self.input.as_mut();
        writeln!(input.expect("its input is open"), "{line}").expect("it listens");
    }

    /// Returns the next line of its output.
    pub fn receive(&mut self) -> String {
        let line = self.lines.recv_timeout(Duration::from_secs(20));
        line.expect("it answers")
    }

    pub fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.receive()
    }

    /// Submits a request that never expires.
    pub fn submit(&mut self, ext_id: &str) {
        let answer = self.ask(&format!("submit {ext_id} {}", u32::MAX));
        assert!(
            answer.starts_with(&format!("submit {ext_id} 0 ")),
            "{answer}"
        );
    }

    /// Waits for at most ten seconds, and returns the outcome's code and uuid.
    pub fn wait(&mut self, ext_id: &str) -> (i32, String) {
        self.wait_for(ext_id, 10_000)
    }

    pub fn wait_for(&mut self, ext_id: &str, timeout_ms: u32) -> (i32, String) {
        let answer = self.ask(&format!("wait {ext_id} {timeout_ms}"));
        let words: Vec<&str> = answer.split(' ').collect();
        assert_eq!(&words[..2], ["wait", ext_id], "{answer}");
        (words[2].parse().expect("a code"), words[5].to_owned())
    }

    /// Sends SIGKILL, and returns when the process has ended.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops the process, as a debugger or a sleeping machine does, but not during a write to the
    /// file: no other process could write then, and these tests do not cover that.
    pub fn freeze(&self) {
        loop {
            self.signal(libc::SIGSTOP);
            super::wait::until("it has stopped", || self.is_stopped());
            if !self.holds_write_lock() {
                return;
            }
            self.thaw();
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("a process has a state");
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| rest.starts_with('T'))
    }

    /// Waits until this process is the sender. Processes decide which one is the sender only after
    /// they have opened the file.
    pub fn until_it_sends(&self) {
        // SQLite's pending byte, in the file of the sender lock.
        super::wait::until("it is the sender", || self.holds_byte("1073741824"));
    }

    /// Whether it holds SQLite's write lock of the write-ahead log, a byte of the -shm file.
    fn holds_write_lock(&self) -> bool {
        self.holds_byte("120")
    }

    /// Whether it holds a write lock that begins at this byte of any file.
    fn holds_byte(&self, begin: &str) -> bool {
        let locks = std::fs::read_to_string("/proc/locks").expect("a list of locks");
        let process = self.child.id().to_string();
        locks.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.contains(&process.as_str())
                && words.contains(&"WRITE")
                && words[words.len() - 2] == begin
        })
    }

    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    fn signal(&self, signal: i32) {
        let process = i32::try_from(self.child.id()).expect("a process");
        // SAFETY: the arguments are numbers, and the process is a child that has not been waited
        // for.
        assert_eq!(unsafe { libc::kill(process, signal) }, 0);
    }

    /// Closes its input and waits until it ends.
    pub fn finish(mut self) {
        self.input = None;
        assert!(self.wait_for_exit().success());
    }

    /// Waits until it ends by itself.
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.close();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}
