//! What a Producer decides: how a request is written, and what a message means to those that are pending.

use super::memory::{Table, Taken};
use super::{Answer, Heard, NotCounted, ProducerPolicy, ProducerRefused, Request, RequestId};
use crate::encoding::error::{Error, LanguageRule};
use crate::encoding::text::Str;
use crate::language::message::{Content, Headers, Message};
use crate::language::salvage::RawMessage;
use crate::transfer::{Clause, Layout, MessageType, Outgoing, Received, Verdict, check, publish_properties};
use crate::{Encoding, Quirk, Style};
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
        let style = Style::new(self.policy.encoding.into(), self.policy.reading.language)
            .with_profiles(self.policy.reading.profiles);
        let length = Message::new(headers, Content::Request(request.command))
            .structured(self.policy.structure)
            .encode(style, rest)
            .map_err(|error| error.behind(topic.as_bytes().len()))?;
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
            (None, None) => return Heard::Nothing { why: NotCounted::NotAResponse, verdict },
        };
        let message = match self.policy.reading.message(encoding, received.payload) {
            Ok(read) => {
                verdict.quirks = verdict.quirks.union(read.quirks);
                read.value
            }
            Err(error) => return self.malformed(table, encoding, received.payload, error, verdict, now),
        };
        let headers = message.headers;
        if headers.from.is_none() {
            self.no_from(&mut verdict);
        }
        if !headers.is_for(self.id) {
            return Heard::Nothing { why: NotCounted::ForOthers, verdict };
        }
        let response = match (message.content, verdict.message_type) {
            (Content::Response(response), Some(MessageType::Response)) => response,
            (Content::Notification(content), Some(MessageType::Notification)) => {
                return Heard::Notification { content, headers, verdict };
            }
            _ => {
                verdict.violations.insert(Clause::PayloadKind);
                return Heard::Nothing { why: NotCounted::NotAResponse, verdict };
            }
        };
        let (Some(from), Some(id)) = (headers.from, headers.request_id) else {
            return Heard::Nothing { why: NotCounted::Anonymous, verdict };
        };
        match table.take(id, from, Answer::Good(response.status), headers.created, now) {
            Taken::Counted { request, stage, complete } => {
                Heard::Response { request, from, response, stage, complete, headers, verdict }
            }
            Taken::Not(why) => Heard::Nothing { why, verdict },
        }
    }

    /// A message that can't be read: an answer all the same, if it can still be told to what, and whose.
    #[cold]
    #[inline(never)]
    fn malformed<'i>(
        &self,
        mut table: Table<'_>,
        encoding: Encoding,
        payload: &'i [u8],
        error: Error,
        mut verdict: Verdict<'i>,
        now: Instant,
    ) -> Heard<'i> {
        let (headers, _) = self.policy.reading.salvage(encoding, payload);
        if !headers.is_for(self.id) {
            return Heard::Nothing { why: NotCounted::ForOthers, verdict };
        }
        let raw = RawMessage { encoding, payload, depth: self.policy.reading.depth };
        // What calls itself something else answers nothing.
        let answers = verdict.message_type == Some(MessageType::Response)
            && raw.kind().is_none_or(|kind| kind == MessageType::Response);
        // An empty `from` is as good as none.
        let nameless = error.rule == LanguageRule::EmptyFrom;
        if nameless {
            self.no_from(&mut verdict);
        }
        let (Some(from), Some(id), true) = (headers.from, headers.request_id, answers) else {
            let why = if nameless { NotCounted::Anonymous } else { NotCounted::Malformed(error) };
            return Heard::Nothing { why, verdict };
        };
        let status = raw.status();
        match table.take(id, from, Answer::Bad(status), headers.created, now) {
            Taken::Counted { request, stage, complete } => {
                Heard::Malformed { request, from, status, stage, complete, error, headers, verdict }
            }
            Taken::Not(why) => Heard::Nothing { why, verdict },
        }
    }

    /// Only CS01 s3.2 requires a `from`, of the flat record too, which CSD03 has without.
    fn no_from(&self, verdict: &mut Verdict<'_>) {
        if self.policy.scheme.layout == Layout::Cs01 {
            verdict.judge(Clause::NoFrom, Quirk::NoFrom, self.policy.reading.lenient);
        }
    }
}

fn not_for_us(verdict: &Verdict<'_>) -> Option<NotCounted> {
    if !verdict.is_openc2() {
        return Some(NotCounted::NotOpenC2);
    }
    match verdict.message_type {
        Some(MessageType::Response) => {}
        // The host chose where it listens for these.
        Some(MessageType::Notification) => return None,
        _ => return Some(NotCounted::NotAResponse),
    }
    match verdict.channel {
        Some(channel) if !channel.is_command() => None,
        _ => Some(NotCounted::Topic),
    }
}
