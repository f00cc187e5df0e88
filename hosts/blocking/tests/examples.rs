//! Every example of the client runs, and does what it says, against the model broker behind TCP, which takes down what a client may
//! not do.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(dead_code, unreachable_pub, reason = "an example is a program of its own")]

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use conformance::broker::Broker;
use mqtt5_codec::ReasonCode;
use mqtt5_host::{Options, Outbound, Outcome};
use openc2_mqtt::Status;
use openc2_mqtt::transfer::{Encoding, MessageType, publish_properties};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

#[path = "../examples/last_will.rs"]
mod last_will;
#[path = "../examples/manual_acknowledgement.rs"]
mod manual_acknowledgement;
#[path = "../examples/openc2_consumer.rs"]
mod openc2_consumer;
#[path = "../examples/publish.rs"]
mod publish;
#[path = "../examples/request_response.rs"]
mod request_response;
#[path = "../examples/shared_workers.rs"]
mod shared_workers;
#[path = "../examples/subscribe.rs"]
mod subscribe;
#[path = "../examples/tls_client_certificate.rs"]
mod tls_client_certificate;

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

/// A model broker with a thread and a port of its own.
struct Served {
    place: String,
    stop: Arc<AtomicBool>,
    broker: Option<JoinHandle<String>>,
}

impl Served {
    fn plain() -> Self {
        Self::over(|stream| Box::new(stream))
    }

    fn over(wire: impl Fn(TcpStream) -> Box<dyn Wire> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let broker = thread::spawn(move || serve(&listener, wire, &stopped));
        Self { place, stop, broker: Some(broker) }
    }

    fn url(&self) -> String {
        format!("mqtt://{}", self.place)
    }

    /// Stops it, and fails if a client did what it may not.
    fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        assert_eq!(self.broker.take().unwrap().join().unwrap(), "[]");
    }
}

fn serve(listener: &TcpListener, wire: impl Fn(TcpStream) -> Box<dyn Wire>, stop: &AtomicBool) -> String {
    let (mut broker, start) = (Broker::new(), Instant::now());
    let mut links: Vec<(usize, Box<dyn Wire>)> = Vec::new();
    let mut bytes = [0; 4_096];
    while !stop.load(Ordering::Relaxed) {
        let now = u64::try_from(start.elapsed().as_millis()).unwrap();
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true).unwrap();
            links.push((broker.open(now), wire(stream)));
        }
        links.retain_mut(|(link, wire)| match wire.read(&mut bytes) {
            Ok(n) if n != 0 => {
                broker.receive(*link, &bytes[..n], now);
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => true,
            _ => {
                broker.close(*link, now);
                false
            }
        });
        broker.tick(now);
        links.retain_mut(|(link, wire)| {
            while !broker.readable(*link).is_empty() {
                let Ok(written) = wire.write(broker.readable(*link)) else { break };
                broker.read(*link, written);
            }
            let _ = wire.flush();
            !broker.is_closed(*link)
        });
        thread::sleep(Duration::from_millis(1));
    }
    format!("{:?}", broker.ledger.violations())
}

#[test]
fn publish_tells_what_the_server_says() {
    let broker = Served::plain();
    let outcome = publish::run(&broker.url(), "plant/1/level", "0.7").unwrap();
    assert_eq!(outcome, Outcome::Acknowledged(ReasonCode::NO_MATCHING_SUBSCRIBERS));
    broker.end();
}

#[test]
fn subscribe_sees_what_is_published() {
    let broker = Served::plain();
    let (client, _events) = mqtt5_blocking::open(&broker.url(), Options::default()).unwrap();
    // Retained, so that it does not matter who comes first.
    for topic in ["plant/1/level", "plant/2/level"] {
        let message = Outbound::new(topic, "0.7").at_least_once().retained();
        assert!(client.publish(message).unwrap().wait().is_success());
    }
    let mut seen = subscribe::run(&broker.url(), "plant/+/level", 2).unwrap();
    seen.sort();
    assert_eq!(seen, ["plant/1/level", "plant/2/level"]);
    broker.end();
}

#[test]
fn a_request_is_answered() {
    let broker = Served::plain();
    assert_eq!(request_response::run(&broker.url(), "1 2 39").unwrap(), "42");
    broker.end();
}

#[test]
fn a_will_is_published() {
    let broker = Served::plain();
    assert_eq!(last_will::run(&broker.place).unwrap(), "lost");
    broker.end();
}

#[test]
fn jobs_are_acknowledged_by_hand() {
    let broker = Served::plain();
    assert_eq!(manual_acknowledgement::run(&broker.url(), 20).unwrap(), 20);
    broker.end();
}

#[test]
fn workers_share_the_work() {
    let broker = Served::plain();
    let counts = shared_workers::run(&broker.url(), 3, 30).unwrap();
    assert_eq!(counts.iter().sum::<usize>(), 30);
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    broker.end();
}

/// Who signs certificates.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

#[test]
fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let (own, key) = authority.sign("localhost");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config =
        builder.with_client_cert_verifier(verifier).with_single_cert(vec![own.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"mqtt".to_vec()];
    let config = Arc::new(config);
    let broker = Served::over(move |stream| {
        Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream))
    });
    let url = format!("mqtts://localhost:{}", broker.place.rsplit(':').next().unwrap());

    let folder = std::env::temp_dir().join(format!("mqtt5-blocking-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let ca = file("ca.pem", &authority.certificate.pem());
    let (certificate, key) = authority.sign("client");
    let (certificate, key) = (file("client.pem", &certificate.pem()), file("client.key", &key.serialize_pem()));
    tls_client_certificate::run(&url, &ca, &certificate, &key).unwrap();
    // One of another authority is not believed.
    let (certificate, key) = Authority::new().sign("client");
    let (certificate, key) = (file("other.pem", &certificate.pem()), file("other.key", &key.serialize_pem()));
    assert!(tls_client_certificate::run(&url, &ca, &certificate, &key).is_err());
    fs::remove_dir_all(&folder).unwrap();
    broker.end();
}

#[test]
fn an_openc2_consumer_answers() {
    let broker = Served::plain();
    let url = broker.url();
    let (client, _events) = mqtt5_blocking::open(&url, Options::default()).unwrap();
    let mut responses = client.subscribe("oc2/rsp/#").unwrap();
    // It runs until the test is over.
    thread::spawn(move || drop(openc2_consumer::run(&url, |_| Status::Ok)));
    let properties = publish_properties(MessageType::Request, Encoding::Json, None);
    let payload = r#"{"headers":{"request_id":"95ad511c-3339-4111-9c47-9156c47d37d3","created":1595268027000,"from":"Producer1@example.com"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"192.0.2.0/24"}}}}}"#;
    let answer = (0..50).find_map(|_| {
        // The Consumer may not have subscribed yet. It answers a request once, and repeats its answer.
        let message = Outbound::new("oc2/cmd/ap/slpf", payload).at_least_once().with(properties.as_properties());
        drop(client.publish(message).unwrap());
        responses.next_within(Duration::from_millis(200))
    });
    let answer = String::from_utf8(answer.unwrap().payload().to_vec()).unwrap();
    assert!(answer.contains(r#""status":200"#) && answer.contains("95ad511c"), "{answer}");
    broker.end();
}
