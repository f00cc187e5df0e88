//! Tables of names and their identifiers. JSON, and CBOR with names, write the name; the concise form of JADN s4.4 writes the
//! identifier.

/// One entry of a table.
pub struct Name {
    /// The name as a key of JSON, what stands before and behind it included: `,"name":`.
    pub(crate) key: &'static str,
    /// How it is written in the concise form.
    pub(crate) id: u16,
    /// The name's first letter, by which most others are told apart.
    letter: u8,
}

impl Name {
    /// Stands for no entry.
    const NONE: Self = Self { key: "", id: 0, letter: 0 };

    /// Of a table: the name, the same as a key of JSON, and its identifier. [`vocabulary!`](crate::vocabulary) makes them.
    #[doc(hidden)]
    pub const fn new(text: &str, key: &'static str, id: u16) -> Self {
        let letter = match text.as_bytes() {
            [letter, ..] => *letter,
            [] => 0,
        };
        Self { key, id, letter }
    }

    /// Whether a name can stand in JSON without an escape.
    #[doc(hidden)]
    pub const fn is_plain(text: &str) -> bool {
        let mut rest = text.as_bytes();
        while let [byte, after @ ..] = rest {
            if !matches!(*byte, b' '..=b'~') || matches!(*byte, b'"' | b'\\') {
                return false;
            }
            rest = after;
        }
        !text.is_empty()
    }

    /// Whether every entry of a table has an identifier above that of the one before it.
    #[doc(hidden)]
    pub const fn ascend(names: &[Self]) -> bool {
        let mut rest = names;
        while let [one, after @ ..] = rest {
            if let [two, ..] = after
                && one.id >= two.id
            {
                return false;
            }
            rest = after;
        }
        true
    }

    /// What of the key stands in JSON without the comma, for the first field of a map.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn key(&self, first: bool) -> &'static [u8] {
        self.key.as_bytes().get(usize::from(first)..).unwrap_or_default()
    }

    /// The name alone.
    pub fn name(&self) -> &'static str {
        self.key.get(2..self.key.len().saturating_sub(2)).unwrap_or_default()
    }
}

/// Where this name stands in a table.
pub(crate) fn find(names: &[Name], name: &[u8]) -> Option<usize> {
    let length = name.len().saturating_add(4);
    let fits = |key: &[u8]| key.get(2..).is_some_and(|key| key.starts_with(name));
    names.iter().position(|entry| entry.key.len() == length && fits(entry.key.as_bytes()))
}

/// Which entry of a table `fits`, of those with this letter: looked for from `likely` on, then from the start.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn search(names: &[Name], likely: usize, letter: u8, fits: impl Fn(&Name) -> bool) -> Option<usize> {
    let mut index = likely;
    for _ in names {
        let name = match names.get(index) {
            Some(name) => name,
            None => {
                index = 0;
                names.first()?
            }
        };
        if name.letter == letter && fits(name) {
            return Some(index);
        }
        index += 1;
    }
    None
}

/// Where this identifier stands in a table.
pub(crate) fn find_id(names: &[Name], id: u64) -> Option<usize> {
    names.iter().position(|entry| u64::from(entry.id) == id)
}

/// A closed set of names with their identifiers.
pub trait Vocabulary: Copy + 'static {
    /// The table, in the order of identifiers.
    const NAMES: &'static [Name];
    /// The entries, in the same order.
    const ENTRIES: &'static [Self];
    /// The entry's place in both.
    fn index(self) -> usize;

    /// Its line in the table.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn entry(self) -> &'static Name {
        Self::NAMES.get(self.index()).unwrap_or(&Name::NONE)
    }

    /// The entry at this place.
    fn at(index: usize) -> Option<Self> {
        Self::ENTRIES.get(index).copied()
    }

    /// The entry of this name.
    fn named(name: &str) -> Option<Self> {
        find(Self::NAMES, name.as_bytes()).and_then(Self::at)
    }

    /// The entry of this identifier.
    fn identified(id: u64) -> Option<Self> {
        find_id(Self::NAMES, id).and_then(Self::at)
    }
}

/// Declares closed sets of names with their identifiers, each an enum that is a [`Vocabulary`](crate::profile::Vocabulary): the
/// fields of a profile's maps, the words of its values. At most 32 entries each, in the order of identifiers.
///
/// ```
/// openc2_mqtt::vocabulary! {
///     /// How a lamp shines.
///     pub enum Mood {
///         /// Steadily.
///         Steady = 1 "steady",
///         /// On and off.
///         Blinking = 2 "blinking",
///     }
/// }
/// assert_eq!((Mood::from_name("blinking"), Mood::Steady.id()), (Some(Mood::Blinking), 1));
/// ```
///
/// An identifier that stands twice, or out of order, doesn't compile:
///
/// ```compile_fail
/// openc2_mqtt::vocabulary! { enum Mood { Steady = 2 "steady", Blinking = 2 "blinking", } }
/// ```
#[macro_export]
macro_rules! vocabulary {
    ($($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$entry:meta])* $variant:ident = $id:literal $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        $vis enum $name { $($(#[$entry])* $variant,)* }

        #[allow(dead_code, reason = "each table has all of these, whether or not this one needs them")]
        impl $name {
            /// Every entry, in the order of identifiers.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name, as JSON has it.
            $vis fn name(self) -> &'static str {
                $crate::Vocabulary::entry(self).name()
            }

            /// The identifier, as the concise form has it.
            $vis const fn id(self) -> u16 {
                match self { $(Self::$variant => $id,)* }
            }

            /// The entry of this name.
            $vis fn from_name(name: &str) -> Option<Self> {
                $crate::Vocabulary::named(name)
            }

            /// The entry of this identifier.
            $vis fn from_id(id: u64) -> Option<Self> {
                $crate::Vocabulary::identified(id)
            }
        }

        const _: () = assert!($name::ALL.len() <= 32, "a table has at most 32 entries");
        $(const _: () = assert!($crate::Name::is_plain($text), "a name is of letters, digits and what is printed plainly");)*

        const _: () = assert!(
            $crate::Name::ascend(<$name as $crate::Vocabulary>::NAMES),
            "a table is in the order of identifiers, each of which stands once"
        );

        impl $crate::Vocabulary for $name {
            const NAMES: &'static [$crate::Name] =
                &[$($crate::Name::new($text, concat!(",\"", $text, "\":"), $id)),*];
            const ENTRIES: &'static [Self] = Self::ALL;

            fn index(self) -> usize {
                self as usize
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result { f.pad(self.name()) }
        }
    )*};
}
