//! A call from 1C: checks the arguments, makes the call, writes the answer.
//!
//! A programming error (a wrong type, too many arguments) is reported to 1C as an error. An expected
//! failure (LifePay refuses, there is no network) is an ordinary answer.

use super::component::Component;
use super::method::{Method, Parameter, METHODS};
use super::property::{Property, PROPERTIES};
use super::variant::{Value, Variant};
use crate::failure::Failure;
use crate::fault::Misuse;
use crate::messages;
use crate::process::panic::catch;
use crate::report::Report;

/// Writes a property's value to `variant`. Returns false after an error was reported to 1C.
pub fn get_property(component: &Component, place: usize, variant: Option<Variant>) -> bool {
    let (Some(Property { names, role }), Some(variant)) = (PROPERTIES.get(place), variant) else {
        return false;
    };
    let [_, name] = names;
    if !role.is_readable() {
        component.misuse(name, Misuse::WriteOnly);
        return false;
    }
    let shown = role.show(&component.value(place), &component.report());
    write(component, name, variant, &shown)
}

/// Sets a property to the value of `variant`. Returns false after an error was reported to 1C.
pub fn set_property(component: &Component, place: usize, variant: Option<Variant>) -> bool {
    let (Some(Property { names, role }), Some(variant)) = (PROPERTIES.get(place), variant) else {
        return false;
    };
    match variant.read().and_then(|value| role.accept(value)) {
        Ok(value) => {
            component.set_value(place, value);
            true
        }
        Err(misuse) => {
            component.misuse(names[1], misuse);
            false
        }
    }
}

/// Writes the default value of a parameter to `variant`. Returns false if the parameter is required.
pub fn default_value(
    component: &Component,
    place: usize,
    parameter: usize,
    variant: Option<Variant>,
) -> bool {
    let parameters = METHODS.get(place).map(|method| method.parameters);
    let parameter = parameters.and_then(|parameters| parameters.get(parameter));
    let value = parameter.and_then(|parameter| parameter.default_value());
    let Some(variant) = variant else {
        return false;
    };
    let written = variant.write(&value.clone().unwrap_or_default(), component.memory());
    written && value.is_some()
}

/// Calls a method and writes its value to `answer`, if given. Returns false after an error was reported
/// to 1C.
///
/// # Safety
///
/// `given` is the first of `count` variants, or None.
pub unsafe fn call(
    component: &Component,
    place: usize,
    answer: Option<Variant>,
    given: Option<Variant>,
    count: usize,
) -> bool {
    let Some(method) = METHODS.get(place) else {
        return false;
    };
    let [_, name] = method.names;
    // SAFETY: the caller guarantees it.
    let element = |place| given.map(|first| unsafe { first.element(place) });
    let known = count.min(method.parameters.len());
    let variants: Vec<Variant> = (0..known).filter_map(element).collect();
    let mut arguments = match arguments(method, &variants, count) {
        Ok(arguments) => arguments,
        Err(misuse) => {
            component.misuse(name, misuse);
            return false;
        }
    };
    let value = match catch(|| (method.run)(component, &mut arguments)) {
        Ok(value) => value,
        Err(panic) => {
            let report = Report::failure(&Failure::Internal(panic));
            component.complain(name, &report.message);
            component.set_report(report);
            return false;
        }
    };
    let parameters = method.parameters.iter().zip(variants);
    for ((parameter, variant), argument) in parameters.zip(&arguments) {
        if *parameter == Parameter::Out {
            variant.release(component.memory());
            if !write(component, name, variant, argument) {
                return false;
            }
        }
    }
    answer.is_none_or(|answer| write(component, name, answer, &value))
}

/// Returns the arguments of a call, one for each parameter.
fn arguments(method: &Method, given: &[Variant], count: usize) -> Result<Vec<Value>, Misuse> {
    let parameters = method.parameters;
    if count > parameters.len() {
        let most = parameters.len();
        return Err(Misuse::TooManyArguments { count, most });
    }
    let argument = |(place, parameter): (usize, &Parameter)| {
        let number = place + 1;
        match given.get(place) {
            // The old value of the variable does not matter.
            Some(_) if *parameter == Parameter::Out => Ok(Value::Nothing),
            Some(variant) => {
                let value = variant.read().and_then(|value| parameter.accept(value));
                value.map_err(|misuse| Misuse::Argument(number, Box::new(misuse)))
            }
            None => {
                let value = parameter.default_value();
                value.ok_or(Misuse::ArgumentMissing(number))
            }
        }
    };
    parameters.iter().enumerate().map(argument).collect()
}

/// Writes a value for 1C. If that fails, the result of the call is still in the properties.
fn write(component: &Component, member: &str, variant: Variant, value: &Value) -> bool {
    let written = variant.write(value, component.memory());
    if !written {
        component.complain(member, &messages::misuse(&Misuse::NoMemory));
    }
    written
}
