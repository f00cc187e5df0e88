//! Hosting a session against a peer that is a plain TCP listener and a few literal bytes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that meets these has failed")]

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use mqtt5_blocking::{Clock, Connection, Error, Transport, connect};
use mqtt5_codec::{QoS, ReasonCode, Text, Topic};
use mqtt5_session::{Boxed, Client, ConnectOptions, Ending, Event, Inbox, Publication};

/// CONNECT: MQTT 5, clean start, keep alive as given, no properties, client identifier "t".
fn connect_packet(keep_alive: u8) -> Vec<u8> {
    [b"\x10\x0e\x00\x04MQTT\x05\x02\x00".as_slice(), &[keep_alive, 0, 0, 1, b't']].concat()
}

/// CONNACK, Success.
const CONNACK: &[u8] = b"\x20\x03\x00\x00\x00";

struct Host {
    client: Client<Boxed>,
    inbox: Inbox<'static>,
    connection: Connection,
    clock: Clock,
}

impl Host {
    /// Connects to a peer that plays `script`, and waits for its CONNACK.
    fn start<T: Send + 'static>(
        keep_alive: u8,
        script: impl FnOnce(TcpStream) -> T + Send + 'static,
    ) -> (Self, JoinHandle<T>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            assert_eq!(read(&mut stream, 16), connect_packet(keep_alive));
            stream.write_all(CONNACK).unwrap();
            script(stream)
        });
        let clock = Clock::start();
        let mut client = Client::new(Boxed::new(8, 16 << 20));
        let mut options = ConnectOptions::new(Text::new("t").unwrap());
        options.packet.keep_alive = keep_alive.into();
        options.ping_timeout = 300;
        let mut inbox = Inbox::growing(64, 1 << 20);
        client.connect(&options, &mut inbox, clock.now()).unwrap();
        let connection = Connection::new(connect(address, Duration::from_secs(5)).unwrap(), clock).unwrap();
        let mut host = Self { client, inbox, connection, clock };
        let connected = host.until(5_000, |event, _| match event {
            Event::Connected(_) => ControlFlow::Break(()),
            other => panic!("{other:?}"),
        });
        assert!(matches!(connected, Ok(Some(()))), "{connected:?}");
        (host, peer)
    }

    fn until<B>(
        &mut self,
        millis: u64,
        on: impl FnMut(Event<'_>, &mut Client<Boxed>) -> ControlFlow<B>,
    ) -> Result<Option<B>, Error> {
        let until = self.clock.now().after(millis);
        self.connection.drive(&mut self.client, &mut self.inbox, Some(until), on)
    }

    /// Drives on without an interest in events.
    fn idle(&mut self, millis: u64) -> Result<Option<()>, Error> {
        self.until(millis, |_, _| ControlFlow::Continue(()))
    }
}

fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// Keeps the connection open until the client closes it.
fn hold(mut stream: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    rest
}

