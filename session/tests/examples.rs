//! The examples, each run against a scripted server.

use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use crate::common::*;
use mqtt5_session::codec::Rule;
use mqtt5_session::{Client, ConnectOptions, Ending, Event, Inbox, Inline, Instant};

#[path = "../examples/embedded_host.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, clippy::print_stdout, reason = "a program of its own")]
mod embedded_host;
#[path = "../examples/subscriber.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, clippy::duplicate_mod, reason = "a program of its own")]
mod subscriber;
#[path = "../examples/tokio_host.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "a program of its own")]
mod tokio_host;

/// One connection: what is sent, and which bytes have to come before it.
type Script = &'static [(&'static str, &'static str)];

/// A server that takes a connection for each of these scripts, and closes it when it is through.
fn serve(scripts: &'static [Script]) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        for script in scripts {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            for (awaited, sent) in *script {
                let mut got = vec![0; bytes(awaited).len()];
                stream.read_exact(&mut got).unwrap();
                assert_eq!(hex(&got), *awaited);
                stream.write_all(&bytes(sent)).unwrap();
            }
        }
    });
    (address, server)
}

#[test]
fn the_subscriber_comes_back_to_its_session_until_it_has_enough() {
    static SCRIPTS: &[Script] = &[
        &[
            ("10 13 00 04 4d 51 54 54 05 00 00 3c 05 11 00 00 0e 10 00 01 63", "20 03 00 00 00"),
            ("82 07 00 01 00 00 01 61 01", "90 04 00 01 00 01 30 05 00 01 61 00 31"),
        ],
        &[
            ("10 13 00 04 4d 51 54 54 05 00 00 3c 05 11 00 00 0e 10 00 01 63", "20 03 01 00 00 30 05 00 01 61 00 32"),
            ("e0 00", ""),
        ],
    ];
    let (address, server) = serve(SCRIPTS);
    let mut got = Vec::new();
    let pause = |failures| (failures < 3).then_some(Duration::ZERO);
    let done = subscriber::subscribe(address, "c", "a", pause, |message| {
        got.extend_from_slice(message.payload);
        got != b"12"
    });
    assert_eq!(done, Ok(()));
    server.join().unwrap();
    assert_eq!(got, b"12");
}

/// CONNECT of the subscriber, its SUBSCRIBE with this identifier, and its goodbye.
const RESUME: &str = "10 13 00 04 4d 51 54 54 05 00 00 3c 05 11 00 00 0e 10 00 01 63";
const SUBSCRIBE_1: &str = "82 07 00 01 00 00 01 61 01";
const SUBSCRIBE_2: &str = "82 07 00 02 00 00 01 61 01";

/// What a subscriber gets that has enough at `2`, and by how many failures in a row it was asked to pause.
fn subscriber_of(scripts: &'static [Script]) -> (Vec<u8>, Vec<u32>) {
    let (address, server) = serve(scripts);
    let (mut got, pauses) = (Vec::new(), RefCell::new(Vec::new()));
    let pause = |failures| {
        pauses.borrow_mut().push(failures);
        (failures < 6).then_some(Duration::ZERO)
    };
    let done = subscriber::subscribe(address, "c", "a", pause, |message| {
        got.extend_from_slice(message.payload);
        !got.ends_with(b"2")
    });
    assert_eq!(done, Ok(()));
    server.join().unwrap();
    (got, pauses.into_inner())
}

#[test]
fn the_subscriber_comes_back_to_a_server_that_refused_or_ended_the_connection() {
    // Server unavailable, twice; accepted; Server shutting down; accepted.
    static SCRIPTS: &[Script] = &[
        &[(RESUME, "20 03 00 88 00")],
        &[(RESUME, "20 03 00 88 00")],
        &[(RESUME, "20 03 00 00 00"), (SUBSCRIBE_1, "90 04 00 01 00 01 e0 01 8b")],
        &[(RESUME, "20 03 01 00 00 30 05 00 01 61 00 32"), ("e0 00", "")],
    ];
    assert_eq!(subscriber_of(SCRIPTS), (b"2".to_vec(), vec![0, 1, 2, 0]));
}

#[test]
fn the_subscriber_subscribes_again_when_the_server_did_not_answer_before() {
    static SCRIPTS: &[Script] = &[
        &[(RESUME, "20 03 00 00 00"), (SUBSCRIBE_1, "")],
        &[(RESUME, "20 03 01 00 00"), (SUBSCRIBE_2, "90 04 00 02 00 01 30 05 00 01 61 00 32"), ("e0 00", "")],
    ];
    assert_eq!(subscriber_of(SCRIPTS).0, b"2");
}

#[test]
fn the_subscriber_begins_anew_when_the_server_holds_what_it_does_not_know() {
    // A Session Expiry Interval of 0 ends the session here; the server says that it has it nevertheless.
    static SCRIPTS: &[Script] = &[
        &[(RESUME, "20 08 00 00 05 11 00 00 00 00"), (SUBSCRIBE_1, "90 04 00 01 00 01")],
        &[(RESUME, "20 03 01 00 00"), ("e0 01 82", "")],
        &[
            ("10 13 00 04 4d 51 54 54 05 02 00 3c 05 11 00 00 0e 10 00 01 63", "20 03 00 00 00"),
            (SUBSCRIBE_2, "90 04 00 02 00 01 30 05 00 01 61 00 32"),
            ("e0 00", ""),
        ],
    ];
    assert_eq!(subscriber_of(SCRIPTS).0, b"2");
}

