//! The beginning and the end of a connection, as the host asks for them: CONNECT, AUTH, DISCONNECT.

use core::num::NonZeroU32;

use mqtt5_codec::{Auth, Disconnect, EncodeError, Properties, Property, ReasonCode, Rule, Sender};

use crate::arena::{At, NIL};
use crate::digest::digest;
use crate::error::Refused;
use crate::inbox::Inbox;
use crate::options::{Acknowledge, ConnectOptions, Ending, Prior};
use crate::sinks::{Chunk, Spare};
use crate::state::{AuthTurn, Engine, Link, Phase, Urgent, Writing, asked};
use crate::time::Instant;

impl Engine<'_> {
    #[inline(never)]
    pub(crate) fn connect(
        &mut self,
        options: &ConnectOptions<'_>,
        inbox: &mut Inbox<'_>,
        now: Instant,
    ) -> Result<(), Refused> {
        if self.link.phase != Phase::Down {
            return Err(Refused::Connected);
        }
        let packet = &options.packet;
        if !packet.clean_start && options.prior.is_none() {
            return Err(Refused::Prior);
        }
        let client = Some(digest(packet.client_id.as_bytes()));
        let alive = self.session.alive && !self.session.expires.has_come(now);
        if alive && client != self.session.client && !packet.clean_start {
            return Err(Refused::Rule(Rule::CLIENT_ID_OF_SESSION));
        }
        let mut sink = Chunk::apart(&mut self.arena);
        let encoded = packet.encode(&mut sink);
        self.session.connect_units = sink.done(encoded)?;

        if !alive || packet.clean_start {
            self.end_session();
        }
        if client != self.session.client {
            self.session.server_may_hold = false;
            self.session.outlived = false;
        }
        self.session.client = client;
        self.session.serial = self.session.serial.wrapping_add(1).max(1);
        inbox.bind(self.session.serial);
        *self.link = Link::NEW;
        self.link.begin(options, now);
        if self.session.server_may_hold {
            self.link.connect.asked |= asked::PRIOR_EMPTY;
        }
        Ok(())
    }

    #[inline(never)]
    pub(crate) fn auth(&mut self, reason: ReasonCode, properties: Properties<'_>) -> Result<(), Refused> {
        match self.link.phase {
            Phase::Connecting | Phase::Up => {}
            Phase::Draining | Phase::Leaving => return Err(Refused::Closing),
            Phase::Down | Phase::Closed => return Err(Refused::NotConnected),
        }
        let Some(own) = self.link.connect.method else {
            return Err(Refused::Rule(Rule::AUTH_WITHOUT_METHOD));
        };
        let again = reason == ReasonCode::RE_AUTHENTICATE;
        if again && (self.link.auth != AuthTurn::Idle || self.link.phase != Phase::Up) {
            return Err(Refused::Rule(Rule::REAUTHENTICATION));
        }
        if !again && self.link.auth != AuthTurn::Ours {
            return Err(Refused::Rule(Rule::AUTH_ANSWERS));
        }
        if properties.authentication_method().is_none_or(|method| digest(method.as_bytes()) != own) {
            return Err(Refused::Rule(Rule::AUTH_SAME_METHOD));
        }
        let free = self.link.output.writing != Writing::Apart && self.link.output.urgent != Urgent::Apart;
        let mut sink = Spare { chunk: Chunk::new(&mut self.arena, self.link.largest.server()), free };
        let encoded = Auth { reason, properties }.encode(Sender::Client, &mut sink);
        self.link.output.urgent = match sink.chunk.done(encoded)? {
            NIL => Urgent::Apart,
            at => Urgent::Chunk(at),
        };
        self.link.auth = AuthTurn::Theirs;
        Ok(())
    }

    #[inline(never)]
    pub(crate) fn disconnect(
        &mut self,
        reason: ReasonCode,
        properties: Properties<'_>,
        ending: Ending,
    ) -> Result<(), Refused> {
        self.may_disconnect()?;
        let expiry = properties.iter().find_map(|property| match property {
            Property::SessionExpiryInterval(seconds) => Some(seconds),
            _ => None,
        });
        if expiry.is_some_and(|seconds| seconds != 0) && self.link.connect.asked(asked::NO_EXPIRY) {
            return Err(Refused::Rule(Rule::SESSION_EXPIRY_RAISED));
        }
        let packet = Disconnect { reason, properties };
        let mut at = NIL;
        if properties.is_empty() {
            // There is always room for it.
            if let Err(EncodeError::Refused(rule)) = packet.encoded_len(Sender::Client) {
                return Err(Refused::Rule(rule));
            }
        } else {
            let mut sink = Chunk::new(&mut self.arena, self.link.largest.server());
            let encoded = packet.encode(Sender::Client, &mut sink);
            at = sink.done(encoded)?;
        }
        self.depart(at, reason, ending);
        if let Some(seconds) = expiry {
            self.session.expiry = seconds;
        }
        Ok(())
    }

    /// As [`disconnect`](Self::disconnect), with the reason that is always allowed and no properties.
    #[inline(never)]
    pub(crate) fn disconnect_normally(&mut self, ending: Ending) -> Result<(), Refused> {
        self.may_disconnect()?;
        self.depart(NIL, ReasonCode::NORMAL_DISCONNECTION, ending);
        Ok(())
    }

    fn may_disconnect(&self) -> Result<(), Refused> {
        match self.link.phase {
            Phase::Connecting | Phase::Up | Phase::Draining => Ok(()),
            Phase::Leaving => Err(Refused::Closing),
            Phase::Down | Phase::Closed => Err(Refused::NotConnected),
        }
    }

    /// Linked the connection with the DISCONNECT in this chunk, or without one by a small packet.
    fn depart(&mut self, at: At, reason: ReasonCode, ending: Ending) {
        let connecting = self.link.phase == Phase::Connecting;
        if self.link.phase == Phase::Draining {
            // It takes the place of another, which may have set an expiry, and was not sent.
            self.session.expiry = self.link.connect.expiry;
        }
        let answer = self.link.timers.answer;
        self.leave();
        if !self.link.output.begun {
            // Nothing has been written, and CONNECT has to come first: there is nothing to take leave of.
            self.arena.give(at);
            self.link.phase = Phase::Closed;
            return;
        }
        // Before the server accepts, nothing that is queued may be sent.
        if ending == Ending::AfterQueued && !connecting {
            self.link.phase = Phase::Draining;
            self.link.timers.answer = answer;
            self.link.output.urgent = if at == NIL { Urgent::Farewell(reason.value()) } else { Urgent::Chunk(at) };
        } else if at == NIL {
            self.push_disconnect(reason.value());
        } else {
            self.link.output.urgent = Urgent::Chunk(at);
        }
    }
}

