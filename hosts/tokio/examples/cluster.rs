//! OpenC2 over a cluster of two brokers, which `tests/cluster.sh` starts: Producers on one node, Consumers on the other. Each command
//! names a network of its own, so that it shows who carried out what, and how often.
//!
//! `cluster NODE1 NODE2 COMMAND` checks, one after the other, that
//! - commands reach every Consumer across the nodes, and every answer comes back;
//! - a Consumer that moves to the other node finds its session there, and the command that came meanwhile;
//! - when NODE2 is killed by COMMAND in mid-exchange, its Consumers go to NODE1, take Session Present 0 as normal, subscribe anew, and
//!   are asked again under the same `request_id`: every request ends, and no command is carried out twice.
//!
//! `cluster --share BROKER` checks that the responses of several Producer processes may be shared between them: each request still ends
//! once, at the process that made it. `cluster --burst BROKER N` has N responses come at once, and says how much memory that took.

use core::error::Error;
use core::time::Duration;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant as Moment, UNIX_EPOCH};

use mqtt5_tokio::codec::Topic;
use mqtt5_tokio::{Backoff, Builder, Clock, Filters, Handle, HostEvent, Inbound, Messages, Options, Outbound};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration, Reaction};
use openc2_mqtt::producer::{Expect, Heard, NotCounted, Producer, ProducerMemory, ProducerPolicy, Request};
use openc2_mqtt::transfer::{Channel, Outgoing, Quality, Received, Scheme, publish_properties, subscriptions};
use openc2_mqtt::{
    Action, Command, Encoding, Features, Ipv4Net, MessageType, Pair, Reading, Response, Status, Target, Texts, slpf,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};

type Failure = Box<dyn Error + Send + Sync>;

/// How many Consumers there are.
const CONSUMERS: usize = 3;
/// How long a Producer waits before it asks again.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a request may take in all.
const LIMIT: Duration = Duration::from_secs(40);

/// What was carried out, by Consumer and command, and how often.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<BTreeMap<(String, String), u32>>>);

impl Record {
    fn carried_out(&self, who: &str, what: String) {
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *record.entry((who.to_owned(), what)).or_default() += 1;
    }

    fn counts(&self) -> Vec<u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }
}

/// What happened to a client's connections.
#[derive(Clone, Default)]
struct Connections(Arc<Mutex<(u32, u32)>>);

impl Connections {
    /// How many there were in all, and how many of them took up a session.
    fn counts(&self) -> (u32, u32) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that goes to the first of these nodes that takes it, in turn.
fn client(id: &str, nodes: &[&str]) -> Result<(Handle, Connections, UnboundedReceiver<Inbound>), Failure> {
    let mut options = Options::new(id);
    (options.clean_start, options.session_expiry, options.keep_alive) = (false, 3_600, 5);
    options.ping_timeout = Duration::from_secs(2);
    let [first, others @ ..] = nodes else { return Err("a node is wanted".into()) };
    let mut builder = Builder::new(first)?;
    for other in others {
        builder = builder.and(other)?;
    }
    let pauses = Backoff::jittered(Duration::from_millis(100), Duration::from_secs(1));
    let (client, mut events) = builder.options(options).reconnect(pauses).spawn();
    let connections = Connections::default();
    let counts = connections.clone();
    let (sender, strays) = unbounded_channel();
    let name = id.to_owned();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            match event {
                HostEvent::Connected(accepted) => {
                    let mut counts = counts.0.lock().unwrap_or_else(PoisonError::into_inner);
                    counts.0 += 1;
                    counts.1 += u32::from(accepted.resumed);
                }
                // For a subscription of an earlier process, whose session this is.
                HostEvent::Message(message) => drop(sender.send(message)),
                HostEvent::Ended(Some(error)) => eprintln!("{name} has ended: {error}"),
                _ => {}
            }
        }
    });
    Ok((client, connections, strays))
}

fn utc() -> Option<u64> {
    UNIX_EPOCH.elapsed().ok().and_then(|since| since.as_millis().try_into().ok())
}

