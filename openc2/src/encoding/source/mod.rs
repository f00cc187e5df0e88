//! What JSON and CBOR have in common: a cursor over values, on which every rule of the language is read once.
//!
//! The first rule that is broken is kept, and the input ends there. What is read after that is empty, so no step needs a check
//! of its own.

use crate::encoding::error::{Fail, LanguageRule, Path};
use crate::encoding::name::{self, Name, Vocabulary};
use crate::encoding::number::Number;
use crate::encoding::raw::Raw;
use crate::encoding::text::Str;
use crate::{Encoding, Form, Language, Quirk, Quirks};

mod cbor;
mod checked;
mod json;
mod members;
mod once;

use json::has_noncharacter;
pub(crate) use json::plain;
pub(crate) use members::Member;
pub use members::Members;
pub use once::MAX_MEMBERS;
pub(crate) use once::{Group, Item, NotOnce, Order, Places};

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Null.
    Null,
    /// True or false.
    Boolean,
    /// A number of any kind.
    Number,
    /// A text.
    Text,
    /// Bytes, of CBOR.
    Bytes,
    /// A list.
    List,
    /// A map.
    Map,
    /// No value: the reader keeps the rule that is broken.
    Broken,
}

/// Whether a set of fields is an array, by position, in the concise form (JADN s4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It is a map: a field is known by its name or identifier.
    Map,
    /// It is an array in the concise form: a field is known by its place.
    Record,
}

/// How far the reading of a map or list has come.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    /// Items still to come; [`UNKNOWN`](Self::UNKNOWN) where the encoding doesn't say so beforehand.
    pub(crate) left: u64,
    /// Where the field read last has its key.
    pub(crate) key_at: usize,
    /// Items read.
    pub(crate) done: u32,
    /// Fields that stood as null: absent ones of a record, and what lenient reading forgives.
    pub(crate) nulls: u32,
    /// Fields are told by their place.
    pub(crate) positional: bool,
}

impl Walk {
    pub(crate) const UNKNOWN: u64 = u64::MAX;
    /// Nothing is left.
    pub(crate) const OVER: Self = Self { left: 0, key_at: 0, done: 0, nulls: 0, positional: false };
}

/// A field's key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Key<'a> {
    Name(Str<'a>),
    Id(u64),
}

impl Key<'_> {
    /// Its place in a table.
    pub(crate) fn find(self, names: &[Name]) -> Option<usize> {
        match self {
            Self::Id(id) => name::find_id(names, id),
            Self::Name(name) => find(names, name),
        }
    }

    /// The entry of a table that it stands for.
    pub(crate) fn of<V: Vocabulary>(self) -> Option<V> {
        self.find(V::NAMES).and_then(V::at)
    }
}

/// A name's place in a table.
fn find(names: &[Name], name: Str<'_>) -> Option<usize> {
    match name.as_plain() {
        Some(plain) => name::find(names, plain.as_bytes()),
        None => name::find(names, name.read(&mut [0; 40])?.as_bytes()),
    }
}

/// The entry that a name stands for.
pub(crate) fn named<V: Vocabulary>(name: Str<'_>) -> Option<V> {
    find(V::NAMES, name).and_then(V::at)
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

impl Numeral<'_> {
    pub(crate) const ZERO: Self = Self::Integer { negative: false, magnitude: 0 };
}

/// Where the value of a profile stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part<'n> {
    /// It is the target of this name, without the namespace.
    Target(Str<'n>),
    /// Among a command's arguments.
    Args,
    /// As an actuator's specifiers (v1.0).
    Specifiers,
    /// Among a response's results.
    Results,
}

/// The types of values, by the namespace under which they stand.
pub(crate) trait Types: Sync {
    /// Reads the next value as its type, if this namespace is known here; `false` if not, and nothing was read.
    fn check(&self, namespace: Str<'_>, part: Part<'_>, r: &mut Reader<'_, '_>) -> bool;
}

