//! `lp_open_shift_json`: the same call for languages that have no structs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{c_char, CString};
use std::fmt;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::Serialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::guard::{guard, guard_anywhere};
use super::shift::{carry_out, refuse};
use super::text;
use crate::code::{LP_ERR_ARGUMENT, LP_ERR_INTERNAL};
use crate::error::FieldError;
use crate::process::PerProcess;
use crate::report::Report;
use crate::secret::Secret;
use crate::settings::Settings;

/// ------------------------------------------------------------------------------------------------
/// JSON in place of structs
/// ------------------------------------------------------------------------------------------------
///
/// lp_open_shift for languages that have no structs, and for settings kept in a file.
///
/// request: in UTF-8, borrowed for the call. It is a JSON object. Its keys are the fields of
/// lp_config, except struct_size, on_progress, user_data and retry_delay_count: strings and numbers
/// as there, retry_delays_ms an array of numbers, callback_data also an object or array. null means
/// "not given"; an unknown key is an argument error.
///
/// *answer is set to a JSON object with every field of lp_result but struct_size, owner and
/// reserved: null where the struct has NULL, errors an array of {"field", "message"}. It must be
/// released with lp_string_free. It is set to NULL only where the call is not allowed (in a log
/// callback) and where a defect of the library was caught on the way back (LP_ERR_INTERNAL).
///
/// There is no on_progress here: a call with retry_for_ms cannot be stopped before it ends.
///
/// Returns the same code as lp_open_shift. If answer is NULL, nothing is sent and LP_ERR_ARGUMENT
/// returned.
#[no_mangle]
pub unsafe extern "C" fn lp_open_shift_json(
    request: *const c_char,
    answer: *mut *mut c_char,
) -> i32 {
    guard_anywhere(|| {
        if answer.is_null() {
            return LP_ERR_ARGUMENT;
        }
        // SAFETY: not NULL, and writable as the caller vouches for; it may be packed.
        let set = |text| unsafe { answer.write_unaligned(text) };
        set(ptr::null_mut());
        guard(|| {
            let mut faults = Vec::new();
            // SAFETY: as the caller vouches for.
            let request = unsafe { text::read(request, "request", &mut faults) };
            let report = open_shift(request.as_deref(), faults);
            set(keep(text::to_c(&to_json(&report))));
            report.code
        })
    })
}

/// Releases a string that lp_open_shift_json has returned.
///
/// NULL, and a pointer that is no such string or was freed already, is harmless, as long as the
/// library has not returned a new string at the same address since.
#[no_mangle]
pub unsafe extern "C" fn lp_string_free(string: *mut c_char) {
    guard_anywhere(|| {
        strings().remove(&(string as usize));
    });
}

/// Opens a shift as a JSON object says.
pub fn open_shift(request: Option<&str>, faults: Vec<FieldError>) -> Report {
    match read(request, faults) {
        Ok((settings, faults)) => carry_out(settings, faults, None),
        Err(faults) => refuse(faults),
    }
}

/// The report with the count that C has beside the array.
#[derive(Serialize)]
struct ReportJson<'a> {
    #[serde(flatten)]
    report: &'a Report,
    error_count: usize,
}

pub fn to_json(report: &Report) -> String {
    let json = ReportJson {
        report,
        error_count: report.errors.len(),
    };
    serde_json::to_string(&json).unwrap_or_else(|_| format!("{{\"code\":{LP_ERR_INTERNAL}}}"))
}

/// The settings in a JSON object, and what is wrong with single keys; an error if it is none.
pub(crate) fn read(
    request: Option<&str>,
    mut faults: Vec<FieldError>,
) -> Result<(Settings, Vec<FieldError>), Vec<FieldError>> {
    let Some(request) = request else {
        if faults.is_empty() {
            faults.push(FieldError::new("request", "не задан"));
        }
        return Err(faults);
    };
    let Object(pairs) = serde_json::from_str(request).map_err(|error| {
        // The error's own text may quote what it found, the apikey with it.
        let message = match error.classify() {
            Category::Data => "нужен объект JSON".to_owned(),
            _ => format!(
                "не JSON: строка {}, столбец {}",
                error.line(),
                error.column()
            ),
        };
        vec![FieldError::new("request", message)]
    })?;
    let apikey = pairs.iter().find(|(key, _)| key == "apikey");
    let apikey = apikey.and_then(|(_, value)| string(value).ok().flatten());
    let apikey = Secret::new(apikey.unwrap_or_default());
    let mut settings = Settings::default();
    let mut seen = BTreeSet::new();
    for (key, value) in pairs {
        let set = if seen.insert(key.clone()) {
            set(&mut settings, &key, value)
        } else {
            Err("поле задано дважды".to_owned())
        };
        if let Err(message) = set {
            // A name that is not a field's may be anything, the apikey too.
            let field = match is_field(&key) {
                true => key,
                false => apikey.mask(&key),
            };
            faults.push(FieldError { field, message });
        }
    }
    Ok((settings, faults))
}

/// The keys and values of a JSON object as they stand in it, also a key that stands twice.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

fn is_field(key: &str) -> bool {
    set(&mut Settings::default(), key, RawValue::NULL).is_ok()
}

