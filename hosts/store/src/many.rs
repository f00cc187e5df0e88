//! Many sessions of one process in one redb database: each commit is one sync, for all sessions that have something to keep.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;

use mqtt5_session::journal::frame::{Chain, Damaged, END, Frame};
use redb::{Durability, StorageBackend, TableDefinition, TableError, WriteTransaction};

use crate::{Frames, Loaded, Store, is_long};

/// The frames of every session, by its name and their place.
const FRAMES: TableDefinition<'static, (&str, u64), &[u8]> = TableDefinition::new("frames");
/// Why a database failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// Another process, or another `Database` of this one, has the database open; or a `Session` with this name is there.
    #[error("the journal is open already")]
    Locked,
    /// The database refused. After an error of the operating system it refuses everything until it is opened anew, and then tells by
    /// `load` whether what failed was done.
    #[error("could not {doing} the journal: {source}")]
    Database {
        /// What was being done, as an infinitive.
        doing: &'static str,
        /// What it said.
        source: Box<redb::Error>,
    },
    /// The session's log can't be relied on any more. It is left as it is.
    #[error("the journal is damaged: {0}")]
    Damaged(#[from] Damaged),
    /// It has not been loaded; or it is appended to and there is no log yet: `compact`.
    #[error("the journal was not loaded, or has not begun")]
    NotLoaded,
}

/// What an error of redb was about.
fn while_doing<E: Into<redb::Error>>(doing: &'static str) -> impl Fn(E) -> DatabaseError {
    move |source| DatabaseError::Database { doing, source: Box::new(source.into()) }
}

/// A database with the journals of many sessions. Clones share it.
#[derive(Clone, Debug)]
pub struct Database(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    database: redb::Database,
    /// The names of the sessions that are open.
    open: Mutex<BTreeSet<String>>,
}

impl Shared {
    fn begin_read(&self) -> Result<redb::ReadTransaction, DatabaseError> {
        self.database.begin_read().map_err(while_doing("read"))
    }
}

impl Database {
    /// The database with this path; it is made if there is none.
    ///
    /// # Errors
    /// [`DatabaseError::Locked`]; [`DatabaseError::Database`] for a file that is none, is damaged, or can't be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DatabaseError> {
        Self::of(redb::Database::create(path))
    }

    /// The database in another place than a file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_backend(backend: impl StorageBackend) -> Result<Self, DatabaseError> {
        Self::of(redb::Database::builder().create_with_backend(backend))
    }

    fn of(opened: Result<redb::Database, redb::DatabaseError>) -> Result<Self, DatabaseError> {
        match opened {
            Ok(database) => Ok(Self(Arc::new(Shared { database, open: Mutex::default() }))),
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => Err(DatabaseError::Locked),
            Err(error) => Err(while_doing("open")(error)),
        }
    }

    /// The session with this name.
    ///
    /// # Errors
    /// [`DatabaseError::Locked`] while there is another with it.
    pub fn session(&self, name: &str) -> Result<Session, DatabaseError> {
        if !self.0.open.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned()) {
            return Err(DatabaseError::Locked);
        }
        let (database, name) = (self.clone(), name.to_owned());
        Ok(Session { database, name, waiting: Vec::new(), loaded: false, next: None, len: 0, settled: 0 })
    }

    /// The names of the sessions that have a log.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn names(&self) -> Result<Vec<String>, DatabaseError> {
        let reading = while_doing("read");
        let transaction = self.0.begin_read()?;
        let table = match transaction.open_table(FRAMES) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(while_doing("read")(error)),
        };
        let mut names: Vec<String> = Vec::new();
        let mut rest = table.range(("", 0)..).map_err(&reading)?;
        while let Some(found) = rest.next() {
            let name = found.map_err(&reading)?.0.value().0.to_owned();
            // The next session, not the next frame of this one.
            rest = table.range((name.as_str(), u64::MAX)..).map_err(&reading)?;
            names.push(name);
        }
        Ok(names)
    }

    /// Makes durable what was appended to all these sessions: one sync for all of them.
    ///
    /// # Errors
    /// [`DatabaseError::NotLoaded`] if one of them was not, and [`DatabaseError::Database`].
    pub fn sync(&self, sessions: &mut [&mut Session]) -> Result<(), DatabaseError> {
        if sessions.iter().all(|session| session.waiting.is_empty()) {
            return Ok(());
        }
        let transaction = self.write()?;
        {
            let mut table = transaction.open_table(FRAMES).map_err(while_doing("append to"))?;
            for session in sessions.iter() {
                let places = session.next.ok_or(DatabaseError::NotLoaded)?..;
                for (place, frame) in places.zip(&session.waiting) {
                    table.insert((&*session.name, place), &**frame).map_err(while_doing("append to"))?;
                }
            }
        }
        transaction.commit().map_err(while_doing("sync"))?;
        for session in sessions {
            session.kept();
        }
        Ok(())
    }

    fn write(&self) -> Result<WriteTransaction, DatabaseError> {
        let mut transaction = self.0.database.begin_write().map_err(while_doing("write"))?;
        transaction.set_durability(Durability::Immediate);
        Ok(transaction)
    }
}

