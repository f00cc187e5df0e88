//! Vectors for each field by itself: text wherever it stands, filters, options, flags, the protocol's name and version.

use mqtt5_codec::Sender;

use super::{BOTH, MALFORMED, PROTOCOL_ERROR, Vector, framed, reject, valid};

const TOPIC_FILTER_INVALID: u8 = 0x8F;
const UNSUPPORTED_PROTOCOL_VERSION: u8 = 0x84;

pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for field in FIELDS {
        vectors.extend(text(field));
    }
    vectors.extend(filters());
    vectors.extend(subscription_options());
    vectors.extend(connect_flags());
    vectors.extend(connack_flags());
    vectors.extend(protocol());
    vectors
}

/// A field of text: its name, the first byte, what stands before and after it, and who sends it.
type Field = (&'static str, u8, &'static [u8], &'static [u8], &'static [Sender]);

const CLIENT: &[Sender] = &[Sender::Client];
const SERVER: &[Sender] = &[Sender::Server];

/// Where text stands outside of properties, and two properties for all of them. The bytes before end with the property length
/// where the text counts into it: [`text`] fills in a zero there.
const FIELDS: &[Field] = &[
    ("client identifier", 0x10, b"\x00\x04MQTT\x05\x02\x00\x3C\x00", b"", CLIENT),
    ("will topic", 0x10, b"\x00\x04MQTT\x05\x06\x00\x3C\x00\x00\x01i\x00", b"\x00\x00", CLIENT),
    ("user name", 0x10, b"\x00\x04MQTT\x05\x82\x00\x3C\x00\x00\x01i", b"", CLIENT),
    ("topic name", 0x30, b"", b"\x00", &BOTH),
    ("filter of SUBSCRIBE", 0x82, b"\x00\x0A\x00", b"\x01", CLIENT),
    ("filter of UNSUBSCRIBE", 0xA2, b"\x00\x0A\x00", b"", CLIENT),
    ("content type", 0x30, b"\x00\x01t?\x03", b"", &BOTH),
    ("value of a user property", 0x40, b"\x00\x0A\x10?\x26\x00\x01n", b"", &BOTH),
    ("assigned client identifier", 0x20, b"\x00\x00?\x12", b"", SERVER),
];

/// A packet with this text in a field.
fn with_text(field: &Field, text: &[u8]) -> Vec<u8> {
    let (_, first, before, after, _) = *field;
    let len = (text.len() as u16).to_be_bytes();
    // A question mark stands for the length of the properties, which the text belongs to.
    match before.iter().position(|&byte| byte == b'?') {
        Some(at) => {
            let (start, rest) = before.split_at(at);
            let rest = rest.get(1..).unwrap_or_default();
            let properties = [(rest.len() + 2 + text.len()) as u8];
            framed(first, &[start, &properties, rest, &len, text, after])
        }
        None => framed(first, &[before, &len, text, after]),
    }
}

