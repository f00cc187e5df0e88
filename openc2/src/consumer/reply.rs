//! What a Consumer answers: its responses, to whom, on which topic, and those it has given before.

use super::engine::Core;
use super::memory::{PastResponse, Table};
use super::{Answering, ConsumerRefused, Ignored, Reaction, Ticket};

use crate::encoding::error::{EncodeError, Error, LanguageRule};
use crate::encoding::text::{self, Str};
use crate::language::message::{Headers, Reply, Structure};
use crate::language::response::{Response, Results, Status};
use crate::language::salvage::RawMessage;
use crate::language::vocabulary::{Feature, ResponseType};
use crate::transfer::{
    Channel, Clause, Encoding, MessageType, Outgoing, Received, TopicError, Verdict, check, publish_properties,
};
use crate::{Number, Pairs, Style, Texts};
use mqtt5_codec::Topic;
use mqtt5_session::Instant;

pub(super) type Outcome<'i, 'b> = Result<Reaction<'i, 'b>, ConsumerRefused>;

/// Who sent a request, and how the response is encoded.
#[derive(Clone, Copy)]
pub(super) struct Requester<'i> {
    pub(super) from: Option<Str<'i>>,
    pub(super) request_id: Option<Str<'i>>,
    pub(super) encoding: Encoding,
    pub(super) structure: Structure,
}

impl Requester<'_> {
    pub(super) const NOBODY: Self =
        Self { from: None, request_id: None, encoding: Encoding::Json, structure: Structure::Wrapper };
}

/// What the two clocks show: the session's, and the time of day if the host knows it.
#[derive(Clone, Copy)]
pub(super) struct Clocks {
    pub(super) now: Instant,
    pub(super) utc: Option<u64>,
}

/// A message that is being handled, and the buffer for the response.
pub(super) struct Exchange<'i, 'b> {
    pub(super) requester: Requester<'i>,
    pub(super) verdict: Verdict<'i>,
    pub(super) clocks: Clocks,
    pub(super) buffer: &'b mut [u8],
}

impl<'i, 'b> Exchange<'i, 'b> {
    #[expect(clippy::unnecessary_wraps, reason = "it ends a handler")]
    pub(super) fn ignore(self, why: Ignored) -> Outcome<'i, 'b> {
        Ok(Reaction::Ignored { why, verdict: self.verdict })
    }
}

