//! How a client is put together.

use core::fmt;
use std::io;
use std::thread;

use mqtt5_host::{
    Address, AddressError, Attempt, AuthenticationError, Authenticator, Credentials, Dialer, HostError, Itinerary,
    Offline, Options, Reconnect, Socket, Step, Stream, wait,
};

use super::run::Loop;
use super::{Events, Handle};

/// Connects to a server. Fails with the first error, if there is no connection; from then on, it reconnects as the options say.
///
/// # Errors
/// The step and the cause for which there is no connection.
pub fn open(url: &str, options: Options) -> Result<(Handle, Events), HostError> {
    let builder = Builder::new(url).map_err(|error| HostError::new(Step::Configure, "a server", error))?;
    builder.options(options).connect()
}

/// How to connect, and what the client may hold.
pub struct Builder {
    first: Address,
    others: Vec<Address>,
    options: Options,
    dialer: Dialer,
    authenticator: Option<Box<dyn Authenticator>>,
}

impl Builder {
    /// A client of the server at this URL.
    ///
    /// # Errors
    /// Why it is no URL of a server.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        let first = url.parse()?;
        let (options, dialer) = (Options::default(), Dialer::new());
        Ok(Self { first, others: Vec::new(), options, dialer, authenticator: None })
    }

    /// Tries this URL too, in turn.
    ///
    /// # Errors
    /// Why it is no URL of a server.
    pub fn and(mut self, url: &str) -> Result<Self, AddressError> {
        self.others.push(url.parse()?);
        Ok(self)
    }

    /// With all these options. What is set by the methods below, before, is lost.
    #[must_use]
    pub fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// With this client identifier; without one, the server assigns one.
    #[must_use]
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.options.client_id = id.into();
        self
    }

    /// Reconnects like this; a [`Backoff`](mqtt5_host::Backoff) is enough.
    #[must_use]
    pub fn reconnect(mut self, reconnect: impl Into<Reconnect>) -> Self {
        self.options.reconnect = reconnect.into();
        self
    }

    /// Does this with what is published while there is no connection.
    #[must_use]
    pub const fn offline(mut self, offline: Offline) -> Self {
        self.options.offline = offline;
        self
    }

    /// Asks for credentials at each attempt to connect, instead of using those of the URL.
    #[must_use]
    pub fn credentials(
        mut self,
        ask: impl FnMut(&Attempt) -> Result<Credentials, AuthenticationError> + Send + 'static,
    ) -> Self {
        self.dialer.ask(ask);
        self
    }

    /// Authenticates by this method (section 4.12).
    #[must_use]
    pub fn authenticator(self, authenticator: impl Authenticator + 'static) -> Self {
        Self { authenticator: Some(Box::new(authenticator)), ..self }
    }

    /// Speaks TLS like this; as [`Tls::new`](mqtt5_host::Tls::new) without this call.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: mqtt5_host::Tls) -> Self {
        self.dialer.speak_tls(tls);
        self
    }

    /// Sends this header with the request for a WebSocket, such as an authorization.
    #[must_use]
    pub fn websocket_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.dialer.send_header(name, value);
        self
    }

    /// Opens streams by this instead of what the URL says. The stream must not block; the socket is the one under it.
    #[must_use]
    pub fn stream(
        mut self,
        open: impl FnMut(&Attempt) -> io::Result<(Box<dyn Stream>, Socket)> + Send + 'static,
    ) -> Self {
        self.dialer.open_by(open);
        self
    }

    /// Starts a thread that connects, and connects again as often as needed. Returns at once.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn spawn(self) -> io::Result<(Handle, Events)> {
        self.start(false)
    }

    fn start(self, fail_at_first: bool) -> io::Result<(Handle, Events)> {
        let Self { first, others, options, mut dialer, authenticator } = self;
        dialer.expect(options.maximum_packet_size.get());
        let itinerary = others.into_iter().fold(Itinerary::new(first, options.reconnect.clone()), Itinerary::and);
        let (handle, events, mut driver) = mqtt5_host::client(itinerary, options, authenticator);
        if fail_at_first {
            driver.fail_at_first();
        }
        let running = Loop::new(driver, dialer)?;
        thread::Builder::new().name("mqtt5".to_owned()).spawn(move || running.run())?;
        Ok((Handle(handle), Events(events)))
    }

    /// As [`spawn`](Self::spawn), and waits for the first connection. When it does not come about at any of the addresses, the
    /// client ends with the last error.
    ///
    /// # Errors
    /// The step and the cause for which there is no connection.
    pub fn connect(self) -> Result<(Handle, Events), HostError> {
        let place = self.first.to_string();
        let started = self.start(true).map_err(|error| HostError::new(Step::Configure, place, error))?;
        wait(started.0.0.connected())?;
        Ok(started)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("first", &self.first)
            .field("others", &self.others)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
