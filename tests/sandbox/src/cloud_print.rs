//! Answers requests below LifePay's folders: every document as LifePay's page about opening a shift
//! describes, unless a switch or a magic value selects another answer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::Extension;

use crate::answer::{self, fault, Answer, Fields, Page, Reply};
use crate::answering::AnswerKind;
use crate::connections::Connection;
use crate::entry::{Chosen, Made};
use crate::journal::Request;
use crate::magic::{self, Effect};
use crate::malformed::{How, Malformed};
use crate::notify::Notifications;
use crate::published;
use crate::request::{check, Check, Checked};
use crate::sandbox::State;
use crate::server::PORTAL;

/// Selects the answer. A switch that is on takes precedence. Otherwise a faulty request is rejected
/// even if it has a magic value, so that magic values cannot hide a client's faults. Then come the
/// simulated faults on the way to LifePay, then LifePay's answer, then the faults on the way back.
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
    let published = published::of(request.bare_path()).expect("only these folders are routed here");
    let Check { result, findings } = check(&request, published, state.options.strict);
    if !findings.is_empty() {
        state.found(&request, &findings);
    }
    let answer = decide(&state, &request, result).await;
    tokio::time::sleep(state.switches.delay()).await;
    answer
}

async fn decide(state: &Arc<State>, request: &Request, checked: Result<Checked, Reply>) -> Answer {
    let kind = ordered(state, request).await;
    if kind != AnswerKind::Usual {
        state.chosen(request, Chosen::Switch(kind.name()));
        return switched(state, request, checked, kind).await;
    }
    match checked {
        Ok(checked) => usual(state, request, &checked).await,
        Err(reply) => reply.into(),
    }
}

/// Returns the answer that the switches select, once they no longer pause the request. Switches
/// apply only to a till's requests, which are POSTs.
async fn ordered(state: &State, request: &Request) -> AnswerKind {
    if request.method != "POST" {
        return AnswerKind::Usual;
    }
    let mut changes = state.journal.changes.watch();
    let mut is_recorded = false;
    loop {
        changes.mark_unchanged();
        let kind = state.switches.take_answer(request).kind;
        if kind != AnswerKind::Paused {
            return kind;
        }
        // Recorded only once: recording is also a change, which would wake this loop.
        if !is_recorded {
            state.chosen(request, Chosen::Switch(kind.name()));
            is_recorded = true;
        }
        // This fails only when the sandbox stops, and this task with it.
        let _ = changes.changed().await;
    }
}

/// Returns the answer that a switch selects. Magic values are ignored.
async fn switched(
    state: &Arc<State>,
    request: &Request,
    checked: Result<Checked, Reply>,
    kind: AnswerKind,
) -> Answer {
    // Called only for answers for which LifePay receives and processes the request.
    let reply = || checked.map_or_else(|reply| reply, |checked| accepted(state, request, &checked));
    if let Some(how) = defect(&kind) {
        let reply = reply();
        return Answer::Malformed(Malformed { reply, how });
    }
    match kind {
        // With `Refused`, the request arrived over a connection that was opened earlier.
        AnswerKind::Refused { .. } | AnswerKind::Reset => Answer::Reset,
        AnswerKind::Swallowed { seconds } => {
            wait(seconds.unwrap_or(f64::MAX)).await;
            Answer::Close
        }
        AnswerKind::Unavailable => Answer::Page(Page::unavailable()),
        AnswerKind::Http {
            status,
            retry_after,
            document,
        } => {
            if document {
                reply();
            }
            let status =
                StatusCode::from_u16(status).expect("the order was checked to have a valid status");
            Answer::Page(Page::of_status(status, retry_after))
        }
        AnswerKind::Html => Answer::Page(Page::portal()),
        AnswerKind::Redirect => Answer::Page(Page::redirect(portal_url(state, request))),
        AnswerKind::Code {
            code,
            message,
            field,
            text,
        } => {
            let message = message.unwrap_or_else(|| answer::message(code));
            let faults = field.zip(text).map(|(field, text)| fault(&field, &text));
            Reply::rejected_as(code, message, faults.unwrap_or_default()).into()
        }
        AnswerKind::Slow { seconds } => {
            let reply = reply();
            wait(seconds).await;
            reply.into()
        }
        AnswerKind::Lost => {
            reply();
            Answer::Close
        }
        AnswerKind::NoUuid => reply().without_uuid().into(),
        _ => reply().into(),
    }
}

/// Returns the defect that this answer adds to LifePay's answer, if any.
fn defect(kind: &AnswerKind) -> Option<How> {
    Some(match *kind {
        AnswerKind::TextCode => How::TextCode,
        AnswerKind::PhpWarning => How::PhpWarning,
        AnswerKind::BrokenJson => How::BrokenJson,
        AnswerKind::Empty => How::Empty,
        AnswerKind::Cut => How::Cut,
        AnswerKind::WrongLength { bytes } => How::WrongLength(bytes),
        AnswerKind::Dripping { seconds } => How::Dripping(Duration::from_secs_f64(seconds)),
        _ => return None,
    })
}

/// Waits for this many seconds, or forever if a Duration cannot hold them.
async fn wait(seconds: f64) {
    match Duration::try_from_secs_f64(seconds) {
        Ok(pause) => tokio::time::sleep(pause).await,
        Err(_) => std::future::pending().await,
    }
}

async fn usual(state: &Arc<State>, request: &Request, checked: &Checked) -> Answer {
    let effect = checked.target_serial.as_deref().and_then(magic::of_serial);
    if effect.is_some() {
        state.chosen(request, Chosen::Magic("target_serial"));
    }
    let first_time = |fault| state.first_time(fault, request);
    match effect {
        Some(fault @ Effect::FailOnce) if first_time(fault) => {
            return Answer::Page(Page::unavailable());
        }
        Some(fault @ Effect::Limit) if first_time(fault) => {
            return Answer::Page(Page::too_many(state.options.retry_after));
        }
        Some(Effect::Reset) => return Answer::Reset,
        Some(Effect::Page) => return Answer::Page(Page::portal()),
        Some(Effect::Redirect) => return Answer::Page(Page::redirect(portal_url(state, request))),
        _ => {}
    }
    let reply = reply(state, request, checked, effect);
    match effect {
        Some(fault @ Effect::LoseAnswer) if first_time(fault) => Answer::Close,
        Some(Effect::Slow) => {
            // The document already exists: a client that gives up and retries must get the same
            // uuid.
            tokio::time::sleep(state.options.slow).await;
            reply.into()
        }
        _ => reply.into(),
    }
}

fn reply(
    state: &Arc<State>,
    request: &Request,
    checked: &Checked,
    effect: Option<Effect>,
) -> Reply {
    let code = magic::of_login(&checked.login);
    if code.is_some() {
        state.chosen(request, Chosen::Magic("login"));
    }
    match (code, effect) {
        (Some(400), _) => Reply::printer_not_found(),
        (Some(code), _) => Reply::rejected(code, Fields::new()),
        (None, Some(Effect::Answer(_))) => Reply::printer_not_found(),
        (None, _) => accepted(state, request, checked),
    }
}

/// Accepts the request as the page about opening a shift describes, for every document. The
/// published parts of the other documents' answers (the uuid of a receipt, the test mode of a Z
/// report) agree with that page.
fn accepted(state: &Arc<State>, request: &Request, checked: &Checked) -> Reply {
    Reply::accepted((!checked.test).then(|| document(state, request, checked)))
}

/// Returns the uuid of this request's document, which is created if it does not exist.
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
