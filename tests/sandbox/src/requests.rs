//! `GET /sandbox/requests`: waits for a number of matching requests and returns them, for a till's
//! own tests.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::Extension;
use serde_json::json;

use crate::connections::Connection;
use crate::control::{refusal, reply};
use crate::filter::Filter;
use crate::sandbox::State;

/// The maximum wait, in seconds.
const LONGEST: f64 = 600.0;
/// The default wait, in seconds.
const PATIENCE: f64 = 5.0;

/// The contents of a query.
#[derive(Debug, PartialEq)]
struct Wanted {
    filter: Filter,
    /// The number of requests to wait for.
    count: usize,
    limit: Duration,
}

impl Wanted {
    fn read(query: &str) -> Result<Wanted, String> {
        let (mut filter, mut count, mut limit) = (Filter::default(), 0, PATIENCE);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "wait" => {
                    let whole = value.parse();
                    count = whole.map_err(|_| "wait: нужно целое число запросов".to_owned())?;
                }
                "for" => {
                    let seconds = value.strip_suffix('s').unwrap_or(&value).parse();
                    let seconds = seconds
                        .ok()
                        .filter(|seconds| (0.0..=LONGEST).contains(seconds));
                    limit =
                        seconds.ok_or_else(|| format!("for: нужны секунды, от 0 до {LONGEST}"))?;
                }
                _ => filter.set(&name, &value)?,
            }
        }
        Ok(Wanted {
            filter,
            count,
            limit: Duration::from_secs_f64(limit),
        })
    }
}

/// Returns the matching requests that have ended, once there are enough of them.
pub(crate) async fn requests(
    Shared(state): Shared<Arc<State>>,
    Extension(connection): Extension<Connection>,
    RawQuery(query): RawQuery,
) -> Response {
    let wanted = match Wanted::read(&query.unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(text) => return refusal(StatusCode::BAD_REQUEST, &text),
    };
    let _busy = connection.busy();
    let mut changes = state.journal.changes.watch();
    let end = tokio::time::Instant::now() + wanted.limit;
    loop {
        changes.mark_unchanged();
        let found = state
            .journal
            .ended(|request| wanted.filter.matches(request));
        let count = found.len();
        if count >= wanted.count {
            return reply(&json!({ "count": count, "requests": found }));
        }
        let changed = tokio::time::timeout_at(end, changes.changed()).await;
        if !matches!(changed, Ok(Ok(()))) {
            let text = format!(
                "за {} с дождались запросов: {count}, а нужно {}",
                wanted.limit.as_secs_f64(),
                wanted.count
            );
            let reply = reply(&json!({ "error": text, "count": count, "requests": found }));
            return (StatusCode::REQUEST_TIMEOUT, reply).into_response();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_a_filter_a_count_and_a_limit() {
        let read = Wanted::read("ext_id=a%20b&wait=2&for=1.5s").unwrap();
        let filter = Filter::read("ext_id=a%20b").unwrap().unwrap();
        assert_eq!((read.filter, read.count), (filter, 2));
        assert_eq!(read.limit, Duration::from_millis(1500));
        let read = Wanted::read("").unwrap();
        assert_eq!((read.filter, read.count), (Filter::default(), 0));
        for (query, part) in [
            ("wait=x", "wait"),
            ("wait=-1", "wait"),
            ("for=-1", "for"),
            ("for=NaN", "for"),
            ("for=700", "600"),
            ("serial=1", "serial"),
        ] {
            let error = Wanted::read(query).unwrap_err();
            assert!(error.contains(part), "{query}: {error}");
        }
    }
}
