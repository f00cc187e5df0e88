//! How a broker is reached, with the letters of `mosquitto_pub`, and how OpenC2 is spoken over it.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::path::PathBuf;

use clap::Args;

use super::{Form, Layout, Structure, Version, seconds};

/// Text that no log and no error shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hidden(String);

impl Hidden {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Hidden {
    type Err = core::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Where the broker is, and who we are to it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Broker")]
pub(crate) struct Broker {
    /// The broker as a URL: mqtt://, mqtts://, ws://, wss://, unix:/PATH
    #[arg(short = 'L', long, value_name = "URL", conflicts_with_all = ["host", "port", "unix", "tls"])]
    pub(crate) broker: Option<Hidden>,
    /// The broker's host
    #[arg(short = 'h', long, value_name = "HOST", default_value = "localhost")]
    pub(crate) host: String,
    /// Its port; 1883, or 8883 with TLS
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Its socket in the file system
    #[arg(long, value_name = "PATH", conflicts_with_all = ["host", "port"])]
    pub(crate) unix: Option<PathBuf>,
    /// Reach the broker through a proxy: socks5h://USER:PASSWORD@HOST:PORT, or http://… for one that knows CONNECT
    #[arg(long, value_name = "URL", conflicts_with = "unix")]
    pub(crate) proxy: Option<Hidden>,
    /// The user name
    #[arg(short, long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// The password, which others on this machine may see here; the next two are better
    #[arg(short = 'P', long, visible_alias = "pw", value_name = "PASSWORD", conflicts_with_all = ["password_file", "ask_password"])]
    pub(crate) password: Option<Hidden>,
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE", conflicts_with = "ask_password")]
    pub(crate) password_file: Option<PathBuf>,
    /// Ask for the password on the terminal
    #[arg(long)]
    pub(crate) ask_password: bool,
    /// The client identifier; random unless set
    #[arg(short, long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// After how many idle seconds the connection is tested
    #[arg(short, long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u16).range(1..=300))]
    pub(crate) keepalive: u16,
    /// How long connecting may take
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) connect_timeout: Duration,
    /// Speak TLS, and believe the roots of the operating system
    #[arg(long)]
    pub(crate) tls: bool,
    #[command(flatten)]
    pub(crate) secure: Secure,
    /// Tell what the connection does, on standard error; -vv tells of messages, -vvv shows them. RUST_LOG says more finely what
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print help; -h is the host here, as it is for mosquitto_pub
    #[arg(long, action = clap::ArgAction::HelpShort)]
    help: Option<bool>,
}

/// Which brokers are believed, and who we are, where TLS is spoken.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Secure {
    /// Speak TLS, and believe the authorities in this file alone
    #[arg(long, value_name = "FILE")]
    pub(crate) cafile: Option<PathBuf>,
    /// Our certificate, for a broker that asks for one
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The key of our certificate
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Speak TLS, and believe any broker: whoever stands between reads everything. For tests only, as the word says
    #[arg(long)]
    pub(crate) dangerous_insecure: bool,
}

impl Secure {
    /// Whether any of these was asked for, which asks for TLS.
    pub(crate) const fn is_asked_for(&self) -> bool {
        self.dangerous_insecure || self.cafile.is_some() || self.cert.is_some()
    }
}

/// How OpenC2 is spoken.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "OpenC2")]
pub(crate) struct Speaking {
    /// Which version of the transfer specification names the topics
    #[arg(long, value_enum, default_value_t = Layout::Cs01)]
    pub(crate) layout: Layout,
    /// What stands before oc2/ in topics; no specification has that
    #[arg(long, value_name = "TOPIC")]
    pub(crate) prefix: Option<String>,
    /// The quality of service that messages are published with
    #[arg(short, long, value_name = "1|2", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) qos: u8,
    /// How messages are written; a Consumer answers in the encoding it was asked in, in CBOR what came in the concise form
    #[arg(long, value_enum, default_value_t = Form::Json)]
    pub(crate) encoding: Form,
    /// How messages are put together; a Consumer answers as it was asked
    #[arg(long = "message", value_enum, default_value_t = Structure::Wrapper)]
    pub(crate) structure: Structure,
    /// The version of the OpenC2 language
    #[arg(long, value_enum, default_value_t = Version::V1)]
    pub(crate) language: Version,
    /// Forgive the habits of other implementations
    #[arg(long, conflicts_with = "strict")]
    pub(crate) lenient: bool,
    /// Forgive nothing, which is the default
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
