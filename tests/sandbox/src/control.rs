//! The page and its HTTP interface: `/` and everything below `/sandbox/`.
//!
//! An order must be JSON. A browser sends JSON to another origin only after a preflight request,
//! which is not answered here. `origin` refuses other foreign requests.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Shared};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, MethodRouter};
use axum::{Extension, Router};
use http_body_util::channel::Channel;
use serde::Serialize;
use serde_json::json;

use crate::again;
use crate::connections::Connection;
use crate::har;
use crate::orders;
use crate::origin;
use crate::requests::requests;
use crate::sandbox::State;
use crate::snapshot::journal;

/// The minimum interval between two messages to the page about changes.
const PAUSE: Duration = Duration::from_millis(100);
/// The interval of messages while nothing changes. They reveal a broken connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The page's files: path, type, contents.
const FILES: [(&str, &str, &str); 23] = [
    ("/page.css", "text/css", include_str!("page/page.css")),
    ("/journal.css", "text/css", include_str!("page/journal.css")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ("/page.js", SCRIPT, include_str!("page/page.js")),
    ("/stream.js", SCRIPT, include_str!("page/stream.js")),
    ("/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/words.js", SCRIPT, include_str!("page/words.js")),
    ("/copy.js", SCRIPT, include_str!("page/copy.js")),
    ("/order.js", SCRIPT, include_str!("page/order.js")),
    ("/answers.js", SCRIPT, include_str!("page/answers.js")),
    ("/latency.js", SCRIPT, include_str!("page/latency.js")),
    ("/notify.js", SCRIPT, include_str!("page/notify.js")),
    ("/switches.js", SCRIPT, include_str!("page/switches.js")),
    ("/magic.js", SCRIPT, include_str!("page/magic.js")),
    ("/curl.js", SCRIPT, include_str!("page/curl.js")),
    ("/check.js", SCRIPT, include_str!("page/check.js")),
    ("/request.js", SCRIPT, include_str!("page/request.js")),
    ("/detail.js", SCRIPT, include_str!("page/detail.js")),
    ("/event.js", SCRIPT, include_str!("page/event.js")),
    ("/place.js", SCRIPT, include_str!("page/place.js")),
    ("/filter.js", SCRIPT, include_str!("page/filter.js")),
    ("/feed.js", SCRIPT, include_str!("page/feed.js")),
    ("/ext_ids.js", SCRIPT, include_str!("page/ext_ids.js")),
];
const SCRIPT: &str = "text/javascript";

pub(crate) fn routes() -> Router<Arc<State>> {
    let files = Router::new();
    let files = FILES.iter().fold(files, |files, (path, kind, text)| {
        files.route(path, fixed(kind, text))
    });
    let below = files
        .route("/journal.json", get(journal).fallback(only_get))
        .route("/journal.har", get(har::har).fallback(only_get))
        .route("/requests", get(requests).fallback(only_get))
        .route("/switches", get(orders::switches).fallback(only_get))
        .route("/events", get(events).fallback(only_get))
        .route("/answer", post(orders::answer).fallback(only_post))
        .route(
            "/certificate",
            post(orders::certificate).fallback(only_post),
        )
        .route("/latency", post(orders::latency).fallback(only_post))
        .route("/notify", post(orders::notify).fallback(only_post))
        .route("/replay", post(again::replay).fallback(only_post))
        .route("/resend", post(again::resend).fallback(only_post))
        .route("/reset", post(orders::reset).fallback(only_post))
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

pub(crate) fn reply(value: &impl Serialize) -> Response {
    let kind = [(CONTENT_TYPE, "application/json; charset=UTF-8")];
    let text = serde_json::to_string(value).expect("these types always serialize");
    (kind, text).into_response()
}

async fn unknown() -> Response {
    let text = "нет такого адреса; есть GET journal.json, journal.har, requests, switches и events, POST answer, latency, certificate, notify, replay, resend и reset";
    refusal(StatusCode::NOT_FOUND, text)
}

async fn only_get() -> Response {
    wrong_method("GET, HEAD", "метод: здесь только GET")
}

async fn only_post() -> Response {
    wrong_method("POST", "метод: здесь только POST")
}

fn wrong_method(allowed: &'static str, text: &str) -> Response {
    let refused = refusal(StatusCode::METHOD_NOT_ALLOWED, text);
    ([(ALLOW, allowed)], refused).into_response()
}

/// Sends server-sent events, each with the version of a change.
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
            let waited = tokio::time::timeout(KEEP_ALIVE, changes.changed()).await;
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
