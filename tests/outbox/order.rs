//! The order of writes, syncs and sends, in a trace of a host's system calls.
//!
//! Also: a retry sends the same bytes, before and after a restart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::books::{uuid_of, Books, Reply};
use crate::support::outbox::{compile_preload, fresh, Host};
use crate::support::tools::{compile_c, have, Link};
use crate::support::wait::until;
use crate::support::{Call, Outbox};

/// A system call in strace's output. `began` and `ended` are indexes of the trace's lines.
#[derive(Debug)]
pub(crate) struct Event {
    pub thread: String,
    name: String,
    /// The arguments.
    text: String,
    pub began: usize,
    ended: usize,
    succeeded: bool,
}

/// All system calls of a process and its threads, in the order in which they began.
pub(crate) struct Trace(Vec<Event>);

impl Trace {
    /// Parses the output of `strace -f -y -o`.
    fn read(text: &str) -> Trace {
        let mut events: Vec<Event> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let (thread, call) = line.split_once(' ').expect("a thread's number");
            let call = call.trim_start();
            if let Some(rest) = call.strip_prefix("<... ") {
                let mut open = events.iter_mut().rev();
                let event = open.find(|event| event.thread == thread && event.ended == usize::MAX);
                assert!(event
                    .as_ref()
                    .is_some_and(|event| rest.starts_with(&event.name)));
                let event = event.expect("a call that was begun");
                event.ended = number;
                event.succeeded = !line.contains(") = -1 ") && !line.ends_with("= ?");
            } else if let Some((name, text)) = call.split_once('(') {
                let is_whole = !text.ends_with("<unfinished ...>");
                events.push(Event {
                    thread: thread.to_owned(),
                    name: name.to_owned(),
                    text: text.to_owned(),
                    began: number,
                    ended: if is_whole { number } else { usize::MAX },
                    succeeded: is_whole && !text.contains(") = -1 ") && !text.ends_with("= ?"),
                });
            }
        }
        Trace(events)
    }

    pub fn find(&self, wanted: impl Fn(&Event) -> bool) -> impl Iterator<Item = &Event> {
        self.0.iter().filter(move |event| wanted(event))
    }

    /// Returns the write of the first line with this beginning to the host's standard output.
    pub fn printed(&self, line: &str) -> Result<&Event, String> {
        let wanted = format!("\"{line}");
        self.find(|event| event.is("write") && event.text.starts_with("1<"))
            .find(|event| event.text.contains(&wanted))
            .ok_or_else(|| format!("the host never printed {line}"))
    }

    /// Returns the call that sent the first byte of the first request with this ext_id.
    pub fn sent(&self, ext_id: &str) -> Result<&Event, String> {
        let name = format!(r#"\"ext_id\":\"{ext_id}\""#);
        let mut to_network = self.find(|event| event.is_send());
        let first = to_network.find(|event| event.text.contains(&name));
        let first = first.ok_or_else(|| format!("{ext_id} was never sent"))?;
        if first.text.contains("POST ") {
            Ok(first)
        } else {
            Err(format!("the head of {ext_id} was sent before its body"))
        }
    }

    /// Checks that every write of `needle` to the log before `event` is on disk by then.
    fn is_on_disk(&self, needle: &str, event: &Event) -> Result<(), String> {
        self.are_on_disk(|write| write.text.contains(needle), event)
            .map_err(|why| format!("{needle}: {why}"))
    }

    /// Does the same for the writes of the event's thread: others may have written more since.
    fn is_own_on_disk(&self, needle: &str, event: &Event) -> Result<(), String> {
        let is_own = |write: &Event| write.thread == event.thread && write.text.contains(needle);
        self.are_on_disk(is_own, event)
            .map_err(|why| format!("{needle}: {why}"))
    }

    /// Checks that at least one write of `needle` to the log is on disk before `event`. The trace
    /// also contains other writes of it, because a page that is written for one row contains other
    /// rows.
    pub fn was_on_disk(&self, needle: &str, event: &Event) -> Result<(), String> {
        let writes = self.find(|write| write.is_log_write() && write.text.contains(needle));
        let mut writes = writes.map(|write| self.is_synced(write, event));
        match writes.any(|is_synced| is_synced) {
            true => Ok(()),
            false => Err(format!(
                "{needle} is not on disk in line {}",
                event.began + 1
            )),
        }
    }

    /// Whether the log was synced between the write and the event.
    fn is_synced(&self, write: &Event, event: &Event) -> bool {
        let mut syncs = self.find(|sync| sync.is_sync_of("-wal>"));
        syncs.any(|sync| sync.began > write.ended && sync.ended < event.began)
    }

    fn are_on_disk(&self, wanted: impl Fn(&Event) -> bool, event: &Event) -> Result<(), String> {
        let (time, line) = (event.began, event.began + 1);
        let writes = self.find(|write| write.is_log_write() && write.began < time);
        let mut writes = writes.filter(|write| wanted(write)).peekable();
        if writes.peek().is_none() {
            return Err(format!("nothing was written before line {line}"));
        }
        for write in writes {
            if !self.is_synced(write, event) {
                let written = write.began + 1;
                return Err(format!("line {written} is not on disk in line {line}"));
            }
        }
        Ok(())
    }
}

