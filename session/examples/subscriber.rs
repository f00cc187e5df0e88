//! A subscriber that comes back: it keeps its session over lost connections, waits longer after each failure, and prints what is
//! published under a filter.
//!
//! ```text
//! cargo run -p mqtt5-session --example subscriber -- 127.0.0.1:1883 'plant/#'
//! ```
#![allow(clippy::indexing_slicing, reason = "in the loop the ranges are what a call has just given")]

use core::time::Duration;
use std::net::{TcpStream, ToSocketAddrs};

use mqtt5_session::codec::{Filter, Properties, Property, QoS, Rule, Subscription, Text};
use mqtt5_session::{Boxed, Client, ConnectOptions, Ending, Event, Inbox, Incoming, Instant, Prior, SessionError};

#[path = "parts/host.rs"]
#[allow(unreachable_pub, reason = "as it is copied")]
mod parts;

/// Connects again and again, until `on` says that it is enough. `pause` says how long to wait before so many failures in a row are
/// followed by another attempt, and whether that is made at all.
pub fn subscribe(
    place: impl ToSocketAddrs,
    client_id: &str,
    filter: &str,
    pause: impl Fn(u32) -> Option<Duration>,
    mut on: impl FnMut(&Incoming<'_>) -> bool,
) -> Result<(), SessionError> {
    let mut subscription = Subscription::new(Filter::new(filter)?);
    subscription.options.maximum_qos = QoS::AtLeastOnce;
    // The server keeps the session, and what is published meanwhile, for an hour.
    let properties = [Property::SessionExpiryInterval(3_600)];
    // It may have one of an earlier run of this program.
    let mut options = ConnectOptions::resume(Text::new(client_id)?, Prior::Empty);
    options.packet.properties = Properties::from(&properties);

    let start = std::time::Instant::now();
    let now = || Instant::from_millis(start.elapsed().as_millis() as u64);
    let mut client = Client::new(Boxed::new(64, 64 << 10));
    let mut inbox = Inbox::growing(4 << 10, 1 << 20);
    let (mut failures, mut subscribed) = (0, false);
    while let Some(pause) = pause(failures) {
        std::thread::sleep(pause);
        failures += 1;
        let Ok(mut stream) = TcpStream::connect(&place) else { continue };
        client.connect(&options, &mut inbox, now())?;
        let ended =
            parts::host(&mut client, &mut inbox, &mut stream, TcpStream::set_read_timeout, now, |event, client| {
                match event {
                    Event::Connected(connected) => {
                        failures = 0;
                        // A session that goes on has its subscriptions, as far as the server told us of them.
                        subscribed &= connected.resumed;
                        if !subscribed && let Err(refused) = client.subscribe(&[subscription], Properties::EMPTY) {
                            eprintln!("{refused}");
                        }
                    }
                    Event::Subscribed(answer) => {
                        subscribed = answer.reasons.iter().all(|reason| !reason.is_error());
                        if !subscribed {
                            eprintln!("the server refuses the subscription");
                        }
                    }
                    Event::Message(message) if !on(&message) => {
                        let _ = client.disconnect(Ending::AfterQueued);
                    }
                    _ => {}
                }
            });
        match ended {
            Ok(()) => return Ok(()),
            Err(error) => eprintln!("{error}"),
        }
        // Only a SUBSCRIBE without an answer can be lost here, and that is sent again. Until it is named, it keeps its place.
        while client.poll_lost().is_some() {}
        // A session that has ended here and not on the server can't go on.
        options.packet.clean_start = client.fault().is_some_and(|fault| fault.rule == Rule::SESSION_UNKNOWN);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(place), Some(filter)) = (arguments.next(), arguments.next()) else {
        return Err("HOST:PORT FILTER".into());
    };
    let pause = |failures: u32| Some(Duration::from_millis((100 << failures.min(9)) - 100));
    subscribe(place, "subscriber-example", &filter, pause, |message| {
        println!("{}: {:?}", message.topic, String::from_utf8_lossy(message.payload));
        true
    })?;
    Ok(())
}
