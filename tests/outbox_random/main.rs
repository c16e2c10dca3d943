//! Random operations on two outboxes of one file, from several threads, while the server fails and the
//! wall clock jumps, held against a model of what the header promises.
//!
//! LIFEPAY_TEST_SEED repeats the choices of a run, LIFEPAY_TEST_SECONDS makes it longer.
#![cfg(target_os = "linux")]

mod desk;
mod life;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use desk::{Desk, Door, PAUSES};
use life::{note_for_all, Expiry, Life, Wish};
use lifepay::code::{LP_ERR_ARGUMENT, LP_ERR_NOT_FOUND, LP_OK, LP_PENDING};
use server::Moody;
use support::outbox::{compile_preload, fresh};
use support::till::{seed, Dice};
use support::{child, tools, Entry};

const CLOCK: &str = "LIFEPAY_TEST_CLOCK";
const FOLDER: &str = "LIFEPAY_TEST_FOLDER";
const SECONDS: &str = "LIFEPAY_TEST_SECONDS";
const EXT_IDS: usize = 20;
const THREADS: u64 = 4;
const ROUND: Duration = Duration::from_secs(6);
/// How late anything may be on a busy machine. Less than the longest pause.
const LATE: Duration = Duration::from_millis(2500);
const HALF_A_DAY: u32 = 12 * 3_600_000;
const PENDING_FLAG: u32 = 1;
const SENDING_FLAG: u32 = 2;

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

impl Round {
    fn any_door(&self, dice: &mut Dice) -> &Door {
        &self.doors[dice.below(2) as usize]
    }