impl Event {
    fn is(&self, name: &str) -> bool {
        self.name == name
    }

    fn is_log_write(&self) -> bool {
        let is_write = ["write", "writev", "pwrite64", "pwritev"]
            .iter()
            .any(|name| self.is(name));
        is_write && self.file().ends_with("-wal>")
    }

    /// Whether this is a successful sync of a file whose name ends with `end`.
    pub fn is_sync_of(&self, end: &str) -> bool {
        let is_sync = self.is("fdatasync") || self.is("fsync");
        is_sync && self.succeeded && self.file().ends_with(end)
    }

    fn is_send(&self) -> bool {
        let names = ["write", "writev", "sendto", "sendmsg"];
        names.iter().any(|name| self.is(name)) && self.file().contains("socket:")
    }

    /// The descriptor and its file: `5</folder/shifts.db-wal>`.
    fn file(&self) -> &str {
        let end = self.text.find('>').map_or(0, |end| end + 1);
        &self.text[..end]
    }
}

/// Checks the promised order for a request that was submitted, sent and answered.
fn check(trace: &Trace, ext_id: &str, uuid: &str) -> Result<(), String> {
    trace.is_own_on_disk(ext_id, trace.printed(&format!("submit {ext_id} 0"))?)?;
    trace.is_on_disk(ext_id, trace.sent(ext_id)?)?;
    let reported = trace.printed(&format!("wait {ext_id} 0"))?;
    trace.is_on_disk(uuid, reported)?;
    trace.is_on_disk(ext_id, reported)
}

/// A correct trace. The test below removes or moves its lines.
const GOOD: [&str; 11] = [
    r#"7 pwrite64(4</t/shifts.db-wal>, "\0\0 \"ext_id\":\"mine\" \0"..., 4096, 56) = 4096"#,
    r#"7 fdatasync(4</t/shifts.db-wal>) = 0"#,
    r#"7 write(1<pipe:[1]>, "submit mine 0 -1\n", 17) = 17"#,
    r#"8 pwrite64(4</t/shifts.db-wal>, "\0\0 \"ext_id\":\"mine\" \0"..., 4096, 99) = 4096"#,
    r#"8 fdatasync(4</t/shifts.db-wal> <unfinished ...>"#,
    r#"7 read(0<pipe:[2]>, "wait mine 9\n", 4096) = 12"#,
    r#"8 <... fdatasync resumed>) = 0"#,
    r#"8 sendto(9<socket:[3]>, "POST / HTTP/1.1\r\n\r\n{\"ext_id\":\"mine\"}", 99, 0, NULL, 0) = 99"#,
    r#"8 pwrite64(4</t/shifts.db-wal>, "\0 mine dabe3833 \0"..., 4096, 141) = 4096"#,
    r#"8 fdatasync(4</t/shifts.db-wal>) = 0"#,
    r#"7 write(1<pipe:[1]>, "wait mine 0 3 1 dabe3833\n", 25) = 25"#,
];

