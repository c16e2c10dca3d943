//! The outbox's file: refused files, permissions, a full disk, and how long entries are kept.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use lifepay::ffi as code;

use crate::support::call::with_result;
use crate::support::outbox::fresh;
use crate::support::server::ACCEPTED;
use crate::support::wait::until;
use crate::support::{library, respond, tools, Call, Outbox, Server};

pub(crate) fn patient<'a>(url: &str) -> Call<'a> {
    Call::to(url).repeat(0, &[3_600_000]).limits(2000, 2000)
}

pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().expect("a file is in a folder")
}

/// Returns the files of a folder with their contents, without the index of a write-ahead log, which
/// every reader recreates.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !path.to_string_lossy().ends_with("-shm"))
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Asserts that opening fails with a message that contains `words`, and changes nothing in the
/// folder.
#[track_caller]
pub(crate) fn refused(path: &Path, words: &str) {
    let before = files(folder(path));
    refused_with(path, words);
    assert!(
        files(folder(path)) == before,
        "the folder of {} has changed",
        path.display()
    );
}

/// Asserts that opening fails with a message that contains `words`.
#[track_caller]
fn refused_with(path: &Path, words: &str) {
    let answer = Outbox::try_open(path, patient(&Server::nowhere()));
    let Some(answer) = answer.err() else {
        panic!("{} was opened", path.display());
    };
    assert_eq!(answer.code, code::LP_ERR_OUTBOX, "{answer:?}");
    assert!(answer.message.contains(words), "no {words}: {answer:?}");
    assert!(answer.detail.is_some(), "{answer:?}");
}

/// Returns a file with fifty finished entries.
pub(crate) fn used(name: &str) -> PathBuf {
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

/// Runs SQL on a file with Python's SQLite, as another program would, and returns the rows. None if
/// Python's SQLite is missing.
fn sql(path: &Path, statements: &str) -> Option<String> {
    python(path, statements, "c.close()")
}

/// Does the same in a program that ends without closing the file, as if killed: its log remains.
fn sql_and_die(path: &Path, statements: &str) -> Option<String> {
    python(path, statements, "sys.stdout.flush(); os._exit(0)")
}

fn python(path: &Path, statements: &str, end: &str) -> Option<String> {
    if !tools::have_python_module("sqlite3") {
        return None;
    }
    let program = format!(
        "import os, sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
         for one in sys.argv[2].split(';'): print(*c.execute(one), sep='\\n')\n{end}"
    );
    let mut command = Command::new("python3");
    command.arg("-c").arg(program).arg(path).arg(statements);
    Some(String::from_utf8(tools::run(&mut command).stdout).expect("UTF-8"))
}

#[test]
fn a_file_that_is_not_a_database_is_refused_and_left_unchanged() {
    let path = fresh("text");
    let text = "Список покупок: хлеб, молоко, батарейки для кассы.\n";
    for text in [
        "7".to_owned(),
        text.to_owned(),
        text.repeat(100),
        "\0".repeat(5000),
    ] {
        std::fs::write(&path, text).unwrap();
        refused(&path, "повреждён");
    }
}

#[test]
fn a_damaged_file_is_refused_and_left_unchanged() {
    let path = used("damaged");
    let whole = std::fs::read(&path).unwrap();
    let length = whole.len();
    assert!(
        length > 20_000,
        "the close moves everything from the log to the file"
    );
    // Damage the beginning, the middle and the end; truncate at and between page boundaries.
    for damaged in [0..100, 4096 + 8..length - 100, length - 4096..length] {
        let mut bytes = whole.clone();
        bytes[damaged].fill(0xa5);
        std::fs::write(&path, &bytes).unwrap();
        refused(&path, "повреждён");
    }
    for cut in (100..length - 4096).step_by(997).chain([99]) {
        std::fs::write(&path, &whole[..cut]).unwrap();
        refused(&path, "повреждён");
    }
    let mut state: u32 = 1;
    let noise = whole.iter().map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    std::fs::write(&path, noise.collect::<Vec<u8>>()).unwrap();
    refused(&path, "повреждён");
}

/// A new file has no write-ahead log, and some programs leave a file without one. Creating a log
/// would write to the file.
#[test]
fn a_damaged_file_without_a_wal_is_refused_and_left_unchanged() {
    let ours = used("damaged-journal");
    let empty = fresh("damaged-empty");
    let rollback = "PRAGMA journal_mode = delete";
    if sql(&ours, rollback).is_none() {
        return;
    }
    sql(&empty, "CREATE TABLE goods (name TEXT); DROP TABLE goods");
    for path in [ours, empty] {
        let mut bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes[18..20], [1, 1], "no log");
        // The last page begins with its type, or with the number of the next page.
        let last = bytes.len() - 4096;
        bytes[last] = 0xa5;
        std::fs::write(&path, bytes).unwrap();
        refused(&path, "повреждён");
    }
}

