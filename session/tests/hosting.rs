//! The loop of README.md and of the crate's front page, run against a scripted server, in time that passes only while it waits.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::io::{Error, ErrorKind, Read, Result, Write};

use crate::common::*;
use mqtt5_codec::Rule;
use mqtt5_session::{Boxed, Client, ConnectOptions, Ending, Event, Fault, Inbox, Instant};

#[path = "../examples/parts/host.rs"]
#[allow(unreachable_pub, reason = "as it is copied")]
mod loops;

const LOOP: &str = include_str!("../examples/parts/host.rs");

#[test]
fn readme_and_front_page_have_the_loop_that_is_tested_here() {
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("```rust\n{LOOP}```\n")), "copy session/examples/parts/host.rs into README.md");
    let page = include_str!("../src/lib.rs");
    assert!(page.contains("//! ```\n#![doc = include_str!(\"../examples/parts/host.rs\")]\n//! ```\n"));
}

/// A server, and the stream to it.
struct Server {
    clock: Cell<u64>,
    timeout: Cell<Option<Duration>>,
    timeouts_set: Cell<u32>,
    reads: u32,
    writes: u32,
    /// How many bytes are read or written at a time.
    piece: usize,
    got: Vec<u8>,
    /// What has been sent and was not read.
    sent: Vec<u8>,
    /// What it sends after it got so many bytes, in that order.
    script: Vec<(usize, &'static str)>,
    /// Once all is read, it closes.
    closes: bool,
}

/// Bytes of the CONNECT of [`options`].
const CONNECT: usize = 16;

fn server(script: &[(usize, &'static str)]) -> Server {
    Server {
        clock: Cell::new(1_000),
        timeout: Cell::new(None),
        timeouts_set: Cell::new(0),
        reads: 0,
        writes: 0,
        piece: usize::MAX,
        got: Vec::new(),
        sent: Vec::new(),
        script: script.to_vec(),
        closes: false,
    }
}

impl Read for Server {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        self.reads += 1;
        assert!(self.reads < 10_000, "the loop spins");
        assert!(!to.is_empty(), "a read without room says nothing");
        while self.script.first().is_some_and(|(after, _)| *after <= self.got.len()) {
            self.sent.extend(bytes(self.script.remove(0).1));
        }
        let n = to.len().min(self.sent.len()).min(self.piece);
        if n == 0 && !self.closes {
            let wait = self.timeout.get().expect("a wait that nothing ends");
            self.clock.set(self.clock.get() + wait.as_millis() as u64);
            return Err(ErrorKind::WouldBlock.into());
        }
        to.iter_mut().zip(self.sent.drain(..n)).for_each(|(to, from)| *to = from);
        Ok(n)
    }
}

impl Write for Server {
    fn write(&mut self, from: &[u8]) -> Result<usize> {
        self.writes += 1;
        let n = from.len().min(self.piece);
        self.got.extend_from_slice(&from[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

fn options() -> ConnectOptions<'static> {
    let mut options = ConnectOptions::new(text("c"));
    options.packet.keep_alive = 10;
    options.ping_timeout = 2_000;
    options
}

/// What a run came to: the events, a line each, and how the loop ended.
fn run(server: Server, mut on: impl FnMut(&Event<'_>, &mut Client<Boxed>)) -> (Server, Vec<String>, Result<()>) {
    let server = RefCell::new(server);
    let mut client = Client::new(Boxed::new(64, 16_384));
    let mut inbox = Inbox::growing(1_000, 1_000);
    let clock = Cell::new(1_000);
    let mut events = Vec::new();
    client.connect(&options(), &mut inbox, Instant::from_millis(1_000)).unwrap();
    let mut stream = Stream(&server, &clock);
    let ended = loops::host(
        &mut client,
        &mut inbox,
        &mut stream,
        |stream, timeout| {
            assert_ne!(timeout, Some(Duration::ZERO), "a socket refuses a timeout of zero");
            let server = stream.0.borrow();
            server.timeouts_set.set(server.timeouts_set.get() + 1);
            server.timeout.set(timeout);
            Ok(())
        },
        || Instant::from_millis(clock.get()),
        |event, client| {
            events.push(say(&event));
            on(&event, client);
        },
    );
    assert!(client.is_closed());
    assert_eq!(client.check(), Ok(()));
    (server.into_inner(), events, ended)
}

struct Stream<'s>(&'s RefCell<Server>, &'s Cell<u64>);

impl Read for Stream<'_> {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        let read = self.0.borrow_mut().read(to);
        self.1.set(self.0.borrow().clock.get());
        read
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, from: &[u8]) -> Result<usize> {
        self.0.borrow_mut().write(from)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

fn fault(error: &Error) -> Rule {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()).expect("a fault").rule
}

#[test]
fn a_server_that_says_nothing_is_given_up_at_the_connect_deadline() {
    let (server, events, ended) = run(server(&[]), |_, _| {});
    assert_eq!(events, [""; 0]);
    assert_eq!(fault(&ended.unwrap_err()), Rule::CONNACK_MISSED);
    assert_eq!(server.clock.get(), 31_000);
    assert_eq!(server.got.len(), CONNECT);
}

#[test]
fn a_fault_before_connack_is_the_error_that_the_loop_ends_with() {
    let (server, events, ended) = run(server(&[(CONNECT, "d0 00")]), |_, _| {});
    assert_eq!(events, [""; 0]);
    assert_eq!(fault(&ended.unwrap_err()), Rule::CONNACK_FIRST);
    assert_eq!(server.got[CONNECT..], [0xE0, 1, 0x82], "and the server is told");
}

#[test]
fn a_missing_pingresp_ends_the_loop() {
    let (server, events, ended) = run(server(&[(CONNECT, "20 03 00 00 00")]), |_, _| {});
    assert_eq!(events, ["connected resumed=false lost=0"]);
    assert_eq!(fault(&ended.unwrap_err()), Rule::PINGRESP_MISSED);
    assert_eq!(server.got[CONNECT..], [0xC0, 0]);
    assert_eq!(server.clock.get(), 1_000 + 9_500 + 2_000);
}

#[test]
fn one_byte_at_a_time_comes_to_the_same() {
    let script = [
        (CONNECT, "20 03 00 00 00"),
        (CONNECT, "32 06 00 01 74 00 01 00 34 06 00 01 74 00 02 00"),
        (CONNECT + 8, "62 02 00 02 30 05 00 01 74 00 31"),
    ];
    let talk = |piece| {
        let mut server = server(&script);
        server.piece = piece;
        run(server, |event, client| {
            if matches!(event, Event::Message(message) if message.payload == b"1") {
                client.disconnect(Ending::AfterQueued).unwrap();
            }
        })
    };
    let (whole, events, ended) = talk(usize::MAX);
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(events.len(), 4);
    assert_eq!(hex(&whole.got[CONNECT..]), "40 02 00 01 50 02 00 02 70 02 00 02 e0 00");
    let (bytewise, the_same, ended) = talk(1);
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!((bytewise.got, the_same), (whole.got, events));
}

#[test]
fn a_stream_that_takes_nothing_more_is_an_error_not_a_spin() {
    let mut server = server(&[]);
    server.piece = 0;
    let (server, _, ended) = run(server, |_, _| {});
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::WriteZero);
    assert_eq!(server.writes, 1);
}

#[test]
fn a_server_that_closes_is_an_error() {
    let mut server = server(&[(CONNECT, "20 03 00 00 00")]);
    server.closes = true;
    let (_, events, ended) = run(server, |_, _| {});
    assert_eq!(events.len(), 1);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_server_that_refuses_or_ends_the_connection_is_no_goodbye_of_ours() {
    let (_, events, ended) = run(server(&[(CONNECT, "20 03 00 88 00")]), |_, _| {});
    assert_eq!(events, ["rejected 88"]);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let (_, events, ended) = run(server(&[(CONNECT, "20 03 00 00 00 e0 01 8b")]), |_, _| {});
    assert_eq!(events, ["connected resumed=false lost=0", "disconnected 8b"]);
    let error = ended.unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::ConnectionAborted, "Server shutting down (0x8B)".into()));
}

#[test]
fn what_an_event_leads_to_goes_out_in_one_write_and_timeouts_are_seldom_set() {
    let acknowledged: String = (1..=50).map(|id| format!("40 02 00 {id:02x} ")).collect();
    let script = [(CONNECT, "20 03 00 00 00"), (CONNECT + 50 * 8, acknowledged.leak() as &str)];
    let mut published = 0;
    let (server, _, ended) = run(server(&script), |event, client| match event {
        Event::Connected(_) => (0..50).for_each(|_| assert!(client.publish(&message("t", "", 1)).is_ok())),
        Event::Published(_) => {
            published += 1;
            if published == 50 {
                client.disconnect(Ending::AfterQueued).unwrap();
            }
        }
        _ => {}
    });
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(server.writes, 3, "CONNECT, 50 messages, DISCONNECT");
    assert_eq!(server.timeouts_set.get(), 2, "for the connect deadline, and for the keep-alive");
}

#[test]
fn however_many_answers_there_are_they_go_out_in_one_write() {
    let messages: String = (1..=60).map(|id| format!("32 06 00 01 74 {id:04x} 00 ")).collect();
    let script = [(CONNECT, "20 03 00 00 00"), (CONNECT, messages.leak() as &str)];
    let mut server = server(&script);
    server.piece = 1_000;
    let (server, events, _) = run(server, |_, _| {});
    assert_eq!(events.len(), 61);
    assert_eq!(server.got.len(), CONNECT + 60 * 4 + 2);
    assert!(server.writes <= 4, "{} writes", server.writes);
}
