//! State as bytes that outlive the process: what a Producer and a Consumer export and import.
//!
//! Numbers are little-endian. First `OC2` and the machine's letter, the version, the body's length (4 bytes); then the body;
//! then the CRC-32 of all before it. What follows that, such as the rest of a page of flash, is passed over.

use core::fmt;

use crate::encoding::sum::crc32;
use crate::encoding::text;

/// Changes with the layout of what follows it.
const VERSION: u8 = 3;
/// Before the body, and in all.
const HEAD: usize = 9;
/// What a snapshot takes besides its body, in bytes.
pub(crate) const FRAME: usize = HEAD + 4;

/// Whose state it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    Producer,
    Consumer,
}

impl Machine {
    const fn magic(self) -> [u8; 4] {
        match self {
            Self::Producer => *b"OC2P",
            Self::Consumer => *b"OC2C",
        }
    }
}

/// A state was not written: the buffer is too small for it. What the buffer then holds is no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportError {
    /// What the whole takes, in bytes.
    pub need: usize,
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer is too small: {} bytes are needed", self.need)
    }
}

impl core::error::Error for ExportError {}

/// Why a state was not taken up. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// The bytes don't begin as an export of this machine does.
    NotAnExport,
    /// The layout is of another version of this crate.
    Version(u8),
    /// Bytes are missing or have changed since they were exported.
    Damaged,
    /// The memory in which it is to go is in use: only a machine that has done nothing yet takes up a state.
    InUse,
    /// The memory is smaller than that of the machine which exported it, and what is remembered finds no room.
    Full,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnExport => f.write_str("not the exported state of such a machine"),
            Self::Version(version) => write!(f, "the exported state is of version {version}, not {VERSION}"),
            Self::Damaged => f.write_str("the exported state is damaged"),
            Self::InUse => f.write_str("the memory is in use already"),
            Self::Full => f.write_str("the memory is too small for the exported state"),
        }
    }
}

impl core::error::Error for ImportError {}

/// Writes a body; without room it goes on counting.
pub(crate) struct StateWriter<'b> {
    buffer: &'b mut [u8],
    at: usize,
}

impl<'b> StateWriter<'b> {
    pub(crate) fn new(machine: Machine, buffer: &'b mut [u8]) -> Self {
        let mut writer = Self { buffer, at: 0 };
        writer.bytes(&machine.magic());
        writer.u8(VERSION);
        writer.u32(0);
        writer
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let end = self.at.saturating_add(bytes.len());
        if let Some(room) = self.buffer.get_mut(self.at..end) {
            text::copy(room, bytes);
        }
        self.at = end;
    }

    pub(crate) fn u8(&mut self, number: u8) {
        self.bytes(&[number]);
    }

