//! A map as a set of fields: each is met once, and those of a table are told from others.

use super::*;

/// The keys met so far in one map: a filter, and the way back to look again when it says "perhaps".
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    filter: u64,
    /// Where the map begins.
    start: usize,
}

impl Seen {
    /// Begun where the map begins.
    pub(crate) const fn new(start: usize) -> Self {
        Self { filter: 0, start }
    }

    /// Refuses a key that stood in this map before `at`.
    #[inline]
    pub(crate) fn check(&mut self, r: &mut Reader<'_>, key: Key<'_>, at: usize) {
        let bit = 1u64 << (hash(key) & 63);
        if self.filter & bit != 0 {
            self.look_again(r, key, at);
        }
        self.filter |= bit;
    }

    #[cold]
    #[inline(never)]
    fn look_again(&self, r: &mut Reader<'_>, key: Key<'_>, at: usize) {
        let mut again = r.clone();
        again.at = self.start;
        again.depth = again.depth.saturating_add(1);
        let mut walk = again.open_map(Shape::Map);
        while let Some(earlier) = again.key(&mut walk)
            && walk.key_at < at
        {
            if earlier == key {
                return r.fail_at(at, LanguageRule::DuplicateKey);
            }
            again.pass();
        }
    }
}

fn hash(key: Key<'_>) -> u32 {
    let mix = |sum: u32, unit: u32| (sum ^ unit).wrapping_mul(0x0100_0193);
    let sum = match key {
        Key::Id(id) => mix(0x811C_9DC5, (id & 0xFFFF) as u32),
        Key::Name(name) => match name.as_plain() {
            Some(plain) if plain.is_ascii() => plain.bytes().fold(0x811C_9DC5, |sum, byte| mix(sum, u32::from(byte))),
            _ => name.chars().fold(0x811C_9DC5, |sum, c| mix(sum, u32::from(c))),
        },
    };
    sum ^ (sum >> 15)
}

/// One field: of the table, or another.
pub(crate) enum Member<'a, V> {
    Known(V),
    Other(Key<'a>),
}

/// A set of fields that is being read.
pub(crate) struct Members<'a> {
    walk: Walk,
    seen: Seen,
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
        Self { walk: Walk { key_at: start, ..walk }, seen: Seen::new(start), known: 0, likely: 0, other: Key::Id(0) }
    }

    /// The next field, or the end. Its value must be read before the next call.
    #[inline(always)]
    pub(crate) fn next<V: Vocabulary>(&mut self, r: &mut Reader<'a>) -> Option<Member<'a, V>> {
        match self.find(r, V::NAMES)? {
            OTHER => Some(Member::Other(self.other)),
            index => V::at(index).map(Member::Known),
        }
    }

    /// The next field of a table without others: what it doesn't define breaks a rule.
    #[inline(always)]
    pub(crate) fn only<V: Vocabulary>(&mut self, r: &mut Reader<'a>, rule: LanguageRule) -> Option<V> {
        let index = self.find(r, V::NAMES)?;
        if index == OTHER {
            r.fail_at(self.walk.key_at, rule);
        }
        V::at(index)
    }

    /// The place of the next field in its table, or [`OTHER`].
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn find(&mut self, r: &mut Reader<'a>, names: &[Name]) -> Option<usize> {
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
    fn find_any(&mut self, r: &mut Reader<'a>, names: &[Name]) -> Option<usize> {
        let key = r.key(&mut self.walk)?;
        let found = key.find(names);
        if found.is_none() {
            self.other = key;
            self.seen.check(r, key, self.walk.key_at);
            return r.sound().then_some(OTHER);
        }
        found
    }

    /// That no other field follows.
    pub(crate) fn end(&mut self, r: &mut Reader<'_>, rule: LanguageRule) {
        if !r.known_end() && !r.ended(&mut self.walk) {
            r.fail(rule);
        }
    }

    /// Where it begins.
    pub(crate) const fn at(&self) -> usize {
        self.seen.start
    }

    /// Where the field read last has its key.
    pub(crate) const fn key_at(&self) -> usize {
        self.walk.key_at
    }

    /// That it held something besides nulls.
    pub(crate) fn filled(&self, r: &mut Reader<'_>, rule: LanguageRule) {
        r.require(self.walk.done > self.walk.nulls, self.at(), rule);
    }

    /// That it held something. Of what may be absent as a whole, nothing but nulls that are forgiven says no more.
    pub(crate) fn begun(&self, r: &mut Reader<'_>, rule: LanguageRule) {
        r.require(self.walk.done != 0, self.at(), rule);
    }
}
