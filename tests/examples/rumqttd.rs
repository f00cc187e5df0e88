//! rumqttd, MQTT v5, on a loopback port: for `tests/interop.sh`. It runs until it is ended.

use core::net::{Ipv4Addr, SocketAddr};
use std::collections::HashMap;
use std::io;

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

/// Takes the port as its argument.
fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse::<u16>().ok());
    let port = port.ok_or_else(|| io::Error::other("a port is wanted"))?;
    let connections = ConnectionSettings {
        connection_timeout_ms: 5_000,
        // The largest message of the checks has ten megabytes.
        max_payload_size: 16 << 20,
        max_inflight_count: 100,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = ServerSettings {
        name: "interop".into(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        tls: None,
        next_connection_delay_ms: 0,
        connections,
    };
    let router = RouterConfig {
        max_connections: 256,
        max_outgoing_packet_count: 200,
        max_segment_size: 100 << 20,
        max_segment_count: 10,
        ..RouterConfig::default()
    };
    let v5 = Some(HashMap::from([("interop".to_owned(), server)]));
    Broker::new(Config { router, v5, ..Config::default() }).start().map_err(io::Error::other)
}
