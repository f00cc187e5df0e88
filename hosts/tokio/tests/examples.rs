//! Every example runs, and does what it says.

#![cfg(all(feature = "tls", feature = "websocket"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(dead_code, unreachable_pub, reason = "an example is a program of its own")]

mod support;

use core::time::Duration;
use std::fs;
use std::sync::Arc;

use mqtt5_codec::{Auth, ConnAck, Decoded, Decoder, Packet, Properties, Property, QoS, ReasonCode, Sender, Text};
use mqtt5_host_tests::Broker;
use mqtt5_tokio::rustls::ServerConfig;
use mqtt5_tokio::rustls::server::WebPkiClientVerifier;
use mqtt5_tokio::{Options, Outbound, Outcome, rustls};
use openc2_mqtt::Status;
use openc2_mqtt::transfer::{Encoding, MessageType, publish_properties};
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::config::SASLConfig;
use rsasl::mechanisms::scram::properties::ScramStoredPassword;
use rsasl::mechanisms::scram::tools::{derive_keys, hash_password};
use rsasl::mechname::Mechname;
use rsasl::prelude::{SASLServer, SessionError};
use rsasl::property::AuthId;
use rsasl::validate::NoValidation;
use sha2::digest::generic_array::GenericArray;
use sha2::{Digest, Sha256};
use support::{ACCEPTED, Authority, answer, packet, serve};
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

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
#[path = "../examples/scram.rs"]
mod scram;
#[path = "../examples/shared_workers.rs"]
mod shared_workers;
#[path = "../examples/subscribe.rs"]
mod subscribe;
#[path = "../examples/tls_client_certificate.rs"]
mod tls_client_certificate;

/// A broker, and its URL; `None` where none is installed, which is said.
fn broker() -> Option<(Broker, String)> {
    let broker = Broker::find().unwrap();
    if broker.is_none() {
        println!("mosquitto is not installed, and MQTT_BROKER names no broker: nothing is tested");
    }
    broker.map(|broker| {
        let url = broker.url("mqtt").unwrap().to_owned();
        (broker, url)
    })
}

#[tokio::test]
async fn publish_tells_what_the_server_says() {
    let Some((_broker, url)) = broker() else { return };
    let outcome = publish::run(&url, "plant/1/level", "0.7").await.unwrap();
    assert_eq!(outcome, Outcome::Acknowledged(ReasonCode::NO_MATCHING_SUBSCRIBERS));
}

#[tokio::test]
async fn subscribe_sees_what_is_published() {
    let Some((_broker, url)) = broker() else { return };
    let (client, _events) = mqtt5_tokio::connect(&url, Options::default()).await.unwrap();
    // Retained, so that it does not matter who comes first.
    for topic in ["plant/1/level", "plant/2/level"] {
        let message = Outbound::new(topic, "0.7").at_least_once().retained();
        assert!(client.publish(message).await.unwrap().await.is_success());
    }
    let mut seen = subscribe::run(&url, "plant/+/level", 2).await.unwrap();
    seen.sort();
    assert_eq!(seen, ["plant/1/level", "plant/2/level"]);
}

#[tokio::test]
async fn a_request_is_answered() {
    let Some((_broker, url)) = broker() else { return };
    assert_eq!(request_response::run(&url, "1 2 39").await.unwrap(), "42");
}

#[tokio::test]
async fn a_will_is_published() {
    let Some((_broker, url)) = broker() else { return };
    assert_eq!(last_will::run(&url).await.unwrap(), "lost");
}

#[tokio::test]
async fn jobs_are_acknowledged_by_hand() {
    let Some((_broker, url)) = broker() else { return };
    assert_eq!(manual_acknowledgement::run(&url, 20).await.unwrap(), 20);
}

