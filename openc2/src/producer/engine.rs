//! What a Producer decides: how a request is written, and what a message means to those that are pending.

use super::memory::{Table, Taken};
use super::{Heard, ProducerPolicy, ProducerRefused, Request, RequestId, Unheard};
use crate::Style;
use crate::error::EncodeError;
use crate::message::{Content, Headers, Message};
use crate::text::Str;
use crate::transfer::{Clause, MessageType, Outgoing, Received, Verdict, check, publish_properties};
use mqtt5_session::Instant;

#[derive(Debug)]
pub(super) struct Core<'d> {
    /// Who it is: the `from` of its requests.
    pub(super) id: &'d str,
    pub(super) policy: ProducerPolicy<'d>,
}

impl Core<'_> {
    #[inline(never)]
    pub(super) fn request<'b>(
        &self,
        mut table: Table<'_>,
        request: &Request<'_>,
        id: &str,
        now: Instant,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Result<(RequestId, Outgoing<'b>), ProducerRefused> {
        if !request.channel.is_command() {
            return Err(ProducerRefused::Channel);
        }
        table.room_for(id, request.expect)?;
        let (topic, rest) = request.channel.write(&self.policy.scheme, buffer)?;
        let headers = Headers {
            request_id: Some(Str::new(id)),
            created: utc,
            from: Some(Str::new(self.id)),
            to: (!request.to.is_empty()).then_some(request.to),
        };
        let style = Style { form: self.policy.encoding.into(), language: self.policy.reading.language };
        let length =
            Message::new(headers, Content::Request(request.command)).encode(style, rest).map_err(
                |error| match error {
                    EncodeError::Full { need } => {
                        EncodeError::Full { need: need.saturating_add(topic.as_bytes().len()) }
                    }
                    refused => refused,
                },
            )?;
        let payload = rest.get(..length).unwrap_or_default();
        let wanted = request.command.args.response();
        let slot = table.insert(id, request.expect, now.after(request.timeout), wanted)?;
        let properties = publish_properties(MessageType::Request, self.policy.encoding, request.expiry);
        Ok((slot, Outgoing { topic, quality: self.policy.quality, properties, payload }))
    }

    #[inline(never)]
    pub(super) fn handle<'i>(&self, mut table: Table<'_>, received: &Received<'i>, now: Instant) -> Heard<'i> {
        let mut verdict = check(received, &self.policy.scheme, self.policy.reading.lenient);
        let encoding = match (not_for_us(&verdict), verdict.encoding) {
            (Some(why), _) => return Heard::Nothing { why, verdict },
            (None, Some(encoding)) => encoding,
            (None, None) => return Heard::Nothing { why: Unheard::NotAResponse, verdict },
        };
        let message = match self.policy.reading.message(encoding, received.payload) {
            Ok(read) => {
                verdict.quirks = verdict.quirks.union(read.quirks);
                read.value
            }
            Err(error) => return Heard::Nothing { why: Unheard::Malformed(error), verdict },
        };
        let Content::Response(response) = message.content else {
            verdict.violations.insert(Clause::PayloadKind);
            return Heard::Nothing { why: Unheard::NotAResponse, verdict };
        };
        let headers = message.headers;
        if headers.from.is_none() {
            verdict.violations.insert(Clause::NoFrom);
        }
        let (Some(from), Some(id)) = (headers.from, headers.request_id) else {
            return Heard::Nothing { why: Unheard::Anonymous, verdict };
        };
        if !headers.is_for(self.id) {
            return Heard::Nothing { why: Unheard::ForOthers, verdict };
        }
        let (request, part, complete) = match table.take(id, from, response.status, headers.created, now) {
            Taken::Counted { request, part, complete } => (request, part, complete),
            Taken::Not(why) => return Heard::Nothing { why, verdict },
        };
        Heard::Response { request, from, response, part, complete, headers, verdict }
    }
}

fn not_for_us(verdict: &Verdict<'_>) -> Option<Unheard> {
    if !verdict.is_openc2() {
        return Some(Unheard::NotOpenC2);
    }
    match verdict.message_type {
        Some(MessageType::Response) => {}
        Some(MessageType::Notification) => return Some(Unheard::Notification),
        _ => return Some(Unheard::NotAResponse),
    }
    match verdict.channel {
        Some(channel) if !channel.is_command() => None,
        _ => Some(Unheard::Topic),
    }
}
