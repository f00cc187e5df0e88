//! What is noted of a server: statements kept and broken with the packets that show it, and what each packet shows by itself.

use mqtt5_codec::{Packet, QoS};

use super::{Talk, kind, read};
use crate::report::{Bytes, Class, Finding};

impl Talk<'_> {
    /// A statement was looked at: whether it was kept, what had to be, and what was.
    pub fn see(&mut self, statement: &str, kept: bool, expected: &str, seen: impl FnOnce() -> String) {
        self.note(statement, Class::Must, kept, expected, seen, None);
    }

    /// As [`see`](Self::see), of what should be.
    pub fn prefer(&mut self, statement: &str, kept: bool, expected: &str, seen: impl FnOnce() -> String) {
        self.note(statement, Class::Should, kept, expected, seen, None);
    }

    /// A statement was looked at, which these bytes show.
    pub fn note(
        &mut self,
        statement: &str,
        class: Class,
        kept: bool,
        expected: &str,
        seen: impl FnOnce() -> String,
        bytes: Option<Bytes>,
    ) {
        const LAST: usize = 6;
        let Self { report, packets, trial, focus, .. } = self;
        report.record(statement, class, kept, || {
            let seen = seen();
            let of_it: Vec<_> = packets.iter().filter(|(link, ..)| focus.is_none_or(|focus| focus == *link)).collect();
            // Where nothing came, what came before shows nothing.
            let last = of_it.iter().rev().find(|(_, ours, _)| !ours).or(of_it.last());
            let last = last.filter(|_| !seen.starts_with("nothing")).map(|(_, ours, bytes)| Bytes {
                from: if *ours { "client" } else { "server" },
                bytes: bytes.clone(),
                at: None,
            });
            let line = |(link, ours, bytes): &&(usize, bool, Vec<u8>)| {
                let arrow = if *ours { "→" } else { "←" };
                format!("{link} {arrow} {} {}", kind(bytes), crate::report::brief(bytes))
            };
            Finding {
                trial: (*trial).to_owned(),
                expected: expected.to_owned(),
                seen,
                bytes: bytes.or(last),
                packets: of_it.iter().skip(of_it.len().saturating_sub(LAST)).map(line).collect(),
            }
        });
    }

    pub(super) fn keep(&mut self, link: usize, ours: bool, bytes: &[u8]) {
        const MOST: usize = 160;
        if self.packets.len() == MOST {
            self.packets.pop_front();
        }
        self.packets.push_back((link, ours, bytes.to_vec()));
    }

    /// What every packet of a server shows by itself: that its codes are of the table, and that it does not explain itself at
    /// a greater length than the client takes.
    pub(super) fn look(&mut self, link: usize, bytes: &[u8]) {
        let Some(packet) = read(bytes) else { return };
        let (codes, explained, properties): (&[&str], _, _) = match &packet {
            Packet::ConnAck(ack) => {
                (&["MQTT-3.2.2-1", "MQTT-3.2.2-8"], ["MQTT-3.2.2-19", "MQTT-3.2.2-20"], ack.properties)
            }
            Packet::PubAck(ack) => (&["MQTT-3.4.2-1"], ["MQTT-3.4.2-2", "MQTT-3.4.2-3"], ack.properties),
            Packet::PubRec(ack) => (&["MQTT-3.5.2-1"], ["MQTT-3.5.2-2", "MQTT-3.5.2-3"], ack.properties),
            Packet::PubRel(ack) => (&["MQTT-3.6.2-1"], ["MQTT-3.6.2-2", "MQTT-3.6.2-3"], ack.properties),
            Packet::PubComp(ack) => (&["MQTT-3.7.2-1"], ["MQTT-3.7.2-2", "MQTT-3.7.2-3"], ack.properties),
            Packet::SubAck(ack) => (&["MQTT-3.9.3-2"], ["MQTT-3.9.2-1", "MQTT-3.9.2-2"], ack.properties),
            Packet::UnsubAck(ack) => (&["MQTT-3.11.3-2"], ["MQTT-3.11.2-1", "MQTT-3.11.2-2"], ack.properties),
            Packet::Disconnect(words) => {
                (&["MQTT-3.14.2-1", "MQTT-3.14.2-2"], ["MQTT-3.14.2-3", "MQTT-3.14.2-4"], words.properties)
            }
            Packet::Auth(auth) => (&["MQTT-3.15.2-1"], ["MQTT-3.15.2-2", "MQTT-3.15.2-3"], auth.properties),
            Packet::Publish(publish) => {
                let plain = publish.delivery.qos() == QoS::AtMostOnce;
                for statement in ["MQTT-2.2.1-2", "MQTT-4.3.1-1"].iter().filter(|_| plain) {
                    self.report.keeps(statement);
                }
                self.report.keeps("MQTT-3.3.2-1");
                return;
            }
            _ => return,
        };
        for statement in codes {
            self.report.keeps(statement);
        }
        let Some(most) = self.sizes.get(&link).copied() else { return };
        let fits = bytes.len() <= most as usize;
        let talks = [properties.reason_string().is_some(), properties.user_properties().next().is_some()];
        for (statement, talks) in explained.into_iter().zip(talks) {
            let expected = format!("at most {most} bytes, or no explanation");
            self.see(statement, fits || !talks, &expected, || format!("{} bytes", bytes.len()));
        }
    }
}
