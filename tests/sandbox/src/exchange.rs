//! One request from receipt to answer: read, recorded, answered, printed.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::body::Body;
use axum::extract::State as Shared;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::Extension;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::answer::{fault, Answer, Fields, Reply};
use crate::console;
use crate::journal::{Answered, Request};
use crate::request::LARGEST_BODY;
use crate::sandbox::State;
use crate::server::{Connection, CREATE_SESSION};

/// The layer around all routes. It buffers the body, so that a request is in the journal before
/// anything is decided about it, and hands it to the route as an `Arc<Request>` extension.
pub(crate) async fn record(
    Shared(state): Shared<Arc<State>>,
    Extension(connection): Extension<Connection>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let read = read(body).await;
    let bytes = match &read {
        Read::Whole(bytes) => bytes.clone(),
        _ => Vec::new(),
    };
    let exchange = Exchange::begin(state, received(&parts, connection.number, bytes));
    let response = match read {
        Read::Whole(_) => {
            parts.extensions.insert(Arc::clone(&exchange.request));
            let request = axum::extract::Request::from_parts(parts, Body::empty());
            next.run(request).await
        }
        Read::TooLarge => {
            let text = format!("Больше {LARGEST_BODY} байт.");
            Answer::from(Reply::rejected(6000, fault("body", &text))).into_response()
        }
        Read::Broken => {
            drop(exchange);
            return connection.close().await;
        }
    };
    let answered = response.extensions().get().cloned();
    let answered = answered.unwrap_or(Answered::Http(response.status().as_u16()));
    let faults = response.extensions().get().cloned();
    exchange.end(answered.clone(), &faults.unwrap_or_default());
    match answered {
        Answered::Closed => connection.close().await,
        Answered::Reset => connection.reset().await,
        _ => response,
    }
}

enum Read {
    Whole(Vec<u8>),
    TooLarge,
    /// The client left in the middle, or garbled the framing.
    Broken,
}

/// A body that is too large is read to its end and forgotten: a client that writes it all
/// before it reads would get a reset instead of its answer.
async fn read(mut body: Body) -> Read {
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Read::Broken;
        };
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len();
        if length <= LARGEST_BODY {
            bytes.extend_from_slice(data);
        }
    }
    if length <= LARGEST_BODY {
        Read::Whole(bytes)
    } else {
        Read::TooLarge
    }
}

fn received(parts: &Parts, connection: usize, body: Vec<u8>) -> Request {
    let json: Option<Value> = serde_json::from_slice(&body).ok();
    let ext_id = json.as_ref().and_then(|json| json.get("ext_id")?.as_str());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Request {
        number: 0,
        connection,
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect(),
        ext_id: ext_id
            .filter(|ext_id| !ext_id.is_empty())
            .map(str::to_owned),
        json,
        body,
        differs_in: Vec::new(),
        received_at: Instant::now(),
        answered: None,
    }
}

/// A request that is in the journal. hyper drops the handler of a client that leaves, so that
/// one dropped before its end was abandoned.
struct Exchange {
    state: Arc<State>,
    request: Arc<Request>,
    clock: SystemTime,
    ended: bool,
}

impl Exchange {
    fn begin(state: Arc<State>, mut request: Request) -> Exchange {
        if let (CREATE_SESSION, Some(ext_id), Some(Value::Object(body))) =
            (request.bare_path(), &request.ext_id, &request.json)
        {
            request.differs_in = state.documents.lock().unwrap().seen(ext_id, body);
        }
        state.journal.received(&mut request);
        Exchange {
            state,
            request: Arc::new(request),
            clock: SystemTime::now(),
            ended: false,
        }
    }

    fn end(mut self, answered: Answered, faults: &Fields) {
        self.finish(answered, faults);
    }

    fn finish(&mut self, answered: Answered, faults: &Fields) {
        self.ended = true;
        if self.state.options.print {
            let request = &self.request;
            let took = request.received_at.elapsed();
            let count = request.ext_id.as_deref();
            let count = count.map(|ext_id| self.state.documents.lock().unwrap().count(ext_id));
            let block = console::block(request, self.clock, &answered, faults, took, count);
            console::print(&block);
        }
        self.state.journal.answered(self.request.number, answered);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(Answered::Abandoned, &Fields::new());
        }
    }
}
