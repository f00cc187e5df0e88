//! Where received bytes arrive, and where topic aliases are looked up: both belong to the host, and events borrow them.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::cell::Cell;

use mqtt5_codec::Topic;

/// Received bytes that have not become events yet, and the topics that the server's aliases stand for.
///
/// `connect` takes it first, empties it and binds it to the new connection. Then write what was read into
/// [`spare`](Self::spare), say how much it was with [`filled`](Self::filled), and hand the inbox to `handle_input`.
///
/// ```
/// use mqtt5_session::Inbox;
/// let mut buffer = [0; 512];
/// let mut inbox = Inbox::new(&mut buffer);
/// let spare = inbox.spare();
/// spare[..2].copy_from_slice(&[0xD0, 0]); // a read
/// inbox.filled(2);
/// assert_eq!(inbox.len(), 2);
/// ```
pub struct Inbox<'b> {
    store: Store<'b>,
    aliases: Option<Aliases<'b>>,
    start: usize,
    end: usize,
    /// How long the packet is that has begun, as far as is known.
    need: usize,
    /// The connection that the bytes belong to.
    serial: u16,
    /// Whether something was read since the session looked.
    news: bool,
}

enum Store<'b> {
    Lent(&'b mut [u8]),
    #[cfg(feature = "alloc")]
    Grown {
        bytes: Vec<u8>,
        most: usize,
    },
}

impl Store<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Store::Lent(bytes) => bytes,
            #[cfg(feature = "alloc")]
            Store::Grown { bytes, .. } => bytes,
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Store::Lent(bytes) => bytes,
            #[cfg(feature = "alloc")]
            Store::Grown { bytes, .. } => bytes,
        }
    }

    /// How many bytes there can be.
    fn most(&self) -> usize {
        match self {
            Store::Lent(bytes) => bytes.len(),
            #[cfg(feature = "alloc")]
            Store::Grown { most, .. } => *most,
        }
    }

    /// Makes room when all is taken by the `held` bytes of a packet of `need`: as much again as has arrived, at least a
    /// page, and no more than what is known to come.
    #[cfg(feature = "alloc")]
    fn grow(&mut self, held: usize, need: usize) {
        if let Store::Grown { bytes, most } = self
            && held == bytes.len()
            && held < *most
        {
            let more = need.saturating_sub(held).clamp(16, held.max(4_096));
            bytes.resize(held.saturating_add(more).min(*most), 0);
        }
    }
}

/// What `handle_input` works on.
pub(crate) struct Open<'i> {
    pub(crate) data: &'i [u8],
    pub(crate) start: &'i mut usize,
    pub(crate) aliases: Option<Aliases<'i>>,
    /// The longest packet that can ever be whole here.
    pub(crate) most: usize,
    /// Where to note how long the packet is that has begun.
    pub(crate) need: &'i mut usize,
}

