//! TCP: a connect and waits that can be interrupted, and few writes.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};
use ureq::Error;

use super::attempt::Attempt;
use super::sliced::{self, SlicedStream};
use crate::error::Failure;

/// Input and output buffer of a connection, bytes: a request and an answer are far smaller.
pub(crate) const BUFFER: usize = 16 * 1024;

/// A TCP connection.
///
/// What is to be sent is gathered until an answer is awaited, so that head and body of a request
/// leave in one write. No wait is longer than a slice of the attempt's time; the attempt is asked
/// between the slices.
#[derive(Debug)]
pub struct TcpTransport {
    stream: SlicedStream,
    buffers: LazyBuffers,
    unsent: Vec<u8>,
    /// An exchange has been made since it was last asked whether it is open.
    used: bool,
}

impl TcpTransport {
    /// Connects to the first address that answers.
    ///
    /// # Errors
    ///
    /// The last address's error, told as `refused`, or the attempt's.
    pub fn connect(
        addresses: &ResolvedSocketAddrs,
        refused: &'static str,
    ) -> Result<TcpTransport, Error> {
        let attempt = Attempt::current()?;
        let mut last = None;
        for (place, address) in addresses.iter().enumerate() {
            // The time is shared out, so that one dead address does not eat it all.
            let left = attempt.left()?;
            let rest = u32::try_from(addresses.len() - place).unwrap_or(1);
            match connect(*address, &attempt, left / rest) {
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
        // All the time may be gone: then that is the reason, not the last address.
        attempt.left()?;
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
        let attempt = Attempt::current()?;
        attempt.writes();
        let mut sent = 0;
        while sent < self.unsent.len() {
            let slice = attempt.slice()?;
            match self.stream.write(&self.unsent[sent..], slice) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => {
                    attempt.wrote();
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
        let attempt = Attempt::current()?;
        loop {
            let slice = attempt.slice()?;
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

    /// ureq asks when it puts a connection back and when it takes it out again. Only then does the
    /// socket have to be looked at: that also finds what has come meanwhile.
    fn is_open(&mut self) -> bool {
        if std::mem::take(&mut self.used) {
            return true;
        }
        let attempt = Attempt::current().ok();
        let wanted = !attempt.as_ref().is_some_and(|a| a.passes_over_kept());
        let is_open = wanted && self.stream.is_quiet();
        if let Some(attempt) = attempt.filter(|_| is_open) {
            attempt.takes_kept();
        }
        is_open
    }
}

/// A signal, or the end of a slice: the wait goes on.
fn is_no_error(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

fn connect(address: SocketAddr, attempt: &Attempt, limit: Duration) -> io::Result<TcpStream> {
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
                sliced::await_connected(&socket, attempt.slice()?.min(left))?;
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
    // EINTR: the connect goes on without us.
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
