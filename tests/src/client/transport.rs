//! The connection: a thread reads it, the loop writes it.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Instant;

use rustls::ClientConfig;

use crate::stream::{Stream, is_timeout};
use crate::url::Url;

/// What the loop waits for.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A line of standard input.
    Line(Vec<u8>),
    /// There are no more lines.
    LastLine,
    /// Bytes of the connection with this number.
    Bytes(u64, Vec<u8>),
    /// The connection with this number brings no more, and why, if it was not closed in order.
    Ended(u64, Option<String>),
}

/// How long a server may take to accept a TCP connection, and a step of a TLS handshake.
const OPENING: Duration = Duration::from_secs(10);
/// How long one write may hold up the loop. What it did not take is tried again.
const WRITING: Duration = Duration::from_millis(10);
/// How long a server may take no bytes at all.
const STALLED: Duration = Duration::from_secs(30);
/// The same once it has broken the protocol.
const STALLED_AFTER_FAULT: Duration = Duration::from_secs(5);
/// How long what has been received is still read once writing has failed.
const BROKEN: Duration = Duration::from_secs(1);

/// A connection that is open.
#[derive(Debug)]
pub(super) struct Transport {
    stream: Stream,
    pub(super) number: u64,
    /// Whether CONNECT was given to the session.
    pub(super) begun: bool,
    /// Bytes that arrived and were not handled, from `taken` on.
    arrived: Vec<u8>,
    taken: usize,
    /// Set when nothing more will arrive.
    pub(super) ended: Option<Option<String>>,
    /// Since when the server takes no bytes.
    stalled: Option<Instant>,
    /// Why and since when nothing can be written.
    broken: Option<(String, Instant)>,
}

impl Transport {
    /// Connects, and begins to read.
    pub(super) fn open(
        url: &Url,
        trust: Option<&Arc<ClientConfig>>,
        number: u64,
        arrivals: SyncSender<Arrival>,
    ) -> io::Result<Self> {
        let stream = Stream::open(url, trust, OPENING)?;
        stream.socket().set_write_timeout(Some(WRITING))?;
        let reading = stream.try_clone()?;
        thread::spawn(move || read(reading, number, &arrivals));
        let (arrived, taken) = (Vec::new(), 0);
        Ok(Self { stream, number, begun: false, arrived, taken, ended: None, stalled: None, broken: None })
    }

    /// Writes some of `bytes`; 0 when the connection takes none now, or never again.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        if self.broken.is_some() {
            return 0;
        }
        let written = loop {
            match self.stream.write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                written => break written,
            }
        };
        match written {
            Ok(n) if n > 0 => {
                self.stalled = None;
                return n;
            }
            Err(error) if !is_timeout(&error) => {
                self.broken = Some((error.to_string(), Instant::now()));
            }
            _ => drop(self.stalled.get_or_insert_with(Instant::now)),
        }
        0
    }

    /// When to look at the connection again though nothing arrives.
    pub(super) fn again(&self) -> Option<Instant> {
        match &self.broken {
            Some((_, since)) => Some(*since + BROKEN),
            // The write itself has waited.
            None => self.stalled.map(|_| Instant::now() + Duration::from_millis(1)),
        }
    }

    /// Why to give up, if it is time to: nothing can be written, or nothing has been taken for too long.
    pub(super) fn hopeless(&self, blocked: bool, faulty: bool) -> Option<String> {
        if let Some((why, since)) = &self.broken {
            return if blocked || since.elapsed() >= BROKEN { Some(why.clone()) } else { None };
        }
        let limit = if faulty { STALLED_AFTER_FAULT } else { STALLED };
        self.stalled.filter(|since| since.elapsed() >= limit).map(|_| "the server takes no bytes".to_owned())
    }

    /// Takes what arrived.
    pub(super) fn arrive(&mut self, bytes: &[u8]) {
        if self.taken == self.arrived.len() {
            self.taken = 0;
            self.arrived.clear();
        }
        self.arrived.extend_from_slice(bytes);
    }

    /// Bytes that arrived and were not handled.
    pub(super) fn waiting(&self) -> &[u8] {
        self.arrived.get(self.taken..).unwrap_or_default()
    }

    /// Tells that the first `n` of them are handled.
    pub(super) fn take(&mut self, n: usize) {
        self.taken = (self.taken + n).min(self.arrived.len());
    }

    /// Ends our side and lets the server read what was written: what it still sends is read and dropped, so that no reset
    /// overtakes our last packet.
    pub(super) fn finish(&self) {
        self.stream.finish();
    }

    /// Drops the connection.
    pub(super) fn cut(&self) {
        self.stream.cut();
    }
}

fn read(mut stream: Stream, number: u64, arrivals: &SyncSender<Arrival>) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let arrival = match stream.read(&mut buffer) {
            Ok(0) => Arrival::Ended(number, None),
            Ok(n) => Arrival::Bytes(number, buffer.get(..n).unwrap_or_default().to_vec()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => Arrival::Ended(number, Some(error.to_string())),
        };
        let last = matches!(arrival, Arrival::Ended(..));
        if arrivals.send(arrival).is_err() || last {
            return;
        }
    }
}
