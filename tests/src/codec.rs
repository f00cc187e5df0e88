//! The judge of single packets: a line in, a verdict out.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use mqtt5_codec::{Decoder, EncodeError, Error, Frame, MAXIMUM_PACKET_SIZE, Packet, Sender};

use crate::hex;

pub mod exec;

/// How packets are judged, the whole run long.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Options {
    /// Refuse packets of more than N bytes, fixed header included.
    #[arg(long, value_name = "N", default_value_t = MAXIMUM_PACKET_SIZE, hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub max_packet_size: u32,
    /// Refuse what a receiver may refuse: control characters and non-characters, and a payload that is said to be UTF-8
    /// and is not.
    #[arg(long)]
    pub strict: bool,
}

/// Reads lines until the input ends, and answers each with one line.
///
/// Answers are written together, at the latest when no further line has arrived, so that one may also ask line by line.
///
/// # Errors
/// When reading or writing fails; no line is an error of the run.
pub fn run(options: &Options, input: impl Read, output: impl Write) -> io::Result<()> {
    const BUFFER: usize = 1 << 16;
    let mut input = BufReader::with_capacity(BUFFER, input);
    let mut output = BufWriter::with_capacity(BUFFER, output);
    let mut judge = Judge::new(options);
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? != 0 {
        output.write_all(judge.line(&line))?;
        line.clear();
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
    }
    output.flush()
}

/// Judges one line after the other, in memory that it keeps.
#[derive(Debug)]
pub struct Judge {
    client: Decoder,
    server: Decoder,
    packet: Vec<u8>,
    canonical: Vec<u8>,
    answer: Vec<u8>,
}

/// Why a line has no verdict.
enum NoVerdict {
    Blank,
    Direction,
    NotHex(hex::NotHex),
    After(usize),
    /// The codec reads the packet and refuses to write it: the codec is wrong.
    Inconsistent(EncodeError),
}

enum Verdict<'j> {
    Valid(&'j [u8]),
    Incomplete,
    Reject(Error),
}

impl Judge {
    /// A judge that follows `options`.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let decoder = |from| Decoder::new(from).max_packet_size(options.max_packet_size).strict(options.strict);
        Self {
            client: decoder(Sender::Client),
            server: decoder(Sender::Server),
            packet: Vec::new(),
            canonical: Vec::new(),
            answer: Vec::new(),
        }
    }

    /// The answer to one line, whether or not it still has its end; the answer has one.
    pub fn line(&mut self, line: &[u8]) -> &[u8] {
        self.answer.clear();
        // Writing to memory can't fail.
        let _ = match judge(line, self.client, self.server, &mut self.packet, &mut self.canonical) {
            Ok(Verdict::Valid(canonical)) => {
                self.answer.extend_from_slice(b"valid ");
                hex::write(canonical, &mut self.answer);
                Ok(())
            }
            Ok(Verdict::Incomplete) => self.answer.write_all(b"incomplete"),
            Ok(Verdict::Reject(error)) => reject(&error, &mut self.answer),
            Err(NoVerdict::Blank) => self.answer.write_all(b"error a blank line"),
            Err(NoVerdict::Direction) => self.answer.write_all(b"error neither c2s nor s2c"),
            Err(NoVerdict::NotHex(error)) => write!(self.answer, "error {error}"),
            Err(NoVerdict::After(count)) => write!(self.answer, "error {count} bytes after the packet"),
            Err(NoVerdict::Inconsistent(error)) => write!(self.answer, "error decoded, but {error}"),
        };
        self.answer.push(b'\n');
        &self.answer
    }
}

fn judge<'j>(
    line: &[u8],
    client: Decoder,
    server: Decoder,
    packet: &mut Vec<u8>,
    canonical: &'j mut Vec<u8>,
) -> Result<Verdict<'j>, NoVerdict> {
    let line = line.trim_ascii();
    let split = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (direction, digits) = line.split_at_checked(split).unwrap_or((line, &[]));
    let (from, decoder) = match direction {
        b"c2s" => (Sender::Client, client),
        b"s2c" => (Sender::Server, server),
        b"" => return Err(NoVerdict::Blank),
        _ => return Err(NoVerdict::Direction),
    };
    hex::read(digits.trim_ascii_start(), packet).map_err(NoVerdict::NotHex)?;
    let decoded = match decoder.frame(packet) {
        Ok(Frame::Partial { .. }) => return Ok(Verdict::Incomplete),
        Ok(Frame::Whole { used, .. }) if used < packet.len() => {
            return Err(NoVerdict::After(packet.len().saturating_sub(used)));
        }
        Ok(Frame::Whole { first, body, .. }) => decoder.packet(first, body),
        Err(error) => Err(error),
    };
    match decoded {
        // Taken and never sent: it is its own shortest form.
        Ok(Packet::Auth(auth)) if auth.properties.is_empty() => {
            canonical.clear();
            canonical.extend_from_slice(packet);
            Ok(Verdict::Valid(canonical))
        }
        Ok(decoded) => encode(&decoded, from, canonical).map(Verdict::Valid).map_err(NoVerdict::Inconsistent),
        Err(error) => Ok(Verdict::Reject(error)),
    }
}

/// Writes the packet over what `out` holds, and returns its bytes.
fn encode<'o>(packet: &Packet<'_>, from: Sender, out: &'o mut Vec<u8>) -> Result<&'o [u8], EncodeError> {
    let need = match packet.encode(from, &mut out.as_mut_slice()) {
        Ok(len) => return Ok(out.get(..len).unwrap_or_default()),
        Err(EncodeError::Full { need }) => need,
        Err(error) => return Err(error),
    };
    out.resize(need, 0);
    let len = packet.encode(from, &mut out.as_mut_slice())?;
    Ok(out.get(..len).unwrap_or_default())
}

