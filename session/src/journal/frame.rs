//! Frames of a journal: what is appended to a log in one piece, and is found whole or not at all.
//!
//! ```text
//! 0xA0 | format (1) · flags (1) · behind (1) · sequence (4) · length (4) · body · CRC-32C of all before (4)
//! ```
//!
//! Numbers are little-endian. Sequence numbers have no gaps. `behind` says which frame was the last that had been reported durable
//! when this one was made: `sequence - behind`. So a reader can tell a torn tail, which nobody relied on, from damage: if
//! a frame is missing and a later one says that it was durable, the log is damaged, or its store does not keep what it reports.
//!
//! A log begins with a snapshot: frames from one with [`START`] to one with [`END`], which may be the same. Nothing here allocates,
//! and everything costs a pass over the bytes.

use core::fmt;

/// The format that is written, and the only one that is read.
pub const FORMAT: u8 = 1;
/// The bytes of a frame beside its body.
pub const OVERHEAD: usize = HEAD + TAIL;
/// The longest body, in bytes.
pub const MOST: usize = (1 << 28) - 1;
/// Flag: the first frame of a snapshot. What was before it is of no account.
pub const START: u8 = 1;
/// Flag: the last frame of a snapshot.
pub const END: u8 = 2;

const MARK: u8 = 0xA0;
const HEAD: usize = 11;
const TAIL: usize = 4;

/// A frame that was read and found whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'b> {
    /// Its number: one more than that of the frame before, from `u32::MAX` on to 0.
    pub sequence: u32,
    /// How many frames back the last one is that had been reported durable; 255 stands for any more.
    pub behind: u8,
    /// [`START`] and [`END`].
    pub flags: u8,
    /// What it says.
    pub body: &'b [u8],
}

impl Frame<'_> {
    /// The bytes that this frame takes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.body.len().saturating_add(OVERHEAD)
    }

    /// Whether it says nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The number of the last frame that had been reported durable when this one was made; it may be an earlier one where `behind`
    /// is 255.
    #[must_use]
    pub const fn durable(&self) -> u32 {
        self.sequence.wrapping_sub(self.behind as u32)
    }
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// They end too early: as far as can be seen it takes `need` bytes.
    Short {
        /// Bytes from the first one of the frame.
        need: usize,
    },
    /// The first byte is none that a frame of any format begins with.
    Foreign,
    /// A frame of another format, which is newer or never was.
    Format(u8),
    /// The checksum is not that of the bytes, or a field has a value that no writer gives it.
    Damaged,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { need } => write!(f, "the frame ends before its {need} bytes"),
            Self::Foreign => f.write_str("this is no frame of a journal"),
            Self::Format(format) => write!(f, "the frame has format {format}, and only {FORMAT} is known"),
            Self::Damaged => f.write_str("the frame is damaged"),
        }
    }
}

impl core::error::Error for Unread {}

/// Reads the frame that the bytes begin with.
///
/// # Errors
/// When there is none, and why.
///
/// ```
/// use mqtt5_session::journal::frame::{Draft, END, START, read};
/// let mut out = [0; 64];
/// let mut draft = Draft::new(&mut out);
/// assert!(draft.put(&[b"state"]));
/// let len = draft.seal(7, 1, START | END).unwrap();
/// let frame = read(&out[..len]).unwrap();
/// assert_eq!((frame.sequence, frame.durable(), frame.body), (7, 6, &b"state"[..]));
/// ```
pub fn read(bytes: &[u8]) -> Result<Frame<'_>, Unread> {
    let Some(&first) = bytes.first() else { return Err(Unread::Short { need: OVERHEAD }) };
    if first & 0xF0 != MARK {
        return Err(Unread::Foreign);
    }
    if first & 0x0F != FORMAT {
        return Err(Unread::Format(first & 0x0F));
    }
    let Some(&[_, flags, behind, s0, s1, s2, s3, l0, l1, l2, l3]) = bytes.first_chunk::<HEAD>() else {
        return Err(Unread::Short { need: OVERHEAD });
    };
    let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if len > MOST || flags & !(START | END) != 0 {
        return Err(Unread::Damaged);
    }
    let need = len.saturating_add(OVERHEAD);
    let Some(frame) = bytes.get(..need) else { return Err(Unread::Short { need }) };
    let Some((checked, sum)) = frame.split_last_chunk::<TAIL>() else { return Err(Unread::Damaged) };
    if crc(checked) != u32::from_le_bytes(*sum) {
        return Err(Unread::Damaged);
    }
    let body = checked.get(HEAD..).unwrap_or(&[]);
    Ok(Frame { sequence: u32::from_le_bytes([s0, s1, s2, s3]), behind, flags, body })
}

