//! `oc2 produce`: a command goes out, and the responses are collected until all are in or the time is over.

mod ask;
mod command;
pub(crate) mod discover;
mod live;
pub(crate) mod report;

use core::time::Duration;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Instant;

use openc2_mqtt::producer::{Expect, Request};
use openc2_mqtt::transfer::{Channel, Encoding, Layout};
use openc2_mqtt::{Action, Command, Features, Reading, ResponseType, Status, TargetKind};
use serde_json::{Value, json};

use crate::MISUSED;
use crate::check::{load, name};
use crate::cli::{self, Produce, Speaking, Whereto};
use crate::remote::{self, End, Session};
use crate::report::milliseconds;
use crate::terminal;
use ask::{Asking, Row};
use live::Live;
use report::{report, tell};

pub(crate) fn run(produce: &Produce) -> ExitCode {
    let bytes = match bytes(produce) {
        Ok(bytes) => bytes,
        Err(why) => return misused(&why),
    };
    let reading = reading(&produce.speaking);
    let encoding = if produce.file.is_some() { Encoding::sniff(&bytes) } else { Encoding::Json };
    let command = match reading.command(encoding, &bytes) {
        Ok(read) => read.value,
        Err(error) => return misused(&format!("{error}{}", possible(error.path.as_str()))),
    };
    let channel = channel(&produce.whereto, &command, produce.speaking.layout.into());
    if let Err(why) = channel.and_then(|channel| remote::named([channel], &remote::scheme(&produce.speaking))) {
        return misused(&why);
    }
    let options = match remote::options(&produce.broker, expiry(produce.timeout)) {
        Ok(options) => options,
        Err(why) => return misused(&why),
    };
    remote::run(&produce.broker, options, |session| async move { work(&session, produce, command).await })
}

/// The broker keeps the session so long, should the connection break: as long as anyone waits for anything.
pub(crate) fn expiry(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX).saturating_add(30)
}

fn misused(why: &str) -> ExitCode {
    anstream::eprintln!("oc2: {why}");
    MISUSED.into()
}

/// The command's bytes, of a file or of words.
fn bytes(produce: &Produce) -> Result<Vec<u8>, String> {
    match &produce.file {
        Some(file) => load(file).map_err(|error| format!("{}: {error}", name(file))),
        None if unknown_target(produce) => {
            let names: Vec<_> = TargetKind::ALL.iter().map(|target| target.name()).collect();
            let target = produce.target.as_deref().unwrap_or_default();
            Err(format!(
                "target: {target} is none of the language, and no profile:name (possible: {})",
                names.join(", ")
            ))
        }
        None => command::command(produce).map(|command| command.to_string().into_bytes()),
    }
}

pub(crate) fn reading(speaking: &Speaking) -> Reading {
    crate::check::reading(cli::Reading {
        language: speaking.language,
        lenient: speaking.lenient,
        strict: speaking.strict,
        encoding: cli::FileEncoding::Auto,
    })
}

fn unknown_target(produce: &Produce) -> bool {
    produce.target.as_deref().is_some_and(|target| !target.contains(':') && TargetKind::from_name(target).is_none())
}

/// Which words could stand where a wrong one does.
fn possible(path: &str) -> String {
    if path != "action" {
        return String::new();
    }
    let names: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
    format!(" (possible: {})", names.join(", "))
}

/// Where the command goes.
pub(crate) fn channel<'w>(whereto: &'w Whereto, command: &Command<'_>, layout: Layout) -> Result<Channel<'w>, String> {
    let wd01 = layout == Layout::Wd01;
    let only =
        |channel, option| if wd01 { Ok(channel) } else { Err(format!("{option} goes with --layout wd01 alone")) };
    match whereto {
        Whereto { to_profile: Some(profile), .. } => Ok(Channel::Profile(profile)),
        Whereto { to_device: Some(device), .. } => Ok(Channel::Device(device)),
        Whereto { to_type: Some(kind), .. } => only(Channel::DeviceType(kind), "--to-type"),
        Whereto { to_action: true, .. } => only(Channel::Action(command.action), "--to-action"),
        Whereto { to_pair: true, .. } => match command.target.kind() {
            Some(target) => only(Channel::Pair(command.action, target.name()), "--to-pair"),
            None => Err("--to-pair: a target of a profile has no such topic here".into()),
        },
        // WD01 has no topic for everyone.
        Whereto { to_all: true, .. } if wd01 => Err("--to-all: the layout wd01 has no topic for everyone".into()),
        _ if wd01 => Ok(Channel::Action(command.action)),
        _ => Ok(Channel::All),
    }
}