impl Core<'_> {
    #[inline(never)]
    pub(super) fn features<'i, 'b>(&self, features: crate::Features, exchange: Exchange<'i, 'b>) -> Outcome<'i, 'b> {
        let declaration = &self.declaration;
        let mut results = Results::NONE;
        for feature in features.iter() {
            match feature {
                Feature::Versions => results.versions = Some(Texts::from(declaration.versions)),
                Feature::Profiles => results.profiles = Some(Texts::listed(declaration)),
                Feature::Pairs => results.pairs = Some(Pairs::with_query_features(declaration.pairs)),
                Feature::RateLimit => results.rate_limit = declaration.rate_limit.map(Number::from),
            }
        }
        self.reply(exchange, &Response { results, ..Response::new(Status::Ok) })
    }

    /// Whether a response of this status is to be sent to who asked for that kind: `none` silences all in v1.0
    /// (SLPF s3.2.1.7.1) and all but errors in the v2.0 draft.
    fn wanted(&self, requested: ResponseType, status: Status) -> bool {
        let v2 = self.policy.reading.language == crate::Language::V2_0;
        requested != ResponseType::None || (v2 && status.code() >= 400)
    }

    pub(super) fn reply_if_wanted<'i, 'b>(
        &self,
        requested: ResponseType,
        exchange: Exchange<'i, 'b>,
        response: &Response<'_>,
    ) -> Outcome<'i, 'b> {
        if self.wanted(requested, response.status) {
            self.reply(exchange, response)
        } else {
            exchange.ignore(Ignored::Unwanted)
        }
    }

    /// A request that breaks the transfer specification: 400, with the clause as its text.
    #[inline(never)]
    pub(super) fn breach<'i, 'b>(
        &self,
        requested: ResponseType,
        exchange: Exchange<'i, 'b>,
        clause: Clause,
    ) -> Outcome<'i, 'b> {
        let mut line = [0; LINE];
        self.reply_if_wanted(requested, exchange, &Response::with_text(Status::BadRequest, cite(clause, &mut line)))
    }

    pub(super) fn reply<'i, 'b>(&self, exchange: Exchange<'i, 'b>, response: &Response<'_>) -> Outcome<'i, 'b> {
        let reply = self.write(exchange.requester, response, exchange.clocks, exchange.buffer)?;
        Ok(Reaction::Reply { reply, status: response.status, repeated: false, error: None, verdict: exchange.verdict })
    }

    /// A request that came before and was answered.
    #[inline(never)]
    pub(super) fn repeat<'i, 'b>(&self, table: &Table<'_>, slot: usize, exchange: Exchange<'i, 'b>) -> Outcome<'i, 'b> {
        let Exchange { requester, verdict, clocks, buffer } = exchange;
        let Some(answer) = table.answer(slot).filter(|answer| self.wanted(answer.requested, answer.status)) else {
            return Ok(Reaction::Ignored { why: Ignored::Unwanted, verdict });
        };
        let reply = self.again(&answer, requester, clocks, buffer)?;
        Ok(Reaction::Reply { reply, status: answer.status, repeated: true, error: None, verdict })
    }

    /// What was answered, once more.
    #[inline(never)]
    fn again<'b>(
        &self,
        answer: &PastResponse<'_>,
        requester: Requester<'_>,
        clocks: Clocks,
        buffer: &'b mut [u8],
    ) -> Result<Outgoing<'b>, ConsumerRefused> {
        let Some(kept) = answer.kept else {
            let mut response = Response::new(answer.status);
            if !answer.status.is_interim() {
                response.status_text = Some(Str::new("Answered before; the results were too large to keep"));
            }
            return self.write(requester, &response, clocks, buffer);
        };
        let (topic, rest) = self.topic(requester.from, buffer)?;
        let need = kept.len().saturating_add(topic.as_bytes().len());
        let payload = rest.get_mut(..kept.len()).ok_or(EncodeError::Full { need })?;
        text::copy(payload, kept);
        // As it was encoded then, whatever this request is encoded in.
        Ok(self.outgoing(topic, payload, answer.encoding))
    }

    /// The final response of the request in a slot, to be published at last; `None` if it can't be.
    #[inline(never)]
    pub(super) fn held_back<'b>(
        &self,
        table: &Table<'_>,
        slot: usize,
        clocks: Clocks,
        buffer: &'b mut [u8],
    ) -> Option<Outgoing<'b>> {
        self.again(&table.answer(slot)?, table.requester_of(slot)?, clocks, buffer).ok()
    }

    /// What is answered to a request of which the response, of `need` bytes, has no room because of the `request_id` that it
    /// copies: 400 without it. `None` if the identifier isn't to blame, or that has no room either.
    #[cold]
    #[inline(never)]
    pub(super) fn without_identifier<'i, 'b>(
        &self,
        received: &Received<'i>,
        need: usize,
        clocks: Clocks,
        buffer: &'b mut [u8],
    ) -> Option<(Outgoing<'b>, Verdict<'i>)> {
        let verdict = check(received, &self.policy.scheme, self.policy.reading.lenient);
        let encoding = verdict.encoding?;
        let (headers, structure) = self.policy.reading.salvage(encoding, received.payload);
        let requester = Requester { from: headers.from, request_id: headers.request_id, encoding, structure };
        let nameless = Requester { request_id: None, ..requester };
        let response = Response::with_text(Status::BadRequest, "request_id is too long to be answered");
        let length = |requester| match self.encode(requester, &response, clocks, &mut []) {
            Err(EncodeError::Full { need }) => need,
            _ => 0,
        };
        let copied = length(requester).saturating_sub(length(nameless));
        if need.saturating_sub(copied) > buffer.len() {
            return None;
        }
        Some((self.write(nameless, &response, clocks, buffer).ok()?, verdict))
    }

    /// A message that can't be read: 400, or 501 for what no Consumer of this version knows; to whom, as far as that can
    /// still be told.
    #[cold]
    #[inline(never)]
    pub(super) fn malformed<'i, 'b>(
        &self,
        mut exchange: Exchange<'i, 'b>,
        payload: &'i [u8],
        error: Error,
    ) -> Outcome<'i, 'b> {
        let encoding = exchange.requester.encoding;
        if matches!(error.rule, LanguageRule::Junk | LanguageRule::CborJunk) && error.at == 0 {
            exchange.verdict.violations.insert(Clause::PayloadEncoding);
        }
        let raw = RawMessage { encoding, payload, depth: self.policy.reading.depth };
        // Nothing but a request is answered, whatever `msgType` says: answers to answers could go round in circles.
        if exchange.verdict.message_type != Some(MessageType::Request) {
            return exchange.ignore(Ignored::NotARequest);
        }
        if raw.kind().is_some_and(|kind| kind != MessageType::Request) {
            exchange.verdict.violations.insert(Clause::PayloadKind);
            return exchange.ignore(Ignored::NotARequest);
        }
        let (headers, structure) = self.policy.reading.salvage(encoding, payload);
        if !self.declaration.is_meant_by(&headers) {
            return exchange.ignore(Ignored::ForOthers);
        }
        exchange.requester = Requester { from: headers.from, request_id: headers.request_id, encoding, structure };
        let mut line = [0; LINE];
        let response = match error.rule {
            LanguageRule::Action => Response::with_text(Status::NotImplemented, "Command not supported"),
            LanguageRule::Target | LanguageRule::ProfileTarget => {
                Response::with_text(Status::NotImplemented, "Target type not supported")
            }
            // What a profile does not define is no more supported than what the language doesn't (SLPF s2.3.1, s2.3.2).
            LanguageRule::Arg | LanguageRule::ProfileArg => {
                Response::with_text(Status::NotImplemented, "Option not supported")
            }
            _ => {
                // Of a payload in the wrong encoding nothing else needs to be told.
                let text = match exchange.verdict.violations.contains(Clause::PayloadEncoding) {
                    true => cite(Clause::PayloadEncoding, &mut line),
                    false => explain(&error, &mut line),
                };
                Response::with_text(Status::BadRequest, text)
            }
        };
        if let Some(requested) = raw.response_requested()
            && !self.wanted(requested, response.status)
        {
            return exchange.ignore(Ignored::Unwanted);
        }
        let reply = self.write(exchange.requester, &response, exchange.clocks, exchange.buffer)?;
        let status = response.status;
        Ok(Reaction::Reply { reply, status, repeated: false, error: Some(error), verdict: exchange.verdict })
    }

    #[inline(never)]
    fn topic<'b>(&self, from: Option<Str<'_>>, buffer: &'b mut [u8]) -> Result<(Topic<'b>, &'b mut [u8]), TopicError> {
        let mut name = [0; 128];
        let producer = match self.policy.answering {
            Answering::Everyone => None,
            Answering::Producer => from.and_then(|from| from.read(&mut name)),
        };
        // What names no level of a topic is answered where every Producer listens.
        match producer.map(Channel::ResponsesTo) {
            Some(channel) if channel.exists(&self.policy.scheme) => channel.write(&self.policy.scheme, buffer),
            _ => Channel::Responses.write(&self.policy.scheme, buffer),
        }
    }

    fn outgoing<'b>(&self, topic: Topic<'b>, payload: &'b [u8], encoding: Encoding) -> Outgoing<'b> {
        let properties = publish_properties(MessageType::Response, encoding, self.policy.expiry);
        Outgoing { topic, quality: self.policy.quality, properties, payload }
    }

    #[inline(never)]
    pub(super) fn write<'b>(
        &self,
        requester: Requester<'_>,
        response: &Response<'_>,
        clocks: Clocks,
        buffer: &'b mut [u8],
    ) -> Result<Outgoing<'b>, ConsumerRefused> {
        let (topic, rest) = self.topic(requester.from, buffer)?;
        let length =
            self.encode(requester, response, clocks, rest).map_err(|error| error.behind(topic.as_bytes().len()))?;
        Ok(self.outgoing(topic, rest.get(..length).unwrap_or_default(), requester.encoding))
    }

    fn encode(
        &self,
        requester: Requester<'_>,
        response: &Response<'_>,
        clocks: Clocks,
        buffer: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let headers = Headers {
            request_id: requester.request_id,
            created: clocks.utc,
            from: Some(Str::new(self.declaration.id)),
            to: None,
        };
        let style = Style::new(requester.encoding.into(), self.policy.reading.language)
            .with_profiles(self.declaration.profiles);
        Reply { headers, structure: requester.structure, response }.encode(style, buffer)
    }

    #[inline(never)]
    pub(super) fn respond<'b>(
        &self,
        mut table: Table<'_>,
        ticket: Ticket,
        response: &Response<'_>,
        clocks: Clocks,
        buffer: &'b mut [u8],
    ) -> Result<Option<Outgoing<'b>>, ConsumerRefused> {
        let (requester, requested) = table.requester(ticket).ok_or(ConsumerRefused::NoSuchTicket)?;
        let status = response.status;
        let reply = match requested != ResponseType::Ack && self.wanted(requested, status) {
            true => Some(self.write(requester, response, clocks, buffer)?),
            false => None,
        };
        if !status.is_interim() {
            if let Some(reply) = &reply {
                table.keep(ticket, status, reply.payload);
            }
            table.finish(ticket, status, clocks.now.after(self.policy.window));
        }
        Ok(reply)
    }
}

/// The longest status text that is put together here, in bytes.
const LINE: usize = 200;

/// An error as a status text.
fn explain<'l>(error: &Error, line: &'l mut [u8; LINE]) -> &'l str {
    let path = error.path.as_str();
    let colon = if path.is_empty() { "" } else { ": " };
    join([path, colon, error.rule.meaning(), " [", error.rule.section(), "]"], line)
}

/// A clause as a status text.
fn cite(clause: Clause, line: &mut [u8; LINE]) -> &str {
    join([clause.meaning(), " [", clause.section(), "]"], line)
}

/// These parts in a row, without those for which the line has no room.
fn join<'l, const N: usize>(parts: [&str; N], line: &'l mut [u8; LINE]) -> &'l str {
    let mut length = 0usize;
    for part in parts {
        let end = length.saturating_add(part.len());
        if let Some(room) = line.get_mut(length..end) {
            text::copy(room, part.as_bytes());
            length = end;
        }
    }
    line.get(..length).and_then(|line| core::str::from_utf8(line).ok()).unwrap_or("")
}
