//! A proxy that shows what passes between MQTT v5 clients and their server, and changes none of it:
//!
//!     cargo run -p mqtt5-codec --example proxy -- 127.0.0.1:1884 127.0.0.1:1883
//!
//! Bytes go on as they come, before they are looked at. Each direction has a decoder of its own, which prints a line for each
//! packet; one that breaks the standard is told and stepped over.

use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use mqtt5_codec::{Decoder, Frame, Sender};

/// Packets longer than this are told by their length only, so that no peer decides how much memory is taken.
const LONGEST: usize = 1 << 20;

/// What one side sends, as it passes.
pub struct Sniffer {
    decoder: Decoder,
    /// The beginning of a packet.
    bytes: Vec<u8>,
    /// How many bytes more belong to a packet that is too long to be kept.
    skip: usize,
    /// Whether a length was no length, so that nobody can say where the next packet begins.
    lost: bool,
}

impl Sniffer {
    /// Nothing has passed yet.
    pub fn new(from: Sender) -> Self {
        Self { decoder: Decoder::new(from), bytes: Vec::new(), skip: 0, lost: false }
    }

    /// Takes bytes that pass, in any pieces, and tells a line for each packet that has ended with them.
    pub fn pass(&mut self, bytes: &[u8], tell: &mut dyn FnMut(String)) {
        if self.lost {
            return;
        }
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        self.bytes.extend(bytes.iter().skip(skipped));
        let mut rest = self.bytes.as_slice();
        loop {
            match Frame::find(rest) {
                Ok(Frame::Whole { used, first, body }) => {
                    tell(match self.decoder.packet(first, body) {
                        Ok(packet) => packet.to_string(),
                        Err(error) => format!("bad packet of {used} bytes: {error}"),
                    });
                    rest = rest.get(used..).unwrap_or_default();
                }
                Ok(Frame::Partial { need }) if need > LONGEST => {
                    tell(format!("packet of {need} bytes, not shown"));
                    self.skip = need - rest.len();
                    rest = &[];
                    break;
                }
                Ok(Frame::Partial { .. }) => break,
                Err(error) => {
                    tell(format!("nothing more can be told: {error}"));
                    self.lost = true;
                    break;
                }
            }
        }
        let used = self.bytes.len() - rest.len();
        self.bytes.drain(..used);
    }
}

/// Copies what comes from one side to the other until it ends, and tells the packets in it.
fn forward(from: Sender, mut input: TcpStream, mut output: TcpStream, tell: &mut dyn FnMut(String)) -> Result<()> {
    let mut sniffer = Sniffer::new(from);
    let mut buffer = [0; 4096];
    loop {
        let count = input.read(&mut buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return output.shutdown(Shutdown::Write);
        }
        output.write_all(bytes)?;
        sniffer.pass(bytes, tell);
    }
}

/// Serves one client after the other has connected, each in threads of its own; `tell` gets a line for each packet.
pub fn serve(listener: &TcpListener, server: &str, tell: fn(String)) -> Result<()> {
    for (number, client) in (1..).zip(listener.incoming()) {
        let (client, server) = (client?, TcpStream::connect(server)?);
        let (client_again, server_again) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || forward(Sender::Client, client, server, &mut |line| tell(format!("{number} -> {line}"))));
        thread::spawn(move || {
            forward(Sender::Server, server_again, client_again, &mut |line| tell(format!("{number} <- {line}")))
        });
    }
    Ok(())
}

#[allow(dead_code, reason = "the test that runs the example calls `serve`")]
fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(server)) = (arguments.next(), arguments.next()) else {
        eprintln!("proxy LISTEN SERVER, such as: proxy 127.0.0.1:1884 127.0.0.1:1883");
        std::process::exit(2);
    };
    serve(&TcpListener::bind(listen)?, &server, |line| println!("{line}"))
}
