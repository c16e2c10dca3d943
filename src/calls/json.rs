//! Settings from JSON, and reports in JSON.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::outboxes::{self, Argument, Done};
use super::settings::Settings;
use super::table::{self, Place, Setting};
use crate::code::Kind;
use crate::failure::Failure;
use crate::fault::{Fault, Wrong};
use crate::protocol::object::Object;
use crate::report::Report;
use crate::secret::Secret;

/// Makes a call with the settings in a JSON object.
pub fn call(send: super::SendFn, request: Argument) -> Report {
    match settings(request, "request") {
        Ok((settings, faults)) => send(settings, faults, None),
        Err(faults) => super::refuse(faults),
    }
}

/// Calls [`outboxes::open`] with the settings in a JSON object.
pub fn open_outbox(path: Argument, config: Argument) -> Done<usize> {
    let read = settings(config, "config");
    let (settings, faults) = read.map_err(outboxes::refuse_opening)?;
    outboxes::open(path, settings, faults)
}

/// Calls [`outboxes::submit`] with the settings in a JSON object.
pub fn submit(outbox: usize, request: Argument) -> Done<Report> {
    match settings(request, "request") {
        Ok((settings, faults)) => outboxes::submit(outbox, settings, faults),
        Err(faults) => Err(outboxes::refuse_submission(outbox, faults)),
    }
}

/// Returns all entries of an outbox as a JSON array.
pub fn list(outbox: usize) -> Done<String> {
    let entries = outboxes::list(outbox)?;
    serde_json::to_string(&entries)
        .map_err(|error| outboxes::report(Failure::Internal(error.to_string())))
}

/// Reads the settings from the argument `name`.
fn settings(argument: Argument, name: &'static str) -> Result<(Settings, Vec<Fault>), Vec<Fault>> {
    let text = argument.map_err(|fault| vec![fault])?;
    read_settings(text.as_deref(), name)
}

/// The report, with the number of faults that C has beside the array.
#[derive(Serialize)]
struct ReportJson<'a> {
    #[serde(flatten)]
    report: &'a Report,
    error_count: usize,
}

pub fn of_report(report: &Report) -> String {
    let json = ReportJson {
        report,
        error_count: report.errors.len(),
    };
    let internal = Kind::Internal as i32;
    serde_json::to_string(&json).unwrap_or_else(|_| format!("{{\"code\":{internal}}}"))
}

/// Reads the settings from a JSON object, the argument `name`. Returns them with the faults of single
/// keys.
///
/// # Errors
///
/// The reason why the text is not a JSON object.
pub fn read_settings(
    object: Option<&str>,
    name: &'static str,
) -> Result<(Settings, Vec<Fault>), Vec<Fault>> {
    let wrong = |wrong| vec![Fault::new(name, wrong)];
    let object = object.ok_or_else(|| wrong(Wrong::NotGiven))?;
    // serde's error text may quote the input and with it the apikey.
    let Object(pairs) = serde_json::from_str(object).map_err(|error| match error.classify() {
        Category::Data => wrong(Wrong::NotAnObject),
        _ => wrong(Wrong::NotJson {
            line: error.line(),
            column: error.column(),
        }),
    })?;
    let apikey = pairs.iter().find(|(key, _)| key == "apikey");
    let apikey = apikey.and_then(|(_, value)| string(value).ok().flatten());
    let apikey = Secret::new(apikey.unwrap_or_default());
    let mut settings = Settings::default();
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for (key, value) in pairs {
        let setting = table::find(&key);
        // An unknown key may be anything, even the apikey.
        let name = || setting.map_or_else(|| apikey.mask(&key).into(), |known| known.name.into());
        let set = match setting {
            _ if !seen.insert(key.clone()) => Err(Wrong::GivenTwice),
            Some(setting) => set(&mut settings, setting, value),
            None => Err(Wrong::UnknownField),
        };
        faults.extend(set.err().map(|wrong| Fault {
            field: name(),
            wrong,
        }));
    }
    Ok((settings, faults))
}

fn set(settings: &mut Settings, setting: &Setting, value: &RawValue) -> Result<(), Wrong> {
    match setting.place {
        Place::TextOrJson(_, place) if value.get().starts_with(['{', '[']) => {
            give(place(settings), Some(value.get().to_owned()), setting)?;
        }
        Place::Text(place)
        | Place::Secret(place)
        | Place::ExtId(place)
        | Place::TextOrJson(place, _) => give(place(settings), string(value)?, setting)?,
        Place::Flag(place) | Place::Signed(place) => {
            *place(settings) = parse(value, Wrong::NotAnInteger)?;
        }
        Place::Unsigned(place) => *place(settings) = parse(value, Wrong::NotAnInteger)?,
        Place::Numbers(place) => *place(settings) = parse(value, Wrong::NotIntegers)?,
    }
    Ok(())
}

/// Stores a text in its place. Two keys may have the same place.
fn give(place: &mut Option<String>, text: Option<String>, setting: &Setting) -> Result<(), Wrong> {
    if text.is_none() {
        return Ok(());
    }
    if place.is_some() {
        return Err(Wrong::GivenWith(match setting.place {
            Place::TextOrJson(..) => "callback_data_json",
            _ => "callback_data",
        }));
    }
    *place = text;
    Ok(())
}

/// Reads a string. `null` and an empty string mean "not given".
fn string(value: &RawValue) -> Result<Option<String>, Wrong> {
    let text: String = parse(value, Wrong::NotAString)?;
    Ok((!text.is_empty()).then_some(text))
}

fn parse<T: DeserializeOwned + Default>(value: &RawValue, wanted: Wrong) -> Result<T, Wrong> {
    serde_json::from_str::<Option<T>>(value.get())
        .map(Option::unwrap_or_default)
        .map_err(|_| wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages;

    fn faults(request: &str) -> Vec<(String, String)> {
        let faults = match read_settings(Some(request), "request") {
            Ok((settings, faults)) => settings.shift(faults).err().unwrap_or_default(),
            Err(faults) => faults,
        };
        faults
            .iter()
            .map(|fault| (fault.field.to_string(), messages::wrong(&fault.wrong)))
            .collect()
    }

    #[test]
    fn an_unknown_key_is_an_argument_error() {
        let found = faults(r#"{"apikey":"k","login":"l","logn":"x","on_progress":1}"#);
        let names: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(names, ["logn", "on_progress"]);
    }

    #[test]
    fn a_repeated_key_is_reported() {
        let found = faults(r#"{"apikey":"k","login":"l","test":1,"test":0}"#);
        let names: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(names, ["test"]);
    }

    #[test]
    fn a_value_in_place_of_an_object_is_not_quoted() {
        let twice_encoded = r#""{\"apikey\":\"s3cr3t\"}""#;
        let found = format!("{:?}", faults(twice_encoded));
        assert!(found.contains("объект"), "{found}");
        assert!(!found.contains("s3cr3t"), "{found}");
    }

    #[test]
    fn wrong_types_are_reported_together_and_once_each() {
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
    fn a_value_that_is_not_an_object_is_an_error_of_request() {
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
