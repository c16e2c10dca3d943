//! The settings and the results: their names, types and places.

use super::text::same_name;
use super::variant::Value;
use crate::calls::settings::Settings;
use crate::calls::table::{Place, Setting, SETTINGS};
use crate::fault::{Fault, Misuse, Wrong};
use crate::report::Report;

/// A property of the class LifePay.
#[derive(Clone, Copy)]
pub struct Property {
    /// The international name and the Russian name.
    pub names: [&'static str; 2],
    pub role: Role,
}

/// The role of a property.
#[derive(Clone, Copy)]
pub enum Role {
    Set(&'static Setting),
    /// A result of the last call; read-only.
    Result(fn(&Report) -> Value),
}

/// The results of the last call, and the version.
#[rustfmt::skip]
const RESULTS: [Property; 12] = [
    result("UUID", "УникальныйИдентификатор", |r| Value::from(&r.uuid)),
    result("RequestExtId", "ИдентификаторЗапроса", |r| Value::from(&r.ext_id)),
    result("ErrorCode", "КодОшибки", |r| Value::from(r.code.number())),
    result("ErrorDescription", "ОписаниеОшибки", |r| Value::from(&*r.message)),
    result("FieldErrors", "ОшибкиПолей", field_errors),
    result("Outcome", "Исход", |r| Value::from(r.outcome as i32)),
    result("HTTPStatus", "КодHTTP", |r| Value::from(r.http_status)),
    result("Attempts", "Попыток", |r| Value::from(r.attempts)),
    result("RetryAfterMs", "ПовторитьЧерезМс", |r| Value::from(r.retry_after_ms)),
    result("Reply", "Ответ", |r| Value::from(&r.reply)),
    result("Detail", "Подробности", |r| Value::from(&r.detail)),
    result("Version", "Версия", |_| Value::from(env!("CARGO_PKG_VERSION"))),
];

const fn result(
    english: &'static str,
    russian: &'static str,
    get: fn(&Report) -> Value,
) -> Property {
    Property {
        names: [english, russian],
        role: Role::Result(get),
    }
}

/// All properties. Their order may change, because 1C looks up the indexes by name at each start.
pub static PROPERTIES: [Property; SETTINGS.len() + RESULTS.len()] = {
    let mut all = [RESULTS[0]; SETTINGS.len() + RESULTS.len()];
    let mut place = 0;
    while place < all.len() {
        all[place] = if place < SETTINGS.len() {
            Property {
                names: SETTINGS[place].property,
                role: Role::Set(&SETTINGS[place]),
            }
        } else {
            RESULTS[place - SETTINGS.len()]
        };
        place += 1;
    }
    all
};

/// Returns the index of the property with this name.
pub fn find(name: &str) -> Option<usize> {
    let is_it = |property: &Property| property.names.iter().any(|own| same_name(own, name));
    PROPERTIES.iter().position(is_it)
}

/// Returns the errors as a JSON array of `{"field", "message"}`.
fn field_errors(report: &Report) -> Value {
    Value::Text(serde_json::to_string(&report.errors).unwrap_or_default())
}

impl Role {
    pub fn is_readable(&self) -> bool {
        !matches!(self, Role::Set(setting) if matches!(setting.place, Place::Secret(_)))
    }

    pub fn is_writable(&self) -> bool {
        matches!(self, Role::Set(_))
    }

    /// Converts a value that 1C sets to the value that is stored.
    ///
    /// # Errors
    ///
    /// The kind of value that is expected.
    pub fn accept(&self, value: Value) -> Result<Value, Misuse> {
        let Role::Set(setting) = self else {
            return Err(Misuse::ReadOnly);
        };
        match (setting.place, value) {
            (_, Value::Nothing) => Ok(Value::Nothing),
            (Place::Numbers(_), Value::Number(number)) => Ok(Value::Text(number.to_string())),
            (Place::Numbers(_), Value::Text(text)) => Ok(Value::Text(text)),
            (Place::Numbers(_), _) => Err(Misuse::NotANumberList),
            (Place::Flag(_), Value::Bool(flag)) => Ok(Value::from(i32::from(flag))),
            (Place::Flag(_) | Place::Signed(_) | Place::Unsigned(_), Value::Number(number)) => {
                Ok(Value::Number(number))
            }
            (Place::Flag(_), _) => Err(Misuse::NotABoolean),
            (Place::Signed(_) | Place::Unsigned(_), _) => Err(Misuse::NotANumber),
            (_, Value::Text(text)) => Ok(Value::Text(text)),
            _ => Err(Misuse::NotAString),
        }
    }

    /// Returns the value that 1C reads. For a setting, `kept` is the stored value from
    /// [`Role::accept`].
    pub fn show(&self, kept: &Value, report: &Report) -> Value {
        match self {
            Role::Result(get) => get(report),
            Role::Set(setting) => match setting.place {
                // If it is not set, the ext_id of the last call.
                Place::ExtId(_) => Value::from(&kept.text().or_else(|| report.ext_id.clone())),
                Place::Flag(_) => Value::Bool(kept.number() != 0),
                Place::Signed(_) | Place::Unsigned(_) => Value::Number(kept.number()),
                _ => Value::from(&kept.text()),
            },
        }
    }

    /// Puts the stored value in its place in `settings`.
    fn put(&self, kept: &Value, settings: &mut Settings) -> Result<(), Fault> {
        let Role::Set(setting) = self else {
            return Ok(());
        };
        let beyond = |_| Fault::new(setting.name, Wrong::NotAnInteger);
        match setting.place {
            Place::Text(place)
            | Place::Secret(place)
            | Place::ExtId(place)
            | Place::TextOrJson(place, _) => *place(settings) = kept.text(),
            Place::Flag(place) | Place::Signed(place) => {
                *place(settings) = kept.number().try_into().map_err(beyond)?;
            }
            Place::Unsigned(place) => {
                *place(settings) = kept.number().try_into().map_err(beyond)?;
            }
            Place::Numbers(place) => {
                let text = kept.text().unwrap_or_default();
                let text = text.trim();
                let list = match text.strip_prefix('[') {
                    Some(_) => text.to_owned(),
                    None => format!("[{text}]"),
                };
                *place(settings) = serde_json::from_str(&list)
                    .map_err(|_| Fault::new(setting.name, Wrong::NotIntegerList))?;
            }
        }
        Ok(())
    }
}

/// Returns the settings as they were given, and the faults of single settings. `values` are at the
/// indexes of their properties.
pub fn settings(values: &[Value]) -> (Settings, Vec<Fault>) {
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

    fn settings_with(name: &str, value: Value) -> (Settings, Vec<Fault>) {
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
    fn a_number_out_of_range_is_an_error_of_its_field() {
        for number in [-1, 1 << 32] {
            let (_, faults) = settings_with("TimeoutMs", Value::Number(number));
            assert_eq!(faults[0].field, "timeout_ms");
        }
        let forever = Value::Number(u32::MAX.into());
        let (settings, faults) = settings_with("RetryForMs", forever);
        assert_eq!((settings.retry_for_ms, faults), (u32::MAX, vec![]));
    }
}
