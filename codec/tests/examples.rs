//! The examples, run against scripted peers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

#[path = "../examples/proxy.rs"]
mod proxy;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;

use mqtt5_codec::Sender;

fn told(from: Sender, pieces: &[&[u8]]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut sniffer = proxy::Sniffer::new(from);
    for piece in pieces {
        sniffer.pass(piece, &mut |line| lines.push(line));
    }
    lines
}

#[test]
fn a_sniffer_tells_each_packet_once_however_it_is_cut() {
    let stream = b"\xD0\x00\x30\x05\x00\x01a\x00x\x40\x02\x00\x07";
    let lines = ["PINGRESP", "PUBLISH \"a\", QoS 0, 1 bytes", "PUBACK id 7"];
    assert_eq!(told(Sender::Server, &[stream]), lines);
    for at in 0..stream.len() {
        assert_eq!(told(Sender::Server, &[&stream[..at], &stream[at..]]), lines);
    }
}

#[test]
fn a_bad_packet_is_told_and_stepped_over() {
    // QoS 3, a topic that is no UTF-8, a ping with a body, a packet that servers don't send.
    let stream = b"\x36\x03\x00\x01a\x30\x04\x00\x01\xFF\x00\xD0\x01\x00\xC0\x00\xD0\x00";
    let lines = told(Sender::Server, &[stream]);
    let expected = ["[MQTT-3.3.1-4]", "[MQTT-1.5.4-1]", "[MQTT 2.1.4]", "[MQTT 2.1.2]", "PINGRESP"];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, end) in lines.iter().zip(expected) {
        assert!(line.ends_with(end), "{line}");
    }
}

#[test]
fn what_is_too_long_is_skipped_and_what_has_no_length_ends_the_tale() {
    let mut long = vec![0x30, 0x80, 0x80, 0x80, 0x01];
    long.resize(5 + (1 << 21), 0);
    let lines = told(Sender::Client, &[&long[..100], &long[100..], b"\xC0\x00"]);
    assert_eq!(lines, ["packet of 2097157 bytes, not shown", "PINGREQ"]);
    let lines = told(Sender::Client, &[b"\xC0\x00\xC0\x80\x00\xC0\x00", b"\xC0\x00"]);
    assert_eq!(lines.len(), 2);
    assert!(lines[1].starts_with("nothing more can be told: "), "{lines:?}");
}

#[test]
fn the_proxy_forwards_every_byte_and_tells_both_directions() {
    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let (server_address, proxy_address) = (server.local_addr().unwrap().to_string(), proxy.local_addr().unwrap());
    thread::spawn(move || proxy::serve(&proxy, &server_address, |line| LINES.lock().unwrap().push(line)));

    let up = b"\x10\x0F\x00\x04MQTT\x05\x02\x00\x3C\x00\x00\x02me\x36\x00\xC0\x00";
    let down = b"\x20\x03\x00\x00\x00\xD0\x00";
    let mut client = TcpStream::connect(proxy_address).unwrap();
    for byte in up {
        client.write_all(&[*byte]).unwrap();
    }
    client.shutdown(Shutdown::Write).unwrap();
    let (mut peer, _) = server.accept().unwrap();
    let mut got = Vec::new();
    peer.read_to_end(&mut got).unwrap();
    assert_eq!(got, up);
    peer.write_all(down).unwrap();
    drop(peer);
    let mut got = Vec::new();
    client.read_to_end(&mut got).unwrap();
    assert_eq!(got, down);

    // A line may be told a moment after its bytes have gone on.
    let mut lines = Vec::new();
    for _ in 0..1000 {
        lines = LINES.lock().unwrap().clone();
        if lines.len() == 5 {
            break;
        }
        thread::sleep(core::time::Duration::from_millis(5));
    }
    lines.sort();
    assert!(lines.remove(2).starts_with("1 -> bad packet of 2 bytes: "), "{lines:?}");
    assert_eq!(
        lines,
        [
            "1 -> CONNECT \"me\", keep alive 60 s, clean start",
            "1 -> PINGREQ",
            "1 <- CONNACK Success (0x00)",
            "1 <- PINGRESP",
        ]
    );
}
