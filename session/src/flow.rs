//! The exchanges of QoS 1 and QoS 2 (section 4.3), and those of SUBSCRIBE and UNSUBSCRIBE, as tables of states.
//!
//! An [`Exchange`] is in a state that nothing but its `step` changes: [`Sending`] on the side that began it, [`Receiving`] on the
//! other. A step costs a comparison or two. What an exchange holds beside its state (a packet, a place in a list) is the engine's,
//! which does what the reply of the step says. Every state is tested with every input.

use mqtt5_codec::Rule;

/// An exchange with one packet identifier. Only its `step` changes the state.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Exchange<S>(S);

impl<S: Copy> Exchange<S> {
    /// The state that it is in.
    #[inline]
    pub(crate) const fn state(self) -> S {
        self.0
    }
}

// --- exchanges that we begin ---

/// What the sender of a PUBLISH, SUBSCRIBE or UNSUBSCRIBE waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Sending {
    /// Nothing: there is no exchange.
    Idle,
    /// A PUBACK for a QoS 1 PUBLISH.
    PubAck,
    /// A PUBREC for a QoS 2 PUBLISH.
    PubRec,
    /// A PUBCOMP for a PUBREL.
    PubComp,
    /// A PUBCOMP for a PUBREL that gives up a PUBLISH, of which nobody knows whether it has arrived.
    GivenUp,
    /// A SUBACK.
    SubAck,
    /// An UNSUBACK.
    UnsubAck,
}

/// What happens to an exchange that we begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum SendInput {
    /// The application publishes a message of QoS 1.
    Publish1,
    /// The application publishes a message of QoS 2.
    Publish2,
    /// The application subscribes.
    Subscribe,
    /// The application unsubscribes.
    Unsubscribe,
    /// PUBACK came, whatever its reason.
    PubAck,
    /// PUBREC came with a reason below 0x80.
    PubRec,
    /// PUBREC came with a reason of 0x80 or above.
    PubRecError,
    /// PUBCOMP came, whatever its reason.
    PubComp,
    /// SUBACK came, with a reason for each filter.
    SubAck,
    /// SUBACK came, with more or fewer reasons than there are filters.
    SubAckMiscounted,
    /// UNSUBACK came, with a reason for each filter.
    UnsubAck,
    /// UNSUBACK came, with more or fewer reasons than there are filters.
    UnsubAckMiscounted,
    /// A new connection resumes the session, and its server takes the PUBLISH.
    Resume,
    /// A new connection resumes the session, and its limits forbid the PUBLISH, of which a byte was sent on an earlier one.
    ForbidSent,
    /// A new connection resumes the session, and its limits forbid the PUBLISH, of which not a byte was ever sent.
    ForbidUnsent,
    /// Session or connection ended, and the exchange with it.
    Lose,
}

/// What the sender does about a [`SendInput`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum SendReply {
    /// Nothing: the input concerns no exchange that there is.
    Ignore,
    /// Send the PUBLISH, SUBSCRIBE or UNSUBSCRIBE when its turn comes.
    Send,
    /// Send PUBREL with reason 0x92, Packet Identifier not found.
    NotFound,
    /// Send PUBREL once more.
    ReleaseAgain,
    /// The server has the PUBLISH: send PUBREL [MQTT-4.3.3-4], and tell the application.
    Release,
    /// The PUBLISH is given up: send PUBREL instead.
    GiveUp,
    /// The exchange is over: tell the application of the answer.
    Done,
    /// The exchange is over: tell the application that the message was given up.
    DoneUnconfirmed,
    /// The exchange is over without an answer.
    Lost,
}

/// What the server breaks by an answer.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Breach {
    OtherQos,
    TakenBack,
    AckOfRequest,
    OtherRequest,
    SubAckCount,
    UnsubAckCount,
}

const SENDING: [Sending; 7] = [
    Sending::Idle,
    Sending::PubAck,
    Sending::PubRec,
    Sending::PubComp,
    Sending::GivenUp,
    Sending::SubAck,
    Sending::UnsubAck,
];

