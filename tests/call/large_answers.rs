//! The texts of a rejection are limited in length, regardless of its size. The time and memory to
//! process it are proportional to its body. `reply` contains the whole body.

use std::ffi::CString;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::call::{with_string, APIKEY};
use crate::support::{child, library, respond, Answer, Call, Server};

/// The maximum length of a field's name and of its message, in characters.
const LONGEST: usize = 1000;
/// The maximum length of lp_result.message, in characters.
const LONGEST_MESSAGE: usize = 2000;
const MOST_ERRORS: usize = 100;

fn answered(body: &str) -> Answer {
    Call::to(&Server::always(respond("200 OK", body)).url()).send()
}

/// Asserts a rejection with code 400, within every limit and with the whole body in `reply`.
#[track_caller]
fn is_bounded(answer: &Answer, reply: &str) {
    assert_eq!(answer.code, 400, "{}", answer.message);
    assert!(answer.reply.as_deref() == Some(reply), "the whole reply");
    assert!(answer.errors.len() <= MOST_ERRORS);
    for (field, message) in &answer.errors {
        assert!(field.chars().count() <= LONGEST);
        assert!(message.chars().count() <= LONGEST);
    }
    assert!(answer.message.chars().count() <= LONGEST_MESSAGE);
}

/// Limits the memory of the process to 512 MiB.
#[cfg(target_os = "linux")]
fn limit_memory() {
    let limit = libc::rlimit {
        rlim_cur: 512 << 20,
        rlim_max: 512 << 20,
    };
    // SAFETY: the limit is valid, and applies only to this process, which runs a single test.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_name_of_many_errors_is_not_copied_for_each() {
    // In a separate process, because it may run out of memory.
    if child::again(
        module_path!(),
        "a_long_name_of_many_errors_is_not_copied_for_each",
        &[],
    ) {
        return;
    }
    limit_memory();
    let errors = vec!["1"; 100_000].join(",");
    for name in ["n".repeat(100_000), "n.".repeat(50_000)] {
        let body = format!(r#"{{"code":400,"data":{{"{name}":[{errors}]}}}}"#);
        let answer = answered(&body);
        is_bounded(&answer, &body);
        assert_eq!(answer.errors.len(), MOST_ERRORS);
        assert!(answer.errors[0].0.starts_with(&name[..900]));
        assert!(
            answer.message.contains("Ещё ошибок: "),
            "{}",
            answer.message
        );
    }
}

#[test]
fn many_errors_are_counted_and_the_first_hundred_are_listed_in_their_order() {
    let errors: Vec<String> = (0..40_000)
        .map(|n| format!(r#""f{n}":["плохо"]"#))
        .collect();
    let body = format!(
        r#"{{"code":400,"message":"Ошибка данных.","data":{{{}}}}}"#,
        errors.join(",")
    );
    let answer = answered(&body);
    is_bounded(&answer, &body);
    let fields: Vec<String> = (0..MOST_ERRORS).map(|n| format!("f{n}")).collect();
    assert_eq!(answer.fields(), fields);
    let message = &answer.message;
    assert!(
        message.starts_with("Ошибка данных. f0: плохо. f1: плохо."),
        "{message}"
    );
    // The errors in the message and the number of those left out add up to all errors.
    let shown = message.matches("плохо").count();
    let more = format!("Ещё ошибок: {}, полностью: reply.", 40_000 - shown);
    assert!(message.contains(&more), "{shown}: {message}");
    assert!(
        message.ends_with("Исправьте данные и отправьте запрос снова."),
        "{message}"
    );
}

#[test]
fn deep_nesting_is_quoted_in_part_and_takes_no_time() {
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(90_000), close.repeat(90_000));
    for data in [
        deep("[", "]"),
        deep(r#"{"":"#, "}"),
        deep(r#"{"abc":"#, "}"),
    ] {
        let body = format!(r#"{{"code":400,"data":{data}}}"#);
        let started = Instant::now();
        let answer = answered(&body);
        // Examining every level would take minutes.
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{:?}",
            started.elapsed()
        );
        is_bounded(&answer, &body);
        assert_eq!(answer.errors.len(), 1);
        assert!(
            answer.errors[0].1.ends_with("…, полностью: reply"),
            "{answer:?}"
        );
    }
}

#[test]
fn long_texts_from_lifepay_are_cut_and_say_so() {
    let long = "ы".repeat(300_000);
    let body = format!(r#"{{"code":400,"message":"{long}","data":{{"a":"{long}"}}}}"#);
    let body = body.replace(&long[..200_000], &long[..100_000]);
    let answer = answered(&body);
    is_bounded(&answer, &body);
    assert!(answer.errors[0].1.starts_with("ыыы"));
    assert!(answer.errors[0].1.ends_with("ы…, полностью: reply"));
    let message = &answer.message;
    assert!(message.contains("ы…, полностью: reply"), "{message}");
    assert!(message.contains("Исправьте данные"), "{message}");
}

#[test]
fn no_part_of_the_apikey_is_left_where_a_text_is_cut() {
    // The key spans every position at which a text may be cut.
    for before in (950..1050).chain(1950..2050) {
        let text = format!("{}{APIKEY}{}", "-".repeat(before), "-".repeat(1000));
        let body = format!(r#"{{"code":400,"message":"{text}","data":{{"{text}":"{text}"}}}}"#);
        let answer = answered(&body);
        is_bounded(&answer, &body.replace(APIKEY, "***"));
        let (field, error) = &answer.errors[0];
        for shown in [&answer.message, field, error] {
            for part in 1..APIKEY.len() {
                let cut = format!("-{}", &APIKEY[..part]);
                assert!(!shown.contains(&cut), "{before}: {shown}");
            }
        }
    }
    // Masking a short key makes the text longer.
    let body = format!(
        r#"{{"code":400,"message":"{0}","data":{{"{0}":"{0}"}}}}"#,
        "k".repeat(3000)
    );
    let server = Server::always(respond("200 OK", &body));
    let answer = Call::to(&server.url()).text(|c| &mut c.apikey, "k").send();
    is_bounded(&answer, &body.replace('k', "***"));
    assert!(!answer.message.contains('k'), "{}", answer.message);
}

#[test]
fn a_value_that_is_not_an_object_is_not_quoted_whole() {
    let body = format!(r#""{}""#, "x".repeat(500_000));
    let answer = answered(&body);
    assert!(answer.detail.unwrap().len() < 1000);
    assert_eq!(answer.reply, Some(body));
}

#[test]
fn texts_about_wrong_arguments_are_bounded() {
    for long in [1100, 0] {
        let name = "k".repeat(long);
        let keys: Vec<String> = (0..5000).map(|n| format!(r#""{name}k{n:04}":1"#)).collect();
        let login = format!(r#""apikey":"1","login":"1",{}"#, keys.join(","));
        let answer = refused_json(&format!("{{{login}}}"));
        let longest = |text: &Value| text.as_str().unwrap().chars().count();
        let message = answer["message"].as_str().unwrap();
        assert!(longest(&answer["message"]) <= LONGEST_MESSAGE);
        // It lists as many errors as fit, and ends with the number of the others.
        assert!(longest(&answer["message"]) > LONGEST_MESSAGE - 550);
        let listed = message.matches(" — ").count();
        let rest = format!("Ещё ошибок: {}.", 5000 - listed);
        assert!(message.ends_with(&rest), "{listed}: {message}");
        assert!(message.contains(&format!("k{}", &name[..long.min(150)])));
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(errors.len(), MOST_ERRORS);
        assert!(errors
            .iter()
            .all(|error| longest(&error["field"]) <= LONGEST));
    }
}

/// Returns the answer of lp_open_shift_json to a request with wrong arguments.
fn refused_json(request: &str) -> Value {
    let request = CString::new(request).unwrap();
    // SAFETY: the request ends in NUL.
    let open = |answer| unsafe { (library().open_shift_json)(request.as_ptr(), answer) };
    let answer: Value = serde_json::from_str(&with_string(open).1).unwrap();
    assert_eq!(answer["code"], lifepay::ffi::LP_ERR_ARGUMENT);
    answer
}

#[test]
fn a_few_wrong_arguments_are_all_listed() {
    let answer = refused_json(r#"{"a":1,"b":2,"apikey":"1","login":"1"}"#);
    let message = answer["message"].as_str().unwrap();
    assert_eq!(message.matches(" — ").count(), 2, "{message}");
    assert!(!message.contains("Ещё ошибок"), "{message}");
    assert!(
        message.ends_with('.') && !message.ends_with(".."),
        "{message}"
    );
}
