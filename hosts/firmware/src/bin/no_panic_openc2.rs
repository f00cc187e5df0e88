//! The proof for OpenC2, as `no_panic` has it for codec and session: every public function of `openc2-mqtt`, every rule's and
//! clause's words, and the decoding of a caller's types by serde and minicbor. It isn't run.
//!
//! `Debug` is left out here too. What a caller's own type does beyond its derive is the caller's to prove; those here are what
//! a profile is likely to use.
#![no_std]
#![no_main]

use core::fmt::Write;
use core::hint::black_box;

use firmware::calls;
use firmware::machine::{entry, exit, unlinkable};
use firmware::opaque::{Paper, bytes, now, plain, room, utc};
use mqtt5_codec::{Properties, QoS, Topic};
use mqtt5_session::{Event, Inbox, Input};
use openc2_mqtt::consumer::{
    Answering, Breaches, Broadcast, Consumer, ConsumerMemory, ConsumerPolicy, Declaration, OnBreach, Reaction,
};
use openc2_mqtt::producer::{Expect, Heard, OwnTopic, Producer, ProducerMemory, ProducerPolicy, Request, NotCounted};
use openc2_mqtt::transfer::*;
use openc2_mqtt::*;

#[allow(dead_code)]
#[path = "../../../../openc2/examples/profiles/lamp.rs"]
mod lamp;
#[allow(dead_code)]
#[path = "../../../../openc2/examples/profiles/pf.rs"]
mod pf;

/// Packet filtering, and profiles of anyone's own.
static PROFILES: profile::Profiles = profile::Profiles::new(&[&slpf::Slpf, &pf::Pf, &lamp::Lamps]);

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unlinkable()
}

#[entry]
fn main() -> ! {
    words();
    values();
    raw();
    documents();
    packet_filtering();
    on_mqtt();
    a_consumer();
    a_producer();
    on_a_session();
    #[cfg(feature = "control")]
    calls! { bytes()[black_box(7)]; }
    exit(0)
}

fn encoding() -> Encoding {
    black_box(Encoding::Json)
}

fn style() -> Style {
    Style::new(black_box(Form::Concise), black_box(Language::V2_0)).with_profiles(black_box(&PROFILES))
}

fn reading() -> Reading {
    let language = black_box(Language::V1_0);
    let base = if black_box(true) { Reading::lenient(language) } else { Reading::strict(language) };
    Reading { depth: black_box(4), size: black_box(1024), profiles: black_box(&PROFILES), ..base }
}

fn text() -> Str<'static> {
    Str::from(plain())
}

/// What the tables say.
fn words() {
    for rule in LanguageRule::ALL {
        calls! { rule.section(); rule.meaning(); write!(Paper, "{rule}"); }
    }
    for clause in Clause::ALL {
        calls! { clause.section(); clause.meaning(); write!(Paper, "{clause}"); }
    }
    for quirk in Quirk::ALL {
        calls! { quirk.name(); }
    }
    for status in Status::ALL {
        calls! { status.code(); status.name(); status.is_interim(); write!(Paper, "{status}"); }
    }
    calls! { Status::from_code(black_box(0)); MessageType::from_name(plain()); Encoding::from_name(plain()); Encoding::sniff(bytes()); }
    macro_rules! vocabulary {
        ($($table:ident)*) => {$(
            for entry in $table::ALL {
                calls! { entry.name(); entry.id(); write!(Paper, "{entry}"); }
            }
            calls! { $table::from_name(plain()); $table::from_id(black_box(0)); }
        )*};
    }
    use slpf::{Direction, DropProcess};
    vocabulary! { Action TargetKind Feature Protocol ResponseType RegisteredProfile DropProcess Direction }
}

