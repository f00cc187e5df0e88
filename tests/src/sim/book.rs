//! What must have happened: every call and every message, from both ends.

use mqtt5_codec::{QoS, ReasonCode};

use super::record::{Allowed, Copies, Ledger, Outcome, Published, number};
use crate::broker::Entry;

/// The expectations of a schedule.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    /// What did not hold.
    pub problems: Vec<String>,
    published: Vec<Published>,
    devices: Vec<Ledger>,
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

    /// Something does not hold.
    pub(super) fn problem(&mut self, what: String) {
        self.problems.push(what);
    }

    /// The number of the next message.
    #[must_use]
    pub(super) const fn next(&self) -> u32 {
        self.published.len() as u32
    }

    /// A call of publish was accepted.
    pub(super) fn publish(&mut self, device: usize, qos: QoS, retain: bool, size: usize, id: Option<u16>) {
        let number = self.next();
        self.add(device, qos, retain, size, false);
        match (qos, id) {
            (QoS::AtMostOnce, None) => {}
            (QoS::AtMostOnce, Some(_)) | (_, None) => self.problem(format!("message {number} at {qos:?} got {id:?}")),
            (_, Some(id)) => self.begin(device, id, Some(number)),
        }
    }

    /// A connection begins with a will. Its message has the number that [`next`](Self::next) told.
    pub(super) fn will(&mut self, device: usize, qos: QoS) {
        self.add(device, qos, false, 0, true);
    }

    fn add(&mut self, device: usize, qos: QoS, retain: bool, size: usize, will: bool) {
        let may_be_swallowed = self.devices.get(device).is_some_and(|ledger| ledger.swallows);
        self.published.push(Published {
            device,
            qos,
            retain,
            size,
            will,
            outcome: if will { Outcome::Void } else { Outcome::Pending },
            routed: 0,
            refused: false,
            may_repeat: false,
            may_be_swallowed,
            revoked: false,
            may_be_lost: false,
        });
    }

    /// How many exchanges of a device wait for their result, and how many of them are messages.
    pub(super) fn pending(&self, device: usize) -> (usize, usize) {
        self.devices.get(device).map_or((0, 0), |ledger| {
            (ledger.pending.len(), ledger.pending.values().filter(|message| message.is_some()).count())
        })
    }

    /// Messages of a device that wait for their result and fulfil this may end without one.
    pub(super) fn may_lose(&mut self, device: usize, which: impl Fn(QoS, bool, usize) -> bool) {
        let Self { devices, published, .. } = self;
        for number in devices.get(device).into_iter().flat_map(|ledger| ledger.pending.values()).flatten() {
            if let Some(message) = published.get_mut(*number as usize) {
                message.may_be_lost |= which(message.qos, message.retain, message.size);
            }
        }
    }

    /// The server told its limits: what they forbid is given up.
    pub(super) fn limited(&mut self, device: usize, allowed: Allowed) {
        self.may_lose(device, |qos, retain, size| {
            qos > allowed.qos || retain && !allowed.retain || size > allowed.size
        });
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
        if reason.is_none() && !published.may_be_lost {
            return self.problem(format!("message {message} is said to be lost, and there was no reason to lose it"));
        }
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
                    self.may_lose(device, |_, _, _| true);
                    let pending = |published: &&mut Published| published.outcome == Outcome::Pending;
                    for published in self.published.iter_mut().filter(pending) {
                        published.may_repeat |= published.device == device && published.routed > 0;
                    }
                }
            }
            Entry::Left(client) => {
                // Its will is the last one that it connected with.
                let of = |will: &&mut Published| will.will && Some(will.device) == device(client);
                if let Some(will) = self.published.iter_mut().rev().find(of) {
                    will.revoked = true;
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
        let Published { routed, refused, will, revoked, .. } = *published;
        let again = published.may_repeat || qos == QoS::AtLeastOnce && !will;
        if published.device != from || published.qos != qos || published.topic() != said {
            return self.problem(format!("message {number} arrived from device {from} at {qos:?} on {said}"));
        }
        if routed > 1 && !again {
            self.problem(format!("message {number} at {qos:?} was passed on {routed} times"));
        }
        if revoked {
            self.problem(format!("the will {number} was published though its device said goodbye"));
        }
        if will {
            return;
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
        let wanted = published.topic();
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
    fn session_lost(&mut self, device: usize) {
        if let Some(ledger) = self.devices.get_mut(device) {
            ledger.swallows = false;
            ledger.untold = true;
        }
        for copies in self.devices.get_mut(device).into_iter().flat_map(|ledger| ledger.copies.values_mut()) {
            copies.may_lack |= copies.got < copies.queued;
        }
    }

    /// The device has been told that the server began a session.
    pub(super) fn told(&mut self, device: usize) {
        if let Some(ledger) = self.devices.get_mut(device) {
            ledger.untold = false;
        }
    }

    /// Whether the device has not been told of the last session that the server began. If CONNACK was cut off, it never will:
    /// the next one says that there is a session [MQTT-3.2.2-3].
    pub(super) fn untold(&self, device: usize) -> bool {
        self.devices.get(device).is_some_and(|ledger| ledger.untold)
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
            copies.may_repeat |= copies.got > 0;
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
