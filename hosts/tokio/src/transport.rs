//! Opening a connection: name, socket, TLS, WebSocket.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::io;

use mqtt5_host::{Address, Attempt, Cause, Credentials, Step, UrlScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::builder::Asking;

/// A stream of bytes that a client can be hosted on.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Opens streams of the application's own.
pub(crate) type Source =
    Box<dyn FnMut(Attempt) -> Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send>> + Send>;

/// What opens connections.
#[derive(Default)]
pub(crate) struct Opener {
    pub(crate) credentials: Option<Asking>,
    pub(crate) source: Option<Source>,
    #[cfg(feature = "tls")]
    pub(crate) tls: tls::Configured,
    #[cfg(feature = "websocket")]
    pub(crate) headers: Vec<(String, String)>,
    /// The largest packet that may come.
    pub(crate) largest: u32,
    /// What is being done, for when it takes too long.
    pub(crate) step: Option<Step>,
}

/// What came of opening a connection.
pub(crate) type Opened = Result<(Box<dyn Transport>, Option<Credentials>), Cause>;

impl Opener {
    fn now(&mut self, step: Step) {
        self.step = Some(step);
    }

    /// Opens a connection. The step that failed is in `step`.
    pub(crate) async fn open(&mut self, attempt: &Attempt) -> Opened {
        self.now(Step::Credentials);
        let credentials = match &mut self.credentials {
            Some(ask) => Some(ask(attempt.clone()).await.map_err(|error| Cause::Application(error.into()))?),
            None => None,
        };
        if let Some(source) = &mut self.source {
            self.step = Some(Step::Open);
            return Ok((source(attempt.clone()).await?, credentials));
        }
        let stream = self.open_url(attempt).await?;
        Ok((stream, credentials))
    }

    async fn open_url(&mut self, attempt: &Attempt) -> Result<Box<dyn Transport>, Cause> {
        let address = &attempt.address;
        if address.scheme() == UrlScheme::Unix {
            self.now(Step::Open);
            return unix(address.path()).await;
        }
        self.may_speak(address.scheme())?;
        self.now(Step::LookUp);
        let stream = self.tcp(attempt).await?;
        #[cfg(feature = "tls")]
        if address.scheme().is_tls() {
            self.now(Step::Tls);
            let stream = self.tls.connect(stream, address).await?;
            return self.over(stream, address).await;
        }
        self.over(stream, address).await
    }

    /// Whether this build has what the URL asks for.
    fn may_speak(&mut self, scheme: UrlScheme) -> Result<(), Cause> {
        self.now(Step::Configure);
        if scheme.is_tls() && cfg!(not(feature = "tls")) {
            return Err(Cause::Unsupported("this build has no TLS: the feature `tls` is wanted"));
        }
        if scheme.is_websocket() && cfg!(not(feature = "websocket")) {
            return Err(Cause::Unsupported("this build has no WebSocket: the feature `websocket` is wanted"));
        }
        Ok(())
    }

    /// Tries each address of the name in turn; what the others leave of the time is theirs.
    async fn tcp(&mut self, attempt: &Attempt) -> Result<TcpStream, Cause> {
        let (host, port) = (attempt.address.host(), attempt.address.port());
        let places: Vec<_> = lookup_host((host, port)).await?.collect();
        self.now(Step::Open);
        let mut cause = Cause::NoAddress;
        for (index, place) in places.iter().enumerate() {
            let others = u32::try_from(places.len() - index).unwrap_or(1);
            let share = (attempt.left() / others).max(Duration::from_millis(1));
            match timeout(share, TcpStream::connect(place)).await {
                Ok(Ok(stream)) => {
                    // A session writes whole packets, and waits for their answers.
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Ok(Err(error)) => cause = error.into(),
                Err(_) => cause = Cause::TimedOut(share),
            }
        }
        Err(cause)
    }

    /// Lays WebSocket over the stream, where the URL asks for it.
    async fn over<S: Transport + 'static>(
        &mut self,
        stream: S,
        address: &Address,
    ) -> Result<Box<dyn Transport>, Cause> {
        #[cfg(feature = "websocket")]
        if address.scheme().is_websocket() {
            self.now(Step::WebSocket);
            return Ok(Box::new(crate::websocket::connect(stream, address, &self.headers, self.largest).await?));
        }
        let _ = address;
        Ok(Box::new(stream))
    }
}

#[cfg(unix)]
async fn unix(path: &str) -> Result<Box<dyn Transport>, Cause> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
async fn unix(_: &str) -> Result<Box<dyn Transport>, Cause> {
    Err(Cause::Unsupported("this operating system has no sockets in the file system"))
}

#[cfg(feature = "tls")]
pub(crate) mod tls {
    use std::sync::Arc;

    use mqtt5_host::rustls::ClientConfig;
    use mqtt5_host::{Address, Cause, Tls, UrlScheme};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;

    use super::Transport;

    /// How TLS is spoken, and what that comes to once it was needed.
    #[derive(Default)]
    pub(crate) struct Configured {
        tls: Tls,
        ready: Option<(UrlScheme, Arc<ClientConfig>)>,
    }

    impl From<Tls> for Configured {
        fn from(tls: Tls) -> Self {
            Self { tls, ready: None }
        }
    }

    impl Configured {
        pub(super) async fn connect<S: Transport>(
            &mut self,
            stream: S,
            address: &Address,
        ) -> Result<TlsStream<S>, Cause> {
            let scheme = address.scheme();
            let config = match &self.ready {
                Some((ready, config)) if *ready == scheme => Arc::clone(config),
                _ => {
                    let tls = self.tls.clone();
                    // The operating system's roots are read from its disk.
                    let made = tokio::task::spawn_blocking(move || tls.config(scheme)).await;
                    let config = made.map_err(std::io::Error::other)??;
                    self.ready = Some((scheme, Arc::clone(&config)));
                    config
                }
            };
            let name = self.tls.name_of(address.host())?;
            Ok(TlsConnector::from(config).connect(name, stream).await?)
        }
    }
}
