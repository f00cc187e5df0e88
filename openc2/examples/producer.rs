//! A Producer of one's own, which tells a firewall what to deny: `cargo run -p openc2-mqtt --example producer -- 127.0.0.1:1883`.

use core::error::Error;
use core::time::Duration;
use std::time::UNIX_EPOCH;

use mqtt5_blocking::{Clock, Connection, connect};
use mqtt5_session::{Client, Inbox, Inline};
use openc2_mqtt::producer::{Producer, ProducerMemory, ProducerPolicy, Request};
use openc2_mqtt::transfer::Connecting;
use openc2_mqtt::{Action, Call, Command, Ipv4Net, Status, Target};

/// Has one device deny a network; `None` if it doesn't answer within five seconds.
pub fn deny(broker: &str, device: &str, net: Ipv4Net) -> Result<Option<Status>, Box<dyn Error>> {
    let (mut bytes, mut buffer, mut random, clock) = ([0; 16_384], [0; 4_096], [0; 16], Clock::start());
    getrandom::fill(&mut random)?;
    let (mut client, mut inbox) = (Client::new(Inline::<16, 16_384>::new()), Inbox::new(&mut bytes));
    let producer = Producer::new("soc@example.com", ProducerPolicy::default(), ProducerMemory::<4, 16>::new());
    let (mut call, utc) = (Call::new(producer, &mut buffer), Some(UNIX_EPOCH.elapsed()?.as_millis() as u64));
    let request = Request::to_device(device, Command::new(Action::Deny, Target::Ipv4Net(net)), 5_000);

    let mut connection = Connection::new(connect(broker, Duration::from_secs(5))?, clock)?;
    Connecting::new("soc", 0)?.connect(&mut client, &mut inbox, clock.now())?;
    let until = Some(clock.now().after(5_000));
    let status = connection.drive(&mut client, &mut inbox, until, |event, client| {
        call.ask(&request, random, &event, client, clock.now(), utc, |from, response| {
            println!("{from}: {}", response.status)
        })
    })?;
    Ok(status.transpose()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let broker = std::env::args().nth(1).unwrap_or("127.0.0.1:1883".into());
    let net = Ipv4Net::parse("198.51.100.0/24").ok_or("no network")?;
    if deny(&broker, "firewall7", net)?.is_none() {
        println!("firewall7 does not answer");
    }
    Ok(())
}
