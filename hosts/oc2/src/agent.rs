//! One MQTT session of the demo over its own TCP connection: connecting, subscribing, waiting, saying goodbye.

use core::num::{NonZeroU16, NonZeroU32};
use core::ops::ControlFlow;
use core::time::Duration;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use mqtt5_blocking::{Clock, Connection, Stopper, Transport as _};
use mqtt5_codec::{Properties, Property, ReasonCode, Text};
use mqtt5_session::{Boxed, Client, ConnectOptions, Ending, Event, Inbox, Instant, Prior, Refused};
use openc2_mqtt::transfer::{Channel, ClientId, Connecting, Quality, Scheme, Verdict, subscriptions};

use crate::cli::BrokerUrl;
use crate::failure::{Cause, Failure, Said, Step};
use crate::line::{Line, Security};
use crate::trace::{Tap, Trace};

/// The largest packet that is taken from the broker, stated in CONNECT.
pub(crate) const LARGEST_PACKET: u32 = 64 << 10;
/// How many messages the broker may have unacknowledged, stated in CONNECT.
pub(crate) const RECEIVE_MAXIMUM: u16 = 32;

/// For packets that wait to be written or acknowledged.
const MEMORY: usize = 64 << 10;
/// How long the broker keeps a session that has lost its connection, in seconds. At the end the demo asks for none.
const SESSION_EXPIRY: u32 = 3_600;

/// How often a session that works looks whether the job is done, in milliseconds.
pub(crate) const TICK: u64 = 20;

/// What all sessions of a job share.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) broker: BrokerUrl,
    pub(crate) security: Security,
    /// The broker as it is named in failures.
    pub(crate) place: Arc<str>,
    /// How long a step may take.
    pub(crate) timeout: Duration,
    /// How topics are named.
    pub(crate) scheme: Scheme<'static>,
    pub(crate) clock: Clock,
    pub(crate) trace: Arc<Trace>,
    pub(crate) halt: Halt,
}

impl Job {
    /// A heading in the trace.
    pub(crate) fn heading(&self, what: &str) {
        self.trace.heading(what);
    }

    /// Counts a message that breaks the transfer specification.
    pub(crate) fn judge(&self, by: &str, topic: &str, verdict: &Verdict<'_>) {
        for clause in verdict.violations.iter() {
            self.trace.invalid(format!("{by} received a bad message on {topic}: {clause}"));
        }
    }

    pub(crate) fn failure(&self, who: &Arc<str>, step: Step, cause: Cause) -> Failure {
        Failure { who: Arc::clone(who), step, place: Arc::clone(&self.place), cause }
    }
}

/// Ctrl-C: ends the wait of every session there is, and of those to come.
#[derive(Clone, Default)]
pub(crate) struct Halt(Arc<Mutex<Halting>>);

#[derive(Default)]
struct Halting {
    asked: bool,
    stoppers: Vec<Stopper>,
}

impl Halt {
    pub(crate) fn halt(&self) {
        let mut halting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halting.asked = true;
        halting.stoppers.iter().for_each(Stopper::stop);
    }

    fn watch(&self, stopper: Stopper) {
        let mut halting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if halting.asked {
            stopper.stop();
        }
        halting.stoppers.push(stopper);
    }
}

/// One session, by the name it has in the trace. When it is dropped it says goodbye, whatever has happened.
pub(crate) struct Agent {
    pub(crate) who: Arc<str>,
    job: Job,
    client: Client<Boxed>,
    inbox: Inbox<'static>,
    connection: Connection<Tap<Line>>,
}

impl Agent {
    /// Connects to the broker as CS01 3.1 says, under a random client identifier.
    pub(crate) fn connect(job: &Job, who: &str) -> Result<Self, Failure> {
        let who: Arc<str> = who.into();
        let fail = |step, cause| job.failure(&who, step, cause);
        let place = (job.broker.host.as_str(), job.broker.port);
        let stream = mqtt5_blocking::connect(place, job.timeout).map_err(|error| fail(Step::Connect, error.into()))?;
        let line = Self::secure(job, stream).map_err(|why| fail(Step::Tls, Cause::Tls(why)))?;
        let tap = Tap::new(line, Arc::clone(&who), Arc::clone(&job.trace));
        let connection = Connection::new(tap, job.clock).map_err(|error| fail(Step::Connect, error.into()))?;
        job.halt.watch(connection.stopper().map_err(|error| fail(Step::Connect, error.into()))?);
        let client = Client::new(Boxed::new(usize::from(RECEIVE_MAXIMUM), MEMORY));
        let inbox = Inbox::growing(1 << 10, LARGEST_PACKET as usize);
        let mut agent = Self { who, job: job.clone(), client, inbox, connection };
        agent.open().map_err(|cause| agent.failure(Step::Connack, cause))?;
        agent.step(Step::Connack, |event, _| match event {
            Event::Connected(_) => ControlFlow::Break(Ok(())),
            Event::Rejected(ack) => ControlFlow::Break(Err(Cause::Rejected(Said::new(ack.reason, &ack.properties)))),
            _ => ControlFlow::Continue(()),
        })?;
        Ok(agent)
    }

    /// Lays TLS over the connection, where the broker's URL asks for it.
    fn secure(job: &Job, stream: TcpStream) -> Result<Line, String> {
        let patience = |stream: &TcpStream, time| {
            let set = stream.set_read_timeout(time).and_then(|()| stream.set_write_timeout(time));
            set.map_err(|error| error.to_string())
        };
        patience(&stream, Some(job.timeout))?;
        let line = job.security.secure(stream, &job.broker.host)?;
        patience(line.socket(), None)?;
        Ok(line)
    }

