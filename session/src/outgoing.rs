//! What the host asks for on a connection: messages, subscriptions, acknowledgements, pings.
//!
//! Everything is checked before anything changes, so a refused call has changed nothing.

use mqtt5_codec::{
    Ack, AckKind, Delivery, EncodeError, Filter, Full, List, PacketId, Properties, Publish, QoS, ReasonCode, Rule,
    Sender, Sink, Subscribe, Subscription, TopicAlias, TopicRef, Unsubscribe,
};

use crate::arena::{Arena, At, KEPT, NIL};
use crate::engine::PINGREQ;
use crate::error::Refused;
use crate::flow::{Receiving, SendInput};
use crate::options::Publication;
use crate::received::{self, ANSWERED, HERE, entry};
use crate::state::{Engine, Phase, Ping, lacks};
use crate::time::Instant;

/// A sink that takes a chunk for the packet, or the place that CONNECT has.
pub(crate) struct Chunk<'a, 'm> {
    arena: &'a mut Arena<'m>,
    /// The largest packet that may be.
    most: u32,
    /// The chunk; for CONNECT the size of its place, in units.
    at: u16,
    apart: bool,
}

impl Sink for Chunk<'_, '_> {
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let at = if u32::try_from(len).is_ok_and(|len| len > self.most) {
            None
        } else if self.apart {
            self.arena.set_apart(len)
        } else {
            self.arena.take(len)
        };
        let Some(at) = at else { return Err(Full { need: len }) };
        self.at = at;
        Ok(if self.apart { self.arena.apart_packet() } else { self.arena.packet_mut(at) })
    }
}

/// A sink that takes a chunk for the packet, or if there is none the place that CONNECT had, which has been sent.
pub(crate) struct Spare<'a, 'm> {
    pub(crate) chunk: Chunk<'a, 'm>,
    /// Whether CONNECT is no more in its place.
    pub(crate) free: bool,
}

impl Sink for Spare<'_, '_> {
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let need = Full { need: len };
        if self.chunk.room(len).is_ok() {
            return Ok(self.chunk.arena.packet_mut(self.chunk.at));
        }
        let fits = u32::try_from(len).is_ok_and(|len| len <= self.chunk.most);
        if fits && self.free && self.chunk.arena.reuse_apart(len) {
            return Ok(self.chunk.arena.apart_packet());
        }
        Err(need)
    }
}

impl<'a, 'm> Chunk<'a, 'm> {
    pub(crate) fn new(arena: &'a mut Arena<'m>, most: u32) -> Self {
        Self { arena, most, at: NIL, apart: false }
    }

    pub(crate) fn apart(arena: &'a mut Arena<'m>) -> Self {
        Self { arena, most: u32::MAX, at: 0, apart: true }
    }

    /// The chunk, if encoding went well.
    pub(crate) fn done(&self, encoded: Result<usize, EncodeError>) -> Result<At, Refused> {
        match encoded {
            Ok(_) => Ok(self.at),
            Err(EncodeError::Refused(rule)) => Err(Refused::Rule(rule)),
            Err(EncodeError::Full { need }) if u32::try_from(need).is_ok_and(|need| need <= self.most) => {
                Err(Refused::Bytes { need })
            }
            Err(_) => Err(Refused::Rule(Rule::SERVER_MAXIMUM_PACKET_SIZE)),
        }
    }
}

