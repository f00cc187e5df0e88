//! What a Consumer decides: whether a message is for it, what is answered at once, what the host is to execute.

use super::memory::{Found, Names, Table};
use super::{Access, Answering, Broadcast, Declaration, Ignored, Policy, Reaction, Refused, Ticket};

use crate::command::Command;
use crate::error::{EncodeError, Error, Rule};
use crate::message::{Content, Headers, Message};
use crate::response::{Response, Results, Status};
use crate::target::Target;
use crate::text::{self, Text};
use crate::transfer::{
    Channel, Clause, Encoding, MessageType, Outgoing, Received, TopicError, Verdict, check, publish_properties,
};
use crate::vocabulary::{Action, Feature, ResponseType};
use crate::{Number, Pairs, Style, Texts, slpf};
use mqtt5_session::Instant;

/// What does not depend on the memory's size.
#[derive(Debug)]
pub(super) struct Core<'d> {
    pub(super) declaration: Declaration<'d>,
    pub(super) policy: Policy<'d>,
    rate: Rate,
}

/// How many commands may still come in this minute.
#[derive(Debug, Default)]
struct Rate {
    /// Thousandths of a command that have been used.
    used: u64,
    at: Instant,
}

impl Rate {
    /// Whether another command may come now, at `limit` a minute.
    fn allows(&mut self, limit: u32, now: Instant) -> bool {
        // In units of 1/60,000 of a command a millisecond gives back `limit` of them.
        let earned = self.at.until(now).saturating_mul(u64::from(limit));
        self.used = self.used.saturating_sub(earned);
        self.at = now;
        let after = self.used.saturating_add(60_000);
        let allowed = after <= u64::from(limit).saturating_mul(60_000);
        if allowed {
            self.used = after;
        }
        allowed
    }
}

/// Who asked, and how the answer goes back.
#[derive(Clone, Copy)]
struct Asker<'i> {
    from: Option<Text<'i>>,
    request_id: Option<Text<'i>>,
    encoding: Encoding,
}

#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Instant,
    pub(super) utc: Option<u64>,
}

/// What is decided about a request before anything changes.
enum Decision<'i> {
    Ignore(Ignored),
    /// A response that is not remembered: it would be the same if the request came again.
    Answer(Response<'i>),
    /// The answer to `query features`.
    Features(crate::Features),
    Execute,
}

impl<'d> Core<'d> {
    pub(super) fn new(declaration: Declaration<'d>, policy: Policy<'d>) -> Self {
        Self { declaration, policy, rate: Rate::default() }
    }
}

