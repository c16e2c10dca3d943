use super::*;

fn fields() -> Fields {
    Fields {
        apikey: Some("key".into()),
        login: Some("79031234567".into()),
        ext_id: Some("1".into()),
        ..Fields::default()
    }
}

fn check(fields: Fields) -> Result<Request, Vec<Fault>> {
    let mut faults = Vec::new();
    fields.shift(&mut faults, || "made".into()).ok_or(faults)
}

fn body(fields: Fields) -> String {
    let shift = check(fields).unwrap();
    let body = shift.body().unwrap();
    assert_eq!(body, body_of_stored(&shift.json().unwrap(), &shift.apikey));
    String::from_utf8(body).unwrap()
}

#[test]
fn only_what_was_given_is_in_the_body() {
    assert_eq!(
        body(fields()),
        r#"{"apikey":"key","login":"79031234567","ext_id":"1"}"#
    );
}

#[test]
fn every_field_is_in_the_body_in_the_order_of_the_page() {
    let fields = Fields {
        test: 1,
        cashier_name: Some("Иванова \"А\"".into()),
        cashier_inn: Some("500100732259".into()),
        target_serial: Some("00106304012797".into()),
        callback_url: Some("https://shop.example/hook?a=1&b=2".into()),
        callback_data: Some("касса\n1".into()),
        ..fields()
    };
    assert_eq!(
        body(fields),
        concat!(
            r#"{"apikey":"key","login":"79031234567","test":1,"cashier_name":"Иванова \"А\"","#,
            r#""cashier_inn":"500100732259","target_serial":"00106304012797","ext_id":"1","#,
            r#""callback_url":"https://shop.example/hook?a=1&b=2","callback_data":"касса\n1"}"#,
        )
    );
}

#[test]
fn json_callback_data_is_sent_unchanged() {
    for json in [r#"{"b" : 1.50, "a":[1e400]}"#, "[ 1, null ]"] {
        let fields = Fields {
            callback_data_json: Some(json.into()),
            ..fields()
        };
        assert!(body(fields).ends_with(&format!(r#""callback_data":{json}}}"#)));
    }
}

#[test]
fn callback_data_json_must_be_an_object_or_an_array() {
    for json in ["\"text\"", "1", "null", "{", "{} {}", "nonsense"] {
        let faults = check(Fields {
            callback_data_json: Some(json.into()),
            ..fields()
        })
        .unwrap_err();
        assert_eq!(faults[0].field, "callback_data_json", "{json}");
    }
}

#[test]
fn both_forms_of_callback_data_are_refused() {
    let faults = check(Fields {
        callback_data: Some("a".into()),
        callback_data_json: Some("{}".into()),
        ..fields()
    })
    .unwrap_err();
    assert_eq!(faults[0].field, "callback_data_json");
}

#[test]
fn all_errors_are_reported_at_once() {
    let faults = check(Fields {
        test: 2,
        ext_id: Some("x".repeat(51)),
        callback_url: Some("y".repeat(256)),
        ..Fields::default()
    })
    .unwrap_err();
    let names: Vec<&str> = faults.iter().map(|fault| &*fault.field).collect();
    assert_eq!(names, ["apikey", "login", "test", "ext_id", "callback_url"]);
}

#[test]
fn limits_count_characters_not_bytes() {
    let fields = Fields {
        ext_id: Some("ж".repeat(50)),
        callback_url: Some("ж".repeat(255)),
        ..fields()
    };
    assert!(check(fields).is_ok());
}

#[test]
fn the_form_of_login_and_inn_is_not_judged() {
    let fields = Fields {
        login: Some("Магазин № 5".into()),
        cashier_inn: Some("нет".into()),
        ..fields()
    };
    assert!(check(fields).is_ok());
}

#[test]
fn an_ext_id_is_made_where_none_is_given() {
    let shift = check(Fields {
        ext_id: None,
        ..fields()
    })
    .unwrap();
    assert_eq!(shift.ext_id.as_deref(), Some("made"));
}

#[test]
fn debug_output_does_not_show_the_apikey() {
    let shift = check(Fields {
        apikey: Some("s3cr3t".into()),
        ..fields()
    })
    .unwrap();
    assert!(!format!("{shift:?}").contains("s3cr3t"));
}

#[test]
fn a_new_ext_id_is_a_random_uuid() {
    let (one, two) = (new_ext_id(), new_ext_id());
    assert_ne!(one, two);
    assert_eq!(uuid::Uuid::parse_str(&one).unwrap().get_version_num(), 4);
}

#[test]
fn the_stored_form_has_no_apikey() {
    let request = check(fields()).unwrap().json().unwrap();
    assert_eq!(request, r#"{"login":"79031234567","ext_id":"1"}"#);
}
