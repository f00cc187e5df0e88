//! An exchange as one would put it into a document: a sequence diagram, and the packets as boxes of fields, as Appendix A of
//! CSD03 draws them.

mod boxes;
mod draw;
mod sequence;

use core::time::Duration;
use std::collections::HashSet;
use std::sync::Arc;

use mqtt5_codec::{Packet, PacketType, Publish, Sender};

pub(crate) use boxes::{Row, rows};
use draw::Canvas;

/// So many clients have a line of their own; the others share one, so that the drawing stays one that can be read.
const LANES: usize = 12;
/// What those are called that share a line.
const OTHERS: &str = "others";

/// What happened: packets, and what was done between them.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Heading(String),
    Packet(Record),
}

/// A packet between a client and the broker.
#[derive(Debug, Clone)]
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

    /// A message as somebody saw it who is subscribed: of the packet that brought it to the broker, its identifier is not known.
    pub(crate) fn message(after: Duration, who: &str, says: &str, request: bool, publish: &Publish<'_>) -> Self {
        let mut record = Self::new(after, &who.into(), Sender::Client, &Packet::Publish(*publish));
        record.rows.retain(|row| !row.is_packet_id());
        if !says.is_empty() {
            record.says = format!("{}  {says}", record.says);
        }
        record.response = !request;
        record
    }

    fn is_command(&self) -> bool {
        self.kind == PacketType::Publish && self.from == Sender::Client && !self.response
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
    let steps = &bounded(steps);
    let mut clients: Vec<Arc<str>> = Vec::new();
    for record in records(steps) {
        if !clients.contains(&record.who) {
            clients.push(Arc::clone(&record.who));
        }
    }
    // Producers, who send commands, stand to the left of the broker, as the specification has them.
    let commands = |who: &Arc<str>| records(steps).any(|record| record.who == *who && record.is_command());
    let (left, right): (Vec<_>, Vec<_>) = clients.into_iter().partition(commands);
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

fn records(steps: &[Step]) -> impl Iterator<Item = &Record> {
    steps.iter().filter_map(|step| match step {
        Step::Packet(record) => Some(record),
        Step::Heading(_) => None,
    })
}

/// The steps with no more clients than have a place: the others go by one name.
fn bounded(steps: &[Step]) -> Vec<Step> {
    let mut clients: Vec<Arc<str>> = Vec::new();
    let others: Arc<str> = OTHERS.into();
    let mut steps = steps.to_vec();
    for step in &mut steps {
        let Step::Packet(record) = step else { continue };
        if clients.contains(&record.who) {
            continue;
        }
        if clients.len() < LANES {
            clients.push(Arc::clone(&record.who));
        } else {
            record.says = format!("{}: {}", record.who, record.says);
            record.who = Arc::clone(&others);
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(who: &str, response: bool) -> Step {
        Step::Packet(Record {
            after: Duration::ZERO,
            who: who.into(),
            from: Sender::Client,
            kind: PacketType::Publish,
            says: "oc2/rsp".into(),
            response,
            rows: Vec::new(),
        })
    }

    #[test]
    fn a_crowd_shares_a_line_and_producers_stand_to_the_left() {
        let crowd: Vec<_> = (0..200).map(|number| step(&format!("c{number}"), true)).collect();
        let steps: Vec<_> = [step("soc", false)].into_iter().chain(crowd).collect();
        let drawn = draw("t", &steps);
        assert!(drawn.contains(">c10<") && !drawn.contains(">c11<") && drawn.contains(">others<"), "{drawn}");
        assert!(drawn.contains("c199: oc2/rsp"));
        let place = |name: &str| {
            let before = &drawn[..drawn.find(&format!(">{name}<")).unwrap()];
            before[before.rfind("<text x=\"").unwrap() + 9..].split('"').next().unwrap().parse::<f64>().unwrap()
        };
        assert!(place("soc") < place("broker") && place("broker") < place("c0"));
    }
}
