//! A till that is killed repeatedly, and the records that must agree at the end: the server's, the
//! till's own journal and the outbox's.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::books::{uuid_of, Books, Reply};
use super::constants::ANSWERED;
use super::outbox::{fresh, Outbox};
use super::Call;

/// How many requests with one ext_id the server disturbs.
const TROUBLE: usize = 6;
/// The environment variable with a seed for the lives and the server, to repeat a failed run.
const SEED: &str = "LIFEPAY_TEST_SEED";

/// Returns the seed of this run, and prints it.
pub fn seed() -> u64 {
    let seed = std::env::var(SEED).map_or(20_261_124, |seed| seed.parse().expect("a number"));
    println!("{SEED}={seed}");
    seed
}

/// Pseudo-random numbers that are the same in every run: xorshift64*.
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Dice {
        // Neighbouring seeds must not start with similar numbers, and zero would stay zero.
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..4 {
            dice.below(1);
        }
        dice
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}

/// A server that drops, delays and refuses requests, loses answers, and finally accepts. It rejects
/// one shift in ten.
fn troubled(seed: u64) -> Books {
    Books::open(move |ext_id, before| {
        let number: u64 = ext_id[5..].parse().expect("till-N");
        let last = match number % 10 {
            3 => Reply::Reject(6080),
            _ => Reply::Accept,
        };
        let mut dice = Dice::of(seed ^ (number << 20) ^ before as u64);
        if before >= TROUBLE {
            return (Duration::ZERO, last);
        }
        let delay = Duration::from_millis(match dice.below(10) {
            // Longer than the client waits.
            0 => 400,
            1..4 => dice.below(80),
            _ => 0,
        });
        let reply = match dice.below(10) {
            0..2 => Reply::Drop,
            2..4 => Reply::Http("503 Service Unavailable"),
            // A rejected request makes no document whose answer could be lost.
            4..6 if last == Reply::Accept => Reply::Lose,
            _ => last,
        };
        (delay, reply)
    })
}

/// The contents of the till's journal.
#[derive(Default)]
struct Journal {
    submitted: Vec<String>,
    /// code and uuid, by ext_id
    reported: BTreeMap<String, (i32, Option<String>)>,
}

impl Journal {
    fn read(path: &Path) -> Journal {
        let mut journal = Journal::default();
        for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let ext_id = format!("till-{:06}", words[1].parse::<u32>().expect("a number"));
            match words[..] {
                ["submitted", _] => journal.submitted.push(ext_id),
                ["reported", _, code, uuid] => {
                    let uuid = (uuid != "-").then(|| uuid.to_owned());
                    let before = journal
                        .reported
                        .insert(ext_id, (code.parse().unwrap(), uuid));
                    assert!(before.is_none(), "reported twice: {line}");
                }
                _ => panic!("{line}"),
            }
        }
        journal
    }
}

/// Runs the till for `life`, from its start or from the opening of its outbox, and kills it.
fn run_and_kill(till: &mut Command, life: Duration, is_opened: bool, kill: fn(&mut Child)) {
    let mut till = till
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the till starts");
    if is_opened {
        let mut output = till.stdout.take().expect("a pipe");
        // If the till has failed, there is no output, and the reason is reported below.
        let _ = output.read(&mut [0]);
    }
    // A sleep, because the moment of the kill is random: there is no event to wait for.
    std::thread::sleep(life);
    kill(&mut till);
    let output = till.wait_with_output().expect("it ends");
    // The till ends by itself only to report an error.
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && error.is_empty(),
        "{}: {error}",
        output.status
    );
}

/// Compares the server's record with the final entries of the outbox.
fn compare(books: &Books, outbox: &Outbox, journal: &Journal) {
    let documents = books.documents();
    let mut expected = Vec::new();
    for ext_id in &journal.submitted {
        let answer = outbox.wait(ext_id, 30_000);
        assert_eq!(answer.outcome, ANSWERED, "{ext_id}: {answer:?}");
        let outcome = (answer.code, answer.uuid.clone());
        if ext_id.ends_with('3') {
            assert_eq!(outcome, (6080, None), "{ext_id}: {answer:?}");
        } else {
            assert_eq!(outcome, (0, Some(uuid_of(ext_id))), "{ext_id}: {answer:?}");
            assert_eq!(documents.get(ext_id), Some(&uuid_of(ext_id)));
            expected.push(ext_id.clone());
        }
        if let Some(reported) = journal.reported.get(ext_id) {
            assert_eq!(
                *reported, outcome,
                "{ext_id} was reported differently before"
            );
        }
    }
    let made: Vec<String> = documents.into_keys().collect();
    assert_eq!(
        made, expected,
        "one document for each accepted request, and no other"
    );
}

