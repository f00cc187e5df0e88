//! More than a reader takes.

use std::fs;

use crate::broker::Broker;
use crate::roads::{SOON, fresh, nothing_more, plan};
use crate::table::Row;
use crate::{Host, Outcome};

pub(crate) const ROWS: &[Row] = &[Row {
    name: "a flood of 100,000 messages with a slow reader, in bounded memory",
    scheme: "mqtt",
    own_broker: false,
    test: flood,
}];

const MESSAGES: usize = 100_000;
/// The payload of each. All of them together are 50 MB.
const BYTES: usize = 512;
/// How much the process may grow meanwhile.
const GROWTH: usize = 16 << 20;

/// Bytes of memory that this process has in use, if the system tells.
fn resident() -> Option<usize> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<usize>().ok()? * 4_096)
}

fn flood(host: &dyn Host, broker: &mut Broker) -> Outcome {
    let topic = fresh("flood");
    let mut subscriber = host.open(&plan(broker, "mqtt", "sub"))?;
    subscriber.subscribe(&topic, 1)?;
    let mut publisher = host.open(&plan(broker, "mqtt", "pub"))?;
    let before = resident();
    let (mut read, mut most) = (0, before);
    for n in 0..MESSAGES {
        let mut payload = format!("{n} ").into_bytes();
        payload.resize(BYTES, b'x');
        publisher.publish(&topic, &payload, 1)?;
        // One in ten is read while they come.
        if n % 10 == 9 {
            number(subscriber.receive(SOON)?, read)?;
            read += 1;
        }
        if n % 500 == 0 {
            most = most.max(resident());
        }
    }
    while read < MESSAGES {
        number(subscriber.receive(SOON)?, read)?;
        read += 1;
    }
    nothing_more(&mut *subscriber)?;
    let grown = most.unwrap_or(0).saturating_sub(before.unwrap_or(0));
    if grown > GROWTH {
        return Err(format!("the process grew by {grown} bytes"));
    }
    publisher.settle(SOON)?;
    publisher.close(SOON)?;
    subscriber.close(SOON)
}

/// Whether this message has that number.
fn number(message: Option<crate::Message>, number: usize) -> Outcome {
    let message = message.ok_or_else(|| format!("message {number} did not come"))?;
    let text = String::from_utf8_lossy(&message.payload);
    match text.split(' ').next() == Some(&number.to_string()) {
        true => Ok(()),
        false => Err(format!("message {number} was expected, {:?} came", text.get(..10))),
    }
}
