//! An exchange as one would put it into a document: a sequence diagram, and the packets as boxes of fields, as Appendix A of
//! CSD03 draws them.

mod boxes;
mod draw;
mod sequence;

use core::time::Duration;
use std::collections::HashSet;
use std::sync::Arc;

use mqtt5_codec::{Packet, PacketType, Sender};

pub(crate) use boxes::{Row, rows};
use draw::Canvas;

/// What happened: packets, and what was done between them.
#[derive(Debug)]
pub(crate) enum Step {
    Heading(String),
    Packet(Record),
}

/// A packet between a client and the broker.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) after: Duration,
    pub(crate) who: Arc<str>,
    pub(crate) from: Sender,
    pub(crate) kind: PacketType,
    /// What it is about, in a few words.
    pub(crate) says: String,
    /// Whether it carries a response, as its user property says.
    pub(crate) response: bool,
    pub(crate) rows: Vec<Row>,
}

impl Record {
    pub(crate) fn new(after: Duration, who: &Arc<str>, from: Sender, packet: &Packet<'_>) -> Self {
        let property = |name: &str| match packet {
            Packet::Publish(publish) => publish
                .properties
                .user_properties()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.as_str().to_owned()),
            _ => None,
        };
        Self {
            after,
            who: Arc::clone(who),
            from,
            kind: packet.packet_type(),
            says: boxes::about(packet),
            response: property("msgType").is_some_and(|kind| kind == "rsp"),
            rows: rows(packet),
        }
    }

    /// What a reader learns from its fields; of packets that teach the same, one is enough. What the broker passes on differs
    /// by its identifier alone, and one acknowledgement is as another.
    fn lesson(&self, heading: usize) -> Option<(PacketType, Arc<str>, usize)> {
        let by_client = self.from == Sender::Client;
        match self.kind {
            PacketType::Publish => by_client.then(|| (self.kind, Arc::clone(&self.who), heading)),
            PacketType::Connect | PacketType::Subscribe => Some((self.kind, Arc::clone(&self.who), 0)),
            kind => Some((kind, Arc::from(""), 0)),
        }
    }
}

/// The whole drawing.
pub(crate) fn draw(title: &str, steps: &[Step]) -> String {
    let mut clients: Vec<Arc<str>> = Vec::new();
    for step in steps {
        if let Step::Packet(record) = step
            && !clients.contains(&record.who)
        {
            clients.push(Arc::clone(&record.who));
        }
    }
    // Producers stand to the left of the broker, as the specification has them.
    let (left, right): (Vec<_>, Vec<_>) = clients.into_iter().partition(|who| who.starts_with("producer"));
    let mut canvas = Canvas::new();
    let top = canvas.title(title);
    let width = sequence::width(left.len() + right.len());
    let bottom = sequence::draw(&mut canvas, top, &left, &right, steps);
    let (mut taught, mut shown) = (HashSet::new(), Vec::new());
    let (mut heading, mut number) = (0, 0);
    for step in steps {
        match step {
            Step::Heading(_) => heading += 1,
            Step::Packet(record) => {
                number += 1;
                if record.lesson(heading).is_some_and(|lesson| taught.insert(lesson)) {
                    shown.push((number, record));
                }
            }
        }
    }
    let bottom = boxes::draw(&mut canvas, bottom + 30.0, width, &shown);
    canvas.finish(width, bottom + 20.0)
}
