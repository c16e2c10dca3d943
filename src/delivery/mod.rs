//! Makes attempts until LifePay answers.

pub mod attempt;
pub mod progress;
pub mod retry_limit;
pub mod schedule;

use std::time::Duration;

use self::attempt::{Attempt, Outgoing};
use self::progress::{OnProgress, Phase, Reporter};
use self::retry_limit::RetryLimit;
use self::schedule::Schedule;
use crate::code::Outcome;
use crate::failure::{Failure, Stage};
use crate::protocol::request::Request;
use crate::report::Report;
use crate::state;
use crate::transport::route::Route;

/// When to retry, and for how long.
#[derive(Debug, Clone)]
pub struct Repeats {
    pub limit: RetryLimit,
    pub schedule: Schedule,
}

/// Sends `request`, and retries until LifePay answers or `repeats` allows no further attempt. The
/// result and the request's ext_id are in `report`.
pub fn deliver(
    request: &mut Request,
    route: &Route,
    repeats: &Repeats,
    on_progress: Option<OnProgress>,
    report: &mut Report,
) {
    let body = request.body();
    report.ext_id = request.ext_id.take();
    let body = match body {
        Ok(body) => body,
        Err(error) => return report.fail(&Failure::Internal(error.to_string())),
    };
    let reporter = Reporter::new(on_progress);
    let process = state::process_id();
    loop {
        report.attempts = report.attempts.saturating_add(1);
        reporter.attempt_begins(report.attempts);
        let limits = repeats.limit.limits(route.limits, || reporter.elapsed());
        let asked = reporter.clone();
        let go_on = move |stage| match stage {
            Stage::Connecting => asked.tick(Phase::Connect, Duration::ZERO),
            Stage::Exchanging => asked.tick(Phase::Exchange, Duration::ZERO),
        };
        let outgoing = Outgoing {
            path: &request.path,
            ext_id: report.ext_id.as_deref(),
            apikey: &request.apikey,
            body: &body,
        };
        let attempt = Attempt::make(route, &outgoing, limits, go_on);
        attempt.log(&outgoing, report.attempts);
        let asked_pause = attempt.asked_pause;
        let Some(failure) = report.record(attempt) else {
            return;
        };
        report.fail(&failure);
        let pause = repeats.schedule.pause_after(report.attempts);
        let pause = pause.max(asked_pause);
        let repeatable = failure.is_repeatable();
        let is_safe = report.ext_id.is_some() || report.outcome == Outcome::NotSent;
        if repeatable && is_safe {
            report.retry_after_ms = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
        }
        let again = repeatable && repeats.limit.allows(reporter.elapsed(), pause);
        let next_attempt = if again { pause } else { Duration::ZERO };
        let go_on =
            reporter.attempt_failed(report, next_attempt) && (!again || reporter.pause(pause));
        // A callback has forked, and this is the child: the next attempt is the parent's.
        let is_parents = again && state::process_id() != process;
        if is_parents {
            report.outcome = Outcome::Unknown;
        }
        if repeatable && (!go_on || is_parents) {
            // `detail` keeps the failure of the last attempt.
            report.fail(&Failure::Cancelled);
            report.detail = Some(format!("cancelled by on_progress; before: {failure}"));
            report.retry_after_ms = 0;
            return;
        }
        // A pause may take longer: the machine slept, or on_progress did not return.
        if !again || !repeats.limit.allows(reporter.elapsed(), Duration::ZERO) {
            return;
        }
    }
}
