//! The outbox with JSON instead of structs.

use std::ffi::{c_char, CString};
use std::path::Path;
use std::ptr;
use std::time::Duration;

use lifepay::ffi::{
    lp_outbox, LP_ERR_ARGUMENT, LP_ERR_CANCELLED, LP_ERR_CLOSED, LP_ERR_NOT_FOUND, LP_ERR_OUTBOX,
    LP_OK, LP_PENDING,
};
use serde_json::{json, Value};

use crate::support::books::{uuid_of, Books, Reply};
use crate::support::call::with_string;
use crate::support::constants::{ANSWERED, HOUR_MS, NOT_SENT, UNKNOWN};
use crate::support::library;
use crate::support::outbox::fresh;

/// Runs `call`, and returns its return value and its parsed answer.
fn answer(call: impl FnOnce(*mut *mut c_char) -> i32) -> (i32, Value) {
    let (returned, text) = with_string(call);
    (returned, serde_json::from_str(&text).expect("JSON"))
}

fn c(text: impl ToString) -> CString {
    CString::new(text.to_string()).unwrap()
}

struct Opened(*mut lp_outbox);

impl Opened {
    fn open(path: &Path, config: &Value) -> (i32, Value, Opened) {
        let (path, config) = (c(path.display()), c(config));
        let mut outbox = ptr::dangling_mut();
        // SAFETY: the strings are NUL-terminated, and `outbox` is writable.
        let (returned, answer) = answer(|answer| unsafe {
            (library().outbox_open_json)(path.as_ptr(), config.as_ptr(), &mut outbox, answer)
        });
        (returned, answer, Opened(outbox))
    }

    fn submit(&self, request: &Value) -> (i32, Value) {
        let request = c(request);
        // SAFETY: as above.
        answer(|answer| unsafe { (library().outbox_submit_json)(self.0, request.as_ptr(), answer) })
    }

    fn wait(&self, ext_id: &str, timeout_ms: u32) -> (i32, Value) {
        let ext_id = c(ext_id);
        // SAFETY: as above.
        answer(|answer| unsafe {
            (library().outbox_wait_json)(self.0, ext_id.as_ptr(), timeout_ms, answer)
        })
    }

    fn cancel(&self, ext_id: &str) -> (i32, Value) {
        let ext_id = c(ext_id);
        // SAFETY: as above.
        answer(|answer| unsafe { (library().outbox_cancel_json)(self.0, ext_id.as_ptr(), answer) })
    }

    fn list(&self) -> (i32, Value) {
        // SAFETY: as above.
        answer(|answer| unsafe { (library().outbox_list_json)(self.0, answer) })
    }

    fn close(&self) -> i32 {
        // SAFETY: to the library the handle is only a number.
        unsafe { (library().outbox_close)(self.0) }
    }
}

fn config(books: &Books) -> Value {
    json!({
        "apikey": "key", "login": "7", "base_url": books.url(), "proxy": "none",
        "retry_delays_ms": [HOUR_MS],
    })
}

/// A server that accepts every ext_id except "late".
fn books() -> Books {
    Books::open(|ext_id, _| match ext_id {
        "late" => (Duration::ZERO, Reply::Http("503 X")),
        _ => (Duration::ZERO, Reply::Accept),
    })
}

