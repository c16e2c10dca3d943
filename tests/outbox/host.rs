//! The outbox in the host process: C programs, valgrind, forks, exits, many threads, file
//! permissions, memory and time.
#![cfg(target_os = "linux")]

use std::ffi::c_void;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use lifepay::ffi as code;
use lifepay::ffi::lp_entry;

use crate::support::driver::{echo_server, run_program, silent_server};
use crate::support::outbox::{fresh, InMemory};
use crate::support::server::ACCEPTED;
use crate::support::tools::{self, Link};
use crate::support::wait::until;
use crate::support::{child, library, read_request, respond, Call, Outbox, Server};

/// Runs the C program in one of its modes, under valgrind if requested. Returns the program's
/// folder, or None if a tool is missing.
fn runs(mode: &str, link: Link, under_valgrind: bool) -> Option<PathBuf> {
    if !tools::have("gcc") || (under_valgrind && !tools::have("valgrind")) {
        return None;
    }
    let program = tools::compile_c("outbox_cycle", link);
    let name = format!("host-{mode}-{}-{under_valgrind}", program.display()).replace('/', "-");
    let folder = fresh(&name).parent().unwrap().to_owned();
    let (accepting, _) = echo_server();
    let silent = silent_server();
    let mut command = if under_valgrind {
        let mut command = tools::valgrind();
        command.arg(&program);
        command
    } else {
        Command::new(&program)
    };
    let output = tools::run(
        command
            .args([mode, &accepting.url(), &silent.url()])
            .arg(&folder),
    );
    let printed = [output.stdout, output.stderr].concat();
    assert_eq!(
        String::from_utf8_lossy(&printed),
        "",
        "the program printed something"
    );
    Some(folder)
}

#[test]
fn a_full_cycle_and_garbage_do_no_harm() {
    for link in [Link::Shared, Link::Static] {
        runs("cycle", link, false);
    }
}

#[test]
fn a_full_cycle_makes_no_memory_error_and_no_leak() {
    for link in [Link::Shared, Link::Static] {
        runs("cycle", link, true);
    }
}

#[test]
fn no_number_is_given_twice() {
    runs("numbers", Link::Shared, false);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn floating_point_traps_of_the_host_do_not_fire_and_stay_on_in_the_callback() {
    if tools::have("gcc") {
        // Static, because feenableexcept is in libm, and only static links name libm.
        let program = tools::compile_c("outbox_traps", Link::Static);
        let (server, received) = echo_server();
        let file = fresh("host-traps");
        run_program(&program, &[&server.url(), file.to_str().unwrap()]);
        assert_eq!(received.count(), 1);
    }
}

#[test]
fn a_forked_child_is_refused_and_its_parent_continues() {
    runs("fork", Link::Shared, false);
}

#[test]
fn a_process_may_end_with_an_open_outbox_and_loses_nothing() {
    for mode in ["return", "thread"] {
        for link in [Link::Shared, Link::Static] {
            let Some(folder) = runs(mode, link, false) else {
                return;
            };
            // Opened with another base_url, so that the entry is listed and not sent.
            let call = Call::to(&Server::nowhere());
            let outbox = Outbox::open(&folder.join("exit.db"), call);
            let entry = outbox.entry("left").expect("the entry is in the file");
            assert_eq!(
                (entry.code, entry.outcome, entry.attempts),
                (-1, 2, 1),
                "{entry:?}"
            );
        }
    }
}

#[test]
fn loading_and_unloading_leave_nothing_behind() {
    if !tools::have("gcc") {
        return;
    }
    let program = tools::compile_c_without_library("outbox_reload");
    let (server, received) = echo_server();
    let file = fresh("host-reload");
    let mut command = Command::new(program);
    tools::run(command.arg(library::path()).arg(server.url()).arg(file));
    assert_eq!(received.count(), 100);
}

#[test]
fn each_of_many_threads_gets_its_own_answers() {
    let (server, received) = echo_server();
    let path = fresh("host-threads");
    let outbox = Outbox::open(&path, Call::to(&server.url()).with(|c| c.concurrency = 16));
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let (outbox, url) = (&outbox, server.url());
            scope.spawn(move || {
                for number in 0..20 {
                    let ext_id = format!("{thread}-{number}");
                    let (returned, _) = outbox.submit(Call::to(&url).ext_id(&ext_id));
                    assert_eq!(returned, 0);
                    let answer = outbox.wait(&ext_id, 30_000);
                    assert_eq!(answer.uuid.as_deref(), Some(ext_id.as_str()), "{answer:?}");
                }
            });
        }
    });
    assert_eq!(received.count(), 320);
}

