//! Random operations on two outboxes of one file, from several threads, while the server fails and
//! the wall clock jumps. The results are compared with a model of the header's promises.
//!
//! LIFEPAY_TEST_SEED repeats the random choices of a run; LIFEPAY_TEST_SECONDS makes it longer.
#![cfg(target_os = "linux")]

mod checks;
mod life;
mod operations;
mod server;
mod target;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use self::life::{Life, Trigger};
use self::server::RandomServer;
use self::target::{LocalOutbox, Target};
use crate::support::constants::HOUR_MS;
use crate::support::outbox::{compile_preload, InMemory};
use crate::support::till::{seed, Dice};
use crate::support::{child, tools};

const CLOCK: &str = "LIFEPAY_TEST_CLOCK";
const FOLDER: &str = "LIFEPAY_TEST_FOLDER";
const SECONDS: &str = "LIFEPAY_TEST_SECONDS";
const EXT_IDS: usize = 20;
const THREADS: u64 = 4;
const ROUND: Duration = Duration::from_secs(5);
/// How late any event may be on a busy machine. Shorter than the longest pause.
const LATE: Duration = Duration::from_millis(2500);
const HALF_A_DAY: u32 = 12 * HOUR_MS;

/// One file with its two outboxes, the server and the model of each ext_id.
struct Round {
    server: RandomServer,
    targets: [Target; 2],
    lives: Vec<Mutex<Life>>,
    /// The concurrency is so high that no request waits for another.
    has_room: bool,
    clock: Option<PathBuf>,
    jumps: AtomicU64,
    /// The triggers that concern every ext_id.
    triggers: Mutex<Vec<Trigger>>,
    /// Held while an outbox is reopened, so that the other one stays open.
    reopening: Mutex<()>,
    reopened: Mutex<Instant>,
    /// Held for reading by each operation, and for writing while no operation may run.
    gate: RwLock<()>,
    is_over: AtomicBool,
}

/// Returns the time by the clock that jumps, in Unix milliseconds.
fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// Stops the other threads when dropped, also if a thread has failed.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn round(path: &Path, seed: u64, number: u64, other: Option<&str>) {
    let clock = std::env::var_os(CLOCK).map(PathBuf::from);
    // The first round has no jumps, the second has jumps, and the third has jumps and a low
    // concurrency. Then the cycle repeats.
    let clock = clock.filter(|_| !number.is_multiple_of(3));
    let concurrency = if number % 3 == 2 {
        3
    } else {
        1 + EXT_IDS as u32
    };
    let server = RandomServer::start(seed);
    let local = LocalOutbox::open(path, &server.url(), concurrency);
    let second = match other {
        Some(name) => Target::start_remote(
            &child::full_name(module_path!(), name),
            path,
            &server.url(),
            concurrency,
        ),
        None => Target::Local(LocalOutbox::open(path, &server.url(), concurrency)),
    };
    let round = Round {
        targets: [Target::Local(local), second],
        lives: (0..EXT_IDS)
            .map(|number| Mutex::new(Life::new(format!("shift-{number}"))))
            .collect(),
        has_room: concurrency > EXT_IDS as u32,
        clock,
        jumps: AtomicU64::new(0),
        triggers: Mutex::default(),
        reopening: Mutex::new(()),
        reopened: Mutex::new(Instant::now()),
        gate: RwLock::new(()),
        is_over: AtomicBool::new(false),
        server,
    };
    let began = Instant::now();
    std::thread::scope(|scope| {
        let _stop = Stop(&round.is_over);
        for thread in 0..THREADS {
            let round = &round;
            scope.spawn(move || {
                let _stop = Stop(&round.is_over);
                round.work(Dice::of(seed + thread));
            });
        }
        let mut dice = Dice::of(seed + THREADS);
        while began.elapsed() < ROUND && !round.is_over.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(700));
            round.check(&mut dice);
        }
    });
    round.end(&mut Dice::of(seed));
    let lives = round.lives.iter().map(|life| life.lock().unwrap());
    let attempts: usize = lives.map(|life| round.server.count(&life.ext_id)).sum();
    let jumps = round.jumps.load(Ordering::SeqCst) / 2;
    println!("round {number}: {attempts} attempts, {jumps} jumps, {concurrency} at once");
}

/// Runs the test `name` in a process with a clock that can be moved.
fn run(name: &str, other: Option<&str>) {
    // The tests run one after the other, because each keeps both processors busy.
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock();
    let seed = seed();
    let Ok(folder) = std::env::var(FOLDER) else {
        let folder = InMemory::new(name);
        let clock = folder.path().join("clock");
        let mut environment = vec![(FOLDER, folder.path().to_str().unwrap())];
        let preload = tools::have("gcc").then(|| compile_preload("outbox_clock"));
        if let Some(preload) = &preload {
            environment.push(("LD_PRELOAD", preload.to_str().unwrap()));
            environment.push((CLOCK, clock.to_str().unwrap()));
        }
        child::again(module_path!(), name, &environment);
        drop(turn);
        return;
    };
    let seconds = std::env::var(SECONDS).map_or(15, |text| text.parse().expect("a number"));
    let began = Instant::now();
    for number in 0.. {
        if began.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
        let path = Path::new(&folder).join(format!("{number}.db"));
        round(&path, seed.wrapping_add(number * 1000), number, other);
    }
}

#[test]
fn two_outboxes_of_one_process_keep_every_promise() {
    run("two_outboxes_of_one_process_keep_every_promise", None);
}

#[test]
fn outboxes_of_two_processes_keep_every_promise() {
    run(
        "outboxes_of_two_processes_keep_every_promise",
        Some("the_other_process"),
    );
}

#[test]
fn the_other_process() {
    target::work();
}