/// Nothing is created in a file that cannot become an outbox.
#[test]
fn a_file_with_a_view_in_place_of_a_table_is_refused_and_left_unchanged() {
    let path = used("view");
    let view = "PRAGMA journal_mode = delete; DROP TABLE highest; CREATE VIEW highest AS SELECT 1";
    if sql(&path, view).is_some() {
        refused(&path, "");
    }
}

#[test]
fn another_programs_database_is_refused_and_left_unchanged() {
    let goods = "CREATE TABLE goods (name TEXT); INSERT INTO goods VALUES ('хлеб')";
    let with_id = format!("PRAGMA application_id = 42; {goods}");
    for (name, statements) in [("another", goods), ("another-id", &with_id)] {
        let path = fresh(name);
        if sql(&path, statements).is_some() {
            refused(&path, "другой программы");
        }
    }
}

#[test]
fn a_file_of_a_newer_format_is_refused_and_one_of_a_later_minor_version_opens() {
    let path = used("newer");
    if sql(&path, "PRAGMA user_version = 200").is_none() {
        return;
    }
    refused(&path, "более новой версией");
    let column = "PRAGMA user_version = 101; ALTER TABLE request ADD COLUMN later TEXT DEFAULT 'x'";
    sql(&path, column);
    let server = Server::always(respond("200 OK", ACCEPTED));
    let outbox = Outbox::open(&path, patient(&server.url()));
    assert_eq!(outbox.entries().len(), 50);
    outbox.submit(patient(&server.url()).ext_id("new"));
    assert_eq!(outbox.wait("new", 10_000).code, 0);
    outbox.close();
    let later = sql(
        &path,
        "PRAGMA user_version; SELECT later FROM request WHERE ext_id = 'new'",
    );
    assert_eq!(later.unwrap(), "(101,)\n('x',)\n");
}

#[test]
fn a_wal_left_by_a_killed_program_is_left_unchanged() {
    let newer = used("newer-log");
    if sql_and_die(&newer, "PRAGMA user_version = 200").is_none() {
        return;
    }
    assert_eq!(files(folder(&newer)).len(), 3, "file, log and lock");
    refused(&newer, "более новой версией");

    let another = fresh("another-log");
    sql_and_die(
        &another,
        "PRAGMA journal_mode = wal; CREATE TABLE goods (name TEXT)",
    );
    refused(&another, "другой программы");

    let damaged = used("damaged-log");
    sql_and_die(
        &damaged,
        "UPDATE request SET login = '7' WHERE ext_id = 'entry-7'",
    );
    let mut bytes = std::fs::read(&damaged).unwrap();
    bytes[3 * 4096..4 * 4096].fill(0xa5);
    std::fs::write(&damaged, bytes).unwrap();
    refused(&damaged, "повреждён");
}

#[test]
fn a_path_where_no_file_can_be_is_reported() {
    let path = fresh("places");
    refused(folder(&path), "папка");
    refused(&folder(&path).join("none").join("shifts.db"), "папки");
    refused(Path::new("/proc/lifepay/shifts.db"), "");
    let pipe = folder(&path).join("pipe");
    tools::run(Command::new("mkfifo").arg(&pipe));
    refused(&pipe, "");
    let file = folder(&path).join("file");
    std::fs::write(&file, "").unwrap();
    refused(&file.join("shifts.db"), "");
}

#[test]
fn open_fails_if_the_wal_cannot_be_made() {
    let path = fresh("no-log");
    std::fs::create_dir(folder(&path).join("shifts.db-shm")).unwrap();
    refused_with(&path, "Нет прав на запись");
}

#[test]
fn a_path_must_be_given_and_in_utf8() {
    let call = patient("http://127.0.0.1:1");
    let folder = fresh("utf8").parent().unwrap().to_owned();
    let not_utf8 = [folder.as_os_str().as_bytes(), b"/\xf1\xec\xe5\xed\xfb.db"].concat();
    for (path, hint) in [(vec![], "path"), (not_utf8, "CP1251")] {
        let path = CString::new(path).unwrap();
        let mut outbox = std::ptr::dangling_mut();
        // SAFETY: all pointers are valid for the call.
        let (returned, answer) = with_result(|result| unsafe {
            (library().outbox_open)(path.as_ptr(), &call.config, &mut outbox, result)
        });
        assert_eq!((returned, answer.code), (-2, code::LP_ERR_ARGUMENT));
        assert_eq!(answer.fields(), ["path"]);
        assert!(format!("{answer:?}").contains(hint), "{answer:?}");
        assert!(outbox.is_null());
        assert!(files(&folder).is_empty());
    }
}