#[test]
fn a_host_without_structs_has_the_whole_outbox() {
    let books = books();
    let (returned, opened, outbox) = Opened::open(&fresh("json"), &config(&books));
    assert_eq!((returned, &opened["code"]), (LP_OK, &json!(LP_OK)));
    let document = json!({
        "path": "/cloud-print/create-z-report", "ext_id": "z", "document_json": {"a": 1.50},
    });
    for (request, ext_id) in [(json!({"ext_id": "mine"}), "mine"), (document, "z")] {
        let (returned, answer) = outbox.submit(&request);
        assert_eq!((returned, &answer["ext_id"]), (LP_OK, &json!(ext_id)));
        let (returned, answer) = outbox.wait(ext_id, 10_000);
        let outcome = (&answer["code"], &answer["outcome"], &answer["uuid"]);
        assert_eq!(returned, LP_OK);
        assert_eq!(
            outcome,
            (&json!(LP_OK), &json!(ANSWERED), &json!(uuid_of(ext_id)))
        );
    }
    // For a shift the library generates an ext_id.
    let (returned, answer) = outbox.submit(&json!({}));
    assert_eq!(returned, LP_OK);
    assert_eq!(answer["ext_id"].as_str().map(str::len), Some(36));
    let (returned, answer) = outbox.submit(&json!({"ext_id": "late"}));
    assert_eq!((returned, &answer["code"]), (LP_OK, &json!(LP_PENDING)));
    assert_eq!(outbox.wait("late", 0).0, LP_PENDING);
    let (returned, answer) = outbox.cancel("late");
    assert_eq!(
        (returned, &answer["code"]),
        (LP_OK, &json!(LP_ERR_CANCELLED))
    );

    let (returned, entries) = outbox.list();
    assert_eq!(returned, LP_OK);
    let entries = entries.as_array().unwrap();
    let ext_ids: Vec<&Value> = entries.iter().map(|entry| &entry["ext_id"]).collect();
    assert_eq!(
        (entries.len(), ext_ids[0], ext_ids[3]),
        (4, &json!("mine"), &json!("late"))
    );
    assert_eq!(entries[1]["path"], "/cloud-print/create-z-report");
    assert_eq!(
        (&entries[3]["pending"], &entries[0]["code"]),
        (&json!(false), &json!(LP_OK))
    );
    assert_eq!(outbox.close(), LP_OK);
}

#[test]
fn a_failed_call_says_why_in_the_answer() {
    let books = books();
    let path = fresh("json-wrong");
    let (returned, answer, outbox) = Opened::open(&path, &json!({"apikey": "key", "logn": 1}));
    assert_eq!((returned, outbox.0), (LP_ERR_ARGUMENT, ptr::null_mut()));
    assert_eq!(answer["errors"][0]["field"], "logn");
    let (returned, answer, _) = Opened::open(&path, &json!([]));
    assert_eq!(
        (returned, &answer["errors"][0]["field"]),
        (LP_ERR_ARGUMENT, &json!("config"))
    );
    let (returned, answer, _) = Opened::open(Path::new("/"), &config(&books));
    assert_eq!(
        (returned, &answer["code"]),
        (LP_ERR_OUTBOX, &json!(LP_ERR_OUTBOX))
    );

    let (_, _, outbox) = Opened::open(&path, &config(&books));
    let (returned, answer) = outbox.submit(&json!({"ext_id": "mine", "test": 7, "x": 0}));
    let fields: Vec<&Value> = [0, 1].map(|place| &answer["errors"][place]["field"]).into();
    assert_eq!(
        (returned, fields),
        (LP_ERR_ARGUMENT, vec![&json!("x"), &json!("test")])
    );
    assert_eq!(
        (&answer["ext_id"], &answer["outcome"]),
        (&json!("mine"), &json!(NOT_SENT))
    );
    let (returned, answer) = outbox.submit(&json!("no object"));
    assert_eq!(
        (returned, &answer["outcome"]),
        (LP_ERR_ARGUMENT, &json!(UNKNOWN))
    );
    for (returned, answer) in [outbox.wait("none", 0), outbox.cancel("none")] {
        assert_eq!(
            (returned, &answer["ext_id"]),
            (LP_ERR_NOT_FOUND, &json!("none"))
        );
    }
    assert_eq!(outbox.list(), (LP_OK, json!([])));
    outbox.close();
    let closed = [
        outbox.submit(&json!({})),
        outbox.wait("a", 0),
        outbox.cancel("a"),
        outbox.list(),
    ];
    for (returned, answer) in closed {
        assert_eq!(
            (returned, &answer["code"]),
            (LP_ERR_CLOSED, &json!(LP_ERR_CLOSED))
        );
    }
}
