//! The tool as a harness sees it, and a server that says byte for byte what it is told to.

use core::time::Duration;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(20);

/// The binary, running.
pub struct Tool {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Tool {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_conformance"))
            .arg("client")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines() {
                if sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { stdin: child.stdin.take(), child, lines }
    }

    /// Gives the tool lines.
    pub fn say(&mut self, lines: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{lines}").unwrap();
    }

    /// Gives the tool bytes.
    pub fn say_bytes(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// The next line that it prints.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line")
    }

    /// The next line has to be this one, letter for letter.
    #[track_caller]
    pub fn prints(&self, line: &str) {
        assert_eq!(self.line(), line);
    }

    /// The next line has to be an event of this name.
    #[track_caller]
    pub fn event(&self, name: &str) -> Value {
        let line = self.line();
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["event"], name, "{line}");
        value
    }

    /// Nothing is printed for a while.
    #[track_caller]
    pub fn silent(&self) {
        if let Ok(line) = self.lines.recv_timeout(Duration::from_millis(150)) {
            panic!("{line}");
        }
    }

    /// Ends the input, and returns all that is still printed; the tool has to end well.
    pub fn end(mut self) -> Vec<String> {
        drop(self.stdin.take());
        let mut rest = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(LIMIT) {
            rest.push(line);
        }
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that waits for the tool.
pub struct Server(TcpListener);

impl Server {
    pub fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The command that opens a connection to it.
    pub fn open(&self) -> String {
        format!(r#"{{"open":"{}"}}"#, self.0.local_addr().unwrap())
    }

    /// The tool's connection.
    pub fn accept(&self) -> Peer {
        let (stream, _) = self.0.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Peer(stream)
    }

    /// Opens a connection, lets `connect` say CONNECT, answers with `connack`, and lets the tool tell of it.
    pub fn connected(&self, tool: &mut Tool, connect: &str, connack: &str) -> (Peer, Value) {
        tool.say(&self.open());
        tool.say(&format!(r#"{{"connect":{connect}}}"#));
        let mut peer = self.accept();
        assert_eq!(peer.packet()[0], 0x10);
        peer.send(connack);
        (peer, tool.event("connected"))
    }
}

/// The server's end of a connection.
pub struct Peer(TcpStream);

impl Peer {
    /// Sends these hexadecimal digits, blanks aside.
    pub fn send(&mut self, hex: &str) {
        self.0.write_all(&bytes(hex)).unwrap();
    }

    /// Sends them a byte at a time.
    pub fn send_slowly(&mut self, hex: &str) {
        for byte in bytes(hex) {
            self.0.write_all(&[byte]).unwrap();
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The next packet of the tool, whose length is a single byte.
    pub fn packet(&mut self) -> Vec<u8> {
        let mut packet = vec![0; 2];
        self.0.read_exact(&mut packet).unwrap();
        assert!(packet[1] < 0x80, "a short packet");
        packet.resize(2 + usize::from(packet[1]), 0);
        self.0.read_exact(&mut packet[2..]).unwrap();
        packet
    }

    /// What comes next has to be these bytes.
    #[track_caller]
    pub fn gets(&mut self, hex: &str) {
        let wanted = bytes(hex);
        let mut got = vec![0; wanted.len()];
        let end = self.0.read_exact(&mut got);
        assert!(end.is_ok() && got == wanted, "{end:?}: got {got:02x?}, not {wanted:02x?}");
    }

    /// The tool has to close its side, and to send nothing more.
    #[track_caller]
    pub fn ends(mut self) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        assert!(rest.is_empty(), "{rest:02x?}");
    }

    /// Sends no more, but still reads.
    pub fn half_close(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    /// Nothing comes for a while.
    #[track_caller]
    pub fn silent(&mut self) {
        self.0.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        let mut byte = [0];
        let got = self.0.read(&mut byte);
        assert!(got.is_err(), "{got:?} {byte:02x?}");
        self.0.set_read_timeout(Some(LIMIT)).unwrap();
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let mut bytes = Vec::new();
    conformance::hex::read(&digits, &mut bytes).unwrap();
    bytes
}
