//! The same events and the same bytes, however the bytes come and go.

use crate::common::*;
use mqtt5_codec::{PacketId, Properties, Property, ReasonCode};
use mqtt5_session::{Acknowledge, Ending, Inbox};

/// Everything that a session does, with what comes of it, a line for each.
fn transcript(piece: usize, room: usize, acknowledge: Acknowledge) -> Vec<String> {
    let mut log = Vec::new();
    let mut host = Host::new();
    host.piece = piece;
    host.room = room;
    host.inbox = Inbox::growing(16, 4_096).with_aliases(vec![0; 64].leak(), 14);
    let properties = [LASTING[0], Property::TopicAliasMaximum(4)];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    connect.packet.keep_alive = 10;
    connect.acknowledge = acknowledge;
    connect = connect.with_topic_aliases(1);
    let mut held = message("held", "0", 1);
    held.hold = true;
    host.publish(&held).unwrap();
    host.connect(&connect).unwrap();
    log.push(host.sent());
    log.extend(host.feed("20 09 00 00 06 22 00 02 21 00 03"));
    for (payload, qos) in [("1", 0), ("2", 1), ("3", 2), ("4", 0)] {
        host.publish(&message("t", payload, qos)).unwrap();
    }
    host.subscribe("a/#").unwrap();
    log.push(host.sent());
    log.extend(host.feed("50 02 00 03 40 02 00 01 70 03 00 03 92 40 03 00 02 10 90 04 00 04 00 02"));
    log.push(host.sent());
    log.extend(host.feed("34 0a 00 01 78 00 09 03 23 00 02 68 62 02 00 77 32 08 00 00 00 0a 03 23 00 02"));
    log.extend(host.feed("30 07 00 00 03 23 00 02 69 d0 00"));
    if acknowledge == Acknowledge::Manual {
        for id in [10, 9] {
            host.client.acknowledge(PacketId::new(id).unwrap(), ReasonCode::SUCCESS).unwrap();
        }
    }
    log.push(host.sent());
    log.extend(host.feed("62 02 00 09"));
    log.extend(host.pass(9_500));
    log.push(host.sent());
    log.extend(host.feed("d0 00"));
    host.publish(&message("t", "5", 2)).unwrap();
    host.client.disconnect(Ending::AfterQueued).unwrap();
    log.push(host.sent());
    assert!(host.client.is_closed());
    host.client.handle_close(host.now());
    log.extend(host.open(&connect, "20 03 01 00 00"));
    log.push(host.sent());
    log.extend(host.feed("50 02 00 05 f0 06 18 04 15 00 01 6d 30 04 00 01 74 00"));
    log.push(host.sent());
    assert!(host.client.is_closed());
    log
}

#[test]
fn mqtt_4_2_1_any_split_of_input_and_output_gives_the_same_events_and_bytes() {
    for acknowledge in [Acknowledge::Automatic, Acknowledge::Manual] {
        let whole = transcript(usize::MAX, 0, acknowledge);
        assert!(whole.iter().any(|line| line.starts_with("fault 82 MQTT-4.12.0-6")), "{whole:#?}");
        for piece in 1..=40 {
            assert_eq!(transcript(piece, 0, acknowledge), whole, "in pieces of {piece}");
            for room in [1, 2, 3, 4, 5, 7, 12, 30, 64, 500] {
                assert_eq!(transcript(piece, room, acknowledge), whole, "pieces of {piece}, copied by {room}");
            }
        }
    }
}
