//! How connections end, from either side, and what becomes of the session; and AUTH (sections 3.14, 3.15, 4.12 and 4.13).

use mqtt5_codec::{Auth, Disconnect, Packet, Properties, Property, ReasonCode, Text};

use super::link::Phase;
use super::{Broker, Entry};

impl Broker {
    /// Closes a link that has been silent for too long [MQTT-3.1.2-22].
    pub(super) fn watch(&mut self, number: usize) {
        let now = self.now;
        let watch = self.watch_keep_alive;
        let Some(link) = self.link(number) else { return };
        if link.phase != Phase::Up || link.keep_alive == 0 {
            return;
        }
        let silence = now.saturating_sub(link.heard);
        let interval = u64::from(link.keep_alive) * 1000;
        if silence >= interval + interval / 2 && !self.breaks("MQTT-3.1.2-22") {
            if watch {
                self.ledger
                    .broken("MQTT-3.1.2-20", format!("silent for {silence} ms at a keep-alive of {interval} ms"));
            }
            self.disconnect(number, ReasonCode::from_u8(0x8D).unwrap_or(ReasonCode::UNSPECIFIED_ERROR));
        }
    }

    /// Takes down a violation, says so with DISCONNECT, or CONNACK where that was due, and closes.
    pub(super) fn fail(&mut self, number: usize, reason: ReasonCode, statement: &'static str, what: impl Into<String>) {
        self.ledger.broken(statement, what);
        let in_connect = self.link(number).is_some_and(|link| link.phase == Phase::Waiting);
        if self.breaks("MQTT-4.13.1-1") || self.breaks(statement) || in_connect && self.breaks("MQTT-3.1.4-1") {
            return;
        }
        self.disconnect(number, reason);
    }

    /// Says why with DISCONNECT, or CONNACK where that was due, and closes.
    pub(super) fn disconnect(&mut self, number: usize, reason: ReasonCode) {
        let why = [Property::ReasonString(Text::new("because the model says so").unwrap_or(Text::EMPTY))];
        match self.link(number).map(|link| (link.phase, link.limits.reason_strings)) {
            Some((Phase::Up, verbose)) => {
                let properties = if verbose { Properties::from(&why) } else { Properties::EMPTY };
                if self.send(number, &Packet::Disconnect(Disconnect { reason, properties })) == 0 {
                    self.send(number, &Packet::Disconnect(Disconnect { reason, properties: Properties::EMPTY }));
                }
            }
            Some((Phase::Waiting | Phase::Authenticating, _)) => {
                self.refuse(number, reason);
            }
            _ => {}
        }
        self.part(number);
    }

    /// DISCONNECT of a client.
    pub(super) fn leave(&mut self, number: usize, disconnect: &Disconnect<'_>) {
        let asked = self.link(number).map_or(0, |link| link.asked_expiry);
        let expiry = disconnect.properties.session_expiry_interval();
        let raised = expiry.is_some_and(|seconds| seconds > 0) && asked == 0;
        if !self.ledger.check("MQTT 3.14.2.2.2", !raised, || "a session expiry of 0 is raised at DISCONNECT".to_owned())
        {
            self.disconnect(number, ReasonCode::PROTOCOL_ERROR);
            return;
        }
        let normal = disconnect.reason == ReasonCode::NORMAL_DISCONNECTION;
        if let Some(client) = self.link(number).map(|link| link.client.clone()).filter(|_| normal) {
            self.note(|| Entry::Left(client));
        }
        let keeps_will = self.breaks("MQTT-3.14.4-3") || self.breaks("MQTT-3.1.2-10");
        if let Some(session) = self.session_of(number) {
            if let Some(seconds) = expiry {
                session.expiry = seconds;
            }
            if normal && !keeps_will {
                session.will = None;
            }
        }
        self.part(number);
        if let Some(link) = self.link(number) {
            link.left = true;
        }
    }