#[test]
fn the_tokio_host_serves_a_session_and_returns_the_fault() {
    static SCRIPTS: &[Script] = &[&[
        ("10 0e 00 04 4d 51 54 54 05 02 00 3c 00 00 01 63", "20 03 00 00 00"),
        ("32 06 00 01 74 00 01 00", "40 02 00 01 20 03 00 00 00"),
        ("e0 01 82", ""),
    ]];
    let (address, server) = serve(SCRIPTS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut events, start) = (Vec::new(), std::time::Instant::now());
    let ended = runtime.block_on(async {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut client = Client::new(Inline::<8, 512>::new());
        let mut inbox = Inbox::growing(64, 1_000);
        let now = || Instant::from_millis(start.elapsed().as_millis() as u64);
        client.connect(&ConnectOptions::new(text("c")), &mut inbox, now()).unwrap();
        tokio_host::host(&mut client, &mut inbox, &mut stream, now, |event, client| {
            events.push(say(&event));
            if matches!(event, Event::Connected(_)) {
                client.publish(&message("t", "", 1)).unwrap();
            }
        })
        .await
    });
    assert_eq!(events, ["connected resumed=false lost=0", "published 1 00"]);
    assert!(ended.unwrap_err().to_string().contains(Rule::CONNACK_ONCE.meaning()));
    server.join().unwrap();
}

/// A board: time passes while it waits, and what it writes is answered by a script.
#[derive(Default)]
struct Board {
    now: Cell<u64>,
    got: RefCell<Vec<u8>>,
    sent: RefCell<Vec<u8>>,
    script: RefCell<Vec<(usize, &'static str)>>,
}

struct Wire<'b>(&'b Board);

impl embedded_io_async::ErrorType for Wire<'_> {
    type Error = embedded_io_async::ErrorKind;
}

impl embedded_io_async::Read for Wire<'_> {
    async fn read(&mut self, to: &mut [u8]) -> Result<usize, Self::Error> {
        let answer = || {
            let mut script = self.0.script.borrow_mut();
            let due = script.first().is_some_and(|(after, _)| *after <= self.0.got.borrow().len());
            due.then(|| script.remove(0).1)
        };
        while let Some(answer) = answer() {
            self.0.sent.borrow_mut().extend(bytes(answer));
        }
        // A byte at a time, as a slow UART.
        let byte = self.0.sent.borrow().first().copied();
        let Some(byte) = byte else { return core::future::pending().await };
        self.0.sent.borrow_mut().remove(0);
        to[0] = byte;
        Ok(1)
    }
}

impl embedded_io_async::Write for Wire<'_> {
    async fn write(&mut self, from: &[u8]) -> Result<usize, Self::Error> {
        self.0.got.borrow_mut().push(from[0]);
        Ok(1)
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl embedded_host::Timer for Board {
    fn now(&self) -> Instant {
        Instant::from_millis(self.now.get())
    }

    async fn wait_until(&self, at: Instant) {
        self.now.set(at.as_millis());
    }
}

/// What comes of a board with this script: how it ended, and what was written after CONNECT.
fn board(script: &[(usize, &'static str)], ending: bool) -> (Result<(), embedded_host::Ended>, String) {
    let board = Board { script: RefCell::new(script.to_vec()), ..Board::default() };
    let mut client = Client::new(Inline::<4, 256>::new());
    let (mut buffer, mut burst) = ([0; 64], [0; 5]);
    let mut inbox = Inbox::new(&mut buffer);
    client.connect(&ConnectOptions::new(text("c")), &mut inbox, Instant::default()).unwrap();
    let mut wire = Wire(&board);
    let run = embedded_host::host(&mut client, &mut inbox, &mut wire, &board, &mut burst, |event, client| {
        if ending && matches!(event, Event::Message(_)) {
            client.disconnect(Ending::AfterQueued).unwrap();
        }
    });
    let ended = embassy_futures::block_on(run);
    let written = hex(&board.got.borrow()[16..]);
    (ended, written)
}

#[test]
fn the_embedded_host_serves_a_session_in_pieces_of_a_byte() {
    let script = [(16, "20 03 00 00 00"), (16, "32 06 00 01 74 00 07 00")];
    assert_eq!(board(&script, true), (Ok(()), "40 02 00 07 e0 00".into()));
}

#[test]
fn the_embedded_host_notices_silence_and_faults() {
    let rule = |ended: Result<(), embedded_host::Ended>| match ended {
        Err(embedded_host::Ended::Fault(fault)) => fault.rule,
        other => panic!("{other:?}"),
    };
    let (silent, written) = board(&[], false);
    assert_eq!((rule(silent), written.as_str()), (Rule::CONNACK_MISSED, ""));
    let (deaf, written) = board(&[(16, "20 03 00 00 00")], false);
    assert_eq!((rule(deaf), written.as_str()), (Rule::PINGRESP_MISSED, "c0 00"));
    let (wrong, written) = board(&[(16, "d0 00")], false);
    assert_eq!((rule(wrong), written.as_str()), (Rule::CONNACK_FIRST, "e0 01 82"));
}
