//! Reads a packet's fields, knows where it is, and keeps what is wrong. What a value may be is said where the value is.

use super::{bytes, take, u8, u16, u32, varint, varint_fault, varint_len};
use crate::{Error, ReasonCode, Rule};

/// What is wrong with a packet, from which byte on.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) reason: ReasonCode,
    pub(crate) rule: Rule,
    /// How many bytes of the packet remain from the offending byte on.
    pub(crate) left: usize,
}

impl Fault {
    /// The error of the packet around a body.
    #[cold]
    #[inline(never)]
    fn in_frame(self, body: usize) -> Error {
        let total = body.saturating_add(1).saturating_add(varint_len(body));
        Error { reason: self.reason, rule: self.rule, at: total.saturating_sub(self.left) }
    }
}

/// Reads a packet's fields front to back. It never reads past its end, and knows where it is for errors.
///
/// A method that returns `None` has left the reader where the fault is, and what is wrong in it.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// How many bytes of the packet follow the end of `rest`.
    after: usize,
    /// What is wrong; as long as nothing is, what will be if `rest` ends within a field.
    rule: Rule,
    reason: ReasonCode,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self::part(bytes, 0, Rule::REMAINING_LENGTH)
    }

    /// Reads a part of a packet, which `after` more bytes follow, and which breaks `rule` when it ends within a field.
    #[inline]
    pub(crate) fn part(bytes: &'a [u8], after: usize, rule: Rule) -> Self {
        Self { rest: bytes, after, rule, reason: ReasonCode::MALFORMED_PACKET }
    }

    /// The bytes that have not been read.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes of the packet remain from here on.
    #[inline]
    pub(crate) fn left(&self) -> usize {
        self.rest.len().wrapping_add(self.after)
    }

    /// What is wrong.
    #[inline]
    pub(crate) fn rule(&self) -> Rule {
        self.rule
    }

    /// From here on the packet breaks `rule` when it ends within a field.
    #[inline]
    pub(crate) fn ends_against(&mut self, rule: Rule) {
        self.rule = rule;
    }

    /// A fault at the byte from which on `left` bytes of the packet remain.
    #[inline]
    pub(crate) fn refuse<T>(&mut self, left: usize, reason: ReasonCode, rule: Rule) -> Option<T> {
        self.note(Fault { reason, rule, left });
        None
    }

    /// Stands where the fault is. (Inlined where there are registers, so that a reader need not be in memory.)
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn note(&mut self, Fault { reason, rule, left }: Fault) {
        (self.rest, self.after, self.reason, self.rule) = (&[], left, reason, rule);
    }

    #[inline]
    pub(crate) fn malformed<T>(&mut self, left: usize, rule: Rule) -> Option<T> {
        self.refuse(left, ReasonCode::MALFORMED_PACKET, rule)
    }

    #[inline]
    pub(crate) fn protocol_error<T>(&mut self, left: usize, rule: Rule) -> Option<T> {
        self.refuse(left, ReasonCode::PROTOCOL_ERROR, rule)
    }

    /// The fault, of a packet with this body. (In parts, so that a reader need not be in memory.)
    #[inline]
    pub(crate) fn error(&self, body: &[u8]) -> Error {
        Fault { reason: self.reason, rule: self.rule, left: self.left() }.in_frame(body.len())
    }

    /// Takes note of what a check has found.
    #[inline]
    pub(crate) fn checked(&mut self, check: Result<(), Fault>) -> Option<()> {
        match check {
            Ok(()) => Some(()),
            Err(fault) => {
                self.note(fault);
                None
            }
        }
    }

    /// Reads what repeats up to the end, by a copy: nobody has its address, so it can be in registers.
    #[inline(always)]
    pub(crate) fn each(&mut self, read: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        let mut copy = *self;
        let mut read_all = Some(());
        while read_all.is_some() && !copy.is_empty() {
            read_all = read(&mut copy);
        }
        *self = copy;
        read_all
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Option<u8> {
        u8(&mut self.rest)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Option<u16> {
        u16(&mut self.rest)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Option<u32> {
        u32(&mut self.rest)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Option<u32> {
        varint(&mut self.rest).or_else(|| {
            self.rule = varint_fault(self.rest).unwrap_or(self.rule);
            None
        })
    }

    /// A reason code that a packet among the carriers `by` may carry; `rule` says which.
    #[inline]
    pub(crate) fn reason(&mut self, by: u16, rule: Rule) -> Option<ReasonCode> {
        let start = self.left();
        match ReasonCode::carried(self.u8()?, by) {
            None => self.protocol_error(start, rule),
            reason => reason,
        }
    }

    /// The next `len` bytes as they are.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        take(&mut self.rest, len)
    }

    /// Binary data: two bytes of length, then the bytes.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        bytes(&mut self.rest).or_else(|| {
            self.u16(); // One that is cut short is cut short behind its length.
            None
        })
    }
}
