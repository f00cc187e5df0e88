//! A broker's URL.

use core::str::FromStr;

use percent_encoding::percent_decode_str;

/// Where a broker is, and who we are to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BrokerUrl {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether TLS is spoken.
    pub(crate) tls: bool,
    pub(crate) user_name: Option<String>,
    pub(crate) password: Option<Vec<u8>>,
}

impl BrokerUrl {
    /// Host and port, as they are named to a person.
    pub(crate) fn place(&self) -> String {
        let brackets = if self.host.contains(':') { ["[", "]"] } else { ["", ""] };
        format!("{}{}{}:{}", brackets[0], self.host, brackets[1], self.port)
    }
}

// By hand, so that no password is ever printed.
impl core::fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "mqtt{}://{}", if self.tls { "s" } else { "" }, self.place())
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadUrl {
    #[error("it does not start with mqtt:// or mqtts://")]
    Scheme,
    #[error("the demo speaks no WebSockets ({0}://); oc2 produce and oc2 consume do")]
    WebSocket(&'static str),
    #[error("it has no host")]
    Host,
    #[error("the port is not a number from 1 to 65535")]
    Port,
    #[error("the user name is not UTF-8")]
    UserName,
    #[error("there is more after the port; expected mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]")]
    Path,
}

impl FromStr for BrokerUrl {
    type Err = BadUrl;

    fn from_str(url: &str) -> Result<Self, BadUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(BadUrl::Scheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "mqtt" => false,
            "mqtts" => true,
            "ws" => return Err(BadUrl::WebSocket("ws")),
            "wss" => return Err(BadUrl::WebSocket("wss")),
            _ => return Err(BadUrl::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(BadUrl::Path);
        }
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = split_host(place)?;
        let port = port.map_or(Ok(if tls { 8883 } else { 1883 }), |port| port.parse().map_err(|_| BadUrl::Port))?;
        if host.is_empty() {
            return Err(BadUrl::Host);
        }
        if port == 0 {
            return Err(BadUrl::Port);
        }
        let (user_name, password) = user.map_or((None, None), |user| match user.split_once(':') {
            Some((name, password)) => (Some(name), Some(password)),
            None => (Some(user), None),
        });
        let decode_name = |name| percent_decode_str(name).decode_utf8().map(|name| name.into_owned());
        Ok(Self {
            host: host.to_owned(),
            port,
            tls,
            user_name: user_name.map(decode_name).transpose().map_err(|_| BadUrl::UserName)?,
            password: password.map(|password| percent_decode_str(password).collect()),
        })
    }
}

/// Host and port, where a host in brackets is an IPv6 address.
fn split_host(place: &str) -> Result<(&str, Option<&str>), BadUrl> {
    let Some(inner) = place.strip_prefix('[') else {
        return Ok(match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        });
    };
    match inner.split_once(']').ok_or(BadUrl::Host)? {
        (host, "") => Ok((host, None)),
        (host, rest) => Ok((host, Some(rest.strip_prefix(':').ok_or(BadUrl::Port)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<BrokerUrl, BadUrl> {
        text.parse()
    }

    #[test]
    fn a_broker_url_names_host_port_user_and_password() {
        let whole = url("mqtt://orch01:%5FAtl:antic_@broker.example:1884/").unwrap();
        assert_eq!((whole.host.as_str(), whole.port), ("broker.example", 1884));
        assert_eq!(whole.user_name.as_deref(), Some("orch01"));
        assert_eq!(whole.password.as_deref(), Some(b"_Atl:antic_".as_slice()));
        assert_eq!(format!("{whole:?}"), "mqtt://broker.example:1884");
        let six = url("mqtt://[::1]").unwrap();
        assert_eq!((six.host.as_str(), six.port), ("::1", 1883));
        assert_eq!(six.user_name, None);
        assert_eq!(url("MQTTS://broker").map(|url| (url.port, url.tls)), Ok((8883, true)));
    }

    #[test]
    fn a_bad_broker_url_says_what_is_bad() {
        assert_eq!(url("http://broker"), Err(BadUrl::Scheme));
        assert_eq!(url("broker"), Err(BadUrl::Scheme));
        assert_eq!(url("WSS://broker"), Err(BadUrl::WebSocket("wss")));
        assert_eq!(url("mqtt://"), Err(BadUrl::Host));
        assert_eq!(url("mqtt://:1883"), Err(BadUrl::Host));
        assert_eq!(url("mqtt://broker:0"), Err(BadUrl::Port));
        assert_eq!(url("mqtt://broker:65536"), Err(BadUrl::Port));
        assert_eq!(url("mqtt://[::1]1883"), Err(BadUrl::Port));
        assert_eq!(url("mqtt://broker:1883/path"), Err(BadUrl::Path));
        assert_eq!(url("mqtt://%ff@broker"), Err(BadUrl::UserName));
    }
}