impl Link {
    /// What a connection begins with.
    fn begin(&mut self, options: &ConnectOptions<'_>, now: Instant) {
        let packet = &options.packet;
        self.timers.answer = now.after(options.timeout.into()).at_least_one();
        self.phase = Phase::Connecting;
        self.largest.ours = u32::MAX;
        self.server.receive_max = u16::MAX;
        self.inbound.receive_max = u16::MAX;
        self.server.max_qos = 2;
        self.aliases.max = options.topic_aliases;
        self.aliases.calls = options.alias_calls;
        self.keep_alive.timeout = options.ping_timeout;
        self.connect.share = options.keep_alive_share.min(100);
        self.keep_alive(packet.keep_alive);
        let set = |condition, flag| if condition { flag } else { 0 };
        self.output.urgent = Urgent::Apart;
        let mut bits = set(options.acknowledge == Acknowledge::Manual, asked::MANUAL)
            | set(packet.clean_start, asked::CLEAN_START)
            | set(options.prior == Some(Prior::Empty), asked::PRIOR_EMPTY)
            | set(packet.client_id.is_empty(), asked::EMPTY_CLIENT_ID)
            | set(!options.ping_when_silent, asked::SILENCE);
        for property in packet.properties.iter() {
            match property {
                Property::SessionExpiryInterval(seconds) => self.connect.expiry = seconds,
                Property::ReceiveMaximum(most) => self.inbound.receive_max = most.get(),
                Property::MaximumPacketSize(most) => self.largest.ours = most.get(),
                Property::TopicAliasMaximum(most) => self.inbound.alias_max = most,
                Property::RequestProblemInformation(false) => bits |= asked::NO_PROBLEM_INFORMATION,
                Property::RequestResponseInformation(true) => bits |= asked::RESPONSE_INFORMATION,
                Property::AuthenticationMethod(method) => {
                    self.connect.method = Some(digest(method.as_bytes()));
                    self.auth = AuthTurn::Theirs;
                }
                _ => {}
            }
        }
        self.inbound.receive_max = self.inbound.receive_max.saturating_add(options.receive_leeway);
        self.connect.asked = bits | set(self.connect.expiry == 0, asked::NO_EXPIRY);
    }

    /// The keep-alive interval in force, in seconds.
    pub(crate) fn keep_alive(&mut self, seconds: u16) {
        let interval = u32::from(seconds).wrapping_mul(10).wrapping_mul(self.connect.share.into());
        self.keep_alive.interval = NonZeroU32::new(interval);
    }
}
