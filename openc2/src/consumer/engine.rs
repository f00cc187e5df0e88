//! What a Consumer decides: whether a message is for it, what is answered at once, what the host is to execute.

use super::memory::{Lookup, Names, NoPlace, Table};
use super::rate::Rate;
use super::reply::{Clocks, Exchange, Outcome, Requester};
use super::{Access, Broadcast, ConsumerPolicy, ConsumerRefused, Declaration, Ignored, OnBreach, Reaction};

use crate::encoding::error::{Error, LanguageRule};
use crate::encoding::text::Str;
use crate::language::command::Command;
use crate::language::message::{Content, Headers, Message};
use crate::language::response::{Response, Status};
use crate::language::salvage::RawMessage;
use crate::language::target::Target;
use crate::language::vocabulary::{Action, ResponseType};
use crate::profile::Refusal;
use crate::transfer::{Channel, Clause, Encoding, Layout, MessageType, Received, Verdict, check};
use crate::{Quirk, Quirks, Read};

/// What does not depend on the memory's size.
#[derive(Debug)]
pub(super) struct Core<'d> {
    pub(super) declaration: Declaration<'d>,
    pub(super) policy: ConsumerPolicy<'d>,
    pub(super) rate: Rate,
    pub(super) forgotten: Forgotten,
}

/// What was forgotten before its time, since its place was needed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forgotten {
    /// How many requests.
    pub(super) count: u32,
    /// The shortest time for which one of them was remembered, in milliseconds.
    pub(super) held: Option<u64>,
    /// No retained command that was created at this moment or before is carried out: it may have been, and be forgotten. In
    /// milliseconds since 1970-01-01T00:00Z; `None` until the time of day is known.
    pub(super) before: Option<u64>,
    /// The latest moment, of the same kind, at which a command was created that was carried out before that moment came, or
    /// when the time of day wasn't known: it could be forgotten before the window since then is over. 0 if there was none.
    pub(super) ahead: u64,
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
        Self { declaration, policy, rate: Rate::default(), forgotten: Forgotten::default() }
    }
}

