//! What libraries and sessions tell of themselves, on standard error: by `-v`, or as `RUST_LOG` says.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use env_logger::{Builder, Env};

use crate::inspect::time_of_day;
use crate::printer::plain;

/// Begins to tell: nothing unless asked, of our own more than of others.
pub(crate) fn start(verbosity: u8) {
    let filter = match verbosity {
        0 => "off",
        1 => "warn,oc2=info",
        2 => "info,oc2=debug,mqtt5_session=debug",
        _ => "debug,oc2=trace,mqtt5_session=trace",
    };
    let mut builder = Builder::from_env(Env::default().default_filter_or(filter));
    builder.format(|out, record| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let style = out.default_level_style(record.level());
        let (level, target, text) = (record.level(), record.target(), record.args().to_string());
        writeln!(out, "{}  {style}{level:5}{style:#}  {target}: {}", time_of_day(now), plain(&text))
    });
    // There is no other logger in this program.
    let _ = builder.try_init();
}
