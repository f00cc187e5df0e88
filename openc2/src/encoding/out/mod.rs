//! Writing: one set of calls that comes out as JSON, as CBOR with names, or in the concise form of JADN s4.4.
//!
//! Length is encoding: what finds no room is still counted, and a rule broken on the way is kept until the end.

mod leaf;
mod raw;

use core::fmt;

use crate::encoding::error::{EncodeError, LanguageRule};
use crate::encoding::mode::{Encoding, Form, Language};
use crate::encoding::name::{Name, Vocabulary};
use crate::encoding::source::plain;
use crate::encoding::source::{Part, Reader, Shape};
use crate::encoding::text::{self, Str};

/// A form and a language version to write in.
#[derive(Clone, Copy, Default)]
pub struct Style {
    /// The layout.
    pub form: Form,
    /// The language version.
    pub language: Language,
    /// The types of profiles' values: they check a value, and write it in another form than it stands in.
    types: Option<&'static dyn Rewrite>,
}

impl Style {
    /// Without the types of any profile.
    pub const fn new(form: Form, language: Language) -> Self {
        Self { form, language, types: None }
    }

    pub(crate) const fn with_types(self, types: &'static dyn Rewrite) -> Self {
        Self { types: Some(types), ..self }
    }
}

impl fmt::Debug for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Style").field("form", &self.form).field("language", &self.language).finish_non_exhaustive()
    }
}

impl From<Form> for Style {
    fn from(form: Form) -> Self {
        Self { form, ..Self::default() }
    }
}

impl From<Encoding> for Style {
    fn from(encoding: Encoding) -> Self {
        Form::from(encoding).into()
    }
}

/// Writes values as their types do, by the namespace under which they stand.
pub(crate) trait Rewrite: Sync {
    /// Whether a target of this name may be written: its profile defines it, or isn't known here.
    fn may_have(&self, namespace: Str<'_>, target: Str<'_>) -> bool;

    /// Writes the value that comes next in the reader, if this namespace is known here; `false` if not.
    fn rewrite(&self, namespace: Str<'_>, part: Part<'_>, r: &mut Reader<'_, '_>, out: &mut Writer<'_>) -> bool;
}

/// A message on its way into a caller's buffer.
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    at: usize,
    style: Style,
    depth: u8,
    refused: Option<LanguageRule>,
}

/// A map, record or list that is being written.
pub struct Frame {
    start: usize,
    count: u32,
    kind: FrameKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Map,
    Record,
    List,
}

impl<'b> Writer<'b> {
    pub(crate) fn new(buffer: &'b mut [u8], style: Style) -> Self {
        Self { buffer, at: 0, style, depth: 0, refused: None }
    }

    /// How many bytes were written, if all of them were and no rule was broken.
    pub(crate) fn finish(self) -> Result<usize, EncodeError> {
        match self.refused {
            Some(rule) => Err(EncodeError::Refused(rule)),
            None if self.at > self.buffer.len() => Err(EncodeError::Full { need: self.at }),
            None => Ok(self.at),
        }
    }

