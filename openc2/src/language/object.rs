//! Targets made of several fields: artifact, device, file and process (LS1 s3.4.1).

use core::fmt;

use crate::encoding::error::LanguageRule;
use crate::encoding::out::Writer;
use crate::encoding::raw::Raw;
use crate::encoding::source::{Kind, Reader, Shape};
use crate::encoding::text::Str;
use crate::encoding::value::{Value, Write, text_of, write_text};
use crate::language::binary::{Binary, Hashes};
use crate::language::formats;
use crate::language::idn;
use crate::language::vocabulary::{ArtifactKey, ArtifactKeyV2, DeviceKey, FileKey, PayloadKey, ProcessKey};

/// The bytes of an artifact, or where they are (LS1 s3.4.2.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// The bytes.
    Bin(Binary<'a>),
    /// A URI where they can be fetched.
    Url(Str<'a>),
}

impl<'a> Value<'a> for Payload<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self::Url(Str::EMPTY)
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        match members.only(r, LanguageRule::Payload) {
            Some(PayloadKey::Url) => *self = Self::Url(text_of(r, formats::uri, LanguageRule::Uri)),
            Some(PayloadKey::Bin) => {
                let at = r.at;
                let bytes = match r.kind() {
                    Kind::Bytes => Some(Binary::new(r.bytes())),
                    _ => Binary::from_base64(r.text_unless_concise(LanguageRule::WantBinary)),
                };
                match bytes {
                    Some(bytes) => *self = Self::Bin(bytes),
                    None => r.fail_at(at, LanguageRule::Base64),
                }
            }
            None => return r.fail_at(members.key_at(), LanguageRule::Payload),
        }
        members.end(r, LanguageRule::Payload);
    }
}

impl Write for Payload<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        match self {
            Self::Bin(bytes) => {
                out.field(&mut frame, PayloadKey::Bin);
                if out.concise() { out.bytes(bytes.len(), bytes.iter()) } else { out.base64(bytes.len(), bytes.iter()) }
            }
            Self::Url(url) => {
                out.field(&mut frame, PayloadKey::Url);
                write_text(out, *url, formats::uri, LanguageRule::Uri);
            }
        }
        out.close(frame);
    }
}

/// Bytes that represent a file or part of one (LS1 s3.4.1.1): at least one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Artifact<'a> {
    /// The media type, as IANA registers it; `media_type` in the v2.0 draft.
    pub mime_type: Option<Str<'a>>,
    /// The bytes, or where they are.
    pub payload: Option<Payload<'a>>,
    /// Hashes of the bytes.
    pub hashes: Option<Hashes<'a>>,
}

impl<'a> Value<'a> for Artifact<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self { mime_type: None, payload: None, hashes: None }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Record);
        loop {
            let key = if r.v2() {
                members.only(r, LanguageRule::UnknownKey).map(|key| match key {
                    ArtifactKeyV2::MediaType => ArtifactKey::MimeType,
                    ArtifactKeyV2::Payload => ArtifactKey::Payload,
                    ArtifactKeyV2::Hashes => ArtifactKey::Hashes,
                })
            } else {
                members.only(r, LanguageRule::UnknownKey)
            };
            match key {
                None => break,
                Some(ArtifactKey::MimeType) => self.mime_type = Some(r.text()),
                Some(ArtifactKey::Payload) => self.payload = Some(Payload::read(r)),
                Some(ArtifactKey::Hashes) => self.hashes = Some(Hashes::read(r)),
            }
        }
        members.filled(r, LanguageRule::EmptyTarget);
    }
}

impl Write for Artifact<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Record);
        out.require(
            self.mime_type.is_some() || self.payload.is_some() || self.hashes.is_some(),
            LanguageRule::EmptyTarget,
        );
        if let Some(mime_type) = self.mime_type {
            if out.v2() {
                out.field(&mut frame, ArtifactKeyV2::MediaType)
            } else {
                out.field(&mut frame, ArtifactKey::MimeType)
            }
            out.text(mime_type);
        }
        if let Some(payload) = &self.payload {
            out.field(&mut frame, ArtifactKey::Payload);
            payload.write(out);
        }
        if let Some(hashes) = &self.hashes {
            out.field(&mut frame, ArtifactKey::Hashes);
            hashes.write(out);
        }
        out.close(frame);
    }
}

/// A device (LS1 s3.4.1.2): at least one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Device<'a> {
    /// A host name.
    pub hostname: Option<Str<'a>>,
    /// An internationalized host name.
    pub idn_hostname: Option<Str<'a>>,
    /// An identifier within the organisation.
    pub device_id: Option<Str<'a>>,
}

impl<'a> Value<'a> for Device<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self { hostname: None, idn_hostname: None, device_id: None }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        while let Some(key) = members.only(r, LanguageRule::UnknownKey) {
            let (slot, text) = match key {
                DeviceKey::Hostname => (&mut self.hostname, text_of(r, formats::hostname, LanguageRule::Hostname)),
                DeviceKey::IdnHostname => {
                    (&mut self.idn_hostname, text_of(r, idn::hostname, LanguageRule::IdnHostname))
                }
                DeviceKey::DeviceId => (&mut self.device_id, r.text()),
            };
            *slot = Some(text);
        }
        members.filled(r, LanguageRule::EmptyTarget);
    }
}

impl Write for Device<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        out.require(
            self.hostname.is_some() || self.idn_hostname.is_some() || self.device_id.is_some(),
            LanguageRule::EmptyTarget,
        );
        if let Some(hostname) = self.hostname {
            out.field(&mut frame, DeviceKey::Hostname);
            write_text(out, hostname, formats::hostname, LanguageRule::Hostname);
        }
        if let Some(hostname) = self.idn_hostname {
            out.field(&mut frame, DeviceKey::IdnHostname);
            write_text(out, hostname, idn::hostname, LanguageRule::IdnHostname);
        }
        if let Some(id) = self.device_id {
            out.field(&mut frame, DeviceKey::DeviceId);
            out.text(id);
        }
        out.close(frame);
    }
}