fn text(field: &Field) -> Vec<Vector> {
    const NOT_UTF_8: &[(&[u8], &str)] = &[
        (b"\x80", "a continuation byte alone"),
        (b"a\xBF", "a continuation byte behind a letter"),
        (b"\xC0\x80", "an overlong U+0000"),
        (b"\xC1\xBF", "an overlong U+007F"),
        (b"\xE0\x9F\xBF", "an overlong U+07FF"),
        (b"\xF0\x8F\xBF\xBF", "an overlong U+FFFF"),
        (b"\xED\xA0\x80", "the first surrogate"),
        (b"\xED\xBF\xBF", "the last surrogate"),
        (b"\xED\xA0\xBD\xED\xB8\x80", "a pair of surrogates"),
        (b"\xF4\x90\x80\x80", "one beyond U+10FFFF"),
        (b"\xF5\x80\x80\x80", "a first byte that leads nowhere"),
        (b"\xF8\x88\x80\x80\x80", "a character of five bytes"),
        (b"\xFE", "the byte FE"),
        (b"\xFF", "the byte FF"),
        (b"\xC3", "half a character of two bytes"),
        (b"\xE2\x82", "two thirds of a character"),
        (b"\xF0\x9F\x98", "three quarters of a character"),
        (b"\xC3(", "a letter inside a character"),
    ];
    const GOOD: &[(&str, &str)] = &[
        ("a", "one letter"),
        ("\u{1}", "a control character"),
        ("\u{7F}", "U+007F"),
        ("\u{80}", "U+0080"),
        ("\u{7FF}", "U+07FF"),
        ("\u{800}", "U+0800"),
        ("\u{D7FF}", "the last before the surrogates"),
        ("\u{E000}", "the first behind the surrogates"),
        ("\u{FDD0}", "a non-character"),
        ("\u{FEFF}", "a byte order mark"),
        ("\u{FFFF}", "U+FFFF"),
        ("\u{10000}", "U+10000"),
        ("\u{10FFFF}", "U+10FFFF"),
        ("e\u{301}", "a letter with an accent of its own"),
        (" ", "a space"),
        ("0123456789abcdef", "sixteen letters"),
        ("0123456é89abcdéf", "letters with accents across a border of eight bytes"),
    ];
    let (name, .., senders) = *field;
    let mut vectors = Vec::new();
    for &from in senders {
        let why = |what: &str| format!("{what} in the {name}");
        let mut bad = |text: &[u8], rule: &str, what: &str| {
            vectors.push(reject(from, with_text(field, text), MALFORMED, rule, why(what)));
        };
        for (text, what) in NOT_UTF_8 {
            bad(text, "MQTT-1.5.4-1", what);
        }
        for text in [&b"\0"[..], b"\0a", b"a\0", b"a\0b"] {
            bad(text, "MQTT-1.5.4-2", "U+0000");
        }
        // Whoever reads eight bytes at a time has to see each of them.
        for at in 0..18 {
            for (byte, rule) in [(0xFF, "MQTT-1.5.4-1"), (0, "MQTT-1.5.4-2")] {
                let mut text = *b"abcdefghijklmnopqr";
                if let Some(place) = text.get_mut(at) {
                    *place = byte;
                }
                bad(&text, rule, &format!("the byte {byte:02X} at {at} of 18"));
            }
        }
        vectors.extend(GOOD.iter().map(|(text, what)| valid(from, with_text(field, text.as_bytes()), why(what))));
    }
    vectors
}

/// Filters, in SUBSCRIBE and in UNSUBSCRIBE.
fn filters() -> Vec<Vector> {
    const GOOD: &[&str] = &[
        "#",
        "+",
        "/",
        "//",
        "/#",
        "/+",
        "+/",
        "+/+",
        "+/#",
        "+/+/#",
        "a/#",
        "a/+",
        "a/+/b",
        "+/a",
        "a//b",
        "a/",
        "/a",
        " ",
        "a b/c",
        "$SYS/#",
        "$",
        "$/+",
        "$share",
        "$share_/x",
        "$share/g/#",
        "$share/g/+",
        "$share/g//",
        "$share/g/a/+/b",
        "$share/é/a",
        "$share/$share/a",
        "a/$share/+",
    ];
    const HASH: &[&str] = &["a#", "#a", "##", "#/", "#/a", "a/#/b", "a/#b", "a/b#", "/#/", "#+", "a/##"];
    const PLUS: &[&str] = &["+a", "a+", "++", "a/+b", "a/b+", "a/b+/c", "+a/b", "/++", "a/+ ", "é+"];
    const SHARED: &[(&str, &str)] = &[
        ("$share/", "MQTT-4.8.2-1"),
        ("$share//a", "MQTT-4.8.2-1"),
        ("$share/g", "MQTT-4.8.2-2"),
        ("$share/g/", "MQTT-4.8.2-2"),
        ("$share/#/a", "MQTT-4.8.2-2"),
        ("$share/+/a", "MQTT-4.8.2-2"),
        ("$share/g+/a", "MQTT-4.8.2-2"),
        ("$share/g/a#", "MQTT-4.7.1-1"),
        ("$share/g/+a", "MQTT-4.7.1-2"),
    ];
    let mut vectors = Vec::new();
    for (packet, field) in FIELDS.iter().filter(|(name, ..)| name.starts_with("filter")).map(|field| (field.0, field)) {
        let mut bad = |filter: &str, rule: &str| {
            let bytes = with_text(field, filter.as_bytes());
            let why = format!("the {packet} {filter:?}").replace('"', "'");
            vectors.push(reject(Sender::Client, bytes, TOPIC_FILTER_INVALID, rule, why));
        };
        bad("", "MQTT-4.7.3-1");
        HASH.iter().for_each(|filter| bad(filter, "MQTT-4.7.1-1"));
        PLUS.iter().for_each(|filter| bad(filter, "MQTT-4.7.1-2"));
        SHARED.iter().for_each(|(filter, rule)| bad(filter, rule));
        for filter in GOOD {
            let why = format!("the {packet} {filter:?}").replace('"', "'");
            vectors.push(valid(Sender::Client, with_text(field, filter.as_bytes()), why));
        }
    }
    vectors
}

