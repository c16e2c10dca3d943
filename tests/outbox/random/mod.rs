//! Random operations on two outboxes of one file, from several threads, while the server fails and the
//! wall clock jumps. The results are compared with a model of the header's promises.
//!
//! LIFEPAY_TEST_SEED repeats the random choices of a run; LIFEPAY_TEST_SECONDS makes it longer.
#![cfg(target_os = "linux")]

mod checks;
mod desk;
mod life;
mod operations;
mod server;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use self::desk::{Desk, Door};
use self::life::{Life, Wish};
use self::server::Moody;
use crate::support::constants::HOUR_MS;
use crate::support::outbox::{compile_preload, in_memory};
use crate::support::till::{seed, Dice};
use crate::support::{child, tools};

const CLOCK: &str = "LIFEPAY_TEST_CLOCK";
const FOLDER: &str = "LIFEPAY_TEST_FOLDER";
const SECONDS: &str = "LIFEPAY_TEST_SECONDS";
const EXT_IDS: usize = 20;
const THREADS: u64 = 4;
const ROUND: Duration = Duration::from_secs(5);
/// How late anything may be on a busy machine. Less than the longest pause.
const LATE: Duration = Duration::from_millis(2500);
const HALF_A_DAY: u32 = 12 * HOUR_MS;

/// One file, and all who work with it.
struct Round {
    server: Moody,
    doors: [Door; 2],
    lives: Vec<Mutex<Life>>,
    /// Enough for all at once, so that none waits for another.
    has_room: bool,
    clock: Option<PathBuf>,
    jumps: AtomicU64,
    /// Those that concern every ext_id.
    wishes: Mutex<Vec<Wish>>,
    /// Held by the one that reopens: then the other outbox is open.
    reopening: Mutex<()>,
    reopened: Mutex<Instant>,
    /// Write: nobody asks for anything.
    gate: RwLock<()>,
    is_over: AtomicBool,
}

/// Unix milliseconds, by the clock that jumps.
fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// Stops the others also when a thread has failed.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn round(path: &Path, seed: u64, number: u64, other: Option<&str>) {
    let clock = std::env::var_os(CLOCK).map(PathBuf::from);
    // At first without jumps, then with them, then with little room.
    let clock = clock.filter(|_| !number.is_multiple_of(3));
    let concurrency = if number % 3 == 2 {
        3
    } else {
        1 + EXT_IDS as u32
    };
    let server = Moody::start(seed);
    let here = Desk::open(path, &server.url(), concurrency);
    let second = match other {
        Some(name) => Door::there(
            &child::full_name(module_path!(), name),
            path,
            &server.url(),
            concurrency,
        ),
        None => Door::Here(Desk::open(path, &server.url(), concurrency)),
    };
    let round = Round {
        doors: [Door::Here(here), second],
        lives: (0..EXT_IDS)
            .map(|number| Mutex::new(Life::new(format!("shift-{number}"))))
            .collect(),
        has_room: concurrency > EXT_IDS as u32,
        clock,
        jumps: AtomicU64::new(0),
        wishes: Mutex::default(),
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
    // One after the other: each keeps both processors busy.
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock();
    let seed = seed();
    let Ok(folder) = std::env::var(FOLDER) else {
        let folder = in_memory(name);
        let clock = folder.join("clock");
        let mut environment = vec![(FOLDER, folder.to_str().unwrap())];
        let preload = tools::have("gcc").then(|| compile_preload("outbox_clock"));
        if let Some(preload) = &preload {
            environment.push(("LD_PRELOAD", preload.to_str().unwrap()));
            environment.push((CLOCK, clock.to_str().unwrap()));
        }
        child::again(module_path!(), name, &environment);
        drop(turn);
        let _ = std::fs::remove_dir_all(folder);
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
    desk::work();
}
