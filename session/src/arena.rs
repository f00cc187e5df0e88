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
//! slice  = top, list mask, list heads (20) | small packets (28) | granules …
//! used   = len << 4 | flags (4) | link (2) | slot (2) | order (4) | packet (len) | padding
//! free   = len << 4 | flags (4) | next (2) | previous (2) | … | size in granules (2)
//! ```

/// A chunk's place, in granules from the start of the slice.
pub(crate) type At = u16;

/// No chunk.
pub(crate) const NIL: At = 0;

/// Bytes before the packet of a chunk.
const HEAD: usize = 12;
/// How many sizes of free chunks have a list of their own; powers of two, the last takes all that are larger.
const LISTS: u16 = 8;
/// Bytes of bookkeeping at the front of the slice.
const BOOK: usize = 20;
/// Bytes behind them for packets that are never refused room; see [`Arena::small`].
pub(crate) const SMALL: usize = 28;
/// The first granule of the first chunk: book and small packets come before it.
const FIRST: At = 3;
/// The least slice that is of use, in bytes.
pub(crate) const LEAST: usize = 128;
/// How many chunks of a list are tried before a larger one is cut.
const TRIES: u8 = 8;

const USED: u32 = 1;
const BEFORE_IS_FREE: u32 = 2;
/// The packet's first byte has been written to a connection.
pub(crate) const SENT: u32 = 4;
/// The packet outlives the connection.
pub(crate) const KEPT: u32 = 8;

/// The lent memory of packets; see the module.
pub(crate) struct Arena<'m> {
    bytes: &'m mut [u8],
    /// Granules are `16 << scale` bytes.
    scale: u8,
}

/// The scale at which 65,535 granules cover `bytes`.
pub(crate) const fn scale(bytes: usize) -> u8 {
    let mut scale = 0;
    while scale < 24 && bytes >> (scale + 4) > At::MAX as usize {
        scale += 1;
    }
    scale
}

/// Bytes taken by chunks, with their bookkeeping, free ones between them included.
pub(crate) fn held(bytes: &[u8], scale: u8) -> usize {
    let granules = bytes.first_chunk().map_or(0, |top| u16::from_le_bytes(*top));
    usize::from(granules) << (scale.wrapping_add(4) & 31)
}

impl<'m> Arena<'m> {
    #[inline]
    pub(crate) fn new(bytes: &'m mut [u8], scale: u8) -> Self {
        Self { bytes, scale }
    }

    // --- chunks ---