/// Reads the values of a JSON or CBOR text one after the other, and checks all of each. It knows the mode of reading, and keeps
/// the habits of a peer that the mode forgives.
///
/// The first rule that is broken is kept, and the input ends there. What is read after that is empty, so no step needs a check
/// of its own.
pub struct Reader<'a, 't> {
    /// All of a JSON text; empty with CBOR.
    pub(crate) text: &'a str,
    pub(crate) bytes: &'a [u8],
    /// The offset of the next value, or of the white space before it.
    pub(crate) at: usize,
    /// The first rule that was broken.
    fail: Option<Fail>,
    pub(crate) quirks: Quirks,
    pub(crate) form: Form,
    pub(crate) language: Language,
    pub(crate) lenient: bool,
    /// How many maps and lists may still be opened in each other.
    pub(crate) depth: u8,
    /// Whether white space was passed over.
    pub(crate) spaced: bool,
    /// Whether a noncharacter stands somewhere in a JSON text; each string is looked through then.
    pub(crate) strange: bool,
    /// Where the keys and items stand that may stand only once; absent where they were checked before.
    places: Option<&'t mut Places>,
    /// The types of what profiles add, if it is read by them.
    pub(crate) types: Option<&'static dyn Types>,
}

/// A copy reads once more what was checked, so it has no table of its own.
impl Clone for Reader<'_, '_> {
    fn clone(&self) -> Self {
        Self { places: None, ..*self }
    }
}

impl<'a, 't> Reader<'a, 't> {
    /// Over a JSON text.
    pub(crate) const fn json(text: &'a str, depth: u8) -> Self {
        Self::new(text, text.as_bytes(), Form::Json, depth)
    }

    pub(crate) const fn new(text: &'a str, bytes: &'a [u8], form: Form, depth: u8) -> Self {
        Self {
            text,
            bytes,
            at: 0,
            fail: None,
            quirks: Quirks::NONE,
            form,
            language: Language::V1_0,
            lenient: true,
            depth,
            spaced: false,
            strange: false,
            places: None,
            types: None,
        }
    }