fn received(message: &Inbound) -> Option<Received<'_>> {
    let publish = message.as_publish();
    let topic = Topic::new(message.topic()).ok()?;
    let (qos, retain) = (message.qos(), message.retain());
    Some(Received { topic, qos, retain, properties: publish.properties, payload: publish.payload })
}

async fn publish(client: &Handle, message: &Outgoing<'_>) -> Result<(), Failure> {
    drop(client.publish(Outbound::from(message.message())).await?);
    Ok(())
}

/// A Consumer's memory and language, without its connection: it outlives one, and knows what it carried out.
struct Actuator {
    name: String,
    consumer: Consumer<'static, ConsumerMemory<256, 65_536>>,
    clock: Clock,
    record: Record,
}

impl Actuator {
    fn new(name: &str, record: &Record) -> Self {
        // They live as long as the program.
        let leaked: &'static str = Box::leak(name.to_owned().into_boxed_str());
        let pairs: &'static [Pair<'static>] =
            Box::leak(Box::new([Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }]));
        let declaration = Declaration::new(leaked, leaked, &slpf::PROFILES, pairs);
        let consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::new());
        Self { name: name.to_owned(), consumer, clock: Clock::start(), record: record.clone() }
    }

    async fn subscribe(&self, client: &Handle) -> Result<Messages, Failure> {
        let mut buffer = [0; 1_024];
        let scheme = Scheme::default();
        let channels = subscriptions::<4>(self.consumer.channels(), &scheme, Quality::default(), &mut buffer)?;
        Ok(client.subscribe(channels.into_iter().collect::<Filters>()).await?)
    }

    /// Handles one message.
    async fn take(&mut self, message: &Inbound, client: &Handle) -> Result<(), Failure> {
        let mut buffer = [0; 4_096];
        let Some(received) = received(message) else { return Ok(()) };
        match self.consumer.handle(&received, self.clock.now(), utc(), &mut buffer)? {
            Reaction::Execute { ticket, command, reply, .. } => {
                self.record.carried_out(&self.name, format!("{:?}", command.target));
                if let Some(reply) = reply {
                    publish(client, &reply).await?;
                }
                let response = Response::new(Status::Ok);
                if let Some(reply) = self.consumer.respond(ticket, &response, self.clock.now(), utc(), &mut buffer)? {
                    publish(client, &reply).await?;
                }
            }
            Reaction::Reply { reply, .. } => publish(client, &reply).await?,
            _ => {}
        }
        Ok(())
    }

    async fn run(&mut self, client: &Handle, messages: &mut Messages) -> Result<(), Failure> {
        while let Some(message) = messages.next().await {
            self.take(&message, client).await?;
        }
        Ok(())
    }
}

/// A Producer's process: what it asked, as it went out, so that it can be asked again byte for byte.
struct Asker {
    name: &'static str,
    producer: Producer<'static, ProducerMemory<256, 1_024>>,
    client: Handle,
    responses: Messages,
    clock: Clock,
    /// Requests that are not over: the payload, and when it was published last.
    open: BTreeMap<String, (Vec<u8>, Moment)>,
    again: u32,
    done: u32,
    handed_over: u32,
}

impl Asker {
    /// A process that subscribes to what its Producer has to, or to other filters.
    async fn new(name: &'static str, nodes: &[&str], filters: Option<&[&str]>) -> Result<Self, Failure> {
        let (client, ..) = client(name, nodes)?;
        let producer = Producer::new(name, ProducerPolicy::default(), ProducerMemory::new());
        let mut buffer = [0; 256];
        let channels = subscriptions::<2>(producer.channels(), &Scheme::default(), Quality::default(), &mut buffer)?;
        let filters = match filters {
            None => channels.into_iter().collect::<Filters>(),
            Some(filters) => filters.iter().copied().collect(),
        };
        let responses = client.subscribe(filters).await?;
        let (clock, open) = (Clock::start(), BTreeMap::new());
        Ok(Self { name, producer, client, responses, clock, open, again: 0, done: 0, handed_over: 0 })
    }

