//! A Producer and a Consumer to try other implementations with: `tests/otupy.sh` runs both against otupy.
//!
//!     peer consumer BROKER                       a packet filter that denies what it is told and prints it
//!     peer producer BROKER DEVICE ENCODING STRUCTURE
//!                                                asks a device what it can do, then to deny; ENCODING is json or cbor,
//!                                                STRUCTURE wrapper or record

use core::error::Error;
use core::ops::ControlFlow::{Break, Continue};
use core::time::Duration;
use std::time::UNIX_EPOCH;

use mqtt5_blocking::{Clock, Connection, connect};
use mqtt5_session::{Client, Inbox, Inline};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration};
use openc2_mqtt::producer::{Producer, ProducerMemory, ProducerPolicy, Request};
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::{ClientId, Connecting};
use openc2_mqtt::{
    Action, Call, Command, Encoding, Feature, Features, Ipv4Net, Pair, Response, Serve, Served, Status, Structure,
    Target, Texts,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn utc() -> Option<u64> {
    UNIX_EPOCH.elapsed().ok().map(|since| since.as_millis() as u64)
}

fn random() -> Outcome<[u8; 16]> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    Ok(random)
}

/// A packet filter, until it is killed or loses its connection.
pub fn consumer(broker: &str) -> Outcome<()> {
    let pairs = [
        Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "ipv4_connection"]) },
        Pair { action: Action::Delete, targets: Texts::from(&["slpf:rule_number"]) },
    ];
    let declaration = Declaration::new("firewall7@example.com", "firewall7", &slpf::PROFILES, &pairs);
    let memory = ConsumerMemory::<64, 16_384>::new();
    let (mut bytes, mut buffer, clock) = ([0; 16_384], [0; 4_096], Clock::start());
    let (mut client, mut inbox) = (Client::new(Inline::<16, 16_384>::new()), Inbox::new(&mut bytes));
    let mut serve = Serve::new(Consumer::new(declaration, ConsumerPolicy::default(), memory), &mut buffer);
    let mut connection = Connection::new(connect(broker, Duration::from_secs(5))?, clock)?;
    let id = ClientId::from_random(random()?);
    Connecting::new(id.as_str(), 0)?.connect(&mut client, &mut inbox, clock.now())?;
    let failed = connection.drive(&mut client, &mut inbox, None, |event, client| {
        let served = serve.handle(&event, client, clock.now(), utc());
        let answered = served.map(|served| match served {
            Served::Ready => println!("ready"),
            Served::Command { ticket, command, verdict, .. } => {
                println!("{} {:?} {:?}", command.action, command.target, verdict.violations);
                if let Err(why) = serve.respond(ticket, &Response::new(Status::Ok), client, clock.now(), utc()) {
                    println!("unanswered: {why}");
                }
            }
            Served::Answered { status, error, verdict } => {
                println!("answered {status} {:?} {:?}", error.map(|error| error.to_string()), verdict.violations);
            }
            Served::Ignored { why, verdict } => println!("ignored {why:?} {:?}", verdict.violations),
            Served::Unanswered { why, .. } => println!("unanswered: {why}"),
            _ => {}
        });
        answered.map_or_else(Break, Continue)
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Asks one thing after the other, and prints each answer.
fn producer(broker: &str, device: &str, encoding: Encoding, structure: Structure) -> Outcome<()> {
    let net = Ipv4Net::parse("198.51.100.0/24").ok_or("no network")?;
    let features = Features::new(&[Feature::Versions, Feature::Profiles, Feature::Pairs]);
    let specifiers = slpf::Specifiers::default();
    for (says, mut command) in [
        ("query features", Command::new(Action::Query, Target::Features(features))),
        ("deny ipv4_net", Command::new(Action::Deny, Target::Ipv4Net(net))),
        ("delete slpf:rule_number", Command::new(Action::Delete, slpf::rule_number(7))),
    ] {
        command.actuator = Some(specifiers.actuator());
        let policy = ProducerPolicy { encoding, structure, ..ProducerPolicy::default() };
        let producer = Producer::new("soc", policy, ProducerMemory::<4, 16>::new());
        let (mut bytes, mut buffer, random, clock) = ([0; 16_384], [0; 4_096], random()?, Clock::start());
        let (mut client, mut inbox) = (Client::new(Inline::<16, 16_384>::new()), Inbox::new(&mut bytes));
        let mut call = Call::new(producer, &mut buffer);
        let request = Request::to_device(device, command, 5_000);
        let mut connection = Connection::new(connect(broker, Duration::from_secs(5))?, clock)?;
        let id = ClientId::from_random(random);
        Connecting::new(id.as_str(), 0)?.connect(&mut client, &mut inbox, clock.now())?;
        let until = Some(clock.now().after(5_000));
        let end = connection.drive(&mut client, &mut inbox, until, |event, client| {
            call.ask(&request, random, &event, client, clock.now(), utc(), |from, response| {
                let profiles = response.results.profiles.map(|profiles| format!(" {profiles:?}")).unwrap_or_default();
                println!("{says}: {from} {}{profiles}", response.status);
            })
        })?;
        match end {
            Some(Ok(_)) => {}
            Some(Err(error)) => println!("{says}: {error}"),
            None => println!("{says}: no answer"),
        }
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["consumer", broker] => consumer(broker),
        ["producer", broker, device, encoding, structure] => {
            let encoding = Encoding::from_name(encoding).ok_or("no such encoding")?;
            let structure = match structure {
                "wrapper" => Structure::Wrapper,
                "record" => Structure::Record,
                _ => return Err("no such structure".into()),
            };
            producer(broker, device, encoding, structure)
        }
        _ => Err("usage: peer consumer BROKER | peer producer BROKER DEVICE ENCODING STRUCTURE".into()),
    }
}
