//! What happened, printed.

use std::io::{self, Write};

use mqtt5_codec::PacketId;
use mqtt5_session::{Event, Fault};

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

    /// Exchanges that ended without an answer.
    pub(super) fn lost(&mut self) -> Vec<PacketId> {
        core::iter::from_fn(|| self.client.poll_lost()).collect()
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
        let line = match event {
            Event::Connected(connected) => {
                let lost = self.lost();
                event::connected(&connected, &lost)
            }
            Event::Rejected(packet) => event::rejected(&packet),
            Event::Message(message) => event::message(&message),
            Event::PublishReceived(ack) => {
                if let Some((_, received)) = self.published.get_mut(usize::from(ack.id.get())) {
                    *received = Some(Received::new(&ack));
                }
                return Ok(());
            }
            Event::Published(ack) => {
                let entry = self.published.get_mut(usize::from(ack.id.get())).map(core::mem::take);
                let (qos, received) = entry.unwrap_or_default();
                event::published(&ack, qos, received)
            }
            Event::Unconfirmed(ack) => {
                if let Some(entry) = self.published.get_mut(usize::from(ack.id.get())) {
                    *entry = Default::default();
                }
                event::unconfirmed(&ack)
            }
            Event::Subscribed(ack) => event::subscribed(&ack),
            Event::Unsubscribed(ack) => event::unsubscribed(&ack),
            Event::Auth(packet) => event::auth(&packet),
            Event::Pong => event::pong(),
            Event::Disconnected(packet) => event::disconnected(&packet),
            Event::SessionExpired { .. } => {
                let lost = self.lost();
                event::expired(&lost)
            }
            other => event::error(format!("an event that this tool does not know: {other:?}")),
        };
        self.tell(line)
    }
}
