//! What JSON and CBOR have in common: a cursor over values, on which every rule of the language is read once.

use crate::error::{Fail, Path, Rule};
use crate::raw::Raw;
use crate::text::Text;
use crate::vocabulary::Vocabulary;
use crate::{Language, Quirk, Quirks};

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    Bytes,
    List,
    Map,
}

/// Whether a set of fields is an array, by position, in the concise form (JADN s4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Map,
    Record,
}

/// How far the reading of a map or list has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    /// Items still to come; [`UNKNOWN`](Self::UNKNOWN) where the encoding doesn't say so beforehand.
    pub(crate) left: u64,
    /// Where the field read last has its key.
    pub(crate) key_at: usize,
    /// Items read.
    pub(crate) done: u32,
    /// Fields are told by their place.
    pub(crate) positional: bool,
}

impl Walk {
    pub(crate) const UNKNOWN: u64 = u64::MAX;
}

/// A field's key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Key<'a> {
    Name(Text<'a>),
    Id(u64),
}

/// Any number, as it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Numeral<'a> {
    Integer {
        negative: bool,
        magnitude: u64,
    },
    /// A fraction or an exponent of JSON.
    Decimal(&'a str),
    Double(f64),
}

/// A cursor over a checked encoding. Reading past a value checks all of it.
pub(crate) trait Source<'a>: Clone {
    /// The offset of the next value, or of the white space before it.
    fn at(&self) -> usize;
    /// The cursor as it was where a map began that is being read.
    fn back_to(&self, map: usize) -> Self;
    fn kind(&mut self) -> Result<Kind, Fail>;
    /// Whether the input is in the concise form: identifiers for names, binary for formats of text.
    fn concise(&self) -> bool;
    fn null(&mut self) -> Result<(), Fail>;
    fn boolean(&mut self) -> Result<bool, Fail>;
    fn text(&mut self) -> Result<Text<'a>, Fail>;
    fn bytes(&mut self) -> Result<&'a [u8], Fail>;
    /// An integer from 0 to 2^53 - 1.
    fn integer(&mut self) -> Result<u64, Fail>;
    fn number(&mut self) -> Result<crate::number::Number, Fail>;
    fn open(&mut self, shape: Shape) -> Result<Walk, Fail>;
    /// The next field's key, or the end; the walk keeps where it stands. The value must be read before the next call.
    fn key(&mut self, walk: &mut Walk) -> Result<Option<Key<'a>>, Fail>;
    /// Whether a map ends here; its last value has been read.
    fn ended(&mut self, walk: &mut Walk) -> Result<bool, Fail>;
    fn open_list(&mut self) -> Result<Walk, Fail>;
    /// Whether an item follows. It must be read before the next call.
    fn more(&mut self, walk: &mut Walk) -> Result<bool, Fail>;
    /// The next value as it stands, all of it checked.
    fn raw(&mut self) -> Result<Raw<'a>, Fail>;
    /// What lies between this cursor and a later one, all of it read and checked.
    fn until(&mut self, end: &Self) -> Raw<'a>;
    /// That nothing follows.
    fn end(&mut self) -> Result<(), Fail>;

    /// Passes over a value, checking it, nothing kept. Depth is bounded by the source.
    fn skip(&mut self) -> Result<(), Fail> {
        match self.kind()? {
            Kind::Null => self.null(),
            Kind::Boolean => self.boolean().map(drop),
            Kind::Number => self.numeral().map(drop),
            Kind::Text => self.text().map(drop),
            Kind::Bytes => self.bytes().map(drop),
            Kind::List => {
                let mut walk = self.open_list()?;
                while self.more(&mut walk)? {
                    self.skip()?;
                }
                Ok(())
            }
            Kind::Map => {
                let mut seen = Seen::new(self.at());
                let mut walk = self.open(Shape::Map)?;
                while let Some(key) = self.key(&mut walk)? {
                    seen.check(self, key, walk.key_at)?;
                    self.skip()?;
                }
                Ok(())
            }
        }
    }

    /// Passes over a value that was checked before.
    fn pass(&mut self) -> Result<(), Fail> {
        match self.kind()? {
            Kind::List => {
                let mut walk = self.open_list()?;
                while self.more(&mut walk)? {
                    self.pass()?;
                }
                Ok(())
            }
            Kind::Map => {
                let mut walk = self.open(Shape::Map)?;
                while self.key(&mut walk)?.is_some() {
                    self.pass()?;
                }
                Ok(())
            }
            _ => self.skip(),
        }
    }

    /// Any number that both encodings can hold: integers within 53 bits, finite doubles.
    fn numeral(&mut self) -> Result<Numeral<'a>, Fail>;
}