    /// Asks all Consumers to deny a network, under an identifier that begins with the name of the process.
    async fn ask(&mut self, number: u16, consumers: u16) -> Result<(), Failure> {
        let mut buffer = [0; 2_048];
        let [high, low] = number.to_be_bytes();
        let net = Ipv4Net::parse(&format!("10.{high}.{low}.0/24")).ok_or("no network")?;
        let command = Command::new(Action::Deny, Target::Ipv4Net(net));
        let expect = Expect::Count(consumers);
        let request = Request { expect, ..Request::new(Channel::All, command, LIMIT.as_millis() as u64) };
        let id = format!("{}.{number}", self.name);
        let (_, message) = self.producer.request_as(&request, &id, self.clock.now(), utc(), &mut buffer)?;
        self.open.insert(id, (message.payload.to_vec(), Moment::now()));
        publish(&self.client, &message).await
    }

    /// Takes what comes, for so long at most; asks again what was not answered for a while.
    async fn turn(&mut self, wait: Duration) -> Result<(), Failure> {
        match tokio::time::timeout(wait, self.responses.next()).await {
            Ok(Some(message)) => self.heard(&message).await?,
            Ok(None) => return Err("the client has ended".into()),
            Err(_) => {}
        }
        for (payload, last) in self.open.values_mut().filter(|(_, last)| last.elapsed() > PATIENCE) {
            *last = Moment::now();
            self.again += 1;
            let mut buffer = [0; 64];
            let (topic, _) = Channel::All.write(&Scheme::default(), &mut buffer)?;
            let properties = publish_properties(MessageType::Request, Encoding::Json, None);
            publish(&self.client, &Outgoing { topic, quality: Quality::default(), properties, payload }).await?;
        }
        Ok(())
    }

    async fn until_done(&mut self) -> Result<(), Failure> {
        let end = Moment::now() + LIMIT;
        while !self.open.is_empty() {
            if Moment::now() > end {
                let open: Vec<_> = self.open.keys().take(5).collect();
                return Err(format!("{} requests of {} are not over: {open:?} …", self.open.len(), self.name).into());
            }
            self.turn(Duration::from_millis(200)).await?;
        }
        Ok(())
    }

    async fn heard(&mut self, message: &Inbound) -> Result<(), Failure> {
        let Some(received) = received(message) else { return Ok(()) };
        match self.producer.handle(&received, self.clock.now()) {
            Heard::Response { request, complete: true, .. } => {
                if let Some(id) = self.producer.request_id(request)
                    && self.open.remove(id).is_some()
                {
                    self.done += 1;
                }
            }
            Heard::Nothing { why: NotCounted::Foreign, .. } => self.hand_over(&received).await?,
            _ => {}
        }
        Ok(())
    }

    /// A response of another process goes to the topic of that process's Producer, byte for byte.
    async fn hand_over(&mut self, received: &Received<'_>) -> Result<(), Failure> {
        let read = Reading::default().message(Encoding::sniff(received.payload), received.payload);
        let Some(id) = read.ok().and_then(|read| read.value.headers.request_id) else { return Ok(()) };
        let (mut buffer, mut room) = ([0; 128], [0; 64]);
        let owner = id.read(&mut room).and_then(|id| id.split_once('.')).map(|(owner, _)| owner);
        if let Some(owner) = owner.filter(|owner| *owner != self.name) {
            let (topic, _) = Channel::ResponsesTo(owner).write(&Scheme::default(), &mut buffer)?;
            let properties = publish_properties(MessageType::Response, Encoding::Json, None);
            let payload = received.payload;
            publish(&self.client, &Outgoing { topic, quality: Quality::default(), properties, payload }).await?;
            self.handed_over += 1;
        }
        Ok(())
    }
}

fn must(holds: bool, what: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(what().into()) }
}

