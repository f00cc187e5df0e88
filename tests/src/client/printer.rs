//! The output, written by a thread of its own: packets are handled while nobody reads what is printed.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// How many bytes may wait to be printed. Beyond them the loop waits too.
const MOST: usize = 256 << 20;

/// What ends with the first write that fails.
type Thread = JoinHandle<io::Result<()>>;

/// Prints what was written when it is flushed, without waiting for that.
#[derive(Debug)]
pub(super) struct Printer {
    /// None once the thread has ended.
    running: Option<(Sender<Vec<u8>>, Thread)>,
    waiting: Arc<AtomicUsize>,
    line: Vec<u8>,
}

impl Printer {
    /// Prints to `output`.
    pub(super) fn new(output: impl Write + Send + 'static) -> Self {
        let (sender, lines) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let thread = thread::spawn(move || print(output, &lines, &left));
        Self { running: Some((sender, thread)), waiting, line: Vec::new() }
    }

    /// Waits until all is printed.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.ended()
    }

    /// What became of the thread, which has nothing to do any more.
    fn ended(&mut self) -> io::Result<()> {
        let Some((sender, thread)) = self.running.take() else { return Err(ErrorKind::BrokenPipe.into()) };
        drop(sender);
        thread.join().unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into()))
    }
}

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = core::mem::take(&mut self.line);
        if line.is_empty() {
            return Ok(());
        }
        let Some((sender, thread)) = &self.running else { return Err(ErrorKind::BrokenPipe.into()) };
        while self.waiting.load(Ordering::Acquire) > MOST && !thread.is_finished() {
            thread::sleep(Duration::from_millis(1));
        }
        self.waiting.fetch_add(line.len(), Ordering::AcqRel);
        match sender.send(line) {
            Ok(()) => Ok(()),
            // Its last write has failed.
            Err(_) => self.ended().and(Err(ErrorKind::BrokenPipe.into())),
        }
    }
}

fn print(mut output: impl Write, lines: &Receiver<Vec<u8>>, waiting: &AtomicUsize) -> io::Result<()> {
    while let Ok(line) = lines.recv() {
        output.write_all(&line)?;
        output.flush()?;
        waiting.fetch_sub(line.len(), Ordering::AcqRel);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::{SyncSender, sync_channel};

    /// Takes a write only when it is let.
    struct Slow(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| io::Error::other("closed"))?;
            self.1.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Printer, SyncSender<()>, Arc<Mutex<Vec<u8>>>) {
        let (let_go, held) = sync_channel(100);
        let printed = Arc::default();
        (Printer::new(Slow(held, Arc::clone(&printed))), let_go, printed)
    }

    #[test]
    fn lines_wait_while_the_output_is_blocked_and_are_all_printed_in_order() {
        let (mut printer, let_go, printed) = slow();
        for line in ["one\n", "two\n", "three\n"] {
            printer.write_all(line.as_bytes()).unwrap();
            printer.flush().unwrap();
        }
        assert!(printed.lock().unwrap().is_empty());
        (0..3).for_each(|_| let_go.send(()).unwrap());
        printer.finish().unwrap();
        assert_eq!(*printed.lock().unwrap(), b"one\ntwo\nthree\n");
    }

    #[test]
    fn an_output_that_fails_ends_the_printing_with_its_error() {
        let (mut printer, let_go, _) = slow();
        drop(let_go);
        printer.write_all(b"one\n").unwrap();
        let error = printer.finish().unwrap_err();
        assert_eq!(error.to_string(), "closed");
    }
}