/// Asserts that all requests with one ext_id have the same bytes, namely those that were submitted.
fn compare_bodies(books: &Books) {
    let mut bodies = BTreeMap::new();
    for exchange in books.exchanges() {
        let number: u32 = exchange.ext_id[5..].parse().expect("till-N");
        let first = bodies
            .entry(exchange.ext_id.clone())
            .or_insert_with(|| exchange.body.clone());
        assert_eq!(*first, exchange.body);
        // Every third document is a receipt.
        let (path, data) = match number % 3 {
            0 => ("/cloud-print/create-receipt", r#""purchase": "#),
            _ => ("/cloud-print/create-session", r#""callback_data":"#),
        };
        assert_eq!(exchange.path, path, "{number}");
        for part in [
            format!(r#""cashier_name":"Кассир {number}""#),
            format!(r#"{data}{{ "number" : {number}, "sum": 1.50 }}"#),
        ] {
            assert!(first.contains(&part), "no {part} in {first}");
        }
    }
}

/// How a till is killed.
pub struct Kills {
    /// The test's name, for its folder.
    pub name: &'static str,
    /// The number of kills. On a busy machine a till may be killed before it has done anything.
    /// Then there are more kills, until `enough` returns true, but at most four times `count`.
    pub count: usize,
    pub enough: fn(&Outcome) -> bool,
    /// The longest life of a till, from its start or from the opening of its outbox.
    pub longest_life: Duration,
    /// Kills a running till.
    pub kill: fn(&mut Child),
}

/// The numbers at the end of the test.
pub struct Outcome {
    pub submitted: usize,
    /// The number of outcomes that tills received before they were killed.
    pub reported: usize,
}

/// Returns the numbers in a till's journal so far.
fn count_journal(journal: &Path) -> Outcome {
    let journal = Journal::read(journal);
    Outcome {
        submitted: journal.submitted.len(),
        reported: journal.reported.len(),
    }
}

/// Starts `tests/c/outbox_till.c`, kills it at random moments, and compares the records: no request
/// is lost or makes two documents, and no outcome is reported in two different ways. `till` makes
/// the command, to which the arguments are added.
pub fn kill_again_and_again(till: impl Fn() -> Command, kills: &Kills) -> Outcome {
    let seed = seed();
    let path = fresh(kills.name);
    let journal_path = path.with_file_name("journal");
    let books = troubled(seed);
    let url = books.url();
    let arguments = [&path, &journal_path].map(|path| path.to_str().expect("UTF-8").to_owned());
    let arguments = [arguments[0].as_str(), &url, &arguments[1]];
    let started = Instant::now();
    let mut dice = Dice::of(seed);
    let is_enough = |number: usize| {
        number >= kills.count
            && (number >= 4 * kills.count || (kills.enough)(&count_journal(&journal_path)))
    };
    let mut number = 0;
    while !is_enough(number) {
        let longest = kills.longest_life.as_millis() as u64;
        let life = Duration::from_millis(dice.below(longest + 1));
        let mut till = till();
        run_and_kill(till.args(arguments), life, number % 2 == 1, kills.kill);
        number += 1;
    }
    let killing = started.elapsed();

    // The last submission may be in the outbox but not in the journal. The till would submit it
    // again.
    let mut journal = Journal::read(&journal_path);
    let call = Call::to(&url).repeat(0, &[100]).limits(2000, 2000);
    let outbox = Outbox::open(&path, call.with(|c| c.concurrency = 16));
    let entries: Vec<String> = outbox.entries().into_iter().map(|e| e.ext_id).collect();
    let (known, beyond) = entries.split_at(journal.submitted.len());
    assert_eq!(known, journal.submitted, "an entry is lost");
    assert!(beyond.len() <= 1, "not submitted: {beyond:?}");
    journal.submitted.extend_from_slice(beyond);

    for ext_id in &journal.submitted {
        let answer = outbox.wait(ext_id, 30_000);
        assert_eq!(answer.outcome, ANSWERED, "{ext_id}: {answer:?}");
    }
    assert_eq!(outbox.pending(), 0);
    compare(&books, &outbox, &journal);
    compare_bodies(&books);
    // The outcomes stay the same after a restart.
    outbox.close();
    let outbox = Outbox::open(&path, Call::to(&url).repeat(0, &[100]));
    compare(&books, &outbox, &journal);

    let requests = books.exchanges().len();
    let aborted = books.exchanges().iter().filter(|one| one.aborted).count();
    println!(
        "{number} kills in {killing:?}; {} submitted, {} reported before a kill, {requests} requests, {aborted} aborted, \
         {} documents; {:?} in all",
        journal.submitted.len(),
        journal.reported.len(),
        books.documents().len(),
        started.elapsed()
    );
    assert!(aborted > 0 && requests > journal.submitted.len());
    Outcome {
        submitted: journal.submitted.len(),
        reported: journal.reported.len(),
    }
}
