//! TLS over a socket of the standard library.

use std::io::{self, Write};
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::Stream;
use super::socket::Patient;
use crate::address::{Address, UrlScheme};
use crate::error::Cause;
use crate::tls::Tls;

/// How TLS is spoken, and what that comes to once it was needed.
#[derive(Default)]
pub(super) struct Configured {
    tls: Tls,
    ready: Option<(UrlScheme, Arc<ClientConfig>)>,
}

impl From<Tls> for Configured {
    fn from(tls: Tls) -> Self {
        Self { tls, ready: None }
    }
}

impl Configured {
    /// Shakes hands.
    pub(super) fn connect(
        &mut self,
        socket: Patient,
        address: &Address,
    ) -> Result<StreamOwned<ClientConnection, Patient>, Cause> {
        let scheme = address.scheme();
        let config = match &self.ready {
            Some((ready, config)) if *ready == scheme => Arc::clone(config),
            _ => self.tls.config(scheme)?,
        };
        self.ready = Some((scheme, Arc::clone(&config)));
        let connection = ClientConnection::new(config, self.tls.name_of(address.host())?)?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }
}

impl Stream for StreamOwned<ClientConnection, Patient> {
    fn finish(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()
    }
}
