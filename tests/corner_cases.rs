//! Corner cases: where two parts meet, and what each promises must hold of both.

mod support;

use std::ffi::{c_char, c_void, CStr, CString};
use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lifepay::ffi as code;
use rustls::{ServerConnection, StreamOwned};
use support::server::ACCEPTED;
use support::tls_server::{pem_file, Authority, TlsServer};
use support::{child, library, read_request, respond, tools, Call, Server};

const UNKNOWN: i32 = 2;
const LOOPBACK: &[&str] = &["127.0.0.1"];

/// Tests that set the log, which is one for the process, take turns.
fn log_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn tls_that_breaks_after_the_request_is_no_matter_of_trust() {
    let authority = Authority::new();
    let ca_file = pem_file("breaks-later", authority.pem());
    let config = authority.issue(LOOPBACK).config(rustls::ALL_VERSIONS);
    let server = Server::start(move |stream, _| {
        let raw = stream.try_clone().unwrap();
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut encrypted = StreamOwned::new(connection, stream);
        if read_request(&mut encrypted).is_some() {
            let mut raw: TcpStream = raw;
            raw.write_all(b"<html>no TLS any more</html>").unwrap();
        }
    });
    let url = format!("https://{}", server.address());
    let answer = Call::to(&url).text(|c| &mut c.ca_file, &ca_file).send();
    let expected = (code::LP_ERR_NETWORK, UNKNOWN);
    assert_eq!((answer.code, answer.outcome), expected, "{answer:?}");
}

#[test]
fn the_systems_roots_are_read_anew_after_a_refusal() {
    let roots = pem_file("systems", "");
    if child::again(
        "the_systems_roots_are_read_anew_after_a_refusal",
        &[("SSL_CERT_FILE", &roots)],
    ) {
        return;
    }
    let authority = Authority::new();
    let server = TlsServer::start(authority.issue(LOOPBACK));
    let call = || Call::to(&server.url()).send();
    assert_eq!(call().code, code::LP_ERR_TLS);
    // The administrator installs the root while the till runs.
    std::fs::write(&roots, authority.pem()).unwrap();
    assert_eq!(call().code, 0);
}

#[test]
fn a_ca_file_that_is_mended_while_a_call_repeats_is_taken() {
    let authority = Authority::new();
    let server = TlsServer::start(authority.issue(LOOPBACK));
    let ca_file = pem_file("mended-while-repeating", Authority::new().pem());
    let answer = Call::to(&server.url())
        .text(|c| &mut c.ca_file, &ca_file)
        .repeat(10_000, &[100])
        .on_progress(|progress| {
            if progress.attempts == 2 {
                std::fs::write(&ca_file, authority.pem() + "\n").unwrap();
            }
            0
        })
        .send();
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(answer.attempts > 1);
}

#[test]
fn a_clear_request_does_not_go_through_a_foreign_proxy_however_its_scheme_is_written() {
    for url in ["http://127.0.0.1:1", "HTTP://127.0.0.1:1"] {
        let call = Call::to(url).text(|c| &mut c.proxy, "http://192.0.2.2:3128");
        assert_eq!(call.send().fields(), ["proxy"], "{url}");
    }
}

#[test]
fn a_connection_made_in_place_of_a_closed_one_is_kept() {
    // The first connection is closed when its second request comes.
    let server = Server::start(|mut stream, number| {
        let mut served = 0;
        while read_request(&mut stream).is_some() {
            if number == 0 && served == 1 {
                stream.shutdown(std::net::Shutdown::Both).unwrap();
                return;
            }
            served += 1;
            stream.write_all(&respond("200 OK", ACCEPTED)).unwrap();
        }
    });
    for _ in 0..4 {
        assert_eq!(Call::to(&server.url()).send().code, 0);
    }
    assert_eq!(server.connections(), 2);
}

/// A callback that says that it was called, and the first time waits until it may go on.
struct Gate {
    entered: Mutex<Option<Sender<()>>>,
    may_go_on: Mutex<Receiver<()>>,
}

unsafe extern "C" fn wait_at_gate(_: i32, message: *const c_char, gate: *mut c_void) {
    // SAFETY: the gate outlives the callback; the message is a string.
    let (gate, message) = unsafe { (&*gate.cast::<Gate>(), CStr::from_ptr(message)) };
    // Of the roots: then a connection is being made.
    if message.to_string_lossy().contains("certificates") {
        let first = gate.entered.lock().unwrap().take();
        if let Some(entered) = first {
            entered.send(()).unwrap();
            let _ = gate.may_go_on.lock().unwrap().recv();
        }
    }
}