/// The keys met so far in one map: a filter, and the way back to look again when it says "perhaps".
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    filter: u64,
    /// Where the map begins.
    start: usize,
}

impl Seen {
    /// Begun where the map begins.
    pub(crate) const fn new(start: usize) -> Self {
        Self { filter: 0, start }
    }

    /// Refuses a key that stood in this map before `at`.
    pub(crate) fn check<'a, S: Source<'a>>(&mut self, source: &S, key: Key<'a>, at: usize) -> Result<(), Fail> {
        let bit = 1u64 << (hash(key) & 63);
        if self.filter & bit == 0 {
            self.filter |= bit;
            return Ok(());
        }
        let mut again = source.back_to(self.start);
        let mut walk = again.open(Shape::Map)?;
        while let Some(earlier) = again.key(&mut walk)? {
            if walk.key_at >= at {
                return Ok(());
            }
            if earlier == key {
                return Err(Fail::new(at, Rule::DuplicateKey));
            }
            again.pass()?;
        }
        Ok(())
    }
}

fn hash(key: Key<'_>) -> u32 {
    let mix = |sum: u32, unit: u32| (sum ^ unit).wrapping_mul(0x0100_0193);
    let sum = match key {
        Key::Id(id) => mix(0x811C_9DC5, (id & 0xFFFF) as u32),
        Key::Name(name) => match name.as_plain() {
            Some(plain) if plain.is_ascii() => plain.bytes().fold(0x811C_9DC5, |sum, byte| mix(sum, u32::from(byte))),
            _ => name.chars().fold(0x811C_9DC5, |sum, c| mix(sum, u32::from(c))),
        },
    };
    sum ^ (sum >> 15)
}

/// A cursor with the mode in which it is read, and what it met that the mode forgives.
#[derive(Clone)]
pub(crate) struct Reader<S> {
    pub(crate) source: S,
    pub(crate) language: Language,
    pub(crate) lenient: bool,
    pub(crate) quirks: Quirks,
}

impl<'a, S: Source<'a>> Reader<S> {
    pub(crate) const fn new(source: S, language: Language, lenient: bool) -> Self {
        Self { source, language, lenient, quirks: Quirks::NONE }
    }

    pub(crate) const fn v2(&self) -> bool {
        matches!(self.language, Language::V2_0)
    }

    /// Forgives and notes a peer's habit in lenient mode; a failure in strict mode.
    pub(crate) fn forgive(&mut self, quirk: Quirk, at: usize, rule: Rule) -> Result<(), Fail> {
        if !self.lenient {
            return Err(Fail::new(at, rule));
        }
        self.quirks.insert(quirk);
        Ok(())
    }

    /// A failure at the next value.
    pub(crate) fn fail<T>(&mut self, rule: Rule) -> Result<T, Fail> {
        Err(Fail::new(self.source.at(), rule))
    }

    /// Begins a set of fields.
    pub(crate) fn open(&mut self, shape: Shape) -> Result<Members, Fail> {
        let at = self.source.at();
        let walk = Walk { key_at: at, ..self.source.open(shape)? };
        Ok(Members { walk, seen: Seen::new(at), known: 0 })
    }

    /// One of a closed set of names.
    pub(crate) fn one_of<V: Vocabulary>(&mut self, rule: Rule) -> Result<V, Fail> {
        let at = self.source.at();
        let found = if self.source.concise() {
            V::from_id(self.source.integer()?)
        } else {
            let name = self.source.text()?;
            named(name)
        };
        found.ok_or(Fail::new(at, rule))
    }
}

