//! Attempts until LifePay has answered: the timetable, progress, cancellation.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::answer::Answer;
use crate::code;
use crate::error::{Failure, FieldError};
use crate::report::{Report, LP_OUTCOME_ANSWERED, LP_OUTCOME_UNKNOWN};
use crate::shift::{self, Shift};
use crate::transport::attempt::{Attempt, Limits, Stage, SLICE};
use crate::transport::route::Route;
use crate::transport::{self, Reply};

/// Milliseconds without a limit: `retry_for_ms` and `expires_after_ms`.
pub const LP_FOREVER: u32 = u32::MAX;

/// ------------------------------------------------------------------------------------------------
/// Phases: lp_progress.phase
/// ------------------------------------------------------------------------------------------------
///
/// Name resolution, connect, proxy and TLS.
pub const LP_PHASE_CONNECT: i32 = 1;
/// The request is sent and its answer awaited.
pub const LP_PHASE_EXCHANGE: i32 = 2;
/// An attempt has failed; `code` and `http_status` say how.
pub const LP_PHASE_FAILED: i32 = 3;
/// The pause before the next attempt.
pub const LP_PHASE_PAUSE: i32 = 4;

/// The page: "1 минута, 3 минуты, 5 минут, далее – один раз в 10 минут".
const PAGES_TIMETABLE_MS: [u32; 4] = [60_000, 180_000, 300_000, 600_000];
/// The shortest pause, milliseconds: repeating without one would flood LifePay.
const SHORTEST_PAUSE_MS: u32 = 100;
/// How many pauses a timetable may have.
const MOST_PAUSES: usize = 1000;

/// The pauses between attempts, the last one repeating.
#[derive(Debug, Clone)]
pub struct Timetable(Vec<Duration>);

impl Timetable {
    /// The host's pauses, or the page's if it gave none.
    pub fn check(given: &[u32], faults: &mut Vec<FieldError>) -> Timetable {
        if given.len() > MOST_PAUSES {
            let message = format!("{} пауз, а допустимо не более {MOST_PAUSES}", given.len());
            faults.push(FieldError::new("retry_delays_ms", message));
        }
        let pauses = if given.is_empty() {
            &PAGES_TIMETABLE_MS
        } else {
            given
        };
        let duration = |ms: &u32| Duration::from_millis(u64::from(*ms.max(&SHORTEST_PAUSE_MS)));
        Timetable(pauses.iter().map(duration).collect())
    }

    /// The pause after attempt `attempt`, counted from 1.
    pub fn pause_after(&self, attempt: u32) -> Duration {
        let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0[place.min(self.0.len() - 1)]
    }
}

/// For how long attempts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    OneAttempt,
    /// For this time in all.
    For(Duration),
    Forever,
}

impl Patience {
    pub fn from_ms(ms: u32) -> Patience {
        match ms {
            0 => Patience::OneAttempt,
            LP_FOREVER => Patience::Forever,
            ms => Patience::For(Duration::from_millis(u64::from(ms))),
        }
    }

    /// The limits of an attempt that begins `elapsed` after the first one's start: none goes on
    /// past the limit of the whole.
    fn limits(self, limits: Limits, elapsed: Duration) -> Limits {
        match self {
            Patience::For(whole) => {
                let left = whole.saturating_sub(elapsed);
                Limits {
                    connect: limits.connect.min(left),
                    whole: limits.whole.min(left),
                }
            }
            _ => limits,
        }
    }

    /// Whether another attempt may begin after `pause`.
    fn allows(self, elapsed: Duration, pause: Duration) -> bool {
        match self {
            Patience::OneAttempt => false,
            Patience::For(whole) => elapsed + pause < whole,
            Patience::Forever => true,
        }
    }
}

/// What the host is told while it waits: `lp_progress`.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub phase: i32,
    pub attempts: u32,
    /// Of the last failed attempt, [`code::LP_PENDING`] before there was one.
    pub code: i32,
    pub http_status: i32,
    pub elapsed: Duration,
    pub next_attempt: Duration,
}

/// Told about progress; false stops.
pub type OnProgress = Box<dyn FnMut(&Progress) -> bool>;

/// Tells the host how it goes, and keeps its wish to stop.
struct Watch {
    on_progress: Option<RefCell<OnProgress>>,
    started: Instant,
    told: Cell<Instant>,
    last: Cell<Progress>,
    stopped: Cell<bool>,
}

