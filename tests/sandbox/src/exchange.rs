//! One request from receipt to answer: reads, records, answers and prints it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::extract::State as Shared;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::Extension;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::again::REPLAY;
use crate::answer::{fault, Answer, Fields, Reply, Sent};
use crate::asked::Asked;
use crate::connections::Connection;
use crate::console::Block;
use crate::entry::Entry;
use crate::journal::{Answered, Request};
use crate::malformed::Raw;
use crate::mask::Mask;
use crate::pairs::Pairs;
use crate::published;
use crate::request::LARGEST_BODY;
use crate::sandbox::State;

/// The layer around all routes. It buffers the body, so that a request is in the journal before it
/// is processed, and passes it to the route as an `Arc<Request>` extension.
pub(crate) async fn record(
    Shared(state): Shared<Arc<State>>,
    Extension(connection): Extension<Connection>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Body { bytes, length, end } = read(body, state.options.idle).await;
    let exchange = Exchange::begin(state, received(&parts, &connection, bytes, length));
    let mut response = match end {
        End::Whole => {
            parts.extensions.insert(Arc::clone(&exchange.request));
            let request = axum::extract::Request::from_parts(parts, axum::body::Body::empty());
            next.run(request).await
        }
        End::TooLarge => {
            let text = format!("Больше {LARGEST_BODY} байт.");
            let faults = fault("body", &text);
            exchange.state.found(&exchange.request, &faults);
            Answer::from(Reply::rejected(6000, faults)).into_response()
        }
        End::Late => {
            let seconds = exchange.state.options.idle.as_secs_f64();
            let faults = exchange.record_incomplete_body(&parts, &format!(" за {seconds} с"));
            exchange.end(Answered::Closed, &faults, None);
            return connection.close().await;
        }
        End::Broken => {
            exchange.record_incomplete_body(&parts, "");
            drop(exchange);
            return connection.close().await;
        }
    };
    let answered = response.extensions().get().cloned();
    let answered = answered.unwrap_or(Answered::Http(response.status().as_u16()));
    let faults = response.extensions().get().cloned();
    let faults: Fields = faults.unwrap_or_default();
    let sent = response.extensions().get().cloned().unwrap_or_default();
    if let Some(raw) = response.extensions_mut().remove::<Raw>() {
        let written = move || exchange.end(answered, &faults, sent);
        return connection.write(raw, written).await;
    }
    exchange.end(answered.clone(), &faults, sent);
    match answered {
        Answered::Closed => connection.close().await,
        Answered::Reset => connection.reset().await,
        _ => response,
    }
}

/// The part of a body that arrived.
struct Body {
    /// Empty if it was too large.
    bytes: Vec<u8>,
    length: usize,
    end: End,
}

enum End {
    Whole,
    TooLarge,
    /// The body was not complete in time.
    Late,
    /// The client disconnected before the end of the body, or its framing is invalid.
    Broken,
}

/// Reads a body. A body that is too large is read to its end and discarded: a client that writes
/// the whole body before it reads would otherwise get a reset instead of an answer.
async fn read(mut body: axum::body::Body, limit: Duration) -> Body {
    let mut bytes = Vec::new();
    let mut length = 0;
    let deadline = tokio::time::Instant::now() + limit;
    let end = loop {
        let frame = match tokio::time::timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => break End::Broken,
            Ok(None) if length > LARGEST_BODY => break End::TooLarge,
            Ok(None) => break End::Whole,
            Err(_) => break End::Late,
        };
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len();
        if length <= LARGEST_BODY {
            bytes.extend_from_slice(data);
        }
    };
    if matches!(end, End::TooLarge) {
        bytes = Vec::new();
    }
    Body { bytes, length, end }
}

