//! The byte stream to a broker: TCP as it is, or TLS on it.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::url::Url;

/// How long a server may take no bytes of a TLS record that has been begun.
const STALLED: Duration = Duration::from_secs(30);

/// Whom a TLS client trusts: the certificates of a PEM file, and no one else.
///
/// # Errors
/// When the file can't be read, or has no certificate.
pub fn trust(file: &Path) -> io::Result<Arc<ClientConfig>> {
    let about = |why: &dyn core::fmt::Display| io::Error::other(format!("{}: {why}", file.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| about(&error))? {
        roots.add(certificate.map_err(|error| about(&error))?).map_err(|error| about(&error))?;
    }
    if roots.is_empty() {
        return Err(about(&"no certificate in it"));
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

/// A connection that is open. A clone of it may be read in one thread while another one writes.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    tls: Option<Arc<Mutex<ClientConnection>>>,
    /// What arrived and TLS has not seen.
    arrived: Vec<u8>,
}

impl Stream {
    /// Connects to the first address that accepts, and ends the TLS handshake where there is one.
    ///
    /// # Errors
    /// When no address accepts within the time (each has all of it), TLS is wanted and nobody trusted, or the handshake fails.
    pub fn open(url: &Url, trust: Option<&Arc<ClientConfig>>, within: Duration) -> io::Result<Self> {
        let mut last = io::Error::new(ErrorKind::NotFound, "no such address");
        for address in (&*url.host, url.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, within) {
                Ok(socket) => return Self::begin(socket, url, trust, within),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn begin(
        mut socket: TcpStream,
        url: &Url,
        trust: Option<&Arc<ClientConfig>>,
        within: Duration,
    ) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        if !url.tls {
            return Ok(Self { socket, tls: None, arrived: Vec::new() });
        }
        let trust = trust.ok_or_else(|| io::Error::other("mqtts:// needs --ca FILE, the certificates to trust"))?;
        let name = ServerName::try_from(url.host.clone()).map_err(io::Error::other)?;
        let mut tls = ClientConnection::new(Arc::clone(trust), name).map_err(io::Error::other)?;
        socket.set_read_timeout(Some(within))?;
        socket.set_write_timeout(Some(within))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        socket.set_read_timeout(None)?;
        socket.set_write_timeout(None)?;
        Ok(Self { socket, tls: Some(Arc::new(Mutex::new(tls))), arrived: Vec::new() })
    }

    /// The socket underneath, for its timeouts.
    #[must_use]
    pub const fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// The same connection once more: one of the two is for reading, the other for writing.
    ///
    /// # Errors
    /// When the operating system has no handle left.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { socket: self.socket.try_clone()?, tls: self.tls.clone(), arrived: Vec::new() })
    }

    /// Ends our side, and leaves the other one open.
    pub fn finish(&self) {
        if let Some(tls) = &self.tls {
            lock(tls).send_close_notify();
            let _ = self.send(tls);
        }
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Drops the connection without a word.
    pub fn cut(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Sends what TLS has to send. The lock is let go of in between: whoever reads may make the server take more.
    fn send(&self, tls: &Mutex<ClientConnection>) -> io::Result<()> {
        let mut since = Instant::now();
        loop {
            let mut tls = lock(tls);
            if !tls.wants_write() {
                return Ok(());
            }
            match tls.write_tls(&mut &self.socket) {
                Ok(_) => since = Instant::now(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) && since.elapsed() < STALLED => {}
                Err(error) if is_timeout(&error) => return Err(io::Error::other("the server takes no bytes")),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &self.tls else { return self.socket.read(into) };
        let mut records = [0; 1 << 14];
        loop {
            match lock(tls).reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Closed without a close_notify: to MQTT that is closed, too.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            if self.arrived.is_empty() {
                let n = self.socket.read(&mut records)?;
                if n == 0 {
                    return Ok(0);
                }
                self.arrived.extend_from_slice(records.get(..n).unwrap_or_default());
            }
            // TLS takes as much as it has room for, now that everything before has been read.
            let mut rest = &*self.arrived;
            lock(tls).read_tls(&mut rest)?;
            let used = self.arrived.len() - rest.len();
            self.arrived.drain(..used);
            lock(tls).process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            self.send(tls)?;
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &self.tls else { return self.socket.write(bytes) };
        // In the memory of TLS, from which `send` takes it: all of it, or the connection is broken.
        let n = lock(tls).writer().write(bytes)?;
        self.send(tls)?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock(tls: &Mutex<ClientConnection>) -> MutexGuard<'_, ClientConnection> {
    tls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a socket answers when its timeout has passed; Unix and Windows name it differently.
#[must_use]
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_without_certificates_to_trust_and_files_without_any_are_told() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url =
            Url { tls: true, user: None, host: "127.0.0.1".to_owned(), port: server.local_addr().unwrap().port() };
        let error = Stream::open(&url, None, Duration::from_secs(1)).unwrap_err();
        assert_eq!(error.to_string(), "mqtts:// needs --ca FILE, the certificates to trust");
        assert!(trust(Path::new("no such file")).unwrap_err().to_string().starts_with("no such file: "));
        let error = trust(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap_err().to_string();
        assert!(error.ends_with("Cargo.toml: no certificate in it"), "{error}");
    }
}