const SEND_INPUTS: [SendInput; 16] = [
    SendInput::Publish1,
    SendInput::Publish2,
    SendInput::Subscribe,
    SendInput::Unsubscribe,
    SendInput::PubAck,
    SendInput::PubRec,
    SendInput::PubRecError,
    SendInput::PubComp,
    SendInput::SubAck,
    SendInput::SubAckMiscounted,
    SendInput::UnsubAck,
    SendInput::UnsubAckMiscounted,
    SendInput::Resume,
    SendInput::ForbidSent,
    SendInput::ForbidUnsent,
    SendInput::Lose,
];

const BREACHES: [Rule; 6] = [
    Rule::ANSWER_BY_QOS,
    Rule::PUBREC_TAKEN_BACK,
    Rule::PACKET_ID_ACK,
    Rule::PACKET_ID_SUBACK,
    Rule::SUBACK_COUNT,
    Rule::UNSUBACK_COUNT,
];

/// Marks a cell of the table that holds a breach.
const BREACH: u8 = 0x80;

/// [`Sending::next`] for every state and every input, made by the compiler: a byte each, of the next state and the reply, or of
/// a breach. As code the same is several times as large.
#[expect(clippy::indexing_slicing, reason = "done by the compiler")]
static SEND_TABLE: [[u8; SEND_INPUTS.len()]; SENDING.len()] = {
    let mut table = [[0; SEND_INPUTS.len()]; SENDING.len()];
    let mut cell = 0;
    while cell < SENDING.len() * SEND_INPUTS.len() {
        let (state, input) = (cell / SEND_INPUTS.len(), cell % SEND_INPUTS.len());
        table[state][input] = match SENDING[state].next(SEND_INPUTS[input]) {
            Ok((next, reply)) => (next as u8) << 4 | reply as u8,
            Err(breach) => BREACH | breach as u8,
        };
        cell += 1;
    }
    table
};

impl SendReply {
    /// The reply with this discriminant; the compiler makes a comparison of it.
    const fn numbered(number: u8) -> Self {
        match number {
            1 => Self::Send,
            2 => Self::NotFound,
            3 => Self::ReleaseAgain,
            4 => Self::Release,
            5 => Self::GiveUp,
            6 => Self::Done,
            7 => Self::DoneUnconfirmed,
            8 => Self::Lost,
            _ => Self::Ignore,
        }
    }
}

impl Sending {
    /// As [`SendReply::numbered`].
    const fn numbered(number: u8) -> Self {
        match number {
            1 => Self::PubAck,
            2 => Self::PubRec,
            3 => Self::PubComp,
            4 => Self::GivenUp,
            5 => Self::SubAck,
            6 => Self::UnsubAck,
            _ => Self::Idle,
        }
    }

    /// Whether a PUBREL is what was sent last, or is to be.
    #[inline]
    pub(crate) const fn is_released(self) -> bool {
        matches!(self, Self::PubComp | Self::GivenUp)
    }

