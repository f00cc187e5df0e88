//! The loop: it owns the session, the connection and the two streams of JSON.

use core::time::Duration;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use mqtt5_codec::Sender;
use mqtt5_session::{self as session, Boxed, Client, Inbox, Input, Transmit};
use rustls::ClientConfig;

use super::event;
use super::log::Log;
use super::printer::Printer;
use super::tell::{self, Teller};
use super::trace::Splitter;
use super::transport::{Arrival, Transport};

/// Lines and pieces of the stream that may wait between the threads and the loop.
const WAITING: usize = 256;
/// Bytes that arrived and wait for the loop, after which it takes no more.
const ENOUGH: usize = 4 << 20;
/// How long a server may take to close once we have, before the process ends.
const PARTING: Duration = Duration::from_millis(200);
/// For the packets of 65,535 exchanges, two kilobytes each. Only what is used is real.
const MEMORY: usize = (128 << 20) + 64;
/// Room for the topics of the server's aliases.
const ALIASES: usize = 64 << 20;

/// What the loop does instead of the next command.
#[derive(Debug)]
pub(super) enum Pause {
    None,
    Sleep(Instant),
    Wait(String, Instant),
}

/// What comes after a command.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// The next one.
    Command,
    /// An inbox for a new connection.
    Connection,
    /// The connection has been dropped: tell it.
    Closed,
    /// The end.
    Quit,
}

/// What became of the bytes that arrived.
#[derive(PartialEq)]
enum Fed {
    /// There was an event.
    Event,
    /// There is no whole packet.
    Dry,
    /// Something has to be written first.
    Blocked,
}

pub(super) struct Tool {
    pub(super) client: Client<Boxed>,
    pub(super) transport: Option<Transport>,
    pub(super) log: Log,
    pub(super) pause: Pause,
    pub(super) teller: Teller,
    /// How many topic aliases the server may use.
    pub(super) aliases: u16,
    arrivals: Receiver<Arrival>,
    pub(super) sender: SyncSender<Arrival>,
    pub(super) connections: u64,
    /// Whom TLS trusts.
    pub(super) trust: Option<Arc<ClientConfig>>,
    /// A connection that we ended and the server has not.
    parting: Option<u64>,
    pending: VecDeque<Option<Vec<u8>>>,
    start: Instant,
    pub(super) trace: Option<[Splitter; 2]>,
    pub(super) out: Printer,
}

/// Reads commands from `input` until it ends, and writes events to `output`.
pub(super) fn run(
    trace: bool,
    trust: Option<Arc<ClientConfig>>,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) -> io::Result<()> {
    let (sender, arrivals) = sync_channel(WAITING);
    let lines = sender.clone();
    thread::spawn(move || {
        let mut input = BufReader::new(input);
        loop {
            let mut line = Vec::new();
            let more = input.read_until(b'\n', &mut line).is_ok_and(|n| n > 0);
            if lines.send(if more { Arrival::Line(line) } else { Arrival::LastLine }).is_err() || !more {
                return;
            }
        }
    });
    let mut tool = Tool {
        client: Client::new(Boxed::new(usize::from(u16::MAX), MEMORY)),
        transport: None,
        log: Log::default(),
        pause: Pause::None,
        teller: Teller::default(),
        aliases: 0,
        arrivals,
        sender,
        connections: 0,
        trust,
        parting: None,
        pending: VecDeque::new(),
        start: Instant::now(),
        trace: trace.then(|| [Splitter::new(Sender::Client), Splitter::new(Sender::Server)]),
        out: Printer::new(output),
    };
    loop {
        let count = usize::from(tool.aliases);
        let longest = ALIASES.checked_div(count).unwrap_or(0).saturating_sub(2).min(u16::MAX.into());
        let mut table = vec![0; count * (longest + 2)];
        let mut inbox = Inbox::growing(1 << 12, usize::MAX).with_aliases(&mut table, longest as u16);
        if tool.connection(&mut inbox)? == Next::Quit {
            tool.part();
            return tool.out.finish();
        }
    }
}

