//! The thread of a client: what [`Driver`] says, done with one socket and one wait for all there is.

use core::task::Waker;
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::Wake;
use std::thread;
use std::time::Instant;

use mio::event::Source;
use mio::{Events, Interest, Poll, Token};
use mqtt5_host::{Attempt, Cause, Dialer, Driver, Opened, Progress, Socket, Step, Stream, Task, Turn};

const SOCKET: Token = Token(0);
const WOKEN: Token = Token(1);

/// How long a server may take to close its side after our goodbye.
const LINGER: Duration = Duration::from_millis(500);

/// How long the last bytes may take that TLS or WebSocket hold back.
const LAST_BYTES: Duration = Duration::from_secs(10);

/// How long a loop that is busy lets bytes arrive before it reads: being woken for each message costs more than the message.
const NAP: Duration = Duration::from_micros(50);

/// A client's thread.
pub(super) struct Loop {
    driver: Driver,
    /// In the hands of the thread that opens a connection, while there is one.
    dialer: Arc<Mutex<Dialer>>,
    progress: Progress,
    poll: Poll,
    events: Events,
    /// Whether the socket may have something to read, and whether an end comes behind it.
    readable: bool,
    closed: bool,
    /// Ends a wait of this loop, from any thread.
    end_wait: Arc<EndWait>,
    waker: Waker,
}

struct EndWait(mio::Waker);

struct WakeAtEnd(Arc<EndWait>);

impl Drop for WakeAtEnd {
    fn drop(&mut self) {
        self.0.wake_by_ref();
    }
}

impl Wake for EndWait {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It fails only when the loop is gone.
        let _ = self.0.wake();
    }
}

impl Loop {
    pub(super) fn new(driver: Driver, dialer: Dialer) -> io::Result<Self> {
        let poll = Poll::new()?;
        let end_wait = Arc::new(EndWait(mio::Waker::new(poll.registry(), WOKEN)?));
        let waker = Waker::from(Arc::clone(&end_wait));
        Ok(Self {
            driver,
            progress: dialer.progress(),
            dialer: Arc::new(Mutex::new(dialer)),
            poll,
            events: Events::with_capacity(4),
            readable: true,
            closed: false,
            end_wait,
            waker,
        })
    }

    /// Runs until the client has ended.
    pub(super) fn run(mut self) {
        loop {
            match self.driver.poll(&self.waker) {
                Task::Open(attempt) => match self.open(attempt) {
                    Ok(opened) => {
                        self.driver.opened(opened.credentials);
                        let cause = self.serve(opened.stream, &opened.socket);
                        self.driver.closed(cause);
                    }
                    Err((step, cause)) => self.driver.failed(step, cause),
                },
                Task::Wait(until) => self.wait(until),
                _ => return,
            }
        }
    }

    /// Waits for the socket, for the waker, or until this time.
    fn wait(&mut self, until: Option<Instant>) {
        let wait = until.map(|until| until.saturating_duration_since(Instant::now()));
        // An interrupted wait is a short one.
        let _ = self.poll.poll(&mut self.events, wait);
        for event in self.events.iter().filter(|event| event.token() == SOCKET) {
            self.readable = true;
            self.closed |= event.is_read_closed() || event.is_error();
        }
    }

    /// Opens a connection, in another thread: the client may be closed meanwhile, and an application that is asked for
    /// something may take too long.
    fn open(&mut self, attempt: Attempt) -> Result<Opened, (Step, Cause)> {
        let (dialer, end_wait) = (Arc::clone(&self.dialer), Arc::clone(&self.end_wait));
        let (tell, told) = mpsc::channel();
        let deadline = Instant::now().checked_add(attempt.left());
        let timeout = attempt.timeout;
        thread::Builder::new()
            .name("mqtt5-open".to_owned())
            .spawn(move || {
                // Dropped last, also when the application panics.
                let _wake = WakeAtEnd(end_wait);
                let tell = tell;
                let opened = dialer.lock().unwrap_or_else(PoisonError::into_inner).dial(&attempt);
                let _ = tell.send(opened);
            })
            .map_err(|error| (Step::Open, error.into()))?;
        loop {
            let until = self.driver.poll_abandoned(&self.waker).map_err(|_| (Step::Open, Cause::Stopped))?;
            match told.try_recv() {
                Ok(opened) => return opened,
                Err(mpsc::TryRecvError::Disconnected) => {
                    return Err((Step::Open, io::Error::other("what opens connections panicked").into()));
                }
                Err(mpsc::TryRecvError::Empty) if deadline.is_some_and(|deadline| deadline <= Instant::now()) => {
                    return Err((self.progress.step(), Cause::TimedOut(timeout)));
                }
                Err(mpsc::TryRecvError::Empty) => self.wait([until, deadline].into_iter().flatten().min()),
            }
        }
    }

