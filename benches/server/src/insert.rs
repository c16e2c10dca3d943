//! The alternative that a till's programmer would write: a table of requests in SQLite, with one
//! insert per request, as durable as the outbox (write-ahead log, `synchronous = FULL`).
//!
//! `bare-insert FILE COUNT` prints the microseconds of each insert, one per line. With a third
//! argument `indexed` the table has an index of pending requests, like the outbox's. It costs one page
//! of the log per insert.

use std::time::{Instant, SystemTime};
use std::{env, error, fmt::Write, process};

use rusqlite::Connection;

const REQUEST: &str = include_str!("../../request.json");

fn main() -> Result<(), Box<dyn error::Error>> {
    let arguments: Vec<String> = env::args().collect();
    let (file, count, is_indexed) = match arguments.as_slice() {
        [_, file, count] => (file, count, false),
        [_, file, count, form] if form == "indexed" => (file, count, true),
        _ => return Err("usage: bare-insert FILE COUNT [indexed]".into()),
    };
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS request (
            id INTEGER PRIMARY KEY,
            ext_id TEXT NOT NULL UNIQUE,
            request TEXT NOT NULL,
            state INTEGER NOT NULL,
            submitted_at INTEGER NOT NULL
        )",
    )?;
    if is_indexed {
        connection.execute_batch(
            "CREATE INDEX IF NOT EXISTS request_by_state ON request (state, submitted_at)",
        )?;
    }
    let mut insert = connection.prepare(
        "INSERT INTO request (ext_id, request, state, submitted_at) VALUES (?1, ?2, 0, ?3)",
    )?;
    let run = SystemTime::UNIX_EPOCH.elapsed()?.as_nanos();
    let mut times = String::new();
    for number in 0..count.parse()? {
        let number: u32 = number;
        let ext_id = format!("{}-{run}-{number}", process::id());
        let began = Instant::now();
        let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_millis())?;
        insert.execute((&ext_id, REQUEST.trim_end(), now))?;
        writeln!(times, "{:.1}", began.elapsed().as_secs_f64() * 1e6)?;
    }
    print!("{times}");
    Ok(())
}