impl Tool {
    /// Runs with this inbox until a new connection needs another one.
    fn connection(&mut self, inbox: &mut Inbox<'_>) -> io::Result<Next> {
        loop {
            while self.transport.as_ref().is_none_or(|transport| transport.waiting().len() < ENOUGH)
                && let Ok(arrival) = self.arrivals.try_recv()
            {
                self.arrive(arrival);
            }
            let fed = self.feed(inbox)?;
            self.timers()?;
            // Also what packets without an event are answered with.
            let wrote = self.flush()?;
            self.look_at_transport(&fed)?;
            match self.command()? {
                None if fed == Fed::Event || wrote => {}
                None => self.rest(),
                Some(Next::Command) => {}
                Some(next) => return Ok(next),
            }
        }
    }

    pub(super) fn now(&self) -> session::Instant {
        session::Instant::from_millis(self.start.elapsed().as_millis() as u64 + 1)
    }

    // --- the connection ---

    fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Line(line) => self.pending.push_back(Some(line)),
            Arrival::LastLine => self.pending.push_back(None),
            Arrival::Bytes(number, bytes) => {
                if let Some(transport) = self.transport.as_mut().filter(|transport| transport.number == number) {
                    transport.arrive(&bytes);
                }
            }
            Arrival::Ended(number, why) => {
                if self.parting == Some(number) {
                    self.parting = None;
                }
                if let Some(transport) = self.transport.as_mut().filter(|transport| transport.number == number) {
                    transport.ended = Some(why);
                }
            }
        }
    }

    /// Writes what the session has to say, as far as the connection takes it, and tells whether it took anything.
    fn flush(&mut self) -> io::Result<bool> {
        let Some(transport) = &mut self.transport else { return Ok(false) };
        let mut wrote = false;
        let now = || session::Instant::from_millis(self.start.elapsed().as_millis() as u64 + 1);
        while let Some(Transmit::Bytes(bytes)) = self.client.poll_transmit() {
            let n = transport.write(bytes);
            if n == 0 {
                break;
            }
            if let Some([sent, _]) = &mut self.trace {
                let out = &mut self.out;
                sent.push(bytes.get(..n).unwrap_or_default(), |packet| {
                    out.write_all(event::packet("sent", packet).as_bytes())?;
                    out.flush()
                })?;
            }
            self.client.transmitted(n, now());
            wrote = true;
        }
        Ok(wrote)
    }

    /// Gives the session what arrived, up to the next event: no more than a packet at a time, so that a trace has each
    /// packet before what comes of it.
    fn feed(&mut self, inbox: &mut Inbox<'_>) -> io::Result<Fed> {
        loop {
            let now = self.now();
            let Some(transport) = self.transport.as_mut().filter(|transport| transport.begun) else {
                return Ok(Fed::Dry);
            };
            if self.client.is_closed() {
                return Ok(Fed::Dry);
            }
            match self.client.handle_input(inbox, now) {
                Ok(Input::Event(event)) => {
                    self.happened(event)?;
                    self.client.handled();
                    return Ok(Fed::Event);
                }
                Ok(Input::Partial { need }) => {
                    let missing = need.saturating_sub(inbox.len()).max(1);
                    let spare = inbox.spare();
                    let n = missing.min(transport.waiting().len()).min(spare.len());
                    if n == 0 {
                        return Ok(Fed::Dry);
                    }
                    for (to, from) in spare.iter_mut().zip(transport.waiting().iter().take(n)) {
                        *to = *from;
                    }
                    if let Some([_, received]) = &mut self.trace {
                        let out = &mut self.out;
                        received.push(transport.waiting().get(..n).unwrap_or_default(), |packet| {
                            out.write_all(event::packet("received", packet).as_bytes())?;
                            out.flush()
                        })?;
                    }
                    inbox.filled(n);
                    transport.take(n);
                }
                Ok(_) => return Ok(Fed::Blocked),
                Err(fault) => {
                    self.faulted(&fault)?;
                    return Ok(Fed::Event);
                }
            }
        }
    }

    fn timers(&mut self) -> io::Result<()> {
        let now = self.now();
        if self.client.poll_timeout().is_none_or(|at| at > now) {
            return Ok(());
        }
        match self.client.handle_timeout(now) {
            Ok(Some(event)) => self.happened(event),
            Ok(None) => Ok(()),
            Err(fault) => self.faulted(&fault),
        }
    }

    /// Ends the connection if it is over.
    fn look_at_transport(&mut self, fed: &Fed) -> io::Result<()> {
        let Some(transport) = &self.transport else { return Ok(()) };
        if transport.begun && self.client.is_closed() {
            transport.finish();
            self.parting = Some(transport.number);
            return self.ended("client", None);
        }
        if *fed == Fed::Event {
            return Ok(());
        }
        let blocked = *fed == Fed::Blocked;
        if let Some(why) = transport.hopeless(blocked, self.client.fault().is_some()) {
            transport.cut();
            return self.ended("client", Some(why));
        }
        match &transport.ended {
            Some(why) if !blocked => {
                let why = why.clone();
                transport.cut();
                self.ended("server", why)
            }
            _ => Ok(()),
        }
    }

    /// The connection is no more.
    pub(super) fn ended(&mut self, by: &str, why: Option<String>) -> io::Result<()> {
        self.transport = None;
        let now = self.now();
        self.client.handle_close(now);
        if let Some([sent, received]) = &mut self.trace {
            sent.rest();
            received.rest();
        }
        let lost = tell::lost(&mut self.client);
        self.tell(event::closed(by, why, &lost))
    }

    // --- commands ---

    /// Carries out the next command if it is time for it.
    fn command(&mut self) -> io::Result<Option<Next>> {
        match &self.pause {
            Pause::None => {}
            Pause::Sleep(until) if Instant::now() < *until => return Ok(None),
            Pause::Sleep(_) => self.pause = Pause::None,
            Pause::Wait(event, _) if self.log.consume(event) => self.pause = Pause::None,
            Pause::Wait(_, until) if Instant::now() < *until => return Ok(None),
            Pause::Wait(..) => {
                self.pause = Pause::None;
                self.print(&event::timeout().text())?;
            }
        }
        match self.pending.pop_front() {
            None => Ok(None),
            Some(None) => Ok(Some(Next::Quit)),
            Some(Some(line)) => self.carry_out(line.trim_ascii()).map(Some),
        }
    }

    /// Waits for the first of what may happen.
    fn rest(&mut self) {
        let now = Instant::now();
        let session = self.client.poll_timeout().map(|at| now + Duration::from_millis(self.now().until(at).max(1)));
        let pause = match self.pause {
            Pause::None => None,
            Pause::Sleep(until) | Pause::Wait(_, until) => Some(until),
        };
        let transport = self.transport.as_ref().and_then(Transport::again);
        let first = [session, pause, transport].into_iter().flatten().min();
        let time = first.map_or(Duration::from_secs(60), |until| until.saturating_duration_since(now));
        match self.arrivals.recv_timeout(time) {
            Ok(arrival) => self.arrive(arrival),
            // We hold a sender ourselves.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    /// Drops the connection; lets the server read what was said on one that we ended in order.
    fn part(&mut self) {
        if let Some(transport) = self.transport.take() {
            transport.cut();
        }
        let until = Instant::now() + PARTING;
        while self.parting.is_some() {
            let Ok(arrival) = self.arrivals.recv_timeout(until.saturating_duration_since(Instant::now())) else {
                return;
            };
            self.arrive(arrival);
        }
    }
}
