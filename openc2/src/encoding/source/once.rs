//! What may stand only once: the keys of a map, the items of a list whose items are all different.
//!
//! Nothing but its place is kept of each: in one table for all the maps that are open, those of one map in ascending order, so
//! that the next one is found, or found to be new, in a number of steps that grows with the logarithm. Whoever chooses the
//! keys chooses no cost by it. Where the table is full, what follows in a map or list has to be in ascending order, which
//! takes one comparison each and no room.

use core::cmp::Ordering;

use super::plain;
use super::{Key, Reader};
use crate::encoding::error::LanguageRule;
use crate::encoding::text::{self, Str};

/// The most fields, of nested maps together, and the most items of a list that may stand in any order. Beyond that they have to
/// ascend: in JSON by their code points, in CBOR by length first (RFC 8949 s4.2.3). So what comes sorted may be as long as its
/// message. The table is on the stack: on a 32-bit machine it is 64.
pub const MAX_MEMBERS: usize = if cfg!(target_pointer_width = "64") { 256 } else { 64 };

/// The places of what stands in the maps and lists that are open.
#[derive(Debug)]
pub(crate) struct Places {
    kept: heapless::Vec<Place, MAX_MEMBERS>,
    /// How many of them may be kept.
    most: usize,
}

/// Where a key or an item stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// What it begins with: of two that differ here, this is their order.
    start: u32,
    at: u32,
}

/// One map or list among those that are open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// Where its places begin in the table, once there are some.
    from: usize,
    /// The greatest of it, when there are more than [`FEW`].
    last: Place,
    /// How far it has come.
    fill: Fill,
}

/// How many places are compared with each other before they are put in order.
const FEW: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// Nothing was met.
    New,
    /// As many as [`FEW`] were met, and stand in the table as they came.
    Few,
    /// All stand in the table, in ascending order.
    Many,
    /// Not all of it is in the table.
    Cut,
}

impl Group {
    /// Of which nothing was met yet.
    pub(crate) const NEW: Self = Self { from: 0, last: Place { start: 0, at: 0 }, fill: Fill::New };
}

/// A key or an item, as it is compared.
#[derive(Clone, Copy)]
pub(crate) enum Item<'a> {
    Bytes(&'a [u8]),
    Escaped(Str<'a>),
    /// A string of JSON, from behind its quotation mark on to the end of the text: it is read only as far as it is compared.
    Open(&'a str),
    Id(u64),
}

impl<'a> From<Str<'a>> for Item<'a> {
    #[inline]
    fn from(text: Str<'a>) -> Self {
        text.as_plain().map_or(Self::Escaped(text), |plain| Self::Bytes(plain.as_bytes()))
    }
}

impl<'a> From<Key<'a>> for Item<'a> {
    #[inline]
    fn from(key: Key<'a>) -> Self {
        match key {
            Key::Name(name) => name.into(),
            Key::Id(id) => Self::Id(id),
        }
    }
}

/// The order in which members of a group are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Bytes,
    LengthFirst,
}

impl Order {
    /// Four bytes of which the order is that of the whole, as far as they go.
    #[inline]
    fn start(self, member: Item<'_>) -> u32 {
        let first = |bytes: &[u8], most: usize| {
            (0..most).fold(0, |sum, at| (sum << 8) | u32::from(bytes.get(at).copied().unwrap_or(0)))
        };
        match (member, self) {
            (Item::Id(id), _) => u32::try_from(id).unwrap_or(u32::MAX),
            (Item::Bytes(bytes), Self::Bytes) => match bytes.first_chunk() {
                Some(four) => u32::from_be_bytes(*four),
                None => first(bytes, 4),
            },
            // Where the length has no room in a byte, there is none beside it.
            (Item::Bytes(bytes), Self::LengthFirst) if bytes.len() >= 255 => {
                0xFF00_0000 | bytes.len().min(0xFF_FFFF) as u32
            }
            (Item::Bytes(bytes), Self::LengthFirst) => ((bytes.len().min(255) as u32) << 24) | first(bytes, 3),
            (Item::Escaped(_) | Item::Open(_), _) => escaped_start(member),
        }
    }

