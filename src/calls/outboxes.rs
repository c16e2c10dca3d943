//! The open outboxes, by number, and the calls on them.
//!
//! Every call returns its result, or a report of the failure.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;

use super::settings::Settings;
use crate::code::{Code, Outcome};
use crate::delivery::retry_limit::FOREVER_MS;
use crate::failure::Failure;
use crate::fault::{is_named, Fault, Wrong};
use crate::messages;
use crate::outbox::{Entry, Outbox};
use crate::process::lock::lock;
use crate::process::panic::catch;
use crate::protocol::request;
use crate::report::Report;
use crate::state;

/// The result of a call, or a report of the failure.
pub type Done<T> = Result<T, Box<Report>>;

/// A text argument of the host, such as an ext_id or a path; None means "not given".
pub type Argument = Result<Option<String>, Fault>;

/// The outboxes that a process has open, by their numbers. A forked child has none, because the parent
/// continues to send.
#[derive(Default)]
pub struct Open(Mutex<BTreeMap<usize, Arc<Outbox>>>);

fn find(number: usize) -> Result<Arc<Outbox>, Failure> {
    let outbox = lock(&state::current().outboxes.0)
        .get(&number)
        .map(Arc::clone);
    outbox.ok_or(Failure::Closed)
}

/// Opens an outbox and returns its number, which is never reused.
pub fn open(path: Argument, settings: Settings, mut faults: Vec<Fault>) -> Done<usize> {
    // Odd, so that the number cannot be an address of one of the host's objects.
    static NEXT: AtomicUsize = AtomicUsize::new(0x1001);
    let opened = try_to(|| {
        let path = path.unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        if path.is_none() && !is_named(&faults, "path") {
            faults.push(Fault::new("path", Wrong::NotGiven));
        }
        let terms = settings.check_outbox(faults)?;
        let outbox = Outbox::open(Path::new(&path.unwrap_or_default()), terms)?;
        let number = NEXT.fetch_add(2, Ordering::Relaxed);
        lock(&state::current().outboxes.0).insert(number, Arc::new(outbox));
        Ok(number)
    });
    opened.map_err(report)
}

/// Submits a request. `faults` lists the settings that could not be read.
///
/// # Errors
///
/// The report has the ext_id if the host gave one. Its outcome is NOT_SENT only if that is certain.
pub fn submit(number: usize, mut settings: Settings, faults: Vec<Fault>) -> Done<Report> {
    let is_unreadable = is_named(&faults, "ext_id");
    let given = settings.fields.ext_id.clone();
    if !settings.fields.are_of_document() {
        let ext_id = &mut settings.fields.ext_id;
        ext_id.get_or_insert_with(request::new_ext_id);
    }
    let ext_id = settings.fields.ext_id.clone();
    let outbox = find(number);
    let submitted = try_to(|| {
        let outbox = outbox.as_ref().map_err(Failure::clone)?;
        let submission = settings.check_submission(outbox.terms(), faults)?;
        outbox.submit(&submission)
    });
    submitted.map_err(|failure| {
        let is_unsent = match (&outbox, &ext_id) {
            _ if is_unreadable => false,
            (Ok(outbox), Some(ext_id)) => outbox.is_unsent(ext_id, given.is_none(), &failure),
            // Nobody has sent a new ext_id, and a document without one is not sent.
            _ => given.is_none(),
        };
        let is_valid = !matches!(failure, Failure::Argument(_));
        let outcome = match is_unsent {
            true => Outcome::NotSent,
            false => Outcome::Unknown,
        };
        let ext_id = given.or(ext_id.filter(|_| is_valid));
        Box::new(Report::failure_of(ext_id, outcome, &failure))
    })
}

/// Reports that the settings for an opening cannot be read.
pub fn refuse_opening(faults: Vec<Fault>) -> Box<Report> {
    Box::new(super::refuse(faults))
}

/// Reports that the settings for a submit cannot be read; or, if it is closed, that the outbox is
/// closed.
pub fn refuse_submission(number: usize, faults: Vec<Fault>) -> Box<Report> {
    let failure = find(number).err().unwrap_or_else(|| faults.into());
    // The ext_id was not read.
    Box::new(Report::failure_of(None, Outcome::Unknown, &failure))
}

/// Waits for the outcome of an entry, up to `timeout_ms`, and returns the entry's report.
pub fn wait(number: usize, ext_id: Argument, timeout_ms: Result<u32, Fault>) -> Report {
    let ext_id = required(ext_id);
    let waited = try_to(|| {
        let outbox = find(number)?;
        let limit = match timeout_ms? {
            FOREVER_MS => Duration::MAX,
            ms => Duration::from_millis(u64::from(ms)),
        };
        outbox.wait(asked(&ext_id)?, limit)
    });
    waited.unwrap_or_else(|failure| {
        let mut report = Report::failure(&failure);
        report.ext_id = ext_id.ok();
        report
    })
}

