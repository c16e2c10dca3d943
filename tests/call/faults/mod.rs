//! Every fault in every phase of an attempt: the result, its time and memory, and whether the next
//! call works.
//!
//! `cargo test --test call faults -- --nocapture` prints the table.

mod after_request;
mod before_answer;
mod expected;
mod observed;
mod site;
mod table;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::time::Instant;

use self::expected::Takes;
use self::observed::Observed;
use self::site::Site;
use self::table::Row;
use crate::support::outbox::compile_preload;
use crate::support::{child, tools};

/// The environment variable that names the folder of tests/c/slow_getaddrinfo.c.
const FOLDER: &str = "LIFEPAY_TEST_NAMES";

const PHASES: [&str; 8] = [
    "resolve",
    "connect",
    "proxy",
    "tls",
    "send",
    "first byte",
    "headers",
    "body",
];

const FAULTS: [&str; 17] = [
    "refused",
    "reset",
    "silence",
    "a byte a second",
    "half a reply",
    "wrong length",
    "chunked nonsense",
    "HTTP/1.0",
    "1xx",
    "204",
    "3xx",
    "4xx",
    "5xx",
    "HTML with 200",
    "gzip not asked for",
    "headers of 1 MiB",
    "body of 1 GiB",
];

/// Returns why a fault cannot occur in a phase, or None if it can.
fn impossible(phase: &str, fault: &str) -> Option<&'static str> {
    match (phase, fault) {
        ("resolve", "refused" | "silence" | "a byte a second" | "half a reply") => None,
        ("resolve", _) => Some("a lookup has neither connection nor HTTP"),
        ("connect", "refused" | "silence") => None,
        ("connect", _) => Some("TCP has no reply before it is connected"),
        ("proxy", _) => None,
        (_, "refused") => Some("the connection has been made"),
        ("first byte", "wrong length" | "chunked nonsense") => Some("set by the headers"),
        _ => None,
    }
}

/// Returns a table of faults and phases: the codes, or a dash where a fault cannot occur.
fn grid(results: &[Observed]) -> String {
    let mut text = format!("{:<19}", "");
    for phase in PHASES {
        write!(text, "| {phase:<11}").unwrap();
    }
    for fault in FAULTS {
        write!(text, "\n{fault:<19}").unwrap();
        for phase in PHASES {
            let mut codes: Vec<i32> = results
                .iter()
                .filter(|result| (result.row.phase, result.row.fault) == (phase, fault))
                .map(|result| result.answer.code)
                .collect();
            codes.sort_unstable();
            codes.dedup();
            assert_eq!(
                codes.is_empty(),
                impossible(phase, fault).is_some(),
                "{phase}, {fault}"
            );
            let codes: Vec<String> = codes.iter().map(i32::to_string).collect();
            let cell = match codes.is_empty() {
                true => "-".to_owned(),
                false => codes.join(", "),
            };
            write!(text, "| {cell:<11}").unwrap();
        }
    }
    text
}

/// Returns whether the memory of the row is measured. Such rows run alone.
fn is_large(row: &Row) -> bool {
    matches!(row.fault, "headers of 1 MiB" | "body of 1 GiB") || row.how.contains("GiB")
}

fn run_all(site: &Site) -> Vec<Observed> {
    let (large, small): (Vec<_>, Vec<_>) = table::rows()
        .into_iter()
        .enumerate()
        .partition(|(_, row)| is_large(row));
    // Rows that only wait need no processor and run all at once. Busy rows share two processors.
    let (waits, busy): (Vec<_>, Vec<_>) = small
        .into_iter()
        .partition(|(_, row)| row.phase != "send" && !matches!(row.expected.takes, Takes::Quick));
    let mut results = Vec::new();
    std::thread::scope(|scope| {
        let waiting: Vec<_> = waits
            .into_iter()
            .map(|(number, row)| (number, scope.spawn(move || site.run(number, row, false))))
            .collect();
        for (number, thread) in waiting {
            results.push((number, thread.join().expect("a row")));
        }
    });
    let next = AtomicUsize::new(0);
    let busy: Vec<_> = busy.into_iter().map(|row| Mutex::new(Some(row))).collect();
    std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            while let Some(row) = busy.get(next.fetch_add(1, Ordering::SeqCst)) {
                let (number, row) = row.lock().unwrap().take().expect("taken once");
                done.push((number, site.run(number, row, false)));
            }
            done
        };
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            results.extend(worker.join().expect("a worker"));
        }
    });
    for (number, row) in large {
        results.push((number, site.run(number, row, true)));
    }
    // Rows with megabytes of data need a processor, which others may have used. A row that was only
    // late runs once more, alone.
    for (number, late) in results
        .iter_mut()
        .filter(|(_, result)| result.is_only_late())
    {
        let row = table::rows().swap_remove(*number);
        *late = site.run(*number, row, false);
    }
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

#[test]
fn every_fault_in_every_phase() {
    let folder = tools::scratch("faults");
    if std::env::var_os(FOLDER).is_none() {
        if !tools::have("gcc") {
            return;
        }
        let shim = compile_preload("slow_getaddrinfo");
        let (shim, names) = (text(&shim), text(&folder));
        let _ = std::fs::remove_file(folder.join("table"));
        let environment = [("LD_PRELOAD", shim.as_str()), (FOLDER, names.as_str())];
        assert!(child::again(
            module_path!(),
            "every_fault_in_every_phase",
            &environment
        ));
        let table = std::fs::read_to_string(folder.join("table")).expect("the table");
        println!("{table}");
        return;
    }
    let started = Instant::now();
    let site = Site::new(table::rows().len(), folder.clone());
    let results = run_all(&site);
    let mut printed = format!(
        "{:<10} | {:<18} | {:<38} | {:<19} | {:<8} | {:>4} | {:>8} | {:>6} | {:>5} | {:>9} | next call\n",
        "phase", "fault", "how", "code", "outcome", "HTTP", "retry ms", "ms", "limit", "memory"
    );
    for result in &results {
        writeln!(printed, "{}", result.line()).unwrap();
    }
    writeln!(printed, "\n{}", grid(&results)).unwrap();
    let took = started.elapsed().as_secs();
    writeln!(printed, "\n{} rows, {took} s", results.len()).unwrap();
    std::fs::write(folder.join("table"), printed).expect("the table can be written");
    let wrong: Vec<String> = results
        .iter()
        .filter(|result| !result.wrong().is_empty())
        .map(|result| format!("{}\n{}", result.line(), result.wrong().join("\n")))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} rows are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}
