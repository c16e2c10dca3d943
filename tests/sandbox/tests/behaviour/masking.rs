//! The apikey, and nothing else, is masked in the journal.

use lifepay_sandbox::{Options, Sandbox, CREATE_SESSION};
use serde_json::json;

use crate::wire::{ask, journal, shift, Client};

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

#[test]
fn the_apikey_is_nowhere_in_the_journal() {
    let sandbox = Sandbox::start(Options {
        notify: true,
        ..Options::default()
    })
    .unwrap();
    ask(
        &sandbox,
        &shift(json!({
            "callback_url": "http://127.0.0.1:1/key-of-a-test-42",
            "callback_data": {"a": ["key-of-a-test-42"]},
        })),
    );
    ask(
        &sandbox,
        &shift(json!({"key-of-a-test-42": 1, "ext_id": "key-of-a-test-42"})),
    );
    for body in [
        &br#""key-of-a-test-42""#[..],
        br#"["key-of-a-test-42"]"#,
        b"apikey=key-of-a-test-42",
        b"{}",
    ] {
        let mut client = Client::to(&sandbox);
        let headers = [
            "Content-Type: application/json",
            "X-Api-Key: key-of-a-test-42",
            "Referer: http://till/key-of-a-test-42",
            "Authorization: Basic a2V5",
        ];
        for path in [CREATE_SESSION, "/key-of-a-test-42"] {
            client.send(&format!("POST {path}?key-of-a-test-42"), &headers, body);
            client.receive().unwrap();
        }
    }
    // Wait until the notification has failed and its error is shown.
    let shown = loop {
        let shown = journal(&sandbox);
        if shown["events"][0]["error"].is_string() {
            break shown;
        }
    };
    let text = shown.to_string();
    assert!(text.contains("***42"), "{text}");
    assert!(!text.contains("key-of"), "{text}");
    assert!(!text.contains("a2V5"), "{text}");
}

#[test]
fn a_short_or_common_apikey_is_masked_in_its_own_field_only() {
    let sandbox = sandbox();
    for apikey in ["test", "session", "print", "login", "0", "79031234567"] {
        let body = json!({
            "apikey": apikey, "login": "79031234567", "ext_id": "test-session-1", "test": 0,
            "target_serial": "0010print012797", "cashier_name": "login",
        });
        ask(&sandbox, &body).uuid();
        let journal = journal(&sandbox);
        let shown = journal["requests"].as_array().unwrap().last().unwrap();
        let mut masked = body.clone();
        masked["apikey"] = json!(masked_apikey(apikey));
        assert_eq!(shown["body"], masked, "{apikey}");
        assert_eq!(shown["path"], CREATE_SESSION, "{apikey}");
        for field in ["login", "ext_id", "target_serial", "cashier_name", "test"] {
            assert_eq!(shown[field], body[field], "{apikey}");
        }
        assert_eq!(journal["ext_ids"][0]["ext_id"], "test-session-1");
        assert_eq!(journal["ext_ids"][0]["path"], CREATE_SESSION);
        let debug = format!("{:?}", sandbox.requests());
        assert!(
            debug.contains("\"test\\\":0") || debug.contains("\"test\":0"),
            "{debug}"
        );
    }
}

/// Returns the masked form of the apikeys above.
fn masked_apikey(apikey: &str) -> &str {
    if apikey.len() < 8 {
        "***"
    } else {
        "***67"
    }
}

#[test]
fn a_long_apikey_that_is_one_of_lifepays_words_garbles_neither_names_nor_paths() {
    let sandbox = sandbox();
    for apikey in ["target_serial", "create-session", "cloud-print"] {
        let body = json!({"apikey": apikey, "login": "79031234567", "target_serial": "1"});
        ask(&sandbox, &body).uuid();
    }
    for shown in journal(&sandbox)["requests"].as_array().unwrap() {
        assert_eq!(shown["path"], CREATE_SESSION);
        assert_eq!(shown["body"]["target_serial"], "1");
    }
}
