//! Answers: LifePay's JSON in the format of its PHP, and the answers of servers on the way, such as
//! proxies.

use std::collections::BTreeMap;

use axum::http::header::{HeaderName, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::journal::Answered;
use crate::malformed::Malformed;
use crate::mask::Mask;

/// The answer to a client, or the way in which the connection ends without one.
pub(crate) enum Answer {
    /// With HTTP 200, unless the path is unknown.
    LifePay(StatusCode, Reply),
    Page(Page),
    /// LifePay's answer, malformed.
    Malformed(Malformed),
    /// The connection is closed normally, without an answer.
    Close,
    /// The connection is reset.
    Reset,
}

/// LifePay's answer. The order of the fields is that of LifePay's page.
#[derive(Clone, Serialize)]
pub(crate) struct Reply {
    code: i32,
    message: String,
    data: Data,
}

#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Data {
    /// PHP has one type for lists and maps, so it writes an empty map as `[]`.
    Empty([(); 0]),
    Uuid {
        uuid: String,
    },
    Fields(Fields),
}

/// Faults by field.
pub(crate) type Fields = BTreeMap<String, Vec<String>>;

impl Reply {
    /// Accepts a request. `uuid` is None in test mode.
    pub(crate) fn accepted(uuid: Option<String>) -> Reply {
        Reply {
            code: 0,
            message: String::new(),
            data: uuid.map_or(Data::Empty([]), |uuid| Data::Uuid { uuid }),
        }
    }

    pub(crate) fn rejected(code: i32, fields: Fields) -> Reply {
        Reply::rejected_as(code, message(code), fields)
    }

    pub(crate) fn rejected_as(code: i32, message: String, fields: Fields) -> Reply {
        Reply {
            code,
            message,
            data: if fields.is_empty() {
                Data::Empty([])
            } else {
                Data::Fields(fields)
            },
        }
    }

    /// The rejection that LifePay's page gives as an example.
    pub(crate) fn printer_not_found() -> Reply {
        Reply::rejected(400, fault("target_serial", "Принтер не найден."))
    }

    /// Returns the faults by field; empty if there are none or they concern no field.
    fn faults(&self) -> Fields {
        match &self.data {
            Data::Fields(fields) => fields.clone(),
            _ => Fields::new(),
        }
    }

    pub(crate) fn masked(mut self, mask: &Mask) -> Reply {
        self.message = mask.text(&self.message);
        if let Data::Fields(fields) = self.data {
            let masked = fields.into_iter().map(|(field, texts)| {
                let texts = texts.iter().map(|text| mask.text(text));
                (mask.name(&field), texts.collect())
            });
            self.data = Data::Fields(masked.collect());
        }
        self
    }

    /// Removes the uuid, if there is one.
    pub(crate) fn without_uuid(mut self) -> Reply {
        if self.uuid().is_some() {
            self.data = Data::Empty([]);
        }
        self
    }

    /// Returns LifePay's code and the uuid, for the journal.
    pub(crate) fn answered(&self) -> Answered {
        Answered::Code {
            code: self.code,
            uuid: self.uuid().map(str::to_owned),
        }
    }

    fn uuid(&self) -> Option<&str> {
        match &self.data {
            Data::Uuid { uuid } => Some(uuid),
            _ => None,
        }
    }
}

pub(crate) fn fault(field: &str, text: &str) -> Fields {
    Fields::from([(field.to_owned(), vec![text.to_owned()])])
}

/// Returns the text of a code with the wording of LifePay's page, including its full stop.
pub(crate) fn message(code: i32) -> String {
    match code {
        400 => "Ошибка данных.",
        500 => "Внутренняя ошибка сервера",
        6000 => "Неверный формат данных",
        6009 => "Не удалось найти пользователя по login",
        6010 => "Не удалось найти пользователя по login и apikey",
        6080 => "Облачная фискализация запрещена",
        6095 => "Доступ запрещен",
        _ => return format!("Ошибка {code}"),
    }
    .to_owned()
}

/// Writes JSON as PHP's json_encode does by default: ASCII only, slashes escaped. Non-ASCII
/// characters and slashes occur only inside strings, so they can be escaped in the finished text.
pub(crate) fn php_json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("these types always serialize");
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '/' => text.push_str("\\/"),
            ' '..='~' => text.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text
}

/// An HTML page, as proxies and captive portals send it, and servers during an outage.
pub(crate) struct Page {
    status: StatusCode,
    header: Option<(HeaderName, String)>,
    title: String,
    /// Advice for the reader of the page.
    advice: &'static str,
}

impl Page {
    pub(crate) fn unavailable() -> Page {
        Page {
            title: "503 Service Temporarily Unavailable".to_owned(),
            ..Page::of_status(StatusCode::SERVICE_UNAVAILABLE, None)
        }
    }

    /// The page of a server on the way, such as a proxy.
    pub(crate) fn of_status(status: StatusCode, retry_after: Option<u32>) -> Page {
        Page {
            status,
            header: retry_after.map(|seconds| (RETRY_AFTER, seconds.to_string())),
            title: match status.canonical_reason() {
                Some(reason) => format!("{} {reason}", status.as_u16()),
                None => status.as_u16().to_string(),
            },
            advice: "",
        }
    }

    /// The page that servers send for plain HTTP when they expect TLS.
    pub(crate) fn plain_http() -> Page {
        Page {
            status: StatusCode::BAD_REQUEST,
            header: None,
            title: "400 The plain HTTP request was sent to HTTPS port".to_owned(),
            advice: "Песочница запущена с --tls: base_url кассы начинается с https://.",
        }
    }

