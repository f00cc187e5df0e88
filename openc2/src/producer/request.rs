//! What a Producer sends: a command, to whom, and whose responses are awaited.

use crate::language::command::Command;
use crate::language::vocabulary::Action;
use crate::transfer::Channel;
use crate::{Features, Target, Texts};

/// Whose responses make a request complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Nobody knows who will answer: it is over at its deadline.
    #[default]
    Unknown,
    /// So many Consumers.
    Count(u16),
    /// These Consumers, by their `from`.
    Each(&'a [&'a str]),
}

/// A command to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where it goes.
    pub channel: Channel<'a>,
    /// The command.
    pub command: Command<'a>,
    /// Which of those who receive it are to act on it; empty for all.
    pub to: Texts<'a>,
    /// Whose responses are awaited.
    pub expect: Expect<'a>,
    /// How long they are awaited, in milliseconds.
    pub timeout: u64,
    /// How long the server may hold the message back, in seconds (CS01 s2.10).
    pub expiry: Option<u32>,
}

impl<'a> Request<'a> {
    /// A request to all who receive it, of which it isn't known who they are.
    pub const fn new(channel: Channel<'a>, command: Command<'a>, timeout: u64) -> Self {
        Self { channel, command, to: Texts::EMPTY, expect: Expect::Unknown, timeout, expiry: None }
    }

    /// A request to one device, whose response is awaited.
    pub const fn to_device(device: &'a str, command: Command<'a>, timeout: u64) -> Self {
        Self { expect: Expect::Count(1), ..Self::new(Channel::Device(device), command, timeout) }
    }

    /// `query features` to every Consumer: who is there, and what can they do (LS1 s4.1)?
    pub const fn discover(features: Features, timeout: u64) -> Self {
        Self::discover_on(Channel::All, features, timeout)
    }

    /// The same to some: in WD01, which has no topic for all, to the devices of a type.
    pub const fn discover_on(channel: Channel<'a>, features: Features, timeout: u64) -> Self {
        Self::new(channel, Command::new(Action::Query, Target::Features(features)), timeout)
    }
}

/// A version 4 UUID of these random bytes, as text (RFC 9562 s5.4; LS1 s3.2).
pub fn uuid(random: [u8; 16]) -> [u8; 36] {
    let bits = u128::from_be_bytes(random);
    let versioned = (bits & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let mut text = [b'-'; 36];
    let mut shift = 128u32;
    for (index, c) in text.iter_mut().enumerate() {
        if matches!(index, 8 | 13 | 18 | 23) {
            continue;
        }
        shift = shift.saturating_sub(4);
        let digit = u32::try_from((versioned >> shift) & 15).unwrap_or(0);
        *c = char::from_digit(digit, 16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(b'0');
    }
    text
}
