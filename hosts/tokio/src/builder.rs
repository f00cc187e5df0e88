//! How a client is put together.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use mqtt5_host::{
    Address, AddressError, Attempt, AuthenticationError, Authenticator, Credentials, Driver, Events, Handle, HostError,
    Itinerary, Offline, Options, Reconnect, Step,
};

use crate::run::run;
use crate::transport::{Opener, Transport};

/// Connects to a server. Fails with the first error, if there is no connection; from then on, it reconnects as the options say.
///
/// To be called within a tokio runtime, on which a task of the client then runs.
///
/// # Errors
/// The step and the cause for which there is no connection.
pub async fn connect(url: &str, options: Options) -> Result<(Handle, Events), HostError> {
    let builder = Builder::new(url).map_err(|error| HostError::new(Step::Configure, "a server", error))?;
    builder.options(options).connect().await
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Asks the application for credentials.
pub(crate) type Asking = Box<dyn FnMut(Attempt) -> BoxFuture<Result<Credentials, AuthenticationError>> + Send>;

/// How to connect, and what the client may hold.
///
/// ```no_run
/// # use core::time::Duration;
/// # use mqtt5_tokio::{AddressError, Backoff, Builder, Credentials, Offline};
/// # async fn fresh_token() -> Result<String, std::io::Error> { Ok(String::new()) }
/// # async fn run() -> Result<(), AddressError> {
/// let (client, events) = Builder::new("mqtts://broker.example")?
///     .and("mqtts://spare.example")?
///     .client_id("device-7")
///     .credentials(|_attempt| async { Ok(Credentials::new("device-7", fresh_token().await?)) })
///     .reconnect(Backoff::jittered(Duration::from_secs(1), Duration::from_secs(60)))
///     .offline(Offline::Queue { bytes: 64 << 10 })
///     .spawn();
/// # Ok(())
/// # }
/// ```
pub struct Builder {
    first: Address,
    others: Vec<Address>,
    options: Options,
    opener: Opener,
    authenticator: Option<Box<dyn Authenticator>>,
}

impl Builder {
    /// A client of the server at this URL.
    ///
    /// # Errors
    /// Why it is no URL of a server.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        Ok(Self {
            first: url.parse()?,
            others: Vec::new(),
            options: Options::default(),
            opener: Opener::default(),
            authenticator: None,
        })
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

    /// Asks for credentials at each attempt to connect, instead of using those of the URL. The time it takes is part of
    /// the attempt's.
    #[must_use]
    pub fn credentials<F, A>(mut self, mut ask: F) -> Self
    where
        F: FnMut(Attempt) -> A + Send + 'static,
        A: Future<Output = Result<Credentials, AuthenticationError>> + Send + 'static,
    {
        self.opener.credentials = Some(Box::new(move |attempt| Box::pin(ask(attempt))));
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
        self.opener.tls = std::sync::Arc::new(tls);
        self
    }

    /// Sends this header with the request for a WebSocket, such as an authorization.
    #[cfg(feature = "websocket")]
    #[must_use]
    pub fn websocket_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.opener.headers.push((name.into(), value.into()));
        self
    }

    /// Opens connections by this instead of what the URL says, which then only gives credentials and a name: for any
    /// stream of bytes. Nothing is laid over it.
    #[must_use]
    pub fn stream<A, T>(mut self, mut open: impl FnMut(Attempt) -> A + Send + 'static) -> Self
    where
        A: Future<Output = std::io::Result<T>> + Send + 'static,
        T: Transport + 'static,
    {
        self.opener.source = Some(Box::new(move |attempt| {
            let opening = open(attempt);
            Box::pin(async move { Ok(Box::new(opening.await?) as Box<dyn Transport>) })
        }));
        self
    }

    /// Opens TCP connections by this, such as through a proxy; TLS and WebSocket are laid over them as the URL says.
    #[must_use]
    pub fn tunnel<A, T>(self, open: impl FnMut(Attempt) -> A + Send + 'static) -> Self
    where
        A: Future<Output = std::io::Result<T>> + Send + 'static,
        T: Transport + 'static,
    {
        let mut builder = self.stream(open);
        builder.opener.tunnel = builder.opener.source.take();
        builder
    }

    fn build(self) -> (Handle, Events, Driver, Opener) {
        let Self { first, others, options, mut opener, authenticator } = self;
        opener.largest = options.maximum_packet_size.get();
        let itinerary = others.into_iter().fold(Itinerary::new(first, options.reconnect.clone()), Itinerary::and);
        let (handle, events, driver) = mqtt5_host::client(itinerary, options, authenticator);
        (handle, events, driver, opener)
    }

    /// Starts a task of the current tokio runtime that connects, and connects again as often as needed. Returns at once.
    #[must_use = "without a handle, subscription or events, the client ends"]
    pub fn spawn(self) -> (Handle, Events) {
        let (handle, events, running) = self.driver();
        tokio::spawn(running);
        (handle, events)
    }

    /// As [`spawn`](Self::spawn), but gives the work to the caller as a future: nothing happens unless it is polled.
    #[must_use = "without a handle, subscription or events, the client ends"]
    pub fn driver(self) -> (Handle, Events, Running) {
        let (handle, events, driver, opener) = self.build();
        (handle, events, Running(Box::pin(run(driver, opener))))
    }

    /// As [`spawn`](Self::spawn), and waits for the first connection. When it does not come about at any of the addresses,
    /// the client ends with the last error.
    ///
    /// # Errors
    /// The step and the cause for which there is no connection.
    pub async fn connect(self) -> Result<(Handle, Events), HostError> {
        let (handle, events, mut driver, opener) = self.build();
        driver.fail_at_first();
        tokio::spawn(run(driver, opener));
        handle.connected().await?;
        Ok((handle, events))
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

/// The work of a client: done when the client has ended. Dropped before, it cuts the connection.
#[must_use = "nothing happens unless this is polled"]
pub struct Running(BoxFuture<()>);

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Running")
    }
}
