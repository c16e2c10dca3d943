//! Opens a file with any contents, and reads all of it.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::Connection;

use super::file;
use super::queue::{Sent, Taken};
use super::reader::Reader;
use super::store::Store;
use super::Submission;
use crate::delivery::schedule::Schedule;
use crate::protocol::request::Fields;

const BASE_URL: &str = "https://sapi.life-pay.ru";

/// Returns whether the file is an outbox. If it is, asserts that all of its entries can be read, sent
/// and finished.
pub fn open(path: &Path) -> bool {
    if file::prepare(path).is_err() {
        return false;
    }
    let Ok(mut store) = Store::open(path, BASE_URL) else {
        return false;
    };
    let Ok(reader) = Reader::open(path, BASE_URL) else {
        return false;
    };
    let _ = reader.pending();
    let _ = store.begin_sending(&Schedule::check(Vec::new(), &mut Vec::new()));
    let _ = store.expire(BASE_URL);
    if let Ok(base_urls) = store.expired_foreign() {
        for base_url in base_urls {
            let _ = store.expire(&base_url);
        }
    }
    if let Ok(entries) = reader.entries() {
        let _ = store.due(entries.len() + 1);
        for entry in entries {
            let _ = reader.find(&entry.ext_id);
            let _ = store.retry_now(&entry.ext_id);
            for Taken { entry, .. } in store.turn(&[], 1).unwrap_or_default() {
                assert_eq!(entry.base_url, BASE_URL);
                assert!(entry.is_waiting() && entry.path.is_some());
                let _ = store.apply_cancellations();
                let sent = Sent { entry, pause: None };
                let _ = store.turn(&[&sent], 0);
            }
            let _ = store.cancel(&entry.ext_id, true);
            let _ = store.forget(&entry.ext_id);
        }
    }
    let _ = store.retry_all_now();
    let _ = store.prune(Duration::ZERO);
    true
}

/// Makes a valid file whose only entry has these texts and numbers.
pub fn texts(path: &Path, data: &[u8]) {
    file::prepare(path).expect("a new file");
    let mut store = Store::open(path, BASE_URL).expect("a new file");
    let fields = Fields {
        apikey: Some("k".to_owned()),
        login: Some("l".to_owned()),
        ext_id: Some("e".to_owned()),
        ..Fields::default()
    };
    let request = fields.shift(&mut Vec::new(), String::new).expect("a shift");
    assert_eq!(request.apikey.reveal(), "k");
    let submission = Submission {
        request,
        expires_after: None,
    };
    store.submit(&submission).expect("a new entry");
    drop(store);
    scribble(path, data).expect("a sound file");
}

/// Writes into the columns of all entries: texts that end in NUL, or numbers after a #.
fn scribble(path: &Path, data: &[u8]) -> rusqlite::Result<()> {
    const COLUMNS: [&str; 8] = [
        "report",
        "request",
        "ext_id",
        "base_url",
        "state",
        "login",
        "operation",
        "sending",
    ];
    let connection = Connection::open(path)?;
    for (column, text) in COLUMNS.iter().zip(data.split(|byte| *byte == 0)) {
        let text = String::from_utf8_lossy(text);
        let value = match text.strip_prefix('#').map(str::parse::<i64>) {
            Some(Ok(number)) => Value::from(number),
            _ if text.is_empty() => continue,
            _ => Value::from(text.into_owned()),
        };
        connection.execute(&format!("UPDATE request SET {column} = ?1"), [value])?;
    }
    Ok(())
}
