//! Where a broker is: a URL.

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use fluent_uri::component::Host;
use fluent_uri::pct_enc::{EStr, Encoder};
use fluent_uri::{ParseError, Uri};
use percent_encoding::percent_decode_str;

use crate::error::Cause;
use crate::secret::{Credentials, Secret};

/// How a broker is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlScheme {
    /// `mqtt://` (or `tcp://`): TCP, port 1883.
    Mqtt,
    /// `mqtts://` (or `ssl://`): TLS over TCP, port 8883.
    Mqtts,
    /// `ws://`: WebSocket over TCP, port 80.
    Ws,
    /// `wss://`: WebSocket over TLS, port 443.
    Wss,
    /// `unix:`: a socket in the file system.
    Unix,
}

impl UrlScheme {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "mqtt" | "tcp" => Self::Mqtt,
            "mqtts" | "ssl" => Self::Mqtts,
            "ws" => Self::Ws,
            "wss" => Self::Wss,
            "unix" => Self::Unix,
            _ => return None,
        })
    }

    /// The scheme of a URL, in small letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Unix => "unix",
        }
    }

    /// The port where a URL names none; 0 for a socket in the file system.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Mqtt => 1883,
            Self::Mqtts => 8883,
            Self::Ws => 80,
            Self::Wss => 443,
            Self::Unix => 0,
        }
    }

    /// Whether the connection is by TLS.
    #[must_use]
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Mqtts | Self::Wss)
    }

    /// Whether the connection is by WebSocket.
    #[must_use]
    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// Whether a host that was built with these can speak it.
    ///
    /// # Errors
    /// What it lacks.
    pub const fn supported(self, tls: bool, websocket: bool) -> Result<(), Cause> {
        if self.is_tls() && !tls {
            return Err(Cause::Unsupported("this build has no TLS: the feature `tls` is wanted"));
        }
        if self.is_websocket() && !websocket {
            return Err(Cause::Unsupported("this build has no WebSocket: the feature `websocket` is wanted"));
        }
        Ok(())
    }
}

/// Where a broker is, and who asks.
///
/// `mqtt://HOST`, `mqtts://USER:PASSWORD@HOST:PORT`, `ws://HOST/PATH`, `wss://[2001:db8::1]:8443/mqtt`, `unix:/run/mqtt.sock`.
/// What has a meaning of its own in a URL is written as `%40` (for `@`) in user name and password. Neither `Display` nor
/// `Debug` shows the password, and `Display` not even the user.
///
/// ```
/// use mqtt5_host::Address;
/// let address: Address = "mqtts://ann:p%40ss@broker.example".parse()?;
/// assert_eq!((address.host(), address.port()), ("broker.example", 8883));
/// assert_eq!(address.to_string(), "mqtts://broker.example:8883");
/// # Ok::<(), mqtt5_host::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    scheme: UrlScheme,
    host: String,
    port: u16,
    path: String,
    credentials: Credentials,
}

impl Address {
    /// How the broker is spoken to.
    #[must_use]
    pub const fn scheme(&self) -> UrlScheme {
        self.scheme
    }

    /// A name or an IP address, without brackets; empty for a socket in the file system.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 0 for a socket in the file system.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Of a WebSocket the path and query; of a socket in the file system its path; empty otherwise.
    ///
    /// `ws://HOST` stands for the path `/mqtt`, `ws://HOST/` for `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// User name and password, as far as the URL has them.
    #[must_use]
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The same place, asked by nobody in particular.
    pub(crate) fn without_credentials(mut self) -> Self {
        self.credentials = Credentials::default();
        self
    }

    /// The first place that a Server Reference names (section 4.13), spoken to as this one is: a list of `HOST:PORT`, or of URLs,
    /// separated by spaces. `None` where that can't be read, or would leave TLS.
    pub(crate) fn referred(&self, reference: &str) -> Option<Self> {
        let first = reference.split_ascii_whitespace().next()?;
        let url = match first.contains("://") {
            true => first.to_owned(),
            // A reference without a port means the usual one.
            false => {
                format!("{}://{first}{}", self.scheme.name(), if self.scheme.is_websocket() { &self.path } else { "" })
            }
        };
        let there: Self = url.parse().ok()?;
        let safe = there.scheme != UrlScheme::Unix && (there.scheme.is_tls() || !self.scheme.is_tls());
        safe.then(|| there.without_credentials())
    }
}

