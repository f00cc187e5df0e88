//! A Consumer and a Producer with a profile of their own, which no specification knows: a lamp, told how bright to shine. The
//! profile itself, typed, is in `profiles/lamp.rs`.
//!
//!     profile BROKER NAME                a lamp, until it is killed or loses its connection
//!     profile BROKER NAME LEVEL          sets that lamp, and says what it was before

use core::error::Error;
use core::ops::ControlFlow::{Break, Continue};
use core::time::Duration;
use std::time::UNIX_EPOCH;

use mqtt5_blocking::{Clock, Connection, connect};
use mqtt5_session::{Client, Inbox, Inline};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration};
use openc2_mqtt::producer::{Producer, ProducerMemory, ProducerPolicy, Request};
use openc2_mqtt::profile::Profiles;
use openc2_mqtt::transfer::Connecting;
use openc2_mqtt::{
    Action, Call, Command, Extension, ExtensionValue, Extensions, LanguageRule, Response, Serve, Served, Status, Str,
};

#[path = "profiles/lamp.rs"]
pub mod lamp;

use lamp::{Lamps, Light, NSID, Which};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What reading, writing and the Consumer are handed.
static PROFILES: Profiles = Profiles::new(&[&Lamps]);

/// Carries out commands until the connection is lost.
pub fn serve(broker: &str, name: &str, mut shine: impl FnMut(Light)) -> Outcome<()> {
    let (mut light, pairs) = (Light { level: 0 }, lamp::pairs());
    let declaration = Declaration::new(name, name, &PROFILES, &pairs);
    let memory = ConsumerMemory::<16, 4_096>::new();
    let (mut bytes, mut buffer, clock) = ([0; 4_096], [0; 2_048], Clock::start());
    let (mut client, mut inbox) = (Client::new(Inline::<8, 4_096>::new()), Inbox::new(&mut bytes));
    let mut serve = Serve::new(Consumer::new(declaration, ConsumerPolicy::default(), memory), &mut buffer);

    let mut connection = Connection::new(connect(broker, Duration::from_secs(5))?, clock)?;
    Connecting::new(name, 3_600)?.connect(&mut client, &mut inbox, clock.now())?;
    let failed = connection.drive(&mut client, &mut inbox, None, |event, client| {
        let (now, utc) = (clock.now(), UNIX_EPOCH.elapsed().ok().map(|since| since.as_millis() as u64));
        let mut handle = || -> Outcome<()> {
            let Served::Command { ticket, command, .. } = serve.handle(&event, client, now, utc)? else {
                return Ok(());
            };
            // What it was told was read as the profile has it: anything else has been refused already.
            let new = Light::wanted(&command)?;
            // The result is what it was before.
            let before = core::mem::replace(&mut light, new);
            let results = [before.extension()];
            let mut response = Response::new(Status::Ok);
            response.results.extensions = Extensions::from(&results[..]);
            shine(new);
            serve.respond(ticket, &response, client, now, utc)?;
            Ok(())
        };
        handle().map_or_else(Break, Continue)
    })?;
    failed.map_or(Ok(()), Err)
}

/// What a lamp answered: the status, its text, and how bright it was before.
pub type Answer = (Status, String, Option<Light>);

/// Has the lamp `name` of a device shine so; `None` if it doesn't answer within five seconds.
pub fn set(broker: &str, device: &str, name: &str, light: ExtensionValue<'_>) -> Outcome<Option<Answer>> {
    let which = Which { name: Str::new(name) };
    let args = [Extension { profile: Str::new(NSID), value: light }];
    let mut command = Command::new(Action::Set, which.target());
    command.actuator = Some(which.actuator());
    command.args.extensions = Extensions::from(&args[..]);
    let request = Request::to_device(device, command, 5_000);

    let (mut bytes, mut buffer, mut random, clock) = ([0; 4_096], [0; 2_048], [0; 16], Clock::start());
    getrandom::fill(&mut random)?;
    let (mut client, mut inbox) = (Client::new(Inline::<8, 4_096>::new()), Inbox::new(&mut bytes));
    let producer = Producer::new("switch", ProducerPolicy::default(), ProducerMemory::<1, 4>::new());
    let (mut call, utc) = (Call::new(producer, &mut buffer), Some(UNIX_EPOCH.elapsed()?.as_millis() as u64));
    let mut connection = Connection::new(connect(broker, Duration::from_secs(5))?, clock)?;
    Connecting::new("switch", 0)?.connect(&mut client, &mut inbox, clock.now())?;
    let (until, mut said) = (Some(clock.now().after(5_000)), Ok(None));
    let end = connection.drive(&mut client, &mut inbox, until, |event, client| {
        call.ask(&request, random, &event, client, clock.now(), utc, |_, response| said = answer(response))
    })?;
    end.transpose()?;
    Ok(said?)
}

/// Reads what a lamp answers.
fn answer(response: &Response<'_>) -> Result<Option<Answer>, LanguageRule> {
    let text = response.status_text.map(|text| text.chars().collect()).unwrap_or_default();
    Ok(Some((response.status, text, Light::told(response)?)))
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [broker, name] => serve(broker, name, |light| println!("{light:?}")),
        [broker, name, level] => {
            let (status, text, before) =
                set(broker, name, name, ExtensionValue::Typed(&Light { level: level.parse()? }))?.ok_or("no answer")?;
            println!("{status} {text} {before:?}");
            Ok(())
        }
        _ => Err("usage: profile BROKER NAME [LEVEL]".into()),
    }
}
