//! Servers that say a few bytes, and certificates that are good or not.

use core::net::SocketAddr;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tungstenite::Message;
use tungstenite::handshake::server::{Request, Response};
use tungstenite::http::HeaderValue;

use crate::Outcome;

/// CONNACK: accepted, no session.
pub(crate) const ACCEPTED: &[u8] = &[0x20, 3, 0, 0, 0];

fn told(error: impl core::fmt::Display) -> String {
    error.to_string()
}

/// A server on a port of its own, which does the same with each connection.
pub(crate) struct Server(SocketAddr);

pub(crate) type TlsStream = StreamOwned<ServerConnection, TcpStream>;

impl Server {
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(told)?;
        let place = listener.local_addr().map_err(told)?;
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        Ok(Self(place))
    }

    pub(crate) fn start_tls(
        config: Arc<ServerConfig>,
        serve: impl Fn(TlsStream) + Send + Sync + 'static,
    ) -> Result<Self, String> {
        Self::start(move |socket| {
            if let Ok(connection) = ServerConnection::new(Arc::clone(&config)) {
                serve(StreamOwned::new(connection, socket));
            }
        })
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.0)
    }
}

/// Reads one packet.
pub(crate) fn read_packet(stream: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut packet = vec![0; 2];
    stream.read_exact(&mut packet)?;
    while packet.last().is_some_and(|byte| byte & 0x80 != 0) {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        packet.extend(byte);
    }
    let length = packet.iter().skip(1).rev().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7F));
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest)?;
    packet.extend(rest);
    Ok(packet)
}

pub(crate) fn drain(stream: &mut impl Read) {
    let mut dropped = [0; 1 << 12];
    while stream.read(&mut dropped).is_ok_and(|n| n != 0) {}
}

/// Reads CONNECT, answers with these bytes, then reads and drops everything.
pub(crate) fn answer(mut stream: impl Read + Write, bytes: &[u8]) {
    if read_packet(&mut stream).is_ok() && stream.write_all(bytes).and_then(|()| stream.flush()).is_ok() {
        drain(&mut stream);
    }
}

/// Accepts, reads DISCONNECT, and expects TLS to be closed in its own words: rustls fails where the socket only ends.
pub(crate) fn until_closed(mut stream: TlsStream) -> Outcome {
    read_packet(&mut stream).map_err(told)?;
    stream.write_all(ACCEPTED).and_then(|()| stream.flush()).map_err(told)?;
    let goodbye = read_packet(&mut stream).map_err(told)?;
    if goodbye.first() != Some(&0xE0) {
        return Err(format!("{goodbye:02x?} instead of DISCONNECT"));
    }
    match stream.read(&mut [0]) {
        Ok(0) => Ok(()),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err("TLS was not closed in its own words".to_owned()),
        other => Err(format!("{other:?} instead of the end")),
    }
}

/// The same over WebSocket, which is to be closed by a Close frame.
pub(crate) fn web(stream: TcpStream) -> Outcome {
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let accept = |_: &Request, mut response: Response| {
        response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
        Ok(response)
    };
    let mut socket = tungstenite::accept_hdr(stream, accept).map_err(told)?;
    let mut said = Vec::new();
    loop {
        match socket.read().map_err(told)? {
            Message::Binary(bytes) => {
                if said.is_empty() {
                    socket.send(Message::Binary(ACCEPTED.into())).map_err(told)?;
                }
                said.extend_from_slice(&bytes);
            }
            Message::Close(_) if said.ends_with(&[0xE0, 0]) || said.ends_with(&[0xE0, 7, 0, 5, 0x11, 0, 0, 0, 0]) => {
                return Ok(());
            }
            other => return Err(format!("{other:?} after {said:02x?}")),
        }
    }
}

/// What is wrong with a certificate for 127.0.0.1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Good,
    Expired,
    OtherName,
}

/// An authority that signs them.
pub(crate) struct Certificates {
    roots: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Certificates {
    pub(crate) fn new() -> Result<Self, String> {
        let mut params = CertificateParams::new(Vec::new()).map_err(told)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(told)?;
        let roots = params.self_signed(&key).map_err(told)?;
        Ok(Self { roots, issuer: Issuer::new(params, key) })
    }

    pub(crate) fn roots(&self) -> String {
        self.roots.pem()
    }

    pub(crate) fn server(&self, kind: Tls) -> Result<Arc<ServerConfig>, String> {
        let mut params = CertificateParams::new(Vec::new()).map_err(told)?;
        let last = if kind == Tls::OtherName { 2 } else { 1 };
        params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, last].into())];
        if kind == Tls::Expired {
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().map_err(told)?;
        let chain = vec![params.signed_by(&key, &self.issuer).map_err(told)?.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(told)?.with_no_client_auth();
        Ok(Arc::new(builder.with_single_cert(chain, key).map_err(told)?))
    }
}
