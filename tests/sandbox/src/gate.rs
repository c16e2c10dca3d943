//! The port that tills know. "No network" closes it, so that a till is refused before it has sent a byte: a
//! connection that is accepted first and reset then may have carried the request already. The page is at
//! another port meanwhile, from which it can be opened again.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch, Mutex};

/// How long the port is waited for when it is to be opened again.
const PATIENCE: Duration = Duration::from_secs(2);

enum Order {
    Open(TcpListener),
    /// Answered when it is done.
    Close(oneshot::Sender<()>),
    OpenSpare(TcpListener),
}

pub(crate) struct Gate {
    address: SocketAddr,
    /// Where the page is; the till's port unless that one is closed.
    page_port: AtomicU16,
    /// Where it is while that one is closed, once it has been.
    spare_port: Mutex<Option<u16>>,
    orders: mpsc::UnboundedSender<Order>,
    /// Told when connections are to end.
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

    /// The page's address as far as the system is concerned.
    pub(crate) fn page(&self) -> SocketAddr {
        SocketAddr::new(self.address.ip(), self.page_port.load(Ordering::SeqCst))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.page().port() == self.address.port()
    }

    /// Changes when every connection is to end.
    pub(crate) fn cut(&self) -> watch::Receiver<()> {
        self.cut.subscribe()
    }

    /// Opens or closes the port. It is so when this returns.
    ///
    /// # Errors
    /// A port cannot be listened on.
    pub(crate) async fn set(&self, open: bool) -> io::Result<()> {
        // Held to the end, so that two orders do not mix.
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

    /// Some systems keep a port for a moment after its connections have ended.
    async fn listen(&self) -> io::Result<TcpListener> {
        let begun = tokio::time::Instant::now();
        loop {
            match bind(self.address) {
                Err(_) if begun.elapsed() < PATIENCE => {
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

/// What the gate is told, for the accept loop.
pub(crate) struct Orders(mpsc::UnboundedReceiver<Order>);

/// The sockets behind the gate.
pub(crate) struct Listeners {
    tills: Option<tokio::net::TcpListener>,
    spare: Option<tokio::net::TcpListener>,
    orders: Orders,
}

impl Listeners {
    /// Call it inside the runtime.
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
