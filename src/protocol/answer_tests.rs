use super::*;

fn parse(body: &str) -> Result<Answer, String> {
    Answer::parse(body, &Secret::default())
}

fn accepted(uuid: Option<&str>) -> Answer {
    Answer::Accepted {
        uuid: uuid.map(str::to_owned),
    }
}

fn rejected(code: i32, message: &str, errors: &[(&str, &str)]) -> Answer {
    let errors = errors
        .iter()
        .map(|(field, message)| FieldError::new(field, *message))
        .collect();
    Answer::Rejected {
        code,
        message: message.to_owned(),
        errors,
        more: 0,
    }
}

#[test]
fn the_success_of_the_page() {
    let body = r#"{"code":0,"message":"","data":{"uuid":"dabe3833-43ff-5e5c-a45e-9cff664503fd"}}"#;
    let uuid = Some("dabe3833-43ff-5e5c-a45e-9cff664503fd");
    assert_eq!(parse(body), Ok(accepted(uuid)));
}

#[test]
fn the_error_of_the_page() {
    let body = r#"{"code":400,"message":"Ошибка данных.","data":{"target_serial":["Принтер не найден."]}}"#;
    let expected = rejected(
        400,
        "Ошибка данных.",
        &[("target_serial", "Принтер не найден.")],
    );
    assert_eq!(parse(body), Ok(expected));
}

#[test]
fn an_empty_data_may_have_any_form() {
    for data in [
        r#","data":[]"#,
        r#","data":{}"#,
        r#","data":null"#,
        r#","data":"""#,
        "",
    ] {
        let body = format!(r#"{{"code":0,"message":""{data}}}"#);
        assert_eq!(parse(&body), Ok(accepted(None)), "{data}");
    }
}

#[test]
fn numbers_may_come_as_strings() {
    let body = r#"{"code":"6009","message":"нет","data":[]}"#;
    assert_eq!(parse(body), Ok(rejected(6009, "нет", &[])));
    assert_eq!(
        parse(r#"{"code":"0","data":{"uuid":5}}"#),
        Ok(accepted(Some("5")))
    );
}

#[test]
fn escapes_and_raw_utf8_are_the_same() {
    let escaped = r#"{"code":400,"message":"\u041e\u0448\u0438\u0431\u043a\u0430"}"#;
    assert_eq!(parse(escaped), parse(r#"{"code":400,"message":"Ошибка"}"#));
}

#[test]
fn a_code_that_the_page_does_not_know_is_kept() {
    assert_eq!(parse(r#"{"code":7777}"#), Ok(rejected(7777, "", &[])));
    assert_eq!(
        parse(r#"{"code":2147483647}"#),
        Ok(rejected(i32::MAX, "", &[]))
    );
}

#[test]
fn a_code_that_is_missing_or_out_of_range_is_not_lifepays() {
    for code in [
        r#""message":"x""#,
        r#""code":null"#,
        r#""code":-1"#,
        r#""code":"-5""#,
        r#""code":2147483648"#,
        r#""code":1e400"#,
        r#""code":0.5"#,
        r#""code":true"#,
        r#""code":[0]"#,
        r#""code":"""#,
    ] {
        assert!(parse(&format!("{{{code}}}")).is_err(), "{code}");
    }
}

#[test]
fn a_body_that_is_not_json_is_not_lifepays() {
    for body in [
        "",
        "<html>",
        "[]",
        "null",
        "0",
        r#"{"code":0"#,
        r#"{"code":0}}"#,
        "{code:0}",
    ] {
        assert!(parse(body).is_err(), "{body}");
    }
}

#[test]
fn unknown_fields_are_skipped_whatever_is_in_them() {
    let body = r#"{"x":1.8e308,"code":0,"y":{"z":[1e999]},"data":{"uuid":"u","n":-1.8e308}}"#;
    assert_eq!(parse(body), Ok(accepted(Some("u"))));
}

#[test]
fn field_errors_may_be_single_nested_or_numbers() {
    let body = r#"{"code":400,"data":{"a":"один","b":{"c":["два","три"]},"d":[4],"e":null}}"#;
    let expected = [("a", "один"), ("b.c", "два"), ("b.c", "три"), ("d", "4")];
    assert_eq!(parse(body), Ok(rejected(400, "", &expected)));
}

#[test]
fn deep_nesting_ends_in_text_not_in_a_crash() {
    let body = format!(
        r#"{{"code":400,"data":{}{}}}"#,
        "[".repeat(90),
        "]".repeat(90)
    );
    assert!(matches!(parse(&body), Ok(Answer::Rejected { errors, .. }) if errors.len() == 1));
}

#[test]
fn a_byte_order_mark_and_a_message_of_a_wrong_type_do_no_harm() {
    let body = "\u{feff}{\"code\":0,\"message\":[1],\"data\":7}";
    assert_eq!(parse(body), Ok(accepted(None)));
}

#[test]
fn a_lone_surrogate_in_a_message_is_kept_as_its_escape() {
    let body = r#"{"code":400,"message":"\ud800 x"}"#;
    assert_eq!(parse(body), Ok(rejected(400, r"\ud800 x", &[])));
}

#[test]
fn phps_empty_values_are_not_field_errors() {
    for data in [r#""""#, "false", "null", r#"{"a":"","b":[null,false]}"#] {
        let body = format!(r#"{{"code":400,"data":{data}}}"#);
        assert_eq!(parse(&body), Ok(rejected(400, "", &[])), "{data}");
    }
}
