//! Values of profiles, as they stand or in another form.

use super::Writer;
use crate::Form;
use crate::encoding::error::LanguageRule;
use crate::encoding::raw::{Raw, Span};
use crate::encoding::source::{Key, Kind, Reader, Shape};

impl Writer<'_> {
    /// Writes a value that was checked as it came, if it came in this form.
    pub(crate) fn as_it_came(&mut self, raw: Raw<'_>) -> bool {
        match (raw.0, self.style.form) {
            (Span::Json { text, compact: true }, Form::Json) => self.put(text.as_bytes()),
            (Span::Cbor { bytes, concise: false }, Form::Cbor) => self.put(bytes),
            _ => return false,
        }
        true
    }

    /// A value of a profile's, as it stands but in this form.
    pub(crate) fn raw(&mut self, raw: Raw<'_>) {
        if self.concise() || raw.form() == Form::Concise {
            // Which identifiers its fields have, only its profile knows.
            return self.refuse(LanguageRule::ConciseExtension);
        }
        if self.as_it_came(raw) {
            return;
        }
        let mut reader = raw.reader();
        self.value(&mut reader);
        if let Some(fail) = reader.failed() {
            self.refuse(fail.rule);
        }
    }

    fn value(&mut self, r: &mut Reader<'_, '_>) {
        match r.kind() {
            Kind::Null => {
                r.null();
                self.put(if self.json() { b"null" } else { &[0xF6] });
            }
            Kind::Boolean => {
                let value = r.boolean();
                self.boolean(value);
            }
            Kind::Number => {
                let numeral = r.numeral();
                self.numeral(numeral);
            }
            Kind::Text => {
                let text = r.text();
                self.text(text);
            }
            Kind::Bytes => {
                let bytes = r.bytes();
                if self.json() {
                    self.base64(bytes.len(), bytes.iter().copied())
                } else {
                    self.bytes(bytes.len(), bytes.iter().copied())
                }
            }
            Kind::List => {
                let mut frame = self.open_list();
                let mut walk = r.open_list();
                while r.more(&mut walk) {
                    self.item(&mut frame);
                    self.value(r);
                }
                self.close(frame);
            }
            Kind::Map => {
                let mut frame = self.open(Shape::Map);
                let mut walk = r.open_map(Shape::Map);
                while let Some(key) = r.key(&mut walk) {
                    match key {
                        Key::Name(name) => self.named(&mut frame, name),
                        Key::Id(_) => self.refuse(LanguageRule::ConciseExtension),
                    }
                    self.value(r);
                }
                self.close(frame);
            }
            Kind::Broken => {}
        }
    }
}
