//! A codec under measurement, and the loop that is counted.

use core::hint::black_box;

use crate::Workload;

/// A codec, as the benchmark sees it. What `input`, `output` and `packet` do is outside of the measured part.
pub trait Subject {
    /// What it is called in tables.
    const NAME: &'static str;
    /// Bytes to decode: a stream, or whatever the codec reads from.
    type Input;
    /// A packet to encode, built beforehand.
    type Packet;
    /// Where packets are encoded to.
    type Output;

    /// The bytes of `packets` packets, ready to be decoded one by one; `None` if this codec can't decode such packets.
    fn input(workload: Workload, bytes: &'static [u8]) -> Option<Self::Input>;
    /// Decodes the next packet and reads every field and property of it, texts as bytes where the codec has them so.
    fn decode(input: &mut Self::Input);
    /// As [`decode`](Self::decode), every text as `&str`.
    fn decode_text(input: &mut Self::Input) {
        Self::decode(input);
    }
    /// What an application has in hand to make the packet of this workload; `None` if this codec can't encode such packets.
    fn packet(workload: Workload, bytes: &'static [u8]) -> Option<Self::Packet>;
    /// Room for any packet of the workloads.
    fn output() -> Self::Output;
    /// Makes the packet and encodes it into empty room, `times` times by [`repeat`]; gives the number of bytes written.
    fn encode(packet: &Self::Packet, output: &mut Self::Output, times: usize) -> usize;
}

/// The part that is counted: programs are run under callgrind with collection switched on in this function only.
#[inline(never)]
pub fn measured(times: usize, mut step: impl FnMut()) {
    for _ in 0..times {
        step();
    }
}

/// Makes and encodes a packet as often as asked for, in the loop that is counted: `encode` is for one packet type, chosen outside.
/// What it is made of can't be seen by the compiler.
#[inline(always)]
pub fn repeat<P>(times: usize, packet: &P, mut encode: impl FnMut(&P) -> usize) -> usize {
    let mut step = || black_box(encode(black_box(packet)));
    measured(times.saturating_sub(1), || {
        step();
    });
    step()
}

/// Runs `operation` (`decode`, `text` or `encode`) on a workload `reps` times; `None` when the codec can't do it.
#[must_use]
pub fn run<S: Subject>(operation: &str, workload: Workload, reps: usize) -> Option<()> {
    let bytes: &'static [u8] = workload.bytes().leak();
    match operation {
        "decode" => {
            let mut input = S::input(workload, bytes.repeat(reps).leak())?;
            measured(reps * workload.packets(), || S::decode(&mut input));
        }
        "text" => {
            let mut input = S::input(workload, bytes.repeat(reps).leak())?;
            measured(reps * workload.packets(), || S::decode_text(&mut input));
        }
        "encode" => {
            let packet = S::packet(workload, bytes)?;
            let mut output = S::output();
            black_box(S::encode(&packet, &mut output, reps));
        }
        _ => return None,
    }
    Some(())
}

/// The workload has no fault, so a codec that finds one is not measured at all.
#[cold]
pub fn refused() -> ! {
    eprintln!("our codec refuses a packet of the workload");
    std::process::abort()
}
