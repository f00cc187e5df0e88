//! A map as a set of fields: each is met once, and those of a table are told from others.

use super::*;

/// One field: of the table, or another.
pub(crate) enum Member<'a, V> {
    Known(V),
    Other(Key<'a>),
}

/// A set of fields that is being read.
pub struct Members<'a> {
    walk: Walk,
    /// Where it begins.
    start: usize,
    /// The fields that are none of the table.
    others: Group,
    known: u32,
    /// Which entry of the table is tried first: fields mostly come in its order.
    likely: u8,
    /// The key read last, if it is none of the table.
    other: Key<'a>,
}

/// What [`Members::find`] gives for a key that is none of the table.
const OTHER: usize = usize::MAX;

impl<'a> Members<'a> {
    /// Begun where the map begins, with the walk over it.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn new(start: usize, walk: Walk) -> Self {
        Self { walk: Walk { key_at: start, ..walk }, start, others: Group::NEW, known: 0, likely: 0, other: Key::Id(0) }
    }

    /// The next field, or the end. Its value must be read before the next call.
    #[inline(always)]
    pub(crate) fn next<V: Vocabulary>(&mut self, r: &mut Reader<'a, '_>) -> Option<Member<'a, V>> {
        match self.find(r, V::NAMES)? {
            OTHER => Some(Member::Other(self.other)),
            index => V::at(index).map(Member::Known),
        }
    }

    /// The next field of a table without others: what it doesn't define breaks a rule.
    #[inline(always)]
    pub fn only<V: Vocabulary>(&mut self, r: &mut Reader<'a, '_>, rule: LanguageRule) -> Option<V> {
        let index = self.find(r, V::NAMES)?;
        if index == OTHER {
            r.fail_at(self.walk.key_at, rule);
        }
        V::at(index)
    }

    /// The place of the next field in its table, or [`OTHER`].
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn find(&mut self, r: &mut Reader<'a, '_>, names: &[Name]) -> Option<usize> {
        loop {
            if r.known_end() {
                return None;
            }
            let likely = usize::from(self.likely);
            let known = match r.form {
                Form::Json => r.json_known_key(&mut self.walk, names, likely),
                Form::Cbor => r.cbor_known_key(&mut self.walk, names, likely),
                Form::Concise => None,
            };
            let index = match known {
                Some(index) => index,
                None => self.find_any(r, names)?,
            };
            if index == OTHER {
                return Some(OTHER);
            }
            self.likely = (index as u8).wrapping_add(1);
            // No table has more than 32 entries.
            let bit = 1u32 << (index & 31);
            if self.known & bit != 0 {
                r.fail_at(self.walk.key_at, LanguageRule::DuplicateKey);
                return None;
            }
            self.known |= bit;
            if !r.lenient || r.kind() != Kind::Null {
                return Some(index);
            }
            r.quirks.insert(Quirk::NullField);
            self.walk.nulls = self.walk.nulls.saturating_add(1);
            r.null();
        }
    }

    /// The same for a key however it is written.
    #[inline(never)]
    fn find_any(&mut self, r: &mut Reader<'a, '_>, names: &[Name]) -> Option<usize> {
        let key = r.key(&mut self.walk)?;
        let found = key.find(names);
        if found.is_none() {
            self.other = key;
            r.once(&mut self.others, key.into(), self.walk.key_at, LanguageRule::DuplicateKey);
            return r.sound().then_some(OTHER);
        }
        found
    }

    /// That a set that may hold others than those of the table has ended.
    pub(crate) fn leave(&self, r: &mut Reader<'_, '_>) {
        r.leave(&self.others);
    }

    /// That no other field follows.
    pub fn end(&mut self, r: &mut Reader<'_, '_>, rule: LanguageRule) {
        if !r.known_end() && !r.ended(&mut self.walk) {
            r.fail(rule);
        }
    }

    /// Where it begins.
    pub const fn at(&self) -> usize {
        self.start
    }

    /// Where the field read last has its key.
    pub const fn key_at(&self) -> usize {
        self.walk.key_at
    }

    /// That it held something besides nulls.
    pub fn filled(&self, r: &mut Reader<'_, '_>, rule: LanguageRule) {
        r.require(self.walk.done > self.walk.nulls, self.at(), rule);
    }

    /// That it held something. Of what may be absent as a whole, nothing but nulls that are forgiven says no more.
    pub(crate) fn begun(&self, r: &mut Reader<'_, '_>, rule: LanguageRule) {
        r.require(self.walk.done != 0, self.at(), rule);
    }
}
