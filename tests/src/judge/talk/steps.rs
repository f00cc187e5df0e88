//! What a client does in several packets: joining, subscribing, publishing, receiving.

use mqtt5_codec::{
    Ack, Connect, Delivery, Filter, Packet, PacketId, Properties, Property, Publish, QoS, ReasonCode, Subscribe,
    Subscription, SubscriptionOptions, Text, Topic, TopicRef,
};

use super::{Got, Join, Offers, Talk, Try, kind, lacks, lost, read, tell};

impl Talk<'_> {
    /// Sends CONNECT, and returns the link with CONNACK as it came.
    ///
    /// # Errors
    /// When no CONNACK with reason 0 comes.
    pub fn join(&mut self, name: &str, join: Join<'_>) -> Try<(usize, Vec<u8>)> {
        let link = self.open()?;
        let name = if name.is_empty() { String::new() } else { self.client_id(name) };
        let user = self.known.user.clone();
        let connect = Connect {
            clean_start: join.clean,
            keep_alive: join.keep_alive,
            properties: Properties::from(join.properties),
            client_id: Text::new(&name).unwrap_or(Text::EMPTY),
            will: join.will,
            user_name: user.as_ref().and_then(|(user, _)| Text::new(user).ok()),
            password: user.as_ref().map(|(_, password)| password.as_bytes()),
        };
        self.sizes.remove(&link);
        if let Some(most) = connect.properties.maximum_packet_size() {
            self.sizes.insert(link, most.get());
        }
        let asked = connect.properties.session_expiry_interval();
        self.send(link, &Packet::Connect(connect));
        let bytes = self.next(link).unwrap_or_default();
        self.clear(link)?;
        match read(&bytes) {
            Some(Packet::ConnAck(ack)) if !ack.reason.is_error() => {
                for statement in ["MQTT-3.2.0-1", "MQTT-3.1.4-5", "MQTT-3.14.0-1"] {
                    self.report.keeps(statement);
                }
                self.offers = Offers::of(&ack);
                if let (Some(kept), Some(asked)) = (self.offers.session_expiry, asked)
                    && kept != asked
                {
                    return Err(lacks(format!(
                        "the server keeps a session for {kept} s where {asked} s are asked for"
                    )));
                }
                Ok((link, bytes.clone()))
            }
            Some(Packet::ConnAck(ack)) => Err(lacks(format!("CONNECT is refused: {}", ack.reason))),
            None => {
                self.see("MQTT-3.1.4-5", false, "CONNACK", || tell(&bytes));
                Err(lost("CONNECT is not answered"))
            }
            Some(other) => {
                let spoke = matches!(other, Packet::Disconnect(_));
                self.see("MQTT-3.14.0-1", !spoke, "no DISCONNECT before CONNACK", || tell(&bytes));
                self.see("MQTT-3.2.0-1", false, "CONNACK as the first packet", || tell(&bytes));
                Err(lost(format!("the first packet is {}", kind(&bytes))))
            }
        }
    }

    /// As [`join`](Self::join), without CONNACK.
    ///
    /// # Errors
    /// As there.
    pub fn enter(&mut self, name: &str, join: Join<'_>) -> Try<usize> {
        Ok(self.join(name, join)?.0)
    }

    /// Subscribes to one filter of this case.
    ///
    /// # Errors
    /// When it is not granted.
    pub fn subscribe(&mut self, link: usize, filter: &str, options: SubscriptionOptions) -> Try<()> {
        self.subscribe_with(link, filter, options, &[])
    }

    /// A filter of this case, as it stands in SUBSCRIBE.
    #[must_use]
    pub fn filter(&self, filter: &str) -> String {
        match filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/')) {
            Some((name, rest)) => format!("$share/{name}/{}", self.name(rest)),
            None if filter.starts_with(['#', '+']) => filter.to_owned(),
            None => self.name(filter),
        }
    }

    /// Subscribes to one filter of this case, with properties.
    ///
    /// # Errors
    /// When the server does not have what it takes, or does not grant it.
    pub fn subscribe_with(
        &mut self,
        link: usize,
        filter: &str,
        options: SubscriptionOptions,
        properties: &[Property<'_>],
    ) -> Try<()> {
        let filter = self.filter(filter);
        let Offers { shared, wildcards, identifiers, .. } = self.offers;
        let identified = properties.iter().any(|property| matches!(property, Property::SubscriptionIdentifier(_)));
        for (has, needs, what) in [
            (shared, filter.starts_with("$share/"), "shared subscriptions"),
            (wildcards, filter.contains(['#', '+']), "wildcards"),
            (identifiers, identified, "subscription identifiers"),
        ] {
            if needs && !has {
                return Err(lacks(format!("the server says that it has no {what}")));
            }
        }
        let filter = Filter::new(&filter)?;
        let id = self.id();
        let filters = [Subscription { filter, options }];
        let properties = Properties::from(properties);
        self.send(link, &Packet::Subscribe(Subscribe { id, properties, filters: (&filters).into() }));
        let bytes = self.next(link).unwrap_or_default();
        self.clear(link)?;
        let Some(Packet::SubAck(ack)) = read(&bytes) else {
            let gone = matches!(read(&bytes), Some(Packet::Disconnect(_)));
            if gone {
                return Err(lacks(format!("SUBSCRIBE is answered by {}", tell(&bytes))));
            }
            self.see("MQTT-3.8.4-1", false, "SUBACK", || tell(&bytes));
            return Err(lost(format!("SUBSCRIBE is answered by {}", tell(&bytes))));
        };
        self.report.keeps("MQTT-3.8.4-1");
        for statement in ["MQTT-3.8.4-2", "MQTT-2.2.1-6"] {
            self.see(statement, ack.id == id, &format!("SUBACK of {id}"), || tell(&bytes));
        }
        let one = ack.reasons.iter().count() == 1;
        self.see("MQTT-3.8.4-6", one, "one reason code for one filter", || tell(&bytes));
        match ack.reasons.iter().next() {
            Some(reason) if !reason.is_error() => Ok(()),
            _ => Err(lacks(format!("{filter} is refused: {}", tell(&bytes)))),
        }
    }

    /// Publishes on a topic of this case, with every answer that belongs to it.
    ///
    /// # Errors
    /// When the answers do not come, or the server does not take the message.
    pub fn publish(&mut self, link: usize, topic: &str, payload: &str, qos: QoS, retain: bool) -> Try<()> {
        self.publish_with(link, topic, payload, qos, retain, &[])
    }

    /// As [`publish`](Self::publish), with properties.
    ///
    /// # Errors
    /// As there.
    pub fn publish_with(
        &mut self,
        link: usize,
        topic: &str,
        payload: &str,
        qos: QoS,
        retain: bool,
        properties: &[Property<'_>],
    ) -> Try<()> {
        let id = self.begin(link, topic, payload, qos, retain, properties)?;
        match qos {
            QoS::AtMostOnce => Ok(()),
            QoS::AtLeastOnce => self.answered(link, id, "MQTT-4.3.2-4", "PUBACK", |packet| match packet {
                Packet::PubAck(ack) => Some(*ack),
                _ => None,
            }),
            QoS::ExactlyOnce => {
                self.recorded(link, id)?;
                self.release(link, id)
            }
        }
    }

    /// Sends PUBLISH on a topic of this case, and waits for nothing.
    ///
    /// # Errors
    /// When the server says that it takes no such message.
    pub fn begin(
        &mut self,
        link: usize,
        topic: &str,
        payload: &str,
        qos: QoS,
        retain: bool,
        properties: &[Property<'_>],
    ) -> Try<PacketId> {
        self.able(qos)?;
        if retain && !self.offers.retain {
            return Err(lacks("the server says that it keeps no retained messages"));
        }
        let topic = if topic.starts_with('$') { topic.to_owned() } else { self.name(topic) };
        let topic = TopicRef::Name(Topic::new(&topic)?);
        let id = self.id();
        let delivery = delivery(qos, id, false);
        let (properties, payload) = (Properties::from(properties), payload.as_bytes());
        self.send(link, &Packet::Publish(Publish { topic, delivery, retain, properties, payload }));
        Ok(id)
    }

    /// Goes on if the server takes messages of this QoS.
    ///
    /// # Errors
    /// When it says that it does not.
    pub fn able(&self, qos: QoS) -> Try<()> {
        let most = self.offers.maximum_qos;
        if qos > most {
            return Err(lacks(format!("the server says that its Maximum QoS is {}", most as u8)));
        }
        Ok(())
    }

    /// Waits for PUBREC.
    ///
    /// # Errors
    /// When it does not come, or refuses.
    pub fn recorded(&mut self, link: usize, id: PacketId) -> Try<()> {
        self.answered(link, id, "MQTT-4.3.3-8", "PUBREC", |packet| match packet {
            Packet::PubRec(ack) => Some(*ack),
            _ => None,
        })
    }

    /// Sends PUBREL, and waits for PUBCOMP.
    ///
    /// # Errors
    /// When it does not come.
    pub fn release(&mut self, link: usize, id: PacketId) -> Try<()> {
        let ack = Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
        self.send(link, &Packet::PubRel(ack));
        self.answered(link, id, "MQTT-4.3.3-11", "PUBCOMP", |packet| match packet {
            Packet::PubComp(ack) => Some(*ack),
            _ => None,
        })
    }

    /// Waits for an acknowledgement.
    fn answered(
        &mut self,
        link: usize,
        id: PacketId,
        statement: &str,
        wanted: &str,
        pick: impl for<'p> Fn(&Packet<'p>) -> Option<Ack<'p>>,
    ) -> Try<()> {
        let mut bytes = self.next(link).unwrap_or_default();
        while matches!(read(&bytes), Some(Packet::Publish(_))) {
            self.early.push_back((link, bytes));
            bytes = self.next(link).unwrap_or_default();
        }
        self.clear(link)?;
        let packet = read(&bytes);
        let Some(ack) = packet.as_ref().and_then(pick) else {
            // A server that does not want the message says so in DISCONNECT [MQTT-4.13.2-1].
            if matches!(packet, Some(Packet::Disconnect(_))) {
                return Err(lacks(format!("{} instead of {wanted}", tell(&bytes))));
            }
            let expected = format!("{wanted} of {id}");
            if statement != "MQTT-4.3.3-4" && statement != "MQTT-4.3.3-11" {
                self.see("MQTT-3.3.4-1", false, &expected, || tell(&bytes));
            }
            self.see(statement, false, &expected, || tell(&bytes));
            return Err(lost(format!("{id} is not acknowledged")));
        };
        self.report.keeps(statement);
        self.report.keeps("MQTT-3.3.4-1");
        self.see("MQTT-2.2.1-5", ack.id == id, &format!("{wanted} of {id}"), || tell(&bytes));
        match ack.reason {
            _ if ack.id != id => Err(lost("another identifier")),
            // An identifier that is not found (0x92) refuses no message.
            reason if reason.is_error() && matches!(wanted, "PUBACK" | "PUBREC") => {
                Err(lacks(format!("the server refuses: {wanted} with {reason}")))
            }
            _ => Ok(()),
        }
    }

    /// The next message, not acknowledged, which the server owes to the subscriber [MQTT-4.5.0-1].
    ///
    /// # Errors
    /// When it does not come.
    pub fn owed(&mut self, link: usize) -> Try<Got> {
        let got = self.arrival(link, true)?;
        self.see("MQTT-4.5.0-1", got.is_some(), "a message on the topic that is subscribed", || {
            "nothing came".to_owned()
        });
        got.ok_or_else(|| lost("no message came"))
    }

    /// The next message, acknowledged; none when none comes.
    ///
    /// # Errors
    /// When something else comes, or the handshake is not finished.
    pub fn message(&mut self, link: usize) -> Try<Option<Got>> {
        let Some(got) = self.arrival(link, true)? else { return Ok(None) };
        self.acknowledge(link, &got)?;
        Ok(Some(got))
    }

    /// Whether no message comes.
    ///
    /// # Errors
    /// When something else comes.
    pub fn silence(&mut self, link: usize) -> Try<bool> {
        Ok(self.arrival(link, false)?.is_none())
    }

    /// The next message, not acknowledged.
    ///
    /// # Errors
    /// When something else comes.
    pub fn arrival(&mut self, link: usize, patient: bool) -> Try<Option<Got>> {
        let early = self.early.iter().position(|(of, _)| *of == link).and_then(|at| self.early.remove(at));
        let bytes = match early {
            Some((_, bytes)) => Some(bytes),
            None if patient => self.next(link),
            None => self.soon(link),
        };
        self.clear(link)?;
        let Some(bytes) = bytes else { return Ok(None) };
        let Some(Packet::Publish(publish)) = read(&bytes) else {
            return Err(lost(format!("{} instead of a message", tell(&bytes))));
        };
        let mut ids: Vec<_> = publish.properties.subscription_identifiers().map(|id| id.get()).collect();
        ids.sort_unstable();
        Ok(Some(Got {
            topic: publish.topic.name().map(|name| name.as_str().to_owned()).unwrap_or_default(),
            payload: String::from_utf8_lossy(publish.payload).into_owned(),
            qos: publish.delivery.qos(),
            retain: publish.retain,
            dup: publish.delivery.dup(),
            id: publish.delivery.id(),
            ids,
            bytes: bytes.clone(),
        }))
    }

    /// Acknowledges a message, to the end.
    ///
    /// # Errors
    /// When PUBREL does not come.
    pub fn acknowledge(&mut self, link: usize, got: &Got) -> Try<()> {
        let Some(id) = got.id else { return Ok(()) };
        let ack = Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
        if got.qos == QoS::AtLeastOnce {
            self.send(link, &Packet::PubAck(ack));
            return Ok(());
        }
        self.send(link, &Packet::PubRec(ack));
        self.answered(link, id, "MQTT-4.3.3-4", "PUBREL", |packet| match packet {
            Packet::PubRel(ack) => Some(*ack),
            _ => None,
        })?;
        self.send(link, &Packet::PubComp(ack));
        Ok(())
    }
}

/// How a message is delivered at a QoS.
#[must_use]
pub(crate) const fn delivery(qos: QoS, id: PacketId, dup: bool) -> Delivery {
    match qos {
        QoS::AtMostOnce => Delivery::AtMostOnce,
        QoS::AtLeastOnce => Delivery::AtLeastOnce { id, dup },
        QoS::ExactlyOnce => Delivery::ExactlyOnce { id, dup },
    }
}
