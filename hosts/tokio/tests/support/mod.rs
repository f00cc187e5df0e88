//! Servers that do one thing: certificates, answers in bytes, and a mosquitto where it is installed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(unreachable_pub, dead_code, reason = "each test takes what it needs")]

use core::future::Future;
use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use mqtt5_tokio::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use mqtt5_tokio::rustls::{self, ServerConfig};
use mqtt5_tokio::{HostError, Options, Tls};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// CONNACK: accepted, no session.
pub const ACCEPTED: &[u8] = &[0x20, 3, 0, 0, 0];

/// Serves each connection by `serve`, on a port of its own.
pub async fn serve<F, A>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    place
}

/// Reads CONNECT, answers with these bytes, then reads and drops everything.
pub async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, bytes: &[u8]) {
    packet(&mut stream).await;
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    drain(&mut stream).await;
}

/// Reads one packet.
pub async fn packet<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        bytes.push(byte);
        if bytes.len() > 1 && byte < 128 {
            break;
        }
    }
    let len = bytes.iter().skip(1).rev().fold(0, |len, byte| len << 7 | usize::from(byte & 127));
    let mut body = vec![0; len];
    let _ = stream.read_exact(&mut body).await;
    bytes.extend(body);
    bytes
}

pub async fn drain<S: AsyncRead + Unpin>(stream: &mut S) {
    let mut dropped = [0; 1 << 12];
    while stream.read(&mut dropped).await.is_ok_and(|n| n != 0) {}
}

/// Who signs certificates.
pub struct Authority {
    pub certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// A certificate for this name, and its key, in PEM.
    pub fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// TLS that believes this authority.
    pub fn believed(&self) -> Tls {
        Tls::new().roots(self.certificate.pem().as_bytes()).unwrap()
    }

    /// A server that shows a certificate for this name.
    pub fn server(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let chain = vec![params.signed_by(&key, &self.issuer).unwrap().der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let mut config = builder
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"mqtt".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// Options of a test: it does not take long to fail.
pub fn options() -> Options {
    let mut options = Options::new("me");
    options.connect_timeout = Duration::from_secs(3);
    options
}

/// The error of a client that can't connect, in bounded time.
pub async fn fails(builder: mqtt5_tokio::Builder) -> HostError {
    tokio::time::timeout(Duration::from_secs(8), builder.connect()).await.unwrap().map(drop).unwrap_err()
}
