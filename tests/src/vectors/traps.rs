//! Vectors by hand, for what is easily got wrong.

use mqtt5_codec::Sender;

use super::{Vector, Verdict};
use crate::hex;

/// Direction, bytes, verdict, why. A verdict is `valid`, `short HEX` for a shorter canonical form, `incomplete`, or the reason
/// code and the statement.
const TRAPS: &[(&str, &str, &str, &str)] = &[
    // Framing
    ("c2s", "", "incomplete", "nothing yet"),
    ("c2s", "30", "incomplete", "no length yet"),
    ("c2s", "3080", "incomplete", "half a length"),
    ("s2c", "30FFFFFF", "incomplete", "three bytes of length"),
    ("s2c", "30FFFFFF7F", "incomplete", "the greatest length"),
    ("s2c", "30FFFFFFFF", "81 MQTT 1.5.5", "a length of five bytes, known from the fourth"),
    ("s2c", "308000", "81 MQTT-1.5.5-1", "a length that is not minimal"),
    ("s2c", "30FF00", "81 MQTT-1.5.5-1", "a length that is not minimal"),
    ("s2c", "30848000", "81 MQTT-1.5.5-1", "a length that is not minimal"),
    ("c2s", "C001", "81 MQTT 2.1.4", "the length of a ping is zero"),
    ("s2c", "D001", "81 MQTT 2.1.4", "the length of a ping is zero"),
    ("c2s", "C080", "81 MQTT 2.1.4", "the length of a ping is zero, and one byte"),
    ("c2s", "C08000", "81 MQTT 2.1.4", "the length of a ping is zero, and one byte"),
    ("s2c", "4001", "81 MQTT 2.1.4", "an identifier has two bytes"),
    ("c2s", "8201", "81 MQTT 2.1.4", "an identifier has two bytes"),
    ("c2s", "3001", "81 MQTT 2.1.4", "the length of a topic name has two bytes"),
    ("c2s", "1001", "81 MQTT 2.1.4", "the length of the protocol name has two bytes"),
    ("s2c", "2002", "incomplete", "too short, for a reason that is not known yet"),
    ("c2s", "C00100", "81 MQTT 2.1.4", "a ping with a body"),
    ("s2c", "D00100", "81 MQTT 2.1.4", "a ping with a body"),
    // CONNECT
    ("c2s", "100D00044D515454050000000000", "incomplete", "the client identifier is half there"),
    ("c2s", "100D00044D51545405000000000000", "valid", "the smallest CONNECT"),
    ("c2s", "100D00044D51545404000000000000", "84 MQTT-3.1.2-2", "MQTT 3.1.1"),
    ("c2s", "100C00044D5154540402003C0000", "84 MQTT-3.1.2-2", "MQTT 3.1.1, whose CONNECT has no properties"),
    ("c2s", "100F00064D51497364700302003C000161", "84 MQTT-3.1.2-1", "MQTT 3.1"),
    ("c2s", "100D0004FFFFFFFF05000000000000", "81 MQTT-1.5.4-1", "a protocol name that is no UTF-8"),
    ("c2s", "100D00044D51005405000000000000", "81 MQTT-1.5.4-2", "a protocol name with U+0000"),
    ("c2s", "100D00044D51545405010000000000", "81 MQTT-3.1.2-3", "the reserved flag"),
    ("c2s", "100D00044D51545405080000000000", "81 MQTT-3.1.2-11", "will QoS without a will"),
    ("c2s", "100D00044D51545405200000000000", "81 MQTT-3.1.2-13", "will retain without a will"),
    ("c2s", "101300044D515454051C00000000000000017400 00", "81 MQTT-3.1.2-12", "will QoS 3"),
    ("c2s", "101300044D51545405040000000000000001740000", "valid", "a will with an empty payload"),
    ("c2s", "100D00044D51545405040000000000", "81 MQTT-3.1.2-9", "a will that is not there"),
    ("c2s", "101200044D515454050400000000000000000000", "90 MQTT-4.7.3-1", "an empty will topic"),
    ("c2s", "101300044D51545405040000000000000001230000", "90 MQTT-4.7.0-1", "a will topic that is a wildcard"),
    ("c2s", "100D00044D51545405800000000000", "81 MQTT-3.1.2-17", "a user name that is not there"),
    ("c2s", "100D00044D51545405400000000000", "81 MQTT-3.1.2-19", "a password that is not there"),
    ("c2s", "101000044D51545405400000000000000170", "valid", "a password without a user name"),
    ("c2s", "101000044D51545405000000000000000170", "81 MQTT-3.1.2-16", "a user name without its flag"),
    ("c2s", "101300044D51545405800000000000000175000170", "81 MQTT-3.1.2-18", "a password without its flag"),
    ("c2s", "100B00044D5154540500000000", "81 MQTT-3.1.3-3", "no client identifier"),
    ("c2s", "100A00044D515454050000 00", "81 MQTT-2.2.2-1", "no property length"),
    // CONNACK
    ("s2c", "2003000000", "valid", "the smallest CONNACK"),
    ("s2c", "2003010000", "valid", "a session that is present"),
    ("s2c", "2003020000", "81 MQTT-3.2.2-1", "a reserved flag"),
    ("s2c", "2003018000", "82 MQTT-3.2.2-6", "a refusal with a session"),
    ("s2c", "20020000", "81 MQTT-2.2.2-1", "MQTT 3.1.1, whose CONNACK has no properties"),
    ("s2c", "20050000022402", "82 MQTT 3.2.2.3.4", "a maximum QoS of 2"),
    // PUBLISH
    ("c2s", "3003000000", "82 MQTT 3.3.2.1", "an empty topic without an alias"),
    ("c2s", "3006000003230001", "valid", "an empty topic with an alias"),
    ("s2c", "300600000323FFFF", "valid", "the greatest alias"),
    ("c2s", "30070001610323 0000", "94 MQTT-3.3.2-8", "alias zero"),
    ("c2s", "3206000161000000", "82 MQTT-2.2.1-3", "packet identifier zero"),
    ("s2c", "3206000161000000", "82 MQTT-2.2.1-4", "packet identifier zero"),
    ("s2c", "320600016100FF00", "valid", "QoS 1 with an empty payload"),
    ("s2c", "3204000161 00", "81 MQTT 2.1.4", "QoS 1 without an identifier"),
    ("s2c", "3003000161", "81 MQTT-2.2.2-1", "no property length"),
    ("s2c", "30060001610001 00", "valid", "what looks like properties is payload"),
    ("s2c", "30050002C08000", "81 MQTT-1.5.4-1", "an overlong U+0000"),
    ("s2c", "300600 03E28282", "incomplete", "one byte short"),
    ("s2c", "30060003EDA08000", "81 MQTT-1.5.4-1", "a surrogate"),
    ("s2c", "30070004F490808000", "81 MQTT-1.5.4-1", "beyond U+10FFFF"),
    ("s2c", "30060003EFBBBF00", "valid", "a byte order mark is a topic"),
    ("s2c", "30060003EFBFBF00", "valid", "a non-character is accepted"),
    ("s2c", "300800016104 0B010B01", "valid", "the same subscription identifier twice"),
    ("c2s", "30060001610 20B01", "82 MQTT-3.3.4-6", "a subscription identifier from a client"),
    ("c2s", "30070001610201 0 1FF", "valid", "a payload is not checked against its format"),
    // Acknowledgements
    ("c2s", "40020001", "valid", "the short form"),
    ("s2c", "4003000100", "short 40020001", "a reason code that says nothing"),
    ("s2c", "400400010000", "short 40020001", "a property length that says nothing"),
    ("c2s", "5003000192", "82 MQTT-3.5.2-1", "PUBREC does not say that an identifier is not found"),
    ("s2c", "6203000192", "valid", "PUBREL does"),
    ("s2c", "60020001", "81 MQTT-3.6.1-1", "PUBREL has flags"),
    ("c2s", "40020000", "82 MQTT-2.2.1-5", "packet identifier zero"),
    ("c2s", "400100", "81 MQTT 2.1.4", "half an identifier"),
    ("c2s", "4005000100 0000", "81 MQTT 2.1.4", "a byte too many"),
    // SUBSCRIBE and UNSUBSCRIBE
    ("c2s", "8203000100", "82 MQTT-3.8.3-2", "no filter"),
    ("c2s", "A203000100", "82 MQTT-3.10.3-2", "no filter"),
    ("c2s", "82070001000001 6103", "82 MQTT 3.8.3.1", "QoS 3"),
    ("c2s", "820700010000016130", "82 MQTT 3.8.3.1", "retain handling 3"),
    ("c2s", "820700010000016140", "81 MQTT-3.8.3-5", "a reserved bit"),
    ("c2s", "820700010000016180", "81 MQTT-3.8.3-5", "a reserved bit"),
    ("c2s", "82070001000001612E", "valid", "every other bit"),
    ("c2s", "8206000100000000", "8F MQTT-4.7.3-1", "an empty filter"),
    ("c2s", "82090001000003612F2300", "valid", "a/#"),
    ("c2s", "820800010000026123 00", "8F MQTT-4.7.1-1", "a#"),
    ("c2s", "820B0001000005612F232F6200", "8F MQTT-4.7.1-1", "a/#/b"),
    ("c2s", "820800010000022B6100", "8F MQTT-4.7.1-2", "+a"),
    ("c2s", "820700010000012B00", "valid", "+"),
    ("c2s", "82100001 00000A2473686172652F672F6104", "82 MQTT-3.8.3-4", "No Local on a shared subscription"),
    ("c2s", "8210000100000A2473686172652F672F6100", "valid", "a shared subscription"),
    ("c2s", "820F00010000092473686172652F2F6100", "8F MQTT-4.8.2-1", "a share without a name"),
    ("c2s", "820E00010000082473686172652F6700", "8F MQTT-4.8.2-2", "a share without a filter"),
    ("c2s", "820F00010000092473686172652F672F00", "8F MQTT-4.8.2-2", "a share with an empty filter"),
    ("c2s", "8211000100000B2473686172652F2B672F6100", "8F MQTT-4.8.2-2", "a share name with a wildcard"),
    ("c2s", "820C0001000006247368617265 04", "valid", "$share alone is an ordinary topic"),
    ("c2s", "820600010000 0161", "81 MQTT 2.1.4", "a filter without options"),
    // SUBACK and UNSUBACK
    ("s2c", "9003000100", "82 MQTT-3.8.4-6", "no reason code"),
    ("s2c", "B003000100", "82 MQTT-3.11.3-1", "no reason code"),
    ("s2c", "B0020001", "81 MQTT-2.2.2-1", "MQTT 3.1.1, whose UNSUBACK is an identifier"),
    ("s2c", "900400000000", "82 MQTT-2.2.1-6", "packet identifier zero"),
    // DISCONNECT and AUTH
    ("c2s", "E000", "valid", "the short form"),
    ("s2c", "E00100", "short E000", "a reason code that says nothing"),
    ("c2s", "E00104", "valid", "with will"),
    ("s2c", "E00104", "82 MQTT-3.14.2-1", "a server has no will"),
    ("c2s", "E0018B", "82 MQTT-3.14.2-1", "a client is no server shutting down"),
    ("s2c", "E00700051100000001", "82 MQTT-3.14.2-2", "a server's session expiry"),
    ("c2s", "F000", "82 MQTT 3.15.2.2.2", "the short form of AUTH has no method"),
    ("s2c", "F000", "valid", "a server's short form is Success"),
    ("c2s", "F00118", "81 MQTT-2.2.2-1", "no property length"),
    ("c2s", "F0021800", "82 MQTT 3.15.2.2.2", "no method"),
    ("s2c", "F00619041500016D", "82 MQTT-3.15.2-1", "a server does not re-authenticate"),
    ("c2s", "F00600041500016D", "82 MQTT-3.15.2-1", "a client does not declare success"),
];

pub(super) fn vectors() -> Vec<Vector> {
    TRAPS
        .iter()
        .map(|&(direction, digits, verdict, why)| {
            let from = if direction == "c2s" { Sender::Client } else { Sender::Server };
            let bytes = bytes(digits);
            let verdict = match verdict.split_once(' ') {
                None if verdict == "incomplete" => Verdict::Incomplete,
                None => Verdict::Valid(bytes.clone()),
                Some(("short", canonical)) => Verdict::Valid(self::bytes(canonical)),
                Some((reason, rule)) => {
                    Verdict::Reject(u8::from_str_radix(reason, 16).unwrap_or_default(), rule.to_owned())
                }
            };
            Vector { from, bytes, verdict, why: why.to_owned() }
        })
        .collect()
}

fn bytes(digits: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let digits: Vec<u8> = digits.bytes().filter(|&byte| byte != b' ').collect();
    // What is no digit leaves too few bytes, which the checks of the codec notice.
    let _ = hex::read(&digits, &mut bytes);
    bytes
}
