//! A stream in memory whose other end is the model broker, strict about everything a client does.

use core::cell::RefCell;
use core::convert::Infallible;
use core::future::poll_fn;
use core::task::Poll;
use std::rc::Rc;

use conformance::broker::Broker;
use embassy_time::Instant;
use embedded_io_async::{ErrorType, Read, Write};

/// A server, and how its streams behave.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) broker: Rc<RefCell<Broker>>,
    /// How many bytes are read or written at a time, at most.
    pub(crate) piece: usize,
    /// Whether each read and write has to be asked twice.
    pub(crate) hesitant: bool,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self { broker: Rc::new(RefCell::new(Broker::new())), piece: usize::MAX, hesitant: false }
    }

    pub(crate) fn open(&self) -> (Half, Half) {
        let link = self.broker.borrow_mut().open(now());
        let half = || Half { server: self.clone(), link, asked: false };
        (half(), half())
    }

    /// What the clients did against the standard.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.broker.borrow().ledger.violations().iter().map(|violation| format!("{violation:?}")).collect()
    }
}

pub(crate) fn now() -> u64 {
    Instant::now().as_millis()
}

pub(crate) struct Half {
    server: Server,
    link: usize,
    asked: bool,
}

impl Half {
    /// Whether to answer now.
    fn ready(&mut self) -> bool {
        self.asked = !self.asked;
        !self.server.hesitant || !self.asked
    }
}

impl ErrorType for Half {
    type Error = Infallible;
}

impl Read for Half {
    async fn read(&mut self, to: &mut [u8]) -> Result<usize, Infallible> {
        poll_fn(|context| {
            let ready = self.ready();
            let mut broker = self.server.broker.borrow_mut();
            broker.tick(now());
            let bytes = broker.readable(self.link);
            let n = bytes.len().min(to.len()).min(self.server.piece);
            if ready && n > 0 {
                to[..n].copy_from_slice(&bytes[..n]);
                broker.read(self.link, n);
                return Poll::Ready(Ok(n));
            }
            if n == 0 && broker.is_closed(self.link) {
                return Poll::Ready(Ok(0));
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }
}

impl Write for Half {
    async fn write(&mut self, from: &[u8]) -> Result<usize, Infallible> {
        poll_fn(|context| {
            if !self.ready() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let n = from.len().min(self.server.piece);
            self.server.broker.borrow_mut().receive(self.link, &from[..n], now());
            Poll::Ready(Ok(n))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        self.server.broker.borrow_mut().close(self.link, now());
    }
}
