//! The port that tills use. "No network" closes it, so that a till's connection is refused before
//! it has sent a byte: a connection that is first accepted and then reset may already have carried
//! the request. Meanwhile the page is served on another port, where the till's port can be opened
//! again.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch, Mutex};

/// The time limit for binding the port when it is opened again.
const PATIENCE: Duration = Duration::from_secs(2);

enum Order {
    Open(TcpListener),
    /// The sender is used once the port is closed.
    Close(oneshot::Sender<()>),
    OpenSpare(TcpListener),
}

pub(crate) struct Gate {
    address: SocketAddr,
    /// The current port of the page: the till's port unless that is closed.
    page_port: AtomicU16,
    /// The page's port while the till's port is closed; None before it is closed for the first
    /// time.
    spare_port: Mutex<Option<u16>>,
    orders: mpsc::UnboundedSender<Order>,
    /// Signals that every connection must end.
    cut: watch::Sender<()>,
}

impl Gate {
    pub(crate) fn new(address: SocketAddr) -> (Gate, Orders) {
        let (orders, given) = mpsc::unbounded_channel();
        let gate = Gate {
            address,
            page_port: AtomicU16::new(address.port()),
            spare_port: Mutex::default(),
            orders,
            cut: watch::Sender::new(()),
        };
        (gate, Orders(given))
    }

    /// Returns the address at which the page is served.
    pub(crate) fn page(&self) -> SocketAddr {
        SocketAddr::new(self.address.ip(), self.page_port.load(Ordering::SeqCst))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.page().port() == self.address.port()
    }

    /// Returns a watch that changes when every connection must end.
    pub(crate) fn cut(&self) -> watch::Receiver<()> {
        self.cut.subscribe()
    }

    /// Opens or closes the port, and returns when that is done.
    ///
    /// # Errors
    /// The system's error if the sandbox cannot listen on a port.
    pub(crate) async fn set(&self, open: bool) -> io::Result<()> {
        // Locked to the end, so that two orders do not interfere.
        let mut spare = self.spare_port.lock().await;
        if open == self.is_open() {
            return Ok(());
        }
        if open {
            let listener = self.listen().await?;
            let _ = self.orders.send(Order::Open(listener));
            self.page_port.store(self.address.port(), Ordering::SeqCst);
            return Ok(());
        }
        let port = match *spare {
            Some(port) => port,
            None => {
                let listener = bind(SocketAddr::new(self.address.ip(), 0))?;
                let port = listener.local_addr()?.port();
                let _ = self.orders.send(Order::OpenSpare(listener));
                *spare.insert(port)
            }
        };
        let (done, closed) = oneshot::channel();
        let _ = self.orders.send(Order::Close(done));
        let _ = closed.await;
        self.page_port.store(port, Ordering::SeqCst);
        self.cut.send_replace(());
        Ok(())
    }

    /// Binds the till's port. Retries, because some systems keep a port in use for a moment after
    /// its connections have ended.
    async fn listen(&self) -> io::Result<TcpListener> {
        let started = tokio::time::Instant::now();
        loop {
            match bind(self.address) {
                Err(_) if started.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                result => return result,
            }
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The receiver of the gate's orders, for the accept loop.
pub(crate) struct Orders(mpsc::UnboundedReceiver<Order>);

/// The sockets behind the gate.
pub(crate) struct Listeners {
    tills: Option<tokio::net::TcpListener>,
    spare: Option<tokio::net::TcpListener>,
    orders: Orders,
}

impl Listeners {
    /// Must be called inside the runtime.
    pub(crate) fn new(listener: TcpListener, orders: Orders) -> Listeners {
        Listeners {
            tills: Some(registered(listener)),
            spare: None,
            orders,
        }
    }

    pub(crate) async fn accept(&mut self) -> io::Result<TcpStream> {
        loop {
            let order = tokio::select! {
                accepted = accept(self.tills.as_ref()) => return accepted,
                accepted = accept(self.spare.as_ref()) => return accepted,
                Some(order) = self.orders.0.recv() => order,
            };
            match order {
                Order::Open(listener) => self.tills = Some(registered(listener)),
                Order::OpenSpare(listener) => self.spare = Some(registered(listener)),
                Order::Close(done) => {
                    self.tills = None;
                    let _ = done.send(());
                }
            }
        }
    }
}

fn registered(listener: TcpListener) -> tokio::net::TcpListener {
    tokio::net::TcpListener::from_std(listener).expect("a non-blocking socket, inside the runtime")
}

async fn accept(listener: Option<&tokio::net::TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}
