//! What can be read and written.

use crate::encoding::error::LanguageRule;
use crate::encoding::out::Writer;
use crate::encoding::source::Reader;
use crate::encoding::text::Str;

/// A type of the language or of a profile, read over any encoding.
pub trait Value<'a>: Write + Sized {
    /// What is there before anything was read, and instead of what can't be read.
    fn empty() -> Self;

    /// Reads the next value into this place, which is [`empty`](Self::empty).
    fn fill(&mut self, r: &mut Reader<'a, '_>);

    /// Reads the next value.
    fn read(r: &mut Reader<'a, '_>) -> Self {
        let mut value = Self::empty();
        value.fill(r);
        value
    }
}

/// What is written in any form.
pub trait Write {
    /// Writes it as the next value: exactly one, with every map and list in it closed. Nobody looks at it again, so what writes
    /// none, or two, makes a message that nobody can read. What may not be sent is refused there, and told when all is written.
    fn write(&self, out: &mut Writer<'_>);
}

impl<'a> Value<'a> for u64 {
    #[inline(always)]
    fn empty() -> Self {
        0
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        *self = r.integer();
    }
}

impl Write for u64 {
    fn write(&self, out: &mut Writer<'_>) {
        out.integer(*self);
    }
}

impl<'a> Value<'a> for bool {
    #[inline(always)]
    fn empty() -> Self {
        false
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        *self = r.boolean();
    }
}

impl Write for bool {
    fn write(&self, out: &mut Writer<'_>) {
        out.boolean(*self);
    }
}

impl<'a> Value<'a> for Str<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Str::EMPTY
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        *self = r.text();
    }
}

impl Write for Str<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        out.text(*self);
    }
}

/// Reads a text that is to have a format, and refuses it with this rule if it has not.
pub fn text_of<'a>(r: &mut Reader<'a, '_>, has_format: fn(Str<'_>) -> bool, rule: LanguageRule) -> Str<'a> {
    let at = r.begin();
    let text = r.text();
    if !has_format(text) {
        r.fail_at(at, rule);
    }
    text
}

/// Writes a text that is to have a format, and refuses it with this rule if it has not.
pub fn write_text(out: &mut Writer<'_>, text: Str<'_>, has_format: fn(Str<'_>) -> bool, rule: LanguageRule) {
    out.require(has_format(text), rule);
    out.text(text);
}
