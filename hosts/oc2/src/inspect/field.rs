//! One field of a packet, and the cursor that cuts a packet into them. Nothing is judged here: that is the codec's part.

use serde_json::{Value, json};

/// A field: where it stands, what it is called and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    /// Where it begins, in bytes from the packet's first.
    pub(crate) at: usize,
    pub(crate) len: usize,
    /// How deep it stands: properties are inside of their length.
    pub(crate) depth: usize,
    pub(crate) name: &'static str,
    /// What it says, for programs.
    pub(crate) value: Value,
    /// What it says, for people.
    pub(crate) says: String,
    /// What its bits mean, each with its mask.
    pub(crate) bits: Vec<(u8, String)>,
    /// Whether its bytes are nobody's business.
    pub(crate) secret: bool,
}

/// The packet ends inside a field.
#[derive(Debug)]
pub(crate) struct Short;

/// Reads a packet from its front, and notes what it read.
#[derive(Debug)]
pub(crate) struct Cursor<'p> {
    packet: &'p [u8],
    at: usize,
    /// Where the part that is read now ends.
    end: usize,
    depth: usize,
    pub(crate) fields: Vec<Field>,
}

type Read<T> = Result<T, Short>;

impl<'p> Cursor<'p> {
    pub(crate) const fn new(packet: &'p [u8]) -> Self {
        Self { packet, at: 0, end: packet.len(), depth: 0, fields: Vec::new() }
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn left(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// What is left, without taking it.
    pub(crate) fn rest(&self) -> &'p [u8] {
        self.packet.get(self.at..self.end).unwrap_or_default()
    }

    /// Notes a field that reaches from `from` to here.
    pub(crate) fn note(&mut self, from: usize, name: &'static str, value: Value, says: String) {
        let len = self.at.saturating_sub(from);
        self.fields.push(Field {
            at: from,
            len,
            depth: self.depth,
            name,
            value,
            says,
            bits: Vec::new(),
            secret: false,
        });
    }

    /// Says what the bits of the field noted last mean.
    pub(crate) fn bits(&mut self, bits: Vec<(u8, String)>) {
        if let Some(field) = self.fields.last_mut() {
            field.bits = bits;
        }
    }

    /// Hides the bytes of the field noted last.
    pub(crate) fn hide(&mut self) {
        if let Some(field) = self.fields.last_mut() {
            field.secret = true;
        }
    }

    /// Hides the bytes of the field noted last, and says so.
    pub(crate) fn withhold(&mut self) {
        self.hide();
        if let Some(field) = self.fields.last_mut() {
            field.value = Value::Null;
            field.says.push_str(", not shown");
        }
    }

    /// The next `len` bytes; if they are not there, what there is becomes a field that says so.
    pub(crate) fn take(&mut self, len: usize, name: &'static str) -> Read<&'p [u8]> {
        let from = self.at;
        if let Some(bytes) = self.rest().get(..len) {
            self.at += len;
            return Ok(bytes);
        }
        let there = self.left();
        self.at = self.end;
        self.note(from, name, Value::Null, format!("cut short: {there} of {len} bytes"));
        Err(Short)
    }

    pub(crate) fn u8(&mut self, name: &'static str) -> Read<u8> {
        self.take(1, name).map(|bytes| bytes.first().copied().unwrap_or_default())
    }

    pub(crate) fn u16(&mut self, name: &'static str) -> Read<u16> {
        self.take(2, name).map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte)))
    }

    pub(crate) fn u32(&mut self, name: &'static str) -> Read<u32> {
        self.take(4, name).map(|bytes| bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    /// What was cut short has begun at `from`.
    pub(crate) fn stretch(&mut self, from: usize) {
        if let Some(field) = self.fields.last_mut() {
            field.len += field.at.saturating_sub(from);
            field.at = from;
        }
    }

    /// A variable byte integer of at most four bytes.
    pub(crate) fn varint(&mut self, name: &'static str) -> Read<u32> {
        let from = self.at;
        let mut value = 0;
        for place in 0..4 {
            let Ok(byte) = self.u8(name) else {
                self.stretch(from);
                return Err(Short);
            };
            value |= u32::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Ok(value)
    }

    /// Bytes after their length.
    pub(crate) fn bytes(&mut self, name: &'static str) -> Read<&'p [u8]> {
        let from = self.at;
        let len = usize::from(self.u16(name)?);
        if self.left() < len {
            // Told as one field, with its length.
            self.at = from;
            self.take(len + 2, name)?;
        }
        self.take(len, name)
    }

    /// A string after its length, as one field.
    pub(crate) fn text(&mut self, name: &'static str) -> Read<&'p [u8]> {
        let from = self.at;
        let bytes = self.bytes(name)?;
        self.note(from, name, text_value(bytes), quoted(bytes));
        Ok(bytes)
    }

    /// Reads a part of so many bytes, of which nothing is left when it was read.
    pub(crate) fn within(&mut self, len: usize, read: impl FnOnce(&mut Self) -> Read<()>) -> Read<()> {
        let outer = self.end;
        let inner = self.at.saturating_add(len);
        self.end = inner.min(outer);
        self.depth += 1;
        let whole = read(self);
        if whole.is_ok() {
            self.left_over();
        }
        self.depth -= 1;
        self.end = outer;
        if inner > outer { Err(Short) } else { whole }
    }

    /// Notes what is left of the part as bytes that nobody asked for, and says whether there are any.
    pub(crate) fn left_over(&mut self) -> bool {
        let (from, left) = (self.at, self.left());
        if left > 0 {
            self.at = self.end;
            self.note(from, "not explained", Value::Null, format!("{left} bytes that belong to no field"));
        }
        left > 0
    }
}

/// A string for programs; null if it is none.
pub(crate) fn text_value(bytes: &[u8]) -> Value {
    core::str::from_utf8(bytes).map_or(Value::Null, |text| json!(text))
}

/// A string for people, in quotes, without what could command a terminal.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) => format!("\"{}\"", text.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"")),
        Err(error) => format!("not UTF-8 from its byte {} on: \"{}\"", error.valid_up_to(), bytes.escape_ascii()),
    }
}
