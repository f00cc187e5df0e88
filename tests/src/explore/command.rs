//! `conformance explore`: the whole search, and what it saw.

use std::io::{self, Write};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use mqtt5_codec::QoS;

use super::{Bounds, Seen, explore};

/// What is explored.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Cut the link up to N times.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub cuts: u8,
    /// Publish N messages each way.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub messages: u8,
    /// Restart the device without its memory up to N times, in the setting with restarts.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub restarts: u8,
    /// End a setting unfinished, and fail, when it has this many states; a state takes 20 to 40 bytes.
    #[arg(long, value_name = "N", default_value_t = 150_000_000)]
    pub states: usize,
    /// Explore only the settings whose name contains this; all when absent.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub only: String,
}

/// Explores each of a few settings, and tells how many states it has. Returns whether all held.
///
/// # Errors
/// When writing fails.
pub fn run(options: &Options, mut output: impl Write) -> io::Result<bool> {
    let Options { cuts, messages, restarts, states, .. } = *options;
    let base = Bounds { out: messages, inward: messages, cuts, ..Bounds::default() };
    let settings = [
        ("QoS 2", base),
        ("QoS 2, Receive Maximum 1", Bounds { receive_maximum: 1, ..base }),
        ("QoS 2, acknowledged by hand", Bounds { manual: true, ..base }),
        ("QoS 2, restarts without memory", Bounds { restarts, ..base }),
        ("QoS 1", Bounds { qos: QoS::AtLeastOnce, ..base }),
        ("QoS 1, Receive Maximum 1", Bounds { qos: QoS::AtLeastOnce, receive_maximum: 1, ..base }),
        ("QoS 1, acknowledged by hand", Bounds { qos: QoS::AtLeastOnce, manual: true, ..base }),
    ];
    let mut all = true;
    let mut sum = 0;
    let begin = Instant::now();
    for (name, bounds) in settings.iter().filter(|(name, _)| name.contains(&options.only)) {
        let start = Instant::now();
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{elapsed} {msg}: {human_pos} states, {per_sec}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let seen = explore(*bounds, states, |seen| {
            bar.set_message(format!("{name} ({} MB)", seen.bytes >> 20));
            bar.set_position(seen.states as u64);
        });
        bar.finish_and_clear();
        all &= tell(name, *bounds, &seen, start, &mut output)?;
        sum += seen.states;
    }
    writeln!(
        output,
        "{sum} states in {:.0} s; {}",
        begin.elapsed().as_secs_f64(),
        if all { "all hold" } else { "FAIL" }
    )?;
    Ok(all)
}

/// Tells what a search saw. Returns whether it saw all, and all held.
fn tell(name: &str, bounds: Bounds, seen: &Seen, start: Instant, mut output: impl Write) -> io::Result<bool> {
    let Bounds { out, inward, cuts, restarts, .. } = bounds;
    let Seen { states, steps, depth, bytes, .. } = *seen;
    let seconds = start.elapsed().as_secs_f64();
    write!(output, "{name}: {out} messages out, {inward} in, up to {cuts} cuts and {restarts} restarts: ")?;
    writeln!(output, "{states} states, {steps} steps, depth {depth}, {seconds:.1} s, {} MB", bytes >> 20)?;
    if seen.cut_short {
        writeln!(output, "  NOT ALL: there are more states")?;
    }
    if let Some((problem, path)) = &seen.failure {
        writeln!(output, "  {problem}\n  after {path:?}")?;
    }
    Ok(seen.failure.is_none() && !seen.cut_short)
}
