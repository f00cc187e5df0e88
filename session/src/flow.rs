//! The exchanges of QoS 1 and QoS 2 (section 4.3), and those of SUBSCRIBE and UNSUBSCRIBE, as tables of states.
//!
//! Two pure, total functions say what each packet does to an exchange: [`send_step`] on the side that began it,
//! [`receive_step`] on the other. They know neither client nor server, hold nothing and cost a comparison or two, so
//! that either role can be built on them. Every state is tested with every input.

use mqtt5_codec::Rule;

/// What the sender of a PUBLISH, SUBSCRIBE or UNSUBSCRIBE waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum Sending {
    /// Nothing: the identifier is not in use.
    #[default]
    Idle,
    /// A PUBACK for a QoS 1 PUBLISH.
    PubAck,
    /// A PUBREC for a QoS 2 PUBLISH.
    PubRec,
    /// A PUBCOMP for a PUBREL.
    PubComp,
    /// A SUBACK.
    SubAck,
    /// An UNSUBACK.
    UnsubAck,
    /// A PUBCOMP for a PUBREL that gives up a PUBLISH, of which nobody knows whether it has arrived.
    GivenUp,
}

/// A packet that answers one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Answer {
    /// PUBACK, whatever its reason.
    PubAck,
    /// PUBREC with a reason below 0x80.
    PubRec,
    /// PUBREC with a reason of 0x80 or above.
    PubRecError,
    /// PUBCOMP, whatever its reason.
    PubComp,
    /// SUBACK.
    SubAck,
    /// UNSUBACK.
    UnsubAck,
}

/// What the sender does about an [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendReply {
    /// The answer belongs to no exchange of ours: nothing happens.
    Ignore,
    /// The exchange is over.
    Done,
    /// Send PUBREL [MQTT-4.3.3-4].
    Release,
    /// Send PUBREL with reason 0x92, Packet Identifier not found.
    NotFound,
}

impl Sending {
    /// Whether a PUBREL is what was sent last, or is to be.
    #[must_use]
    #[inline]
    pub const fn is_released(self) -> bool {
        matches!(self, Self::PubComp | Self::GivenUp)
    }
}

/// What an answer does to an exchange that we began: the state it is in from now on, and what we do.
///
/// # Errors
/// The statement that the answer breaks, when the exchange exists and this is no answer to it.
///
/// ```
/// use mqtt5_session::flow::{Answer, SendReply, Sending, send_step};
/// assert_eq!(send_step(Sending::PubRec, Answer::PubRec), Ok((Sending::PubComp, SendReply::Release)));
/// ```
#[inline]
pub const fn send_step(state: Sending, answer: Answer) -> Result<(Sending, SendReply), Rule> {
    use Answer as A;
    use SendReply::{Done, Ignore, NotFound, Release};
    use Sending as S;
    match (state, answer) {
        (S::Idle, A::PubRec) => Ok((S::Idle, NotFound)),
        (S::Idle, _) => Ok((S::Idle, Ignore)),
        (S::PubAck, A::PubAck)
        | (S::PubRec, A::PubRecError)
        | (S::PubComp | S::GivenUp, A::PubComp)
        | (S::SubAck, A::SubAck)
        | (S::UnsubAck, A::UnsubAck) => Ok((S::Idle, Done)),
        (S::PubRec | S::PubComp, A::PubRec) => Ok((S::PubComp, Release)),
        (S::GivenUp, A::PubRec) => Ok((S::GivenUp, Release)),
        (S::PubComp | S::GivenUp, A::PubRecError) => Err(Rule::PUBREC_TAKEN_BACK),
        (_, A::SubAck | A::UnsubAck) => Err(Rule::PACKET_ID_SUBACK),
        (S::SubAck | S::UnsubAck, _) => Err(Rule::PACKET_ID_ACK),
        _ => Err(Rule::ANSWER_BY_QOS),
    }
}