    /// Which of two comes first.
    fn compare(self, one: Item<'_>, two: Item<'_>) -> Ordering {
        match (one, two) {
            (Item::Bytes(one), Item::Bytes(two)) if self == Self::LengthFirst => {
                one.len().cmp(&two.len()).then_with(|| one.cmp(two))
            }
            (Item::Bytes(one), Item::Bytes(two)) => one.cmp(two),
            (Item::Id(one), Item::Id(two)) => one.cmp(&two),
            (Item::Id(_), _) => Ordering::Less,
            (_, Item::Id(_)) => Ordering::Greater,
            (one, two) => compare_spelled(Spelled::of(one), Spelled::of(two)),
        }
    }
}

#[cold]
fn escaped_start(member: Item<'_>) -> u32 {
    let mut spelled = Spelled::of(member);
    (0..4).fold(0, |sum, _| {
        let byte = spelled.piece().first().copied().unwrap_or(0);
        spelled.pass(1);
        (sum << 8) | u32::from(byte)
    })
}

/// Compares as far as both are alike, as many bytes at once as need nothing undone.
#[cold]
#[inline(never)]
fn compare_spelled(mut one: Spelled<'_>, mut two: Spelled<'_>) -> Ordering {
    loop {
        // Escapes that are spelled alike need not be undone.
        if let (Some(here), Some(there)) = (one.escape(), two.escape())
            && here == there
        {
            one.pass(here.len());
            two.pass(here.len());
            continue;
        }
        let (here, there) = (one.piece(), two.piece());
        let length = here.len().min(there.len());
        if length == 0 {
            return here.len().cmp(&there.len());
        }
        match here.get(..length).cmp(&there.get(..length)) {
            Ordering::Equal => {}
            told => return told,
        }
        one.pass(length);
        two.pass(length);
    }
}

/// The bytes of a member, escapes undone.
struct Spelled<'a> {
    /// What is still to come, as it stands.
    rest: &'a [u8],
    /// Whether it is of JSON: a backslash escapes, and a quotation mark ends it.
    json: bool,
    /// What the escape before it stands for, and which part of that is to come.
    undone: [u8; 4],
    next: usize,
    end: usize,
}

impl<'a> Spelled<'a> {
    /// How far is looked ahead for an escape: most of what is compared differs before that.
    const AHEAD: usize = 32;

    fn of(member: Item<'a>) -> Self {
        let (rest, json) = match member {
            Item::Bytes(bytes) => (bytes, false),
            Item::Escaped(text) => text.as_it_stands(),
            Item::Open(text) => (text.as_bytes(), true),
            Item::Id(_) => (&[][..], false),
        };
        Self { rest, json, undone: [0; 4], next: 0, end: 0 }
    }

    /// The escape that comes next, as it stands.
    fn escape(&self) -> Option<&'a [u8]> {
        let comes = self.next >= self.end && self.json && self.rest.first() == Some(&b'\\');
        if comes { self.rest.get(..text::escape_length(self.rest)) } else { None }
    }

    /// What comes next, nothing only at the end.
    fn piece(&mut self) -> &[u8] {
        if let Some(escape) = self.escape() {
            (self.undone, self.end) = text::utf8(text::unescape(escape));
            self.next = 0;
            self.rest = self.rest.get(escape.len()..).unwrap_or_default();
        }
        if self.next < self.end {
            return self.undone.get(self.next..self.end).unwrap_or_default();
        }
        if !self.json {
            return self.rest;
        }
        let ahead = self.rest.get(..Self::AHEAD).unwrap_or(self.rest);
        ahead.get(..plain(ahead, 0)).unwrap_or_default()
    }

    /// Passes over so much of the piece.
    fn pass(&mut self, length: usize) {
        if self.next < self.end {
            self.next = self.next.saturating_add(length);
        } else {
            self.rest = self.rest.get(length..).unwrap_or_default();
        }
    }
}

/// Why a member may not stand where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOnce {
    Twice,
    TooMany,
}

impl Places {
    /// None, and room for so many, but no more than [`MAX_MEMBERS`].
    pub(crate) fn new(most: usize) -> Self {
        Self { kept: heapless::Vec::new(), most: most.min(MAX_MEMBERS) }
    }

