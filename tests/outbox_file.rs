//! The outbox's file: what is refused, who may read it, what a full disk does, and its cost.

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lifepay::code;
use support::outbox::fresh;
use support::server::ACCEPTED;
use support::wait::until;
use support::{child, read_request, respond, tools, Answer, Call, Outbox, Server};

fn patient<'a>(url: &str) -> Call<'a> {
    Call::to(url).repeat(0, &[3_600_000]).limits(2000, 2000)
}

/// Opening is refused, in words, and nothing in the folder has changed.
#[track_caller]
fn refused(path: &Path, words: &str) -> Answer {
    let before = std::fs::read(path).ok();
    let answer = Outbox::try_open(path, patient(&Server::nowhere()))
        .err()
        .expect("refused");
    assert_eq!(answer.code, code::LP_ERR_OUTBOX, "{answer:?}");
    assert!(answer.message.contains(words), "no {words}: {answer:?}");
    assert!(answer.detail.is_some(), "{answer:?}");
    assert_eq!(std::fs::read(path).ok(), before);
    answer
}

/// A file with a finished and a waiting entry in it.
fn used(name: &str) -> PathBuf {
    let path = fresh(name);
    let server = Server::always(respond("200 OK", ACCEPTED));
    let outbox = Outbox::open(&path, patient(&server.url()));
    for number in 0..50 {
        let ext_id = format!("entry-{number}");
        outbox.submit(patient(&server.url()).ext_id(&ext_id));
        assert_eq!(outbox.wait(&ext_id, 10_000).code, 0);
    }
    path
}

#[test]
fn what_is_no_database_is_refused_and_left_as_it_was() {
    let path = fresh("text");
    std::fs::write(
        &path,
        "Список покупок: хлеб, молоко, батарейки для кассы.\n".repeat(100),
    )
    .unwrap();
    refused(&path, "повреждён");
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_was() {
    let path = used("damaged");
    let mut bytes = std::fs::read(&path).unwrap();
    let length = bytes.len();
    assert!(
        length > 20_000,
        "the log was taken into the file at the close"
    );
    for byte in &mut bytes[4096 + 8..length - 100] {
        *byte = 0xa5;
    }
    std::fs::write(&path, &bytes).unwrap();
    refused(&path, "повреждён");
    let path = used("cut");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..5000]).unwrap();
    refused(&path, "повреждён");
}

/// Runs SQL on a file with Python's SQLite, as another program would.
fn sql(path: &Path, statements: &str) -> bool {
    if !tools::have("python3") {
        return false;
    }
    let program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit(); c.close()";
    tools::run(
        Command::new("python3")
            .arg("-c")
            .arg(program)
            .arg(path)
            .arg(statements),
    );
    true
}

#[test]
fn another_programs_database_is_refused_and_left_as_it_was() {
    let path = fresh("another");
    if sql(
        &path,
        "CREATE TABLE goods (name TEXT); INSERT INTO goods VALUES ('хлеб');",
    ) {
        refused(&path, "другой программы");
    }
}

#[test]
fn a_file_of_a_newer_format_is_refused_and_one_of_a_later_minor_version_opens() {
    let path = used("newer");
    if !sql(&path, "PRAGMA user_version = 200;") {
        return;
    }
    refused(&path, "более новой версией");
    let column =
        "PRAGMA user_version = 101; ALTER TABLE request ADD COLUMN later TEXT DEFAULT 'x';";
    sql(&path, column);
    let server = Server::always(respond("200 OK", ACCEPTED));
    let outbox = Outbox::open(&path, patient(&server.url()));
    assert_eq!(outbox.entries().len(), 50);
    outbox.submit(patient(&server.url()).ext_id("new"));
    assert_eq!(outbox.wait("new", 10_000).code, 0);
}

#[test]
fn a_place_where_it_cannot_be_is_told_as_such() {
    let path = fresh("places");
    refused(path.parent().unwrap(), "папка");
    refused(
        &path.parent().unwrap().join("none").join("shifts.db"),
        "папки",
    );
    refused(Path::new("/proc/lifepay/shifts.db"), "");
    let answer = Outbox::try_open(Path::new(""), patient(&Server::nowhere()))
        .err()
        .unwrap();
    assert_eq!(
        (answer.code, answer.fields()),
        (code::LP_ERR_ARGUMENT, vec!["path"])
    );
}

