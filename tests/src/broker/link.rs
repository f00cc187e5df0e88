//! A connection of the broker's: bytes in, bytes out, and all that ends with it.

use std::collections::{BTreeMap, VecDeque};

use super::limits::Limits;
use super::message::Buffer;
use super::session::Step;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// CONNECT has not come.
    #[default]
    Waiting,
    /// CONNECT has come, and authentication goes on.
    Authenticating,
    /// CONNACK has been sent.
    Up,
    /// The broker has closed it; what it has sent may still be read.
    Closed,
}

/// A connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Link {
    /// How far it has come.
    pub phase: Phase,
    /// What the broker granted it.
    pub limits: Limits,
    /// Whose it is.
    pub client: String,
    /// Bytes received that are no whole packet yet.
    pub input: Vec<u8>,
    /// Bytes to send.
    pub output: Buffer,
    /// Acknowledgements on the way: where in `output` each ends.
    pub steps: VecDeque<(usize, u16, Step)>,
    /// Acknowledgements that are held.
    pub held: VecDeque<(Vec<u8>, u16, Step)>,
    /// The client resumed a session that it had.
    pub resumed: bool,
    /// What the broker sends again on this link it sends twice.
    pub doubled: bool,
    /// The client sent DISCONNECT.
    pub left: bool,
    /// The client refuses reason strings and user properties outside PUBLISH, CONNACK and DISCONNECT.
    pub terse: bool,
    /// The client's Receive Maximum.
    pub receive_maximum: u16,
    /// The client's Maximum Packet Size.
    pub maximum_packet_size: Option<u32>,
    /// The client's Topic Alias Maximum.
    pub alias_maximum: u16,
    /// The session expiry that CONNECT asked for.
    pub asked_expiry: u32,
    /// The keep-alive in seconds.
    pub keep_alive: u16,
    /// When a packet of the client's came last.
    pub heard: u64,
    /// The authentication method, and how many challenges are left.
    pub method: Option<(String, u8)>,
    /// CONNECT as it came, until it is answered.
    pub connect: Vec<u8>,
    /// Topics of the client's aliases.
    pub aliases_in: BTreeMap<u16, String>,
    /// Topics of the broker's aliases.
    pub aliases_out: Vec<String>,
    /// How many more bytes are received before the connection is cut.
    pub cut_received: Option<usize>,
    /// How many more bytes are sent before the connection is cut.
    pub cut_sent: Option<usize>,
    /// When what was sent first can be read, and how much of it.
    pub delayed: VecDeque<(u64, usize)>,
}

impl Link {
    /// Whether the broker takes nothing more from it.
    #[must_use]
    pub(super) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// The last `len` bytes can be read only when that is due, and what was sent before them.
    pub(super) fn delay(&mut self, due: u64, len: usize) {
        let before = self.delayed.back().map_or(0, |(due, _)| *due);
        self.delayed.push_back((due.max(before), len));
    }

    /// What can be read now.
    #[must_use]
    pub(super) fn readable(&self, now: u64) -> &[u8] {
        let late: usize = self.delayed.iter().filter(|(due, _)| *due > now).map(|(_, len)| len).sum();
        let len = (self.output.0.len().saturating_sub(late)).min(self.cut_sent.unwrap_or(usize::MAX));
        self.output.0.get(..len).unwrap_or_default()
    }

    /// The client has read `len` bytes: forgets them, and says which acknowledgements were among them.
    pub(super) fn read(&mut self, len: usize) -> Vec<(u16, Step)> {
        let len = len.min(self.output.0.len());
        self.output.0.drain(..len);
        if let Some(left) = &mut self.cut_sent {
            *left -= len.min(*left);
        }
        let mut gone = len;
        while let Some((_, part)) = self.delayed.front_mut() {
            let now = gone.min(*part);
            *part -= now;
            gone -= now;
            if *part > 0 {
                break;
            }
            self.delayed.pop_front();
        }
        let mut steps = Vec::new();
        self.steps.retain_mut(|(end, id, step)| {
            if *end <= len {
                steps.push((*id, *step));
                return false;
            }
            *end -= len;
            true
        });
        steps
    }

    /// What alias to use for a topic, and whether the client knows it already.
    pub(super) fn alias(&mut self, topic: &str) -> Option<(u16, bool)> {
        if !self.limits.aliases || self.alias_maximum == 0 {
            return None;
        }
        if let Some(at) = self.aliases_out.iter().position(|known| known == topic) {
            return Some((at as u16 + 1, true));
        }
        if self.aliases_out.len() < usize::from(self.alias_maximum) {
            self.aliases_out.push(topic.to_owned());
            return Some((self.aliases_out.len() as u16, false));
        }
        // The last one changes hands, so that aliases are set anew too.
        *self.aliases_out.last_mut()? = topic.to_owned();
        Some((self.alias_maximum, false))
    }
}