impl Core<'_> {
    #[inline(never)]
    pub(super) fn handle<'i, 'b>(
        &mut self,
        table: Table<'_>,
        received: &Received<'i>,
        clocks: Clocks,
        buffer: &'b mut [u8],
    ) -> Outcome<'i, 'b> {
        // Whatever came before this process began may have been carried out by another.
        self.forgotten.before = self.forgotten.before.or(clocks.utc);
        let verdict = check(received, &self.policy.scheme, self.policy.reading.lenient);
        if let Some(why) = self.not_for_answering(&verdict) {
            return Ok(Reaction::Ignored { why, verdict });
        }
        if let Some(clause) = self.policy.breaches.first(verdict.violations, OnBreach::Ignore) {
            return Ok(Reaction::Ignored { why: Ignored::Breach(clause), verdict });
        }
        let mut exchange = Exchange { requester: Requester::NOBODY, verdict, clocks, buffer };
        let Some(encoding) = verdict.encoding else {
            // What the payload is can't be known, so neither can the request's identifier.
            return self.reply(exchange, &Response::with_text(Status::BadRequest, "Encoding not supported"));
        };
        exchange.requester.encoding = encoding;
        let message = match self.read(encoding, received.payload) {
            Ok(read) => {
                exchange.verdict.quirks = verdict.quirks.union(read.quirks);
                read.value
            }
            Err(error) => return self.malformed(exchange, received.payload, error),
        };
        let headers = &message.headers;
        // Only CS01 s3.2 requires a `from`, of the flat record too, which CSD03 has without.
        if headers.from.is_none() && self.policy.scheme.layout == Layout::Cs01 {
            exchange.verdict.judge(Clause::NoFrom, Quirk::NoFrom, self.policy.reading.lenient);
        }
        if !self.declaration.is_meant_by(headers) {
            return exchange.ignore(Ignored::ForOthers);
        }
        let command = match (&message.content, verdict.message_type) {
            (Content::Request(command), Some(MessageType::Request)) => command,
            (Content::Notification(content), Some(MessageType::Notification)) => {
                return Ok(Reaction::Notification { content: *content, headers: *headers, verdict: exchange.verdict });
            }
            _ => {
                exchange.verdict.violations.insert(Clause::PayloadKind);
                return exchange.ignore(Ignored::NotARequest);
            }
        };
        let structure = message.structure;
        exchange.requester = Requester { from: headers.from, request_id: headers.request_id, encoding, structure };
        if contradicts(verdict.channel, command) {
            exchange.verdict.violations.insert(Clause::TopicCommand);
        }
        if let Some(clause) = self.policy.breaches.first(exchange.verdict.violations, OnBreach::Ignore) {
            return exchange.ignore(Ignored::Breach(clause));
        }
        if let Some(clause) = self.policy.breaches.first(exchange.verdict.violations, OnBreach::Refuse) {
            return self.breach(command.args.response(), exchange, clause);
        }
        let raw = RawMessage { encoding, payload: received.payload, depth: self.policy.reading.depth };
        let names = Names::new(headers, command, raw.digest());
        self.heed(table, command, headers, (names, received.retain), exchange)
    }

    /// A request that is for this Consumer, and breaks nothing.
    #[inline(never)]
    fn heed<'i, 'b>(
        &mut self,
        mut table: Table<'_>,
        command: &Command<'i>,
        headers: &Headers<'i>,
        (names, retain): (Names<'i>, bool),
        exchange: Exchange<'i, 'b>,
    ) -> Outcome<'i, 'b> {
        let clocks = exchange.clocks;
        match table.find(names, clocks.now) {
            Lookup::Running(slot) | Lookup::Answered(slot)
                if table.is_another(slot, names, exchange.requester.encoding) =>
            {
                let text = match headers.request_id {
                    Some(_) => "request_id was used for another command",
                    None => "command_id was used for another command",
                };
                return self.reply_if_wanted(
                    command.args.response(),
                    exchange,
                    &Response::with_text(Status::BadRequest, text),
                );
            }
            // An acknowledgement is all that will come, so it is what is repeated.
            Lookup::Running(slot) if table.answer(slot).is_none() => return exchange.ignore(Ignored::Running),
            Lookup::Running(slot) | Lookup::Answered(slot) => return self.repeat(&table, slot, exchange),
            Lookup::New => {}
        }
        match self.decide(command, headers, &exchange.verdict, clocks) {
            Decision::Ignore(why) => exchange.ignore(why),
            Decision::Answer(response) => self.reply_if_wanted(command.args.response(), exchange, &response),
            Decision::Features(features) => self.features(features, exchange),
            Decision::Execute if retain && !self.never_before(headers, names, clocks) => {
                let text = "Retained, and it can't be told whether it was carried out before";
                self.reply_if_wanted(command.args.response(), exchange, &Response::with_text(Status::BadRequest, text))
            }
            Decision::Execute => self.execute(&mut table, command, headers, names, exchange),
        }
    }

    /// Reads a message. A feature asked for twice is the Producer's fault, and a Consumer should behave as if it was asked
    /// for once (LS1 s3.4.1.5); an empty `from` is none, about which the policy decides. So these two are forgiven in strict
    /// reading too.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    fn read<'i>(&self, encoding: Encoding, payload: &'i [u8]) -> Result<Read<Message<'i>>, Error> {
        let mut reading = self.policy.reading.with_profiles(self.declaration.profiles);
        let mut first = None;
        loop {
            match (reading.message(encoding, payload), first) {
                (Ok(read), None) => return Ok(read),
                (Ok(read), Some(_))
                    if read.quirks.iter().all(|met| matches!(met, Quirk::DuplicateFeature | Quirk::EmptyFrom)) =>
                {
                    return Ok(Read { quirks: Quirks::NONE, ..read });
                }
                (Err(error), None)
                    if matches!(error.rule, LanguageRule::DuplicateFeature | LanguageRule::EmptyFrom) =>
                {
                    first = Some(error);
                    reading.lenient = true;
                }
                (Err(error), None) | (_, Some(error)) => return Err(error),
            }
        }
    }

    /// Whether a retained command can't have been carried out before, by this process or an earlier one. It came into being
    /// after everything that is forgotten: so late that if it had been carried out, it would be remembered.
    fn never_before(&self, headers: &Headers<'_>, names: Names<'_>, clocks: Clocks) -> bool {
        let (Some(created), Some(utc), Some(before), Some(_)) =
            (headers.created, clocks.utc, self.forgotten.before, names.id())
        else {
            return false;
        };
        // One of the future could be taken for new by the next process as well.
        before.max(self.forgotten.ahead) < created && created <= utc && utc.saturating_sub(created) < self.policy.window
    }

    /// Whether a message needs no look inside to be passed over.
    fn not_for_answering(&self, verdict: &Verdict<'_>) -> Option<Ignored> {
        if !verdict.is_openc2() {
            return Some(Ignored::NotOpenC2);
        }
        match verdict.message_type {
            Some(MessageType::Request) => {}
            // The host chose where it listens for these.
            Some(MessageType::Notification) => return None,
            _ => return Some(Ignored::NotARequest),
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
        clocks: Clocks,
    ) -> Decision<'i> {
        let refuse = |status, text| Decision::Answer(Response::with_text(status, text));
        if !self.declaration.has_actuator(command) {
            return match verdict.channel {
                Some(Channel::Device(_)) => refuse(Status::NotFound, "No such actuator here"),
                _ => Decision::Ignore(Ignored::OtherActuator),
            };
        }
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
        if let Err(refusal) = self.ask_profiles(command, verdict) {
            return refuse(refusal.status, refusal.text);
        }
        match (command.args.interval(clocks.utc.unwrap_or(0)), clocks.utc) {
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
        match (&command.actuator, verdict.channel) {
            (Some(actuator), _) => !self.declaration.implements(actuator.profile),
            (None, Some(Channel::Profile(name))) => !self.declaration.implements(Str::new(name)),
            _ => false,
        }
    }

    /// Asks each profile of ours, and what the device has to say about it, that a command says it is for, or on whose topic it
    /// came.
    fn ask_profiles(&self, command: &Command<'_>, verdict: &Verdict<'_>) -> Result<(), Refusal> {
        let concerns = |namespace: &str| {
            let came_there = command.actuator.is_none()
                && matches!(verdict.channel, Some(Channel::Profile(name)) if name == namespace);
            self.declaration.implements(Str::new(namespace)) && (came_there || command.is_for(namespace))
        };
        for profile in self.declaration.profiles.iter().filter(|profile| concerns(profile.namespace())) {
            profile.check(command)?;
        }
        for hook in self.declaration.hooks.iter().filter(|hook| concerns(hook.namespace())) {
            hook.check(command)?;
        }
        Ok(())
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
        exchange: Exchange<'i, 'b>,
    ) -> Outcome<'i, 'b> {
        let requested = command.args.response();
        let busy = |text| Response::with_text(Status::ServiceUnavailable, text);
        let Exchange { requester, verdict, clocks, .. } = exchange;
        let place = match table.place(names, self.policy.share, clocks.now) {
            Ok(place) => place,
            Err(NoPlace::Full) => return self.reply_if_wanted(requested, exchange, &busy("Too many commands")),
            Err(NoPlace::Share) => {
                return self.reply_if_wanted(requested, exchange, &busy("Too many commands of this sender"));
            }
            Err(NoPlace::Names) => {
                let text = "from, request_id and command_id are longer than can be remembered here";
                return self.reply_if_wanted(requested, exchange, &Response::with_text(Status::BadRequest, text));
            }
        };
        let rate = match self.declaration.rate_limit {
            None => self.rate,
            Some(limit) => match self.rate.with_another(limit, clocks.now) {
                Some(rate) => rate,
                None => return self.reply_if_wanted(requested, exchange, &busy("Rate limit exceeded")),
            },
        };
        let reply = match requested {
            ResponseType::Ack => {
                Some(self.write(requester, &Response::new(Status::Processing), clocks, exchange.buffer)?)
            }
            _ => None,
        };
        let given_way = table.given_way(place, clocks.now);
        let Some(ticket) = table.run(place, names, requester, requested) else {
            return Err(ConsumerRefused::NoSuchTicket);
        };
        self.rate = rate;
        if let Some(created) = headers.created.filter(|created| clocks.utc.is_none_or(|utc| *created > utc)) {
            self.forgotten.ahead = self.forgotten.ahead.max(created);
        }
        if let Some(until) = given_way {
            self.forgotten.note(self.policy.window.saturating_sub(clocks.now.until(until)), clocks.utc);
        }
        if let Some(reply) = &reply {
            table.keep(ticket, Status::Processing, reply.payload);
        }
        Ok(Reaction::Execute { ticket, command: *command, headers: *headers, reply, verdict })
    }
}

impl Forgotten {
    /// One more, which was remembered for so many milliseconds since it was answered.
    fn note(&mut self, held: u64, utc: Option<u64>) {
        self.count = self.count.saturating_add(1);
        self.held = Some(self.held.map_or(held, |shortest| shortest.min(held)));
        // Without the time of day it can't be told any more what came after it.
        self.before = match (self.before, utc) {
            (Some(before), Some(utc)) => Some(before.max(utc)),
            (_, utc) => utc,
        };
    }
}

/// Whether a topic of WD01 names another action or target than the command (s2.2).
fn contradicts(channel: Option<Channel<'_>>, command: &Command<'_>) -> bool {
    match channel {
        Some(Channel::Action(action)) => command.action != action,
        Some(Channel::Pair(action, target)) => command.action != action || !command.target.is_named(target),
        _ => false,
    }
}
