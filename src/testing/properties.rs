//! Properties of the parsers, which must hold for all inputs that proptest generates.

use std::ffi::CString;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{json, Map, Value};

use crate::calls::json;
use crate::fuzz;
use crate::protocol::answer::Answer;
use crate::protocol::request::{self, Fields};
use crate::secret::Secret;
use crate::transport::{is_loopback, BaseUrl};

/// Generates JSON of any shape, some levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(".{0,8}", inner, 0..6).prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

/// Generates an apikey: any text without the sign that masks it.
fn any_key() -> impl Strategy<Value = String> {
    "[^*\0]{9,40}"
}

type Text = Option<String>;
/// Values of the fields of LifePay's page. `Fields` itself has no `Debug`, because it holds an apikey.
type Given = (
    (Text, Text, i32, Text, Text, Text),
    (Text, Text, Text, Text),
);

/// Generates values for the page's fields, mostly within its limits.
fn any_given() -> impl Strategy<Value = Given> {
    let text = || option::of("[^\0]{1,60}");
    let container = option::of(prop_oneof![
        any_json().prop_map(|json| json.to_string()),
        "[^\0]{1,20}",
    ]);
    (
        (text(), text(), -1..3_i32, text(), text(), text()),
        (text(), option::of("[^\0]{1,260}"), text(), container),
    )
}

fn fields(given: Given) -> Fields {
    let ((apikey, login, test, name, inn, serial), (ext_id, url, data, json)) = given;
    Fields {
        apikey,
        login,
        test,
        cashier_name: name,
        cashier_inn: inn,
        target_serial: serial,
        ext_id,
        callback_url: url,
        callback_data: data,
        callback_data_json: json,
        path: None,
        document_json: None,
    }
}

