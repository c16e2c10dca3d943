//! Answers a request below LifePay's folders: as the page about opening a shift promises, for every
//! document, or as a switch or a magic value requires.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::Extension;

use crate::answer::{self, fault, Answer, Fields, Page, Reply};
use crate::answering::What;
use crate::connections::Connection;
use crate::entry::{Chosen, Made};
use crate::journal::Request;
use crate::magic::{self, Does};
use crate::malformed::{How, Malformed};
use crate::notify::Notifications;
use crate::published;
use crate::request::{check, Check, Checked};
use crate::sandbox::State;
use crate::server::PORTAL;

/// A switch that is on decides. Otherwise a faulty request is rejected even if it has a magic value,
/// so that magic values cannot hide a client's faults. Then come the faults on the way to LifePay,
/// then LifePay's answer, then the faults on the way back.
pub(crate) async fn cloud_print(
    Shared(state): Shared<Arc<State>>,
    Extension(connection): Extension<Connection>,
    Extension(request): Extension<Arc<Request>>,
) -> Answer {
    if state.options.tls && !connection.secure {
        state.found(
            &request,
            &fault("path", "Нужен https://: запущено с --tls."),
        );
        return Answer::Page(Page::plain_http());
    }
    let published = published::of(request.bare_path()).expect("the routes are of these folders");
    let Check { result, findings } = check(&request, published, state.options.strict);
    if !findings.is_empty() {
        state.found(&request, &findings);
    }
    let answer = decide(&state, &request, result).await;
    tokio::time::sleep(state.switches.delay()).await;
    answer
}

async fn decide(state: &Arc<State>, request: &Request, checked: Result<Checked, Reply>) -> Answer {
    let what = ordered(state, request).await;
    if what != What::Usual {
        state.chosen(request, Chosen::Switch(what.name()));
        return switched(state, request, checked, what).await;
    }
    match checked {
        Ok(checked) => usual(state, request, &checked).await,
        Err(reply) => reply.into(),
    }
}

/// Returns the answer that the switches select, once they no longer pause the request. Switches apply
/// only to a till's requests, which are POSTs.
async fn ordered(state: &State, request: &Request) -> What {
    if request.method != "POST" {
        return What::Usual;
    }
    let mut changes = state.journal.changes.watch();
    let mut waits = false;
    loop {
        changes.mark_unchanged();
        let what = state.switches.take_answer(request).what;
        if what != What::Paused {
            return what;
        }
        // Recorded only once, because recording it is a change too.
        if !waits {
            state.chosen(request, Chosen::Switch(what.name()));
            waits = true;
        }
        // This fails only when the sandbox stops, and this task with it.
        let _ = changes.changed().await;
    }
}

/// Gives the answer of a switch, which overrides magic values.
async fn switched(
    state: &Arc<State>,
    request: &Request,
    checked: Result<Checked, Reply>,
    what: What,
) -> Answer {
    // In these cases LifePay has the request and processes it.
    let reply = || checked.map_or_else(|reply| reply, |checked| accepted(state, request, &checked));
    if let Some(how) = defect(&what) {
        let reply = reply();
        return Answer::Malformed(Malformed { reply, how });
    }
    match what {
        // This request came over a connection that existed before.
        What::Refused { .. } | What::Reset => Answer::Reset,
        What::Swallowed { seconds } => {
            wait(seconds.unwrap_or(f64::MAX)).await;
            Answer::Close
        }
        What::Unavailable => Answer::Page(Page::unavailable()),
        What::Http {
            status,
            retry_after,
            document,
        } => {
            if document {
                reply();
            }
            let status = StatusCode::from_u16(status).expect("an order's status is one");
            Answer::Page(Page::of_status(status, retry_after))
        }
        What::Html => Answer::Page(Page::portal()),
        What::Redirect => Answer::Page(Page::redirect(portal_url(state, request))),
        What::Code {
            code,
            message,
            field,
            text,
        } => {
            let message = message.unwrap_or_else(|| answer::message(code));
            let faults = field.zip(text).map(|(field, text)| fault(&field, &text));
            Reply::rejected_as(code, message, faults.unwrap_or_default()).into()
        }
        What::Slow { seconds } => {
            let reply = reply();
            wait(seconds).await;
            reply.into()
        }
        What::Lost => {
            reply();
            Answer::Close
        }
        What::NoUuid => reply().without_uuid().into(),
        _ => reply().into(),
    }
}

