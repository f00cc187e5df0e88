//! How much has been received that nobody has taken: whether more may come.
//!
//! A server that keeps to our Receive Maximum never fills it. mosquitto 2.0 does not, where messages wait on its side. So when
//! it is full, reading stops, and the network holds the rest back. What is owed to the server still goes out, pings too; it
//! is only not asked whether it is still there.

use crate::options::Options;

/// What waits.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    /// Bytes of messages of QoS 0.
    light: usize,
    /// Bytes of messages of QoS 1 and 2.
    heavy: usize,
    /// How many acknowledgements are owed on this connection.
    owed: usize,
}

/// How many exchanges there is memory for at least: mosquitto 2.0 has been seen to have some 200 under way at QoS 2 where 20 were
/// allowed, and one without a place would be refused, which loses its message.
const LEAST: usize = 4_096;

/// How many exchanges of either direction there is memory for.
pub(crate) fn exchanges(options: &Options) -> usize {
    // What was received of the last connection may wait beside what comes on this one.
    usize::from(options.receive_maximum.get()).saturating_mul(4).max(options.in_flight.into()).max(LEAST)
}

impl Stock {
    /// Whether nothing more may come for now.
    pub(crate) fn is_full(&self, options: &Options) -> bool {
        self.heavy > options.receive_bytes || self.owed >= exchanges(options) / 2
    }

    /// Takes in a message of QoS 0, if there is room.
    pub(crate) fn put_light(&mut self, bytes: usize, options: &Options) -> bool {
        let light = self.light.saturating_add(bytes);
        let fits = light <= options.at_most_once_bytes || self.light == 0;
        if fits {
            self.light = light;
        }
        fits
    }

    pub(crate) fn put_heavy(&mut self, bytes: usize) {
        self.heavy = self.heavy.saturating_add(bytes);
    }

    pub(crate) fn take_light(&mut self, bytes: usize) {
        self.light = self.light.saturating_sub(bytes);
    }

    pub(crate) fn take_heavy(&mut self, bytes: usize) {
        self.heavy = self.heavy.saturating_sub(bytes);
    }

    pub(crate) fn owe(&mut self) {
        self.owed = self.owed.saturating_add(1);
    }

    pub(crate) fn pay(&mut self) {
        self.owed = self.owed.saturating_sub(1);
    }

    /// A connection has begun, and so many bytes of QoS 1 and 2 are left of the last one.
    pub(crate) fn begin(&mut self, heavy: usize) {
        (self.heavy, self.owed) = (heavy, 0);
    }
}
