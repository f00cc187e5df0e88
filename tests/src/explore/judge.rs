//! What holds in every state, and what is done in a quiet one.

use mqtt5_codec::QoS;

use super::state::{NOW, State};
use crate::broker;

impl State {
    /// What holds in every state.
    pub(super) fn check(&mut self) {
        for entry in self.broker.journal.iter_mut().flat_map(|journal| journal.drain(..)) {
            if let broker::Entry::Routed(message) = entry
                && message.from == "c"
            {
                self.routed.extend(message.payload().first());
            }
        }
        while let Some(id) = self.client.poll_lost() {
            // The SUBSCRIBE of the beginning may be; nothing else is.
            if let Some((id, message)) = self.pending.iter().find(|(pending, _)| *pending == id.get()) {
                self.problem = Some(format!("message {message}, identifier {id}, is said to be lost"));
            }
        }
        if let Some(violation) = self.broker.ledger.violations().first() {
            self.problem = Some(format!("the broker saw {violation}"));
        }
        // A device that lost its memory can neither know what it received nor what it sent.
        if self.restarts == 0 {
            for (what, list) in [("passed on", &self.routed), ("received", &self.received)] {
                let firsts = firsts(list);
                if self.bounds.qos == QoS::ExactlyOnce && firsts.len() < list.len() {
                    self.problem = Some(format!("a message was {what} twice: {list:?}"));
                }
                if !firsts.is_sorted() {
                    self.problem = Some(format!("messages were {what} out of order: {list:?}"));
                }
            }
        }
    }

    /// What does not hold in this state; where all has fallen quiet, also what is not done.
    #[must_use]
    pub fn verdict(&self) -> Option<String> {
        if self.problem.is_some() {
            return self.problem.clone();
        }
        if let Err(broken) = self.client.clone().check() {
            return Some(format!("it does not hold that {broken}"));
        }
        let session = self.broker.session("c");
        if self.client.is_connected()
            && !self.doomed
            && self.client.clone().poll_transmit().is_none()
            && let Some(id) = session.and_then(broker::Session::unreleased)
        {
            return Some(format!("the client waits before it sends PUBREL {id}"));
        }
        if self.link.is_none() || self.doomed || !self.flow_steps().is_empty() {
            return None;
        }
        let mut end = self.clone();
        if let Some(link) = self.link {
            end.broker.settle(link);
        }
        end.check();
        end.problem.take().or_else(|| end.undone())
    }

    /// What is not done.
    fn undone(&self) -> Option<String> {
        let figures = self.client.figures(NOW);
        if figures.in_flight != 0 || figures.unacknowledged != 0 || !self.pending.is_empty() {
            return Some(format!("the client is not done: {figures:?}, {:?} wait", self.pending));
        }
        // A device that lost its memory can neither know what it received nor what it sent.
        if self.restarts > 0 {
            return None;
        }
        let all = |list: &[u8], count: u8| firsts(list).into_iter().eq(0..count);
        if !all(&self.routed, self.published) || !all(&self.received, self.bounds.inward) {
            return Some(format!("in the end {:?} were passed on, {:?} received", self.routed, self.received));
        }
        let quiet = self.broker.session("c").is_some_and(broker::Session::is_quiet);
        (!quiet).then(|| format!("the broker is not done: {:?}", self.broker.session("c")))
    }
}

/// A list without what came again.
fn firsts(list: &[u8]) -> Vec<u8> {
    let mut firsts: Vec<u8> = Vec::new();
    for number in list {
        if !firsts.contains(number) {
            firsts.push(*number);
        }
    }
    firsts
}
