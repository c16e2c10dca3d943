//! Replays a recorded request to the sandbox itself, and resends notifications.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as Shared;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderName, Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::json;

use crate::client::Client;
use crate::control::{refusal, reply};
use crate::journal;
use crate::order::{FromBody, Order, Ordered};
use crate::sandbox::State;

/// The header with the number of the replayed request.
pub(crate) const REPLAY: HeaderName = HeaderName::from_static("x-sandbox-replay");

/// Headers that are not copied, because they belong to one connection or are recreated.
const NOT_COPIED: [HeaderName; 6] = [
    HOST,
    CONNECTION,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    EXPECT,
    REPLAY,
];

/// The number of a request to replay or of a notification to resend.
pub(crate) struct Number(usize);

impl FromBody for Number {
    fn from_body(body: &[u8]) -> Result<Number, String> {
        let mut order = Order::new(body)?;
        let number = order.whole("number", 1..=i64::MAX)?;
        order.end()?;
        let number = number.ok_or("number: укажите номер из журнала")?;
        Ok(Number(usize::try_from(number).unwrap_or(usize::MAX)))
    }
}

/// Replays a request. Answers once the connection is established; the journal shows the result.
pub(crate) async fn replay(
    Shared(state): Shared<Arc<State>>,
    Ordered(Number(number)): Ordered<Number>,
) -> Response {
    let Some(request) = state.journal.request(number) else {
        let text = format!("запроса {number} в журнале нет");
        return refusal(StatusCode::NOT_FOUND, &text);
    };
    if request.length != request.body.len() {
        let text =
            format!("запрос {number} нельзя повторить: его тело слишком велико и не хранится");
        return refusal(StatusCode::CONFLICT, &text);
    }
    let copy = match copy_of(&request) {
        Ok(copy) => copy,
        Err(error) => {
            let text = format!("запрос {number} нельзя повторить: {error}");
            return refusal(StatusCode::CONFLICT, &text);
        }
    };
    let url = state.url().parse().expect("a URL");
    match Client::connect(&url).await {
        Ok(client) => {
            tokio::spawn(async move {
                // Read to the end: a request whose client disconnects is recorded as abandoned.
                if let Ok(answer) = client.send(copy).await {
                    let _ = answer.into_body().collect().await;
                }
            });
            reply(&json!({}))
        }
        Err(text) => refusal(StatusCode::CONFLICT, &text),
    }
}

fn copy_of(request: &journal::Request) -> Result<Request<Body>, axum::http::Error> {
    let mut copy = Request::builder()
        .method(&request.method[..])
        .uri(&request.path)
        .header(REPLAY, request.number);
    for (name, value) in &request.headers {
        if !NOT_COPIED.iter().any(|excluded| excluded == name.as_str()) {
            copy = copy.header(name, value);
        }
    }
    copy.body(Body::from(request.body.clone()))
}

/// Resends a notification. Answers at once; the journal shows the result of the notification.
pub(crate) async fn resend(
    Shared(state): Shared<Arc<State>>,
    Ordered(Number(number)): Ordered<Number>,
) -> Response {
    let Some((notifications, status)) = state.events.notification(number) else {
        let text = format!("уведомления {number} в журнале нет");
        return refusal(StatusCode::NOT_FOUND, &text);
    };
    tokio::spawn(async move { notifications.send_one(&state, status).await });
    reply(&json!({}))
}
