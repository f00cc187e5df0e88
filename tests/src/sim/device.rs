//! A client under test with its application: the real session, and what it is told and tells.

use mqtt5_codec::{Decoded, Decoder, Properties, Property, Rule, Sender, Text, Topic, Will};
use mqtt5_session::{
    Acknowledge, Boxed, Client, ConnectOptions, Event, Fault, Inbox, Input, Instant, Prior, Refused, Transmit,
};

use super::app::{App, Listener};
use super::book::Book;
use super::draw::{Habits, METHOD};
use super::random::Random;
use super::record::will_topic;
use crate::broker::Broker;

/// A client and its application.
pub(super) struct Device<'t> {
    /// Its number.
    pub number: usize,
    /// Its client identifier.
    pub name: String,
    /// The session under test.
    pub client: Client<Boxed>,
    /// Where bytes arrive.
    pub inbox: Inbox<'t>,
    /// The broker's number of its connection.
    pub link: Option<usize>,
    /// How many bytes it copies out at a time; with 0 it writes packets where they are.
    room: usize,
    /// Bytes that it copied out and has not written.
    pub copied: Vec<u8>,
    /// Bytes that it wrote and the broker has not got.
    pub wire: Vec<u8>,
    /// How it is.
    pub habits: Habits,
    /// The application.
    pub app: App,
    /// Connections that it has given up, and of which the broker does not know that.
    ghosts: Vec<usize>,
    /// When its clock began, in the world's time.
    boot: u64,
    /// The least session expiry that either side may go by, in seconds.
    least_expiry: u32,
    /// When the last connection ended that the server had accepted.
    parted: u64,
    /// The server has accepted the connection.
    accepted: bool,
    /// How long the last CONNECT was that it had room for, in bytes.
    connect_len: usize,
    /// The server's session may outlive its own.
    outlived: bool,
    /// It lost its memory.
    pub forgot: bool,
    /// The next connection begins a session.
    pub clean: bool,
    /// What was decoded is to be told to the trace.
    pub told: Option<Vec<String>>,
    /// What the broker got and is no whole packet yet, for the trace.
    heard: Vec<u8>,
    /// Bytes that an idle client holds.
    pub idle_bytes: usize,
}

impl<'t> Device<'t> {
    /// A device with new memory.
    #[must_use]
    pub(super) fn new(number: usize, habits: Habits, table: &'t mut [u8], tells: bool) -> Self {
        let client = Client::new(Boxed::new(habits.flights, habits.bytes));
        let idle_bytes = client.figures(Instant::default()).bytes_held;
        Self {
            number,
            name: format!("d{number}"),
            client,
            inbox: Inbox::growing(64, 4096).with_aliases(table, 14),
            link: None,
            room: [0, 300, 25].get(number % 3).copied().unwrap_or(0),
            copied: Vec::new(),
            wire: Vec::new(),
            habits,
            app: App::default(),
            ghosts: Vec::new(),
            boot: 0,
            least_expiry: habits.expiry,
            parted: 0,
            accepted: false,
            connect_len: 0,
            outlived: false,
            forgot: false,
            clean: false,
            told: tells.then(Vec::new),
            heard: Vec::new(),
            idle_bytes,
        }
    }

    /// What its clock says.
    pub(super) fn at(&self, now: u64) -> Instant {
        Instant::from_millis(now - self.boot)
    }