impl<'b> Inbox<'b> {
    /// An inbox in this buffer, which has to hold the largest packet that the server may send: say so in the Maximum Packet
    /// Size of CONNECT. No topic aliases.
    #[must_use]
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { store: Store::Lent(buffer), aliases: None, start: 0, end: 0, need: 0, serial: 0, news: false }
    }

    /// An inbox that begins with room for `bytes` and grows as packets ask for it, to `most` bytes, of
    /// which there are at least 16. No topic aliases.
    ///
    /// It does not shrink, and grows by what has really arrived: a packet's declared length takes no memory.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn growing(bytes: usize, most: usize) -> Self {
        let most = most.max(16);
        let bytes = alloc::vec![0; bytes.clamp(16, most)];
        let store = Store::Grown { bytes, most };
        Self { store, aliases: None, start: 0, end: 0, need: 0, serial: 0, news: false }
    }

    /// The same inbox with a table for topic aliases, each with a topic name of up to `longest` bytes: there is room for
    /// `table.len() / (longest + 2)` of them. State no larger Topic Alias Maximum in CONNECT; a server that sets another
    /// one, or a longer name, causes a [`Fault`](crate::Fault) with reason 0x97, Quota exceeded.
    #[must_use]
    pub fn with_aliases(mut self, table: &'b mut [u8], longest: u16) -> Self {
        table.fill(0);
        let cell = usize::from(longest).saturating_add(2);
        self.aliases = Some(Aliases { table, cell, calls: &Calls { clear, set, has, get } });
        self
    }

    /// Room for what is read next. Moves an unfinished packet to the front of the buffer first.
    ///
    /// Empty when the buffer is full: `handle_input` first.
    pub fn spare(&mut self) -> &mut [u8] {
        let (start, end) = (self.start, self.end);
        #[cfg(feature = "alloc")]
        self.store.grow(end.saturating_sub(start), self.need);
        let bytes = self.store.bytes_mut();
        if start != 0 {
            let held = end.saturating_sub(start);
            if let Some(bytes) = bytes.get_mut(..end)
                && start <= bytes.len()
            {
                if cfg!(target_pointer_width = "64") {
                    bytes.copy_within(start.., 0);
                } else {
                    move_down(bytes, start);
                }
            }
            self.start = 0;
            self.end = held;
        }
        bytes.get_mut(self.end..).unwrap_or(&mut [])
    }

    /// Tells that `n` more bytes of [`spare`](Self::spare) have been read into; more than there are count as all.
    pub fn filled(&mut self, n: usize) {
        self.end = self.end.saturating_add(n).min(self.store.bytes().len());
        self.news |= n != 0;
    }

    /// How many bytes wait to be handled.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether no bytes wait to be handled.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops all bytes and aliases: for a host that lends one inbox to several clients, with whole packets in it each time.
    pub fn clear(&mut self) {
        self.bind(0);
    }

    /// Drops all bytes and aliases, and belongs to this connection; with 0, to whichever comes first.
    pub(crate) fn bind(&mut self, serial: u16) {
        self.serial = serial;
        self.start = 0;
        self.end = 0;
        if let Some(aliases) = &mut self.aliases {
            (aliases.calls.clear)(aliases.table);
        }
    }

    /// Drops what belongs to another connection than `serial`. Whether something was read since this was last asked.
    pub(crate) fn claim(&mut self, serial: u16) -> bool {
        if self.serial != serial {
            if self.serial != 0 {
                self.start = self.end;
            }
            self.serial = serial;
            if let Some(aliases) = &mut self.aliases {
                (aliases.calls.clear)(aliases.table);
            }
        }
        core::mem::take(&mut self.news)
    }

    pub(crate) fn open(&mut self) -> Open<'_> {
        let (bytes, most) = (self.store.bytes(), self.store.most());
        Open {
            data: bytes.get(..self.end).unwrap_or(&[]),
            start: &mut self.start,
            aliases: self.aliases.as_mut().map(|Aliases { table, cell, calls }| Aliases { table, cell: *cell, calls }),
            most,
            need: &mut self.need,
        }
    }
}

/// Moves what begins at `start` to the front; what was there is mixed up. The routine that moves bytes in general takes more
/// flash than a small device has for it.
fn move_down(bytes: &mut [u8], start: usize) {
    let cells = Cell::from_mut(bytes).as_slice_of_cells();
    for (to, from) in cells.iter().zip(cells.get(start..).unwrap_or(&[])) {
        // A swap, which the compiler doesn't take for that routine.
        from.set(to.replace(from.get()));
    }
}

impl core::fmt::Debug for Inbox<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inbox").field("len", &self.len()).field("capacity", &self.store.bytes().len()).finish()
    }
}

/// The topics of topic aliases, in cells of one size: a length of two bytes, and the name.
pub(crate) struct Aliases<'i> {
    table: &'i mut [u8],
    /// Bytes of each alias in the table.
    cell: usize,
    calls: &'static Calls,
}

/// What is done with a table. Called by way of it, so that a program whose inbox has none has none of this.
struct Calls {
    clear: fn(&mut [u8]),
    set: fn(&mut [u8], cell: usize, alias: u16, topic: Topic<'_>) -> bool,
    has: fn(&[u8], cell: usize, alias: u16) -> bool,
    get: for<'i> fn(&'i [u8], cell: usize, alias: u16) -> Option<Topic<'i>>,
}

impl<'i> Aliases<'i> {
    /// Remembers the topic of an alias. False if there is no room for it.
    pub(crate) fn set(&mut self, alias: u16, topic: Topic<'_>) -> bool {
        (self.calls.set)(self.table, self.cell, alias, topic)
    }

    /// Whether an alias has been set.
    pub(crate) fn has(&self, alias: u16) -> bool {
        (self.calls.has)(self.table, self.cell, alias)
    }

