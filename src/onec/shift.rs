//! The methods that open a shift, and those about identifiers, codes and the log.

use super::component::Component;
use super::variant::Value;
use crate::code::{self, LP_OK};
use crate::error::FieldError;
use crate::ffi::{json, log, shift};
use crate::report::Report;

/// Opens a shift as the properties say, and waits for the answer. Истина: LifePay took the
/// document.
pub fn open(component: &Component, _: &mut [Value]) -> Value {
    let (settings, faults) = component.settings();
    let report = shift::carry_out(settings, faults, None);
    let accepted = report.code == LP_OK;
    component.tell(report);
    Value::Bool(accepted)
}

/// Opens a shift as a text in JSON says, whatever the properties say. The answer is in JSON too.
pub fn open_json(component: &Component, arguments: &mut [Value]) -> Value {
    let report = json::open_shift(arguments[0].text().as_deref(), Vec::new());
    let answer = json::to_json(&report);
    component.tell(report);
    Value::Text(answer)
}

/// An ext_id to store before it is sent.
pub fn new_ext_id(_: &Component, _: &mut [Value]) -> Value {
    Value::Text(crate::shift::new_ext_id())
}

/// The code of the last call; the parameter is set to its message.
pub fn last_error(component: &Component, arguments: &mut [Value]) -> Value {
    let report = component.report();
    arguments[0] = Value::Text(report.message);
    Value::Number(report.code.into())
}

/// "LP_ERR_TIMEOUT" for -4.
pub fn code_name(_: &Component, arguments: &mut [Value]) -> Value {
    Value::from(code::name_str(code_of(&arguments[0])))
}

/// A sentence for a cashier.
pub fn code_text(_: &Component, arguments: &mut [Value]) -> Value {
    Value::from(code::text_str(code_of(&arguments[0])))
}

/// A number beyond all codes is one that is not known.
fn code_of(number: &Value) -> i32 {
    let number = number.number();
    let end = if number > 0 { i32::MAX } else { i32::MIN };
    number.try_into().unwrap_or(end)
}

/// Writes the log of the whole process to a file; "" ends that. Истина: it will be written.
pub fn log_to_file(component: &Component, arguments: &mut [Value]) -> Value {
    let level = arguments[1].number().try_into().unwrap_or(-1);
    let max_bytes = arguments[2].number().clamp(0, u32::MAX.into()) as u32;
    let done = log::to_file(arguments[0].text(), level, max_bytes) == LP_OK;
    component.tell(if done {
        Report::done()
    } else {
        let what = "в файл нельзя писать, или уровень не от 0 до 5";
        Report::refused(vec![FieldError::new("path", what)])
    });
    Value::Bool(done)
}