    /// Exchanges bytes until the connection is over.
    fn serve(&mut self, mut stream: Box<dyn Stream>, socket: &Socket) -> Option<Cause> {
        let mut source = match source(socket) {
            Ok(source) => source,
            Err(error) => return Some(error.into()),
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut *source, SOCKET, interest) {
            return Some(error.into());
        }
        let cause = self.exchange(&mut *stream).or_else(|| self.finish(&mut *stream));
        if cause.is_none() && socket.finish().is_ok() {
            // A socket that is closed while bytes lie unread is reset, and that may overtake our goodbye.
            let deadline = Instant::now() + LINGER;
            let mut dropped = [0; 1 << 10];
            while deadline > Instant::now() {
                match stream.read(&mut dropped) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(Some(deadline)),
                    Ok(n) if n != 0 => {}
                    _ => break,
                }
            }
        }
        let _ = self.poll.registry().deregister(&mut *source);
        cause
    }

    /// Has what was written go out, the goodbye of each layer last of all.
    fn finish(&mut self, stream: &mut dyn Stream) -> Option<Cause> {
        let deadline = Instant::now() + LAST_BYTES;
        loop {
            match stream.finish() {
                Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < deadline => {
                    self.wait(Some(deadline));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(Cause::Stalled(LAST_BYTES)),
                Err(error) => return Some(error.into()),
                Ok(()) => return None,
            }
        }
    }

    fn exchange(&mut self, stream: &mut dyn Stream) -> Option<Cause> {
        let (mut due, mut until, mut broken, mut napped) = (true, None, None, false);
        (self.readable, self.closed) = (true, false);
        loop {
            // What the server said before it closed its side is worth more than that it did.
            let read = match (self.read(stream), broken.take()) {
                (Err(cause), _) | (Ok(false), Some(cause)) => return Some(cause),
                (Ok(read), _) => read,
            };
            if !read && !due {
                if self.driver.is_busy() && !napped {
                    thread::sleep(NAP);
                    self.readable = true;
                    napped = true;
                    continue;
                }
                self.wait(until);
                due = true;
                continue;
            }
            napped = false;
            until = match self.driver.turn(&self.waker) {
                Turn::Go(until) => until,
                Turn::Last => return None,
                Turn::Stuck(cause) => return Some(cause),
            };
            match write(&mut self.driver, stream) {
                Ok(wrote) => due = wrote && self.driver.goes_on(),
                Err(cause) => broken = Some(cause),
            }
        }
    }

    /// Reads what has arrived, once. Whether that was anything.
    fn read(&mut self, stream: &mut dyn Stream) -> Result<bool, Cause> {
        let room = self.driver.room();
        if room.is_empty() || !self.readable {
            return Ok(false);
        }
        let most = room.len();
        match stream.read(room) {
            Ok(0) => Err(Cause::Closed),
            Ok(n) => {
                // A socket that gives less than was asked for has no more; what is laid over it may.
                self.readable = n == most || self.closed || !stream.is_drained_by_a_short_read();
                self.driver.read(n);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(false)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

/// A socket as the wait knows it.
fn source(socket: &Socket) -> io::Result<Box<dyn Source>> {
    Ok(match socket.try_clone()? {
        Socket::Tcp(stream) => Box::new(mio::net::TcpStream::from_std(stream)),
        #[cfg(unix)]
        Socket::Unix(stream) => Box::new(mio::net::UnixStream::from_std(stream)),
        _ => return Err(ErrorKind::Unsupported.into()),
    })
}

/// Writes what the stream takes. Whether that was anything.
fn write(driver: &mut Driver, stream: &mut dyn Stream) -> Result<bool, Cause> {
    let mut wrote = false;
    while !driver.outgoing().is_empty() {
        match stream.write(driver.outgoing()) {
            Ok(0) => return Err(Cause::Closed),
            Ok(n) => driver.wrote(n),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        wrote = true;
    }
    // TLS and WebSocket may hold some back; for a socket it is nothing.
    match stream.flush() {
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error.into()),
        _ => Ok(wrote),
    }
}
