//! Where encoded packets stay: one lent slice, cut into chunks that each hold a whole packet.
//!
//! A packet is one contiguous piece, so it is encoded once, in place, and lent to the host in one go. Taking and giving
//! back a chunk costs the same however many there are: free chunks hang in lists by size, know their neighbours and grow
//! together with them, and behind the last chunk (`top`) memory is untouched. While nothing is in flight the whole arena
//! is behind `top`, so a client that sends one packet at a time never sees more than that.
//!
//! Nothing here knows what a packet is. All bookkeeping is in the slice itself, and a slice of zeros is an empty arena.
//!
//! ```text
//! slice  = top (2), list mask (2), list heads (10), last given back (2) | small packets (32) | granules …
//! used   = len << 4 | flags (4) | link (2) | slot (2) | order (4) | packet (len) | padding
//! free   = len << 4 | flags (4) | next (2) | previous (2) | … | size in granules (2)
//! ```

mod check;
mod contents;

/// A chunk's place, in granules, from 1 on.
pub(crate) type At = u16;

/// No chunk.
pub(crate) const NIL: At = 0;

/// Bytes before the packet of a chunk.
const HEAD: u32 = 12;
/// How many sizes of free chunks have a list of their own; powers of four, the last takes all that are larger.
const LISTS: u32 = 5;
/// Bytes behind the book for packets that are never refused room; see [`Arena::small`].
pub(crate) const SMALL: usize = 32;
/// Units before the place 0, which no chunk has.
const BASE: usize = 2;
/// The least slice that is of use, in bytes.
pub(crate) const LEAST: usize = 128;
/// How many chunks of a list are tried before a larger one is cut.
const TRIES: u8 = 8;

const USED: u32 = 1;
const BEFORE_IS_FREE: u32 = 2;
/// The packet's first byte has been written to a connection.
pub(crate) const SENT: u32 = 4;
/// The packet of QoS 0 outlives the connection; one of an exchange has been copied out and is not written yet.
pub(crate) const KEPT: u32 = 8;

/// The unit of memory. A chunk begins with one.
type Unit = [u8; 16];

/// The lent memory of packets; see the module.
pub(crate) struct Arena<'m> {
    units: &'m mut [Unit],
    /// How many units at the end are apart: CONNECT has a place of its own.
    apart: u16,
    /// A granule is `1 << scale` units.
    scale: u8,
}

/// The scale at which 65,535 granules cover `bytes`, or nearly so.
pub(crate) const fn scale(bytes: usize) -> u8 {
    let mut scale = 0;
    while scale < 24 && bytes >> (scale + 4) > 72 << 10 {
        scale += 1;
    }
    scale
}

/// Bytes taken by chunks, with their bookkeeping, free ones between them included.
pub(crate) fn held(bytes: &[u8], scale: u8) -> usize {
    let granules = bytes.first_chunk().map_or(0, |top| u16::from_le_bytes(*top));
    usize::from(granules) << (scale.wrapping_add(4) & 31)
}

/// What stands for a unit that is not there, which does not happen.
const NOTHING: &Unit = &[0; 16];

impl<'m> Arena<'m> {
    #[inline]
    pub(crate) fn new(bytes: &'m mut [u8], scale: u8, apart: u16) -> Self {
        Self { units: bytes.as_chunks_mut().0, apart, scale: scale & 15 }
    }

    /// Whether more than a quarter of all memory is behind the last chunk.
    pub(crate) fn has_a_quarter(&self) -> bool {
        self.limit().saturating_sub(self.top()) > self.limit() >> 2
    }

    // --- chunks ---

