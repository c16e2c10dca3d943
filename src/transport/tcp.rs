//! TCP with few writes, where connects and waits can be interrupted.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};
use ureq::Error;

use super::exchange_state::ExchangeState;
use super::sliced::{self, SlicedStream};
use crate::failure::{Failure, Network};

/// Input and output buffer of a connection, bytes: a request and an answer are far smaller.
pub(crate) const BUFFER: usize = 16 * 1024;

/// A TCP connection.
///
/// Output is buffered until the library waits for an answer, so that head and body of a request leave
/// in one write. No wait is longer than one slice; between slices the exchange checks its time limit
/// and asks the host.
#[derive(Debug)]
pub struct TcpTransport {
    stream: SlicedStream,
    buffers: LazyBuffers,
    unsent: Vec<u8>,
    /// The connection was used since the last call of `is_open`.
    used: bool,
}

impl TcpTransport {
    /// Connects to the first address that answers.
    ///
    /// # Errors
    ///
    /// The error of the last address, reported as `refused`, or the exchange's error.
    pub fn connect(
        addresses: &ResolvedSocketAddrs,
        refused: Network,
    ) -> Result<TcpTransport, Error> {
        let exchange = ExchangeState::current()?;
        let mut last = None;
        for (place, address) in addresses.iter().enumerate() {
            // Each address gets a share of the time, so that a dead one does not use all of it.
            let left = exchange.left()?;
            let rest = u32::try_from(addresses.len() - place).unwrap_or(1);
            match connect(*address, &exchange, left / rest) {
                Ok(stream) => return Ok(TcpTransport::new(stream)?),
                Err(error) if error.get_ref().is_some_and(|inner| inner.is::<Failure>()) => {
                    return Err(error.into())
                }
                Err(error) => {
                    last = Some(Failure::network(
                        refused,
                        format!("connect to {address}: {error}"),
                    ));
                }
            }
        }
        // If the time is over, report the timeout, not the last address's error.
        exchange.left()?;
        Err(last.map_or(Error::HostNotFound, |failure| Error::Io(failure.into())))
    }

    fn new(stream: TcpStream) -> io::Result<TcpTransport> {
        stream.set_nodelay(true)?;
        Ok(TcpTransport {
            stream: SlicedStream::new(stream)?,
            buffers: LazyBuffers::new(BUFFER, BUFFER),
            unsent: Vec::new(),
            used: false,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        let exchange = ExchangeState::current()?;
        exchange.writes();
        let mut sent = 0;
        while sent < self.unsent.len() {
            let slice = exchange.slice()?;
            match self.stream.write(&self.unsent[sent..], slice) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => {
                    exchange.wrote();
                    sent += bytes;
                }
                Err(error) if is_no_error(&error) => {}
                Err(error) => return Err(error),
            }
        }
        self.unsent.clear();
        Ok(())
    }

    fn receive(&mut self) -> io::Result<usize> {
        let exchange = ExchangeState::current()?;
        loop {
            let slice = exchange.slice()?;
            match self.stream.read(self.buffers.input_append_buf(), slice) {
                Err(error) if is_no_error(&error) => {}
                done => return done,
            }
        }
    }
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        self.used = true;
        self.unsent
            .extend_from_slice(&self.buffers.output()[..amount]);
        if self.unsent.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        self.flush()?;
        let bytes = self.receive()?;
        self.buffers.input_appended(bytes);
        Ok(bytes > 0)
    }

    /// ureq calls this when it returns a connection to the pool and when it takes one. Only the latter
    /// has to check the socket, which also finds input that has arrived in between.
    fn is_open(&mut self) -> bool {
        if std::mem::take(&mut self.used) {
            return true;
        }
        let Ok(exchange) = ExchangeState::current() else {
            return self.stream.is_quiet();
        };
        let is_open = !exchange.skips_kept() && self.stream.is_quiet();
        if is_open {
            exchange.takes_kept();
        }
        is_open
    }
}

/// Whether the error is a signal or the end of a slice, after which the wait continues.
fn is_no_error(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

fn connect(
    address: SocketAddr,
    exchange: &ExchangeState,
    limit: Duration,
) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    let started = Instant::now();
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if is_under_way(&error) => {
            while !is_connected(&socket)? {
                let left = limit.saturating_sub(started.elapsed());
                if left.is_zero() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                sliced::await_connected(&socket, exchange.slice()?.min(left))?;
            }
        }
        Err(error) => return Err(error),
    }
    socket.set_nonblocking(false)?;
    Ok(socket.into())
}

fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    // After EINTR the connect continues in the background.
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

fn is_connected(socket: &Socket) -> io::Result<bool> {
    match socket.take_error()? {
        Some(error) => Err(error),
        None => Ok(socket.peer_addr().is_ok()),
    }
}