/// Runs `work` on a thread that has only the rights that files grant to everyone.
fn as_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let nobody = || {
        // SAFETY: the arguments are numbers. The calls affect only this thread, and do nothing
        // unless it runs as root.
        unsafe {
            libc::setfsgid(65534);
            libc::setfsuid(65534);
        }
        work()
    };
    std::thread::scope(|scope| scope.spawn(nobody).join().unwrap())
}

#[test]
fn missing_rights_are_reported_and_nothing_is_written() {
    // Not in the scratch folder, which may be inside a folder that only its owner can enter.
    let folder = std::env::temp_dir().join(format!("lifepay-rights-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("shifts.db");
    let rights = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let refused = |words: &str| {
        let before = files(&folder);
        as_nobody(|| refused_with(&path, words));
        assert!(files(&folder) == before, "{words}");
    };
    rights(&folder, 0o555);
    refused("Нет прав на запись в эту папку");
    rights(&folder, 0o755);
    std::fs::copy(used("rights-used"), &path).unwrap();
    // The folder is read-only; then the file is unreadable; then the file is read-only.
    rights(&folder, 0o555);
    rights(&path, 0o666);
    refused("Нет прав на запись в файл или его папку");
    rights(&folder, 0o777);
    rights(&path, 0);
    refused("права");
    rights(&path, 0o444);
    refused("Нет прав на запись в файл или его папку");
    rights(&path, 0o666);
    as_nobody(|| Outbox::open(&path, patient(&Server::nowhere())).entries());
    // With a write-ahead log that a killed process has left.
    if sql_and_die(&path, "UPDATE request SET login = '7'").is_some() {
        rights(&path, 0o444);
        refused("Нет прав на запись в файл или его папку");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn finished_entries_are_kept_for_keep_days() {
    let path = used("old");
    let old = "UPDATE request SET answered_at = answered_at - 31 * 24 * 3600 * 1000,
        submitted_at = submitted_at - 31 * 24 * 3600 * 1000
        WHERE id < 8";
    if sql(&path, old).is_none() {
        return;
    }
    let outbox = Outbox::open(&path, patient(&Server::nowhere()));
    until("the old entries are removed", || {
        outbox.entry("entry-6").is_none()
    });
    assert_eq!(outbox.entries().len(), 43);
}

#[test]
fn the_number_of_a_removed_entry_is_never_given_to_another() {
    let path = used("numbers");
    let numbers = "SELECT max(id) FROM request";
    let Some(last) = sql(&path, numbers) else {
        return;
    };
    let nowhere = Server::nowhere();
    // The host removes the last entry; the others are then removed because of their age.
    let outbox = Outbox::open(&path, patient(&nowhere));
    assert_eq!(outbox.forget("entry-49"), 0);
    drop(outbox);
    sql(
        &path,
        "UPDATE request SET submitted_at = 1, answered_at = 1",
    );
    let outbox = Outbox::open(&path, patient(&nowhere));
    until("the old entries are removed", || {
        outbox.entries().is_empty()
    });
    let (code, answer) = outbox.submit(patient(&nowhere).ext_id("new"));
    assert_eq!(code, 0, "{answer:?}");
    drop(outbox);
    let new = sql(&path, numbers).expect("Python was found before");
    assert_eq!((last.trim(), new.trim()), ("(50,)", "(51,)"));
}

#[test]
fn a_submit_to_a_file_that_was_deleted_or_replaced_is_refused() {
    let server = Server::always(respond("200 OK", ACCEPTED));
    for is_replaced in [false, true] {
        let path = fresh("gone");
        let outbox = Outbox::open(&path, patient(&server.url()));
        assert_eq!(outbox.submit(patient(&server.url()).ext_id("there")).0, 0);
        assert_eq!(outbox.wait("there", 10_000).code, 0);
        if is_replaced {
            std::fs::rename(used("gone-other"), &path).unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
        let text = "Файл очереди удалён или заменён другой программой: закройте очередь и откройте её снова.";
        // Another program may have sent "mine"; the request with a generated ext_id is new.
        for (call, outcome) in [
            (patient(&server.url()).ext_id("mine"), 2),
            (patient(&server.url()), 1),
        ] {
            let (returned, answer) = outbox.submit(call);
            let expected = (code::LP_ERR_OUTBOX, outcome);
            assert_eq!((returned, answer.outcome), expected, "{answer:?}");
            assert!(answer.message.contains(text), "{answer:?}");
            assert!(answer.ext_id.is_some(), "{answer:?}");
        }
        assert_eq!(outbox.entries().len(), 1);
        outbox.close();
        if !is_replaced {
            let outbox = Outbox::open(&path, patient(&server.url()));
            assert_eq!(outbox.submit(patient(&server.url()).ext_id("mine")).0, 0);
            assert_eq!(outbox.wait("mine", 10_000).code, 0);
        }
    }
}