/// Every byte of subscription options, on an ordinary filter and on a shared one.
fn subscription_options() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for (shared, filter) in [(false, &b"\x00\x01a"[..]), (true, b"\x00\x0A$share/g/a")] {
        for options in 0..=u8::MAX {
            let bytes = framed(0x82, &[b"\x00\x0A\x00", filter, &[options]]);
            let why =
                format!("subscription options 0x{options:02X}{}", if shared { " on a shared filter" } else { "" });
            let wrong = if options & 0xC0 != 0 {
                Some((MALFORMED, "MQTT-3.8.3-5"))
            } else if options & 3 == 3 || options & 0x30 == 0x30 {
                Some((PROTOCOL_ERROR, "MQTT 3.8.3.1"))
            } else if shared && options & 4 != 0 {
                Some((PROTOCOL_ERROR, "MQTT-3.8.3-4"))
            } else {
                None
            };
            vectors.push(match wrong {
                Some((reason, rule)) => reject(Sender::Client, bytes, reason, rule, why),
                None => valid(Sender::Client, bytes, why),
            });
        }
    }
    vectors
}

/// Every byte of CONNECT flags, with the fields that it announces.
fn connect_flags() -> Vec<Vector> {
    let flags = 0..=u8::MAX;
    flags
        .map(|flags| {
            let has = |bit: u8, field: &'static [u8]| if flags & bit != 0 { field } else { &[] };
            let head: &[u8] = &[0, 4, b'M', b'Q', b'T', b'T', 5, flags, 0, 60, 0];
            let (will, user, password) =
                (has(0x04, b"\x00\x00\x01w\x00\x00"), has(0x80, b"\x00\x01u"), has(0x40, b"\x00\x01p"));
            let bytes = framed(0x10, &[head, b"\x00\x01i", will, user, password]);
            let why = format!("CONNECT flags 0x{flags:02X}");
            let rule = match (flags & 0x01, flags & 0x04, flags & 0x18, flags & 0x20) {
                (1, ..) => "MQTT-3.1.2-3",
                (_, 4, 0x18, _) => "MQTT-3.1.2-12",
                (_, 0, 0x08.., _) => "MQTT-3.1.2-11",
                (_, 0, _, 0x20) => "MQTT-3.1.2-13",
                _ => return valid(Sender::Client, bytes, why),
            };
            reject(Sender::Client, bytes, MALFORMED, rule, why)
        })
        .collect()
}

/// Every byte of CONNACK flags, with success and with a refusal.
fn connack_flags() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for (flags, reason) in (0..=u8::MAX).flat_map(|flags| [(flags, 0x00), (flags, 0x87)]) {
        let bytes = vec![0x20, 3, flags, reason, 0];
        let why = format!("CONNACK flags 0x{flags:02X} with reason 0x{reason:02X}");
        vectors.push(match (flags, reason) {
            (2.., _) => reject(Sender::Server, bytes, MALFORMED, "MQTT-3.2.2-1", why),
            (1, 0x80..) => reject(Sender::Server, bytes, PROTOCOL_ERROR, "MQTT-3.2.2-6", why),
            _ => valid(Sender::Server, bytes, why),
        });
    }
    vectors
}

/// Names and versions of the protocol, in a CONNECT that is well-formed otherwise.
fn protocol() -> Vec<Vector> {
    let connect = |name: &str, version: u8| {
        let len = (name.len() as u16).to_be_bytes();
        framed(0x10, &[&len, name.as_bytes(), &[version, 2, 0, 60, 0], b"\x00\x01i"])
    };
    let mut vectors = Vec::new();
    for version in (0..=10).chain([0x7F, 0x80, 0x83, 0x84, 0x85, 0xFF]) {
        let why = format!("protocol version {version}");
        let bytes = connect("MQTT", version);
        vectors.push(if version == 5 {
            valid(Sender::Client, bytes, why)
        } else {
            reject(Sender::Client, bytes, UNSUPPORTED_PROTOCOL_VERSION, "MQTT-3.1.2-2", why)
        });
    }
    for name in ["", "M", "MQT", "mqtt", "MQTt", "MQTT5", "MQTTT", "MQIsdp", "HTTP", "МQTT"] {
        let why = format!("protocol name '{name}'");
        let bytes = connect(name, 5);
        vectors.push(reject(Sender::Client, bytes, UNSUPPORTED_PROTOCOL_VERSION, "MQTT-3.1.2-1", why));
    }
    vectors
}