/// How far the receiver of a PUBLISH has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum Receiving {
    /// The identifier is not in use.
    #[default]
    Idle,
    /// A QoS 1 PUBLISH was delivered, its PUBACK is owed.
    Owes1,
    /// A QoS 2 PUBLISH was delivered, its PUBREC is owed.
    Owes2,
    /// PUBREC was sent, the PUBREL is awaited.
    PubRel,
}

/// What happens to an exchange that the peer began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Arrival {
    /// A PUBLISH of QoS 1 came.
    Publish1,
    /// A PUBLISH of QoS 2 came.
    Publish2,
    /// A PUBREL came.
    PubRel,
    /// The application accepts the message: a reason below 0x80.
    Accept,
    /// The application rejects the message: a reason of 0x80 or above.
    Reject,
}

/// What the receiver does about an [`Arrival`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReceiveReply {
    /// Deliver the message to the application.
    Deliver,
    /// A message that was delivered, and whose answer is still owed, came again: nothing happens.
    Wait,
    /// Send PUBACK.
    PubAck,
    /// Send PUBREC.
    PubRec,
    /// Send PUBCOMP.
    PubComp,
    /// Send PUBCOMP with reason 0x92, Packet Identifier not found.
    NotFound,
    /// The application answers a message that is not there: nothing happens.
    Unknown,
}

