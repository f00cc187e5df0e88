//! The model broker by itself: a few packets in, the right ones out, and a violation for what a client may not do.

use mqtt5_codec::{Connect, Decoded, Decoder, Packet, Properties, Property, ReasonCode, Sender, Text};

use super::*;

fn bytes(packet: &Packet<'_>) -> Vec<u8> {
    let mut out = Buffer::default();
    packet.encode(Sender::Client, &mut out).unwrap();
    out.0
}

/// CONNECT with a session that lasts, or a clean start.
fn connect(id: &str, clean_start: bool) -> Vec<u8> {
    let properties = [Property::SessionExpiryInterval(if clean_start { 0 } else { 100 })];
    bytes(&Packet::Connect(Connect {
        clean_start,
        keep_alive: 0,
        properties: Properties::from(&properties),
        client_id: Text::new(id).unwrap(),
        will: None,
        user_name: None,
        password: None,
    }))
}

/// Everything that can be read, as what its packets print.
fn read(broker: &mut Broker, link: usize) -> Vec<String> {
    let output = broker.readable(link).to_vec();
    broker.read(link, output.len());
    let mut rest = &output[..];
    let mut packets = Vec::new();
    while let Ok(Decoded::Packet { used, packet }) = Decoder::new(Sender::Server).decode(rest) {
        packets.push(match packet {
            Packet::Publish(publish) => format!(
                "PUBLISH {} dup={} id={}",
                String::from_utf8_lossy(publish.payload),
                u8::from(publish.delivery.dup()),
                publish.delivery.id().map_or(0, |id| id.get())
            ),
            Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
                format!("{} {} {:#x}", packet.packet_type(), ack.id, ack.reason.value())
            }
            Packet::ConnAck(ack) => format!("CONNACK {} {:#x}", u8::from(ack.session_present), ack.reason.value()),
            Packet::Disconnect(disconnect) => format!("DISCONNECT {:#x}", disconnect.reason.value()),
            other => other.packet_type().to_string(),
        });
        rest = &rest[used..];
    }
    assert!(rest.is_empty());
    packets
}

fn connected(broker: &mut Broker, id: &str, clean_start: bool) -> usize {
    let link = broker.open(0);
    broker.receive(link, &connect(id, clean_start), 0);
    assert!(read(broker, link)[0].ends_with(" 0x0"));
    link
}

fn broken(broker: &Broker) -> Vec<&'static str> {
    broker.ledger.violations().iter().map(|violation| violation.statement).collect()
}

/// SUBSCRIBE 1 to `t` at QoS 2.
const SUBSCRIBE: &[u8] = &[0x82, 7, 0, 1, 0, 0, 1, b't', 2];
/// PUBLISH 1 at QoS 2 to `t`.
const PUBLISH: &[u8] = &[0x34, 7, 0, 1, b't', 0, 1, 0, b'x'];
const PUBLISH_AGAIN: &[u8] = &[0x3C, 7, 0, 1, b't', 0, 1, 0, b'x'];
const PUBREL: &[u8] = &[0x62, 2, 0, 1];

#[test]
fn a_qos_2_message_goes_through_once_though_it_is_sent_again() {
    let mut broker = Broker::new();
    let to = connected(&mut broker, "to", false);
    broker.receive(to, SUBSCRIBE, 0);
    assert_eq!(read(&mut broker, to), ["SUBACK"]);
    let from = connected(&mut broker, "from", false);
    broker.receive(from, PUBLISH, 0);
    broker.close(from, 0);
    let from = broker.open(0);
    broker.receive(from, &connect("from", false), 0);
    broker.receive(from, PUBLISH_AGAIN, 0);
    assert_eq!(read(&mut broker, from), ["CONNACK 1 0x0", "PUBREC 1 0x0"]);
    broker.receive(from, PUBREL, 0);
    assert_eq!(read(&mut broker, from), ["PUBCOMP 1 0x0"]);
    assert_eq!(read(&mut broker, to), ["PUBLISH x dup=0 id=1"]);
    broker.receive(to, &[0x50, 2, 0, 1], 0);
    assert_eq!(read(&mut broker, to), ["PUBREL 1 0x0"]);
    broker.receive(to, &[0x70, 2, 0, 1], 0);
    assert!(broker.sessions().all(|(_, session)| session.is_quiet()));
    assert_eq!(broken(&broker), [""; 0]);
}

#[test]
fn what_the_client_did_not_acknowledge_comes_again_with_dup_when_it_resumes() {
    let mut broker = Broker::new();
    let link = connected(&mut broker, "c", false);
    broker.receive(link, SUBSCRIBE, 0);
    read(&mut broker, link);
    broker.receive(link, PUBLISH, 0);
    assert_eq!(read(&mut broker, link), ["PUBLISH x dup=0 id=1", "PUBREC 1 0x0"]);
    broker.close(link, 0);
    let link = broker.open(1);
    broker.receive(link, &connect("c", false), 1);
    assert_eq!(read(&mut broker, link), ["CONNACK 1 0x0", "PUBLISH x dup=1 id=1"]);
    broker.settle(link);
    assert_eq!(broken(&broker), ["MQTT-4.3.3-8", "MQTT-4.4.0-1"], "neither PUBREC nor PUBREL came");
}