proptest! {
    #[test]
    fn an_accepted_answer_is_read_whatever_else_it_holds(
        more in any_json(),
        uuid in option::of("[0-9a-f-]{1,36}"),
        message in ".{0,20}",
        as_text in any::<bool>(),
    ) {
        let code = if as_text { json!("0") } else { json!(0) };
        let body = json!({
            "code": code, "message": message, "more": more.clone(),
            "data": {"uuid": uuid, "more": more},
        });
        let answer = Answer::parse(&body.to_string(), &Secret::default());
        prop_assert_eq!(answer, Ok(Answer::Accepted { uuid }));
    }

    #[test]
    fn a_rejected_answer_keeps_its_code_whatever_its_data(
        code in 1..=i32::MAX,
        data in any_json(),
        message in ".{0,20}",
    ) {
        let body = json!({"code": code, "message": message.clone(), "data": data});
        match Answer::parse(&body.to_string(), &Secret::default()) {
            Ok(Answer::Rejected { code: came, message: text, .. }) => {
                prop_assert_eq!((came, text), (code, message));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn a_code_outside_of_int32_is_not_an_answer(code in any_json().prop_filter("a code", |code| {
        let text = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
        !text.trim().parse::<i32>().is_ok_and(|number| number >= 0)
    })) {
        let body = json!({ "code": code }).to_string();
        prop_assert!(Answer::parse(&body, &Secret::default()).is_err());
    }

    #[test]
    fn no_text_is_too_strange_to_be_read_as_an_answer_or_as_settings(data in vec(any::<u8>(), 0..300)) {
        fuzz::answer(&data);
        fuzz::config(&data);
        fuzz::variants(&data);
    }

    #[test]
    fn no_json_is_too_strange_to_be_read_as_an_answer_or_as_settings(value in any_json()) {
        fuzz::answer(value.to_string().as_bytes());
        fuzz::config(value.to_string().as_bytes());
    }

    #[test]
    fn settings_of_any_type_are_taken_or_refused_by_their_keys(
        values in btree_map(prop_oneof![
            Just("apikey"), Just("login"), Just("test"), Just("ext_id"), Just("callback_data"),
            Just("callback_data_json"), Just("base_url"), Just("trust"), Just("timeout_ms"),
            Just("retry_delays_ms"), Just("keep_days"), Just("path"), Just("document_json"), Just("unknown"),
        ], any_json(), 0..8),
    ) {
        let request = serde_json::to_string(&values).unwrap();
        let Ok((settings, faults)) = json::read_settings(Some(&request), "request") else {
            panic!("it is an object");
        };
        for fault in &faults {
            prop_assert!(values.contains_key(&*fault.field), "{:?}", fault);
        }
        prop_assert_eq!(values.contains_key("unknown"), faults.iter().any(|f| f.field == "unknown"));
        if let Err(all) = settings.shift(faults.clone()) {
            prop_assert!(all.len() >= faults.len());
        }
    }

    #[test]
    fn a_request_has_exactly_the_fields_that_were_given(given in any_given()) {
        let fields = fields(given);
        let given = json!({
            "apikey": fields.apikey, "login": fields.login,
            "test": (fields.test == 1).then_some(1),
            "cashier_name": fields.cashier_name, "cashier_inn": fields.cashier_inn,
            "target_serial": fields.target_serial, "ext_id": fields.ext_id,
            "callback_url": fields.callback_url,
        });
        let long = |text: &Option<String>, most: usize| {
            text.as_ref().is_some_and(|text| text.chars().count() > most)
        };
        let data = match (&fields.callback_data, &fields.callback_data_json) {
            (Some(_), Some(_)) => Err(()),
            (Some(text), None) => Ok(Some(json!(text))),
            (None, Some(json)) => match serde_json::from_str::<Value>(json) {
                Ok(value) if value.is_object() || value.is_array() => Ok(Some(value)),
                _ => Err(()),
            },
            (None, None) => Ok(None),
        };
        let good = fields.apikey.is_some() && fields.login.is_some()
            && (fields.test == 0 || fields.test == 1)
            && !long(&fields.ext_id, 50) && !long(&fields.callback_url, 255) && data.is_ok();
        let mut faults = Vec::new();
        let Some(shift) = fields.shift(&mut faults, || "made".to_owned()) else {
            prop_assert!(!good && !faults.is_empty(), "{:?}", faults);
            return Ok(());
        };
        prop_assert!(good && faults.is_empty());
        let request = shift.json().unwrap();
        prop_assert!(!request.contains("\"apikey\"") || given.to_string().contains("apikey"));
        let body = shift.body().unwrap();
        prop_assert_eq!(&body, &request::body_of_stored(&request, &shift.apikey));
        let sent: Value = serde_json::from_slice(&body).unwrap();
        let mut wanted: Map<String, Value> = given.as_object().unwrap().clone();
        wanted.retain(|_, value| !value.is_null());
        wanted.entry("ext_id").or_insert_with(|| json!("made"));
        if let Ok(Some(data)) = data {
            wanted.insert("callback_data".to_owned(), data);
        }
        prop_assert_eq!(sent, Value::Object(wanted));
    }

    #[test]
    fn a_document_is_sent_unchanged_with_the_fields_unless_they_clash(
        given in any_given(),
        members in btree_map(prop_oneof![
            ".{0,8}", Just("test".to_owned()), Just("ext_id".to_owned()), Just("login".to_owned()),
        ], any_json(), 0..5),
    ) {
        let (alone, fields) = (fields(given.clone()), fields(given));
        let document = Value::Object(Map::from_iter(members.clone()));
        let mut faults = Vec::new();
        let request = Fields {
            path: Some("/cloud-print/create-receipt".to_owned()),
            document_json: Some(format!(" {document:#}\n")),
            ..fields
        }.document(false, &mut faults);
        let sent = |json: String| serde_json::from_str::<Map<String, Value>>(&json).unwrap();
        let path = Some("/x".to_owned());
        let Some(field) = (Fields { path, ..alone }).document(false, &mut Vec::new()) else {
            prop_assert!(request.is_none());
            return Ok(());
        };
        let mut wanted = sent(field.json().unwrap());
        let clashes = members.keys().any(|name| name == "apikey" || wanted.contains_key(name));
        prop_assert_eq!(request.is_none(), clashes, "{:?}", faults);
        if let Some(request) = request {
            // Numbers are not compared, because parsing them again may round.
            wanted.extend(sent(document.to_string()));
            prop_assert_eq!(sent(request.json().unwrap()), wanted);
        }
    }

    #[test]
    fn a_masked_text_does_not_hold_the_key(
        key in any_key(),
        before in ".{0,30}",
        after in ".{0,30}",
        cut in 0..200_usize,
    ) {
        let secret = Secret::new(key.clone());
        let in_json = serde_json::to_string(&key).unwrap();
        for echo in [key.as_str(), in_json.trim_matches('"')] {
            let text = format!("{before}{echo}{after}");
            prop_assert!(!secret.mask(&text).contains(&key));
            let end = (0..=cut.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
            let masked = secret.mask_cut(&text[..end.unwrap()]);
            prop_assert!(!masked.contains(&key));
        }
    }

    #[test]
    fn a_clear_base_url_is_on_this_machine(url in prop_oneof![
        ".{0,40}",
        "(http|https|HTTP|ftp)://[a-z0-9.@:\\[\\]%-]{0,20}(:[0-9]{0,6})?(/[a-z/?#]{0,8})?",
        "http://(127\\.0\\.0\\.1|localhost|\\[::1\\]|127\\.1)[a-z0-9.@:-]{0,6}",
    ]) {
        if let Ok(parsed) = BaseUrl::parse(&url) {
            let uri: ureq::http::Uri = parsed.text.parse().unwrap();
            prop_assert!(!parsed.clear || is_loopback(uri.host().unwrap()));
            prop_assert!(!url.contains('@') && !parsed.text.ends_with('/'));
        }
    }

    #[test]
    fn a_string_of_c_is_read_exactly_if_it_is_utf8(bytes in vec(1..=u8::MAX, 0..40)) {
        let string = CString::new(bytes.clone()).unwrap();
        let read = crate::ffi::testing::text(&string);
        match String::from_utf8(bytes) {
            Ok(text) => prop_assert_eq!(read, Ok(Some(text).filter(|text| !text.is_empty()))),
            Err(_) => prop_assert!(read.is_err()),
        }
    }
}
