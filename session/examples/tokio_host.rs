//! A session on tokio: the loop of the crate's front page, where waiting is `await`. It prints what is published under a filter.
//!
//! ```text
//! cargo run -p mqtt5-session --example tokio_host -- 127.0.0.1:1883 'plant/#'
//! ```
#![allow(clippy::indexing_slicing, reason = "the ranges are what a call has just given")]

use core::time::Duration;
use std::io::{Error, ErrorKind, Result};

use mqtt5_session::codec::{Filter, Properties, Subscription, Text};
use mqtt5_session::{Boxed, Client, ConnectOptions, Event, Inbox, Input, Instant, Memory};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant as Clock, timeout};

/// Hosts a client that has been told to `connect`, until the connection is over. What the server did wrong is an error.
pub async fn host<M: Memory, S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut Client<M>,
    inbox: &mut Inbox<'_>,
    stream: &mut S,
    now: impl Fn() -> Instant,
    mut on: impl FnMut(Event<'_>, &mut Client<M>), // may publish, subscribe, disconnect
) -> Result<()> {
    let mut burst = [0; 4096];
    let ended = loop {
        let input = client.handle_input(inbox, now());
        if let Ok(Input::Event(event)) = input {
            on(event, client);
            continue;
        }
        if let Err(error) = write(client, stream, &mut burst, &now).await {
            break Err(error);
        }
        if client.is_closed() {
            break Ok(());
        }
        if let Ok(Input::Partial { .. }) = input {
            let wait = client.poll_timeout().map_or(Duration::MAX, |due| Duration::from_millis(now().until(due)));
            // A read that is dropped has read nothing.
            match timeout(wait, stream.read(inbox.spare())).await {
                Ok(Ok(0)) => break Err(ErrorKind::UnexpectedEof.into()),
                Ok(Ok(n)) => inbox.filled(n),
                Ok(Err(error)) => break Err(error),
                Err(_) => {}
            }
        }
        let _ = client.handle_timeout(now()); // a fault closes the session, and is kept in `client.fault()`
    };
    client.handle_close(now());
    client.fault().map_or(ended, |fault| Err(Error::other(fault)))
}

async fn write<M: Memory>(
    client: &mut Client<M>,
    stream: &mut (impl AsyncWrite + Unpin),
    burst: &mut [u8],
    now: impl Fn() -> Instant,
) -> Result<()> {
    loop {
        let n = client.transmit_into(burst);
        if n == 0 {
            return stream.flush().await;
        }
        let mut rest = &burst[..n];
        while !rest.is_empty() {
            match stream.write(rest).await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                n => {
                    client.transmitted(n, now());
                    rest = &rest[n..];
                }
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> core::result::Result<(), Box<dyn core::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(place), Some(filter)) = (arguments.next(), arguments.next()) else {
        return Err("HOST:PORT FILTER".into());
    };
    let (start, mut stream) = (Clock::now(), TcpStream::connect(place).await?);
    let now = || Instant::from_millis(start.elapsed().as_millis() as u64);
    let mut client = Client::new(Boxed::new(64, 64 << 10));
    let mut inbox = Inbox::growing(4 << 10, 1 << 20);
    let filter = Filter::new(&filter)?;
    client.connect(&ConnectOptions::new(Text::new("tokio-example")?), &mut inbox, now())?;
    host(&mut client, &mut inbox, &mut stream, now, |event, client| match event {
        Event::Connected(_) => drop(client.subscribe(&[Subscription::new(filter)], Properties::EMPTY)),
        Event::Message(message) => println!("{}: {:?}", message.topic, String::from_utf8_lossy(message.payload)),
        _ => {}
    })
    .await?;
    Ok(())
}
