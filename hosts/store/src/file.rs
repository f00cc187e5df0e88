//! One file for one session: frames one behind the other, and nothing else.
//!
//! A snapshot is written to a file beside it, synced, and renamed over it; then the folder is synced, without which a crash may bring the
//! old name back. What the operating system is asked for is in `disk`, so that tests can have one that fails, forgets and lies.

mod disk;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use mqtt5_session::journal::frame::{self, Chain, Damaged, Frame};

use crate::{Frames, Loaded, Store, is_long};
use disk::{Disk, Folder};

/// Why a file store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Another process, or another store of this one, has it open.
    #[error("another process has the journal open")]
    Locked,
    /// The operating system refused. `StorageFull` and `QuotaExceeded` are among its kinds.
    #[error("could not {doing} the journal: {source}")]
    Io {
        /// What was being done, as an infinitive.
        doing: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// The file is no log, or one that can't be relied on any more. It is left as it is.
    #[error("the journal is damaged: {0}")]
    Damaged(#[from] Damaged),
    /// Behind something that is no frame there is too much that may be one, or not: it is not known whether only a tail is torn.
    #[error("the journal is damaged at byte {at}, and what follows can't be made out")]
    Unclear {
        /// Where the frames end that count.
        at: u64,
    },
    /// It has not been loaded; or it is appended to and there is no log yet: `compact`.
    #[error("the journal was not loaded, or has not begun")]
    NotLoaded,
    /// A call before this one failed in a way that leaves open what is durable: `compact`, or open it anew.
    #[error("an earlier failure leaves open what of the journal is durable")]
    Broken,
}

/// A journal in a file.
///
/// Holds a lock on a file beside it, with `.lock` added to its name, for as long as it lives.
///
/// | call | costs |
/// |---|---|
/// | `load` | reads the file into memory |
/// | `append` | one write |
/// | `sync` | one fdatasync |
/// | `compact` | the snapshot written and synced, a rename, an fsync of the folder |
#[derive(Debug)]
pub struct File(Log<Folder>);

impl File {
    /// The journal with this path, whose folder exists. Creates nothing but the lock.
    ///
    /// # Errors
    /// [`FileError::Locked`]; [`FileError::Io`] when the lock can't be made.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Ok(Self(Log::new(Folder::open(path.as_ref())?)))
    }

    /// How long the file is, in bytes, as far as it counts.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.0.len
    }

    /// Whether there is no log, or none was loaded.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.len == 0
    }
}

impl Store for File {
    type Error = FileError;

    fn load(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Option<Loaded>, FileError> {
        self.0.load(each)
    }

    fn append(&mut self, frame: &[u8]) -> Result<(), FileError> {
        self.0.append(frame)
    }

    fn sync(&mut self) -> Result<(), FileError> {
        self.0.sync()
    }

    fn compact(&mut self, snapshot: &mut dyn Frames) -> Result<(), FileError> {
        self.0.compact(snapshot)
    }

    fn is_long(&self) -> bool {
        self.0.is_long()
    }
}

/// Whether the log may be appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    NotLoaded,
    /// There is no log.
    None,
    Whole,
    Broken,
}

/// The log on any disk.
#[derive(Debug)]
struct Log<D> {
    disk: D,
    /// How many bytes of the file count.
    len: u64,
    /// How many of them are its snapshot.
    settled: u64,
    condition: Condition,
}

/// What an error of the operating system was about.
fn while_doing(doing: &'static str) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError::Io { doing, source }
}

impl<D: Disk> Log<D> {
    const fn new(disk: D) -> Self {
        Self { disk, len: 0, settled: 0, condition: Condition::NotLoaded }
    }

    fn load(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Option<Loaded>, FileError> {
        self.condition = Condition::NotLoaded;
        let Some(bytes) = self.disk.read().map_err(while_doing("read"))? else {
            self.condition = Condition::None;
            return Ok(None);
        };
        let (mut chain, mut len, mut settled, mut at) = (Chain::new(), 0, 0, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty() || at == 0) {
            let Some(frame) = chain.take(rest)? else {
                // Torn here. It is damage if a frame behind it says that this one had been durable.
                match frame::find(&bytes, at + 1) {
                    Ok(Some(next)) => at = next,
                    Ok(None) => break,
                    Err(_) => return Err(FileError::Unclear { at: len as u64 }),
                }
                continue;
            };
            at += frame.len();
            len = at;
            if frame.flags & frame::END != 0 {
                settled = at;
            }
        }
        let frames = chain.end()?;
        let dropped = (bytes.len() - len) as u64;
        if dropped != 0 {
            // What comes next has to stand right behind what counts.
            self.disk.truncate(len as u64).map_err(while_doing("shorten"))?;
        }
        // A process that was killed may have left frames, and a name, that only the system's memory holds.
        self.disk.sync().map_err(while_doing("sync"))?;
        self.disk.sync_folder().map_err(while_doing("sync the folder of"))?;
        // Nothing is given before all is known to be well.
        let mut at = 0;
        while let Some(Ok(frame)) = bytes.get(at..len).map(frame::read) {
            each(frame);
            at += frame.len();
        }
        (self.len, self.settled, self.condition) = (len as u64, settled as u64, Condition::Whole);
        Ok(Some(Loaded { frames, next: chain.next(), dropped }))
    }

    fn is_whole(&self) -> Result<(), FileError> {
        match self.condition {
            Condition::Whole => Ok(()),
            Condition::NotLoaded | Condition::None => Err(FileError::NotLoaded),
            Condition::Broken => Err(FileError::Broken),
        }
    }

    fn append(&mut self, frame: &[u8]) -> Result<(), FileError> {
        self.is_whole()?;
        if let Err(error) = self.disk.append(frame) {
            // A part of it may have been written.
            if self.disk.truncate(self.len).is_err() {
                self.condition = Condition::Broken;
            }
            return Err(while_doing("append to")(error));
        }
        self.len += frame.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), FileError> {
        self.is_whole()?;
        self.disk.sync().map_err(|error| {
            // Pages that could not be written may count as clean from now on, so that another sync would mean nothing.
            self.condition = Condition::Broken;
            while_doing("sync")(error)
        })
    }

    fn compact(&mut self, snapshot: &mut dyn Frames) -> Result<(), FileError> {
        if self.condition == Condition::NotLoaded {
            return Err(FileError::NotLoaded);
        }
        let mut write = || -> Result<u64, FileError> {
            self.disk.begin().map_err(while_doing("begin a new file for"))?;
            let mut len = 0;
            while let Some(frame) = snapshot.next() {
                self.disk.append_new(frame).map_err(while_doing("write a snapshot of"))?;
                len += frame.len() as u64;
            }
            self.disk.sync_new().map_err(while_doing("sync a snapshot of"))?;
            Ok(len)
        };
        let len = write().inspect_err(|_| self.disk.discard())?;
        if let Err(error) = self.disk.replace() {
            self.disk.discard();
            return Err(while_doing("rename a snapshot of")(error));
        }
        (self.len, self.settled) = (len, len);
        // Until its folder is synced, a crash may bring the old log back, and what is appended from now on would be gone.
        self.condition = Condition::Broken;
        self.disk.sync_folder().map_err(while_doing("sync the folder of"))?;
        self.condition = Condition::Whole;
        Ok(())
    }

    fn is_long(&self) -> bool {
        is_long(self.len, self.settled)
    }
}
