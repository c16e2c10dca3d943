//! Sends something again on demand: a till's request, to the sandbox itself, or a notification.

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

/// The number of the request that is replayed.
pub(crate) const REPLAY: HeaderName = HeaderName::from_static("x-sandbox-replay");

/// Headers that belong to one connection, or are recreated.
const NOT_AGAIN: [HeaderName; 6] = [
    HOST,
    CONNECTION,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    EXPECT,
    REPLAY,
];

/// The number of what is to be sent again.
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

/// Answers once there is a connection. The journal shows the result of the request.
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
    let again = match again(&request) {
        Ok(again) => again,
        Err(error) => {
            let text = format!("запрос {number} нельзя повторить: {error}");
            return refusal(StatusCode::CONFLICT, &text);
        }
    };
    let url = state.url().parse().expect("a URL");
    match Client::connect(&url).await {
        Ok(client) => {
            tokio::spawn(async move {
                // The answer is read to its end: a client that leaves is another case.
                if let Ok(answer) = client.send(again).await {
                    let _ = answer.into_body().collect().await;
                }
            });
            reply(&json!({}))
        }
        Err(text) => refusal(StatusCode::CONFLICT, &text),
    }
}

fn again(request: &journal::Request) -> Result<Request<Body>, axum::http::Error> {
    let mut again = Request::builder()
        .method(&request.method[..])
        .uri(&request.path)
        .header(REPLAY, request.number);
    for (name, value) in &request.headers {
        if !NOT_AGAIN.iter().any(|never| never == name.as_str()) {
            again = again.header(name, value);
        }
    }
    again.body(Body::from(request.body.clone()))
}

/// Answers at once. The journal shows the result of the notification.
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
