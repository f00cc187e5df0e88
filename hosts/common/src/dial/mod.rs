//! Opening a connection with the sockets of the standard library, by a thread that may wait: credentials, name, socket, TLS,
//! WebSocket. What comes of it is a stream that does not wait any more, for a host's loop.

mod socket;
#[cfg(feature = "tls")]
mod tls;
mod websocket;

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use core::net::SocketAddr;
use core::time::Duration;

use crate::address::UrlScheme;
use crate::authenticate::AuthenticationError;
use crate::driver::Attempt;
use crate::error::{Cause, Step};
use crate::eyeballs::{STAGGER, interleaved};
use crate::secret::Credentials;

use socket::Patient;
pub use socket::Socket;

/// A stream of bytes, whatever is laid over its socket.
pub trait Stream: Read + Write + Send {
    /// Says in its own words that nothing more follows; a socket has none. Called until it does not answer
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) any more.
    ///
    /// # Errors
    /// What the socket says.
    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }

    /// Whether a read that gives less than there was room for has taken all that had arrived, as one of a socket has.
    fn is_drained_by_a_short_read(&self) -> bool {
        false
    }
}

impl Stream for Box<dyn Stream> {
    fn finish(&mut self) -> io::Result<()> {
        (**self).finish()
    }

    fn is_drained_by_a_short_read(&self) -> bool {
        (**self).is_drained_by_a_short_read()
    }
}

/// A connection that was opened. Its stream answers [`WouldBlock`](io::ErrorKind::WouldBlock) where it would have to wait.
pub struct Opened {
    /// What is read and written.
    pub stream: Box<dyn Stream>,
    /// The socket under it, to wait for and to shut down.
    pub socket: Socket,
    /// What the application said when it was asked.
    pub credentials: Option<Credentials>,
}

impl core::fmt::Debug for Opened {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Opened").field("socket", &self.socket).finish_non_exhaustive()
    }
}

type Asking = Box<dyn FnMut(&Attempt) -> Result<Credentials, AuthenticationError> + Send>;
type Source = Box<dyn FnMut(&Attempt) -> io::Result<(Box<dyn Stream>, Socket)> + Send>;

/// What a [`Dialer`] is doing, for who gives it up.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Step>>);

impl Progress {
    /// The step that it is at.
    #[must_use]
    pub fn step(&self) -> Step {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, step: Step) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }
}

/// How connections are opened.
#[derive(Default)]
pub struct Dialer {
    progress: Progress,
    credentials: Option<Asking>,
    source: Option<Source>,
    #[cfg(feature = "tls")]
    tls: tls::Configured,
    headers: Vec<(String, String)>,
    largest: u32,
}

impl Dialer {
    /// TCP, TLS with the roots of the operating system, WebSocket and Unix sockets, as the URL says.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects packets of so many bytes at most, and no larger WebSocket messages than can hold one, or 4 MiB.
    pub const fn expect(&mut self, largest: u32) {
        self.largest = largest;
    }

    /// Asks for credentials at each attempt, instead of using those of the URL.
    pub fn ask(&mut self, ask: impl FnMut(&Attempt) -> Result<Credentials, AuthenticationError> + Send + 'static) {
        self.credentials = Some(Box::new(ask));
    }

    /// Opens streams by this instead of what the URL says. The stream must not block, and the socket is the one under it.
    pub fn open_by(&mut self, open: impl FnMut(&Attempt) -> io::Result<(Box<dyn Stream>, Socket)> + Send + 'static) {
        self.source = Some(Box::new(open));
    }

    /// Speaks TLS like this.
    #[cfg(feature = "tls")]
    pub fn speak_tls(&mut self, tls: crate::tls::Tls) {
        self.tls = tls.into();
    }

    /// Sends this header with the request for a WebSocket.
    pub fn send_header(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.headers.push((name.into(), value.into()));
    }

    /// What tells which step it is at, from another thread.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Opens a connection. Takes no longer than the attempt has left.
    ///
    /// # Errors
    /// The step that failed, and why.
    pub fn dial(&mut self, attempt: &Attempt) -> Result<Opened, (Step, Cause)> {
        self.open(attempt)
            .map_err(|cause| match cause {
                // What a socket says when its time is over.
                Cause::Io(error) if socket::is_timeout(&error) => Cause::TimedOut(attempt.timeout),
                cause => cause,
            })
            .map_err(|cause| (self.progress.step(), cause))
    }

