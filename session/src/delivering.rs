//! The exchanges that the server begins: messages, and the release of those of QoS 2.

use mqtt5_codec::{Ack, Delivery, PacketId, Publish, ReasonCode, Rule, TopicRef};

use crate::engine::{PUBACK, PUBCOMP, PUBREC};
use crate::event::Becomes;
use crate::flight::{ANSWERED, HERE};
use crate::flow::{Exchange, ReceiveInput, ReceiveReply, Receiving};
use crate::inbox::Aliases;
use crate::received::{self, entry};
use crate::state::{Engine, asked};

impl Engine<'_> {
    /// A PUBLISH has an alias, alone or for its topic name.
    #[cold]
    fn aliased(&mut self, topic: TopicRef<'_>, aliases: Option<&mut Aliases<'_>>) -> Result<(), Rule> {
        let alias = topic.alias().map_or(0, |alias| alias.get());
        if alias > self.link.inbound.alias_max {
            return Err(Rule::TOPIC_ALIAS_MAXIMUM);
        }
        let (known, rule) = match (topic.name(), aliases) {
            (Some(name), Some(aliases)) => (aliases.set(alias, name), Rule::TOPIC_ALIAS_ACCEPTED),
            (Some(_), None) => (false, Rule::TOPIC_ALIAS_ACCEPTED),
            (None, aliases) => (aliases.is_some_and(|aliases| aliases.has(alias)), Rule::TOPIC_ALIAS_UNKNOWN),
        };
        if known { Ok(()) } else { Err(rule) }
    }

    /// Whether the application gets the message.
    pub(crate) fn publish_arrived(
        &mut self,
        publish: &Publish<'_>,
        aliases: Option<&mut Aliases<'_>>,
    ) -> Result<Becomes, Rule> {
        if !matches!(publish.topic, TopicRef::Name(_)) {
            self.aliased(publish.topic, aliases)?;
        }
        let (id, input) = match publish.delivery {
            Delivery::AtMostOnce => return Ok(Becomes::Usual),
            Delivery::AtLeastOnce { id, .. } => (id, ReceiveInput::Publish1),
            Delivery::ExactlyOnce { id, .. } => (id, ReceiveInput::Publish2),
        };
        let number = if self.session.received.used == 0 { 0 } else { received::find(self.flights, id.get()) };
        let Some(known) = entry(self.flights, number) else {
            self.count_received()?;
            return Ok(self.deliver(id, input));
        };
        let here = known.flags & HERE != 0;
        let reply = known.exchange.step(input)?;
        if !here {
            self.count_received()?;
        }
        self.repeated(id, number, reply == ReceiveReply::PubRec);
        Ok(Becomes::Nothing)
    }

    /// Counts a message against our Receive Maximum.
    fn count_received(&mut self) -> Result<(), Rule> {
        if self.link.inbound.unacknowledged >= self.link.inbound.receive_max {
            return Err(Rule::RECEIVE_MAXIMUM);
        }
        self.link.inbound.unacknowledged = self.link.inbound.unacknowledged.wrapping_add(1);
        Ok(())
    }

    /// A QoS 2 message that was delivered before, and perhaps accepted.
    #[inline(never)]
    fn repeated(&mut self, id: PacketId, number: u16, accepted: bool) {
        let [_, owed] = self.session.received.owed;
        let automatic = !self.link.connect.asked(asked::MANUAL);
        let Some(entry) = entry(self.flights, number) else { return };
        let here = entry.flags & HERE != 0;
        entry.flags |= HERE;
        if accepted {
            if here || owed.first == 0 {
                return self.push_ack(PUBREC, id.get(), ReasonCode::SUCCESS);
            }
            // Messages that came before it still have no PUBREC, so it waits for its turn again [MQTT-4.6.0-3].
            let _ = entry.exchange.step(ReceiveInput::Postpone);
        }
        // Its answer is owed: now where nobody else gives it, or as soon as it is given.
        if accepted || automatic {
            entry.flags |= ANSWERED;
        }
        if !here {
            self.session.received.queue_answer(self.flights, number, 1);
        }
        if automatic {
            // Before that of the message that comes next, which does not queue.
            self.push_answers();
        }
    }

    /// A new message of QoS 1 or QoS 2.
    fn deliver(&mut self, id: PacketId, input: ReceiveInput) -> Becomes {
        let manual = self.link.connect.asked(asked::MANUAL);
        let twice = input == ReceiveInput::Publish2;
        let first = if twice { PUBREC } else { PUBACK };
        let mut exchange = Exchange::<Receiving>::NEW;
        let _ = exchange.step(input);
        if !manual {
            // What is delivered is accepted; it is said when the event has been handled.
            let _ = exchange.step(ReceiveInput::Accept);
        }
        if exchange.state() != Receiving::Idle {
            let number = self.session.received.enter(self.flights, id.get(), exchange);
            if number == 0 {
                self.push_ack(first, id.get(), ReasonCode::QUOTA_EXCEEDED);
                return Becomes::Nothing;
            }
            if manual {
                self.session.received.queue_answer(self.flights, number, usize::from(twice));
                return Becomes::Usual;
            }
        }
        self.link.inbound.handling = Some(id);
        self.link.handling_kind = first;
        Becomes::Usual
    }

    #[inline(never)]
    pub(crate) fn released(&mut self, ack: &Ack<'_>) -> Result<Becomes, Rule> {
        self.check_problem_information(&ack.properties)?;
        let number = received::find(self.flights, ack.id.get());
        let mut none = Exchange::<Receiving>::NEW;
        let exchange = entry(self.flights, number).map_or(&mut none, |entry| &mut entry.exchange);
        let reason = if exchange.step(ReceiveInput::PubRel)? == ReceiveReply::PubComp {
            self.session.received.leave(self.flights, number);
            ReasonCode::SUCCESS
        } else {
            ReasonCode::PACKET_IDENTIFIER_NOT_FOUND
        };
        self.push_ack(PUBCOMP, ack.id.get(), reason);
        Ok(Becomes::Nothing)
    }
}