#[test]
fn a_log_callback_that_takes_its_time_holds_up_no_other_thread() {
    let _turn = log_turn();
    let silent = Server::start(|mut stream, _| {
        read_request(&mut stream);
    });
    let url = format!("https://{}", silent.address());
    // A set of settings of this test's own, so that the roots are still to be loaded.
    let ca_file = pem_file("slow-log", Authority::new().pem());
    let call = |url: &str| {
        Call::to(url)
            .text(|c| &mut c.ca_file, &ca_file)
            .limits(500, 500)
            .send()
    };

    let (entered, has_entered) = channel();
    let (go_on, may_go_on) = channel();
    let gate = Gate {
        entered: Mutex::new(Some(entered)),
        may_go_on: Mutex::new(may_go_on),
    };
    let set_log = |callback, level| {
        let user_data = std::ptr::from_ref(&gate).cast_mut().cast();
        // SAFETY: the gate lives until the callback is taken back.
        assert_eq!(
            unsafe { (library().set_log)(callback, user_data, level) },
            0
        );
    };
    set_log(Some(wait_at_gate as unsafe extern "C" fn(_, _, _)), 4);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| call(&url));
        has_entered.recv().unwrap();
        let started = Instant::now();
        let answer = call(&url);
        assert_eq!(answer.code, code::LP_ERR_TIMEOUT, "{answer:?}");
        assert!(started.elapsed() < Duration::from_secs(3));
        drop(go_on);
        held.join().unwrap();
    });
    set_log(None, 0);
}

unsafe extern "C" fn collect(_: i32, message: *const c_char, lines: *mut c_void) {
    // SAFETY: the lines outlive the callback; the message is a string.
    let (lines, message) = unsafe {
        (
            &*lines.cast::<Mutex<Vec<String>>>(),
            CStr::from_ptr(message),
        )
    };
    lines
        .lock()
        .unwrap()
        .push(message.to_str().unwrap().to_owned());
}

#[test]
fn what_a_server_says_does_not_break_out_of_a_line_of_the_log() {
    let _turn = log_turn();
    let lines = Mutex::new(Vec::<String>::new());
    let body = "{\"code\":400,\"message\":\"one\\ntwo\\u001b[2J\"}\r\n";
    let server = Server::always(respond("200 OK", body));
    // SAFETY: the lines live until the callback is taken back.
    unsafe {
        let user_data = std::ptr::from_ref(&lines).cast_mut().cast();
        (library().set_log)(Some(collect), user_data, 5);
        Call::to(&server.url()).ext_id("one-line").send();
        (library().set_log)(None, std::ptr::null_mut(), 0);
    }
    let lines = lines.into_inner().unwrap();
    assert!(
        lines.iter().any(|line| line.contains("one two")),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.contains(char::is_control)),
        "{lines:?}"
    );
}

fn log_to(path: &str) -> i32 {
    let path = CString::new(path).unwrap();
    // SAFETY: a path that ends in NUL.
    unsafe { (library().log_to_file)(path.as_ptr(), 3, 0) }
}

#[test]
fn a_relative_log_path_does_not_follow_the_hosts_folder() {
    if child::again("a_relative_log_path_does_not_follow_the_hosts_folder", &[]) {
        return;
    }
    let (here, there) = (tools::scratch("log-here"), tools::scratch("log-there"));
    for folder in [&here, &there] {
        let _ = std::fs::remove_file(folder.join("relative.log"));
    }
    std::env::set_current_dir(&here).unwrap();
    assert_eq!(log_to("relative.log"), 0);
    std::env::set_current_dir(&there).unwrap();
    Call::to(&Server::nowhere()).ext_id("moved").send();
    let text = std::fs::read_to_string(here.join("relative.log")).unwrap();
    assert!(text.contains("ext_id=moved"), "{text}");
    assert!(!there.join("relative.log").exists());
}

#[test]
fn a_pipe_is_no_log_file() {
    let _turn = log_turn();
    let pipe = tools::scratch("log").join("pipe");
    let _ = std::fs::remove_file(&pipe);
    tools::run(std::process::Command::new("mkfifo").arg(&pipe));
    assert_eq!(log_to(pipe.to_str().unwrap()), code::LP_ERR_ARGUMENT);
}

#[test]
fn a_request_that_was_encoded_twice_shows_its_apikey_nowhere() {
    let request = CString::new(r#""{\"apikey\":\"s3cr3t-apikey\"}""#).unwrap();
    let mut answer = std::ptr::null_mut();
    // SAFETY: the request ends in NUL; the answer is read before it is freed.
    let text = unsafe {
        assert_eq!(
            (library().open_shift_json)(request.as_ptr(), &mut answer),
            -2
        );
        let text = CStr::from_ptr(answer).to_str().unwrap().to_owned();
        (library().string_free)(answer);
        text
    };
    assert!(!text.contains("s3cr3t"), "{text}");
}

#[test]
fn a_ca_file_is_checked_also_where_it_is_not_needed() {
    let call = Call::to(&Server::nowhere()).text(|c| &mut c.ca_file, &pem_file("no-pem", "none"));
    assert_eq!(call.send().fields(), ["ca_file"]);
}