fn values() {
    calls! {
        text().as_plain(); text().is_empty(); text().chars().count(); text().len(); text().read(room());
        text() == black_box(text()); text() == *plain(); write!(Paper, "{}", text());
        Number::new(black_box(0), black_box(0)).map(|number| (number.to_f64(), number.integer()));
        Number::from_f64(black_box(0.0)); Number::from(black_box(0u32));
        Binary::new(bytes()).len(); MacAddr::parse(plain()); MacAddr::eui48(black_box([0; 6])).octets(); MacAddr::eui64(black_box([0; 8]));
        producer::uuid(black_box([0; 16])); ClientId::from_random(black_box([0; 16])).as_str(); ClientId::parse(plain()); Layout::from_name(plain()).map(Layout::name);
        KeepAlive::from_seconds(black_box(0)).map(KeepAlive::seconds);
    }
    if let Some(mac) = MacAddr::parse(plain()) {
        calls! { write!(Paper, "{mac}"); }
    }
    for binary in
        [Some(Binary::new(bytes())), Binary::from_hex(text()), Binary::from_base64(text())].into_iter().flatten()
    {
        calls! { binary.len(); binary.is_empty(); binary == black_box(binary); }
        for byte in binary.iter() {
            calls! { byte; }
        }
    }
    if let Some(net) = Ipv4Net::parse(plain()).or(Ipv4Net::new(black_box([0; 4].into()), black_box(0))) {
        calls! { net.prefix(); net == Ipv4Net::host(black_box([0; 4].into())); write!(Paper, "{net}"); }
    }
    if let Some(net) = Ipv6Net::parse(plain()).or(Ipv6Net::new(black_box([0; 16].into()), black_box(0))) {
        calls! { net.prefix(); net == Ipv6Net::host(black_box([0; 16].into())); write!(Paper, "{net}"); }
    }
    let features = Features::new(black_box(&[]));
    calls! { features.contains(black_box(Feature::Pairs)); features.iter().count(); }
    texts(Texts::from(black_box(&[""][..])));
    let list = [Pair { action: black_box(Action::Deny), targets: Texts::EMPTY }];
    pairs(Pairs::from(black_box(&list[..])));
    pairs(Pairs::with_query_features(black_box(&list[..])));
}

fn texts(texts: Texts<'_>) {
    calls! { texts.len(); texts.is_empty(); texts.contains(plain()); texts == black_box(texts); }
    for text in texts {
        calls! { text; }
    }
}

fn pairs(pairs: Pairs<'_>) {
    calls! { pairs.contains(black_box(Action::Deny), plain()); pairs == black_box(pairs); }
    for pair in pairs.iter() {
        texts(pair.targets);
    }
}

/// What a profile that isn't known here may be made of.
#[derive(serde::Deserialize)]
struct Door<'a> {
    #[serde(borrow)]
    name: &'a str,
    open: Option<bool>,
    floor: i16,
    weight: f32,
    state: State,
}

#[derive(serde::Deserialize)]
enum State {
    Locked,
    Unlocked,
}

fn raw() {
    for raw in [Raw::from_json(plain()), Raw::from_cbor(bytes())].into_iter().flatten() {
        raw_value(raw);
    }
}

fn raw_value(raw: Raw<'_>) {
    calls! {
        raw.form(); raw.as_json(); raw.as_cbor();
        raw.to_serde::<Door<'_>>().map(|door| (door.name.len(), door.open, door.floor, door.weight, matches!(door.state, State::Locked | State::Unlocked)));
        raw.to_serde::<(u64, bool)>(); raw.to_serde::<&str>(); raw.to_serde::<Option<f64>>();
        raw.to_minicbor::<&str>(); raw.to_minicbor::<u64>(); raw.to_minicbor::<Option<i32>>(); raw.to_minicbor::<(bool, f64)>();
        raw.to_minicbor::<&minicbor::bytes::ByteSlice>();
    }
    if let Err(error) = raw.to_serde::<Door<'_>>() {
        calls! { error.why(); error.why().meaning(); error.at(); error.path().as_str(); write!(Paper, "{error}"); }
    }
}

fn documents() {
    let reading = reading();
    match reading.document(encoding(), bytes()) {
        Ok(read) => {
            let document = read.map(|document| document).value;
            calls! { document.kind(); document.encode(style(), room()); DocumentKind::of(encoding(), bytes()); }
            match &document {
                Document::Message(message) => a_message(message),
                Document::Command(command) => a_command(command),
                Document::Response(response) => a_response(response),
            }
            for quirk in read.quirks.union(Quirks::NONE).iter() {
                calls! { read.quirks.contains(quirk); read.quirks.is_empty(); }
            }
        }
        Err(error) => calls! { error.path.as_str(); error.at; write!(Paper, "{error} {}", error.path); },
    }
    calls! { reading.message(encoding(), bytes()).is_ok(); reading.response(encoding(), bytes()).is_ok(); Reading::default(); }
}

