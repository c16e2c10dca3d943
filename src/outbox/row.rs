//! Rows of the file's table of requests.

use rusqlite::{params, Connection, OptionalExtension, Params, Row, ToSql, Transaction};

use super::entry::{Entry, State};
use crate::protocol::request::{is_path, SHIFT_PATH};
use crate::report::Report;

pub(crate) const COLUMNS: &str =
    "id, base_url, ext_id, login, target_serial, request, state, sending,
    cancelling, report, submitted_at, next_attempt_at, answered_at, expires_at, operation";

/// The `operation` of a request that opens a shift. For every other request it is the path.
const SHIFT: &str = "create-session";

/// Condition: a kind of request that this version knows, with the rules of `is_path` for a path. The
/// comparison of both lengths refuses a NUL, at which the length in characters ends.
macro_rules! known {
    () => {
        "(operation = 'create-session' OR (operation GLOB '/*' AND operation NOT GLOB '//*'
          AND operation NOT GLOB '*..*'
          AND operation NOT GLOB '*[^-A-Za-z0-9._~!$&''()*+,;=:@/]*'
          AND length(operation) = length(CAST(operation AS BLOB))))"
    };
}
pub(crate) const KNOWN: &str = known!();

/// Condition: pending for a base URL, with a kind of request that this version knows.
pub(crate) const WAITING: &str = concat!("state = 0 AND base_url = ?1 AND ", known!());

/// Returns the `operation` of a request to this path.
pub fn operation(path: &str) -> &str {
    match path {
        SHIFT_PATH => SHIFT,
        other => other,
    }
}

/// Returns the path of a request with this `operation`; None if a later version wrote it.
fn path(operation: String) -> Option<String> {
    match operation.as_str() {
        SHIFT => Some(SHIFT_PATH.to_owned()),
        path if is_path(path) => Some(operation),
        _ => None,
    }
}

/// Removes the entries that meet the condition `which`. `values` are its parameters.
pub fn remove(change: &Transaction, which: &str, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
    let highest = format!(
        "UPDATE highest SET id = max(id, (SELECT max(id) FROM request))
         WHERE EXISTS (SELECT 1 FROM request WHERE {which})"
    );
    change.execute(&highest, values)?;
    change
        .execute(&format!("DELETE FROM request WHERE {which}"), values)
        .map(drop)
}

pub fn find(connection: &Connection, ext_id: &str) -> rusqlite::Result<Option<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM request WHERE ext_id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([ext_id], entry)
        .optional()
}

pub fn find_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM request WHERE id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([id], entry)
        .optional()
}

pub fn entries_where(
    connection: &Connection,
    sql: &str,
    values: impl Params,
) -> rusqlite::Result<Vec<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM request {sql}");
    let mut query = connection.prepare_cached(&sql)?;
    let rows = query.query_map(values, entry)?;
    rows.collect()
}

pub fn save(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let sql = "UPDATE request SET state = ?2, sending = ?3, cancelling = ?4, report = ?5,
        next_attempt_at = ?6, answered_at = ?7, attempts = ?8, retry_after_ms = ?9, submitted_at = ?10,
        expires_at = ?11 WHERE id = ?1";
    connection
        .prepare_cached(sql)?
        .execute(params![
            entry.id,
            entry.state as i64,
            entry.sending,
            entry.cancelling,
            to_text(&entry.report),
            entry.next_attempt_at,
            entry.answered_at,
            entry.report.attempts,
            entry.report.retry_after_ms,
            entry.submitted_at,
            entry.expires_at
        ])
        .map(drop)
}

/// Reads a row. Columns with values that this library does not write are read as far as possible,
/// because one bad row must not block the others.
pub fn entry(row: &Row) -> rusqlite::Result<Entry> {
    let number = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_i64().unwrap_or(0));
    let ext_id = text(row, 2)?;
    // This version must neither send nor replace an entry whose state only a later version knows.
    let state = row.get_ref(6)?.as_i64().ok().and_then(State::from_number);
    let state = state.unwrap_or(State::Unknown);
    Ok(Entry {
        id: row.get(0)?,
        base_url: text(row, 1)?,
        login: text(row, 3)?,
        target_serial: Some(text(row, 4)?).filter(|serial| !serial.is_empty()),
        request: text(row, 5)?,
        state,
        path: path(text(row, 14)?),
        sending: number(7)? != 0,
        cancelling: number(8)? != 0,
        report: serde_json::from_str(&text(row, 9)?).unwrap_or_else(|_| state.report(&ext_id)),
        submitted_at: number(10)?,
        next_attempt_at: number(11)?,
        answered_at: number(12)?,
        expires_at: number(13)?,
        ext_id,
    })
}

fn text(row: &Row, column: usize) -> rusqlite::Result<String> {
    let bytes = row.get_ref(column)?.as_bytes_or_null();
    let bytes = bytes.ok().flatten().unwrap_or_default();
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

pub fn to_text(report: &Report) -> String {
    serde_json::to_string(report).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_and_the_program_know_the_same_paths() {
        let file = Connection::open_in_memory().unwrap();
        let sql = format!("SELECT {KNOWN} FROM (SELECT ?1 AS operation)");
        let is_known = |operation: &str| -> bool {
            file.query_row(&sql, [operation], |row| row.get(0)).unwrap()
        };
        let each = (0..=255_u8).map(|byte| format!("/a{}b", char::from(byte)));
        let others = [
            "create-session",
            "create",
            "",
            "/",
            "//",
            "/a//b",
            "/..",
            "/a..b",
            "/.a/b.",
            "a/b",
            "/ж",
            "/]",
            "/[a",
        ];
        for operation in each.chain(others.map(str::to_owned)) {
            let known = path(operation.clone()).is_some();
            assert_eq!(is_known(&operation), known, "{operation:?}");
        }
    }
}
