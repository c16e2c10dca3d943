//! Notifications to callback_url.
//!
//! Their form is the sandbox's own. LifePay's is not published, and only the texts of the
//! statuses are the page's: a till must not be built on what is sent here.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::answer::php_json;
use crate::console;
use crate::document::Document;

const LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Notification {
    pub(crate) url: String,
    /// The URL for people to read.
    pub(crate) shown_url: String,
    pub(crate) data: String,
    pub(crate) print: bool,
}

/// The JSON text of a notification.
pub(crate) fn data(document: &Document, callback_data: Option<&Value>) -> String {
    #[derive(Serialize)]
    struct Data<'a> {
        uuid: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        ext_id: Option<&'a str>,
        status: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        callback_data: Option<&'a Value>,
    }
    php_json(&Data {
        uuid: &document.uuid,
        ext_id: document.ext_id.as_deref(),
        status: "обработан",
        callback_data,
    })
}

/// Sends a notification once. A failure is printed and changes nothing.
pub(crate) async fn send(notification: Notification) {
    let begun = Instant::now();
    let outcome = match tokio::time::timeout(LIMIT, post(&notification)).await {
        Ok(Ok(status)) => format!("HTTP {status}"),
        Ok(Err(reason)) => format!("failed: {reason}"),
        Err(_) => "failed: no answer in time".to_owned(),
    };
    if notification.print {
        console::print(&format!(
            "notification to {}: {outcome}, {} ms\n",
            console::plain(&notification.shown_url),
            begun.elapsed().as_millis()
        ));
    }
}

async fn post(notification: &Notification) -> Result<u16, String> {
    let uri: Uri = notification
        .url
        .parse()
        .map_err(|_| "not a URL".to_owned())?;
    if uri.scheme_str() != Some("http") {
        return Err("the sandbox notifies http:// addresses only".to_owned());
    }
    let host = uri.host().ok_or("the URL has no host")?;
    // An IPv6 address has brackets in a URL, but not where it is connected to.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((bare, port)).await.map_err(text)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(text)?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("data", &notification.data)
        .finish();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path)
        .header(HOST, format!("{host}:{port}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .map_err(text)?;
    // Ends when the sender is dropped; its errors are the sender's, too.
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(text)?;
    Ok(response.status().as_u16())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
