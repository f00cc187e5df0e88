//! TLS under the blocking host: a stream of rustls, with the socket beneath it. Any other stream that stands on a socket is hosted
//! the same way.
//!
//! ```text
//! cargo run -p mqtt5-blocking --example tls -- broker.example:8883 broker.example ca.pem
//! ```

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;

use mqtt5_blocking::{Clock, Connection, Transport, connect};
use mqtt5_session::codec::Text;
use mqtt5_session::{Boxed, Client, ConnectOptions, Event, Inbox};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A TLS stream over TCP.
pub struct Tls(StreamOwned<ClientConnection, TcpStream>);

impl Tls {
    /// Connects, within ten seconds; the handshake takes place with the first bytes.
    pub fn open(place: impl ToSocketAddrs, name: &str, config: Arc<ClientConfig>) -> io::Result<Self> {
        let socket = connect(place, Duration::from_secs(10)).map_err(io::Error::other)?;
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
        Ok(Self(StreamOwned::new(tls, socket)))
    }
}

impl Read for Tls {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}

impl Write for Tls {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.0.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Transport for Tls {
    fn socket(&self) -> &TcpStream {
        &self.0.sock
    }
}

/// Connects over TLS, trusting the certificates in this PEM file, and gives each event to `on` until that breaks.
pub fn run(
    place: impl ToSocketAddrs,
    name: &str,
    trust: &[u8],
    mut on: impl FnMut(&Event<'_>, &mut Client<Boxed>) -> bool,
) -> Result<(), Box<dyn core::error::Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(trust) {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let clock = Clock::start();
    let mut connection = Connection::new(Tls::open(place, name, Arc::new(config))?, clock)?;
    let mut client = Client::new(Boxed::new(16, 64 << 10));
    let mut inbox = Inbox::growing(4 << 10, 1 << 20);
    client.connect(&ConnectOptions::new(Text::new("tls-example")?), &mut inbox, clock.now())?;
    connection.drive(&mut client, &mut inbox, None, |event, client| {
        if on(&event, client) { core::ops::ControlFlow::Continue(()) } else { core::ops::ControlFlow::Break(()) }
    })?;
    Ok(connection.close(&mut client)?)
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, place, name, trust] = &arguments[..] else { return Err("HOST:PORT NAME CA.PEM".into()) };
    run(place, name, &std::fs::read(trust)?, |event, client| {
        println!("{event:?}");
        match event {
            Event::Connected(_) => client.disconnect(mqtt5_session::Ending::AfterQueued).is_ok(),
            _ => true,
        }
    })
}
