//! A Consumer of one's own, which is told what to deny: `cargo run -p openc2-mqtt --example consumer -- 127.0.0.1:1883`.
//! (On an operational network TLS is required, CS01 appendix B; `Connection` takes any stream.)

use core::error::Error;
use core::ops::ControlFlow::{Break, Continue};
use core::time::Duration;
use std::time::UNIX_EPOCH;

use mqtt5_blocking::{Clock, Connection, connect};
use mqtt5_session::{Client, Inbox, Inline};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration};
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::Connecting;
use openc2_mqtt::{Action, Command, Pair, Response, Serve, Served, Status, Texts};

/// Carries out commands until the connection is lost.
pub fn serve(broker: &str, mut carry_out: impl FnMut(&Command<'_>) -> Status) -> Result<(), Box<dyn Error>> {
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "ipv6_net"]) }];
    let declaration = Declaration::new("firewall7@example.com", "firewall7", &slpf::PROFILES, &pairs);
    let memory = ConsumerMemory::<64, 16_384>::new();
    let (mut bytes, mut buffer, clock) = ([0; 16_384], [0; 4_096], Clock::start());
    let (mut client, mut inbox) = (Client::new(Inline::<16, 16_384>::new()), Inbox::new(&mut bytes));
    let mut serve = Serve::new(Consumer::new(declaration, ConsumerPolicy::default(), memory), &mut buffer);

    let mut connection = Connection::new(connect(broker, Duration::from_secs(5))?, clock)?;
    Connecting::new("firewall7", 3_600)?.connect(&mut client, &mut inbox, clock.now())?;
    let failed = connection.drive(&mut client, &mut inbox, None, |event, client| {
        let (now, utc) = (clock.now(), UNIX_EPOCH.elapsed().ok().map(|since| since.as_millis() as u64));
        let served = serve.handle(&event, client, now, utc).map(|served| match served {
            Served::Command { ticket, command, .. } => {
                serve.respond(ticket, &Response::new(carry_out(&command)), client, now, utc).err()
            }
            Served::Unanswered { why, .. } => Some(why),
            _ => None,
        });
        served
            .map(|lost| lost.into_iter().for_each(|why| eprintln!("not answered: {why}")))
            .map_or_else(Break, Continue)
    })?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn main() -> Result<(), Box<dyn Error>> {
    let broker = std::env::args().nth(1).unwrap_or("127.0.0.1:1883".into());
    serve(&broker, |command| {
        println!("deny {:?}", command.target);
        Status::Ok
    })
}
