//! One attempt for one entry, from the file and back into it.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, State};
use super::queue::Taken;
use super::worker::Worker;
use crate::code;
use crate::delivery::Letter;
use crate::error::{join_sentences, Failure};
use crate::panic;
use crate::report::LP_OUTCOME_UNKNOWN;
use crate::shift;

/// How much of a reply is kept in the file, bytes: a portal's pages would fill the disk.
const LONGEST_REPLY: usize = 16 * 1024;

/// Makes an attempt for an entry that was taken, and puts it back with what came of that.
pub fn send(worker: &Arc<Worker>, taken: Taken) {
    let mut entry = taken.entry.clone();
    let pause = panic::catch(|| attempt(worker, &taken, &mut entry)).unwrap_or_else(|panic| {
        // Not at once: it may bring the same again.
        let pause = worker.terms.timetable.pause_after(u32::MAX);
        entry = taken.entry;
        entry.report.outcome = LP_OUTCOME_UNKNOWN;
        still_pending(&mut entry, &Failure::Internal(panic), pause);
        Some(pause)
    });
    shorten(&mut entry.report.reply);
    put_back(worker, &entry, pause);
}

/// Sends the entry once, and puts into it what came of that. Returns the pause until the next time;
/// None: it was broken off, by a close or a cancellation, and stays due.
fn attempt(worker: &Arc<Worker>, taken: &Taken, entry: &mut Entry) -> Option<Duration> {
    let terms = &worker.terms;
    let timetable = terms.timetable.pause_after(entry.report.attempts);
    let body = match shift::body(&entry.request, &terms.apikey) {
        Ok(body) => body,
        Err(error) => {
            still_pending(entry, &Failure::Internal(error.to_string()), timetable);
            return Some(timetable);
        }
    };
    let letter = Letter {
        route: &terms.route,
        body: &body,
        apikey: &terms.apikey,
    };
    let asked = Arc::clone(worker);
    let is_cancelled = Arc::clone(&taken.is_cancelled);
    let go_on = move |_| !asked.is_closing() && !is_cancelled.load(Ordering::SeqCst);
    let Some(unanswered) = letter.send(terms.route.limits, go_on, &mut entry.report) else {
        entry.state = match entry.report.code {
            code::LP_OK => State::Accepted,
            _ => State::Rejected,
        };
        return None;
    };
    let pause = match unanswered.failure {
        Failure::Cancelled => None,
        _ => Some(timetable.max(unanswered.asked_pause)),
    };
    still_pending(entry, &unanswered.failure, pause.unwrap_or_default());
    pause
}

/// It waits again. What happened last is told, since that is what a cashier asks.
fn still_pending(entry: &mut Entry, failure: &Failure, pause: Duration) {
    let report = &mut entry.report;
    let last = code::text_str(failure.code());
    report.code = code::LP_PENDING;
    report.message =
        join_sentences(&[code::text_str(code::LP_PENDING), "Последняя попытка:", last]);
    report.detail = Some(failure.to_string());
    report.retry_after_ms = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
}

/// Writes the outcome. Until that has succeeded nobody is told of it: a full disk may delay it, and
/// if the process dies meanwhile the entry is sent again, which its ext_id makes harmless.
fn put_back(worker: &Worker, entry: &Entry, pause: Option<Duration>) {
    while let Err(failure) = worker.store(|store| store.put_back(entry, pause)) {
        worker.log(&failure);
        if !worker.pause() {
            return;
        }
    }
}

fn shorten(reply: &mut Option<String>) {
    if let Some(reply) = reply.as_mut().filter(|reply| reply.len() > LONGEST_REPLY) {
        let end = (0..=LONGEST_REPLY)
            .rev()
            .find(|end| reply.is_char_boundary(*end));
        reply.truncate(end.unwrap_or(0));
    }
}