#[test]
fn a_deadline_ends_the_wait_and_nothing_else() {
    let (mut host, _peer) = Host::start(0, hold);
    let start = Instant::now();
    assert!(matches!(host.idle(60), Ok(None)));
    assert!((50..2_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert!(host.client.is_connected());
}

#[test]
fn mqtt_3_1_2_20_a_ping_is_sent_in_time_while_nothing_is_received() {
    let (mut host, peer) = Host::start(1, |mut stream| {
        let start = Instant::now();
        assert_eq!(read(&mut stream, 2), [0xC0, 0]);
        let after = start.elapsed();
        stream.write_all(&[0xD0, 0]).unwrap();
        after
    });
    let pong = host.until(3_000, |event, _| match event {
        Event::Pong => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert!(matches!(pong, Ok(Some(()))), "{pong:?}");
    let after = peer.join().unwrap().as_millis();
    assert!((900..1_500).contains(&after), "95 % of one second, not {after} ms");
}

#[test]
fn a_ping_without_an_answer_ends_the_connection() {
    let (mut host, peer) = Host::start(1, hold);
    let start = Instant::now();
    let ended = host.idle(5_000);
    assert!(matches!(ended, Err(Error::Fault(_))), "{ended:?}");
    assert!((1_200..3_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    drop(host);
    assert_eq!(peer.join().unwrap(), [0xC0, 0], "a PINGREQ, and no DISCONNECT");
}

#[test]
fn a_message_in_two_pieces_is_one_event_and_is_acknowledged_before_the_next_wait() {
    let (mut host, peer) = Host::start(0, |mut stream| {
        // PUBLISH, QoS 1, topic a/b, identifier 7, payload "hi"; half of it now.
        stream.write_all(b"\x32\x0a\x00\x03a").unwrap();
        thread::sleep(Duration::from_millis(30));
        stream.write_all(b"/b\x00\x07\x00hi").unwrap();
        read(&mut stream, 4)
    });
    let mut messages = Vec::new();
    let idle = host.until(100, |event, _| {
        if let Event::Message(message) = event {
            messages.push((message.topic.as_str().to_owned(), message.payload.to_vec()));
        }
        ControlFlow::<()>::Continue(())
    });
    assert!(matches!(idle, Ok(None) | Err(Error::Closed)), "{idle:?}");
    assert_eq!(messages, [("a/b".to_owned(), b"hi".to_vec())]);
    assert_eq!(peer.join().unwrap(), [0x40, 2, 0, 7]);
}

#[test]
fn a_release_is_answered_before_the_next_wait() {
    let (mut host, peer) = Host::start(0, |mut stream| {
        // PUBLISH, QoS 2, topic a, identifier 7.
        stream.write_all(b"\x34\x06\x00\x01a\x00\x07\x00").unwrap();
        assert_eq!(read(&mut stream, 4), [0x50, 2, 0, 7]);
        stream.write_all(&[0x62, 2, 0, 7]).unwrap();
        let start = Instant::now();
        assert_eq!(read(&mut stream, 4), [0x70, 2, 0, 7]);
        start.elapsed()
    });
    // A PUBREL is no event: nothing but the host's own care makes it write.
    let idle = host.idle(1_000);
    assert!(matches!(idle, Ok(None) | Err(Error::Closed)), "{idle:?}");
    assert!(peer.join().unwrap() < Duration::from_millis(500));
}

#[test]
fn a_server_that_closes_is_told_from_one_that_breaks_the_standard() {
    let (mut host, _) = Host::start(0, drop);
    assert!(matches!(host.idle(2_000), Err(Error::Closed)));
    let (mut host, peer) = Host::start(0, |mut stream| {
        // A second CONNACK.
        stream.write_all(CONNACK).unwrap();
        read(&mut stream, 3)
    });
    match host.idle(2_000) {
        Err(Error::Fault(fault)) => assert_eq!(fault.reason, ReasonCode::PROTOCOL_ERROR),
        other => panic!("{other:?}"),
    }
    assert_eq!(peer.join().unwrap(), [0xE0, 1, 0x82], "DISCONNECT, Protocol Error");
}

#[test]
fn a_server_that_takes_nothing_is_given_up() {
    let (mut host, _peer) = Host::start(0, |stream| {
        thread::sleep(Duration::from_secs(2));
        drop(stream);
    });
    host.connection.set_write_timeout(Duration::from_millis(100)).unwrap();
    // More than two sockets hold, so that a write has to wait.
    let payload = vec![0; 15 << 20];
    let mut message = Publication::new(Topic::new("a").unwrap(), &payload);
    message.qos = QoS::AtLeastOnce;
    host.client.publish(&message).unwrap();
    let stalled = host.idle(1_500);
    assert!(matches!(stalled, Err(Error::Stalled(_))), "{stalled:?}");
}

#[test]
fn another_thread_can_end_the_wait_and_the_session_still_says_goodbye() {
    let (mut host, peer) = Host::start(0, hold);
    let stopper = host.connection.stopper().unwrap();
    let stopping = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        stopper.stop();
    });
    let start = Instant::now();
    assert!(matches!(host.idle(10_000), Err(Error::Stopped)));
    assert!(start.elapsed() < Duration::from_secs(5));
    stopping.join().unwrap();
    host.client.disconnect(Ending::AtOnce).unwrap();
    host.connection.close(&mut host.client).unwrap();
    assert_eq!(peer.join().unwrap(), [0xE0, 0]);
}

#[test]
fn a_disconnect_arrives_although_received_bytes_lie_unread() {
    let (mut host, peer) = Host::start(0, |mut stream| {
        for _ in 0..100 {
            stream.write_all(b"\x30\x04\x00\x01a\x00").unwrap();
        }
        hold(stream)
    });
    thread::sleep(Duration::from_millis(50));
    host.client.disconnect(Ending::AtOnce).unwrap();
    host.connection.close(&mut host.client).unwrap();
    drop(host);
    assert_eq!(peer.join().unwrap(), [0xE0, 0]);
}

#[test]
fn an_address_that_nobody_listens_on_is_named() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    match connect(address, Duration::from_secs(2)) {
        Err(Error::Connect { address: tried, .. }) => assert_eq!(tried, address),
        other => panic!("{other:?}"),
    }
}

/// Counts the writes to a socket.
struct Counted(TcpStream, Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}

impl Write for Counted {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Transport for Counted {
    fn socket(&self) -> &TcpStream {
        &self.0
    }
}

#[test]
fn a_burst_is_answered_and_published_by_few_writes() {
    const MESSAGES: usize = 300;
    let (listener, large) = (TcpListener::bind("127.0.0.1:0").unwrap(), vec![b'x'; 100_000]);
    let address = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert_eq!(read(&mut stream, 16), connect_packet(0));
        let messages = b"\x32\x06\x00\x01a\x00\x07\x00".repeat(MESSAGES);
        stream.write_all(&[CONNACK, &messages].concat()).unwrap();
        let answers = read(&mut stream, 4 * MESSAGES);
        assert_eq!(answers, b"\x40\x02\x00\x07".repeat(MESSAGES));
        hold(stream).len()
    });
    let writes = Arc::new(AtomicUsize::new(0));
    let clock = Clock::start();
    let mut client = Client::new(Boxed::new(8, 1 << 20));
    let mut inbox = Inbox::growing(64 << 10, 1 << 20);
    let mut options = ConnectOptions::new(Text::new("t").unwrap());
    options.packet.keep_alive = 0;
    client.connect(&options, &mut inbox, clock.now()).unwrap();
    let stream = Counted(connect(address, Duration::from_secs(5)).unwrap(), Arc::clone(&writes));
    let mut connection = Connection::new(stream, clock).unwrap();
    let (mut got, mut published) = (0, 0);
    let until = clock.now().after(5_000);
    let done = connection.drive(&mut client, &mut inbox, Some(until), |event, client| {
        got += usize::from(matches!(event, Event::Message(_)));
        if got < MESSAGES {
            return ControlFlow::Continue(());
        }
        client.handled();
        for _ in 0..200 {
            client.publish(&Publication::new(Topic::new("a").unwrap(), b"")).unwrap();
        }
        client.publish(&Publication::new(Topic::new("a").unwrap(), &large)).unwrap();
        published = 200 * 6 + 6 + 2 + large.len();
        client.disconnect(Ending::AfterQueued).unwrap();
        ControlFlow::Break(())
    });
    assert!(matches!(done, Ok(Some(()))), "{done:?}");
    connection.close(&mut client).unwrap();
    assert_eq!(peer.join().unwrap(), published + 2);
    let writes = writes.load(Ordering::Relaxed);
    // CONNECT, the answers as they were read, the messages, the large one, the goodbye.
    assert!(writes <= 15, "{writes} writes");
}

#[test]
fn a_message_that_the_host_broke_on_is_acknowledged() {
    let (mut host, peer) = Host::start(0, |mut stream| {
        stream.write_all(b"\x32\x06\x00\x01a\x00\x07\x00").unwrap();
        hold(stream)
    });
    let got = host.until(5_000, |event, _| match event {
        Event::Message(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert!(matches!(got, Ok(Some(()))), "{got:?}");
    host.connection.close(&mut host.client).unwrap();
    assert_eq!(peer.join().unwrap(), [0x40, 2, 0, 7]);
}

/// A socket that takes CONNECT and nothing more.
struct Broken(TcpStream, usize);

impl Read for Broken {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}

impl Write for Broken {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        if self.1 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.1 = self.1.saturating_sub(from.len());
        self.0.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Transport for Broken {
    fn socket(&self) -> &TcpStream {
        &self.0
    }
}

#[test]
fn what_the_server_did_wrong_is_told_even_if_it_takes_no_more_bytes() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read(&mut stream, 16);
        // PINGRESP before CONNACK.
        stream.write_all(b"\xD0\x00").unwrap();
        hold(stream)
    });
    let clock = Clock::start();
    let mut client = Client::new(Boxed::new(8, 4_096));
    let mut inbox = Inbox::growing(64, 4_096);
    client.connect(&ConnectOptions::new(Text::new("t").unwrap()), &mut inbox, clock.now()).unwrap();
    let stream = Broken(connect(address, Duration::from_secs(5)).unwrap(), 16);
    let mut connection = Connection::new(stream, clock).unwrap();
    let ended = connection.drive(&mut client, &mut inbox, None, |_, _| ControlFlow::<()>::Continue(()));
    assert!(matches!(ended, Err(Error::Fault(_))), "{ended:?}");
    drop(connection);
    assert_eq!(peer.join().unwrap(), b"");
}