    fn open(&mut self, attempt: &Attempt) -> Result<Opened, Cause> {
        self.progress.at(Step::Credentials);
        let credentials = match &mut self.credentials {
            Some(ask) => Some(ask(attempt).map_err(|error| Cause::Application(error.into()))?),
            None => None,
        };
        self.progress.at(Step::Open);
        if let Some(source) = &mut self.source {
            let (stream, socket) = source(attempt)?;
            return Ok(Opened { stream, socket, credentials });
        }
        let address = &attempt.address;
        let scheme = address.scheme();
        if scheme.is_tls() && cfg!(not(feature = "tls")) {
            self.progress.at(Step::Configure);
            return Err(Cause::Unsupported("this build has no TLS: the feature `tls` is wanted"));
        }
        let socket = match scheme {
            UrlScheme::Unix => Socket::unix(address.path())?,
            _ => tcp(attempt, &self.progress)?.into(),
        };
        let line = Patient::new(socket.try_clone()?, Instant::now().checked_add(attempt.left()));
        let patience = line.patience();
        #[cfg(feature = "tls")]
        let stream = if scheme.is_tls() {
            self.progress.at(Step::Tls);
            let stream = self.tls.connect(line, address)?;
            self.over(stream, attempt)?
        } else {
            self.over(line, attempt)?
        };
        #[cfg(not(feature = "tls"))]
        let stream = self.over(line, attempt)?;
        patience.end();
        self.progress.at(Step::Open);
        socket.set_nonblocking()?;
        Ok(Opened { stream, socket, credentials })
    }

    /// Lays WebSocket over the stream, where the URL asks for it.
    fn over(&self, stream: impl Stream + 'static, attempt: &Attempt) -> Result<Box<dyn Stream>, Cause> {
        if attempt.address.scheme().is_websocket() {
            self.progress.at(Step::WebSocket);
            return Ok(Box::new(websocket::connect(stream, &attempt.address, &self.headers, self.largest)?));
        }
        Ok(Box::new(stream))
    }
}

/// Tries each address of the name. The next one has its turn when one has failed, or has not answered for a while, and goes on
/// beside it (as RFC 8305 has it): the first that answers is taken.
fn tcp(attempt: &Attempt, progress: &Progress) -> Result<TcpStream, Cause> {
    progress.at(Step::LookUp);
    let (host, port) = (attempt.address.host().to_owned(), attempt.address.port());
    // The operating system gives no bound to this, so it may be left behind.
    let told =
        beside("mqtt5-lookup", move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>))?;
    let places = told.recv_timeout(attempt.left()).map_err(|_| Cause::TimedOut(attempt.timeout))??;
    progress.at(Step::Open);
    first_of(&interleaved(places), attempt)
}

/// Does something in a thread of its own.
fn beside<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<mpsc::Receiver<T>> {
    let (tell, told) = mpsc::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || tell.send(work()))?;
    Ok(told)
}

/// The first connection that one of these places accepts.
fn first_of(places: &[SocketAddr], attempt: &Attempt) -> Result<TcpStream, Cause> {
    let (tell, told) = mpsc::channel();
    let mut cause = Cause::NoAddress;
    let mut waiting = places.iter().copied();
    let mut open = 0;
    loop {
        let next = waiting.next();
        if let Some(place) = next {
            let (tell, left) = (tell.clone(), attempt.left().max(Duration::from_millis(1)));
            open += 1;
            thread::Builder::new()
                .name("mqtt5-connect".to_owned())
                .spawn(move || tell.send(TcpStream::connect_timeout(&place, left)))?;
        }
        if open == 0 {
            return Err(cause);
        }
        let patience = if waiting.len() == 0 { attempt.left() } else { attempt.left().min(STAGGER) };
        match told.recv_timeout(patience) {
            Ok(Ok(stream)) => {
                // A session writes whole packets, and waits for their answers.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => {
                open -= 1;
                cause = if socket::is_timeout(&error) { Cause::TimedOut(attempt.timeout) } else { error.into() };
            }
            Err(_) if attempt.left().is_zero() => return Err(Cause::TimedOut(attempt.timeout)),
            Err(_) => {}
        }
    }
}

impl core::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Dialer")
    }
}
