//! A request below LifePay's folders: what the page on opening a shift promises, for every document,
//! and what switches and magic values ask for instead.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::Extension;

use crate::answer::{fault, Answer, Fields, Page, Reply};
use crate::answering::{Answering, Name};
use crate::connections::Connection;
use crate::entry::{Chosen, Made};
use crate::journal::Request;
use crate::magic::{self, Does};
use crate::notify;
use crate::published;
use crate::request::{check, Check, Checked};
use crate::sandbox::State;
use crate::server::PORTAL;

/// A switch that is on decides. Otherwise a faulty request is rejected whatever magic it holds, so
/// that magic values cannot hide a client's faults. Then come the faults on the way to LifePay,
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
    // Switches are for what a till sends, which is a POST.
    let is_post = request.method == "POST";
    let answering = if is_post {
        state.switches.take_answer(&request)
    } else {
        Answering::usual()
    };
    if answering.answer != Name::Usual {
        let chosen = Chosen::Switch(answering.answer.text());
        state.chosen(&request, chosen);
        return switched(&state, &request, result, &answering).await;
    }
    match result {
        Ok(checked) => usual(&state, &request, &checked).await,
        Err(reply) => reply.into(),
    }
}

/// Whatever the magic values say.
async fn switched(
    state: &Arc<State>,
    request: &Request,
    checked: Result<Checked, Reply>,
    answering: &Answering,
) -> Answer {
    match answering.answer {
        // Over a connection that was there before.
        Name::Refused | Name::Reset => return Answer::Reset,
        Name::Unavailable => return Answer::Page(Page::unavailable()),
        Name::Html => return Answer::Page(Page::portal()),
        Name::Redirect => return Answer::Page(Page::redirect(portal_url(state, request))),
        Name::Code => {
            let (code, message, fields) = answering.rejection();
            return Reply::rejected_as(code, message, fields).into();
        }
        Name::Slow | Name::Lost | Name::Usual => {}
    }
    // From here on LifePay has the request, and does with it what it does.
    let reply = checked.map_or_else(|reply| reply, |checked| accepted(state, request, &checked));
    if answering.answer == Name::Lost {
        return Answer::Close;
    }
    let seconds = answering.seconds.unwrap_or_default();
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    reply.into()
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
            // The document is there already: a client that gives up and repeats must get its
            // uuid, not a second one.
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

/// As the page on opening a shift says, for every document: what is published of the others' answers,
/// the uuid of a receipt and test mode of a Z report, is the same.
fn accepted(state: &Arc<State>, request: &Request, checked: &Checked) -> Reply {
    Reply::accepted((!checked.test).then(|| document(state, request, checked)))
}

/// The uuid of this request's document, old or new.
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
    let status = state.switches.now().notify.status.words();
    if let (true, Some(status), Some(url)) = (taken.new, status, &checked.callback_url) {
        let data = notify::Data {
            uuid: document.uuid.clone(),
            ext_id: document.ext_id,
            status,
            callback_data: checked.callback_data.clone(),
        };
        let (state, url) = (Arc::clone(state), url.clone());
        let mask = asked.mask.clone();
        tokio::spawn(notify::send(state, request.number, url, data, mask));
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