fn a_message(message: &Message<'_>) {
    calls! { message.encode(encoding(), room()); message.content.message_type(); message.headers.is_for(plain()); }
    if let Err(error) = Message::new(message.headers, message.content).encode(style(), room()) {
        calls! { write!(Paper, "{error}"); }
    }
    if let Some(to) = message.headers.to {
        texts(to);
    }
    match &message.content {
        Content::Request(command) => a_command(command),
        Content::Response(response) => a_response(response),
        Content::Notification(raw) => raw_value(*raw),
    }
}

fn a_command(command: &Command<'_>) {
    calls! {
        command.encode(style(), room()); command.args.is_empty(); command.args.response(); command.args.interval(black_box(0));
        command.target.kind(); command.target.is_named(plain()); slpf::check(command); slpf::Args::of(command);
        slpf::Specifiers::of(command); slpf::rule_number_of(&command.target);
        command.is_for(plain()); command.target.extension(plain(), plain()); PROFILES.get(text()); pf::Args::of(command);
        pf::Connection::of(&command.target); lamp::Light::wanted(command); lamp::Which::of(&command.target);
    }
    extensions(command.args.extensions);
    match command.target {
        Target::Artifact(artifact) => calls! { artifact; artifact.hashes == black_box(artifact.hashes); },
        Target::Process(process) => {
            if let Some(parent) = process.parent {
                calls! { parent.process(); parent == black_box(parent); Parent::from_pid(black_box(0)); }
            }
        }
        Target::Properties(list) => texts(list),
        Target::Extension { value, .. } => value.as_raw().into_iter().for_each(raw_value),
        ref other => calls! { other; },
    }
}

fn extensions(extensions: Extensions<'_>) {
    calls! { extensions.is_empty(); extensions.get(plain()); }
    for extension in extensions.iter() {
        if let Some(raw) = extension.value.as_raw() {
            raw_value(raw);
        }
    }
}

fn a_response(response: &Response<'_>) {
    calls! {
        response.encode(style(), room()); response.results.is_empty(); slpf::Results::of(response); pf::Results::of(response);
        lamp::Light::told(response);
        Response::with_text(response.status, plain()).encode(style(), room());
    }
    response.results.versions.into_iter().chain(response.results.profiles).for_each(texts);
    response.results.pairs.into_iter().for_each(pairs);
    extensions(response.results.extensions);
}

/// Commands and responses of the caller's own making.
fn packet_filtering() {
    let args = slpf::Args { insert_rule: black_box(None), persistent: black_box(None), ..slpf::Args::default() };
    let list = [args.extension()];
    let mut command = Command::new(black_box(Action::Deny), slpf::rule_number(black_box(0)));
    command.args.extensions = Extensions::from(black_box(&list[..]));
    let specifiers = slpf::Specifiers {
        hostname: Some(text()),
        asset_tuple: Some(Texts::from(black_box(&[""][..]))),
        ..slpf::Specifiers::default()
    };
    command.actuator = Some(specifiers.actuator());
    let connection = pf::Connection { application: black_box(None), ..pf::Connection::within(text()) };
    let (light, which) = (lamp::Light { level: black_box(0) }, lamp::Which { name: text() });
    for target in [connection.target(), which.target(), pf::rule_number(black_box(0))] {
        a_command(black_box(&Command::new(black_box(Action::Deny), target)));
    }
    extensions(Extensions::from(black_box(&[light.extension(), pf::Args::default().extension()][..])));
    a_command(black_box(&command));
    let results = slpf::Results { rule_number: black_box(Some(0)) };
    let list = [results.extension()];
    let mut response = Response::new(Status::Ok);
    response.results.extensions = Extensions::from(black_box(&list[..]));
    a_response(black_box(&response));
}

fn scheme() -> Scheme<'static> {
    Scheme { layout: black_box(Layout::Wd01), prefix: black_box(None) }
}

fn channel() -> Channel<'static> {
    black_box(Channel::All)
}

