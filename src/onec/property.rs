//! The settings and the results: what they are called, what they hold, where they belong.

use super::text::same_name;
use super::variant::Value;
use crate::error::FieldError;
use crate::report::Report;
use crate::settings::Settings;

/// A property of the class LifePay.
pub struct Property {
    /// The international name and the Russian one.
    pub names: [&'static str; 2],
    pub role: Role,
}

/// What a property is to the library. A setting that may be out of bounds has its name in
/// `lp_config` beside it, by which errors call it.
pub enum Role {
    Text(fn(&mut Settings) -> &mut Option<String>),
    /// A text that, when it is not set, shows what the last call has taken in its place.
    Taken(
        fn(&mut Settings) -> &mut Option<String>,
        fn(&Report) -> &Option<String>,
    ),
    /// A text that can be set and not read.
    Secret(fn(&mut Settings) -> &mut Option<String>),
    /// Shown as Булево.
    Flag(&'static str, fn(&mut Settings) -> &mut i32),
    Number(&'static str, fn(&mut Settings) -> &mut i32),
    Unsigned(&'static str, fn(&mut Settings) -> &mut u32),
    /// Numbers, written one after the other in a text.
    Numbers(&'static str, fn(&mut Settings) -> &mut Vec<u32>),
    /// Read only: what came of the last call.
    Told(fn(&Report) -> Value),
}

use Role::{Flag, Number, Numbers, Secret, Taken, Text, Told, Unsigned};

const fn property(english: &'static str, russian: &'static str, role: Role) -> Property {
    Property {
        names: [english, russian],
        role,
    }
}

/// All of them. 1C asks for the places by name at each start: they need not stay the same.
#[rustfmt::skip]
pub const PROPERTIES: &[Property] = &[
    property("ApiKey", "КлючАПИ", Secret(|s| &mut s.fields.apikey)),
    property("Login", "Логин", Text(|s| &mut s.fields.login)),
    property("TestMode", "ТестовыйРежим", Flag("test", |s| &mut s.fields.test)),
    property("CashierName", "Кассир", Text(|s| &mut s.fields.cashier_name)),
    property("CashierINN", "ИННКассира", Text(|s| &mut s.fields.cashier_inn)),
    property("TargetSerial", "СерийныйНомер", Text(|s| &mut s.fields.target_serial)),
    property("ExtId", "ВнешнийИдентификатор", Taken(|s| &mut s.fields.ext_id, |r| &r.ext_id)),
    property("CallbackURL", "АдресОбратногоВызова", Text(|s| &mut s.fields.callback_url)),
    property("CallbackData", "ДанныеОбратногоВызова", Text(|s| &mut s.fields.callback_data)),
    property("CallbackDataJSON", "ДанныеОбратногоВызоваJSON", Text(|s| &mut s.fields.callback_data_json)),
    property("BaseURL", "БазовыйАдрес", Text(|s| &mut s.connection.base_url)),
    property("Proxy", "Прокси", Text(|s| &mut s.connection.proxy)),
    property("Trust", "Доверие", Number("trust", |s| &mut s.connection.trust)),
    property("CAFile", "ФайлСертификатов", Text(|s| &mut s.connection.ca_file)),
    property("ConnectTimeoutMs", "ТаймаутСоединенияМс",
        Unsigned("connect_timeout_ms", |s| &mut s.connection.connect_timeout_ms)),
    property("TimeoutMs", "ТаймаутМс", Unsigned("timeout_ms", |s| &mut s.connection.timeout_ms)),
    property("RetryForMs", "ПовторятьВТечениеМс", Unsigned("retry_for_ms", |s| &mut s.retry_for_ms)),
    property("RetryDelaysMs", "ПаузыМс", Numbers("retry_delays_ms", |s| &mut s.retry_delays_ms)),
    property("ExpiresAfterMs", "СрокЗапросаМс", Unsigned("expires_after_ms", |s| &mut s.expires_after_ms)),
    property("Concurrency", "ОдновременныхЗапросов", Unsigned("concurrency", |s| &mut s.concurrency)),
    property("KeepDays", "ХранитьДней", Unsigned("keep_days", |s| &mut s.keep_days)),
    property("UUID", "УникальныйИдентификатор", Told(|r| Value::from(&r.uuid))),
    property("RequestExtId", "ИдентификаторЗапроса", Told(|r| Value::from(&r.ext_id))),
    property("ErrorCode", "КодОшибки", Told(|r| Value::Number(r.code.into()))),
    property("ErrorDescription", "ОписаниеОшибки", Told(|r| Value::from(r.message.as_str()))),
    property("FieldErrors", "ОшибкиПолей", Told(field_errors)),
    property("Outcome", "Исход", Told(|r| Value::Number(r.outcome.into()))),
    property("HTTPStatus", "КодHTTP", Told(|r| Value::Number(r.http_status.into()))),
    property("Attempts", "Попыток", Told(|r| Value::Number(r.attempts.into()))),
    property("RetryAfterMs", "ПовторитьЧерезМс", Told(|r| Value::Number(r.retry_after_ms.into()))),
    property("Reply", "Ответ", Told(|r| Value::from(&r.reply))),
    property("Detail", "Подробности", Told(|r| Value::from(&r.detail))),
    property("Version", "Версия", Told(|_| Value::from(env!("CARGO_PKG_VERSION")))),
];

/// The place of the property of this name.
pub fn find(name: &str) -> Option<usize> {
    let is_it = |property: &Property| property.names.iter().any(|own| same_name(own, name));
    PROPERTIES.iter().position(is_it)
}

/// An array of `{"field", "message"}`.
fn field_errors(report: &Report) -> Value {
    Value::Text(serde_json::to_string(&report.errors).unwrap_or_default())
}

impl Role {
    pub fn is_readable(&self) -> bool {
        !matches!(self, Secret(..))
    }

    pub fn is_writable(&self) -> bool {
        !matches!(self, Told(_))
    }

    /// What is kept of a value that 1C sets.
    ///
    /// # Errors
    ///
    /// What is expected in its place.
    pub fn accept(&self, value: Value) -> Result<Value, &'static str> {
        match (self, value) {
            (Told(_), _) => Err("доступно только для чтения"),
            (_, Value::Nothing) => Ok(Value::Nothing),
            (Text(..) | Taken(..) | Secret(..) | Numbers(..), Value::Text(text)) => {
                Ok(Value::Text(text))
            }
            (Text(..) | Taken(..) | Secret(..), _) => Err("ожидается строка"),
            (Numbers(..), Value::Number(number)) => Ok(Value::Text(number.to_string())),
            (Numbers(..), _) => Err("ожидается строка с числами через запятую"),
            (Flag(..), Value::Bool(flag)) => Ok(Value::Number(flag.into())),
            (Flag(..) | Number(..) | Unsigned(..), Value::Number(number)) => {
                Ok(Value::Number(number))
            }
            (Flag(..), _) => Err("ожидается булево"),
            (Number(..) | Unsigned(..), _) => Err("ожидается число"),
        }
    }

    /// What 1C reads. `kept` is what [`Role::accept`] has made of the setting, if it is one.
    pub fn show(&self, kept: &Value, report: &Report) -> Value {
        match self {
            Told(get) => get(report),
            Taken(_, taken) => Value::from(&kept.text().or_else(|| taken(report).clone())),
            Text(..) | Secret(..) | Numbers(..) => Value::from(&kept.text()),
            Flag(..) => Value::Bool(kept.number() != 0),
            Number(..) | Unsigned(..) => Value::Number(kept.number()),
        }
    }

    /// Puts what was kept where it belongs.
    fn put(&self, kept: &Value, settings: &mut Settings) -> Result<(), FieldError> {
        let beyond = |field| FieldError::new(field, "нужно целое число в допустимых пределах");
        match self {
            Text(place) | Taken(place, _) | Secret(place) => *place(settings) = kept.text(),
            Flag(field, place) | Number(field, place) => {
                *place(settings) = kept.number().try_into().map_err(|_| beyond(field))?;
            }
            Unsigned(field, place) => {
                *place(settings) = kept.number().try_into().map_err(|_| beyond(field))?;
            }
            Numbers(field, place) => {
                let text = kept.text().unwrap_or_default();
                let text = text.trim();
                let list = match text.strip_prefix('[') {
                    Some(_) => text.to_owned(),
                    None => format!("[{text}]"),
                };
                *place(settings) = serde_json::from_str(&list)
                    .map_err(|_| FieldError::new(field, "нужны целые числа через запятую"))?;
            }
            Told(_) => {}
        }
        Ok(())
    }
}

/// The settings as they were given, and what is wrong with single ones. `values` stand at the
/// places of their properties.
pub fn settings(values: &[Value]) -> (Settings, Vec<FieldError>) {
    let mut settings = Settings::default();
    let put = |(property, kept): (&Property, &Value)| property.role.put(kept, &mut settings).err();
    let faults = PROPERTIES.iter().zip(values).filter_map(put).collect();
    (settings, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_has_two_names_that_find_it() {
        for (place, property) in PROPERTIES.iter().enumerate() {
            let [english, russian] = property.names;
            assert!(english.is_ascii() && !russian.is_ascii(), "{english}");
            for name in [english, russian] {
                assert_eq!(find(name), Some(place));
                assert_eq!(find(&name.to_uppercase()), Some(place));
                assert_eq!(find(&name.to_lowercase()), Some(place));
            }
        }
        assert_eq!(find(""), None);
    }

    fn settings_with(name: &str, value: Value) -> (Settings, Vec<FieldError>) {
        let mut values = vec![Value::Nothing; PROPERTIES.len()];
        let place = find(name).unwrap();
        values[place] = PROPERTIES[place].role.accept(value).unwrap();
        settings(&values)
    }

    #[test]
    fn pauses_are_numbers_in_a_text() {
        for text in ["1000, 2000", "[1000,2000]", " 1000 ,2000 "] {
            let (settings, faults) = settings_with("ПаузыМс", Value::from(text));
            assert_eq!(settings.retry_delays_ms, [1000, 2000]);
            assert_eq!(faults, []);
        }
        let (settings, _) = settings_with("ПаузыМс", Value::Number(1000));
        assert_eq!(settings.retry_delays_ms, [1000]);
        let (_, faults) = settings_with("ПаузыМс", Value::from("скоро"));
        assert_eq!(faults[0].field, "retry_delays_ms");
    }

    #[test]
    fn a_number_beyond_its_limits_is_a_fault_of_its_field() {
        for number in [-1, 1 << 32] {
            let (_, faults) = settings_with("TimeoutMs", Value::Number(number));
            assert_eq!(faults[0].field, "timeout_ms");
        }
        let forever = Value::Number(u32::MAX.into());
        let (settings, faults) = settings_with("RetryForMs", forever);
        assert_eq!((settings.retry_for_ms, faults), (u32::MAX, vec![]));
    }
}
