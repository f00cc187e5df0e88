//! What must have happened: every call and every message, from both ends.

use std::collections::BTreeMap;

use mqtt5_codec::{QoS, ReasonCode};

use crate::broker::Entry;

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Pending,
    Published(ReasonCode),
    Lost,
    /// The device lost its memory, and with it the call.
    Void,
}

/// A message that an application published.
#[derive(Clone, Debug)]
struct Published {
    device: usize,
    qos: QoS,
    outcome: Outcome,
    /// How often the broker passed it on.
    routed: u32,
    /// The broker refused it at least once; what comes again then comes later than what it let through.
    refused: bool,
    /// The server forgot that it had it, and the client was not told in time.
    may_repeat: bool,
    /// Its identifier may be one that the server holds for a call of which the device has lost the memory.
    may_be_swallowed: bool,
}

/// A message on its way to one device.
#[derive(Clone, Copy, Debug)]
struct Copies {
    qos: QoS,
    queued: u32,
    got: u32,
    /// Its place in the order in which the broker queued.
    index: u32,
    /// The session that it was for was lost.
    may_lack: bool,
    /// The device lost its memory while it was under way.
    may_repeat: bool,
}

/// One device's calls and messages.
#[derive(Clone, Debug, Default)]
struct Ledger {
    /// Exchanges without a result, by identifier: the message, or none for SUBSCRIBE and UNSUBSCRIBE.
    pending: BTreeMap<u16, Option<u32>>,
    copies: BTreeMap<u32, Copies>,
    queued: u32,
    /// The place of the message that came last, by QoS.
    last: [u32; 3],
    /// The server may hold QoS 2 identifiers that the device does not know of.
    swallows: bool,
    /// The message of each QoS that the broker passed on last.
    routed: [u32; 3],
}

/// The expectations of a schedule.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    /// What did not hold.
    pub problems: Vec<String>,
    published: Vec<Published>,
    devices: Vec<Ledger>,
}

/// The topic on which a device publishes at a QoS.
#[must_use]
pub(super) fn topic(device: usize, qos: QoS) -> String {
    format!("t/{device}/{}", qos as u8)
}

/// The number of the message with this payload.
pub(super) fn number(payload: &[u8]) -> Option<u32> {
    payload.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
}

impl Book {
    /// Expectations of that many devices.
    #[must_use]
    pub(super) fn new(devices: usize) -> Self {
        Self { devices: vec![Ledger::default(); devices], ..Self::default() }
    }

    /// How many messages were published.
    #[must_use]
    pub(super) const fn messages(&self) -> usize {
        self.published.len()
    }

    fn problem(&mut self, what: String) {
        self.problems.push(what);
    }

    /// The number of the next message.
    #[must_use]
    pub(super) const fn next(&self) -> u32 {
        self.published.len() as u32
    }

    /// A call of publish was accepted.
    pub(super) fn publish(&mut self, device: usize, qos: QoS, id: Option<u16>) {
        let number = self.next();
        let may_be_swallowed = self.devices.get(device).is_some_and(|ledger| ledger.swallows);
        let outcome = Outcome::Pending;
        self.published.push(Published {
            device,
            qos,
            outcome,
            routed: 0,
            refused: false,
            may_repeat: false,
            may_be_swallowed,
        });
        match (qos, id) {
            (QoS::AtMostOnce, None) => {}
            (QoS::AtMostOnce, Some(_)) | (_, None) => self.problem(format!("message {number} at {qos:?} got {id:?}")),
            (_, Some(id)) => self.begin(device, id, Some(number)),
        }
    }

    /// An exchange begins with this identifier.
    pub(super) fn begin(&mut self, device: usize, id: u16, message: Option<u32>) {
        let old = self.devices.get_mut(device).and_then(|ledger| ledger.pending.insert(id, message));
        if old.is_some() {
            self.problem(format!("device {device}: identifier {id} given twice"));
        }
    }

    /// An exchange has its result: a reason, or none when it is lost.
    pub(super) fn end(&mut self, device: usize, id: u16, is_publish: bool, reason: Option<ReasonCode>) {
        let pending = self.devices.get_mut(device).and_then(|ledger| ledger.pending.remove(&id));
        let Some(call) = pending else {
            return self.problem(format!("device {device}: a result for identifier {id}, which waits for none"));
        };
        if reason.is_some() && is_publish != call.is_some() {
            return self.problem(format!("device {device}: a result of another kind for identifier {id}"));
        }
        let Some(message) = call else { return };
        let Some(published) = self.published.get_mut(message as usize) else { return };
        published.outcome = reason.map_or(Outcome::Lost, Outcome::Published);
        let routed = published.routed;
        let qos = published.qos;
        let swallowed = published.may_be_swallowed && qos == QoS::ExactlyOnce;
        let again = published.may_repeat || qos == QoS::AtLeastOnce;
        let delivered = routed == 1 || again && routed > 0 || swallowed;
        if reason.is_some_and(|reason| !reason.is_error()) && !delivered {
            self.problem(format!(
                "message {message} at {qos:?} is said to be delivered, and was passed on {routed} times"
            ));
        }
    }

