//! TCP streams put together: in order, each byte once, with the holes that a capture has.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};

use mqtt5_codec::Sender;

use super::capture::Segment;

/// How much may wait for a segment that is missing, before it is taken for lost. (A sender has rarely more on its way.)
const WAITING: usize = 1 << 20;

/// What came of a segment, for the connection of this number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flow<'c> {
    /// A connection begins: its client and its server.
    Open {
        client: SocketAddr,
        server: SocketAddr,
    },
    Bytes {
        from: Sender,
        bytes: &'c [u8],
        time: Duration,
    },
    /// So many bytes are missing.
    Gap {
        from: Sender,
        missing: u64,
    },
    /// Why the connection is not read.
    Passed(Passed),
    End,
}

/// Why a connection is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Passed {
    /// It is TLS.
    Encrypted,
    /// It is HTTP, so perhaps MQTT over WebSockets.
    Http,
    /// It is something else.
    Other,
}

/// All connections of a capture.
#[derive(Debug)]
pub(crate) struct Streams {
    ports: Vec<u16>,
    /// By the lower and the higher address; the connection and its number.
    open: HashMap<(SocketAddr, SocketAddr), Stream>,
    count: usize,
}

#[derive(Debug)]
struct Stream {
    number: usize,
    client: SocketAddr,
    kind: Kind,
    up: Half,
    down: Half,
}

/// Whether a connection is MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Its first bytes will tell.
    Unknown,
    Mqtt,
    Passed,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    /// The sequence number of the next byte, once it is known.
    next: Option<u32>,
    /// What came before its turn, by its distance from `next` when it came.
    early: BTreeMap<u64, (Duration, Vec<u8>)>,
    waiting: usize,
    /// How many bytes have gone by.
    passed: u64,
}

impl Half {
    /// Takes a segment, and gives the bytes whose turn it is.
    fn take(&mut self, sequence: u32, time: Duration, payload: &[u8], on: &mut impl FnMut(Duration, &[u8])) {
        let next = *self.next.get_or_insert(sequence);
        // Numbers go around; half of them lie behind, half ahead.
        let distance = sequence.wrapping_sub(next).cast_signed();
        let (ahead, payload) = match usize::try_from(distance) {
            Ok(ahead) => (ahead as u64, payload),
            // What was there before is dropped.
            Err(_) => (0, payload.get(distance.unsigned_abs() as usize..).unwrap_or_default()),
        };
        if payload.is_empty() {
            return;
        }
        if ahead > 0 {
            let kept = self.early.entry(self.passed + ahead).or_insert((time, Vec::new()));
            // The longer of two that begin at the same byte.
            if kept.1.len() < payload.len() {
                self.waiting += payload.len() - kept.1.len();
                *kept = (time, payload.to_vec());
            }
            return;
        }
        self.advance(payload.len());
        on(time, payload);
        self.due(on);
    }

    /// Gives what waited, as far as it follows.
    fn due(&mut self, on: &mut impl FnMut(Duration, &[u8])) {
        while let Some(first) = self.early.first_entry().filter(|first| *first.key() <= self.passed) {
            let (at, (time, bytes)) = first.remove_entry();
            self.waiting -= bytes.len();
            let known = usize::try_from(self.passed - at).unwrap_or(usize::MAX);
            let fresh = bytes.get(known..).unwrap_or_default();
            if !fresh.is_empty() {
                self.advance(fresh.len());
                on(time, fresh);
            }
        }
    }

    fn advance(&mut self, count: usize) {
        self.passed += count as u64;
        // Segments are shorter than numbers go around.
        self.next = self.next.map(|next| next.wrapping_add(u32::try_from(count).unwrap_or(0)));
    }

    /// How many bytes are missing before what waits; they are given up.
    fn give_up(&mut self) -> Option<u64> {
        let missing = self.early.first_key_value()?.0.checked_sub(self.passed)?;
        self.passed += missing;
        // As above, a window is no larger than half of the numbers.
        self.next = self.next.map(|next| next.wrapping_add(u32::try_from(missing).unwrap_or(0)));
        Some(missing)
    }
}

impl Streams {
    pub(crate) fn new(ports: Vec<u16>) -> Self {
        Self { ports, open: HashMap::new(), count: 0 }
    }

