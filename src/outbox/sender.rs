//! One attempt for one entry, from the file and back into it.

use std::sync::Arc;
use std::time::Duration;

use super::entry::{millis, now, Entry, State};
use super::worker::Worker;
use crate::code;
use crate::delivery::Letter;
use crate::error::{join_sentences, Failure};
use crate::shift;

/// How long to wait until the file is tried again that could not be written.
const FILE_PAUSE: Duration = Duration::from_secs(1);

/// How much of a reply is kept in the file, bytes: a portal's pages would fill the disk.
const LONGEST_REPLY: usize = 16 * 1024;

/// Makes an attempt for the entry. Comes back with when to make the next one, in time from now and
/// by the file's clock; with nothing if there is no next one.
pub fn send(worker: &Arc<Worker>, id: i64) -> Option<(Duration, i64)> {
    let mut entry = match worker.store(|store| store.take(id, &worker.terms.route.base_url)) {
        Ok(taken) => taken?,
        Err(failure) => {
            // Not on disk, so not sent.
            log::error!("outbox: {failure}");
            return Some((FILE_PAUSE, now()));
        }
    };
    let pause = attempt(worker, &mut entry);
    shorten(&mut entry.report.reply);
    if entry.state == State::Waiting {
        entry.next_attempt_at = now().saturating_add(millis(pause));
    }
    let entry = put_back(worker, &entry)?;
    (entry.state == State::Waiting).then_some((pause, entry.next_attempt_at))
}

/// Sends the entry once, and puts into it what came of that. Returns the pause until the next time.
fn attempt(worker: &Arc<Worker>, entry: &mut Entry) -> Duration {
    let terms = &worker.terms;
    let timetable = terms.timetable.pause_after(entry.report.attempts);
    let body = match shift::body(&entry.request, &terms.apikey) {
        Ok(body) => body,
        Err(error) => {
            still_pending(entry, &Failure::Internal(error.to_string()), timetable);
            return timetable;
        }
    };
    let letter = Letter {
        route: &terms.route,
        body: &body,
        apikey: &terms.apikey,
    };
    let asked = Arc::clone(worker);
    let id = entry.id;
    let go_on = move |_| !asked.is_closing() && !asked.is_cancelled(id);
    let Some(unanswered) = letter.send(terms.route.limits, go_on, &mut entry.report) else {
        entry.state = match entry.report.code {
            code::LP_OK => State::Accepted,
            _ => State::Rejected,
        };
        entry.next_attempt_at = 0;
        entry.answered_at = now();
        return Duration::ZERO;
    };
    let pause = match unanswered.failure {
        // Broken off, by a close or a cancellation: whoever opens the file next makes it anew.
        Failure::Cancelled => Duration::ZERO,
        _ => timetable.max(unanswered.asked_pause),
    };
    still_pending(entry, &unanswered.failure, pause);
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
fn put_back(worker: &Worker, entry: &Entry) -> Option<Entry> {
    loop {
        match worker.store(|store| store.put_back(entry)) {
            Ok(entry) => return Some(entry),
            Err(failure) => log::error!("outbox: ext_id={} {failure}", entry.ext_id),
        }
        if !worker.pause(FILE_PAUSE) {
            return None;
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
