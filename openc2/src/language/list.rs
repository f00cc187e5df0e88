//! Lists that are either the caller's or still in the input: read again at each iteration, so nothing is stored.

use core::fmt;

use crate::encoding::error::LanguageRule;
use crate::encoding::out::Writer;
use crate::encoding::raw::{Raw, Span};
use crate::encoding::source::plain;
use crate::encoding::source::{Group, Item, Key, Kind, MAX_MEMBERS, NotOnce, Order, Places, Reader, Shape, Walk};
use crate::encoding::text::Str;
use crate::encoding::value::{Value, Write};
use crate::language::vocabulary::{Action, RegisteredProfile, RegisteredTarget, TargetKind};

/// A walk over a raw list or map that was checked when the message was read, so none of its steps can fail.
#[derive(Clone)]
pub(crate) struct Steps<'a> {
    reader: Reader<'a, 'static>,
    walk: Walk,
    /// A peer's lone value where a list belongs, not given yet.
    alone: bool,
}

impl<'a> Steps<'a> {
    /// Over the items of a list, or over the one value that stands in for a list.
    pub(crate) fn items(raw: Raw<'a>) -> Self {
        let mut reader = raw.reader();
        let alone = reader.kind() != Kind::List;
        let walk = if alone { Walk::OVER } else { reader.open_list() };
        Self { reader, walk, alone }
    }

    /// Over the fields of a map.
    pub(crate) fn fields(raw: Raw<'a>) -> Self {
        let mut reader = raw.reader();
        let walk = reader.open_map(Shape::Map);
        Self { reader, walk, alone: false }
    }

    /// The next item of a list of texts; in the concise form the identifier of a target stands for its name.
    fn text(&mut self) -> Option<Str<'a>> {
        let r = &mut self.reader;
        let another = core::mem::take(&mut self.alone) || (r.sound() && r.more(&mut self.walk));
        if !another {
            return None;
        }
        let text = match r.concise() && r.kind() == Kind::Number {
            true => Str::new(target_name(r.integer())?),
            false => r.text(),
        };
        r.sound().then_some(text)
    }

    /// The next field of a map.
    pub(crate) fn field(&mut self) -> Option<(Key<'a>, Raw<'a>)> {
        let key = self.reader.key(&mut self.walk)?;
        let start = self.reader.begin();
        self.reader.spaced = false;
        self.reader.pass();
        self.reader.sound().then(|| (key, self.reader.since(start)))
    }
}

/// The name of the target with this identifier: of the language's and of profiles' that have one.
pub(crate) fn target_name(id: u64) -> Option<&'static str> {
    TargetKind::from_id(id).map(TargetKind::name).or_else(|| RegisteredTarget::from_id(id).map(RegisteredTarget::name))
}

/// The next string of a JSON list that was checked to hold strings only, and what follows it; of a lone string as well.
fn next_string<'a>(list: &mut &'a str) -> Option<Str<'a>> {
    let whole = *list;
    let bytes = whole.as_bytes();
    let start = bytes.iter().position(|byte| *byte == b'"')?.saturating_add(1);
    let (mut end, mut escaped) = (start, false);
    loop {
        end = end.saturating_add(plain(bytes, end));
        match bytes.get(end)? {
            b'"' => break,
            // Whatever is escaped, the byte behind the backslash isn't the string's end.
            _ => {
                escaped = true;
                end = end.saturating_add(2);
            }
        }
    }
    *list = whole.get(end.saturating_add(1)..)?;
    Some(Str::from_json(whole.get(start..end)?, escaped))
}