    /// What the broker did.
    pub(super) fn entry(&mut self, entry: &Entry, device: impl Fn(&str) -> Option<usize>) {
        match entry {
            Entry::Began(client) => {
                if let Some(device) = device(client) {
                    self.session_lost(device);
                    let pending = |published: &&mut Published| published.outcome == Outcome::Pending;
                    for published in self.published.iter_mut().filter(pending) {
                        published.may_repeat |= published.device == device && published.routed > 0;
                    }
                }
            }
            Entry::Routed(message) => {
                if let (Some(from), Some(number)) = (device(&message.from), number(message.payload())) {
                    self.routed(from, number, message.qos, &message.topic);
                }
            }
            Entry::Refused(message) => {
                let published = number(message.payload()).and_then(|number| self.published.get_mut(number as usize));
                if let Some(published) = published {
                    published.refused = true;
                }
            }
            Entry::Queued(to, message, qos) => {
                let (Some(to), Some(number)) = (device(to), number(message.payload())) else { return };
                let Some(ledger) = self.devices.get_mut(to) else { return };
                ledger.queued += 1;
                let new =
                    Copies { qos: *qos, queued: 0, got: 0, index: ledger.queued, may_lack: false, may_repeat: false };
                let copies = ledger.copies.entry(number).or_insert(new);
                copies.queued += 1;
            }
            Entry::Dropped(to, message) => {
                let (Some(to), Some(number)) = (device(to), number(message.payload())) else { return };
                if let Some(copies) = self.devices.get_mut(to).and_then(|ledger| ledger.copies.get_mut(&number)) {
                    copies.may_lack = true;
                }
            }
        }
    }

    fn routed(&mut self, from: usize, number: u32, qos: QoS, said: &str) {
        let Some(published) = self.published.get_mut(number as usize) else { return };
        published.routed += 1;
        let (routed, refused, again) = (published.routed, published.refused, published.may_repeat);
        if published.device != from || published.qos != qos || topic(from, qos) != said {
            return self.problem(format!("message {number} arrived from device {from} at {qos:?} on {said}"));
        }
        if routed > 1 && qos != QoS::AtLeastOnce && !again {
            self.problem(format!("message {number} at {qos:?} was passed on {routed} times"));
        }
        let Some(ledger) = self.devices.get_mut(from) else { return };
        let Some(last) = ledger.routed.get_mut(qos as usize) else { return };
        let in_order = routed > 1 || refused || number + 1 > *last;
        *last = (*last).max(number + 1);
        if !in_order {
            self.problem(format!("message {number} of device {from} at {qos:?} overtook a later one"));
        }
    }

    /// An application received a message.
    pub(super) fn received(&mut self, device: usize, payload: &[u8], qos: QoS, said: &str) {
        let Some(number) = number(payload) else { return };
        let Some(published) = self.published.get(number as usize) else {
            return self.problem(format!("device {device} received {number}, which nobody published"));
        };
        let wanted = topic(published.device, published.qos);
        let Some(ledger) = self.devices.get_mut(device) else { return };
        let Some(copies) = ledger.copies.get_mut(&number) else {
            return self.problem(format!("device {device} received {number}, which was not for it"));
        };
        copies.got += 1;
        let Copies { got, queued, index, .. } = *copies;
        let mut problems = Vec::new();
        if said != wanted || copies.qos != qos {
            problems.push(format!("device {device} received {number} on {said} at {qos:?}, not on {wanted}"));
        }
        if got > queued && !copies.may_repeat && qos != QoS::AtLeastOnce {
            problems.push(format!("device {device} received {number} at {qos:?} {got} times"));
        }
        // A message that was queued twice (retained, or published again at QoS 1) has two places.
        if got == 1
            && queued == 1
            && let Some(last) = ledger.last.get_mut(qos as usize)
        {
            if index < *last {
                problems.push(format!("device {device} received {number} at {qos:?} after a later one"));
            }
            *last = index;
        }
        self.problems.extend(problems);
    }

    /// An application refused a message: until the server knows, it comes again.
    pub(super) fn refused(&mut self, device: usize, message: u32) {
        let copies = self.devices.get_mut(device).and_then(|ledger| ledger.copies.get_mut(&message));
        if let Some(copies) = copies {
            copies.may_repeat = true;
        }
    }

    /// The server's session of a device is gone, and what was on its way with it.
    pub(super) fn session_lost(&mut self, device: usize) {
        if let Some(ledger) = self.devices.get_mut(device) {
            ledger.swallows = false;
        }
        for copies in self.devices.get_mut(device).into_iter().flat_map(|ledger| ledger.copies.values_mut()) {
            copies.may_lack |= copies.got < copies.queued;
        }
    }

    /// Whether the server may hold QoS 2 identifiers that a device does not know of.
    pub(super) fn swallows(&self, device: usize) -> bool {
        self.devices.get(device).is_some_and(|ledger| ledger.swallows)
    }

    /// A device lost its memory: it knows of no call and of no message that it received.
    ///
    /// The server may hold identifiers of QoS 2 messages of it: a new one with such an identifier is swallowed.
    pub(super) fn memory_lost(&mut self, device: usize, swallows: bool) {
        let Some(ledger) = self.devices.get_mut(device) else { return };
        ledger.swallows |= swallows;
        for copies in ledger.copies.values_mut() {
            copies.may_repeat = true;
        }
        for message in core::mem::take(&mut ledger.pending).into_values().flatten() {
            if let Some(published) = self.published.get_mut(message as usize) {
                published.outcome = Outcome::Void;
            }
        }
    }

    /// Everything is quiet: what still lacks?
    pub(super) fn finish(&mut self) {
        let mut problems = Vec::new();
        for (device, ledger) in self.devices.iter().enumerate() {
            for (id, message) in &ledger.pending {
                problems.push(format!("device {device}: identifier {id} ({message:?}) never got its result"));
            }
            for (number, copies) in &ledger.copies {
                let few = copies.got < copies.queued && copies.qos != QoS::AtMostOnce && !copies.may_lack;
                if few {
                    let Copies { got, queued, qos, .. } = copies;
                    problems.push(format!("device {device} received {number} at {qos:?} {got} times of {queued}"));
                }
            }
        }
        self.problems.extend(problems);
    }
}