/// What an arrival does to an exchange that the peer began: the state it is in from now on, and what we do.
///
/// # Errors
/// The statement that the peer breaks: it uses an identifier that is in use, or a PUBREL before its time.
///
/// ```
/// use mqtt5_session::flow::{Arrival, ReceiveReply, Receiving, receive_step};
/// // A QoS 2 message that comes again is answered again, and not delivered again [MQTT-4.3.3-10].
/// assert_eq!(receive_step(Receiving::PubRel, Arrival::Publish2), Ok((Receiving::PubRel, ReceiveReply::PubRec)));
/// ```
#[inline]
pub const fn receive_step(state: Receiving, arrival: Arrival) -> Result<(Receiving, ReceiveReply), Rule> {
    use Arrival as A;
    use ReceiveReply::{Deliver, NotFound, PubAck, PubComp, PubRec, Unknown, Wait};
    use Receiving as S;
    match (state, arrival) {
        (S::Idle, A::Publish1) => Ok((S::Owes1, Deliver)),
        (S::Idle, A::Publish2) => Ok((S::Owes2, Deliver)),
        (S::Idle, A::PubRel) => Ok((S::Idle, NotFound)),
        (S::Idle | S::PubRel, A::Accept | A::Reject) => Ok((state, Unknown)),
        (S::Owes1, A::Accept | A::Reject) => Ok((S::Idle, PubAck)),
        (S::Owes2, A::Accept) => Ok((S::PubRel, PubRec)),
        (S::Owes2, A::Reject) => Ok((S::Idle, PubRec)),
        (S::Owes2, A::Publish2) => Ok((S::Owes2, Wait)),
        (S::PubRel, A::Publish2) => Ok((S::PubRel, PubRec)),
        (S::PubRel, A::PubRel) => Ok((S::Idle, PubComp)),
        (S::Owes1 | S::Owes2, A::PubRel) => Err(Rule::PUBREL_UNASKED),
        (S::Owes1, A::Publish1 | A::Publish2) | (S::Owes2 | S::PubRel, A::Publish1) => Err(Rule::SERVER_ID_IN_USE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDING: [Sending; 7] = [
        Sending::Idle,
        Sending::PubAck,
        Sending::PubRec,
        Sending::PubComp,
        Sending::SubAck,
        Sending::UnsubAck,
        Sending::GivenUp,
    ];
    const ANSWERS: [Answer; 6] =
        [Answer::PubAck, Answer::PubRec, Answer::PubRecError, Answer::PubComp, Answer::SubAck, Answer::UnsubAck];

    /// One letter a cell: `.` ignored, `d` done, `r` release, `n` PUBREL 0x92, `x` a fault.
    fn send_row(state: Sending) -> [char; 6] {
        ANSWERS.map(|answer| match send_step(state, answer) {
            Ok((next, SendReply::Ignore)) if next == state => '.',
            Ok((Sending::Idle, SendReply::Done)) => 'd',
            Ok((Sending::PubComp, SendReply::Release)) if state != Sending::GivenUp => 'r',
            Ok((Sending::GivenUp, SendReply::Release)) if state == Sending::GivenUp => 'r',
            Ok((Sending::Idle, SendReply::NotFound)) if state == Sending::Idle => 'n',
            Ok(other) => panic!("{state:?} {answer:?} {other:?}"),
            Err(_) => 'x',
        })
    }

    #[test]
    fn mqtt_4_3_3_4_every_state_of_a_sender_with_every_answer() {
        //                 ack  rec  rec! comp sub  unsub
        let table = [
            ['.', 'n', '.', '.', '.', '.'], // idle
            ['d', 'x', 'x', 'x', 'x', 'x'], // awaits PUBACK
            ['x', 'r', 'd', 'x', 'x', 'x'], // awaits PUBREC
            ['x', 'r', 'x', 'd', 'x', 'x'], // awaits PUBCOMP
            ['x', 'x', 'x', 'x', 'd', 'x'], // awaits SUBACK
            ['x', 'x', 'x', 'x', 'x', 'd'], // awaits UNSUBACK
            ['x', 'r', 'x', 'd', 'x', 'x'], // given up, awaits PUBCOMP
        ];
        assert_eq!(SENDING.map(send_row), table);
    }

    #[test]
    fn mqtt_2_2_1_6_a_wrong_answer_names_the_statement_it_breaks() {
        assert_eq!(send_step(Sending::PubAck, Answer::SubAck), Err(Rule::PACKET_ID_SUBACK));
        assert_eq!(send_step(Sending::SubAck, Answer::UnsubAck), Err(Rule::PACKET_ID_SUBACK));
        assert_eq!(send_step(Sending::SubAck, Answer::PubAck), Err(Rule::PACKET_ID_ACK));
        assert_eq!(send_step(Sending::PubRec, Answer::PubAck), Err(Rule::ANSWER_BY_QOS));
        assert_eq!(send_step(Sending::PubComp, Answer::PubAck), Err(Rule::ANSWER_BY_QOS));
        assert_eq!(send_step(Sending::PubComp, Answer::PubRecError), Err(Rule::PUBREC_TAKEN_BACK));
    }

    #[test]
    fn mqtt_4_3_3_10_every_state_of_a_receiver_with_every_arrival() {
        use ReceiveReply::{Deliver, NotFound, PubAck, PubComp, PubRec, Unknown, Wait};
        use Receiving::{Idle, Owes1, Owes2, PubRel};
        let arrivals = [Arrival::Publish1, Arrival::Publish2, Arrival::PubRel, Arrival::Accept, Arrival::Reject];
        let used = Err(Rule::SERVER_ID_IN_USE);
        let early = Err(Rule::PUBREL_UNASKED);
        let table = [
            (
                Idle,
                [
                    Ok((Owes1, Deliver)),
                    Ok((Owes2, Deliver)),
                    Ok((Idle, NotFound)),
                    Ok((Idle, Unknown)),
                    Ok((Idle, Unknown)),
                ],
            ),
            (Owes1, [used, used, early, Ok((Idle, PubAck)), Ok((Idle, PubAck))]),
            (Owes2, [used, Ok((Owes2, Wait)), early, Ok((PubRel, PubRec)), Ok((Idle, PubRec))]),
            (PubRel, [used, Ok((PubRel, PubRec)), Ok((Idle, PubComp)), Ok((PubRel, Unknown)), Ok((PubRel, Unknown))]),
        ];
        for (state, row) in table {
            assert_eq!(arrivals.map(|arrival| receive_step(state, arrival)), row, "{state:?}");
        }
    }
}
