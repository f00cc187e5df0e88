//! A client, its host, and the bytes on their way to it.

use core::num::{NonZeroU16, NonZeroU32};
use std::collections::VecDeque;

use mqtt5_codec::{
    Filter, PacketId, Properties, Property, QoS, ReasonCode, Rule, Subscription, SubscriptionOptions, Text, Topic,
    TopicAlias,
};
use mqtt5_session::{
    Acknowledge, Boxed, Client, ConnectOptions, Ending, Figures, Inbox, Input, Instant, Prior, Publication, Refused,
    Transmit,
};

use super::judge::{Judge, Kind, Owed, Stage};
use super::{Connecting, Op};

/// What came of an operation.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Nothing,
    Wrote(Vec<u8>),
    Told(String),
    Began(u16),
    /// By the name of the reason.
    Refused(&'static str),
}

/// How many messages we let the server have unanswered.
const RECEIVE_MAXIMUM: u16 = 3;

pub(crate) struct World<'t> {
    client: Client<Boxed>,
    flights: usize,
    inbox: Inbox<'t>,
    arriving: VecDeque<u8>,
    /// What was copied out and not written.
    copied: Vec<u8>,
    now: u64,
    pub(crate) judge: Judge,
}

impl<'t> World<'t> {
    pub(crate) fn new(flights: usize, bytes: usize, aliases: &'t mut [u8]) -> Self {
        Self {
            client: Client::new(Boxed::new(flights, bytes)),
            flights,
            inbox: Inbox::growing(16, 256).with_aliases(aliases, 2),
            arriving: VecDeque::new(),
            copied: Vec::new(),
            now: 1,
            judge: Judge::default(),
        }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// The state in figures, but for how its memory is cut.
    pub(crate) fn figures(&self) -> Figures {
        let mut figures = self.client.figures(self.now());
        figures.bytes_held = 0;
        figures
    }

    /// What always holds.
    pub(crate) fn check(&mut self, op: &Op) {
        assert_eq!(self.client.check(), Ok(()), "after {op:?}: {:?}", self.client);
        let figures = self.client.figures(self.now());
        assert_eq!(usize::from(figures.in_flight), self.judge.open.len(), "after {op:?}: every call has one result");
        assert!(figures.unacknowledged <= RECEIVE_MAXIMUM, "after {op:?}: our Receive Maximum");
        assert!(figures.lost <= figures.in_flight);
        if self.client.is_closed() && self.judge.stage != Stage::Down {
            self.judge.stage = Stage::Over;
        }
    }

    /// A refused call has changed no figure. Returns what came of the call.
    fn call<T>(
        &mut self,
        call: impl FnOnce(&mut Client<Boxed>, &mut Inbox<'t>, Instant) -> Result<T, Refused>,
    ) -> Result<T, &'static str> {
        let now = self.now();
        let before = self.client.figures(now);
        call(&mut self.client, &mut self.inbox, now).map_err(|refused| {
            assert_eq!(self.client.figures(now), before, "{refused}");
            let name = name(&refused);
            self.judge.seen.insert(name);
            name
        })
    }

    pub(crate) fn apply(&mut self, op: &Op) -> Outcome {
        let done = match op {
            Op::Connect(how) => self.connect(how).map(|()| Outcome::Nothing),
            Op::Publish { .. } => self.publish(op),
            &Op::Subscribe { filters, id } => self.subscribe(filters, id),
            &Op::Unsubscribe(n) => self.unsubscribe(n),
            &Op::Acknowledge(id, reason) => {
                let (id, reason) = (PacketId::new(id).unwrap(), ReasonCode::from_u8(reason).unwrap());
                self.call(|client, _, _| client.acknowledge(id, reason)).map(|()| {
                    self.judge.answered(id.get(), reason);
                    Outcome::Nothing
                })
            }
            Op::Ping => self.call(|client, _, now| client.ping(now)).map(|()| Outcome::Nothing),
            Op::Auth(again) => {
                let reason = if *again { ReasonCode::RE_AUTHENTICATE } else { ReasonCode::CONTINUE_AUTHENTICATION };
                let properties = [Property::AuthenticationMethod(text("m"))];
                self.call(|client, _, _| client.auth(reason, Properties::from(&properties))).map(|()| Outcome::Nothing)
            }
            &Op::Disconnect { reason, expiry, once } => {
                let list = expiry.map(Property::SessionExpiryInterval);
                let ending = if once { Ending::AtOnce } else { Ending::AfterQueued };
                let reason = ReasonCode::from_u8(reason).unwrap();
                self.call(|client, _, _| client.disconnect_with(reason, Properties::from(list.as_slice()), ending)).map(
                    |()| {
                        self.judge.disconnecting(expiry);
                        Outcome::Nothing
                    },
                )
            }
            Op::Close => {
                self.close();
                Ok(Outcome::Nothing)
            }
            &Op::Write(n) => Ok(self.write(n)),
            &Op::Copy(n) => Ok(self.copy(n)),
            Op::Send { bytes, plain } => {
                self.judge.received(bytes, *plain);
                self.arriving.extend(bytes);
                Ok(Outcome::Nothing)
            }
            &Op::Read(n) => Ok(Outcome::Told(self.read(n))),
            Op::Handled => {
                self.client.handled();
                Ok(Outcome::Nothing)
            }
            &Op::Pass(millis) => Ok(Outcome::Told(self.pass(millis))),
            Op::Lost => Ok(self.lost()),
        };
        done.unwrap_or_else(Outcome::Refused)
    }

    // --- calls ---

    fn connect(&mut self, how: &Connecting) -> Result<(), &'static str> {
        let mut properties = Vec::new();
        if !how.plain {
            properties.push(Property::TopicAliasMaximum(2));
            properties.push(Property::MaximumPacketSize(NonZeroU32::new(200).unwrap()));
        }
        properties.push(Property::ReceiveMaximum(NonZeroU16::new(RECEIVE_MAXIMUM).unwrap()));
        properties.extend(how.expiry.map(Property::SessionExpiryInterval));
        properties.extend(how.method.then_some(Property::AuthenticationMethod(text("m"))));
        let mut connect = ConnectOptions::new(text(how.id));
        connect.packet.clean_start = how.clean;
        connect.packet.keep_alive = how.keep_alive;
        connect.packet.properties = Properties::from(&properties[..]);
        connect.prior = Some(if how.empty { Prior::Empty } else { Prior::None });
        connect.acknowledge = if how.manual { Acknowledge::Manual } else { Acknowledge::Automatic };
        connect = connect.with_topic_aliases(how.aliases);
        self.call(|client, inbox, now| client.connect(&connect, inbox, now))?;
        self.judge.connecting(how, self.now);
        Ok(())
    }

