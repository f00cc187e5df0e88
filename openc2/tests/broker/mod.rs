//! A broker as small as a test needs it: exact filters, QoS 1, nothing kept. It ends with its last connection.

use core::net::SocketAddr;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use mqtt5_codec::{
    Ack, AckKind, Decoded, Decoder, Delivery, Packet, PacketId, Properties, ReasonCode, Sender, SubAck, TopicRef,
};

#[derive(Default)]
struct Shared {
    /// Each filter, and where what matches it goes.
    subscribed: Vec<(String, TcpStream)>,
    connected: Vec<TcpStream>,
    next_id: u16,
}

pub struct Broker {
    pub address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Broker {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Mutex<Shared>>::default();
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, all) = (stream.unwrap(), Arc::clone(&all));
                all.lock().unwrap().connected.push(stream.try_clone().unwrap());
                thread::spawn(move || talk(stream, &all));
            }
        });
        Self { address, shared }
    }

    /// Whether somebody is subscribed to this.
    pub fn has(&self, filter: &str) -> bool {
        self.shared.lock().unwrap().subscribed.iter().any(|(subscribed, _)| subscribed == filter)
    }

    /// Closes every connection.
    pub fn hang_up(&self) {
        for stream in &self.shared.lock().unwrap().connected {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn talk(mut stream: TcpStream, shared: &Mutex<Shared>) {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
        }
        while let Decoded::Packet { used, packet } = Decoder::new(Sender::Client).decode(&bytes).unwrap() {
            let answer = answer(&packet, &stream, shared);
            if stream.write_all(&answer).is_err() {
                return;
            }
            bytes.drain(..used);
        }
    }
}

fn answer(packet: &Packet<'_>, stream: &TcpStream, shared: &Mutex<Shared>) -> Vec<u8> {
    let mut out = vec![0; 8192];
    let length = match packet {
        Packet::Connect(_) => return b"\x20\x03\x00\x00\x00".to_vec(),
        Packet::PingReq => return b"\xD0\x00".to_vec(),
        Packet::Subscribe(subscribe) => {
            let granted: Vec<_> = subscribe.filters.iter().map(|_| ReasonCode::GRANTED_QOS_1).collect();
            for one in subscribe.filters.iter() {
                let filter = one.filter.as_str().to_owned();
                shared.lock().unwrap().subscribed.push((filter, stream.try_clone().unwrap()));
            }
            let ack = SubAck { id: subscribe.id, properties: Properties::EMPTY, reasons: (&granted[..]).into() };
            ack.encode(&mut &mut out[..]).unwrap()
        }
        Packet::Publish(publish) => {
            let TopicRef::Name(topic) = publish.topic else { panic!("no topic") };
            let mut shared = shared.lock().unwrap();
            let Shared { subscribed, next_id, .. } = &mut *shared;
            // Who has gone is subscribed no longer.
            subscribed.retain_mut(|(filter, to)| {
                if topic != filter.as_str() {
                    return true;
                }
                *next_id += 1;
                let id = PacketId::new(*next_id).unwrap();
                let on = mqtt5_codec::Publish { delivery: Delivery::AtLeastOnce { id, dup: false }, ..*publish };
                let length = on.encode(Sender::Server, &mut &mut out[..]).unwrap();
                to.write_all(&out[..length]).is_ok()
            });
            let ack =
                Ack { id: publish.delivery.id().unwrap(), reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
            ack.encode(AckKind::PubAck, &mut &mut out[..]).unwrap()
        }
        _ => return Vec::new(),
    };
    out.truncate(length);
    out
}
