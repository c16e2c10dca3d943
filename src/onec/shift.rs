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

/// Opens a shift with the settings in the properties, and waits for the answer. Истина: LifePay
/// accepted the document.
pub fn open(component: &Component, _: &mut [Value]) -> Value {
    let (settings, faults) = component.settings();
    with_report(component, calls::open_shift(settings, faults, None))
}

/// Sends the document whose path and fields are the parameters, with the settings in the properties.
/// Истина: LifePay accepted it.
pub fn send(component: &Component, arguments: &mut [Value]) -> Value {
    let (mut settings, faults) = component.settings();
    settings.fields.path = arguments[0].text();
    settings.fields.document_json = arguments[1].text();
    with_report(component, calls::send(settings, faults, None))
}

fn with_report(component: &Component, report: Report) -> Value {
    let accepted = report.code == Code::Accepted;
    component.set_report(report);
    Value::Bool(accepted)
}

/// Opens a shift with the settings in a JSON text, and ignores the properties. Returns JSON.
pub fn open_json(component: &Component, arguments: &mut [Value]) -> Value {
    by_json(component, calls::open_shift, arguments)
}

/// Sends a document with the settings in a JSON text, and ignores the properties. Returns JSON.
pub fn send_json(component: &Component, arguments: &mut [Value]) -> Value {
    by_json(component, calls::send, arguments)
}

fn by_json(component: &Component, send: calls::SendFn, arguments: &[Value]) -> Value {
    let report = json::call(send, Ok(arguments[0].text()));
    let answer = json::of_report(&report);
    component.set_report(report);
    Value::Text(answer)
}

/// Generates an ext_id, so that it can be stored before it is sent.
pub fn new_ext_id(_: &Component, _: &mut [Value]) -> Value {
    Value::Text(request::new_ext_id())
}

/// Returns the code of the last call, and sets the parameter to its message.
pub fn last_error(component: &Component, arguments: &mut [Value]) -> Value {
    let report = component.report();
    arguments[0] = Value::Text(report.message.into());
    Value::from(report.code.number())
}

/// Returns the name of a code, such as "LP_ERR_TIMEOUT" for -4.
pub fn code_name(_: &Component, arguments: &mut [Value]) -> Value {
    Value::from(messages::utf8(code_of(&arguments[0]).name()))
}

/// Returns a sentence about a code, for a cashier.
pub fn code_text(_: &Component, arguments: &mut [Value]) -> Value {
    Value::from(messages::text(code_of(&arguments[0])).utf8())
}

/// Converts a number to a code. A number outside of int32 becomes an unknown code.
fn code_of(number: &Value) -> Code {
    let number = number.number();
    let end = if number > 0 { i32::MAX } else { i32::MIN };
    Code::from(i32::try_from(number).unwrap_or(end))
}

/// Writes the log of the whole process to a file; "" stops the log. Истина: the setting was accepted.
pub fn log_to_file(component: &Component, arguments: &mut [Value]) -> Value {
    let level = i32::try_from(arguments[1].number())
        .ok()
        .and_then(log::level);
    let max_bytes = arguments[2].number().clamp(0, u32::MAX.into()) as u32;
    let path = arguments[0].text();
    let done = level.is_some_and(|level| log::to_file(path.as_deref(), level, max_bytes));
    component.set_report(match done {
        true => Report::done(),
        false => Report::refused(vec![Fault::new("path", Wrong::LogFile)]),
    });
    Value::Bool(done)
}