    /// Queues CONNECT.
    fn open(&mut self) -> Result<(), Cause> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let id = ClientId::from_random(random);
        let mut connecting = Connecting::new(id.as_str(), SESSION_EXPIRY).map_err(Refused::from)?;
        connecting.receive_maximum = NonZeroU16::new(RECEIVE_MAXIMUM);
        connecting.maximum_packet_size = NonZeroU32::new(LARGEST_PACKET);
        let user_name = self.job.broker.user_name.as_deref().map(Text::new).transpose();
        connecting.user_name = user_name.map_err(Refused::from)?;
        connecting.password = self.job.broker.password.as_deref();
        let properties = connecting.properties();
        let mut options = ConnectOptions::resume(connecting.client_id, Prior::None);
        options.packet = connecting.packet(properties.as_properties());
        // The step's own deadline is the shorter one.
        options.timeout = u32::try_from(self.job.timeout.as_millis()).unwrap_or(u32::MAX).saturating_mul(2);
        self.client.connect(&options, &mut self.inbox, self.job.clock.now())?;
        Ok(())
    }

    /// Subscribes to these channels with the options of CS01 3.3, and waits until the broker has granted each.
    pub(crate) fn subscribe<'c>(&mut self, channels: impl IntoIterator<Item = Channel<'c>>) -> Result<(), Failure> {
        let mut buffer = [0; 1024];
        let list = subscriptions::<16>(channels, &self.job.scheme, Quality::ExactlyOnce, &mut buffer)
            .map_err(|error| self.failure(Step::Suback, Cause::Topic(error)))?;
        let subscribe = |agent: &mut Self| agent.client.subscribe(&list, Properties::EMPTY);
        subscribe(self).map_err(|refused| self.failure(Step::Suback, refused.into()))?;
        self.step(Step::Suback, |event, _| {
            let Event::Subscribed(ack) = event else { return ControlFlow::Continue(()) };
            let refused = list.iter().zip(ack.reasons.iter()).find(|(_, reason)| reason.is_error());
            ControlFlow::Break(refused.map_or(Ok(()), |(one, reason)| {
                Err(Cause::Subscription { filter: one.filter.as_str().to_owned(), reason })
            }))
        })
    }

    /// Hosts the session until `on` breaks; when that takes longer than a step may take, the step has failed.
    fn step<B>(
        &mut self,
        step: Step,
        on: impl FnMut(Event<'_>, &mut Client<Boxed>) -> ControlFlow<Result<B, Cause>>,
    ) -> Result<B, Failure> {
        let until = self.deadline();
        let silent = Cause::Silent(self.job.timeout);
        self.drive(step, until, on)?.ok_or_else(|| self.failure(step, silent))
    }

    /// Hosts the session until `on` breaks, or until the time `until`.
    pub(crate) fn drive<B>(
        &mut self,
        step: Step,
        until: Instant,
        mut on: impl FnMut(Event<'_>, &mut Client<Boxed>) -> ControlFlow<Result<B, Cause>>,
    ) -> Result<Option<B>, Failure> {
        let on = |event: Event<'_>, client: &mut Client<Boxed>| match event {
            Event::Disconnected(last) => {
                ControlFlow::Break(Err(Cause::Disconnected(Said::new(last.reason, &last.properties))))
            }
            Event::Published(ack) if ack.reason.is_error() => {
                ControlFlow::Break(Err(Cause::Publish(Said::new(ack.reason, &ack.properties))))
            }
            other => on(other, client),
        };
        match self.connection.drive(&mut self.client, &mut self.inbox, Some(until), on) {
            Ok(answer) => answer.transpose().map_err(|cause| self.failure(step, cause)),
            Err(mqtt5_blocking::Error::Stopped) => Err(self.failure(step, Cause::Interrupted)),
            Err(error) => Err(self.failure(step, error.into())),
        }
    }

    /// Hosts the session until nothing of it is left to acknowledge, in either direction.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        let deadline = self.deadline();
        loop {
            let figures = self.client.figures(self.now());
            if (figures.in_flight, figures.unacknowledged) == (0, 0) {
                return Ok(());
            }
            if self.now() >= deadline {
                return Err(self.failure(Step::Goodbye, Cause::Silent(self.job.timeout)));
            }
            let until = self.now().after(TICK);
            self.drive(Step::Goodbye, until, |_, _| ControlFlow::<Result<(), Cause>>::Continue(()))?;
        }
    }

    pub(crate) fn client(&mut self) -> &mut Client<Boxed> {
        &mut self.client
    }

    /// The time on the clock at which a step that begins now has taken too long.
    pub(crate) fn deadline(&self) -> Instant {
        self.now().after(u64::try_from(self.job.timeout.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn now(&self) -> Instant {
        self.job.clock.now()
    }

    pub(crate) fn failure(&self, step: Step, cause: Cause) -> Failure {
        self.job.failure(&self.who, step, cause)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let nothing_stays = [Property::SessionExpiryInterval(0)];
        let (reason, properties) = (ReasonCode::NORMAL_DISCONNECTION, Properties::from(&nothing_stays));
        // Refused when there is no connection any more, and then there is nobody to say goodbye to.
        if self.client.disconnect_with(reason, properties, Ending::AtOnce).is_ok() {
            let _ = self.connection.close(&mut self.client);
        }
    }
}