/// Returns all entries, in the order in which they were first submitted.
pub fn list(number: usize) -> Done<Vec<Listed>> {
    let listed = try_to(|| {
        let outbox = find(number)?;
        let entries = outbox.entries()?.into_iter();
        Ok(entries
            .map(|entry| Listed::new(outbox.is_foreign(&entry), entry))
            .collect())
    });
    listed.map_err(report)
}

/// Makes an entry due at once; without an ext_id, all of them.
pub fn retry_now(number: usize, ext_id: Argument) -> Done<()> {
    let named = ext_id.clone().ok().flatten();
    about_an_entry(named, || find(number)?.retry_now(ext_id?.as_deref()))
}

/// Stops the retries of an entry. Takes at most three seconds.
pub fn cancel(number: usize, ext_id: Argument) -> Done<Report> {
    let ext_id = required(ext_id);
    about_an_entry(ext_id.clone().ok(), || {
        find(number)?.cancel(asked(&ext_id)?)
    })
}

/// Removes a finished entry.
pub fn forget(number: usize, ext_id: Argument) -> Done<()> {
    let ext_id = required(ext_id);
    about_an_entry(ext_id.clone().ok(), || {
        find(number)?.forget(asked(&ext_id)?)
    })
}

/// Returns the number of pending entries that this outbox sends.
pub fn pending(number: usize) -> Done<u32> {
    let counted = try_to(|| find(number)?.pending());
    counted.map_err(report)
}

pub fn close(number: usize) -> Done<()> {
    let closed = try_to(|| {
        let outbox = lock(&state::current().outboxes.0).remove(&number);
        outbox.ok_or(Failure::Closed).map(|outbox| outbox.close())
    });
    closed.map_err(report)
}

/// Reports why a call failed.
pub fn report(failure: Failure) -> Box<Report> {
    Box::new(Report::failure(&failure))
}

/// Makes a call about an entry. If it fails, the outcome is UNKNOWN: LifePay may have the request.
fn about_an_entry<T>(ext_id: Option<String>, work: impl FnOnce() -> Result<T, Failure>) -> Done<T> {
    try_to(work).map_err(|failure| Box::new(Report::failure_of(ext_id, Outcome::Unknown, &failure)))
}

fn required(ext_id: Argument) -> Result<String, Failure> {
    ext_id?.ok_or_else(|| Fault::new("ext_id", Wrong::NotGiven).into())
}

fn asked(ext_id: &Result<String, Failure>) -> Result<&str, Failure> {
    ext_id.as_deref().map_err(Failure::clone)
}

/// Runs `work`, and logs its failure. A panic becomes a failure.
fn try_to<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let done = catch(work).unwrap_or_else(|panic| Err(Failure::Internal(panic)));
    done.inspect_err(warn)
}

#[inline(never)]
fn warn(failure: &Failure) {
    log::warn!(
        "outbox: {}",
        messages::failure(failure, Outcome::Unknown, true)
    );
}

/// An entry as hosts see it. The JSON form has the same names.
#[derive(Serialize)]
pub struct Listed {
    pub ext_id: String,
    pub code: Code,
    pub outcome: Outcome,
    pub pending: bool,
    pub sending: bool,
    pub foreign: bool,
    pub attempts: u32,
    pub http_status: u16,
    pub submitted_at: i64,
    pub next_attempt_at: i64,
    pub answered_at: i64,
    pub expires_at: i64,
    pub login: String,
    pub target_serial: Option<String>,
    pub base_url: String,
    pub uuid: Option<String>,
    pub message: String,
    pub path: Option<String>,
}

impl Listed {
    fn new(foreign: bool, entry: Entry) -> Listed {
        Listed {
            pending: entry.is_waiting(),
            sending: entry.sending,
            foreign,
            ext_id: entry.ext_id,
            code: entry.report.code,
            outcome: entry.report.outcome,
            attempts: entry.report.attempts,
            http_status: entry.report.http_status,
            submitted_at: entry.submitted_at,
            next_attempt_at: entry.next_attempt_at,
            answered_at: entry.answered_at,
            expires_at: entry.expires_at,
            login: entry.login,
            target_serial: entry.target_serial,
            base_url: entry.base_url,
            uuid: entry.report.uuid,
            message: entry.report.message.into(),
            path: entry.path,
        }
    }
}
