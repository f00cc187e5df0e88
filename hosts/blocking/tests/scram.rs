//! The example `scram`, with a server that knows one user.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use mqtt5_codec::{Auth, ConnAck, Decoded, Decoder, Packet, Properties, Property, ReasonCode, Sender, Text};
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

#[path = "../examples/scram.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program of its own")]
mod scram;

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

/// Reads one short packet.
fn packet(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 2];
    stream.read_exact(&mut bytes).unwrap();
    let mut length = usize::from(bytes[1] & 0x7F);
    if bytes[1] >= 0x80 {
        let mut more = [0];
        stream.read_exact(&mut more).unwrap();
        length |= usize::from(more[0]) << 7;
        bytes.extend(more);
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).unwrap();
    bytes.extend(rest);
    bytes
}

/// Authenticates by SCRAM-SHA-256.
fn serve(mut stream: TcpStream) {
    let config = SASLConfig::builder().with_defaults().with_callback(Ann::new()).unwrap();
    let name = Mechname::parse(b"SCRAM-SHA-256").unwrap();
    let mut session = SASLServer::<NoValidation>::new(config).start_suggested(name).unwrap();
    for round in 0..2 {
        let bytes = packet(&mut stream);
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
        stream.write_all(&out[..len.unwrap()]).unwrap();
    }
    let _ = stream.read(&mut [0; 64]);
}

#[test]
fn scram_authenticates_both_sides() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().flatten().for_each(serve));
    scram::run(&url, "ann", "secret").unwrap();
    let error = scram::run(&url, "ann", "hunter2").unwrap_err().to_string();
    assert!(error.contains("invalid proof"), "{error}");
}
