//! The seven workloads, as bytes. They are put together here without any codec, so that every codec is given the same.

/// One of the seven workloads; `Stream` is 1,000 packets, each other is one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// 1: a PUBLISH as OpenC2 sends it: QoS 1, 256 bytes, payload format, content type and two user properties.
    Publish,
    /// 2: a bare PUBLISH: QoS 0, a topic of 20 bytes, a payload of 16.
    Bare,
    /// 3: a PUBACK of two bytes.
    PubAck,
    /// 4: a CONNECT with client identifier, user name, password, session expiry and receive maximum.
    Connect,
    /// 5: 1,000 packets back to back.
    Stream,
    /// 6: a PUBLISH at QoS 1 of 64 KiB.
    Large,
    /// 7: a SUBSCRIBE with eight filters.
    Subscribe,
}

/// The topic of workload 1, an OpenC2 command to one actuator profile.
pub const COMMAND_TOPIC: &str = "oc2/cmd/ap/slpf";
/// The content type of workload 1.
pub const CONTENT_TYPE: &str = "application/openc2";
/// The user properties of workload 1.
pub const USER_PROPERTIES: [(&str, &str); 2] = [("msgType", "req"), ("encoding", "json")];
/// The topic of workload 2: 20 bytes.
pub const BARE_TOPIC: &str = "oc2/rsp/actuator/001";
/// The topic of workload 6.
pub const LARGE_TOPIC: &str = "oc2/rsp/actuator/001";
/// The client identifier of workload 4.
pub const CLIENT_ID: &str = "oc2-consumer-0001";
/// The user name of workload 4.
pub const USER_NAME: &str = "openc2";
/// The password of workload 4.
pub const PASSWORD: &[u8] = b"correct horse battery";
/// The keep alive of workload 4, seconds.
pub const KEEP_ALIVE: u16 = 60;
/// The session expiry interval of workload 4, seconds.
pub const SESSION_EXPIRY: u32 = 3600;
/// The receive maximum of workload 4.
pub const RECEIVE_MAXIMUM: u16 = 32;
/// The packet identifier of every packet that has one.
pub const PACKET_ID: u16 = 0x1234;
/// The filters of workload 7, each at most at QoS 1.
pub const FILTERS: [&str; 8] = [
    "oc2/cmd/all",
    "oc2/cmd/ap/slpf",
    "oc2/cmd/ap/sbom",
    "oc2/cmd/device/0001",
    "oc2/rsp/+",
    "oc2/evt/#",
    "oc2/cmd/ap/+/x",
    "$share/g1/oc2/cmd/ap/er",
];

impl Workload {
    /// All seven, in order.
    pub const ALL: [Self; 7] =
        [Self::Publish, Self::Bare, Self::PubAck, Self::Connect, Self::Stream, Self::Large, Self::Subscribe];

    /// The workload with this number, 1 to 7.
    #[must_use]
    pub fn numbered(number: usize) -> Option<Self> {
        Self::ALL.get(number.checked_sub(1)?).copied()
    }

    /// Its number, 1 to 7.
    #[must_use]
    pub const fn number(self) -> usize {
        self as usize + 1
    }

    /// How many packets it is.
    #[must_use]
    pub const fn packets(self) -> usize {
        if matches!(self, Self::Stream) { 1000 } else { 1 }
    }

    /// Its bytes on the wire.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Self::Publish => publish(),
            Self::Bare => bare(),
            Self::PubAck => ack(0x40),
            Self::Connect => connect(),
            Self::Stream => stream(),
            Self::Large => large(),
            Self::Subscribe => subscribe(),
        }
    }
}

/// The payload of workload 1: 256 bytes.
#[must_use]
pub fn command() -> Vec<u8> {
    br#"{"action":"deny","target":{"ipv4_connection":{"protocol":"tcp","src_addr":"10.0.0.7"}}}"#
        .iter()
        .copied()
        .cycle()
        .take(256)
        .collect()
}

/// The payload of workload 2: 16 bytes.
pub const BARE_PAYLOAD: &[u8; 16] = b"{\"mv\": 4.000123}";

/// The payload of workload 6: 64 KiB.
#[must_use]
pub fn large_payload() -> Vec<u8> {
    vec![b'x'; 65_536]
}

fn publish() -> Vec<u8> {
    let mut properties = vec![0x01, 1, 0x03];
    text(&mut properties, CONTENT_TYPE);
    for (name, value) in USER_PROPERTIES {
        properties.push(0x26);
        text(&mut properties, name);
        text(&mut properties, value);
    }
    let mut body = Vec::new();
    text(&mut body, COMMAND_TOPIC);
    body.extend(PACKET_ID.to_be_bytes());
    variable(&mut body, properties.len());
    body.extend(properties);
    body.extend(command());
    framed(0x32, &body)
}

fn bare() -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, BARE_TOPIC);
    body.push(0);
    body.extend(BARE_PAYLOAD);
    framed(0x30, &body)
}

fn large() -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, LARGE_TOPIC);
    body.extend(PACKET_ID.to_be_bytes());
    body.push(0);
    body.extend(large_payload());
    framed(0x32, &body)
}

fn ack(first: u8) -> Vec<u8> {
    framed(first, &PACKET_ID.to_be_bytes())
}

fn connect() -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, "MQTT");
    body.extend([5, 0b1100_0010]);
    body.extend(KEEP_ALIVE.to_be_bytes());
    body.push(8);
    body.push(0x11);
    body.extend(SESSION_EXPIRY.to_be_bytes());
    body.push(0x21);
    body.extend(RECEIVE_MAXIMUM.to_be_bytes());
    text(&mut body, CLIENT_ID);
    text(&mut body, USER_NAME);
    binary(&mut body, PASSWORD);
    framed(0x10, &body)
}

fn subscribe() -> Vec<u8> {
    let mut body = PACKET_ID.to_be_bytes().to_vec();
    body.push(0);
    for filter in FILTERS {
        text(&mut body, filter);
        body.push(1);
    }
    framed(0x82, &body)
}

/// 40 % bare, 30 % full PUBLISH, 20 % PUBACK, 3 % each of PUBREC, PUBREL and PUBCOMP, 1 % PINGRESP, well mixed: 37 steps
/// through every residue of 100.
fn stream() -> Vec<u8> {
    let (full, bare, puback) = (publish(), bare(), ack(0x40));
    let (pubrec, pubrel, pubcomp) = (ack(0x50), ack(0x62), ack(0x70));
    let pingresp = framed(0xD0, &[]);
    let mut bytes = Vec::new();
    for index in 0..Workload::Stream.packets() {
        bytes.extend(match index * 37 % 100 {
            0..40 => &bare,
            40..70 => &full,
            70..90 => &puback,
            90..93 => &pubrec,
            93..96 => &pubrel,
            96..99 => &pubcomp,
            _ => &pingresp,
        });
    }
    bytes
}

fn framed(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    variable(&mut packet, body.len());
    packet.extend(body);
    packet
}

fn variable(bytes: &mut Vec<u8>, mut value: usize) {
    while value > 127 {
        bytes.push((value % 128) as u8 | 0x80);
        value /= 128;
    }
    bytes.push(value as u8);
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    binary(bytes, text.as_bytes());
}

fn binary(bytes: &mut Vec<u8>, data: &[u8]) {
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workloads_have_the_sizes_that_they_are_described_by() {
        let sizes = Workload::ALL.map(|workload| workload.bytes().len());
        println!("{sizes:?}");
        assert_eq!((BARE_TOPIC.len(), command().len(), large_payload().len()), (20, 256, 65_536));
    }
}
