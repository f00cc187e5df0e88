//! The log on a disk that fails at any step, loses power, forgets what was not synced, and lies about syncing.

use std::io;
use std::vec::Vec;

use mqtt5_session::journal::frame::{Damaged, Draft, END, OVERHEAD, START};
use proptest::prelude::*;

use super::disk::Disk;
use super::{Condition, FileError, Log};
use crate::{List, Loaded};

/// A file: what is on the disk, and what the system would read.
#[derive(Clone, Debug, Default)]
struct Inode {
    durable: Vec<u8>,
    cached: Vec<u8>,
}

/// A folder with two names on a disk.
#[derive(Clone, Debug, Default)]
struct Model {
    files: Vec<Inode>,
    /// Which file has the name of the log: now, and on the disk.
    log: Option<usize>,
    durable_log: Option<usize>,
    new: Option<usize>,
    /// Fails at this step, and at so many more.
    fails: Option<(u32, u32)>,
    /// Fails from then on as if the power were gone.
    dies: Option<u32>,
    /// Says that it synced, and does not.
    lies: bool,
    steps: u32,
}

impl Model {
    /// A step of the system. How much of it is done if it fails is told by the caller.
    fn step(&mut self) -> io::Result<()> {
        self.steps += 1;
        let fails = self.fails.is_some_and(|(from, more)| (from..=from + more).contains(&self.steps));
        let dead = self.dies.is_some_and(|from| self.steps >= from);
        if fails || dead { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn file(&mut self, which: Option<usize>) -> io::Result<&mut Inode> {
        which.and_then(|index| self.files.get_mut(index)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn write(&mut self, which: Option<usize>, bytes: &[u8]) -> io::Result<()> {
        let done = self.step();
        let part = if done.is_ok() { bytes.len() } else { bytes.len() / 2 };
        self.file(which)?.cached.extend(&bytes[..part]);
        done
    }

    fn sync_file(&mut self, which: Option<usize>) -> io::Result<()> {
        self.step()?;
        if !self.lies {
            let file = self.file(which)?;
            file.durable.clone_from(&file.cached);
        }
        Ok(())
    }

    /// The power fails and comes back: of each file that was not synced, any of its blocks of 8 bytes are there, up to any length.
    fn crash(&mut self, random: &mut impl FnMut(usize) -> usize) {
        for file in &mut self.files {
            let (old, new) = (file.durable.len(), file.cached.len());
            let (least, most) = (old.min(new), old.max(new));
            let len = least + random(most - least + 1);
            let mut bytes = std::vec![0; len];
            for (number, block) in bytes.chunks_mut(8).enumerate() {
                let source = if random(2) == 0 { &file.durable } else { &file.cached };
                for (byte, from) in block.iter_mut().zip(source.iter().skip(number * 8)) {
                    *byte = *from;
                }
            }
            // What is the same on both sides is the same after all.
            let same = file.durable.iter().zip(&file.cached).take_while(|(a, b)| a == b).count();
            let kept = same.min(len);
            bytes[..kept].copy_from_slice(&file.durable[..kept]);
            file.durable.clone_from(&bytes);
            file.cached = bytes;
        }
        self.log = if random(2) == 0 { self.log } else { self.durable_log };
        self.durable_log = self.log;
        self.new = None;
        (self.fails, self.dies) = (None, None);
    }
}

impl Disk for Model {
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.step()?;
        Ok(self.log.and_then(|index| self.files.get(index)).map(|file| file.cached.clone()))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(self.log, bytes)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.step()?;
        self.file(self.log)?.cached.truncate(len as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_file(self.log)
    }

    fn begin(&mut self) -> io::Result<()> {
        self.step()?;
        self.files.push(Inode::default());
        self.new = Some(self.files.len() - 1);
        Ok(())
    }

    fn append_new(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(self.new, bytes)
    }

    fn sync_new(&mut self) -> io::Result<()> {
        self.sync_file(self.new)
    }

    fn replace(&mut self) -> io::Result<()> {
        self.step()?;
        self.log = self.new.take();
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.step()?;
        if !self.lies {
            self.durable_log = self.log;
        }
        Ok(())
    }

    fn discard(&mut self) {
        self.new = None;
    }
}

fn frame(sequence: u32, behind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut out = std::vec![0; body.len() + OVERHEAD];
    let mut draft = Draft::new(&mut out);
    assert!(draft.put(&[body]));
    draft.seal(sequence, behind, flags).unwrap();
    out
}

fn bodies(log: &mut Log<Model>) -> Result<Option<Vec<Vec<u8>>>, FileError> {
    let mut bodies = Vec::new();
    let loaded = log.load(&mut |frame| bodies.push(frame.body.to_vec()))?;
    Ok(loaded.map(|_| bodies))
}

/// A log with a snapshot and so many frames, all of them synced.
fn begun(frames: u32) -> Log<Model> {
    let mut log = Log::new(Model::default());
    assert!(log.load(&mut |_| {}).unwrap().is_none());
    log.compact(&mut List::new(&[&frame(0, 0, START | END, b"snap")])).unwrap();
    for number in 1..=frames {
        log.append(&frame(number, 1, 0, &[number as u8])).unwrap();
        log.sync().unwrap();
    }
    log
}

fn bytes(log: &mut Log<Model>) -> &mut Vec<u8> {
    &mut log.disk.file(log.disk.log).unwrap().cached
}

#[test]
fn nothing_is_appended_to_a_log_that_was_not_loaded_or_has_not_begun() {
    let mut log = Log::new(Model::default());
    assert!(matches!(log.append(b"x"), Err(FileError::NotLoaded)));
    assert!(matches!(log.compact(&mut List::new(&[])), Err(FileError::NotLoaded)));
    assert_eq!(log.load(&mut |_| {}).unwrap(), None);
    assert!(matches!(log.append(b"x"), Err(FileError::NotLoaded)));
    assert!(matches!(log.sync(), Err(FileError::NotLoaded)));
}

#[test]
fn a_torn_tail_is_dropped_for_good_and_told() {
    let mut log = begun(2);
    bytes(&mut log).extend(&frame(3, 1, 0, b"three")[..9]);
    let mut log = Log::new(log.disk);
    assert_eq!(log.load(&mut |_| {}).unwrap(), Some(Loaded { frames: 3, next: 3, dropped: 9 }));
    log.append(&frame(3, 1, 0, b"again")).unwrap();
    assert_eq!(bodies(&mut log).unwrap().unwrap().last().unwrap(), b"again");
}

#[test]
fn a_frame_damaged_in_the_middle_is_an_error_and_nothing_is_given_or_changed() {
    let mut log = begun(3);
    let at = OVERHEAD + 4 + OVERHEAD; // in the first frame behind the snapshot
    bytes(&mut log)[at - 4] ^= 1;
    let before = bytes(&mut log).clone();
    let mut given = 0;
    assert!(matches!(log.load(&mut |_| given += 1), Err(FileError::Damaged(Damaged::Missing(1)))));
    assert_eq!((given, bytes(&mut log)), (0, &mut before.clone()));
    assert!(matches!(log.append(b"x"), Err(FileError::NotLoaded)));
    // Nor is it overwritten by a new one.
    assert!(matches!(log.compact(&mut List::new(&[])), Err(FileError::NotLoaded)));
}

#[test]
fn an_empty_file_a_foreign_one_and_one_of_another_format_are_no_new_beginning() {
    for content in [&b""[..], b"SQLite format 3\0", &[0xA2; 40], &[0; 40], &[0xA1; 40]] {
        let mut log = begun(0);
        *bytes(&mut log) = content.to_vec();
        assert!(matches!(log.load(&mut |_| {}), Err(FileError::Damaged(Damaged::Head(Some(_))))));
    }
}

#[test]
fn a_disk_that_is_full_takes_nothing_and_the_log_goes_on_when_it_is_not() {
    let mut log = begun(1);
    log.disk.fails = Some((log.disk.steps + 1, 0));
    let error = log.append(&frame(2, 1, 0, b"no room")).unwrap_err();
    assert_eq!(error.to_string(), "could not append to the journal: no storage space");
    log.append(&frame(2, 1, 0, b"room")).unwrap();
    log.sync().unwrap();
    assert_eq!(bodies(&mut log).unwrap().unwrap(), [&b"snap"[..], &[1], b"room"]);
}

#[test]
fn after_a_sync_that_failed_only_a_new_log_is_relied_on() {
    let mut log = begun(1);
    log.append(&frame(2, 1, 0, b"two")).unwrap();
    log.disk.fails = Some((log.disk.steps + 1, 0));
    assert!(matches!(log.sync(), Err(FileError::Io { doing: "sync", .. })));
    assert!(matches!(log.sync(), Err(FileError::Broken)));
    assert!(matches!(log.append(b"x"), Err(FileError::Broken)));
    log.compact(&mut List::new(&[&frame(3, 0, START | END, b"all of it")])).unwrap();
    log.append(&frame(4, 1, 0, b"four")).unwrap();
    assert_eq!(bodies(&mut log).unwrap().unwrap(), [&b"all of it"[..], b"four"]);
}

#[test]
fn a_log_is_long_when_it_has_grown_to_twice_its_snapshot_and_by_64_kib() {
    let mut log = begun(0);
    assert!(!log.is_long());
    log.append(&frame(1, 1, 0, &[0; 64 << 10])).unwrap();
    assert!(log.is_long());
    log.compact(&mut List::new(&[&frame(2, 0, START | END, &[0; 100 << 10])])).unwrap();
    log.append(&frame(3, 1, 0, &[0; 90 << 10])).unwrap();
    assert!(!log.is_long());
}

/// What a schedule does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Append(u8),
    Sync,
    Compact,
    Fail(u8, u8),
    Crash,
    /// The power fails at so many steps from now.
    Die(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0u8..40).prop_map(Act::Append),
        4 => Just(Act::Sync),
        2 => Just(Act::Compact),
        1 => (1u8..6, 0u8..2).prop_map(|(from, more)| Act::Fail(from, more)),
        1 => Just(Act::Crash),
        1 => (1u8..8).prop_map(Act::Die),
    ];
    prop::collection::vec(act, 1..60)
}

/// A host that journals, and what it may rely on.
struct Player {
    log: Log<Model>,
    /// The frames of the log, by their bodies; and of the one that would take its place if the last compaction did so.
    said: Vec<Vec<u8>>,
    other: Option<Vec<Vec<u8>>>,
    /// How many of them were reported durable.
    durable: usize,
    next: u32,
    durable_number: u32,
}

impl Player {
    fn new(lies: bool) -> Self {
        let mut log = Log::new(Model::default());
        log.load(&mut |_| {}).unwrap();
        log.compact(&mut List::new(&[&frame(0, 0, START | END, b"0")])).unwrap();
        log.disk.lies = lies;
        Self { log, said: std::vec![b"0".to_vec()], other: None, durable: 1, next: 1, durable_number: 0 }
    }

    fn append(&mut self, len: u8) {
        let body = std::vec![self.next as u8; len.into()];
        let behind = u8::try_from(self.next.wrapping_sub(self.durable_number)).unwrap_or(255);
        let done = self.log.append(&frame(self.next, behind, 0, &body));
        if done.is_ok() {
            self.said.push(body);
            self.next += 1;
        }
    }

    fn sync(&mut self) {
        if self.log.sync().is_ok() {
            self.durable = self.said.len();
            self.durable_number = self.next - 1;
        }
    }

    fn compact(&mut self) {
        // In two frames, so that one may be missing.
        let halves = [self.next, self.next + 1].map(|number| std::vec![number as u8; 20]);
        let [first, second] = &halves;
        let first = frame(self.next, 0, START, first);
        let second = frame(self.next + 1, 0, END, second);
        let before = self.log.disk.log;
        let done = self.log.compact(&mut List::new(&[&first, &second]));
        let new = halves.to_vec();
        if self.log.disk.log != before {
            // Frames that are not in the log leave no gap in its numbers.
            self.next += 2;
        }
        if done.is_ok() {
            (self.said, self.other) = (new, None);
            self.durable = 2;
            self.durable_number = self.next - 1;
        } else if self.log.disk.log != before {
            // Either may be there after a crash: this one, or the one whose name is durable.
            assert_eq!(self.log.condition, Condition::Broken);
            let old = core::mem::replace(&mut self.said, new);
            self.other.get_or_insert(old);
        }
    }

    /// Loads after a crash, and compares with what it relies on.
    fn load(&mut self, lies: bool) -> Result<bool, TestCaseError> {
        self.log = Log::new(core::mem::take(&mut self.log.disk));
        let found = match bodies(&mut self.log) {
            Ok(found) => found,
            Err(FileError::Damaged(_) | FileError::Unclear { .. }) if lies => return Ok(false),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let found = found.ok_or_else(|| TestCaseError::fail("begun anew in silence"))?;
        let is_prefix = |of: &[Vec<u8>]| of.starts_with(&found);
        let old = self.other.take();
        let durable = if old.is_some() || lies { 1 } else { self.durable };
        prop_assert!(found.len() >= durable, "{} of {} durable frames are there", found.len(), durable);
        prop_assert!(is_prefix(&self.said) || old.is_some_and(|old| is_prefix(&old)) || lies, "{found:?}");
        // Goes on from what there is, with a snapshot as a host does.
        self.said = found;
        self.next += 1;
        self.compact();
        Ok(true)
    }
}

fn play(acts: &[Act], lies: bool, seed: u64) -> Result<(), TestCaseError> {
    let mut state = seed | 1;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below.max(1)
    };
    let mut player = Player::new(lies);
    for act in acts {
        match *act {
            Act::Append(len) => player.append(len),
            Act::Sync => player.sync(),
            Act::Compact => player.compact(),
            Act::Fail(from, more) => {
                player.log.disk.fails = Some((player.log.disk.steps + u32::from(from), more.into()))
            }
            Act::Die(from) => player.log.disk.dies = Some(player.log.disk.steps + u32::from(from)),
            Act::Crash => {
                player.log.disk.crash(&mut random);
                if !player.load(lies)? {
                    return Ok(());
                }
            }
        }
    }
    player.log.disk.crash(&mut random);
    player.load(lies).map(|_| ())
}

#[test]
fn what_a_killed_process_had_not_synced_is_durable_once_it_is_loaded() {
    let mut bytes = [0; 64];
    let len = Draft::new(&mut bytes).seal(0, 0, START | END).unwrap();
    let mut log = Log::new(Model::default());
    log.load(&mut |_| {}).unwrap();
    log.compact(&mut List::new(&[&bytes[..len]])).unwrap();
    let len = Draft::new(&mut bytes).seal(1, 1, 0).unwrap();
    log.append(&bytes[..len]).unwrap();
    // Killed: what it wrote is in the system's memory, and nowhere else.
    let mut log = Log::new(log.disk);
    let mut seen = 0;
    log.load(&mut |_| seen += 1).unwrap();
    assert_eq!(seen, 2);
    let file = &log.disk.files[log.disk.log.unwrap()];
    assert_eq!(file.durable, file.cached);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn after_any_failures_and_crashes_what_was_reported_durable_is_there(acts in acts(), seed: u64) {
        play(&acts, false, seed)?;
    }

    #[test]
    fn a_disk_that_lies_about_syncing_never_gives_what_was_not_said_in_a_row(acts in acts(), seed: u64) {
        play(&acts, true, seed)?;
    }
}
