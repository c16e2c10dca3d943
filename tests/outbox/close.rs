//! Closing an outbox: it takes at most a second, even during an attempt, and loses nothing.

use std::ffi::{c_char, c_void, CStr};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lifepay::ffi as code;

use crate::support::outbox::fresh;
use crate::support::server::ACCEPTED;
use crate::support::tools::have;
use crate::support::wait::until;
use crate::support::{child, library, read_request, respond, Call, Outbox, Server};

/// Settings with an hour between attempts.
fn patient<'a>(url: &str) -> Call<'a> {
    Call::to(url).repeat(0, &[3_600_000]).limits(2000, 2000)
}

#[test]
fn close_wakes_waiting_threads_and_returns_within_a_second() {
    let server = Server::start(|mut stream, _| {
        read_request(&mut stream);
        read_request(&mut stream);
    });
    let outbox = Outbox::open(
        &fresh("closed"),
        patient(&server.url()).limits(30_000, 30_000),
    );
    outbox.submit(patient(&server.url()).ext_id("mine"));
    until("the request", || server.connections() == 1);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| outbox.wait("mine", u32::MAX));
        until("an attempt", || outbox.wait("mine", 0).attempts == 1);
        let started = Instant::now();
        assert_eq!(outbox.close(), 0);
        assert!(started.elapsed() < Duration::from_secs(1));
        assert_eq!(waiting.join().unwrap().code, code::LP_ERR_CLOSED);
    });
    assert_eq!(outbox.close(), code::LP_ERR_CLOSED, "again");
    assert_eq!(outbox.submit(patient(&server.url())).0, code::LP_ERR_CLOSED);
    assert_eq!(outbox.retry_now(None), code::LP_ERR_CLOSED);
}

