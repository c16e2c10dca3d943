//! The methods of the outbox. None waits for the network, unless it is asked to.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::component::Component;
use super::variant::Value;
use crate::error::Failure;
use crate::ffi::outbox::{self, find_number, keep, open_checked, tried};
use crate::outbox::{Entry, Outbox};
use crate::report::{Report, LP_OUTCOME_UNKNOWN};
use crate::timetable::LP_FOREVER;

/// Opens the file of requests; what waits in it is sent. An outbox that was open is closed.
pub fn open(component: &Component, arguments: &mut [Value]) -> Value {
    let path = arguments[0].text();
    let (settings, faults) = component.settings();
    // First, since it may be the same file.
    component.close_outbox();
    let opened = tried(|| open_checked(path, settings, faults));
    let opened = opened.map(|outbox| component.set_outbox(keep(outbox)));
    done(component, opened)
}

/// Puts a request on disk as the properties say. Истина: it is there, and КодОшибки is -1, or the
/// outcome if the entry has one.
pub fn submit(component: &Component, _: &mut [Value]) -> Value {
    let (settings, faults) = component.settings();
    // 0 is no outbox's number.
    match outbox::submit(component.outbox().unwrap_or(0), settings, faults) {
        Ok(report) => tell(component, report, true),
        Err(report) => tell(component, *report, false),
    }
}

/// The code of an entry: -1 as long as it waits. The second parameter says for how many
/// milliseconds its outcome is waited for; 0 just looks.
pub fn state(component: &Component, arguments: &mut [Value]) -> Value {
    let asked = required(&arguments[0]);
    let limit = arguments[1].number();
    let waited = with(component, |outbox| {
        let limit = match u32::try_from(limit) {
            Ok(LP_FOREVER) => Duration::MAX,
            Ok(ms) => Duration::from_millis(u64::from(ms)),
            Err(_) => {
                let what = "нужно целое число в допустимых пределах";
                return Err(Failure::argument("timeout_ms", what));
            }
        };
        outbox.wait(asked.as_deref().map_err(Failure::clone)?, limit)
    });
    let report = waited.unwrap_or_else(|failure| Report {
        ext_id: asked.ok(),
        ..Report::failure(&failure)
    });
    let code = report.code;
    component.tell(report);
    Value::Number(code.into())
}

/// All entries as an array in JSON; "" if they cannot be read.
pub fn list(component: &Component, _: &mut [Value]) -> Value {
    let listed = with(component, |outbox| {
        let entries = outbox.entries()?;
        let show = |entry| Shown::new(entry, outbox.is_foreign(entry));
        let shown: Vec<Shown> = entries.iter().map(show).collect();
        serde_json::to_string(&shown).map_err(|error| Failure::Internal(error.to_string()))
    });
    let text = listed.as_deref().unwrap_or_default().to_owned();
    done(component, listed.map(drop));
    Value::Text(text)
}

/// Sends a waiting entry at once; all of them if no ext_id is given.
pub fn retry_now(component: &Component, arguments: &mut [Value]) -> Value {
    let ext_id = arguments[0].text();
    let retried = with(component, |outbox| outbox.retry_now(ext_id.as_deref()));
    of_entry(component, ext_id, retried.map(|()| Report::done()))
}

/// Stops the repeats of an entry, which takes three seconds at most. Истина: the properties tell
/// what became of it.
pub fn cancel(component: &Component, arguments: &mut [Value]) -> Value {
    let asked = required(&arguments[0]);
    let cancelled = with(component, |outbox| {
        outbox.cancel(asked.as_deref().map_err(Failure::clone)?)
    });
    of_entry(component, asked.ok(), cancelled)
}

/// Removes a finished entry.
pub fn forget(component: &Component, arguments: &mut [Value]) -> Value {
    let asked = required(&arguments[0]);
    let forgotten = with(component, |outbox| {
        outbox.forget(asked.as_deref().map_err(Failure::clone)?)
    });
    of_entry(component, asked.ok(), forgotten.map(|()| Report::done()))
}

/// How many entries wait; if that cannot be said, the code of the error, which is negative.
pub fn pending(component: &Component, _: &mut [Value]) -> Value {
    let counted = with(component, |outbox| outbox.pending());
    let number = match &counted {
        Ok(count) => i64::from(*count),
        Err(failure) => i64::from(failure.code()),
    };
    done(component, counted.map(drop));
    Value::Number(number)
}

/// Closes the outbox. Ложь: none was open.
pub fn close(component: &Component, _: &mut [Value]) -> Value {
    let closed = component.close_outbox();
    done(component, closed.then_some(()).ok_or(Failure::Closed))
}

/// Does something with the outbox that is open.
fn with<T>(
    component: &Component,
    work: impl FnOnce(Arc<Outbox>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    tried(|| work(find_number(component.outbox().ok_or(Failure::Closed)?)?))
}

fn required(ext_id: &Value) -> Result<String, Failure> {
    let ext_id = ext_id.text();
    ext_id.ok_or_else(|| Failure::argument("ext_id", "не задан"))
}

/// Whether a call has done its work. If not, the properties tell why.
fn done(component: &Component, done: Result<(), Failure>) -> Value {
    match done {
        Ok(()) => tell(component, Report::done(), true),
        Err(failure) => tell(component, Report::failure(&failure), false),
    }
}

/// Whether a call about an entry has done its work. If not, LifePay may have the entry's request all
/// the same.
fn of_entry(component: &Component, ext_id: Option<String>, told: Result<Report, Failure>) -> Value {
    match told {
        Ok(report) => tell(component, report, true),
        Err(failure) => {
            let report = Report {
                ext_id,
                outcome: LP_OUTCOME_UNKNOWN,
                ..Report::failure(&failure)
            };
            tell(component, report, false)
        }
    }
}

fn tell(component: &Component, report: Report, is_done: bool) -> Value {
    component.tell(report);
    Value::Bool(is_done)
}

/// An entry as `lp_entry` shows it, its flags by name.
#[derive(Serialize)]
struct Shown<'a> {
    ext_id: &'a str,
    code: i32,
    outcome: i32,
    pending: bool,
    sending: bool,
    foreign: bool,
    attempts: u32,
    http_status: i32,
    submitted_at: i64,
    next_attempt_at: i64,
    answered_at: i64,
    expires_at: i64,
    login: &'a str,
    target_serial: Option<&'a str>,
    base_url: &'a str,
    uuid: Option<&'a str>,
    message: &'a str,
}

impl Shown<'_> {
    fn new(entry: &Entry, foreign: bool) -> Shown<'_> {
        Shown {
            ext_id: &entry.ext_id,
            code: entry.report.code,
            outcome: entry.report.outcome,
            pending: entry.is_waiting(),
            sending: entry.sending,
            foreign,
            attempts: entry.report.attempts,
            http_status: entry.report.http_status,
            submitted_at: entry.submitted_at,
            next_attempt_at: entry.next_attempt_at,
            answered_at: entry.answered_at,
            expires_at: entry.expires_at,
            login: &entry.login,
            target_serial: entry.target_serial.as_deref(),
            base_url: &entry.base_url,
            uuid: entry.report.uuid.as_deref(),
            message: &entry.report.message,
        }
    }
}