fn on_mqtt() {
    match channel().write(&scheme(), room()) {
        Ok((topic, rest)) => calls! { topic; rest; },
        Err(error) => calls! { write!(Paper, "{error}"); },
    }
    calls! { channel().is_command(); Channel::read(&scheme(), plain()); options(black_box(Quality::ExactlyOnce)); }
    if let Ok(list) = subscriptions::<4>([channel(), channel()], &scheme(), black_box(Quality::AtLeastOnce), room()) {
        for chunk in chunks(&list, black_box(0)) {
            calls! { chunk; }
        }
    }
    if let Ok(connecting) = Connecting::new(plain(), black_box(0)) {
        let properties = black_box(connecting).properties();
        calls! { connecting.packet(properties.as_properties()).encode(&mut room()); }
    }
    calls! { publish_properties(black_box(MessageType::Request), encoding(), black_box(None)).as_properties(); }
    if let Some(received) = received() {
        let verdict = check(&received, &scheme(), black_box(true));
        calls! { verdict.is_openc2(); verdict.violations.is_empty(); }
        for clause in verdict.violations.iter() {
            calls! { verdict.violations.contains(clause); }
        }
    }
    let mut client = mqtt5_session::Client::new(mqtt5_session::Inline::<2, 128>::new());
    let mut inbox = Inbox::new(room());
    if let Ok(Input::Event(Event::Message(incoming))) = client.handle_input(&mut inbox, now()) {
        calls! { Received::from(&incoming); }
    }
}

fn received() -> Option<Received<'static>> {
    let topic = Topic::new(plain()).ok()?;
    let (qos, retain) = (black_box(QoS::AtLeastOnce), black_box(false));
    Some(Received { topic, qos, retain, properties: black_box(Properties::EMPTY), payload: bytes() })
}

fn out(outgoing: &Outgoing<'_>) {
    calls! { outgoing.qos(); outgoing.message(); }
}

/// A hook that leaves everything as it is.
struct Own;

impl profile::Hook for Own {
    fn namespace(&self) -> &str {
        plain()
    }
}

fn notification(raw: Raw<'_>) -> Notification<'_> {
    Notification { encoding: encoding(), to: Texts::from(black_box(&[""][..])), ..Notification::new(channel(), raw) }
}

fn a_consumer() {
    let list = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }];
    let mut declaration = Declaration::new(plain(), plain(), black_box(&PROFILES), black_box(&list[..]));
    declaration.rate_limit = black_box(Some(1));
    declaration.device_type = black_box(None);
    let filter = slpf::Identity { asset_tuple: black_box(&[""]), ..slpf::Identity::NOBODY };
    let hooks: [&dyn profile::Hook; 2] = [&filter, &Own];
    declaration.hooks = profile::Hooks::new(black_box(&hooks));
    let policy = ConsumerPolicy {
        reading: reading(),
        scheme: scheme(),
        window: black_box(1),
        since: black_box(None),
        answering: black_box(Answering::Producer),
        foreign_profile: black_box(Broadcast::Ignore),
        share: black_box(Some(1)),
        breaches: black_box(Breaches::all(OnBreach::Execute)),
        authorize: black_box(None),
        ..ConsumerPolicy::default()
    };
    let mut memory = ConsumerMemory::<4, 512>::new();
    let mut machine = Consumer::new(declaration, policy, black_box(&mut memory));
    calls! { machine.declaration(); machine.policy(); machine.channels().count(); machine.running(); machine.find(plain(), plain()); }
    let Some(received) = received() else { return };
    match machine.handle(&received, now(), utc(), room()) {
        Ok(Reaction::Execute { ticket, command, reply, .. }) => {
            a_command(&command);
            reply.iter().for_each(out);
            if let Ok(Some(reply)) =
                machine.respond(ticket, &Response::new(black_box(Status::Ok)), now(), utc(), room())
            {
                out(&reply);
            }
            calls! { machine.abandon(ticket); }
        }
        Ok(Reaction::Reply { reply, .. }) => out(&reply),
        Ok(Reaction::Notification { content, .. }) => {
            raw_value(content);
            calls! { machine.notify(&notification(content), utc(), room()).is_ok(); }
        }
        Ok(other) => calls! { other; },
        Err(refused) => calls! { write!(Paper, "{refused}"); },
    }
    machine.unfinished(|ticket, from, id| calls! { (ticket, from, id); });
    calls! { machine.figures(now()); }
    if let Err(error) = machine.export(now(), utc(), room()) {
        calls! { write!(Paper, "{error}"); }
    }
    if let Err(error) = machine.import(bytes(), now(), utc()) {
        calls! { write!(Paper, "{error}"); }
    }
}

