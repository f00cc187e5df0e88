//! A last will: what the server publishes for a device that vanishes. It is not published for one that says goodbye.
//!
//! `cargo run -p mqtt5-blocking --example last_will -- localhost:1883`

use core::error::Error;
use core::time::Duration;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;

use mqtt5_blocking::Builder;
use mqtt5_host::{LastWill, Options, Outbound, Socket};

pub(crate) fn run(place: &str) -> Result<String, Box<dyn Error>> {
    let url = format!("mqtt://{place}");
    let (watcher, _events) = mqtt5_blocking::open(&url, Options::default())?;
    let mut states = watcher.subscribe("devices/7/state")?;

    let mut options = Options::default();
    options.will = Some(LastWill::new(Outbound::new("devices/7/state", b"lost".to_vec()).at_least_once()));
    // A session that outlives the connection would keep the will waiting, if that had a delay.
    options.session_expiry = 0;
    // The example opens the socket itself, so that it can cut it.
    let (give, sockets) = mpsc::channel();
    let at = place.to_owned();
    let builder = Builder::new(&url)?.options(options).stream(move |_attempt| {
        let stream = TcpStream::connect(&at)?;
        stream.set_nonblocking(true)?;
        let _ = give.send(stream.try_clone()?);
        Ok((Box::new(stream.try_clone()?), Socket::Tcp(stream)))
    });
    let (_device, _events) = builder.connect()?;
    // The device vanishes: its connection is cut without a DISCONNECT.
    sockets.recv()?.shutdown(Shutdown::Both)?;

    let state = states.next().ok_or("the client has ended")?;
    watcher.close(Duration::from_secs(5))?;
    Ok(String::from_utf8(state.payload().to_vec())?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::args().nth(1).ok_or("HOST:PORT is wanted")?;
    println!("the device is {}", run(&place)?);
    Ok(())
}