#[test]
fn threads_of_an_outbox_block_what_the_host_handles() {
    let server = Server::start(|mut stream, _| {
        read_request(&mut stream);
        read_request(&mut stream);
    });
    let outbox = Outbox::open(&fresh("host-signals"), Call::to(&server.url()));
    outbox.submit(Call::to(&server.url()).ext_id("mine"));
    until("the request is under way", || server.connections() == 1);
    let mut seen = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        // A thread of another test may end meanwhile.
        let Ok(name) = std::fs::read_to_string(task.join("comm")) else {
            continue;
        };
        if name.starts_with("lifepay-") {
            let status = std::fs::read_to_string(task.join("status")).unwrap_or_default();
            let Some(blocked) = status.lines().find_map(|line| line.strip_prefix("SigBlk:")) else {
                continue;
            };
            let blocked = u64::from_str_radix(blocked.trim(), 16).unwrap();
            // SIGKILL and SIGSTOP cannot be blocked. .NET and Mono need ILL, TRAP, BUS, FPE, SEGV,
            // XCPU, PWR and SYS on every thread, and real-time signals, which begin at 32.
            let open = [4, 5, 7, 8, 9, 11, 19, 24, 30, 31];
            let expected = (1..32).filter(|signal| !open.contains(signal));
            let expected = expected.fold(0, |set: u64, signal| set | 1 << (signal - 1));
            assert_eq!(blocked, expected, "{name}: {blocked:x}");
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}

fn patient<'a>(url: &str) -> Call<'a> {
    Call::to(url).repeat(0, &[3_600_000]).limits(30_000, 30_000)
}

#[test]
fn only_the_owner_can_read_the_files_whatever_the_umask() {
    if child::again(
        module_path!(),
        "only_the_owner_can_read_the_files_whatever_the_umask",
        &[],
    ) {
        return;
    }
    // SAFETY: the argument is a number, and only this test runs in this process.
    unsafe { libc::umask(0) };
    let path = fresh("host-rights");
    let server = Server::always(respond("503 X", ""));
    let outbox = Outbox::open(&path, patient(&server.url()));
    outbox.submit(patient(&server.url()).ext_id("mine"));
    until("an attempt", || outbox.wait("mine", 0).http_status == 503);
    let check_files = |least: usize| {
        let files = std::fs::read_dir(path.parent().unwrap()).unwrap();
        let mut seen = 0;
        for file in files.map(|file| file.unwrap()) {
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
            seen += 1;
        }
        assert!(seen >= least, "{seen}");
    };
    // The file, its write-ahead log, the log's index and the sender lock.
    check_files(4);
    outbox.close();
    check_files(2);
}

const KEY: &str = "Kq7-Zx3_vW9.pT5+bN1/";

fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).flat_map(|group| {
        let number =
            usize::from(group[0]) << 16 | usize::from(group[1]) << 8 | usize::from(group[2]);
        [18, 12, 6, 0].map(|shift| DIGITS[number >> shift & 63])
    });
    groups.collect()
}

/// Asserts that no file of the folder contains a part of the apikey: as plain text, in base64 or in
/// hex.
fn holds_no_key(folder: &Path, stage: &str) {
    let hex = |text: fn(u8) -> String| KEY.bytes().map(text).collect::<String>().into_bytes();
    let mut spellings = vec![KEY.as_bytes().to_vec()];
    spellings.push(hex(|byte| format!("{byte:02x}")));
    spellings.push(hex(|byte| format!("{byte:02X}")));
    spellings.extend((0..3).map(|skip| base64(&KEY.as_bytes()[skip..])));
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let bytes = std::fs::read(&file).unwrap();
        for (number, spelling) in spellings.iter().enumerate() {
            let length = if number == 0 { 6 } else { 8 };
            for part in spelling.windows(length) {
                let found = bytes.windows(length).any(|window| window == part);
                let part = String::from_utf8_lossy(part);
                assert!(!found, "{stage}: {part} in {}", file.display());
            }
        }
    }
}

