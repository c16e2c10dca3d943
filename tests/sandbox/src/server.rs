//! The accept loop, and connections that a handler can cut.
//!
//! axum's own loop gives no way to close a connection without an answer, which is what a
//! client must survive.

use std::future::pending;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;

use crate::answer::{fault, Answer, Page, Reply};
use crate::cloud_print::cloud_print;
use crate::event::What;
use crate::gate::Listeners;
use crate::journal::Request;
use crate::origin::no_foreign_page;
use crate::published::FOLDERS;
use crate::sandbox::State;
use crate::visitor::not_recorded;
use crate::{console, control, exchange};

/// The path of the page to which target_serial …302 redirects.
pub const PORTAL: &str = "/portal";

/// The first byte of a connection over TLS.
const TLS_HANDSHAKE: u8 = 22;

/// The connection a request came over. Handlers get it as an extension.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) number: usize,
    /// The other end.
    pub(crate) client: IpAddr,
    /// Whether it is encrypted.
    pub(crate) secure: bool,
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
    let recorded = from_fn_with_state(Arc::clone(state), exchange::record);
    let elsewhere = any(unknown_path).layer(recorded.clone());
    let elsewhere = elsewhere.layer(from_fn(not_recorded));
    let elsewhere = elsewhere.layer(from_fn(no_foreign_page));
    let elsewhere = elsewhere.with_state(Arc::clone(state));
    let documents = FOLDERS.iter().fold(Router::new(), |router, folder| {
        // Any method: a wrong one is the client's fault and answered as such.
        router.route(&format!("{folder}{{*document}}"), any(cloud_print))
    });
    documents
        .route(PORTAL, any(portal))
        .fallback(unknown_path)
        .layer(recorded)
        .layer(from_fn(not_recorded))
        .layer(from_fn(no_foreign_page))
        // What the page asks for is not recorded, but a client's POST to its address is.
        .route("/", control::page().fallback_service(elsewhere))
        .merge(control::routes())
        .with_state(Arc::clone(state))
}

async fn portal(Shared(state): Shared<Arc<State>>) -> Answer {
    state.journal.portal_visited();
    Answer::Page(Page::portal())
}

async fn unknown_path(
    Shared(state): Shared<Arc<State>>,
    Extension(request): Extension<Arc<Request>>,
) -> Answer {
    let text = if request.method == "CONNECT" {
        "Песочница не прокси: задайте её адрес в base_url и не задавайте прокси."
    } else {
        "Неизвестный адрес."
    };
    let faults = fault("path", text);
    state.found(&request, &faults);
    Answer::LifePay(StatusCode::NOT_FOUND, Reply::rejected(6000, faults))
}

/// Accepts connections until it is dropped.
pub(crate) async fn serve(mut listeners: Listeners, state: Arc<State>) {
    let router = routes(&state);
    loop {
        let Ok(stream) = listeners.accept().await else {
            // Out of file descriptors, most likely: others must be closed first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let number = state.journal.connected();
        tokio::spawn(accepted(stream, number, Arc::clone(&state), router.clone()));
    }
}

/// Over TLS if there is to be any. The page can be had without: a browser knows nothing of our
/// certificate, and a switch that makes it a bad one must not lock out whoever works the switches.
async fn accepted(stream: TcpStream, number: usize, state: Arc<State>, router: Router) {
    // Without this the kernel delays the second of two small writes.
    let _ = stream.set_nodelay(true);
    let tls = state.authority.as_ref();
    let Some(authority) = tls.filter(|_| state.options.tls) else {
        return connection_task(stream, number, &state, router).await;
    };
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1..) if first[0] == TLS_HANDSHAKE => {}
        Ok(1..) => return connection_task(stream, number, &state, router).await,
        _ => return,
    }
    let certificate = state.switches.take_certificate();
    state.journal.changes.next();
    match authority.accept(stream, certificate).await {
        Ok(stream) => connection_task(stream, number, &state, router).await,
        Err(failed) => {
            let error = failed.error;
            if state.options.print {
                let error = console::plain(&error);
                console::print(&format!("connection {number}: no TLS: {error}\n"));
            }
            let what = What::Handshake {
                connection: number,
                server_name: failed.server_name,
                certificate,
                error,
            };
            state.events.add(&state.journal.changes, what);
        }
    }
}

/// A stream that can be closed and reset.
trait Stream: AsyncRead + AsyncWrite + Unpin {
    const SECURE: bool;

    fn socket(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    const SECURE: bool = false;

    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    const SECURE: bool = true;

    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn connection_task<S: Stream>(stream: S, number: usize, state: &State, router: Router) {
    let mut cut = state.gate.cut();
    let (end, mut ended) = mpsc::unbounded_channel();
    // It fails for a connection that was reset already.
    let client = stream.socket().peer_addr();
    let router = router.layer(Extension(Connection {
        number,
        client: client.map_or(Ipv4Addr::UNSPECIFIED.into(), |client| {
            client.ip().to_canonical()
        }),
        secure: S::SECURE,
        end,
    }));
    let service = TowerToHyperService::new(router);
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let end = loop {
        tokio::select! {
            // Its errors are the client's leaving, which the exchange has recorded.
            _ = &mut http => return,
            end = ended.recv() => break end,
            // The answer under way is the last one.
            Ok(()) = cut.changed() => Pin::new(&mut http).graceful_shutdown(),
        }
    };
    let mut stream = http.into_parts().io.into_inner();
    match end {
        Some(End::Reset) => {
            // With no time to linger, closing sends RST.
            let _ = stream.socket().set_zero_linger();
        }
        // Over TLS an orderly end is told.
        _ => drop(stream.shutdown().await),
    }
}
