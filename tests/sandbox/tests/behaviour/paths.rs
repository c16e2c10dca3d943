//! Documents on every path: the rules for opening a shift apply to all of them.

use lifepay_sandbox::{Answered, Options, Sandbox, CREATE_SESSION};
use serde_json::json;

use crate::published::{minimal_fields, with, CASH_IN, CASH_OUT, X_REPORT, Z_REPORT};
use crate::wire::{ask, ask_for, journal, shift as request, switch, Client};

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

#[test]
fn every_path_below_the_folders_makes_a_document() {
    let sandbox = sandbox();
    for (path, minimal) in minimal_fields() {
        let uuid = ask_for(&sandbox, path, &request(minimal)).uuid();
        assert_eq!(uuid.as_bytes()[14], b'5', "{path}: {uuid}");
        let document = sandbox.documents().pop().unwrap();
        assert_eq!((document.uuid, &document.path[..]), (uuid, path));
    }
    assert_eq!(sandbox.documents().len(), minimal_fields().len());
}

#[test]
fn an_ext_id_on_another_path_is_another_document() {
    let sandbox = sandbox();
    let mut uuids = Vec::new();
    for (path, minimal) in minimal_fields() {
        let body = with(&minimal, json!({"ext_id": "a"}));
        let uuid = ask_for(&sandbox, path, &body).uuid();
        let repeated = ask_for(&sandbox, &format!("{path}?x=1"), &body).uuid();
        assert_eq!(repeated, uuid, "{path}");
        assert!(!uuids.contains(&uuid), "{path}");
        uuids.push(uuid);
    }
    let documents = sandbox.documents();
    assert_eq!(documents.len(), uuids.len());
    assert!(documents.iter().all(|document| document.requests == 2));
    // The uuid depends only on path and ext_id, so it is the same after a restart.
    let body = request(json!({"ext_id": "a"}));
    let again = ask_for(&self::sandbox(), Z_REPORT, &body).uuid();
    assert_eq!(again, uuids[1]);
}

#[test]
fn without_ext_id_every_request_is_a_new_document() {
    let sandbox = sandbox();
    for (path, minimal) in minimal_fields() {
        let body = request(minimal);
        let first = ask_for(&sandbox, path, &body).uuid();
        assert_ne!(ask_for(&sandbox, path, &body).uuid(), first, "{path}");
    }
    assert_eq!(sandbox.documents().len(), 2 * minimal_fields().len());
}

#[test]
fn test_mode_makes_no_document_and_no_uuid_on_any_path() {
    let sandbox = sandbox();
    for (path, minimal) in minimal_fields() {
        let body = with(&minimal, json!({"test": 1, "ext_id": "a"}));
        let reply = ask_for(&sandbox, path, &body);
        assert_eq!(reply.body, r#"{"code":0,"message":"","data":[]}"#, "{path}");
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn magic_values_choose_the_answer_on_every_path() {
    let sandbox = sandbox();
    for (path, minimal) in minimal_fields() {
        let ask = |fields| ask_for(&sandbox, path, &with(&minimal, fields));
        assert_eq!(ask(json!({"login": "70000006095"})).code(), 6095, "{path}");
        let reply = ask(json!({"target_serial": "0404"}));
        let data = json!({"target_serial": ["Принтер не найден."]});
        assert_eq!(reply.json()["data"], data, "{path}");
        assert_eq!(ask(json!({"target_serial": "0302"})).status, 302, "{path}");
        let number = sandbox.requests().len() - 1;
        let chosen = &journal(&sandbox)["requests"][number]["chosen_by"];
        assert_eq!(chosen["magic"], "target_serial", "{path}");
    }
    assert!(sandbox.documents().is_empty());
}

#[test]
fn serial_503_fails_once_for_each_path_and_ext_id() {
    let sandbox = sandbox();
    for fields in [json!({"ext_id": "a"}), json!({})] {
        for (path, minimal) in minimal_fields() {
            let mut body = with(&minimal, fields.clone());
            body["target_serial"] = json!("0503");
            assert_eq!(ask_for(&sandbox, path, &body).status, 503, "{path}");
            ask_for(&sandbox, path, &body).uuid();
        }
    }
}

#[test]
fn serial_504_loses_the_answer_and_a_repeat_finds_the_document() {
    let sandbox = sandbox();
    let body = request(json!({"target_serial": "0504", "ext_id": "a"}));
    let mut client = Client::to(&sandbox);
    client.post_to(Z_REPORT, &body);
    assert!(client.receive().unwrap().is_none());
    assert_eq!(sandbox.requests()[0].answered, Some(Answered::Closed));
    let uuid = ask_for(&sandbox, Z_REPORT, &body).uuid();
    assert_eq!(sandbox.documents()[0].uuid, uuid);
    assert_eq!(sandbox.documents().len(), 1);
}

#[test]
fn a_switch_works_on_every_path_and_all_of_them_count() {
    let sandbox = sandbox();
    let count = minimal_fields().len();
    switch(
        &sandbox,
        "answer",
        json!({"answer": "http_503", "count": count}),
    );
    for (path, minimal) in minimal_fields() {
        let reply = ask_for(&sandbox, path, &request(minimal));
        assert_eq!(reply.status, 503, "{path}");
    }
    ask(&sandbox, &request(json!({}))).uuid();
    assert_eq!(sandbox.documents().len(), 1);
}

#[test]
fn a_changed_body_is_one_under_the_same_path_and_ext_id() {
    let sandbox = sandbox();
    let cash = |amount: i32| {
        let target_serial = "00106304012797";
        request(json!({"ext_id": "a", "amount": amount, "target_serial": target_serial}))
    };
    ask(&sandbox, &request(json!({"ext_id": "a"})));
    ask_for(&sandbox, CASH_IN, &cash(1));
    ask_for(&sandbox, CASH_OUT, &cash(2));
    ask_for(&sandbox, CASH_OUT, &cash(3));
    let differs_in: Vec<_> = sandbox
        .requests()
        .into_iter()
        .map(|request| request.differs_in)
        .collect();
    assert_eq!(
        differs_in,
        [vec![], vec![], vec![], vec!["amount".to_owned()]]
    );
    let journal = journal(&sandbox);
    let lines: Vec<_> = journal["ext_ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let numbers = ["requests", "documents", "changed"].map(|name| line[name].clone());
            (line["path"].as_str().unwrap(), json!(numbers))
        })
        .collect();
    assert_eq!(
        lines,
        [
            (CASH_OUT, json!([2, 1, 1])),
            (CASH_IN, json!([1, 1, 0])),
            (CREATE_SESSION, json!([1, 1, 0])),
        ]
    );
}

#[test]
fn the_same_body_on_another_path_is_not_a_second_document() {
    let sandbox = sandbox();
    switch(&sandbox, "answer", json!({"answer": "lost", "count": 1}));
    let mut client = Client::to(&sandbox);
    client.post_to(X_REPORT, &request(json!({})));
    assert!(client.receive().unwrap().is_none());
    ask_for(&sandbox, Z_REPORT, &request(json!({}))).uuid();
    assert_eq!(journal(&sandbox)["totals"]["second"], 0);
    ask_for(&sandbox, X_REPORT, &request(json!({}))).uuid();
    assert_eq!(journal(&sandbox)["totals"]["second"], 1);
}
