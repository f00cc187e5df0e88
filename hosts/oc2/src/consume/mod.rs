//! `oc2 consume`: commands come in, something carries them out, responses go out.

mod exec;
mod filter;
mod nft;

use std::collections::HashMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use mqtt5_tokio::{Clock, Messages};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration, Ignored, Reaction, Ticket};
use openc2_mqtt::profile::{Hook, Hooks, Profiles};
use openc2_mqtt::transfer::{Encoding, Outgoing};
use openc2_mqtt::{
    Action, Command, Form, Headers, Pair, Reading, Response, Status, Style, Target, TargetKind, Texts, slpf,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::MISUSED;
use crate::cli::Consume;
use crate::message::utc;
use crate::printer::plain;
use crate::produce::{print, reading};
use crate::remote::{self, End, Session};
use filter::Filter;

/// The largest response, its topic included.
const RESPONSE: usize = 512 << 10;
/// How long the broker keeps our session without a connection, in seconds.
const SESSION_EXPIRY: u32 = 3_600;

type Memory = ConsumerMemory<128, { 128 << 10 }>;

/// What carries commands out.
enum Actuator {
    /// A program for each.
    Exec(Arc<exec::Program>),
    /// The packet filter in here.
    Filter(Filter),
    /// Nothing: every command is answered 501 before it comes here.
    Nothing,
}

/// A pair as the command line has it, in texts that the declaration borrows.
struct Able {
    action: Action,
    targets: Vec<&'static str>,
}

pub(crate) fn run(consume: &Consume) -> ExitCode {
    let able = match able(consume) {
        Ok(able) => able,
        Err(why) => return misused(&why),
    };
    let profiles = profiles(consume);
    let declaration = Declaration {
        device_type: consume.device_type.as_deref(),
        ..Declaration::new("", &consume.device, &Profiles::NONE, &[]).with_others(&profiles)
    };
    let scheme = remote::scheme(&consume.speaking);
    if let Err(why) = remote::named(declaration.channels(scheme.layout), &scheme) {
        return misused(&why);
    }
    let options = match remote::options(&consume.broker, SESSION_EXPIRY) {
        Ok(options) => options,
        Err(why) => return misused(&why),
    };
    let actuator = match (consume.exec.split_first(), consume.slpf || consume.nftables) {
        (Some((program, arguments)), _) => Actuator::Exec(Arc::new(exec::Program {
            program: program.clone(),
            arguments: arguments.to_vec(),
            timeout: consume.exec_timeout,
            output: consume.exec_output,
            device: consume.device.clone(),
        })),
        (None, true) => match Filter::new(consume.nftables) {
            Ok(filter) => Actuator::Filter(filter),
            Err(why) => return misused(&why),
        },
        (None, false) => Actuator::Nothing,
    };
    remote::run(&consume.broker, options, |session| async move { serve(&session, consume, &able, actuator).await })
}

fn misused(why: &str) -> ExitCode {
    crate::terminal::complain!("oc2: {why}");
    MISUSED.into()
}

/// What it can do: as the command line says, or as the packet filter can.
fn able(consume: &Consume) -> Result<Vec<Able>, String> {
    let mut able = Vec::new();
    if consume.slpf || consume.nftables {
        able.push(Able { action: Action::Allow, targets: filter::TARGETS.to_vec() });
        able.push(Able { action: Action::Deny, targets: filter::TARGETS.to_vec() });
        able.push(Able { action: Action::Delete, targets: vec![filter::RULE_NUMBER] });
        // Rules are made at once, so there is never one to stop; but the command is understood, and answered.
        able.push(Able { action: Action::Cancel, targets: vec![TargetKind::Command.name()] });
    }
    for pair in &consume.pairs {
        let (action, targets) = pair.split_once(':').ok_or_else(|| format!("--pair {pair}: expected ACTION:TARGET"))?;
        let action = Action::from_name(action).ok_or_else(|| {
            let names: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
            format!("--pair {pair}: {action} is no action (possible: {})", names.join(", "))
        })?;
        let targets = targets.split(',').filter(|target| !target.is_empty());
        // They live as long as the process does.
        let targets: Vec<&'static str> = targets.map(|target| &*target.to_owned().leak()).collect();
        if targets.is_empty() {
            return Err(format!("--pair {pair}: it names no target"));
        }
        able.push(Able { action, targets });
    }
    // A program can be stopped; the packet filter is done before anyone could ask for it.
    if !consume.exec.is_empty() && !able.is_empty() {
        able.push(Able { action: Action::Cancel, targets: vec!["command"] });
    }
    Ok(able)
}

/// The profiles that it implements: those that are named, and the packet filter's own.
fn profiles(consume: &Consume) -> Vec<&str> {
    let mut profiles: Vec<&str> = consume.profiles.iter().map(String::as_str).collect();
    if (consume.slpf || consume.nftables) && !profiles.contains(&slpf::NSID) {
        profiles.push(slpf::NSID);
    }
    profiles
}

/// What a task that carries out a command tells when it is done.
struct Done {
    ticket: Ticket,
    response: Value,
}

/// Everything that lives while commands are served.
struct Serving<'s> {
    consumer: Box<Consumer<'s, Memory>>,
    consume: &'s Consume,
    session: &'s Session,
    clock: Clock,
    reading: Reading,
    actuator: Actuator,
    running: HashMap<Ticket, AbortHandle>,
    done: mpsc::UnboundedSender<Done>,
    buffer: Vec<u8>,
    served: u64,
}

