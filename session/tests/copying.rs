//! Packets that are copied out, a burst at a time, and written later: what is written counts, not what is copied.

use crate::common::*;
use mqtt5_codec::ReasonCode;
use mqtt5_session::{Boxed, Ending, Event, Input, Transmit};
use proptest::prelude::*;

const ACCEPTED: &str = "20 03 00 00 00";
const RESUMED: &str = "20 03 01 00 00";

#[test]
fn as_many_whole_packets_are_copied_as_fit() {
    let mut host = Host::connected();
    for payload in ["1", "2", "3"] {
        host.publish(&message("t", payload, 0)).unwrap();
    }
    assert_eq!(host.copy(14), "30 05 00 01 74 00 31 30 05 00 01 74 00 32");
    assert_eq!(host.copy(6), "30 05 00 01 74 00", "larger than the room, so in parts");
    assert_eq!(host.copy(0), "");
    assert_eq!(host.copy(100), "33");
    assert_eq!(host.copy(100), "");
}

#[test]
fn a_packet_is_begun_only_at_the_front_of_the_room() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 0)).unwrap();
    host.publish(&message("t", "22222222222222222222", 0)).unwrap();
    assert_eq!(host.copy(20), "30 05 00 01 74 00 31");
    assert_eq!(host.copy(20).split(' ').count(), 20);
    assert_eq!(host.copy(20).split(' ').count(), 6);
}

#[test]
fn small_packets_are_copied_whole_and_leave_their_place_to_others() {
    let mut host = Host::connected();
    for _ in 0..50 {
        host.client.ping(host.now()).unwrap();
        assert_eq!(host.copy(100), "c0 00");
    }
    host.client.ping(host.now()).unwrap();
    host.client.ping(host.now()).unwrap();
    assert_eq!(host.copy(3), "c0 00");
    assert_eq!(host.copy(1), "c0");
    assert_eq!(host.copy(9), "00");
    host.room = 100;
    assert_eq!(host.sent().split(' ').count(), 50 * 2 + 4);
    assert_eq!(host.client.figures(host.now()).bytes_held, 0);
}

#[test]
fn mqtt_3_1_2_20_keep_alive_counts_from_what_was_really_written() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.keep_alive = 20;
    connect.ping_when_silent = false;
    host.open(&connect, ACCEPTED);
    let due = |host: &Host| host.client.figures(host.now()).next_deadline;
    host.now += 10_000;
    host.publish(&message("t", "1", 0)).unwrap();
    host.publish(&message("t", "2", 1)).unwrap();
    assert_eq!(host.copy(100).split(' ').count(), 16);
    assert_eq!(due(&host), Some(9_000), "nothing was written");
    host.client.transmitted(6, host.now());
    assert_eq!(due(&host), Some(9_000), "a part is no packet");
    host.now += 1_000;
    host.client.transmitted(1, host.now());
    assert_eq!(due(&host), Some(19_000));
    host.now += 1_000;
    host.client.transmitted(8, host.now());
    assert_eq!(due(&host), Some(18_000));
    host.client.transmitted(1, host.now());
    assert_eq!(due(&host), Some(19_000));
}

#[test]
fn mqtt_3_14_4_1_the_connection_is_open_until_the_last_byte_of_disconnect_is_written() {
    for ending in [Ending::AfterQueued, Ending::AtOnce] {
        let mut host = Host::connected();
        host.client.ping(host.now()).unwrap();
        host.client.disconnect(ending).unwrap();
        assert_eq!(host.copy(100), "c0 00 e0 00");
        assert_eq!(host.copy(100), "");
        host.client.transmitted(3, host.now());
        assert!(!host.client.is_closed());
        host.client.transmitted(1, host.now());
        assert!(host.client.is_closed());
    }
}

#[test]
fn a_password_is_wiped_and_connect_counts_as_sent_when_it_is_written() {
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    let connect = host.copy(100);
    assert!(connect.starts_with("10 "));
    assert_eq!(host.copy(100), "", "nothing follows CONNECT");
    assert!(host.client.poll_transmit().is_none());
    // Not written: a server can't have heard of a session.
    host.client.handle_close(host.now());
    assert_eq!(host.open(&lasting(), RESUMED), ["fault 82 MQTT-3.2.2-4"]);
}

#[test]
fn mqtt_4_4_0_1_a_lost_connection_loses_nothing_that_was_copied_and_not_written() {
    let mut host = Host::connected();
    let mut held = message("h", "0", 0);
    held.hold = true;
    host.publish(&message("t", "1", 1)).unwrap();
    host.publish(&held).unwrap();
    host.publish(&message("t", "2", 2)).unwrap();
    host.publish(&message("t", "3", 0)).unwrap();
    host.publish(&message("t", "4", 1)).unwrap();
    assert_eq!(host.copy(200).split(' ').count(), 9 + 7 + 9 + 7 + 9);
    host.client.transmitted(3, host.now());
    host.again(RESUMED);
    assert_eq!(
        host.sent(),
        "3a 07 00 01 74 00 01 00 31 30 05 00 01 68 00 30 34 07 00 01 74 00 02 00 32 32 07 00 01 74 00 03 00 34",
        "again with DUP what was begun, the rest for the first time, and QoS 0 that may not wait not at all"
    );
}

