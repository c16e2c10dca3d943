//! The target of operations: an outbox of this process or of another one.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lifepay::ffi::LP_ERR_CLOSED;

use crate::support::wait::until;
use crate::support::{Call, Outbox};

/// The pauses after the first, the second and all other attempts, in milliseconds. The last one is
/// so long that a lost retry is noticed.
pub const PAUSES: [u32; 3] = [100, 300, 5000];
const SOCKET: &str = "LIFEPAY_TEST_SOCKET";
const SETTINGS: &str = "LIFEPAY_TEST_DESK";

/// A call's return value, and the code and outcome of its result.
pub type Answer = (i32, i32, i32);

/// An outbox of this process, which can be reopened.
pub struct LocalOutbox {
    path: PathBuf,
    url: String,
    concurrency: u32,
    outbox: Mutex<Arc<Outbox>>,
}

impl LocalOutbox {
    pub fn open(path: &Path, url: &str, concurrency: u32) -> LocalOutbox {
        LocalOutbox {
            path: path.to_owned(),
            url: url.to_owned(),
            concurrency,
            outbox: Mutex::new(Arc::new(open(path, url, concurrency))),
        }
    }

    pub fn outbox(&self) -> Arc<Outbox> {
        Arc::clone(&self.outbox.lock().unwrap())
    }

    /// Executes a command. If the outbox is closed meanwhile, executes it again after the
    /// reopening.
    pub fn execute(&self, line: &str) -> Answer {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "reopen" {
            self.outbox().close();
            let outbox = Arc::new(open(&self.path, &self.url, self.concurrency));
            *self.outbox.lock().unwrap() = outbox;
            return (0, 0, 0);
        }
        loop {
            let answer = self.execute_once(&words);
            if answer.0 != LP_ERR_CLOSED {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn execute_once(&self, words: &[&str]) -> Answer {
        let outbox = self.outbox();
        match *words {
            ["submit", ext_id, generation, expires_after_ms] => {
                let call = Call::to(&self.url).ext_id(ext_id);
                let call = call.text(|c| &mut c.callback_data, generation);
                let expires_after_ms = expires_after_ms.parse().expect("a number");
                let (returned, answer) =
                    outbox.submit(call.with(|c| c.expires_after_ms = expires_after_ms));
                (returned, answer.code, answer.outcome)
            }
            ["cancel", ext_id] => {
                let (returned, answer) = outbox.cancel(ext_id);
                (returned, answer.code, answer.outcome)
            }
            ["look", ext_id] => {
                let answer = outbox.wait(ext_id, 0);
                (answer.code, answer.code, answer.outcome)
            }
            ["retry"] => (outbox.retry_now(None), 0, 0),
            ["retry", ext_id] => (outbox.retry_now(Some(ext_id)), 0, 0),
            ["forget", ext_id] => (outbox.forget(ext_id), 0, 0),
            _ => panic!("{words:?}"),
        }
    }
}

fn open(path: &Path, url: &str, concurrency: u32) -> Outbox {
    let call = Call::to(url).repeat(0, &PAUSES).limits(3000, 4000);
    Outbox::open(path, call.with(|c| c.concurrency = concurrency))
}

pub enum Target {
    Local(LocalOutbox),
    Remote { socket: PathBuf, process: Child },
}

impl Target {
    /// Opens the file in a separate process, which runs the test `name` of this program. That test
    /// must call [`work`].
    pub fn start_remote(name: &str, path: &Path, url: &str, concurrency: u32) -> Target {
        let socket = path.with_extension("socket");
        let program = std::env::current_exe().expect("a test has a path");
        let process = Command::new(program)
            .args(["--exact", name, "--nocapture"])
            .env(SOCKET, &socket)
            .env(SETTINGS, format!("{} {url} {concurrency}", path.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it can be started");
        until("the other process listens", || {
            UnixStream::connect(&socket).is_ok()
        });
        Target::Remote { socket, process }
    }

    pub fn ask(&self, line: &str) -> Answer {
        let socket = match self {
            Target::Local(local) => return local.execute(line),
            Target::Remote { socket, .. } => socket,
        };
        let mut stream = UnixStream::connect(socket).expect("it listens");
        writeln!(stream, "{line}").expect("it reads");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("it answers");
        let mut numbers = reply
            .split_whitespace()
            .map(|word| word.parse().expect("a number"));
        let mut next = || {
            numbers
                .next()
                .unwrap_or_else(|| panic!("{line}: the other process answered {reply:?}"))
        };
        (next(), next(), next())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Target::Remote { process, .. } = self {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The other process's part: executes the commands that it receives. Does nothing if no parent has
/// set a socket.
pub fn work() {
    let Some(socket) = std::env::var_os(SOCKET) else {
        return;
    };
    let settings = std::env::var(SETTINGS).expect("set together with the socket");
    let words: Vec<&str> = settings.split(' ').collect();
    let local = LocalOutbox::open(Path::new(words[0]), words[1], words[2].parse().unwrap());
    // This process ends when its parent ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let local = Arc::new(local);
    for stream in UnixListener::bind(socket).expect("a socket").incoming() {
        let mut stream = stream.expect("accept");
        let local = Arc::clone(&local);
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            if !line.is_empty() {
                let (returned, code, outcome) = local.execute(line.trim_end());
                let _ = write!(stream, "{returned} {code} {outcome}");
            }
        });
    }
}