#[test]
fn a_read_only_disk_is_told_as_such() {
    if child::again("a_read_only_disk_is_told_as_such", &[]) {
        return;
    }
    let folder = fresh("read-only").parent().unwrap().to_owned();
    let path = used("read-only-used");
    let moved = folder.join("shifts.db");
    std::fs::copy(&path, &moved).unwrap();
    // In a mount namespace of this process's own.
    let Some(_mounted) = Mounted::over(&folder, "ro", Some(&moved)) else {
        return;
    };
    refused(&folder.join("new.db"), "прав");
    refused(&folder.join("shifts.db"), "прав");
}

/// A small file system over a folder, taken away when dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// Nothing, said by name, where mounting is not possible.
    fn over(folder: &Path, options: &str, keep: Option<&Path>) -> Option<Mounted> {
        let saved = keep.map(|file| (file.to_owned(), std::fs::read(file).unwrap()));
        let mount = |options: &str| {
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", options, "tmpfs"])
                .arg(folder)
                .status()
                .is_ok_and(|status| status.success())
        };
        if !mount("size=1m,mode=700") {
            eprintln!("passed over: nothing can be mounted on this machine");
            return None;
        }
        if let Some((file, bytes)) = saved {
            std::fs::write(file, bytes).unwrap();
        }
        if options != "rw" {
            let remount = format!("remount,{options}");
            tools::run(Command::new("mount").args(["-o", &remount]).arg(folder));
        }
        Some(Mounted(folder.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing() {
    let folder = fresh("full").parent().unwrap().to_owned();
    let Some(_mounted) = Mounted::over(&folder, "rw", None) else {
        return;
    };
    // Each request is answered only when the test says so.
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let server = Server::start(move |mut stream, _| {
        while read_request(&mut stream).is_some() {
            let _ = may_go_on.lock().unwrap().recv();
            let _ = stream.write_all(&respond("200 OK", ACCEPTED));
        }
    });
    let outbox = Outbox::open(
        &folder.join("shifts.db"),
        patient(&server.url()).limits(30_000, 30_000),
    );
    assert_eq!(outbox.submit(patient(&server.url()).ext_id("kept")).0, 0);
    until("the request is under way", || server.connections() == 1);
    let filler = folder.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    while file.write_all(&[0; 1]).is_ok() {}

    let (returned, answer) = outbox.submit(
        patient(&server.url())
            .ext_id("refused")
            .text(|c| &mut c.callback_data, &"x".repeat(100_000)),
    );
    assert_eq!(
        (returned, answer.code, answer.outcome),
        (code::LP_ERR_OUTBOX, code::LP_ERR_OUTBOX, 1)
    );
    assert!(answer.message.contains("места"), "{answer:?}");
    // LifePay answers, but the answer cannot be kept: it is not told.
    go_on.send(()).unwrap();
    assert_eq!(outbox.wait("kept", 1500).code, code::LP_PENDING);
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    assert_eq!(outbox.wait("kept", 10_000).code, 0);
    assert_eq!(outbox.wait("refused", 0).code, code::LP_ERR_NOT_FOUND);
    assert_eq!(server.connections(), 1);
    outbox.close();
}

#[test]
fn only_the_owner_can_read_the_files_and_the_apikey_is_in_none() {
    use std::os::unix::fs::PermissionsExt;
    let path = fresh("rights");
    let server = Server::always(respond("503 X", support::call::APIKEY));
    let outbox = Outbox::open(&path, patient(&server.url()));
    outbox.submit(patient(&server.url()).ext_id("mine"));
    until("an attempt", || outbox.wait("mine", 0).http_status == 503);
    let look = |least: usize| {
        let files: Vec<PathBuf> = std::fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        assert!(files.len() >= least, "{files:?}");
        for file in files {
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
            let bytes = std::fs::read(&file).unwrap();
            for part in support::call::APIKEY.as_bytes().windows(6) {
                assert!(
                    !bytes.windows(6).any(|window| window == part),
                    "{}",
                    file.display()
                );
            }
        }
    };
    // The file, its log, its index and the lock.
    look(4);
    outbox.close();
    look(2);
}

/// Resident memory of this process, KiB.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_waiting_entries_cost_little() {
    if child::again("ten_thousand_waiting_entries_cost_little", &[]) {
        return;
    }
    let path = fresh("many");
    let nowhere = Server::nowhere();
    let outbox = Outbox::open(&path, patient(&nowhere));
    outbox.submit(patient(&nowhere).ext_id("entry-0"));
    until("an attempt", || {
        outbox.wait("entry-0", 0).attempts == 1 && outbox.wait("entry-0", 0).retry_after_ms > 0
    });
    outbox.close();
    // 10,000 commits would take their time on a slow disk: copied in one.
    let copies = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
        INSERT INTO request (operation, base_url, ext_id, login, target_serial, request, state, report,
            submitted_at, next_attempt_at, expires_at)
        SELECT operation, base_url, 'entry-' || i, login, target_serial, request, state,
            replace(report, 'entry-0', 'entry-' || i), submitted_at, next_attempt_at, expires_at
        FROM request, n WHERE ext_id = 'entry-0';";
    if !sql(&path, copies) {
        return;
    }
    let before = resident();
    let started = Instant::now();
    let outbox = Outbox::open(&path, patient(&nowhere));
    let opened = started.elapsed();
    assert_eq!(outbox.pending(), 10_000);
    // By now the entries are planned: one more is sent at once.
    outbox.submit(patient(&nowhere).ext_id("one-more"));
    until("one more is sent", || {
        outbox.wait("one-more", 0).attempts == 1
    });
    let ready = started.elapsed();
    let grown = resident() - before;
    println!("10,000 waiting: open {opened:?}, ready {ready:?}, {grown} KiB");
    assert!(opened < Duration::from_secs(1), "{opened:?}");
    assert!(ready < Duration::from_secs(4), "{ready:?}");
    assert!(grown < 40_000, "{grown} KiB");
}

#[test]
fn draining_four_times_as_many_takes_about_four_times_as_long() {
    let server = Server::always(respond("200 OK", ACCEPTED));
    let drain = |name: &str, count: usize| {
        let path = fresh(name);
        let nowhere = Server::nowhere();
        let outbox = Outbox::open(&path, patient(&nowhere));
        outbox.submit(patient(&nowhere).ext_id("entry-0"));
        outbox.cancel("entry-0");
        outbox.close();
        let url = server.url();
        let copies = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
            INSERT INTO request (operation, base_url, ext_id, login, request, state, report,
                submitted_at, next_attempt_at, expires_at)
            SELECT operation, '{url}', 'e' || i, login, replace(request, 'entry-0', 'e' || i), 0,
                '{{\"code\":-1,\"outcome\":1,\"http_status\":0,\"attempts\":0,\"retry_after_ms\":0,\"uuid\":null,\"ext_id\":\"e' || i || '\",\"message\":\"\",\"detail\":null,\"reply\":null,\"errors\":[]}}',
                submitted_at, 0, 0
            FROM request, n WHERE ext_id = 'entry-0';"
        );
        if !sql(&path, &copies) {
            return None;
        }
        let started = Instant::now();
        let outbox = Outbox::open(&path, patient(&url));
        while outbox.pending() > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(started.elapsed())
    };
    let (Some(few), Some(many)) = (drain("few", 300), drain("four-times", 1200)) else {
        return;
    };
    println!("300 drained in {few:?}, 1200 in {many:?}");
    assert!(many < few * 10, "{few:?} and {many:?}");
}

#[test]
fn finished_entries_are_kept_for_keep_days() {
    let path = used("old");
    let old = "UPDATE request SET answered_at = answered_at - 31 * 24 * 3600 * 1000 WHERE ext_id = 'entry-7';";
    if !sql(&path, old) {
        return;
    }
    let outbox = Outbox::open(&path, patient(&Server::nowhere()));
    until("the old one is gone", || outbox.entry("entry-7").is_none());
    assert_eq!(outbox.entries().len(), 49);
}