impl Core<'_> {
    #[inline(never)]
    pub(super) fn handle<'i, 'b>(
        &mut self,
        mut table: Table<'_>,
        received: &Received<'i>,
        moment: Moment,
        buffer: &'b mut [u8],
    ) -> Result<Reaction<'i, 'b>, Refused> {
        let lenient = self.policy.reading.lenient;
        let mut verdict = check(received, &self.policy.scheme, lenient);
        if let Some(why) = not_for_answering(&verdict) {
            return Ok(Reaction::Ignored { why, verdict });
        }
        let Some(encoding) = verdict.encoding else {
            // What the payload is can't be known, so neither can the request's identifier.
            let asker = Asker { from: None, request_id: None, encoding: Encoding::Json };
            let response = Response::with_text(Status::BadRequest, "Encoding not supported");
            return self.reply(asker, response, None, verdict, moment, buffer);
        };
        let message = match self.policy.reading.message(encoding, received.payload) {
            Ok(read) => {
                verdict.quirks = verdict.quirks.union(read.quirks);
                read.value
            }
            Err(error) => return self.malformed(encoding, received.payload, error, verdict, moment, buffer),
        };
        let headers = message.headers;
        let Content::Request(command) = message.content else {
            verdict.violations.insert(Clause::PayloadKind);
            return Ok(Reaction::Ignored { why: Ignored::NotARequest, verdict });
        };
        if headers.from.is_none() {
            verdict.violations.insert(Clause::NoFrom);
        }
        if !headers.is_for(self.declaration.id) {
            return Ok(Reaction::Ignored { why: Ignored::ForOthers, verdict });
        }
        let asker = Asker { from: headers.from, request_id: headers.request_id, encoding };
        let mut found = Found::Unidentified;
        if let Some(id) = headers.request_id.or(command.command_id) {
            found = table.find(headers.from.unwrap_or(Text::EMPTY), id, moment.now);
        }
        match found {
            Found::Running => return Ok(Reaction::Ignored { why: Ignored::Running, verdict }),
            Found::Answered(slot) => {
                return self.repeat(&table, slot, &asker, verdict, moment, buffer);
            }
            Found::New | Found::Unidentified => {}
        }
        match self.decide(&command, &headers, &verdict, moment) {
            Decision::Ignore(why) => Ok(Reaction::Ignored { why, verdict }),
            Decision::Answer(response) if !self.wanted(command.args.response(), response.status) => {
                Ok(Reaction::Ignored { why: Ignored::Unwanted, verdict })
            }
            Decision::Answer(response) => self.reply(asker, response, None, verdict, moment, buffer),
            Decision::Features(features) => self.features(features, asker, verdict, moment, buffer),
            Decision::Execute => self.execute(&mut table, command, headers, asker, verdict, moment, buffer),
        }
    }

    /// Everything about a request that needs no memory of others.
    fn decide<'i>(
        &self,
        command: &Command<'i>,
        headers: &Headers<'i>,
        verdict: &Verdict<'_>,
        moment: Moment,
    ) -> Decision<'i> {
        let refuse = |status, text| Decision::Answer(Response::with_text(status, text));
        let response = command.args.response();
        if headers.request_id.is_none() && response != ResponseType::None {
            return refuse(Status::BadRequest, "A response is wanted, and request_id is missing");
        }
        match self.policy.authorize.map(|authorize| authorize(headers, command)) {
            None | Some(Access::Granted) => {}
            Some(Access::Unauthorized) => return refuse(Status::Unauthorized, Status::Unauthorized.name()),
            Some(Access::Forbidden) => return refuse(Status::Forbidden, Status::Forbidden.name()),
        }
        if let Some(actuator) = &command.actuator
            && !self.declaration.profiles.iter().any(|profile| actuator.profile == *profile)
        {
            return match self.policy.foreign_profile {
                Broadcast::Ignore => Decision::Ignore(Ignored::NotForUs),
                Broadcast::Refuse => refuse(Status::NotImplemented, "Actuator profile not supported"),
            };
        }
        if let (Action::Query, Target::Features(features)) = (command.action, command.target) {
            return self.query_features(command, features);
        }
        if let Some(text) = self.declaration.unsupported(command) {
            return match (self.policy.broadcast, verdict.channel) {
                (Broadcast::Ignore, Some(Channel::All)) => Decision::Ignore(Ignored::NotForUs),
                _ => refuse(Status::NotImplemented, text),
            };
        }
        if self.is_for_slpf(command, verdict)
            && let Err(refusal) = slpf::check(command)
        {
            return refuse(refusal.status, refusal.text);
        }
        match (command.args.interval(moment.utc.unwrap_or(0)), moment.utc) {
            (Ok(interval), Some(utc)) if interval.stop.is_some_and(|stop| stop <= utc) => {
                refuse(Status::BadRequest, "The stop time has passed")
            }
            (Err(rule), _) => refuse(Status::BadRequest, rule.meaning()),
            _ => Decision::Execute,
        }
    }

    /// Whether packet filtering's own rules hold for a command: it is a profile of ours, and the command says that it is
    /// for it or came on its topic.
    fn is_for_slpf(&self, command: &Command<'_>, verdict: &Verdict<'_>) -> bool {
        let named = command.actuator.is_some_and(|actuator| actuator.profile == slpf::NSID)
            || matches!(command.target, Target::Extension { profile, .. } if profile == slpf::NSID)
            || command.args.extensions.get(slpf::NSID).is_some()
            || (command.actuator.is_none() && verdict.channel == Some(Channel::Profile(slpf::NSID)));
        named && self.declaration.profiles.contains(&slpf::NSID)
    }

    /// `query features` may have no other argument than `response_requested: complete` (LS1 s4.1).
    fn query_features<'i>(&self, command: &Command<'i>, features: crate::Features) -> Decision<'i> {
        let args = &command.args;
        let others = args.start_time.is_some()
            || args.stop_time.is_some()
            || args.duration.is_some()
            || args.comment.is_some()
            || !args.extensions.is_empty();
        if others || args.response() != ResponseType::Complete {
            let text = "query features takes no argument but response_requested: complete";
            return Decision::Answer(Response::with_text(Status::BadRequest, text));
        }
        Decision::Features(features)
    }

    fn features<'i, 'b>(
        &self,
        features: crate::Features,
        asker: Asker<'_>,
        verdict: Verdict<'i>,
        moment: Moment,
        buffer: &'b mut [u8],
    ) -> Result<Reaction<'i, 'b>, Refused> {
        let declaration = &self.declaration;
        let mut results = Results::NONE;
        for feature in features.iter() {
            match feature {
                Feature::Versions => results.versions = Some(Texts::from(declaration.versions)),
                Feature::Profiles => results.profiles = Some(Texts::from(declaration.profiles)),
                Feature::Pairs => results.pairs = Some(Pairs::with_query_features(declaration.pairs)),
                Feature::RateLimit => results.rate_limit = declaration.rate_limit.map(Number::from),
            }
        }
        let response = Response { results, ..Response::new(Status::Ok) };
        self.reply(asker, response, None, verdict, moment, buffer)
    }

    /// A new command: remembered first, so that it can't be executed twice.
    #[expect(clippy::too_many_arguments, reason = "each is one part of one request")]
    fn execute<'i, 'b>(
        &mut self,
        table: &mut Table<'_>,
        command: Command<'i>,
        headers: Headers<'i>,
        asker: Asker<'_>,
        verdict: Verdict<'i>,
        moment: Moment,
        buffer: &'b mut [u8],
    ) -> Result<Reaction<'i, 'b>, Refused> {
        let requested = command.args.response();
        let busy = |text| Response::with_text(Status::ServiceUnavailable, text);
        let names = Names {
            from: headers.from.unwrap_or(Text::EMPTY),
            id: headers.request_id.or(command.command_id).unwrap_or(Text::EMPTY),
            command: command.command_id.unwrap_or(Text::EMPTY),
        };
        let Some(free) = table.free(names, moment.now) else {
            let refusal = busy("Too many commands");
            return self.refuse_unless_unwanted(requested, asker, refusal, verdict, moment, buffer);
        };
        if let Some(limit) = self.declaration.rate_limit
            && !self.rate.allows(limit, moment.now)
        {
            let refusal = busy("Rate limit exceeded");
            return self.refuse_unless_unwanted(requested, asker, refusal, verdict, moment, buffer);
        }
        let reply = match requested {
            ResponseType::Ack => Some(self.write(asker, &Response::new(Status::Processing), moment, buffer)?),
            _ => None,
        };
        let Some(ticket) = table.run(free, names, asker.encoding, requested) else {
            return Err(Refused::NoSuchTicket);
        };
        if let Some(reply) = &reply {
            table.keep(ticket, Status::Processing, reply.payload);
        }
        Ok(Reaction::Execute { ticket, command, headers, reply, verdict })
    }

    fn refuse_unless_unwanted<'i, 'b>(
        &self,
        requested: ResponseType,
        asker: Asker<'_>,
        response: Response<'_>,
        verdict: Verdict<'i>,
        moment: Moment,
        buffer: &'b mut [u8],
    ) -> Result<Reaction<'i, 'b>, Refused> {
        if self.wanted(requested, response.status) {
            self.reply(asker, response, None, verdict, moment, buffer)
        } else {
            Ok(Reaction::Ignored { why: Ignored::Unwanted, verdict })
        }
    }

    /// Whether a response of this status is to be sent to who asked for that kind: `none` silences all in v1.0
    /// (SLPF s3.2.1.7.1) and all but errors in the v2.0 draft.
    fn wanted(&self, requested: ResponseType, status: Status) -> bool {
        let v2 = self.policy.reading.language == crate::Language::V2_0;
        requested != ResponseType::None || (v2 && status.code() >= 400)
    }

    /// A request that came before and was answered.
    fn repeat<'i, 'b>(
        &self,
        table: &Table<'_>,
        slot: usize,
        asker: &Asker<'_>,
        verdict: Verdict<'i>,
        moment: Moment,
        buffer: &'b mut [u8],
    ) -> Result<Reaction<'i, 'b>, Refused> {
        let Some((status, requested, kept)) = table.answer(slot) else {
            return Ok(Reaction::Ignored { why: Ignored::Unwanted, verdict });
        };
        if requested == ResponseType::None && !self.wanted(requested, status) {
            return Ok(Reaction::Ignored { why: Ignored::Unwanted, verdict });
        }
        let Some(kept) = kept else {
            let text = "Answered before; the results were too large to keep";
            let reply = self.write(*asker, &Response::with_text(status, text), moment, buffer)?;
            return Ok(Reaction::Reply { reply, status, repeated: true, error: None, verdict });
        };
        let (topic, rest) = self.topic(asker.from, buffer)?;
        let need = kept.len().saturating_add(topic.as_bytes().len());
        let payload = rest.get_mut(..kept.len()).ok_or(EncodeError::Full { need })?;
        text::copy(payload, kept);
        let reply = self.outgoing(topic, payload, asker.encoding);
        Ok(Reaction::Reply { reply, status, repeated: true, error: None, verdict })
    }

    /// A message that can't be read: 400, or 501 for what no Consumer of this version knows; to whom, as far as that can
    /// still be told.
    fn malformed<'i, 'b>(
        &self,
        encoding: Encoding,
        payload: &'i [u8],
        error: Error,
        mut verdict: Verdict<'i>,
        moment: Moment,
        buffer: &'b mut [u8],
    ) -> Result<Reaction<'i, 'b>, Refused> {
        if matches!(error.rule, Rule::Junk | Rule::CborJunk) && error.at == 0 {
            verdict.violations.insert(Clause::PayloadEncoding);
        }
        let headers = self.policy.reading.salvage(encoding, payload);
        if !headers.is_for(self.declaration.id) {
            return Ok(Reaction::Ignored { why: Ignored::ForOthers, verdict });
        }
        let asker = Asker { from: headers.from, request_id: headers.request_id, encoding };
        let mut line = [0; 200];
        let response = match error.rule {
            Rule::Action => Response::with_text(Status::NotImplemented, "Command not supported"),
            Rule::Target => Response::with_text(Status::NotImplemented, "Target type not supported"),
            Rule::Arg => Response::with_text(Status::NotImplemented, "Option not supported"),
            _ => Response::with_text(Status::BadRequest, explain(&error, &mut line)),
        };
        self.reply(asker, response, Some(error), verdict, moment, buffer)
    }

    fn reply<'i, 'b>(
        &self,
        asker: Asker<'_>,
        response: Response<'_>,
        error: Option<Error>,
        verdict: Verdict<'i>,
        moment: Moment,
        buffer: &'b mut [u8],
    ) -> Result<Reaction<'i, 'b>, Refused> {
        let reply = self.write(asker, &response, moment, buffer)?;
        Ok(Reaction::Reply { reply, status: response.status, repeated: false, error, verdict })
    }

    fn topic<'b>(
        &self,
        from: Option<Text<'_>>,
        buffer: &'b mut [u8],
    ) -> Result<(mqtt5_codec::Topic<'b>, &'b mut [u8]), TopicError> {
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

    fn outgoing<'b>(&self, topic: mqtt5_codec::Topic<'b>, payload: &'b [u8], encoding: Encoding) -> Outgoing<'b> {
        let properties = publish_properties(MessageType::Response, encoding, self.policy.expiry);
        Outgoing { topic, quality: self.policy.quality, properties, payload }
    }

    fn write<'b>(
        &self,
        asker: Asker<'_>,
        response: &Response<'_>,
        moment: Moment,
        buffer: &'b mut [u8],
    ) -> Result<Outgoing<'b>, Refused> {
        let (topic, rest) = self.topic(asker.from, buffer)?;
        let headers = Headers {
            request_id: asker.request_id,
            created: moment.utc,
            from: Some(Text::new(self.declaration.id)),
            to: None,
        };
        let style = Style { form: asker.encoding.into(), language: self.policy.reading.language };
        let length =
            Message::new(headers, Content::Response(*response)).encode(style, rest).map_err(|error| match error {
                EncodeError::Full { need } => EncodeError::Full { need: need.saturating_add(topic.as_bytes().len()) },
                refused => refused,
            })?;
        Ok(self.outgoing(topic, rest.get(..length).unwrap_or_default(), asker.encoding))
    }

    #[inline(never)]
    pub(super) fn respond<'b>(
        &self,
        mut table: Table<'_>,
        ticket: Ticket,
        response: &Response<'_>,
        moment: Moment,
        buffer: &'b mut [u8],
    ) -> Result<Option<Outgoing<'b>>, Refused> {
        let Some((from, request_id, encoding, requested)) = table.asker(ticket) else {
            return Err(Refused::NoSuchTicket);
        };
        let status = response.status;
        let wanted = requested != ResponseType::Ack && self.wanted(requested, status);
        let reply = match wanted {
            true => {
                let asker = Asker { from: Some(Text::new(from)), request_id: Some(Text::new(request_id)), encoding };
                Some(self.write(asker, response, moment, buffer)?)
            }
            false => None,
        };
        if !status.is_interim() {
            if let Some(reply) = &reply {
                table.keep(ticket, status, reply.payload);
            }
            table.finish(ticket, status, moment.now.after(self.policy.window));
        }
        Ok(reply)
    }
}

fn not_for_answering(verdict: &Verdict<'_>) -> Option<Ignored> {
    if !verdict.is_openc2() {
        return Some(Ignored::NotOpenC2);
    }
    if verdict.message_type != Some(MessageType::Request) {
        return Some(Ignored::NotARequest);
    }
    match verdict.channel {
        Some(channel) if channel.is_command() => None,
        _ => Some(Ignored::Topic),
    }
}

/// An error as a status text, cut where the line ends.
fn explain<'l>(error: &Error, line: &'l mut [u8; 200]) -> &'l str {
    let mut length = 0usize;
    for part in [error.path.as_str(), ": ", error.rule.meaning(), " [", error.rule.section(), "]"] {
        let part = if length == 0 && part == ": " { "" } else { part };
        let end = length.saturating_add(part.len());
        if let Some(room) = line.get_mut(length..end) {
            text::copy(room, part.as_bytes());
            length = end;
        }
    }
    line.get(..length).and_then(|line| core::str::from_utf8(line).ok()).unwrap_or("")
}
