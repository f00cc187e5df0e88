//! What may be asked of a Producer, a Consumer and those who look on.

use core::time::Duration;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::broker::{Broker, Speaking};
use super::seconds;

pub(super) const PRODUCE_EXAMPLES: &str = "\
Examples:
  oc2 produce query features
      who is there?
  oc2 produce deny ipv4_net 198.51.100.0/24 --to-profile slpf
      all packet filters
  oc2 produce deny file name=dropper.exe hashes.md5=0CC175B9C0F1B6A831C399E269772661
  oc2 produce deny ipv4_connection protocol=tcp dst_port=23 --arg slpf.drop_process=reject -C 3
      three are to answer
  oc2 produce delete slpf:rule_number 1234 --to-device fw7
  oc2 produce -f command.json -h broker.example --cafile ca.pem -u orch01 --ask-password

Status: 0 all expected responses are in, each 2xx; 1 not so; 2 the command line can't be meant; 27 the time was over; 130 \
Ctrl-C. Every option may also stand in the environment as OC2_OPTION_NAME, or in a file (see `oc2 help`).";

#[derive(Debug, Args)]
pub(crate) struct Produce {
    /// The action, such as deny
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub(crate) action: Option<String>,
    /// The type of the target, such as ipv4_net
    #[arg(required_unless_present = "file")]
    pub(crate) target: Option<String>,
    /// What the target is: a text, FIELD=VALUE for a target with fields, or JSON
    #[arg(value_name = "VALUE")]
    pub(crate) values: Vec<String>,
    /// Take the command from a file, in JSON or CBOR; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// An argument; NAME.NAME for one inside of a profile's
    #[arg(long = "arg", value_name = "NAME=VALUE")]
    pub(crate) arguments: Vec<String>,
    /// The profile of the actuator, or one of its specifiers
    #[arg(long, value_name = "PROFILE[.SPECIFIER=VALUE]")]
    pub(crate) actuator: Vec<String>,
    /// An identifier for the command, to cancel it by
    #[arg(long, value_name = "ID")]
    pub(crate) command_id: Option<String>,
    /// Who sends this
    #[arg(long, value_name = "IDENTITY", default_value = "oc2-producer")]
    pub(crate) from: String,
    /// The responses of so many Consumers are awaited, and no others
    #[arg(short = 'C', long = "count", value_name = "COUNT", conflicts_with_all = ["expect", "discover"])]
    pub(crate) count: Option<u16>,
    /// The responses of these Consumers are awaited
    #[arg(long, value_name = "IDENTITY", value_delimiter = ',', conflicts_with = "discover")]
    pub(crate) expect: Vec<String>,
    /// First ask who is there: the responses of all those are awaited
    #[arg(long)]
    pub(crate) discover: bool,
    /// How long responses are awaited
    #[arg(short = 'W', long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// How long the broker may hold the command back
    #[arg(long, value_name = "SECONDS")]
    pub(crate) expiry: Option<u32>,
    #[command(flatten)]
    pub(crate) whereto: Whereto,
    #[command(flatten)]
    pub(crate) speaking: Speaking,
    #[command(flatten)]
    pub(crate) broker: Broker,
}

/// Where a command goes: to everyone, unless one of these is chosen.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where to")]
#[group(multiple = false)]
pub(crate) struct Whereto {
    /// To every Consumer
    #[arg(long)]
    pub(crate) to_all: bool,
    /// To those that implement a profile
    #[arg(long, value_name = "PROFILE")]
    pub(crate) to_profile: Option<String>,
    /// To one device
    #[arg(long, value_name = "DEVICE")]
    pub(crate) to_device: Option<String>,
    /// To the devices of a type (layout wd01)
    #[arg(long, value_name = "TYPE")]
    pub(crate) to_type: Option<String>,
    /// To those that can do the action (layout wd01)
    #[arg(long)]
    pub(crate) to_action: bool,
    /// To those that can do the action on the target (layout wd01)
    #[arg(long)]
    pub(crate) to_pair: bool,
}

pub(super) const CONSUME_EXAMPLES: &str = "\
Examples:
  oc2 consume --device fw7 --slpf
      a packet filter that only says what it would do
  oc2 consume --device fw7 --nftables
      one that does it, in a table of its own (as root)
  oc2 consume --device laptop7 --profile edr --pair deny:file --exec ./answer.py