    pub(crate) fn too_many(retry_after: u32) -> Page {
        Page::of_status(StatusCode::TOO_MANY_REQUESTS, Some(retry_after))
    }

    pub(crate) fn redirect(location: String) -> Page {
        Page {
            status: StatusCode::FOUND,
            header: Some((LOCATION, location)),
            title: "302 Found".to_owned(),
            advice: "",
        }
    }

    pub(crate) fn portal() -> Page {
        Page {
            status: StatusCode::OK,
            header: None,
            title: "Wi-Fi: please log in".to_owned(),
            advice: "",
        }
    }

    fn html(&self) -> String {
        let title = &self.title;
        let advice = match self.advice {
            "" => String::new(),
            advice => format!("<p>{advice}</p>"),
        };
        format!(
            "<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n\
             <body><h1>{title}</h1>{advice}</body>\n</html>\n"
        )
    }
}

impl Answer {
    fn answered(&self) -> Answered {
        match self {
            Answer::LifePay(StatusCode::OK, reply) => reply.answered(),
            Answer::Malformed(malformed) => malformed.answered(),
            Answer::LifePay(status, _) => Answered::Http(status.as_u16()),
            Answer::Page(page) => Answered::Http(page.status.as_u16()),
            Answer::Close => Answered::Closed,
            Answer::Reset => Answered::Reset,
        }
    }
}

/// An answer as it was sent, for display.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Sent {
    pub(crate) status: u16,
    pub(crate) header: Option<(String, String)>,
    /// LifePay's answer.
    pub(crate) json: Option<Reply>,
    /// Any other answer.
    pub(crate) text: Option<String>,
}

impl Sent {
    /// Returns the body as it was sent.
    pub(crate) fn body(&self) -> String {
        let json = self.json.as_ref().map(php_json);
        json.or_else(|| self.text.clone()).unwrap_or_default()
    }

    /// Masks the apikey: the text of a fault may quote the request.
    pub(crate) fn masked(self, mask: &Mask) -> Sent {
        let header = self.header;
        Sent {
            status: self.status,
            header: header.map(|(name, value)| (name, mask.text(&value))),
            json: self.json.map(|reply| reply.masked(mask)),
            text: self.text.map(|text| mask.text(&text)),
        }
    }
}

impl Answer {
    /// Returns None if nothing is sent.
    fn sent(&self) -> Option<Sent> {
        match self {
            Answer::LifePay(status, reply) => Some(Sent {
                status: status.as_u16(),
                json: Some(reply.clone()),
                ..Sent::default()
            }),
            Answer::Page(page) => {
                let header = page.header.as_ref();
                Some(Sent {
                    status: page.status.as_u16(),
                    header: header.map(|(name, value)| (name.to_string(), value.clone())),
                    text: Some(page.html()),
                    ..Sent::default()
                })
            }
            Answer::Malformed(malformed) => Some(malformed.sent()),
            Answer::Close | Answer::Reset => None,
        }
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        Answer::LifePay(StatusCode::OK, reply)
    }
}

impl IntoResponse for Answer {
    /// The response carries the answer and the faults by field as extensions. `exchange` records
    /// and prints them, or cuts the connection if the answer says so.
    fn into_response(self) -> Response {
        let (answered, sent) = (self.answered(), self.sent());
        let faults = match &self {
            Answer::LifePay(_, reply) | Answer::Malformed(Malformed { reply, .. }) => {
                reply.faults()
            }
            _ => Fields::new(),
        };
        let mut response = match self {
            Answer::LifePay(status, reply) => (
                status,
                [(CONTENT_TYPE, "application/json; charset=UTF-8")],
                php_json(&reply),
            )
                .into_response(),
            Answer::Page(page) => page.into_response(),
            Answer::Malformed(malformed) => malformed.into_response(),
            Answer::Close | Answer::Reset => ().into_response(),
        };
        response.extensions_mut().insert(answered);
        response.extensions_mut().insert(faults);
        response.extensions_mut().insert(sent);
        response
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let html = self.html();
        let content_type = [(CONTENT_TYPE, "text/html; charset=UTF-8")];
        let mut response = (self.status, content_type, html).into_response();
        if let Some((name, value)) = self.header {
            // A Location made from an odd Host header may be an invalid header value. Then the
            // header is omitted, and the redirect has no target.
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reads_as_php_writes_it() {
        let uuid = "dabe3833-43ff-5e5c-a45e-9cff664503fd";
        for (reply, text) in [
            (
                Reply::accepted(Some(uuid.to_owned())),
                r#"{"code":0,"message":"","data":{"uuid":"dabe3833-43ff-5e5c-a45e-9cff664503fd"}}"#,
            ),
            (
                Reply::accepted(None),
                r#"{"code":0,"message":"","data":[]}"#,
            ),
            (
                Reply::rejected(6095, Fields::new()),
                r#"{"code":6095,"message":"\u0414\u043e\u0441\u0442\u0443\u043f \u0437\u0430\u043f\u0440\u0435\u0449\u0435\u043d","data":[]}"#,
            ),
            (
                Reply::rejected(7777, fault("a/b", "😀\n")),
                r#"{"code":7777,"message":"\u041e\u0448\u0438\u0431\u043a\u0430 7777","data":{"a\/b":["\ud83d\ude00\n"]}}"#,
            ),
        ] {
            assert_eq!(php_json(&reply), text);
        }
    }
}
