//! What a Consumer decides: whether a message is for it, what is answered at once, what the host is to execute.

use super::memory::{Found, Names, Table};
use super::rate::Rate;
use super::reply::{Asker, Case, Moment, Outcome};
use super::{Access, Broadcast, ConsumerPolicy, ConsumerRefused, Declaration, Ignored, Reaction};

use crate::command::Command;
use crate::error::{Error, LanguageRule};
use crate::message::{Content, Headers, Message};
use crate::response::{Response, Status};
use crate::target::Target;
use crate::transfer::{Channel, Clause, Encoding, MessageType, Received, Verdict, check};
use crate::vocabulary::{Action, ResponseType};
use crate::{Quirk, Read, slpf};

/// What does not depend on the memory's size.
#[derive(Debug)]
pub(super) struct Core<'d> {
    pub(super) declaration: Declaration<'d>,
    pub(super) policy: ConsumerPolicy<'d>,
    pub(super) rate: Rate,
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
    pub(super) fn new(declaration: Declaration<'d>, policy: ConsumerPolicy<'d>) -> Self {
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
    ) -> Outcome<'i, 'b> {
        let verdict = check(received, &self.policy.scheme, self.policy.reading.lenient);
        if let Some(why) = self.not_for_answering(&verdict) {
            return Ok(Reaction::Ignored { why, verdict });
        }
        let mut case = Case { asker: Asker::NOBODY, verdict, moment, buffer };
        let Some(encoding) = verdict.encoding else {
            // What the payload is can't be known, so neither can the request's identifier.
            return self.reply(case, &Response::with_text(Status::BadRequest, "Encoding not supported"));
        };
        case.asker.encoding = encoding;
        let message = match self.read(encoding, received.payload) {
            Ok(read) => {
                case.verdict.quirks = verdict.quirks.union(read.quirks);
                read.value
            }
            Err(error) => return self.malformed(case, received.payload, error),
        };
        let headers = &message.headers;
        let Content::Request(command) = &message.content else {
            case.verdict.violations.insert(Clause::PayloadKind);
            return case.ignore(Ignored::NotARequest);
        };
        if headers.from.is_none() {
            case.verdict.violations.insert(Clause::NoFrom);
        }
        if !headers.is_for(self.declaration.id) {
            return case.ignore(Ignored::ForOthers);
        }
        case.asker = Asker { from: headers.from, request_id: headers.request_id, encoding };
        let names = Names::new(headers, command);
        match table.find(names, moment.now) {
            // An acknowledgement is all that will come, so it is what is repeated.
            Found::Running(slot) if table.answer(slot).is_none() => return case.ignore(Ignored::Running),
            Found::Running(slot) | Found::Answered(slot) => return self.repeat(&table, slot, case),
            Found::New => {}
        }
        match self.decide(command, headers, &case.verdict, moment) {
            Decision::Ignore(why) => case.ignore(why),
            Decision::Answer(response) => self.reply_if_wanted(command.args.response(), case, &response),
            Decision::Features(features) => self.features(features, case),
            Decision::Execute => self.execute(&mut table, command, headers, names, case),
        }
    }

    /// Reads a message. A feature asked for twice is the Producer's fault, and a Consumer should behave as if it was asked
    /// for once (LS1 s3.4.1.5), so that alone is forgiven in strict reading too.
    fn read<'i>(&self, encoding: Encoding, payload: &'i [u8]) -> Result<Read<Message<'i>>, Error> {
        let mut reading = self.policy.reading;
        let mut first = None;
        loop {
            match (reading.message(encoding, payload), first) {
                (Ok(read), None) => return Ok(read),
                (Ok(read), Some(_)) if read.quirks.iter().eq([Quirk::DuplicateFeature]) => return Ok(read),
                (Err(error), None) if error.rule == LanguageRule::DuplicateFeature => {
                    first = Some(error);
                    reading.lenient = true;
                }
                (Err(error), None) | (_, Some(error)) => return Err(error),
            }
        }
    }

    /// Whether a message needs no look inside to be passed over.
    fn not_for_answering(&self, verdict: &Verdict<'_>) -> Option<Ignored> {
        if !verdict.is_openc2() {
            return Some(Ignored::NotOpenC2);
        }
        if verdict.message_type != Some(MessageType::Request) {
            return Some(Ignored::NotARequest);
        }
        match verdict.channel {
            Some(channel) if !channel.is_command() => Some(Ignored::Topic),
            // Subscribed to with a wildcard.
            Some(Channel::Device(device)) if device != self.declaration.device => Some(Ignored::ForOthers),
            Some(Channel::DeviceType(kind)) if Some(kind) != self.declaration.device_type => Some(Ignored::ForOthers),
            Some(_) => None,
            None => Some(Ignored::Topic),
        }
    }

    /// Everything about a request that needs no memory of others.
    #[inline(never)]
    fn decide<'i>(
        &self,
        command: &Command<'i>,
        headers: &Headers<'i>,
        verdict: &Verdict<'_>,
        moment: Moment,
    ) -> Decision<'i> {
        let refuse = |status, text| Decision::Answer(Response::with_text(status, text));
        if headers.request_id.is_none() && command.args.response() != ResponseType::None {
            return refuse(Status::BadRequest, "A response is wanted, and request_id is missing");
        }
        match self.policy.authorize.map(|authorize| authorize(headers, command)) {
            None | Some(Access::Granted) => {}
            Some(Access::Unauthorized) => return refuse(Status::Unauthorized, Status::Unauthorized.name()),
            Some(Access::Forbidden) => return refuse(Status::Forbidden, Status::Forbidden.name()),
        }
        if self.is_for_a_foreign_profile(command, verdict) {
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
                return refuse(Status::BadRequest, "The stop time has passed");
            }
            (Err(rule), _) => return refuse(Status::BadRequest, rule.meaning()),
            _ => {}
        }
        // What was forgotten may have been executed: only a Producer can know whether it is still wanted.
        let forgotten = self.policy.since.is_some_and(|since| headers.created.is_none_or(|created| created < since));
        if forgotten { refuse(Status::ServiceUnavailable, "Created before a restart") } else { Decision::Execute }
    }

    /// Whether a command names a profile that isn't implemented here, or came on the topic of one.
    fn is_for_a_foreign_profile(&self, command: &Command<'_>, verdict: &Verdict<'_>) -> bool {
        let profiles = self.declaration.profiles;
        match (&command.actuator, verdict.channel) {
            (Some(actuator), _) => !profiles.iter().any(|profile| actuator.profile == *profile),
            (None, Some(Channel::Profile(name))) => !profiles.contains(&name),
            _ => false,
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

    /// A new command: remembered first, so that it can't be executed twice.
    #[inline(never)]
    fn execute<'i, 'b>(
        &mut self,
        table: &mut Table<'_>,
        command: &Command<'i>,
        headers: &Headers<'i>,
        names: Names<'i>,
        case: Case<'i, 'b>,
    ) -> Outcome<'i, 'b> {
        let requested = command.args.response();
        let busy = |text| Response::with_text(Status::ServiceUnavailable, text);
        let Case { asker, verdict, moment, .. } = case;
        let Some(free) = table.free(names, moment.now) else {
            return self.reply_if_wanted(requested, case, &busy("Too many commands"));
        };
        let rate = match self.declaration.rate_limit {
            None => self.rate,
            Some(limit) => match self.rate.with_another(limit, moment.now) {
                Some(rate) => rate,
                None => return self.reply_if_wanted(requested, case, &busy("Rate limit exceeded")),
            },
        };
        let reply = match requested {
            ResponseType::Ack => Some(self.write(asker, &Response::new(Status::Processing), moment, case.buffer)?),
            _ => None,
        };
        let Some(ticket) = table.run(free, names, asker.encoding, requested) else {
            return Err(ConsumerRefused::NoSuchTicket);
        };
        self.rate = rate;
        if let Some(reply) = &reply {
            table.keep(ticket, Status::Processing, reply.payload);
        }
        Ok(Reaction::Execute { ticket, command: *command, headers: *headers, reply, verdict })
    }
}