/// One session's journal in a [`Database`]. What is appended waits in memory until it is synced.
#[derive(Debug)]
pub struct Session {
    database: Database,
    name: String,
    waiting: Vec<Vec<u8>>,
    loaded: bool,
    /// The place of the frame that is kept next, once that is known.
    next: Option<u64>,
    /// How many bytes the log has, and how many its snapshot.
    len: u64,
    settled: u64,
}

impl Session {
    /// What waited is in the database.
    fn kept(&mut self) {
        self.next = self.next.map(|next| next + self.waiting.len() as u64);
        self.waiting.clear();
    }
}

impl Store for Session {
    type Error = DatabaseError;

    fn load(&mut self, each: &mut dyn FnMut(Frame<'_>)) -> Result<Option<Loaded>, DatabaseError> {
        (self.loaded, self.next, self.len, self.settled) = (false, None, 0, 0);
        self.waiting.clear();
        let reading = while_doing("read");
        let transaction = self.database.0.begin_read()?;
        let table = match transaction.open_table(FRAMES) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => {
                self.loaded = true;
                return Ok(None);
            }
            Err(error) => return Err(while_doing("read")(error)),
        };
        let all = || table.range((&*self.name, 0)..=(&*self.name, u64::MAX)).map_err(&reading);
        let (mut chain, mut place, mut len, mut settled) = (Chain::new(), None, 0, 0);
        for found in all()? {
            let (key, bytes) = found.map_err(&reading)?;
            // A transaction is there as a whole or not at all, so there are no torn tails.
            let expected = chain.next();
            let frame = chain.take(bytes.value())?.ok_or(Damaged::Missing(expected))?;
            len += frame.len() as u64;
            if frame.flags & END != 0 {
                settled = len;
            }
            place = Some(key.value().1 + 1);
        }
        if place.is_none() {
            self.loaded = true;
            return Ok(None);
        }
        let frames = chain.end()?;
        for found in all()? {
            let (_, bytes) = found.map_err(&reading)?;
            if let Ok(frame) = mqtt5_session::journal::frame::read(bytes.value()) {
                each(frame);
            }
        }
        (self.loaded, self.next, self.len, self.settled) = (true, place, len, settled);
        Ok(Some(Loaded { frames, next: chain.next(), dropped: 0 }))
    }

    fn append(&mut self, frame: &[u8]) -> Result<(), DatabaseError> {
        self.next.ok_or(DatabaseError::NotLoaded)?;
        self.waiting.push(frame.to_vec());
        self.len += frame.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), DatabaseError> {
        self.next.ok_or(DatabaseError::NotLoaded)?;
        self.database.clone().sync(&mut [self])
    }

    fn compact(&mut self, snapshot: &mut dyn Frames) -> Result<(), DatabaseError> {
        if !self.loaded {
            return Err(DatabaseError::NotLoaded);
        }
        let transaction = self.database.write()?;
        let (mut len, mut place) = (0, 0);
        {
            let mut table = transaction.open_table(FRAMES).map_err(while_doing("compact"))?;
            let all = (&*self.name, 0)..=(&*self.name, u64::MAX);
            table.retain_in(all, |_, _| false).map_err(while_doing("compact"))?;
            while let Some(frame) = snapshot.next() {
                table.insert((&*self.name, place), frame).map_err(while_doing("compact"))?;
                len += frame.len() as u64;
                place += 1;
            }
        }
        transaction.commit().map_err(while_doing("sync a snapshot of"))?;
        self.waiting.clear();
        (self.next, self.len, self.settled) = (Some(place), len, len);
        Ok(())
    }

    fn is_long(&self) -> bool {
        is_long(self.len, self.settled)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.database.0.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}
