//! One attempt for one entry.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, State};
use super::queue::{Sent, Taken};
use super::worker::Worker;
use crate::code::{Code, Outcome};
use crate::delivery::attempt::{Attempt, Outgoing};
use crate::failure::Failure;
use crate::process::panic;
use crate::protocol::request;

/// The most bytes of a reply that are stored: the pages of a captive portal would fill the disk.
const LONGEST_REPLY: usize = 16 * 1024;

/// Makes an attempt for a taken entry. The caller writes the result to the file; until then it is not
/// reported. A full disk may delay that write. If the process dies before it, the entry is sent again,
/// which is harmless because of the ext_id.
pub fn send(worker: &Arc<Worker>, taken: Taken) -> Sent {
    let mut entry = taken.entry.clone();
    let pause = panic::catch(|| attempt(worker, &taken, &mut entry)).unwrap_or_else(|panic| {
        // Not retried at once, because the retry may panic too.
        let pause = worker.terms.schedule.pause_after(u32::MAX);
        entry = taken.entry;
        entry.report.outcome = Outcome::Unknown;
        wait(&mut entry, &Failure::Internal(panic), pause);
        Some(pause)
    });
    shorten(&mut entry.report.reply);
    Sent { entry, pause }
}

/// Sends the entry once and records the result. Returns the pause before the next attempt. Returns None
/// if the entry is finished, or if a close or a cancellation aborted the attempt: then it stays due.
fn attempt(worker: &Arc<Worker>, taken: &Taken, entry: &mut Entry) -> Option<Duration> {
    let terms = &worker.terms;
    let scheduled = terms.schedule.pause_after(entry.report.attempts);
    let body = request::body_of_stored(&entry.request, &terms.apikey);
    let asked = Arc::clone(worker);
    let is_cancelled = Arc::clone(&taken.is_cancelled);
    let go_on = move |_| !asked.is_closing() && !is_cancelled.load(Ordering::SeqCst);
    let limits = terms.route.limits;
    let outgoing = Outgoing {
        path: entry.path.as_deref().unwrap_or_default(),
        ext_id: Some(&entry.ext_id),
        apikey: &terms.apikey,
        body: &body,
    };
    let attempt = Attempt::make(&terms.route, &outgoing, limits, go_on);
    attempt.log(&outgoing, entry.report.attempts);
    let asked_pause = attempt.asked_pause;
    let Some(failure) = entry.report.record(attempt) else {
        entry.state = match entry.report.code {
            Code::Accepted => State::Accepted,
            _ => State::Rejected,
        };
        return None;
    };
    let pause = match failure {
        Failure::Cancelled => None,
        _ => Some(scheduled.max(asked_pause)),
    };
    wait(entry, &failure, pause.unwrap_or_default());
    pause
}

fn wait(entry: &mut Entry, last: &Failure, pause: Duration) {
    let pause_ms = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
    entry.report.wait(last, pause_ms);
}

fn shorten(reply: &mut Option<String>) {
    if let Some(reply) = reply.as_mut().filter(|reply| reply.len() > LONGEST_REPLY) {
        let end = (0..=LONGEST_REPLY)
            .rev()
            .find(|end| reply.is_char_boundary(*end));
        reply.truncate(end.unwrap_or(0));
    }
}
