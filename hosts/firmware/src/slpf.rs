//! What a Consumer of packet filtering does in the script that is measured: it connects, subscribes, answers `query features`,
//! and carries out deny, allow and delete, one of them sent twice. Packets come through the session and go out through it;
//! the server's part is canned. Each step says whether it went well.

use core::hint::black_box;

use mqtt5_codec::{Delivery, PacketId, Publish, Sender, Topic, TopicRef};
use mqtt5_session::{Client, ConnectOptions, Event, Inbox, Input, Instant, Prior, Transmit};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration, Reaction};
use openc2_mqtt::profile::Hooks;
use openc2_mqtt::transfer::{
    Connecting, MessageType, Outgoing, Quality, Received, Scheme, publish_properties, subscriptions,
};
use openc2_mqtt::{Action, Encoding, Pair, Response, Status, Texts, slpf};

/// Four exchanges each way; packets that wait find 1 KiB.
pub type SessionMemory = mqtt5_session::Inline<4, 1024>;
/// Four requests remembered, 256 bytes for each with its response.
pub type Memory = ConsumerMemory<4, 1024>;

const NOW: Instant = Instant::from_millis(1_000);
const UTC: Option<u64> = Some(1_700_000_000_000);

/// The commands, as a Producer sends them, and the status of the response to each.
pub const COMMANDS: [(&str, Status); 5] = [
    (
        r#"{"headers":{"request_id":"d1ac0489-ed51-4345-9175-f3078f30afe5","created":1610483630000,"from":"p1@example.com"},"body":{"openc2":{"request":{"action":"query","target":{"features":["versions","profiles","pairs","rate_limit"]}}}}}"#,
        Status::Ok,
    ),
    (
        r#"{"headers":{"request_id":"d1ac0489-ed51-4345-9175-f3078f30afe6","from":"p1@example.com"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_connection":{"src_addr":"1.2.3.4","src_port":10996,"dst_addr":"198.2.3.4","dst_port":80,"protocol":"tcp"}},"args":{"start_time":1534775460000,"response_requested":"complete","slpf":{"drop_process":"none"}},"actuator":{"slpf":{"asset_id":"30"}}}}}}"#,
        Status::Ok,
    ),
    (
        r#"{"headers":{"request_id":"d1ac0489-ed51-4345-9175-f3078f30afe7","from":"p1@example.com"},"body":{"openc2":{"request":{"action":"allow","target":{"ipv6_net":"3ffe:1900:4545:3::/64"},"args":{"slpf":{"direction":"ingress"}}}}}}"#,
        Status::Ok,
    ),
    (
        r#"{"headers":{"request_id":"d1ac0489-ed51-4345-9175-f3078f30afe8","from":"p1@example.com"},"body":{"openc2":{"request":{"action":"delete","target":{"slpf:rule_number":1234}}}}}"#,
        Status::InternalError,
    ),
    (
        r#"{"headers":{"request_id":"d1ac0489-ed51-4345-9175-f3078f30afe9","from":"p1@example.com"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"1.2.3.400"}}}}}"#,
        Status::BadRequest,
    ),
];

/// The pairs of packet filtering (SLPF s2.3).
pub fn pairs() -> [Pair<'static>; 3] {
    const NETS: [&str; 4] = ["ipv4_net", "ipv6_net", "ipv4_connection", "ipv6_connection"];
    [
        Pair { action: Action::Deny, targets: Texts::from(&NETS) },
        Pair { action: Action::Allow, targets: Texts::from(&NETS) },
        Pair { action: Action::Delete, targets: Texts::from(&["slpf:rule_number"]) },
    ]
}

/// The packet filter by its asset number, which the commands name.
const HOOKS: Hooks<'static> = Hooks::new(&[&slpf::Identity { asset_ids: &["30"], ..slpf::Identity::NOBODY }]);

/// What the Consumer is.
pub fn declaration<'d>(pairs: &'d [Pair<'d>]) -> Declaration<'d> {
    let mut declaration = Declaration::new("c1@example.com", "device-7", &slpf::PROFILES, pairs);
    declaration.hooks = HOOKS;
    declaration
}

/// Its policy: the default.
pub fn policy() -> ConsumerPolicy<'static> {
    ConsumerPolicy::default()
}

/// The session and the Consumer, and the one buffer for what goes out.
pub struct Device<'d> {
    pub client: Client<SessionMemory>,
    pub consumer: Consumer<'d, Memory>,
    pub out: [u8; 768],
}

impl<'d> Device<'d> {
    /// Nothing has happened yet.
    pub fn new(declaration: Declaration<'d>) -> Self {
        let consumer = Consumer::new(declaration, policy(), Memory::new());
        Self { client: Client::new(SessionMemory::new()), consumer, out: [0; 768] }
    }