#[test]
fn the_apikey_is_in_no_file_whatever_lifepay_answers() {
    let path = fresh("host-apikey");
    let folder = path.parent().unwrap();
    let gate = Arc::new(RwLock::new(()));
    let opens = Arc::clone(&gate);
    // The answers contain the apikey that was sent.
    let server = Server::start(move |mut stream, _| {
        while let Some(request) = read_request(&mut stream) {
            drop(opens.read());
            let key = serde_json::to_string(KEY).unwrap();
            let echo = |code: i32| {
                let body = format!(r#"{{"code":{code},"message":{key},"data":{{"uuid":{key}}}}}"#);
                respond("200 OK", &body)
            };
            let answer = match request.split("entry-").nth(1).map(|rest| &rest[..1]) {
                Some("0") => echo(0),
                Some("1") => echo(6010),
                Some("2") => respond("200 OK", &format!("<html>{KEY}")),
                _ => respond("503 X", KEY),
            };
            let _ = stream.write_all(&answer);
        }
    });
    let call = || patient(&server.url()).text(|c| &mut c.apikey, KEY);
    let closed = gate.write();
    let outbox = Outbox::open(&path, call());
    holds_no_key(folder, "opened");
    let entries = ["entry-0", "entry-1", "entry-2", "entry-3"];
    for ext_id in entries {
        assert_eq!(outbox.submit(call().ext_id(ext_id)).0, 0);
    }
    until("four attempts", || server.connections() == 4);
    holds_no_key(folder, "under way");
    drop(closed);
    for (ext_id, code) in entries.into_iter().zip([0, 6010]) {
        assert_eq!(outbox.wait(ext_id, 10_000).code, code);
    }
    for ext_id in &entries[2..] {
        until("an answer", || outbox.wait(ext_id, 0).retry_after_ms > 0);
    }
    holds_no_key(folder, "answered");
    outbox.cancel("entry-3");
    outbox.close();
    holds_no_key(folder, "closed");
}

#[test]
fn the_file_is_the_same_with_whatever_apikey_it_was_made() {
    if !tools::have_python_module("sqlite3") {
        return;
    }
    let server = Server::always(respond("200 OK", ACCEPTED));
    let dumps = [KEY, "another"].map(|apikey| {
        let path = fresh(&format!("host-apikey-{}", apikey.len()));
        let call = || patient(&server.url()).text(|c| &mut c.apikey, apikey);
        let outbox = Outbox::open(&path, call());
        outbox.submit(call().ext_id("mine"));
        assert_eq!(outbox.wait("mine", 10_000).code, 0);
        outbox.close();
        let program = "import re, sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n\
            print(re.sub('1[0-9]{12}', 'TIME', '\\n'.join(c.iterdump())))";
        let dump = tools::run(Command::new("python3").arg("-c").arg(program).arg(&path));
        String::from_utf8(dump.stdout).unwrap()
    });
    assert!(
        dumps[0].contains("INSERT INTO") && dumps[0].contains("TIME"),
        "{dumps:?}"
    );
    assert_eq!(dumps[0], dumps[1]);
}

/// Returns the resident memory of this process in KiB.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_waiting_entries_cost_little() {
    const FILE: &str = "LIFEPAY_TEST_FILE";
    const URL: &str = "LIFEPAY_TEST_URL";
    let (Ok(path), Ok(url)) = (std::env::var(FILE), std::env::var(URL)) else {
        // Never answers, so that the entries stay pending.
        let server = Server::start(|mut stream, _| while read_request(&mut stream).is_some() {});
        let memory = InMemory::new("many");
        let path = memory.outbox();
        let outbox = Outbox::open(&path, patient(&server.url()));
        let began = Instant::now();
        for number in 0..10_000 {
            let call = patient(&server.url()).target_serial("00106304012797");
            assert_eq!(outbox.submit(call.ext_id(&format!("entry-{number}"))).0, 0);
        }
        println!("10,000 submitted in {:?}", began.elapsed());
        outbox.close();
        let environment = [(FILE, path.to_str().unwrap()), (URL, &server.url())];
        // Measured in a new process, which has done nothing else before.
        child::again(
            module_path!(),
            "ten_thousand_waiting_entries_cost_little",
            &environment,
        );
        return;
    };
    let call = patient(&url);
    let before = resident();
    let began = Instant::now();
    let outbox = Outbox::open(Path::new(&path), call);
    let opened = began.elapsed();
    let under_way = || outbox.wait("entry-3", 0).attempts == 2;
    until("the first ones are sent again", under_way);
    let sending = began.elapsed();
    let grown = resident() - before;
    assert_eq!(outbox.pending(), 10_000);
    let began = Instant::now();
    assert_eq!(outbox.entries().len(), 10_000);
    let listed = began.elapsed();
    let figures = format!("open {opened:?}, sending {sending:?}, list {listed:?}, {grown} KiB");
    println!("{figures}");
    assert!(opened < Duration::from_secs(1), "{figures}");
    assert!(sending < Duration::from_secs(4), "{figures}");
    assert!(listed < Duration::from_secs(4), "{figures}");
    assert!(grown < 30_000, "{figures}");
}