async fn work(session: &Session, produce: &Produce, command: Command<'_>) -> Result<End, String> {
    let speaking = &produce.speaking;
    let mut asking = Asking::open(session, &produce.from, speaking).await?;
    let layout = speaking.layout.into();
    let channel = channel(&produce.whereto, &command, layout)?;
    let found = if produce.discover { discovered(&mut asking, produce, channel).await? } else { Vec::new() };
    let expected: Vec<&str> = found.iter().chain(&produce.expect).map(String::as_str).collect();
    let mut request = Request::new(channel, command, milliseconds_of(produce.timeout));
    request.expiry = produce.expiry;
    request.expect = match (produce.count, expected.as_slice()) {
        (Some(count), _) => Expect::Count(count),
        (None, []) if produce.discover => return Err("nobody answered the discovery".into()),
        // One device has one answer.
        (None, []) if matches!(channel, Channel::Device(_)) => Expect::Count(1),
        (None, []) => Expect::Unknown,
        (None, each) => Expect::Each(each),
    };
    let awaited = match request.expect {
        Expect::Count(count) => usize::from(count),
        Expect::Each(each) => each.len(),
        Expect::Unknown => 0,
    };
    let says = format!("{} {}", command.action.name(), command.target.kind().map_or("…", TargetKind::name));
    let live = Live::new(&says, awaited, &expected, produce.timeout, !speaking.json && io::stderr().is_terminal());
    if command.args.response_requested == Some(ResponseType::None) {
        drop(live);
        return sent(&mut asking, &request, speaking.json).await;
    }
    let sent = Instant::now();
    let collected = asking
        .ask(&request, produce.timeout, |collected, note| {
            live.show(collected);
            if speaking.json {
                collected.changed.as_ref().map_or(Ok(()), |row| print(&json_row(row)))?;
                note.map_or(Ok(()), |note| print(&json!({"type": "note", "note": note})))?;
            }
            Ok(())
        })
        .await?;
    drop(live);
    report(&collected, awaited, &expected, sent.elapsed(), speaking.json)
}

/// Sends a command that asks for no response.
async fn sent(asking: &mut Asking<'_>, request: &Request<'_>, json: bool) -> Result<End, String> {
    asking.ask(request, Duration::ZERO, |_, _| Ok(())).await?;
    if json {
        print(
            &json!({"type": "summary", "expected": 0, "answered": 0, "good": 0, "missing": [], "late": 0, "doubled": 0}),
        )?;
    } else {
        tell("sent; it asks for no response")?;
    }
    Ok(End::Good)
}

/// Who is there, on the channel that the command is to go to.
async fn discovered(asking: &mut Asking<'_>, produce: &Produce, channel: Channel<'_>) -> Result<Vec<String>, String> {
    let within = produce.timeout.min(Duration::from_secs(3));
    let request = Request::discover_on(channel, Features::new(&[]), milliseconds_of(within));
    let collected = asking.ask(&request, within, |_, _| Ok(())).await?;
    Ok(collected.rows.into_iter().map(|row| row.from).collect())
}

fn milliseconds_of(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// One response for programs.
fn json_row(row: &Row) -> Value {
    let Row { from, status, says, after, last, results, .. } = row;
    json!({
        "type": "response", "from": from, "status": status.map(Status::code), "says": says, "after_ms": milliseconds(*after),
        "final": last, "results": results,
    })
}

/// A line for programs; a reader that has gone ends the command.
pub(crate) fn print(line: &Value) -> Result<(), String> {
    writeln!(anstream::stdout(), "{line}").map_err(|error| terminal::unwritten(&error))
}
