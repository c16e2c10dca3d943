//! The journal in the HTTP Archive format, version 1.2, which browsers and HTTP tools read. It is
//! masked like the journal.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::{json, Value};

use crate::control::reply;
use crate::entry::{utc_text, Entry};
use crate::sandbox::State;

pub(crate) async fn har(Shared(state): Shared<Arc<State>>) -> Response {
    let (entries, _) = state.journal.since(0);
    let base_url = state.url();
    let entries: Vec<_> = entries.iter().map(|entry| of(entry, &base_url)).collect();
    reply(&json!({
        "log": {
            "version": "1.2",
            "creator": {"name": "lifepay-sandbox", "version": env!("CARGO_PKG_VERSION")},
            "entries": entries,
        }
    }))
}

fn of(entry: &Entry, base_url: &str) -> Value {
    // 0 while the duration is not known.
    let took = entry.took.unwrap_or_default().as_millis();
    json!({
        "startedDateTime": utc_text(entry.time),
        "time": took,
        "request": request(entry, base_url),
        "response": response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "connection": entry.connection.to_string(),
        "comment": format!("№ {}", entry.number),
    })
}

fn request(entry: &Entry, base_url: &str) -> Value {
    let headers = entry.headers.iter();
    let headers: Vec<_> = headers.map(|(name, value)| header(name, value)).collect();
    let mut request = json!({
        "method": entry.method,
        "url": format!("{base_url}{}", entry.path),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "queryString": [],
        "headersSize": -1,
        "bodySize": entry.body_bytes,
    });
    let body = entry.body.as_ref().map(|body| json!(body).to_string());
    if let Some(text) = body.or_else(|| entry.body_text.clone()) {
        let kind = entry
            .headers
            .iter()
            .find(|(name, _)| name == "content-type");
        let kind = kind.map_or("", |(_, value)| value);
        request["postData"] = json!({"mimeType": kind, "text": text});
    }
    request
}

/// Returns the response. If nothing was sent, its status is 0, as in the archives of browsers.
fn response(entry: &Entry) -> Value {
    let sent = entry.answer.clone().unwrap_or_default();
    let status = StatusCode::from_u16(sent.status).ok();
    let body = sent.body();
    let kind = match body.chars().next() {
        Some('{') => "application/json",
        Some(_) => "text/html",
        None => "",
    };
    let headers = sent.header.iter();
    let headers: Vec<_> = headers.map(|(name, value)| header(name, value)).collect();
    let location = sent.header.filter(|(name, _)| name == "location");
    let location = location.filter(|(_, value)| value.parse::<Uri>().is_ok());
    json!({
        "status": sent.status,
        "statusText": status.and_then(|status| status.canonical_reason()).unwrap_or_default(),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": {"size": body.len(), "mimeType": kind, "text": body},
        "redirectURL": location.map_or_else(String::new, |(_, value)| value),
        "headersSize": -1,
        "bodySize": body.len(),
    })
}

fn header(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}
