//! The trace: every packet of every session, as it passes between a client and the broker.
//!
//! A [`Tap`] stands between the host and its socket and reads along with the codec, both directions, as a sniffer would. So
//! what is shown, and counted as valid or not, is what was on the wire, and not what some layer believes it sent.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mqtt5_blocking::Transport;
use mqtt5_codec::{Decoded, Decoder, Sender};

use crate::packet;
use crate::printer::Printer;
use crate::svg::{Record, Step};

/// Where the packets of all sessions come together, one at a time.
pub(crate) struct Trace {
    start: Instant,
    shared: Mutex<Shared>,
}

struct Shared {
    printer: Printer,
    tally: Tally,
    /// Everything that happened, where it is to be drawn.
    steps: Option<Vec<Step>>,
}

/// How many packets passed, and what was wrong with any.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) packets: usize,
    /// The packets that broke a standard, and how.
    pub(crate) invalid: Vec<String>,
}

impl Trace {
    /// With `record`, everything that happens is kept, to be drawn.
    pub(crate) fn new(printer: Printer, record: bool) -> Arc<Self> {
        let shared = Mutex::new(Shared { printer, tally: Tally::default(), steps: record.then(Vec::new) });
        Arc::new(Self { start: Instant::now(), shared })
    }

    /// How long the job has taken so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.lock().tally.clone()
    }

    /// What happened so far, if it was recorded.
    pub(crate) fn take_steps(&self) -> Option<Vec<Step>> {
        self.lock().steps.take()
    }

    /// A heading, for people and for the drawing.
    pub(crate) fn heading(&self, what: &str) {
        let mut shared = self.lock();
        shared.printer.heading(what);
        if let Some(steps) = &mut shared.steps {
            steps.push(Step::Heading(what.to_owned()));
        }
    }

    /// Prints what is not a packet, between two packets.
    pub(crate) fn print(&self, line: impl FnOnce(&mut Printer)) {
        line(&mut self.lock().printer);
    }

    // A thread that panicked while it printed has broken no more than its line.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn packet(&self, who: &Arc<str>, from: Sender, packet: &mqtt5_codec::Packet<'_>, bytes: &[u8]) {
        let mut shared = self.lock();
        // Taken here, so that times rise from line to line.
        let after = self.start.elapsed();
        shared.tally.packets += 1;
        if let Some(steps) = &mut shared.steps {
            steps.push(Step::Packet(Record::new(after, who, from, packet)));
        }
        shared.printer.packet(after, who, from, &packet::tell(packet), bytes);
    }

    /// Counts a packet that broke a standard.
    pub(crate) fn invalid(&self, what: String) {
        let mut shared = self.lock();
        shared.printer.note(&what);
        shared.tally.invalid.push(what);
    }
}

/// A transport that shows the trace what passes through it.
pub(crate) struct Tap<T> {
    inner: T,
    who: Arc<str>,
    trace: Arc<Trace>,
    up: Stream,
    down: Stream,
}

impl<T> Tap<T> {
    pub(crate) fn new(inner: T, who: Arc<str>, trace: Arc<Trace>) -> Self {
        Self { inner, who, trace, up: Stream::new(Sender::Client), down: Stream::new(Sender::Server) }
    }
}

impl<T: Read> Read for Tap<T> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(room)?;
        self.down.pass(room.get(..n).unwrap_or_default(), &self.who, &self.trace);
        Ok(n)
    }
}

impl<T: Write> Write for Tap<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.up.pass(bytes.get(..n).unwrap_or_default(), &self.who, &self.trace);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Transport> Transport for Tap<T> {
    fn socket(&self) -> &std::net::TcpStream {
        self.inner.socket()
    }
}

/// One direction of one connection, cut into packets.
struct Stream {
    from: Sender,
    rest: Vec<u8>,
    /// After a bad packet nothing that follows has a known beginning.
    lost: bool,
}

impl Stream {
    fn new(from: Sender) -> Self {
        Self { from, rest: Vec::new(), lost: false }
    }