fn set(settings: &mut Settings, key: &str, value: &RawValue) -> Result<(), String> {
    let fields = &mut settings.fields;
    let connection = &mut settings.connection;
    match key {
        "test" => fields.test = number(value)?,
        "apikey" => fields.apikey = string(value)?,
        "login" => fields.login = string(value)?,
        "cashier_name" => fields.cashier_name = string(value)?,
        "cashier_inn" => fields.cashier_inn = string(value)?,
        "target_serial" => fields.target_serial = string(value)?,
        "ext_id" => fields.ext_id = string(value)?,
        "callback_url" => fields.callback_url = string(value)?,
        "callback_data" if value.get().starts_with(['{', '[']) => {
            if fields.callback_data_json.is_some() {
                return Err("задано вместе с callback_data_json".to_owned());
            }
            fields.callback_data_json = Some(value.get().to_owned());
        }
        "callback_data" => fields.callback_data = string(value)?,
        "callback_data_json" => {
            let json = string(value)?;
            if json.is_some() && fields.callback_data_json.is_some() {
                return Err("задано вместе с callback_data".to_owned());
            }
            fields.callback_data_json = json.or(fields.callback_data_json.take());
        }
        "base_url" => connection.base_url = string(value)?,
        "proxy" => connection.proxy = string(value)?,
        "ca_file" => connection.ca_file = string(value)?,
        "trust" => connection.trust = number(value)?,
        "connect_timeout_ms" => connection.connect_timeout_ms = number(value)?,
        "timeout_ms" => connection.timeout_ms = number(value)?,
        "retry_for_ms" => settings.retry_for_ms = number(value)?,
        "retry_delays_ms" => {
            settings.retry_delays_ms = parse::<Vec<u32>>(value, "нужен массив целых чисел")?;
        }
        // Of the outbox; read all the same, so that one file of settings serves both.
        "expires_after_ms" => settings.expires_after_ms = number(value)?,
        "concurrency" => settings.concurrency = number(value)?,
        "keep_days" => settings.keep_days = number(value)?,
        _ => return Err("неизвестное поле".to_owned()),
    }
    Ok(())
}

/// `null` is "not given", as is an empty string.
fn string(value: &RawValue) -> Result<Option<String>, String> {
    let text: String = parse(value, "нужна строка")?;
    Ok((!text.is_empty()).then_some(text))
}

fn number<T: DeserializeOwned + Default>(value: &RawValue) -> Result<T, String> {
    parse(value, "нужно целое число в допустимых пределах")
}

fn parse<T: DeserializeOwned + Default>(value: &RawValue, wanted: &str) -> Result<T, String> {
    serde_json::from_str::<Option<T>>(value.get())
        .map(Option::unwrap_or_default)
        .map_err(|_| wanted.to_owned())
}

/// The strings of this process that were handed out, by address.
fn strings() -> MutexGuard<'static, BTreeMap<usize, CString>> {
    static STRINGS: PerProcess<Mutex<BTreeMap<usize, CString>>> = PerProcess::new();
    STRINGS
        .get(|_| Mutex::default())
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn keep(text: CString) -> *mut c_char {
    let pointer = text.as_ptr().cast_mut();
    strings().insert(pointer as usize, text);
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(request: &str) -> Vec<(String, String)> {
        let faults = match read(Some(request), Vec::new()) {
            Ok((settings, faults)) => settings.check(faults).err().unwrap_or_default(),
            Err(faults) => faults,
        };
        faults
            .into_iter()
            .map(|fault| (fault.field, fault.message))
            .collect()
    }

    #[test]
    fn an_unknown_key_is_an_argument_error() {
        let found = faults(r#"{"apikey":"k","login":"l","logn":"x","on_progress":1}"#);
        let names: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(names, ["logn", "on_progress"]);
    }

    #[test]
    fn a_key_that_stands_twice_is_told() {
        let found = faults(r#"{"apikey":"k","login":"l","test":1,"test":0}"#);
        let names: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(names, ["test"]);
    }

    #[test]
    fn what_is_found_in_place_of_an_object_is_not_quoted() {
        let twice_encoded = r#""{\"apikey\":\"s3cr3t\"}""#;
        let found = format!("{:?}", faults(twice_encoded));
        assert!(found.contains("объект"), "{found}");
        assert!(!found.contains("s3cr3t"), "{found}");
    }

    #[test]
    fn wrong_types_are_told_all_at_once_and_once_each() {
        let found = faults(
            r#"{"apikey":1,"login":["l"],"test":"1","retry_delays_ms":[1,-1],"timeout_ms":4294967296}"#,
        );
        let names: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            names,
            ["apikey", "login", "test", "retry_delays_ms", "timeout_ms"]
        );
    }

    #[test]
    fn what_is_no_object_is_told_as_request() {
        for request in ["[]", "1", "{", "\"\""] {
            assert_eq!(faults(request)[0].0, "request", "{request}");
        }
    }

    #[test]
    fn callback_data_may_be_a_container_but_only_one_form_counts() {
        let base = r#""apikey":"k","login":"l","#;
        assert!(faults(&format!(r#"{{{base}"callback_data":{{"a":1}}}}"#)).is_empty());
        assert!(faults(&format!(r#"{{{base}"callback_data":null}}"#)).is_empty());
        for both in [
            r#""callback_data":[1],"callback_data_json":"{}""#,
            r#""callback_data":"a","callback_data_json":"{}""#,
        ] {
            assert_eq!(faults(&format!("{{{base}{both}}}")).len(), 1, "{both}");
        }
    }
}