/// A list of strings: the caller's, or checked and still encoded in the input.
#[derive(Clone, Copy)]
pub struct Texts<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    Texts(&'a [Str<'a>]),
    Strs(&'a [&'a str]),
    Listed(&'a dyn List),
    Raw(Raw<'a>),
}

/// Names that stand in no slice.
pub(crate) trait List {
    /// The one at this place; `None` behind the last.
    fn at(&self, index: usize) -> Option<&str>;
}

impl<'a> Texts<'a> {
    /// A list without an item.
    pub const EMPTY: Self = Self(Repr::Texts(&[]));

    /// Names that stand in no slice.
    pub(crate) const fn listed(list: &'a dyn List) -> Self {
        Self(Repr::Listed(list))
    }

    /// A list that was checked to hold texts, or one text alone.
    pub(crate) const fn from_checked(raw: Raw<'a>) -> Self {
        Self(Repr::Raw(raw))
    }

    /// The list as it stands, if it came as one and as it would be written: without escapes that need not be.
    pub(crate) fn as_raw_list(&self) -> Option<Raw<'a>> {
        match self.0 {
            Repr::Raw(raw) => {
                let plain = match raw.0 {
                    Span::Json { text, .. } => text.starts_with('[') && !text.as_bytes().contains(&b'\\'),
                    Span::Cbor { bytes, .. } => bytes.first().is_some_and(|first| first >> 5 == 4),
                };
                plain.then_some(raw)
            }
            _ => None,
        }
    }

    /// The items. Reading them can't fail: they were checked when the message was read.
    pub fn iter(&self) -> TextsIter<'a> {
        TextsIter(match self.0 {
            Repr::Texts(texts) => IterRepr::Texts(texts.iter()),
            Repr::Strs(strs) => IterRepr::Strs(strs.iter()),
            Repr::Listed(list) => IterRepr::Listed { list, next: 0 },
            Repr::Raw(Raw(Span::Json { text, .. })) => IterRepr::Json(text),
            Repr::Raw(raw) => IterRepr::Raw(Steps::items(raw)),
        })
    }

    /// How many items there are, counted by walking over them.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether this text is one of them.
    pub fn contains(&self, text: &str) -> bool {
        self.iter().any(|item| item == text)
    }

    /// That no item stands twice.
    #[inline(never)]
    pub(crate) fn distinct(&self) -> Result<(), LanguageRule> {
        match self.0 {
            Repr::Texts(texts) => distinct(texts.len(), &|at| texts.get(at).copied().unwrap_or(Str::EMPTY).into()),
            Repr::Strs(strs) => distinct(strs.len(), &|at| Str::new(strs.get(at).copied().unwrap_or_default()).into()),
            Repr::Listed(list) => distinct(self.len(), &|at| Str::new(list.at(at).unwrap_or_default()).into()),
            Repr::Raw(raw) => {
                let mut places = Places::new(MAX_MEMBERS);
                let mut reader = raw.reader().with_places(&mut places);
                // One alone is not a list, and stands once.
                if reader.kind() == Kind::List {
                    let (mut walk, mut group) = (reader.open_list(), Group::NEW);
                    while reader.more(&mut walk) {
                        let at = reader.begin();
                        let item = match reader.concise() && reader.kind() == Kind::Number {
                            true => Item::Id(reader.integer()),
                            false => reader.text().into(),
                        };
                        reader.once(&mut group, item, at, LanguageRule::NotUnique);
                    }
                }
                reader.failed().map_or(Ok(()), |fail| Err(fail.rule))
            }
        }
    }
}

/// That of so many items none stands twice.
fn distinct<'a>(count: usize, item: &dyn Fn(usize) -> Item<'a>) -> Result<(), LanguageRule> {
    let (mut places, mut group) = (Places::new(MAX_MEMBERS), Group::NEW);
    (0..count).try_for_each(|at| places.add(&mut group, (item(at), at), Order::Bytes, item)).map_err(|why| match why {
        NotOnce::Twice => LanguageRule::NotUnique,
        NotOnce::TooMany => LanguageRule::TooMany,
    })
}

impl<'a> From<&'a [Str<'a>]> for Texts<'a> {
    fn from(texts: &'a [Str<'a>]) -> Self {
        Self(Repr::Texts(texts))
    }
}

impl<'a> From<&'a [&'a str]> for Texts<'a> {
    fn from(strs: &'a [&'a str]) -> Self {
        Self(Repr::Strs(strs))
    }
}

impl<'a, const N: usize> From<&'a [&'a str; N]> for Texts<'a> {
    fn from(strs: &'a [&'a str; N]) -> Self {
        Self(Repr::Strs(strs))
    }
}

impl<'a> IntoIterator for Texts<'a> {
    type Item = Str<'a>;
    type IntoIter = TextsIter<'a>;

    fn into_iter(self) -> TextsIter<'a> {
        self.iter()
    }
}