/// A frame that is being written into a buffer.
pub struct Draft<'o> {
    out: &'o mut [u8],
    len: usize,
}

impl<'o> Draft<'o> {
    /// An empty frame in this buffer, which is to have more than [`OVERHEAD`] bytes.
    pub const fn new(out: &'o mut [u8]) -> Self {
        Self { out, len: HEAD }
    }

    /// How many bytes of body still fit.
    #[must_use]
    pub fn room(&self) -> usize {
        self.out.len().min(MOST).saturating_sub(self.len).saturating_sub(TAIL)
    }

    /// Whether nothing has been put in.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == HEAD
    }

    /// Adds these pieces to the body, all or nothing. Whether they fit.
    pub fn put(&mut self, pieces: &[&[u8]]) -> bool {
        let len = pieces.iter().fold(0usize, |sum, piece| sum.saturating_add(piece.len()));
        if len > self.room() {
            return false;
        }
        for piece in pieces {
            let end = self.len.saturating_add(piece.len());
            if let Some(room) = self.out.get_mut(self.len..end) {
                room.copy_from_slice(piece);
            }
            self.len = end;
        }
        true
    }

    /// Ends the frame. Gives its length, or `None` if the buffer is too small for an empty one.
    #[must_use]
    pub fn seal(self, sequence: u32, behind: u8, flags: u8) -> Option<usize> {
        let Self { out, len } = self;
        let body = u32::try_from(len.checked_sub(HEAD)?).ok()?;
        let head = out.first_chunk_mut::<HEAD>()?;
        let ([first, flagged, back, rest @ ..], [s0, s1, s2, s3]) = (head, sequence.to_le_bytes());
        (*first, *flagged, *back) = (MARK | FORMAT, flags, behind);
        let [l0, l1, l2, l3] = body.to_le_bytes();
        *rest = [s0, s1, s2, s3, l0, l1, l2, l3];
        let sum = crc(out.get(..len)?);
        *out.get_mut(len..)?.first_chunk_mut::<TAIL>()? = sum.to_le_bytes();
        len.checked_add(TAIL)
    }
}

/// Why a log can't be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damaged {
    /// Its first frame is none, or is not the beginning of a snapshot.
    Head(Option<Unread>),
    /// The snapshot that it begins with has no end.
    Snapshot,
    /// The frame with this number is missing or damaged, though it had been reported durable.
    Missing(u32),
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(Some(unread)) => write!(f, "the log does not begin as one: {unread}"),
            Self::Head(None) => f.write_str("the log has lost its beginning"),
            Self::Snapshot => f.write_str("the snapshot that the log begins with has no end"),
            Self::Missing(sequence) => {
                write!(f, "frame {sequence} had been reported durable, and is missing or damaged")
            }
        }
    }
}

impl core::error::Error for Damaged {}

/// Goes through a log frame by frame, and tells what counts, what is a torn tail, and what is damage.
///
/// ```
/// use mqtt5_session::journal::frame::{Chain, Draft, END, START};
/// let mut out = [0; 64];
/// let len = Draft::new(&mut out).seal(0, 0, START | END).unwrap();
/// let mut chain = Chain::new();
/// assert!(chain.take(&out[..len]).unwrap().is_some());
/// assert!(chain.take(&out[..9]).unwrap().is_none()); // torn
/// assert_eq!(chain.end(), Ok(1));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The number of the next frame.
    next: u32,
    /// How many frames count.
    good: u32,
    /// The snapshot has ended.
    settled: bool,
    /// A frame is missing: what follows does not count.
    torn: bool,
}