    /// Takes a chunk for `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> Option<At> {
        let need = self.granules(u32::try_from(len).ok()?)?;
        let at = match self.find(need) {
            Some(at) => {
                self.cut(at, need);
                at
            }
            None => {
                let top = self.top();
                let end = top.checked_add(need).filter(|&end| end <= self.limit())?;
                self.set_top(end);
                top
            }
        };
        self.set_word(at, 0, (len as u32) << 4 | USED);
        self.set_half(at, 4, NIL);
        Some(at)
    }

    /// Gives a chunk back, if it is one.
    pub(crate) fn give(&mut self, mut at: At) {
        let word = self.word(at, 0);
        if at == NIL || word & USED == 0 {
            return;
        }
        let mut size = self.size(word);
        if word & BEFORE_IS_FREE != 0 {
            let before = self.half(at, -2);
            at = at.wrapping_sub(before);
            size = size.wrapping_add(before);
            self.unlink(at);
        }
        let mut next = at.wrapping_add(size);
        if next < self.top() {
            let word = self.word(next, 0);
            if word & USED == 0 {
                self.unlink(next);
                size = size.wrapping_add(self.size(word));
                next = at.wrapping_add(size);
            }
        }
        if next >= self.top() {
            self.set_top(at);
        } else {
            self.link(at, size);
        }
    }

    /// A free chunk of at least `need` granules, taken off its list.
    fn find(&mut self, need: u16) -> Option<At> {
        let lists = self.lists();
        if lists == 0 {
            return None;
        }
        let list = list_of(need);
        let mut at = self.head(list);
        for _ in 0..TRIES {
            if at == NIL {
                break;
            }
            if self.size(self.word(at, 0)) >= need {
                self.unlink(at);
                return Some(at);
            }
            at = self.half(at, 4);
        }
        let larger = lists & !((2 << list) - 1);
        if larger == 0 {
            return None;
        }
        let at = self.head(larger.trailing_zeros() as u16);
        self.unlink(at);
        Some(at)
    }

    /// Leaves `need` granules of the free chunk at `at`, and gives the rest back.
    fn cut(&mut self, at: At, need: u16) {
        let size = self.size(self.word(at, 0));
        let next = at.wrapping_add(size);
        let rest = size.wrapping_sub(need);
        if rest == 0 {
            let word = self.word(next, 0);
            self.set_word(next, 0, word & !BEFORE_IS_FREE);
        } else {
            self.link(at.wrapping_add(need), rest);
        }
    }

    /// Makes `size` granules from `at` a free chunk, with a used one behind it.
    fn link(&mut self, at: At, size: u16) {
        let list = list_of(size);
        let first = self.head(list);
        let len = (usize::from(size) << self.shift()).wrapping_sub(HEAD);
        self.set_word(at, 0, (len as u32) << 4);
        self.set_half(at, 4, first);
        self.set_half(at, 6, NIL);
        if first != NIL {
            self.set_half(first, 6, at);
        }
        self.set_head(list, at);
        let next = at.wrapping_add(size);
        self.set_half(next, -2, size);
        let word = self.word(next, 0);
        self.set_word(next, 0, word | BEFORE_IS_FREE);
    }

    /// Takes a free chunk off its list.
    fn unlink(&mut self, at: At) {
        let next = self.half(at, 4);
        let previous = self.half(at, 6);
        if next != NIL {
            self.set_half(next, 6, previous);
        }
        if previous != NIL {
            self.set_half(previous, 4, next);
        } else {
            let list = list_of(self.size(self.word(at, 0)));
            self.set_head(list, next);
        }
    }

    // --- what a used chunk holds ---

    /// The packet of a chunk.
    pub(crate) fn packet(&self, at: At) -> &[u8] {
        let len = (self.word(at, 0) >> 4) as usize;
        self.bytes.get(self.start(at).wrapping_add(HEAD)..).and_then(|rest| rest.get(..len)).unwrap_or(&[])
    }

    /// The packet of a chunk, for as long as the memory is lent.
    pub(crate) fn into_packet(self, at: At) -> &'m [u8] {
        let len = self.len(at) as usize;
        let start = self.start(at).wrapping_add(HEAD);
        self.bytes.get(start..).and_then(|rest| rest.get(..len)).unwrap_or(&[])
    }

    /// As [`small`](Self::small), for as long as the memory is lent.
    pub(crate) fn into_small(self) -> &'m [u8] {
        self.bytes.get(BOOK..).and_then(|rest| rest.get(..SMALL)).unwrap_or(&[])
    }

    /// The packet of a chunk, to be written.
    pub(crate) fn packet_mut(&mut self, at: At) -> &mut [u8] {
        let len = (self.word(at, 0) >> 4) as usize;
        let start = self.start(at).wrapping_add(HEAD);
        self.bytes.get_mut(start..).and_then(|rest| rest.get_mut(..len)).unwrap_or(&mut [])
    }

    /// The length of a chunk's packet, in bytes.
    pub(crate) fn len(&self, at: At) -> u32 {
        self.word(at, 0) >> 4
    }

    /// Whether a chunk has this flag.
    pub(crate) fn has(&self, at: At, flag: u32) -> bool {
        self.word(at, 0) & flag != 0
    }

    /// Gives a chunk this flag.
    pub(crate) fn mark(&mut self, at: At, flag: u32) {
        let word = self.word(at, 0);
        self.set_word(at, 0, word | flag);
    }

    /// The chunk that a chunk is linked to.
    pub(crate) fn after(&self, at: At) -> At {
        self.half(at, 4)
    }

    /// Links a chunk to another.
    pub(crate) fn set_after(&mut self, at: At, next: At) {
        self.set_half(at, 4, next);
    }

    /// The slot whose exchange a chunk belongs to.
    pub(crate) fn slot(&self, at: At) -> u16 {
        self.half(at, 6)
    }

    /// The number that says which of two chunks was queued first.
    pub(crate) fn order(&self, at: At) -> u32 {
        self.word(at, 8)
    }

    /// Notes a chunk's slot and order.
    pub(crate) fn note(&mut self, at: At, slot: u16, order: u32) {
        self.set_half(at, 6, slot);
        self.set_word(at, 8, order);
    }

    /// Room for packets of a few bytes, which find it however full the arena is.
    pub(crate) fn small(&mut self) -> Option<&mut [u8; SMALL]> {
        self.bytes.get_mut(BOOK..)?.first_chunk_mut()
    }

    /// How many chunks are used; `None` if chunks and lists contradict each other.
    pub(crate) fn check(&self) -> Option<u32> {
        let (mut at, mut used, mut lists, mut before_is_free) = (FIRST, 0, 0, false);
        while at < self.top() {
            let word = self.word(at, 0);
            let size = self.size(word);
            let free = word & USED == 0;
            let next = at.checked_add(size).filter(|_| size != 0)?;
            if (word & BEFORE_IS_FREE != 0) != before_is_free {
                return None;
            }
            if free {
                let list = list_of(size);
                let first = self.half(at, 6) == NIL;
                let in_list = if first { self.head(list) == at } else { self.half(self.half(at, 6), 4) == at };
                if before_is_free || self.half(next, -2) != size || !in_list {
                    return None;
                }
                lists |= 1 << list;
            }
            used += u32::from(!free);
            before_is_free = free;
            at = next;
        }
        // The last chunk is used, and a list is marked if it has a chunk.
        (at == self.top() && !before_is_free && lists == self.lists()).then_some(used)
    }

    // --- the book at the front ---

    fn top(&self) -> At {
        self.half_at(0).wrapping_add(FIRST)
    }

    fn set_top(&mut self, top: At) {
        self.set_half_at(0, top.wrapping_sub(FIRST));
    }

    /// Bit `n` is set while list `n` has a chunk.
    fn lists(&self) -> u16 {
        self.half_at(2)
    }

    fn head(&self, list: u16) -> At {
        self.half_at(usize::from(list) * 2 + 4)
    }

    fn set_head(&mut self, list: u16, at: At) {
        let lists = self.lists();
        let bit = 1 << list;
        self.set_half_at(2, if at == NIL { lists & !bit } else { lists | bit });
        self.set_half_at(usize::from(list) * 2 + 4, at);
    }

    // --- words ---

    fn shift(&self) -> u8 {
        self.scale.wrapping_add(4) & 31
    }

    /// Granules of a chunk for `len` bytes; `None` if there are not that many anywhere.
    fn granules(&self, len: u32) -> Option<u16> {
        let len = len.checked_add(HEAD as u32)?.checked_add((1u32 << self.shift()) - 1)?;
        u16::try_from(len >> self.shift()).ok().filter(|_| len < 1 << 28)
    }

    /// Granules of the chunk whose first word this is.
    fn size(&self, word: u32) -> u16 {
        ((word >> 4).wrapping_add(HEAD as u32 - 1 + (1u32 << self.shift())) >> self.shift()) as u16
    }

    /// Granules in all.
    fn limit(&self) -> u16 {
        u16::try_from(self.bytes.len() >> self.shift()).unwrap_or(At::MAX)
    }

    fn start(&self, at: At) -> usize {
        usize::from(at) << self.shift()
    }

    fn word(&self, at: At, offset: usize) -> u32 {
        let start = self.start(at).wrapping_add(offset);
        self.bytes.get(start..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b))
    }

    fn set_word(&mut self, at: At, offset: usize, value: u32) {
        let start = self.start(at).wrapping_add(offset);
        if let Some(b) = self.bytes.get_mut(start..).and_then(|b| b.first_chunk_mut()) {
            *b = value.to_le_bytes();
        }
    }

    fn half(&self, at: At, offset: isize) -> u16 {
        self.half_at(self.start(at).wrapping_add_signed(offset))
    }

    fn set_half(&mut self, at: At, offset: isize, value: u16) {
        self.set_half_at(self.start(at).wrapping_add_signed(offset), value);
    }

    fn half_at(&self, start: usize) -> u16 {
        self.bytes.get(start..).and_then(|b| b.first_chunk()).map_or(0, |b| u16::from_le_bytes(*b))
    }

    fn set_half_at(&mut self, start: usize, value: u16) {
        if let Some(b) = self.bytes.get_mut(start..).and_then(|b| b.first_chunk_mut()) {
            *b = value.to_le_bytes();
        }
    }
}

