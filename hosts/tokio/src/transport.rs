//! Opening a connection: name, socket, TLS, WebSocket.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::io;

use mqtt5_host::{Address, Attempt, Cause, Credentials, STAGGER, Step, UrlScheme, interleaved};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
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
    /// What opens TCP connections instead of the sockets of here.
    pub(crate) tunnel: Option<Source>,
    #[cfg(feature = "tls")]
    pub(crate) tls: std::sync::Arc<mqtt5_host::Tls>,
    #[cfg(feature = "websocket")]
    pub(crate) headers: Vec<(String, String)>,
    /// The largest packet that may come.
    pub(crate) largest: u32,
    /// What is being done, for when it fails or takes too long.
    pub(crate) step: Step,
}

type Opening<T> = Result<T, Cause>;

impl Opener {
    /// Opens a connection. What is being done is in `step`.
    pub(crate) async fn open(&mut self, attempt: &Attempt) -> Opening<(Box<dyn Transport>, Option<Credentials>)> {
        self.step = Step::Credentials;
        let credentials = match &mut self.credentials {
            Some(ask) => Some(ask(attempt.clone()).await.map_err(|error| Cause::Application(error.into()))?),
            None => None,
        };
        self.step = Step::Open;
        let stream = match &mut self.source {
            Some(source) => source(attempt.clone()).await?,
            None if attempt.address.scheme() == UrlScheme::Unix => unix(attempt.address.path()).await?,
            None => self.over_tcp(attempt).await?,
        };
        Ok((stream, credentials))
    }

    async fn over_tcp(&mut self, attempt: &Attempt) -> Opening<Box<dyn Transport>> {
        let address = &attempt.address;
        self.step = Step::Configure;
        address.scheme().supported(cfg!(feature = "tls"), cfg!(feature = "websocket"))?;
        if let Some(tunnel) = &mut self.tunnel {
            self.step = Step::Open;
            let stream = tunnel(attempt.clone()).await?;
            return self.secured(stream, address).await;
        }
        let stream = self.tcp(attempt).await?;
        self.secured(stream, address).await
    }

    /// Lays TLS over the stream, and WebSocket over that, where the URL asks for them.
    async fn secured<S: Transport + 'static>(&mut self, stream: S, address: &Address) -> Opening<Box<dyn Transport>> {
        #[cfg(feature = "tls")]
        if address.scheme().is_tls() {
            self.step = Step::Tls;
            let (tls, scheme) = (std::sync::Arc::clone(&self.tls), address.scheme());
            // The operating system's roots are read from its disk.
            let config = tokio::task::spawn_blocking(move || tls.config(scheme)).await.map_err(io::Error::other)??;
            let connector = tokio_rustls::TlsConnector::from(config);
            let stream = connector.connect(self.tls.name_of(address.host())?, stream).await?;
            return self.over(stream, address).await;
        }
        self.over(stream, address).await
    }

    /// Tries each address of the name. The next one has its turn when one has failed, or has not answered for a while, and goes
    /// on beside it (as RFC 8305 has it): the first that answers is taken.
    async fn tcp(&mut self, attempt: &Attempt) -> Opening<TcpStream> {
        self.step = Step::LookUp;
        let places = lookup_host((attempt.address.host(), attempt.address.port())).await?.collect();
        self.step = Step::Open;
        let (mut cause, mut open) = (Cause::NoAddress, JoinSet::new());
        let mut waiting = interleaved(places).into_iter();
        loop {
            if let Some(place) = waiting.next() {
                open.spawn(TcpStream::connect(place));
            }
            // The last one has what is left of the attempt, which has a limit of its own.
            let stagger = if waiting.len() == 0 { Duration::MAX } else { STAGGER };
            match timeout(stagger, open.join_next()).await {
                Ok(Some(Ok(Ok(stream)))) => {
                    // A session writes whole packets, and waits for their answers.
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Ok(Some(Ok(Err(error)))) => cause = error.into(),
                Ok(Some(Err(error))) => cause = io::Error::other(error).into(),
                Ok(None) => return Err(cause),
                Err(_) => {}
            }
        }
    }

    /// Lays WebSocket over the stream, where the URL asks for it.
    async fn over<S: Transport + 'static>(&mut self, stream: S, address: &Address) -> Opening<Box<dyn Transport>> {
        #[cfg(feature = "websocket")]
        if address.scheme().is_websocket() {
            self.step = Step::WebSocket;
            return Ok(Box::new(crate::websocket::connect(stream, address, &self.headers, self.largest).await?));
        }
        let _ = address;
        Ok(Box::new(stream))
    }
}

#[cfg(unix)]
async fn unix(path: &str) -> Opening<Box<dyn Transport>> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
async fn unix(_: &str) -> Opening<Box<dyn Transport>> {
    Err(Cause::Unsupported("this operating system has no sockets in the file system"))
}
