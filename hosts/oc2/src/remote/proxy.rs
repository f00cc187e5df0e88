//! The way to a broker through a proxy: SOCKS5, or HTTP's CONNECT. Names of brokers are looked up by the proxy.

use core::fmt;
use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;
use tower_service::Service;

/// A proxy as `--proxy` names it.
#[derive(Clone)]
pub(super) struct Proxy {
    kind: Kind,
    /// Its host and port, as `http://HOST:PORT`.
    place: Uri,
    user: Option<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Socks,
    Http,
}

impl Proxy {
    /// Reads a URL. What is wrong is said without it, since it may hold a password.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let expected = "expected socks5h://[USER[:PASSWORD]@]HOST[:PORT] or http://…";
        let (scheme, rest) = url.split_once("://").ok_or(expected)?;
        let (kind, port) = match scheme.to_ascii_lowercase().as_str() {
            // Both leave the broker's name to the proxy: what is behind one is often unknown before it.
            "socks5h" | "socks5" => (Kind::Socks, 1080),
            "http" => (Kind::Http, 80),
            _ => return Err(expected.into()),
        };
        let rest = rest.trim_end_matches('/');
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let place: Uri = format!("http://{place}").parse().map_err(|_| expected)?;
        let host = place.host().filter(|host| !host.is_empty() && place.path() == "/").ok_or(expected)?;
        let port = match place.authority().and_then(|place| place.as_str().strip_prefix(host)) {
            None | Some("") => port,
            Some(_) => place.port_u16().filter(|port| *port != 0).ok_or(expected)?,
        };
        let place = format!("http://{host}:{port}").parse().map_err(|_| expected)?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| expected);
        let user = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
            Some((name, password)) => Some((decoded(name)?, decoded(password)?)),
            None => None,
        };
        Ok(Self { kind, place, user })
    }

    /// Opens a connection to a broker.
    pub(super) async fn connect(self, host: String, port: u16) -> io::Result<TcpStream> {
        let brackets = if host.contains(':') { ["[", "]"] } else { ["", ""] };
        let broker = format!("http://{}{host}{}:{port}", brackets[0], brackets[1]);
        let broker: Uri = broker.parse().map_err(|_| io::Error::other(format!("{host} is no name for a proxy")))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let place = self.place.clone();
        let stream = match self.kind {
            Kind::Socks => {
                let socks = SocksV5::new(place, connector);
                let socks = match self.user.clone() {
                    Some((name, password)) => socks.with_auth(name, password),
                    None => socks,
                };
                called(socks, broker).await.map_err(|error| self.told(&error))?
            }
            Kind::Http => {
                let tunnel = Tunnel::new(place, connector);
                let tunnel = match &self.user {
                    Some((name, password)) => {
                        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")));
                        // These letters are all allowed in a header.
                        tunnel.with_auth(HeaderValue::try_from(basic).map_err(io::Error::other)?)
                    }
                    None => tunnel,
                };
                called(tunnel, broker).await.map_err(|error| self.told(&error))?
            }
        };
        Ok(stream.into_inner())
    }

    /// What went wrong, down to its cause, and that it was the proxy.
    fn told(&self, error: &(dyn core::error::Error + 'static)) -> io::Error {
        let mut says = format!("the proxy {self}: {error}");
        let mut inner = error.source();
        while let Some(cause) = inner {
            says = format!("{says}: {cause}");
            inner = cause.source();
        }
        io::Error::other(says)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.kind == Kind::Socks { "socks5h" } else { "http" };
        write!(f, "{scheme}://{}", self.place.authority().map_or("", |place| place.as_str()))
    }
}

async fn called<S>(mut service: S, broker: Uri) -> Result<TokioIo<TcpStream>, S::Error>
where
    S: Service<Uri, Response = TokioIo<TcpStream>>,
{
    core::future::poll_fn(|context| service.poll_ready(context)).await?;
    service.call(broker).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_the_proxy_and_who_we_are_to_it() {
        for (url, told, user) in [
            ("socks5h://proxy.example", "socks5h://proxy.example:1080", None),
            ("socks5://u:p%40x@[::1]:1081/", "socks5h://[::1]:1081", Some(("u", "p@x"))),
            ("HTTP://zulu@10.0.0.1:3128", "http://10.0.0.1:3128", Some(("zulu", ""))),
        ] {
            let proxy = Proxy::new(url).unwrap();
            assert_eq!(proxy.to_string(), told);
            assert_eq!(proxy.user.as_ref().map(|(name, password)| (name.as_str(), password.as_str())), user);
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_not_repeated() {
        for url in [
            "",
            "proxy:1080",
            "ftp://u:secret@proxy",
            "http://",
            "http://u:secret@",
            "socks5h://a/b",
            "http://a:x",
            "http://a:0",
        ] {
            let why = Proxy::new(url).err().unwrap();
            assert!(why.starts_with("expected socks5h://") && !why.contains("secret"), "{url}: {why}");
        }
    }
}