    /// Over a whole message, command or response, as far as its text is sound.
    pub(crate) fn of_sound(encoding: Encoding, bytes: &'a [u8], depth: u8) -> Self {
        match encoding {
            Encoding::Json => {
                Self::json(bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid()), depth).looked_through()
            }
            Encoding::Cbor => Self::detect(bytes, depth),
        }
    }

    /// Whether a JSON text holds a noncharacter is told for all of its strings at once: hardly any does.
    pub(crate) fn look_through(&mut self) {
        self.strange = !self.text.is_ascii() && has_noncharacter(self.text);
    }

    /// The same on the way.
    pub(crate) fn looked_through(mut self) -> Self {
        self.look_through();
        self
    }

    pub(crate) const fn in_mode(mut self, language: Language, lenient: bool) -> Self {
        self.language = language;
        self.lenient = lenient;
        self
    }

    /// Checks on the way that what may stand only once does.
    pub(crate) fn with_places(mut self, places: &'t mut Places) -> Self {
        self.use_places(places);
        self
    }

    /// The same where the reader lies.
    pub(crate) const fn use_places(&mut self, places: &'t mut Places) {
        self.places = Some(places);
    }

    pub(crate) const fn is_json(&self) -> bool {
        matches!(self.form, Form::Json)
    }

    /// Whether the input is in the concise form: identifiers for names, binary for formats of text.
    pub const fn concise(&self) -> bool {
        matches!(self.form, Form::Concise)
    }

    /// Whether it is the draft of v2.0.
    pub const fn v2(&self) -> bool {
        matches!(self.language, Language::V2_0)
    }

    /// What was wrong first.
    pub(crate) const fn failed(&self) -> Option<Fail> {
        self.fail
    }

    /// That nothing was wrong.
    pub(crate) const fn sound(&self) -> bool {
        self.fail.is_none()
    }

    /// Keeps the first rule that is broken, and ends the input.
    #[cold]
    #[inline(never)]
    pub fn fail_at(&mut self, at: usize, rule: LanguageRule) {
        if self.fail.is_none() {
            self.fail = Some(Fail::new(at, rule));
            self.text = "";
            self.bytes = &[];
        }
    }

    /// Refuses the next value, since its profile defines nothing of its name there.
    #[cold]
    pub fn undefined(&mut self, part: Part<'_>) {
        self.fail(match part {
            Part::Target(_) => LanguageRule::ProfileTarget,
            Part::Args => LanguageRule::ProfileArg,
            Part::Specifiers => LanguageRule::ProfileSpecifier,
            Part::Results => LanguageRule::ProfileResult,
        });
    }

    /// Refuses the next value for the rule that it breaks, unless another was broken before.
    #[cold]
    pub fn fail(&mut self, rule: LanguageRule) {
        self.fail_at(self.at, rule);
    }

    /// Refuses what stands at the offset `at`, unless `holds`.
    pub fn require(&mut self, holds: bool, at: usize, rule: LanguageRule) {
        if !holds {
            self.fail_at(at, rule);
        }
    }

    /// Tells one rule, where it was the first to be broken since all was sound, as another.
    pub(crate) fn rename(&mut self, from: LanguageRule, to: LanguageRule) {
        if let Some(fail) = &mut self.fail
            && fail.rule == from
        {
            fail.rule = to;
        }
    }

    /// Forgives and notes a peer's habit in lenient mode; a failure in strict mode.
    pub(crate) fn forgive(&mut self, quirk: Quirk, at: usize, rule: LanguageRule) {
        if self.lenient {
            self.quirks.insert(quirk);
        } else {
            self.fail_at(at, rule);
        }
    }

    /// The rule broken by what stands here instead of what was wanted.
    #[cold]
    #[inline(never)]
    pub(crate) fn unexpected(&mut self, wanted: LanguageRule) {
        match self.kind() {
            Kind::Null => self.fail(LanguageRule::Null),
            Kind::Broken => {}
            _ => self.fail(wanted),
        }
    }

    /// What kind of value comes next.
    #[inline]
    pub fn kind(&mut self) -> Kind {
        if self.is_json() { self.json_kind() } else { self.cbor_kind() }
    }

    /// Null.
    pub fn null(&mut self) {
        if self.is_json() { self.json_null() } else { self.cbor_null() }
    }

    /// True or false.
    pub fn boolean(&mut self) -> bool {
        if self.is_json() { self.json_boolean() } else { self.cbor_boolean() }
    }

    /// A text.
    #[inline]
    pub fn text(&mut self) -> Str<'a> {
        if self.is_json() { self.json_text() } else { self.cbor_text() }
    }

    /// A text, where the concise form has something else, of which this rule is told.
    pub(crate) fn text_unless_concise(&mut self, concise: LanguageRule) -> Str<'a> {
        if self.concise() && self.kind() != Kind::Text {
            self.unexpected(concise);
            return Str::EMPTY;
        }
        self.text()
    }

    /// A text, unless something was wrong.
    pub(crate) fn sound_text(&mut self) -> Option<Str<'a>> {
        let text = self.text();
        self.sound().then_some(text)
    }

    /// Bytes, of CBOR; JSON has none.
    pub fn bytes(&mut self) -> &'a [u8] {
        if self.is_json() {
            self.unexpected(LanguageRule::WantBinary);
            return &[];
        }
        self.cbor_bytes()
    }

    /// An integer from 0 to 2^53 - 1.
    pub fn integer(&mut self) -> u64 {
        if self.is_json() { self.json_integer() } else { self.cbor_integer() }
    }

    /// A number of 0 or more.
    pub fn number(&mut self) -> Number {
        if self.is_json() { self.json_number() } else { self.cbor_number() }
    }

    /// Any number that both encodings can hold: integers within 53 bits, finite doubles.
    pub(crate) fn numeral(&mut self) -> Numeral<'a> {
        if self.is_json() { self.json_numeral() } else { self.cbor_numeral() }
    }

    pub(crate) fn open_map(&mut self, shape: Shape) -> Walk {
        if self.is_json() { self.json_enter(b'{', LanguageRule::WantMap) } else { self.cbor_open(shape) }
    }

    /// Begins a list; [`more`](Self::more) goes on.
    pub fn open_list(&mut self) -> Walk {
        if self.is_json() { self.json_enter(b'[', LanguageRule::WantList) } else { self.cbor_open_list() }
    }

    /// The next field's key, or `None` at the end; the walk keeps where the key stands. The value must be read before the next
    /// call.
    pub(crate) fn key(&mut self, walk: &mut Walk) -> Option<Key<'a>> {
        if self.is_json() { self.json_key(walk).map(Key::Name) } else { self.cbor_key(walk) }
    }

    /// Whether a map ends here; its last value has been read.
    pub(crate) fn ended(&mut self, walk: &mut Walk) -> bool {
        !if self.is_json() { self.json_another(walk, b'}') } else { self.cbor_another(walk) }
    }

    /// Whether an item follows. It must be read before the next call.
    pub fn more(&mut self, walk: &mut Walk) -> bool {
        if self.is_json() { self.json_another(walk, b']') } else { self.cbor_another(walk) }
    }

    /// What `read` reads, as it stands.
    pub(crate) fn span(&mut self, read: impl FnOnce(&mut Self)) -> Raw<'a> {
        let start = self.begin();
        read(self);
        self.since(start)
    }

    /// Begins again with the map or record in which it stands, the outermost.
    pub(crate) fn back_to(&mut self, start: usize) {
        self.at = start;
        self.depth = self.depth.saturating_add(1);
    }

    /// Where the next value begins.
    pub fn begin(&mut self) -> usize {
        if self.is_json() {
            self.peek();
        }
        self.at
    }

    /// What was read since a value began.
    pub(crate) fn since(&self, start: usize) -> Raw<'a> {
        if self.is_json() {
            // White space anywhere before is enough to have it written anew.
            Raw::from_checked_json(self.text.get(start..self.at).unwrap_or_default(), !self.spaced)
        } else {
            Raw::from_checked_cbor(self.bytes.get(start..self.at).unwrap_or_default(), self.concise())
        }
    }

    /// The next value as it stands, all of it checked.
    pub(crate) fn raw(&mut self) -> Raw<'a> {
        let before = core::mem::replace(&mut self.spaced, false);
        let raw = self.span(Self::skip);
        self.spaced |= before;
        raw
    }

    /// That nothing follows.
    pub(crate) fn end(&mut self) {
        let (rule, at) =
            if self.is_json() { (LanguageRule::Trailing, self.begin()) } else { (LanguageRule::CborTrailing, self.at) };
        self.require(self.bytes.len() <= at, at, rule);
    }

    /// Passes over a value and checks it.
    pub fn skip(&mut self) {
        if self.is_json() { self.json_skip() } else { self.cbor_skip() }
    }

    /// Passes over a value of which nothing is wanted, though it be none of the language, or in JSON a word or number that is
    /// none at all.
    pub(crate) fn pass_over(&mut self) {
        if self.is_json() { self.json_pass_over() } else { self.cbor_pass_over() }
    }

    /// Passes over a value that was checked before.
    pub(crate) fn pass(&mut self) {
        match self.kind() {
            Kind::List => {
                let mut walk = self.open_list();
                while self.more(&mut walk) {
                    self.pass();
                }
            }
            Kind::Map => {
                let mut walk = self.open_map(Shape::Map);
                while self.key(&mut walk).is_some() {
                    self.pass();
                }
            }
            _ => self.skip(),
        }
    }

    /// The next item of a list of texts that are all different.
    pub(crate) fn different(&mut self, group: &mut Group) -> Str<'a> {
        let at = self.begin();
        let text = self.text();
        self.once(group, text.into(), at, LanguageRule::NotUnique);
        text
    }

    /// Begins a set of fields.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn open(&mut self, shape: Shape) -> Members<'a> {
        let start = self.at;
        let walk = self.open_map(shape);
        Members::new(start, walk)
    }

    /// The place in a table of the name or identifier that comes next.
    fn entry(&mut self, names: &[Name], rule: LanguageRule) -> Option<usize> {
        let at = self.at;
        let found = if self.concise() { name::find_id(names, self.integer()) } else { find(names, self.text()) };
        self.require(found.is_some(), at, rule);
        found
    }

    /// One of a closed set of names.
    pub fn one_of<V: Vocabulary>(&mut self, rule: LanguageRule) -> Option<V> {
        self.entry(V::NAMES, rule).and_then(V::at)
    }
}

