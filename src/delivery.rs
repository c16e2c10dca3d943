//! Attempts until LifePay has answered.

use std::rc::Rc;
use std::time::Duration;

use crate::answer::Answer;
use crate::code;
use crate::error::Failure;
use crate::progress::{OnProgress, Watch, LP_PHASE_CONNECT, LP_PHASE_EXCHANGE};
use crate::report::{Report, LP_OUTCOME_ANSWERED, LP_OUTCOME_UNKNOWN};
use crate::secret::Secret;
use crate::shift::{self, Shift};
use crate::timetable::{Patience, Timetable};
use crate::transport::attempt::{Attempt, Limits, Stage};
use crate::transport::route::Route;
use crate::transport::{self, Reply};

/// How long to go on, and when to try again.
#[derive(Debug, Clone)]
pub struct Terms {
    pub patience: Patience,
    pub timetable: Timetable,
}

/// A request as it is sent.
pub struct Letter<'a> {
    pub route: &'a Route,
    pub body: &'a str,
    pub apikey: &'a Secret,
}

/// What came in place of LifePay's answer.
pub struct Unanswered {
    pub failure: Failure,
    /// What a Retry-After has asked for.
    pub asked_pause: Duration,
}

impl Letter<'_> {
    /// Makes one attempt and tells it in `report`, which is counted on. Nothing comes back if
    /// LifePay has answered.
    pub fn send(
        &self,
        limits: Limits,
        go_on: impl Fn(Stage) -> bool + 'static,
        report: &mut Report,
    ) -> Option<Unanswered> {
        let ext_id = report.ext_id.as_deref().unwrap_or_default();
        log::trace!("ext_id={ext_id} body {}", self.apikey.mask(self.body));
        let attempt = Attempt::new(limits, go_on);
        let came = transport::post(self.route, shift::PATH, self.body, &attempt);
        if attempt.request_left() {
            report.outcome = LP_OUTCOME_UNKNOWN;
        }
        let asked_pause = came.as_ref().ok().and_then(|reply| reply.retry_after);
        let failure = judge(came, self.apikey, report);
        report.mask(self.apikey);
        tell_log(report, &attempt);
        failure.map(|failure| Unanswered {
            failure,
            asked_pause: asked_pause.unwrap_or_default(),
        })
    }
}

/// Sends `shift` until LifePay has answered or `terms` end it.
pub fn deliver(
    shift: &Shift,
    route: &Route,
    terms: &Terms,
    on_progress: Option<OnProgress>,
) -> Report {
    let mut report = Report::of(&shift.ext_id);
    let body = match shift
        .request()
        .and_then(|request| shift::body(&request, &shift.apikey))
    {
        Ok(body) => body,
        Err(error) => {
            report.fail(&Failure::Internal(error.to_string()));
            return report;
        }
    };
    let letter = Letter {
        route,
        body: &body,
        apikey: &shift.apikey,
    };
    let watch = Rc::new(Watch::new(on_progress));
    loop {
        report.attempts = report.attempts.saturating_add(1);
        watch.attempt_begins(report.attempts);
        let limits = terms.patience.limits(route.limits, watch.elapsed());
        let asked = Rc::clone(&watch);
        let go_on = move |stage| match stage {
            Stage::Connecting => asked.tick(LP_PHASE_CONNECT, Duration::ZERO),
            Stage::Exchanging => asked.tick(LP_PHASE_EXCHANGE, Duration::ZERO),
        };
        let Some(unanswered) = letter.send(limits, go_on, &mut report) else {
            return report;
        };
        let pause = terms
            .timetable
            .pause_after(report.attempts)
            .max(unanswered.asked_pause);
        let repeatable = unanswered.failure.is_repeatable();
        if repeatable {
            report.retry_after_ms = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
        }
        let again = repeatable && terms.patience.allows(watch.elapsed(), pause);
        let next_attempt = if again { pause } else { Duration::ZERO };
        let go_on = watch.attempt_failed(&report, next_attempt) && (!again || watch.pause(pause));
        if !go_on && repeatable {
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
fn judge(came: Result<Reply, Failure>, apikey: &Secret, report: &mut Report) -> Option<Failure> {
    report.retry_after_ms = 0;
    report.http_status = 0;
    report.reply = None;
    let failure = match came {
        Ok(reply) => {
            report.http_status = i32::from(reply.status);
            let failure = read_answer(&reply, apikey, report).err();
            report.reply = match &reply.cut {
                _ if reply.body.is_empty() => None,
                Some(_) => Some(apikey.mask_cut(&reply.body)),
                None => Some(reply.body),
            };
            failure?
        }
        Err(failure) => failure,
    };
    report.fail(&failure);
    Some(failure)
}

/// LifePay's answer, in a reply that is whole and has status 200.
fn read_answer(reply: &Reply, apikey: &Secret, report: &mut Report) -> Result<(), Failure> {
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
    match Answer::parse(&reply.body, apikey) {
        Ok(Answer::Accepted { uuid }) => report.accept(uuid),
        Ok(Answer::Rejected {
            code,
            message,
            errors,
            more,
        }) => report.reject(code, &message, errors, more),
        // What it quotes may be cut off.
        Err(why) => return Err(Failure::reply("", apikey.mask_cut(&why))),
    }
    Ok(())
}

fn tell_log(report: &Report, attempt: &Attempt) {
    let level = match report.code {
        _ if report.outcome != LP_OUTCOME_ANSWERED => log::Level::Warn,
        code::LP_OK => log::Level::Info,
        _ => log::Level::Error,
    };
    log::log!(
        level,
        "ext_id={} attempt={} http={} code={} ({}) ms={} {}{}",
        report.ext_id.as_deref().unwrap_or_default(),
        report.attempts,
        report.http_status,
        report.code,
        code::name_str(report.code),
        attempt.elapsed().as_millis(),
        if attempt.resent() { "resent=1 " } else { "" },
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