/// Why a URL names no broker. It quotes neither user name nor password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is not a URL at all.
    #[error("no URL such as mqtt://HOST:PORT: {0}")]
    Syntax(String),
    /// No host speaks this.
    #[error("{0}: is none of mqtt: mqtts: ws: wss: unix:")]
    Scheme(String),
    /// It names no host.
    #[error("the URL names no host")]
    NoHost,
    /// It names no file.
    #[error("the URL names no file: unix:/PATH is wanted")]
    NoFile,
    /// The port is not one of 1 to 65535.
    #[error("{0:?} is no port: a number from 1 to 65535 is wanted")]
    Port(String),
    /// Something follows the host that has no meaning there.
    #[error("{0:?} has no meaning behind the host of {1}://")]
    Behind(String, &'static str),
    /// User name or password is not text, or has a character that MQTT forbids.
    #[error("the user name in the URL is not UTF-8")]
    User,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let uri = Uri::parse(url).map_err(|error| syntax(&error))?;
        let Some(scheme) = UrlScheme::named(uri.scheme().as_str()) else {
            return Err(AddressError::Scheme(uri.scheme().as_str().to_owned()));
        };
        let path = uri.path().as_str();
        if scheme == UrlScheme::Unix {
            let path = percent_decode_str(path).decode_utf8().map_err(|_| AddressError::NoFile)?.into_owned();
            if path.is_empty() || uri.authority().is_some_and(|authority| !authority.as_str().is_empty()) {
                return Err(AddressError::NoFile);
            }
            let credentials = Credentials::default();
            return Ok(Self { scheme, host: String::new(), port: 0, path, credentials });
        }
        let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or(AddressError::NoHost)?;
        let host = match authority.host_parsed() {
            Host::Ipv6(address) => address.to_string(),
            Host::RegName(name) => percent_decode_str(name.as_str()).decode_utf8_lossy().into_owned(),
            _ => authority.host().to_owned(),
        };
        let port = match authority.port().map(EStr::as_str) {
            None | Some("") => scheme.port(),
            Some(port) => {
                port.parse().ok().filter(|&port| port > 0).ok_or_else(|| AddressError::Port(port.to_owned()))?
            }
        };
        let rest = match uri.query() {
            Some(query) => format!("{path}?{}", query.as_str()),
            None => path.to_owned(),
        };
        let path = match rest.as_str() {
            "" if scheme.is_websocket() => "/mqtt".to_owned(),
            _ if scheme.is_websocket() => rest,
            "" | "/" => String::new(),
            _ => return Err(AddressError::Behind(rest, scheme.name())),
        };
        let credentials = authority.userinfo().map_or_else(|| Ok(Credentials::default()), credentials)?;
        Ok(Self { scheme, host, port, path, credentials })
    }
}

fn credentials<E: Encoder>(info: &EStr<E>) -> Result<Credentials, AddressError> {
    let (user, password) = match info.as_str().split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (info.as_str(), None),
    };
    let user = percent_decode_str(user).decode_utf8().map_err(|_| AddressError::User)?;
    let user = Some(user.into_owned()).filter(|user| !user.is_empty());
    let password = password.map(|password| Secret::from(percent_decode_str(password).collect::<Vec<u8>>()));
    Ok(Credentials { user, password })
}

