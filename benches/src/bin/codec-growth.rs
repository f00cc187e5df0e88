//! `codec-growth CASE N`: everything that the codec does with one packet in which something stands N times, once, to be run under
//! callgrind by `growth.sh`. Without arguments it lists the cases.

use core::hint::black_box;
use std::process::ExitCode;

use benches::measured;
use mqtt5_codec::{Decoded, Decoder, Filter, Frame, List, Packet, Properties, Sender, Text, Topic};

/// What a case makes of N: bytes that somebody sends.
type Make = fn(usize) -> Vec<u8>;

/// A name, who sends it, and the packet.
const CASES: &[(&str, Sender, Make)] = &[
    ("user properties of CONNECT", Sender::Client, |n| connect(&pairs(n), b"id")),
    ("user properties of PUBLISH", Sender::Server, |n| publish(b"t", &pairs(n), b"")),
    ("user properties before an alias", Sender::Server, |n| {
        publish(b"t", &[pairs(n), b"\x23\0\x01".to_vec()].concat(), b"")
    }),
    ("user properties that are not ASCII", Sender::Server, |n| {
        publish(b"t", &repeated("\x26\0\x06na\u{EF}ve\0\x04\u{20AC}x".as_bytes(), n), b"")
    }),
    ("subscription identifiers", Sender::Server, |n| publish(b"t", &repeated(b"\x0B\x80\x01", n), b"")),
    ("filters of SUBSCRIBE", Sender::Client, |n| subscribe(&repeated(b"\0\x03a/b\x01", n))),
    ("filters with wildcards", Sender::Client, |n| subscribe(&repeated(b"\0\x07a/+/b/#\x01", n))),
    ("shared filters", Sender::Client, |n| subscribe(&repeated(b"\0\x0C$share/g/a/+\x01", n))),
    ("filters of UNSUBSCRIBE", Sender::Client, |n| framed(0xA2, &[b"\0\x01\0", &repeated(b"\0\x03a/b", n)])),
    ("reason codes of SUBACK", Sender::Server, |n| framed(0x90, &[b"\0\x01\0", &repeated(b"\x01", n)])),
    ("reason codes of UNSUBACK", Sender::Server, |n| framed(0xB0, &[b"\0\x01\0", &repeated(b"\x11", n)])),
    ("levels of a topic name", Sender::Server, |n| publish(&repeated(b"a/", n), b"", b"")),
    ("levels of a filter", Sender::Client, |n| subscribe(&text(&repeated(b"+/", n), b"\x01"))),
    ("a share name", Sender::Client, |n| subscribe(&text(&[b"$share/", &*repeated(b"g", n), b"/a"].concat(), b"\x01"))),
    ("characters of a client identifier", Sender::Client, |n| connect(b"", &repeated("\u{E9}".as_bytes(), n))),
    ("bytes of a payload", Sender::Server, |n| publish(b"t", b"\x01\x01", &repeated(b"x", n))),
    ("packets of a stream", Sender::Server, |n| repeated(b"\x40\x02\x12\x34", n)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => CASES.iter().for_each(|(name, ..)| println!("{name}")),
        [name, n] => {
            let (Some(&(_, from, make)), Ok(n)) = (CASES.iter().find(|case| case.0 == name), n.parse()) else {
                return ExitCode::from(2);
            };
            let bytes = make(n);
            let mut out = vec![0; bytes.len() + 16];
            let packets = Decoder::new(from).frame(&bytes).map(|_| 1);
            measured(packets.unwrap_or(0), || all(from, &bytes, &mut out));
        }
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

/// Reads packets strictly and not, as they arrive in pieces and at once, looks at all that is in them, prints them, counts them
/// and writes them.
fn all(from: Sender, bytes: &[u8], out: &mut [u8]) {
    let decoder = Decoder::new(from);
    let mut rest = bytes;
    while !rest.is_empty() {
        let Ok(Decoded::Packet { used, packet }) = decoder.decode(rest) else { benches::refused() };
        for end in (0..used).step_by(97) {
            let _ = black_box(decoder.frame(rest.get(..end).unwrap_or_default()));
        }
        let Ok(Decoded::Packet { .. }) = decoder.strict(true).decode(rest) else { benches::refused() };
        black_box(Frame::find(rest).is_ok());
        look(&packet);
        // Printing is counted, what `String` does is not the codec's.
        let _ = core::fmt::Write::write_fmt(&mut Nowhere, format_args!("{packet}"));
        if packet.encoded_len(from).is_err() || packet.encode(from, out).is_err() {
            benches::refused();
        }
        black_box(packet == *black_box(&packet));
        rest = rest.get(used..).unwrap_or_default();
    }
}

struct Nowhere;

impl core::fmt::Write for Nowhere {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        black_box(text);
        Ok(())
    }
}

fn look(packet: &Packet<'_>) {
    match packet {
        Packet::Connect(connect) => {
            properties(&connect.properties);
            texts(connect.client_id);
        }
        Packet::Publish(publish) => {
            properties(&publish.properties);
            if let Some(name) = publish.topic.name() {
                texts(name.text());
                matches(name);
            }
        }
        Packet::Subscribe(subscribe) => {
            list(subscribe.filters);
            subscribe.filters.into_iter().for_each(|subscription| filter(subscription.filter));
        }
        Packet::Unsubscribe(unsubscribe) => {
            list(unsubscribe.filters);
            unsubscribe.filters.into_iter().for_each(filter);
        }
        Packet::SubAck(suback) | Packet::UnsubAck(suback) => list(suback.reasons),
        _ => {}
    }
}

fn properties(properties: &Properties<'_>) {
    black_box((properties.topic_alias(), properties.content_type(), properties.response_topic()));
    for (name, value) in properties.user_properties() {
        texts(name);
        texts(value);
    }
    black_box(properties.subscription_identifiers().count());
}

fn list<'a, T: mqtt5_codec::Item<'a>>(list: List<'a, T>) {
    black_box((list.len(), list.iter().count()));
}

fn texts(text: Text<'_>) {
    black_box((text.as_str(), text.discouraged(), Text::new(text.as_str()).is_ok()));
}

fn filter(filter: Filter<'_>) {
    black_box((Filter::new(filter.as_str()).is_ok(), filter.has_wildcard(), filter.share_name()));
    if let Ok(name) = Topic::new("a/b/c") {
        black_box(filter.matches(name));
    }
}

/// Filters that go along with a name as far as can be.
fn matches(name: Topic<'_>) {
    let mut plus = "+/".repeat(name.as_str().split('/').count());
    for end in ["b", "#"] {
        plus.push_str(end);
        for filter in [name.as_str(), plus.as_str()] {
            black_box(Filter::new(filter).is_ok_and(|filter| filter.matches(name)));
        }
    }
}

fn repeated(bytes: &[u8], n: usize) -> Vec<u8> {
    bytes.repeat(n)
}

fn pairs(n: usize) -> Vec<u8> {
    repeated(b"\x26\0\x04name\0\x05value", n)
}

fn text(bytes: &[u8], behind: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap_or_default().to_be_bytes(), bytes, behind].concat()
}

fn connect(properties: &[u8], client_id: &[u8]) -> Vec<u8> {
    framed(0x10, &[b"\0\x04MQTT\x05\0\0\0", &varint(properties.len()), properties, &text(client_id, b"")])
}

fn publish(topic: &[u8], properties: &[u8], payload: &[u8]) -> Vec<u8> {
    framed(0x30, &[&text(topic, b""), &varint(properties.len()), properties, payload])
}

fn subscribe(filters: &[u8]) -> Vec<u8> {
    framed(0x82, &[b"\0\x01\0", filters])
}

fn framed(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&[first], &*varint(body.len()), &body].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 127 {
        bytes.push((value % 128) as u8 | 0x80);
        value /= 128;
    }
    bytes.push(value as u8);
    bytes
}
