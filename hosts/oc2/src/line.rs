//! The connection under a session of the demo: TCP, or TLS over it.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use mqtt5_blocking::Transport;

use crate::cli::{BrokerUrl, Secure};

#[cfg(feature = "tls")]
use mqtt5_tokio::{
    UrlScheme,
    rustls::{ClientConnection, StreamOwned},
};

/// An open connection.
pub(crate) enum Line {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// How connections of a job are secured.
#[derive(Clone)]
pub(crate) enum Security {
    None,
    #[cfg(feature = "tls")]
    Tls(Box<mqtt5_tokio::Tls>),
}

impl Security {
    /// What the broker's URL and the options ask for.
    pub(crate) fn new(broker: &BrokerUrl, secure: &Secure) -> Result<Self, String> {
        if !broker.tls {
            return match secure.is_asked_for() {
                true => Err("TLS goes with --broker mqtts://HOST".into()),
                false => Ok(Self::None),
            };
        }
        #[cfg(feature = "tls")]
        return Ok(Self::Tls(Box::new(crate::remote::tls(secure)?)));
        #[cfg(not(feature = "tls"))]
        return Err("this oc2 was built without TLS (feature tls)".into());
    }

    /// Secures a connection that was just opened. The handshake takes no longer than the socket's timeouts allow.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "who it is matters to TLS alone"))]
    pub(crate) fn secure(&self, stream: TcpStream, host: &str) -> Result<Line, String> {
        match self {
            Self::None => Ok(Line::Plain(stream)),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => {
                let config = tls.config(UrlScheme::Mqtts).map_err(|error| error.to_string())?;
                let name = tls.name_of(host).map_err(|error| error.to_string())?;
                let client = ClientConnection::new(config, name).map_err(|error| error.to_string())?;
                let mut stream = StreamOwned::new(client, stream);
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock).map_err(|error| match error.kind() {
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no answer".to_owned(),
                        _ => error.to_string(),
                    })?;
                }
                Ok(Line::Tls(Box::new(stream)))
            }
        }
    }
}

impl Read for Line {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(room),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(room),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl Transport for Line {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => &stream.sock,
        }
    }
}
