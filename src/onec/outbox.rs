//! The methods of the outbox. None waits for the network, except with a wait time.

use super::component::Component;
use super::variant::Value;
use crate::calls::json;
use crate::calls::outboxes::{self, Done};
use crate::fault::{Fault, Wrong};
use crate::report::Report;

/// Opens a file of requests and starts to send its pending entries. Closes the previous outbox.
pub fn open(component: &Component, arguments: &mut [Value]) -> Value {
    let (settings, faults) = component.settings();
    // Closed first, because it may be the same file.
    component.release_outbox();
    let opened = outboxes::open(Ok(arguments[0].text()), settings, faults);
    done(component, opened.map(|outbox| component.set_outbox(outbox)))
}

/// Submits a request with the settings in the properties. Истина: it is on disk, and КодОшибки is -1,
/// or the code of a finished entry.
pub fn submit(component: &Component, _: &mut [Value]) -> Value {
    let (settings, faults) = component.settings();
    with_report(
        component,
        outboxes::submit(component.outbox(), settings, faults),
    )
}

/// Returns the code of an entry; -1 while it is pending. The second parameter is how many milliseconds
/// to wait for the outcome; 0 returns at once.
pub fn state(component: &Component, arguments: &mut [Value]) -> Value {
    let limit = u32::try_from(arguments[1].number());
    let limit = limit.map_err(|_| Fault::new("timeout_ms", Wrong::NotAnInteger));
    let report = outboxes::wait(component.outbox(), Ok(arguments[0].text()), limit);
    let code = report.code.number();
    component.set_report(report);
    Value::from(code)
}

/// Returns all entries as a JSON array; "" if they cannot be read.
pub fn list(component: &Component, _: &mut [Value]) -> Value {
    let listed = json::list(component.outbox());
    let text = listed.as_deref().unwrap_or_default().to_owned();
    done(component, listed.map(drop));
    Value::Text(text)
}

/// Makes a pending or rejected entry due at once; without an ext_id, all of them.
pub fn retry_now(component: &Component, arguments: &mut [Value]) -> Value {
    done(
        component,
        outboxes::retry_now(component.outbox(), Ok(arguments[0].text())),
    )
}

/// Stops the retries of an entry. Takes at most three seconds. Истина: the properties describe the
/// entry.
pub fn cancel(component: &Component, arguments: &mut [Value]) -> Value {
    with_report(
        component,
        outboxes::cancel(component.outbox(), Ok(arguments[0].text())),
    )
}

/// Removes a finished entry.
pub fn forget(component: &Component, arguments: &mut [Value]) -> Value {
    done(
        component,
        outboxes::forget(component.outbox(), Ok(arguments[0].text())),
    )
}

/// Returns the number of pending entries; on a failure its code, which is negative.
pub fn pending(component: &Component, _: &mut [Value]) -> Value {
    let counted = outboxes::pending(component.outbox());
    let number = match &counted {
        Ok(count) => Value::from(*count),
        Err(report) => Value::from(report.code.number()),
    };
    done(component, counted.map(drop));
    number
}

/// Closes the outbox. Ложь: no outbox was open.
pub fn close(component: &Component, _: &mut [Value]) -> Value {
    done(component, component.close_outbox())
}

/// Returns whether a call succeeded. If not, the properties give the reason.
fn done(component: &Component, done: Done<()>) -> Value {
    with_report(component, done.map(|()| Report::done()))
}

/// The same for a call with a report.
fn with_report(component: &Component, done: Done<Report>) -> Value {
    let is_done = done.is_ok();
    component.set_report(done.unwrap_or_else(|report| *report));
    Value::Bool(is_done)
}
