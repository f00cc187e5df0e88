//! Opening a connection with the sockets of the standard library, by a thread that may wait: credentials, name, socket, TLS,
//! WebSocket. What comes of it is a stream that does not wait any more, for a host's loop.

mod socket;
#[cfg(feature = "tls")]
mod tls;
mod websocket;

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use core::time::Duration;

use crate::address::UrlScheme;
use crate::authenticate::AuthenticationError;
use crate::driver::Attempt;
use crate::error::{Cause, Step};
use crate::secret::Credentials;

use socket::Patient;
pub use socket::Socket;

/// A stream of bytes, whatever is laid over its socket.
pub trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

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

/// How connections are opened.
#[derive(Default)]
pub struct Dialer {
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

    /// Opens a connection. Takes no longer than the attempt has left.
    ///
    /// # Errors
    /// The step that failed, and why.
    pub fn dial(&mut self, attempt: &Attempt) -> Result<Opened, (Step, Cause)> {
        let credentials = match &mut self.credentials {
            Some(ask) => Some(ask(attempt).map_err(|error| (Step::Credentials, Cause::Application(error.into())))?),
            None => None,
        };
        if let Some(source) = &mut self.source {
            let (stream, socket) = source(attempt).map_err(|error| (Step::Open, error.into()))?;
            return Ok(Opened { stream, socket, credentials });
        }
        let address = &attempt.address;
        let scheme = address.scheme();
        if scheme.is_tls() && cfg!(not(feature = "tls")) {
            let why = "this build has no TLS: the feature `tls` is wanted";
            return Err((Step::Configure, Cause::Unsupported(why)));
        }
        let socket = match scheme {
            UrlScheme::Unix => Socket::unix(address.path()).map_err(|cause| (Step::Open, cause))?,
            _ => tcp(attempt)?.into(),
        };
        let told = |step: Step| {
            move |cause: Cause| match cause {
                // What a socket says when its time is over.
                Cause::Io(error) if socket::is_timeout(&error) => (step, Cause::TimedOut(attempt.timeout)),
                cause => (step, cause),
            }
        };
        let own = socket.try_clone().map_err(|error| (Step::Open, error.into()))?;
        let line = Patient::new(own, Instant::now().checked_add(attempt.left()));
        let patience = line.patience();
        #[cfg(feature = "tls")]
        let stream = if scheme.is_tls() {
            let stream = self.tls.connect(line, address).map_err(told(Step::Tls))?;
            self.over(stream, attempt).map_err(told(Step::WebSocket))?
        } else {
            self.over(line, attempt).map_err(told(Step::WebSocket))?
        };
        #[cfg(not(feature = "tls"))]
        let stream = self.over(line, attempt).map_err(told(Step::WebSocket))?;
        patience.end();
        socket.set_nonblocking().map_err(|error| (Step::Open, error.into()))?;
        Ok(Opened { stream, socket, credentials })
    }

    /// Lays WebSocket over the stream, where the URL asks for it.
    fn over(&self, stream: impl Stream + 'static, attempt: &Attempt) -> Result<Box<dyn Stream>, Cause> {
        if attempt.address.scheme().is_websocket() {
            return Ok(Box::new(websocket::connect(stream, &attempt.address, &self.headers, self.largest)?));
        }
        Ok(Box::new(stream))
    }
}

/// Tries each address of the name in turn; what the others leave of the time is theirs.
fn tcp(attempt: &Attempt) -> Result<TcpStream, (Step, Cause)> {
    let (host, port) = (attempt.address.host().to_owned(), attempt.address.port());
    let (tell, told) = mpsc::channel();
    // The operating system gives no bound to this, so it may be left behind.
    thread::Builder::new()
        .name("mqtt5-lookup".to_owned())
        .spawn(move || tell.send((host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>)))
        .map_err(|error| (Step::LookUp, error.into()))?;
    let places = match told.recv_timeout(attempt.left()) {
        Ok(places) => places.map_err(|error| (Step::LookUp, error.into()))?,
        Err(_) => return Err((Step::LookUp, Cause::TimedOut(attempt.timeout))),
    };
    let mut cause = Cause::NoAddress;
    for (index, place) in places.iter().enumerate() {
        let others = u32::try_from(places.len() - index).unwrap_or(1);
        let share = (attempt.left() / others).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(place, share) {
            // A session writes whole packets, and waits for their answers.
            Ok(stream) => match stream.set_nodelay(true) {
                Ok(()) => return Ok(stream),
                Err(error) => cause = error.into(),
            },
            Err(error) if socket::is_timeout(&error) => cause = Cause::TimedOut(share),
            Err(error) => cause = error.into(),
        }
    }
    Err((Step::Open, cause))
}

impl core::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Dialer")
    }
}