    /// The state after an input, and what is done about it.
    const fn next(self, input: SendInput) -> Result<(Self, SendReply), Breach> {
        use SendInput as I;
        use SendReply as R;
        match (self, input) {
            (Self::Idle, I::Publish1) => Ok((Self::PubAck, R::Send)),
            (Self::Idle, I::Publish2) => Ok((Self::PubRec, R::Send)),
            (Self::Idle, I::Subscribe) => Ok((Self::SubAck, R::Send)),
            (Self::Idle, I::Unsubscribe) => Ok((Self::UnsubAck, R::Send)),
            (_, I::Publish1 | I::Publish2 | I::Subscribe | I::Unsubscribe) => Ok((self, R::Ignore)),

            (Self::Idle, I::PubRec) => Ok((self, R::NotFound)),
            (Self::Idle, _) => Ok((self, R::Ignore)),
            (Self::PubAck, I::PubAck)
            | (Self::PubRec, I::PubRecError)
            | (Self::PubComp, I::PubComp)
            | (Self::SubAck, I::SubAck)
            | (Self::UnsubAck, I::UnsubAck) => Ok((Self::Idle, R::Done)),
            (Self::GivenUp, I::PubComp) => Ok((Self::Idle, R::DoneUnconfirmed)),
            (Self::PubRec, I::PubRec) => Ok((Self::PubComp, R::Release)),
            (Self::PubComp | Self::GivenUp, I::PubRec) => Ok((self, R::ReleaseAgain)),

            (_, I::Lose) => Ok((Self::Idle, R::Lost)),
            // No limit forbids a PUBREL.
            (Self::PubComp | Self::GivenUp, I::Resume | I::ForbidSent | I::ForbidUnsent) => Ok((self, R::ReleaseAgain)),
            (Self::PubAck | Self::PubRec, I::Resume) => Ok((self, R::Send)),
            // The server may have it, and would take a new message with this identifier for a duplicate [MQTT-4.3.3-10]. So
            // it is asked to release it. That it does says nothing about the PUBLISH: some servers answer any PUBREL.
            (Self::PubRec, I::ForbidSent) => Ok((Self::GivenUp, R::GiveUp)),
            (Self::PubAck | Self::PubRec, I::ForbidSent | I::ForbidUnsent) => Ok((Self::Idle, R::Lost)),
            // A request dies with its connection: there is none on a new one.
            (Self::SubAck | Self::UnsubAck, I::Resume | I::ForbidSent | I::ForbidUnsent) => Ok((self, R::Ignore)),

            (Self::PubComp | Self::GivenUp, I::PubRecError) => Err(Breach::TakenBack),
            (Self::SubAck, I::SubAckMiscounted) => Err(Breach::SubAckCount),
            (Self::UnsubAck, I::UnsubAckMiscounted) => Err(Breach::UnsubAckCount),
            (_, I::SubAck | I::SubAckMiscounted | I::UnsubAck | I::UnsubAckMiscounted) => Err(Breach::OtherRequest),
            (Self::SubAck | Self::UnsubAck, _) => Err(Breach::AckOfRequest),
            _ => Err(Breach::OtherQos),
        }
    }
}

impl Exchange<Sending> {
    /// An exchange that has not begun.
    pub(crate) const NEW: Self = Self(Sending::Idle);

    /// What an input does to the exchange, and what we do.
    ///
    /// # Errors
    /// The statement that an answer breaks, when the exchange exists and this is no answer to it. Nothing has changed then.
    #[inline]
    pub(crate) fn step(&mut self, input: SendInput) -> Result<SendReply, Rule> {
        let cell = SEND_TABLE.as_flattened().get((self.0 as usize) << 4 | input as usize).copied().unwrap_or(0);
        if cell >= BREACH {
            return Err(BREACHES.get(usize::from(cell & !BREACH)).copied().unwrap_or(Rule::ANSWER_BY_QOS));
        }
        self.0 = Sending::numbered(cell >> 4);
        Ok(SendReply::numbered(cell & 15))
    }
}

// --- exchanges that the server begins ---

/// How far the receiver of a PUBLISH has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Receiving {
    /// There is no exchange.
    Idle,
    /// A QoS 1 PUBLISH was delivered, its PUBACK is owed.
    Owes1,
    /// A QoS 2 PUBLISH was delivered, its PUBREC is owed.
    Owes2,
    /// PUBREC was sent, the PUBREL is awaited.
    PubRel,
}

/// What happens to an exchange that the server begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum ReceiveInput {
    /// A PUBLISH of QoS 1 came.
    Publish1,
    /// A PUBLISH of QoS 2 came.
    Publish2,
    /// A PUBREL came.
    PubRel,
    /// The message is accepted, by a reason below 0x80: by the application, whose turn has come, or in its stead.
    Accept,
    /// The application rejects the message, by a reason of 0x80 or above, and its turn has come.
    Reject,
    /// The PUBREC that was asked for again may not be sent yet, since older messages still have none [MQTT-4.6.0-3].
    Postpone,
    /// The connection ended.
    Disconnect,
}

/// What the receiver does about a [`ReceiveInput`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ReceiveReply {
    /// Deliver the message to the application.
    Deliver,
    /// Nothing for now: the answer is still owed.
    Wait,
    /// Send PUBACK.
    PubAck,
    /// Send PUBREC.
    PubRec,
    /// Send PUBCOMP.
    PubComp,
    /// Send PUBCOMP with reason 0x92, Packet Identifier not found.
    NotFound,
    /// Nothing: the input concerns no exchange that there is, or changes none.
    Ignore,
    /// The exchange is over: the message will come again as a new one.
    Forget,
}