    /// Takes a chunk for `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> Option<At> {
        let len = u32::try_from(len).ok().filter(|&len| len < 1 << 28)?;
        let need = self.granules(len);
        let recent = self.recent();
        if recent != NIL {
            self.set_recent(NIL);
            let head = self.word(recent.into());
            if head >> 4 == len || self.granules(head >> 4) == need {
                self.set_word(recent.into(), len << 4 | USED | head & BEFORE_IS_FREE);
                self.set_link(recent.into(), NIL);
                return Some(recent);
            }
            self.free(recent.into());
        }
        let at = self.find(need);
        let at = if at != 0 {
            self.cut(at, need);
            at
        } else {
            let at = self.top();
            let top = at.wrapping_add(need);
            if top > self.limit() {
                return None;
            }
            self.set_top(top);
            at
        };
        self.set_word(at, len << 4 | USED);
        self.set_link(at, NIL);
        u16::try_from(at).ok()
    }

    /// Gives a chunk back, if it is one.
    ///
    /// The last one given back is only remembered, since the next one taken is often as large.
    pub(crate) fn give(&mut self, at: At) {
        if at == NIL {
            return;
        }
        let recent = self.recent();
        if recent != NIL {
            self.set_recent(NIL);
            self.free(recent.into());
        }
        let size = self.word(at.into()) >> 4;
        if u32::from(at).wrapping_add(self.granules(size)) < self.top() {
            self.set_recent(at);
        } else {
            self.free(at.into());
        }
    }

    /// Makes a used chunk a free one.
    #[inline(never)]
    fn free(&mut self, mut at: u32) {
        let head = self.word(at);
        let mut size = self.granules(head >> 4);
        if head & BEFORE_IS_FREE != 0 {
            let before = u32::from(self.size_before(at));
            at = at.wrapping_sub(before);
            size = size.wrapping_add(before);
            self.unlink(at, before);
        }
        let next = at.wrapping_add(size);
        if next < self.top() {
            let head = self.word(next);
            if head & USED == 0 {
                let after = self.granules(head >> 4);
                self.unlink(next, after);
                size = size.wrapping_add(after);
            }
            self.link(at, size);
        } else {
            self.set_top(at);
        }
    }

    /// A free chunk of at least `need` granules, taken off its list; or 0.
    #[inline(never)]
    fn find(&mut self, need: u32) -> u32 {
        let lists = self.lists();
        if lists == 0 {
            return 0;
        }
        let list = list_of(need);
        let mut at = u32::from(self.head(list));
        for _ in 0..TRIES {
            if at == 0 {
                break;
            }
            let size = self.granules(self.word(at) >> 4);
            let next = self.after(at as At);
            if size >= need {
                self.unlink(at, size);
                return at;
            }
            at = next.into();
        }
        let larger = lists & !((2 << list) - 1);
        if larger == 0 {
            return 0;
        }
        let at = u32::from(self.head(larger.trailing_zeros()));
        let size = self.word(at) >> 4;
        let size = self.granules(size);
        self.unlink(at, size);
        at
    }

    /// Leaves `need` granules of the free chunk at `at`, and gives the rest back.
    fn cut(&mut self, at: u32, need: u32) {
        let size = self.word(at) >> 4;
        let size = self.granules(size);
        if size > need {
            self.link(at.wrapping_add(need), size.wrapping_sub(need));
        } else {
            let next = at.wrapping_add(size);
            self.set_word(next, self.word(next) & !BEFORE_IS_FREE);
        }
    }

    /// Makes `size` granules from `at` a free chunk, with a used one behind it.
    #[inline(never)]
    fn link(&mut self, at: u32, size: u32) {
        let list = list_of(size);
        let here = at as At;
        let first = self.head(list);
        self.set_head(list, here);
        let len = (size << self.shift()).wrapping_sub(HEAD);
        self.set_word(at, len << 4);
        self.set_link(at, first);
        self.set_back(at, NIL);
        if first != NIL {
            self.set_back(first.into(), here);
        }
        let next = at.wrapping_add(size);
        let before = self.index(next).wrapping_sub(1);
        if let Some([.., a, b]) = self.units.get_mut(before) {
            [*a, *b] = (size as u16).to_le_bytes();
        }
        self.set_word(next, self.word(next) | BEFORE_IS_FREE);
    }

    /// Takes a free chunk of `size` granules off its list.
    #[inline(never)]
    fn unlink(&mut self, at: u32, size: u32) {
        let (next, previous) = (self.after(at as At), self.slot(at as At));
        if next != NIL {
            self.set_back(next.into(), previous);
        }
        if previous != NIL {
            self.set_link(previous.into(), next);
        } else {
            self.set_head(list_of(size), next);
        }
    }

    // --- the book, which is the first unit ---

    /// The place behind the last chunk.
    fn top(&self) -> u32 {
        self.units.first().map_or(0, |&[a, b, ..]| u32::from(u16::from_le_bytes([a, b]))).wrapping_add(1)
    }

    fn set_top(&mut self, top: u32) {
        if let Some([a, b, ..]) = self.units.first_mut() {
            [*a, *b] = (top.wrapping_sub(1) as u16).to_le_bytes();
        }
    }

    /// Bit `n` is set while list `n` has a chunk.
    fn lists(&self) -> u32 {
        self.units.first().map_or(0, |&[_, _, lists, ..]| lists.into())
    }

    /// The first chunk of a list.
    fn head(&self, list: u32) -> At {
        let heads = self.units.first().map_or(&[][..], |book| book.as_chunks().0);
        heads.get(list.wrapping_add(2) as usize).map_or(NIL, |head| u16::from_le_bytes(*head))
    }

    /// The chunk given back last, if it was not made a free one yet.
    fn recent(&self) -> At {
        self.units.first().map_or(NIL, |&[.., a, b]| u16::from_le_bytes([a, b]))
    }

    fn set_recent(&mut self, at: At) {
        if let Some([.., a, b]) = self.units.first_mut() {
            [*a, *b] = at.to_le_bytes();
        }
    }

    fn set_head(&mut self, list: u32, at: At) {
        let Some(book) = self.units.first_mut() else { return };
        if let Some(head) = book.as_chunks_mut().0.get_mut(list.wrapping_add(2) as usize) {
            *head = at.to_le_bytes();
        }
        let [_, _, lists, ..] = book;
        let bit = 1u8.wrapping_shl(list);
        *lists = if at == NIL { *lists & !bit } else { *lists | bit };
    }

    // --- units ---

    fn shift(&self) -> u32 {
        u32::from(self.scale).wrapping_add(4) & 31
    }

    /// Granules of a chunk for a packet of `len` bytes.
    fn granules(&self, len: u32) -> u32 {
        let granule = 1u32 << self.shift();
        len.wrapping_add(HEAD - 1).wrapping_add(granule) >> self.shift()
    }

    /// The place behind the last granule.
    fn limit(&self) -> u32 {
        let units = self.units.len().saturating_sub(self.apart.into());
        let granules = units.saturating_sub(BASE) >> (self.scale & 15);
        u32::try_from(granules).unwrap_or(0).min(1 << 16)
    }

    fn index(&self, at: u32) -> usize {
        ((at << (self.scale & 15)) as usize).wrapping_add(BASE)
    }

    fn unit(&mut self, at: u32) -> Option<&mut Unit> {
        let index = self.index(at);
        self.units.get_mut(index)
    }

    fn see(&self, at: u32) -> &Unit {
        self.units.get(self.index(at)).unwrap_or(NOTHING)
    }

    /// The first word of a chunk: its length and flags.
    fn word(&self, at: u32) -> u32 {
        let &[a, b, c, d, ..] = self.see(at);
        u32::from_le_bytes([a, b, c, d])
    }

    fn set_word(&mut self, at: u32, word: u32) {
        if let Some([a, b, c, d, ..]) = self.unit(at) {
            [*a, *b, *c, *d] = word.to_le_bytes();
        }
    }

    /// Sets what a used chunk is linked to, and a free one's next.
    fn set_link(&mut self, at: u32, next: At) {
        if let Some([_, _, _, _, a, b, ..]) = self.unit(at) {
            [*a, *b] = next.to_le_bytes();
        }
    }

    /// Sets a used chunk's slot, and a free one's previous.
    fn set_back(&mut self, at: u32, slot: u16) {
        if let Some([_, _, _, _, _, _, a, b, ..]) = self.unit(at) {
            [*a, *b] = slot.to_le_bytes();
        }
    }

    /// The size of the free chunk before a chunk.
    fn size_before(&self, at: u32) -> u16 {
        let &[.., a, b] = self.units.get(self.index(at).wrapping_sub(1)).unwrap_or(NOTHING);
        u16::from_le_bytes([a, b])
    }
}