#[test]
fn mqtt_3_1_2_4_of_a_session_that_the_server_lost_only_what_was_written_is_lost() {
    let mut host = Host::connected();
    for payload in ["1", "2"] {
        host.publish(&message("t", payload, 2)).unwrap();
    }
    host.copy(100);
    host.client.transmitted(10, host.now());
    assert_eq!(host.again(ACCEPTED), ["connected resumed=false lost=2"]);
    assert_eq!(host.lost(), [1, 2]);

    let mut host = Host::connected();
    for payload in ["1", "2"] {
        host.publish(&message("t", payload, 2)).unwrap();
    }
    host.copy(100);
    host.client.transmitted(9, host.now());
    assert_eq!(host.again(ACCEPTED), ["connected resumed=false lost=1"]);
    assert_eq!(host.lost(), [1]);
    assert_eq!(host.sent(), "34 07 00 01 74 00 02 00 32", "the other was never sent, and goes out now");
}

#[test]
fn an_answer_to_what_was_copied_and_not_written_answers_nothing() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.copy(100);
    assert_eq!(host.feed_one("40 02 00 01"), "");
    host.client.transmitted(1, host.now());
    assert_eq!(host.feed_one("40 02 00 01"), "published 1 00", "of one that has been begun it is taken");
    assert_eq!(host.client.check(), Ok(()));
    host.client.transmitted(8, host.now());
    assert_eq!(host.client.figures(host.now()).bytes_held, 0);
    assert_eq!(host.client.check(), Ok(()));
}

#[test]
fn lending_goes_on_where_copying_ended() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 0)).unwrap();
    host.publish(&message("t", "2", 0)).unwrap();
    assert_eq!(host.copy(3), "30 05 00");
    assert_eq!(host.client.poll_transmit(), Some(Transmit::Bytes(&[1, b't', 0, b'1'])));
    host.client.transmitted(3, host.now());
    assert_eq!(host.client.poll_transmit(), Some(Transmit::Bytes(&[1, b't', 0, b'1'])));
    host.client.transmitted(2, host.now());
    assert_eq!(host.copy(100), "00 31 30 05 00 01 74 00 32");
    host.client.transmitted(9, host.now());
    assert_eq!(host.client.poll_transmit(), None);
    assert_eq!(host.client.figures(host.now()).bytes_held, 0);
}

#[test]
fn an_event_of_a_message_is_acknowledged_in_the_next_burst() {
    let mut host = Host::connected();
    let packets = bytes("32 06 00 01 74 00 01 00 32 06 00 01 74 00 02 00");
    host.inbox.spare()[..packets.len()].copy_from_slice(&packets);
    host.inbox.filled(packets.len());
    let now = host.now();
    for _ in 0..2 {
        assert!(matches!(host.client.handle_input(&mut host.inbox, now), Ok(Input::Event(Event::Message(_)))));
    }
    assert!(host.client.handle_input(&mut host.inbox, now).is_ok());
    assert_eq!(host.copy(100), "40 02 00 01 40 02 00 02");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The same packets are queued twice; one client lends them, the other copies and tells as it comes.
    #[test]
    fn any_split_of_copying_and_writing_gives_the_same_bytes(
        queued in prop::collection::vec((0u8..5, 0usize..60), 1..12),
        steps in prop::collection::vec((0usize..50, 0usize..50, any::<bool>()), 0..60),
        end in 0u8..3,
    ) {
        let queue = |host: &mut Host| {
            for (kind, len) in &queued {
                let payload = "x".repeat(*len);
                match kind {
                    qos @ 0..=2 => drop(host.publish(&message("t", &payload, *qos))),
                    3 => drop(host.subscribe("a/b")),
                    _ => drop(host.client.ping(host.now())),
                }
            }
            match end {
                0 => host.client.disconnect(Ending::AfterQueued).unwrap(),
                1 => {
                    let again = host.client.disconnect_with(
                        ReasonCode::DISCONNECT_WITH_WILL_MESSAGE, mqtt5_codec::Properties::EMPTY, Ending::AfterQueued,
                    );
                    again.unwrap();
                }
                _ => {}
            }
        };
        let fresh = || {
            let mut host = Host::with(Boxed::new(16, 4_096));
            host.open(&lasting(), ACCEPTED);
            host
        };
        let mut plain = fresh();
        queue(&mut plain);
        let expected = plain.sent();

        let mut host = fresh();
        queue(&mut host);
        let (mut copied, mut written, mut all) = (0, 0, Vec::new());
        for (room, part, lend) in steps {
            if lend && copied == written {
                let Some(Transmit::Bytes(bytes)) = host.client.poll_transmit() else { continue };
                let n = part.min(bytes.len());
                all.extend_from_slice(&bytes[..n]);
                copied += n;
            } else {
                let mut out = vec![0; room];
                let n = host.client.transmit_into(&mut out);
                all.extend_from_slice(&out[..n]);
                copied += n;
            }
            let n = part.min(copied - written);
            host.client.transmitted(n, host.now());
            written += n;
            prop_assert_eq!(host.client.check(), Ok(()));
            prop_assert!(!host.client.is_closed() || written == copied);
        }
        host.client.transmitted(copied - written, host.now());
        host.room = 33;
        let rest = bytes(&host.sent());
        all.extend(rest);
        prop_assert_eq!(hex(&all), expected);
        prop_assert_eq!(host.client.check(), Ok(()));
        prop_assert_eq!(host.client.is_closed(), end < 2);
        prop_assert_eq!(host.client.figures(host.now()).bytes_held, plain.client.figures(host.now()).bytes_held);
    }
}
