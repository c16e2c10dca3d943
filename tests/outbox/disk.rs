//! The files of an outbox on the disk, and the disks that it supports.
#![cfg(target_os = "linux")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use lifepay::ffi as code;

use crate::support::constants::UNKNOWN;
use crate::support::outbox::{compile_preload, fresh};
use crate::support::server::ACCEPTED;
use crate::support::tools::have;
use crate::support::wait::until;
use crate::support::{child, read_request, respond, Call, Outbox, Server};

const LONGEST_REPLY: usize = 16 * 1024;

fn patient<'a>(url: &str) -> Call<'a> {
    Call::to(url).repeat(0, &[3_600_000]).limits(5000, 5000)
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).expect("a folder");
    let name = |file: std::io::Result<std::fs::DirEntry>| file.unwrap().file_name();
    let mut names: Vec<_> = files
        .map(|file| name(file).into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn create_folder(folder: PathBuf) -> PathBuf {
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn a_network_disk_is_refused_and_nothing_is_written_to_it() {
    const NAME: &str = "a_network_disk_is_refused_and_nothing_is_written_to_it";
    // NFS, SMB, SMB2, CIFS, AFS, Ceph, 9P.
    const NETWORKS: [&str; 7] = [
        "6969", "517b", "fe534d42", "ff534d42", "5346414f", "c36400", "1021997",
    ];
    // ext, XFS, btrfs, tmpfs.
    const LOCAL: [&str; 4] = ["ef53", "58465342", "9123683e", "1021994"];
    if !have("gcc") {
        return;
    }
    let preload = compile_preload("outbox_network");
    if child::again(
        module_path!(),
        NAME,
        &[("LD_PRELOAD", preload.to_str().unwrap())],
    ) {
        return;
    }
    let here = fresh("network").parent().unwrap().to_owned();
    let open = |path: &Path| Outbox::try_open(path, patient(&Server::nowhere())).map_err(Box::new);
    let used = here.join("used.db");
    drop(open(&used).unwrap_or_else(|answer| panic!("{answer:?}")));
    for kind in LOCAL {
        let folder = create_folder(here.join(format!("network-{kind}")));
        drop(open(&folder.join("shifts.db")).unwrap_or_else(|answer| panic!("{kind}: {answer:?}")));
    }
    for kind in NETWORKS {
        let folder = create_folder(here.join(format!("network-{kind}")));
        std::fs::copy(&used, folder.join("used.db")).unwrap();
        // Links on a local disk may point to the network disk.
        let links = create_folder(here.join(format!("links-{kind}")));
        std::os::unix::fs::symlink(&folder, links.join("folder")).unwrap();
        std::os::unix::fs::symlink(folder.join("used.db"), links.join("file.db")).unwrap();
        for path in [
            folder.join("shifts.db"),
            folder.join("used.db"),
            links.join("folder").join("shifts.db"),
            links.join("file.db"),
        ] {
            let Err(answer) = open(&path) else {
                panic!("{} was opened", path.display());
            };
            assert_eq!(answer.code, code::LP_ERR_OUTBOX, "{answer:?}");
            assert!(answer.message.contains("сетевом"), "{kind}: {answer:?}");
        }
        assert_eq!(names(&folder), ["used.db"]);
        assert_eq!(names(&links), ["file.db", "folder"]);
    }
}

/// If two versions of the library named the lock differently, both would send.
#[test]
fn the_senders_lock_has_the_same_name_in_every_version() {
    for (number, (url, name)) in [
        ("", "shifts.db-sender-c4f04d24"),
        ("https://sapi.life-pay.ru", "shifts.db-sender-c4f04d24"),
        ("http://127.0.0.1:8080", "shifts.db-sender-75327da3"),
    ]
    .iter()
    .enumerate()
    {
        let path = fresh(&format!("lock-{number}"));
        let outbox = Outbox::open(&path, patient(url));
        let siblings = names(path.parent().unwrap());
        // The journal of an outbox that tests whether the lock is free may exist beside it.
        let mut locks = siblings.iter().filter(|file| file.contains("sender"));
        assert!(locks.clone().any(|file| file == name), "{siblings:?}");
        assert!(locks.all(|file| file.starts_with(name)), "{siblings:?}");
        drop(outbox);
    }
}

/// Otherwise the pages of a captive portal, one for each attempt, would fill the disk.
#[test]
fn the_first_16_kib_of_a_long_reply_are_kept() {
    let filler = "я".repeat(50_000);
    let page = format!("<html>{filler}THE-END");
    let accepted =
        format!(r#"{{"code":0,"message":"","data":{{"uuid":"u","x":"{filler}THE-END"}}}}"#);
    let rejected = format!(r#"{{"code":6080,"message":"","data":[],"x":"{filler}THE-END"}}"#);
    for (name, body, wanted) in [
        ("reply-portal", &page, code::LP_PENDING),
        ("reply-accepted", &accepted, code::LP_OK),
        ("reply-rejected", &rejected, 6080),
    ] {
        let path = fresh(name);
        let server = Server::always(respond("200 OK", body));
        let outbox = Outbox::open(&path, patient(&server.url()));
        assert_eq!(outbox.submit(patient(&server.url()).ext_id("mine")).0, 0);
        until("it is answered", || outbox.wait("mine", 0).reply.is_some());
        let answer = outbox.wait("mine", 0);
        assert_eq!(answer.code, wanted);
        let reply = answer.reply.unwrap();
        assert!(body.starts_with(&reply), "{name}");
        let lengths = LONGEST_REPLY - 1..=LONGEST_REPLY;
        assert!(lengths.contains(&reply.len()), "{name}: {}", reply.len());
        outbox.close();
        for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(7).any(|part| part == b"THE-END"), "{name}");
        }
        let outbox = Outbox::open(&path, patient(&server.url()));
        assert_eq!(outbox.wait("mine", 0).reply, Some(reply));
    }
}

/// Runs the test in a separate process. Returns a path for an outbox there, and the path of a file:
/// while that file exists, syncs of the write-ahead log fail. Returns None if the test must end: in
/// the parent process, or if gcc is missing.
fn with_failing_syncs(test: &str) -> Option<(PathBuf, PathBuf)> {
    if !have("gcc") {
        return None;
    }
    let path = fresh(test);
    let failing = path.with_file_name("failing");
    let preload = compile_preload("outbox_sync");
    let environment = [
        ("LD_PRELOAD", preload.to_str().unwrap()),
        ("LIFEPAY_TEST_SYNC_FAILS", failing.to_str().unwrap()),
    ];
    let is_parent = child::again(module_path!(), test, &environment);
    (!is_parent).then_some((path, failing))
}

/// After a failed sync the request may be on disk all the same.
#[test]
fn a_submit_whose_sync_has_failed_may_be_on_disk_and_can_be_made_again() {
    const NAME: &str = "a_submit_whose_sync_has_failed_may_be_on_disk_and_can_be_made_again";
    let Some((path, failing)) = with_failing_syncs(NAME) else {
        return;
    };
    let url = Server::nowhere();
    let outbox = Outbox::open(&path, patient(&url));
    std::fs::write(&failing, "").unwrap();
    let (returned, answer) = outbox.submit(patient(&url).ext_id("mine"));
    assert_eq!(returned, code::LP_ERR_OUTBOX, "{answer:?}");
    assert_eq!(answer.outcome, UNKNOWN, "{answer:?}");
    assert_eq!(answer.ext_id.as_deref(), Some("mine"));
    assert!(answer.message.contains("проверьте диск"), "{answer:?}");
    std::fs::remove_file(&failing).unwrap();
    let (returned, answer) = outbox.submit(patient(&url).ext_id("mine"));
    assert_eq!((returned, answer.code), (0, code::LP_PENDING), "{answer:?}");
    assert_eq!(outbox.entries().len(), 1);
}

/// Returns the processor time that this process has used, in seconds.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("proc");
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
    let ticks: u32 = fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u32>().unwrap())
        .sum();
    f64::from(ticks) / 100.0
}

