//! What comes of a message that a Producer receives, and of a request whose time is over.

use super::RequestId;
use crate::encoding::error::Error;
use crate::encoding::raw::Raw;
use crate::encoding::text::Str;
use crate::language::message::Headers;
use crate::language::response::{Response, Status};
use crate::transfer::Verdict;

/// Whether a response is its Consumer's last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A progress report (102): another response of this Consumer is to follow. Where only an acknowledgement or the
    /// status was asked for, 102 is the outcome.
    Interim,
    /// This Consumer's outcome.
    Final,
}

/// What a Consumer has said to a request so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: it is awaited.
    #[default]
    Awaited,
    /// A response of this status.
    Good(Status),
    /// Something that breaks the language: its status, if that could be told.
    Bad(Option<Status>),
}

impl Answer {
    /// The status, as far as it was told.
    pub const fn status(self) -> Option<Status> {
        match self {
            Self::Awaited => None,
            Self::Good(status) => Some(status),
            Self::Bad(status) => status,
        }
    }

    /// Whether the Consumer says that another answer is to follow.
    pub(super) fn is_interim(self) -> bool {
        self.status().is_some_and(Status::is_interim)
    }

    pub(super) const fn is_bad(self) -> bool {
        matches!(self, Self::Bad(_))
    }
}

/// What came of a message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
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
        stage: Stage,
        /// Whether every expected Consumer has now answered.
        complete: bool,
        /// Its headers.
        headers: Headers<'i>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// An answer to a request of ours that breaks the language. It is counted: the command was received, and most likely
    /// carried out. A good response of the same Consumer that still comes before the request is over takes its place.
    Malformed {
        /// The request.
        request: RequestId,
        /// Who answers.
        from: Str<'i>,
        /// The status, if it could be told.
        status: Option<Status>,
        /// Whether another answer of this Consumer is to follow: so if the status is 102.
        stage: Stage,
        /// Whether every expected Consumer has now answered.
        complete: bool,
        /// What is wrong with it, and where.
        error: Error,
        /// Its headers, as far as they could be read.
        headers: Headers<'i>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// A notification, which says nothing about a request. It may have come on any topic.
    Notification {
        /// What it says; only profiles define what that may be.
        content: Raw<'i>,
        /// Its headers.
        headers: Headers<'i>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// The message changes no request.
    Nothing {
        /// Why not.
        why: NotCounted,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
}

/// Why a message counts as no response to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotCounted {
    /// Its content type is not that of OpenC2.
    NotOpenC2,
    /// It is a request, or its content is not what `msgType` says.
    NotAResponse,
    /// It came on a topic that is not for responses.
    Topic,
    /// It can't be read, and it isn't known which request it answers.
    Malformed(Error),
    /// It has no `request_id` or no `from`: its request or its sender is not known.
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
    /// How many Consumers answered with a final response, good or bad.
    pub answered: u16,
    /// How many of those answers were bad ([`Heard::Malformed`]).
    pub bad: u16,
    /// How many expected Consumers did not.
    pub awaited: u16,
}