/// Returns how an answer garbles LifePay's answer, if it does.
fn defect(what: &What) -> Option<How> {
    Some(match *what {
        What::TextCode => How::TextCode,
        What::PhpWarning => How::PhpWarning,
        What::BrokenJson => How::BrokenJson,
        What::Empty => How::Empty,
        What::Cut => How::Cut,
        What::WrongLength { bytes } => How::WrongLength(bytes),
        What::Dripping { seconds } => How::Dripping(Duration::from_secs_f64(seconds)),
        _ => return None,
    })
}

/// Waits for this many seconds, or for ever.
async fn wait(seconds: f64) {
    match Duration::try_from_secs_f64(seconds) {
        Ok(pause) => tokio::time::sleep(pause).await,
        Err(_) => std::future::pending().await,
    }
}

async fn usual(state: &Arc<State>, request: &Request, checked: &Checked) -> Answer {
    let does = checked.target_serial.as_deref().and_then(magic::of_serial);
    if does.is_some() {
        state.chosen(request, Chosen::Magic("target_serial"));
    }
    let first_time = |fault| state.first_time(fault, request);
    match does {
        Some(fault @ Does::FailOnce) if first_time(fault) => {
            return Answer::Page(Page::unavailable());
        }
        Some(fault @ Does::Limit) if first_time(fault) => {
            return Answer::Page(Page::too_many(state.options.retry_after));
        }
        Some(Does::Reset) => return Answer::Reset,
        Some(Does::Page) => return Answer::Page(Page::portal()),
        Some(Does::Redirect) => return Answer::Page(Page::redirect(portal_url(state, request))),
        _ => {}
    }
    let reply = reply(state, request, checked, does);
    match does {
        Some(fault @ Does::LoseAnswer) if first_time(fault) => Answer::Close,
        Some(Does::Slow) => {
            // The document exists already: a client that gives up and retries must get its uuid, not a
            // second one.
            tokio::time::sleep(state.options.slow).await;
            reply.into()
        }
        _ => reply.into(),
    }
}

fn reply(state: &Arc<State>, request: &Request, checked: &Checked, does: Option<Does>) -> Reply {
    let code = magic::of_login(&checked.login);
    if code.is_some() {
        state.chosen(request, Chosen::Magic("login"));
    }
    match (code, does) {
        (Some(400), _) => Reply::printer_not_found(),
        (Some(code), _) => Reply::rejected(code, Fields::new()),
        (None, Some(Does::Answer(_))) => Reply::printer_not_found(),
        (None, _) => accepted(state, request, checked),
    }
}

/// Answers as the page about opening a shift says, for every document. The published parts of the
/// other documents' answers, the uuid of a receipt and the test mode of a Z report, are the same.
fn accepted(state: &Arc<State>, request: &Request, checked: &Checked) -> Reply {
    Reply::accepted((!checked.test).then(|| document(state, request, checked)))
}

/// Returns the uuid of this request's document, old or new.
fn document(state: &Arc<State>, request: &Request, checked: &Checked) -> String {
    let asked = request.asked.as_ref();
    let asked = asked.expect("a checked request is a JSON object");
    let version = state.journal.changes.next();
    let taken = state.documents.lock().unwrap().take(asked, version);
    let document = taken.document;
    state.journal.note(request.id, |entry| {
        entry.document = Some(Made {
            uuid: document.uuid.clone(),
            new: taken.new,
            second_after: taken.second_after,
        });
    });
    if let (true, Some(url)) = (taken.new, &checked.callback_url) {
        let notifications = Arc::new(Notifications {
            request: request.number,
            url: url.clone(),
            uuid: document.uuid.clone(),
            ext_id: document.ext_id,
            callback_data: checked.callback_data.clone(),
            mask: asked.mask.clone(),
        });
        let notifying = state.switches.now().notify;
        tokio::spawn(notifications.send(Arc::clone(state), notifying));
    }
    document.uuid
}

fn portal_url(state: &State, request: &Request) -> String {
    match request.header("host") {
        Some(host) if state.options.tls => format!("https://{host}{PORTAL}"),
        Some(host) => format!("http://{host}{PORTAL}"),
        None => state.url() + PORTAL,
    }
}
