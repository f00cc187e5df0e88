//! Where to try next, when, and when to give up.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use mqtt5_codec::ReasonCode;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::error::{Cause, HostError, Step};

/// What to do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AfterError {
    /// Try again, after a pause.
    Retry,
    /// Try where the Server Reference says, if that is allowed; give up otherwise.
    Follow,
    /// Give up: the next attempt would end as this one did.
    GiveUp,
}

/// Whether an error goes away by itself, where the application has no rule of its own.
///
/// Given up is what the server would refuse again: credentials, a ban, a client identifier, another client that took the
/// session over, what it does not support. Asked again is everything that passes: no network, no answer, a server that
/// is busy or shuts down, a quota, an administrator.
#[must_use]
pub fn after_error(error: &HostError) -> AfterError {
    let Some(reason) = error.reason() else {
        return match (error.step, &error.cause) {
            (Step::Configure, _) | (_, Cause::Refused(_) | Cause::Unsupported(_) | Cause::Stopped) => {
                AfterError::GiveUp
            }
            _ => AfterError::Retry,
        };
    };
    match reason {
        ReasonCode::USE_ANOTHER_SERVER | ReasonCode::SERVER_MOVED => AfterError::Follow,
        ReasonCode::MALFORMED_PACKET
        | ReasonCode::PROTOCOL_ERROR
        | ReasonCode::UNSUPPORTED_PROTOCOL_VERSION
        | ReasonCode::CLIENT_IDENTIFIER_NOT_VALID
        | ReasonCode::BAD_USER_NAME_OR_PASSWORD
        | ReasonCode::NOT_AUTHORIZED
        | ReasonCode::BANNED
        | ReasonCode::BAD_AUTHENTICATION_METHOD
        | ReasonCode::SESSION_TAKEN_OVER
        | ReasonCode::TOPIC_FILTER_INVALID
        | ReasonCode::TOPIC_NAME_INVALID
        | ReasonCode::PACKET_TOO_LARGE
        | ReasonCode::PAYLOAD_FORMAT_INVALID
        | ReasonCode::RETAIN_NOT_SUPPORTED
        | ReasonCode::QOS_NOT_SUPPORTED
        | ReasonCode::SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        | ReasonCode::SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
        | ReasonCode::WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED => AfterError::GiveUp,
        _ => AfterError::Retry,
    }
}

type Rule = dyn Fn(&HostError) -> AfterError + Send + Sync;

/// How a lost connection is made again.
#[derive(Clone)]
pub struct Reconnect {
    backoff: Backoff,
    follow: u8,
    decide: Arc<Rule>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::after(Backoff::default())
    }
}

impl Reconnect {
    /// With these pauses, by [`after_error`], to the addresses that were given and no others.
    #[must_use]
    pub fn after(backoff: Backoff) -> Self {
        Self { backoff, follow: 0, decide: Arc::new(after_error) }
    }

    /// Never: the first error is the last.
    #[must_use]
    pub fn never() -> Self {
        Self::after(Backoff::never())
    }

    /// Also goes where a Server Reference sends it, `most` times in a row; 0 as without this call. Never from TLS to a
    /// connection without it. It is asked for credentials there too; those of a URL stay at home.
    #[must_use]
    pub fn following_servers(self, most: u8) -> Self {
        Self { follow: most, ..self }
    }

    /// Decides by this instead of [`after_error`].
    #[must_use]
    pub fn deciding(self, decide: impl Fn(&HostError) -> AfterError + Send + Sync + 'static) -> Self {
        Self { decide: Arc::new(decide), ..self }
    }
}

impl From<Backoff> for Reconnect {
    fn from(backoff: Backoff) -> Self {
        Self::after(backoff)
    }
}

impl fmt::Debug for Reconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect")
            .field("backoff", &self.backoff)
            .field("follow", &self.follow)
            .finish_non_exhaustive()
    }
}

/// When to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once: at another address.
    Now,
    /// After a pause.
    After(Duration),
}

