//! The handlers of orders, which change switches or reset the journal, and of the current switches.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::answering::{AnswerKind, Answering};
use crate::console;
use crate::control::{refusal, reply};
use crate::latency::Latency;
use crate::notifying::Notifying;
use crate::order::{Order, Ordered};
use crate::sandbox::{page_url, State};
use crate::sequence::Sequence;
use crate::switch::Certifying;

/// The query selects the requests that the order applies to.
pub(crate) async fn answer(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
    Ordered(answers): Ordered<Sequence>,
) -> Response {
    let set = state.switches.order(&query.unwrap_or_default(), answers);
    done(&state, set).await
}

pub(crate) async fn certificate(
    Shared(state): Shared<Arc<State>>,
    Ordered(order): Ordered<Order>,
) -> Response {
    if !state.options.tls {
        let text = "сертификата нет: запустите песочницу с --tls";
        return refusal(StatusCode::BAD_REQUEST, text);
    }
    let read = Certifying::read(order);
    let set = |certificate| state.switches.set_certificate(certificate);
    done(&state, read.map(set)).await
}

pub(crate) async fn latency(
    Shared(state): Shared<Arc<State>>,
    Ordered(order): Ordered<Order>,
) -> Response {
    let read = Latency::read(order);
    done(
        &state,
        read.map(|latency| state.switches.set_latency(latency)),
    )
    .await
}

pub(crate) async fn notify(
    Shared(state): Shared<Arc<State>>,
    Ordered(notifying): Ordered<Notifying>,
) -> Response {
    state.switches.set_notify(notifying);
    done(&state, Ok(())).await
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    All,
    Switches,
    /// Requests, documents and the history of ext_ids.
    Journal,
}

impl Part {
    fn read(mut order: Order) -> Result<Part, String> {
        let all = [
            ("all", Part::All),
            ("switches", Part::Switches),
            ("journal", Part::Journal),
        ];
        let part = order.choice("what", &all)?;
        order.end()?;
        // By default everything is reset, as at the start.
        Ok(part.unwrap_or(Part::All))
    }
}

pub(crate) async fn reset(
    Shared(state): Shared<Arc<State>>,
    Ordered(order): Ordered<Order>,
) -> Response {
    let reset = Part::read(order).map(|part| {
        if part != Part::Journal {
            state.switches.reset();
        }
        if part != Part::Switches {
            state.clear();
        }
    });
    done(&state, reset).await
}

/// Completes an order. Answers with the current switches, or with the fault.
async fn done(state: &Arc<State>, result: Result<(), String>) -> Response {
    if let Err(text) = result {
        return refusal(StatusCode::BAD_REQUEST, &text);
    }
    let opened = follow(state).await;
    state.journal.changes.next();
    if let Err(error) = opened {
        let text = format!(
            "порт {} занят другой программой: закройте её и повторите ({error})",
            state.address.port()
        );
        return refusal(StatusCode::CONFLICT, &text);
    }
    current_switches(state)
}

fn current_switches(state: &State) -> Response {
    let page_port = state.gate.page().port();
    reply(&json!({ "switches": state.switches.now(), "page_port": page_port }))
}

pub(crate) async fn switches(Shared(state): Shared<Arc<State>>) -> Response {
    current_switches(&state)
}

/// Opens or closes the port as the switches require.
async fn follow(state: &Arc<State>) -> io::Result<()> {
    let answering = state.switches.now().answers.answer;
    open_or_close(state, &answering).await?;
    if let AnswerKind::Refused {
        seconds: Some(seconds),
    } = answering.kind
    {
        let (state, turn) = (Arc::clone(state), state.switches.turn());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            if state.switches.turn() == turn {
                state.switches.set_answers(Sequence::usual());
                // If the port is in use, the next order retries.
                let _ = open_or_close(&state, &Answering::usual()).await;
                state.journal.changes.next();
            }
        });
    }
    Ok(())
}

async fn open_or_close(state: &State, answering: &Answering) -> io::Result<()> {
    let open = !matches!(answering.kind, AnswerKind::Refused { .. });
    let was_open = state.gate.is_open();
    state.gate.set(open).await?;
    if !open && was_open {
        // A till's earlier connections must be closed before the order is answered.
        state.connections.wait_for_idle_to_end().await;
    }
    if state.options.print && open != was_open {
        let text = if open { "accepting" } else { "refusing" };
        let page = page_url(state.gate.page());
        console::print(&format!("{text} connections, page {page}\n"));
    }
    Ok(())
}