#[tokio::test]
async fn workers_share_the_work() {
    let Some((_broker, url)) = broker() else { return };
    let counts = shared_workers::run(&url, 3, 30).await.unwrap();
    assert_eq!(counts.iter().sum::<usize>(), 30);
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let authority = Authority::new();
    let server = authority.server("localhost", |_| ());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(server.cert_resolver.clone());
    config.alpn_protocols = vec![b"mqtt".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let place = serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, ACCEPTED).await;
            }
        }
    })
    .await;
    let folder = std::env::temp_dir().join(format!("mqtt5-tokio-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let ca = file("ca.pem", &authority.certificate.pem());
    let url = format!("mqtts://localhost:{}", place.port());
    let (certificate, key) = authority.sign("client", |_| ());
    let (certificate, key) = (file("client.pem", &certificate), file("client.key", &key));
    tls_client_certificate::run(&url, &ca, &certificate, &key).await.unwrap();
    // One of another authority is not believed.
    let (certificate, key) = Authority::new().sign("client", |_| ());
    let (certificate, key) = (file("other.pem", &certificate), file("other.key", &key));
    assert!(tls_client_certificate::run(&url, &ca, &certificate, &key).await.is_err());
    fs::remove_dir_all(&folder).unwrap();
}

/// What the server knows of ann, whose password is "secret".
struct Ann {
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

const SALT: &[u8] = b"salt of the test";

impl Ann {
    fn new() -> Self {
        let mut salted = GenericArray::default();
        hash_password::<Sha256>(b"secret", 4_096, SALT, &mut salted);
        let (client_key, server_key) = derive_keys::<Sha256>(&salted);
        Self { stored_key: Sha256::digest(client_key).to_vec(), server_key: server_key.to_vec() }
    }
}

impl SessionCallback for Ann {
    fn callback(&self, _: &SessionData, context: &Context<'_>, request: &mut Request<'_>) -> Result<(), SessionError> {
        if context.get_ref::<AuthId>() == Some("ann") {
            let stored = ScramStoredPassword::new(4_096, SALT, &self.stored_key, &self.server_key);
            request.satisfy::<ScramStoredPassword<'_>>(&stored)?;
        }
        Ok(())
    }
}

/// A server that authenticates by SCRAM-SHA-256.
async fn scram_server(mut stream: tokio::net::TcpStream) {
    let config = SASLConfig::builder().with_defaults().with_callback(Ann::new()).unwrap();
    let name = Mechname::parse(b"SCRAM-SHA-256").unwrap();
    let mut session = SASLServer::<NoValidation>::new(config).start_suggested(name).unwrap();
    for round in 0..2 {
        let bytes = packet(&mut stream).await;
        let Ok(Decoded::Packet { packet, .. }) = Decoder::new(Sender::Client).decode(&bytes) else { return };
        let properties = match packet {
            Packet::Connect(connect) => connect.properties,
            Packet::Auth(auth) => auth.properties,
            other => panic!("{other:?}"),
        };
        let mut data = Vec::new();
        let done = session.step(properties.authentication_data(), &mut data);
        let mut list = vec![Property::AuthenticationMethod(Text::new("SCRAM-SHA-256").unwrap())];
        let reason = if done.is_ok() { ReasonCode::SUCCESS } else { ReasonCode::NOT_AUTHORIZED };
        if done.is_ok() {
            list.push(Property::AuthenticationData(&data));
        }
        let properties = Properties::from(list.as_slice());
        let mut out = [0; 512];
        let mut sink = &mut out[..];
        let len = if round == 0 && done.is_ok() {
            Auth { reason: ReasonCode::CONTINUE_AUTHENTICATION, properties }.encode(Sender::Server, &mut sink)
        } else {
            ConnAck { session_present: false, reason, properties }.encode(&mut sink)
        };
        stream.write_all(&out[..len.unwrap()]).await.unwrap();
    }
    support::drain(&mut stream).await;
}

#[tokio::test]
async fn scram_authenticates_both_sides() {
    let url = format!("mqtt://{}", serve(scram_server).await);
    scram::run(&url, "ann", "secret").await.unwrap();
    let error = scram::run(&url, "ann", "hunter2").await.unwrap_err().to_string();
    assert!(error.contains("invalid proof"), "{error}");
}

#[tokio::test]
async fn an_openc2_consumer_answers() {
    let Some((_broker, url)) = broker() else { return };
    let (client, _events) = mqtt5_tokio::connect(&url, Options::default()).await.unwrap();
    let mut responses = client.subscribe("oc2/rsp/#").await.unwrap();
    let serving = openc2_consumer::run(&url, |_| Status::Ok);
    let asking = async {
        let properties = publish_properties(MessageType::Request, Encoding::Json, None);
        let payload = r#"{"headers":{"request_id":"95ad511c-3339-4111-9c47-9156c47d37d3","created":1595268027000,"from":"Producer1@example.com"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"192.0.2.0/24"}}}}}"#;
        for _ in 0..50 {
            // The Consumer may not have subscribed yet. It answers a request once, and repeats its answer.
            let message =
                Outbound::new("oc2/cmd/ap/slpf", payload).qos(QoS::AtLeastOnce).with(properties.as_properties());
            drop(client.publish(message).await.unwrap());
            if let Ok(Some(response)) = timeout(Duration::from_millis(200), responses.next()).await {
                return String::from_utf8(response.payload().to_vec()).unwrap();
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("no answer")
    };
    tokio::select! {
        ended = serving => panic!("{ended:?}"),
        answer = asking => assert!(answer.contains(r#""status":200"#) && answer.contains("95ad511c"), "{answer}"),
    }
}
