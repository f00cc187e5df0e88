//! What can be read and written.

use crate::encoding::out::Out;
use crate::encoding::source::Reader;

/// A value of the language: one `read` over any encoding, one `write` into any.
pub(crate) trait Value<'a>: Sized {
    /// What is there before anything was read, and instead of what can't be read.
    fn empty() -> Self;

    /// Reads the next value into this place, which is [`empty`](Self::empty).
    fn fill(&mut self, r: &mut Reader<'a, '_>);
    fn write(&self, out: &mut Out<'_>);

    /// Reads the next value.
    fn read(r: &mut Reader<'a, '_>) -> Self {
        let mut value = Self::empty();
        value.fill(r);
        value
    }
}