    fn publish(&mut self, op: &Op) -> Result<Outcome, &'static str> {
        let &Op::Publish { qos, hold, retain, name, len, alias } = op else { return Ok(Outcome::Nothing) };
        let payload = vec![b'x'; len];
        let properties = TopicAlias::new(alias).map(Property::TopicAlias);
        let name = ["t", "u/v", "w", "a/longer/name"][usize::from(name)];
        let mut message = Publication::new(Topic::new(name).unwrap(), &payload);
        message.qos = QoS::from_u8(qos).unwrap();
        message.hold = hold;
        message.retain = retain;
        message.properties = Properties::from(properties.as_slice());
        let id = self.call(|client, _, _| client.publish(&message))?;
        assert_eq!(id.is_some(), qos != 0);
        let Some(id) = id else { return Ok(Outcome::Nothing) };
        Ok(self.began(id, if qos == 1 { Kind::Once } else { Kind::Twice }))
    }

    fn subscribe(&mut self, filters: u8, id: bool) -> Result<Outcome, &'static str> {
        let all = ["a", "b/#", "$share/g/c"].map(|filter| Subscription {
            filter: Filter::new(filter).unwrap(),
            options: SubscriptionOptions::default(),
        });
        let properties = id.then(|| Property::SubscriptionIdentifier(7.try_into().unwrap()));
        let some = &all[..filters.into()];
        let properties = Properties::from(properties.as_slice());
        let id = self.call(|client, _, _| client.subscribe(some, properties))?;
        Ok(self.began(id, Kind::Subscribe(filters)))
    }

    fn unsubscribe(&mut self, filters: u8) -> Result<Outcome, &'static str> {
        let all = ["a", "b/#"].map(|filter| Filter::new(filter).unwrap());
        let some = &all[..filters.into()];
        let id = self.call(|client, _, _| client.unsubscribe(some, Properties::EMPTY))?;
        Ok(self.began(id, Kind::Unsubscribe(filters)))
    }

    fn began(&mut self, id: PacketId, kind: Kind) -> Outcome {
        assert!(usize::from(id.get()) <= self.flights);
        self.judge.began(id.get(), kind);
        Outcome::Began(id.get())
    }

    fn close(&mut self) {
        self.client.handle_close(self.now());
        assert!(self.client.is_closed() && !self.client.is_connected());
        self.arriving.clear();
        self.copied.clear();
        self.inbox.clear();
        self.judge.closed(self.now);
    }

    fn lost(&mut self) -> Outcome {
        let before = self.client.figures(self.now()).lost;
        let Some(id) = self.client.poll_lost() else {
            assert_eq!(before, 0, "what is lost is named");
            return Outcome::Nothing;
        };
        self.judge.lost(id.get());
        assert_eq!(self.client.figures(self.now()).lost, before - 1);
        Outcome::Began(id.get())
    }

    // --- bytes and time ---

    fn write(&mut self, most: usize) -> Outcome {
        let now = self.now();
        if !self.copied.is_empty() {
            let bytes: Vec<u8> = self.copied.drain(..most.min(self.copied.len())).collect();
            self.judge.wrote(&bytes);
            self.client.transmitted(bytes.len(), now);
            return Outcome::Wrote(bytes);
        }
        let Some(Transmit::Bytes(lent)) = self.client.poll_transmit() else { return Outcome::Nothing };
        assert!(!lent.is_empty(), "nothing is not lent");
        let bytes = lent[..lent.len().min(most)].to_vec();
        self.judge.wrote(&bytes);
        self.client.transmitted(bytes.len(), now);
        Outcome::Wrote(bytes)
    }

    fn copy(&mut self, room: usize) -> Outcome {
        let mut out = vec![0; room];
        let n = self.client.transmit_into(&mut out);
        if n != 0 {
            self.judge.seen.insert("copied");
        }
        self.copied.extend_from_slice(&out[..n]);
        Outcome::Wrote(out[..n].to_vec())
    }

    fn write_all(&mut self) {
        while self.write(usize::MAX) != Outcome::Nothing {}
    }

    fn read(&mut self, most: usize) -> String {
        let now = self.now();
        let spare = self.inbox.spare();
        let n = spare.len().min(most).min(self.arriving.len());
        for (to, from) in spare.iter_mut().zip(self.arriving.drain(..n)) {
            *to = from;
        }
        self.inbox.filled(n);
        match self.client.handle_input(&mut self.inbox, now) {
            Ok(Input::Blocked) => {
                let waits = !self.copied.is_empty() || self.client.poll_transmit().is_some();
                assert!(waits, "blocked with nothing to transmit");
                self.judge.seen.insert("blocked");
                "blocked".into()
            }
            Ok(Input::Event(event)) => {
                self.judge.told(&event);
                format!("{event:?}")
            }
            Ok(other) => format!("{other:?}"),
            Err(fault) => {
                assert_eq!(self.client.fault(), Some(fault));
                self.write_all();
                assert!(self.client.is_closed(), "what is left can be written");
                self.judge.seen.insert("fault");
                fault.to_string()
            }
        }
    }

    fn pass(&mut self, millis: u64) -> String {
        self.now += millis;
        let now = self.now();
        let mut told = String::new();
        for _ in 0..3 {
            match self.client.handle_timeout(now) {
                Ok(event) => {
                    event.iter().for_each(|event| self.judge.told(event));
                    told += &format!("{event:?} ");
                }
                Err(fault) => {
                    assert!(self.client.is_closed());
                    self.judge.seen.insert("missed");
                    return fault.to_string();
                }
            }
            if self.client.poll_timeout().is_none_or(|at| at > now) {
                return told;
            }
        }
        panic!("what is due is done: {:?}", self.client);
    }

    // --- the end ---

    /// Whatever happened: a server without faults can be connected to, and answers everything. Then nothing is left.
    pub(crate) fn finish(&mut self) {
        self.close();
        let mut how = Connecting { id: "c", empty: true, plain: true, expiry: Some(30), ..Connecting::default() };
        let mut connected = self.connect(&how);
        if connected == Err("Rule") {
            // The session of another client identifier.
            how.clean = true;
            connected = self.connect(&how);
        }
        if connected == Err("Bytes") {
            // Messages that wait leave no room for a longer CONNECT than the one before.
            self.judge.seen.insert("cramped");
            return;
        }
        assert_eq!(connected, Ok(()));
        self.serve();
        if self.client.fault().is_some() {
            // It holds a session that has ended here: a new one begins.
            self.close();
            how.clean = true;
            connected = self.connect(&how);
            assert_eq!(connected, Ok(()));
            self.serve();
        }
        assert!(self.client.is_connected(), "{:?}", self.client);
        while self.lost() != Outcome::Nothing {}
        assert_eq!(self.judge.open.len(), 0, "every call ends in a result: {:?} {:?}", self.judge.open, self.client);
        let figures = self.client.figures(self.now());
        assert_eq!((figures.in_flight, figures.lost, figures.unacknowledged), (0, 0, 0));
        assert_eq!((figures.quota, figures.bytes_held), (u16::MAX, 0), "all is given back");
        assert_eq!(self.client.check(), Ok(()));
        // Every identifier can be used again.
        for _ in 0..self.flights {
            let message = Op::Publish { qos: 2, hold: false, retain: false, name: 0, len: 0, alias: 0 };
            if let Err(why) = self.publish(&message) {
                assert_eq!(why, "Bytes");
                break;
            }
        }
        self.serve();
        assert_eq!(self.judge.open.len(), 0, "{:?}", self.judge.open);
        self.judge.seen.insert("finished");
    }

    /// Answers what the client sends until it is quiet.
    fn serve(&mut self) {
        loop {
            self.write_all();
            if self.judge.owed.is_empty() && self.arriving.is_empty() {
                return;
            }
            while !self.judge.owed.is_empty() {
                let packet = match self.judge.owed.pop_front() {
                    Some(Owed::Packet(packet)) => packet,
                    _ => vec![0x20, 3, u8::from(!self.judge.asked.clean), 0, 0],
                };
                self.arriving.extend(packet);
            }
            // A packet at a time is handled, and what it leads to is written.
            loop {
                let told = self.read(usize::MAX);
                let fault = self.client.fault();
                if fault.is_some_and(|fault| fault.rule == Rule::SESSION_UNKNOWN) && !self.judge.asked.clean {
                    return;
                }
                assert_eq!(fault, None, "{told}");
                self.write_all();
                if told.starts_with("Partial") && self.arriving.is_empty() {
                    break;
                }
            }
        }
    }
}

fn text(text: &str) -> Text<'_> {
    Text::new(text).unwrap()
}

fn name(refused: &Refused) -> &'static str {
    match refused {
        Refused::NotConnected => "NotConnected",
        Refused::Connected => "Connected",
        Refused::Closing => "Closing",
        Refused::Prior => "Prior",
        Refused::Exchanges { .. } => "Exchanges",
        Refused::Bytes { .. } => "Bytes",
        Refused::ReceiveMaximum => "ReceiveMaximum",
        Refused::Unknown => "Unknown",
        Refused::Rule(_) => "Rule",
        _ => "another",
    }
}
