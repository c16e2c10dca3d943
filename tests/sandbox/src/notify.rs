//! Notifications to callback_url.
//!
//! Their format is the sandbox's own, because LifePay's format is not published. Only the texts of
//! the statuses are LifePay's. A till must not depend on this format.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, Uri};
use serde::Serialize;
use serde_json::{json, Value};

use crate::answer::php_json;
use crate::client::{Client, LIMIT};
use crate::console;
use crate::event::EventKind;
use crate::mask::Mask;
use crate::notifying::Notifying;
use crate::sandbox::State;

/// The JSON of a notification.
#[derive(Serialize)]
struct Data {
    uuid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ext_id: Option<String>,
    /// In the wording of LifePay's page.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_data: Option<Value>,
}

/// The data that all notifications of a document share.
pub(crate) struct Notifications {
    /// The number of the request that made the document.
    pub(crate) request: usize,
    pub(crate) url: String,
    pub(crate) uuid: String,
    pub(crate) ext_id: Option<String>,
    pub(crate) callback_data: Option<Value>,
    pub(crate) mask: Mask,
}

impl Notifications {
    /// Sends the ordered notifications one after another, until the journal is cleared.
    pub(crate) async fn send(self: Arc<Self>, state: Arc<State>, notifying: Notifying) {
        let cleared = state.journal.cleared();
        for step in notifying.steps() {
            tokio::time::sleep(step.pause()).await;
            if state.journal.cleared() != cleared {
                return;
            }
            if let Some(status) = step.status.words() {
                self.send_one(&state, status).await;
            }
        }
    }

    /// Sends one notification, and shows and prints its result. A failure has no other effect.
    pub(crate) async fn send_one(self: &Arc<Self>, state: &State, status: &'static str) {
        let started = Instant::now();
        let data = Data {
            uuid: self.uuid.clone(),
            ext_id: self.ext_id.clone(),
            status,
            callback_data: self.callback_data.clone(),
        };
        let shown_url = self.mask.text(&self.url);
        let kind = EventKind::Notification {
            request: self.request,
            url: shown_url.clone(),
            status,
            data: self.mask.json(&json!(data)),
            http_status: None,
            error: None,
            took: None,
            notifications: Arc::clone(self),
        };
        let event = state.events.add(&state.journal.changes, kind);
        let answer = match tokio::time::timeout(LIMIT, post(&self.url, &php_json(&data))).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("нет ответа за {} с", LIMIT.as_secs())),
        };
        let elapsed = started.elapsed();
        if state.options.print {
            let outcome = match &answer {
                Ok(status) => format!("HTTP {status}"),
                Err(reason) => format!("failed: {reason}"),
            };
            console::print(&format!(
                "notification to {}: {outcome}, {} ms\n",
                console::plain(&shown_url),
                elapsed.as_millis()
            ));
        }
        state.events.note(&state.journal.changes, event, |kind| {
            if let EventKind::Notification {
                http_status,
                error,
                took,
                ..
            } = kind
            {
                *took = Some(elapsed);
                *http_status = answer.as_ref().ok().copied();
                *error = answer.err().map(|reason| self.mask.text(&reason));
            }
        });
    }
}

async fn post(url: &str, data: &str) -> Result<u16, String> {
    let uri: Uri = url
        .parse()
        .map_err(|_| "callback_url — не адрес: нужен http://узел:порт/путь".to_owned())?;
    let client = Client::connect(&uri);
    let client = client
        .await
        .map_err(|text| format!("callback_url: {text}"))?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("data", data)
        .finish();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .expect("the path comes from a URL");
    let response = client.send(request).await?;
    Ok(response.status().as_u16())
}