fn received(parts: &Parts, connection: &Connection, body: Vec<u8>, length: usize) -> Request {
    let pairs: Option<Pairs> = serde_json::from_slice(&body).ok();
    let json = pairs.as_ref().map(Pairs::value);
    let json = json.or_else(|| serde_json::from_slice(&body).ok());
    let ext_id = json.as_ref().and_then(|json| json.get("ext_id")?.as_str());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // A client that uses the sandbox as a proxy sends a whole URL. Routes use its path only.
    let path = parts.uri.path_and_query();
    Request {
        id: 0,
        number: 0,
        connection: connection.number,
        client: connection.client,
        method: parts.method.to_string(),
        path: path.map_or_else(|| parts.uri.to_string(), ToString::to_string),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect(),
        ext_id: ext_id
            .filter(|ext_id| !ext_id.is_empty())
            .map(str::to_owned),
        json,
        pairs: pairs.map(Arc::new),
        asked: None,
        body,
        length,
        differs_in: Vec::new(),
        received_at: Instant::now(),
        answered: None,
    }
}

/// A request that is in the journal. hyper drops the handler if the client disconnects, so a value
/// that is dropped before `finish` was called is recorded as abandoned.
struct Exchange {
    state: Arc<State>,
    request: Arc<Request>,
    mask: Mask,
    clock: SystemTime,
    ended: bool,
}

impl Exchange {
    fn begin(state: Arc<State>, mut request: Request) -> Exchange {
        let clock = SystemTime::now();
        let mask = state.mask(&request);
        (request.id, request.number) = state.journal.number();
        let mut corrected = false;
        let json = request.json.as_ref().and_then(Value::as_object);
        let body = json.filter(|_| published::of(request.bare_path()).is_some());
        if let Some(body) = body {
            let asked = Asked::new(request.bare_path(), request.client, body, mask.clone());
            let asked = Asked {
                id: request.id,
                number: request.number,
                is_replay: request.header(REPLAY.as_str()).is_some(),
                ..asked
            };
            let version = state.journal.changes.next();
            let seen = state.documents.lock().unwrap().seen(&asked, version);
            (request.differs_in, corrected) = (seen.differs_in, seen.corrected);
            request.asked = Some(Arc::new(asked));
        }
        let mut entry = Entry::of(&request, clock, &mask);
        entry.corrected = corrected;
        state.journal.received(&request, entry);
        Exchange {
            state,
            request: Arc::new(request),
            mask,
            clock,
            ended: false,
        }
    }

    /// Records the finding that the body did not arrive completely. Returns it.
    fn record_incomplete_body(&self, parts: &Parts, when: &str) -> Fields {
        let length = parts.headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok());
        let text = format!(
            "Тело не пришло целиком: {} из {} байт{when}. Проверьте Content-Length.",
            self.request.body.len(),
            length.unwrap_or("?")
        );
        let faults = fault("body", &text);
        self.state.found(&self.request, &faults);
        faults
    }

    fn end(mut self, answered: Answered, faults: &Fields, sent: Option<Sent>) {
        self.finish(answered, faults, sent);
    }

    fn finish(&mut self, answered: Answered, faults: &Fields, sent: Option<Sent>) {
        self.ended = true;
        let (state, request) = (&self.state, &self.request);
        let took = request.received_at.elapsed();
        let verdict = request.asked.as_ref().and_then(|asked| {
            let version = state.journal.changes.next();
            let mut documents = state.documents.lock().unwrap();
            documents.ended(asked, version, &answered)
        });
        if state.options.print {
            let count = request.ext_id.as_deref();
            let path = request.bare_path();
            let count = count.map(|ext_id| state.documents.lock().unwrap().count(path, ext_id));
            let remarks = state.journal.look(request.id, Entry::remarks);
            let block = Block {
                request,
                mask: &self.mask,
                clock: self.clock,
                answered: &answered,
                faults,
                took,
                count,
                remarks: remarks.unwrap_or_default(),
            };
            block.print();
        }
        if let Some(verdict) = verdict {
            state.judged(verdict);
        }
        state.journal.note(request.id, |entry| {
            entry.took = Some(took);
            entry.answer = sent.map(|sent| sent.masked(&self.mask));
        });
        state.journal.answered(request.id, answered);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(Answered::Abandoned, &Fields::new(), None);
        }
    }
}