impl PartialEq for Texts<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Texts<'_> {}

impl fmt::Debug for Texts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The items of [`Texts`].
#[derive(Clone)]
pub struct TextsIter<'a>(IterRepr<'a>);

#[derive(Clone)]
enum IterRepr<'a> {
    Texts(core::slice::Iter<'a, Str<'a>>),
    Strs(core::slice::Iter<'a, &'a str>),
    Listed {
        list: &'a dyn List,
        next: usize,
    },
    /// What is left of a JSON list.
    Json(&'a str),
    Raw(Steps<'a>),
}

impl fmt::Debug for TextsIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<'a> Iterator for TextsIter<'a> {
    type Item = Str<'a>;

    fn next(&mut self) -> Option<Str<'a>> {
        match &mut self.0 {
            IterRepr::Texts(texts) => texts.next().copied(),
            IterRepr::Strs(strs) => strs.next().map(|text| Str::new(text)),
            IterRepr::Listed { list, next } => {
                let text = list.at(*next)?;
                *next = next.saturating_add(1);
                Some(Str::new(text))
            }
            IterRepr::Json(list) => next_string(list),
            IterRepr::Raw(steps) => steps.text(),
        }
    }
}

/// An action and the targets it can act on (LS1 s3.4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The action.
    pub action: Action,
    /// The names of targets, those of profiles as `profile:name`.
    pub targets: Texts<'a>,
}

/// Action-target pairs (LS1 s3.4.2.1): the caller's, or checked and still encoded in the input.
#[derive(Clone, Copy)]
pub struct Pairs<'a>(PairsRepr<'a>);

#[derive(Clone, Copy)]
enum PairsRepr<'a> {
    Slice(&'a [Pair<'a>]),
    /// With `query features`, unless an action of the slice is `query`.
    Querying(&'a [Pair<'a>]),
    Raw(Raw<'a>),
}

impl<'a> Pairs<'a> {
    /// These pairs, and that of `query features`, which every Consumer has (LS1 s4.1), unless `query` is among them.
    pub const fn with_query_features(pairs: &'a [Pair<'a>]) -> Self {
        Self(PairsRepr::Querying(pairs))
    }

    pub(crate) const fn from_checked(raw: Raw<'a>) -> Self {
        Self(PairsRepr::Raw(raw))
    }

    /// The pairs, one for each action; where a message groups them by profile (v2.0 draft), one for each action of each group.
    pub fn iter(&self) -> PairsIter<'a> {
        PairsIter(match self.0 {
            PairsRepr::Slice(pairs) => PairsIterRepr::Slice(pairs.iter(), false),
            PairsRepr::Querying(pairs) => {
                PairsIterRepr::Slice(pairs.iter(), !pairs.iter().any(|pair| pair.action == Action::Query))
            }
            PairsRepr::Raw(raw) => PairsIterRepr::Raw { all: Steps::fields(raw), group: None },
        })
    }

    /// The pairs with the profile under which each stands, if it does.
    pub(crate) fn grouped(&self) -> impl Iterator<Item = (Option<Str<'a>>, Pair<'a>)> + use<'a> {
        let mut pairs = self.iter();
        core::iter::from_fn(move || {
            let pair = pairs.next()?;
            let PairsIterRepr::Raw { group, .. } = &pairs.0 else { return Some((None, pair)) };
            Some((group.as_ref().map(|(profile, _)| *profile), pair))
        })
    }

    /// The map in which they stand, if some of them do under a profile.
    pub(crate) fn grouped_in(&self) -> Option<Raw<'a>> {
        let PairsRepr::Raw(raw) = self.0 else { return None };
        self.grouped().any(|(profile, _)| profile.is_some()).then_some(raw)
    }

    /// Whether this action can act on a target of this name.
    pub fn contains(&self, action: Action, target: &str) -> bool {
        self.iter().any(|pair| pair.action == action && pair.targets.contains(target))
    }
}

impl<'a> From<&'a [Pair<'a>]> for Pairs<'a> {
    fn from(pairs: &'a [Pair<'a>]) -> Self {
        Self(PairsRepr::Slice(pairs))
    }
}

impl PartialEq for Pairs<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Pairs<'_> {}

