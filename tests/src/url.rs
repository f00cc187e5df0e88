//! Where a broker is.

use core::fmt;
use core::str::FromStr;

/// `mqtt://HOST:PORT` or `mqtts://HOST:PORT` (TLS), with `USER:PASSWORD@` before the host where the broker wants it. The scheme
/// may be missing, and the port, which is then 1883, or 8883 with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether the broker speaks TLS.
    pub tls: bool,
    /// User name and password, as they stand: nothing in them is escaped.
    pub user: Option<(String, String)>,
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl FromStr for Url {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let (tls, rest) = match url.split_once("://") {
            None => (false, url),
            Some(("mqtt" | "tcp", rest)) => (false, rest),
            Some(("mqtts", rest)) => (true, rest),
            Some((scheme, _)) => return Err(format!("{scheme}:// is neither mqtt:// nor mqtts://")),
        };
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                (Some((user.to_owned(), password.to_owned())), place)
            }
            None => (None, rest),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':').or(if rest.is_empty() { None } else { Some(rest) })),
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        if host.is_empty() || host.contains(['/', '?', '#', ' ']) {
            return Err(format!("{host:?} is no host: mqtt://HOST:PORT is wanted"));
        }
        let port = match port {
            None if tls => 8883,
            None => 1883,
            Some(port) => match port.parse() {
                Ok(port) if port > 0 => port,
                _ => return Err(format!("{port:?} is no port: a number from 1 to 65535 is wanted")),
            },
        };
        Ok(Self { tls, user, host: host.to_owned(), port })
    }
}

/// Without user name and password.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_named_by_a_url() {
        for (url, read) in [
            ("mqtt://localhost:1884", "mqtt://localhost:1884"),
            ("mqtt://[::1]", "mqtt://[::1]:1883"),
            ("mqtts://[fe80::1]:88/", "mqtts://[fe80::1]:88"),
            ("mqtts://host/", "mqtts://host:8883"),
            ("tcp://host", "mqtt://host:1883"),
            ("127.0.0.1:1884", "mqtt://127.0.0.1:1884"),
            ("mqtt://u@h:pass@word@host", "mqtt://host:1883"),
        ] {
            assert_eq!(url.parse::<Url>().unwrap().to_string(), read, "{url}");
        }
        let user = |url: &str| url.parse::<Url>().unwrap().user;
        assert_eq!(user("mqtt://u:p:q@host"), Some(("u".to_owned(), "p:q".to_owned())));
        assert_eq!(user("mqtt://u@host"), Some(("u".to_owned(), String::new())));
        assert_eq!(user("mqtt://host"), None);
    }

    #[test]
    fn what_is_no_url_is_told_in_a_sentence() {
        for (url, why) in [
            ("http://host", "http:// is neither mqtt:// nor mqtts://"),
            ("mqtt://", "\"\" is no host: mqtt://HOST:PORT is wanted"),
            ("mqtt://:1883", "\"\" is no host: mqtt://HOST:PORT is wanted"),
            ("mqtt://host/path", "\"host/path\" is no host: mqtt://HOST:PORT is wanted"),
            ("host:", "\"\" is no port: a number from 1 to 65535 is wanted"),
            ("host:0", "\"0\" is no port: a number from 1 to 65535 is wanted"),
            ("host:65536", "\"65536\" is no port: a number from 1 to 65535 is wanted"),
            ("[::1]1883x", "\"1883x\" is no port: a number from 1 to 65535 is wanted"),
        ] {
            assert_eq!(url.parse::<Url>(), Err(why.to_owned()), "{url}");
        }
    }
}
