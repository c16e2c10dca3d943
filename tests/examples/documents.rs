//! The examples of documents: the Z report, and a receipt over the outbox.

#![cfg(target_os = "linux")]

use super::programs::{assert_ends, assert_has, assert_uuid, end, example, no_file, sandbox};
use crate::support::tools::root;
use crate::support::Server;

#[test]
fn close_shift_sends_the_z_report_once_and_prints_its_result() {
    let Some(sandbox) = sandbox() else { return };
    let given = "--target-serial 00106304012797 --cashier-name Аня --cashier-inn 1";
    assert_ends(
        "close_shift",
        &sandbox,
        given,
        0,
        &["uuid: ", "Accepted is not yet closed"],
    );
    let request = sandbox.requests().pop().expect("a request");
    assert_eq!(request.path, "/cloud-print/create-z-report");
    let fields = [
        "apikey",
        "cashier_inn",
        "cashier_name",
        "login",
        "target_serial",
    ];
    let json = request
        .json
        .as_ref()
        .and_then(|json| json.as_object())
        .expect("an object");
    assert!(json.keys().eq(fields.iter()), "{json:?}");

    assert_ends(
        "close_shift",
        &sandbox,
        "--test",
        0,
        &["uuid: (none: test mode)\n"],
    );
    for (arguments, status, expected) in [
        ("--login 70000006010", 1, "LP_CREDENTIALS_UNKNOWN (6010)"),
        ("--login ", 2, "field: login: "),
        ("--nonsense", 2, "close_shift --login LOGIN"),
        (
            &format!("--base-url {}", Server::nowhere()),
            3,
            "Nothing was sent: send it again.",
        ),
        (
            "--target-serial 0504",
            4,
            "look whether a report was printed",
        ),
        ("--target-serial 0503", 4, "LP_ERR_HTTP (-6)"),
    ] {
        let before = sandbox.requests().len();
        assert_ends("close_shift", &sandbox, arguments, status, &[expected]);
        assert!(sandbox.requests().len() <= before + 1, "{arguments}");
    }
}

#[test]
fn receipt_sends_the_file_through_the_outbox() {
    let Some(sandbox) = sandbox() else { return };
    let outbox = no_file("receipts.db");
    let receipt = |arguments: &str, document: &str, ext_id: &str| {
        let mut command = example("receipt", &sandbox.url(), arguments);
        command.arg("--file").arg(&outbox);
        end(command
            .arg(root().join("examples-c").join(document))
            .arg(ext_id))
    };
    let ended = receipt("", "receipt.json", "order-1");
    assert_eq!(ended.status, Some(0), "{}", ended.stdout);
    assert_uuid(&ended.stdout, &sandbox);
    let request = sandbox.requests().pop().expect("a request");
    assert_eq!(request.path, "/cloud-print/create-receipt");
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert_has(&body, r#""ext_id":"order-1","purchase": {"#);
    assert_has(&body, r#""price": 45.50"#);

    // With the same ext_id again: the outbox already has the entry.
    let again = receipt("", "receipt.json", "order-1");
    assert_eq!((again.status, again.stdout), (Some(0), ended.stdout));
    assert_eq!(sandbox.requests().len(), 1);
    for (arguments, document, ext_id, status, expected) in [
        (
            "--login 70000006010",
            "receipt.json",
            "order-2",
            1,
            "LP_CREDENTIALS_UNKNOWN",
        ),
        ("", "receipt.json", "", 2, "field: ext_id: "),
        ("", "open_shift.c", "order-3", 2, "field: document_json: "),
        ("--path x", "receipt.json", "order-4", 2, "field: path: "),
    ] {
        let ended = receipt(arguments, document, ext_id);
        assert_eq!(ended.status, Some(status), "{}", ended.stdout);
        assert_has(&ended.stdout, expected);
    }
    let ended = receipt("", "no-such.json", "order-5");
    assert_eq!(ended.status, Some(2));
    assert_has(&ended.stderr, "no-such.json cannot be read");
}
