//! A Consumer of the demo: what it is commanded it does, to a list of what it denies, and says so.

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, Ordering};

use mqtt5_blocking::Clock;
use mqtt5_session::{Boxed, Client, Event, Incoming};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Reaction};
use openc2_mqtt::transfer::Received;
use openc2_mqtt::{Action, Command, Response, Status, Target};

use crate::agent::{Agent, Job, TICK};
use crate::failure::{Cause, Failure, Step};
use crate::message::{publish, utc};
use crate::scenario::Device;

/// The largest response, its topic included.
const RESPONSE: usize = 4 << 10;

/// Connects a Consumer and subscribes to its topics.
pub(crate) fn connect(job: &Job, device: &Device) -> Result<Agent, Failure> {
    let mut agent = Agent::connect(job, device.who)?;
    let pairs = device.pairs();
    agent.subscribe(device.declaration(&pairs).channels(job.scheme.layout))?;
    Ok(agent)
}

/// Answers commands until `done` is set and nothing is left to acknowledge.
pub(crate) fn serve(
    agent: &mut Agent,
    job: &Job,
    device: &Device,
    policy: ConsumerPolicy<'_>,
    done: &AtomicBool,
) -> Result<(), Failure> {
    let pairs = device.pairs();
    let mut actuator = Actuator {
        consumer: Consumer::new(device.declaration(&pairs), policy, ConsumerMemory::new()),
        denied: Vec::new(),
        clock: job.clock,
    };
    while !done.load(Ordering::Acquire) {
        let until = agent.now().after(TICK);
        agent.drive(Step::Work, until, |event, client| {
            let Event::Message(incoming) = event else { return ControlFlow::Continue(()) };
            match actuator.answer(&incoming, client, job) {
                Ok(()) => ControlFlow::Continue(()),
                Err(cause) => ControlFlow::<Result<(), Cause>>::Break(Err(cause)),
            }
        })?;
    }
    agent.settle()
}

struct Actuator<'d> {
    consumer: Consumer<'d, ConsumerMemory<16, 8192>>,
    /// What this device denies, in the words of the commands.
    denied: Vec<String>,
    clock: Clock,
}

impl Actuator<'_> {
    fn answer(&mut self, incoming: &Incoming<'_>, client: &mut Client<Boxed>, job: &Job) -> Result<(), Cause> {
        let now = self.clock.now();
        let mut buffer = [0; RESPONSE];
        let received = Received::from(incoming);
        let verdict = match self.consumer.handle(&received, now, utc(), &mut buffer)? {
            Reaction::Reply { reply, verdict, .. } => {
                publish(client, &reply)?;
                verdict
            }
            Reaction::Execute { ticket, command, reply, verdict, .. } => {
                if let Some(acknowledgement) = reply {
                    publish(client, &acknowledgement)?;
                }
                let response = execute(&mut self.denied, &command);
                if let Some(reply) = self.consumer.respond(ticket, &response, now, utc(), &mut buffer)? {
                    publish(client, &reply)?;
                }
                verdict
            }
            Reaction::Ignored { verdict, .. } | Reaction::Notification { verdict, .. } => verdict,
            _ => return Ok(()),
        };
        job.judge(self.consumer.declaration().id, incoming.topic.as_str(), &verdict);
        Ok(())
    }
}

/// Carries out a command.
fn execute(denied: &mut Vec<String>, command: &Command<'_>) -> Response<'static> {
    let what = match command.target {
        Target::Ipv4Net(net) => net.to_string(),
        Target::File(file) => file.name.or(file.path).map(|name| name.to_string()).unwrap_or_default(),
        _ => return Response::new(Status::NotImplemented),
    };
    match command.action {
        Action::Deny if denied.contains(&what) => Response::with_text(Status::Ok, "Denied before"),
        Action::Deny => {
            denied.push(what);
            Response::new(Status::Ok)
        }
        Action::Allow => {
            denied.retain(|other| *other != what);
            Response::new(Status::Ok)
        }
        _ => Response::new(Status::NotImplemented),
    }
}