#[test]
fn what_a_client_may_not_do_is_taken_down_by_statement() {
    let cases: [(&[&[u8]], &str, &str); 12] = [
        (&[&[0xC0, 0]], "MQTT-3.1.0-1", "CONNACK 0 0x82"),
        (&[&connect("c", true), &connect("c", true)], "MQTT-3.1.0-2", "DISCONNECT 0x82"),
        (&[&connect("c", true), PUBLISH, PUBLISH], "MQTT-3.3.1-1", "DISCONNECT 0x82"),
        (&[&connect("c", true), PUBLISH, &[0x32, 7, 0, 1, b't', 0, 1, 0, b'y']], "MQTT-2.2.1-3", "DISCONNECT 0x82"),
        (&[&connect("c", true), SUBSCRIBE, SUBSCRIBE], "MQTT-2.2.1-3", "DISCONNECT 0x82"),
        (&[&connect("c", true), PUBLISH_AGAIN], "MQTT-3.3.1-3", "DISCONNECT 0x82"),
        (&[&connect("c", true), PUBREL], "MQTT-2.2.1-5", "PUBCOMP 1 0x92"),
        (&[&connect("c", true), &[0x40, 2, 0, 1]], "MQTT-2.2.1-5", "CONNACK 0 0x0"),
        (&[&connect("c", true), &[0x30, 7, 0, 0, 3, 0x23, 0, 1, b'x']], "MQTT-3.2.2-18", "DISCONNECT 0x94"),
        (&[&connect("c", true), &[0x36, 0]], "MQTT-3.3.1-4", "DISCONNECT 0x81"),
        (&[&connect("c", true), &[0xF0, 6, 0x19, 4, 0x15, 0, 1, b'm']], "MQTT-4.12.0-7", "DISCONNECT 0x82"),
        (&[&connect("c", true), &[0xE0, 0], &[0xC0, 0]], "MQTT-3.14.4-1", "CONNACK 0 0x0"),
    ];
    for (packets, statement, answer) in cases {
        let mut broker = Broker::new();
        let link = broker.open(0);
        for packet in packets {
            broker.receive(link, packet, 0);
        }
        assert_eq!(broken(&broker), [statement]);
        assert_eq!(read(&mut broker, link).last().unwrap(), answer, "{statement}");
    }
}

#[test]
fn acknowledgements_that_are_held_do_not_free_the_quota() {
    let mut broker = Broker::new();
    broker.limits.receive_maximum = 1;
    broker.faults.hold_acknowledgements = true;
    let link = connected(&mut broker, "c", true);
    broker.receive(link, &[0x32, 6, 0, 1, b't', 0, 1, 0], 0);
    assert_eq!(broker.held(link), 1);
    broker.receive(link, &[0x32, 6, 0, 1, b't', 0, 2, 0], 0);
    assert_eq!(broken(&broker), ["MQTT-3.3.4-7"]);
    assert_eq!(read(&mut broker, link), ["DISCONNECT 0x93"]);
}

#[test]
fn a_link_is_cut_at_any_byte_and_delayed() {
    let mut broker = Broker::new();
    broker.faults.cut_received = Some(3);
    let link = broker.open(0);
    broker.receive(link, &connect("c", true), 0);
    assert!(broker.is_closed(link) && broker.readable(link).is_empty());
    broker.close(link, 0);
    broker.faults.cut_sent = Some(4);
    broker.faults.delay = 20;
    let link = broker.open(0);
    broker.receive(link, &connect("c", true), 0);
    assert_eq!(broker.readable(link).len(), 0);
    assert_eq!(broker.next_timeout(), Some(20));
    broker.tick(20);
    assert_eq!(broker.readable(link).len(), 4);
    broker.read(link, 4);
    assert!(broker.is_closed(link));
}

#[test]
fn silence_of_more_than_the_keep_alive_is_taken_down_and_ends_the_connection() {
    let mut broker = Broker::new();
    broker.limits.server_keep_alive = Some(10);
    let link = connected(&mut broker, "c", true);
    broker.receive(link, &[0xC0, 0], 10_000);
    assert_eq!(broken(&broker), [""; 0]);
    assert_eq!(broker.next_timeout(), Some(25_000));
    broker.tick(25_000);
    assert_eq!(broken(&broker), ["MQTT-3.1.2-20"]);
    assert_eq!(read(&mut broker, link), ["PINGRESP", "DISCONNECT 0x8d"]);
}

#[test]
fn a_lost_session_and_a_refused_connection_on_order() {
    let mut broker = Broker::new();
    let link = connected(&mut broker, "c", false);
    broker.close(link, 0);
    broker.faults.lose_session = true;
    let link = broker.open(0);
    broker.receive(link, &connect("c", false), 0);
    assert_eq!(read(&mut broker, link), ["CONNACK 0 0x0"]);
    broker.close(link, 0);
    broker.faults.next_connect = Some(ReasonCode::SERVER_BUSY);
    let link = broker.open(0);
    broker.receive(link, &connect("c", false), 0);
    assert_eq!(read(&mut broker, link), ["CONNACK 0 0x89"]);
    assert!(broker.is_closed(link));
}
