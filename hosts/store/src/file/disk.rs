//! What a log asks of the operating system.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fs4::{FileExt, TryLockError};

use super::{FileError, while_doing};

/// A place with a log, and perhaps a new one that is to take its place.
pub(super) trait Disk {
    /// All of the log; `None` if there is none.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>>;
    /// Writes at the end of the log: all, or an error and any part.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the log.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Makes the bytes and the length of the log durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Begins a new log, which is empty.
    fn begin(&mut self) -> io::Result<()>;
    /// Writes at the end of the new log.
    fn append_new(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes the new log durable, but for its name.
    fn sync_new(&mut self) -> io::Result<()>;
    /// The new log is the log from now on. An error means that it is not.
    fn replace(&mut self) -> io::Result<()>;
    /// Makes names durable.
    fn sync_folder(&mut self) -> io::Result<()>;
    /// The new log is not wanted. Where that fails, `begin` empties it.
    fn discard(&mut self);
}

/// A folder of the operating system.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    new_path: PathBuf,
    log: Option<fs::File>,
    new: Option<fs::File>,
    /// Locked until it is dropped.
    _lock: fs::File,
}

/// The path with this behind its last part.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(with_suffix(path, ".lock"));
        let lock = lock.map_err(while_doing("open the lock of"))?;
        match FileExt::try_lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FileError::Locked),
            Err(TryLockError::Error(source)) => return Err(while_doing("lock")(source)),
        }
        Ok(Self { path: path.to_owned(), new_path: with_suffix(path, ".new"), log: None, new: None, _lock: lock })
    }

    fn log(&self) -> io::Result<&fs::File> {
        self.log.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn new_log(&self) -> io::Result<&fs::File> {
        self.new.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for Folder {
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        self.log = Some(OpenOptions::new().append(true).open(&self.path)?);
        Ok(Some(bytes))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.log()?.write_all(bytes)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.log()?.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.log()?.sync_data()
    }

    fn begin(&mut self) -> io::Result<()> {
        // Only its owner may read it: it has messages in it.
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let new = options.open(&self.new_path)?;
        new.set_len(0)?;
        self.new = Some(new);
        Ok(())
    }

    fn append_new(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.new_log()?.write_all(bytes)
    }

    fn sync_new(&mut self) -> io::Result<()> {
        self.new_log()?.sync_all()
    }

    fn replace(&mut self) -> io::Result<()> {
        let new = self.new.take();
        fs::rename(&self.new_path, &self.path)?;
        self.log = new;
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        // Elsewhere a folder can't be opened, and names are the file system's own business.
        #[cfg(unix)]
        {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }

    fn discard(&mut self) {
        self.new = None;
        let _ = fs::remove_file(&self.new_path);
    }
}
