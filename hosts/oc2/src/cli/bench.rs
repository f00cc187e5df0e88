//! What may be asked of `oc2 bench`.

use core::time::Duration;
use std::path::PathBuf;

use clap::Args;

use super::broker::Broker;
use super::seconds;

pub(super) const EXAMPLES: &str = "\
Examples:
  oc2 bench -h broker.example                   as fast as the broker acknowledges
  oc2 bench --rate 1000 -W 60 --svg bench.svg   a thousand a second, and a plot of it
  oc2 bench -q 0 --size 64 --subscribers 10     one to ten

Everything is published to a topic of this run's own, and nothing is retained. Status: 0 all that was published was received \
as often as there are subscribers, 1 not so or the broker could not be asked, 130 Ctrl-C.";

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// So many messages of each publisher, however long it takes
    #[arg(short = 'C', long = "count", value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// How long is published, without a count
    #[arg(short = 'W', long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// The bytes of a payload
    #[arg(long, value_name = "BYTES", default_value_t = 256, value_parser = clap::value_parser!(u32).range(16..=200_000))]
    pub(crate) size: u32,
    /// The quality of service
    #[arg(short, long, value_name = "0|1|2", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) qos: u8,
    /// How many publish
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) publishers: u16,
    /// How many receive all of it
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(crate) subscribers: u16,
    /// How many messages of each publisher may wait for their acknowledgement
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) window: u16,
    /// So many messages a second of each publisher, instead of as many as are acknowledged
    #[arg(long, value_name = "MESSAGES", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: Option<u32>,
    /// The topic; oc2-bench/ and a random level unless set
    #[arg(short, long, value_name = "TOPIC")]
    pub(crate) topic: Option<String>,
    /// Plot messages a second and latencies into a file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) broker: Broker,
}