/// Two nodes, of which the second dies.
async fn two_nodes(first: &str, second: &str, kill: &str) -> Result<(), Failure> {
    let record = Record::default();
    let mut connections = Vec::new();
    for number in 0..CONSUMERS {
        let name = format!("consumer{number}");
        let (client, counts, _) = client(&name, &[second, first])?;
        connections.push(counts);
        let mut actuator = Actuator::new(&name, &record);
        let mut messages = actuator.subscribe(&client).await?;
        spawn_local(async move { actuator.run(&client, &mut messages).await });
    }
    let mut asker = Asker::new("soc", &[first, second], None).await?;
    let consumers = CONSUMERS as u16;

    let begin = Moment::now();
    for number in 0..100 {
        asker.ask(number, consumers).await?;
    }
    asker.until_done().await?;
    let counts = record.counts();
    must(counts.len() == 300 && counts.iter().all(|times| *times == 1), || format!("carried out: {counts:?}"))?;
    println!("across the nodes: 100 commands, 300 answers in {:?}, each carried out once", begin.elapsed());

    let mut mover = Actuator::new("mover", &record);
    let (client_before, ..) = client("mover", &[second])?;
    // Its subscription outlives it, unless it is taken back by dropping this while there is a connection.
    let subscribed = mover.subscribe(&client_before).await?;
    client_before.close(Duration::from_secs(5)).await?;
    drop((subscribed, client_before));
    asker.ask(1_000, consumers + 1).await?;
    // ejabberd 23.01 tells a session that moves within a second of its last connection that it was taken over, by itself.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (client_after, counts, mut strays) = client("mover", &[first])?;
    let stray = tokio::time::timeout(Duration::from_secs(10), strays.recv()).await?.ok_or("no events")?;
    mover.take(&stray, &client_after).await?;
    asker.until_done().await?;
    must(counts.counts() == (1, 1), || format!("the session did not move: {:?}", counts.counts()))?;
    println!("a session that moves: taken up on the other node, with the command that came meanwhile");
    client_after.close(Duration::from_secs(5)).await?;

    let (done, again) = (asker.done, asker.again);
    for number in 2_000..2_100 {
        asker.ask(number, consumers).await?;
        if number == 2_030 {
            let status = tokio::task::spawn_blocking({
                let kill = kill.to_owned();
                move || std::process::Command::new("sh").args(["-c", &kill]).status()
            });
            must(status.await??.success(), || "the command to kill the node failed".to_owned())?;
        }
        asker.turn(Duration::from_millis(5)).await?;
    }
    asker.until_done().await?;
    let counts: Vec<_> = connections.iter().map(Connections::counts).collect();
    must(counts.iter().all(|(all, resumed)| *all >= 2 && *resumed == 0), || format!("connections: {counts:?}"))?;
    let carried_out = record.counts();
    must(carried_out.iter().all(|times| *times == 1), || format!("carried out twice: {carried_out:?}"))?;
    println!(
        "a killed node: {} of 100 requests ended, {} messages asked again, none carried out twice; Session Present 0 at each",
        asker.done - done,
        asker.again - again,
    );
    Ok(())
}

/// Several processes of a Producer, which share what comes on `oc2/rsp`.
async fn share(broker: &str) -> Result<(), Failure> {
    const EACH: u16 = 50;
    let record = Record::default();
    for number in 0..CONSUMERS {
        let name = format!("consumer{number}");
        let (client, ..) = client(&name, &[broker])?;
        let mut actuator = Actuator::new(&name, &record);
        let mut messages = actuator.subscribe(&client).await?;
        spawn_local(async move { actuator.run(&client, &mut messages).await });
    }
    let mut askers = Vec::new();
    for (number, name) in (0u16..).zip(["soc-a", "soc-b", "soc-c"]) {
        let own = format!("oc2/rsp/{name}");
        let mut asker = Asker::new(name, &[broker], Some(&["$share/soc/oc2/rsp", &own])).await?;
        askers.push(spawn_local(async move {
            for at in 0..EACH {
                asker.ask(number * 1_000 + at, CONSUMERS as u16).await?;
            }
            // A process goes on for the others once its own requests are over.
            let end = Moment::now() + Duration::from_secs(5);
            asker.until_done().await?;
            while Moment::now() < end {
                asker.turn(Duration::from_millis(200)).await?;
            }
            Ok::<_, Failure>((asker.done, asker.handed_over, asker.again))
        }));
    }
    let mut handed_over = 0;
    for asker in askers {
        let (done, over, again) = asker.await??;
        must(done == u32::from(EACH) && again == 0, || format!("{done} requests ended, {again} were asked again"))?;
        handed_over += over;
    }
    must(handed_over > 0, || "nothing was handed over: the broker shares nothing".to_owned())?;
    must(record.counts().iter().all(|times| *times == 1), || "carried out twice".to_owned())?;
    println!(
        "shared responses: 3 processes, 150 requests, 450 answers of which {handed_over} were handed over; each ended once"
    );
    Ok(())
}

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0)
}

