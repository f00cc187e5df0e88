//! What the arena holds: packets in chunks, small packets, and what is apart.

use super::{Arena, At, HEAD, SMALL, Unit};

impl<'m> Arena<'m> {
    // --- chunks ---

    /// The packet of a chunk.
    pub(crate) fn packet(&self, at: At) -> &[u8] {
        let (start, len) = self.place(at);
        self.units.as_flattened().get(start..).and_then(|rest| rest.get(..len)).unwrap_or(&[])
    }

    /// The packet of a chunk, for as long as the memory is lent.
    pub(crate) fn into_packet(self, at: At) -> &'m [u8] {
        let (start, len) = self.place(at);
        self.units.as_flattened().get(start..).and_then(|rest| rest.get(..len)).unwrap_or(&[])
    }

    /// The packet of a chunk, to be written.
    pub(crate) fn packet_mut(&mut self, at: At) -> &mut [u8] {
        let (start, len) = self.place(at);
        self.units.as_flattened_mut().get_mut(start..).and_then(|rest| rest.get_mut(..len)).unwrap_or(&mut [])
    }

    /// Where the packet of a chunk begins, in bytes, and its length.
    fn place(&self, at: At) -> (usize, usize) {
        let start = self.index(at.into()).wrapping_mul(16).wrapping_add(HEAD as usize);
        (start, self.len(at) as usize)
    }

    /// The length of a chunk's packet, in bytes.
    pub(crate) fn len(&self, at: At) -> u32 {
        self.word(at.into()) >> 4
    }

    /// Whether a chunk has this flag.
    pub(crate) fn has(&self, at: At, flag: u32) -> bool {
        self.word(at.into()) & flag != 0
    }

    /// Gives a chunk this flag.
    pub(crate) fn mark(&mut self, at: At, flag: u32) {
        self.set_word(at.into(), self.word(at.into()) | flag);
    }

    /// Takes this flag from a chunk.
    pub(crate) fn unmark(&mut self, at: At, flag: u32) {
        self.set_word(at.into(), self.word(at.into()) & !flag);
    }

    /// The chunk that a chunk is linked to.
    pub(crate) fn after(&self, at: At) -> At {
        let &[_, _, _, _, a, b, ..] = self.see(at.into());
        u16::from_le_bytes([a, b])
    }

    /// Links a chunk to another.
    pub(crate) fn set_after(&mut self, at: At, next: At) {
        self.set_link(at.into(), next);
    }

    /// The slot whose exchange a chunk belongs to.
    pub(crate) fn slot(&self, at: At) -> u16 {
        let &[_, _, _, _, _, _, a, b, ..] = self.see(at.into());
        u16::from_le_bytes([a, b])
    }

    /// Sets a chunk's slot.
    pub(crate) fn set_slot(&mut self, at: At, slot: u16) {
        self.set_back(at.into(), slot);
    }

    /// The number that says which of two chunks was queued first.
    pub(crate) fn order(&self, at: At) -> u32 {
        let &[_, _, _, _, _, _, _, _, a, b, c, d, ..] = self.see(at.into());
        u32::from_le_bytes([a, b, c, d])
    }

    /// Notes a chunk's slot and order.
    pub(crate) fn note(&mut self, at: At, slot: u16, order: u32) {
        self.set_back(at.into(), slot);
        if let Some([_, _, _, _, _, _, _, _, a, b, c, d, ..]) = self.unit(at.into()) {
            [*a, *b, *c, *d] = order.to_le_bytes();
        }
    }

    // --- small packets ---

    /// Room for packets of a few bytes, which find it however full the arena is.
    pub(crate) fn small(&mut self) -> Option<&mut [u8; SMALL]> {
        self.units.as_flattened_mut().get_mut(16..)?.first_chunk_mut()
    }

    /// As [`small`](Self::small), for as long as the memory is lent.
    pub(crate) fn into_small(self) -> &'m [u8] {
        self.units.as_flattened().get(16..).and_then(|rest| rest.get(..SMALL)).unwrap_or(&[])
    }

    // --- what is apart ---

    /// Sets as many units apart at the end as hold `len` bytes and their number, if no chunk is there. Returns how many.
    pub(crate) fn set_apart(&mut self, len: usize) -> Option<u16> {
        let apart = u16::try_from(len.checked_add(4 + 15)? >> 4).ok()?;
        let before = core::mem::replace(&mut self.apart, apart);
        if self.limit() < self.top() || usize::from(apart) > self.units.len() {
            self.apart = before;
            return None;
        }
        if let Some(place) = self.apart_mut().first_chunk_mut() {
            *place = (len as u32).to_le_bytes();
        }
        Some(apart)
    }

    /// Has the units that are apart hold `len` bytes, if they can.
    pub(crate) fn reuse_apart(&mut self, len: usize) -> bool {
        match self.apart_mut().split_first_chunk_mut() {
            Some((place, rest)) if rest.len() >= len => {
                *place = (len as u32).to_le_bytes();
                true
            }
            _ => false,
        }
    }

    /// The units that are apart: the length of what they hold in four bytes, and it.
    pub(crate) fn apart_mut(&mut self) -> &mut [u8] {
        let start = self.units.len().wrapping_sub(self.apart.into());
        self.units.get_mut(start..).unwrap_or(&mut []).as_flattened_mut()
    }

    /// What is held apart, to be written.
    pub(crate) fn apart_packet(&mut self) -> &mut [u8] {
        let len = self.apart_len() as usize;
        self.apart_mut().get_mut(4..).and_then(|place| place.get_mut(..len)).unwrap_or(&mut [])
    }

    /// The length of what is held apart, in bytes.
    pub(crate) fn apart_len(&mut self) -> u32 {
        self.apart_mut().first_chunk().map_or(0, |len| u32::from_le_bytes(*len))
    }

    /// What is held apart, for as long as the memory is lent.
    pub(crate) fn into_apart(self) -> &'m [u8] {
        let start = self.units.len().wrapping_sub(self.apart.into());
        let units: &'m [Unit] = self.units;
        let bytes = units.get(start..).unwrap_or(&[]).as_flattened();
        let Some((len, rest)) = bytes.split_first_chunk() else { return &[] };
        rest.get(..u32::from_le_bytes(*len) as usize).unwrap_or(&[])
    }
}
