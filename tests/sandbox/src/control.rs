//! The page and its HTTP interface: `/` and everything below `/sandbox/`.
//!
//! An order is JSON, which a browser sends to another origin only after a question that is not answered
//! here; `origin` says who else is refused.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, Request, State as Shared};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{from_fn, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, MethodRouter};
use axum::{Extension, Router};
use http_body_util::channel::Channel;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::connections::Connection;
use crate::console;
use crate::document::Totals;
use crate::entry::Entry;
use crate::event::Event;
use crate::fields::{self, Words};
use crate::journal::Counts;
use crate::line::Line;
use crate::origin;
use crate::published::{self, Part};
use crate::sandbox::{page_url, State};
use crate::switch::{Answering, Name, Positions};

/// The page is told of changes this often at most.
const PAUSE: Duration = Duration::from_millis(100);
/// And that there are none this often, so that a connection that is gone is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// How many ext_ids the journal lists, each by its path.
const LINES: usize = 1000;

/// The page's files: path, type, text.
const FILES: [(&str, &str, &str); 10] = [
    ("/page.css", "text/css", include_str!("page/page.css")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ("/page.js", SCRIPT, include_str!("page/page.js")),
    ("/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/words.js", SCRIPT, include_str!("page/words.js")),
    ("/request.js", SCRIPT, include_str!("page/request.js")),
    ("/event.js", SCRIPT, include_str!("page/event.js")),
    ("/feed.js", SCRIPT, include_str!("page/feed.js")),
    ("/ext_ids.js", SCRIPT, include_str!("page/ext_ids.js")),
    ("/switches.js", SCRIPT, include_str!("page/switches.js")),
];
const SCRIPT: &str = "text/javascript";

pub(crate) fn routes() -> Router<Arc<State>> {
    let files = Router::new();
    let files = FILES.iter().fold(files, |files, (path, kind, text)| {
        files.route(path, fixed(kind, text))
    });
    let below = files
        .route("/journal.json", get(journal).fallback(wrong_method))
        .route("/events", get(events).fallback(wrong_method))
        .route("/answer", post(answer).fallback(wrong_method))
        .route("/certificate", post(certificate).fallback(wrong_method))
        .route("/notify", post(notify).fallback(wrong_method))
        .route("/reset", post(reset).fallback(wrong_method))
        .fallback(unknown);
    Router::new().nest("/sandbox", below).layer(from_fn(guard))
}

/// The page itself.
pub(crate) fn page() -> MethodRouter<Arc<State>> {
    fixed("text/html", include_str!("page/page.html")).layer(from_fn(guard))
}

fn fixed(kind: &'static str, text: &'static str) -> MethodRouter<Arc<State>> {
    get(move || async move {
        let kind = format!("{kind}; charset=UTF-8");
        ([(CONTENT_TYPE, kind)], text)
    })
}

async fn guard(request: Request, next: Next) -> Response {
    if let Err(refused) = origin::is_own(request.headers()) {
        return refusal(StatusCode::FORBIDDEN, refused);
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

pub(crate) fn refusal(status: StatusCode, text: &str) -> Response {
    (status, reply(&json!({ "error": text }))).into_response()
}

fn reply(value: &impl Serialize) -> Response {
    let kind = [(CONTENT_TYPE, "application/json; charset=UTF-8")];
    let text = serde_json::to_string(value).expect("the types given have no way to fail");
    (kind, text).into_response()
}

async fn unknown() -> Response {
    refusal(StatusCode::NOT_FOUND, "нет такого адреса")
}

async fn wrong_method() -> Response {
    let refused = refusal(StatusCode::METHOD_NOT_ALLOWED, "не тот метод");
    ([(ALLOW, "GET, POST")], refused).into_response()
}

/// `?since=VERSION` leaves out what has not changed since.
async fn journal(Shared(state): Shared<Arc<State>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let since = pairs.find_map(|(name, value)| (name == "since").then(|| value.parse()));
    match since.transpose() {
        Ok(since) => reply(&snapshot(&state, since.unwrap_or(0))),
        Err(_) => refusal(StatusCode::BAD_REQUEST, "since: целое число"),
    }
}

/// The journal as JSON. The order of a body's fields is the client's, which no Value keeps.
#[derive(Serialize)]
struct Snapshot<'a> {
    /// Another one: the sandbox was started anew, and what was read before is gone.
    run: &'a str,
    version: u64,
    base_url: String,
    /// Another one than the till's while that one is closed.
    page_port: u16,
    tls: bool,
    counts: Counts,
    totals: Totals,
    switches: Positions,
    ext_ids: Vec<Line>,
    requests: Vec<Entry>,
    events: Vec<Event>,
    /// These two only in a whole snapshot.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Words>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    published: Vec<Part>,
}

fn snapshot(state: &State, since: u64) -> Snapshot<'_> {
    // First, so that what changes meanwhile comes once more the next time.
    let version = state.journal.changes.now();
    let (requests, counts) = state.journal.since(since);
    let documents = state.documents.lock().unwrap();
    let lines = documents.lines(since).take(LINES);
    let is_whole = since == 0;
    Snapshot {
        run: &state.run,
        version,
        base_url: state.url(),
        page_port: state.gate.page().port(),
        tls: state.options.tls,
        counts,
        totals: documents.totals(),
        switches: state.switches.now(),
        ext_ids: lines.cloned().collect(),
        requests,
        events: state.events.since(since),
        fields: is_whole.then(fields::words).unwrap_or_default(),
        published: is_whole.then(published::parts).unwrap_or_default(),
    }
}

/// Server-sent events: each is the version at which something has changed.
async fn events(
    Shared(state): Shared<Arc<State>>,
    Extension(connection): Extension<Connection>,
) -> Response {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    let mut changes = state.journal.changes.watch();
    tokio::spawn(async move {
        let _busy = connection.busy();
        changes.mark_changed();
        loop {
            let waited = tokio::time::timeout(SIGN_OF_LIFE, changes.changed()).await;
            let text = match waited {
                Ok(Ok(())) => format!("data: {}\n\n", *changes.borrow_and_update()),
                Ok(Err(_)) => return,
                Err(_) => ":\n\n".to_owned(),
            };
            if sender.send_data(text.into()).await.is_err() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::new(body)).into_response()
}

/// An order from its JSON, or the refusal.
fn order<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, (StatusCode, String)> {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()?.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        let text = "Content-Type: должен быть application/json".to_owned();
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    serde_json::from_slice(body)
        .map_err(|error| (StatusCode::BAD_REQUEST, format!("JSON: {error}")))
}

/// The switches as they are now, or what was wrong.
async fn done(state: &Arc<State>, result: Result<(), String>) -> Response {
    if let Err(text) = result {
        return refusal(StatusCode::BAD_REQUEST, &text);
    }
    let opened = follow(state).await;
    state.journal.changes.next();
    if let Err(error) = opened {
        let text = format!("порт {} занять не удалось: {error}", state.address.port());
        return refusal(StatusCode::CONFLICT, &text);
    }
    let page_port = state.gate.page().port();
    reply(&json!({ "switches": state.switches.now(), "page_port": page_port }))
}

/// Opens or closes the port as the switches say.
async fn follow(state: &Arc<State>) -> io::Result<()> {
    let answering = state.switches.now().answer;
    open_or_close(state, &answering).await?;
    if let (Name::Refused, Some(seconds)) = (answering.answer, answering.seconds) {
        let (state, turn) = (Arc::clone(state), state.switches.turn());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            let usual = Answering::usual();
            if state.switches.turn() == turn && state.switches.set_answer(usual.clone()).is_ok() {
                // If the port is taken, the next order tries again.
                let _ = open_or_close(&state, &usual).await;
                state.journal.changes.next();
            }
        });
    }
    Ok(())
}

async fn open_or_close(state: &State, answering: &Answering) -> io::Result<()> {
    let open = answering.answer != Name::Refused;
    let was_open = state.gate.is_open();
    state.gate.set(open).await?;
    if state.options.print && open != was_open {
        let text = if open { "accepting" } else { "refusing" };
        let page = page_url(state.gate.page());
        console::print(&format!("{text} connections, page {page}\n"));
    }
    Ok(())
}

async fn answer(Shared(state): Shared<Arc<State>>, headers: HeaderMap, body: Bytes) -> Response {
    match order(&headers, &body) {
        Ok(answer) => done(&state, state.switches.set_answer(answer)).await,
        Err((status, text)) => refusal(status, &text),
    }
}

async fn certificate(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match order(&headers, &body) {
        Ok(_) if !state.options.tls => done(&state, Err("только с --tls".to_owned())).await,
        Ok(certificate) => done(&state, state.switches.set_certificate(certificate)).await,
        Err((status, text)) => refusal(status, &text),
    }
}

async fn notify(Shared(state): Shared<Arc<State>>, headers: HeaderMap, body: Bytes) -> Response {
    match order(&headers, &body) {
        Ok(notify) => {
            state.switches.set_notify(notify);
            done(&state, Ok(())).await
        }
        Err((status, text)) => refusal(status, &text),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    /// Not given: everything, as at the start.
    #[serde(default)]
    what: What,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum What {
    #[default]
    All,
    Switches,
    /// Requests, documents, and what is known of ext_ids.
    Journal,
}

async fn reset(Shared(state): Shared<Arc<State>>, headers: HeaderMap, body: Bytes) -> Response {
    let Reset { what } = match order(&headers, &body) {
        Ok(reset) => reset,
        Err((status, text)) => return refusal(status, &text),
    };
    if what != What::Journal {
        state.switches.reset();
    }
    if what != What::Switches {
        state.clear();
    }
    done(&state, Ok(())).await
}
