//! One attempt and its result.

use std::fmt;
use std::time::Duration;

use crate::code::{Code, Outcome};
use crate::failure::{Failure, Reply as WrongReply, Stage};
use crate::messages;
use crate::protocol::answer::Answer;
use crate::protocol::request::SHIFT_PATH;
use crate::report::Report;
use crate::secret::Secret;
use crate::transport::route::{Limits, Route};
use crate::transport::{self, Post, Reply};

/// A request that is ready to be sent.
pub struct Outgoing<'a> {
    /// Below the base URL.
    pub path: &'a str,
    /// LifePay recognizes a repeated request by it. A request without one is sent once.
    pub ext_id: Option<&'a str>,
    pub apikey: &'a Secret,
    pub body: &'a [u8],
}

/// The result of an attempt. The apikey is masked in everything that came from outside.
pub struct Attempt {
    /// A byte of the request has left this machine, or may have.
    pub request_left: bool,
    /// The request was sent a second time, because a kept connection was closed.
    pub resent: bool,
    pub took: Duration,
    /// 0 = no answer came.
    pub http_status: u16,
    pub reply: Option<String>,
    /// The pause that Retry-After asks for.
    pub asked_pause: Duration,
    pub result: Result<Answer, Failure>,
}

impl Attempt {
    /// Sends a request and waits for the answer. `go_on` is called about five times a second; false
    /// cancels.
    pub fn make(
        route: &Route,
        request: &Outgoing,
        limits: Limits,
        go_on: impl Fn(Stage) -> bool + 'static,
    ) -> Attempt {
        let apikey = request.apikey;
        log::trace!(
            "{request} body {}",
            apikey.mask(&String::from_utf8_lossy(request.body))
        );
        let post = Post {
            path: request.path,
            body: request.body,
            may_be_resent: request.ext_id.is_some(),
        };
        let exchange = transport::post(route, &post, limits, go_on);
        let mut attempt = Attempt {
            request_left: exchange.request_left,
            resent: exchange.resent,
            took: exchange.took,
            http_status: 0,
            reply: None,
            asked_pause: Duration::ZERO,
            result: Err(Failure::Cancelled),
        };
        attempt.result = exchange.reply.and_then(|reply| {
            attempt.http_status = reply.status;
            attempt.asked_pause = reply.retry_after.unwrap_or_default();
            let answer = read(&reply, apikey);
            attempt.reply = match &reply.cut {
                _ if reply.body.is_empty() => None,
                Some(_) => Some(apikey.mask_cut(&reply.body)),
                None => {
                    let mut body = reply.body;
                    apikey.mask_in_place(&mut body);
                    Some(body)
                }
            };
            answer
        });
        if let Err(failure) = &mut attempt.result {
            failure.mask(apikey);
        }
        attempt
    }

    /// Logs the attempt as number `number` of this request.
    pub fn log(&self, request: &Outgoing, number: u32) {
        let (level, code) = match &self.result {
            Ok(Answer::Accepted { .. }) => (log::Level::Info, Code::Accepted),
            Ok(Answer::Rejected { code, .. }) => (log::Level::Error, Code::Rejected(*code)),
            Err(failure) => (log::Level::Warn, Code::Failed(failure.kind())),
        };
        let what = || match &self.result {
            Ok(Answer::Accepted { uuid: Some(uuid) }) => uuid.clone(),
            Ok(Answer::Accepted { uuid: None }) => messages::text(code).utf8().to_owned(),
            Ok(Answer::Rejected {
                code,
                message,
                errors,
                more,
            }) => messages::rejection(*code, message, errors, *more),
            Err(failure) => failure.to_string(),
        };
        log::log!(
            level,
            "{request} attempt={number} http={} code={} ({}) ms={} {}{}",
            self.http_status,
            code.number(),
            messages::utf8(code.name()),
            self.took.as_millis(),
            if self.resent { "resent=1 " } else { "" },
            what(),
        );
        if let Some(reply) = &self.reply {
            log::trace!("{request} reply {reply}");
        }
    }
}

/// The request in the log. The path is omitted for a shift.
impl fmt::Display for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ext_id={}", self.ext_id.unwrap_or("-"))?;
        match self.path {
            SHIFT_PATH => Ok(()),
            path => write!(f, " path={}", self.apikey.mask(path)),
        }
    }
}

/// Reads LifePay's answer from a reply, which must be complete and have status 200.
fn read(reply: &Reply, apikey: &Secret) -> Result<Answer, Failure> {
    match &reply.cut {
        Some(Failure::Cancelled) => return Err(Failure::Cancelled),
        // The status is enough, even if the body is incomplete.
        _ if reply.status != 200 => {
            return Err(Failure::Http {
                status: reply.status,
            })
        }
        Some(failure) => return Err(failure.clone()),
        None => {}
    }
    // The error may quote a part of the answer that ends within the apikey.
    Answer::parse(&reply.body, apikey)
        .map_err(|why| Failure::reply(WrongReply::NotLifePays, apikey.mask_cut(&why)))
}

impl Report {
    /// Adds the result of an attempt to the report. If LifePay has answered, the answer is the outcome.
    /// Otherwise returns the failure, and the caller decides how to report it.
    pub fn record(&mut self, attempt: Attempt) -> Option<Failure> {
        if attempt.request_left {
            self.outcome = Outcome::Unknown;
        }
        self.http_status = attempt.http_status;
        self.reply = attempt.reply;
        self.retry_after_ms = 0;
        match attempt.result {
            Ok(Answer::Accepted { uuid }) => self.accept(uuid),
            Ok(Answer::Rejected {
                code,
                message,
                errors,
                more,
            }) => self.reject(code, &message, errors, more),
            Err(failure) => return Some(failure),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(request_left: bool, result: Result<Answer, Failure>) -> Attempt {
        Attempt {
            request_left,
            resent: false,
            took: Duration::ZERO,
            http_status: 0,
            reply: None,
            asked_pause: Duration::ZERO,
            result,
        }
    }

    #[test]
    fn the_outcome_is_that_of_all_attempts() {
        let mut report = Report::pending(Some("1"));
        for (request_left, outcome) in [
            (false, Outcome::NotSent),
            (true, Outcome::Unknown),
            (false, Outcome::Unknown),
        ] {
            report.record(attempt(request_left, Err(Failure::Http { status: 503 })));
            assert_eq!(report.outcome, outcome);
        }
        report.record(attempt(true, Ok(Answer::Accepted { uuid: None })));
        assert_eq!(
            (report.code, report.outcome),
            (Code::Accepted, Outcome::Answered)
        );
    }
}