    /// The types of what profiles add.
    pub(crate) const fn types(&self) -> Option<&'static dyn Rewrite> {
        self.style.types
    }

    /// Whether it is the draft of v2.0.
    pub const fn v2(&self) -> bool {
        matches!(self.style.language, Language::V2_0)
    }

    /// Whether the form is the concise one: identifiers for names, bytes for formats of text.
    pub const fn concise(&self) -> bool {
        matches!(self.style.form, Form::Concise)
    }

    const fn json(&self) -> bool {
        matches!(self.style.form, Form::Json)
    }

    /// One level further into what refers to itself; `false` at the bottom.
    pub(crate) const fn deeper(&mut self) -> bool {
        let may = self.depth < crate::encoding::raw::DEPTH;
        self.depth = self.depth.saturating_add(may as u8);
        may
    }

    /// One level back.
    pub(crate) const fn shallower(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Keeps the first rule that is broken.
    pub fn refuse(&mut self, rule: LanguageRule) {
        self.refused.get_or_insert(rule);
    }

    /// Refuses the message unless `holds`.
    pub fn require(&mut self, holds: bool, rule: LanguageRule) {
        if !holds {
            self.refuse(rule);
        }
    }

    /// Refuses for the rule that was found broken.
    pub(crate) fn require_all(&mut self, found: Result<(), LanguageRule>) {
        if let Err(rule) = found {
            self.refuse(rule);
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let end = self.at.saturating_add(bytes.len());
        if let Some(room) = self.buffer.get_mut(self.at..end) {
            text::copy(room, bytes);
        }
        self.at = end;
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn byte(&mut self, byte: u8) {
        if let Some(room) = self.buffer.get_mut(self.at) {
            *room = byte;
        }
        self.at = self.at.saturating_add(1);
    }

    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        match (u8::try_from(argument), u16::try_from(argument), u32::try_from(argument)) {
            (Ok(small @ 0..=23), ..) => self.put(&[major | small]),
            (Ok(byte), ..) => self.put(&[major | 24, byte]),
            (_, Ok(two), _) => {
                self.put(&[major | 25]);
                self.put(&two.to_be_bytes());
            }
            (.., Ok(four)) => {
                self.put(&[major | 26]);
                self.put(&four.to_be_bytes());
            }
            _ => {
                self.put(&[major | 27]);
                self.put(&argument.to_be_bytes());
            }
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn begin(&mut self, kind: FrameKind) -> Frame {
        let start = self.at;
        self.byte(match (self.json(), kind) {
            (true, FrameKind::List) => b'[',
            (true, _) => b'{',
            (false, FrameKind::Map) => 0xA0,
            (false, _) => 0x80,
        });
        Frame { start, count: 0, kind }
    }

    /// Begins a set of fields.
    pub fn open(&mut self, shape: Shape) -> Frame {
        self.begin(if shape == Shape::Record && self.concise() { FrameKind::Record } else { FrameKind::Map })
    }

    /// Begins a list.
    pub fn open_list(&mut self) -> Frame {
        self.begin(FrameKind::List)
    }

    /// Ends a set of fields or a list.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn close(&mut self, frame: Frame) {
        if self.json() {
            return self.byte(if frame.kind == FrameKind::List { b']' } else { b'}' });
        }
        self.count(&frame);
    }

    /// Writes how many items there were where they begin.
    #[inline(never)]
    fn count(&mut self, frame: &Frame) {
        let major = if frame.kind == FrameKind::Map { 0xA0 } else { 0x80 };
        let Ok(count) = u8::try_from(frame.count) else { return self.widen(frame, major) };
        match (count, self.buffer.get_mut(frame.start)) {
            (0..=23, Some(first)) => *first = major | count,
            (0..=23, None) => {}
            _ => self.widen(frame, major),
        }
    }

    /// Makes room for the longer head that more than 23 items take.
    fn widen(&mut self, frame: &Frame, major: u8) {
        let count = frame.count.to_be_bytes();
        let (first, count) = match frame.count {
            0..=0xFF => (24, count.get(3..)),
            0x100..=0xFFFF => (25, count.get(2..)),
            _ => (26, count.get(..)),
        };
        let count = count.unwrap_or_default();
        let (from, end) = (frame.start.saturating_add(1), self.at);
        self.at = end.saturating_add(count.len());
        let Some(room) = self.buffer.get_mut(from..self.at) else { return };
        make_room(room, end.saturating_sub(from), count.len());
        for (byte, digit) in room.iter_mut().zip(count) {
            *byte = *digit;
        }
        if let Some(byte) = self.buffer.get_mut(frame.start) {
            *byte = major | first;
        }
    }

    pub(crate) fn comma(&mut self, frame: &mut Frame) {
        if frame.count > 0 && self.json() {
            self.byte(b',');
        }
        frame.count = frame.count.saturating_add(1);
    }

    /// Begins a field; its value is written next. Fields of a [`Record`](Shape::Record) go in the order of their identifiers; one
    /// that is late is refused in the concise form.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn field<V: Vocabulary>(&mut self, frame: &mut Frame, field: V) {
        self.entry(frame, field.entry());
    }

    /// Begins the field that this line of a table names.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn entry(&mut self, frame: &mut Frame, name: &Name) {
        if frame.kind == FrameKind::Record {
            return self.place(frame, name.id);
        }
        let first = frame.count == 0;
        frame.count = frame.count.saturating_add(1);
        match self.style.form {
            // Each of them of a length that is known where this is compiled into its caller.
            Form::Json if first => self.put(name.key(true)),
            Form::Json => self.put(name.key(false)),
            Form::Cbor => self.simple(name.name().as_bytes()),
            Form::Concise => self.head(0, u64::from(name.id)),
        }
    }

    /// Begins a field of a record. They are told by their place, so those left out before this one are written as null.
    #[inline(never)]
    fn place(&mut self, frame: &mut Frame, id: u16) {
        // At the next place it would be read as another field.
        self.require(frame.count < u32::from(id), LanguageRule::RecordOrder);
        while frame.count.saturating_add(1) < u32::from(id) {
            self.byte(0xF6);
            frame.count = frame.count.saturating_add(1);
        }
        frame.count = frame.count.saturating_add(1);
    }

    /// Begins a field of this name; the concise form has no identifier for it.
    pub(crate) fn named(&mut self, frame: &mut Frame, name: Str<'_>) {
        self.comma(frame);
        if self.concise() {
            self.refuse(LanguageRule::ConciseExtension);
        }
        self.text(name);
        self.colon();
    }

    pub(crate) fn colon(&mut self) {
        if self.json() {
            self.byte(b':');
        }
    }

    /// Begins a field of this identifier, which only the concise form has.
    pub(crate) fn identified(&mut self, frame: &mut Frame, id: u64) {
        self.comma(frame);
        self.head(0, id);
    }

    /// Begins an item; it is written next.
    pub fn item(&mut self, frame: &mut Frame) {
        self.comma(frame);
    }

    /// A string.
    pub(crate) fn str(&mut self, text: &str) {
        if !self.json() {
            return self.cbor_str(text.as_bytes());
        }
        if plain(text.as_bytes(), 0) < text.len() {
            self.byte(b'"');
            self.escaped(text.as_bytes());
            return self.byte(b'"');
        }
        self.quoted(text.as_bytes());
    }

    /// A string of which every byte can stand in JSON as it is.
    pub(crate) fn simple(&mut self, text: &[u8]) {
        if self.json() { self.quoted(text) } else { self.cbor_str(text) }
    }

    /// A text of CBOR; most have a head of one byte.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn cbor_str(&mut self, text: &[u8]) {
        match u8::try_from(text.len()) {
            Ok(short @ 0..=23) => self.byte(0x60 | short),
            _ => self.head(3, text.len() as u64),
        }
        self.put(text);
    }

    fn quoted(&mut self, text: &[u8]) {
        let end = self.at.saturating_add(text.len()).saturating_add(2);
        if let Some([before, room @ .., after]) = self.buffer.get_mut(self.at..end) {
            (*before, *after) = (b'"', b'"');
            text::copy(room, text);
        }
        self.at = end;
    }

    /// A string, its escapes undone and, in JSON, those made that must be.
    pub fn text(&mut self, text: Str<'_>) {
        if let Some(plain) = text.as_plain() {
            return self.str(plain);
        }
        self.quote(text.len());
        for c in text.chars() {
            let (bytes, length) = text::utf8(c);
            let c = bytes.get(..length).unwrap_or_default();
            if self.json() { self.escaped(c) } else { self.put(c) }
        }
        self.unquote();
    }

    #[cold]
    fn escaped(&mut self, text: &[u8]) {
        let mut rest = text;
        loop {
            let Some((plain, tail)) = rest.split_at_checked(plain(rest, 0)) else { return };
            self.put(plain);
            let Some((special, tail)) = tail.split_first() else { return };
            match special {
                b'\n' => self.put(b"\\n"),
                b'\r' => self.put(b"\\r"),
                b'\t' => self.put(b"\\t"),
                b'"' | b'\\' => self.put(&[b'\\', *special]),
                control => self.put(&[b'\\', b'u', b'0', b'0', leaf::hex(control >> 4), leaf::hex(control & 15)]),
            }
            rest = tail;
        }
    }

    /// One of a closed set of names.
    pub fn one_of<V: Vocabulary>(&mut self, value: V) {
        let name = value.entry();
        if self.concise() { self.head(0, u64::from(name.id)) } else { self.simple(name.name().as_bytes()) }
    }

    /// Begins a string of this many bytes that need no escape.
    pub(crate) fn quote(&mut self, length: usize) {
        if self.json() { self.byte(b'"') } else { self.head(3, length as u64) }
    }

    /// Ends a string.
    pub(crate) fn unquote(&mut self) {
        if self.json() {
            self.byte(b'"');
        }
    }
}

