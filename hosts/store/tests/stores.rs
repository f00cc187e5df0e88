//! What every store does alike, as its users see it; and what only one of them can get wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use mqtt5_session::journal::frame::{Damaged, Draft, END, OVERHEAD, START};
use mqtt5_store::{Aligned, Database, DatabaseError, File, FileError, Flash, FlashError, List, Loaded, Session, Store};
use proptest::prelude::*;
use sequential_storage::mock_flash::{MockFlashBase, MockFlashError, WriteCountCheck};

fn frame(sequence: u32, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; body.len() + OVERHEAD];
    let mut draft = Draft::new(&mut out);
    assert!(draft.put(&[body]));
    draft.seal(sequence, u8::from(flags == 0), flags).unwrap();
    out
}

fn bodies<S: Store>(store: &mut S) -> Result<Vec<Vec<u8>>, S::Error> {
    let mut bodies = Vec::new();
    store.load(&mut |frame| bodies.push(frame.body.to_vec()))?;
    Ok(bodies)
}

/// Begins a log in a store that has none, goes on, opens it anew, compacts it, and opens it anew.
fn lives<S: Store<Error: PartialEq>>(mut open: impl FnMut(Option<S>) -> S) {
    let mut store = open(None);
    assert!(store.append(&frame(1, 0, b"early")).is_err());
    assert!(store.compact(&mut List::new(&[])).is_err(), "nothing is overwritten unseen");
    assert_eq!(store.load(&mut |_| {}), Ok(None));
    assert!(store.append(&frame(1, 0, b"no snapshot")).is_err());
    store.compact(&mut List::new(&[&frame(0, START | END, b"begins")])).unwrap();
    store.append(&frame(1, 0, b"one")).unwrap();
    store.append(&frame(2, 0, b"")).unwrap();
    store.sync().unwrap();

    let mut store = open(Some(store));
    assert!(store.append(&frame(3, 0, b"not loaded")).is_err());
    let loaded = store.load(&mut |_| {}).unwrap().unwrap();
    assert_eq!((loaded.frames, loaded.next, loaded.dropped), (3, 3, 0));
    assert_eq!(bodies(&mut store).unwrap(), [&b"begins"[..], b"one", b""]);
    store.append(&frame(3, 0, b"three")).unwrap();
    store.sync().unwrap();
    store.compact(&mut List::new(&[&frame(4, START, b"new "), &frame(5, END, b"log")])).unwrap();
    store.append(&frame(6, 0, b"six")).unwrap();
    store.sync().unwrap();

    let mut store = open(Some(store));
    assert_eq!(bodies(&mut store).unwrap(), [&b"new "[..], b"log", b"six"]);
    assert!(!store.is_long());
}

/// Errors of the operating system are not compared.
#[derive(Debug)]
struct Alike<S>(S);

macro_rules! alike {
    ($store:ty, $error:ty) => {
        impl Store for Alike<$store> {
            type Error = Said;
            fn load(
                &mut self,
                each: &mut dyn FnMut(mqtt5_session::journal::frame::Frame<'_>),
            ) -> Result<Option<Loaded>, Said> {
                self.0.load(each).map_err(said)
            }
            fn append(&mut self, frame: &[u8]) -> Result<(), Said> {
                self.0.append(frame).map_err(said)
            }
            fn sync(&mut self) -> Result<(), Said> {
                self.0.sync().map_err(said)
            }
            fn compact(&mut self, snapshot: &mut dyn mqtt5_store::Frames) -> Result<(), Said> {
                self.0.compact(snapshot).map_err(said)
            }
            fn is_long(&self) -> bool {
                self.0.is_long()
            }
        }
    };
}
alike!(File, FileError);
alike!(Session, DatabaseError);

/// What an error says.
#[derive(Debug, PartialEq)]
struct Said(String);

fn said(error: impl core::error::Error) -> Said {
    Said(error.to_string())
}

impl core::fmt::Display for Said {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Said {}

// --- a file ---

#[test]
fn a_file_keeps_a_log_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    lives(|before: Option<Alike<File>>| {
        drop(before);
        Alike(File::open(folder.path().join("log")).unwrap())
    });
}

#[test]
fn a_file_is_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let first = File::open(&path).unwrap();
    assert!(matches!(File::open(&path), Err(FileError::Locked)));
    drop(first);
    assert!(File::open(&path).is_ok());
}

