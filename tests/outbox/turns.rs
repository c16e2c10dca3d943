//! Several requests share a commit: there are fewer syncs, and the promised order holds for each
//! request.

use std::process::Command;
use std::time::{Duration, Instant};

use lifepay::ffi::LP_PENDING;

use super::order::{program, Traced};
use crate::support::books::{uuid_of, Books, Reply};
use crate::support::constants::HOUR_MS;
use crate::support::outbox::{compile_preload, fresh, Host};
use crate::support::tools::{compile_c, have, Link};
use crate::support::wait::until;
use crate::support::{Call, Outbox};

const ENTRIES: usize = 40;

#[test]
fn requests_that_end_together_share_their_syncs_and_keep_the_order_of_each() {
    let Some(program) = program() else { return };
    let path = fresh("turns");
    let [file, slow] = ["trace", "slow"].map(|name| path.with_file_name(name));
    let answers = slow.clone();
    // No request is answered before all are submitted.
    let books = Books::open(move |_, _| {
        until("all are submitted", || answers.exists());
        (Duration::from_millis(20), Reply::Accept)
    });
    let preload = compile_preload("outbox_sync");
    let slowed = [
        ("LD_PRELOAD", &*preload),
        ("LIFEPAY_TEST_SYNC_SLOW", &*slow),
    ];
    let mut traced = Traced::start_with(&program, file, &slowed);
    traced.host.open_outbox(&path, &books.url(), 8, 100);
    let ext_ids: Vec<String> = (0..ENTRIES)
        .map(|number| format!("shift-{number}-"))
        .collect();
    for ext_id in &ext_ids {
        traced.host.submit(ext_id);
    }
    std::fs::write(&slow, "30").unwrap();
    for ext_id in &ext_ids {
        assert_eq!(traced.host.wait(ext_id), (0, uuid_of(ext_id)));
    }
    let trace = traced.finish();
    let host = &trace.printed("submit").unwrap().thread;
    for ext_id in &ext_ids {
        let counted = format!(
            r#"\"outcome\":2,\"http_status\":0,\"attempts\":1,\"retry_after_ms\":0,\"uuid\":null,\"ext_id\":\"{ext_id}\""#
        );
        let sent = trace.sent(ext_id).unwrap();
        assert_eq!(trace.was_on_disk(&counted, sent), Ok(()));
        let reported = trace.printed(&format!("wait {ext_id} 0")).unwrap();
        assert_eq!(trace.was_on_disk(&uuid_of(ext_id), reported), Ok(()));
    }
    let syncs = trace.find(|sync| sync.is_sync_of("-wal>") && sync.thread != *host);
    let syncs = syncs.count();
    // Without shared syncs there would be two for each entry.
    assert!(
        syncs < ENTRIES * 3 / 4,
        "{syncs} syncs for {ENTRIES} entries"
    );
}

#[test]
fn a_due_entry_is_sent_however_often_retry_now_is_called_for_all() {
    let books = Books::open(|ext_id, _| match ext_id {
        "good" => (Duration::ZERO, Reply::Accept),
        _ => (Duration::from_millis(100), Reply::Http("503 X")),
    });
    let call = || {
        Call::to(&books.url())
            .repeat(0, &[HOUR_MS])
            .limits(5000, 20_000)
    };
    let one_at_once = call().with(|config| config.concurrency = 1);
    let outbox = Outbox::open(&fresh("turns-of-all"), one_at_once);
    for ext_id in ["bad-1", "bad-2", "bad-3", "good"] {
        assert_eq!(outbox.submit(call().ext_id(ext_id)).0, 0);
    }
    until("the last entry is accepted", || {
        assert_eq!(outbox.retry_now(None), 0);
        outbox.wait("good", 50).code == 0
    });
}

#[test]
fn reading_an_entry_does_not_wait_for_the_disk() {
    let books = Books::open(|_, _| (Duration::ZERO, Reply::Http("503 X")));
    if !have("gcc") {
        return;
    }
    let path = fresh("turns-look");
    let slow = path.with_file_name("slow");
    let mut program = Command::new(compile_c("outbox_host", Link::Shared));
    program
        .env("LD_PRELOAD", compile_preload("outbox_sync"))
        .env("LIFEPAY_TEST_SYNC_SLOW", &slow);
    let mut host = Host::start(&mut program);
    // The request is sent and rescheduled as fast as the disk allows.
    host.open_outbox(&path, &books.url(), 4, 100);
    host.submit("mine");
    std::fs::write(&slow, "2000").unwrap();
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(host.wait_for("mine", 0).0, LP_PENDING);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    host.kill();
}