/// The addresses, and which one is next. Needs neither clock nor randomness: both are told.
#[derive(Clone, Debug)]
pub struct Itinerary {
    addresses: Vec<Address>,
    at: usize,
    /// Where a Server Reference sent us, until that fails.
    detour: Option<Address>,
    detours: u8,
    /// How many addresses in a row failed since the last pause.
    tried: usize,
    /// How many pauses there were since the last connection that lasted.
    pauses: u32,
    policy: Reconnect,
}

impl Itinerary {
    /// Begins, and if there are no others ends, with this address.
    #[must_use]
    pub fn new(address: Address, policy: Reconnect) -> Self {
        Self { addresses: vec![address], at: 0, detour: None, detours: 0, tried: 0, pauses: 0, policy }
    }

    /// The same with one more address, to be tried in turn.
    #[must_use]
    pub fn and(mut self, address: Address) -> Self {
        self.addresses.push(address);
        self
    }

    /// Where to connect to now.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.detour.as_ref().or_else(|| self.addresses.get(self.at))
    }

    /// The way to the address ended with an error, or its connection did, `lasted` after it was accepted. When to go
    /// to the next address; `None` to give up. `random` is any number, each as likely.
    pub fn failed(&mut self, error: &HostError, lasted: Option<Duration>, random: u64) -> Option<Next> {
        if lasted.is_some() {
            self.detours = 0;
        }
        if lasted.is_some_and(|lasted| lasted >= self.policy.backoff.forgives_after()) {
            self.pauses = 0;
            self.tried = 0;
        }
        match (self.policy.decide)(error) {
            AfterError::GiveUp => return None,
            AfterError::Follow => return self.follow(error),
            AfterError::Retry => {}
        }
        // A connection that was up is tried again where it was.
        if self.detour.take().is_none() && lasted.is_none() {
            self.at = (self.at + 1) % self.addresses.len().max(1);
        }
        self.tried += 1;
        if lasted.is_none() && self.tried < self.addresses.len() {
            return Some(Next::Now);
        }
        self.tried = 0;
        let pause = self.policy.backoff.delay(self.pauses, random)?;
        self.pauses += 1;
        Some(Next::After(pause))
    }

    fn follow(&mut self, error: &HostError) -> Option<Next> {
        let (Cause::Rejected(notice) | Cause::Disconnected(notice)) = &error.cause else { return None };
        if self.detours >= self.policy.follow {
            return None;
        }
        let there = self.address()?.referred(notice.reference.as_deref()?)?;
        self.detours += 1;
        if notice.reason == ReasonCode::SERVER_MOVED
            && let Some(address) = self.addresses.get_mut(self.at)
        {
            // For good (section 4.13).
            address.clone_from(&there);
        }
        self.detour = Some(there);
        Some(Next::Now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Notice;
    use mqtt5_codec::{Property, Text};

    const FIRST: Duration = Duration::from_secs(1);

    fn itinerary(addresses: &[&str], policy: Reconnect) -> Itinerary {
        let [first, others @ ..] = addresses else { panic!() };
        let way = Itinerary::new(first.parse().unwrap(), policy);
        others.iter().fold(way, |way, url| way.and(url.parse().unwrap()))
    }

    fn backoff() -> Reconnect {
        Reconnect::after(Backoff::jittered(FIRST, Duration::from_secs(60)))
    }

    fn unreachable() -> HostError {
        HostError::new(Step::Open, "x", Cause::Closed)
    }

    fn said(reason: ReasonCode, reference: &str) -> HostError {
        let properties = [Property::ServerReference(Text::new(reference).unwrap())];
        HostError::new(Step::Connect, "x", Cause::Rejected(Notice::new(reason, properties)))
    }

    fn pause(next: Option<Next>) -> Duration {
        match next.unwrap() {
            Next::Now => Duration::ZERO,
            Next::After(pause) => pause,
        }
    }

    fn at(itinerary: &Itinerary) -> String {
        itinerary.address().unwrap().to_string()
    }

    #[test]
    fn each_address_is_tried_before_the_first_pause_and_pauses_grow() {
        let mut way = itinerary(&["mqtt://a", "mqtt://b"], backoff());
        let mut seen = Vec::new();
        for _ in 0..6 {
            seen.push((at(&way), pause(way.failed(&unreachable(), None, u64::MAX)).as_secs()));
        }
        let (a, b) = ("mqtt://a:1883".to_owned(), "mqtt://b:1883".to_owned());
        let expected = [(&a, 0), (&b, 1), (&a, 0), (&b, 2), (&a, 0), (&b, 4)];
        assert!(seen.iter().map(|(at, wait)| (at, *wait)).eq(expected), "{seen:?}");
    }

    #[test]
    fn a_connection_that_lasted_makes_pauses_short_again_and_is_sought_where_it_was() {
        let mut way = itinerary(&["mqtt://a", "mqtt://b"], backoff());
        for _ in 0..5 {
            way.failed(&unreachable(), None, u64::MAX);
        }
        assert_eq!(at(&way), "mqtt://b:1883");
        let brief = pause(way.failed(&unreachable(), Some(FIRST), u64::MAX));
        assert_eq!((at(&way).as_str(), brief.as_secs()), ("mqtt://b:1883", 4));
        let long = pause(way.failed(&unreachable(), Some(10 * FIRST), u64::MAX));
        assert_eq!((at(&way).as_str(), long), ("mqtt://b:1883", FIRST));
    }

    #[test]
    fn what_the_server_would_refuse_again_is_given_up() {
        for reason in [
            ReasonCode::BAD_USER_NAME_OR_PASSWORD,
            ReasonCode::NOT_AUTHORIZED,
            ReasonCode::BANNED,
            ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
            ReasonCode::SESSION_TAKEN_OVER,
        ] {
            assert_eq!(itinerary(&["mqtt://a"], backoff()).failed(&said(reason, "b"), None, 0), None, "{reason:?}");
        }
        for reason in [ReasonCode::SERVER_BUSY, ReasonCode::SERVER_UNAVAILABLE, ReasonCode::QUOTA_EXCEEDED] {
            assert!(itinerary(&["mqtt://a"], backoff()).failed(&said(reason, "b"), None, 0).is_some(), "{reason:?}");
        }
        let mut way = itinerary(&["mqtt://a"], backoff().deciding(|_| AfterError::Retry));
        assert!(way.failed(&said(ReasonCode::BANNED, "b"), None, 0).is_some());
    }

    #[test]
    fn a_server_reference_is_followed_if_allowed_and_so_many_times() {
        let busy = said(ReasonCode::USE_ANOTHER_SERVER, "b:1");
        assert_eq!(itinerary(&["mqtt://a"], backoff()).failed(&busy, None, 0), None);
        let mut way = itinerary(&["mqtt://a"], backoff().following_servers(2));
        for _ in 0..2 {
            assert_eq!(way.failed(&busy, None, u64::MAX), Some(Next::Now));
            assert_eq!(at(&way), "mqtt://b:1");
        }
        assert_eq!(way.failed(&busy, None, 0), None);
        // What fails there brings us home; a connection there begins the count anew.
        assert_eq!(way.failed(&unreachable(), Some(FIRST), u64::MAX), Some(Next::After(FIRST)));
        assert_eq!(at(&way), "mqtt://a:1883");
        assert_eq!(way.failed(&busy, None, 0), Some(Next::Now));
    }

    #[test]
    fn a_server_that_moved_for_good_is_not_sought_where_it_was() {
        let mut way = itinerary(&["mqtt://a", "mqtt://c"], backoff().following_servers(1));
        way.failed(&said(ReasonCode::SERVER_MOVED, "b"), None, 0);
        way.failed(&unreachable(), Some(FIRST), 0);
        assert_eq!(at(&way), "mqtt://b:1883");
        let mut way = itinerary(&["mqtts://a"], backoff().following_servers(9));
        assert_eq!(way.failed(&said(ReasonCode::SERVER_MOVED, "mqtt://b"), None, 0), None);
        assert_eq!(way.failed(&said(ReasonCode::SERVER_MOVED, "::"), None, 0), None);
    }

    #[test]
    fn never_means_never() {
        assert_eq!(itinerary(&["mqtt://a"], Reconnect::never()).failed(&unreachable(), None, 0), None);
    }
}
