//! What a client is tried with.

use core::fmt;

use mqtt5_codec::QoS;

use crate::broker::Limits;

/// What a connection, or a run of a client, is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// The server grants everything, and sends messages at each QoS to whatever is subscribed.
    Open,
    /// As open, and the first connection is cut while messages are under way in both directions.
    Cut,
    /// The server grants little, and QoS 0 and 1 alone.
    Narrow,
    /// The server grants little, at each QoS.
    Modest,
    /// The server grants QoS 0 and 1 alone.
    LowQos,
    /// The server wants a packet every 2 seconds.
    KeepAlive,
    /// The server says that it has a session, to a client that can't have one.
    Invented,
    /// The server sends what it may not: the statement and the bytes. The client does well to end the connection.
    Wrong(&'static str, &'static [u8]),
}

/// The keep-alive that the server wants in its trial, in seconds.
pub(super) const KEEP_ALIVE: u16 = 2;

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("all is granted, and messages come at each QoS"),
            Self::Cut => f.write_str("the connection is cut with messages under way"),
            Self::Narrow => f.write_str("little is granted, and QoS 0 and 1 alone"),
            Self::Modest => f.write_str("little is granted"),
            Self::LowQos => f.write_str("QoS 0 and 1 alone are granted"),
            Self::KeepAlive => write!(f, "the server wants a packet every {KEEP_ALIVE} s"),
            Self::Invented => f.write_str("the server says that it has a session"),
            Self::Wrong(statement, bytes) => {
                write!(f, "the server breaks {statement} by {}", crate::report::brief(bytes))
            }
        }
    }
}

/// What a client does well to end the connection for (section 4.13.1), each on one of its own.
pub const WRONG: &[(&str, &[u8])] = &[
    ("MQTT-3.2.0-2", &[0x20, 3, 0, 0, 0]),
    ("MQTT-3.3.1-4", &[0x36, 6, 0, 1, b'a', 0, 1, 0]),
    ("MQTT-3.3.1-2", &[0x38, 4, 0, 1, b'a', 0]),
    ("MQTT-3.3.2-2", &[0x30, 4, 0, 1, b'#', 0]),
    ("MQTT-3.3.2-8", &[0x30, 7, 0, 1, b'a', 3, 0x23, 0, 0]),
    ("MQTT-3.3.2-11", &[0x30, 7, 0, 1, b'a', 3, 0x23, 0xFF, 0xFF]),
    ("MQTT-2.2.1-4", &[0x32, 6, 0, 1, b'a', 0, 0, 0]),
    ("MQTT-2.1.3-1", &[0xD1, 0]),
    ("MQTT-3.6.1-1", &[0x60, 2, 0, 1]),
    ("MQTT-1.5.4-2", &[0x30, 5, 0, 2, b'a', 0, 0]),
    ("MQTT-3.14.2-2", &[0xE0, 7, 0, 5, 0x11, 0, 0, 0, 1]),
    ("MQTT-4.12.0-6", &[0xF0, 6, 0x18, 4, 0x15, 0, 1, b'm']),
];

/// The trial of the connection with this number, of a client that runs all the time.
#[must_use]
pub fn trial(number: usize) -> Trial {
    match number {
        0 | 1 => Trial::Open,
        2 => Trial::Narrow,
        3 => Trial::KeepAlive,
        other => match WRONG.get(other - 4) {
            Some((statement, bytes)) => Trial::Wrong(statement, bytes),
            None => Trial::Open,
        },
    }
}

/// All trials of a client that is started anew for each.
#[must_use]
pub fn trials() -> Vec<Trial> {
    let wrong = WRONG.iter().map(|(statement, bytes)| Trial::Wrong(statement, bytes));
    let granting = [Trial::KeepAlive, Trial::Cut, Trial::Open, Trial::Modest, Trial::LowQos, Trial::Invented];
    granting.into_iter().chain(wrong).collect()
}

/// What the server grants in a trial.
#[must_use]
pub fn limits(trial: Trial) -> Limits {
    match trial {
        Trial::Narrow | Trial::Modest => Limits {
            receive_maximum: 1,
            maximum_qos: if trial == Trial::Narrow { QoS::AtLeastOnce } else { QoS::ExactlyOnce },
            retain_available: false,
            maximum_packet_size: Some(200),
            topic_alias_maximum: 1,
            wildcards: false,
            subscription_identifiers: false,
            shared_subscriptions: false,
            ..Limits::default()
        },
        Trial::LowQos => Limits { maximum_qos: QoS::AtLeastOnce, ..Limits::default() },
        Trial::KeepAlive => Limits { server_keep_alive: Some(KEEP_ALIVE), ..Limits::default() },
        _ => Limits { topic_alias_maximum: 10, aliases: true, reason_strings: true, ..Limits::default() },
    }
}