/// Log callback that increments the counter at `user_data` and blocks until the counter is at least
/// 2. Only for messages about "mine".
unsafe extern "C" fn block(_: i32, message: *const c_char, user_data: *mut c_void) {
    // SAFETY: `user_data` points to the test's static counter, and the message is a string.
    let (message, counter) =
        unsafe { (CStr::from_ptr(message), &*user_data.cast::<AtomicUsize>()) };
    if message.to_bytes().starts_with(b"ext_id=mine ") {
        counter.fetch_add(1, Ordering::SeqCst);
        while counter.load(Ordering::SeqCst) < 2 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The log callback may wait for the thread that closes the outbox.
#[test]
fn close_does_not_wait_for_a_thread_that_is_in_the_hosts_log_callback() {
    const NAME: &str = "close_does_not_wait_for_a_thread_that_is_in_the_hosts_log_callback";
    if child::again(module_path!(), NAME, &[]) {
        return;
    }
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    let user_data = std::ptr::from_ref(&COUNTER).cast_mut().cast();
    // SAFETY: the callback and its data live as long as the process.
    unsafe { (library().set_log)(Some(block), user_data, 3) };
    let server = Server::always(respond("200 OK", ACCEPTED));
    let outbox = Outbox::open(&fresh("in-a-callback"), patient(&server.url()));
    outbox.submit(patient(&server.url()).ext_id("mine"));
    until("the callback", || COUNTER.load(Ordering::SeqCst) == 1);
    let took = std::thread::scope(|scope| {
        let started = Instant::now();
        let closing = scope.spawn(move || outbox.close());
        while !closing.is_finished() && started.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let took = started.elapsed();
        COUNTER.store(2, Ordering::SeqCst);
        assert_eq!(closing.join().unwrap(), 0);
        took
    });
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

/// Thread-specific data of a host whose destructor takes long, as that of a runtime may that waits for
/// its own lock.
#[cfg(target_os = "linux")]
mod destructor {
    use std::sync::atomic::AtomicU32;

    use super::*;

    static KEY: AtomicU32 = AtomicU32::new(0);
    static BEGUN: AtomicUsize = AtomicUsize::new(0);

    unsafe extern "C" fn attach(_: i32, _: *const c_char, data: *mut c_void) {
        // SAFETY: the key exists before the callback is set.
        unsafe { libc::pthread_setspecific(KEY.load(Ordering::SeqCst), data) };
    }

    unsafe extern "C" fn detach(_: *mut c_void) {
        BEGUN.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_secs(3));
    }

    #[test]
    fn close_does_not_wait_for_a_destructor_of_the_host_on_an_exiting_thread() {
        const NAME: &str = "close_does_not_wait_for_a_destructor_of_the_host_on_an_exiting_thread";
        if child::again(module_path!(), NAME, &[]) {
            return;
        }
        let mut key = 0;
        // SAFETY: `detach` lives as long as the process.
        let failed = unsafe { libc::pthread_key_create(&raw mut key, Some(detach)) };
        assert_eq!(failed, 0);
        KEY.store(key, Ordering::SeqCst);
        let server = Server::always(respond("200 OK", ACCEPTED));
        let outbox = Outbox::open(&fresh("destructor"), patient(&server.url()));
        // Not NULL, for which no destructor runs.
        let data = std::ptr::from_ref(&KEY).cast_mut().cast();
        // SAFETY: the callback and its data live as long as the process.
        unsafe { (library().set_log)(Some(attach), data, 4) };
        outbox.submit(patient(&server.url()).ext_id("mine"));
        until("it is sent", || outbox.wait("mine", 0).code == 0);
        // SAFETY: it takes no callback. This thread's own data have no destructor to wait for.
        unsafe {
            (library().set_log)(None, std::ptr::null_mut(), 0);
            libc::pthread_setspecific(key, std::ptr::null());
        }
        let started = Instant::now();
        assert_eq!(outbox.close(), 0);
        let took = started.elapsed();
        assert!(took < Duration::from_millis(1500), "{took:?}");
        until("the destructor runs", || BEGUN.load(Ordering::SeqCst) > 0);
    }
}

#[test]
fn an_attempt_cut_off_by_a_close_is_repeated_after_the_next_open() {
    let path = fresh("goes-on");
    let server = Server::always(respond("200 OK", ACCEPTED));
    let outbox = Outbox::open(&path, patient(&server.url()));
    outbox.submit(patient(&server.url()).ext_id("mine"));
    outbox.close();
    let outbox = Outbox::open(&path, patient(&server.url()));
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
}

/// The outbox is closed when only the beginning of a 503 has arrived. The retry must not wait for
/// the schedule.
#[test]
fn an_attempt_cut_off_by_a_close_is_repeated_at_once() {
    let path = fresh("in-an-answer");
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let server = Server::start(move |mut stream, _| {
        while read_request(&mut stream).is_some() {
            let answer = match count.fetch_add(1, Ordering::SeqCst) {
                0 => b"HTTP/1.1 503 X\r\nContent-Length: 1000\r\n\r\n{".to_vec(),
                _ => respond("200 OK", ACCEPTED),
            };
            let _ = stream.write_all(&answer);
        }
    });
    let call = || patient(&server.url()).limits(30_000, 30_000);
    let outbox = Outbox::open(&path, call());
    outbox.submit(call().ext_id("mine"));
    until("a request", || seen.load(Ordering::SeqCst) == 1);
    assert_eq!(outbox.close(), 0);
    let outbox = Outbox::open(&path, call());
    assert_eq!(outbox.wait("mine", 10_000).code, 0);
}

/// The call waits for the file while another program is writing to it.
#[test]
fn a_call_that_waits_for_a_busy_file_returns_when_the_outbox_is_closed() {
    if !have("python3") {
        return;
    }
    let path = fresh("busy");
    let url = Server::nowhere();
    let outbox = Outbox::open(&path, patient(&url));
    let script = "import sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute('BEGIN IMMEDIATE')
print('begun', flush=True)
sys.stdin.read()";
    let mut writer = Command::new("python3")
        .args(["-c", script])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut begun = [0; 5];
    let stdout = writer.stdout.as_mut().unwrap();
    stdout.read_exact(&mut begun).expect("begun");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| outbox.submit(patient(&url).ext_id("mine")));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished());
        assert_eq!(outbox.close(), 0);
        let (returned, answer) = waiting.join().unwrap();
        assert_eq!(returned, code::LP_ERR_CLOSED, "{answer:?}");
    });
    drop(writer.stdin.take());
    writer.wait().expect("it ends");
}