    /// The topic of an alias, if it has been set.
    pub(crate) fn get(self, alias: u16) -> Option<Topic<'i>> {
        (self.calls.get)(self.table, self.cell, alias)
    }
}

fn clear(table: &mut [u8]) {
    table.fill(0);
}

/// Where the cell of an alias begins.
fn start(cell: usize, alias: u16) -> Option<usize> {
    usize::from(alias).checked_sub(1)?.checked_mul(cell)
}

fn set(table: &mut [u8], cell: usize, alias: u16, topic: Topic<'_>) -> bool {
    let name = topic.as_bytes();
    let cell = start(cell, alias).and_then(|start| table.get_mut(start..)?.get_mut(..cell));
    let Some((len, rest)) = cell.and_then(|cell| cell.split_first_chunk_mut::<2>()) else { return false };
    let Some((place, _)) = rest.split_at_mut_checked(name.len()) else { return false };
    for (to, from) in place.iter_mut().zip(name) {
        *to = *from;
    }
    *len = (name.len() as u16).to_le_bytes();
    true
}

fn has(table: &[u8], cell: usize, alias: u16) -> bool {
    let len = start(cell, alias).and_then(|start| table.get(start..)).and_then(|cell| cell.first_chunk::<2>());
    len.is_some_and(|len| *len != [0, 0])
}

fn get(table: &[u8], cell: usize, alias: u16) -> Option<Topic<'_>> {
    let (len, rest) = table.get(start(cell, alias)?..)?.split_first_chunk::<2>()?;
    let name = rest.get(..usize::from(u16::from_le_bytes(*len)))?;
    Topic::new(core::str::from_utf8(name).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    #[test]
    fn what_is_left_moves_to_the_front() {
        let mut buffer = [0; 4];
        let mut inbox = Inbox::new(&mut buffer);
        inbox.spare().copy_from_slice(&[1, 2, 3, 4]);
        inbox.filled(4);
        assert!(inbox.spare().is_empty());
        *inbox.open().start = 3;
        assert_eq!(inbox.spare().len(), 3);
        let open = inbox.open();
        assert_eq!(&open.data[*open.start..], [4]);
    }

    #[test]
    fn moving_down_keeps_what_is_moved() {
        for len in 0..20u8 {
            for start in 0..=len {
                let mut bytes: Vec<u8> = (0..len).collect();
                move_down(&mut bytes, start.into());
                assert!((start..len).eq(bytes.into_iter().take(usize::from(len - start))));
            }
        }
    }

    #[test]
    fn bytes_of_another_connection_are_dropped() {
        let mut buffer = [0; 4];
        let mut inbox = Inbox::new(&mut buffer);
        inbox.filled(2);
        inbox.claim(1);
        assert_eq!(inbox.len(), 2, "a new inbox belongs to whichever connection comes first");
        inbox.claim(1);
        assert_eq!(inbox.len(), 2);
        inbox.claim(2);
        assert_eq!(inbox.len(), 0);
    }

    #[test]
    fn mqtt_3_3_2_10_every_alias_up_to_the_maximum_can_be_set_and_set_again() {
        let mut buffer = [0; 4];
        let mut table = [0; 30];
        let mut inbox = Inbox::new(&mut buffer).with_aliases(&mut table, 8);
        for name in ["a/b", "seventy8", "x"] {
            for alias in 1..=3 {
                assert!(inbox.open().aliases.unwrap().set(alias, Topic::new(name).unwrap()));
                assert_eq!(inbox.open().aliases.unwrap().get(alias).unwrap().as_str(), name);
            }
        }
        assert!(!inbox.open().aliases.unwrap().set(4, Topic::new("x").unwrap()));
        assert!(!inbox.open().aliases.unwrap().set(1, Topic::new("ninebytes").unwrap()));
        inbox.claim(9);
        assert_eq!(inbox.open().aliases.unwrap().get(1), None);
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_growing_inbox_takes_memory_for_what_arrives_only() {
        let mut inbox = Inbox::growing(16, 1 << 20);
        *inbox.open().need = 1 << 20;
        let mut got = 0;
        for _ in 0..1_000 {
            let spare = inbox.spare().len();
            assert!(spare > 0 && spare <= got.max(4_096));
            inbox.filled(spare.min(50));
            got += spare.min(50);
        }
        assert_eq!(inbox.len(), 50_000 - (50_000 - got));
        assert!(inbox.store.bytes().len() <= 2 * got + 4_096);
    }
}
