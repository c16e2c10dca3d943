use super::*;
use crate::mask::Mask;
use crate::published::CREATE_SESSION;
use serde_json::{json, Value};

fn asked(ext_id: Option<&str>, body: &Value) -> Asked {
    asked_for(CREATE_SESSION, ext_id, body)
}

fn asked_for(path: &str, ext_id: Option<&str>, body: &Value) -> Asked {
    asked_from("127.0.0.1", path, ext_id, body)
}

fn asked_from(client: &str, path: &str, ext_id: Option<&str>, body: &Value) -> Asked {
    let mut body = body.as_object().unwrap().clone();
    if let Some(ext_id) = ext_id {
        body.insert("ext_id".to_owned(), json!(ext_id));
    }
    Asked::new(path, client.parse().unwrap(), &body, Mask::default())
}

#[test]
fn the_uuid_of_an_ext_id_is_version_5_and_never_changes() {
    let uuid = of_ext_id(CREATE_SESSION, "00106304012797-2026-11-24-1");
    assert_eq!(uuid.get_version_num(), 5);
    // Fixed, so that every version of the sandbox gives the same uuid.
    assert_eq!(uuid.to_string(), "e09d2c31-cc28-547a-bf5f-ce87d6d069c7");
}

#[test]
fn an_ext_id_on_another_path_is_another_document() {
    let mut documents = Documents::default();
    let (first, second) = (json!({"amount": 1}), json!({"amount": 2}));
    let shift = asked(Some("a"), &first);
    let cash = asked_for("/cloud-print/cash-in", Some("a"), &second);
    let mut uuids = Vec::new();
    for request in [&shift, &cash] {
        assert!(documents.seen(request, 1).differs_in.is_empty());
        let taken = documents.take(request, 1);
        assert!(taken.new);
        assert_eq!(taken.document.path, request.path);
        uuids.push(taken.document.uuid);
    }
    assert_ne!(uuids[0], uuids[1]);
    documents.seen(&cash, 1);
    assert_eq!(documents.count(&shift.path, "a"), (1, 1));
    assert_eq!(documents.count(&cash.path, "a"), (2, 1));
    let requests: Vec<_> = documents.all().iter().map(|made| made.requests).collect();
    assert_eq!(requests, [1, 2]);
}

#[test]
fn the_same_body_on_another_path_is_not_a_second_document() {
    let mut documents = Documents::default();
    let body = json!({"login": "1"});
    let shift = asked(None, &body);
    let report = asked_for("/cloud-print/create-x-report", None, &body);
    documents.seen(&shift, 1);
    documents.take(&shift, 1);
    documents.ended(&shift, 1, &Answered::Closed);
    documents.seen(&report, 1);
    assert!(documents.take(&report, 1).second_after.is_none());
    assert_eq!(documents.lines(0).count(), 2);
}

#[test]
fn requests_without_ext_id_make_a_document_each() {
    let mut documents = Documents::default();
    let body = json!({});
    let request = asked(None, &body);
    documents.seen(&request, 1);
    let first = documents.take(&request, 1).document.uuid;
    documents.seen(&request, 1);
    let second = documents.take(&request, 1);
    assert!(second.new);
    let uuid = second.document.uuid;
    assert_ne!(first, uuid);
    assert_eq!(uuid.as_bytes()[14], b'5', "{uuid}");
    let line = documents.lines(0).next().unwrap();
    assert_eq!((line.requests, line.documents), (2, 2));
}

#[test]
fn the_document_of_an_ext_id_counts_the_requests_before_and_after_it() {
    let mut documents = Documents::default();
    let body = json!({});
    let request = asked(Some("a"), &body);
    documents.seen(&request, 1);
    documents.seen(&request, 1);
    assert_eq!(documents.count(CREATE_SESSION, "a"), (2, 0));
    assert!(documents.take(&request, 1).new);
    documents.seen(&request, 1);
    assert!(!documents.take(&request, 1).new);
    assert_eq!(documents.count(CREATE_SESSION, "a"), (3, 1));
    assert_eq!(documents.all()[0].requests, 3);
}

#[test]
fn a_different_body_is_noticed_and_a_different_apikey_is_not() {
    let mut documents = Documents::default();
    let first = json!({"apikey": "one", "ext_id": "a", "cashier_name": "Иванова"});
    let other_key = json!({"apikey": "two", "ext_id": "a", "cashier_name": "Иванова"});
    let other = json!({"apikey": "two", "ext_id": "a", "test": 1});
    let ext_id = Some("a");
    assert!(documents
        .seen(&asked(ext_id, &first), 1)
        .differs_in
        .is_empty());
    documents.take(&asked(ext_id, &first), 1);
    assert!(documents
        .seen(&asked(ext_id, &other_key), 1)
        .differs_in
        .is_empty());
    let seen = documents.seen(&asked(ext_id, &other), 1);
    assert_eq!(seen.differs_in, ["cashier_name", "test"]);
    assert!(!seen.corrected);
    let line = documents.lines(0).next().unwrap();
    assert_eq!((line.changed, line.changed_in.len()), (1, 2));
}

#[test]
fn a_corrected_request_is_not_compared_with_the_rejected_one_for_ever() {
    let mut documents = Documents::default();
    let (first, second) = (json!({"login": "1"}), json!({"login": "2"}));
    let ext_id = Some("a");
    let rejected = Answered::Code {
        code: 6009,
        uuid: None,
    };
    documents.seen(&asked(ext_id, &first), 1);
    documents.ended(&asked(ext_id, &first), 1, &rejected);
    let seen = documents.seen(&asked(ext_id, &second), 1);
    assert_eq!(seen.differs_in, ["login"]);
    assert!(seen.corrected);
    let seen = documents.seen(&asked(ext_id, &second), 1);
    assert!(seen.differs_in.is_empty());
    assert_eq!(documents.lines(0).next().unwrap().changed, 0);
}

