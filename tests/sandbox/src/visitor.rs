//! Requests that browsers and similar tools make by themselves. They are answered but not recorded,
//! because no till has sent them.

use axum::extract::Request;
use axum::http::header::{HeaderName, CONTENT_TYPE};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::published;
use crate::server::PORTAL;

/// Paths that browsers and tools request on their own.
const PROBES: [&str; 6] = [
    "/favicon.ico",
    "/robots.txt",
    "/sitemap.xml",
    "/browserconfig.xml",
    "/manifest.json",
    "/site.webmanifest",
];
/// Prefixes of further such paths.
const PROBED: [&str; 2] = ["/.well-known/", "/apple-touch-icon"];

/// Browsers send this header with every request to a local address; tills never do.
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The layer around the recorded routes.
pub(crate) async fn not_recorded(request: Request, next: Next) -> Response {
    if !request.method().is_safe() {
        return next.run(request).await;
    }
    let path = request.uri().path();
    if path == "/favicon.ico" {
        let kind = [(CONTENT_TYPE, "image/svg+xml")];
        return (kind, include_str!("page/icon.svg")).into_response();
    }
    let is_probe = PROBES.contains(&path) || PROBED.iter().any(|begin| path.starts_with(begin));
    let is_browser = request.headers().contains_key(SEC_FETCH_DEST);
    // Recorded even if a person opens it in a browser, because a till could request it by mistake.
    let is_tills = published::of(path).is_some() || path == PORTAL;
    if is_probe || is_browser && !is_tills {
        return (StatusCode::NOT_FOUND, "Not found\n").into_response();
    }
    next.run(request).await
}