#[test]
fn what_a_killed_process_left_beside_the_file_is_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(folder.path().join("log.new"), frame(9, START, b"half a snapshot")).unwrap();
    let mut store = File::open(&path).unwrap();
    assert!(matches!(store.load(&mut |_| {}), Ok(None)));
    store.compact(&mut List::new(&[&frame(0, START | END, b"a snapshot")])).unwrap();
    assert_eq!(bodies(&mut store).unwrap(), [b"a snapshot"]);
    assert!(!folder.path().join("log.new").exists());
}

#[test]
fn a_file_in_a_folder_that_is_gone_can_not_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let error = File::open(folder.path().join("gone/log")).unwrap_err();
    assert!(error.to_string().starts_with("could not open the lock of the journal: "), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_snapshot_that_the_disk_does_not_take_leaves_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut store = File::open(&path).unwrap();
    store.load(&mut |_| {}).unwrap();
    store.compact(&mut List::new(&[&frame(0, START | END, b"")])).unwrap();
    drop(store);
    std::os::unix::fs::symlink("/dev/full", folder.path().join("log.new")).unwrap();
    let mut store = File::open(&path).unwrap();
    store.load(&mut |_| {}).unwrap();
    let error = store.compact(&mut List::new(&[&frame(1, START | END, b"more")])).unwrap_err();
    assert!(error.to_string().contains("the journal"), "{error}");
    store.append(&frame(1, 0, b"goes on")).unwrap();
    store.sync().unwrap();
    assert_eq!(bodies(&mut store).unwrap(), [&b""[..], b"goes on"]);
}

// --- a database ---

fn sessions(path: &Path) -> Database {
    Database::open(path).unwrap()
}

#[test]
fn a_database_keeps_a_log_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.redb");
    lives(|before: Option<Alike<Session>>| {
        drop(before);
        Alike(sessions(&path).session("pump-7").unwrap())
    });
}

#[test]
fn sessions_of_a_database_are_apart_and_synced_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.redb");
    let database = sessions(&path);
    assert_eq!(database.names().unwrap(), [""; 0]);
    let [mut one, mut two] = ["a", "ab"].map(|name| database.session(name).unwrap());
    for (store, body) in [(&mut one, b"1"), (&mut two, b"2")] {
        assert!(store.load(&mut |_| {}).unwrap().is_none());
        store.compact(&mut List::new(&[&frame(0, START | END, body)])).unwrap();
        store.append(&frame(1, 0, body)).unwrap();
    }
    database.sync(&mut [&mut one, &mut two]).unwrap();
    one.append(&frame(2, 0, b"not synced")).unwrap();
    one.append(&frame(3, 0, b"not synced")).unwrap();
    drop((one, two));
    assert_eq!(database.names().unwrap(), ["a", "ab"]);
    assert_eq!(bodies(&mut database.session("a").unwrap()).unwrap(), [b"1", b"1"]);
    assert_eq!(bodies(&mut database.session("ab").unwrap()).unwrap(), [b"2", b"2"]);
}

#[test]
fn a_database_and_each_of_its_sessions_are_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.redb");
    let database = sessions(&path);
    assert!(matches!(Database::open(&path), Err(DatabaseError::Locked)));
    let first = database.session("a").unwrap();
    assert!(matches!(database.session("a"), Err(DatabaseError::Locked)));
    drop(first);
    assert!(database.session("a").is_ok());
}

#[test]
fn a_file_that_is_no_database_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.redb");
    std::fs::write(&path, [0xA1; 10_000]).unwrap();
    assert!(matches!(Database::open(&path), Err(DatabaseError::Database { doing: "open", .. })));
}

/// A place for a database that loses what was not synced, and fails from some write on.
#[derive(Clone, Debug, Default)]
struct Medium(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// How many steps succeed.
    left: Option<u32>,
}

impl Medium {
    /// The power fails: what was not synced is gone.
    fn after_a_crash(&self) -> Self {
        let durable = self.0.lock().unwrap().durable.clone();
        Self(Arc::new(Mutex::new(Disk { bytes: durable.clone(), durable, left: None })))
    }
}

