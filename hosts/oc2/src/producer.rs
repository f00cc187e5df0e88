//! The Producer of the demo: it sends commands, and collects the responses to each until all are in or it has waited enough.

use core::ops::ControlFlow;
use std::time::Instant;

use mqtt5_session::{Event, Incoming};
use openc2_mqtt::producer::{Expect, Heard, Producer, ProducerMemory, ProducerPolicy, Request, RequestId, Stage};
use openc2_mqtt::transfer::Received;
use openc2_mqtt::{Response, Str, Texts};

use crate::agent::{Agent, Job};
use crate::failure::{Cause, Failure, Step};
use crate::message::{publish, utc};
use crate::report::{Outcome, Row};
use crate::scenario::{Order, PRODUCER};

/// The largest request, its topic included.
const REQUEST: usize = 4 << 10;

pub(crate) struct Commander<'p> {
    producer: Producer<'p, ProducerMemory<4, 64>>,
    agent: Agent,
    job: Job,
}

impl<'p> Commander<'p> {
    /// Connects the Producer and subscribes to its topics.
    pub(crate) fn connect(job: &Job, policy: ProducerPolicy<'p>) -> Result<Self, Failure> {
        let (from, who, _) = PRODUCER;
        let producer = Producer::new(from, policy, ProducerMemory::new());
        let mut agent = Agent::connect(job, who)?;
        agent.subscribe(producer.channels())?;
        Ok(Self { producer, agent, job: job.clone() })
    }

    /// Sends a command, and puts a row for each expected response into `rows`, whether it comes or not.
    pub(crate) fn command(&mut self, order: &Order, rows: &mut Vec<Row>) -> Result<(), Failure> {
        let sent = Instant::now();
        let (request, topic) = self.send(order).map_err(|cause| self.agent.failure(Step::Work, cause))?;
        let first = rows.len();
        rows.extend(order.from.iter().map(|from| Row {
            command: order.says.to_owned(),
            topic: topic.clone(),
            from: (*from).to_owned(),
            outcome: Outcome::Missing,
        }));
        let rows = rows.get_mut(first..).unwrap_or_default();
        let Self { producer, agent, job } = self;
        let until = agent.deadline();
        agent.drive(Step::Work, until, |event, _| {
            let Event::Message(incoming) = event else { return ControlFlow::Continue(()) };
            match hear(producer, job, &incoming, request, order, sent, rows) {
                true => ControlFlow::<Result<(), Cause>>::Break(Ok(())),
                false => ControlFlow::Continue(()),
            }
        })?;
        self.producer.cancel(request);
        Ok(())
    }

    /// Waits until nothing is left to acknowledge.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        self.agent.settle()
    }

    fn send(&mut self, order: &Order) -> Result<(RequestId, String), Cause> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let timeout = u64::try_from(self.job.timeout.as_millis()).unwrap_or(u64::MAX);
        let mut request = Request::new(order.channel, order.command, timeout);
        request.expect = Expect::Each(order.from);
        let (now, mut buffer) = (self.agent.now(), [0; REQUEST]);
        let (id, outgoing) = self.producer.request(&request, random, now, utc(), &mut buffer)?;
        publish(self.agent.client(), &outgoing)?;
        Ok((id, outgoing.topic.as_str().to_owned()))
    }
}

/// Takes a message; whether it was the last response that is awaited.
fn hear(
    producer: &mut Producer<'_, ProducerMemory<4, 64>>,
    job: &Job,
    incoming: &Incoming<'_>,
    awaited: RequestId,
    order: &Order,
    sent: Instant,
    rows: &mut [Row],
) -> bool {
    match producer.handle(&Received::from(incoming), job.clock.now()) {
        Heard::Response { request, from, response, stage: Stage::Final, complete, verdict, .. }
            if request == awaited =>
        {
            job.judge(PRODUCER.0, incoming.topic.as_str(), &verdict);
            if let Some(row) = rows.iter_mut().find(|row| from == row.from.as_str()) {
                let (after, status, says) = (sent.elapsed(), response.status, summary(&response));
                row.outcome = match status == order.status {
                    true => Outcome::Answered { after, status, says },
                    false => Outcome::Unexpected { after, status, says },
                };
            }
            complete
        }
        Heard::Malformed { from, error, complete, verdict, .. } => {
            job.judge(PRODUCER.0, incoming.topic.as_str(), &verdict);
            job.trace.invalid(format!("{from} answered what breaks the language: {error}"));
            complete
        }
        Heard::Response { verdict, .. } | Heard::Notification { verdict, .. } | Heard::Nothing { verdict, .. } => {
            job.judge(PRODUCER.0, incoming.topic.as_str(), &verdict);
            false
        }
        _ => false,
    }
}

/// What a response says beside its status, in short.
fn summary(response: &Response<'_>) -> String {
    let results = &response.results;
    let list = |name: &str, texts: Texts<'_>| format!("{name} {}", join(texts.iter()));
    let pairs = results.pairs.map(|pairs| {
        let pairs = pairs.iter().map(|pair| format!("{} {}", pair.action.name(), join(pair.targets.iter())));
        pairs.collect::<Vec<_>>().join("; ")
    });
    let parts = [
        response.status_text.map(|text| text.to_string()),
        results.versions.map(|versions| list("versions", versions)),
        results.profiles.map(|profiles| list("profiles", profiles)),
        pairs,
        results.rate_limit.map(|limit| format!("rate limit {limit:?}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn join<'a>(texts: impl Iterator<Item = Str<'a>>) -> String {
    texts.map(|text| text.to_string()).collect::<Vec<_>>().join(", ")
}