fn check_lines(lines: &[&str]) -> Result<(), String> {
    check(&Trace::read(&lines.join("\n")), "mine", "dabe3833")
}

#[test]
fn the_check_accepts_the_promised_order() {
    assert_eq!(check_lines(&GOOD), Ok(()));
}

#[test]
fn the_check_refuses_every_other_order() {
    let without = |missing: &[usize]| {
        let kept = GOOD.iter().enumerate();
        let kept = kept.filter(|(number, _)| !missing.contains(number));
        let lines: Vec<&str> = kept.map(|(_, line)| *line).collect();
        check_lines(&lines)
    };
    let moved = |from: usize, to: usize| {
        let mut lines = GOOD.to_vec();
        let line = lines.remove(from);
        lines.insert(to, line);
        check_lines(&lines)
    };
    // A submit that returns before the sync, or without one.
    assert!(moved(2, 1).is_err());
    assert!(without(&[1]).is_err());
    // A request that is sent while its sync is under way, before it, or without one.
    assert!(moved(7, 6).is_err());
    assert!(moved(7, 4).is_err());
    assert!(without(&[4, 6]).is_err());
    // An outcome that is reported before its sync, or without one, or was never written.
    assert!(moved(10, 9).is_err());
    assert!(without(&[9]).is_err());
    assert!(without(&[8]).is_err());
    // The events that the check looks for must exist.
    for missing in [2, 7, 10] {
        assert!(without(&[missing]).is_err(), "without line {missing}");
    }
    // A failed sync does not count, nor does a sync of another file.
    for wrong in [
        r#"8 fdatasync(4</t/shifts.db-wal>) = -1 EIO (Input/output error)"#,
        r#"8 fdatasync(4</t/shifts.db>) = 0"#,
    ] {
        let mut lines = GOOD;
        lines[9] = wrong;
        assert!(check_lines(&lines).is_err(), "{wrong}");
    }
}

/// A host under strace, and the file of its trace.
pub(crate) struct Traced {
    pub host: Host,
    file: PathBuf,
}

impl Traced {
    pub fn start(program: &Path, file: PathBuf) -> Traced {
        Traced::start_with(program, file, &[])
    }

    /// Does the same with these environment variables.
    pub fn start_with(program: &Path, file: PathBuf, variables: &[(&str, &Path)]) -> Traced {
        let calls =
            "trace=write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,openat,unlink";
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "-y", "-s", "20000", "-e", calls, "-o"])
            .arg(&file)
            .arg(program)
            .envs(variables.iter().copied());
        Traced {
            host: Host::start(&mut strace),
            file,
        }
    }

    pub fn finish(self) -> Trace {
        self.host.finish();
        Trace::read(&std::fs::read_to_string(self.file).expect("a trace"))
    }
}

/// Returns the program. None if gcc or strace is missing.
pub(crate) fn program() -> Option<PathBuf> {
    (have("gcc") && have("strace")).then(|| compile_c("outbox_host", Link::Shared))
}

#[test]
fn a_request_is_on_disk_before_it_is_sent_and_an_outcome_before_it_is_reported() {
    let Some(program) = program() else { return };
    let path = fresh("order");
    let books = Books::open(|_, _| (Duration::ZERO, Reply::Accept));
    let mut traced = Traced::start(&program, path.with_file_name("trace"));
    traced.host.open_outbox(&path, &books.url(), 4, 100);
    let ext_ids = ["first", "second", "third"];
    for ext_id in ext_ids {
        traced.host.submit(ext_id);
        assert_eq!(traced.host.wait(ext_id), (0, uuid_of(ext_id)));
    }
    let trace = traced.finish();
    for ext_id in ext_ids {
        assert_eq!(check(&trace, ext_id, &uuid_of(ext_id)), Ok(()));
    }
}

