//! What the host asks for on a connection: messages, subscriptions, acknowledgements, pings.
//!
//! Everything is checked before anything changes, so a refused call has changed nothing.

use mqtt5_codec::{
    Ack, AckKind, Delivery, EncodeError, Filter, List, PacketId, Properties, Publish, QoS, ReasonCode, Rule, Sender,
    Subscribe, Subscription, Topic, TopicRef, Unsubscribe,
};

use crate::arena::{At, KEPT};
use crate::engine::PINGREQ;
use crate::error::Refused;
use crate::flight::{ANSWERED, HERE};
use crate::flow::{Receiving, SendInput};
use crate::options::Publication;
use crate::received::{self, entry};
use crate::sinks::Chunk;
use crate::state::{Engine, Phase, Ping, lacks};
use crate::time::Instant;

impl Engine<'_> {
    #[inline(never)]
    pub(crate) fn publish(&mut self, message: &Publication<'_>) -> Result<Option<PacketId>, Refused> {
        self.may_publish(message)?;
        let &Publication { topic, payload, qos, retain, properties, hold } = message;
        let (id, delivery) = self.next_delivery(qos)?;
        let mut publish = Publish { topic: TopicRef::Name(topic), delivery, retain, properties, payload };
        // An alias may be used only on the connection that there is, so what is kept for another one has none.
        let may_alias = self.link.phase == Phase::Up && id.is_none() && !hold;
        let mut alias = None;
        if may_alias
            && self.link.aliases.max != 0
            && let Some(calls) = self.link.aliases.calls
        {
            alias = (calls.choose)(self, &mut publish);
        }
        let mut encoded = self.encode(&publish);
        if encoded == Err(Refused::Rule(Rule::TOPIC_ALIAS_LISTED)) {
            // The message brings an alias of its own. To look for it before would cost each message a walk through its properties.
            publish.topic = self.own_alias(topic, properties, may_alias)?;
            encoded = self.encode(&publish);
        }
        let at = encoded?;
        self.leave_room_for_connect(at)?;

        self.stamp(at, 0);
        if let Some(id) = id {
            self.begin_publish(id.get(), qos, at);
            return Ok(Some(id));
        }
        if hold {
            self.arena.mark(at, KEPT);
        }
        self.enqueue(at);
        if let (Some(calls), Some(alias)) = (self.link.aliases.calls, alias) {
            (calls.note)(self, alias, topic.as_bytes());
        }
        Ok(None)
    }

    /// Whether this message may be published now.
    fn may_publish(&self, message: &Publication<'_>) -> Result<(), Refused> {
        match self.link.phase {
            Phase::Up => {}
            Phase::Draining | Phase::Leaving => return Err(Refused::Closing),
            _ if message.hold => return Ok(()),
            _ => return Err(Refused::NotConnected),
        }
        if message.qos as u8 > self.link.server.max_qos {
            return Err(Refused::Rule(Rule::SERVER_MAXIMUM_QOS));
        }
        if message.retain && self.link.server.lacks(lacks::RETAIN) {
            return Err(Refused::Rule(Rule::RETAIN_UNAVAILABLE));
        }
        let waits = message.hold || message.qos == QoS::AtMostOnce;
        if !waits && self.session.publishing >= self.link.server.receive_max {
            return Err(Refused::ReceiveMaximum);
        }
        Ok(())
    }

    /// The packet identifier of the next message, if its QoS has one.
    fn next_delivery(&self, qos: QoS) -> Result<(Option<PacketId>, Delivery), Refused> {
        if qos == QoS::AtMostOnce {
            return Ok((None, Delivery::AtMostOnce));
        }
        let Some(id) = PacketId::new(self.next_id()) else { return Err(self.no_exchange()) };
        let dup = false;
        let delivery =
            if qos == QoS::AtLeastOnce { Delivery::AtLeastOnce { id, dup } } else { Delivery::ExactlyOnce { id, dup } };
        Ok((Some(id), delivery))
    }

    #[inline(never)]
    fn encode(&mut self, publish: &Publish<'_>) -> Result<At, Refused> {
        let mut sink = Chunk::new(&mut self.arena, self.link.largest.server());
        let encoded = publish.encode(Sender::Client, &mut sink);
        sink.done(encoded)
    }

    /// The topic with the alias that the application lists among the properties, if it may.
    #[cold]
    fn own_alias<'t>(
        &self,
        topic: Topic<'t>,
        listed: Properties<'_>,
        may_alias: bool,
    ) -> Result<TopicRef<'t>, Refused> {
        let alias = listed.topic_alias().filter(|_| may_alias && self.link.aliases.max == 0);
        let Some(alias) = alias else { return Err(Refused::Rule(Rule::TOPIC_ALIAS_OF_LINK)) };
        if alias.get() > self.link.aliases.server_max {
            return Err(Refused::Rule(Rule::SERVER_TOPIC_ALIAS_MAXIMUM));
        }
        Ok(TopicRef::NameAndAlias(topic, alias))
    }

    /// Before the first CONNECT, its length is not known: messages that wait leave room for it.
    fn leave_room_for_connect(&mut self, at: At) -> Result<(), Refused> {
        if self.session.connect_units != 0 || self.arena.has_a_quarter() {
            return Ok(());
        }
        let need = self.arena.len(at) as usize;
        self.arena.give(at);
        Err(Refused::Bytes { need })
    }

    /// Begins the exchange of a message of QoS 1 or QoS 2, the last in the order of sending.
    fn begin_publish(&mut self, number: u16, qos: QoS, at: At) {
        let input = if qos == QoS::AtLeastOnce { SendInput::Publish1 } else { SendInput::Publish2 };
        self.take_id(number, input, at);
        self.session.publishes.insert(self.flights, number, 0);
        self.session.publishing = self.session.publishing.wrapping_add(1);
        for first in [&mut self.link.order.cursor, &mut self.link.order.unsent] {
            if *first == 0 {
                *first = number;
            }
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
