//! The beginning and the end of a connection, as the host asks for them: CONNECT, AUTH, DISCONNECT.

use mqtt5_codec::{Auth, Disconnect, EncodeError, Full, Properties, Property, ReasonCode, Rule, Sender, Sink};

use crate::arena::{Arena, NIL};
use crate::engine::{AuthTurn, DISCONNECT, Engine, Link, Phase, Writing, flag};
use crate::event::Refused;
use crate::options::{Acknowledge, Connect, Ending, Prior};
use crate::outgoing::Chunk;
use crate::time::Instant;
use crate::timer::Timers;

/// Tells strings apart (FNV-1a). Never 0.
pub(crate) fn digest(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)) | 1
}

/// A sink that is the place of CONNECT, and of the AUTH that follows it.
struct Apart<'a, 'm> {
    arena: &'a mut Arena<'m>,
    units: u16,
    /// The place stays as large as it is.
    keeps: bool,
}

impl Sink for Apart<'_, '_> {
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let units = if self.keeps { self.arena.reuse_apart(len) } else { self.arena.set_apart(len) };
        self.units = units.ok_or(Full { need: len })?;
        self.arena.apart_mut().get_mut(4..).and_then(|place| place.get_mut(..len)).ok_or(Full { need: len })
    }
}

impl Engine<'_> {
    pub(crate) fn connect(&mut self, options: &Connect<'_>, now: Instant) -> Result<(), Refused> {
        if self.link.phase != Phase::Down {
            return Err(Refused::Connected);
        }
        let packet = &options.packet;
        let client = digest(packet.client_id.as_bytes());
        let alive = self.session.alive && !self.session.ends.has_come(now);
        if alive && client != self.session.client && !packet.clean_start {
            return Err(Refused::Rule(Rule::CLIENT_ID_OF_SESSION));
        }
        let mut sink = Apart { arena: &mut self.arena, units: 0, keeps: false };
        match packet.encode(&mut sink) {
            Ok(_) => self.session.connect_units = sink.units,
            Err(EncodeError::Full { need }) => return Err(Refused::Bytes { need }),
            Err(EncodeError::Refused(rule)) => return Err(Refused::Rule(rule)),
            Err(_) => return Err(Refused::Bytes { need: 0 }),
        }

        if !alive || packet.clean_start {
            self.end_session();
        }
        if client != self.session.client {
            self.session.maybe = false;
            self.session.outlived = false;
        }
        self.session.client = client;
        self.session.serial = self.session.serial.wrapping_add(1).max(1);
        *self.link = Self::new_link(options, now);
        if self.session.maybe {
            self.link.flags |= flag::PRIOR_EMPTY;
        }
        self.link.flags |= flag::CONNECT_DUE;
        Ok(())
    }

    /// What a connection begins with.
    fn new_link(options: &Connect<'_>, now: Instant) -> Link {
        let packet = &options.packet;
        let mut link = Link {
            timers: Timers { answer: now.after(options.timeout.into()).at_least_one(), ping: Instant::default() },
            phase: Phase::Connecting,
            take_max: u32::MAX,
            server_receive_max: u16::MAX,
            receive_max: u16::MAX,
            max_qos: 2,
            alias_max: options.topic_aliases,
            ping_timeout: options.ping_timeout,
            share: options.keep_alive_share.min(100),
            ..Link::default()
        };
        link.keep_alive(packet.keep_alive);
        let set = |condition, flag| if condition { flag } else { 0 };
        link.flags = set(options.acknowledge == Acknowledge::Manual, flag::MANUAL)
            | set(packet.clean_start, flag::CLEAN_START)
            | set(options.prior == Prior::Empty, flag::PRIOR_EMPTY)
            | set(packet.client_id.is_empty(), flag::EMPTY_CLIENT_ID);
        for property in packet.properties.iter() {
            match property {
                Property::SessionExpiryInterval(seconds) => link.expiry = seconds,
                Property::ReceiveMaximum(most) => link.receive_max = most.get(),
                Property::MaximumPacketSize(most) => link.take_max = most.get(),
                Property::TopicAliasMaximum(most) => link.our_alias_max = most,
                Property::RequestProblemInformation(wanted) => link.flags |= set(!wanted, flag::NO_PROBLEM_INFORMATION),
                Property::RequestResponseInformation(wanted) => link.flags |= set(wanted, flag::RESPONSE_INFORMATION),
                Property::AuthenticationMethod(method) => {
                    link.method = digest(method.as_bytes());
                    link.auth = AuthTurn::Theirs;
                }
                _ => {}
            }
        }
        link.flags |= set(link.expiry == 0, flag::NO_EXPIRY);
        link
    }

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
        let packet = Auth { reason, properties };
        let written = self.link.writing != Writing::Connect && !self.link.is(flag::CONNECT_DUE);
        let mut sink = Apart { arena: &mut self.arena, units: 0, keeps: true };
        if self.link.phase == Phase::Connecting && written && packet.encode(Sender::Client, &mut sink).is_ok() {
            // However full memory is: only a connection can empty it.
            self.link.flags |= flag::CONNECT_DUE;
        } else {
            let mut sink = Chunk::new(&mut self.arena, self.link.send_max());
            let encoded = packet.encode(Sender::Client, &mut sink);
            self.link.urgent = sink.done(encoded)?;
        }
        self.link.auth = AuthTurn::Theirs;
        Ok(())
    }

    pub(crate) fn disconnect(
        &mut self,
        reason: ReasonCode,
        properties: Properties<'_>,
        ending: Ending,
    ) -> Result<(), Refused> {
        match self.link.phase {
            Phase::Connecting | Phase::Up | Phase::Draining => {}
            Phase::Leaving => return Err(Refused::Closing),
            Phase::Down | Phase::Closed => return Err(Refused::NotConnected),
        }
        let expiry = if properties.is_empty() { None } else { properties.session_expiry_interval() };
        if expiry.is_some_and(|seconds| seconds != 0) && self.link.is(flag::NO_EXPIRY) {
            return Err(Refused::Rule(Rule::SESSION_EXPIRY_RAISED));
        }
        let packet = Disconnect { reason, properties };
        let mut sink = Chunk::new(&mut self.arena, self.link.send_max());
        let encoded = packet.encode(Sender::Client, &mut sink);
        let at = match sink.done(encoded) {
            // There is always room for a DISCONNECT without properties.
            Err(Refused::Bytes { .. }) if properties.is_empty() && ending == Ending::AtOnce => NIL,
            other => other?,
        };

        if let Some(seconds) = expiry {
            self.session.expiry = seconds;
        } else if self.link.phase == Phase::Draining {
            // It takes the place of another, which may have set an expiry, and was not sent.
            self.session.expiry = self.link.expiry;
        }
        if !self.link.is(flag::BEGUN) {
            // Nothing has been written, and CONNECT has to come first: there is nothing to take leave of.
            self.arena.give(at);
            self.leave();
            self.link.phase = Phase::Closed;
            return Ok(());
        }
        // Before the server accepts, nothing that is queued may be sent.
        let drain = ending == Ending::AfterQueued && self.link.phase != Phase::Connecting;
        self.leave();
        self.link.urgent = at;
        if drain {
            self.link.phase = Phase::Draining;
        } else if at == NIL {
            if reason == ReasonCode::NORMAL_DISCONNECTION {
                self.push_small(&[DISCONNECT, 0]);
            } else {
                self.push_small(&[DISCONNECT, 1, reason.value()]);
            }
        }
        Ok(())
    }
}

impl Link {
    /// The keep-alive interval in force, in seconds.
    pub(crate) fn keep_alive(&mut self, seconds: u16) {
        self.interval = u32::from(seconds).wrapping_mul(10).wrapping_mul(self.share.into());
    }
}