impl Watch {
    fn new(on_progress: Option<OnProgress>) -> Watch {
        let now = Instant::now();
        Watch {
            on_progress: on_progress.map(RefCell::new),
            started: now,
            told: Cell::new(now),
            last: Cell::new(Progress {
                phase: LP_PHASE_CONNECT,
                attempts: 0,
                code: code::LP_PENDING,
                http_status: 0,
                elapsed: Duration::ZERO,
                next_attempt: Duration::ZERO,
            }),
            stopped: Cell::new(false),
        }
    }

    /// Tells the host at once. False: it wants no more.
    fn tell(&self, phase: i32, next_attempt: Duration) -> bool {
        let Some(on_progress) = &self.on_progress else {
            return true;
        };
        if !self.stopped.get() {
            let elapsed = self.started.elapsed();
            let progress = Progress {
                phase,
                elapsed,
                next_attempt,
                ..self.last.get()
            };
            self.last.set(progress);
            let go_on = (on_progress.borrow_mut())(&progress);
            self.told.set(Instant::now());
            self.stopped.set(!go_on);
        }
        !self.stopped.get()
    }

    /// Tells the host if it is time to.
    fn tick(&self, phase: i32, next_attempt: Duration) -> bool {
        if self.told.get().elapsed() < SLICE {
            return !self.stopped.get();
        }
        self.tell(phase, next_attempt)
    }

    fn attempt_begins(&self, attempts: u32) {
        self.last.set(Progress {
            attempts,
            ..self.last.get()
        });
    }

    fn attempt_failed(&self, report: &Report, next_attempt: Duration) -> bool {
        let (code, http_status) = (report.code, report.http_status);
        self.last.set(Progress {
            code,
            http_status,
            ..self.last.get()
        });
        self.tell(LP_PHASE_FAILED, next_attempt)
    }

