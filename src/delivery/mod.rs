//! Attempts until LifePay has answered.

pub mod attempt;
pub mod progress;
pub mod retry_limit;
pub mod schedule;

use std::rc::Rc;
use std::time::Duration;

use self::attempt::Attempt;
use self::progress::{OnProgress, Phase, Reporter};
use self::retry_limit::RetryLimit;
use self::schedule::Schedule;
use crate::failure::{Failure, Stage};
use crate::protocol::request::{self, Shift};
use crate::report::Report;
use crate::transport::route::Route;

/// When to try again, and for how long.
#[derive(Debug, Clone)]
pub struct Repeats {
    pub limit: RetryLimit,
    pub schedule: Schedule,
}

/// Sends `shift` until LifePay has answered or `repeats` end it.
pub fn deliver(
    shift: &Shift,
    route: &Route,
    repeats: &Repeats,
    on_progress: Option<OnProgress>,
) -> Report {
    let mut report = Report::pending(&shift.ext_id);
    let body = match shift
        .request()
        .and_then(|request| request::body(&request, &shift.apikey))
    {
        Ok(body) => body,
        Err(error) => {
            report.fail(&Failure::Internal(error.to_string()));
            return report;
        }
    };
    let reporter = Rc::new(Reporter::new(on_progress));
    loop {
        report.attempts = report.attempts.saturating_add(1);
        reporter.attempt_begins(report.attempts);
        let limits = repeats.limit.limits(route.limits, reporter.elapsed());
        let asked = Rc::clone(&reporter);
        let go_on = move |stage| match stage {
            Stage::Connecting => asked.tick(Phase::Connect, Duration::ZERO),
            Stage::Exchanging => asked.tick(Phase::Exchange, Duration::ZERO),
        };
        let attempt = Attempt::make(route, &body, &shift.ext_id, &shift.apikey, limits, go_on);
        attempt.log(&shift.ext_id, report.attempts);
        let asked_pause = attempt.asked_pause;
        let Some(failure) = report.record(attempt) else {
            return report;
        };
        report.fail(&failure);
        let pause = repeats.schedule.pause_after(report.attempts);
        let pause = pause.max(asked_pause);
        let repeatable = failure.is_repeatable();
        if repeatable {
            report.retry_after_ms = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
        }
        let again = repeatable && repeats.limit.allows(reporter.elapsed(), pause);
        let next_attempt = if again { pause } else { Duration::ZERO };
        let go_on =
            reporter.attempt_failed(&report, next_attempt) && (!again || reporter.pause(pause));
        if !go_on && repeatable {
            // Why the last attempt failed stays readable in `detail`.
            report.fail(&Failure::Cancelled);
            report.detail = Some(format!("cancelled by on_progress; before: {failure}"));
            report.retry_after_ms = 0;
            return report;
        }
        if !again {
            return report;
        }
    }
}