fn step(left: &mut Option<u32>) -> io::Result<()> {
    match left {
        Some(0) => Err(io::ErrorKind::StorageFull.into()),
        Some(left) => {
            *left -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

impl redb::StorageBackend for Medium {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }
    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        Ok(self.0.lock().unwrap().bytes[offset as usize..][..len].to_vec())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        let Disk { bytes, left, .. } = &mut *self.0.lock().unwrap();
        step(left)?;
        bytes.resize(len as usize, 0);
        Ok(())
    }
    fn sync_data(&self, _eventual: bool) -> io::Result<()> {
        let Disk { bytes, durable, left } = &mut *self.0.lock().unwrap();
        step(left)?;
        durable.clone_from(bytes);
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let Disk { bytes, left, .. } = &mut *self.0.lock().unwrap();
        step(left)?;
        bytes[offset as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }
}

#[test]
fn a_database_whose_disk_fails_at_any_step_has_what_was_synced() {
    for steps in [0, 1, 2, 3, 5, 8, 13, 21, 34] {
        let medium = Medium::default();
        let mut store = Database::with_backend(medium.clone()).unwrap().session("a").unwrap();
        store.load(&mut |_| {}).unwrap();
        store.compact(&mut List::new(&[&frame(0, START | END, b"begins")])).unwrap();
        medium.0.lock().unwrap().left = Some(steps);
        let mut synced = 0;
        for number in 1..=4 {
            let kept = store.append(&frame(number, 0, &[number as u8; 300])).and_then(|()| store.sync());
            if kept.is_err() {
                break;
            }
            synced = number as usize;
        }
        drop(store);
        let mut store = Database::with_backend(medium.after_a_crash()).unwrap().session("a").unwrap();
        let found = bodies(&mut store).unwrap();
        assert!(found.len() > synced && found.len() <= synced + 2, "{steps}: {synced} synced, {} found", found.len());
    }
}

// --- flash ---

/// Eight pages of 512 bytes, in words of four.
type Chip = MockFlashBase<8, 4, 128>;

fn chip() -> Chip {
    Chip::new(WriteCountCheck::OnceOnly, None, true)
}

const BANKS: [core::ops::Range<u32>; 2] = [0..2048, 2048..4096];

fn flash(chip: Chip, buffer: &mut Aligned<512>) -> Flash<'_, Chip> {
    Flash::new(chip, BANKS, &mut buffer.0).unwrap()
}

#[test]
fn flash_keeps_a_log_over_restarts() {
    lives(|before: Option<Flash<'static, Chip>>| {
        let buffer = Box::leak(Box::new(Aligned([0; 512])));
        flash(before.map_or_else(chip, Flash::into_inner), buffer)
    });
}

#[test]
fn banks_are_of_whole_pages_of_one_length_and_apart() {
    let mut buffer = Aligned([0; 512]);
    for banks in [[0..2048, 1536..3584], [0..2048, 2048..3584], [0..2000, 2048..4096]] {
        assert!(Flash::new(chip(), banks, &mut buffer.0).is_none());
    }
}