impl Engine<'_> {
    #[inline(never)]
    pub(crate) fn publish(&mut self, message: &Publication<'_>) -> Result<Option<PacketId>, Refused> {
        let up = self.may_publish(message)?;
        let &Publication { topic, payload, qos, retain, properties, hold } = message;
        let number = if qos == QoS::AtMostOnce { 0 } else { self.next_id() };
        let id = PacketId::new(number);
        let delivery = match (qos, id) {
            (QoS::AtMostOnce, _) => Delivery::AtMostOnce,
            (QoS::AtLeastOnce, Some(id)) => Delivery::AtLeastOnce { id, dup: false },
            (QoS::ExactlyOnce, Some(id)) => Delivery::ExactlyOnce { id, dup: false },
            (_, None) => return Err(self.no_exchange()),
        };
        let may_alias = up && qos == QoS::AtMostOnce && !hold;
        let mut given = None;
        let mut publish = Publish { topic: TopicRef::Name(topic), delivery, retain, properties, payload };
        let giving = self.link.aliases.calls.filter(|_| may_alias && self.link.aliases.max != 0);
        if let Some(giving) = giving {
            let (alias, known) = (giving.choose)(self, topic.as_bytes());
            given = TopicAlias::new(alias);
            if let Some(alias) = given {
                publish.topic = if known { TopicRef::Alias(alias) } else { TopicRef::NameAndAlias(topic, alias) };
            }
        }
        let mut again = false;
        let at = loop {
            match self.encode(&publish) {
                // Refused, perhaps because the message has an alias of its own.
                Err(Refused::Rule(rule)) if !again => {
                    again = true;
                    if given.take().is_some() && properties.topic_alias().is_none() {
                        // A new alias makes it longer, perhaps too long.
                        publish.topic = TopicRef::Name(topic);
                        continue;
                    }
                    let Some(alias) = properties.topic_alias() else { return Err(Refused::Rule(rule)) };
                    if !may_alias || self.link.aliases.max != 0 {
                        return Err(Refused::Rule(Rule::TOPIC_ALIAS_OF_LINK));
                    }
                    if alias.get() > self.link.aliases.server_max {
                        return Err(Refused::Rule(Rule::SERVER_TOPIC_ALIAS_MAXIMUM));
                    }
                    publish.topic = TopicRef::NameAndAlias(topic, alias);
                }
                other => break other?,
            }
        };

        // Before the first CONNECT, its length is not known: messages that wait leave room for it.
        if self.session.connect_units == 0 && !self.arena.has_a_quarter() {
            let need = self.arena.len(at) as usize;
            self.arena.give(at);
            return Err(Refused::Bytes { need });
        }

        self.stamp(at, 0);
        if number == 0 {
            if hold {
                self.arena.mark(at, KEPT);
            }
            self.enqueue(at);
            if let (Some(giving), Some(alias)) = (giving, given) {
                (giving.note)(self, alias.get(), topic.as_bytes());
            }
        } else {
            let input = if qos == QoS::AtLeastOnce { SendInput::Publish1 } else { SendInput::Publish2 };
            self.take_id(number, input, at);
            self.session.publishes.insert(self.flights, number, 0);
            self.session.publishing = self.session.publishing.wrapping_add(1);
            if self.link.order.cursor == 0 {
                self.link.order.cursor = number;
            }
            if self.link.order.unsent == 0 {
                self.link.order.unsent = number;
            }
        }
        Ok(id)
    }

    #[inline(never)]
    fn encode(&mut self, publish: &Publish<'_>) -> Result<At, Refused> {
        let mut sink = Chunk::new(&mut self.arena, self.link.largest.server());
        let encoded = publish.encode(Sender::Client, &mut sink);
        sink.done(encoded)
    }

    /// Whether this message may be published now; and whether on the connection there is.
    fn may_publish(&self, message: &Publication<'_>) -> Result<bool, Refused> {
        match self.link.phase {
            Phase::Up => {
                if message.qos as u8 > self.link.server.max_qos {
                    return Err(Refused::Rule(Rule::SERVER_MAXIMUM_QOS));
                }
                if message.retain && self.link.server.lacks(lacks::RETAIN) {
                    return Err(Refused::Rule(Rule::RETAIN_UNAVAILABLE));
                }
                if message.qos != QoS::AtMostOnce
                    && !message.hold
                    && self.session.publishing >= self.link.server.receive_max
                {
                    return Err(Refused::ReceiveMaximum);
                }
                Ok(true)
            }
            Phase::Draining | Phase::Leaving => Err(Refused::Closing),
            _ if message.hold => Ok(false),
            _ => Err(Refused::NotConnected),
        }
    }

    fn no_exchange(&self) -> Refused {
        Refused::Exchanges { of: self.session.fresh }
    }

    /// Numbers a chunk in the order of queueing.
    fn stamp(&mut self, at: At, number: u16) {
        self.arena.note(at, number, self.session.orders);
        self.session.orders = self.session.orders.wrapping_add(1);
    }

    #[inline(never)]
    pub(crate) fn subscribe(
        &mut self,
        filters: &[Subscription<'_>],
        properties: Properties<'_>,
    ) -> Result<PacketId, Refused> {
        let (id, count) = self.may_request(filters.len())?;
        for Subscription { filter, .. } in filters {
            if self.link.server.lacks(lacks::WILDCARDS) && filter.has_wildcard() {
                return Err(Refused::Rule(Rule::WILDCARDS_UNAVAILABLE));
            }
            if self.link.server.lacks(lacks::SHARED) && filter.is_shared() {
                return Err(Refused::Rule(Rule::SHARED_UNAVAILABLE));
            }
        }
        if self.link.server.lacks(lacks::SUBSCRIPTION_IDS) && properties.subscription_identifiers().next().is_some() {
            return Err(Refused::Rule(Rule::SUBSCRIPTION_IDS_UNAVAILABLE));
        }
        let subscribe = Subscribe { id, properties, filters: List::from(filters) };
        let mut sink = Chunk::new(&mut self.arena, self.link.largest.server());
        let encoded = subscribe.encode(&mut sink);
        let at = sink.done(encoded)?;
        self.request(at, id, count, SendInput::Subscribe);
        Ok(id)
    }

    #[inline(never)]
    pub(crate) fn unsubscribe(
        &mut self,
        filters: &[Filter<'_>],
        properties: Properties<'_>,
    ) -> Result<PacketId, Refused> {
        let (id, count) = self.may_request(filters.len())?;
        let unsubscribe = Unsubscribe { id, properties, filters: List::from(filters) };
        let mut sink = Chunk::new(&mut self.arena, self.link.largest.server());
        let encoded = unsubscribe.encode(&mut sink);
        let at = sink.done(encoded)?;
        self.request(at, id, count, SendInput::Unsubscribe);
        Ok(id)
    }

    /// The identifier of a SUBSCRIBE or UNSUBSCRIBE, and its number of filters, if it may be sent.
    fn may_request(&self, filters: usize) -> Result<(PacketId, u16), Refused> {
        match self.link.phase {
            Phase::Up => {}
            Phase::Draining | Phase::Leaving => return Err(Refused::Closing),
            _ => return Err(Refused::NotConnected),
        }
        let Some(id) = PacketId::new(self.next_id()) else { return Err(self.no_exchange()) };
        let count = u16::try_from(filters).map_err(|_| Refused::Bytes { need: filters })?;
        Ok((id, count))
    }

    fn request(&mut self, at: At, id: PacketId, count: u16, input: SendInput) {
        let number = id.get();
        self.stamp(at, number);
        self.take_id(number, input, count);
        self.session.requests.insert(self.flights, number, 0);
        self.enqueue(at);
    }

    #[inline(never)]
    pub(crate) fn ping(&mut self, now: Instant) -> Result<(), Refused> {
        match self.link.phase {
            Phase::Up if self.has_small_room() => {
                self.push_ping(now);
                Ok(())
            }
            Phase::Up => Err(Refused::Bytes { need: 2 }),
            Phase::Draining | Phase::Leaving => Err(Refused::Closing),
            _ => Err(Refused::NotConnected),
        }
    }

    /// Queues a PINGREQ. The answer to the first one that is unanswered is waited for.
    pub(crate) fn push_ping(&mut self, now: Instant) {
        self.push_small(&[PINGREQ, 0]);
        if !self.link.timers.answer.is_set() {
            self.link.ping = Ping::Queued;
            self.await_answer(now);
        }
    }

    /// From now on so long is waited: for PINGRESP, or for our last words to be written.
    pub(crate) fn await_answer(&mut self, now: Instant) {
        self.link.timers.answer = now.after(self.link.keep_alive.timeout.into()).at_least_one();
    }

    /// Notes the application's answer to a message. It is sent when its turn comes.
    #[inline(never)]
    pub(crate) fn acknowledge(&mut self, id: PacketId, reason: ReasonCode) -> Result<(), Refused> {
        let number = received::find(self.flights, id.get());
        let Some(entry) = entry(self.flights, number) else { return Err(Refused::Unknown) };
        let kind = match entry.exchange.state() {
            Receiving::Owes1 => AckKind::PubAck,
            Receiving::Owes2 => AckKind::PubRec,
            Receiving::Idle | Receiving::PubRel => return Err(Refused::Unknown),
        };
        if entry.flags & ANSWERED != 0 {
            return Err(Refused::Unknown);
        }
        let ack = Ack { id, reason, properties: Properties::EMPTY };
        if let Err(EncodeError::Refused(rule)) = ack.encoded_len(kind) {
            return Err(Refused::Rule(rule));
        }
        entry.flags = entry.flags & HERE | ANSWERED | reason.value();
        Ok(())
    }
}