    fn pass(&mut self, bytes: &[u8], who: &Arc<str>, trace: &Trace) {
        if self.lost {
            return;
        }
        self.rest.extend_from_slice(bytes);
        let decoder = Decoder::new(self.from);
        let mut done = 0;
        while let Some(rest) = self.rest.get(done..) {
            match decoder.decode(rest) {
                Ok(Decoded::Packet { used, packet }) => {
                    trace.packet(who, self.from, &packet, rest.get(..used).unwrap_or_default());
                    done += used;
                }
                Ok(Decoded::Partial { .. }) => break,
                Err(error) => {
                    self.lost = true;
                    let sender = if self.from == Sender::Client { &**who } else { "the broker" };
                    trace.invalid(format!("{sender} sent a bad packet: {error}"));
                    break;
                }
            }
        }
        self.rest.drain(..done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl Out {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// PUBLISH, QoS 1, topic oc2/cmd/all, identifier 2468, one user property, payload {}; then PINGREQ.
    const UP: &[u8] = b"\x32\x1f\x00\x0boc2/cmd/all\x09\xa4\x0d\x26\x00\x07msgType\x00\x01r{}\xc0\x00";

    fn tapped(inner: io::Cursor<Vec<u8>>, json: bool) -> (Tap<io::Cursor<Vec<u8>>>, Arc<Trace>, Out) {
        printed(inner, json, || None)
    }

    fn printed(
        inner: io::Cursor<Vec<u8>>,
        json: bool,
        columns: fn() -> Option<usize>,
    ) -> (Tap<io::Cursor<Vec<u8>>>, Arc<Trace>, Out) {
        let out = Out::default();
        let trace = Trace::new(Printer::to(out.clone(), json, true, columns), false);
        (Tap::new(inner, "producer".into(), Arc::clone(&trace)), trace, out)
    }

    #[test]
    fn packets_that_come_a_byte_at_a_time_are_shown_once() {
        let (mut tap, trace, out) = tapped(io::Cursor::default(), true);
        for byte in UP {
            tap.write_all(&[*byte]).unwrap();
        }
        let lines: Vec<serde_json::Value> =
            out.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line["type"] == "packet"));
        assert_eq!((&lines[0]["from"], &lines[0]["to"]), (&"producer".into(), &"broker".into()));
        assert_eq!((&lines[0]["packet"], &lines[0]["topic"]), (&"PUBLISH".into(), &"oc2/cmd/all".into()));
        assert_eq!((&lines[0]["qos"], &lines[0]["id"]), (&1.into(), &2468.into()));
        assert_eq!(lines[0]["user_properties"], serde_json::json!([["msgType", "r"]]));
        assert_eq!((&lines[0]["payload"], &lines[1]["bytes"]), (&"{}".into(), &"c000".into()));
        assert_eq!(trace.tally().packets, 2);
        assert!(trace.tally().invalid.is_empty());
    }

    #[test]
    fn a_person_sees_who_sent_what_to_whom() {
        let (mut tap, _, out) = tapped(io::Cursor::default(), false);
        tap.write_all(UP).unwrap();
        let text = anstream::adapter::strip_str(&out.text()).to_string();
        let lines: Vec<&str> = text.lines().map(|line| line.split_once("ms").map_or(line, |(_, rest)| rest)).collect();
        assert_eq!(lines[0], "  producer   ──▶ broker  PUBLISH     oc2/cmd/all  QoS 1  id 2468  msgType=r");
        assert_eq!(lines[1].trim(), "{}");
        assert_eq!(lines[2].trim(), "321f000b6f63322f636d642f616c6c09a40d2600076d7367547970650001727b");
        assert_eq!(lines[3].trim(), "7d");
        assert_eq!(lines[4], "  producer   ──▶ broker  PINGREQ     ");
    }

    #[test]
    fn a_trace_fits_the_terminal_and_loses_nothing() {
        type Columns = fn() -> Option<usize>;
        for (columns, width) in
            [(|| Some(120), 120), (|| Some(80), 80), (|| Some(50), 50), (|| Some(20), 48)] as [(Columns, usize); 4]
        {
            let (mut tap, _, out) = printed(io::Cursor::default(), false, columns);
            tap.write_all(UP).unwrap();
            let text = anstream::adapter::strip_str(&out.text()).to_string();
            for line in text.lines() {
                assert!(line.trim_end().chars().count() <= width, "{width}: {line}");
            }
            let told: String = text.split_whitespace().collect();
            for part in [
                "oc2/cmd/all",
                "QoS1",
                "id2468",
                "msgType=r",
                "{}",
                "321f000b6f63322f636d642f616c6c09a40d2600076d7367547970650001727b7d",
            ] {
                assert!(told.contains(part), "{part} is not in {told}");
            }
        }
    }

    #[test]
    fn a_bad_packet_is_told_and_nothing_after_it_is_believed() {
        let (mut tap, trace, out) =
            tapped(io::Cursor::new(b"\xd0\x00HTTP/1.1 400 Bad Request\r\n\xd0\x00".to_vec()), true);
        io::copy(&mut tap, &mut io::sink()).unwrap();
        assert_eq!(trace.tally().packets, 1);
        let what = &trace.tally().invalid[0];
        assert!(what.starts_with("the broker sent a bad packet: "), "{what}");
        assert!(out.text().lines().last().unwrap().starts_with("{\"type\":\"note\",\"note\":"), "{}", out.text());
    }
}
