//! From CONNACK to the last SUBACK: every topic of a role is subscribed to, in as many packets as it takes, one at a time.

use mqtt5_codec::{PacketId, Properties, ReasonCode};
use mqtt5_session::{Client, Event, Instant, Memory};

use super::{JoinError, may_pass};
use crate::transfer::{Channel, Quality, Scheme, chunks, subscriptions};

/// The most filters of one SUBSCRIBE.
const FILTERS: usize = 8;

/// How far it has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joining {
    state: State,
    /// Whether this process has seen every subscription granted.
    granted: bool,
    /// The server's Maximum Packet Size, in bytes.
    maximum: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// A SUBSCRIBE is on its way, of `count` channels from the `first` on.
    Sent {
        id: PacketId,
        first: u16,
        count: u16,
    },
    /// There was no room for a SUBSCRIBE of the channels from the `first` on: it goes out with an event by which there is.
    Waiting {
        first: u16,
    },
    Ready,
}

/// What an event was to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    None,
    /// One more step.
    Going,
    /// The last one.
    Ready,
}

impl Joining {
    pub(super) const NEW: Self = Self { state: State::Idle, granted: false, maximum: u32::MAX };

    pub(super) fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Takes an event: subscribes after CONNACK, unless the session goes on in which all was granted, and goes on after each
    /// SUBACK. `buffer` is for the filters of one packet. Where what is in flight leaves no room, it waits for that.
    pub(super) fn handle<'c, S: Memory>(
        &mut self,
        event: &Event<'_>,
        client: &mut Client<S>,
        channels: impl Iterator<Item = Channel<'c>>,
        scheme: &Scheme<'_>,
        buffer: &mut [u8],
        now: Instant,
    ) -> Result<Step, JoinError> {
        let first = match (event, self.state) {
            (Event::Connected(connected), _) => {
                self.maximum = connected.packet.properties.maximum_packet_size().map_or(u32::MAX, |size| size.get());
                if connected.resumed && self.granted {
                    self.state = State::Ready;
                    return Ok(Step::Ready);
                }
                (self.state, self.granted) = (State::Idle, false);
                0
            }
            (Event::Subscribed(ack), State::Sent { id, first, count }) if ack.id == id => {
                let refused = |reason: &ReasonCode| reason.is_error() || *reason == ReasonCode::GRANTED_QOS_0;
                if let Some((reason, index)) = ack.reasons.iter().zip(first..).find(|(reason, _)| refused(reason)) {
                    self.state = State::Idle;
                    return Err(JoinError::Subscription { index, reason });
                }
                first.saturating_add(count)
            }
            (_, State::Waiting { first }) => first,
            _ => return Ok(Step::None),
        };
        let rest = channels.skip(usize::from(first)).take(FILTERS);
        let list = subscriptions::<FILTERS>(rest, scheme, Quality::ExactlyOnce, buffer)?;
        let Some(chunk) = chunks(&list, self.maximum).next() else {
            (self.state, self.granted) = (State::Ready, true);
            return Ok(Step::Ready);
        };
        let id = match client.subscribe(chunk, Properties::EMPTY) {
            Ok(id) => id,
            Err(refused) if may_pass(refused, client, now) => {
                self.state = State::Waiting { first };
                return Ok(Step::Going);
            }
            Err(refused) => return Err(refused.into()),
        };
        self.state = State::Sent { id, first, count: u16::try_from(chunk.len()).unwrap_or(u16::MAX) };
        Ok(Step::Going)
    }
}
