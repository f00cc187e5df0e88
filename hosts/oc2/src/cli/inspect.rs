//! What may be asked of `oc2 inspect`.

use core::net::SocketAddr;
use core::str::FromStr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mqtt5_tokio::{Address, AddressError, UrlScheme};

use super::{FileEncoding, Layout, Reading, Secure, Version};

pub(super) const EXAMPLES: &str = "\
Examples:
  oc2 inspect --hex 'c0 00 30 06 00 01 61 00 68 69'
      bytes from the command line
  oc2 inspect bytes.bin dump.txt
      bytes as they are, or in hex: xxd, hexdump -C, Wireshark, C, Rust
  oc2 inspect night.pcapng --only bad
      what is wrong in a capture, over all its connections
  tcpdump -U -w - port 1883 | oc2 inspect --brief
      a line for each packet, as it passes
  oc2 inspect --listen 127.0.0.1:1884 --to mqtts://broker.example
      whoever connects to port 1884 is shown talking to the broker
Status: 0 if every packet and every OpenC2 message in them is valid, 1 if not, 2 for a command line that can't be meant.";

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The files: plain bytes, hex, pcap or pcapng; - or none is standard input
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Packets in hex, instead of a file
    #[arg(long, value_name = "HEX", conflicts_with = "files", allow_hyphen_values = true)]
    pub(crate) hex: Vec<String>,
    /// What the files hold
    #[arg(long, value_enum, default_value_t = InspectFormat::Auto)]
    pub(crate) format: InspectFormat,
    /// Who sent the bytes, where that isn't known; auto goes by each packet's type
    #[arg(long, value_enum, default_value_t = InspectFrom::Auto)]
    pub(crate) from: InspectFrom,
    /// A port whose connections in a capture are MQTT; others are known by their CONNECT
    #[arg(long = "port", value_name = "PORT", default_values_t = [1883])]
    pub(crate) ports: Vec<u16>,
    /// Accept connections here, join each to the broker of --to, and show what passes
    #[arg(long, value_name = "ADDRESS:PORT", requires = "to", conflicts_with_all = ["files", "hex"])]
    pub(crate) listen: Option<SocketAddr>,
    /// The broker that --listen stands before
    #[arg(long, value_name = "mqtt[s]://HOST[:PORT]", requires = "listen")]
    pub(crate) to: Option<Place>,
    /// A line for each packet
    #[arg(short, long)]
    pub(crate) brief: bool,
    /// Show only packets of these types, those that are bad, or those that carry OpenC2
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) only: Vec<Only>,
    /// Also refuse what a receiver of MQTT may refuse: control characters in strings, payloads that are not the UTF-8 they say
    #[arg(long)]
    pub(crate) strict: bool,
    /// Which version of the transfer specification names the topics
    #[arg(long, value_enum, default_value_t = Layout::Cs01)]
    pub(crate) layout: Layout,
    /// What stands before oc2/ in topics; no specification has that
    #[arg(long, value_name = "TOPIC")]
    pub(crate) prefix: Option<String>,
    /// The largest packet that the receiver takes, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = mqtt5_codec::MAXIMUM_PACKET_SIZE, hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_packet_size: u32,
    /// The version of the OpenC2 language
    #[arg(long, value_enum, default_value_t = Version::V1)]
    pub(crate) language: Version,
    /// Forgive the habits of other OpenC2 implementations, and name those that were met
    #[arg(long)]
    pub(crate) lenient: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Show all bytes and whole payloads
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(flatten)]
    pub(crate) secure: Secure,
}

impl Inspect {
    pub(crate) const fn reading(&self) -> Reading {
        Reading { language: self.language, lenient: self.lenient, strict: self.strict, encoding: FileEncoding::Auto }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InspectFormat {
    /// Told from the first bytes
    Auto,
    /// Hex digits, or what a tool printed of bytes
    Hex,
    /// The bytes themselves
    Binary,
    /// pcap or pcapng
    Capture,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InspectFrom {
    Auto,
    Client,
    Server,
}

/// A broker that a connection can be joined to.
#[derive(Debug, Clone)]
pub(crate) struct Place(pub(crate) Address);

impl FromStr for Place {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let address: Address = url.parse().map_err(|error: AddressError| error.to_string())?;
        match address.scheme() {
            UrlScheme::Mqtt | UrlScheme::Mqtts => Ok(Self(address)),
            other => Err(format!("{}:// can't be joined to; mqtt:// and mqtts:// can", other.name())),
        }
    }
}

/// What is worth showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum Only {
    Bad,
    Openc2,
    Connect,
    ConnAck,
    Publish,
    PubAck,
    PubRec,
    PubRel,
    PubComp,
    Subscribe,
    SubAck,
    Unsubscribe,
    UnsubAck,
    PingReq,
    PingResp,
    Disconnect,
    Auth,
}

impl Only {
    /// Whether a packet is of this kind.
    pub(crate) fn takes(self, packet: &[u8], bad: bool, openc2: bool) -> bool {
        match self {
            Self::Bad => bad,
            Self::Openc2 => openc2,
            // The packet types follow in their order, which begins with 1.
            kind => {
                packet.first().is_some_and(|first| usize::from(first >> 4) == kind as usize - Self::Openc2 as usize)
            }
        }
    }
}
