//! What may be asked on the command line.

#[cfg(feature = "bench")]
mod bench;
mod broker;
mod inspect;
mod roles;
mod url;

use core::net::SocketAddr;
use core::time::Duration;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

#[cfg(feature = "bench")]
pub(crate) use bench::Bench;
pub(crate) use broker::{Broker, Secure, Speaking};
pub(crate) use inspect::{Inspect, InspectFormat, InspectFrom, Only, Place};
pub(crate) use roles::{Consume, Discover, Produce, Replay, Watch, Whereto};
pub(crate) use url::BrokerUrl;

const SETTINGS: &str = "\
Every option may also stand in the environment as OC2_OPTION_NAME (OC2_HOST, OC2_PASSWORD_FILE), or in a file of settings:
  host = \"broker.example\"
  cafile = \"/etc/oc2/ca.pem\"
  [consume]
  device = \"fw7\"
The command line comes first, then the environment, then the file.";

/// OpenC2 over MQTT v5: command devices, be one, look on. Without a word it shows all of it at work
#[derive(Debug, Parser)]
#[command(name = "oc2", version, args_conflicts_with_subcommands = true, after_help = SETTINGS)]
pub(crate) struct Cli {
    /// A file with settings, instead of ~/.config/oc2.toml
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    config: Option<PathBuf>,
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
    /// Send a command, and collect the responses
    #[command(after_help = roles::PRODUCE_EXAMPLES, disable_help_flag = true)]
    Produce(Box<Produce>),
    /// Carry out commands, and answer them
    #[command(after_help = roles::CONSUME_EXAMPLES, disable_help_flag = true)]
    Consume(Box<Consume>),
    /// Ask who is there, and what they can do
    #[command(after_help = roles::DISCOVER_EXAMPLES, disable_help_flag = true)]
    Discover(Box<Discover>),
    /// Show every OpenC2 message on a broker, and what breaks the specification
    #[command(after_help = roles::WATCH_EXAMPLES, disable_help_flag = true)]
    Watch(Box<Watch>),
    /// Show, or send again, what `oc2 watch --record` wrote
    #[command(after_help = roles::REPLAY_EXAMPLES, disable_help_flag = true)]
    Replay(Box<Replay>),
    /// Measure how many messages a second go through a broker, and how long they take
    #[cfg(feature = "bench")]
    #[command(after_help = bench::EXAMPLES, disable_help_flag = true)]
    Bench(Box<Bench>),
    /// Run the broker that is embedded in this program, until Ctrl-C: for tests, it keeps nothing and asks nobody who they are
    Broker(EmbeddedBroker),
    /// Explain MQTT packets field by field: from hex, a file, a capture, or a live connection
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(Inspect),
    /// Check whether files hold valid OpenC2: one line a file, and status 0 only if all of them do
    Check(Check),
    /// Write an OpenC2 message, command or response in another form
    Convert(Convert),
    /// Write the man pages into a folder
    Man(Man),
    /// Print what a shell needs to complete these commands
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// How much is to be told of the connection; the demo and `inspect` have other words for `-v`.
    pub(crate) const fn verbosity(&self) -> u8 {
        match self {
            Self::Produce(produce) => produce.broker.verbose,
            Self::Consume(consume) => consume.broker.verbose,
            Self::Discover(discover) => discover.broker.verbose,
            Self::Watch(watch) => watch.broker.verbose,
            Self::Replay(replay) => replay.broker.verbose,
            #[cfg(feature = "bench")]
            Self::Bench(bench) => bench.broker.verbose,
            _ => 0,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct EmbeddedBroker {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:1883")]
    pub(crate) listen: SocketAddr,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder, which is made if it is not there
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// What the files hold
    #[arg(long, value_enum, default_value_t = Kind::Auto)]
    pub(crate) kind: Kind,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
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
    #[arg(long = "message", alias = "structure", value_enum)]
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
    #[arg(long, conflicts_with = "strict")]
    pub(crate) lenient: bool,
    /// Forgive nothing, which is the default
    #[arg(long)]
    pub(crate) strict: bool,
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
    #[value(name = "wrapped", alias = "wrapper")]
    Wrapper,
    /// The flat record: content, request_id, created, from, to (CSD03 2.4.2)
    #[value(name = "flat", alias = "record")]
    Record,
}

impl From<Structure> for openc2_mqtt::Structure {
    fn from(structure: Structure) -> Self {
        match structure {
            Structure::Wrapper => Self::Wrapper,
            Structure::Record => Self::Record,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A running broker to use; without it, one is started in the process
    #[arg(long, value_name = "mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]")]
    pub(crate) broker: Option<BrokerUrl>,
    /// How OpenC2 messages are written
    #[arg(long, value_enum, default_value_t = Encoding::Json)]
    pub(crate) encoding: Encoding,
    /// The MQTT quality of service that messages are published with
    #[arg(long, value_name = "1|2", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) qos: u8,
    /// Which version of the transfer specification names the topics
    #[arg(long, value_enum, default_value_t = Layout::Cs01)]
    pub(crate) layout: Layout,
    /// What stands before oc2/ in topics; no specification has that
    #[arg(long, value_name = "TOPIC")]
    pub(crate) prefix: Option<String>,
    /// How messages are put together
    #[arg(long = "message", value_enum, default_value_t = Structure::Wrapper)]
    pub(crate) structure: Structure,
    /// Forgive the habits of other implementations, should they answer too
    #[arg(long, conflicts_with = "strict")]
    pub(crate) lenient: bool,
    /// Forgive nothing, which is the default
    #[arg(long)]
    pub(crate) strict: bool,
    /// Draw the exchange into a file: a sequence diagram, and the packets as boxes of fields
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Print whole payloads, and the bytes of every packet in hex
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How long each step may take: connecting, subscribing, each command's responses
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) secure: Secure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    Json,
    Cbor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layout {
    /// The Committee Specification of November 2021
    Cs01,
    /// The draft of February 2021
    Csd03,
    /// The working draft of 2019, with topics for actions and types of devices
    Wd01,
}

impl From<Layout> for openc2_mqtt::transfer::Layout {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::Cs01 => Self::Cs01,
            Layout::Csd03 => Self::Csd03,
            Layout::Wd01 => Self::Wd01,
        }
    }
}

/// A whole day is longer than anyone waits, and far from what a clock could overflow on.
const LONGEST: f64 = 86_400.0;

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=LONGEST).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("expected seconds, 0.001 to {LONGEST}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