impl Chain {
    /// The beginning of a log.
    #[must_use]
    pub const fn new() -> Self {
        Self { next: 0, good: 0, settled: false, torn: false }
    }

    /// The next frame of the log. `None` if it doesn't count, since it or one before it is missing or torn.
    ///
    /// # Errors
    /// When that is more than a torn tail.
    pub fn take<'b>(&mut self, bytes: &'b [u8]) -> Result<Option<Frame<'b>>, Damaged> {
        let frame = match read(bytes) {
            Ok(frame) => frame,
            Err(unread) if self.good == 0 => return Err(Damaged::Head(Some(unread))),
            Err(_) => {
                self.torn = true;
                return Ok(None);
            }
        };
        if self.good == 0 {
            if frame.flags & START == 0 {
                return Err(Damaged::Head(None));
            }
            self.next = frame.sequence;
        }
        if frame.sequence != self.next || frame.flags & START != 0 && self.good != 0 {
            self.torn = true;
        }
        if self.torn {
            // Numbers go round: what is less than half of them ahead is later. A frame that is any number behind relies on none.
            let relied_on = frame.behind != u8::MAX && frame.durable().wrapping_sub(self.next) < 1 << 31;
            return if relied_on { Err(Damaged::Missing(self.next)) } else { Ok(None) };
        }
        self.next = self.next.wrapping_add(1);
        self.good = self.good.saturating_add(1);
        self.settled |= frame.flags & END != 0;
        Ok(Some(frame))
    }

    /// The number that the next frame is to have.
    #[must_use]
    pub const fn next(&self) -> u32 {
        self.next
    }

    /// The log ends here. Gives how many frames count.
    ///
    /// # Errors
    /// [`Damaged::Head`] for one without a frame, [`Damaged::Snapshot`].
    pub const fn end(&self) -> Result<u32, Damaged> {
        match self {
            Self { good: 0, .. } => Err(Damaged::Head(None)),
            Self { settled: false, .. } => Err(Damaged::Snapshot),
            Self { good, .. } => Ok(*good),
        }
    }
}

/// Where the next whole frame begins in these bytes, from `from` on: for a log in one piece, behind something that is none.
///
/// # Errors
/// [`Unread::Damaged`] when looking for it would cost more than 16 passes over the bytes.
pub fn find(bytes: &[u8], from: usize) -> Result<Option<usize>, Unread> {
    let mut budget = bytes.len().saturating_mul(16);
    for at in from..bytes.len() {
        let rest = bytes.get(at..).unwrap_or(&[]);
        if rest.first() != Some(&(MARK | FORMAT)) {
            continue;
        }
        match read(rest) {
            Ok(_) => return Ok(Some(at)),
            Err(Unread::Damaged) => {
                // What can't be a head cost nothing.
                if rest.get(1).is_none_or(|flags| flags & !(START | END) != 0) {
                    continue;
                }
                let len = rest.get(7..HEAD).and_then(|len| len.first_chunk()).map_or(0, |len| u32::from_le_bytes(*len));
                if len as usize > MOST {
                    continue;
                }
                let looked_at = (len as usize).min(rest.len());
                let Some(left) = budget.checked_sub(looked_at) else { return Err(Unread::Damaged) };
                budget = left;
            }
            Err(_) => {}
        }
    }
    Ok(None)
}

/// What a half byte does to the checksum: the polynomial 0x1EDC6F41, reflected.
#[expect(clippy::indexing_slicing, reason = "while compiling")]
const TABLE: [u32; 16] = {
    let mut table = [0; 16];
    let mut nibble = 0u32;
    while nibble < 16 {
        let mut sum = nibble;
        let mut bit = 0;
        while bit < 4 {
            sum = if sum & 1 == 0 { sum >> 1 } else { sum >> 1 ^ 0x82F6_3B78 };
            bit += 1;
        }
        table[nibble as usize] = sum;
        nibble += 1;
    }
    table
};

