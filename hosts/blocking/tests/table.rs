//! This host under the tests that every host passes.
#![cfg(feature = "tls")]
#![allow(clippy::panic, reason = "a test may panic")]

use core::time::Duration;
use std::time::Instant;

use mqtt5_blocking::{Acknowledgement, Builder, Events, Handle, Messages};
use mqtt5_codec::QoS;
use mqtt5_host::{Backoff, Filters, HostEvent, Inbound, Options, Outbound, Tls};
use mqtt5_host_tests::{Host, Message, Outcome, Plan, Session, run, run_bad_input};

#[test]
fn the_table_of_all_hosts() {
    if let Err(failures) = run(&Blocking) {
        panic!("{failures}");
    }
}

#[test]
fn what_goes_wrong_is_told_in_time() {
    if let Err(failures) = run_bad_input(&Blocking) {
        panic!("{failures}");
    }
}

struct Blocking;

struct Client {
    handle: Handle,
    events: Events,
    messages: Option<Messages>,
    unsettled: Vec<Acknowledgement>,
}

fn qos(qos: u8) -> Result<QoS, String> {
    QoS::from_u8(qos).ok_or_else(|| "no such QoS".to_owned())
}

fn told(error: impl core::fmt::Display) -> String {
    error.to_string()
}

impl Host for Blocking {
    fn name(&self) -> &'static str {
        "blocking"
    }

    fn speaks(&self, scheme: &str) -> bool {
        ["mqtt", "mqtts", "ws", "wss", "unix"].contains(&scheme)
    }

    fn open(&self, plan: &Plan) -> Result<Box<dyn Session>, String> {
        let mut options = Options::new(plan.client_id.clone());
        options.clean_start = plan.clean_start;
        options.session_expiry = plan.session_expiry;
        options.keep_alive = plan.keep_alive;
        options.ping_timeout = plan.patience;
        options.connect_timeout = plan.connect_timeout;
        options.reconnect = Backoff::jittered(Duration::from_millis(50), Duration::from_millis(500)).into();
        let mut builder = Builder::new(&plan.url).map_err(told)?.options(options);
        if let Some(roots) = &plan.roots {
            builder = builder.tls(Tls::new().roots(roots.as_bytes()).map_err(told)?);
        }
        let (handle, events) = builder.connect().map_err(told)?;
        Ok(Box::new(Client { handle, events, messages: None, unsettled: Vec::new() }))
    }
}

impl Client {
    /// Waits for an event of which `take` makes something.
    fn event<T>(&mut self, within: Duration, take: impl Fn(HostEvent) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + within;
        loop {
            let event = self.events.next_within(deadline.saturating_duration_since(Instant::now()))?;
            if let Some(found) = take(event) {
                return Some(found);
            }
        }
    }
}

impl Session for Client {
    fn publish(&mut self, topic: &str, payload: &[u8], level: u8) -> Outcome {
        let message = Outbound::new(topic, payload).qos(qos(level)?);
        let answer = self.handle.publish(message).map_err(told)?;
        if self.unsettled.len() > 1_000 {
            self.settle(Duration::from_secs(20))?;
        }
        self.unsettled.push(answer);
        Ok(())
    }

    fn settle(&mut self, within: Duration) -> Outcome {
        for mut answer in core::mem::take(&mut self.unsettled) {
            let answer = answer.wait_for(within).ok_or("an acknowledgement did not come")?;
            if !answer.is_success() {
                return Err(format!("{answer:?}"));
            }
        }
        Ok(())
    }

    fn subscribe(&mut self, filter: &str, level: u8) -> Outcome {
        let filters = Filters::one(filter).maximum_qos(qos(level)?);
        self.messages = Some(self.handle.subscribe(filters).map_err(told)?);
        Ok(())
    }

    fn receive(&mut self, within: Duration) -> Result<Option<Message>, String> {
        let message =
            |inbound: Inbound| Message { topic: inbound.topic().to_owned(), payload: inbound.payload().to_vec() };
        match &mut self.messages {
            Some(messages) => Ok(messages.next_within(within).map(message)),
            None => Ok(self.event(within, |event| match event {
                HostEvent::Message(inbound) => Some(message(inbound)),
                _ => None,
            })),
        }
    }

    fn lost(&mut self, within: Duration) -> Outcome {
        let lost = |event| matches!(event, HostEvent::Disconnected { .. } | HostEvent::Ended(Some(_))).then_some(());
        self.event(within, lost).ok_or_else(|| "the loss of the connection was not noticed".to_owned())
    }

    fn back(&mut self, within: Duration) -> Result<bool, String> {
        let back = |event| match event {
            HostEvent::Connected(accepted) => Some(accepted.resumed),
            _ => None,
        };
        self.event(within, back).ok_or_else(|| "there is no connection again".to_owned())
    }

    fn close(self: Box<Self>, within: Duration) -> Outcome {
        self.handle.close(within).map_err(told)
    }
}
