//! Notifications to callback_url.
//!
//! Their form is the sandbox's own. LifePay's is not published, and only the texts of the
//! statuses are the page's: a till must not be built on what is sent here.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde_json::{json, Value};
use tokio::net::TcpStream;

use crate::answer::php_json;
use crate::console;
use crate::event::What;
use crate::mask::Mask;
use crate::sandbox::State;

const LIMIT: Duration = Duration::from_secs(10);
const NO_URL: &str = "callback_url — не адрес: нужен http://узел:порт/путь";

/// The JSON of a notification.
#[derive(Serialize)]
pub(crate) struct Data {
    pub(crate) uuid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ext_id: Option<String>,
    /// In the page's words.
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) callback_data: Option<Value>,
}

/// Sends a notification once. It is shown and printed; a failure changes nothing.
pub(crate) async fn send(state: Arc<State>, request: usize, url: String, data: Data, mask: Mask) {
    let begun = Instant::now();
    let shown_url = mask.text(&url);
    let what = What::Notification {
        request,
        url: shown_url.clone(),
        status: data.status,
        data: mask.json(&json!(data)),
        http_status: None,
        error: None,
        took: None,
    };
    let event = state.events.add(&state.journal.changes, what);
    let answer = match tokio::time::timeout(LIMIT, post(&url, &php_json(&data))).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("нет ответа за {} с", LIMIT.as_secs())),
    };
    let elapsed = begun.elapsed();
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
    state.events.note(&state.journal.changes, event, |what| {
        if let What::Notification {
            http_status,
            error,
            took,
            ..
        } = what
        {
            *took = Some(elapsed);
            *http_status = answer.as_ref().ok().copied();
            *error = answer.err().map(|reason| mask.text(&reason));
        }
    });
}

async fn post(url: &str, data: &str) -> Result<u16, String> {
    let uri: Uri = url.parse().map_err(|_| NO_URL.to_owned())?;
    let scheme = uri.scheme_str().ok_or(NO_URL)?;
    if scheme != "http" {
        return Err(
            "песочница уведомляет только по http://: задайте такой callback_url".to_owned(),
        );
    }
    let host = uri.host().ok_or(NO_URL)?;
    // An IPv6 address has brackets in a URL, but not where it is connected to.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((bare, port)).await;
    let stream = stream.map_err(|error| unreachable(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(unanswered)?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("data", data)
        .finish();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path)
        .header(HOST, format!("{host}:{port}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .map_err(|_| NO_URL)?;
    // Ends when the sender is dropped; its errors are the sender's, too.
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(unanswered)?;
    Ok(response.status().as_u16())
}

/// Why there is no connection, with the system's own words.
fn unreachable(error: &io::Error) -> String {
    let text = match error.kind() {
        ErrorKind::ConnectionRefused => "соединение не принято: там никто не слушает этот порт",
        ErrorKind::ConnectionReset => "соединение сброшено",
        ErrorKind::TimedOut => "соединение не установлено вовремя",
        _ => "соединиться не удалось: проверьте узел и порт в callback_url",
    };
    format!("{text} ({error})")
}

fn unanswered(error: hyper::Error) -> String {
    let text = if error.is_parse() {
        "ответ — не HTTP"
    } else {
        "соединение закрыто без ответа"
    };
    format!("{text} ({error})")
}
