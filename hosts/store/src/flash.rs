//! NOR flash without an operating system: two banks, of which one has the log. A snapshot is written into the other, and when it is whole
//! the bank of the old log is erased.
//!
//! Wear, torn writes and pages are the business of `sequential-storage`, whose queue each bank is.

use core::fmt;
use core::ops::Range;

use embassy_futures::block_on;
use embedded_storage_async::nor_flash::NorFlash;
use mqtt5_session::journal::frame::{Chain, Damaged, END, Frame, START};
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::queue::{QueueConfig, QueueStorage};

use crate::{Frames, Loaded, Store};

/// No cache: nothing is kept of the state of pages from one call to the next.
type NoCache = Cache<Uncached, Uncached, Uncached>;

/// Why flash failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlashError<E> {
    /// The driver failed.
    Driver(E),
    /// The bank has no room for the frame: `compact`. For a snapshot: the bank is too small.
    Full,
    /// The frame, or one that was found, is longer than the buffer, or than a page holds.
    TooLong,
    /// The flash holds something that is no queue, or whose pages contradict each other.
    Corrupted,
    /// The log can't be relied on any more. It is left as it is.
    Damaged(Damaged),
    /// It has not been loaded; or it is appended to and there is no log yet: `compact`.
    NotLoaded,
}

impl<E: fmt::Debug> fmt::Display for FlashError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Driver(error) => write!(f, "the flash failed: {error:?}"),
            Self::Full => f.write_str("the bank has no room for the frame"),
            Self::TooLong => f.write_str("the frame is too long for the buffer or a page"),
            Self::Corrupted => f.write_str("the flash holds no journal"),
            Self::Damaged(damaged) => write!(f, "the journal is damaged: {damaged}"),
            Self::NotLoaded => f.write_str("the journal was not loaded, or has not begun"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for FlashError<E> {}

impl<E> From<Damaged> for FlashError<E> {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged)
    }
}

impl<E> From<sequential_storage::Error<E>> for FlashError<E> {
    fn from(error: sequential_storage::Error<E>) -> Self {
        use sequential_storage::Error as Failed;
        match error {
            Failed::Storage { value, .. } => Self::Driver(value),
            Failed::FullStorage => Self::Full,
            Failed::BufferTooBig | Failed::BufferTooSmall(_) | Failed::ItemTooBig => Self::TooLong,
            _ => Self::Corrupted,
        }
    }
}

/// A journal in flash, whose driver waits for itself: its futures are polled until they are ready.
///
/// A frame is durable when `append` returns, so `sync` does nothing. Nothing is cached: each call looks at the state of every
/// page of a bank, so few large pages are quicker than many small ones.
pub struct Flash<'b, F> {
    flash: F,
    banks: [Range<u32>; 2],
    /// Frames pass through here, where they stand as the driver asks for.
    buffer: &'b mut [u8],
    /// The flash was looked through.
    loaded: bool,
    /// The bank with the log.
    at: Option<usize>,
    /// How many bytes the snapshot took, and how many the log does, as their frames count.
    settled: usize,
    len: usize,
}

impl<F> fmt::Debug for Flash<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flash")
            .field("banks", &self.banks)
            .field("at", &self.at)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// A buffer for frames of up to so many bytes, aligned as drivers ask for.
#[repr(C, align(4))]
#[derive(Clone, Debug)]
pub struct Aligned<const BYTES: usize>(pub [u8; BYTES]);

impl<'b, F: NorFlash> Flash<'b, F> {
    /// A journal in two banks of this flash, each of one or more whole pages and as long as the other. The buffer holds the longest frame, rounded up
    /// to the flash's word, and is aligned as the driver asks for.
    ///
    /// `None` if the banks are not of whole pages, are not of one length, or overlap.
    pub fn new(flash: F, banks: [Range<u32>; 2], buffer: &'b mut [u8]) -> Option<Self> {
        let [first, second] = &banks;
        let apart = first.end <= second.start || second.end <= first.start;
        let valid = banks.iter().all(|bank| QueueConfig::<F>::try_new(bank.clone()).is_ok());
        let alike = first.end.wrapping_sub(first.start) == second.end.wrapping_sub(second.start);
        (apart && valid && alike).then_some(Self { flash, banks, buffer, loaded: false, at: None, settled: 0, len: 0 })
    }

    /// Gives the flash back.
    pub fn into_inner(self) -> F {
        self.flash
    }

    /// Erases all: the journal, or what has been found to be none. The session that was in it is lost, so this is nothing that a program does by itself.
    ///
    /// # Errors
    /// [`FlashError::Driver`].
    pub fn erase(&mut self) -> Result<(), FlashError<F::Error>> {
        self.loaded = false;
        self.at = None;
        for bank in 0..2 {
            self.erase_bank(bank)?;
        }
        self.loaded = true;
        Ok(())
    }

    fn erase_bank(&mut self, bank: usize) -> Result<(), FlashError<F::Error>> {
        let Some(range) = self.banks.get(bank) else { return Ok(()) };
        block_on(self.flash.erase(range.start, range.end)).map_err(FlashError::Driver)
    }

