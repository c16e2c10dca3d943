//! A connection whose reads and writes wait for at most one slice of time, on Unix and on Windows.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::Socket;

pub use system::{await_connected, SlicedStream};

/// Some systems treat a shorter wait as no wait.
const SHORTEST: Duration = Duration::from_millis(1);

/// Uses the socket's own time limits, which need the fewest system calls.
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
        /// The current value of the socket's time limits.
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

        /// Sets the socket's time limits, if the slice has changed.
        fn limit_wait(&mut self, slice: Duration) -> io::Result<()> {
            let slice = slice.max(SHORTEST);
            if slice != self.slice {
                self.stream.set_read_timeout(Some(slice))?;
                self.stream.set_write_timeout(Some(slice))?;
                self.slice = slice;
            }
            Ok(())
        }

        /// Whether an idle connection is still open: nothing to read, no end, no error.
        pub fn is_quiet(&self) -> bool {
            let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
            let looked =
                SockRef::from(&self.stream).recv_with_flags(&mut [MaybeUninit::uninit()], flags);
            matches!(looked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
        }
    }

    /// Waits until a connect has succeeded or failed, up to `slice`.
    pub fn await_connected(socket: &Socket, slice: Duration) -> io::Result<()> {
        let mut sockets = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
        // Rounded up, so that a rest below a millisecond does not become a busy loop.
        let wait = u16::try_from(slice.as_millis() + 1).unwrap_or(u16::MAX);
        match poll(&mut sockets, PollTimeout::from(wait)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Uses a non-blocking socket and WSAPoll: on Windows, a socket is in an undefined state after its own
/// time limit has expired.
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

        /// Whether an idle connection is still open: nothing to read, no end, no error.
        pub fn is_quiet(&self) -> bool {
            let looked = self.0.peek(&mut [0]);
            matches!(looked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
        }
    }

    fn wait(stream: &TcpStream, what: PollFlags, slice: Duration) -> io::Result<()> {
        // A slice is far below the largest Timespec.
        let limit = Timespec::try_from(slice.max(SHORTEST)).ok();
        poll(&mut [PollFd::new(stream, what)], limit.as_ref())?;
        Ok(())
    }

    /// Waits until a connect has succeeded or failed, up to `slice`. Before Windows 10, WSAPoll never
    /// reports a failed connect; the socket itself does.
    pub fn await_connected(_: &Socket, slice: Duration) -> io::Result<()> {
        std::thread::sleep(slice.min(Duration::from_millis(10)));
        Ok(())
    }
}