The program of --exec gets the command as a line of JSON on standard input, and OC2_FROM, OC2_REQUEST_ID, OC2_COMMAND_ID and \
OC2_DEVICE in its environment. What it prints is the response, such as {\"status\":200}; nothing at all is 200. Status: 0 \
COUNT commands were answered, or the time was over without a count; 1 the broker was lost for good; 27 the time was over \
before COUNT; 130 Ctrl-C.";

#[derive(Debug, Args)]
pub(crate) struct Consume {
    /// The device's identifier, the last level of its own topic
    #[arg(long, value_name = "ID")]
    pub(crate) device: String,
    /// What kind of device it is (layout wd01)
    #[arg(long, value_name = "TYPE")]
    pub(crate) device_type: Option<String>,
    /// Who answers; the device's identifier unless set
    #[arg(long, value_name = "IDENTITY")]
    pub(crate) from: Option<String>,
    /// The profiles that it implements
    #[arg(long = "profile", value_name = "PROFILE", value_delimiter = ',')]
    pub(crate) profiles: Vec<String>,
    /// What it can do
    #[arg(long = "pair", value_name = "ACTION:TARGET[,TARGET]")]
    pub(crate) pairs: Vec<String>,
    /// How many commands a minute it takes, as it says of itself
    #[arg(long, value_name = "COMMANDS")]
    pub(crate) rate_limit: Option<u32>,
    /// Be a stateless packet filter, and only say what would be done
    #[arg(long)]
    pub(crate) slpf: bool,
    /// Be a stateless packet filter by nftables, in the table inet oc2, which is emptied first
    #[arg(long, conflicts_with = "slpf")]
    pub(crate) nftables: bool,
    /// Have a program carry out the commands; its arguments follow
    #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true, conflicts_with_all = ["slpf", "nftables"])]
    pub(crate) exec: Vec<OsString>,
    /// How long the program may take
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) exec_timeout: Duration,
    /// How much it may print
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 10)]
    pub(crate) exec_output: usize,
    /// How many commands are carried out at a time; more are answered 503
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: u16,
    /// End after so many commands
    #[arg(short = 'C', long = "count", value_name = "COUNT")]
    pub(crate) count: Option<u64>,
    /// End after so long
    #[arg(short = 'W', long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) speaking: Speaking,
    #[command(flatten)]
    pub(crate) broker: Broker,
}

pub(super) const DISCOVER_EXAMPLES: &str = "\
Examples:
  oc2 discover -h broker.example               everyone, for three seconds
  oc2 discover --to-profile slpf -C 3 --json   three packet filters, for a program

Status: 0 somebody answered, or COUNT did; 1 the broker could not be asked; 27 the time was over.";

#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// Who asks
    #[arg(long, value_name = "IDENTITY", default_value = "oc2-producer")]
    pub(crate) from: String,
    /// End once so many have answered
    #[arg(short = 'C', long = "count", value_name = "COUNT")]
    pub(crate) count: Option<u16>,
    /// How long answers are awaited
    #[arg(short = 'W', long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) whereto: Whereto,
    #[command(flatten)]
    pub(crate) speaking: Speaking,
    #[command(flatten)]
    pub(crate) broker: Broker,
}

pub(super) const WATCH_EXAMPLES: &str = "\
Examples:
  oc2 watch                                 everything under oc2/
  oc2 watch -t 'oc2/cmd/#' --full           whole commands
  oc2 watch --record night.jsonl -W 28800   for `oc2 replay night.jsonl`
  oc2 watch --svg exchange.svg -C 20        twenty messages, drawn for a document

Status: 0 everything was as the specifications have it; 1 not so; 27 the time was over before COUNT messages; 130 Ctrl-C.";

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Which topics; oc2/# under the prefix unless set
    #[arg(short, long = "topic", value_name = "FILTER")]
    pub(crate) topics: Vec<String>,
    /// Also write every message into a file, which `oc2 replay` reads
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// At the end, draw what was seen into a file: a sequence diagram, and the messages as boxes of fields
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Show whole messages
    #[arg(long)]
    pub(crate) full: bool,
    /// End after so many messages
    #[arg(short = 'C', long = "count", value_name = "COUNT")]
    pub(crate) count: Option<u64>,
    /// End after so long
    #[arg(short = 'W', long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) speaking: Speaking,
    #[command(flatten)]
    pub(crate) broker: Broker,
}

pub(super) const REPLAY_EXAMPLES: &str = "\
Examples:
  oc2 replay night.jsonl                                what was seen, as `oc2 watch` shows it
  oc2 replay night.jsonl --svg night.svg                and drawn
  oc2 replay night.jsonl --publish --speed 10 -h test   sent again, ten times as fast

Status: 0 everything was as the specifications have it; 1 not so.";

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// What `oc2 watch --record` wrote; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Draw the messages into a file: a sequence diagram, and boxes of fields
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Show whole messages
    #[arg(long)]
    pub(crate) full: bool,
    /// Also publish the messages to the broker, in the order and with the pauses that they had
    #[arg(long)]
    pub(crate) publish: bool,
    /// So many times as fast
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, requires = "publish")]
    pub(crate) speed: f64,
    #[command(flatten)]
    pub(crate) speaking: Speaking,
    #[command(flatten)]
    pub(crate) broker: Broker,
}