/// The entry that a name stands for.
pub(crate) fn named<V: Vocabulary>(name: Text<'_>) -> Option<V> {
    match name.as_plain() {
        Some(plain) => V::from_name(plain),
        None => V::from_name(name.read(&mut [0; 40])?),
    }
}

/// One field: of the table, or another.
pub(crate) enum Member<'a, V> {
    Known(V),
    Other(Key<'a>),
}

/// A set of fields that is being read.
pub(crate) struct Members {
    walk: Walk,
    seen: Seen,
    known: u32,
}

impl Members {
    /// The next field, or the end. Its value must be read before the next call.
    #[inline]
    pub(crate) fn next<'a, V: Vocabulary, S: Source<'a>>(
        &mut self,
        r: &mut Reader<S>,
    ) -> Result<Option<Member<'a, V>>, Fail> {
        let Some(key) = r.source.key(&mut self.walk)? else { return Ok(None) };
        let known: Option<V> = match key {
            Key::Name(name) => named(name),
            Key::Id(id) => V::from_id(id),
        };
        match known {
            Some(field) => {
                // Identifiers of one table are 0 to 31, or a profile's from 1024 on.
                let bit = 1u32 << (field.id() & 31);
                if self.known & bit != 0 {
                    return Err(Fail::new(self.walk.key_at, Rule::DuplicateKey));
                }
                self.known |= bit;
                if r.lenient && r.source.kind()? == Kind::Null {
                    r.quirks.insert(Quirk::NullField);
                    r.source.null()?;
                    return self.next(r);
                }
                Ok(Some(Member::Known(field)))
            }
            None => {
                self.seen.check(&r.source, key, self.walk.key_at)?;
                Ok(Some(Member::Other(key)))
            }
        }
    }

    /// That no other field follows.
    pub(crate) fn end<'a, S: Source<'a>>(&mut self, r: &mut Reader<S>, rule: Rule) -> Result<(), Fail> {
        if r.source.ended(&mut self.walk)? { Ok(()) } else { r.fail(rule) }
    }

    /// Where it begins.
    pub(crate) const fn at(&self) -> usize {
        self.seen.start
    }

    /// Where the field read last has its key.
    pub(crate) const fn key_at(&self) -> usize {
        self.walk.key_at
    }

    /// That it held something.
    pub(crate) const fn filled(&self, rule: Rule) -> Result<(), Fail> {
        if self.walk.done == 0 { Err(Fail::new(self.at(), rule)) } else { Ok(()) }
    }
}

/// The path to the byte at which a rule was broken, found by walking there again.
pub(crate) fn locate<'a, S: Source<'a>>(mut source: S, at: usize) -> Path {
    let mut path = Path::EMPTY;
    let _found = walk_to(&mut source, at, &mut path);
    path
}

/// `Err` once the way ends here.
fn walk_to<'a, S: Source<'a>>(source: &mut S, at: usize, path: &mut Path) -> Result<(), Fail> {
    const HERE: Fail = Fail::new(0, Rule::End);
    if source.at() >= at {
        return Err(HERE);
    }
    match source.kind()? {
        Kind::List => {
            let mut walk = source.open_list()?;
            let mut index = 0;
            while source.more(&mut walk)? {
                let mark = path.mark();
                path.push('[');
                path.number(index);
                path.push(']');
                walk_to(source, at, path)?;
                path.truncate(mark);
                index = index.saturating_add(1);
            }
        }
        Kind::Map => {
            let mut walk = source.open(Shape::Map)?;
            while let Some(key) = source.key(&mut walk)? {
                let mark = path.mark();
                match key {
                    Key::Name(name) => path.field(name.chars()),
                    Key::Id(id) => {
                        path.field("".chars());
                        path.number(id);
                    }
                }
                walk_to(source, at, path)?;
                path.truncate(mark);
            }
        }
        _ => source.skip()?,
    }
    if source.at() > at { Err(HERE) } else { Ok(()) }
}
