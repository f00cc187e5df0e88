//! Checks a list of properties on the wire: which may stand in a place, how often, with which values.

use super::table::{Kind, TABLE, entry, entry_bit, entry_kind};
use super::{
    AUTHENTICATION_DATA, AUTHENTICATION_METHOD, SESSION_EXPIRY_INTERVAL, SUBSCRIPTION_IDENTIFIER, TOPIC_ALIAS,
    USER_PROPERTY, place,
};
use crate::wire::Reader;
use crate::{ReasonCode, Rule, Topic};

/// Checks properties that have been decoded, for the place where they are to be sent.
pub(super) fn check_again(bytes: &[u8], place: u8) -> Result<Found, Rule> {
    let mut r = Reader::part(bytes, 0, Rule::PROPERTY_LENGTH);
    check_all(&mut r, place).ok_or_else(|| r.rule())
}

/// Which properties a list holds: a bit for each row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Found(pub(super) u32);

impl Found {
    pub(crate) const NONE: Self = Self(0);

    /// Takes note of a property; false when it may not stand here a second time. Of what may, no note is taken.
    #[inline]
    pub(super) fn add(&mut self, entry: u32, place: u8) -> bool {
        const REPEATS: u32 = bit(USER_PROPERTY);
        const REPEATS_IN_PUBLISH: u32 = REPEATS | bit(SUBSCRIPTION_IDENTIFIER);
        let bit = entry_bit(entry) & !if place == place::PUBLISH { REPEATS_IN_PUBLISH } else { REPEATS };
        let new = self.0 & bit == 0;
        self.0 |= bit;
        new
    }

    #[inline]
    fn has(self, id: u8) -> bool {
        const METHOD: u32 = bit(AUTHENTICATION_METHOD);
        const DATA: u32 = bit(AUTHENTICATION_DATA);
        const ALIAS: u32 = bit(TOPIC_ALIAS);
        let bit = match id {
            AUTHENTICATION_METHOD => METHOD,
            AUTHENTICATION_DATA => DATA,
            _ => ALIAS,
        };
        self.0 & bit != 0
    }

    #[inline]
    pub(crate) fn topic_alias(self) -> bool {
        self.has(TOPIC_ALIAS)
    }

    /// Whether there is no authentication method where there has to be one.
    #[inline]
    pub(super) fn lacks_method(self, place: u8) -> bool {
        !self.has(AUTHENTICATION_METHOD) && (self.has(AUTHENTICATION_DATA) || place == place::AUTH)
    }
}

const fn bit(id: u8) -> u32 {
    #[allow(clippy::indexing_slicing, reason = "evaluated with identifiers of the table")]
    entry_bit(TABLE[id as usize])
}

/// The rule against authentication data without a method, which each of three packets states; AUTH always has a method.
#[cold]
pub(super) fn method_missing(place: u8) -> Rule {
    match place {
        place::CONNECT => Rule::CONNECT_AUTHENTICATION_DATA,
        place::CONNACK => Rule::CONNACK_AUTHENTICATION_DATA,
        _ => Rule::AUTH_METHOD,
    }
}

/// Checks properties, which are all that is left to read.
#[inline(never)]
pub(super) fn check_all(r: &mut Reader<'_>, place: u8) -> Option<Found> {
    if cfg!(target_pointer_width = "64") {
        let mut copy = *r; // It is in registers.
        let found = check_each(&mut copy, place);
        *r = copy;
        return found;
    }
    check_each(r, place)
}

#[inline(always)]
fn check_each(r: &mut Reader<'_>, place: u8) -> Option<Found> {
    let mut found = Found::NONE;
    while let Some((&id, _)) = r.rest().split_first() {
        let Some(entry) = entry(id, place) else {
            let (reason, rule) = misplaced(id, place);
            return r.refuse(r.left(), reason, rule);
        };
        if !found.add(entry, place) {
            return r.protocol_error(r.left(), Rule::of_property(place, id));
        }
        let _ = r.u8();
        check_value(r, entry_kind(entry), id, place)?;
    }
    Some(found)
}

/// Checks one value, and moves past it.
#[inline]
fn check_value(r: &mut Reader<'_>, kind: Kind, id: u8, place: u8) -> Option<()> {
    let start = r.left();
    let in_range = match kind {
        Kind::Flag => r.u8()? <= 1,
        Kind::U16 => r.u16().map(|_| true)?,
        Kind::NonZeroU16 => r.u16()? != 0,
        Kind::U32 => r.u32().map(|_| true)?,
        Kind::NonZeroU32 => r.u32()? != 0,
        Kind::Varint => r.varint()? != 0,
        Kind::Text => r.text().map(|_| true)?,
        Kind::Topic => Topic::read(r, ReasonCode::PROTOCOL_ERROR, Rule::RESPONSE_TOPIC_WILDCARD).map(|_| true)?,
        Kind::Bytes => r.bytes().map(|_| true)?,
        Kind::Pair => {
            r.text()?;
            r.text().map(|_| true)?
        }
    };
    if in_range {
        return Some(());
    }
    match id {
        TOPIC_ALIAS => r.refuse(start, ReasonCode::TOPIC_ALIAS_INVALID, Rule::TOPIC_ALIAS_ZERO),
        _ => r.protocol_error(start, Rule::of_property(place, id)),
    }
}

/// Why a property may not stand in a place.
#[cold]
pub(super) fn misplaced(id: u8, place: u8) -> (ReasonCode, Rule) {
    match (id, place) {
        (SUBSCRIPTION_IDENTIFIER, place::PUBLISH_BY_CLIENT) => {
            (ReasonCode::PROTOCOL_ERROR, Rule::SUBSCRIPTION_ID_FROM_CLIENT)
        }
        (SESSION_EXPIRY_INTERVAL, place::DISCONNECT_BY_SERVER) => {
            (ReasonCode::PROTOCOL_ERROR, Rule::SESSION_EXPIRY_FROM_SERVER)
        }
        _ => (ReasonCode::MALFORMED_PACKET, Rule::PROPERTY_ID),
    }
}
