//! The open outboxes, by number, and the calls on them.
//!
//! Every call returns what it was asked for, or the report that says why not.

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

/// What came of a call: what was asked for, or why there is none.
pub type Done<T> = Result<T, Box<Report>>;

/// A text that a host gives, such as an ext_id or a path; None is "not given".
pub type Argument = Result<Option<String>, Fault>;

/// The outboxes that a process has open, by their numbers. A forked child has none: the parent goes on
/// sending.
#[derive(Default)]
pub struct Open(Mutex<BTreeMap<usize, Arc<Outbox>>>);

fn find(number: usize) -> Result<Arc<Outbox>, Failure> {
    let outbox = lock(&state::current().outboxes.0)
        .get(&number)
        .map(Arc::clone);
    outbox.ok_or(Failure::Closed)
}

/// Opens a file, and returns the number of the outbox, which is never used again.
pub fn open(path: Argument, settings: Settings, mut faults: Vec<Fault>) -> Done<usize> {
    // Odd, so that it is the address of nothing that a host could have.
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

/// Puts a request on disk. `faults` is what could not even be read of the settings.
///
/// # Errors
///
/// The report has the ext_id if the host gave one, and NOT_SENT as outcome only where that is certain.
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
            // A new ext_id was sent by nobody, and a document without one is not sent.
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

/// An opening whose settings cannot be read at all.
pub fn refuse_opening(faults: Vec<Fault>) -> Box<Report> {
    Box::new(super::refuse(faults))
}

/// A submit whose settings cannot be read at all. That the outbox is closed is reported first.
pub fn refuse_submission(number: usize, faults: Vec<Fault>) -> Box<Report> {
    let failure = find(number).err().unwrap_or_else(|| faults.into());
    // The ext_id was not read.
    Box::new(Report::failure_of(None, Outcome::Unknown, &failure))
}

/// The outcome of an entry, or what is known when `timeout_ms` is over.
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

/// All entries, in the order in which they were first submitted.
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

/// Sends an entry at once; all of them if no ext_id is given.
pub fn retry_now(number: usize, ext_id: Argument) -> Done<()> {
    let named = ext_id.clone().ok().flatten();
    about_an_entry(named, || find(number)?.retry_now(ext_id?.as_deref()))
}

/// Stops the repeats of an entry, which takes three seconds at most.
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

/// How many entries wait that this outbox sends.
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

/// Why a call has not done its work.
pub fn report(failure: Failure) -> Box<Report> {
    Box::new(Report::failure(&failure))
}

/// A call about an entry. LifePay may have the entry's request, whatever comes of the call.
fn about_an_entry<T>(ext_id: Option<String>, work: impl FnOnce() -> Result<T, Failure>) -> Done<T> {
    try_to(work).map_err(|failure| Box::new(Report::failure_of(ext_id, Outcome::Unknown, &failure)))
}

fn required(ext_id: Argument) -> Result<String, Failure> {
    ext_id?.ok_or_else(|| Fault::new("ext_id", Wrong::NotGiven).into())
}

fn asked(ext_id: &Result<String, Failure>) -> Result<&str, Failure> {
    ext_id.as_deref().map_err(Failure::clone)
}

/// A panic is a failure like any other here.
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

/// An entry as hosts see it; the JSON form has the same names.
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