/// So many answers at once, to a Producer that takes its time. Its host holds a bounded part of them; the rest waits at the broker.
async fn burst(broker: &str, answers: u16) -> Result<(), Failure> {
    /// How many bytes of received messages the host holds.
    const HELD: usize = 256 << 10;
    let memory: &'static mut ProducerMemory<4, 20_000> = Box::leak(Box::new(ProducerMemory::new()));
    let mut producer = Producer::new("soc", ProducerPolicy::default(), memory);
    let mut options = Options::new("soc");
    (options.clean_start, options.session_expiry, options.receive_bytes) = (false, 3_600, HELD);
    let (client, _events) = Builder::new(broker)?.options(options).spawn();
    let mut responses = client.subscribe("oc2/rsp").await?;
    let (clock, mut buffer) = (Clock::start(), [0; 2_048]);
    let request = Request { expect: Expect::Count(answers), ..Request::discover(Features::NONE, 600_000) };
    let (_, message) = producer.request_as(&request, "soc.burst", clock.now(), utc(), &mut buffer)?;
    publish(&client, &message).await?;
    let (consumers, _events) = Builder::new(broker)?.options(Options::new("consumers")).spawn();
    let (before, begin) = (peak(), Moment::now());
    let mut acknowledged = None;
    for number in 0..answers {
        let payload = format!(
            r#"{{"headers":{{"request_id":"soc.burst","from":"consumer{number}@plant.example"}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#
        );
        let properties = publish_properties(MessageType::Response, Encoding::Json, None);
        let outgoing = Outgoing {
            topic: Topic::new("oc2/rsp")?,
            quality: Quality::default(),
            properties,
            payload: payload.as_bytes(),
        };
        acknowledged = Some(consumers.publish(Outbound::from(outgoing.message())).await?);
    }
    if let Some(acknowledged) = acknowledged {
        acknowledged.await;
    }
    let published = begin.elapsed();
    let mut complete = false;
    while !complete {
        let message = tokio::time::timeout(LIMIT, responses.next()).await?.ok_or("the client has ended")?;
        let Some(received) = received(&message) else { continue };
        complete = matches!(producer.handle(&received, clock.now()), Heard::Response { complete: true, .. });
    }
    let grown = peak().saturating_sub(before);
    must(grown < 8 << 10, || format!("{grown} KiB more at the peak"))?;
    println!(
        "a burst: {answers} answers published in {published:?}, all counted after {:?}; {grown} KiB more at the peak",
        begin.elapsed()
    );
    Ok(())
}

async fn run(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["--share", broker] => share(broker).await,
        ["--burst", broker, answers] => match answers.parse() {
            Ok(answers) if answers <= 20_000 => burst(broker, answers).await,
            _ => Err("up to 20000 answers are possible".into()),
        },
        [first, second, kill] => two_nodes(first, second, kill).await,
        _ => Err("cluster NODE1 NODE2 COMMAND | cluster --share BROKER | cluster --burst BROKER N".into()),
    }
}

/// Room for the memory of a Producer of 20,000 responders, which is made on the stack before it is kept elsewhere, in bytes.
const STACK: usize = 128 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let work = move || -> Result<(), Failure> {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(LocalSet::new().run_until(run(&arguments)))
    };
    let done = std::thread::Builder::new().stack_size(STACK).spawn(work).map(std::thread::JoinHandle::join);
    match done {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(error))) => {
            eprintln!("cluster: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::FAILURE,
    }
}
