//! The log: to a callback, to a file, and to a file named in the environment. It never contains the
//! apikey.
//!
//! The process has one callback and one file, so these tests run one after another.

use std::ffi::{c_char, c_void, CStr, CString};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lifepay::ffi as code;

use crate::support::constants::TRUST_SYSTEM;
use crate::support::server::ACCEPTED;
use crate::support::tls_server::{pem_file, Authority};
use crate::support::{child, library, read_request, respond, tools, Call, Server};

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

type Lines = Mutex<Vec<(i32, String)>>;

unsafe extern "C" fn collect(level: i32, message: *const c_char, user_data: *mut c_void) {
    // SAFETY: user_data points to the `Lines` given to lp_set_log; the message is a string.
    let (lines, message) = unsafe { (&*user_data.cast::<Lines>(), CStr::from_ptr(message)) };
    lines
        .lock()
        .unwrap()
        .push((level, message.to_str().expect("UTF-8").to_owned()));
}

/// Returns the lines that a callback receives at `level` while `work` runs.
fn logged(level: i32, work: impl FnOnce()) -> Vec<(i32, String)> {
    let lines = Lines::default();
    // SAFETY: `lines` outlives the callback, which is removed before this block ends.
    unsafe {
        let user_data = std::ptr::from_ref(&lines).cast_mut().cast();
        assert_eq!((library().set_log)(Some(collect), user_data, level), 0);
        work();
        assert_eq!((library().set_log)(None, std::ptr::null_mut(), 0), 0);
    }
    lines.into_inner().unwrap()
}

fn log_to(path: &Path, level: i32, max_bytes: u32) -> i32 {
    let path = CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: the path ends in NUL.
    unsafe { (library().log_to_file)(path.as_ptr(), level, max_bytes) }
}

fn stop_logging_to_file() {
    // SAFETY: NULL is allowed and closes the file.
    let code = unsafe { (library().log_to_file)(std::ptr::null(), 0, 0) };
    assert_eq!(code, 0);
}

#[test]
fn each_attempt_is_one_log_line_with_what_support_needs() {
    let _turn = turn();
    let server = Server::always(respond("503 X", ""));
    let lines = logged(3, || {
        Call::to(&server.url())
            .ext_id("log-1")
            .repeat(20_000, &[100, 60_000])
            .send();
    });
    let lines: Vec<_> = lines
        .iter()
        .filter(|(_, line)| line.contains("ext_id=log-1"))
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (number, (level, line)) in lines.into_iter().enumerate() {
        assert_eq!(*level, 2, "{line}");
        let start = format!(
            "ext_id=log-1 attempt={} http=503 code=-6 (LP_ERR_HTTP) ms=",
            number + 1
        );
        assert!(line.starts_with(&start), "{line}");
    }
}