    /// Takes the next member of a group, which stands at a place; `again` gives what stands at an earlier one.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn add<'a>(
        &mut self,
        group: &mut Group,
        (item, at): (Item<'a>, usize),
        order: Order,
        again: &dyn Fn(usize) -> Item<'a>,
    ) -> Result<(), NotOnce> {
        let place = Place { start: order.start(item), at: u32::try_from(at).map_err(|_| NotOnce::TooMany)? };
        match group.fill {
            Fill::New => *group = Group { from: self.kept.len(), fill: Fill::Few, ..*group },
            Fill::Few => {}
            _ => return self.add_to_many(group, place, item, order, again),
        }
        let own = self.kept.get(group.from..).unwrap_or_default();
        // Only what begins alike can be the same.
        let alike = own.iter().any(|earlier| earlier.start == place.start);
        if !alike && own.len() < FEW && self.keep(place) {
            return Ok(());
        }
        self.add_to_few(group, place, item, order, again)
    }

    /// The same where one begins alike, there are a few, or there is no room.
    #[cold]
    #[inline(never)]
    fn add_to_few<'a>(
        &mut self,
        group: &mut Group,
        place: Place,
        item: Item<'a>,
        order: Order,
        again: &dyn Fn(usize) -> Item<'a>,
    ) -> Result<(), NotOnce> {
        let own = self.kept.get_mut(group.from..).unwrap_or_default();
        let same = |earlier: &Place| {
            earlier.start == place.start && order.compare(item, again(earlier.at as usize)) == Ordering::Equal
        };
        if own.iter().any(same) {
            return Err(NotOnce::Twice);
        }
        if own.len() < FEW && self.keep(place) {
            return Ok(());
        }
        let own = self.kept.get_mut(group.from..).unwrap_or_default();
        for count in 1..own.len() {
            // Each to its place among those before it, which are in order.
            for later in (1..=count).rev() {
                let Some([one, two]) = own.get_mut(later.wrapping_sub(1)..later.wrapping_add(1)) else { break };
                let told = one.start.cmp(&two.start);
                if told.then_with(|| order.compare(again(one.at as usize), again(two.at as usize))) == Ordering::Less {
                    break;
                }
                core::mem::swap(one, two);
            }
        }
        group.fill = Fill::Many;
        match own.last() {
            Some(last) => group.last = *last,
            // There was no room for any of it.
            None => {
                (group.last, group.fill) = (place, Fill::Cut);
                return Ok(());
            }
        }
        self.add_to_many(group, place, item, order, again)
    }

    /// The same where those before it are in order.
    #[inline(never)]
    fn add_to_many<'a>(
        &mut self,
        group: &mut Group,
        place: Place,
        item: Item<'a>,
        order: Order,
        again: &dyn Fn(usize) -> Item<'a>,
    ) -> Result<(), NotOnce> {
        let compare = |earlier: &Place| match place.start.cmp(&earlier.start) {
            Ordering::Equal => order.compare(item, again(earlier.at as usize)),
            told => told,
        };
        match compare(&group.last) {
            Ordering::Greater => {
                group.last = place;
                if !self.keep(place) {
                    group.fill = Fill::Cut;
                }
                return Ok(());
            }
            Ordering::Equal => return Err(NotOnce::Twice),
            Ordering::Less => {}
        }
        let own = self.kept.get(group.from..).unwrap_or_default();
        let (mut low, mut high) = (0usize, own.len());
        while low < high {
            let middle = low.midpoint(high);
            match own.get(middle).map_or(Ordering::Less, compare) {
                Ordering::Less => high = middle,
                Ordering::Equal => return Err(NotOnce::Twice),
                Ordering::Greater => low = middle.saturating_add(1),
            }
        }
        // What isn't kept can't be told from what follows unless that is greater.
        if group.fill == Fill::Cut || self.kept.len() >= self.most {
            return Err(NotOnce::TooMany);
        }
        let mut carried = place;
        for later in self.kept.get_mut(group.from.saturating_add(low)..).unwrap_or_default() {
            core::mem::swap(later, &mut carried);
        }
        self.keep(carried);
        Ok(())
    }

    #[inline]
    fn keep(&mut self, place: Place) -> bool {
        self.kept.len() < self.most && self.kept.push(place).is_ok()
    }

    /// Forgets a map or list that has ended.
    pub(crate) fn leave(&mut self, group: &Group) {
        if group.fill != Fill::New {
            self.kept.truncate(group.from);
        }
    }
}

