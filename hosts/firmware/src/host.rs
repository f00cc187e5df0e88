//! The loop that any program around a client has, over a wire whose other end is canned: a turn begins when bytes have arrived
//! or the alarm rings, and ends when nothing is left to do but to wait for either.

use core::hint::black_box;

use mqtt5_session::{Client, Event, Inbox, Input, Instant, Memory, Transmit};

use crate::machine;

/// Begins at a word.
#[repr(align(4))]
pub struct Buffer<const N: usize>(pub [u8; N]);

/// A connection and an alarm clock.
pub struct Wire<'w> {
    /// What has arrived and was not read.
    arrived: &'w [u8],
    /// How many bytes were written in this turn.
    pub written: usize,
    /// When the host wants to be woken.
    pub alarm: Option<Instant>,
    pub now: Instant,
}

impl<'w> Wire<'w> {
    pub const fn new() -> Self {
        Self { arrived: &[], written: 0, alarm: None, now: Instant::from_millis(1_000) }
    }

    /// The other end has sent this.
    pub fn arrive(&mut self, bytes: &'w [u8]) {
        self.arrived = black_box(bytes);
        self.written = 0;
    }

    /// Reads as many bytes as there are, or as have room.
    pub fn read(&mut self, to: &mut [u8]) -> usize {
        let n = machine::copy(to, self.arrived);
        self.arrived = self.arrived.get(n..).unwrap_or_default();
        n
    }

    /// Writes all of it.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        let n = black_box(bytes).len();
        self.written = self.written.wrapping_add(n);
        n
    }
}

/// The last thing that a turn came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Nothing,
    Connected,
    Message,
    Published,
    PublishReceived,
    Subscribed,
    Pong,
    Fault,
    Closed,
    Other,
}

/// One turn.
#[inline(never)]
pub fn turn<M: Memory>(client: &mut Client<M>, inbox: &mut Inbox<'_>, wire: &mut Wire<'_>) -> Said {
    let mut said = Said::Nothing;
    if wire.alarm.is_some_and(|alarm| alarm <= wire.now) {
        said = match client.handle_timeout(wire.now) {
            Ok(None) => Said::Nothing,
            Ok(Some(event)) => handle(&event),
            Err(_) => Said::Fault,
        };
    }
    let n = wire.read(inbox.spare());
    inbox.filled(n);
    loop {
        let input = client.handle_input(inbox, wire.now);
        if let Ok(Input::Event(ref event)) = input {
            said = handle(event);
            continue;
        }
        while let Some(Transmit::Bytes(bytes)) = client.poll_transmit() {
            let n = wire.write(bytes);
            client.transmitted(n, wire.now);
        }
        if client.is_closed() {
            client.handle_close(wire.now);
            said = Said::Closed;
        } else if let Ok(Input::Blocked) = input {
            continue;
        }
        break;
    }
    if matches!(said, Said::Connected | Said::Closed) {
        while let Some(id) = client.poll_lost() {
            black_box(id);
        }
    }
    wire.alarm = client.poll_timeout();
    said
}

/// What the application does: it reads all there is.
fn handle(event: &Event<'_>) -> Said {
    match event {
        Event::Connected(connected) => {
            black_box(connected);
            Said::Connected
        }
        Event::Message(message) => {
            for property in black_box(message).properties {
                black_box(&property);
            }
            Said::Message
        }
        Event::Published(_) => Said::Published,
        Event::PublishReceived(_) => Said::PublishReceived,
        Event::Subscribed(_) => Said::Subscribed,
        Event::Pong => Said::Pong,
        _ => Said::Other,
    }
}