async fn serve(session: &Session, consume: &Consume, able: &[Able], actuator: Actuator) -> Result<End, String> {
    let speaking = &consume.speaking;
    let pairs: Vec<Pair<'_>> =
        able.iter().map(|able| Pair { action: able.action, targets: Texts::from(able.targets.as_slice()) }).collect();
    let profiles = profiles(consume);
    let filtering = matches!(actuator, Actuator::Filter(_));
    let typed = if profiles.contains(&slpf::NSID) { &slpf::PROFILES } else { &Profiles::NONE };
    let id = consume.from.as_deref().unwrap_or(&consume.device);
    let names = [consume.device.as_str(), id];
    let identity = slpf::Identity { hostnames: &names, asset_ids: &names, ..slpf::Identity::NOBODY };
    let hooks: [&dyn Hook; 1] = [&identity];
    let declaration = Declaration {
        device_type: consume.device_type.as_deref(),
        rate_limit: consume.rate_limit,
        hooks: if filtering { Hooks::new(&hooks) } else { Hooks::NONE },
        ..Declaration::new(id, &consume.device, typed, &pairs).with_others(&profiles)
    };
    let policy = ConsumerPolicy {
        reading: reading(speaking),
        scheme: remote::scheme(speaking),
        quality: remote::quality(speaking),
        ..ConsumerPolicy::default()
    };
    let consumer = Box::new(Consumer::new(declaration, policy, Memory::new()));
    let messages = session.subscribe(consumer.channels(), &policy.scheme).await?;
    let (done, finished) = mpsc::unbounded_channel();
    let serving = Serving {
        consumer,
        consume,
        session,
        clock: Clock::start(),
        reading: policy.reading,
        actuator,
        running: HashMap::new(),
        done,
        buffer: vec![0; RESPONSE],
        served: 0,
    };
    serving.say(&json!({"type": "ready", "device": consume.device, "from": id, "profiles": declaration.namespaces().collect::<Vec<_>>()}), || {
        let filter = match (consume.nftables, filtering) {
            (true, _) => ", by nftables",
            (false, true) => ", and only says what it would do",
            _ => "",
        };
        format!("{id} serves{filter}; Ctrl-C ends")
    })?;
    serving.run(messages, finished).await
}