impl Receiving {
    /// The state after an input, and what is done about it.
    #[inline(always)]
    const fn next(self, input: ReceiveInput) -> Result<(Self, ReceiveReply), Rule> {
        use ReceiveInput as I;
        use ReceiveReply as R;
        match (self, input) {
            (Self::Idle, I::Publish1) => Ok((Self::Owes1, R::Deliver)),
            (Self::Idle, I::Publish2) => Ok((Self::Owes2, R::Deliver)),
            (Self::Owes2, I::Publish2) => Ok((Self::Owes2, R::Wait)),
            (Self::PubRel, I::Publish2) => Ok((Self::PubRel, R::PubRec)),
            (Self::Owes1, I::Publish1 | I::Publish2) | (Self::Owes2 | Self::PubRel, I::Publish1) => {
                Err(Rule::SERVER_ID_IN_USE)
            }

            (Self::Idle, I::PubRel) => Ok((Self::Idle, R::NotFound)),
            (Self::PubRel, I::PubRel) => Ok((Self::Idle, R::PubComp)),
            (Self::Owes1 | Self::Owes2, I::PubRel) => Err(Rule::PUBREL_UNASKED),

            (Self::Owes1, I::Accept | I::Reject) => Ok((Self::Idle, R::PubAck)),
            (Self::Owes2, I::Accept) => Ok((Self::PubRel, R::PubRec)),
            (Self::Owes2, I::Reject) => Ok((Self::Idle, R::PubRec)),
            (Self::Idle | Self::PubRel, I::Accept | I::Reject) => Ok((self, R::Ignore)),

            (Self::PubRel, I::Postpone) => Ok((Self::Owes2, R::Wait)),
            (Self::Owes1 | Self::Owes2, I::Postpone) => Ok((self, R::Wait)),
            (Self::Idle, I::Postpone) => Ok((Self::Idle, R::Ignore)),

            // The server sends a QoS 1 message again, and that is a new one; of QoS 2 identifiers are remembered.
            (Self::Owes1, I::Disconnect) => Ok((Self::Idle, R::Forget)),
            (Self::Idle | Self::Owes2 | Self::PubRel, I::Disconnect) => Ok((self, R::Ignore)),
        }
    }
}

impl Exchange<Receiving> {
    /// An exchange that has not begun.
    pub(crate) const NEW: Self = Self(Receiving::Idle);

