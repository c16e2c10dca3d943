//! Checks the origin of requests. A page of another site in the programmer's browser must not
//! change switches, read the journal or make documents.
//!
//! On the page's own paths a foreign Origin is refused, and also a Host that is a domain name,
//! because anyone can make their name resolve to 127.0.0.1. A till may use any name (the hosts
//! file, a proxy), but it is not a browser: on a till's paths, requests are refused if a browser's
//! headers name another page.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HeaderName, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::control::refusal;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The layer around everything but the page's own paths.
pub(crate) async fn no_foreign_page(request: Request, next: Next) -> Response {
    let headers = request.headers();
    // Following a link from another site only reads.
    let is_read = request.method().is_safe();
    let site = text(headers, SEC_FETCH_SITE).filter(|_| !is_read);
    let refused = match site {
        Some("cross-site" | "same-site") => {
            Err("Sec-Fetch-Site: запрос чужой страницы в браузере; касса такого не отправляет")
        }
        _ => has_no_foreign_origin(headers),
    };
    match refused {
        Ok(()) => next.run(request).await,
        Err(text) => refusal(StatusCode::FORBIDDEN, text),
    }
}

/// Checks whether a request comes from the sandbox's page or from a program.
pub(crate) fn is_own(headers: &HeaderMap) -> Result<(), &'static str> {
    if !is_ours(text(headers, HOST).unwrap_or_default()) {
        return Err(
            "Host: страница песочницы открывается по IP-адресу, localhost или имени без домена",
        );
    }
    has_no_foreign_origin(headers)
}

fn has_no_foreign_origin(headers: &HeaderMap) -> Result<(), &'static str> {
    let host = text(headers, HOST).unwrap_or_default();
    let origin = text(headers, ORIGIN);
    let origin = origin.map(|origin| origin.split_once("://").map(|(_, host)| host));
    if origin.is_some_and(|origin| origin != Some(host) || !is_ours(host)) {
        return Err(
            "Origin: запрос чужой страницы в браузере; касса такого заголовка не отправляет",
        );
    }
    Ok(())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let value = headers.get(name)?;
    Some(value.to_str().unwrap_or("?"))
}

/// Whether a host is local. A name without a dot exists only in the local network.
fn is_ours(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok()
        || !name.is_empty() && !name.contains('.')
        || name.ends_with(".localhost")
        || name.ends_with(".local")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_anyone_could_own_is_not_ours() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "[::1]:8080",
            "localhost:1",
            "till",
            "pc.local",
        ] {
            assert!(is_ours(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
        ] {
            assert!(!is_ours(host), "{host}");
        }
    }
}