impl<'a> Reader<'a, '_> {
    /// Takes the next key or item of a group, which stands at a place and breaks this rule if it stood there before.
    pub(crate) fn once(&mut self, group: &mut Group, item: Item<'a>, at: usize, twice: LanguageRule) {
        match self.meet(group, item, at) {
            Ok(()) => {}
            Err(NotOnce::Twice) => self.fail_at(at, twice),
            Err(NotOnce::TooMany) => self.fail_at(at, LanguageRule::TooMany),
        }
    }

    /// The same, and nothing is wrong with what stood there before. A reader over what was checked has no table, and looks at
    /// nothing.
    pub(crate) fn meet(&mut self, group: &mut Group, item: Item<'a>, at: usize) -> Result<(), NotOnce> {
        let Some(places) = self.places.take() else { return Ok(()) };
        let order = if self.is_json() { Order::Bytes } else { Order::LengthFirst };
        let met = places.add(group, (item, at), order, &|at| self.member_at(at));
        self.places = Some(places);
        met
    }

    /// That a map or list has ended.
    pub(crate) fn leave(&mut self, group: &Group) {
        if let Some(places) = &mut self.places {
            places.leave(group);
        }
    }

    /// The key or item at a place where one was read before.
    fn member_at(&self, at: usize) -> Item<'a> {
        if self.is_json() { self.json_string_at(at) } else { self.cbor_member_at(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    /// What becomes of texts in a table for so many.
    fn taken(texts: &[&str], order: Order, most: usize) -> Result<(), (usize, NotOnce)> {
        let (mut places, mut group) = (Places::new(most), Group::NEW);
        let member = |at: usize| Item::from(Str::new(texts[at]));
        for at in 0..texts.len() {
            places.add(&mut group, (member(at), at), order, &member).map_err(|why| (at, why))?;
        }
        Ok(())
    }

    #[test]
    fn what_stands_twice_is_found_wherever_it_stands() {
        let names: Vec<String> = (0..60).map(|index| std::format!("key{}", index * 37 % 61)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for order in [Order::Bytes, Order::LengthFirst] {
            assert_eq!(taken(&names, order, 64), Ok(()));
            for again in 0..60 {
                let mut twice = names.clone();
                twice.push(names[again]);
                assert_eq!(taken(&twice, order, 64), Err((60, NotOnce::Twice)), "{again}");
            }
        }
        assert_eq!(taken(&["", "a", ""], Order::Bytes, 64), Err((2, NotOnce::Twice)));
        assert_eq!(taken(&["a", "a\0", "a\0\0"], Order::Bytes, 64), Ok(()));
    }

    #[test]
    fn where_the_table_is_full_the_rest_has_to_ascend() {
        assert_eq!(taken(&["b", "a", "c", "d", "e"], Order::Bytes, 2), Ok(()));
        assert_eq!(taken(&["b", "a", "c", "e", "d"], Order::Bytes, 2), Err((4, NotOnce::TooMany)));
        assert_eq!(taken(&["b", "a", "c", "c"], Order::Bytes, 2), Err((3, NotOnce::Twice)));
        assert_eq!(taken(&["b", "a", "c", "a"], Order::Bytes, 2), Err((3, NotOnce::Twice)));
        assert_eq!(taken(&["b", "c", "aa", "ab"], Order::LengthFirst, 0), Ok(()));
        assert_eq!(taken(&["b", "c", "aa", "ab"], Order::Bytes, 0), Err((2, NotOnce::TooMany)));
    }

    /// A map of JSON with these keys, as they are written, and what is broken in it.
    fn map_of(keys: &[String]) -> Option<LanguageRule> {
        let members: Vec<String> = keys.iter().map(|key| std::format!(r#""{key}":0"#)).collect();
        let text = std::format!("{{{}}}", members.join(","));
        let mut places = Places::new(MAX_MEMBERS);
        let mut reader = Reader::json(&text, 4).with_places(&mut places);
        reader.skip();
        reader.failed().map(|fail| fail.rule)
    }

    #[test]
    fn keys_are_compared_by_what_they_mean_up_to_where_they_end() {
        let keys = |keys: &[&str]| map_of(&keys.iter().map(|key| String::from(*key)).collect::<Vec<_>>());
        for differ in [
            &["aaaa", "aaaab", "aaaa\\\"", "aaaa\\\\", "aaaa\\n", "aaaa\\u0000"][..],
            &["aaaa\\u00e9", "aaaae", "aaaa\\ud83d\\ude00", "aaaa\\ud83d\\ude01"],
            &["aaaab\\\"c", "aaaab", "aaaab\\\"", "aaaab\\\"cd"],
        ] {
            assert_eq!(keys(differ), None, "{differ:?}");
        }
        for same in [
            ["aaaa\\u00e9", "aaaaé"],
            ["aaaa\\ud83d\\ude00x", "aaaa😀x"],
            ["\\u0061aaa\\/b", "aaaa/b"],
            ["aaaa\\\"", "aaaa\\u0022"],
            // Each longer than what is looked at at once, and cut within a character or an escape.
            ["a\\u00e9ééééééééééééééééééééé", "aé\\u00e9éééééééééééééééééééé"],
            ["aéééééééééééééééé\\ud83d\\ude00", "aéééééééééééééééé😀"],
        ] {
            for (one, two) in [(same[0], same[1]), (same[1], same[0]), (same[0], same[0]), (same[1], same[1])] {
                assert_eq!(keys(&[one, "aaaaz", two]), Some(LanguageRule::DuplicateKey), "{one} {two}");
            }
        }
    }

    #[test]
    fn a_long_key_is_read_no_further_than_it_is_compared() {
        let long = std::format!("aaaab{}", "x".repeat(20_000));
        let text = std::format!(r#"{long}":0,"aaaac":0"#);
        let mut spelled = Spelled::of(Item::Open(&text));
        assert_eq!(spelled.piece().len(), Spelled::AHEAD);
        assert_eq!(Order::Bytes.compare(Item::from(Str::new("aaaac")), Item::Open(&text)), Ordering::Greater);
        // And it is told apart from what it begins with.
        assert_eq!(map_of(&[long.clone(), "aaaab".into(), std::format!("{long}y")]), None);
        assert_eq!(map_of(&[long.clone(), "aaaab".into(), long]), Some(LanguageRule::DuplicateKey));
    }

    #[test]
    fn long_keys_of_cbor_ascend_by_their_length_first() {
        let names: Vec<String> = [254, 255, 256, 300, 65_536, 70_000]
            .iter()
            .zip("fedcba".chars())
            .map(|(length, c)| core::iter::repeat_n(c, *length).collect())
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for most in [0, 64] {
            assert_eq!(taken(&names, Order::LengthFirst, most), Ok(()));
        }
        let turned: Vec<&str> = names.iter().rev().copied().collect();
        assert_eq!(taken(&turned, Order::LengthFirst, 0), Err((1, NotOnce::TooMany)));
        let twice = [names[3], names[4], names[3]];
        assert_eq!(taken(&twice, Order::LengthFirst, 64), Err((2, NotOnce::Twice)));
    }

    #[test]
    fn a_map_that_ended_leaves_its_room_to_the_next() {
        let mut places = Places::new(2);
        let again = |_: usize| Item::Id(0);
        let mut outer = Group::NEW;
        places.add(&mut outer, (Item::Id(7), 0), Order::Bytes, &again).unwrap();
        for _ in 0..3 {
            let mut inner = Group::NEW;
            places.add(&mut inner, (Item::Id(7), 1), Order::Bytes, &again).unwrap();
            places.leave(&inner);
        }
        places.add(&mut outer, (Item::Id(6), 2), Order::Bytes, &again).unwrap();
        let mut inner = Group::NEW;
        places.add(&mut inner, (Item::Id(7), 3), Order::Bytes, &again).unwrap();
        assert_eq!(places.add(&mut inner, (Item::Id(5), 4), Order::Bytes, &again), Err(NotOnce::TooMany));
    }
}
