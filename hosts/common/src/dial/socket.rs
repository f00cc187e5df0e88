//! Sockets of the standard library: patient until a connection stands, and never waiting from then on.

use core::sync::atomic::{AtomicBool, Ordering};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use core::time::Duration;

use super::Stream;
use crate::error::Cause;

/// A socket that is connected.
#[derive(Debug)]
#[non_exhaustive]
pub enum Socket {
    /// Over TCP.
    Tcp(TcpStream),
    /// In the file system.
    #[cfg(unix)]
    Unix(UnixStream),
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }
}

/// What a socket answers when its time is over; operating systems differ.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

impl Socket {
    #[cfg(unix)]
    pub(super) fn unix(path: &str) -> Result<Self, Cause> {
        Ok(Self::Unix(UnixStream::connect(path)?))
    }

    #[cfg(not(unix))]
    pub(super) fn unix(_: &str) -> Result<Self, Cause> {
        Err(Cause::Unsupported("this operating system has no sockets in the file system"))
    }

    /// Another hold on the same socket.
    ///
    /// # Errors
    /// If the operating system has none left.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
            #[cfg(unix)]
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
        })
    }

    /// Closes our side: what was written still arrives, then the end.
    ///
    /// # Errors
    /// If it is closed already.
    pub fn finish(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    pub(super) fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(true),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_nonblocking(true),
        }
    }

    fn set_timeouts(&self, left: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_read_timeout(Some(left))?;
                stream.set_write_timeout(Some(left))
            }
            #[cfg(unix)]
            Self::Unix(stream) => {
                stream.set_read_timeout(Some(left))?;
                stream.set_write_timeout(Some(left))
            }
        }
    }
}

impl Read for Socket {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(to),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(to),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(from),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Socket {
    fn is_drained_by_a_short_read(&self) -> bool {
        true
    }
}

impl Stream for TcpStream {
    fn is_drained_by_a_short_read(&self) -> bool {
        true
    }
}

#[cfg(unix)]
impl Stream for UnixStream {
    fn is_drained_by_a_short_read(&self) -> bool {
        true
    }
}

/// A socket that waits until a deadline, as long as it is told to.
pub(super) struct Patient {
    socket: Socket,
    deadline: Option<Instant>,
    over: Arc<AtomicBool>,
}

/// Ends the waiting, for good.
pub(super) struct Patience(Arc<AtomicBool>);

impl Patience {
    pub(super) fn end(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Patient {
    pub(super) fn new(socket: Socket, deadline: Option<Instant>) -> Self {
        Self { socket, deadline, over: Arc::default() }
    }

    pub(super) fn patience(&self) -> Patience {
        Patience(Arc::clone(&self.over))
    }

    /// The deadline holds for all reads and writes together, however small the pieces.
    fn prepare(&self) -> io::Result<()> {
        if self.over.load(Ordering::Acquire) {
            return Ok(());
        }
        let Some(deadline) = self.deadline else { return Ok(()) };
        match deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ErrorKind::TimedOut.into()),
            left => self.socket.set_timeouts(left),
        }
    }
}

impl Read for Patient {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.prepare()?;
        self.socket.read(to)
    }
}

impl Write for Patient {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.prepare()?;
        self.socket.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Patient {
    fn is_drained_by_a_short_read(&self) -> bool {
        true
    }
}