#[test]
fn draining_takes_time_in_proportion_to_the_entries() {
    let gate = Arc::new(RwLock::new(()));
    let opens = Arc::clone(&gate);
    let server = Server::start(move |mut stream, _| {
        while read_request(&mut stream).is_some() {
            drop(opens.read());
            let _ = stream.write_all(&respond("200 OK", ACCEPTED));
        }
    });
    let drain = |count: usize| {
        let memory = InMemory::new(&format!("drain-{count}"));
        let path = memory.outbox();
        let outbox = Outbox::open(&path, patient(&server.url()));
        let closed = gate.write();
        let ext_id = |number: usize| format!("entry-{number}");
        for number in 0..count {
            assert_eq!(
                outbox
                    .submit(patient(&server.url()).ext_id(&ext_id(number)))
                    .0,
                0
            );
        }
        let began = Instant::now();
        drop(closed);
        for number in 0..count {
            assert_eq!(outbox.wait(&ext_id(number), 60_000).code, 0);
        }
        let took = began.elapsed();
        outbox.close();
        took
    };
    let (few, many) = (drain(500), drain(2000));
    println!("500 drained in {few:?}, 2000 in {many:?}");
    assert!(many < few * 10, "{few:?} and {many:?}");
}

unsafe extern "C" fn count(entry: *const lp_entry, count: *mut c_void) -> i32 {
    // SAFETY: the header says that the entry is valid; `count` belongs to the current call.
    unsafe {
        assert!(!(*entry).ext_id.is_null());
        *count.cast::<usize>() += 1;
    }
    0
}

#[test]
fn undetected_damage_does_not_crash_the_host() {
    let path = fresh("host-unnoticed");
    let folder = path.parent().unwrap();
    let server = Server::always(respond("200 OK", ACCEPTED));
    let outbox = Outbox::open(&path, patient(&server.url()));
    for number in 0..50 {
        let ext_id = format!("entry-{number}");
        outbox.submit(patient(&server.url()).ext_id(&ext_id));
        assert_eq!(outbox.wait(&ext_id, 10_000).code, 0);
    }
    outbox.close();
    let whole = std::fs::read(&path).unwrap();
    let (mut opened, mut shown) = (0, 0_usize);
    let mut state: u32 = 1;
    // Pseudo-random numbers that are the same in every run.
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as usize >> 8
    };
    for _ in 0..100 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            let place = 100 + noise() % (whole.len() - 110);
            bytes[place..place + 10].fill_with(|| noise() as u8);
        }
        std::fs::write(&path, bytes).unwrap();
        match Outbox::try_open(&path, patient(&Server::nowhere())) {
            Ok(outbox) => {
                opened += 1;
                outbox.wait("entry-7", 0);
                outbox.submit(patient("x").with(|c| c.base_url = std::ptr::null()));
                // SAFETY: the callback runs only during the call, which `shown` outlives.
                let code = unsafe {
                    let shown = std::ptr::from_mut(&mut shown).cast();
                    (library().outbox_each)(outbox.handle, Some(count), shown)
                };
                assert!([0, code::LP_ERR_OUTBOX].contains(&code), "{code}");
            }
            Err(answer) => assert_eq!(answer.code, code::LP_ERR_OUTBOX, "{answer:?}"),
        }
        for leftover in std::fs::read_dir(folder).unwrap() {
            std::fs::remove_file(leftover.unwrap().path()).unwrap();
        }
    }
    assert!(opened > 10 && shown > 100, "{opened} {shown}");
}