    /// A thread of a till's that asks for one thing after the other.
    fn work(&self, mut dice: Dice) {
        while !self.is_over.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(dice.below(40)));
            // It is poisoned when another thread has failed.
            let Ok(_pass) = self.gate.read() else { return };
            match dice.below(100) {
                0..4 => self.jump(&mut dice),
                4..7 => self.reopen(&mut dice),
                7..9 => self.retry_all(&mut dice),
                _ => {
                    let number = dice.below(EXT_IDS as u64) as usize;
                    // Another thread may be at it.
                    if let Ok(mut life) = self.lives[number].try_lock() {
                        match dice.below(100) {
                            0..40 => self.submit(&mut life, &mut dice),
                            40..52 => self.cancel(&mut life, &mut dice),
                            52..72 => self.retry(&mut life, &mut dice),
                            72..82 => self.forget(&mut life, &mut dice),
                            _ => drop(self.look(&mut life, &mut dice)),
                        }
                    }
                }
            }
        }
    }

    fn jump(&self, dice: &mut Dice) {
        const DAY: i64 = 24 * 3600;
        let Some(clock) = &self.clock else { return };
        let ahead = [0, 3600, -3600, 10 * DAY, -10 * DAY][dice.below(5) as usize];
        let half = clock.with_extension(format!("{:?}", std::thread::current().id()));
        std::fs::write(&half, ahead.to_string()).unwrap();
        // Twice: whoever has seen one and the same number before and after saw no jump.
        self.jumps.fetch_add(1, Ordering::SeqCst);
        std::fs::rename(half, clock).unwrap();
        self.jumps.fetch_add(1, Ordering::SeqCst);
        note_for_all(format!("jump to {ahead} s"));
    }

    fn reopen(&self, dice: &mut Dice) {
        let Ok(_alone) = self.reopening.try_lock() else {
            return;
        };
        let from = Instant::now();
        let which = dice.below(2) as usize;
        note_for_all(format!("reopen {which}"));
        assert_eq!(self.doors[which].ask("reopen").0, LP_OK);
        note_for_all(format!("reopened {which}"));
        *self.reopened.lock().unwrap() = Instant::now();
        // Attempts that were broken off go on, perhaps in the other outbox.
        self.wish(None, from, Instant::now() + LATE);
    }

    fn wish(&self, life: Option<&mut Life>, from: Instant, to: Instant) {
        match life {
            Some(life) => life.wishes.push(Wish { from, to }),
            None => self.wishes.lock().unwrap().push(Wish { from, to }),
        }
    }

    fn retry_all(&self, dice: &mut Dice) {
        let from = Instant::now();
        assert_eq!(self.any_door(dice).ask("retry").0, LP_OK);
        // It may take effect after an attempt under way.
        self.wish(None, from, Instant::now() + LATE);
    }

    fn submit(&self, life: &mut Life, dice: &mut Dice) {
        let expires_after_ms = match dice.below(4) {
            0 => 100 + dice.below(1400) as u32,
            1 => 0,
            _ => u32::MAX,
        };
        let was_sent = life.was_sent(&self.server);
        let jumps = self.jumps.load(Ordering::SeqCst);
        let (from, from_at) = (Instant::now(), now());
        let line = format!(
            "submit {} {} {expires_after_ms}",
            life.ext_id, life.generation
        );
        let (returned, code, outcome) = self.any_door(dice).ask(&line);
        life.note(format!("{line}: {returned} {code} {outcome}"));
        if returned != LP_OK {
            life.fail(&self.server, "a submit was refused");
        }
        if code == LP_PENDING {
            let after_ms = if expires_after_ms == 0 {
                HALF_A_DAY
            } else {
                expires_after_ms
            };
            let after = Duration::from_millis(u64::from(after_ms));
            let expiry = Expiry {
                earliest: from + after,
                latest: Instant::now() + after,
                earliest_at: from_at + i64::from(after_ms),
                latest_at: now() + i64::from(after_ms),
                jumps,
            };
            // An accepted entry stays accepted.
            if life.outcome != Some(LP_OK) {
                life.submitted((after_ms != u32::MAX).then_some(expiry));
            }
            self.wish(Some(life), from, Instant::now() + LATE);
        }
        life.learn(&self.server, code, outcome, was_sent);
    }

    fn cancel(&self, life: &mut Life, dice: &mut Dice) {
        let was_sent = life.was_sent(&self.server);
        let line = format!("cancel {}", life.ext_id);
        let (returned, code, outcome) = self.any_door(dice).ask(&line);
        life.note(format!("{line}: {returned} {code} {outcome}"));
        if (returned == LP_OK) != life.is_submitted
            || ![LP_OK, LP_ERR_NOT_FOUND].contains(&returned)
        {
            life.fail(&self.server, "a cancel that cannot be");
        }
        life.is_cancelled = life.is_submitted;
        life.learn(&self.server, code, outcome, was_sent);
    }

    fn look(&self, life: &mut Life, dice: &mut Dice) -> i32 {
        let was_sent = life.was_sent(&self.server);
        let (_, code, outcome) = self.any_door(dice).ask(&format!("look {}", life.ext_id));
        life.note(format!("look: {code} {outcome}"));
        life.learn(&self.server, code, outcome, was_sent);
        code
    }

    fn forget(&self, life: &mut Life, dice: &mut Dice) {
        let line = format!("forget {}", life.ext_id);
        let (returned, ..) = self.any_door(dice).ask(&line);
        life.note(format!("{line}: {returned}"));
        let may_be_finished = self.may_be_finished(life);
        let is_legal = match returned {
            LP_OK => life.is_submitted && may_be_finished,
            LP_ERR_NOT_FOUND => !life.is_submitted,
            LP_ERR_ARGUMENT => life.is_submitted && !life.is_final(),
            _ => false,
        };
        if !is_legal {
            life.fail(&self.server, "a forget that cannot be");
        }
        life.check_end(&self.server);
        if returned == LP_OK {
            life.forgotten();
        }
    }

    fn may_be_finished(&self, life: &Life) -> bool {
        let codes = [server::ACCEPTED, server::REJECTED];
        let was_answered = codes
            .iter()
            .any(|code| life.was_answered(&self.server, *code));
        life.outcome.is_some() || life.is_cancelled || life.is_past() || was_answered
    }

    fn retry(&self, life: &mut Life, dice: &mut Dice) {
        let seen = self.server.count(&life.ext_id);
        let line = format!("retry {}", life.ext_id);
        let from = Instant::now();
        let (returned, ..) = self.any_door(dice).ask(&line);
        life.note(format!("{line}: {returned}"));
        let is_legal = match returned {
            LP_OK => life.is_submitted && !life.is_final(),
            LP_ERR_NOT_FOUND => !life.is_submitted,
            LP_ERR_ARGUMENT => life.is_submitted && self.may_be_finished(life),
            _ => false,
        };
        if !is_legal {
            life.fail(&self.server, "a retry that cannot be");
        }
        if returned == LP_OK {
            self.follows(life, dice, seen, from);
            self.wish(Some(life), from, Instant::now() + LATE);
        }
    }

    /// An attempt follows a retry at once, or when the one under way has failed.
    fn follows(&self, life: &mut Life, dice: &mut Dice, seen: usize, asked: Instant) {
        while self.has_room && self.server.count(&life.ext_id) <= seen {
            if self.look(life, dice) != LP_PENDING {
                return;
            }
            if let Some(waits) = self.waits_since(life, asked) {
                if waits.elapsed() > LATE && self.server.count(&life.ext_id) <= seen {
                    let entry = self.entry(&life.ext_id);
                    life.fail(
                        &self.server,
                        &format!("no attempt after a retry: {entry:?}"),
                    );
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Since when nothing keeps an entry from being sent that was to be at `due`. None: something
    /// does now.
    fn waits_since(&self, life: &Life, due: Instant) -> Option<Instant> {
        let reopened = *self.reopened.lock().unwrap();
        if self.reopening.try_lock().is_err() {
            return None;
        }
        let attempts = self.server.attempts(&life.ext_id);
        let last_end = match attempts.last() {
            Some(last) => last.ended?,
            None => due,
        };
        Some(due.max(reopened).max(last_end))
    }

    fn entries(&self) -> Vec<Entry> {
        let Door::Here(desk) = &self.doors[0] else {
            unreachable!()
        };
        desk.outbox().entries()
    }

    fn entry(&self, ext_id: &str) -> Option<Entry> {
        let mut entries = self.entries().into_iter();
        entries.find(|entry| entry.ext_id == ext_id)
    }

    /// Holds everything that is there against the model, while nobody asks for anything.
    fn check(&self, dice: &mut Dice) {
        let Ok(_alone) = self.gate.write() else {
            return;
        };
        if let Some(fault) = self.server.faults().first() {
            let life = self.lives.iter().map(|life| life.lock().unwrap());
            let mut of_fault = life.filter(|life| fault.ends_with(&format!(" {}", life.ext_id)));
            of_fault.next().unwrap().fail(&self.server, fault);
        }
        let wishes = self.wishes.lock().unwrap().clone();
        let before: Vec<_> = self
            .lives
            .iter()
            .map(|life| {
                let life = life.lock().unwrap();
                (self.server.count(&life.ext_id), life.was_sent(&self.server))
            })
            .collect();
        let entries = self.entries();
        let at = now();
        let mut known = 0;
        for (life, (count, was_sent)) in self.lives.iter().zip(before) {
            let life = &mut *life.lock().unwrap();
            let entry = entries.iter().find(|entry| entry.ext_id == life.ext_id);
            let Some(entry) = entry else {
                life.learn(&self.server, LP_ERR_NOT_FOUND, 0, false);
                continue;
            };
            known += 1;
            life.learn(&self.server, entry.code, entry.outcome, was_sent);
            life.check_pauses(
                &self.server,
                Duration::from_millis(PAUSES[0].into()),
                &wishes,
            );
            if entry.flags & PENDING_FLAG != 0 {
                self.check_pending(life, entry, count, at);
            }
        }
        assert_eq!(entries.len(), known, "{entries:?}");
        if dice.below(2) == 0 {
            self.all_follow(dice);
        }
    }

    fn check_pending(&self, life: &Life, entry: &Entry, count: usize, at: i64) {
        if let Some(expiry) = life
            .expiry
            .filter(|expiry| expiry.jumps == self.jumps.load(Ordering::SeqCst))
        {
            let range = expiry.earliest_at - 5..=expiry.latest_at + 5;
            if !range.contains(&entry.expires_at) {
                life.fail(
                    &self.server,
                    &format!("expires_at is not in {range:?}: {entry:?}"),
                );
            }
        }
        if life.expiry.is_none() && entry.expires_at != 0 {
            life.fail(&self.server, &format!("it never expires: {entry:?}"));
        }
        if entry.flags & SENDING_FLAG != 0 {
            return;
        }
        let is_dead = |expiry: Expiry| expiry.latest + LATE < Instant::now();
        if life.expiry.is_some_and(is_dead) {
            life.fail(&self.server, &format!("it should have expired: {entry:?}"));
        }
        let place = (entry.attempts as usize).min(PAUSES.len());
        let pause =
            Duration::from_millis(place.checked_sub(1).map_or(0, |last| PAUSES[last]).into());
        let asked = life
            .wishes
            .last()
            .map_or_else(Instant::now, |wish| wish.from);
        let waits = self.waits_since(life, asked);
        let is_due = waits.is_some_and(|since| since.elapsed() > pause + LATE);
        if self.has_room && is_due && self.server.count(&life.ext_id) == count {
            life.fail(
                &self.server,
                &format!("it is due at {at} and waits: {entry:?}"),
            );
        }
    }

    /// A retry of all reaches each entry that is pending.
    fn all_follow(&self, dice: &mut Dice) {
        let mut lives: Vec<_> = self.lives.iter().map(|life| life.lock().unwrap()).collect();
        let seen: Vec<_> = lives
            .iter()
            .map(|life| self.server.count(&life.ext_id))
            .collect();
        let asked = Instant::now();
        self.retry_all(dice);
        for (life, seen) in lives.iter_mut().zip(seen) {
            if life.is_submitted && !life.is_over() {
                life.note("retry of all".to_owned());
                self.follows(life, dice, seen, asked);
            }
        }
    }

    /// With a server in a good mood everything comes to an outcome, and stays there.
    fn end(&self, dice: &mut Dice) {
        self.server.be_good();
        let patience = Instant::now() + Duration::from_millis(PAUSES[2].into()) + 4 * LATE;
        for life in &self.lives {
            let life = &mut *life.lock().unwrap();
            while self.look(life, dice) == LP_PENDING {
                if Instant::now() > patience {
                    life.fail(&self.server, "it has no outcome in the end");
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        for door in &self.doors {
            door.ask("reopen");
        }
        self.check_without_retry();
    }

    fn check_without_retry(&self) {
        let mut none = Dice::of(0);
        for life in &self.lives {
            let life = &mut *life.lock().unwrap();
            self.look(life, &mut none);
        }
    }
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
    let clock = clock.filter(|_| number % 3 != 0);
    let concurrency = if number % 3 == 2 {
        3
    } else {
        1 + EXT_IDS as u32
    };
    let server = Moody::start(seed);
    let here = Desk::open(path, &server.url(), concurrency);
    let second = match other {
        Some(name) => Door::there(name, path, &server.url(), concurrency),
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
        child::again(name, &environment);
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

/// A folder in memory, where a sync takes no time: it makes races likely that a disk hides.
fn in_memory(name: &str) -> PathBuf {
    let folder = Path::new("/dev/shm").join(format!("lifepay-{}-{name}", std::process::id()));
    match std::fs::create_dir(&folder) {
        Ok(()) => folder,
        Err(_) => fresh(name).parent().unwrap().to_owned(),
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
