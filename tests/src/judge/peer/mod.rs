//! The judge of clients: a server that watches what arrives, and tries how a client takes what comes.
//!
//! Either the client runs all the time, connects as often as it likes, and each connection is another trial; or it is a command
//! that is started anew for each trial. The model broker behind it takes down each statement that it sees kept or broken.

use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Instant;

use crate::report::Report;
use crate::report::form::Form;
use crate::sequences;

pub(crate) mod exec;
#[cfg(test)]
mod tests;
mod trial;
mod watch;

pub use trial::{Trial, WRONG, limits, trial, trials};
pub use watch::{Watch, statements};

/// How a client is judged.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Start this command for the shell anew for each trial, and end it afterwards.
    ///
    /// It finds the server in MQTT_URL, MQTT_HOST and MQTT_PORT, and the trial's name in MQTT_TRIAL. It has to connect with
    /// MQTT v5, Clean Start 0 and a session expiry, subscribe to a topic at QoS 2, publish at each QoS, connect again when it
    /// is cut off, and go on until it is ended.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["listen", "connections"])]
    pub exec: Option<String>,
    /// Show what the command writes on standard error.
    #[arg(long, requires = "exec")]
    pub verbose: bool,
    /// Play session sequences instead of trials: those that `conformance sequences` prints, or those of FILE.
    ///
    /// The command is driven by JSON lines on its standard input and tells events on its standard output, as `conformance
    /// client` does; of what it can't do it says {"event":"error","why":"..."}.
    #[arg(long, value_name = "FILE", num_args = 0..=1, requires = "exec")]
    pub sequences: Option<Option<PathBuf>>,
    /// Where clients connect; port 0 is any that is free, which is then told on standard error.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1883")]
    pub listen: String,
    /// Watch for N seconds in all, at most; of a client that is not started by --exec.
    #[arg(long, value_name = "N", default_value_t = 120)]
    pub seconds: u64,
    /// End after N connections; 16 are every trial once.
    #[arg(long, value_name = "N")]
    pub connections: Option<usize>,
    /// End a trial after N seconds, with a cut.
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub trial: u64,
    /// What the client is called in the report.
    #[arg(long, value_name = "TEXT", default_value = "a client", hide_default_value = true)]
    pub name: String,
    #[command(flatten)]
    form: Form,
}

/// Watches clients on a TCP port. Returns whether nothing was broken.
///
/// # Errors
/// When the port can't be had, no client comes, or writing fails.
pub fn run(options: &Options, output: impl Write) -> io::Result<bool> {
    if let (Some(file), Some(command)) = (&options.sequences, &options.exec) {
        let all = sequences::load(file.as_deref())?;
        let form = &options.form;
        let all: Vec<_> = all
            .into_iter()
            .filter(|one| form.wants(&one.name) || one.statements.iter().any(|s| form.wants(s)))
            .collect();
        if form.list {
            return Form::default().tell(all.iter().map(|one| &*one.name), output).map(|()| true);
        }
        let report = sequences::exec::judge(&all, command, options.verbose)?;
        // They have been chosen by their names and by their statements.
        let form = Form { only: Vec::new(), skip: Vec::new(), ..form.clone() };
        return form.give(Report { judge: "peer", target: options.name.clone(), ..report }, output);
    }
    if options.form.list {
        return options.form.tell(statements(), output).map(|()| true);
    }
    let (mut report, often) = match &options.exec {
        Some(command) => (exec::run(options, command)?, "no connection of the client came to this trial"),
        None => (listen(options)?, "the client did not connect often enough"),
    };
    watch::complete(&mut report, often);
    options.form.give(Report { judge: "peer", target: options.name.clone(), ..report }, output)
}

/// A client that runs all the time: each connection is another trial.
fn listen(options: &Options) -> io::Result<Report> {
    let listener = TcpListener::bind(&options.listen)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", options.listen)))?;
    let _ = writeln!(io::stderr(), "listening on {}", listener.local_addr()?);
    listener.set_nonblocking(true)?;
    let start = Instant::now();
    let until = start + Duration::from_secs(options.seconds);
    let mut watch = Watch::default();
    while Instant::now() < until && options.connections.is_none_or(|most| watch.trials < most) {
        match listener.accept() {
            Ok((stream, _)) => {
                let end = until.min(Instant::now() + Duration::from_secs(options.trial));
                serve(&mut watch, stream, start, end)?;
                let _ = writeln!(io::stderr(), "connection {}: {}", watch.trials, watch.trial);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(error),
        }
    }
    if watch.trials == 0 {
        return Err(io::Error::other("no client came"));
    }
    Ok(watch.report())
}

/// One connection, to its end.
fn serve(watch: &mut Watch, mut stream: TcpStream, start: Instant, end: Instant) -> io::Result<()> {
    let now = || start.elapsed().as_millis() as u64;
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    watch.open(now());
    let mut buffer = [0; 4096];
    let by_client = loop {
        let mut cut = false;
        match stream.read(&mut buffer) {
            Ok(0) => break true,
            Ok(len) => watch.receive(buffer.get(..len).unwrap_or_default(), now()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                cut = watch.quiet(now());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break true,
        }
        if cut {
            break false;
        }
        if stream.write_all(&watch.output(now())).is_err() {
            break true;
        }
        if watch.is_closed() || Instant::now() >= end {
            break false;
        }
    };
    watch.close(by_client, now());
    Ok(())
}