#[test]
fn a_request_that_was_sent_twice_in_an_attempt_is_logged() {
    let _turn = turn();
    // Each connection answers one request and closes at the next.
    let server = Server::start(|mut stream, _| {
        read_request(&mut stream);
        let _ = stream.write_all(&respond("200 OK", ACCEPTED));
        read_request(&mut stream);
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    let lines = logged(3, || {
        for ext_id in ["log-once", "log-twice"] {
            let answer = Call::to(&server.url()).ext_id(ext_id).send();
            assert_eq!((answer.code, answer.attempts), (0, 1), "{answer:?}");
        }
    });
    for (ext_id, resent) in [("log-once", false), ("log-twice", true)] {
        let of_call = |line: &&(i32, String)| line.1.contains(&format!("ext_id={ext_id} "));
        let line = &lines.iter().find(of_call).expect("a line").1;
        assert_eq!(line.contains(" resent=1 "), resent, "{line}");
    }
}

#[test]
fn a_level_shuts_out_what_is_above_it() {
    let _turn = turn();
    let accepts = Server::always(respond("200 OK", ACCEPTED));
    let call = || {
        Call::to(&accepts.url()).ext_id("log-2").send();
    };
    let count =
        |lines: Vec<(i32, String)>| lines.iter().filter(|(_, l)| l.contains("log-2")).count();
    assert_eq!(count(logged(2, call)), 0);
    assert_eq!(count(logged(3, call)), 1);
    assert!(count(logged(5, call)) > 1);
}

#[test]
fn the_most_verbose_level_logs_bodies_without_the_apikey() {
    let _turn = turn();
    let apikey = crate::support::call::APIKEY;
    let body = format!(r#"{{"code":400,"message":"{apikey}","data":{{"apikey":["{apikey}"]}}}}"#);
    let server = Server::always(respond("200 OK", &body));
    let lines = logged(5, || {
        Call::to(&server.url()).ext_id("log-3").send();
        Call::to(&Server::nowhere()).ext_id("log-3").send();
        Call::to("http://user:proxy-s3cr3t@127.0.0.1")
            .ext_id("log-3")
            .send();
    });
    let all = format!("{lines:?}");
    assert!(all.contains(r#"\"login\":\"79031234567\""#), "{all}");
    assert!(!all.contains(apikey), "{all}");
}

#[test]
fn an_unknown_level_is_refused() {
    let _turn = turn();
    for level in [-1, 6, i32::MAX] {
        // SAFETY: the callback is never called.
        let refused = unsafe { (library().set_log)(Some(collect), std::ptr::null_mut(), level) };
        assert_eq!(refused, -2);
        assert_eq!(log_to(Path::new("/nowhere.log"), level, 0), -2);
    }
}

#[test]
fn a_file_gets_whole_lines_with_time_version_and_process() {
    let _turn = turn();
    let path = tools::scratch("log").join("журнал.log");
    let _ = std::fs::remove_file(&path);
    assert_eq!(log_to(&path, 3, 0), 0);
    let server = Server::always(respond("200 OK", ACCEPTED));
    Call::to(&server.url()).ext_id("log-4").send();
    stop_logging_to_file();
    Call::to(&server.url()).ext_id("log-5").send();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("log-5"), "{text}");
    let line = text
        .lines()
        .find(|line| line.contains("ext_id=log-4"))
        .expect("a line");
    let time = chrono::DateTime::parse_from_str(&line[..30], "%Y-%m-%d %H:%M:%S%.3f %:z");
    let age = chrono::Local::now().signed_duration_since(time.expect(line));
    assert!(age.num_seconds() < 60, "{line}");
    let rest = format!(
        " lifepay {} [{}] INFO ext_id=log-4 attempt=1 http=200 code=0 (LP_OK) ms=",
        env!("CARGO_PKG_VERSION"),
        std::process::id()
    );
    assert!(line[30..].starts_with(&rest), "{line}");
}

#[test]
fn a_full_file_is_rotated_once() {
    let _turn = turn();
    let path = tools::scratch("log").join("rotated.log");
    let old = tools::scratch("log").join("rotated.log.old");
    for file in [&path, &old] {
        let _ = std::fs::remove_file(file);
    }
    assert_eq!(log_to(&path, 3, 1000), 0);
    let server = Server::always(respond("200 OK", ACCEPTED));
    for number in 0..20 {
        Call::to(&server.url())
            .ext_id(&format!("log-rotated-{number}"))
            .send();
    }
    stop_logging_to_file();
    for file in [&path, &old] {
        let length = std::fs::metadata(file).expect("both files").len();
        assert!((1..=1000).contains(&length), "{length}");
    }
    assert!(std::fs::read_to_string(&path)
        .unwrap()
        .contains("log-rotated-19"));
}

#[test]
fn a_file_that_cannot_be_written_is_refused_and_the_one_before_stays() {
    let _turn = turn();
    let path = tools::scratch("log").join("stays.log");
    let _ = std::fs::remove_file(&path);
    assert_eq!(log_to(&path, 3, 0), 0);
    assert_eq!(log_to(&tools::scratch("log"), 3, 0), -2, "a folder");
    assert_eq!(log_to(Path::new("/nowhere/at/all.log"), 3, 0), -2);
    Call::to(&Server::nowhere()).ext_id("log-6").send();
    stop_logging_to_file();
    assert!(std::fs::read_to_string(&path).unwrap().contains("log-6"));
}

/// Run by the test below in a separate process.
#[test]
#[ignore = "a part of the_environment_sets_a_file_for_a_program_that_cannot_be_changed"]
fn one_call() {
    Call::to(&Server::nowhere()).ext_id("log-7").send();
}

#[test]
fn the_environment_sets_a_file_for_a_program_that_cannot_be_changed() {
    let path = tools::scratch("log").join("environment.log");
    let _ = std::fs::remove_file(&path);
    let one_call = child::full_name(module_path!(), "one_call");
    tools::run(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &one_call, "--include-ignored"])
            .env("LIFEPAY_LOG", format!("trace,{}", path.display())),
    );
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains(" WARN ext_id=log-7 attempt=1 http=0 code=-3 (LP_ERR_NETWORK)"),
        "{text}"
    );
    assert!(text.contains(" TRACE ext_id=log-7 body {"), "{text}");
    assert!(!text.contains(crate::support::call::APIKEY), "{text}");
}

/// Reports the first call of a callback to the test, and blocks it until the test releases it.
struct Gate {
    entered: Mutex<Option<Sender<()>>>,
    released: Mutex<Receiver<()>>,
}

unsafe extern "C" fn wait_at_gate(_: i32, message: *const c_char, gate: *mut c_void) {
    // SAFETY: the gate outlives the callback; the message is a string.
    let (gate, message) = unsafe { (&*gate.cast::<Gate>(), CStr::from_ptr(message)) };
    // The line about the system's roots: it is written while a connection is being made.
    if message.to_string_lossy().contains("certificates") {
        let first = gate.entered.lock().unwrap().take();
        if let Some(entered) = first {
            entered.send(()).unwrap();
            let _ = gate.released.lock().unwrap().recv();
        }
    }
}

#[test]
fn a_slow_log_callback_blocks_no_other_thread() {
    let _turn = turn();
    let silent = Server::start(|mut stream, _| {
        read_request(&mut stream);
    });
    let url = format!("https://{}", silent.address());
    // Settings that no other test uses, so that the system's roots have not been read for them yet.
    let ca_file = pem_file("slow-log", Authority::new().pem());
    let call = |url: &str| {
        Call::to(url)
            .text(|c| &mut c.ca_file, &ca_file)
            .with(|c| c.trust = TRUST_SYSTEM)
            .limits(500, 500)
            .send()
    };

    let (entered, has_entered) = channel();
    let (release, released) = channel();
    let gate = Gate {
        entered: Mutex::new(Some(entered)),
        released: Mutex::new(released),
    };
    let set_log = |callback, level| {
        let user_data = std::ptr::from_ref(&gate).cast_mut().cast();
        // SAFETY: the gate lives until the callback is removed.
        let code = unsafe { (library().set_log)(callback, user_data, level) };
        assert_eq!(code, 0);
    };
    set_log(Some(wait_at_gate as unsafe extern "C" fn(_, _, _)), 4);
    std::thread::scope(|scope| {
        // On a busy machine a call may reach its limit before it reads the roots.
        let held = scope.spawn(|| {
            while gate.entered.lock().unwrap().is_some() {
                call(&url);
            }
        });
        has_entered.recv_timeout(Duration::from_secs(60)).unwrap();
        let started = Instant::now();
        let answer = call(&url);
        assert_eq!(answer.code, code::LP_ERR_TIMEOUT, "{answer:?}");
        assert!(started.elapsed() < Duration::from_secs(3));
        drop(release);
        held.join().unwrap();
    });
    set_log(None, 0);
}

#[test]
fn text_from_a_server_stays_within_its_log_line() {
    let _turn = turn();
    let body = "{\"code\":400,\"message\":\"one\\ntwo\\u001b[2J\"}\r\n";
    let server = Server::always(respond("200 OK", body));
    let lines = logged(5, || {
        Call::to(&server.url()).ext_id("one-line").send();
    });
    assert!(
        lines.iter().any(|(_, line)| line.contains("one two")),
        "{lines:?}"
    );
    assert!(
        !lines
            .iter()
            .any(|(_, line)| line.contains(char::is_control)),
        "{lines:?}"
    );
}

#[test]
fn a_relative_log_path_does_not_follow_the_hosts_folder() {
    if child::again(
        module_path!(),
        "a_relative_log_path_does_not_follow_the_hosts_folder",
        &[],
    ) {
        return;
    }
    let (here, there) = (tools::scratch("log-here"), tools::scratch("log-there"));
    for folder in [&here, &there] {
        let _ = std::fs::remove_file(folder.join("relative.log"));
    }
    std::env::set_current_dir(&here).unwrap();
    assert_eq!(log_to(Path::new("relative.log"), 3, 0), 0);
    std::env::set_current_dir(&there).unwrap();
    Call::to(&Server::nowhere()).ext_id("moved").send();
    let text = std::fs::read_to_string(here.join("relative.log")).unwrap();
    assert!(text.contains("ext_id=moved"), "{text}");
    assert!(!there.join("relative.log").exists());
}

#[test]
fn a_pipe_is_refused_as_a_log_file() {
    let _turn = turn();
    let pipe = tools::scratch("log").join("pipe");
    let _ = std::fs::remove_file(&pipe);
    tools::run(Command::new("mkfifo").arg(&pipe));
    assert_eq!(log_to(&pipe, 3, 0), code::LP_ERR_ARGUMENT);
}