/// A rejection: the rule's identifier without its space, so that the line splits into three words.
fn reject(error: &Error, answer: &mut Vec<u8>) -> io::Result<()> {
    write!(answer, "reject 0x{:02X} ", error.reason.value())?;
    answer.extend(error.rule.id().bytes().filter(|&byte| byte != b' '));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(options: Options, lines: &[u8]) -> String {
        let mut out = Vec::new();
        run(&options, lines, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const PLAIN: Options = Options { max_packet_size: MAXIMUM_PACKET_SIZE, strict: false };

    #[test]
    fn each_line_has_one_line_of_answer() {
        let lines = b"c2s C000\ns2c c000\n\nc2s\nc2s \ns2c 36\nx2s 00\nc2s C0\xFF0\ns2c d0 00\nc2s c00\nc2s C0000000\nC2S C000\n";
        assert_eq!(
            judged(PLAIN, lines).lines().collect::<Vec<_>>(),
            [
                "valid c000",
                "reject 0x82 MQTT2.1.2",
                "error a blank line",
                "incomplete",
                "incomplete",
                "reject 0x81 MQTT-3.3.1-4",
                "error neither c2s nor s2c",
                "error no hexadecimal digit at 2",
                "error no hexadecimal digit at 2",
                "error an odd number of hexadecimal digits",
                "error 2 bytes after the packet",
                "error neither c2s nor s2c",
            ]
        );
    }

    #[test]
    fn line_ends_may_be_of_either_kind_and_the_last_may_lack_one() {
        assert_eq!(judged(PLAIN, b"c2s c000\r\n\tc2s \t c000 \ns2c d000"), "valid c000\nvalid c000\nvalid d000\n");
        assert_eq!(judged(PLAIN, b""), "");
        assert_eq!(judged(PLAIN, b"\r\n"), "error a blank line\n");
    }

    #[test]
    fn the_canonical_form_is_the_shortest() {
        // PUBACK with a reason code and a property length that say nothing, DISCONNECT likewise.
        assert_eq!(judged(PLAIN, b"c2s 400400070000\n"), "valid 40020007\n");
        assert_eq!(judged(PLAIN, b"s2c 4003000710\n"), "valid 4003000710\n");
        assert_eq!(judged(PLAIN, b"c2s e0020000\n"), "valid e000\n");
        assert_eq!(judged(PLAIN, b"c2s E0020400\n"), "valid e00104\n");
    }

    #[test]
    fn faults_of_the_fixed_header_are_refused_at_once_and_others_when_the_packet_is_whole() {
        assert_eq!(judged(PLAIN, b"c2s 00\n"), "reject 0x81 MQTT2.1.2\n");
        assert_eq!(judged(PLAIN, b"c2s 8000\n"), "reject 0x81 MQTT-3.8.1-1\n");
        assert_eq!(judged(PLAIN, b"c2s 308000\n"), "reject 0x81 MQTT-1.5.5-1\n");
        assert_eq!(judged(PLAIN, b"c2s 3080808080\n"), "reject 0x81 MQTT1.5.5\n");
        // A topic with a wildcard, and a PINGREQ with a body.
        assert_eq!(
            judged(PLAIN, b"c2s 30040001\nc2s 3004000123\nc2s 300400012300\n"),
            "incomplete\nincomplete\nreject 0x90 MQTT-3.3.2-2\n"
        );
        // No length but zero is a ping's, and what begins with two bytes has more than one.
        let short = b"c2s c001\nc2s c080\ns2c d00100\ns2c 4001\nc2s 1001\n";
        assert_eq!(judged(PLAIN, short), "reject 0x81 MQTT2.1.4\n".repeat(5));
    }

    #[test]
    fn a_packet_over_the_maximum_is_refused_when_its_length_is_known() {
        let options = Options { max_packet_size: 5, strict: false };
        assert_eq!(
            judged(options, b"s2c 30\ns2c 3003\ns2c 3003000000\ns2c 3004\n"),
            "incomplete\nincomplete\nreject 0x82 MQTT3.3.2.1\nreject 0x95 MQTT-3.1.2-24\n"
        );
        // Half of a length that becomes at least 128.
        assert_eq!(judged(options, b"s2c 3080\n"), "reject 0x95 MQTT-3.1.2-24\n");
        assert_eq!(judged(Options { max_packet_size: 131, strict: false }, b"s2c 3080\n"), "incomplete\n");
    }

    #[test]
    fn a_server_s_short_auth_is_valid_and_its_own_shortest_form() {
        assert_eq!(judged(PLAIN, b"s2c F000\nc2s F000\n"), "valid f000\nreject 0x82 MQTT3.15.2.2.2\n");
    }

    #[test]
    fn a_strict_judge_refuses_what_may_be_refused() {
        let options = Options { max_packet_size: MAXIMUM_PACKET_SIZE, strict: true };
        assert_eq!(judged(PLAIN, b"s2c 300400010100\n"), "valid 300400010100\n");
        assert_eq!(judged(options, b"s2c 300400010100\n"), "reject 0x81 MQTT1.5.4\n");
        assert_eq!(judged(PLAIN, b"s2c 3007000161020101ff\n"), "valid 3007000161020101ff\n");
        assert_eq!(judged(options, b"s2c 3007000161020101ff\n"), "reject 0x99 MQTT3.3.2.3.2\n");
    }
}