/// The path to the byte at which a rule was broken, found by walking there again.
pub(crate) fn locate(mut reader: Reader<'_, '_>, at: usize) -> Path {
    let mut path = Path::EMPTY;
    walk_to(&mut reader, at, &mut path);
    path
}

/// Whether the way ends here. It is written down on the way back, from its end on, so that what is passed by costs no path.
fn walk_to(r: &mut Reader<'_, '_>, at: usize, path: &mut Path) -> bool {
    // Before its white space or behind, it is the same value.
    if r.begin() >= at {
        return true;
    }
    match r.kind() {
        Kind::List => {
            let mut walk = r.open_list();
            while r.more(&mut walk) {
                if walk_to(r, at, path) {
                    *path = Path::EMPTY.item(walk.done.saturating_sub(1), path);
                    return true;
                }
            }
        }
        Kind::Map => {
            let mut walk = r.open_map(Shape::Map);
            while let Some(key) = r.key(&mut walk) {
                if walk_to(r, at, path) {
                    let mut whole = Path::EMPTY;
                    match key {
                        Key::Name(name) => whole.name(name.chars()),
                        Key::Id(id) => whole.number(id),
                    }
                    *path = whole.followed_by(path);
                    return true;
                }
            }
        }
        _ => r.skip(),
    }
    // What is broken is the way's end as well.
    r.at > at || !r.sound()
}
