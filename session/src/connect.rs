//! The beginning and the end of a connection, as the host asks for them: CONNECT, AUTH, DISCONNECT.

use mqtt5_codec::{Auth, Disconnect, EncodeError, Properties, Property, ReasonCode, Rule, Sender};

use crate::arena::{At, NIL};
use crate::engine::Engine;
use crate::error::Refused;
use crate::inbox::Inbox;
use crate::options::{Acknowledge, ConnectOptions, Ending, Prior};
use crate::outgoing::{Chunk, Spare};
use crate::state::{AuthTurn, Link, Phase, Writing, flag};
use crate::time::Instant;

/// Tells strings apart (FNV-1a). Never 0.
pub(crate) fn digest(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)) | 1
}

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
        let client = digest(packet.client_id.as_bytes());
        let alive = self.session.alive && !self.session.ends.has_come(now);
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
            self.session.maybe = false;
            self.session.outlived = false;
        }
        self.session.client = client;
        self.session.serial = self.session.serial.wrapping_add(1).max(1);
        inbox.bind(self.session.serial);
        *self.link = Link::NEW;
        self.link.begin(options, now);
        if self.session.maybe {
            self.link.flags |= flag::PRIOR_EMPTY;
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
        if self.link.method == 0 {
            return Err(Refused::Rule(Rule::AUTH_WITHOUT_METHOD));
        }
        let again = reason == ReasonCode::RE_AUTHENTICATE;
        if again && (self.link.auth != AuthTurn::Idle || self.link.phase != Phase::Up) {
            return Err(Refused::Rule(Rule::REAUTHENTICATION));
        }
        if !again && self.link.auth != AuthTurn::Ours {
            return Err(Refused::Rule(Rule::AUTH_ANSWERS));
        }
        if properties.authentication_method().is_none_or(|method| digest(method.as_bytes()) != self.link.method) {
            return Err(Refused::Rule(Rule::AUTH_SAME_METHOD));
        }
        let free = self.link.writing != Writing::Apart && !self.link.is(flag::APART_DUE);
        let mut sink = Spare { chunk: Chunk::new(&mut self.arena, self.link.send_max()), free };
        let encoded = Auth { reason, properties }.encode(Sender::Client, &mut sink);
        self.link.urgent = sink.chunk.done(encoded)?;
        if self.link.urgent == NIL {
            self.link.flags |= flag::APART_DUE;
        }
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
        if expiry.is_some_and(|seconds| seconds != 0) && self.link.is(flag::NO_EXPIRY) {
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
            let mut sink = Chunk::new(&mut self.arena, self.link.send_max());
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

    /// Ends the connection with the DISCONNECT in this chunk, or without one by a small packet.
    fn depart(&mut self, at: At, reason: ReasonCode, ending: Ending) {
        let connecting = self.link.phase == Phase::Connecting;
        if self.link.phase == Phase::Draining {
            // It takes the place of another, which may have set an expiry, and was not sent.
            self.session.expiry = self.link.expiry;
        }
        let answer = self.link.timers.answer;
        self.leave();
        if !self.link.is(flag::BEGUN) {
            // Nothing has been written, and CONNECT has to come first: there is nothing to take leave of.
            self.arena.give(at);
            self.link.phase = Phase::Closed;
            return;
        }
        self.link.urgent = at;
        self.link.farewell = reason.value();
        // Before the server accepts, nothing that is queued may be sent.
        if ending == Ending::AfterQueued && !connecting {
            self.link.phase = Phase::Draining;
            self.link.timers.answer = answer;
        } else if at == NIL {
            self.push_disconnect();
        }
    }
}

impl Link {
    /// What a connection begins with.
    fn begin(&mut self, options: &ConnectOptions<'_>, now: Instant) {
        let packet = &options.packet;
        self.timers.answer = now.after(options.timeout.into()).at_least_one();
        self.phase = Phase::Connecting;
        self.take_max = u32::MAX;
        self.server_receive_max = u16::MAX;
        self.receive_max = u16::MAX;
        self.max_qos = 2;
        self.alias_max = options.topic_aliases;
        self.giving = options.giving;
        self.ping_timeout = options.ping_timeout;
        self.share = options.keep_alive_share.min(100);
        self.keep_alive(packet.keep_alive);
        let set = |condition, flag| if condition { flag } else { 0 };
        let mut flags = flag::APART_DUE
            | set(options.acknowledge == Acknowledge::Manual, flag::MANUAL)
            | set(packet.clean_start, flag::CLEAN_START)
            | set(options.prior == Some(Prior::Empty), flag::PRIOR_EMPTY)
            | set(packet.client_id.is_empty(), flag::EMPTY_CLIENT_ID)
            | set(!options.ping_when_silent, flag::SILENCE);
        for property in packet.properties.iter() {
            match property {
                Property::SessionExpiryInterval(seconds) => self.expiry = seconds,
                Property::ReceiveMaximum(most) => self.receive_max = most.get(),
                Property::MaximumPacketSize(most) => self.take_max = most.get(),
                Property::TopicAliasMaximum(most) => self.our_alias_max = most,
                Property::RequestProblemInformation(false) => flags |= flag::NO_PROBLEM_INFORMATION,
                Property::RequestResponseInformation(true) => flags |= flag::RESPONSE_INFORMATION,
                Property::AuthenticationMethod(method) => {
                    self.method = digest(method.as_bytes());
                    self.auth = AuthTurn::Theirs;
                }
                _ => {}
            }
        }
        self.receive_max = self.receive_max.saturating_add(options.receive_leeway);
        self.flags = flags | set(self.expiry == 0, flag::NO_EXPIRY);
    }

    /// The keep-alive interval in force, in seconds.
    pub(crate) fn keep_alive(&mut self, seconds: u16) {
        self.interval = u32::from(seconds).wrapping_mul(10).wrapping_mul(self.share.into());
    }
}
