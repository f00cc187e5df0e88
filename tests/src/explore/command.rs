//! `conformance explore`: the whole search, and what it saw.

use std::io::{self, Write};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use mqtt5_codec::QoS;

use super::{Bounds, explore};

/// What is explored.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Options {
    /// Cut the link up to N times.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub cuts: u8,
    /// Publish N messages each way.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub messages: u8,
}

/// Explores each of a few settings, and tells how many states it has. Returns whether all held.
///
/// # Errors
/// When writing fails.
pub fn run(options: &Options, mut output: impl Write) -> io::Result<bool> {
    let Options { cuts, messages, .. } = *options;
    let base = Bounds { out: messages, inward: messages, cuts, ..Bounds::default() };
    let settings = [
        ("QoS 2", base),
        ("QoS 2, Receive Maximum 1", Bounds { receive_maximum: 1, ..base }),
        ("QoS 2, acknowledged by hand", Bounds { manual: true, cuts: cuts.min(1), ..base }),
        ("QoS 2, one restart without memory", Bounds { restarts: 1, cuts: cuts.min(1), ..base }),
        ("QoS 1", Bounds { qos: QoS::AtLeastOnce, ..base }),
        ("QoS 1, Receive Maximum 1", Bounds { qos: QoS::AtLeastOnce, receive_maximum: 1, ..base }),
    ];
    let mut all = true;
    for (name, bounds) in settings {
        let start = Instant::now();
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{elapsed} {msg}: {human_pos} states, {per_sec}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(name);
        let mut told = 0;
        let seen = explore(bounds, |states| {
            if states >= told + 1000 {
                told = states;
                bar.set_position(states as u64);
            }
        });
        bar.finish_and_clear();
        let seconds = start.elapsed().as_secs_f64();
        let Bounds { out, inward, cuts, .. } = bounds;
        writeln!(
            output,
            "{name}: {out} messages out, {inward} in, up to {cuts} cuts: {} states, {} steps, depth {}, {seconds:.1} s",
            seen.states, seen.steps, seen.depth
        )?;
        if let Some((problem, path)) = seen.failure {
            all = false;
            writeln!(output, "  {problem}\n  after {path:?}")?;
        }
    }
    Ok(all)
}
