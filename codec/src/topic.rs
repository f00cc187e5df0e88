//! Topic names (section 4.7), and what they have in common with topic filters.

mod filter;

use core::fmt;

use crate::text::{Text, check_text};
use crate::wire::{Fault, Reader};
use crate::word::none_special;
use crate::{ReasonCode, Rule};

pub use filter::Filter;

/// A topic name: a string of at least one character without wildcards.
///
/// ```
/// use mqtt5_codec::{Rule, Topic};
/// assert_eq!(Topic::new("oc2/cmd/all")?.as_str(), "oc2/cmd/all");
/// assert_eq!(Topic::new("oc2/#"), Err(Rule::TOPIC_NAME_WILDCARD));
/// # Ok::<(), Rule>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic<'a>(Text<'a>);

impl<'a> Topic<'a> {
    /// A topic name. Costs one pass.
    ///
    /// # Errors
    /// What [`Text::new`] refuses, [`Rule::TOPIC_EMPTY`] and [`Rule::TOPIC_NAME_WILDCARD`].
    pub fn new(name: &'a str) -> Result<Self, Rule> {
        let bytes = name.as_bytes();
        if is_plain_name(bytes) && !bytes.is_empty() && bytes.len() <= usize::from(u16::MAX) {
            return Ok(Self::checked(bytes));
        }
        Self::new_in_full(name)
    }

    /// As [`new`](Self::new), with an eye for all that may be and may not. (Apart, so that the first look needs no memory.)
    #[cold]
    #[inline(never)]
    fn new_in_full(name: &'a str) -> Result<Self, Rule> {
        let text = Text::new(name)?;
        if text.is_empty() {
            return Err(Rule::TOPIC_EMPTY);
        }
        if wildcard(text.as_bytes()).is_some() { Err(Rule::TOPIC_NAME_WILDCARD) } else { Ok(Self(text)) }
    }

    /// Wraps a name that has been checked.
    #[inline]
    pub(crate) const fn checked(bytes: &'a [u8]) -> Self {
        Self(Text::checked(bytes))
    }

    /// Reads a name of at least one character. A wildcard is answered with `reason` and `rule`.
    #[inline]
    pub(crate) fn read(r: &mut Reader<'a>, reason: ReasonCode, rule: Rule) -> Option<Self> {
        let name = Self::read_or_empty(r, reason, rule)?;
        if name.as_bytes().is_empty() { r.refuse(r.left(), reason, Rule::TOPIC_EMPTY) } else { Some(name) }
    }

    /// As [`read`](Self::read), or the empty string that stands for a name where there is a topic alias.
    #[inline]
    pub(crate) fn read_or_empty(r: &mut Reader<'a>, reason: ReasonCode, rule: Rule) -> Option<Self> {
        let bytes = r.bytes()?;
        if !is_plain_name(bytes) {
            r.checked(check_name(bytes, r.left(), reason, rule))?;
        }
        Some(Self::checked(bytes))
    }

    /// The name as a string. Costs a pass over it.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0.as_str()
    }

    /// The name's bytes.
    #[must_use]
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0.as_bytes()
    }

    /// The slice where it is.
    #[inline]
    pub(crate) const fn slice(&self) -> &&'a [u8] {
        self.0.slice()
    }

    /// The name as checked text.
    #[must_use]
    #[inline]
    pub const fn text(self) -> Text<'a> {
        self.0
    }
}

/// Checks a topic name with an eye for what is wrong; `left` bytes of the packet follow it.
#[cold]
#[inline(never)]
fn check_name(bytes: &[u8], left: usize, reason: ReasonCode, rule: Rule) -> Result<(), Fault> {
    check_text(bytes, left)?;
    match wildcard(bytes) {
        None => Ok(()),
        Some((_, _, after)) => Err(Fault { reason, rule, left: left.wrapping_add(after.len()).wrapping_add(1) }),
    }
}

/// Whether the bytes are ASCII without zero and wildcards.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn is_plain_name(bytes: &[u8]) -> bool {
    none_special::<true>(bytes)
}

/// The first wildcard, with what is before and behind it.
fn wildcard(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let at = bytes.iter().position(|&byte| byte & !0x08 == b'#')?; // `+` differs from it in one bit.
    let (before, from) = bytes.split_at_checked(at)?;
    let (&byte, after) = from.split_first()?;
    Some((before, byte, after))
}

macro_rules! as_text {
    ($($name:ident)+) => {$(
        impl<'a> TryFrom<&'a str> for $name<'a> {
            type Error = Rule;

            fn try_from(text: &'a str) -> Result<Self, Rule> {
                Self::new(text)
            }
        }

        impl<'a> From<$name<'a>> for &'a str {
            fn from(text: $name<'a>) -> Self {
                text.as_str()
            }
        }

        impl<'a> From<$name<'a>> for Text<'a> {
            fn from(text: $name<'a>) -> Self {
                text.text()
            }
        }

        impl AsRef<str> for $name<'_> {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl AsRef<[u8]> for $name<'_> {
            fn as_ref(&self) -> &[u8] {
                self.as_bytes()
            }
        }

        impl PartialEq<str> for $name<'_> {
            fn eq(&self, other: &str) -> bool {
                self.text() == *other
            }
        }

        impl PartialEq<&str> for $name<'_> {
            fn eq(&self, other: &&str) -> bool {
                self.text() == **other
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.text(), f)
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.text(), f)
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(&self.text(), serializer)
            }
        }
    )+};
}

as_text! { Topic Filter }

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[test]
    fn mqtt_4_7_0_1_topic_names_have_no_wildcards() {
        for name in ["#", "+", "a/+", "a/#", "sport+", "a#b", "日本/+"] {
            assert_eq!(Topic::new(name), Err(Rule::TOPIC_NAME_WILDCARD), "{name}");
        }
        assert_eq!(Topic::new("/").unwrap(), "/");
        assert_eq!(Topic::new("$SYS/x y/日本").unwrap(), "$SYS/x y/日本");
    }

    #[test]
    fn mqtt_4_7_3_1_topics_have_at_least_one_character() {
        assert_eq!(Topic::new(""), Err(Rule::TOPIC_EMPTY));
        assert_eq!(Filter::new(""), Err(Rule::TOPIC_EMPTY));
    }

    #[test]
    fn mqtt_4_7_3_2_topics_have_no_u_0000() {
        assert_eq!(Topic::new("a\0"), Err(Rule::STRING_NUL));
        assert_eq!(Filter::new("a/\0/#"), Err(Rule::STRING_NUL));
    }

    #[test]
    fn mqtt_4_7_3_3_topics_are_at_most_65_535_bytes() {
        let longest: String = "x".repeat(65_535);
        assert!(Topic::new(&longest).is_ok() && Filter::new(&longest).is_ok());
        let longer: String = "x".repeat(65_536);
        assert_eq!(Topic::new(&longer), Err(Rule::STRING_LENGTH));
        assert_eq!(Filter::new(&longer), Err(Rule::STRING_LENGTH));
    }
}
