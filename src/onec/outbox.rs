//! The methods of the outbox. None waits for the network, unless it is asked to.

use super::component::Component;
use super::variant::Value;
use crate::calls::json;
use crate::calls::outboxes::{self, Done};
use crate::fault::{Fault, Wrong};
use crate::report::Report;

/// Opens the file of requests; what waits in it is sent. An outbox that was open is closed.
pub fn open(component: &Component, arguments: &mut [Value]) -> Value {
    let (settings, faults) = component.settings();
    // First, since it may be the same file.
    component.let_outbox_go();
    let opened = outboxes::open(Ok(arguments[0].text()), settings, faults);
    done(component, opened.map(|outbox| component.set_outbox(outbox)))
}

/// Puts a request on disk as the properties say. Истина: it is there, and КодОшибки is -1, or the
/// outcome if the entry has one.
pub fn submit(component: &Component, _: &mut [Value]) -> Value {
    let (settings, faults) = component.settings();
    tell(
        component,
        outboxes::submit(component.outbox(), settings, faults),
    )
}

/// The code of an entry: -1 as long as it waits. The second parameter says for how many
/// milliseconds its outcome is waited for; 0 just looks.
pub fn state(component: &Component, arguments: &mut [Value]) -> Value {
    let limit = u32::try_from(arguments[1].number());
    let limit = limit.map_err(|_| Fault::new("timeout_ms", Wrong::NotAnInteger));
    let report = outboxes::wait(component.outbox(), Ok(arguments[0].text()), limit);
    let code = report.code.number();
    component.tell(report);
    Value::from(code)
}

/// All entries as an array in JSON; "" if they cannot be read.
pub fn list(component: &Component, _: &mut [Value]) -> Value {
    let listed = json::list(component.outbox());
    let text = listed.as_deref().unwrap_or_default().to_owned();
    done(component, listed.map(drop));
    Value::Text(text)
}

/// Sends a waiting entry at once; all of them if no ext_id is given.
pub fn retry_now(component: &Component, arguments: &mut [Value]) -> Value {
    done(
        component,
        outboxes::retry_now(component.outbox(), Ok(arguments[0].text())),
    )
}

/// Stops the repeats of an entry, which takes three seconds at most. Истина: the properties tell
/// what became of it.
pub fn cancel(component: &Component, arguments: &mut [Value]) -> Value {
    tell(
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

/// How many entries wait; if that cannot be said, the code of the error, which is negative.
pub fn pending(component: &Component, _: &mut [Value]) -> Value {
    let counted = outboxes::pending(component.outbox());
    let number = match &counted {
        Ok(count) => Value::from(*count),
        Err(report) => Value::from(report.code.number()),
    };
    done(component, counted.map(drop));
    number
}

/// Closes the outbox. Ложь: none was open.
pub fn close(component: &Component, _: &mut [Value]) -> Value {
    done(component, component.close_outbox())
}

/// Whether a call has done its work. If not, the properties tell why.
fn done(component: &Component, done: Done<()>) -> Value {
    tell(component, done.map(|()| Report::done()))
}

/// The same for a call that has more to tell.
fn tell(component: &Component, done: Done<Report>) -> Value {
    let is_done = done.is_ok();
    component.tell(done.unwrap_or_else(|report| *report));
    Value::Bool(is_done)
}
