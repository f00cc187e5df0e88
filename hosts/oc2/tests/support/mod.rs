//! Runs the `oc2` binary, and plays the broker with scripts of literal bytes.
#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that meets these has failed")]

pub(crate) mod capture;
pub(crate) mod proxy;
pub(crate) mod running;

use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// How a run of `oc2` ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Oc2 {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Oc2 {
    /// Standard error, which has to be one line.
    #[track_caller]
    pub(crate) fn only_line(&self) -> &str {
        assert_eq!(
            self.stderr.lines().count(),
            1,
            "standard error: {:?}\nstandard output: {}",
            self.stderr,
            self.stdout
        );
        self.stderr.trim_end()
    }
}

pub(crate) fn spawn(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_oc2"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the child to end; one that does not is killed, and the test fails.
#[track_caller]
pub(crate) fn finish(child: &mut Child, within: Duration) -> Oc2 {
    let read = |mut pipe: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        })
    };
    let stdout = read(Box::new(child.stdout.take().unwrap()));
    let stderr = read(Box::new(child.stderr.take().unwrap()));
    let deadline = Instant::now() + within;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("still running after {within:?}\n{}\n{}", stdout.join().unwrap(), stderr.join().unwrap());
        }
        thread::sleep(Duration::from_millis(5));
    };
    Oc2 { status: status.code(), stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

#[track_caller]
pub(crate) fn run(arguments: &[&str], within: Duration) -> Oc2 {
    finish(&mut spawn(arguments), within)
}

/// A port that nobody listened on a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A peer that plays a script on each connection, and keeps what it read.
pub(crate) struct Peer {
    pub(crate) port: u16,
    packets: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Peer {
    /// Listens on a free port; `script` is asked for each connection, which it gets the number of.
    pub(crate) fn start(script: impl Fn(usize) -> Script + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let packets = Arc::default();
        let kept = Arc::clone(&packets);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (script, kept) = (script(number), Arc::clone(&kept));
                // A client that goes away in the middle of a script ends it.
                thread::spawn(move || script.play(&mut stream.unwrap(), &kept));
            }
        });
        Self { port, packets }
    }

    /// Waits until the packets read so far are as wanted, and gives them all.
    #[track_caller]
    pub(crate) fn wait_for(&self, within: Duration, wanted: impl Fn(&[Vec<u8>]) -> bool) -> Vec<Vec<u8>> {
        let deadline = Instant::now() + within;
        loop {
            let packets = self.packets.lock().unwrap().clone();
            if wanted(&packets) {
                return packets;
            }
            assert!(Instant::now() < deadline, "not within {within:?}: {packets:02x?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

enum Step {
    Read,
    Write(Vec<u8>),
    Suback(Vec<u8>),
    Hold,
    Serve,
}

/// What a peer does on a connection, and then it closes.
pub(crate) struct Script(Vec<Step>);

impl Script {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn read_packet(self) -> Self {
        self.then(Step::Read)
    }

    pub(crate) fn write(self, bytes: &[u8]) -> Self {
        self.then(Step::Write(bytes.to_vec()))
    }

    /// SUBACK with these reason codes, for the packet read last.
    pub(crate) fn answer_subscribe(self, reasons: &[u8]) -> Self {
        self.then(Step::Suback(reasons.to_vec()))
    }

    /// Says nothing more until the client closes.
    pub(crate) fn hold(self) -> Self {
        self.then(Step::Hold)
    }

    /// Accepts and acknowledges everything, and delivers nothing.
    pub(crate) fn serve(self) -> Self {
        self.then(Step::Serve)
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    fn play(self, stream: &mut TcpStream, kept: &Mutex<Vec<Vec<u8>>>) -> Option<()> {
        let mut last = Vec::new();
        let next = |stream: &mut TcpStream| {
            let packet = read_packet(stream)?;
            kept.lock().unwrap().push(packet.clone());
            Some(packet)
        };
        for step in self.0 {
            match step {
                Step::Read => last = next(stream)?,
                Step::Write(bytes) => stream.write_all(&bytes).ok()?,
                Step::Suback(reasons) => stream.write_all(&suback(&last, &reasons)).ok()?,
                Step::Hold => while next(stream).is_some() {},
                Step::Serve => {
                    while let Some(packet) = next(stream) {
                        stream.write_all(&answer(&packet)).ok()?;
                    }
                }
            }
        }
        Some(())
    }
}

/// One packet, or nothing when the client has closed. Packets of these tests are shorter than 16 KiB.
fn read_packet(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut packet = vec![0; 2];
    stream.read_exact(&mut packet).ok()?;
    let mut length = usize::from(packet[1] & 0x7F);
    if packet[1] & 0x80 != 0 {
        packet.push(0);
        stream.read_exact(&mut packet[2..]).ok()?;
        length += usize::from(packet[2]) << 7;
    }
    let head = packet.len();
    packet.resize(head + length, 0);
    stream.read_exact(&mut packet[head..]).ok()?;
    Some(packet)
}

/// SUBACK for a SUBSCRIBE; both of these are shorter than 128 bytes or two length bytes stand before the identifier.
fn suback(subscribe: &[u8], reasons: &[u8]) -> Vec<u8> {
    let id = if subscribe[1] & 0x80 == 0 { &subscribe[2..4] } else { &subscribe[3..5] };
    [&[0x90, 3 + reasons.len() as u8], id, &[0], reasons].concat()
}

/// What a server that agrees to everything answers.
fn answer(packet: &[u8]) -> Vec<u8> {
    let body = if packet[1] & 0x80 == 0 { &packet[2..] } else { &packet[3..] };
    match packet[0] {
        0x10 => b"\x20\x03\x00\x00\x00".to_vec(),
        0x82 => {
            let mut rest = &body[3..];
            let mut reasons = Vec::new();
            while let [high, low, more @ ..] = rest {
                let filter = usize::from(u16::from_be_bytes([*high, *low]));
                reasons.push(2);
                rest = &more[filter + 1..];
            }
            suback(packet, &reasons)
        }
        0x32 | 0x34 => {
            let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
            let id = &body[2 + topic..4 + topic];
            [&[if packet[0] == 0x32 { 0x40 } else { 0x50 }, 2], id].concat()
        }
        0x62 => [&[0x70, 2], &body[..2]].concat(),
        0xC0 => b"\xd0\x00".to_vec(),
        _ => Vec::new(),
    }
}
