//! The broker embedded in the process: rumqttd, MQTT v5 only, on a free loopback port.
//! What is asked of a broker and what it answers is in `BROKERS.md` beside this crate's manifest.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

/// How often another port is tried: somebody else may take the free one before the broker does.
const TRIES: usize = 5;

/// Why there is no embedded broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no free loopback port: {0}")]
    Port(io::Error),
    #[error("it cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    #[error("no thread for the broker: {0}")]
    Thread(io::Error),
    #[error("it did not open a port, in {TRIES} tries")]
    Closed,
    #[error("it did not answer on {0} within {1:?}")]
    Silent(SocketAddr, Duration),
    #[error("it has ended")]
    Ended,
}

/// Starts a broker and returns once it accepts connections. It lives as long as the process: rumqttd has no stop.
pub(crate) fn start(within: Duration) -> Result<SocketAddr, Error> {
    let deadline = Instant::now() + within;
    for _ in 0..TRIES {
        let address = free_port().map_err(Error::Port)?;
        let server = thread::Builder::new()
            .name("rumqttd".into())
            .spawn(move || {
                // Returns when the port could not be opened, and never otherwise.
                let _ = Broker::new(config(address)).start();
            })
            .map_err(Error::Thread)?;
        while !server.is_finished() {
            if TcpStream::connect_timeout(&address, within).is_ok() && !server.is_finished() {
                return Ok(address);
            }
            if Instant::now() >= deadline {
                return Err(Error::Silent(address, within));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
    Err(Error::Closed)
}

/// Runs a broker here until it ends, and tells the person where it is once it accepts connections.
pub(super) fn serve(listen: SocketAddr, json: bool) -> Error {
    // rumqttd says nothing of a port that it could not open.
    if let Err(error) = TcpListener::bind(listen) {
        return Error::Listen(listen, error);
    }
    let broker = thread::Builder::new().name("rumqttd".into()).spawn(move || {
        let _ = Broker::new(config(listen)).start();
    });
    let broker = match broker {
        Ok(broker) => broker,
        Err(error) => return Error::Thread(error),
    };
    while !broker.is_finished() && TcpStream::connect(listen).is_err() {
        thread::sleep(Duration::from_millis(2));
    }
    if json {
        // Whoever has gone does not end a broker.
        let _ = crate::produce::print(&serde_json::json!({"type": "ready", "listen": listen.to_string()}));
    } else {
        anstream::eprintln!("rumqttd, MQTT v5, on {listen}; anyone may connect, and nothing is kept");
    }
    let _ = broker.join();
    Error::Ended
}

/// A port that was free a moment ago: rumqttd takes no listener that is already bound, only an address.
fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn config(listen: SocketAddr) -> Config {
    let connections = ConnectionSettings {
        connection_timeout_ms: 5_000,
        max_payload_size: 16 << 20,
        max_inflight_count: 100,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = ServerSettings { name: "oc2".into(), listen, tls: None, next_connection_delay_ms: 0, connections };
    let router = RouterConfig {
        max_connections: 1024,
        max_outgoing_packet_count: 200,
        max_segment_size: 100 << 20,
        max_segment_count: 10,
        ..RouterConfig::default()
    };
    Config { router, v5: Some(HashMap::from([("oc2".to_owned(), server)])), ..Config::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_embedded_brokers_listen_on_two_ports() {
        let first = start(Duration::from_secs(5)).unwrap();
        let second = start(Duration::from_secs(5)).unwrap();
        assert_ne!(first, second);
        assert!(first.ip().is_loopback() && TcpStream::connect(first).is_ok());
        assert!(second.ip().is_loopback() && TcpStream::connect(second).is_ok());
    }
}