    /// The queue of a bank.
    fn queue<'f>(
        flash: &'f mut F,
        bank: Option<&Range<u32>>,
    ) -> Result<QueueStorage<&'f mut F, NoCache>, FlashError<F::Error>> {
        let config = QueueConfig::try_new(bank.cloned().unwrap_or_default()).map_err(|_| FlashError::Corrupted)?;
        Ok(QueueStorage::new(flash, config, NoCache::new_uncached()))
    }

    /// Goes through the frames of a bank. `None` for an empty one.
    fn walk(&mut self, bank: usize, each: &mut dyn FnMut(Frame<'_>)) -> Result<Option<Walked>, FlashError<F::Error>> {
        let mut queue = Self::queue(&mut self.flash, self.banks.get(bank))?;
        let mut chain = Chain::new();
        let mut walked = Walked { loaded: Loaded { frames: 0, next: 0, dropped: 0 }, first: 0, len: 0, settled: 0 };
        let mut found = false;
        block_on(async {
            let mut items = queue.iter().await?;
            while let Some(item) = items.next(self.buffer).await? {
                match chain.take(&item)? {
                    Some(frame) => {
                        if frame.flags & START != 0 {
                            walked.first = frame.sequence;
                        }
                        walked.len += taken::<F>(frame.len());
                        if frame.flags & END != 0 {
                            walked.settled = walked.len;
                        }
                        each(frame);
                    }
                    None => walked.loaded.dropped += item.len() as u64,
                }
                found = true;
            }
            Ok::<_, FlashError<F::Error>>(())
        })?;
        if !found {
            return Ok(None);
        }
        (walked.loaded.frames, walked.loaded.next) = (chain.end()?, chain.next());
        Ok(Some(walked))
    }

    fn push(&mut self, bank: usize, frame: &[u8]) -> Result<(), FlashError<F::Error>> {
        let mut queue = Self::queue(&mut self.flash, self.banks.get(bank))?;
        let aligned = self.buffer.get_mut(..frame.len()).ok_or(FlashError::TooLong)?;
        aligned.copy_from_slice(frame);
        Ok(block_on(queue.push(aligned, false))?)
    }
}

/// What was found in a bank.
struct Walked {
    loaded: Loaded,
    /// The number of the first frame.
    first: u32,
    len: usize,
    settled: usize,
}

/// About how many bytes of flash a frame takes.
const fn taken<F: NorFlash>(len: usize) -> usize {
    let overhead = QueueStorage::<F, NoCache>::item_overhead_size() as usize;
    len.saturating_add(overhead).next_multiple_of(F::WRITE_SIZE)
}

impl<F: NorFlash> Store for Flash<'_, F> {
    type Error = FlashError<F::Error>;

    /// Here damage to whole pages may be repaired by erasing them while the log is read, but what is missing then is an error all the
    /// same.
    fn load(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Option<Loaded>, Self::Error> {
        (self.loaded, self.at) = (false, None);
        let banks = [self.walk(0, &mut |_| {}), self.walk(1, &mut |_| {})];
        let blank = banks.each_ref().map(|bank| matches!(bank, Ok(None)));
        // A snapshot in the other bank counts when it is whole. Until it was, nothing relied on it; and what it replaces is erased before
        // anything does, so an old log that is whole is good.
        let at = match banks {
            [Ok(Some(first)), Ok(Some(second))] => usize::from(second.first.wrapping_sub(first.first) < 1 << 31),
            [Ok(Some(_)), Ok(None) | Err(FlashError::Damaged(_))] => 0,
            [Ok(None) | Err(FlashError::Damaged(_)), Ok(Some(_))] => 1,
            [Ok(None), Ok(None)] => {
                self.loaded = true;
                return Ok(None);
            }
            [Err(error), _] | [_, Err(error)] => return Err(error),
        };
        if blank.get(1 - at) != Some(&true) {
            // It must not be taken for the log should this one be damaged later.
            self.erase_bank(1 - at)?;
        }
        let Some(walked) = self.walk(at, each)? else { return Err(FlashError::Corrupted) };
        (self.loaded, self.at, self.len, self.settled) = (true, Some(at), walked.len, walked.settled);
        Ok(Some(walked.loaded))
    }

    fn append(&mut self, frame: &[u8]) -> Result<(), Self::Error> {
        let at = self.at.ok_or(FlashError::NotLoaded)?;
        self.push(at, frame)?;
        self.len = self.len.saturating_add(taken::<F>(frame.len()));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Self::Error> {
        self.at.map(|_| ()).ok_or(FlashError::NotLoaded)
    }

    fn compact(&mut self, snapshot: &mut dyn Frames) -> Result<(), Self::Error> {
        if !self.loaded {
            return Err(FlashError::NotLoaded);
        }
        let new = self.at.map_or(0, |at| 1 - at);
        self.erase_bank(new)?;
        let mut len = 0;
        while let Some(frame) = snapshot.next() {
            self.push(new, frame)?;
            len += taken::<F>(frame.len());
        }
        // From here on it is not known which of the two a loss of power would leave.
        self.loaded = false;
        if let Some(old) = self.at.take() {
            self.erase_bank(old)?;
        }
        (self.loaded, self.at, self.len, self.settled) = (true, Some(new), len, len);
        Ok(())
    }

    fn is_long(&self) -> bool {
        let bank = self.banks.first().map_or(0, |bank| bank.end.saturating_sub(bank.start)) as usize;
        // An eighth more than the snapshot, so that one that nearly fills the bank is not written time and again.
        self.len >= (bank / 4 * 3).max(self.settled.saturating_add(bank / 8))
    }
}