#[test]
fn a_full_bank_says_so_and_is_compacted() {
    let mut buffer = Aligned([0; 512]);
    let mut store = flash(chip(), &mut buffer);
    store.load(&mut |_| {}).unwrap();
    store.compact(&mut List::new(&[&frame(0, START | END, b"begins")])).unwrap();
    let mut number = 1;
    let full = loop {
        match store.append(&frame(number, 0, &[7; 200])) {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((full, store.is_long()), (FlashError::Full, true));
    store.compact(&mut List::new(&[&frame(number, START | END, b"anew")])).unwrap();
    assert!(!store.is_long());
    store.append(&frame(number + 1, 0, &[7; 200])).unwrap();
    assert_eq!(store.append(&frame(number + 2, 0, &[7; 600])), Err(FlashError::TooLong));
    assert_eq!(bodies(&mut store).unwrap(), [&b"anew"[..], &[7; 200]]);
}

#[test]
fn a_snapshot_that_fits_no_bank_leaves_the_log() {
    let mut buffer = Aligned([0; 512]);
    let mut store = flash(chip(), &mut buffer);
    store.load(&mut |_| {}).unwrap();
    store.compact(&mut List::new(&[&frame(0, START | END, b"begins")])).unwrap();
    let halves = [START, 0, 0, 0, 0, END].map(|flags| frame(1, flags, &[1; 400]));
    let [a, b, c, d, e, f] = &halves;
    assert_eq!(store.compact(&mut List::new(&[a, b, c, d, e, f])), Err(FlashError::Full));
    store.append(&frame(1, 0, b"goes on")).unwrap();
    assert_eq!(bodies(&mut store).unwrap(), [&b"begins"[..], b"goes on"]);
}

#[test]
fn flash_that_lost_the_end_of_its_snapshot_is_an_error_until_somebody_erases_it() {
    let mut buffer = Aligned([0; 512]);
    let mut store = flash(chip(), &mut buffer);
    store.load(&mut |_| {}).unwrap();
    store.compact(&mut List::new(&[&frame(0, START, b"no end")])).unwrap();
    assert_eq!(store.load(&mut |_| {}), Err(FlashError::Damaged(Damaged::Snapshot)));
    assert_eq!(store.append(&frame(1, 0, b"x")), Err(FlashError::NotLoaded));
    assert_eq!(store.compact(&mut List::new(&[])), Err(FlashError::NotLoaded));
    store.erase().unwrap();
    store.compact(&mut List::new(&[&frame(0, START | END, b"begins")])).unwrap();
    assert_eq!(bodies(&mut store).unwrap(), [b"begins"]);
}

/// Fills a log and compacts it, until the power fails after so many bytes that were written or erased. Gives what was kept for sure,
/// and what may be there besides.
fn until_the_power_fails(store: &mut Flash<'_, Chip>, lens: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut kept, mut number) = (vec![b"begins".to_vec()], 1);
    for len in lens {
        let body = vec![number as u8; usize::from(*len)];
        // Where frames leave much of their pages over, a bank is full before it is called long.
        let mut full = false;
        loop {
            if full || store.is_long() {
                let snapshot = vec![number as u8; 30];
                match store
                    .compact(&mut List::new(&[&frame(number, START, &snapshot), &frame(number + 1, END, &snapshot)]))
                {
                    Ok(()) => kept = vec![snapshot.clone(), snapshot],
                    Err(_) => return (kept, vec![snapshot.clone(), snapshot]),
                }
                number += 2;
            }
            match store.append(&frame(number, 0, &body)) {
                Ok(()) => break kept.push(body),
                Err(FlashError::Driver(MockFlashError::EarlyShutoff(..))) => {
                    let mut more = kept.clone();
                    more.push(body);
                    return (kept, more);
                }
                Err(FlashError::Full) if !full => full = true,
                Err(error) => panic!("{error}"),
            }
        }
        number += 1;
    }
    (kept.clone(), kept)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn after_a_loss_of_power_at_any_byte_the_flash_has_what_was_kept(lens in prop::collection::vec(0u8..150, 1..60), bytes in 0u32..14_000) {
        let mut buffer = Aligned([0; 512]);
        let mut store = flash(chip(), &mut buffer);
        store.load(&mut |_| {}).unwrap();
        store.compact(&mut List::new(&[&frame(0, START | END, b"begins")])).unwrap();
        let mut chip = store.into_inner();
        chip.bytes_until_shutoff = Some(bytes);
        let mut store = flash(chip, &mut buffer);
        if store.load(&mut |_| {}).is_err() {
            return Ok(()); // it reads only, and is not what is tested
        }
        let (kept, other) = until_the_power_fails(&mut store, &lens);
        let mut chip = store.into_inner();
        chip.bytes_until_shutoff = None;
        let mut store = flash(chip, &mut buffer);
        let found = bodies(&mut store).unwrap();
        prop_assert!(found == kept || found == other, "{found:?} {kept:?} {other:?}");
        // And it goes on.
        let next = store.load(&mut |_| {}).unwrap().unwrap().next;
        store.compact(&mut List::new(&[&frame(next, START | END, b"anew")])).unwrap();
        prop_assert_eq!(bodies(&mut store).unwrap(), [b"anew"]);
    }
}