#[test]
fn a_request_that_changes_before_it_was_answered_is_not_a_corrected_one() {
    let mut documents = Documents::default();
    let (first, second) = (json!({"login": "1"}), json!({"login": "2"}));
    documents.seen(&asked(Some("a"), &first), 1);
    documents.ended(&asked(Some("a"), &first), 1, &Answered::Http(503));
    assert!(!documents.seen(&asked(Some("a"), &second), 1).corrected);
    assert_eq!(documents.lines(0).next().unwrap().changed, 1);
}

const LOST: Answered = Answered::Closed;

fn accepted() -> Answered {
    Answered::Code {
        code: 0,
        uuid: Some("dabe3833-43ff-5e5c-a45e-9cff664503fd".to_owned()),
    }
}

/// Requests a document and ends the request with `end`. Returns the ext_id of the first document if
/// the new one is a second document.
fn submit(documents: &mut Documents, asked: &Asked, end: &Answered) -> Option<String> {
    documents.seen(asked, 1);
    let taken = documents.take(asked, 1);
    documents.ended(asked, 1, end);
    taken.second_after
}

#[test]
fn a_repeat_under_a_new_ext_id_is_a_second_document_if_the_first_got_no_answer() {
    for (end, second_after) in [(accepted(), None), (LOST, Some("a"))] {
        let mut documents = Documents::default();
        let first = json!({"login": "1", "ext_id": "a", "apikey": "one"});
        let second = json!({"login": "1", "ext_id": "b", "apikey": "two"});
        submit(&mut documents, &asked(Some("a"), &first), &end);
        let after = submit(&mut documents, &asked(Some("b"), &second), &accepted());
        assert_eq!(after.as_deref(), second_after);
        let line = documents.lines(0).next().unwrap();
        assert_eq!(line.second_after.as_deref(), second_after);
    }
}

#[test]
fn another_cashier_or_callback_data_is_not_another_document() {
    let first = json!({"login": "1", "ext_id": "a", "target_serial": "2"});
    for (changes, is_second) in [
        (
            json!({"cashier_name": "Иванова", "cashier_inn": "770123456789"}),
            true,
        ),
        (
            json!({"callback_url": "http://till/", "callback_data": [1], "test": 0}),
            true,
        ),
        // The serial number alone determines the printer.
        (json!({"login": "3"}), true),
        (json!({"target_serial": "3"}), false),
        (json!({"amount": 1}), false),
    ] {
        let mut documents = Documents::default();
        submit(&mut documents, &asked(Some("a"), &first), &LOST);
        let mut second = first.clone();
        second["ext_id"] = json!("b");
        for (name, value) in changes.as_object().unwrap() {
            second[name] = value.clone();
        }
        let after = submit(&mut documents, &asked(Some("b"), &second), &accepted());
        assert_eq!(after.is_some(), is_second, "{changes}");
    }
}

#[test]
fn without_a_serial_number_another_login_or_address_is_another_printer() {
    let first = json!({"login": "1", "ext_id": "a"});
    for (login, client, is_second) in [
        ("1", "127.0.0.1", true),
        ("2", "127.0.0.1", false),
        ("1", "192.0.2.7", false),
    ] {
        let mut documents = Documents::default();
        submit(&mut documents, &asked(Some("a"), &first), &LOST);
        let second = json!({"login": login, "ext_id": "b"});
        let second = asked_from(client, CREATE_SESSION, Some("b"), &second);
        let after = submit(&mut documents, &second, &accepted());
        assert_eq!(after.is_some(), is_second, "{login} {client}");
    }
}

#[test]
fn a_first_document_that_the_till_learns_of_later_is_not_doubled() {
    let mut documents = Documents::default();
    let (first, second) = (json!({"ext_id": "a"}), json!({"ext_id": "b"}));
    let first = asked(Some("a"), &first);
    submit(&mut documents, &first, &LOST);
    let second = Asked {
        id: 2,
        number: 2,
        ..asked(Some("b"), &second)
    };
    assert!(submit(&mut documents, &second, &accepted()).is_some());
    assert_eq!(documents.totals().second, 1);
    // A retry whose answer is lost again changes nothing.
    documents.seen(&first, 1);
    assert!(documents.ended(&first, 1, &LOST).is_none());
    documents.seen(&first, 1);
    let verdict = documents.ended(&first, 1, &accepted()).unwrap();
    assert_eq!((verdict.request, verdict.second_after), (2, None));
    assert_eq!(documents.totals().second, 0);
    assert!(documents.lines(0).all(|line| line.second_after.is_none()));
    assert!(documents.ended(&first, 1, &accepted()).is_none());
}

#[test]
fn a_client_that_disconnects_during_the_next_document_gets_a_second_one() {
    let mut documents = Documents::default();
    let (first, second) = (json!({"ext_id": "a"}), json!({"ext_id": "b"}));
    let first = asked(Some("a"), &first);
    documents.seen(&first, 1);
    documents.take(&first, 1);
    let second = Asked {
        id: 2,
        number: 2,
        ..asked(Some("b"), &second)
    };
    assert!(submit(&mut documents, &second, &accepted()).is_none());
    let verdict = documents.ended(&first, 1, &Answered::Abandoned).unwrap();
    assert_eq!(verdict.request, 2);
    assert_eq!(verdict.second_after.as_deref(), Some("a"));
    assert_eq!(documents.totals().second, 1);
}
