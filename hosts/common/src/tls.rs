//! TLS by rustls: which servers are believed, and who we are.

use core::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::address::UrlScheme;

/// How TLS is spoken: versions 1.2 and 1.3, by rustls with ring, without early data.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (ca, chain, key) = (String::new(), String::new(), String::new());
/// use mqtt5_host::Tls;
/// let tls = Tls::new(); // the roots of the operating system
/// # let _ = || -> Result<(), mqtt5_host::TlsError> {
/// let tls = Tls::new().roots(ca.as_bytes())?.client_certificate(chain.as_bytes(), key.as_bytes())?;
/// # Ok(()) };
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Tls {
    roots: Roots,
    identity: Option<Arc<Identity>>,
    server_name: Option<ServerName<'static>>,
    without_alpn: bool,
    /// What it has come to, over TCP and over WebSocket.
    ready: [OnceLock<Arc<ClientConfig>>; 2],
}

#[derive(Clone, Default)]
enum Roots {
    #[default]
    Platform,
    Given(Vec<CertificateDer<'static>>),
    Whole(Arc<ClientConfig>),
    Anyone,
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Why TLS can't be spoken as asked for.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no certificate in what should hold some.
    #[error("no certificate in PEM")]
    NoCertificate,
    /// It is not PEM, or not of what it should be.
    #[error("not PEM: {0}")]
    Pem(String),
    /// The file can't be read.
    #[error("{0}: {1}")]
    File(String, Arc<std::io::Error>),
    /// It is no name that a certificate can have.
    #[error("{0:?} is no name of a server")]
    Name(String),
    /// What rustls says.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

impl Tls {
    /// The roots of the operating system, no client certificate, ALPN `mqtt`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// As this configuration says, whatever it says; only where it has no ALPN protocol is one added.
    #[must_use]
    pub fn configured(config: Arc<ClientConfig>) -> Self {
        Self { roots: Roots::Whole(config), ..Self::default() }
    }

    /// Believes these roots, in PEM, and no others.
    ///
    /// # Errors
    /// [`TlsError::Pem`], [`TlsError::NoCertificate`].
    pub fn roots(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        self.roots = Roots::Given(certificates(pem)?);
        self.ready = Default::default();
        Ok(self)
    }

    /// Believes the roots in this file, in PEM, and no others.
    ///
    /// # Errors
    /// [`TlsError::File`], [`TlsError::Pem`], [`TlsError::NoCertificate`].
    pub fn roots_file(self, path: impl AsRef<Path>) -> Result<Self, TlsError> {
        self.roots(&read(path.as_ref())?)
    }

    /// Shows this certificate chain, in PEM and the client's first, and signs with this key.
    ///
    /// # Errors
    /// [`TlsError::Pem`], [`TlsError::NoCertificate`].
    pub fn client_certificate(mut self, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Pem(error.to_string()))?;
        self.identity = Some(Arc::new(Identity { chain: certificates(chain)?, key }));
        self.ready = Default::default();
        Ok(self)
    }

    /// As [`client_certificate`](Self::client_certificate), from files.
    ///
    /// # Errors
    /// [`TlsError::File`], [`TlsError::Pem`], [`TlsError::NoCertificate`].
    pub fn client_certificate_files(self, chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        self.client_certificate(&read(chain.as_ref())?, &read(key.as_ref())?)
    }

    /// The name that the server's certificate has to have, instead of the one in the URL. It is also what the server is
    /// asked for (SNI).
    ///
    /// # Errors
    /// [`TlsError::Name`].
    pub fn server_name(mut self, name: &str) -> Result<Self, TlsError> {
        self.server_name = Some(server_name(name)?);
        Ok(self)
    }

    /// Offers no application protocol, for a server that takes offence at `mqtt`.
    #[must_use]
    pub fn without_alpn(mut self) -> Self {
        self.without_alpn = true;
        self.ready = Default::default();
        self
    }

    /// Believes any server whatever its certificate: whoever stands in between reads and changes everything. For tests only.
    #[must_use]
    pub fn dangerous_accept_any_certificate(mut self) -> Self {
        self.roots = Roots::Anyone;
        self.ready = Default::default();
        self
    }

    /// What rustls needs for a connection by this scheme. Reads the operating system's roots, if they are asked for, the
    /// first time.
    ///
    /// # Errors
    /// [`TlsError::Rustls`] when there are no roots, or when key and certificate don't fit.
    pub fn config(&self, scheme: UrlScheme) -> Result<Arc<ClientConfig>, TlsError> {
        let [tcp, web] = &self.ready;
        let ready = if scheme.is_websocket() { web } else { tcp };
        if let Some(ready) = ready.get() {
            return Ok(Arc::clone(ready));
        }
        let made = self.make(scheme)?;
        Ok(Arc::clone(ready.get_or_init(|| made)))
    }

    fn make(&self, scheme: UrlScheme) -> Result<Arc<ClientConfig>, TlsError> {
        let mut config = match &self.roots {
            Roots::Whole(config) if !config.alpn_protocols.is_empty() || self.without_alpn => {
                return Ok(Arc::clone(config));
            }
            Roots::Whole(config) => ClientConfig::clone(config),
            roots => self.build(roots)?,
        };
        if !self.without_alpn {
            let protocol: &[u8] = if scheme.is_websocket() { b"http/1.1" } else { b"mqtt" };
            config.alpn_protocols = vec![protocol.to_vec()];
        }
        Ok(Arc::new(config))
    }

    fn build(&self, roots: &Roots) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = match roots {
            Roots::Given(certificates) => {
                let mut store = rustls::RootCertStore::empty();
                for certificate in certificates {
                    store.add(certificate.clone())?;
                }
                builder.with_root_certificates(store)
            }
            Roots::Anyone => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider))),
            _ => builder.with_platform_verifier()?,
        };
        let mut config = match &self.identity {
            Some(identity) => builder.with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())?,
            None => builder.with_no_client_auth(),
        };
        config.enable_early_data = false;
        Ok(config)
    }

    /// The name that the certificate of a server at `host` has to have.
    ///
    /// # Errors
    /// [`TlsError::Name`].
    pub fn name_of(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        self.server_name.clone().map_or_else(|| server_name(host), Ok)
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::File(path.display().to_string(), Arc::new(error)))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsError::NoCertificate),
        Ok(found) => Ok(found),
        Err(error) => Err(TlsError::Pem(error.to_string())),
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roots = match &self.roots {
            Roots::Platform => "platform",
            Roots::Given(_) => "given",
            Roots::Whole(_) => "configured",
            Roots::Anyone => "anyone",
        };
        f.debug_struct("Tls")
            .field("roots", &roots)
            .field("client_certificate", &self.identity.is_some())
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// Believes anyone who holds the key of the certificate shown.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["host.example".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn alpn_says_mqtt_and_over_websocket_what_it_is_carried_by() {
        let tls = Tls::new().roots(certificate().0.as_bytes()).unwrap();
        assert_eq!(tls.config(UrlScheme::Mqtts).unwrap().alpn_protocols, [b"mqtt".to_vec()]);
        assert_eq!(tls.config(UrlScheme::Wss).unwrap().alpn_protocols, [b"http/1.1".to_vec()]);
        assert!(tls.clone().without_alpn().config(UrlScheme::Mqtts).unwrap().alpn_protocols.is_empty());
        let whole = Tls::configured(tls.without_alpn().config(UrlScheme::Mqtts).unwrap());
        assert_eq!(whole.config(UrlScheme::Mqtts).unwrap().alpn_protocols, [b"mqtt".to_vec()]);
    }

    #[test]
    fn there_is_no_early_data() {
        let tls = Tls::new().roots(certificate().0.as_bytes()).unwrap();
        assert!(!tls.config(UrlScheme::Mqtts).unwrap().enable_early_data);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(matches!(Tls::new().roots(b""), Err(TlsError::NoCertificate)));
        assert!(matches!(Tls::new().roots(certificate().1.as_bytes()), Err(TlsError::NoCertificate)));
        assert!(matches!(Tls::new().roots(b"-----BEGIN CERTIFICATE-----\n?"), Err(TlsError::Pem(_))));
        assert!(matches!(Tls::new().roots_file("/nowhere/at/all"), Err(TlsError::File(..))));
        assert!(matches!(Tls::new().server_name("no name"), Err(TlsError::Name(_))));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let ((chain, _), (_, key)) = (certificate(), certificate());
        let tls = Tls::new().roots(chain.as_bytes()).unwrap();
        let tls = tls.client_certificate(chain.as_bytes(), key.as_bytes()).unwrap();
        assert!(matches!(tls.config(UrlScheme::Mqtts), Err(TlsError::Rustls(_))));
    }

    #[test]
    fn no_key_is_printed() {
        let (chain, key) = certificate();
        let tls = Tls::new().client_certificate(chain.as_bytes(), key.as_bytes()).unwrap();
        let printed = format!("{tls:?}");
        assert!(printed.contains("client_certificate: true") && printed.len() < 100, "{printed}");
    }
}
