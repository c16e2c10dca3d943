//! Opening a shift: what the page promises, and what magic values ask for instead.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::Extension;

use crate::answer::{Answer, Fields, Page, Reply};
use crate::journal::Request;
use crate::magic::{self, Does};
use crate::mask::Mask;
use crate::notify;
use crate::request::OpenShift;
use crate::sandbox::State;
use crate::server::PORTAL;

/// A faulty request is rejected whatever magic it holds, so that magic values cannot hide a
/// client's faults. Then come the faults on the way to LifePay, then LifePay's answer, then
/// the faults on the way back.
pub(crate) async fn create_session(
    Shared(state): Shared<Arc<State>>,
    Extension(request): Extension<Arc<Request>>,
) -> Answer {
    let shift = match OpenShift::read(&request) {
        Ok(shift) => shift,
        Err(reply) => return reply.into(),
    };
    let does = shift.target_serial.as_deref().and_then(magic::of_serial);
    let first_time = |fault| state.first_time(fault, &request);
    match does {
        Some(fault @ Does::FailOnce) if first_time(fault) => {
            return Answer::Page(Page::unavailable());
        }
        Some(fault @ Does::Limit) if first_time(fault) => {
            return Answer::Page(Page::too_many(state.options.retry_after));
        }
        Some(Does::Reset) => return Answer::Reset,
        Some(Does::Page) => return Answer::Page(Page::portal()),
        Some(Does::Redirect) => return Answer::Page(Page::redirect(portal_url(&state, &request))),
        _ => {}
    }
    let reply = reply(&state, &request, &shift, does);
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

fn reply(state: &Arc<State>, request: &Request, shift: &OpenShift, does: Option<Does>) -> Reply {
    match (magic::of_login(&shift.login), does) {
        (Some(400), _) => Reply::printer_not_found(),
        (Some(code), _) => Reply::rejected(code, Fields::new()),
        (None, Some(Does::Answer(_))) => Reply::printer_not_found(),
        (None, _) if shift.test => Reply::accepted(None),
        (None, _) => Reply::accepted(Some(document(state, request, shift))),
    }
}

/// The uuid of this request's document, old or new.
fn document(state: &Arc<State>, request: &Request, shift: &OpenShift) -> String {
    let mut documents = state.documents.lock().unwrap();
    let (document, new) = documents.take(shift.ext_id.as_deref());
    if let (true, true, Some(url)) = (new, state.options.notify, &shift.callback_url) {
        tokio::spawn(notify::send(notify::Notification {
            url: url.clone(),
            shown_url: Mask::of(request).text(url),
            data: notify::data(document, shift.callback_data.as_ref()),
            print: state.options.print,
        }));
    }
    document.uuid.clone()
}

fn portal_url(state: &State, request: &Request) -> String {
    let here = state.address.to_string();
    format!("http://{}{PORTAL}", request.header("host").unwrap_or(&here))
}
