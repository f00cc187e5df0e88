//! MQTT over WebSocket (section 6): a stream of bytes in binary messages, wherever packets begin and end.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, ErrorKind};

use futures_core::Stream;
use futures_sink::Sink;
use mqtt5_host::{Address, Cause};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, ClientRequestBuilder, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::transport::Transport;

/// The subprotocol [MQTT-6.0.0-3] [MQTT-6.0.0-4].
const PROTOCOL: &str = "mqtt";
/// How large a message may be at least: a server may put many packets into one.
const LARGEST: usize = 4 << 20;

/// Asks for a WebSocket.
pub(crate) async fn connect<S: Transport>(
    stream: S,
    address: &Address,
    headers: &[(String, String)],
    largest: u32,
) -> Result<WebSocket<S>, Cause> {
    let (scheme, host, port) = (address.scheme().name(), address.host(), address.port());
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let uri = format!("{scheme}://{host}:{port}{}", address.path())
        .parse()
        .map_err(|_| other("the path is no part of a URI"))?;
    let mut request = ClientRequestBuilder::new(uri).with_sub_protocol(PROTOCOL);
    for (name, value) in headers {
        request = request.with_header(name, value);
    }
    let largest = usize::try_from(largest).unwrap_or(LARGEST).saturating_add(64).max(LARGEST);
    let config = WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest));
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(WebSocket { socket, rest: Bytes::new() }),
        Err(Error::Http(response)) => Err(Cause::Http(response.status().as_u16())),
        Err(Error::Io(error)) => Err(error.into()),
        Err(error) => Err(other(&error.to_string())),
    }
}

fn other(text: &str) -> Cause {
    Cause::WebSocket(text.into())
}

/// A WebSocket as a stream of bytes.
pub(crate) struct WebSocket<S> {
    socket: WebSocketStream<S>,
    /// What was received and not read.
    rest: Bytes,
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => ErrorKind::UnexpectedEof.into(),
        error => io::Error::new(ErrorKind::InvalidData, error),
    }
}

impl<S: Transport> AsyncRead for WebSocket<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                Some(Ok(Message::Binary(bytes))) => self.rest = bytes,
                Some(Ok(Message::Text(_))) => {
                    // The connection ends with this error.
                    return Poll::Ready(Err(io::Error::new(
                        ErrorKind::InvalidData,
                        "a text frame, where packets come in binary ones [MQTT-6.0.0-1]",
                    )));
                }
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                // Pings are answered by the library.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(io_error(error))),
            }
        }
        let n = self.rest.len().min(to.remaining());
        to.put_slice(&self.rest.split_to(n));
        Poll::Ready(Ok(()))
    }
}

impl<S: Transport> AsyncWrite for WebSocket<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(context)).map_err(io_error)?;
        let message = Message::Binary(Bytes::copy_from_slice(bytes));
        Pin::new(&mut self.socket).start_send(message).map_err(io_error)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context).map_err(io_error)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(context).map_err(io_error)
    }
}