/// CRC-32C (Castagnoli), as iSCSI has it (RFC 3720, B.4).
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32| sum >> 4 ^ TABLE.get(sum as usize & 15).copied().unwrap_or(0);
    !bytes.iter().fold(u32::MAX, |sum, byte| step(step(sum ^ u32::from(*byte))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn frame(sequence: u32, behind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
        let mut out = std::vec![0; body.len() + OVERHEAD];
        let mut draft = Draft::new(&mut out);
        assert!(draft.put(&[body]));
        assert_eq!(draft.seal(sequence, behind, flags), Some(out.len()));
        out
    }

    #[test]
    fn a_frame_is_these_bytes() {
        let bytes = [0xA1, 3, 0, 5, 0, 0, 0, 2, 0, 0, 0, b'h', b'i', 0xBE, 0x31, 0xC6, 0xF6];
        let made = frame(5, 0, START | END, b"hi");
        assert_eq!(made, bytes);
        assert_eq!(read(&made), Ok(Frame { sequence: 5, behind: 0, flags: 3, body: b"hi" }));
    }

    #[test]
    fn the_checksum_is_the_one_of_rfc_3720() {
        assert_eq!(crc(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn a_buffer_without_room_takes_nothing_and_stays_a_frame() {
        let mut out = [0; OVERHEAD + 3];
        let mut draft = Draft::new(&mut out);
        assert!(draft.put(&[b"a", b"b"]));
        assert!(!draft.put(&[b"c", b"d"]));
        assert_eq!(draft.room(), 1);
        assert_eq!(draft.seal(1, 1, 0), Some(OVERHEAD + 2));
        assert_eq!(read(&out).unwrap().body, b"ab");
        assert_eq!(Draft::new(&mut [0; OVERHEAD - 1]).seal(1, 1, 0), None);
    }

    #[test]
    fn other_formats_and_foreign_bytes_are_told_apart() {
        assert_eq!(read(&[0xA2, 0]), Err(Unread::Format(2)));
        assert_eq!(read(&[0xA0, 0]), Err(Unread::Format(0)));
        assert_eq!(read(b"SQLite format 3"), Err(Unread::Foreign));
        assert_eq!(read(&[]), Err(Unread::Short { need: OVERHEAD }));
    }

    #[test]
    fn a_length_that_no_writer_gives_is_damage_and_not_a_long_wait() {
        let mut bytes = frame(1, 0, 0, b"x");
        bytes[10] = 0xFF;
        assert_eq!(read(&bytes), Err(Unread::Damaged));
    }

    /// A log of a snapshot in two frames, and three frames behind it.
    fn log(behind: [u8; 3]) -> Vec<Vec<u8>> {
        let [a, b, c] = behind;
        std::vec![
            frame(9, 0, START, b"s1"),
            frame(10, 0, END, b"s2"),
            frame(11, a, 0, b"one"),
            frame(12, b, 0, b"two"),
            frame(13, c, 0, b"three"),
        ]
    }

    fn walk(frames: &[Vec<u8>]) -> Result<u32, Damaged> {
        let mut chain = Chain::new();
        for frame in frames {
            chain.take(frame)?;
        }
        chain.end()
    }

    #[test]
    fn a_torn_tail_of_more_frames_than_behind_can_count_is_dropped() {
        let mut chain = Chain::new();
        assert!(matches!(chain.take(&frame(0, 0, START | END, b"")), Ok(Some(_))));
        for sequence in 1..=300 {
            let mut bytes = frame(sequence, u8::try_from(sequence).unwrap_or(u8::MAX), 0, b"");
            if sequence == 10 {
                bytes[OVERHEAD - 1] ^= 1;
            }
            assert_eq!(chain.take(&bytes).map(|frame| frame.is_some()), Ok(sequence < 10));
        }
        assert_eq!(chain.end(), Ok(10));
    }

    #[test]
    fn a_long_torn_frame_of_any_bytes_has_no_frame_in_it() {
        let random =
            core::iter::successors(Some(1u32), |last| Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)));
        let body: Vec<u8> = random.map(|number| number.to_le_bytes()[3]).take(16_000).collect();
        let mut log = frame(0, 0, START | END, b"");
        let begin = log.len();
        log.extend(&frame(1, 1, 0, &body)[..16_000]);
        assert_eq!(find(&log, begin + 1), Ok(None));
    }

    #[test]
    fn a_torn_tail_is_dropped() {
        let mut log = log([1, 1, 1]);
        log[4].truncate(7);
        assert_eq!(walk(&log), Ok(4));
    }

    #[test]
    fn a_frame_that_nobody_relied_on_may_be_missing_before_later_ones() {
        // All three were in flight at once: the last one says that 10 was durable.
        let mut log = log([1, 2, 3]);
        log.remove(3);
        assert_eq!(walk(&log), Ok(3));
    }

    #[test]
    fn a_missing_frame_that_a_later_one_relies_on_is_damage() {
        let mut log = log([1, 1, 1]);
        log[3][12] ^= 4;
        assert_eq!(walk(&log), Err(Damaged::Missing(12)));
        log.remove(3);
        assert_eq!(walk(&log), Err(Damaged::Missing(12)));
    }

    #[test]
    fn a_log_without_its_head_or_the_end_of_its_snapshot_is_damaged() {
        let whole = log([1, 1, 1]);
        assert_eq!(walk(&whole[1..]), Err(Damaged::Head(None)));
        assert_eq!(walk(&whole[..1]), Err(Damaged::Snapshot));
        assert_eq!(walk(&[]), Err(Damaged::Head(None)));
        assert_eq!(walk(&[b"what".to_vec()]), Err(Damaged::Head(Some(Unread::Foreign))));
        assert_eq!(walk(&[std::vec![0xA7]]), Err(Damaged::Head(Some(Unread::Format(7)))));
    }

    #[test]
    fn numbers_go_round() {
        let log = [frame(u32::MAX, 0, START | END, b""), frame(0, 1, 0, b""), frame(1, 1, 0, b"")];
        assert_eq!(walk(&log), Ok(3));
        assert_eq!(walk(&[log[0].clone(), log[2].clone()]), Err(Damaged::Missing(0)));
    }

    #[test]
    fn the_next_frame_is_found_behind_what_is_none() {
        let whole = frame(3, 1, 0, b"xyz");
        let mut bytes = std::vec![0xA1, 0xA1, 7];
        bytes.extend(&whole);
        assert_eq!(find(&bytes, 0), Ok(Some(3)));
        assert_eq!(find(&bytes, 4), Ok(None));
    }

    #[test]
    fn bytes_that_all_look_like_frames_end_the_search() {
        // Each of these claims to be as long as what follows it.
        let mut bytes = std::vec![0; 40_000];
        for at in (0..30_000).step_by(11) {
            bytes[at] = 0xA1;
            bytes[at + 7..at + 11].copy_from_slice(&9_000u32.to_le_bytes());
        }
        assert_eq!(find(&bytes, 0), Err(Unread::Damaged));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(sequence: u32, behind: u8, flags in 0u8..4, body: Vec<u8>) {
            let bytes = frame(sequence, behind, flags, &body);
            prop_assert_eq!(read(&bytes), Ok(Frame { sequence, behind, flags, body: &body }));
        }

        #[test]
        fn no_prefix_and_no_frame_with_one_bit_turned_is_a_frame(body: Vec<u8>, bit: usize, cut: usize) {
            let mut bytes = frame(7, 1, 0, &body);
            prop_assert!(read(&bytes[..cut % bytes.len()]).is_err());
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read(&bytes).is_err());
        }
    }
}