    /// Tells the trace.
    pub(super) fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(told) = &mut self.told {
            told.push(format!("{} {}", self.name, what()));
        }
    }

    /// Opens a connection, and queues CONNECT.
    pub(super) fn connect(&mut self, broker: &mut Broker, book: &mut Book, now: u64) {
        self.may_end(self.clean, book, now);
        let Habits { receive_maximum, aliases, expiry, keep_alive, manual, will, method, .. } = self.habits;
        let mut properties = vec![Property::SessionExpiryInterval(expiry)];
        properties.extend(core::num::NonZeroU16::new(receive_maximum).map(Property::ReceiveMaximum));
        if aliases > 0 {
            properties.push(Property::TopicAliasMaximum(aliases));
        }
        if method {
            properties.extend(Text::new(METHOD).map(Property::AuthenticationMethod));
            properties.push(Property::AuthenticationData(b"data"));
        }
        let Ok(name) = Text::new(&self.name) else { return };
        let payload = book.next().to_be_bytes();
        let will_name = will_topic(self.number);
        let delay = [Property::WillDelayInterval(will.map_or(0, |(_, delay)| delay))];
        let mut options = ConnectOptions::new(name);
        if let (Some((qos, _)), Ok(topic), false) = (will, Topic::new(&will_name), self.app.no_will) {
            let properties = Properties::from(&delay);
            options.packet.will = Some(Will { qos, retain: false, properties, topic, payload: &payload });
        }
        options.packet.clean_start = self.clean;
        options.packet.keep_alive = keep_alive;
        options.packet.properties = Properties::from(&properties[..]);
        options.prior = Some(if self.forgot { Prior::Empty } else { Prior::None });
        options.acknowledge = if manual { Acknowledge::Manual } else { Acknowledge::Automatic };
        options = options.with_topic_aliases(aliases);
        let len = options.packet.encoded_len().unwrap_or(usize::MAX);
        let at = Instant::from_millis(now - self.boot);
        let asked = self.client.connect(&options, &mut self.inbox, at);
        let clean = self.clean;
        let with_will = options.packet.will.map(|will| will.qos);
        self.tell(|| format!("connects, clean start {clean}, will {with_will:?}: {asked:?}"));
        if let Err(refused) = asked {
            // Memory keeps the place of the last CONNECT. A longer one has to find room among messages that wait, and a device
            // without a connection gets rid of those only by losing its memory.
            if !matches!(refused, Refused::Bytes { .. }) || len <= self.connect_len {
                book.problem(format!("{} may not connect: {refused}", self.name));
            }
            return self.forget(broker, book);
        }
        self.connect_len = len;
        if let Some(qos) = with_will {
            book.will(self.number, qos);
        }
        self.least_expiry = self.least_expiry.min(expiry);
        self.link = Some(broker.open(now));
        self.losses(book);
    }

    /// Its session may end now without the server having said so: it begins a new one, or its expiry interval has passed.
    fn may_end(&mut self, clean: bool, book: &mut Book, now: u64) {
        if clean || self.link.is_none() && now - self.parted >= u64::from(self.least_expiry).saturating_mul(1000) {
            book.may_lose(self.number, |_, _, _| true);
            self.outlived = true;
        }
    }

    /// A session expiry may be in force from now on.
    pub(super) fn expiries(&mut self, seconds: u32) {
        self.least_expiry = self.least_expiry.min(seconds);
        // DISCONNECT may be cut off, and then the server goes by another.
        self.outlived = true;
    }

    /// Writes up to `most` bytes.
    pub(super) fn write(&mut self, most: usize, now: u64) -> usize {
        let mut left = most;
        if self.room > 0 && self.link.is_some() {
            // More than is written now, so that there is something to lose.
            while self.copy() > 0 && self.copied.len() < most {}
            left -= self.write_copied(most, now);
        }
        while left > 0
            && self.room == 0
            && self.link.is_some()
            && let Some(Transmit::Bytes(bytes)) = self.client.poll_transmit()
        {
            let len = bytes.len().min(left);
            self.wire.extend_from_slice(bytes.get(..len).unwrap_or_default());
            self.client.transmitted(len, self.at(now));
            left -= len;
        }
        most - left
    }

    /// Copies out what fits into its room.
    fn copy(&mut self) -> usize {
        let mut out = vec![0; self.room];
        let len = self.client.transmit_into(&mut out);
        self.copied.extend_from_slice(out.get(..len).unwrap_or_default());
        len
    }

    /// Writes up to `most` bytes of what was copied out.
    fn write_copied(&mut self, most: usize, now: u64) -> usize {
        let len = self.copied.len().min(most);
        self.wire.extend(self.copied.drain(..len));
        self.client.transmitted(len, self.at(now));
        len
    }

    /// The broker gets up to `most` bytes of what was written.
    pub(super) fn arrive(&mut self, most: usize, broker: &mut Broker, now: u64) -> usize {
        let Some(link) = self.link else { return 0 };
        let len = most.min(self.wire.len());
        if let Some(told) = &mut self.told {
            self.heard.extend_from_slice(self.wire.get(..len).unwrap_or_default());
            while let Ok(Decoded::Packet { used, packet }) = Decoder::new(Sender::Client).decode(&self.heard) {
                told.push(format!("{} is heard to say {packet:?}", self.name));
                self.heard.drain(..used);
            }
        }
        broker.receive(link, self.wire.get(..len).unwrap_or_default(), now);
        self.wire.drain(..len);
        len
    }

    /// Reads up to `most` bytes, and handles them. Returns how many were read or handled.
    pub(super) fn read(
        &mut self,
        most: usize,
        broker: &mut Broker,
        book: &mut Book,
        random: &mut Random,
        now: u64,
    ) -> usize {
        let Some(link) = self.link else { return 0 };
        let before = self.inbox.len();
        let new = broker.readable(link).get(before..).unwrap_or_default();
        let spare = self.inbox.spare();
        let len = new.len().min(most).min(spare.len());
        for (to, from) in spare.iter_mut().zip(new.iter().take(len)) {
            *to = *from;
        }
        self.inbox.filled(len);
        len + self.handle(broker, book, random, now)
    }

    /// Handles what is in the inbox. Returns how many bytes that was.
    pub(super) fn handle(&mut self, broker: &mut Broker, book: &mut Book, random: &mut Random, now: u64) -> usize {
        let Some(link) = self.link else { return 0 };
        let mut handled = 0;
        let at = self.at(now);
        loop {
            let before = self.inbox.len();
            let input = self.client.handle_input(&mut self.inbox, at);
            let mut fault = None;
            let goes_on = match input {
                Ok(Input::Event(event)) => {
                    if let Some(told) = &mut self.told {
                        told.push(format!("{} gets {event:?}", self.name));
                    }
                    let mut listener = Listener {
                        number: self.number,
                        manual: self.habits.manual,
                        identifier: self.habits.identifier,
                        expiry: self.habits.expiry,
                        app: &mut self.app,
                        forgot: &mut self.forgot,
                        clean: &mut self.clean,
                        least_expiry: &mut self.least_expiry,
                    };
                    listener.on(&event, book);
                    self.accepted |= matches!(event, Event::Connected(_));
                    true
                }
                Ok(_) => false,
                Err(wrong) => {
                    fault = Some(wrong);
                    false
                }
            };
            let used = before.saturating_sub(self.inbox.len());
            handled += used;
            broker.read(link, used);
            if let Some(fault) = fault {
                self.faulted(fault, book);
            }
            self.losses(book);
            if self.habits.manual && random.chance(40) {
                self.acknowledge(book, random);
            }
            if self.app.auth_due && random.chance(60) {
                self.authenticate(book);
            }
            if !goes_on {
                return handled;
            }
        }
    }

    /// The client found something wrong, which the model broker does not do.
    fn faulted(&mut self, fault: Fault, book: &mut Book) {
        self.tell(|| format!("finds {fault}"));
        if fault.rule == Rule::SESSION_UNKNOWN && self.outlived {
            // Its session has ended for it, and not, as far as it can know, for the server. So it has to close the connection
            // [MQTT-3.2.2-4], and begins a new one.
            self.clean = true;
            self.outlived = false;
        } else {
            book.problem(format!("{} finds {fault}", self.name));
        }
    }

    fn losses(&mut self, book: &mut Book) {
        while let Some(id) = self.client.poll_lost() {
            self.lost(id, book);
        }
    }

    /// The connection is gone, for both sides.
    pub(super) fn close(&mut self, broker: &mut Broker, book: &mut Book, random: &mut Random, now: u64) {
        let Some(link) = self.link else { return };
        broker.close(link, now);
        self.parts(book, random, now);
    }

    /// The connection is gone, and the broker does not know it.
    pub(super) fn vanish(&mut self, book: &mut Book, random: &mut Random, now: u64) {
        let Some(link) = self.link else { return };
        self.tell(|| "vanishes".to_owned());
        self.ghosts.push(link);
        // The server's session may end later than its own.
        self.outlived |= self.habits.expiry != u32::MAX || self.least_expiry != u32::MAX;
        self.parts(book, random, now);
    }

    /// The broker finds out about connections that are gone: all, or those that it has closed itself.
    pub(super) fn bury(&mut self, all: bool, broker: &mut Broker, now: u64) {
        self.ghosts.retain(|link| {
            let gone = all || broker.is_closed(*link);
            if gone {
                broker.close(*link, now);
            }
            !gone
        });
    }

    fn parts(&mut self, book: &mut Book, random: &mut Random, now: u64) {
        self.link = None;
        if core::mem::take(&mut self.accepted) {
            self.parted = now;
        }
        self.copied.clear();
        self.wire.clear();
        self.heard.clear();
        self.may_end(false, book, now);
        self.client.handle_close(self.at(now));
        self.tell(|| "is cut off".to_owned());
        self.losses(book);
        self.parted(random);
    }

    /// The device restarts without its state.
    pub(super) fn forget(&mut self, broker: &mut Broker, book: &mut Book) {
        self.tell(|| "loses its memory".to_owned());
        self.client = Client::new(Boxed::new(self.habits.flights, self.habits.bytes));
        self.copied.clear();
        self.inbox.clear();
        self.app = App::default();
        self.forgot = true;
        self.connect_len = 0;
        self.least_expiry = self.habits.expiry;
        let swallows = broker.forgotten(&self.name);
        book.memory_lost(self.number, swallows);
    }

    /// The device restarts with its state saved, a clock that begins anew, and perhaps another way to acknowledge. Bytes that it
    /// had read and not handled are gone.
    pub(super) fn restart(&mut self, broker: &mut Broker, book: &mut Book, random: &mut Random, now: u64) {
        self.tell(|| "restarts with its state saved".to_owned());
        let saved = self.client.clone();
        if let Some(link) = self.link {
            broker.close(link, now);
        }
        self.boot = now;
        self.client = saved;
        self.inbox.clear();
        if random.chance(30) {
            self.habits.manual = !self.habits.manual;
        }
        if self.link.is_some() {
            self.parts(book, random, now);
        }
    }

    /// Its timers. False when that ended the connection.
    pub(super) fn timeout(&mut self, book: &mut Book, now: u64) -> bool {
        self.may_end(false, book, now);
        let done = self.client.handle_timeout(self.at(now));
        self.losses(book);
        match done {
            Ok(_) => true,
            Err(fault) => {
                self.tell(|| format!("finds {fault}"));
                if !matches!(fault.rule, Rule::CONNACK_MISSED | Rule::PINGRESP_MISSED) {
                    book.problem(format!("{} finds {fault} at a timeout", self.name));
                }
                false
            }
        }
    }

    /// When its timer is due.
    #[must_use]
    pub(super) fn due(&self) -> Option<u64> {
        self.client.poll_timeout().map(|due| due.as_millis() + self.boot)
    }
}