/// Both, joined to a session.
fn on_a_session() {
    let mut client = mqtt5_session::Client::new(mqtt5_session::Inline::<2, 128>::new());
    let mut inbox = Inbox::new(room());
    if let Ok(connecting) = Connecting::new(plain(), black_box(0)) {
        calls! { connecting.connect(&mut client, &mut inbox, now()).is_ok(); }
    }
    let declaration = Declaration::new(plain(), plain(), black_box(&PROFILES), &[]);
    let consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<2, 256>::new());
    let mut serve = Serve::new(consumer, room());
    let producer = Producer::new(plain(), ProducerPolicy::default(), ProducerMemory::<2, 2>::new());
    let mut call = Call::new(producer, room());
    let Ok(Input::Event(event)) = client.handle_input(&mut inbox, now()) else { return };
    match serve.handle(&event, &mut client, now(), utc()) {
        Ok(Served::Command { ticket, command, .. }) => {
            a_command(&command);
            calls! { serve.respond(ticket, &Response::new(black_box(Status::Ok)), &mut client, now(), utc()).is_ok(); }
        }
        Ok(Served::Notification { content, .. }) => {
            calls! { serve.notify(&notification(content), &mut client, utc()).is_ok(); }
        }
        Ok(other) => calls! { other; },
        Err(error) => calls! { write!(Paper, "{error}"); },
    }
    match call.handle(&event, &mut client, now()) {
        Ok(Called::Heard(Heard::Response { response, .. })) => a_response(&response),
        Ok(Called::Heard(Heard::Notification { content, .. })) => {
            calls! { call.notify(&notification(content), &mut client, utc()).is_ok(); }
        }
        Ok(other) => calls! { other; },
        Err(error) => calls! { write!(Paper, "{error}"); },
    }
    let command = Command::new(black_box(Action::Deny), slpf::rule_number(black_box(0)));
    let request = Request::to_device(plain(), command, black_box(0));
    calls! { call.request(&request, black_box([0; 16]), &mut client, now(), utc()).is_ok(); }
    calls! { call.ask(&request, black_box([0; 16]), &event, &mut client, now(), utc(), |from, response| calls! { (from, response.status); }).is_break(); }
    calls! { call.is_ready(); call.poll_timeout(); call.handle_timeout(now()); call.producer().policy(); serve.is_ready(); serve.consumer().policy(); }
}

fn a_producer() {
    let policy = ProducerPolicy {
        reading: reading(),
        encoding: encoding(),
        scheme: scheme(),
        own_topic: black_box(OwnTopic::Identity),
        ..ProducerPolicy::default()
    };
    let mut memory = ProducerMemory::<2, 8>::new();
    let mut machine = Producer::new(plain(), policy, black_box(&mut memory));
    calls! { machine.policy(); machine.channels().count(); machine.poll_timeout(); machine.handle_timeout(now()); }
    let features = Features::new(black_box(&[]));
    let mut request = if black_box(true) {
        Request::discover(features, black_box(0))
    } else {
        Request::discover_on(channel(), features, 0)
    };
    if let Ok(read) = reading().command(encoding(), bytes()) {
        request = Request::new(channel(), read.value, black_box(0));
    }
    request.expect = black_box(Expect::Each(&[""]));
    request.to = Texts::from(black_box(&[""][..]));
    calls! { machine.request(&request, black_box([0; 16]), now(), utc(), room()).is_ok(); }
    match machine.request_as(&request, plain(), now(), utc(), room()) {
        Ok((id, outgoing)) => {
            out(&outgoing);
            calls! { machine.cancel(id); machine.is_pending(id); machine.request_id(id).map(str::len); }
            machine.responders(id, |name, answer| calls! { (name, answer.status()); });
        }
        Err(refused) => calls! { write!(Paper, "{refused}"); },
    }
    if let Some(received) = received() {
        match machine.handle(&received, now()) {
            Heard::Response { response, .. } => a_response(&response),
            Heard::Malformed { error, .. } => calls! { write!(Paper, "{error}"); },
            Heard::Notification { content, .. } => {
                calls! { machine.notify(&notification(content), utc(), room()).is_ok(); }
            }
            Heard::Nothing { why: NotCounted::Malformed(error), .. } => calls! { write!(Paper, "{error}"); },
            other => calls! { other; },
        }
    }
    machine.requests(|id, name, pending| calls! { (id, name, pending); });
    calls! { machine.find(plain()); machine.export(now(), utc(), room()).is_ok(); machine.import(bytes(), now(), utc()).is_ok(); }
}