#[test]
fn an_outcome_without_an_answer_is_on_disk_before_it_is_reported() {
    let Some(program) = program() else { return };
    let path = fresh("order-unanswered");
    let books = Books::open(|_, _| (Duration::ZERO, Reply::Http("503 X")));
    let mut traced = Traced::start(&program, path.with_file_name("trace"));
    traced.host.open_outbox(&path, &books.url(), 4, 3_600_000);
    traced.host.submit("cancelled");
    until("the attempt has failed", || {
        traced.host.ask("entry cancelled").contains(" -1 1 1 ")
    });
    traced.host.ask("cancel cancelled");
    traced.host.ask("submit expired 500");
    assert_eq!(traced.host.wait("expired").0, lifepay::ffi::LP_ERR_EXPIRED);
    let trace = traced.finish();
    for (ext_id, line) in [
        ("cancelled", "cancel cancelled 0 -8"),
        ("expired", "wait expired -13"),
    ] {
        let reported = trace.printed(line).unwrap();
        assert_eq!(trace.is_on_disk(ext_id, reported), Ok(()));
    }
}

#[test]
fn a_new_file_is_in_its_folder_for_good_when_the_first_submit_returns() {
    let Some(program) = program() else { return };
    let path = fresh("order-new");
    let books = Books::open(|_, _| (Duration::ZERO, Reply::Accept));
    let mut traced = Traced::start(&program, path.with_file_name("trace"));
    traced.host.open_outbox(&path, &books.url(), 4, 100);
    traced.host.submit("mine");
    let trace = traced.finish();
    let submitted = trace.printed("submit mine 0").unwrap();
    let folder = format!("{}>", path.parent().unwrap().display());
    let made = |name: &str| {
        let quoted = format!("/{name}\"");
        let mut opened =
            trace.find(move |event| event.is("openat") && event.text.contains(&quoted));
        opened
            .find(|event| event.text.contains("O_CREAT"))
            .unwrap_or_else(|| panic!("{name} was not created"))
    };
    for name in ["shifts.db", "shifts.db-wal"] {
        let made = made(name);
        let mut syncs = trace.find(|event| event.is_sync_of(&folder));
        assert!(
            syncs.any(|sync| sync.began > made.ended && sync.ended < submitted.began),
            "the folder is not synced after {name} was created"
        );
    }
    // Before the log is created, the first page, which says that there is a log, must be on disk.
    // So must the removal of the rollback journal with which the file was created.
    let log = made("shifts.db-wal");
    let last_before = |call: &str, file: &str| {
        let done = trace.find(|event| event.is(call) && event.text.contains(file));
        done.filter(|event| event.ended < log.began)
            .last()
            .unwrap_or_else(|| panic!("no {call} of {file}"))
    };
    let removed = last_before("unlink", "/shifts.db-journal\"");
    let page = last_before("pwrite64", "/shifts.db>");
    for (done, what) in [(removed, &*folder), (page, "/shifts.db>")] {
        let mut syncs = trace.find(|event| event.is_sync_of(what));
        assert!(
            syncs.any(|sync| sync.began > done.ended && sync.ended < log.began),
            "{what} is not synced before the log is created"
        );
    }
}

/// Kills a host after it has written a submit or an outcome to the file and before it has synced
/// it. Then asks the next host about it, which must sync it before it answers.
fn killed_in_the_sync(name: &str, of_submit: bool, question: &str, answer: &str) {
    let Some(program) = program() else { return };
    let preload = compile_preload("outbox_sync");
    let path = fresh(name);
    let signal = path.with_file_name("kill");
    let trigger = signal.clone();
    let books = Books::open(move |ext_id, _| {
        if ext_id == "mine" && !of_submit {
            std::fs::write(&trigger, "").unwrap();
        }
        (Duration::ZERO, Reply::Accept)
    });
    let mut command = Command::new(&program);
    command
        .env("LD_PRELOAD", preload)
        .env("LIFEPAY_TEST_KILL", &signal);
    let mut first = Host::start(&mut command);
    first.open_outbox(&path, &books.url(), 4, 100);
    first.submit("earlier");
    assert_eq!(first.wait("earlier").0, 0);
    if of_submit {
        std::fs::write(&signal, "").unwrap();
    }
    first.send(&format!("submit mine {}", u32::MAX));
    assert!(!first.wait_for_exit().success());
    assert_eq!(books.of("mine").len(), usize::from(!of_submit));

    let mut second = Traced::start(&program, path.with_file_name("trace"));
    second.host.open_outbox(&path, &books.url(), 4, 100);
    let answered = second.host.ask(question);
    assert!(answered.starts_with(answer), "{answered}");
    let trace = second.finish();
    let reported = trace.printed(answer).unwrap();
    let mut syncs = trace.find(|event| event.is_sync_of("-wal>"));
    assert!(
        syncs.any(|sync| sync.ended < reported.began),
        "{answered}: it was reported and is not on disk"
    );
}

