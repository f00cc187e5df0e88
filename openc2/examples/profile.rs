//! A profile of one's own, which no specification knows: a lamp, `x-lamp`, told how bright to shine. Its arguments, specifiers
//! and results are serde types.
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
use openc2_mqtt::profile::{Hooks, Profile, Refusal};
use openc2_mqtt::transfer::Connecting;
use openc2_mqtt::{
    Action, Actuator, Call, Command, DecodeError, Extension, Extensions, Pair, Raw, Response, Serve, Served, Status,
    Str, Target, Texts,
};
use serde::{Deserialize, Serialize};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The namespace of the profile. One that is not registered begins with `x-` (LS1 s3.1.4).
const LAMP: &str = "x-lamp";

/// The arguments, `args.x-lamp`, and the results, `results.x-lamp`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Light {
    /// From 0, dark.
    pub level: u8,
}

/// The specifiers, `actuator.x-lamp`, and the target's value: which lamp.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Which {
    name: String,
}

/// The lamp of this device.
struct Lamp<'d> {
    name: &'d str,
}

impl Profile for Lamp<'_> {
    fn namespace(&self) -> &str {
        LAMP
    }

    fn is_meant(&self, actuator: &Actuator<'_>) -> bool {
        let Some(raw) = actuator.specifiers.and_then(|specifiers| specifiers.as_raw()) else { return true };
        raw.to_serde::<Which>().is_ok_and(|which| which.name == self.name)
    }

    fn check(&self, command: &Command<'_>) -> Result<(), Refusal> {
        // A lamp has no clock.
        let args = &command.args;
        let timed = args.start_time.is_some() || args.stop_time.is_some() || args.duration.is_some();
        if timed { Err(Refusal::OPTION) } else { Ok(()) }
    }
}

/// What a command tells the lamp to do; without arguments it shines as bright as it can.
fn light_of(command: &Command<'_>) -> Result<Light, DecodeError> {
    match command.args.extensions.get(LAMP).and_then(|value| value.as_raw()) {
        Some(raw) => raw.to_serde(),
        None => Ok(Light { level: u8::MAX }),
    }
}

/// Carries out commands until the connection is lost.
pub fn serve(broker: &str, name: &str, mut shine: impl FnMut(Light)) -> Outcome<()> {
    let (lamp, mut light) = (Lamp { name }, Light { level: 0 });
    let hooks: [&dyn Profile; 1] = [&lamp];
    let pairs = [Pair { action: Action::Set, targets: Texts::from(&["x-lamp:light"]) }];
    let mut declaration = Declaration::new(name, name, &[LAMP], &pairs);
    declaration.hooks = Hooks::new(&hooks);
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
            match light_of(&command) {
                Ok(new) => {
                    // The result is what it was before.
                    let before = serde_json::to_string(&core::mem::replace(&mut light, new))?;
                    let results = [Extension { profile: Str::new(LAMP), value: Raw::from_json(&before)?.into() }];
                    let mut response = Response::new(Status::Ok);
                    response.results.extensions = Extensions::from(&results[..]);
                    shine(new);
                    serve.respond(ticket, &response, client, now, utc)?;
                }
                // What is wrong, and where: the Producer can mend it.
                Err(error) => {
                    let text = error.to_string();
                    serve.respond(ticket, &Response::with_text(Status::BadRequest, &text), client, now, utc)?;
                }
            }
            Ok(())
        };
        handle().map_or_else(Break, Continue)
    })?;
    failed.map_or(Ok(()), Err)
}

/// What a lamp answered: the status, its text, and how bright it was before.
pub type Answer = (Status, String, Option<Light>);

/// Has the lamp `name` of a device shine so; `None` if it doesn't answer within five seconds.
pub fn set(broker: &str, device: &str, name: &str, light: &impl Serialize) -> Outcome<Option<Answer>> {
    let which = serde_json::to_string(&Which { name: name.into() })?;
    let args = serde_json::to_string(light)?;
    let which = Raw::from_json(&which)?;
    let args = [Extension { profile: Str::new(LAMP), value: Raw::from_json(&args)?.into() }];
    let target = Target::Extension { profile: Str::new(LAMP), name: Str::new("light"), value: which.into() };
    let mut command = Command::new(Action::Set, target);
    command.actuator = Some(Actuator { profile: Str::new(LAMP), specifiers: Some(which.into()) });
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
fn answer(response: &Response<'_>) -> Result<Option<Answer>, DecodeError> {
    let text = response.status_text.map(|text| text.chars().collect()).unwrap_or_default();
    let before = response.results.extensions.get(LAMP).and_then(|value| value.as_raw());
    Ok(Some((response.status, text, before.map(|raw| raw.to_serde()).transpose()?)))
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [broker, name] => serve(broker, name, |light| println!("{light:?}")),
        [broker, name, level] => {
            let (status, text, before) =
                set(broker, name, name, &Light { level: level.parse()? })?.ok_or("no answer")?;
            println!("{status} {text} {before:?}");
            Ok(())
        }
        _ => Err("usage: profile BROKER NAME [LEVEL]".into()),
    }
}