/// The list for free chunks of `size` granules: the power of two below.
fn list_of(size: u16) -> u16 {
    (15u16.wrapping_sub((size | 1).leading_zeros() as u16)).min(LISTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn one_packet_at_a_time_stays_at_the_front() {
        let mut bytes = [0; 512];
        let mut arena = Arena::new(&mut bytes, 0);
        for len in [0, 1, 4, 5, 100, 452] {
            assert_eq!(arena.take(len), Some(FIRST));
            assert_eq!(arena.packet(FIRST).len(), len);
            arena.give(FIRST);
            assert_eq!(held(arena.bytes, arena.scale), 0);
        }
        assert_eq!(arena.take(453), None);
    }

    #[test]
    fn an_old_packet_does_not_block_the_space_of_those_behind_it() {
        let mut bytes = [0; 512];
        let mut arena = Arena::new(&mut bytes, 0);
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
            let mut arena = Arena::new(&mut bytes, scale);
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
            assert_eq!(super::held(arena.bytes, arena.scale), 0);
            assert_eq!(arena.lists(), 0);
        }
    }

    #[test]
    fn the_scale_covers_any_slice() {
        assert_eq!(scale(512), 0);
        assert_eq!(scale(1 << 20), 1);
        assert_eq!(scale((1 << 20) - 1), 0);
        assert_eq!(scale(20 << 20), 5);
    }

    #[test]
    fn a_slice_too_short_for_the_book_holds_nothing() {
        for len in 0..64 {
            let mut bytes = vec![0; len];
            assert_eq!(Arena::new(&mut bytes, 0).take(5), None);
        }
    }

    #[test]
    fn flags_and_notes_stay_with_their_packet() {
        let mut bytes = [0; 256];
        let mut arena = Arena::new(&mut bytes, 0);
        let at = arena.take(3).unwrap();
        arena.note(at, 9, 0x0102_0304);
        arena.mark(at, SENT);
        arena.set_after(at, 5);
        assert!(arena.has(at, SENT) && !arena.has(at, KEPT));
        assert_eq!((arena.slot(at), arena.order(at), arena.after(at), arena.len(at)), (9, 0x0102_0304, 5, 3));
    }
}
