// What a server says to a client, byte by byte; the front page's examples and tests/session.rs include it.

#[allow(dead_code)]
pub const CONNACK: &[u8] = b"\x20\x03\x00\x00\x00";

/// The answer to a SUBSCRIBE: so many filters, all granted QoS 2.
#[allow(dead_code)]
pub fn suback(id: u16, count: usize) -> Vec<u8> {
    let mut bytes = vec![0x90, 3 + count as u8, (id >> 8) as u8, id as u8, 0];
    bytes.resize(bytes.len() + count, 2);
    bytes
}

/// A PUBLISH at QoS 1 that carries OpenC2 in JSON.
#[allow(dead_code)]
pub fn publish(topic: &str, kind: &str, json: &str) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
    let user = |name: &str, value: &str| [vec![0x26], text(name), text(value)].concat();
    let content_type = [vec![0x03], text("application/openc2")].concat();
    let properties = [vec![0x01, 0x01], user("msgType", kind), user("encoding", "json"), content_type].concat();
    let body = [text(topic), vec![0, 9, properties.len() as u8], properties, json.as_bytes().to_vec()].concat();
    let length = [(body.len() & 0x7F) as u8 | 0x80, (body.len() >> 7) as u8];
    [&[0x32], &length[..], &body].concat()
}

/// A command to deny a network, under the `request_id` 1.
#[allow(dead_code)]
pub fn request(topic: &str) -> Vec<u8> {
    publish(topic, "req", r#"{"headers":{"request_id":"1","from":"soc@example.com"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"}}}}}"#)
}

/// A response of a firewall.
#[allow(dead_code)]
pub fn response(id: &str) -> Vec<u8> {
    publish("oc2/rsp", "rsp", &format!(r#"{{"headers":{{"request_id":"{id}","from":"firewall7@example.com"}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#))
}

/// Gives a session what a server says, packet by packet, and each event to `on`; returns all that the session sends.
#[allow(dead_code)]
pub fn script<M: mqtt5_session::Memory>(
    client: &mut mqtt5_session::Client<M>,
    inbox: &mut mqtt5_session::Inbox<'_>,
    packets: &[&[u8]],
    mut on: impl FnMut(
        mqtt5_session::Event<'_>,
        &mut mqtt5_session::Client<M>,
        mqtt5_session::Instant,
        Option<u64>,
    ) -> Result<(), openc2_mqtt::JoinError>,
) -> Vec<u8> {
    let now = mqtt5_session::Instant::from_millis(1);
    let mut sent = Vec::new();
    let mut send = |client: &mut mqtt5_session::Client<M>| loop {
        let mut bytes = [0; 4096];
        let length = client.transmit_into(&mut bytes);
        if length == 0 {
            break;
        }
        client.transmitted(length, now);
        sent.extend_from_slice(&bytes[..length]);
    };
    send(client);
    for packet in packets {
        inbox.spare()[..packet.len()].copy_from_slice(packet);
        inbox.filled(packet.len());
        while let Ok(mqtt5_session::Input::Event(event)) = client.handle_input(inbox, now) {
            on(event, client, now, Some(1_700_000_000_000)).expect("nothing is refused");
            send(client);
        }
    }
    send(client);
    sent
}
