//! What is done with a request whose PUBLISH breaks a clause of the transfer specification.

use crate::transfer::{Clause, Clauses};

/// What is done with a request that breaks a clause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnBreach {
    /// It is executed all the same.
    Execute,
    /// It is answered 400, with the clause as its text.
    #[default]
    Refuse,
    /// It is passed over.
    Ignore,
}

/// What is done with a request that breaks the transfer specification, clause by clause. What lenient reading forgives and
/// reports as a [`Quirk`](crate::Quirk) is no breach.
///
/// Other clauses leave no choice. A message is passed over if it isn't OpenC2, isn't a request, or came on a topic that is not
/// for commands. An unknown encoding, and a topic of WD01 that contradicts the command, are answered 400.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Breaches {
    /// The message is retained ([`Clause::Retain`]). Even with [`OnBreach::Execute`], and when leniently forgiven, a retained
    /// command is carried out only if it can be shown that it never was before: see
    /// [retained commands](crate::consumer#retained-commands).
    pub retained: OnBreach,
    /// The message came at QoS 0 ([`Clause::Qos`]).
    pub qos_zero: OnBreach,
    /// The message doesn't say who sends it ([`Clause::NoFrom`]); an empty `from` says no more than none. Only
    /// CS01 s3.2 asks for it, of every message on its topics, the flat record of CSD03 among them.
    pub no_from: OnBreach,
    /// The payload format indicator doesn't fit the encoding ([`Clause::PayloadFormat`]).
    pub payload_format: OnBreach,
    /// The request has a response topic ([`Clause::ResponseTopic`]). No response ever goes there.
    pub response_topic: OnBreach,
    /// `msgType` stands twice ([`Clause::TwoMessageTypes`]); the first counts.
    pub two_message_types: OnBreach,
    /// `encoding` stands twice ([`Clause::TwoEncodings`]); the first counts.
    pub two_encodings: OnBreach,
    /// The payload is in the other encoding ([`Clause::PayloadEncoding`]); it is read, and answered, as what it is.
    pub payload_encoding: OnBreach,
}

impl Breaches {
    /// The same for every clause.
    pub const fn all(what: OnBreach) -> Self {
        Self {
            retained: what,
            qos_zero: what,
            no_from: what,
            payload_format: what,
            response_topic: what,
            two_message_types: what,
            two_encodings: what,
            payload_encoding: what,
        }
    }

    /// What is done about a clause.
    const fn of(&self, clause: Clause) -> OnBreach {
        match clause {
            Clause::Retain => self.retained,
            Clause::Qos => self.qos_zero,
            Clause::NoFrom => self.no_from,
            Clause::PayloadFormat => self.payload_format,
            Clause::ResponseTopic => self.response_topic,
            Clause::TwoMessageTypes => self.two_message_types,
            Clause::TwoEncodings => self.two_encodings,
            Clause::PayloadEncoding => self.payload_encoding,
            _ => OnBreach::Refuse,
        }
    }

    /// The first of these clauses for which this is to be done.
    pub(super) fn first(&self, broken: Clauses, what: OnBreach) -> Option<Clause> {
        broken.iter().find(|clause| self.of(*clause) == what)
    }
}
