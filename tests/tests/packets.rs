//! Properties of the codec, for packets and bytes that no one thought of. PROPTEST_CASES says how many of each.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test and its helpers")]

use conformance::arbitrary::{self, Sent, any_packet, packet_from};
use conformance::laws;
use mqtt5_codec::{Decoded, Decoder, Sender};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

fn canonical(sent: &Sent) -> Vec<u8> {
    sent.with(|packet| laws::canonical(sent.from, packet)).unwrap()
}

fn sender() -> impl Strategy<Value = Sender> {
    prop_oneof![Just(Sender::Client), Just(Sender::Server)]
}

/// A stream of one side's packets.
fn stream() -> impl Strategy<Value = (Sender, Vec<Sent>)> {
    sender().prop_flat_map(|from| (Just(from), vec(packet_from(from), 0..8)))
}

#[test]
fn a_seed_chooses_a_packet_that_may_be_sent() {
    let mut kinds = std::collections::BTreeSet::new();
    for number in 0..200u8 {
        let mut seed = [0; 32];
        seed[0] = number;
        let sent = arbitrary::from_seed(&seed).unwrap();
        kinds.insert(canonical(&sent)[0] >> 4);
    }
    assert_eq!(kinds.len(), 15, "{kinds:?}");
}

/// What happens to a packet's bytes on the way.
#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    /// Exchange two stretches, which may move one property behind another.
    Rotate(Index, Index, Index),
    Cut(Index),
    /// Correct the remaining length, where it takes one byte.
    Mend,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        3 => (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        3 => (index(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        1 => (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        1 => index().prop_map(Mutation::Remove),
        1 => (index(), index(), index()).prop_map(|(a, b, c)| Mutation::Rotate(a, b, c)),
        1 => index().prop_map(Mutation::Cut),
        3 => Just(Mutation::Mend),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let len = bytes.len();
    match mutation {
        Mutation::Set(at, byte) => bytes[at.index(len)] = *byte,
        Mutation::Flip(at, bit) => bytes[at.index(len)] ^= 1 << bit,
        Mutation::Insert(at, byte) => bytes.insert(at.index(len), *byte),
        Mutation::Remove(at) => drop(bytes.remove(at.index(len))),
        Mutation::Rotate(a, b, c) => {
            let mut at = [a.index(len), b.index(len), c.index(len)];
            at.sort_unstable();
            bytes[at[0]..at[2]].rotate_left(at[1] - at[0]);
        }
        Mutation::Cut(at) => bytes.truncate(at.index(len)),
        Mutation::Mend => {
            if let Some(remaining) = len.checked_sub(2).and_then(|len| u8::try_from(len).ok()).filter(|&len| len < 0x80)
            {
                bytes[1] = remaining;
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_as_the_same(sent in any_packet()) {
        let bytes = canonical(&sent);
        sent.with(|packet| {
            let decoded = Decoder::new(sent.from).decode(&bytes);
            assert_eq!(decoded, Ok(Decoded::Packet { used: bytes.len(), packet: *packet }));
        }).unwrap();
    }

    #[test]
    fn every_proper_prefix_of_a_packet_is_its_beginning(sent in any_packet()) {
        let bytes = canonical(&sent);
        let decoder = Decoder::new(sent.from).strict(true).max_packet_size(bytes.len() as u32);
        for len in 0..bytes.len() {
            match decoder.decode(&bytes[..len]) {
                Ok(Decoded::Partial { need }) => prop_assert!(len < need && need <= bytes.len()),
                other => prop_assert!(false, "{len} of {}: {other:?}", bytes.len()),
            }
        }
    }

    #[test]
    fn what_follows_a_packet_does_not_change_it((sent, after) in (any_packet(), vec(any::<u8>(), 0..9))) {
        let bytes = canonical(&sent);
        let longer = [&bytes[..], &after].concat();
        prop_assert_eq!(Decoder::new(sent.from).decode(&longer), Decoder::new(sent.from).decode(&bytes));
    }

    #[test]
    fn any_split_of_a_stream_gives_the_same_packets(((from, stream), pieces) in (stream(), vec(0..=60_u8, 0..200))) {
        let bytes: Vec<u8> = stream.iter().flat_map(canonical).collect();
        laws::split(from, &bytes, &pieces);
        laws::split(from, &bytes, &vec![1; bytes.len().min(2_000)]);
    }

    #[test]
    fn any_bytes_are_a_packet_or_its_beginning_or_an_error((from, bytes) in (sender(), vec(any::<u8>(), 0..80))) {
        laws::decode(from, &bytes);
    }

    #[test]
    fn a_mutated_packet_is_an_error_or_means_what_it_says((sent, mutations) in (any_packet(), vec(mutation(), 1..5))) {
        let mut bytes = canonical(&sent);
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
            laws::decode(Sender::Client, &bytes);
            laws::decode(Sender::Server, &bytes);
        }
    }

    #[test]
    fn a_limit_of_its_own_size_admits_a_packet(sent in any_packet()) {
        let bytes = canonical(&sent);
        let size = bytes.len() as u32;
        prop_assert!(Decoder::new(sent.from).max_packet_size(size).decode(&bytes).is_ok());
        prop_assert!(Decoder::new(sent.from).max_packet_size(size - 1).decode(&bytes).is_err());
    }
}