impl Serving<'_> {
    async fn run(mut self, mut messages: Messages, mut finished: mpsc::UnboundedReceiver<Done>) -> Result<End, String> {
        let deadline = self.consume.timeout.map(|within| tokio::time::Instant::now() + within);
        loop {
            let over = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => core::future::pending().await,
                }
            };
            let enough = self.consume.count.is_some_and(|count| self.served >= count);
            if enough && self.running.is_empty() {
                return Ok(End::Good);
            }
            tokio::select! {
                message = messages.next(), if !enough => {
                    let inbound = message.ok_or("the subscription has ended")?;
                    let payload = inbound.payload();
                    if let Some(received) = remote::received(&inbound, &payload) {
                        self.take(&received).await?;
                    }
                }
                // A number of commands that did not come is a deadline; otherwise it was just the time to serve.
                () = over => return Ok(if self.consume.count.is_some() { End::Deadline } else { End::Good }),
                Some(Done { ticket, response }) = finished.recv() => {
                    // One that was cancelled meanwhile has been answered.
                    if self.running.remove(&ticket).is_some() {
                        self.answer(ticket, &response).await?;
                    }
                }
            }
        }
    }

    async fn take(&mut self, received: &openc2_mqtt::transfer::Received<'_>) -> Result<(), String> {
        let now = self.clock.now();
        let mut buffer = core::mem::take(&mut self.buffer);
        let reaction = self
            .consumer
            .handle(received, now, utc(), &mut buffer)
            .map_err(|error| format!("not answered: {error}"))?;
        match reaction {
            Reaction::Reply { reply, status, repeated, error, .. } => {
                let why = error.map(|error| error.to_string());
                publish(self.session, &reply).await?;
                self.served += u64::from(!repeated);
                self.say(
                    &json!({"type": "reply", "status": status.code(), "repeated": repeated, "error": why}),
                    || {
                        let again = if repeated { ", again" } else { "" };
                        format!(
                            "answered {status}{again}{}",
                            why.as_deref().map_or(String::new(), |why| format!(": {why}"))
                        )
                    },
                )?;
            }
            Reaction::Execute { ticket, command, headers, reply, .. } => {
                if let Some(acknowledgement) = reply {
                    publish(self.session, &acknowledgement).await?;
                }
                self.served += 1;
                self.buffer = buffer;
                return self.execute(ticket, &command, &headers).await;
            }
            // What is for others is no news.
            Reaction::Ignored {
                why: why @ (Ignored::Breach(_) | Ignored::OtherActuator | Ignored::Running),
                verdict,
                ..
            } => {
                let clauses: Vec<String> = verdict.violations.iter().map(|clause| clause.to_string()).collect();
                self.say(&json!({"type": "ignored", "why": format!("{why:?}"), "violations": clauses}), || {
                    format!("passed over: {}", if clauses.is_empty() { format!("{why:?}") } else { clauses.join("; ") })
                })?;
            }
            _ => {}
        }
        self.buffer = buffer;
        Ok(())
    }

    async fn execute(&mut self, ticket: Ticket, command: &Command<'_>, headers: &Headers<'_>) -> Result<(), String> {
        let value = as_json(command)?;
        let from = headers.from.map_or_else(String::new, |from| from.to_string());
        self.say(&json!({"type": "command", "from": from, "command": value}), || {
            let target = value.get("target").map_or_else(String::new, Value::to_string);
            format!("{} {target} from {from}", command.action.name())
        })?;
        if let (Action::Cancel, Target::Command(id)) = (command.action, command.target) {
            return self.cancel(ticket, &from, &id.to_string()).await;
        }
        if self.running.len() >= usize::from(self.consume.jobs) {
            return self
                .answer(ticket, &json!({"status": 503, "status_text": "Too many commands are being carried out"}))
                .await;
        }
        let response = match &mut self.actuator {
            Actuator::Exec(program) => {
                let (program, done) = (Arc::clone(program), self.done.clone());
                let text = |value: Option<openc2_mqtt::Str<'_>>| value.map(|text| text.to_string()).unwrap_or_default();
                let about =
                    exec::About { from, request_id: text(headers.request_id), command_id: text(command.command_id) };
                let task = tokio::spawn(async move {
                    let response = program.run(&value, &about).await;
                    let _ = done.send(Done { ticket, response });
                });
                self.running.insert(ticket, task.abort_handle());
                return Ok(());
            }
            Actuator::Filter(filter) => filter.carry_out(&value),
            Actuator::Nothing => json!({"status": 501}),
        };
        self.answer(ticket, &response).await
    }

    /// Stops a command, whose program is killed with its children, and answers both.
    async fn cancel(&mut self, ticket: Ticket, from: &str, id: &str) -> Result<(), String> {
        let Some(task) = self.consumer.find(from, id).and_then(|other| Some((other, self.running.remove(&other)?)))
        else {
            return self
                .answer(ticket, &json!({"status": 404, "status_text": "No such command is being carried out"}))
                .await;
        };
        let (other, task) = task;
        task.abort();
        self.answer(other, &json!({"status": 500, "status_text": "Cancelled"})).await?;
        self.answer(ticket, &json!({"status": 200})).await
    }

    /// Sends a response, or what is to be said where it is none.
    async fn answer(&mut self, ticket: Ticket, response: &Value) -> Result<(), String> {
        let bytes = response.to_string().into_bytes();
        let fault;
        let response = match self.reading.response(Encoding::Json, &bytes) {
            Ok(read) => read.value,
            Err(error) => {
                fault = format!("The answer is no OpenC2 response: {error}");
                Response::with_text(Status::InternalError, &fault)
            }
        };
        let status = response.status;
        let words = response.status_text.map(|words| words.to_string());
        let mut buffer = core::mem::take(&mut self.buffer);
        let now = self.clock.now();
        let reply = match self.consumer.respond(ticket, &response, now, utc(), &mut buffer) {
            Ok(reply) => reply,
            Err(error) => {
                // What finds no room is said to have found none; the command was carried out all the same.
                let text = format!("The response cannot be sent: {error}");
                let short = Response::with_text(Status::InternalError, &text);
                self.consumer
                    .respond(ticket, &short, now, utc(), &mut buffer)
                    .map_err(|error| format!("not answered: {error}"))?
            }
        };
        if let Some(reply) = reply {
            publish(self.session, &reply).await?;
        }
        self.buffer = buffer;
        self.say(
            &json!({"type": "reply", "status": status.code(), "status_text": words, "repeated": false, "error": null}),
            || format!("answered {status}{}", words.as_deref().map_or(String::new(), |words| format!(": {words}"))),
        )
    }

    /// A line for programs or for people.
    fn say(&self, line: &Value, text: impl FnOnce() -> String) -> Result<(), String> {
        if self.consume.speaking.json {
            return print(line);
        }
        // Whoever reads may stop, and a disk may be full; the service goes on.
        let now =
            utc().map_or_else(String::new, |now| crate::inspect::time_of_day(core::time::Duration::from_millis(now)));
        let _ = writeln!(anstream::stdout(), "{}  {}", now.get(..12).unwrap_or(&now), plain(&text()));
        Ok(())
    }
}

async fn publish(session: &Session, outgoing: &Outgoing<'_>) -> Result<(), String> {
    session.publish(outgoing).await
}

/// A command as JSON, whatever it came in.
fn as_json(command: &Command<'_>) -> Result<Value, String> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        match command.encode(Style::from(Form::Json).with_profiles(&slpf::PROFILES), &mut buffer) {
            Ok(length) => {
                let bytes = buffer.get(..length).unwrap_or_default();
                return serde_json::from_slice(bytes).map_err(|error| format!("a command that is no JSON: {error}"));
            }
            Err(openc2_mqtt::EncodeError::Full { need }) if need > buffer.len() => buffer.resize(need, 0),
            Err(error) => return Err(format!("a command that cannot be written: {error}")),
        }
    }
}
