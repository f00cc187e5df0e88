//! What happened, printed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use mqtt5_codec::{PacketId, QoS};
use mqtt5_session::{Boxed, Client, Event, Fault};

use super::event::{self, Line, Received};
use super::run::Tool;

impl Tool {
    /// Prints an event.
    pub(super) fn tell(&mut self, line: Line) -> io::Result<()> {
        self.log.note(line.name());
        self.print(&line.text())
    }

    pub(super) fn print(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Prints what the server did wrong.
    pub(super) fn faulted(&mut self, fault: &Fault) -> io::Result<()> {
        // What the session has seen of the packet that it refused before its end.
        let rest = self.trace.as_mut().map_or(Vec::new(), |[_, received]| received.rest());
        if !rest.is_empty() {
            self.print(&event::packet("received", &rest))?;
        }
        self.tell(event::fault(fault))
    }

    /// Prints what happened.
    pub(super) fn happened(&mut self, event: Event<'_>) -> io::Result<()> {
        match self.teller.line(&mut self.client, event) {
            Some(line) => self.tell(line),
            None => Ok(()),
        }
    }
}

/// Exchanges that ended without an answer.
pub(super) fn lost(client: &mut Client<Boxed>) -> Vec<PacketId> {
    core::iter::from_fn(|| client.poll_lost()).collect()
}

/// Makes lines of events.
#[derive(Debug, Default)]
pub(super) struct Teller {
    /// What was published under each packet identifier that is in use, and its PUBREC.
    published: BTreeMap<PacketId, (QoS, Option<Received>)>,
}

impl Teller {
    /// A message was published under this identifier.
    pub(super) fn published(&mut self, id: PacketId, qos: QoS) {
        self.published.insert(id, (qos, None));
    }

    /// An event's line, if it has one by itself.
    pub(super) fn line(&mut self, client: &mut Client<Boxed>, event: Event<'_>) -> Option<Line> {
        Some(match event {
            Event::Connected(connected) => event::connected(&connected, &lost(client)),
            Event::Rejected(packet) => event::rejected(&packet),
            Event::Message(message) => event::message(&message),
            Event::PublishReceived(ack) => {
                if let Some((_, received)) = self.published.get_mut(&ack.id) {
                    *received = Some(Received::new(&ack));
                }
                return None;
            }
            Event::Published(ack) => {
                let (qos, received) = self.published.remove(&ack.id).unwrap_or_default();
                event::published(&ack, qos, received)
            }
            Event::Unconfirmed(ack) => {
                self.published.remove(&ack.id);
                event::unconfirmed(&ack)
            }
            Event::Subscribed(ack) => event::subscribed(&ack),
            Event::Unsubscribed(ack) => event::unsubscribed(&ack),
            Event::Auth(packet) => event::auth(&packet),
            Event::Pong => event::pong(),
            Event::Disconnected(packet) => event::disconnected(&packet),
            Event::SessionExpired { .. } => event::expired(&lost(client)),
            other => event::error(format!("an event that this tool does not know: {other:?}")),
        })
    }
}