    /// AUTH of a client (section 4.12).
    pub(super) fn auth(&mut self, number: usize, auth: &Auth<'_>) {
        let Some(link) = self.link(number) else { return };
        let phase = link.phase;
        let Some((method, left)) = link.method.clone() else {
            self.fail(number, ReasonCode::PROTOCOL_ERROR, "MQTT-4.12.0-7", "AUTH without an authentication method");
            return;
        };
        let same = auth.properties.authentication_method().is_some_and(|said| said == *method);
        if !self.ledger.check("MQTT-4.12.0-5", same, || format!("AUTH does not say the method {method}")) {
            self.disconnect(number, ReasonCode::PROTOCOL_ERROR);
            return;
        }
        let starts = auth.reason == ReasonCode::RE_AUTHENTICATE;
        let fits = if starts { phase == Phase::Up && left == 0 } else { left > 0 };
        let statement = if starts { "MQTT-4.12.1-1" } else { "MQTT-4.12.0-3" };
        if !self.ledger.check(statement, fits, || format!("AUTH with {} now", auth.reason)) {
            self.disconnect(number, ReasonCode::PROTOCOL_ERROR);
            return;
        }
        let challenges = self.limits.authentication.map_or(0, |(_, challenges)| challenges);
        let left = if starts { challenges } else { left - 1 };
        if let Some(link) = self.link(number) {
            link.method = Some((method.clone(), left));
        }
        match (phase, left) {
            (Phase::Authenticating, 0) => self.accept(number),
            (_, 0) => self.challenge(number, &method, ReasonCode::SUCCESS),
            _ => self.challenge(number, &method, ReasonCode::CONTINUE_AUTHENTICATION),
        }
    }

    /// Sends AUTH.
    pub(super) fn challenge(&mut self, number: usize, method: &str, reason: ReasonCode) {
        let mut method = Text::new(method).unwrap_or(Text::EMPTY);
        if self.breaks("MQTT-4.12.0-5") {
            method = Text::new("another").unwrap_or(Text::EMPTY);
        }
        let properties = [Property::AuthenticationMethod(method), Property::AuthenticationData(b"challenge")];
        self.send(number, &Packet::Auth(Auth { reason, properties: Properties::from(&properties) }));
    }

    /// Closes a link without a word; what it has sent is lost where it was not read.
    pub(super) fn cut(&mut self, number: usize) {
        self.part(number);
        if let Some(link) = self.link(number) {
            link.output.0.clear();
            link.steps.clear();
            link.delayed.clear();
        }
    }

    /// The broker's side of a closed connection: session expiry and will begin to count.
    pub(super) fn part(&mut self, number: usize) {
        let now = self.now;
        let Some(link) = self.link(number) else { return };
        let was = core::mem::replace(&mut link.phase, Phase::Closed);
        link.held.clear();
        if was != Phase::Up {
            return;
        }
        let client = link.client.clone();
        if let Some(session) = self.sessions.get_mut(&client)
            && session.link == Some(number)
        {
            session.part();
            session.ends = match session.expiry {
                u32::MAX => None,
                seconds => Some(now + u64::from(seconds) * 1000),
            };
            if let Some(will) = &mut session.will {
                let end = session.ends.unwrap_or(u64::MAX);
                will.due = Some((now + will.delay).min(end));
            }
            self.end_sessions();
        }
    }

    /// Publishes the wills that are due, and ends the sessions that have lived long enough.
    pub(super) fn end_sessions(&mut self) {
        let now = self.now;
        let mut wills = Vec::new();
        let immortal = self.breaks("MQTT-4.1.0-2");
        let early = self.breaks("MQTT-3.1.2-23");
        self.sessions.retain(|client, session| {
            if session.will.as_ref().and_then(|will| will.due).is_some_and(|due| due <= now) {
                wills.extend(session.will.take().map(|will| (client.clone(), will)));
            }
            let over = session.ends.is_some_and(|ends| ends <= now) && !(immortal && session.expiry > 0);
            session.link.is_some() || !(over || early)
        });
        for (client, will) in wills {
            self.publish_will(&client, will);
        }
    }
}
