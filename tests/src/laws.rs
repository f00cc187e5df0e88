//! Laws that hold for every input, whoever makes it up: property tests and fuzz targets call them alike.

use mqtt5_codec::{Decoded, Decoder, EncodeError, Packet, Rule, Sender};

/// Decodes whatever stands at the front of any bytes, strictly and not.
///
/// # Panics
/// When a law is broken: a partial packet needs more than there is; an error says where, within the input; what a strict
/// decoder accepts another accepts as the same; and an accepted packet obeys [`canonical`].
pub fn decode(from: Sender, input: &[u8]) {
    let lenient = Decoder::new(from).decode(input);
    match lenient {
        Ok(Decoded::Partial { need }) => assert!(need > input.len(), "{need}"),
        Ok(Decoded::Packet { used, packet }) => {
            assert!(used <= input.len());
            let length = canonical(from, &packet).len();
            assert!(length <= used, "{length} bytes say what {used} did");
        }
        Err(error) => {
            assert!(error.at <= input.len(), "{error}");
            assert!(error.reason.is_error() && error.to_string().ends_with(']'), "{error}");
        }
    }
    match (Decoder::new(from).strict(true).decode(input), lenient) {
        (Ok(strict), Ok(lenient)) => assert_eq!(strict, lenient),
        (Err(strict), Err(lenient)) => assert_eq!(strict, lenient),
        (Err(strict), Ok(_)) => assert!(strict.at < input.len(), "{strict}"),
        (Ok(strict), Err(lenient)) => assert_eq!(Err(lenient), Ok(strict)),
    }
}

/// Encodes a packet, and returns its bytes.
///
/// # Panics
/// When a law is broken: a packet that was decoded, or built of parts that may be sent, can be encoded; its length is
/// foretold; decoding gives an equal packet again, which is encoded to the same bytes; no sink that is too small is touched.
#[must_use]
pub fn canonical(from: Sender, packet: &Packet<'_>) -> Vec<u8> {
    let bytes = encode(from, packet);
    match Decoder::new(from).decode(&bytes) {
        Ok(Decoded::Packet { used, packet: again }) => {
            assert_eq!(used, bytes.len());
            assert_eq!(again, *packet);
            assert_eq!(encode(from, &again), bytes);
            // Printing reads every item of every list.
            assert!(!format!("{again:?}{packet:?}").is_empty());
        }
        other => assert_eq!(other.map(|_| ()).map_err(Some), Err(None), "{packet:?} was encoded to {bytes:02x?}"),
    }
    bytes
}

/// A server's AUTH without a method, which is taken and never sent.
const SHORT_AUTH: &[u8] = &[0xF0, 0];

fn encode(from: Sender, packet: &Packet<'_>) -> Vec<u8> {
    if Decoder::new(from).decode(SHORT_AUTH) == Ok(Decoded::Packet { used: 2, packet: *packet }) {
        assert_eq!(packet.encoded_len(from), Err(EncodeError::Refused(Rule::AUTH_METHOD)));
        return SHORT_AUTH.to_vec();
    }
    let need = match packet.encoded_len(from) {
        Ok(need) => need,
        Err(error) => {
            assert_eq!(Some(error), None, "{packet:?}");
            0
        }
    };
    let mut bytes = vec![0xA5; need];
    for room in [0, need / 2, need.saturating_sub(1)] {
        let mut sink = bytes.get_mut(..room).unwrap_or_default();
        assert_eq!(packet.encode(from, &mut sink), Err(EncodeError::Full { need }));
        assert_eq!(sink.len(), room);
    }
    assert!(bytes.iter().all(|&byte| byte == 0xA5));
    let mut sink = bytes.as_mut_slice();
    assert_eq!(packet.encode(from, &mut sink), Ok(need));
    assert!(sink.is_empty());
    bytes
}

/// Reads a stream of packets that arrives in pieces of these lengths, again and again; the rest comes as one.
///
/// # Panics
/// When the packets, or the fault that ends the stream, depend on the pieces.
pub fn split(from: Sender, stream: &[u8], pieces: &[u8]) {
    let whole = read(from, [stream]);
    let mut rest = stream;
    let chunks = pieces.iter().map_while(|&length| {
        let (chunk, after) = rest.split_at_checked(usize::from(length))?;
        rest = after;
        Some(chunk)
    });
    let mut chunks: Vec<_> = chunks.collect();
    chunks.push(rest);
    assert_eq!(read(from, chunks), whole);
}

/// Reads packets as a host does: bytes are added to an inbox, and what is whole is taken from its front. Returns each packet's
/// canonical form, and how the stream ends.
fn read<'s>(from: Sender, chunks: impl IntoIterator<Item = &'s [u8]>) -> (Vec<Vec<u8>>, String) {
    let decoder = Decoder::new(from);
    let (mut inbox, mut packets) = (Vec::new(), Vec::new());
    let mut wanted = 0;
    for chunk in chunks {
        inbox.extend_from_slice(chunk);
        loop {
            match decoder.decode(&inbox) {
                Ok(Decoded::Partial { need }) => {
                    assert!(need > inbox.len());
                    wanted = need;
                    break;
                }
                Ok(Decoded::Packet { used, packet }) => {
                    packets.push(encode(from, &packet));
                    inbox.drain(..used);
                }
                Err(error) => return (packets, error.to_string()),
            }
        }
    }
    (packets, format!("{} of {wanted} bytes", inbox.len()))
}

/// The side that the first byte of some input names, for a fuzz target: its lowest bit says that the server sends.
#[must_use]
pub fn sender(input: &[u8]) -> Option<(Sender, &[u8])> {
    let (from, rest) = input.split_first()?;
    Some((if from & 1 == 0 { Sender::Client } else { Sender::Server }, rest))
}
