//! Where packets are encoded to: chunks of the packet memory, and the place that CONNECT has.

use mqtt5_codec::{EncodeError, Full, Rule, Sink};

use crate::arena::{Arena, At, NIL};
use crate::error::Refused;

/// A sink that takes a chunk for the packet, or the place that CONNECT has.
pub(crate) struct Chunk<'a, 'm> {
    arena: &'a mut Arena<'m>,
    /// The largest packet that may be.
    most: u32,
    /// The chunk; for CONNECT the size of its place, in units.
    at: u16,
    apart: bool,
}

impl Sink for Chunk<'_, '_> {
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let at = if u32::try_from(len).is_ok_and(|len| len > self.most) {
            None
        } else if self.apart {
            self.arena.set_apart(len)
        } else {
            self.arena.take(len)
        };
        let Some(at) = at else { return Err(Full { need: len }) };
        self.at = at;
        Ok(if self.apart { self.arena.apart_packet() } else { self.arena.packet_mut(at) })
    }
}

/// A sink that takes a chunk for the packet, or if there is none the place that CONNECT had, which has been sent.
pub(crate) struct Spare<'a, 'm> {
    pub(crate) chunk: Chunk<'a, 'm>,
    /// Whether CONNECT is no more in its place.
    pub(crate) free: bool,
}

impl Sink for Spare<'_, '_> {
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let need = Full { need: len };
        if self.chunk.room(len).is_ok() {
            return Ok(self.chunk.arena.packet_mut(self.chunk.at));
        }
        let fits = u32::try_from(len).is_ok_and(|len| len <= self.chunk.most);
        if fits && self.free && self.chunk.arena.reuse_apart(len) {
            return Ok(self.chunk.arena.apart_packet());
        }
        Err(need)
    }
}

impl<'a, 'm> Chunk<'a, 'm> {
    pub(crate) fn new(arena: &'a mut Arena<'m>, most: u32) -> Self {
        Self { arena, most, at: NIL, apart: false }
    }

    pub(crate) fn apart(arena: &'a mut Arena<'m>) -> Self {
        Self { arena, most: u32::MAX, at: 0, apart: true }
    }

    /// The chunk, if encoding went well.
    pub(crate) fn done(&self, encoded: Result<usize, EncodeError>) -> Result<At, Refused> {
        match encoded {
            Ok(_) => Ok(self.at),
            Err(EncodeError::Refused(rule)) => Err(Refused::Rule(rule)),
            Err(EncodeError::Full { need }) if u32::try_from(need).is_ok_and(|need| need <= self.most) => {
                Err(Refused::Bytes { need })
            }
            Err(_) => Err(Refused::Rule(Rule::SERVER_MAXIMUM_PACKET_SIZE)),
        }
    }
}
