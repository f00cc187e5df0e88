//! A session on `embedded-io-async`, as on a microcontroller under embassy: no heap, and every buffer is the caller's.
//!
//! Here it runs on a desktop, against a broker at 127.0.0.1:1883 of which it reads what is published under `plant/#`.
#![allow(clippy::indexing_slicing, reason = "the ranges are what a call has just given")]

use embassy_futures::select::{Either, select};
use embedded_io_async::{Error as _, ErrorKind, Read, Write};
use mqtt5_session::{Client, Event, Fault, Inbox, Input, Instant, Memory};

/// How a connection has ended, if not in order.
#[derive(Debug, PartialEq)]
pub enum Ended {
    /// What the server did wrong.
    Fault(Fault),
    /// The transport failed.
    Io(ErrorKind),
    /// The server closed the connection.
    Closed,
}

/// What a microcontroller knows of time.
#[allow(async_fn_in_trait, reason = "it runs on one core")]
pub trait Timer {
    /// Milliseconds since it began.
    fn now(&self) -> Instant;
    /// Waits until then.
    async fn wait_until(&self, at: Instant);
}

/// Hosts a client that has been told to `connect`, until the connection is over.
pub async fn host<M: Memory>(
    client: &mut Client<M>,
    inbox: &mut Inbox<'_>,
    stream: &mut (impl Read + Write),
    timer: &impl Timer,
    burst: &mut [u8],
    mut on: impl FnMut(Event<'_>, &mut Client<M>), // may publish, subscribe, disconnect
) -> Result<(), Ended> {
    let ended = loop {
        let input = client.handle_input(inbox, timer.now());
        if let Ok(Input::Event(event)) = input {
            on(event, client);
            continue;
        }
        if let Err(ended) = write(client, stream, timer, burst).await {
            break Err(ended);
        }
        if client.is_closed() {
            break Ok(());
        }
        if let Ok(Input::Partial { .. }) = input {
            let due = client.poll_timeout().unwrap_or(Instant::NEVER);
            match select(stream.read(inbox.spare()), timer.wait_until(due)).await {
                Either::First(Ok(0)) => break Err(Ended::Closed),
                Either::First(Ok(n)) => inbox.filled(n),
                Either::First(Err(error)) => break Err(Ended::Io(error.kind())),
                Either::Second(()) => {}
            }
        }
        let _ = client.handle_timeout(timer.now()); // a fault closes the session, and is kept in `client.fault()`
    };
    client.handle_close(timer.now());
    client.fault().map_or(ended, |fault| Err(Ended::Fault(fault)))
}

async fn write<M: Memory>(
    client: &mut Client<M>,
    stream: &mut impl Write,
    timer: &impl Timer,
    burst: &mut [u8],
) -> Result<(), Ended> {
    loop {
        let n = client.transmit_into(burst);
        if n == 0 {
            return stream.flush().await.map_err(|error| Ended::Io(error.kind()));
        }
        let mut rest = &burst[..n];
        while !rest.is_empty() {
            match stream.write(rest).await {
                Ok(0) => return Err(Ended::Closed),
                Ok(n) => {
                    client.transmitted(n, timer.now());
                    rest = &rest[n..];
                }
                Err(error) => return Err(Ended::Io(error.kind())),
            }
        }
    }
}

mod desktop {
    //! What stands for the board: a socket and a clock of the operating system.

    use std::io::{self, Read as _, Write as _};
    use std::net::TcpStream;

    use mqtt5_session::Instant;

    /// A socket whose reads return after a millisecond if nothing came.
    pub(super) struct Socket(pub(super) TcpStream);

    impl embedded_io_async::ErrorType for Socket {
        type Error = io::Error;
    }

    impl embedded_io_async::Read for Socket {
        async fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            loop {
                match self.0.read(to) {
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                    read => return read,
                }
                embassy_futures::yield_now().await;
            }
        }
    }

    impl embedded_io_async::Write for Socket {
        async fn write(&mut self, from: &[u8]) -> io::Result<usize> {
            self.0.write(from)
        }

        async fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }

    pub(super) struct Clock(pub(super) std::time::Instant);

    impl super::Timer for Clock {
        fn now(&self) -> Instant {
            Instant::from_millis(self.0.elapsed().as_millis() as u64)
        }

        async fn wait_until(&self, at: Instant) {
            while self.now() < at {
                embassy_futures::yield_now().await;
            }
        }
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    use mqtt5_session::codec::{Filter, Properties, Subscription, Text};
    use mqtt5_session::{ConnectOptions, Inline};

    let stream = std::net::TcpStream::connect("127.0.0.1:1883")?;
    stream.set_read_timeout(Some(core::time::Duration::from_millis(1)))?;
    let (mut stream, clock) = (desktop::Socket(stream), desktop::Clock(std::time::Instant::now()));
    let mut client = Client::new(Inline::<8, 1024>::new());
    let (mut buffer, mut burst) = ([0; 512], [0; 256]);
    let mut inbox = Inbox::new(&mut buffer);
    let filter = Filter::new("plant/#")?;
    client.connect(&ConnectOptions::new(Text::new("embedded-example")?), &mut inbox, clock.now())?;
    let run = host(&mut client, &mut inbox, &mut stream, &clock, &mut burst, |event, client| match event {
        Event::Connected(_) => drop(client.subscribe(&[Subscription::new(filter)], Properties::EMPTY)),
        Event::Message(message) => println!("{}: {:?}", message.topic, String::from_utf8_lossy(message.payload)),
        _ => {}
    });
    embassy_futures::block_on(run).map_err(|ended| format!("{ended:?}").into())
}
