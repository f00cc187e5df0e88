//! What may be asked on the command line.

use core::net::SocketAddr;
use core::str::FromStr;
use core::time::Duration;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use percent_encoding::percent_decode_str;

/// OpenC2 over MQTT v5.
#[derive(Debug, Parser)]
#[command(name = "oc2", version, about, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    demo: Demo,
}

impl Cli {
    /// The job asked for: without a word, the demo.
    pub(crate) fn job(self) -> Command {
        self.command.unwrap_or(Command::Demo(self.demo))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One Producer commands three Consumers over a real broker, and collects their responses
    Demo(Demo),
    /// Run the broker that is embedded in this program, until Ctrl-C: for tests, it keeps nothing and asks nobody who they are
    Broker(Broker),
    /// Check whether files hold valid OpenC2: one line a file, and status 0 only if all of them do
    Check(Check),
    /// Write an OpenC2 message, command or response in another form
    Convert(Convert),
}

#[derive(Debug, Args)]
pub(crate) struct Broker {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:1883")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// What the files hold
    #[arg(long, value_enum, default_value_t = Kind::Auto)]
    pub(crate) kind: Kind,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The form to write
    #[arg(long, value_enum)]
    pub(crate) to: Form,
    /// Indent JSON
    #[arg(long)]
    pub(crate) pretty: bool,
    /// The structure to write a message in; without it, the one that it has
    #[arg(long, value_enum)]
    pub(crate) structure: Option<Structure>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// How files are read.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Reading {
    /// The version of the OpenC2 language
    #[arg(long, value_enum, default_value_t = Version::V1)]
    pub(crate) language: Version,
    /// Forgive the habits of other implementations, and name those that were met
    #[arg(long)]
    pub(crate) lenient: bool,
    /// How the files are encoded
    #[arg(long = "encoding", value_enum, default_value_t = FileEncoding::Auto)]
    pub(crate) encoding: FileEncoding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Auto,
    Command,
    Response,
    Message,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Version {
    #[value(name = "1.0")]
    V1,
    #[value(name = "2.0")]
    V2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileEncoding {
    Auto,
    Json,
    Cbor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Json,
    Cbor,
    CborConcise,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Structure {
    /// headers and body (CS01 2.4.2)
    Wrapper,
    /// The flat record: content, request_id, created, from, to (CSD03 2.4.2)
    Record,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A running broker to use; without it, one is started in the process
    #[arg(long, value_name = "mqtt://[USER[:PASSWORD]@]HOST[:PORT]")]
    pub(crate) broker: Option<BrokerUrl>,
    /// How OpenC2 messages are written
    #[arg(long, value_enum, default_value_t = Encoding::Json)]
    pub(crate) encoding: Encoding,
    /// The MQTT quality of service that messages are published with
    #[arg(long, value_name = "1|2", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) qos: u8,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the bytes of every packet too, in hex
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// How long each step may take: connecting, subscribing, each command's responses
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    Json,
    Cbor,
}

/// A whole day is longer than anyone waits, and far from what a clock could overflow on.
const LONGEST: f64 = 86_400.0;

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=LONGEST).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("expected seconds, 0.001 to {LONGEST}")),
    }
}

/// Where a broker is, and who we are to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BrokerUrl {
    pub(crate) host: String,
    pub(crate) port: u16,
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
        write!(f, "mqtt://{}", self.place())
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadUrl {
    #[error("it does not start with mqtt://")]
    Scheme,
    #[error(
        "mqtts:// needs TLS, which oc2 cannot speak yet; mqtt:// through a TLS tunnel (socat, stunnel) can meanwhile"
    )]
    Tls,
    #[error("{0}:// is MQTT over WebSockets, which oc2 cannot speak yet; mqtt:// is plain TCP")]
    WebSocket(&'static str),
    #[error("it has no host")]
    Host,
    #[error("the port is not a number from 1 to 65535")]
    Port,
    #[error("the user name is not UTF-8")]
    UserName,
    #[error("there is more after the port; expected mqtt://[USER[:PASSWORD]@]HOST[:PORT]")]
    Path,
}

impl FromStr for BrokerUrl {
    type Err = BadUrl;

    fn from_str(url: &str) -> Result<Self, BadUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(BadUrl::Scheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "mqtt" => {}
            "mqtts" => return Err(BadUrl::Tls),
            "ws" => return Err(BadUrl::WebSocket("ws")),
            "wss" => return Err(BadUrl::WebSocket("wss")),
            _ => return Err(BadUrl::Scheme),
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(BadUrl::Path);
        }
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = split_host(place)?;
        let port = port.map_or(Ok(1883), |port| port.parse().map_err(|_| BadUrl::Port))?;
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
    }

    #[test]
    fn a_bad_broker_url_says_what_is_bad() {
        assert_eq!(url("http://broker"), Err(BadUrl::Scheme));
        assert_eq!(url("broker"), Err(BadUrl::Scheme));
        assert_eq!(url("mqtts://broker"), Err(BadUrl::Tls));
        assert_eq!(url("WSS://broker"), Err(BadUrl::WebSocket("wss")));
        assert_eq!(url("mqtt://"), Err(BadUrl::Host));
        assert_eq!(url("mqtt://:1883"), Err(BadUrl::Host));
        assert_eq!(url("mqtt://broker:0"), Err(BadUrl::Port));
        assert_eq!(url("mqtt://broker:65536"), Err(BadUrl::Port));
        assert_eq!(url("mqtt://[::1]1883"), Err(BadUrl::Port));
        assert_eq!(url("mqtt://broker:1883/path"), Err(BadUrl::Path));
        assert_eq!(url("mqtt://%ff@broker"), Err(BadUrl::UserName));
    }

    #[test]
    fn the_deadline_is_bounded_and_not_zero() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for bad in ["0", "-1", "nan", "inf", "1e9", "soon", ""] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_word_means_the_demo() {
        let Command::Demo(demo) = Cli::parse_from(["oc2", "--qos", "2"]).job() else { panic!("the demo") };
        assert_eq!((demo.qos, demo.encoding, demo.json), (2, Encoding::Json, false));
        let Command::Demo(demo) = Cli::parse_from(["oc2", "demo", "--encoding", "cbor"]).job() else {
            panic!("the demo")
        };
        assert_eq!((demo.qos, demo.encoding), (1, Encoding::Cbor));
    }
}
