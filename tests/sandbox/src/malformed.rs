//! Malformed answers of LifePay, as proxies, PHP and unreliable networks produce them.

use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::answer::{php_json, Reply, Sent};
use crate::journal::Answered;

const JSON: &str = "application/json; charset=UTF-8";
const HTML: &str = "text/html; charset=UTF-8";
/// A warning, which PHP prints before the answer if it is configured to do so.
const WARNING: &str = "<br />\n<b>Warning</b>:  Undefined array key &quot;cashier&quot; in \
     <b>/var/www/api/print.php</b> on line <b>42</b><br />\n";

#[derive(Clone)]
pub(crate) struct Malformed {
    pub(crate) reply: Reply,
    pub(crate) how: How,
}

#[derive(Clone, Copy)]
pub(crate) enum How {
    TextCode,
    PhpWarning,
    BrokenJson,
    Empty,
    Cut,
    /// Content-Length exceeds the body by this many bytes.
    WrongLength(i32),
    /// The body is sent byte by byte, with this pause between two bytes.
    Dripping(Duration),
}

/// An answer that an HTTP server library cannot send.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) head: String,
    pub(crate) body: String,
    /// The pause between the body's bytes.
    pub(crate) pause: Option<Duration>,
    /// Whether the connection is kept open while the client waits for more.
    pub(crate) held: bool,
}

impl Malformed {
    fn body(&self) -> String {
        let json = php_json(&self.reply);
        match self.how {
            How::TextCode => {
                let (before, after) = json.split_once(',').expect("code, message and data");
                let code = before.trim_start_matches("{\"code\":");
                format!("{{\"code\":\"{code}\",{after}")
            }
            How::PhpWarning => format!("{WARNING}{json}"),
            How::BrokenJson => format!("{},}}", json.trim_end_matches('}')),
            How::Empty => String::new(),
            How::Cut => json[..json.len() / 2].to_owned(),
            How::WrongLength(_) | How::Dripping(_) => json,
        }
    }

    fn kind(&self) -> &'static str {
        match self.how {
            How::PhpWarning => HTML,
            _ => JSON,
        }
    }

    /// Returns the value of Content-Length, if it is not the body's length.
    fn wrong_length(&self) -> Option<usize> {
        let whole = || php_json(&self.reply).len();
        match self.how {
            How::Cut => Some(whole()),
            How::WrongLength(bytes) => Some(whole().saturating_add_signed(bytes as isize)),
            _ => None,
        }
    }

    /// Returns None if the HTTP server library can send the answer.
    pub(crate) fn raw(&self) -> Option<Raw> {
        let pause = match self.how {
            How::Cut | How::WrongLength(_) => None,
            How::Dripping(pause) => Some(pause),
            _ => return None,
        };
        let body = self.body();
        let length = self.wrong_length().unwrap_or(body.len());
        Some(Raw {
            head: format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n",
                self.kind()
            ),
            held: matches!(self.how, How::WrongLength(1..)),
            body,
            pause,
        })
    }

    /// Returns the answer as far as a client can read it.
    pub(crate) fn answered(&self) -> Answered {
        match self.how {
            How::TextCode | How::Dripping(_) => self.reply.answered(),
            _ => Answered::Malformed,
        }
    }

    pub(crate) fn sent(&self) -> Sent {
        let length = self.wrong_length();
        let length = length.map(|length| ("content-length".to_owned(), length.to_string()));
        let sent = Sent {
            status: 200,
            header: length,
            ..Sent::default()
        };
        match self.how {
            How::Dripping(_) => Sent {
                json: Some(self.reply.clone()),
                ..sent
            },
            _ => Sent {
                text: Some(self.body()),
                ..sent
            },
        }
    }
}

impl IntoResponse for Malformed {
    fn into_response(self) -> Response {
        match self.raw() {
            None => ([(CONTENT_TYPE, self.kind())], self.body()).into_response(),
            Some(raw) => {
                let mut response = ().into_response();
                response.extensions_mut().insert(raw);
                response
            }
        }
    }
}