impl fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The items of [`Pairs`].
#[derive(Clone)]
pub struct PairsIter<'a>(PairsIterRepr<'a>);

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "nothing can be boxed, and it is walked through where it lies")]
enum PairsIterRepr<'a> {
    /// The rest, and whether `query features` follows.
    Slice(core::slice::Iter<'a, Pair<'a>>, bool),
    Raw {
        all: Steps<'a>,
        /// The profile that is being walked through.
        group: Option<(Str<'a>, Steps<'a>)>,
    },
}

impl fmt::Debug for PairsIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<'a> Iterator for PairsIter<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        match &mut self.0 {
            PairsIterRepr::Slice(pairs, query) => pairs.next().copied().or_else(|| {
                core::mem::take(query).then(|| Pair { action: Action::Query, targets: Texts::from(&["features"]) })
            }),
            PairsIterRepr::Raw { all, group } => loop {
                if let Some((_, pairs)) = group {
                    match pairs.field() {
                        Some((key, raw)) => return Some(Pair { action: key.of()?, targets: Texts::from_checked(raw) }),
                        None => *group = None,
                    }
                }
                let (key, raw) = all.field()?;
                if let Some(action) = key.of() {
                    return Some(Pair { action, targets: Texts::from_checked(raw) });
                }
                let profile = match key {
                    Key::Name(name) => name,
                    Key::Id(id) => Str::new(RegisteredProfile::from_id(id)?.name()),
                };
                *group = Some((profile, Steps::fields(raw)));
            },
        }
    }
}

impl<'a> Value<'a> for Texts<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self::EMPTY
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        *self = read_list(r);
    }
}

impl Write for Texts<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        out.texts(*self);
    }
}

/// Reads a list of texts, which may be empty.
pub(crate) fn read_list<'a>(r: &mut Reader<'a, '_>) -> Texts<'a> {
    read_each(r, |_, _| {})
}

/// Reads a list of texts and looks at each.
pub(crate) fn read_each<'a>(r: &mut Reader<'a, '_>, mut look: impl FnMut(&mut Reader<'a, '_>, Str<'a>)) -> Texts<'a> {
    Texts::from_checked(r.span(|r| {
        let mut walk = r.open_list();
        while r.more(&mut walk) {
            let text = r.text();
            look(r, text);
        }
    }))
}

/// Reads a list of texts, at least one, all different.
pub(crate) fn read_texts<'a>(r: &mut Reader<'a, '_>, empty: LanguageRule) -> Texts<'a> {
    let (at, mut any) = (r.at, false);
    let texts = read_different(r, |_, _| any = true);
    r.require(any, at, empty);
    texts
}

/// Reads a list of texts that are all different, and looks at each.
pub(crate) fn read_different<'a>(
    r: &mut Reader<'a, '_>,
    mut look: impl FnMut(&mut Reader<'a, '_>, Str<'a>),
) -> Texts<'a> {
    Texts::from_checked(r.span(|r| {
        let (mut walk, mut group) = (r.open_list(), Group::NEW);
        while r.more(&mut walk) {
            let text = r.different(&mut group);
            look(r, text);
        }
        r.leave(&group);
    }))
}

impl Writer<'_> {
    /// A list of texts.
    pub(crate) fn texts(&mut self, texts: Texts<'_>) {
        if let Some(raw) = texts.as_raw_list()
            && self.as_it_came(raw)
        {
            return;
        }
        let mut frame = self.open_list();
        for text in texts {
            self.item(&mut frame);
            self.text(text);
        }
        self.close(frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_json_is_walked_string_by_string() {
        for (json, items) in [
            ("[]", &[][..]),
            ("[\"\"]", &[""]),
            ("[ \"a\" , \"b c\"\n]", &["a", "b c"]),
            (r#"["a\\","\"b\"","\u0041,]"]"#, &["a\\", "\"b\"", "A,]"]),
            ("[\"twenty characters, ü\",\"\",\"x\"]", &["twenty characters, ü", "", "x"]),
            ("\"alone\"", &["alone"]),
        ] {
            let texts = Texts::from_checked(Raw::from_json(json).unwrap());
            assert!(texts.iter().eq(items.iter().map(|item| Str::new(item))), "{json}: {texts:?}");
        }
    }
}