    /// Waits for `pause`. False: the host wants no more.
    fn pause(&self, pause: Duration) -> bool {
        let started = Instant::now();
        loop {
            let left = pause.saturating_sub(started.elapsed());
            if left.is_zero() {
                return true;
            }
            if !self.tick(LP_PHASE_PAUSE, left) {
                return false;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}

/// How long to go on, and when to try again.
#[derive(Debug, Clone)]
pub struct Terms {
    pub patience: Patience,
    pub timetable: Timetable,
}

/// Sends `shift` until LifePay has answered or `terms` end it.
pub fn deliver(
    shift: &Shift,
    route: &Route,
    terms: &Terms,
    on_progress: Option<OnProgress>,
) -> Report {
    let mut report = Report::of(&shift.ext_id);
    let body = match shift.body() {
        Ok(body) => body,
        Err(error) => {
            report.fail(&Failure::Internal(error.to_string()));
            return report;
        }
    };
    log::trace!("ext_id={} body {}", shift.ext_id, shift.apikey.mask(&body));
    let watch = Rc::new(Watch::new(on_progress));
    loop {
        report.attempts = report.attempts.saturating_add(1);
        watch.attempt_begins(report.attempts);
        let began = Instant::now();
        let asked = Rc::clone(&watch);
        let limits = terms.patience.limits(route.limits, watch.started.elapsed());
        let attempt = Attempt::new(limits, move |stage| match stage {
            Stage::Connecting => asked.tick(LP_PHASE_CONNECT, Duration::ZERO),
            Stage::Exchanging => asked.tick(LP_PHASE_EXCHANGE, Duration::ZERO),
        });
        let came = transport::post(route, shift::PATH, &body, &attempt);
        if attempt.request_left() {
            report.outcome = LP_OUTCOME_UNKNOWN;
        }
        let asked_pause = came.as_ref().ok().and_then(|reply| reply.retry_after);
        let failure = judge(came, &mut report);
        report.mask(&shift.apikey);
        tell_log(&report, began.elapsed());
        let Some(failure) = failure else {
            return report;
        };

        let pause = terms
            .timetable
            .pause_after(report.attempts)
            .max(asked_pause.unwrap_or_default());
        if failure.is_repeatable() {
            report.retry_after_ms = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
        }
        let again =
            failure.is_repeatable() && terms.patience.allows(watch.started.elapsed(), pause);
        let next_attempt = if again { pause } else { Duration::ZERO };
        let go_on = watch.attempt_failed(&report, next_attempt) && (!again || watch.pause(pause));
        if !go_on && failure.is_repeatable() {
            // Why the last attempt failed stays readable in `detail`.
            let last = report.detail.take().unwrap_or_default();
            report.fail(&Failure::Cancelled);
            report.detail = Some(format!("cancelled by on_progress; before: {last}"));
            report.retry_after_ms = 0;
            return report;
        }
        if !again {
            return report;
        }
    }
}

/// Puts what came into the report; a failure if LifePay has not answered.
fn judge(came: Result<Reply, Failure>, report: &mut Report) -> Option<Failure> {
    report.retry_after_ms = 0;
    report.http_status = 0;
    report.reply = None;
    let failure = match came {
        Ok(reply) => {
            report.http_status = i32::from(reply.status);
            let text = String::from_utf8_lossy(&reply.body);
            let failure = read_answer(&reply, &text, report).err();
            report.reply = (!text.is_empty()).then(|| text.into_owned());
            failure?
        }
        Err(failure) => failure,
    };
    report.fail(&failure);
    Some(failure)
}

/// LifePay's answer, in a reply that is whole and has status 200.
fn read_answer(reply: &Reply, text: &str, report: &mut Report) -> Result<(), Failure> {
    match &reply.cut {
        Some(Failure::Cancelled) => return Err(Failure::Cancelled),
        // The status says enough, even if the body is not whole.
        _ if reply.status != 200 => {
            return Err(Failure::Http {
                status: reply.status,
            })
        }
        Some(failure) => return Err(failure.clone()),
        None => {}
    }
    match Answer::parse(text) {
        Ok(Answer::Accepted { uuid, .. }) => report.accept(uuid),
        Ok(Answer::Rejected {
            code,
            message,
            errors,
        }) => report.reject(code, &message, errors),
        Err(why) => return Err(Failure::reply("", why)),
    }
    Ok(())
}

fn tell_log(report: &Report, took: Duration) {
    let level = match report.code {
        _ if report.outcome != LP_OUTCOME_ANSWERED => log::Level::Warn,
        code::LP_OK => log::Level::Info,
        _ => log::Level::Error,
    };
    log::log!(
        level,
        "ext_id={} attempt={} http={} code={} ({}) ms={} {}",
        report.ext_id.as_deref().unwrap_or_default(),
        report.attempts,
        report.http_status,
        report.code,
        code::name_str(report.code),
        took.as_millis(),
        report
            .detail
            .as_deref()
            .or(report.uuid.as_deref())
            .unwrap_or(&report.message),
    );
    if let Some(reply) = &report.reply {
        log::trace!(
            "ext_id={} reply {reply}",
            report.ext_id.as_deref().unwrap_or_default()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timetable(given: &[u32]) -> Timetable {
        Timetable::check(given, &mut Vec::new())
    }

    #[test]
    fn the_pages_timetable_is_the_default() {
        let timetable = timetable(&[]);
        let minutes: Vec<u64> = (1..=6)
            .map(|n| timetable.pause_after(n).as_secs() / 60)
            .collect();
        assert_eq!(minutes, [1, 3, 5, 10, 10, 10]);
        assert_eq!(timetable.pause_after(u32::MAX), Duration::from_secs(600));
    }

    #[test]
    fn a_pause_is_never_shorter_than_the_shortest() {
        assert_eq!(
            timetable(&[0, 7]).pause_after(1),
            Duration::from_millis(100)
        );
    }

    #[test]
    fn an_absurd_timetable_is_refused() {
        let mut faults = Vec::new();
        Timetable::check(&[1; MOST_PAUSES + 1], &mut faults);
        assert_eq!(faults[0].field, "retry_delays_ms");
    }

    #[test]
    fn no_attempt_begins_or_goes_on_past_the_limit_of_the_whole() {
        let second = Duration::from_secs(1);
        let patience = Patience::from_ms(10_000);
        assert!(patience.allows(second, second));
        assert!(!patience.allows(9 * second, second));
        let limits = Limits {
            connect: 5 * second,
            whole: 30 * second,
        };
        let limits = patience.limits(limits, 8 * second);
        assert_eq!((limits.connect, limits.whole), (2 * second, 2 * second));
    }

    #[test]
    fn zero_is_one_attempt_and_forever_has_no_end() {
        assert!(!Patience::from_ms(0).allows(Duration::ZERO, Duration::ZERO));
        assert!(Patience::from_ms(LP_FOREVER).allows(Duration::MAX / 2, Duration::ZERO));
    }
}