/// Moves so many bytes by a few places towards the end.
fn make_room(room: &mut [u8], length: usize, by: usize) {
    if cfg!(target_pointer_width = "64") {
        if length.checked_add(by).is_some_and(|end| end <= room.len()) {
            room.copy_within(..length, by);
        }
        return;
    }
    // Where flash is dear, as one loop; from the end on, so that nothing is overwritten before it has moved.
    let mut left = length;
    while let Some(last) = left.checked_sub(1) {
        let byte = room.get(last).copied().unwrap_or(0);
        if let Some(place) = room.get_mut(last.saturating_add(by)) {
            *place = byte;
        }
        left = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Raw;

    fn write(form: Form, body: impl Fn(&mut Writer<'_>)) -> ([u8; 400], usize) {
        let mut buffer = [0; 400];
        let mut out = Writer::new(&mut buffer, form.into());
        body(&mut out);
        let length = out.finish().unwrap();
        let mut none = [];
        let mut out = Writer::new(&mut none, form.into());
        body(&mut out);
        assert_eq!(out.finish(), Err(EncodeError::Full { need: length }));
        (buffer, length)
    }

    #[test]
    fn a_raw_value_changes_its_form_and_nothing_else() {
        let json = r#"{"a":[1,-2,0.5,true,false,null,"x\"\u0001é"],"b":{}}"#;
        let cbor = b"\xA2\x61a\x87\x01\x21\xFB\x3F\xE0\0\0\0\0\0\0\xF5\xF4\xF6\x65x\"\x01\xC3\xA9\x61b\xA0";
        let (buffer, length) = write(Form::Cbor, |out| out.raw(Raw::from_json(json).unwrap()));
        assert_eq!(&buffer[..length], cbor);
        let (buffer, length) = write(Form::Json, |out| out.raw(Raw::from_cbor(cbor).unwrap()));
        assert_eq!(core::str::from_utf8(&buffer[..length]), Ok(json));
        let (buffer, length) = write(Form::Json, |out| out.raw(Raw::from_json(" { \"a\" : [ 1 , 2 ] } ").unwrap()));
        assert_eq!(core::str::from_utf8(&buffer[..length]), Ok(r#"{"a":[1,2]}"#));
    }

    #[test]
    fn a_long_list_gets_a_longer_head() {
        let (buffer, length) = write(Form::Cbor, |out| {
            let mut frame = out.open_list();
            for _ in 0..300 {
                out.item(&mut frame);
                out.integer(7);
            }
            out.close(frame);
        });
        assert_eq!(&buffer[..4], &[0x99, 0x01, 0x2C, 7]);
        assert_eq!(length, 303);
        let (buffer, length) = write(Form::Cbor, |out| {
            let mut frame = out.open_list();
            for _ in 0..24 {
                out.item(&mut frame);
                out.integer(7);
            }
            out.close(frame);
        });
        assert_eq!((&buffer[..3], length), (&[0x98, 24, 7][..], 26));
    }

    #[test]
    fn bytes_become_text() {
        for (bytes, text) in
            [(&b""[..], "\"\""), (b"f", "\"Zg\""), (b"fo", "\"Zm8\""), (b"foo", "\"Zm9v\""), (&[0xFB, 0xFF], "\"-_8\"")]
        {
            let (buffer, length) = write(Form::Json, |out| out.base64(bytes.len(), bytes.iter().copied()));
            assert_eq!(core::str::from_utf8(&buffer[..length]), Ok(text));
            write(Form::Cbor, |out| out.base64(bytes.len(), bytes.iter().copied()));
        }
    }
}
