//! This host under the tests that every host passes.

#![cfg(all(feature = "tls", feature = "websocket"))]

use core::future::Future;
use core::time::Duration;

use mqtt5_codec::QoS;
use mqtt5_host_tests::{Host, Message, Outcome, Plan, Session, run, run_bad_input};
use mqtt5_tokio::{
    Acknowledgement, Backoff, Builder, Events, Filters, Handle, HostEvent, Inbound, Messages, Options, Outbound, Tls,
};
use tokio::runtime::{self, Runtime};
use tokio::time::timeout;

#[test]
fn the_table_of_all_hosts() {
    if let Err(failures) = run(&Tokio) {
        panic!("{failures}");
    }
}

#[test]
fn what_goes_wrong_is_told_in_time() {
    if let Err(failures) = run_bad_input(&Tokio) {
        panic!("{failures}");
    }
}

struct Tokio;

struct Client {
    runtime: Runtime,
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

impl Host for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
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
        // One thread: the client's task runs whenever a test waits, and in the background by this thread's own.
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(told)?;
        let (handle, events) = runtime.block_on(builder.connect()).map_err(told)?;
        Ok(Box::new(Client { runtime, handle, events, messages: None, unsettled: Vec::new() }))
    }
}

impl Client {
    fn within<T>(&self, within: Duration, future: impl Future<Output = T>) -> Option<T> {
        self.runtime.block_on(async { timeout(within, future).await.ok() })
    }

    /// Waits for an event of which `take` makes something.
    fn event<T>(&mut self, within: Duration, take: impl Fn(HostEvent) -> Option<T>) -> Option<T> {
        let (runtime, events) = (&self.runtime, &mut self.events);
        let found = async {
            loop {
                if let Some(found) = take(events.next().await?) {
                    return Some(found);
                }
            }
        };
        runtime.block_on(async { timeout(within, found).await.ok().flatten() })
    }
}

impl Session for Client {
    fn publish(&mut self, topic: &str, payload: &[u8], level: u8) -> Outcome {
        let message = Outbound::new(topic, payload).qos(qos(level)?);
        let answer = self.runtime.block_on(self.handle.publish(message)).map_err(told)?;
        if self.unsettled.len() > 1_000 {
            self.settle(Duration::from_secs(20))?;
        }
        self.unsettled.push(answer);
        Ok(())
    }

    fn settle(&mut self, within: Duration) -> Outcome {
        for answer in core::mem::take(&mut self.unsettled) {
            let answer = self.within(within, answer).ok_or("an acknowledgement did not come")?;
            if !answer.is_success() {
                return Err(format!("{answer:?}"));
            }
        }
        Ok(())
    }

    fn subscribe(&mut self, filter: &str, level: u8) -> Outcome {
        let filters = Filters::one(filter).maximum_qos(qos(level)?);
        self.messages = Some(self.runtime.block_on(self.handle.subscribe(filters)).map_err(told)?);
        Ok(())
    }

    fn receive(&mut self, within: Duration) -> Result<Option<Message>, String> {
        let message =
            |inbound: Inbound| Message { topic: inbound.topic().to_owned(), payload: inbound.payload().to_vec() };
        let Some(messages) = &mut self.messages else {
            return Ok(self.event(within, |event| match event {
                HostEvent::Message(inbound) => Some(message(inbound)),
                _ => None,
            }));
        };
        match self.runtime.block_on(async { timeout(within, messages.next()).await }) {
            Err(_) => Ok(None),
            Ok(Some(inbound)) => Ok(Some(message(inbound))),
            Ok(None) => Err("the client has ended".to_owned()),
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
        self.runtime.block_on(self.handle.close(within)).map_err(told)
    }
}
