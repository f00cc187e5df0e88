//! The example `tls`, run against a server with a certificate of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets these has failed")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use mqtt5_session::{Ending, Event};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

#[path = "../examples/tls.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program of its own")]
mod example;

#[test]
fn the_blocking_host_speaks_tls_over_a_stream_that_it_does_not_know() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
        let mut got = [0; 26];
        stream.read_exact(&mut got).unwrap();
        stream.write_all(&[0x20, 3, 0, 0, 0]).unwrap();
        let mut rest = [0; 2];
        stream.read_exact(&mut rest).unwrap();
        (got, rest)
    });
    let mut said = Vec::new();
    let ended = example::run(address, "localhost", own.cert.pem().as_bytes(), |event, client| {
        said.push(matches!(event, Event::Connected(_)));
        client.disconnect(Ending::AfterQueued).unwrap();
        false
    });
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(said, [true]);
    let (connect, goodbye) = server.join().unwrap();
    assert_eq!(&connect[..2], [0x10, 24]);
    assert!(connect.ends_with(b"tls-example"));
    assert_eq!(goodbye, [0xE0, 0]);
}
