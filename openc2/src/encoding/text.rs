//! Strings as they stand in the input: `Str` keeps JSON escapes and undoes them only when read.

use core::fmt;

/// A string borrowed from the input or from the caller (LS1 s3.1.1, type String).
///
/// A text read from JSON may still hold escapes; comparing, hashing, printing and [`chars`](Self::chars) see what
/// they mean. Nothing is copied, and every escape was checked when the text was read.
#[derive(Clone, Copy)]
pub struct Str<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Str<'a> {
    /// The empty string.
    pub const EMPTY: Self = Self::new("");

    /// A text that means just these characters.
    pub const fn new(text: &'a str) -> Self {
        Self { raw: text, escaped: false }
    }

    /// What stands between two quotation marks of JSON, checked already.
    pub(crate) const fn from_json(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// The text itself, if no escape has to be undone to have it.
    pub const fn as_plain(&self) -> Option<&'a str> {
        if self.escaped { None } else { Some(self.raw) }
    }

    /// Whether there is no character in it.
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The characters, escapes undone.
    pub fn chars(&self) -> Chars<'a> {
        Chars { rest: self.raw.chars(), escaped: self.escaped }
    }

    /// The length in UTF-8 bytes, escapes undone.
    pub fn len(&self) -> usize {
        if self.escaped { self.chars().map(char::len_utf8).sum() } else { self.raw.len() }
    }

    /// The text as a `&str`: itself if nothing is escaped, else written into `buffer`. `None` if that is too small.
    pub fn read<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b str>
    where
        'a: 'b,
    {
        if !self.escaped {
            return Some(self.raw);
        }
        let mut at = 0usize;
        for c in self.chars() {
            at = put(buffer, at, c)?;
        }
        core::str::from_utf8(buffer.get(..at)?).ok()
    }

    /// The bytes as they stand, and whether there are escapes of JSON among them.
    pub(crate) const fn as_it_stands(self) -> (&'a [u8], bool) {
        (self.raw.as_bytes(), self.escaped)
    }

    /// Splits at the first `:`; only a text without escapes has one that counts.
    pub(crate) fn split_at_colon(&self) -> Option<(Self, Self)> {
        let (before, after) = cut(self.as_plain()?, b':')?;
        Some((Self::new(before), Self::new(after)))
    }
}

impl PartialEq for Str<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.as_plain(), other.as_plain()) {
            (Some(one), Some(two)) => one == two,
            _ => self.chars().eq(other.chars()),
        }
    }
}

impl Eq for Str<'_> {}

impl PartialEq<str> for Str<'_> {
    fn eq(&self, other: &str) -> bool {
        *self == Str::new(other)
    }
}

impl PartialEq<&str> for Str<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == Str::new(other)
    }
}

impl core::hash::Hash for Str<'_> {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        for c in self.chars() {
            c.hash(state);
        }
    }
}

impl<'a> From<&'a str> for Str<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_plain() {
            Some(text) => f.pad(text),
            None => self.chars().try_for_each(|c| fmt::Write::write_char(f, c)),
        }
    }
}

impl fmt::Debug for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_char(f, '"')?;
        for c in self.chars().flat_map(char::escape_debug) {
            fmt::Write::write_char(f, c)?;
        }
        fmt::Write::write_char(f, '"')
    }
}

/// The characters of a [`Str`].
#[derive(Clone, Debug)]
pub struct Chars<'a> {
    rest: core::str::Chars<'a>,
    escaped: bool,
}

impl Chars<'_> {
    fn hex4(&mut self) -> u32 {
        (0..4).fold(0, |sum: u32, _| {
            sum.wrapping_mul(16).wrapping_add(self.rest.next().and_then(|c| c.to_digit(16)).unwrap_or(0))
        })
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.rest.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = self.hex4();
                let code = if matches!(high, 0xD800..=0xDBFF) {
                    self.rest.next();
                    self.rest.next();
                    let low = self.hex4();
                    (((high & 0x3FF) << 10) | (low & 0x3FF)).wrapping_add(0x1_0000)
                } else {
                    high
                };
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            same => same,
        })
    }
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\\' && self.escaped { self.escape() } else { Some(c) }
    }
}

/// How long the escape is that begins here; it was checked before.
pub(crate) fn escape_length(bytes: &[u8]) -> usize {
    match bytes {
        // Half of a pair of surrogates, and the other half.
        [_, b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', ..] => 12,
        [_, b'u', ..] => 6,
        _ => 2,
    }
}

/// What the escape that begins here stands for; it was checked before.
pub(crate) fn unescape(bytes: &[u8]) -> char {
    let escape = bytes.get(..escape_length(bytes)).and_then(|escape| core::str::from_utf8(escape).ok());
    Str::from_json(escape.unwrap_or(""), true).chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// A character's UTF-8 and its length.
pub(crate) fn utf8(c: char) -> ([u8; 4], usize) {
    let code = u32::from(c);
    let low = |shift: u32| 0x80 | ((code >> shift) & 0x3F) as u8;
    match code {
        0..=0x7F => ([code as u8, 0, 0, 0], 1),
        0x80..=0x7FF => ([0xC0 | (code >> 6) as u8, low(0), 0, 0], 2),
        0x800..=0xFFFF => ([0xE0 | (code >> 12) as u8, low(6), low(0), 0], 3),
        _ => ([0xF0 | (code >> 18) as u8, low(12), low(6), low(0)], 4),
    }
}

/// Writes a character at a place; the place after it.
pub(crate) fn put(buffer: &mut [u8], at: usize, c: char) -> Option<usize> {
    let (bytes, length) = utf8(c);
    let end = at.checked_add(length)?;
    copy(buffer.get_mut(at..end)?, bytes.get(..length)?);
    Some(end)
}

/// Copies as much as both have.
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// What stands before and after the first such byte, which is of ASCII.
pub(crate) fn cut(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.as_bytes().iter().position(|here| *here == byte)?;
    Some((text.get(..at)?, text.get(at.checked_add(1)?..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_only_when_read() {
        let text = Str::from_json(r#"a\u00e9\n\"\ud83d\ude00\/\u0041"#, true);
        assert!(text.chars().eq("aé\n\"😀/A".chars()));
        assert_eq!(text, "aé\n\"😀/A");
        assert_eq!(text.as_plain(), None);
        assert_eq!(text.len(), "aé\n\"😀/A".len());
        assert_eq!(text.read(&mut [0; 16]), Some("aé\n\"😀/A"));
        assert_eq!(text.read(&mut [0; 4]), None);
    }

    #[test]
    fn a_supplementary_plane_beyond_the_first_is_kept() {
        assert!(Str::from_json(r"\udbff\udffd", true).chars().eq("\u{10FFFD}".chars()));
        assert!(Str::from_json(r"\ud840\udc00", true).chars().eq("\u{20000}".chars()));
    }

    #[test]
    fn characters_are_written_as_utf_8() {
        for c in ['a', 'é', '€', '😀', '\0', '\u{7ff}', '\u{800}', '\u{ffff}', '\u{10ffff}'] {
            let (bytes, length) = utf8(c);
            assert_eq!(&bytes[..length], c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        assert_eq!(cut("a:b:c", b':'), Some(("a", "b:c")));
        assert_eq!(cut("abc", b':'), None);
    }

    #[test]
    fn a_backslash_of_the_callers_is_a_backslash() {
        assert!(Str::new(r"\n").chars().eq(r"\n".chars()));
    }
}
