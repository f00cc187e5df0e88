//! MQTT over WebSocket (section 6): a stream of bytes in binary messages, wherever packets begin and end.

use std::io::{self, ErrorKind, Read, Write};

use tungstenite::client::client_with_config;
use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Bytes, ClientRequestBuilder, Error, Message};

use super::Stream;
use crate::address::Address;
use crate::error::Cause;

/// The subprotocol [MQTT-6.0.0-3] [MQTT-6.0.0-4].
const PROTOCOL: &str = "mqtt";
/// How large a message may be at least: a server may put many packets into one.
const LARGEST: usize = 4 << 20;

/// Asks for a WebSocket.
pub(super) fn connect<S: Stream>(
    stream: S,
    address: &Address,
    headers: &[(String, String)],
    largest: u32,
) -> Result<WebSocket<S>, Cause> {
    let (scheme, host, port) = (address.scheme().name(), address.host(), address.port());
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let uri = format!("{scheme}://{host}:{port}{}", address.path());
    let uri = uri.parse().map_err(|_| Cause::WebSocket("the path is no part of a URI".into()))?;
    let mut request = ClientRequestBuilder::new(uri).with_sub_protocol(PROTOCOL);
    for (name, value) in headers {
        request = request.with_header(name, value);
    }
    let largest = usize::try_from(largest).unwrap_or(LARGEST).saturating_add(64).max(LARGEST);
    let config = WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest));
    match client_with_config(request, stream, Some(config)) {
        Ok((socket, _)) => Ok(WebSocket { socket, rest: Bytes::new() }),
        Err(HandshakeError::Interrupted(_)) => Err(io::Error::from(ErrorKind::TimedOut).into()),
        Err(HandshakeError::Failure(Error::Http(response))) => Err(Cause::Http(response.status().as_u16())),
        Err(HandshakeError::Failure(Error::Io(error))) => Err(error.into()),
        Err(HandshakeError::Failure(error)) => Err(Cause::WebSocket(error.to_string().into())),
    }
}

/// A WebSocket as a stream of bytes.
pub(super) struct WebSocket<S> {
    socket: tungstenite::WebSocket<S>,
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

impl<S: Stream> Read for WebSocket<S> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.socket.read() {
                Ok(Message::Binary(bytes)) => self.rest = bytes,
                // The connection ends with this error.
                Ok(Message::Text(_)) => {
                    let why = "a text frame, where packets come in binary ones [MQTT-6.0.0-1]";
                    return Err(io::Error::new(ErrorKind::InvalidData, why));
                }
                Ok(Message::Close(_)) | Err(Error::ConnectionClosed) => return Ok(0),
                // Pings are answered by the library.
                Ok(_) => {}
                Err(error) => return Err(io_error(error)),
            }
        }
        let n = self.rest.len().min(to.len());
        let (to, _) = to.split_at_mut(n);
        to.copy_from_slice(&self.rest.split_to(n));
        Ok(n)
    }
}

impl<S: Stream> Write for WebSocket<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        // Nothing is put behind what the socket does not take yet.
        self.flush()?;
        match self.socket.write(Message::Binary(Bytes::copy_from_slice(from))) {
            // It is kept, and goes with the next flush.
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(from.len()),
            Err(error) => Err(io_error(error)),
            Ok(()) => Ok(from.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush().map_err(io_error)
    }
}

impl<S: Stream> Stream for WebSocket<S> {
    fn finish(&mut self) -> io::Result<()> {
        match self.socket.close(None) {
            Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => self.socket.get_mut().finish(),
            Err(error) => Err(io_error(error)),
        }
    }
}