#[test]
fn a_submit_killed_in_its_sync_is_on_disk_before_another_process_reports_it() {
    let question = format!("submit mine {}", u32::MAX);
    killed_in_the_sync("submit-killed", true, &question, "submit mine 0 ");
}

#[test]
fn an_outcome_killed_in_its_sync_is_on_disk_before_another_process_reports_it() {
    let answer = format!("wait mine 0 3 1 {}", uuid_of("mine"));
    killed_in_the_sync("outcome-killed", false, "wait mine 0", &answer);
}

/// Returns the body without its apikey, which it must contain exactly once.
fn without_apikey(body: &str, apikey: &str) -> String {
    let apikey = serde_json::to_string(apikey).unwrap();
    let field = format!("\"apikey\":{apikey},");
    assert_eq!(body.matches(&field).count(), 1, "{body}");
    body.replacen(&field, "", 1)
}

#[test]
fn repeats_have_the_same_bytes_also_after_a_restart_with_another_apikey() {
    // The second apikey needs escapes, and the third is also the login.
    let apikeys = ["s3cr3t-apikey", "anöther \"one\" with \\", "79031234567"];
    let path = fresh("same-bytes");
    let books = Books::open(move |_, before| match before {
        0..9 => (Duration::ZERO, Reply::Http("503 Service Unavailable")),
        _ => (Duration::ZERO, Reply::Accept),
    });
    let url = books.url();
    for (number, apikey) in apikeys.iter().enumerate() {
        let call = Call::to(&url).text(|c| &mut c.apikey, apikey);
        let outbox = Outbox::open(&path, call.repeat(0, &[100]));
        if number == 0 {
            let data = "{ \"big\":12345678901234567890.10,\"e\" : 1.0E+2, \"t\":\"\\u0041\\/\" }";
            let call = Call::to(&url)
                .ext_id("mine")
                .target_serial("00106304012797")
                .text(
                    |c| &mut c.cashier_name,
                    "Мария «Маша» \"М\"\\ \u{7f}\u{1f600}",
                )
                .text(|c| &mut c.cashier_inn, "526317984689")
                .text(|c| &mut c.callback_url, "https://example.com/?a=1&b=<2>")
                .text(|c| &mut c.callback_data_json, data)
                .with(|c| c.test = 1);
            let (returned, answer) = outbox.submit(call);
            assert_eq!(returned, 0, "{answer:?}");
        }
        until("three attempts have ended", || {
            outbox.entry("mine").unwrap().attempts as usize >= 3 * (number + 1)
        });
        if number == 2 {
            assert_eq!(outbox.wait("mine", 10_000).code, 0);
        }
        outbox.close();
    }
    let exchanges = books.of("mine");
    assert_eq!(exchanges.len(), 10);
    let mut used = Vec::new();
    let mut bodies = exchanges.iter().map(|exchange| {
        let mine = |apikey: &&&str| {
            let quoted = serde_json::to_string(apikey).unwrap();
            exchange.body.contains(&format!("\"apikey\":{quoted},"))
        };
        let apikey = apikeys.iter().find(mine).expect("one of the apikeys");
        used.push(apikey);
        without_apikey(&exchange.body, apikey)
    });
    let first = bodies.next().unwrap();
    for body in bodies {
        assert_eq!(body, first);
    }
    used.dedup();
    assert_eq!(used, apikeys.iter().collect::<Vec<_>>());
    assert!(first.contains("12345678901234567890.10,\"e\" : 1.0E+2"));
    // No file contains an apikey. The log may disappear meanwhile: its last user removes it.
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
        for apikey in &apikeys[..2] {
            let mut windows = bytes.windows(apikey.len());
            assert!(!windows.any(|window| window == apikey.as_bytes()));
        }
    }
}
