//! Bytes written in hex, in any of the ways in which tools print them and people paste them.

use mqtt5_codec::Sender;

/// Bytes of one line or more, and who sent them, if a line says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) from: Option<Sender>,
    pub(crate) bytes: Vec<u8>,
}

/// Why a text is not hex: the line, from 1, and what is wrong with it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(crate) struct NotHex {
    pub(crate) line: usize,
    what: String,
}

/// Reads hex digits in pairs, whatever stands between the pairs: spaces, colons, commas, `0x`, `\x`, quotes, brackets.
///
/// A line may begin with `c2s` or `s2c` (as for `conformance codec`), `client` or `server`, `>` or `<`; then it is a stream of
/// its own. The offsets and the text column of `xxd`, `hexdump -C` and Wireshark are passed over, and so is what follows `#`.
pub(crate) fn read(text: &str) -> Result<Vec<Piece>, NotHex> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let fail = |what: String| NotHex { line: at + 1, what };
        let line = line.split('#').next().unwrap_or_default().trim();
        let (from, line) = sender(line);
        let mut bytes = Vec::new();
        digits(without_columns(line), &mut bytes).map_err(fail)?;
        match pieces.last_mut() {
            Some(piece) if from.is_none() && piece.from.is_none() => piece.bytes.append(&mut bytes),
            _ if bytes.is_empty() => {}
            _ => pieces.push(Piece { from, bytes }),
        }
    }
    pieces.retain(|piece| !piece.bytes.is_empty());
    Ok(pieces)
}

/// Whether these bytes are a text that is meant as hex. A packet never is: its first bytes would have to be digits, of
/// which those that begin a packet say a length that the text then has not.
pub(crate) fn looks_like(bytes: &[u8]) -> bool {
    let sample = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if !sample.iter().all(printable) {
        return false;
    }
    let whole = core::str::from_utf8(bytes);
    whole.is_ok_and(|text| read(text).is_ok_and(|pieces| !pieces.is_empty()))
}

fn sender(line: &str) -> (Option<Sender>, &str) {
    for (mark, sender) in [
        ("c2s", Sender::Client),
        ("s2c", Sender::Server),
        ("client", Sender::Client),
        ("server", Sender::Server),
        (">", Sender::Client),
        ("<", Sender::Server),
    ] {
        if let Some(rest) = line.strip_prefix(mark) {
            return (Some(sender), rest.trim_start_matches([':', ' ', '\t']));
        }
    }
    (None, line)
}

/// A line of a hex dump without its offset and its text.
fn without_columns(line: &str) -> &str {
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (first, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let (offset, colon) = first.strip_suffix(':').map_or((first, false), |offset| (offset, true));
    // An offset has more digits than a byte, and a colon behind it (xxd) or two spaces (hexdump, Wireshark).
    let dump = is_hex(offset) && offset.len() >= 4 && (colon || rest.starts_with(' '));
    if !dump {
        // hexdump ends with an offset alone.
        return if is_hex(line) && line.len() == 8 && line.starts_with("0000") { "" } else { line };
    }
    let rest = rest.trim_start();
    if let Some((bytes, _)) = rest.split_once('|') {
        return bytes;
    }
    // xxd writes bytes in groups with one space between them, Wireshark one by one; the text stands behind two spaces, or more.
    // hexdump without -C has no text.
    match rest.match_indices("  ").map(|(at, _)| rest.split_at(at)).find(|(_, tail)| !is_bytes(tail)) {
        Some((bytes, _)) => bytes,
        None => rest,
    }
}

/// Whether nothing but pairs of digits stands here.
fn is_bytes(text: &str) -> bool {
    text.split_ascii_whitespace().all(|word| word.len() % 2 == 0 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn digits(line: &str, bytes: &mut Vec<u8>) -> Result<(), String> {
    let mut high: Option<u8> = None;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if high.is_none() && (rest.starts_with("0x") || rest.starts_with("0X") || rest.starts_with("\\x")) {
            rest = rest.get(2..).unwrap_or_default();
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match (c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()), high) {
            (Some(digit), None) => high = Some(digit),
            (Some(digit), Some(first)) => {
                bytes.push(first << 4 | digit);
                high = None;
            }
            (None, Some(_)) => return Err("an odd number of hexadecimal digits".into()),
            (None, None)
                if c.is_whitespace()
                    || matches!(c, ':' | ',' | ';' | '-' | '"' | '\'' | '[' | ']' | '{' | '}' | '&' | 'b') => {}
            (None, None) => return Err(format!("{c:?} is no hexadecimal digit")),
        }
    }
    if high.is_some() { Err("an odd number of hexadecimal digits".into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBACK: &[u8] = b"\x40\x02\x00\x07";

    #[test]
    fn hex_is_read_as_people_write_it() {
        for text in [
            "40020007",
            "40 02 00 07",
            "40:02:00:07",
            "0x40, 0x02, 0x00, 0x07",
            "[0x40,0x02,0x00,0x07]",
            "\"\\x40\\x02\\x00\\x07\"",
            "&[0x40, 0x02,\n 0x00, 0x07]",
            "40-02-00-07  # a PUBACK",
            "4002\r\n0007\r\n",
            "40 02 00 07\n\n",
        ] {
            let pieces = read(text).unwrap();
            assert_eq!(pieces, [Piece { from: None, bytes: PUBACK.to_vec() }], "{text}");
            assert!(looks_like(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_dumps_of_other_tools_are_read() {
        let bytes = b"\x30\x13\x00\x0boc2/cmd/all\x00{}abc".to_vec();
        for dump in [
            // xxd
            "00000000: 3013 000b 6f63 322f 636d 642f 616c 6c00  0...oc2/cmd/all.\n00000010: 7b7d 6162 63                             {}abc\n",
            // hexdump -C
            "00000000  30 13 00 0b 6f 63 32 2f  63 6d 64 2f 61 6c 6c 00  |0...oc2/cmd/all.|\n00000010  7b 7d 61 62 63                                    |{}abc|\n00000015\n",
            // Wireshark
            "0000   30 13 00 0b 6f 63 32 2f 63 6d 64 2f 61 6c 6c 00   0...oc2/cmd/all.\n0010   7b 7d 61 62 63                                    {}abc\n",
        ] {
            assert_eq!(read(dump).unwrap(), [Piece { from: None, bytes: bytes.clone() }], "{dump}");
        }
    }

    #[test]
    fn lines_may_say_who_sent_them() {
        let of = |from, bytes: &[u8]| Piece { from: Some(from), bytes: bytes.to_vec() };
        let expected = [of(Sender::Client, b"\xc0\x00"), of(Sender::Server, b"\xd0\x00")];
        for text in ["c2s c000\ns2c d000", "> c0 00\n< d0 00", "client: c000\nserver: d000"] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_hex_says_where() {
        assert_eq!(read("c000\nc0 z0").unwrap_err().to_string(), "line 2: 'z' is no hexadecimal digit");
        assert_eq!(read("c00").unwrap_err().to_string(), "line 1: an odd number of hexadecimal digits");
        for bytes in [&b"\xc0\x00"[..], b"", b"GET / HTTP/1.1\r\n", b"# nothing"] {
            assert!(!looks_like(bytes), "{bytes:?}");
        }
    }
}
