//! The accept loop, and connections that a handler can cut.
//!
//! axum's own loop gives no way to close a connection without an answer, which is what a
//! client must survive.

use std::future::pending;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::answer::{fault, Answer, Page, Reply};
use crate::exchange;
use crate::sandbox::State;
use crate::session::create_session;

/// The path that opens a shift.
pub const CREATE_SESSION: &str = "/cloud-print/create-session";

/// The path of the page to which target_serial …302 redirects.
pub const PORTAL: &str = "/portal";

/// The connection a request came over. Handlers get it as an extension.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) number: usize,
    end: mpsc::UnboundedSender<End>,
}

enum End {
    Close,
    Reset,
}

impl Connection {
    /// Closes the connection without an answer; never returns.
    pub(crate) async fn close<T>(&self) -> T {
        self.cut(End::Close).await
    }

    /// Resets the connection; never returns.
    pub(crate) async fn reset<T>(&self) -> T {
        self.cut(End::Reset).await
    }

    async fn cut<T>(&self, end: End) -> T {
        // The caller runs inside the task that receives this, which then drops the caller.
        let _ = self.end.send(end);
        pending().await
    }
}

fn routes(state: &Arc<State>) -> Router {
    Router::new()
        // Any method: a wrong one is the client's fault and answered as such.
        .route(CREATE_SESSION, any(create_session))
        .route(PORTAL, any(portal))
        .fallback(unknown_path)
        .layer(from_fn_with_state(Arc::clone(state), exchange::record))
        .with_state(Arc::clone(state))
}

async fn portal(Shared(state): Shared<Arc<State>>) -> Answer {
    state.journal.portal_visited();
    Answer::Page(Page::portal())
}

async fn unknown_path() -> Answer {
    let reply = Reply::rejected(6000, fault("path", "Неизвестный адрес."));
    Answer::LifePay(StatusCode::NOT_FOUND, reply)
}

/// Accepts connections until it is dropped.
pub(crate) async fn serve(listener: TcpListener, state: Arc<State>) {
    let listener = tokio::net::TcpListener::from_std(listener)
        .expect("called inside the runtime, with a non-blocking socket");
    let router = routes(&state);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: others must be closed first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (end, ended) = mpsc::unbounded_channel();
        let number = state.journal.connected();
        let connection = Connection { number, end };
        let router = router.clone().layer(Extension(connection));
        tokio::spawn(connection_task(stream, router, ended));
    }
}

async fn connection_task(
    stream: TcpStream,
    router: Router,
    mut ended: mpsc::UnboundedReceiver<End>,
) {
    // Without this the kernel delays the second of two small writes.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let end = tokio::select! {
        // Its errors are the client's leaving, which the exchange has recorded.
        _ = &mut http => return,
        end = ended.recv() => end,
    };
    let stream = http.into_parts().io.into_inner();
    if matches!(end, Some(End::Reset)) {
        // With no time to linger, closing sends RST.
        let _ = stream.set_zero_linger();
    }
}
