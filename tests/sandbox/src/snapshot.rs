//! The journal as JSON.

use std::sync::Arc;

use axum::extract::{RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::control::{refusal, reply};
use crate::document::Totals;
use crate::entry::Entry;
use crate::event::Event;
use crate::fields::{self, Words};
use crate::journal::Counts;
use crate::line::Line;
use crate::magic;
use crate::published::{self, Part};
use crate::sandbox::State;
use crate::switch::Positions;

/// The maximum number of ext_ids in the journal. The same ext_id on another path is a separate one.
const LINES: usize = 1000;

/// Returns the journal. `?since=VERSION` omits everything that has not changed since that version.
pub(crate) async fn journal(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let since = pairs.find_map(|(name, value)| (name == "since").then(|| value.parse()));
    match since.transpose() {
        Ok(since) => reply(&snapshot(&state, since.unwrap_or(0))),
        Err(_) => refusal(
            StatusCode::BAD_REQUEST,
            "since: нужно целое число от 0, version из прошлого ответа",
        ),
    }
}

#[derive(Serialize)]
struct Magic {
    field: &'static str,
    value: &'static str,
    effect: String,
}

fn magic() -> Vec<Magic> {
    let rows = magic::rows().into_iter();
    let magic = rows.map(|row| Magic {
        field: row.field,
        value: row.value,
        effect: row.effect_ru,
    });
    magic.collect()
}

/// The journal as JSON. Not a `Value`, which would lose the client's order of a body's fields.
#[derive(Serialize)]
struct Snapshot<'a> {
    /// Identifies this run of the sandbox. Everything that was read during another run is obsolete.
    run: &'a str,
    version: u64,
    base_url: String,
    /// The base URLs for other machines, if they can reach the sandbox.
    other_base_urls: Vec<String>,
    /// Differs from the till's port while that is closed.
    page_port: u16,
    tls: bool,
    counts: Counts,
    totals: Totals,
    switches: Positions,
    ext_ids: Vec<Line>,
    requests: Vec<Entry>,
    events: Vec<Event>,
    /// This field and the two that follow are present only in a complete snapshot.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    magic: Vec<Magic>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Words>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    published: Vec<Part>,
}

fn snapshot(state: &State, since: u64) -> Snapshot<'_> {
    // Read first, so that concurrent changes are included again the next time.
    let version = state.journal.changes.now();
    let (requests, counts) = state.journal.since(since);
    let documents = state.documents.lock().unwrap();
    let lines = documents.lines(since).take(LINES);
    let is_whole = since == 0;
    let mut urls = state.urls();
    let other_urls = urls.split_off(1);
    Snapshot {
        run: &state.run,
        version,
        base_url: urls.swap_remove(0),
        other_base_urls: other_urls,
        page_port: state.gate.page().port(),
        tls: state.options.tls,
        counts,
        totals: documents.totals(),
        switches: state.switches.now(),
        ext_ids: lines.cloned().collect(),
        requests,
        events: state.events.since(since),
        magic: is_whole.then(magic).unwrap_or_default(),
        fields: is_whole.then(fields::words).unwrap_or_default(),
        published: is_whole.then(published::parts).unwrap_or_default(),
    }
}
