//! ext_id, uuid and test mode behave as LifePay's page describes.

use lifepay_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::wire::{ask, shift};

fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

#[test]
fn the_same_ext_id_makes_one_document_with_one_uuid() {
    let sandbox = sandbox();
    let first = ask(&sandbox, &shift(json!({"ext_id": "a"}))).uuid();
    let other = shift(json!({"ext_id": "a", "login": "79990000000", "apikey": "another"}));
    assert_eq!(ask(&sandbox, &other).uuid(), first);
    assert_ne!(ask(&sandbox, &shift(json!({"ext_id": "b"}))).uuid(), first);

    let documents = sandbox.documents();
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0].uuid, first);
    assert_eq!(documents[0].ext_id.as_deref(), Some("a"));
    assert_eq!(documents[0].requests, 2);
}

#[test]
fn the_uuid_is_version_5_and_survives_a_restart() {
    let body = shift(json!({"ext_id": "смена-1"}));
    let uuid = ask(&sandbox(), &body).uuid();
    assert_eq!(uuid.as_bytes()[14], b'5', "{uuid}");
    assert_eq!(ask(&sandbox(), &body).uuid(), uuid);
}

#[test]
fn without_ext_id_every_request_is_a_new_document() {
    let sandbox = sandbox();
    for body in [shift(json!({})), shift(json!({"ext_id": ""}))] {
        let first = ask(&sandbox, &body).uuid();
        assert_ne!(ask(&sandbox, &body).uuid(), first);
    }
    assert_eq!(sandbox.documents().len(), 4);
}

#[test]
fn test_mode_makes_no_document_and_no_uuid() {
    let sandbox = sandbox();
    let reply = ask(&sandbox, &shift(json!({"ext_id": "a", "test": 1})));
    assert_eq!(reply.body, r#"{"code":0,"message":"","data":[]}"#);
    assert!(sandbox.documents().is_empty());
    // The ext_id is not used up either.
    ask(&sandbox, &shift(json!({"ext_id": "a", "test": 0}))).uuid();
    assert_eq!(sandbox.documents().len(), 1);
}

#[test]
fn a_rejected_request_does_not_use_up_its_ext_id() {
    let sandbox = sandbox();
    let rejected = shift(json!({"ext_id": "a", "login": "70000006010"}));
    assert_eq!(ask(&sandbox, &rejected).code(), 6010);
    ask(&sandbox, &shift(json!({"ext_id": "a"}))).uuid();
    assert_eq!(sandbox.documents()[0].requests, 2);
}
