//! LifePay's answers with something wrong, of the kinds that proxies, PHP and bad networks make.

use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::answer::{php_json, Reply, Sent};
use crate::journal::Answered;

const JSON: &str = "application/json; charset=UTF-8";
const HTML: &str = "text/html; charset=UTF-8";
/// As PHP prints it before everything else if it is set up so.
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
    /// By so many bytes Content-Length is larger than the body.
    WrongLength(i32),
    /// With so long a pause between two bytes.
    Dripping(Duration),
}

/// An answer that a server which knows HTTP cannot be made to send.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) head: String,
    pub(crate) body: String,
    /// Between the body's bytes.
    pub(crate) pause: Option<Duration>,
    /// The client waits for more, and is left to.
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

    /// What Content-Length says, if that is not the body's length.
    fn wrong_length(&self) -> Option<usize> {
        match self.how {
            How::Cut => Some(php_json(&self.reply).len()),
            How::WrongLength(bytes) => self.body().len().checked_add_signed(bytes as isize),
            _ => None,
        }
    }

    /// None if it can be sent as others are.
    pub(crate) fn raw(&self) -> Option<Raw> {
        let body = self.body();
        let pause = match self.how {
            How::Cut | How::WrongLength(_) => None,
            How::Dripping(pause) => Some(pause),
            _ => return None,
        };
        let length = self.wrong_length().unwrap_or(body.len());
        Some(Raw {
            head: format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: {length}\r\n\r\n",
                self.kind()
            ),
            held: matches!(self.how, How::WrongLength(1..)),
            body,
            pause,
        })
    }

    /// As far as a client can read it.
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