    pub(crate) fn u16(&mut self, number: u16) {
        self.bytes(&number.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, number: u32) {
        self.bytes(&number.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    /// A number that may be absent, in 9 bytes.
    pub(crate) fn option(&mut self, number: Option<u64>) {
        self.u8(u8::from(number.is_some()));
        self.u64(number.unwrap_or(0));
    }

    /// Bytes with their length, of which at most 65,535 are written.
    pub(crate) fn block(&mut self, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.u16(length);
        self.bytes(bytes.get(..usize::from(length)).unwrap_or(bytes));
    }

    /// The length, and the sum over all; how many bytes it took.
    pub(crate) fn finish(mut self) -> Result<usize, ExportError> {
        let body = self.at;
        let need = body.saturating_add(4);
        let full = ExportError { need };
        let length = u32::try_from(body.saturating_sub(HEAD)).map_err(|_| full)?;
        let place = self.buffer.get_mut(5..HEAD).ok_or(full)?;
        text::copy(place, &length.to_le_bytes());
        let sum = crc32(self.buffer.get(..body).ok_or(full)?);
        self.u32(sum);
        if self.at <= self.buffer.len() { Ok(self.at) } else { Err(full) }
    }
}

/// Reads a body whose sum was right.
#[derive(Clone)]
pub(crate) struct StateReader<'a> {
    rest: &'a [u8],
}

impl<'a> StateReader<'a> {
    pub(crate) fn open(machine: Machine, bytes: &'a [u8]) -> Result<Self, ImportError> {
        let mut head = Self { rest: bytes };
        match head.take(4) {
            Ok(magic) if magic == machine.magic() => {}
            _ => return Err(ImportError::NotAnExport),
        }
        match head.u8()? {
            VERSION => {}
            other => return Err(ImportError::Version(other)),
        }
        let length = usize::try_from(head.u32()?).map_err(|_| ImportError::Damaged)?;
        let body = head.take(length)?;
        let sum = head.u32()?;
        let summed = bytes.get(..HEAD.saturating_add(length)).ok_or(ImportError::Damaged)?;
        if crc32(summed) == sum { Ok(Self { rest: body }) } else { Err(ImportError::Damaged) }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ImportError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(ImportError::Damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(ImportError::Damaged)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ImportError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ImportError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ImportError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ImportError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, ImportError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(ImportError::Damaged),
        }
    }

    pub(crate) fn option(&mut self) -> Result<Option<u64>, ImportError> {
        let present = self.flag()?;
        let number = self.u64()?;
        Ok(present.then_some(number))
    }

    pub(crate) fn block(&mut self) -> Result<&'a [u8], ImportError> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, ImportError> {
        core::str::from_utf8(self.block()?).map_err(|_| ImportError::Damaged)
    }

    /// That the body ends here.
    pub(crate) const fn end(&self) -> Result<(), ImportError> {
        if self.rest.is_empty() { Ok(()) } else { Err(ImportError::Damaged) }
    }
}

/// How long the machine was away, in milliseconds: the time between two moments of UTC, 0 if one of them isn't known.
pub(crate) fn away(before: Option<u64>, now: Option<u64>) -> u64 {
    match (before, now) {
        (Some(before), Some(now)) => now.saturating_sub(before),
        _ => 0,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::vec::Vec;

    use super::*;

    /// Frames with a sum that is right around 20,000 bodies of small numbers, which all lengths and flags are made of: what
    /// comes before the count of records, that count, and up to three records of about this length.
    pub(crate) fn bodies(machine: Machine, head: usize, record: usize) -> impl Iterator<Item = Vec<u8>> {
        let mut state = 1u64;
        let mut below = move |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        (0..20_000).map(move |_| {
            let mut buffer = [0; 512];
            let mut out = StateWriter::new(machine, &mut buffer);
            out.bytes(&std::vec![0; head - 2]);
            let records = below(4);
            out.u16(records as u16);
            let length = records as usize * record + if below(2) == 0 { 0 } else { below(9) as usize };
            for _ in 0..length {
                out.u8(if below(4) == 0 { below(4) as u8 } else { 0 });
            }
            let length = out.finish().unwrap();
            buffer[..length].to_vec()
        })
    }

    fn written(buffer: &mut [u8]) -> Result<usize, ExportError> {
        let mut writer = StateWriter::new(Machine::Producer, buffer);
        writer.block(b"abc");
        writer.option(Some(7));
        writer.finish()
    }

    #[test]
    fn the_sum_is_the_well_known_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn what_is_written_is_read_and_what_follows_is_passed_over() {
        let mut buffer = [0xFF; 64];
        let length = written(&mut buffer).unwrap();
        assert_eq!(length, FRAME + 5 + 9);
        assert_eq!(buffer[..9], *b"OC2P\x03\x0E\0\0\0");
        for end in [length, 64] {
            let mut reader = StateReader::open(Machine::Producer, &buffer[..end]).unwrap();
            assert_eq!(reader.text(), Ok("abc"));
            assert_eq!(reader.end(), Err(ImportError::Damaged));
            assert_eq!(reader.option(), Ok(Some(7)));
            assert_eq!(reader.end(), Ok(()));
            assert_eq!(reader.u8(), Err(ImportError::Damaged));
        }
    }

    #[test]
    fn a_buffer_too_small_by_any_number_of_bytes_is_told_the_same_need() {
        let mut whole = [0; 64];
        let need = written(&mut whole).unwrap();
        for length in 0..need {
            assert_eq!(written(&mut whole[..length]), Err(ExportError { need }));
        }
        assert_eq!(written(&mut whole[..need]), Ok(need));
    }

    #[test]
    fn no_byte_may_change_or_be_missing() {
        let mut buffer = [0; 64];
        let length = written(&mut buffer).unwrap();
        let open = |bytes: &[u8]| StateReader::open(Machine::Producer, bytes).err();
        for missing in 1..=length {
            assert!(open(&buffer[..length - missing]).is_some(), "{missing}");
        }
        for at in 0..length {
            for bit in 0..8 {
                let mut changed = buffer;
                changed[at] ^= 1 << bit;
                assert!(open(&changed[..length]).is_some(), "bit {bit} of byte {at}");
            }
        }
        assert_eq!(open(b""), Some(ImportError::NotAnExport));
        assert_eq!(open(b"OC2C"), Some(ImportError::NotAnExport));
        assert_eq!(open(b"OC2P\x01\0\0\0\0"), Some(ImportError::Version(1)));
    }

    #[test]
    fn time_away_is_counted_only_where_both_moments_are_known() {
        assert_eq!(away(Some(5), Some(12)), 7);
        assert_eq!(away(Some(12), Some(5)), 0);
        assert_eq!(away(None, Some(5)), 0);
        assert_eq!(away(Some(5), None), 0);
    }
}
