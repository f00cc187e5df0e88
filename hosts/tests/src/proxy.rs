//! What stands between a client and a broker, and fails on demand.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A TCP proxy.
pub(crate) struct Proxy {
    port: u16,
    /// User and password, with what separates them from the host.
    user: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Links, each with whether it is silent: nothing gets through, and nothing is closed.
    links: Mutex<Vec<Arc<Link>>>,
    accepted: AtomicUsize,
}

struct Link {
    sides: [TcpStream; 2],
    silent: Mutex<bool>,
}

impl Proxy {
    /// A proxy to the broker at `mqtt://HOST:PORT`.
    pub(crate) fn to(url: &str) -> Result<Self, String> {
        let place = url.strip_prefix("mqtt://").ok_or("no plain broker")?;
        let (user, place) = place.rfind('@').map_or(("", place), |at| place.split_at(at + 1));
        let (user, place) = (user.to_owned(), place.to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let shared = Arc::new(Shared::default());
        let links = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                links.accepted.fetch_add(1, Ordering::SeqCst);
                // Without a broker, the client is hung up on.
                if let Ok(server) = TcpStream::connect(&place) {
                    links.join(client, server);
                }
            }
        });
        Ok(Self { port, user, shared })
    }

    pub(crate) fn url(&self) -> String {
        format!("mqtt://{}127.0.0.1:{}", self.user, self.port)
    }

    /// How many connections there have been.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Closes all connections.
    pub(crate) fn cut(&self) {
        for link in self.shared.links.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            link.sides.iter().for_each(|side| drop(side.shutdown(Shutdown::Both)));
        }
    }

    /// Lets nothing through on the connections that there are.
    pub(crate) fn silence(&self) {
        for link in self.shared.links.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            *link.silent.lock().unwrap_or_else(PoisonError::into_inner) = true;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Shared {
    fn join(&self, client: TcpStream, server: TcpStream) {
        let _ = client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        let link = Arc::new(Link { sides: [client, server], silent: Mutex::new(false) });
        self.links.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&link));
        for (from, to) in [(0, 1), (1, 0)] {
            let link = Arc::clone(&link);
            thread::spawn(move || link.carry(from, to));
        }
    }
}

impl Link {
    fn carry(&self, from: usize, to: usize) {
        let (Some(mut from), Some(mut to)) = (self.sides.get(from), self.sides.get(to)) else { return };
        let mut bytes = [0; 1 << 14];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            while *self.silent.lock().unwrap_or_else(PoisonError::into_inner) {
                thread::sleep(Duration::from_millis(50));
                if from.take_error().is_ok_and(|error| error.is_some()) {
                    return;
                }
            }
            if to.write_all(bytes.get(..n).unwrap_or_default()).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }
}
