//! Documents in an outbox: the paths they are sent to, and their entries beside shifts in one file.

use std::path::Path;

use lifepay::ffi as code;
use lifepay_sandbox::{Options, Sandbox};

use crate::support::constants::{ANSWERED, ENTRY_PENDING, NOT_SENT, UNKNOWN};
use crate::support::outbox::fresh;
use crate::support::wait::until;
use crate::support::{read_request, respond, Answer, Call, Outbox, Server};

const SHIFT: &str = "/cloud-print/create-session";
const Z_REPORT: &str = "/cloud-print/create-z-report";
const RECEIPT: &str = "/cloud-print/create-receipt";

fn quick<'a>(url: &str) -> Call<'a> {
    Call::to(url).repeat(0, &[100]).limits(2000, 2000)
}

/// Settings with an hour between attempts.
fn patient<'a>(url: &str) -> Call<'a> {
    Call::to(url).repeat(0, &[3_600_000]).limits(2000, 2000)
}

fn refused((returned, answer): (i32, Answer), fields: &[&str]) -> Answer {
    assert_eq!(returned, code::LP_ERR_ARGUMENT, "{answer:?}");
    assert_eq!(answer.fields(), fields, "{answer:?}");
    answer
}

#[test]
fn each_document_is_sent_to_its_path_and_its_entry_shows_the_path() {
    let path = fresh("documents");
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let call = || quick(&sandbox.url());
    let outbox = Outbox::open(&path, call());
    let receipt = r#"{"purchase":{"products":[{"price":1.50}]}}"#;
    outbox.submit(call().ext_id("shift"));
    outbox.submit(call().ext_id("receipt").document(RECEIPT, receipt));
    let (returned, submitted) = outbox.submit(call().ext_id("z").document(Z_REPORT, ""));
    assert_eq!((returned, submitted.ext_id.as_deref()), (0, Some("z")));
    for ext_id in ["shift", "receipt", "z"] {
        let answer = outbox.wait(ext_id, 10_000);
        assert_eq!((answer.code, answer.outcome), (0, ANSWERED), "{answer:?}");
        assert!(answer.uuid.is_some());
    }
    outbox.close();
    let outbox = Outbox::open(&path, call());
    let listed: Vec<_> = outbox
        .entries()
        .into_iter()
        .map(|e| (e.ext_id, e.path))
        .collect();
    let listed: Vec<_> = listed
        .iter()
        .map(|(e, p)| (e.as_str(), p.as_deref().unwrap()))
        .collect();
    assert_eq!(
        listed,
        [("shift", SHIFT), ("receipt", RECEIPT), ("z", Z_REPORT)]
    );
    let requests = sandbox.requests();
    let of = |ext_id: &str| {
        let has_ext_id =
            |request: &&lifepay_sandbox::Request| request.ext_id.as_deref() == Some(ext_id);
        requests.iter().find(has_ext_id).expect("a request").clone()
    };
    for (ext_id, path) in listed {
        assert_eq!(of(ext_id).path, path);
    }
    let body = String::from_utf8(of("receipt").body).unwrap();
    assert!(body.contains(r#""price":1.50"#), "{body}");
}

#[test]
fn a_document_needs_an_ext_id_and_a_path() {
    let url = Server::nowhere();
    let outbox = Outbox::open(&fresh("needs"), patient(&url));
    let answer = refused(
        outbox.submit(patient(&url).document(Z_REPORT, "")),
        &["ext_id"],
    );
    assert_eq!(answer.outcome, NOT_SENT);
    assert!(answer.ext_id.is_none());
    assert!(answer.message.contains("повторять"), "{answer:?}");
    let lost = patient(&url)
        .ext_id("1")
        .text(|c| &mut c.document_json, "{}");
    let answer = refused(outbox.submit(lost), &["path"]);
    assert_eq!(answer.ext_id.as_deref(), Some("1"));
    refused(
        outbox.submit(patient(&url).ext_id("1").document("x", "[]")),
        &["path", "document_json"],
    );
    assert!(outbox.entries().is_empty());
    // Opening an outbox ignores both fields: it serves every kind of document.
    outbox.close();
    drop(Outbox::open(
        &fresh("needs-2"),
        patient(&url).document("not looked at", "["),
    ));
}

#[test]
fn an_ext_id_is_one_requests_whatever_the_path() {
    let url = Server::nowhere();
    let outbox = Outbox::open(&fresh("one-space"), patient(&url));
    let call = || patient(&url).ext_id("mine");
    assert_eq!(
        outbox
            .submit(call().document(Z_REPORT, r#"{"a":1,"b":[1]}"#))
            .0,
        0
    );
    // The order of the members and the white space between them make no difference.
    for same in [r#"{"a":1,"b":[1]}"#, "{\n \"b\":[1],\n \"a\":1\n}\n"] {
        let (returned, answer) = outbox.submit(call().document(Z_REPORT, same));
        assert_eq!((returned, answer.code), (0, code::LP_PENDING), "{answer:?}");
    }
    for (other, fields) in [
        (call().document(RECEIPT, r#"{"a":1,"b":[1]}"#), "path"),
        (
            call().document(Z_REPORT, r#"{"a":1.0,"b":[1]}"#),
            "document_json",
        ),
        (call().document(Z_REPORT, r#"{"a":1}"#), "document_json"),
        (
            call().document(Z_REPORT, r#"{"a":1,"b":[1],"c":0}"#),
            "document_json",
        ),
        (
            call()
                .document(Z_REPORT, r#"{"a":1,"b":[1]}"#)
                .with(|c| c.test = 1),
            "test",
        ),
        (call(), "path, document_json"),
    ] {
        let answer = refused(outbox.submit(other), &["ext_id"]);
        assert!(
            answer.message.contains(&format!("({fields})")),
            "{answer:?}"
        );
        assert_eq!(answer.ext_id.as_deref(), Some("mine"));
    }
    assert_eq!(outbox.submit(patient(&url).ext_id("shift")).0, 0);
    // A document with a shift's path is the same request as the shift.
    let by_path = patient(&url).ext_id("shift").document(SHIFT, "");
    assert_eq!(outbox.submit(by_path).0, 0);
    let other = patient(&url).ext_id("shift").document(Z_REPORT, "");
    refused(outbox.submit(other), &["ext_id"]);
    assert_eq!((outbox.entries().len(), outbox.pending()), (2, 2));
}

#[test]
fn a_document_is_cancelled_retried_expired_and_forgotten_as_a_shift_is() {
    let server = Server::start(|mut stream, _| {
        use std::io::Write;
        while let Some(request) = read_request(&mut stream) {
            let answer = match request.contains("refused") {
                true => respond("200 OK", r#"{"code":6010,"message":"","data":[]}"#),
                false => respond("503 X", ""),
            };
            let _ = stream.write_all(&answer);
        }
    });
    let call = || patient(&server.url());
    let z = |ext_id: &str| call().ext_id(ext_id).document(Z_REPORT, "");
    let outbox = Outbox::open(&fresh("as-a-shift"), call());
    outbox.submit(z("refused"));
    let refused_after = |attempts| {
        let answer = outbox.wait("refused", 10_000);
        (answer.code, answer.attempts) == (6010, attempts)
    };
    assert!(refused_after(1));
    assert_eq!(outbox.retry_now(Some("refused")), 0);
    until("it is sent again", || refused_after(2));
    assert_eq!(outbox.retry_now(None), 0);
    until("all are sent again", || refused_after(3));
    outbox.submit(z("cancelled"));
    until("an attempt", || {
        outbox.entry("cancelled").unwrap().http_status == 503
    });
    let (returned, answer) = outbox.cancel("cancelled");
    // LifePay may have the cancelled document, and would take another one with its ext_id for it.
    let other = call().ext_id("cancelled").document(RECEIPT, "{}");
    refused(outbox.submit(other), &["ext_id"]);
    refused(outbox.submit(call().ext_id("cancelled")), &["ext_id"]);
    assert_eq!(
        (returned, answer.code, answer.outcome),
        (0, code::LP_ERR_CANCELLED, UNKNOWN)
    );
    outbox.submit(z("expired").with(|c| c.expires_after_ms = 1));
    assert_eq!(outbox.wait("expired", 10_000).code, code::LP_ERR_EXPIRED);
    for ext_id in ["refused", "cancelled", "expired"] {
        assert_eq!(outbox.forget(ext_id), 0, "{ext_id}");
        let other = call().ext_id(ext_id).document(RECEIPT, "{}");
        assert_eq!(outbox.submit(other).0, 0, "{ext_id}");
    }
}

/// The file format of the library's first release.
const RELEASED: &str = "
    PRAGMA application_id = 0x4c506f62;
    PRAGMA user_version = 100;
    CREATE TABLE request (
        id INTEGER PRIMARY KEY,
        operation TEXT NOT NULL,
        base_url TEXT NOT NULL,
        ext_id TEXT NOT NULL UNIQUE,
        login TEXT NOT NULL,
        target_serial TEXT,
        request TEXT NOT NULL,
        state INTEGER NOT NULL,
        sending INTEGER NOT NULL DEFAULT 0,
        cancelling INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        retry_after_ms INTEGER NOT NULL DEFAULT 0,
        report TEXT NOT NULL,
        submitted_at INTEGER NOT NULL,
        next_attempt_at INTEGER NOT NULL,
        answered_at INTEGER NOT NULL DEFAULT 0,
        expires_at INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE highest (id INTEGER NOT NULL);
    INSERT INTO highest VALUES (0);
    CREATE INDEX request_by_due
        ON request (state, base_url, operation, next_attempt_at, expires_at);
    CREATE TABLE clock (moved INTEGER NOT NULL);
    INSERT INTO clock VALUES (0);
";

/// Writes a file as the first release did, with pending rows: operation, base_url, ext_id.
fn released(path: &Path, rows: &[(&str, &str, &str)]) {
    let file = rusqlite::Connection::open(path).unwrap();
    file.execute_batch("PRAGMA journal_mode = wal").unwrap();
    file.execute_batch(RELEASED).unwrap();
    for (operation, base_url, ext_id) in rows {
        let request = format!(r#"{{"login":"l","ext_id":"{ext_id}"}}"#);
        let sql = "INSERT INTO request (operation, base_url, ext_id, login, request, state, report,
            submitted_at, next_attempt_at) VALUES (?1, ?2, ?3, 'l', ?4, 0, '{}', 1, 1)";
        file.execute(sql, [operation, base_url, ext_id, &request.as_str()])
            .unwrap();
    }
}

#[test]
fn a_file_of_an_older_version_is_opened_and_its_entries_are_sent() {
    let path = fresh("of-before");
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let url = sandbox.url();
    released(
        &path,
        &[
            ("create-session", &url, "waits"),
            ("query-status", &url, "later"),
            ("/x y", &url, "no path"),
        ],
    );
    let outbox = Outbox::open(&path, quick(&url));
    assert_eq!(outbox.wait("waits", 10_000).code, 0);
    let submitted = outbox.submit(quick(&url).ext_id("z").document(Z_REPORT, ""));
    assert_eq!(submitted.0, 0);
    assert_eq!(outbox.wait("z", 10_000).code, 0);
    // Operations of a later version are left to that version.
    let entry = outbox.entry("later").unwrap();
    assert_eq!((entry.path, entry.flags), (None, ENTRY_PENDING));
    assert_eq!(outbox.retry_now(Some("later")), code::LP_ERR_ARGUMENT);
    assert_eq!(outbox.retry_now(None), 0);
    assert_eq!(outbox.pending(), 0);
    assert_eq!(outbox.entry("waits").unwrap().path.as_deref(), Some(SHIFT));
    assert_eq!(sandbox.requests().len(), 2);
}

/// The first release sends, counts, expires and reopens only the operation create-session.
#[test]
fn a_document_is_unknown_to_an_older_library() {
    let path = fresh("for-before");
    let url = Server::nowhere();
    released(&path, &[("create-session", &url, "shift")]);
    let outbox = Outbox::open(&path, patient(&url));
    for (ext_id, path) in [("z", Z_REPORT), ("by-path", SHIFT)] {
        assert_eq!(
            outbox
                .submit(patient(&url).ext_id(ext_id).document(path, ""))
                .0,
            0
        );
    }
    outbox.submit(patient(&url).ext_id("new"));
    outbox.close();
    let file = rusqlite::Connection::open(&path).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut query = file.prepare(sql).unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let shifts =
        "SELECT ext_id FROM request WHERE state = 0 AND operation = 'create-session' ORDER BY id";
    assert_eq!(texts(shifts), ["shift", "by-path", "new"]);
    let named = "SELECT operation FROM request WHERE ext_id = 'z'";
    assert_eq!(texts(named), [Z_REPORT]);
    // The statements of the first release still work.
    let columns = texts("SELECT name FROM pragma_table_info('request')");
    assert_eq!(columns.len(), 17, "{columns:?}");
    let format = texts("SELECT CAST(user_version AS TEXT) FROM pragma_user_version");
    assert_eq!(format, ["100"]);
}

/// The query for due entries reads no rows, whatever kinds of documents are pending.
#[test]
fn due_entries_are_found_by_an_index() {
    let path = fresh("by-index");
    let url = Server::nowhere();
    released(&path, &[]);
    Outbox::open(&path, patient(&url)).close();
    let file = rusqlite::Connection::open(&path).unwrap();
    let plan: Vec<String> = {
        let sql = "EXPLAIN QUERY PLAN SELECT id, next_attempt_at FROM request
            WHERE state = 0 AND base_url = 'x'
            AND (operation = 'create-session' OR operation GLOB '/*') AND next_attempt_at <= 5
            ORDER BY next_attempt_at";
        let mut query = file.prepare(sql).unwrap();
        let rows = query.query_map([], |row| row.get(3)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let plan = plan.join("\n");
    assert!(
        plan.contains("USING COVERING INDEX request_by_time"),
        "{plan}"
    );
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}

/// Another version or a broken disk may have written the report.
#[test]
fn an_entry_whose_report_cannot_be_read_has_the_code_of_its_state() {
    let path = fresh("no-report");
    let url = Server::nowhere();
    released(&path, &[]);
    let states = [
        (0, code::LP_PENDING),
        (1, code::LP_OK),
        (2, code::LP_SERVER_ERROR),
        (3, code::LP_ERR_CANCELLED),
        (4, code::LP_ERR_EXPIRED),
        (9, code::LP_PENDING),
    ];
    let file = rusqlite::Connection::open(&path).unwrap();
    for (state, _) in states {
        let sql = "INSERT INTO request (operation, base_url, ext_id, login, request, state, report,
            submitted_at, next_attempt_at)
            VALUES ('create-session', 'https://other', ?1, 'l', '{}', ?1, 'no JSON', 1, 1)";
        file.execute(sql, [state]).unwrap();
    }
    drop(file);
    let outbox = Outbox::open(&path, patient(&url));
    for (state, expected) in states {
        let answer = outbox.wait(&state.to_string(), 0);
        assert_eq!(answer.code, expected, "{answer:?}");
        // Nothing is known about the attempts, except whether LifePay has answered.
        let outcome = if matches!(state, 1 | 2) {
            ANSWERED
        } else {
            UNKNOWN
        };
        assert_eq!(answer.outcome, outcome, "{answer:?}");
        assert_eq!(answer.ext_id, Some(state.to_string()));
    }
}
