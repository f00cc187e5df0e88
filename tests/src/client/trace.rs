//! Whole packets out of a stream, for `--trace`.

use mqtt5_codec::{Decoder, Frame, Sender};

/// Bytes of one direction that are no whole packet yet.
#[derive(Debug)]
pub(super) struct Splitter {
    decoder: Decoder,
    bytes: Vec<u8>,
}

impl Splitter {
    pub(super) fn new(from: Sender) -> Self {
        Self { decoder: Decoder::new(from), bytes: Vec::new() }
    }

    /// Takes more of the stream, and gives each packet that is whole now to `each`.
    pub(super) fn push<E>(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.bytes.extend_from_slice(bytes);
        let mut rest = &*self.bytes;
        while let Ok(Frame::Whole { used, .. }) = self.decoder.frame(rest) {
            let (packet, after) = rest.split_at_checked(used).unwrap_or((rest, &[]));
            each(packet)?;
            rest = after;
        }
        let handled = self.bytes.len() - rest.len();
        self.bytes.drain(..handled);
        Ok(())
    }

    /// Takes out what is no whole packet.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_whole_however_they_went_in() {
        let stream = [0x30, 4, 0, 1, b'a', 0, 0xD0, 0, 0x40, 2, 0, 1, 0x30];
        for size in 1..=stream.len() {
            let mut splitter = Splitter::new(Sender::Server);
            let mut packets = Vec::new();
            for piece in stream.chunks(size) {
                splitter
                    .push(piece, |packet| {
                        packets.push(packet.to_vec());
                        Ok::<(), ()>(())
                    })
                    .unwrap();
            }
            assert_eq!(packets, [&stream[..6], &stream[6..8], &stream[8..12]]);
            assert_eq!(splitter.rest(), [0x30]);
            assert!(splitter.rest().is_empty());
        }
    }
}