    /// Takes a segment, and says what came of it for which connection.
    pub(crate) fn take(&mut self, segment: &Segment<'_>, on: &mut impl FnMut(usize, Flow<'_>)) {
        let key = if segment.from < segment.to { (segment.from, segment.to) } else { (segment.to, segment.from) };
        // The same addresses again are a new connection.
        if segment.syn
            && !segment.ack
            && self.open.get(&key).is_some_and(|stream| stream.half(segment.from).passed > 0)
            && let Some(mut stream) = self.open.remove(&key)
        {
            stream.end(on);
        }
        let stream = match self.open.entry(key) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let Some(client) = client(&self.ports, segment) else { return };
                self.count += 1;
                entry.insert(Stream::new(self.count, client))
            }
        };
        let half = stream.half_mut(segment.from);
        if segment.syn && half.passed == 0 {
            half.next = Some(segment.sequence.wrapping_add(1));
        }
        if stream.kind == Kind::Unknown && !segment.payload.is_empty() {
            let known = [segment.from, segment.to].iter().any(|one| self.ports.contains(&one.port()));
            match told(segment.payload) {
                None if known => stream.kind = Kind::Mqtt,
                None if stream.client == segment.from && looks_like_connect(segment.payload) => {
                    stream.kind = Kind::Mqtt
                }
                told => {
                    stream.kind = Kind::Passed;
                    on(stream.number, Flow::Passed(told.unwrap_or(Passed::Other)));
                }
            }
            if stream.kind == Kind::Mqtt {
                let server = if stream.client == segment.from { segment.to } else { segment.from };
                on(stream.number, Flow::Open { client: stream.client, server });
            }
        }
        if stream.kind == Kind::Mqtt {
            stream.take(segment, on);
        }
    }

    /// The capture has ended: what is still missing will not come.
    pub(crate) fn end(&mut self, on: &mut impl FnMut(usize, Flow<'_>)) {
        let mut streams: Vec<_> = self.open.drain().map(|(_, stream)| stream).collect();
        streams.sort_by_key(|stream| stream.number);
        streams.iter_mut().for_each(|stream| stream.end(on));
    }
}

/// The client of a connection: who opened it, or who does not have the known port, or who sends a CONNECT.
fn client(ports: &[u16], segment: &Segment<'_>) -> Option<SocketAddr> {
    let known = |address: &SocketAddr| ports.contains(&address.port());
    match (segment.syn, segment.ack) {
        (true, false) => Some(segment.from),
        (true, true) => Some(segment.to),
        _ if known(&segment.to) => Some(segment.from),
        _ if known(&segment.from) => Some(segment.to),
        _ => looks_like_connect(segment.payload).then_some(segment.from),
    }
}

/// Whether these bytes begin a CONNECT of any version.
fn looks_like_connect(bytes: &[u8]) -> bool {
    let Some((&0x10, rest)) = bytes.split_first() else { return false };
    let length = rest.iter().take(4).position(|byte| byte & 0x80 == 0).map_or(0, |last| last + 1);
    let name = rest.get(length..).unwrap_or_default();
    length > 0 && (name.starts_with(b"\x00\x04MQTT") || name.starts_with(b"\x00\x06MQIsdp"))
}

/// What these first bytes are, if they surely are no MQTT.
fn told(bytes: &[u8]) -> Option<Passed> {
    let http = [&b"GET "[..], b"POST ", b"HTTP/1."];
    match bytes {
        // A handshake of TLS 1.x.
        [0x16, 0x03, 0..=4, ..] => Some(Passed::Encrypted),
        _ if http.iter().any(|start| bytes.starts_with(start)) => Some(Passed::Http),
        _ => None,
    }
}

impl Stream {
    fn new(number: usize, client: SocketAddr) -> Self {
        Self { number, client, kind: Kind::Unknown, up: Half::default(), down: Half::default() }
    }

    fn half(&self, from: SocketAddr) -> &Half {
        if from == self.client { &self.up } else { &self.down }
    }

    fn half_mut(&mut self, from: SocketAddr) -> &mut Half {
        if from == self.client { &mut self.up } else { &mut self.down }
    }

    fn take(&mut self, segment: &Segment<'_>, on: &mut impl FnMut(usize, Flow<'_>)) {
        let number = self.number;
        let from = if segment.from == self.client { Sender::Client } else { Sender::Server };
        let half = self.half_mut(segment.from);
        let sequence = segment.sequence.wrapping_add(segment.syn.into());
        let mut give = |time, bytes: &[u8]| on(number, Flow::Bytes { from, bytes, time });
        half.take(sequence, segment.time, segment.payload, &mut give);
        while half.waiting > WAITING {
            half.skip(number, from, on);
        }
    }

    fn end(&mut self, on: &mut impl FnMut(usize, Flow<'_>)) {
        if self.kind == Kind::Mqtt {
            for (half, from) in [(&mut self.up, Sender::Client), (&mut self.down, Sender::Server)] {
                while !half.early.is_empty() {
                    half.skip(self.number, from, on);
                }
            }
            on(self.number, Flow::End);
        }
    }
}

