//! The methods: their names and parameters.

use super::component::Component;
use super::text::same_name;
use super::variant::Value;
use super::{outbox, shift};
use crate::fault::Misuse;

/// A method of the class LifePay. Each returns a value, which the caller may ignore.
pub struct Method {
    /// The international name and the Russian name.
    pub names: [&'static str; 2],
    pub parameters: &'static [Parameter],
    pub run: Run,
}

/// Runs a method. There is one argument of the right type for each parameter.
pub type Run = fn(&Component, &mut [Value]) -> Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// A text. The method itself checks that it is given, because "" means "not given" too.
    Text,
    /// An optional text.
    OptionalText,
    Number,
    /// An optional number with this default.
    OptionalNumber(i64),
    /// A variable that receives a text.
    Out,
}

use Parameter::{Number, OptionalNumber, OptionalText, Out, Text};

const fn method(
    english: &'static str,
    russian: &'static str,
    parameters: &'static [Parameter],
    run: Run,
) -> Method {
    Method {
        names: [english, russian],
        parameters,
        run,
    }
}

/// The default level of the log.
const LEVEL: i64 = log::Level::Info as i64;

/// All methods. Their order may change, because 1C looks up the indexes by name at each start.
#[rustfmt::skip]
pub(crate) const METHODS: &[Method] = &[
    method("OpenShift", "ОткрытьСмену", &[], shift::open),
    method("OpenShiftJSON", "ОткрытьСменуJSON", &[Text], shift::open_json),
    method("SendDocument", "ОтправитьДокумент", &[Text, OptionalText], shift::send),
    method("SendDocumentJSON", "ОтправитьДокументJSON", &[Text], shift::send_json),
    method("NewExtId", "НовыйИдентификатор", &[], shift::new_ext_id),
    method("GetLastError", "ПолучитьОшибку", &[Out], shift::last_error),
    method("CodeName", "ИмяКода", &[Number], shift::code_name),
    method("CodeText", "ТекстКода", &[Number], shift::code_text),
    method("LogToFile", "ЖурналВФайл", &[Text, OptionalNumber(LEVEL), OptionalNumber(0)], shift::log_to_file),
    method("OpenOutbox", "ОткрытьОчередь", &[Text], outbox::open),
    method("SubmitToOutbox", "ПоставитьВОчередь", &[], outbox::submit),
    method("OutboxState", "СостояниеВОчереди", &[Text, OptionalNumber(0)], outbox::state),
    method("OutboxList", "ОчередьJSON", &[], outbox::list),
    method("RetryNow", "ПовторитьСейчас", &[OptionalText], outbox::retry_now),
    method("CancelInOutbox", "ОтменитьВОчереди", &[Text], outbox::cancel),
    method("ForgetInOutbox", "ЗабытьВОчереди", &[Text], outbox::forget),
    method("PendingInOutbox", "ОжидаетВОчереди", &[], outbox::pending),
    method("CloseOutbox", "ЗакрытьОчередь", &[], outbox::close),
];

/// Returns the index of the method with this name.
pub fn find(name: &str) -> Option<usize> {
    let is_it = |method: &Method| method.names.iter().any(|own| same_name(own, name));
    METHODS.iter().position(is_it)
}

impl Parameter {
    /// Returns the value of an omitted parameter; None if the parameter is required.
    pub fn default_value(self) -> Option<Value> {
        match self {
            OptionalText => Some(Value::from("")),
            OptionalNumber(number) => Some(Value::Number(number)),
            Text | Number | Out => None,
        }
    }

    /// Converts a value of 1C to the argument for the method.
    ///
    /// # Errors
    ///
    /// The kind of value that is expected.
    pub fn accept(self, value: Value) -> Result<Value, Misuse> {
        match (self, value) {
            (Out, _) => Ok(Value::Nothing),
            (_, Value::Nothing) => Ok(self.default_value().unwrap_or_default()),
            (Text | OptionalText, Value::Text(text)) => Ok(Value::Text(text)),
            (Text | OptionalText, _) => Err(Misuse::NotAString),
            (Number | OptionalNumber(_), Value::Number(number)) => Ok(Value::Number(number)),
            (Number | OptionalNumber(_), _) => Err(Misuse::NotANumber),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_two_names_that_find_it() {
        for (place, method) in METHODS.iter().enumerate() {
            let [english, russian] = method.names;
            assert!(english.is_ascii() && !russian.is_ascii(), "{english}");
            for name in [english, russian] {
                assert_eq!(find(name), Some(place));
                assert_eq!(find(&name.to_uppercase()), Some(place));
            }
        }
    }

    #[test]
    fn optional_parameters_come_last() {
        for method in METHODS {
            let may = |parameter: &Parameter| parameter.default_value().is_some();
            assert!(method.parameters.iter().is_sorted_by_key(may));
        }
    }
}
