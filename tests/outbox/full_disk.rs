//! A disk that is full, or that cannot be written to.

#![cfg(target_os = "linux")]

use std::ffi::CString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::time::Duration;

use lifepay::ffi as code;

use super::file::{files, folder, patient, refused, used};
use crate::support::books::{Books, Reply};
use crate::support::outbox::fresh;
use crate::support::wait::until;
use crate::support::{child, library, tools, Call, Outbox};

/// Runs the test `name` again in a process whose mounts no other process sees. Returns false in
/// that process and true in this one. If this machine allows no mounts, prints so.
fn with_own_mounts(name: &str) -> bool {
    const INSIDE: &str = "LIFEPAY_TEST_MOUNTS";
    if std::env::var_os(INSIDE).is_some() {
        return false;
    }
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]);
        command
    };
    if !tools::have("unshare") || !unshare().arg("true").status().unwrap().success() {
        eprintln!("skipped: nothing can be mounted on this machine");
        return true;
    }
    let mut command = unshare();
    command.arg(std::env::current_exe().unwrap());
    let name = child::full_name(module_path!(), name);
    command.args(["--exact", &name]).env(INSIDE, "1");
    let printed = String::from_utf8(tools::run(&mut command).stdout).unwrap();
    assert!(printed.contains("1 passed"), "{printed}");
    true
}

/// Mounts a file system of 1 MiB over a folder.
fn mount_small(folder: &Path) {
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]);
    tools::run(mount.arg(folder));
}

/// Fills the disk of a folder to the last byte. Removing the returned file makes room again.
fn fill(folder: &Path) -> PathBuf {
    let filler = folder.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    while file.write_all(&[0; 1]).is_ok() {}
    filler
}

#[test]
fn a_read_only_disk_is_reported() {
    if with_own_mounts("a_read_only_disk_is_reported") {
        return;
    }
    let path = fresh("read-only");
    let used = std::fs::read(used("read-only-used")).unwrap();
    mount_small(folder(&path));
    std::fs::write(&path, used).unwrap();
    let mut remount = Command::new("mount");
    tools::run(remount.args(["-o", "remount,ro"]).arg(folder(&path)));
    refused(&path, "прав");
    refused(&folder(&path).join("new.db"), "прав");
}

#[test]
fn an_outcome_is_not_reported_until_the_disk_has_room() {
    if with_own_mounts("an_outcome_is_not_reported_until_the_disk_has_room") {
        return;
    }
    let path = fresh("full-outcome");
    mount_small(folder(&path));
    // The server answers only when the test allows it.
    let (allow_answer, answer_allowed) = mpsc::channel::<()>();
    let answer_allowed = Mutex::new(answer_allowed);
    let books = Books::open(move |_, _| {
        let _ = answer_allowed.lock().unwrap().recv();
        (Duration::ZERO, Reply::Accept)
    });
    let outbox = Outbox::open(&path, patient(&books.url()).limits(30_000, 30_000));
    assert_eq!(outbox.submit(patient(&books.url()).ext_id("kept")).0, 0);
    until("the request is under way", || books.of("kept").len() == 1);
    let filler = fill(folder(&path));
    // LifePay answers, but the answer cannot be stored.
    allow_answer.send(()).unwrap();
    assert_eq!(outbox.wait("kept", 1500).code, code::LP_PENDING);
    std::fs::remove_file(&filler).unwrap();
    assert_eq!(outbox.wait("kept", 10_000).code, 0);
    assert_eq!(books.of("kept").len(), 1);
}

/// Returns a server and a flag. The server answers with 503 until the flag is set, and then
/// accepts.
fn refusing() -> (Books, Arc<AtomicBool>) {
    let accepts = Arc::new(AtomicBool::new(false));
    let does_accept = Arc::clone(&accepts);
    let books = Books::open(move |_, _| match does_accept.load(Ordering::SeqCst) {
        true => (Duration::ZERO, Reply::Accept),
        false => (Duration::ZERO, Reply::Http("503 X")),
    });
    (books, accepts)
}

#[test]
fn nothing_is_sent_while_the_disk_is_full_and_all_is_sent_when_there_is_room() {
    if with_own_mounts("nothing_is_sent_while_the_disk_is_full_and_all_is_sent_when_there_is_room")
    {
        return;
    }
    let path = fresh("full-attempt");
    let log = folder(&path).with_extension("log");
    let log_path = CString::new(log.to_str().unwrap()).unwrap();
    // SAFETY: the path is a string that outlives the call.
    let logs = unsafe { (library().log_to_file)(log_path.as_ptr(), 1, 0) };
    assert_eq!(logs, 0);
    let failures = || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.matches("disk is full").count()
    };
    mount_small(folder(&path));
    let (books, accepts) = refusing();
    let outbox = Outbox::open(&path, Call::to(&books.url()).repeat(0, &[100]));
    assert_eq!(outbox.submit(patient(&books.url()).ext_id("mine")).0, 0);
    until("an attempt", || !books.exchanges().is_empty());
    let filler = fill(folder(&path));
    until("an attempt that cannot be recorded", || failures() > 0);
    let (sent, failed) = (books.exchanges().len(), failures());
    until("two more", || failures() > failed + 1);
    assert_eq!(books.exchanges().len(), sent);
    accepts.store(true, Ordering::SeqCst);
    std::fs::remove_file(filler).unwrap();
    let answer = outbox.wait("mine", 10_000);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(answer.attempts as usize, books.exchanges().len());
}

#[test]
fn a_submit_that_does_not_fit_on_the_disk_is_refused_and_never_sent() {
    if with_own_mounts("a_submit_that_does_not_fit_on_the_disk_is_refused_and_never_sent") {
        return;
    }
    let path = fresh("full-submit");
    mount_small(folder(&path));
    let (books, accepts) = refusing();
    let outbox = Outbox::open(&path, patient(&books.url()));
    let long = "x".repeat(10_000);
    let submit = |number: usize| {
        let call = patient(&books.url()).ext_id(&format!("entry-{number}"));
        outbox.submit(call.text(|c| &mut c.callback_data, &long))
    };
    let kept = (0..200).take_while(|number| submit(*number).0 == 0).count();
    assert!((3..200).contains(&kept), "{kept}");
    let (returned, answer) = submit(kept);
    assert_eq!((returned, answer.outcome), (code::LP_ERR_OUTBOX, 1));
    assert!(answer.message.contains("места"), "{answer:?}");
    assert_eq!(outbox.entries().len(), kept);
    outbox.close();

    // On a disk with room the entries are sent.
    let copy = fresh("full-submit-copy");
    for (file, bytes) in files(folder(&path)) {
        std::fs::write(folder(&copy).join(file.file_name().unwrap()), bytes).unwrap();
    }
    accepts.store(true, Ordering::SeqCst);
    let outbox = Outbox::open(&copy, patient(&books.url()));
    assert_eq!(outbox.retry_now(None), 0);
    for number in 0..kept {
        assert_eq!(outbox.wait(&format!("entry-{number}"), 10_000).code, 0);
    }
    assert!(books.of(&format!("entry-{kept}")).is_empty());
}
