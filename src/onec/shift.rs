//! The methods that send a request, and those about identifiers, codes and the log.

use super::component::Component;
use super::variant::Value;
use crate::calls::{self, json};
use crate::code::Code;
use crate::fault::{Fault, Wrong};
use crate::log;
use crate::messages;
use crate::protocol::request;
use crate::report::Report;

/// Opens a shift as the properties say, and waits for the answer. Истина: LifePay took the
/// document.
pub fn open(component: &Component, _: &mut [Value]) -> Value {
    let (settings, faults) = component.settings();
    tell(component, calls::open_shift(settings, faults, None))
}

/// Sends the document that the parameters name and hold, otherwise as the properties say. Истина:
/// LifePay took it.
pub fn send(component: &Component, arguments: &mut [Value]) -> Value {
    let (mut settings, faults) = component.settings();
    settings.fields.path = arguments[0].text();
    settings.fields.document_json = arguments[1].text();
    tell(component, calls::send(settings, faults, None))
}

fn tell(component: &Component, report: Report) -> Value {
    let accepted = report.code == Code::Accepted;
    component.tell(report);
    Value::Bool(accepted)
}

/// Opens a shift as a text in JSON says, whatever the properties say. The answer is in JSON too.
pub fn open_json(component: &Component, arguments: &mut [Value]) -> Value {
    by_json(component, calls::open_shift, arguments)
}

/// Sends a document in the same way.
pub fn send_json(component: &Component, arguments: &mut [Value]) -> Value {
    by_json(component, calls::send, arguments)
}

fn by_json(component: &Component, send: calls::SendFn, arguments: &[Value]) -> Value {
    let report = json::call(send, Ok(arguments[0].text()));
    let answer = json::of_report(&report);
    component.tell(report);
    Value::Text(answer)
}

/// An ext_id to store before it is sent.
pub fn new_ext_id(_: &Component, _: &mut [Value]) -> Value {
    Value::Text(request::new_ext_id())
}

/// The code of the last call; the parameter is set to its message.
pub fn last_error(component: &Component, arguments: &mut [Value]) -> Value {
    let report = component.report();
    arguments[0] = Value::Text(report.message.into());
    Value::from(report.code.number())
}

/// "LP_ERR_TIMEOUT" for -4.
pub fn code_name(_: &Component, arguments: &mut [Value]) -> Value {
    Value::from(messages::utf8(code_of(&arguments[0]).name()))
}

/// A sentence for a cashier.
pub fn code_text(_: &Component, arguments: &mut [Value]) -> Value {
    Value::from(messages::text(code_of(&arguments[0])).utf8())
}

/// A number beyond all codes is one that is not known.
fn code_of(number: &Value) -> Code {
    let number = number.number();
    let end = if number > 0 { i32::MAX } else { i32::MIN };
    Code::from(i32::try_from(number).unwrap_or(end))
}

/// Writes the log of the whole process to a file; "" ends that. Истина: it will be written.
pub fn log_to_file(component: &Component, arguments: &mut [Value]) -> Value {
    let level = i32::try_from(arguments[1].number())
        .ok()
        .and_then(log::level);
    let max_bytes = arguments[2].number().clamp(0, u32::MAX.into()) as u32;
    let path = arguments[0].text();
    let done = level.is_some_and(|level| log::to_file(path.as_deref(), level, max_bytes));
    component.tell(match done {
        true => Report::done(),
        false => Report::refused(vec![Fault::new("path", Wrong::LogFile)]),
    });
    Value::Bool(done)
}
