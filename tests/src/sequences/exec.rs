//! Plays sequences with a client that is a process: commands are lines on its standard input, events lines on its standard output.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ChildStdin;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::{Binding, Got, Party, Sequence, Stop, play};
use crate::judge::peer::exec::Client;
use crate::report::{Class, Finding, Report};

/// How many are played at a time. They mostly wait.
const SIDE_BY_SIDE: usize = 8;
/// How often one that fails is played in all: what fails once in a while is the machine's doing.
const TRIES: usize = 2;
/// How long a client may take to know that its connection is over.
const ENDING: Duration = Duration::from_secs(2);

/// Plays all, and reports of each.
///
/// # Errors
/// When the command can't be started, or never connects.
pub(crate) fn judge(all: &[Sequence], command: &str, verbose: bool) -> io::Result<Report> {
    let bar = ProgressBar::new(all.len() as u64);
    let (next, connected) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let whole = Mutex::new((Report::default(), None));
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(sequence) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let played = tries(sequence, command, verbose, &connected);
                    if let Ok(mut whole) = whole.lock() {
                        match played {
                            Ok(played) => take_down(&mut whole.0, sequence, played),
                            Err(error) => whole.1 = Some(error),
                        }
                    }
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let (report, failed) = whole.into_inner().unwrap_or_default();
    if let Some(error) = failed {
        return Err(error);
    }
    if connected.into_inner() == 0 {
        return Err(io::Error::other(
            "the command never connected: it is driven by lines such as {\"open\":\"mqtt://HOST:PORT\"} (try --verbose)",
        ));
    }
    Ok(report)
}

fn tries(sequence: &Sequence, command: &str, verbose: bool, connected: &AtomicUsize) -> io::Result<Result<(), Stop>> {
    let mut played = Ok(());
    for _ in 0..TRIES {
        let mut process = Process::start(command, &sequence.name, verbose)?;
        played = play(sequence, &mut process, false);
        connected.fetch_add(process.connections, Ordering::Relaxed);
        if !matches!(played, Err(Stop::Wrong { .. })) {
            break;
        }
    }
    Ok(played)
}

fn take_down(report: &mut Report, sequence: &Sequence, played: Result<(), Stop>) {
    let class = match sequence.class {
        Binding::Must => Class::Must,
        Binding::Should => Class::Should,
    };
    match played {
        Ok(()) => report.keeps(&sequence.name),
        Err(Stop::Lacks(why)) => report.not_seen(&sequence.name, &format!("the client says: {why}")),
        Err(Stop::Wrong { expected, seen, packets }) => {
            let trial = format!("{} ({})", sequence.statements.join(", "), sequence.source);
            report.record(&sequence.name, class, false, || Finding { trial, expected, seen, bytes: None, packets });
        }
    }
}

/// A client, and the server's end of its connections.
struct Process {
    client: Client,
    stdin: ChildStdin,
    events: Receiver<Value>,
    /// Events that were read while something else was waited for.
    told: VecDeque<Value>,
    listener: TcpListener,
    stream: Option<TcpStream>,
    /// A connection was opened, and the client has not told of its end.
    open: bool,
    connections: usize,
    start: Instant,
}

impl Process {
    fn start(command: &str, name: &str, verbose: bool) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let mut client = Client::start(command, &listener, name, verbose, true)?;
        let (Some(stdin), Some(stdout)) = (client.child.stdin.take(), client.child.stdout.take()) else {
            return Err(io::Error::other("the command has no standard input and output"));
        };
        let (sender, events) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Ok(event) = serde_json::from_str(&line)
                    && sender.send(event).is_err()
                {
                    return;
                }
            }
        });
        let (told, stream) = (VecDeque::new(), None);
        Ok(Self { client, stdin, events, told, listener, stream, open: false, connections: 0, start: Instant::now() })
    }

    /// Waits until the client knows that its connection is over: it can't open another one before.
    fn settle(&mut self) {
        let until = Instant::now() + ENDING;
        while self.open {
            let Ok(event) = self.events.recv_timeout(until.saturating_duration_since(Instant::now())) else { return };
            self.open = event.get("event").is_none_or(|name| name != "closed");
            self.told.push_back(event);
        }
    }

    /// The connection, once the client has opened it.
    fn accept(&mut self, until: Instant) -> Option<&mut TcpStream> {
        while self.stream.is_none() && Instant::now() < until {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    drop(stream.set_nonblocking(false).and_then(|()| stream.set_nodelay(true)));
                    self.connections += 1;
                    self.stream = Some(stream);
                }
                Err(_) => thread::sleep(Duration::from_millis(2)),
            }
        }
        self.stream.as_mut()
    }
}

impl Party for Process {
    fn command(&mut self, command: &Value) {
        let mut line = command.clone();
        if command.get("open").is_some() {
            self.settle();
            let address = self.listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
            line = json!({ "open": format!("mqtt://{address}") });
            self.open = true;
            self.stream = None;
        }
        // A client that is gone shows that by what it does not send.
        let _ = writeln!(self.stdin, "{line}").and_then(|()| self.stdin.flush());
    }

    fn receive(&mut self, wait: u64) -> Got {
        if !self.open && self.stream.is_none() {
            return Got::End;
        }
        let until = Instant::now() + Duration::from_millis(wait.max(1));
        let Some(stream) = self.accept(until) else { return Got::Nothing };
        let mut buffer = vec![0; 1 << 16];
        loop {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let read = stream.set_read_timeout(Some(left)).and_then(|()| stream.read(&mut buffer));
            return match read {
                Ok(0) => Got::End,
                Ok(n) => Got::Bytes(buffer.get(..n).unwrap_or_default().to_vec()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Got::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => Got::End,
            };
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        if let Some(stream) = &mut self.stream {
            // One that closed meanwhile shows that by its end.
            let _ = stream.write_all(bytes);
        }
    }

    fn cut(&mut self) {
        if let Some(mut stream) = self.stream.take() {
            // What was sent is to arrive: bytes that nobody has read would turn the end into a reset.
            let _ = stream.set_nonblocking(true).and_then(|()| stream.read(&mut [0; 4096]));
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        self.settle();
    }

    fn told(&mut self, wait: u64) -> Option<Value> {
        if let Some(event) = self.told.pop_front() {
            return Some(event);
        }
        let event = self.events.recv_timeout(Duration::from_millis(wait)).ok()?;
        if event.get("event").is_some_and(|name| name == "closed") {
            self.open = false;
        }
        Some(event)
    }

    fn sleep(&mut self, wait: u64) {
        thread::sleep(Duration::from_millis(wait));
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.client.end();
    }
}