/// A file (LS1 s3.4.1.6): at least one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct File<'a> {
    /// The name, without its path.
    pub name: Option<Str<'a>>,
    /// The absolute path.
    pub path: Option<Str<'a>>,
    /// Hashes of its bytes.
    pub hashes: Option<Hashes<'a>>,
}

impl<'a> Value<'a> for File<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self { name: None, path: None, hashes: None }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        while let Some(key) = members.only(r, LanguageRule::UnknownKey) {
            match key {
                FileKey::Name => self.name = Some(r.text()),
                FileKey::Path => self.path = Some(r.text()),
                FileKey::Hashes => self.hashes.insert(Hashes::empty()).fill(r),
            }
        }
        members.filled(r, LanguageRule::EmptyTarget);
    }
}

impl Write for File<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        out.require(self.name.is_some() || self.path.is_some() || self.hashes.is_some(), LanguageRule::EmptyTarget);
        if let Some(name) = self.name {
            out.field(&mut frame, FileKey::Name);
            out.text(name);
        }
        if let Some(path) = self.path {
            out.field(&mut frame, FileKey::Path);
            out.text(path);
        }
        if let Some(hashes) = &self.hashes {
            out.field(&mut frame, FileKey::Hashes);
            hashes.write(out);
        }
        out.close(frame);
    }
}

/// A running program (LS1 s3.4.1.15): at least one field.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process<'a> {
    /// The process identifier.
    pub pid: Option<u64>,
    /// The name.
    pub name: Option<Str<'a>>,
    /// The working directory.
    pub cwd: Option<Str<'a>>,
    /// The file it was started from.
    pub executable: Option<File<'a>>,
    /// The process that started it.
    pub parent: Option<Parent<'a>>,
    /// The whole command line.
    pub command_line: Option<Str<'a>>,
}

/// The parent of a process: the caller's, or checked and still encoded in the input, so that a line of ancestors
/// takes no room. The v2.0 draft refers to it by its `pid` alone.
#[derive(Clone, Copy)]
pub struct Parent<'a>(Ancestor<'a>);

#[derive(Clone, Copy)]
enum Ancestor<'a> {
    Process(&'a Process<'a>),
    Pid(u64),
    Raw(Raw<'a>),
}

impl<'a> Parent<'a> {
    /// A reference by process identifier, as the v2.0 draft has it.
    pub const fn from_pid(pid: u64) -> Self {
        Self(Ancestor::Pid(pid))
    }

    /// The parent itself.
    pub fn process(&self) -> Process<'a> {
        match self.0 {
            Ancestor::Process(process) => *process,
            Ancestor::Pid(pid) => Process { pid: Some(pid), ..Process::default() },
            // It was checked when the message was read.
            Ancestor::Raw(raw) => Process::read(&mut raw.reader()),
        }
    }
}

impl<'a> From<&'a Process<'a>> for Parent<'a> {
    fn from(process: &'a Process<'a>) -> Self {
        Self(Ancestor::Process(process))
    }
}

impl PartialEq for Parent<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.process() == other.process()
    }
}

impl fmt::Debug for Parent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.process().fmt(f)
    }
}

impl<'a> Value<'a> for Process<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self { pid: None, name: None, cwd: None, executable: None, parent: None, command_line: None }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        while let Some(key) = members.only(r, LanguageRule::UnknownKey) {
            match key {
                ProcessKey::Pid => self.pid = Some(r.integer()),
                ProcessKey::Name => self.name = Some(r.text()),
                ProcessKey::Cwd => self.cwd = Some(r.text()),
                ProcessKey::Executable => self.executable.insert(File::empty()).fill(r),
                ProcessKey::CommandLine => self.command_line = Some(r.text()),
                ProcessKey::Parent if r.v2() => self.parent = Some(Parent::from_pid(r.integer())),
                ProcessKey::Parent => {
                    let parent = r.span(|r| {
                        Self::read(r);
                    });
                    self.parent = Some(Parent(Ancestor::Raw(parent)));
                }
            }
        }
        members.filled(r, LanguageRule::EmptyTarget);
    }
}

impl Write for Process<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        out.require(*self != Self::default(), LanguageRule::EmptyTarget);
        if let Some(pid) = self.pid {
            out.field(&mut frame, ProcessKey::Pid);
            out.integer(pid);
        }
        for (key, text) in [(ProcessKey::Name, self.name), (ProcessKey::Cwd, self.cwd)] {
            if let Some(text) = text {
                out.field(&mut frame, key);
                out.text(text);
            }
        }
        if let Some(executable) = &self.executable {
            out.field(&mut frame, ProcessKey::Executable);
            executable.write(out);
        }
        if let Some(parent) = &self.parent {
            out.field(&mut frame, ProcessKey::Parent);
            match (out.v2(), out.deeper()) {
                // The v2.0 draft has only the key of it; without one there is nothing to say.
                (true, _) => match parent.process().pid {
                    Some(pid) => out.integer(pid),
                    None => out.refuse(LanguageRule::EmptyTarget),
                },
                (false, true) => {
                    parent.process().write(out);
                    out.shallower();
                }
                (false, false) => out.refuse(LanguageRule::TooDeep),
            }
        }
        if let Some(line) = self.command_line {
            out.field(&mut frame, ProcessKey::CommandLine);
            out.text(line);
        }
        out.close(frame);
    }
}
