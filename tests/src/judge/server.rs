//! The server that is judged: one behind TCP, or the model broker with a clock of its own.

use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use rustls::ClientConfig;

use super::lapse::Lapse;
use crate::broker::Broker;
use crate::stream::{Stream, is_timeout};
use crate::url::Url;

/// A server, as far as bytes go.
pub trait Server {
    /// Opens a connection, and returns its number.
    ///
    /// # Errors
    /// When the server does not take it.
    fn open(&mut self) -> io::Result<usize>;
    /// Sends bytes; what a closed connection does not take is lost.
    fn send(&mut self, link: usize, bytes: &[u8]);
    /// Appends what arrives, waiting up to so many milliseconds for the first byte. False when the server has closed.
    fn receive(&mut self, link: usize, into: &mut Vec<u8>, wait: u64) -> bool;
    /// Closes a connection without a word.
    fn close(&mut self, link: usize);
    /// Lets time pass, in milliseconds.
    fn sleep(&mut self, wait: u64);
    /// How long the judge waits for what has to come, and for what must not, in milliseconds.
    fn patience(&self) -> (u64, u64);
    /// The time since some beginning, in milliseconds.
    fn now(&self) -> u64;
}

/// A server behind TCP.
#[derive(Debug)]
pub struct Tcp {
    url: Url,
    trust: Option<Arc<ClientConfig>>,
    streams: BTreeMap<usize, Stream>,
    next: usize,
    begun: Instant,
}

impl Tcp {
    /// The server at a URL, and whom TLS trusts.
    #[must_use]
    pub fn new(url: Url, trust: Option<Arc<ClientConfig>>) -> Self {
        Self { url, trust, streams: BTreeMap::new(), next: 0, begun: Instant::now() }
    }
}

impl Server for Tcp {
    fn open(&mut self) -> io::Result<usize> {
        let stream = Stream::open(&self.url, self.trust.as_ref(), Duration::from_secs(5))?;
        stream.socket().set_write_timeout(Some(Duration::from_secs(5)))?;
        self.next += 1;
        self.streams.insert(self.next, stream);
        Ok(self.next)
    }

    fn send(&mut self, link: usize, bytes: &[u8]) {
        if let Some(stream) = self.streams.get_mut(&link) {
            let _ = stream.write_all(bytes);
        }
    }

    fn receive(&mut self, link: usize, into: &mut Vec<u8>, wait: u64) -> bool {
        let Some(stream) = self.streams.get_mut(&link) else { return false };
        let until = Instant::now() + Duration::from_millis(wait);
        let mut buffer = [0; 4096];
        loop {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let _ = stream.socket().set_read_timeout(Some(left));
            match stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(len) => {
                    into.extend_from_slice(buffer.get(..len).unwrap_or_default());
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return true,
                Err(_) => return false,
            }
        }
    }

    fn close(&mut self, link: usize) {
        self.streams.remove(&link);
    }

    fn sleep(&mut self, wait: u64) {
        thread::sleep(Duration::from_millis(wait));
    }

    fn patience(&self) -> (u64, u64) {
        (2000, 300)
    }

    fn now(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }
}

/// The model broker.
#[derive(Debug)]
pub struct Modelled {
    /// The broker; set its limits and lapses before it is judged.
    pub broker: Broker,
    /// What is done to the bytes on their way.
    pub lapse: Lapse,
    open: Vec<usize>,
    now: u64,
}

impl Modelled {
    /// Judges this broker.
    #[must_use]
    pub fn new(broker: Broker) -> Self {
        Self { broker, lapse: Lapse::default(), open: Vec::new(), now: 1 }
    }
}

impl Server for Modelled {
    fn open(&mut self) -> io::Result<usize> {
        let link = self.broker.open(self.now);
        self.open.push(link);
        Ok(link)
    }

    fn send(&mut self, link: usize, bytes: &[u8]) {
        let bytes = self.lapse.incoming(link, &self.open, bytes);
        self.broker.receive(link, &bytes, self.now);
    }

    fn receive(&mut self, link: usize, into: &mut Vec<u8>, wait: u64) -> bool {
        let until = self.now + wait;
        loop {
            let invented = self.lapse.invented(link);
            let readable = self.broker.readable(link);
            let len = readable.len();
            let bytes = [invented, self.lapse.outgoing(link, readable)].concat();
            self.broker.read(link, len);
            if !bytes.is_empty() {
                into.extend_from_slice(&bytes);
                return true;
            }
            if self.broker.is_closed(link) && !self.lapse.hides_the_end() {
                return false;
            }
            if self.now >= until {
                return true;
            }
            let next = self.broker.next_timeout().unwrap_or(until);
            self.now = next.clamp(self.now + 1, until);
            self.broker.tick(self.now);
        }
    }

    fn close(&mut self, link: usize) {
        self.open.retain(|open| *open != link);
        self.lapse.closes(link, &self.open);
        self.broker.close(link, self.now);
    }

    fn sleep(&mut self, wait: u64) {
        let until = self.now + wait;
        while self.now < until {
            let next = self.broker.next_timeout().unwrap_or(until);
            self.now = next.clamp(self.now + 1, until);
            self.broker.tick(self.now);
        }
    }

    fn patience(&self) -> (u64, u64) {
        (100, 50)
    }

    fn now(&self) -> u64 {
        self.now
    }
}