/// Says what is wrong with the URL without quoting it.
fn syntax(error: &ParseError) -> AddressError {
    AddressError::Syntax(error.to_string())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port, path, .. } = self;
        match scheme {
            UrlScheme::Unix => write!(f, "unix:{path}"),
            // A query may be a secret too.
            _ => {
                let path = path.split('?').next().unwrap_or_default();
                match host.parse::<Ipv6Addr>() {
                    Ok(_) => write!(f, "{}://[{host}]:{port}{path}", scheme.name()),
                    Err(_) => write!(f, "{}://{host}:{port}{path}", scheme.name()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn a_broker_is_named_by_a_url() {
        for (url, read) in [
            ("mqtt://localhost:1884", "mqtt://localhost:1884"),
            ("MQTT://localhost", "mqtt://localhost:1883"),
            ("mqtt://[::1]", "mqtt://[::1]:1883"),
            ("mqtts://[fe80::1]:88/", "mqtts://[fe80::1]:88"),
            ("mqtts://host:", "mqtts://host:8883"),
            ("ssl://host", "mqtts://host:8883"),
            ("tcp://127.0.0.1", "mqtt://127.0.0.1:1883"),
            ("ws://host", "ws://host:80/mqtt"),
            ("wss://host/", "wss://host:443/"),
            ("wss://host:8443/a/b?token=x", "wss://host:8443/a/b"),
            ("unix:/run/m%20q.sock", "unix:/run/m q.sock"),
            ("unix:///run/mqtt.sock", "unix:/run/mqtt.sock"),
            ("unix:mqtt.sock", "unix:mqtt.sock"),
        ] {
            assert_eq!(address(url).to_string(), read, "{url}");
        }
        assert_eq!(address("wss://host/a?token=x").path(), "/a?token=x");
        assert_eq!(address("mqtt://[::1]").host(), "::1");
    }

    #[test]
    fn user_and_password_are_read_and_never_printed() {
        let of = |url| address(url).credentials().clone();
        assert_eq!(of("mqtt://u:p:q@host"), Credentials::new("u", "p:q"));
        assert_eq!(of("mqtt://u%40h:p%3A%FF@host"), Credentials::new("u@h", b"p:\xFF"));
        assert_eq!(of("mqtt://u@host"), Credentials::user("u"));
        assert_eq!(of("mqtt://:token@host"), Credentials::password("token"));
        assert_eq!(of("mqtt://host"), Credentials::default());
        let address = address("mqtt://u:hunter2@host");
        assert!(!format!("{address:?} {address}").contains("hunter2"));
        assert!(!format!("{:?}", "mqtt://u:hun ter2@host".parse::<Address>()).contains("ter2"));
    }

    #[test]
    fn what_is_no_url_is_told_in_a_sentence() {
        for (url, why) in [
            ("http://host", "http: is none of mqtt: mqtts: ws: wss: unix:"),
            ("host:1883", "host: is none of mqtt: mqtts: ws: wss: unix:"),
            ("mqtt://", "the URL names no host"),
            ("mqtt://:1883", "the URL names no host"),
            ("mqtt:host", "the URL names no host"),
            ("mqtt://host/path", "\"/path\" has no meaning behind the host of mqtt://"),
            ("mqtt://host?x", "\"?x\" has no meaning behind the host of mqtt://"),
            ("mqtt://host:0", "\"0\" is no port: a number from 1 to 65535 is wanted"),
            ("mqtt://host:65536", "\"65536\" is no port: a number from 1 to 65535 is wanted"),
            ("mqtt://%FF@host", "the user name in the URL is not UTF-8"),
            ("unix:", "the URL names no file: unix:/PATH is wanted"),
            ("unix://host/x", "the URL names no file: unix:/PATH is wanted"),
            ("mqtt://host:x", "no URL such as mqtt://HOST:PORT: unexpected character at index 12"),
            ("", "no URL such as mqtt://HOST:PORT: unexpected character at index 0"),
        ] {
            let error = url.parse::<Address>().expect_err(url);
            assert_eq!(error.to_string(), why, "{url}");
        }
    }

    #[test]
    fn a_server_reference_is_read_as_this_address_is_and_never_leaves_tls() {
        let tls = address("mqtts://u:p@a.example:1234");
        let referred = |from: &Address, to| from.referred(to).map(|to| to.to_string());
        assert_eq!(referred(&tls, "b.example:88 c.example"), Some("mqtts://b.example:88".to_owned()));
        assert_eq!(referred(&tls, "[::1]"), Some("mqtts://[::1]:8883".to_owned()));
        assert_eq!(referred(&tls, "wss://b.example"), Some("wss://b.example:443/mqtt".to_owned()));
        assert_eq!(referred(&tls, "mqtt://b.example"), None);
        assert_eq!(referred(&address("mqtt://a"), "mqtts://b"), Some("mqtts://b:8883".to_owned()));
        assert_eq!(referred(&address("ws://a/x"), "b"), Some("ws://b:80/x".to_owned()));
        for nothing in ["", " ", "unix:/x", "b.example:port"] {
            assert_eq!(referred(&tls, nothing), None, "{nothing:?}");
        }
        assert_eq!(tls.referred("b").unwrap().credentials(), &Credentials::default());
    }
}