impl Half {
    /// Gives up the bytes that are missing, and goes on behind them.
    fn skip(&mut self, number: usize, from: Sender, on: &mut impl FnMut(usize, Flow<'_>)) {
        if let Some(missing) = self.give_up() {
            on(number, Flow::Gap { from, missing });
        }
        self.due(&mut |time, bytes| on(number, Flow::Bytes { from, bytes, time }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECT: &[u8] = b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01x";

    fn segment(up: bool, sequence: u32, payload: &[u8]) -> Segment<'_> {
        let (client, server) = ("10.0.0.1:50000".parse().unwrap(), "10.0.0.2:1883".parse().unwrap());
        let (from, to) = if up { (client, server) } else { (server, client) };
        let time = Duration::from_secs(sequence.into());
        Segment { time, from, to, sequence, syn: false, ack: true, last: false, payload }
    }

    /// What came of the segments, in words.
    fn flow(ports: &[u16], segments: &[Segment<'_>]) -> Vec<String> {
        let mut all = Vec::new();
        let mut streams = Streams::new(ports.to_vec());
        let mut tell = |number: usize, flow: Flow<'_>| {
            all.push(match flow {
                Flow::Open { client, server } => format!("{number} opens {client} {server}"),
                Flow::Bytes { from: Sender::Client, bytes, .. } => format!("{number} c {}", bytes.escape_ascii()),
                Flow::Bytes { bytes, .. } => format!("{number} s {}", bytes.escape_ascii()),
                Flow::Gap { missing, .. } => format!("{number} misses {missing}"),
                Flow::Passed(why) => format!("{number} {why:?}"),
                Flow::End => format!("{number} ends"),
            });
        };
        segments.iter().for_each(|segment| streams.take(segment, &mut tell));
        streams.end(&mut tell);
        all
    }

    const OPENS: &str = "1 opens 10.0.0.1:50000 10.0.0.2:1883";

    #[test]
    fn segments_out_of_order_and_sent_again_are_put_together_once() {
        let segments = [
            segment(true, 100, b"ab"),
            segment(true, 104, b"ef"),
            segment(true, 104, b"efg"),
            segment(true, 102, b"cd"),
            segment(true, 100, b"abcd"),
            segment(true, 106, b"gh"),
            segment(false, 7, b"XY"),
        ];
        assert_eq!(flow(&[1883], &segments), [OPENS, "1 c ab", "1 c cd", "1 c efg", "1 c h", "1 s XY", "1 ends"]);
    }

    #[test]
    fn numbers_that_go_around_change_nothing() {
        let segments = [segment(true, u32::MAX, b"ab"), segment(true, 3, b"ef"), segment(true, 1, b"cd")];
        assert_eq!(flow(&[1883], &segments), [OPENS, "1 c ab", "1 c cd", "1 c ef", "1 ends"]);
    }

    #[test]
    fn a_segment_that_never_comes_leaves_a_gap() {
        let segments = [segment(true, 100, b"ab"), segment(true, 110, b"kl"), segment(true, 120, b"uv")];
        let told = [OPENS, "1 c ab", "1 misses 8", "1 c kl", "1 misses 8", "1 c uv", "1 ends"];
        assert_eq!(flow(&[1883], &segments), told);
    }

    #[test]
    fn the_same_addresses_again_are_a_new_connection() {
        let syn = |sequence| Segment { syn: true, ack: false, ..segment(true, sequence, b"") };
        let segments = [syn(9), segment(true, 10, b"a"), syn(99), syn(99), segment(true, 100, b"b")];
        let again = "2 opens 10.0.0.1:50000 10.0.0.2:1883";
        assert_eq!(flow(&[1883], &segments), [OPENS, "1 c a", "1 ends", again, "2 c b", "2 ends"]);
    }

    #[test]
    fn a_connect_tells_mqtt_on_any_port_and_other_things_are_passed_over() {
        let connect = [segment(true, 1, CONNECT), segment(false, 1, b"\x20")];
        assert_eq!(flow(&[], &connect)[0], OPENS);
        assert_eq!(flow(&[], &connect)[2], "1 s  ");
        assert_eq!(flow(&[], &[segment(true, 1, b"SSH-2.0")]), Vec::<String>::new());
        let syn = Segment { syn: true, ack: false, ..segment(true, 1, b"") };
        assert_eq!(flow(&[], &[syn, segment(true, 2, b"SSH-2.0")]), ["1 Other"]);
        assert_eq!(flow(&[1883], &[segment(true, 1, b"\x16\x03\x01\x02\x00")]), ["1 Encrypted"]);
        assert_eq!(flow(&[1883], &[segment(true, 1, b"GET /mqtt HTTP/1.1\r\n")]), ["1 Http"]);
    }
}
