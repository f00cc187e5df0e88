//! What always holds of an arena, for tests that try to break it.

use super::{Arena, At, BEFORE_IS_FREE, HEAD, NIL, USED, list_of};

impl Arena<'_> {
    /// Zeroes what nothing will ever read: free memory, and what follows a packet in its chunk.
    pub(crate) fn scrub(&mut self) {
        let (mut at, recent) = (1, u32::from(self.recent()));
        while at < self.top() {
            let head = self.word(at);
            let size = self.granules(head >> 4);
            let start = self.index(at).wrapping_mul(16);
            let end = self.index(at.wrapping_add(size)).wrapping_mul(16);
            // A free chunk has its lists in 8 bytes at its front, and its size in 2 at its end.
            let (keeps, tail) = match head & USED {
                0 => (8, 2),
                _ if at == recent => (4, 0),
                _ => (HEAD.wrapping_add(head >> 4) as usize, 0),
            };
            let dead = start.wrapping_add(keeps)..end.wrapping_sub(tail);
            self.units.as_flattened_mut().get_mut(dead).unwrap_or(&mut []).fill(0);
            at = at.wrapping_add(size.max(1));
        }
        let start = self.index(self.top()).wrapping_mul(16);
        let end = self.units.len().wrapping_sub(self.apart.into()).wrapping_mul(16);
        self.units.as_flattened_mut().get_mut(start..end).unwrap_or(&mut []).fill(0);
    }

    /// How many chunks are used; `None` if chunks and lists contradict each other.
    pub(crate) fn check(&mut self) -> Option<u32> {
        let (mut at, mut used, mut lists, mut before_is_free) = (1, 0, 0, false);
        while at < self.top() {
            let (head, previous) = (self.word(at), self.slot(at as At));
            let size = self.granules(head >> 4);
            let free = head & USED == 0;
            let next = at.checked_add(size).filter(|_| size != 0)?;
            if (head & BEFORE_IS_FREE != 0) != before_is_free {
                return None;
            }
            if free {
                let list = list_of(size);
                let points_here = if previous == NIL { self.head(list) } else { self.after(previous) };
                if before_is_free || u32::from(self.size_before(next)) != size || u32::from(points_here) != at {
                    return None;
                }
                lists |= 1 << list;
            }
            used += u32::from(!free);
            before_is_free = free;
            at = next;
        }
        used -= u32::from(self.recent() != NIL);
        // The last chunk is used, and a list is marked if it has a chunk.
        (at == self.top() && !before_is_free && lists == self.lists()).then_some(used)
    }
}