    /// CONNECT as CS01 s3.1 has it, and the subscriptions.
    #[inline(never)]
    pub fn begin(&mut self, inbox: &mut Inbox<'_>) -> bool {
        let Ok(connecting) = Connecting::new(black_box("device7"), 3_600) else {
            return false;
        };
        let properties = connecting.properties();
        let mut connect = ConnectOptions::resume(connecting.client_id, Prior::Empty);
        connect.packet = connecting.packet(properties.as_properties());
        if self.client.connect(&connect, inbox, NOW).is_err() || drain(&mut self.client) == 0 {
            return false;
        }
        if !feed(inbox, b"\x20\x03\x00\x00\x00")
            || !matches!(self.client.handle_input(inbox, NOW), Ok(Input::Event(Event::Connected(_))))
        {
            return false;
        }
        let scheme = Scheme::default();
        let channels = self.consumer.channels();
        let Ok(list) = subscriptions::<3>(channels, &scheme, Quality::ExactlyOnce, &mut self.out) else { return false };
        self.client.subscribe(&list, mqtt5_codec::Properties::EMPTY).is_ok()
            && drain(&mut self.client) > 0
            && feed(inbox, b"\x90\x06\x00\x01\x00\x02\x02\x02")
            && matches!(self.client.handle_input(inbox, NOW), Ok(Input::Event(Event::Subscribed(_))))
    }

    /// One command, which is in the inbox: carried out at once, answered, the message acknowledged, and the response written.
    /// Gives its status.
    #[inline(never)]
    pub fn step(&mut self, inbox: &mut Inbox<'_>) -> Option<Status> {
        let Ok(Input::Event(Event::Message(incoming))) = self.client.handle_input(inbox, NOW) else { return None };
        let received = Received::from(&incoming);
        let (reply, status) = match self.consumer.handle(&received, NOW, UTC, &mut self.out).ok()? {
            Reaction::Reply { reply, status, .. } => (reply, status),
            Reaction::Execute { ticket, command, .. } => {
                let response = carry_out(&command);
                let reply = self.consumer.respond(ticket, &response, NOW, UTC, &mut self.out).ok()??;
                (reply, response.status)
            }
            _ => return None,
        };
        publish(&mut self.client, &reply)?;
        self.client.handled();
        (drain(&mut self.client) > 0).then_some(status)
    }

    /// The server acknowledges our last response.
    pub fn acknowledged(&mut self, inbox: &mut Inbox<'_>, id: u8) -> bool {
        feed(inbox, &[0x40, 0x02, 0x00, id])
            && matches!(self.client.handle_input(inbox, NOW), Ok(Input::Event(Event::Published(_))))
    }
}

/// Writes all that waits; gives the number of bytes.
fn drain(client: &mut Client<SessionMemory>) -> usize {
    let mut written = 0usize;
    while let Some(Transmit::Bytes(bytes)) = client.poll_transmit() {
        let n = black_box(bytes).len();
        client.transmitted(n, NOW);
        written = written.wrapping_add(n);
    }
    written
}

fn publish(client: &mut Client<SessionMemory>, reply: &Outgoing<'_>) -> Option<()> {
    client.publish(&reply.message()).ok().map(drop)
}

/// The packet filter itself, which has one rule.
fn carry_out(command: &openc2_mqtt::Command<'_>) -> Response<'static> {
    match slpf::rule_number_of(&command.target) {
        Some(number) if number != 7 => {
            let refusal = slpf::NOT_REMOVED;
            Response::with_text(refusal.status, refusal.text)
        }
        _ => {
            black_box(command);
            Response::new(Status::Ok)
        }
    }
}

/// The PUBLISH of a command, as the server sends it; its length.
pub fn packet(json: &str, id: u16, bytes: &mut [u8]) -> Option<usize> {
    let properties = publish_properties(MessageType::Request, Encoding::Json, None);
    let publish = Publish {
        topic: TopicRef::Name(Topic::new(black_box("oc2/cmd/ap/slpf")).ok()?),
        delivery: Delivery::AtLeastOnce { id: PacketId::new(id)?, dup: false },
        retain: false,
        properties: properties.as_properties(),
        payload: json.as_bytes(),
    };
    publish.encode(Sender::Server, bytes).ok()
}

/// The server's bytes arrive.
pub fn feed(inbox: &mut Inbox<'_>, bytes: &[u8]) -> bool {
    let spare = inbox.spare();
    if spare.len() < bytes.len() {
        return false;
    }
    spare.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    inbox.filled(bytes.len());
    true
}
