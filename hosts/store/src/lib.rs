//! Where the journal of a session is kept: [`Store`], and what implements it. `File` is one file for one session, `Database` holds many
//! sessions of one process in redb, `Flash` needs no operating system.
//!
//! A store knows frames by their bytes only. What makes a frame, and which frames of a log count after a crash, is decided in
//! [`mqtt5_session::journal::frame`], so that every store decides alike:
//! - what had been synced is there, or [`Store::load`] is an error: never a session silently begun anew;
//! - what had not been synced may be there, in full and in order up to some frame; a torn rest is dropped;
//! - a store below that lies about syncing is found out as soon as a later frame says that a missing one had been durable.
//!
//! ```
//! # #[cfg(feature = "file")] {
//! use mqtt5_session::journal::frame::{Draft, END, START};
//! use mqtt5_store::{File, List, Store};
//! # let folder = tempfile::tempdir()?;
//! let mut store = File::open(folder.path().join("session.log"))?;
//! assert_eq!(store.load(&mut |_| {})?, None); // there has never been one
//!
//! let mut bytes = [0; 64];
//! let len = Draft::new(&mut bytes).seal(0, 0, START | END).unwrap();
//! store.compact(&mut List::new(&[&bytes[..len]]))?; // a log begins with a snapshot
//!
//! let mut draft = Draft::new(&mut bytes);
//! draft.put(&[b"what changed"]);
//! let len = draft.seal(1, 1, 0).unwrap();
//! store.append(&bytes[..len])?;
//! store.sync()?; // only now may be sent what depends on it
//! # }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Features
//! - `file` (default), `redb`: need std.
//! - `flash`: needs neither std nor an allocator.
#![cfg_attr(not(any(feature = "file", feature = "redb")), no_std)]

#[cfg(feature = "file")]
mod file;
#[cfg(feature = "flash")]
mod flash;
#[cfg(feature = "redb")]
mod many;

#[cfg(feature = "file")]
pub use file::{File, FileError};
#[cfg(feature = "flash")]
pub use flash::{Aligned, Flash, FlashError};
#[cfg(feature = "redb")]
pub use many::{Database, DatabaseError, Session};
use mqtt5_session::journal::frame::Frame;

/// Keeps the frames of one journal.
///
/// A call that fails says so, and after it the log is as it was before, or the store refuses to go on until `compact` has written all
/// anew. No call fails in silence.
pub trait Store {
    /// Why a call failed.
    type Error: core::error::Error;

    /// Gives every frame that counts, in order, and drops a torn tail for good. `None` if there has never been a log here. May be
    /// called again; a log that is there has to be loaded before it is appended to. What it gives is durable, also where a process
    /// was killed before it had synced.
    ///
    /// Costs a pass over the log.
    ///
    /// # Errors
    /// When the log can't be read, is none, is of another format, or is damaged. It is left as it is.
    fn load(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Option<Loaded>, Self::Error>;

    /// Adds a frame at the end. It is durable once `sync` has returned, and may be before.
    ///
    /// # Errors
    /// When there is no room, or writing fails: the frame is not in the log.
    fn append(&mut self, frame: &[u8]) -> Result<(), Self::Error>;

    /// Makes all frames durable that were appended.
    ///
    /// # Errors
    /// When that fails. Nobody knows then which of them are durable, and trying again would not tell: `compact`, or open anew.
    fn sync(&mut self) -> Result<(), Self::Error>;

    /// Puts a snapshot, which is durable when this returns, in the place of the whole log. A crash in between leaves the one or the
    /// other. This is also how a log begins. Whatever there is has to be loaded first, so that nothing is overwritten unseen.
    ///
    /// Takes as much room as the snapshot beside the log that there is.
    ///
    /// # Errors
    /// When it fails: the log is as it was, unless it is not known which of the two a crash would leave. Then appending is refused.
    fn compact(&mut self, snapshot: &mut dyn Frames) -> Result<(), Self::Error>;

    /// Whether the log has grown so much since its snapshot that it is time to compact it.
    fn is_long(&self) -> bool;
}

/// What was found in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// How many frames count.
    pub frames: u32,
    /// The number that the next frame is to have.
    pub next: u32,
    /// How many bytes of a torn tail were dropped. Nothing that depends on them had been sent.
    pub dropped: u64,
}

/// A log of `len` bytes is long when it has grown to twice its snapshot, which had `settled` bytes, and by 64 KiB. So it takes no more
/// room than that, and compacting costs no more than appending did.
#[cfg(any(feature = "file", feature = "redb"))]
fn is_long(len: u64, settled: u64) -> bool {
    len >= settled.saturating_mul(2).max(settled.saturating_add(64 << 10))
}

/// Frames one after the other, each lent until the next is asked for.
pub trait Frames {
    /// The next frame.
    fn next(&mut self) -> Option<&[u8]>;
}

/// Frames that are in memory.
#[derive(Clone, Debug)]
pub struct List<'f>(core::slice::Iter<'f, &'f [u8]>);

impl<'f> List<'f> {
    /// These frames.
    #[must_use]
    pub fn new(frames: &'f [&'f [u8]]) -> Self {
        Self(frames.iter())
    }
}

impl Frames for List<'_> {
    fn next(&mut self) -> Option<&[u8]> {
        self.0.next().copied()
    }
}
