//! The accept loop, and connections that a handler can cut.
//!
//! axum's own loop cannot close a connection without an answer, a fault that clients must handle.

use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state, Next};
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::answer::{fault, Answer, Page, Reply};
use crate::cloud_print::cloud_print;
use crate::connections::{Connection, End, Open};
use crate::event::EventKind;
use crate::gate::Listeners;
use crate::journal::Request;
use crate::malformed::Raw;
use crate::origin::no_foreign_page;
use crate::published::FOLDERS;
use crate::sandbox::State;
use crate::tls::Authority;
use crate::visitor::not_recorded;
use crate::{console, control, exchange};

/// The path of the page to which target_serial …302 redirects.
pub const PORTAL: &str = "/portal";

/// The first byte of a connection over TLS.
const TLS_HANDSHAKE: u8 = 22;

fn routes(state: &Arc<State>) -> Router {
    let recorded = from_fn_with_state(Arc::clone(state), exchange::record);
    let elsewhere = any(unknown_path).layer(recorded.clone());
    let elsewhere = elsewhere.layer(from_fn(not_recorded));
    let elsewhere = elsewhere.layer(from_fn(no_foreign_page));
    let elsewhere = elsewhere.with_state(Arc::clone(state));
    let documents = FOLDERS.iter().fold(Router::new(), |router, folder| {
        // Every method is routed, so that a wrong one is reported as the client's fault.
        router.route(&format!("{folder}{{*document}}"), any(cloud_print))
    });
    documents
        .route(PORTAL, any(portal))
        .fallback(unknown_path)
        .layer(recorded)
        .layer(from_fn(not_recorded))
        .layer(from_fn(no_foreign_page))
        // Requests for the page are not recorded, but a client's POST to its address is.
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

/// Accepts connections until the future is dropped.
pub(crate) async fn serve(mut listeners: Listeners, state: Arc<State>) {
    let router = routes(&state);
    loop {
        let Ok(stream) = listeners.accept().await else {
            // Probably out of file descriptors: close another connection first.
            state.connections.end_longest_idle();
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let number = state.journal.connected();
        // Fails if the connection was already reset.
        let client = stream.peer_addr().map(|client| client.ip().to_canonical());
        let client = client.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let open = state.connections.open(number, client);
        tokio::spawn(accepted(stream, open, Arc::clone(&state), router.clone()));
        if state.connections.are_too_many() {
            state.connections.end_longest_idle();
        }
    }
}

async fn accepted(stream: TcpStream, mut open: Open, state: Arc<State>, router: Router) {
    // Nagle's algorithm would delay the second of two small writes.
    let _ = stream.set_nodelay(true);
    let Some(authority) = &state.authority else {
        return connection_task(stream, open, &state, router).await;
    };
    let negotiated = tokio::select! {
        negotiated = negotiate(stream, authority, &open.connection, &state) => negotiated,
        _ = open.ended.recv() => return,
    };
    match negotiated {
        Some(Negotiated::Tls(stream)) => connection_task(*stream, open, &state, router).await,
        Some(Negotiated::Plain(stream)) => connection_task(stream, open, &state, router).await,
        None => {}
    }
}

enum Negotiated {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Starts TLS unless the client speaks plain HTTP, over which the page stays available: a browser
/// does not trust the sandbox's certificate, and the switch for a bad certificate must not lock out
/// its user.
async fn negotiate(
    stream: TcpStream,
    authority: &Authority,
    connection: &Connection,
    state: &State,
) -> Option<Negotiated> {
    let mut first = [0];
    let read = tokio::time::timeout(state.options.idle, stream.peek(&mut first)).await;
    match read {
        Ok(Ok(1..)) if first[0] == TLS_HANDSHAKE => {}
        Ok(Ok(1..)) => return Some(Negotiated::Plain(stream)),
        _ => return None,
    }
    let certificate = state.switches.take_certificate();
    state.journal.changes.next();
    let failed = match authority.accept(stream, certificate).await {
        Ok(stream) => return Some(Negotiated::Tls(Box::new(stream))),
        Err(failed) => failed,
    };
    let (number, error) = (connection.number, failed.error);
    if state.options.print {
        let error = console::plain(&error);
        console::print(&format!("connection {number}: TLS failed: {error}\n"));
    }
    let event = EventKind::Handshake {
        connection: number,
        server_name: failed.server_name,
        certificate,
        error,
    };
    state.events.add(&state.journal.changes, event);
    None
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

async fn connection_task<S: Stream>(stream: S, mut open: Open, state: &State, router: Router) {
    let mut cut = state.gate.cut();
    let connection = open.connection.clone().secured(S::SECURE);
    let router = router.layer(from_fn(in_use)).layer(Extension(connection));
    let service = TowerToHyperService::new(router);
    let mut http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(state.options.idle)
        .serve_connection(TokioIo::new(stream), service);
    let end = loop {
        tokio::select! {
            // An error means that the client disconnected, which the exchange has recorded.
            _ = &mut http => return,
            end = open.ended.recv() => break end,
            // The current answer is the last one.
            Ok(()) = cut.changed() => std::pin::Pin::new(&mut http).graceful_shutdown(),
        }
    };
    let mut stream = http.into_parts().io.into_inner();
    match end {
        Some(End::Reset) => {
            // With a linger time of zero, closing sends RST.
            let _ = stream.socket().set_zero_linger();
        }
        Some(End::Write(raw, written)) => {
            let _busy = open.connection.busy();
            // Fails if the client disconnects.
            if write(&mut stream, &raw).await.is_ok() {
                written();
                if raw.held {
                    let _ = tokio::time::timeout(state.options.idle, stream.read(&mut [0])).await;
                }
                let _ = stream.shutdown().await;
            }
        }
        // Over TLS this sends close_notify.
        _ => drop(stream.shutdown().await),
    }
}

async fn write(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), raw: &Raw) -> io::Result<()> {
    stream.write_all(raw.head.as_bytes()).await?;
    let Some(pause) = raw.pause else {
        stream.write_all(raw.body.as_bytes()).await?;
        return stream.flush().await;
    };
    for (position, byte) in raw.body.bytes().enumerate() {
        if position > 0 {
            // Only the end of the stream matters. A client that sends data now has not read the
            // answer.
            if let Ok(read) = tokio::time::timeout(pause, stream.read(&mut [0])).await {
                if read? == 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
            }
        }
        stream.write_all(&[byte]).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// The outermost layer: keeps the connection from being closed as idle during a request.
async fn in_use(
    Extension(connection): Extension<Connection>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let _busy = connection.busy();
    next.run(request).await
}
