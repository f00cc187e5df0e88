//! The main job: one Producer and three Consumers, each a session of its own, over a real broker.

use core::sync::atomic::{AtomicBool, Ordering};
use std::fs;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use mqtt5_blocking::Clock;
use openc2_mqtt::Encoding;
use openc2_mqtt::consumer::ConsumerPolicy;
use openc2_mqtt::producer::{OwnTopic, ProducerPolicy};
use openc2_mqtt::transfer::{Quality, Scheme};

use crate::agent::{Agent, Halt, Job};
use crate::check::reading;
use crate::cli::{self, BrokerUrl, Demo};
use crate::consumer::{connect, serve};
use crate::failure::{Cause, Failure, Step};
use crate::line::Security;
use crate::printer::Printer;
use crate::producer::Commander;
use crate::report::{Row, Summary};
use crate::scenario::{DEVICES, Device, Order, PRODUCER, orders};
use crate::svg;
use crate::trace::Trace;

/// Runs the demo. It has succeeded if every expected response came, as expected, and every packet was valid.
pub(crate) fn run(demo: &Demo) -> Result<(), Failure> {
    let trace = Trace::new(Printer::stdout(demo.json, demo.verbose > 0), demo.svg.is_some());
    let broker = broker(demo)?;
    let place = broker.place().into();
    let security = Security::new(&broker, &demo.secure).map_err(|why| Failure {
        who: PRODUCER.1.into(),
        step: Step::Start,
        place: Arc::clone(&place),
        cause: Cause::Tls(why),
    })?;
    let job = Job {
        place,
        broker,
        security,
        timeout: demo.timeout,
        // The prefix is wanted as long as the process lives.
        scheme: Scheme {
            layout: demo.layout.into(),
            prefix: demo.prefix.as_ref().map(|prefix| &*prefix.clone().leak()),
        },
        clock: Clock::start(),
        trace: Arc::clone(&trace),
        halt: Halt::default(),
    };
    let halt = job.halt.clone();
    let who = Arc::from(PRODUCER.1);
    ctrlc::set_handler(move || halt.halt()).map_err(|error| job.failure(&who, Step::Work, error.into()))?;

    let orders = orders(job.scheme.layout);
    let mut rows = Vec::new();
    let end = work(&job, demo, &orders, &mut rows);
    let tally = trace.tally();
    let summary = Summary {
        commands: orders.len(),
        expected: orders.iter().map(|order| order.from.len()).sum(),
        answered: rows.iter().filter(|row| row.ok()).count(),
        packets: tally.packets,
        invalid: tally.invalid.len(),
        took: trace.elapsed(),
    };
    if !rows.is_empty() {
        trace.print(|printer| printer.report(&rows, &summary));
    }
    // Also of what failed: the drawing shows how far it went.
    let drawn = demo.svg.as_ref().map_or(Ok(()), |file| {
        let steps = trace.take_steps().unwrap_or_default();
        fs::write(file, svg::draw("OpenC2 over MQTT v5", &steps)).map_err(|why| Cause::File { file: file.clone(), why })
    });
    end?;
    drawn.map_err(|cause| job.failure(&who, Step::Work, cause))?;
    let fail = |cause| Err(job.failure(&who, Step::Work, cause));
    let missing = rows.iter().filter(|row| row.is_missing()).count();
    match tally.invalid.into_iter().next() {
        _ if missing > 0 => fail(Cause::Missing { missing, expected: summary.expected }),
        _ if summary.answered < summary.expected => {
            fail(Cause::Unexpected { wrong: summary.expected - summary.answered, expected: summary.expected })
        }
        Some(invalid) => fail(Cause::Invalid(invalid)),
        None => Ok(()),
    }
}

/// The broker that was named, or one embedded in this process.
fn broker(demo: &Demo) -> Result<BrokerUrl, Failure> {
    if let Some(broker) = &demo.broker {
        return Ok(broker.clone());
    }
    let address = crate::broker::start(demo.timeout).map_err(|error| Failure {
        who: PRODUCER.1.into(),
        step: Step::Start,
        place: "the embedded broker".into(),
        cause: error.into(),
    })?;
    Ok(BrokerUrl { host: address.ip().to_string(), port: address.port(), tls: false, user_name: None, password: None })
}

/// Connects everyone, lets the Consumers answer, each in a thread of its own, and sends the commands.
fn work(job: &Job, demo: &Demo, orders: &[Order], rows: &mut Vec<Row>) -> Result<(), Failure> {
    let encoding = match demo.encoding {
        cli::Encoding::Json => Encoding::Json,
        cli::Encoding::Cbor => Encoding::Cbor,
    };
    let quality = if demo.qos == 2 { Quality::ExactlyOnce } else { Quality::AtLeastOnce };
    let reading = reading(cli::Reading {
        language: cli::Version::V1,
        lenient: demo.lenient,
        strict: demo.strict,
        encoding: cli::FileEncoding::Auto,
    });
    let policy = ConsumerPolicy { reading, quality, scheme: job.scheme, ..ConsumerPolicy::default() };

    job.heading(&format!("Connecting to {}", job.place));
    let consumers = DEVICES.iter().map(|device| Ok((connect(job, device)?, device)));
    let consumers: Vec<(Agent, &Device)> = consumers.collect::<Result<_, Failure>>()?;
    let own_topic = OwnTopic::Named(PRODUCER.2);
    let mut commander = Commander::connect(
        job,
        ProducerPolicy { reading, encoding, quality, own_topic, scheme: job.scheme, structure: demo.structure.into() },
    )?;

    let done = &AtomicBool::new(false);
    thread::scope(|scope| {
        let serving: Vec<_> = consumers
            .into_iter()
            .map(|(mut agent, device)| {
                scope.spawn(move || {
                    let end = serve(&mut agent, job, device, policy, done);
                    if end.is_err() {
                        // Without this Consumer the others wait for nothing.
                        job.halt.halt();
                    }
                    end
                })
            })
            .collect();
        let mut ends = vec![command_all(job, &mut commander, orders, rows)];
        done.store(true, Ordering::Release);
        drop(commander);
        for serving in serving {
            ends.push(serving.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        // Whoever was only interrupted is not the cause.
        ends.sort_by_key(|end| match end {
            Err(failure) => 1 + u8::from(failure.is_interruption()),
            Ok(()) => 3,
        });
        ends.into_iter().next().unwrap_or(Ok(()))
    })
}

fn command_all(job: &Job, commander: &mut Commander<'_>, orders: &[Order], rows: &mut Vec<Row>) -> Result<(), Failure> {
    for order in orders {
        job.heading(&format!("{}, expected: {} × {}", order.says, order.from.len(), order.status));
        commander.command(order, rows)?;
    }
    job.heading("Goodbye");
    commander.settle()
}
