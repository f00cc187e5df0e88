//! What publishes and what receives. Each message carries when it was due, so that a broker that falls behind is seen to.

use core::cell::RefCell;
use core::time::Duration;
use std::rc::Rc;

use mqtt5_codec::QoS;
use mqtt5_tokio::{Acknowledgement, Outbound};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::tally::Tally;
use crate::cli::Bench;
use crate::packet::hex;
use crate::remote::{self, Session};

/// What a payload of ours begins with; the time follows.
const MARK: &[u8; 8] = b"oc2bench";
/// The runtime's timers are no finer; what is left of a pause is spent looking.
const FINEST: Duration = Duration::from_millis(2);

/// What is sent.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    topic: String,
    size: usize,
    qos: QoS,
    window: usize,
    count: Option<u64>,
    within: Duration,
    pause: Option<Duration>,
}

impl Plan {
    pub(super) fn new(bench: &Bench) -> Result<Self, String> {
        let topic = match &bench.topic {
            Some(topic) => topic.clone(),
            None => format!("oc2-bench/{}", hex(remote::random()?.get(..6).unwrap_or_default())),
        };
        if let Err(why) = mqtt5_codec::Topic::new(&topic) {
            return Err(format!("--topic {topic}: {why}"));
        }
        Ok(Self {
            topic,
            size: bench.size as usize,
            qos: match bench.qos {
                0 => QoS::AtMostOnce,
                1 => QoS::AtLeastOnce,
                _ => QoS::ExactlyOnce,
            },
            window: bench.window.into(),
            count: bench.count,
            within: bench.timeout,
            pause: bench.rate.map(|rate| Duration::from_secs(1) / rate),
        })
    }

    fn payload(&self, due: Duration) -> Vec<u8> {
        let mut payload = vec![b'.'; self.size];
        let nanos = u64::try_from(due.as_nanos()).unwrap_or(u64::MAX);
        for (byte, value) in payload.iter_mut().zip(MARK.iter().copied().chain(nanos.to_be_bytes())) {
            *byte = value;
        }
        payload
    }
}

/// When a message was due, if it is one of ours.
fn due(payload: &[u8]) -> Option<Duration> {
    let nanos = payload.strip_prefix(MARK)?.first_chunk()?;
    Some(Duration::from_nanos(u64::from_be_bytes(*nanos)))
}

/// Subscribes, and counts what comes in a task of its own.
pub(super) async fn receive(session: &Session, plan: &Plan, tally: &Rc<RefCell<Tally>>) -> Result<(), String> {
    let filters = mqtt5_tokio::Filters::one(&plan.topic).maximum_qos(plan.qos);
    let mut messages = session.subscribed(filters, core::slice::from_ref(&plan.topic)).await?;
    let tally = Rc::clone(tally);
    tokio::task::spawn_local(async move {
        while let Some(message) = messages.next().await {
            if let Some(due) = due(&message.payload()) {
                tally.borrow_mut().received(due);
            }
        }
    });
    Ok(())
}

/// Publishes in a task of its own, which ends when everything is acknowledged.
pub(super) fn publish(session: &Session, plan: &Plan, tally: &Rc<RefCell<Tally>>) -> JoinHandle<Result<(), String>> {
    let (handle, plan, tally) = (session.handle.clone(), plan.clone(), Rc::clone(tally));
    tokio::task::spawn_local(async move {
        // As many as the window is wide wait in here.
        let (sent, mut waiting) = mpsc::channel::<(Duration, Acknowledgement)>(plan.window);
        let counting = Rc::clone(&tally);
        let acknowledged = async move {
            while let Some((due, acknowledgement)) = waiting.recv().await {
                if !acknowledgement.await.is_success() {
                    return Err("the broker did not take a message".to_owned());
                }
                counting.borrow_mut().acknowledged(due);
            }
            Ok(())
        };
        let start = Instant::now();
        let publishing = async move {
            let mut number = 0_u32;
            loop {
                let over = plan.count.map_or(start.elapsed() >= plan.within, |count| u64::from(number) >= count);
                let Ok(permit) = sent.reserve().await else { return Ok(()) };
                if over {
                    return Ok(());
                }
                let due = match plan.pause.and_then(|pause| pause.checked_mul(number)) {
                    Some(due) => {
                        pause(start + due).await;
                        tally.borrow().since(start) + due
                    }
                    None => tally.borrow().elapsed(),
                };
                let message = Outbound::new(plan.topic.as_str(), plan.payload(due)).qos(plan.qos);
                let acknowledgement = handle.publish(message).await.map_err(|error| format!("not sent: {error}"))?;
                tally.borrow_mut().published();
                permit.send((due, acknowledgement));
                number = number.wrapping_add(1);
            }
        };
        let (published, acknowledged): (Result<(), String>, _) = tokio::join!(publishing, acknowledged);
        published.and(acknowledged)
    })
}

/// Waits until a moment, to the microsecond.
async fn pause(until: Instant) {
    if let Some(early) = until.checked_sub(FINEST) {
        tokio::time::sleep_until(early).await;
    }
    while Instant::now() < until {
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_says_when_it_was_due_and_others_say_nothing() {
        let plan = Plan {
            topic: "t".into(),
            size: 20,
            qos: QoS::AtMostOnce,
            window: 1,
            count: None,
            within: Duration::ZERO,
            pause: None,
        };
        let payload = plan.payload(Duration::from_nanos(0x0102));
        assert_eq!(payload, b"oc2bench\0\0\0\0\0\0\x01\x02....");
        assert_eq!(due(&payload), Some(Duration::from_nanos(0x0102)));
        for other in [&b""[..], b"oc2bench", b"oc2bench\0\0\0\0\0\0\x01", b"another message of somebody"] {
            assert_eq!(due(other), None);
        }
    }
}
