//! What comes of a message that a Producer receives, and of a request whose time is over.

use super::RequestId;
use crate::error::Error;
use crate::message::Headers;
use crate::response::Response;
use crate::text::Str;
use crate::transfer::Verdict;

/// What a response is to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A progress report (102): another response of this Consumer is to follow. Where only an acknowledgement or the
    /// status was asked for, 102 is the outcome.
    Interim,
    /// This Consumer's outcome.
    Final,
}

/// What came of a message.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'i> {
    /// A response to a request of ours.
    Response {
        /// The request.
        request: RequestId,
        /// Who answers.
        from: Str<'i>,
        /// The response.
        response: Response<'i>,
        /// Whether another one of this Consumer is to follow.
        part: Part,
        /// Whether every expected Consumer has now answered.
        complete: bool,
        /// Its headers.
        headers: Headers<'i>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// Nothing that changes any request.
    Nothing {
        /// Why not.
        why: Unheard,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
}

/// Why a message changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unheard {
    /// Its content type is another.
    NotOpenC2,
    /// It is a request.
    NotAResponse,
    /// It is a notification, which says nothing about a request.
    Notification,
    /// It came on a topic that is none for responses.
    Topic,
    /// It can't be read.
    Malformed(Error),
    /// It has no `request_id` or no `from`, so it can't be told what it answers, or who does.
    Anonymous,
    /// Its `to` names others.
    ForOthers,
    /// It answers no request of ours, or one long forgotten.
    Foreign,
    /// It came before: the same response once more, or any after a Consumer's final one.
    Duplicate(RequestId),
    /// Its request is over.
    Late(RequestId),
    /// The table of responders is full, or the sender's name too long to keep: the response is not counted.
    Full(RequestId),
}

/// A request whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// The request.
    pub request: RequestId,
    /// How many Consumers answered with a final response.
    pub answered: u16,
    /// How many expected ones did not.
    pub awaited: u16,
}