#[test]
fn a_failing_disk_costs_no_processor_time_and_entries_are_sent_when_it_works() {
    const NAME: &str = "a_failing_disk_costs_no_processor_time_and_entries_are_sent_when_it_works";
    let Some((path, failing)) = with_failing_syncs(NAME) else {
        return;
    };
    let gate = Arc::new(RwLock::new(()));
    let began = Arc::new(AtomicUsize::new(0));
    let (opens, seen) = (Arc::clone(&gate), Arc::clone(&began));
    let server = Server::start(move |mut stream, _| {
        while read_request(&mut stream).is_some() {
            seen.fetch_add(1, Ordering::SeqCst);
            drop(opens.read());
            let _ = stream.write_all(&respond("200 OK", ACCEPTED));
        }
    });
    let outbox = Outbox::open(&path, patient(&server.url()));
    let closed = gate.write();
    for ext_id in ["one", "two"] {
        let (returned, answer) = outbox.submit(patient(&server.url()).ext_id(ext_id));
        assert_eq!(returned, 0, "{answer:?}");
    }
    until("an attempt", || began.load(Ordering::SeqCst) > 0);
    // From now on no outcome can be written.
    std::fs::write(&failing, "").unwrap();
    drop(closed);
    let before = processor_seconds();
    // A sleep, because there is no event to wait for: nothing must happen meanwhile.
    std::thread::sleep(Duration::from_secs(3));
    let used = processor_seconds() - before;
    assert!(used < 0.5, "{used} s");
    assert_eq!(outbox.wait("one", 0).code, code::LP_PENDING);
    std::fs::remove_file(&failing).unwrap();
    for ext_id in ["one", "two"] {
        assert_eq!(outbox.wait(ext_id, 10_000).code, 0);
    }
}