    /// What an input does to the exchange, and what we do.
    ///
    /// # Errors
    /// The statement that the server breaks: it uses an identifier that is in use, or sends a PUBREL before its time. Nothing
    /// has changed then.
    #[inline(always)]
    pub(crate) fn step(&mut self, input: ReceiveInput) -> Result<ReceiveReply, Rule> {
        let (next, reply) = self.0.next(input)?;
        self.0 = next;
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a table says of one state and one input.
    fn stepped<S: Copy, R>(before: S, step: impl FnOnce(&mut Exchange<S>) -> Result<R, Rule>) -> Result<(S, R), Rule> {
        let mut exchange = Exchange(before);
        step(&mut exchange).map(|reply| (exchange.state(), reply))
    }

    #[test]
    fn mqtt_4_3_3_4_every_state_of_a_sender_with_every_input() {
        use SendInput as I;
        use SendReply::{Done, DoneUnconfirmed, GiveUp, Ignore, Lost, NotFound, Release, ReleaseAgain, Send};
        use Sending::{GivenUp, Idle, PubAck, PubComp, PubRec, SubAck, UnsubAck};
        let qos = Err(Rule::ANSWER_BY_QOS);
        let suback = Err(Rule::PACKET_ID_SUBACK);
        let ack = Err(Rule::PACKET_ID_ACK);
        let back = Err(Rule::PUBREC_TAKEN_BACK);
        let none = |state| Ok((state, Ignore));
        let over = |reply| Ok((Idle, reply));
        let again = |state| Ok((state, ReleaseAgain));
        let begin = |state| {
            let [a, b, c, d, e, f] = [PubAck, PubRec, PubComp, GivenUp, SubAck, UnsubAck].map(none);
            [Ok((state, Send)), a, b, c, d, e, f]
        };
        // A column for each state: nothing; PUBACK, PUBREC, PUBCOMP, PUBCOMP after giving up, SUBACK, UNSUBACK awaited.
        #[rustfmt::skip]
        let table = [
            (I::Publish1, begin(PubAck)),
            (I::Publish2, begin(PubRec)),
            (I::Subscribe, begin(SubAck)),
            (I::Unsubscribe, begin(UnsubAck)),
            (I::PubAck, [none(Idle), over(Done), qos, qos, qos, ack, ack]),
            (I::PubRec, [over(NotFound), qos, Ok((PubComp, Release)), again(PubComp), again(GivenUp), ack, ack]),
            (I::PubRecError, [none(Idle), qos, over(Done), back, back, ack, ack]),
            (I::PubComp, [none(Idle), qos, qos, over(Done), over(DoneUnconfirmed), ack, ack]),
            (I::SubAck, [none(Idle), suback, suback, suback, suback, over(Done), suback]),
            (I::SubAckMiscounted, [none(Idle), suback, suback, suback, suback, Err(Rule::SUBACK_COUNT), suback]),
            (I::UnsubAck, [none(Idle), suback, suback, suback, suback, suback, over(Done)]),
            (I::UnsubAckMiscounted, [none(Idle), suback, suback, suback, suback, suback, Err(Rule::UNSUBACK_COUNT)]),
            (I::Resume, [none(Idle), Ok((PubAck, Send)), Ok((PubRec, Send)), again(PubComp), again(GivenUp), none(SubAck), none(UnsubAck)]),
            (I::ForbidSent, [none(Idle), over(Lost), Ok((GivenUp, GiveUp)), again(PubComp), again(GivenUp), none(SubAck), none(UnsubAck)]),
            (I::ForbidUnsent, [none(Idle), over(Lost), over(Lost), again(PubComp), again(GivenUp), none(SubAck), none(UnsubAck)]),
            (I::Lose, [none(Idle), over(Lost), over(Lost), over(Lost), over(Lost), over(Lost), over(Lost)]),
        ];
        assert_eq!(table.map(|(input, _)| input), SEND_INPUTS);
        for (input, row) in table {
            for (state, expected) in SENDING.into_iter().zip(row) {
                assert_eq!(stepped(state, |exchange| exchange.step(input)), expected, "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn mqtt_4_3_3_10_every_state_of_a_receiver_with_every_input() {
        use ReceiveInput as I;
        use ReceiveReply::{Deliver, Forget, Ignore, NotFound, PubAck, PubComp, PubRec, Wait};
        use Receiving::{Idle, Owes1, Owes2, PubRel};
        let used = Err(Rule::SERVER_ID_IN_USE);
        let early = Err(Rule::PUBREL_UNASKED);
        let none = |state| Ok((state, Ignore));
        // A column for each state: nothing, PUBACK owed, PUBREC owed, PUBREL awaited.
        let table = [
            (I::Publish1, [Ok((Owes1, Deliver)), used, used, used]),
            (I::Publish2, [Ok((Owes2, Deliver)), used, Ok((Owes2, Wait)), Ok((PubRel, PubRec))]),
            (I::PubRel, [Ok((Idle, NotFound)), early, early, Ok((Idle, PubComp))]),
            (I::Accept, [none(Idle), Ok((Idle, PubAck)), Ok((PubRel, PubRec)), none(PubRel)]),
            (I::Reject, [none(Idle), Ok((Idle, PubAck)), Ok((Idle, PubRec)), none(PubRel)]),
            (I::Postpone, [none(Idle), Ok((Owes1, Wait)), Ok((Owes2, Wait)), Ok((Owes2, Wait))]),
            (I::Disconnect, [none(Idle), Ok((Idle, Forget)), none(Owes2), none(PubRel)]),
        ];
        assert_eq!(table.len(), I::Disconnect as usize + 1);
        for (input, row) in table {
            for (state, expected) in [Idle, Owes1, Owes2, PubRel].into_iter().zip(row) {
                assert_eq!(stepped(state, |exchange| exchange.step(input)), expected, "{state:?} {input:?}");
            }
        }
    }
}
