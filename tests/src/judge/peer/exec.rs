//! A client that is a command: started anew for each trial, with a port of its own, some of them side by side.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use indicatif::ProgressBar;

use super::trial::{Trial, trials};
use super::{Options, Watch, serve};
use crate::judge::run::settled;
use crate::report::Report;

/// How many trials run at a time.
const SIDE_BY_SIDE: usize = 6;
/// How often a trial that fails is run in all.
const TRIES: usize = 3;
/// How long a trial that sends what may not be waits for the client to mind.
const MINDS: Duration = Duration::from_millis(2500);

/// Runs all trials.
pub(super) fn run(options: &Options, command: &str) -> io::Result<Report> {
    let mut trials = trials();
    trials.retain(|trial| match trial {
        Trial::Wrong(statement, _) => options.form.wants(statement),
        _ => true,
    });
    let bar = ProgressBar::new(trials.len() as u64);
    let (next, came) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let whole = Mutex::new(Vec::new());
    let failed = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match tries(options, command, *trial) {
                        Ok((report, connections)) => {
                            came.fetch_add(connections, Ordering::Relaxed);
                            if let Ok(mut whole) = whole.lock() {
                                whole.push(report);
                            }
                        }
                        Err(error) => drop(failed.lock().map(|mut failed| failed.replace(error))),
                    }
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    if let Ok(Some(error)) = failed.into_inner() {
        return Err(error);
    }
    if came.into_inner() == 0 {
        return Err(io::Error::other("the command never connected: it finds the server in MQTT_URL (try --verbose)"));
    }
    let mut report = Report::default();
    for part in whole.into_inner().unwrap_or_default() {
        report.merge(part);
    }
    Ok(report)
}

/// A trial, and once more if something failed.
fn tries(options: &Options, command: &str, trial: Trial) -> io::Result<(Report, usize)> {
    let (mut reports, mut connections) = (Vec::new(), 0);
    // What a client minds depends on time but little.
    let most = if matches!(trial, Trial::Wrong(..)) { TRIES - 1 } else { TRIES };
    for _ in 0..most {
        let watch = attempt(options, command, trial)?;
        connections += watch.trials;
        let report = watch.report();
        let counts = report.counts();
        reports.push(report);
        // A client that was slow to begin, or to come back, has shown nothing yet.
        let slow = trial == Trial::Cut && watch.trials < 2;
        if counts.fail + counts.should == 0 && !slow {
            break;
        }
    }
    Ok((settled(reports), connections))
}

/// A trial: the client connects as often as it likes until time is up, it ends, or it can show nothing more.
fn attempt(options: &Options, command: &str, trial: Trial) -> io::Result<Watch> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let mut client = Client::start(command, &listener, &trial.to_string(), options.verbose, false)?;
    let mut watch = Watch::of(trial);
    let start = Instant::now();
    let until = start + Duration::from_secs(options.trial);
    let mut gone = None;
    while Instant::now() < until && !watch.is_over() {
        match listener.accept() {
            Ok((stream, _)) => {
                let end = match trial {
                    Trial::Wrong(..) | Trial::Invented => until.min(Instant::now() + MINDS),
                    _ => until,
                };
                serve(&mut watch, stream, start, end)?;
                gone = None;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // What an ended client has begun may still wait to be accepted.
                if client.is_gone() && gone.get_or_insert_with(Instant::now).elapsed() > Duration::from_millis(300) {
                    break;
                }
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    }
    client.end();
    Ok(watch)
}

/// A client that runs.
pub(crate) struct Client {
    pub(crate) child: Child,
    told: Option<thread::JoinHandle<()>>,
    ended: bool,
}

impl Client {
    /// Starts one for the shell. Where it is `driven`, its standard input and output are ours.
    pub(crate) fn start(
        command: &str,
        listener: &TcpListener,
        trial: &str,
        verbose: bool,
        driven: bool,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let mut shell = Command::new("sh");
        shell.args(["-c", command]);
        shell.env("MQTT_URL", format!("mqtt://{host}:{port}")).env("MQTT_HOST", host).env("MQTT_PORT", port);
        shell.env("MQTT_TRIAL", trial);
        let piped = || if driven { Stdio::piped() } else { Stdio::null() };
        shell.stdin(piped()).stdout(piped());
        shell.stderr(if verbose { Stdio::piped() } else { Stdio::null() });
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let mut child = shell.spawn()?;
        let name = Arc::new(trial.to_string());
        let told = child.stderr.take().map(|told| {
            thread::spawn(move || {
                for line in BufReader::new(told).lines().map_while(Result::ok) {
                    let _ = writeln!(io::stderr(), "[{name}] {line}");
                }
            })
        });
        Ok(Self { child, told, ended: false })
    }

    fn is_gone(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the client and whatever it started.
    pub(crate) fn end(&mut self) {
        if core::mem::replace(&mut self.ended, true) {
            return;
        }
        if cfg!(unix) {
            let group = format!("-{}", self.child.id());
            let kill = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
            drop(kill);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(told) = self.told.take() {
            let _ = told.join();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end();
    }
}