/// The list for free chunks of `size` granules: the power of four below.
fn list_of(size: u32) -> u32 {
    (31u32.wrapping_sub((size | 1).leading_zeros()) >> 1).min(LISTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn one_packet_at_a_time_stays_at_the_front() {
        let mut bytes = [0; 512];
        let mut arena = Arena::new(&mut bytes, 0, 0);
        for len in [0, 1, 4, 5, 100, 452] {
            assert_eq!(arena.take(len), Some(1));
            assert_eq!(arena.packet(1).len(), len);
            arena.give(1);
            assert_eq!(held(arena.units.as_flattened(), arena.scale), 0);
        }
        assert_eq!(arena.take(453), None);
    }

    #[test]
    fn an_old_packet_does_not_block_the_space_of_those_behind_it() {
        let mut bytes = [0; 512];
        let mut arena = Arena::new(&mut bytes, 0, 0);
        let old = arena.take(20).unwrap();
        arena.packet_mut(old).fill(7);
        for _ in 0..100 {
            let a = arena.take(100).unwrap();
            let b = arena.take(200).unwrap();
            arena.give(a);
            let c = arena.take(90).unwrap();
            arena.give(b);
            arena.give(c);
            assert_eq!(arena.check(), Some(1));
        }
        assert_eq!(arena.packet(old), [7; 20]);
    }

    #[test]
    fn any_order_of_taking_and_giving_keeps_every_packet_and_returns_all_space() {
        for (size, scale) in [(2_000, 0), (64 << 10, 0), (64 << 10, 3)] {
            let mut bytes = vec![0; size];
            let mut arena = Arena::new(&mut bytes, scale, 0);
            let mut held: Vec<(At, u8, usize)> = Vec::new();
            let mut seed = 1u32;
            let mut next = |below: usize| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as usize % below
            };
            for step in 0..20_000 {
                if next(2) == 0 || held.is_empty() {
                    let longest = if next(4) == 0 { size / 4 } else { 60 };
                    let len = next(longest);
                    if let Some(at) = arena.take(len) {
                        arena.packet_mut(at).fill(step as u8);
                        held.push((at, step as u8, len));
                    }
                } else {
                    let (at, fill, len) = held.swap_remove(next(held.len()));
                    assert_eq!(arena.packet(at).len(), len);
                    assert!(arena.packet(at).iter().all(|&b| b == fill));
                    arena.give(at);
                }
                if step % 64 == 0 {
                    assert_eq!(arena.check(), Some(held.len() as u32));
                }
            }
            held.drain(..).for_each(|(at, ..)| arena.give(at));
            assert_eq!(super::held(arena.units.as_flattened(), arena.scale), 0);
            assert_eq!(arena.lists(), 0);
        }
    }

    #[test]
    fn as_many_packets_as_there_are_identifiers_fit() {
        let size = 65_535 * 32 + 64;
        let mut bytes = vec![0; size];
        let mut arena = Arena::new(&mut bytes, scale(size), 0);
        for at in 1..=65_535 {
            assert_eq!(arena.take(20), Some(at));
        }
        assert_eq!(arena.take(1), None);
        for at in (1..=65_535).step_by(2).chain((2..65_535).step_by(2)) {
            arena.give(at);
        }
        assert_eq!(arena.check(), Some(0));
    }

    #[test]
    fn what_is_apart_is_taken_from_no_chunk_and_by_none() {
        let mut bytes = [0; 256];
        let mut arena = Arena::new(&mut bytes, 0, 0);
        let at = arena.take(100).unwrap();
        assert_eq!(arena.set_apart(200), None);
        assert_eq!(arena.set_apart(40), Some(3));
        arena.apart_mut()[4..44].fill(7);
        assert!(arena.take(60).is_none());
        assert!(arena.take(20).is_some());
        arena.give(at);
        assert_eq!(arena.into_apart(), [7; 40]);
    }

    #[test]
    fn the_scale_covers_any_slice() {
        assert_eq!(scale(512), 0);
        assert_eq!(scale(1 << 20), 0);
        assert_eq!(scale(2 << 20), 1);
        assert_eq!(scale(65_535 * 128 + 1_024), 3);
    }

    #[test]
    fn a_slice_too_short_for_the_book_holds_nothing() {
        for len in 0..64 {
            let mut bytes = vec![0; len];
            assert_eq!(Arena::new(&mut bytes, 0, 0).take(5), None);
        }
    }

    #[test]
    fn flags_and_notes_stay_with_their_packet() {
        let mut bytes = [0; 256];
        let mut arena = Arena::new(&mut bytes, 0, 0);
        let at = arena.take(3).unwrap();
        arena.note(at, 9, 0x0102_0304);
        arena.mark(at, SENT);
        arena.set_after(at, 5);
        assert!(arena.has(at, SENT) && !arena.has(at, KEPT));
        assert_eq!((arena.slot(at), arena.order(at), arena.after(at), arena.len(at)), (9, 0x0102_0304, 5, 3));
    }
}
