//! A connection whose reads and writes wait for a slice of time at most, on Unix and on Windows.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::Socket;

pub use system::{await_connected, SlicedStream};

/// A shorter wait than this is none to some systems.
const SHORTEST: Duration = Duration::from_millis(1);

/// The socket's own time limits do it: no other way to wait costs fewer calls of the system.
#[cfg(unix)]
mod system {
    use std::mem::MaybeUninit;
    use std::os::fd::AsFd;

    use nix::errno::Errno;
    use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
    use socket2::SockRef;

    use super::*;

    #[derive(Debug)]
    pub struct SlicedStream {
        stream: TcpStream,
        /// What the socket's time limits are set to.
        slice: Duration,
    }

    impl SlicedStream {
        pub fn new(stream: TcpStream) -> io::Result<SlicedStream> {
            let slice = Duration::ZERO;
            Ok(SlicedStream { stream, slice })
        }

        pub fn read(&mut self, buffer: &mut [u8], slice: Duration) -> io::Result<usize> {
            self.limit_wait(slice)?;
            self.stream.read(buffer)
        }

        pub fn write(&mut self, bytes: &[u8], slice: Duration) -> io::Result<usize> {
            self.limit_wait(slice)?;
            self.stream.write(bytes)
        }

        /// The socket is told only when the slice changes.
        fn limit_wait(&mut self, slice: Duration) -> io::Result<()> {
            let slice = slice.max(SHORTEST);
            if slice != self.slice {
                self.stream.set_read_timeout(Some(slice))?;
                self.stream.set_write_timeout(Some(slice))?;
                self.slice = slice;
            }
            Ok(())
        }

        /// Whether an idle connection still stands: nothing to read, no end, no error.
        pub fn is_quiet(&self) -> bool {
            let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
            let looked =
                SockRef::from(&self.stream).recv_with_flags(&mut [MaybeUninit::uninit()], flags);
            matches!(looked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
        }
    }

    /// Waits until a connect is decided, or for `slice`.
    pub fn await_connected(socket: &Socket, slice: Duration) -> io::Result<()> {
        let mut sockets = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
        // Rounded up: a rest below a millisecond must not become a busy loop.
        let wait = u16::try_from(slice.as_millis() + 1).unwrap_or(u16::MAX);
        match poll(&mut sockets, PollTimeout::from(wait)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The socket never waits and WSAPoll does: after its own time limit has run out, a socket of
/// Windows is in no defined state.
#[cfg(windows)]
mod system {
    use rustix::event::{poll, PollFd, PollFlags, Timespec};

    use super::*;

    #[derive(Debug)]
    pub struct SlicedStream(TcpStream);

    impl SlicedStream {
        pub fn new(stream: TcpStream) -> io::Result<SlicedStream> {
            stream.set_nonblocking(true)?;
            Ok(SlicedStream(stream))
        }

        pub fn read(&mut self, buffer: &mut [u8], slice: Duration) -> io::Result<usize> {
            wait(&self.0, PollFlags::IN, slice)?;
            self.0.read(buffer)
        }

        pub fn write(&mut self, bytes: &[u8], slice: Duration) -> io::Result<usize> {
            wait(&self.0, PollFlags::OUT, slice)?;
            self.0.write(bytes)
        }

        /// Whether an idle connection still stands: nothing to read, no end, no error.
        pub fn is_quiet(&self) -> bool {
            let looked = self.0.peek(&mut [0]);
            matches!(looked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
        }
    }

    fn wait(stream: &TcpStream, what: PollFlags, slice: Duration) -> io::Result<()> {
        // A slice is far below the century that a Timespec cannot hold.
        let limit = Timespec::try_from(slice.max(SHORTEST)).ok();
        poll(&mut [PollFd::new(stream, what)], limit.as_ref())?;
        Ok(())
    }

    /// Waits until a connect is decided, or for `slice`. Before Windows 10, WSAPoll never tells that
    /// a connect has failed; asking the socket does.
    pub fn await_connected(_: &Socket, slice: Duration) -> io::Result<()> {
        std::thread::sleep(slice.min(Duration::from_millis(10)));
        Ok(())
    }
}
